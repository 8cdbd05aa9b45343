//! [pure] A model of one mailbox: who waits in it, in which order.

use super::{Home, Who};
use crate::log::NodeId;
use ravelin_core::{Class, Seen};
use std::collections::{BTreeMap, VecDeque};

/// How many of the oldest messages a policy looks at for one to discard.
const LOOKED_AT: usize = 32;

/// How many lines are followed. With more it is not known any more which messages wait, only how many.
const POSSIBLE_MAX: usize = 64;

/// A message in the line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Waiting {
    message: &'static str,
    is_exempt: bool,
    class: Class,
}

/// The messages that wait for one incarnation. When one is discarded it does not always show which: then there are
/// several lines that it may be.
#[derive(Clone, Debug)]
pub(super) struct Line {
    possible: Vec<Maybe>,
}

impl Default for Line {
    fn default() -> Line {
        Line { possible: vec![Maybe::default()] }
    }
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
                let kept = self.kept.remove(&place).unwrap_or_default();
                line.possible = vec![Maybe { kept, ..Maybe::default() }];
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
        let (mut next, mut why) = (Vec::new(), String::new());
        for maybe in self.possible.drain(..) {
            match maybe.see(seen) {
                Ok(after) => {
                    for each in after {
                        if !next.contains(&each) {
                            next.push(each);
                        }
                    }
                }
                Err(each) => why = each,
            }
        }
        if next.len() > POSSIBLE_MAX {
            next = next.into_iter().take(1).map(Maybe::counted).collect();
        }
        self.possible = next;
        if self.possible.is_empty() {
            self.possible.push(Maybe::default());
            return Err(why);
        }
        Ok(())
    }

    /// How many messages wait, or come back, for which there is always room.
    pub(super) fn exempt(&self) -> usize {
        self.possible.iter().map(Maybe::exempt).max().unwrap_or_default()
    }
}

/// A line that may be the one that is there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Maybe {
    /// Kept from an incarnation before, or counted, and first; which they are is not known.
    kept: usize,
    waiting: VecDeque<Waiting>,
    aside: Vec<Waiting>,
}

impl Maybe {
    fn see(mut self, seen: &Seen<'_>) -> Result<Vec<Maybe>, String> {
        match seen {
            Seen::Accepted { message, is_exempt, class, .. } => {
                self.waiting.push_back(Waiting { message, is_exempt: *is_exempt, class: *class });
            }
            Seen::Begun { message } => drop(self.take_first(message, "handles")?),
            Seen::Delayed { message } => {
                let first = self.take_first(message, "puts off")?;
                self.aside.push(first);
            }
            Seen::Returned { message } => {
                let at = self.aside.iter().position(|each| each.message == *message);
                let at = at.ok_or_else(|| format!("a {message} came back that was not put off"))?;
                // What comes back is let in whatever the capacity.
                let back = Waiting { is_exempt: true, ..self.aside.remove(at) };
                self.waiting.push_back(back);
            }
            Seen::Discarded { .. } if self.kept > 0 => self.kept -= 1,
            Seen::Discarded { message } => return self.discard(message),
            _ => {}
        }
        Ok(vec![self])
    }

    /// All that is known of each of several: how many messages wait.
    fn counted(self) -> Maybe {
        Maybe { kept: self.kept + self.waiting.len(), waiting: VecDeque::new(), aside: self.aside }
    }

    /// The first of the line may be in the receiver's hand already; then the policy takes one from the second on. A fault
    /// takes the first, whatever it is.
    fn discard(self, message: &str) -> Result<Vec<Maybe>, String> {
        let mut ats: Vec<usize> = [Some(0), self.victim(0), self.victim(1)].into_iter().flatten().collect();
        ats.sort_unstable();
        ats.dedup();
        ats.retain(|at| self.waiting.get(*at).is_some_and(|each| each.message == message));
        if ats.is_empty() {
            return Err(format!("a {message} is discarded that is not the one to go"));
        }
        Ok(ats
            .into_iter()
            .map(|at| {
                let mut after = self.clone();
                after.waiting.remove(at);
                after
            })
            .collect())
    }

    /// The one that a policy discards, of those that have so many before them: the oldest of the class bulk, else the
    /// oldest that is not of the class control.
    fn victim(&self, before: usize) -> Option<usize> {
        let first_of = |class| {
            let mut looked_at = self.waiting.iter().skip(before).take(LOOKED_AT);
            looked_at.position(|each| each.class == class).map(|at| at + before)
        };
        first_of(Class::Bulk).or_else(|| first_of(Class::Interactive))
    }

    fn take_first(&mut self, message: &'static str, does: &str) -> Result<Waiting, String> {
        if self.kept > 0 {
            self.kept -= 1;
            return Ok(Waiting { message, is_exempt: false, class: Class::Interactive });
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
    fn exempt(&self) -> usize {
        self.kept + self.waiting.iter().filter(|each| each.is_exempt).count() + self.aside.len()
    }
}
