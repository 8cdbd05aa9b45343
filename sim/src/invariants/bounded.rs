//! [pure] Bounded by default: a mailbox holds no more than its capacity, beside what there is always room for.

use super::line::Lines;
use super::{Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Class, Seen, Time};
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct Bounded {
    lines: Lines,
    /// Those that took a message of class control in this life: where the policy discards one for a new one, what is over
    /// the limit stays over it until it is handled.
    reserves: BTreeSet<Who>,
}

impl Rule for Bounded {
    fn name(&self) -> &'static str {
        "a mailbox holds no more than its capacity"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        // Whether the line is in order is another rule's business.
        let Some((line, _)) = self.lines.see(who, seen) else { return Ok(()) };
        if let Seen::Gone = seen {
            self.reserves.remove(&who);
        }
        if let Seen::Accepted { message, is_exempt: false, class, len, limit: Some(limit), .. } = seen {
            if *class == Class::Control {
                self.reserves.insert(who);
            }
            // One more: the message that is being handled may still count.
            let reserve = if self.reserves.contains(&who) { (*limit / 8).max(16) } else { 0 };
            let most = (*limit + reserve) as usize + 1 + line.exempt();
            if *len as usize > most {
                let pid = who.pid;
                return Err(format!("{pid}: a {message} makes it {len}, and {limit} is the limit"));
            }
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.lines.forget(node);
        self.reserves.retain(|who| who.home.node != node);
    }
}
