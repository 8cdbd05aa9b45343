//! [pure] Bounded by default: a mailbox holds no more than its capacity, beside what there is always room for.

use super::line::Lines;
use super::{Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Seen, Time};

#[derive(Default)]
pub(super) struct Bounded(Lines);

impl Rule for Bounded {
    fn name(&self) -> &'static str {
        "a mailbox holds no more than its capacity"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        // Whether the line is in order is another rule's business.
        let Some((line, _)) = self.0.see(who, seen) else { return Ok(()) };
        if let Seen::Accepted { message, is_exempt: false, len, limit: Some(limit), .. } = seen {
            // One more: the message that is being handled may still count.
            let most = *limit as usize + 1 + line.exempt();
            if *len as usize > most {
                let pid = who.pid;
                return Err(format!("{pid}: a {message} makes it {len}, and {limit} is the limit"));
            }
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.0.forget(node);
    }
}
