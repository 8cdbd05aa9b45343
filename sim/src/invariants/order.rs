//! [pure] Order, and at most once: an actor handles what its mailbox accepted, in that order, each message once.
//!
//! Messages are told apart by their type: two of one type that change places are not seen here.

use super::line::Lines;
use super::{Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Seen, Time};

#[derive(Default)]
pub(super) struct Order(Lines);

impl Rule for Order {
    fn name(&self) -> &'static str {
        "messages are handled in order and at most once"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        let Some((_, outcome)) = self.0.see(who, seen) else { return Ok(()) };
        outcome.map_err(|what| format!("{}: {what}", who.pid))
    }

    fn forget(&mut self, node: NodeId) {
        self.0.forget(node);
    }
}
