//! [pure] A model of one mailbox: who waits in it, in which order.

use ravelin_core::Seen;
use std::collections::VecDeque;

/// A message in the line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Waiting {
    message: &'static str,
    is_exempt: bool,
}

/// The messages that wait for one incarnation.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    waiting: VecDeque<Waiting>,
    aside: Vec<Waiting>,
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

    fn take_first(&mut self, message: &str, does: &str) -> Result<Waiting, String> {
        match self.waiting.pop_front() {
            Some(first) if first.message == message => Ok(first),
            Some(first) => Err(format!("it {does} a {message}, where a {} is next", first.message)),
            None => {
                Err(format!("it {does} a {message}, and nothing waits: not accepted, or for the second time"))
            }
        }
    }

    /// How many messages wait, or come back, for which there is always room.
    pub(super) fn exempt(&self) -> usize {
        self.waiting.iter().filter(|each| each.is_exempt).count() + self.aside.len()
    }
}
