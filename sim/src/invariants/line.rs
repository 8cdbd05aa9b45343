//! [pure] A model of one mailbox: who waits in it, in which order.

use super::{Home, Who};
use crate::log::NodeId;
use ravelin_core::Seen;
use std::collections::{BTreeMap, VecDeque};

/// A message in the line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Waiting {
    message: &'static str,
    is_exempt: bool,
}

/// The messages that wait for one incarnation.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Kept from an incarnation before, and first; which they are is not known.
    kept: usize,
    waiting: VecDeque<Waiting>,
    aside: Vec<Waiting>,
}

/// The lines of all who live.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: BTreeMap<Who, Line>,
    places: BTreeMap<Who, (Home, u32)>,
    /// How many messages stay at a place where nobody lives.
    kept: BTreeMap<(Home, u32), usize>,
}

impl Lines {
    /// Goes along with what happened to `who`; gives its line if that changed, and why it can not have.
    pub(super) fn see(&mut self, who: Who, seen: &Seen<'_>) -> Option<(&Line, Result<(), String>)> {
        match seen {
            Seen::Starting { place, .. } => {
                let place = (who.home, *place);
                let line = self.lines.entry(who).or_default();
                line.kept = self.kept.remove(&place).unwrap_or_default();
                self.places.insert(who, place);
                None
            }
            Seen::Ended { kept, .. } => {
                self.lines.remove(&who);
                if let (Some(place), true) = (self.places.remove(&who), *kept > 0) {
                    self.kept.insert(place, *kept as usize);
                }
                None
            }
            Seen::Accepted { .. }
            | Seen::Begun { .. }
            | Seen::Delayed { .. }
            | Seen::Discarded { .. }
            | Seen::Returned { .. } => {
                let line = self.lines.entry(who).or_default();
                let outcome = line.see(seen);
                Some((line, outcome))
            }
            _ => None,
        }
    }

    pub(super) fn forget(&mut self, node: NodeId) {
        self.lines.retain(|who, _| who.home.node != node);
        self.places.retain(|who, _| who.home.node != node);
        self.kept.retain(|(home, _), _| home.node != node);
    }
}

impl Line {
    /// Goes along with what happened; says why it can not have.
    pub(super) fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Accepted { message, is_exempt, .. } => {
                self.waiting.push_back(Waiting { message, is_exempt: *is_exempt });
                Ok(())
            }
            Seen::Begun { message } => self.take_first(message, "handles").map(drop),
            Seen::Delayed { message } => {
                let first = self.take_first(message, "puts off")?;
                self.aside.push(first);
                Ok(())
            }
            Seen::Returned { message } => {
                let at = self.aside.iter().position(|each| each.message == *message);
                let at = at.ok_or_else(|| format!("a {message} came back that was not put off"))?;
                // What comes back is let in whatever the capacity.
                self.waiting.push_back(Waiting { is_exempt: true, ..self.aside.remove(at) });
                Ok(())
            }
            Seen::Discarded { .. } if self.kept > 0 => {
                self.kept -= 1;
                Ok(())
            }
            Seen::Discarded { message } => {
                // The first of the line may be in the receiver's hand already; then the policy takes the second.
                let mut oldest = self.waiting.iter().take(2);
                let at = oldest.position(|each| each.message == *message);
                let at = at.ok_or_else(|| format!("a {message} is discarded that is not the oldest"))?;
                self.waiting.remove(at);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_first(&mut self, message: &'static str, does: &str) -> Result<Waiting, String> {
        if self.kept > 0 {
            self.kept -= 1;
            return Ok(Waiting { message, is_exempt: false });
        }
        match self.waiting.pop_front() {
            Some(first) if first.message == message => Ok(first),
            Some(first) => Err(format!("it {does} a {message}, where a {} is next", first.message)),
            None => {
                Err(format!("it {does} a {message}, and nothing waits: not accepted, or for the second time"))
            }
        }
    }

    /// How many messages wait, or come back, for which there is always room, or that were let in before.
    pub(super) fn exempt(&self) -> usize {
        self.kept + self.waiting.iter().filter(|each| each.is_exempt).count() + self.aside.len()
    }
}
