//! [pure] Order, and at most once: an actor handles what its mailbox accepted, in that order, each message once.
//!
//! Messages are told apart by their type: two of one type that change places are not seen here.

use super::line::Line;
use super::{Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Seen, Time};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Order {
    lines: BTreeMap<Who, Line>,
}

impl Rule for Order {
    fn name(&self) -> &'static str {
        "messages are handled in order and at most once"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Ended { .. } => drop(self.lines.remove(&who)),
            Seen::Accepted { .. }
            | Seen::Begun { .. }
            | Seen::Delayed { .. }
            | Seen::Discarded { .. }
            | Seen::Returned { .. } => {
                let line = self.lines.entry(who).or_default();
                line.see(seen).map_err(|what| format!("{}: {what}", who.pid))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.lines.retain(|who, _| who.home.node != node);
    }
}
