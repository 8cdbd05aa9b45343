//! [pure] A life: it starts, is up, handles messages, ends, is gone; each once, and in this order.

use super::{Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Seen, Time};
use std::collections::BTreeMap;

/// Where an incarnation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Starting,
    Up,
    Ended,
}

#[derive(Default)]
pub(super) struct Lives {
    living: BTreeMap<Who, Stage>,
}

impl Rule for Lives {
    fn name(&self) -> &'static str {
        "an actor handles messages between its init and its end"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        let stage = self.living.get(&who).copied();
        let (is_right, next) = match seen {
            Seen::Starting { .. } => (stage.is_none(), Some(Stage::Starting)),
            Seen::Up => (stage == Some(Stage::Starting), Some(Stage::Up)),
            Seen::Begun { .. } | Seen::Delayed { .. } => (stage == Some(Stage::Up), stage),
            Seen::Ended { .. } => (matches!(stage, Some(Stage::Starting | Stage::Up)), Some(Stage::Ended)),
            Seen::Gone => (stage == Some(Stage::Ended), None),
            _ => return Ok(()),
        };
        match next {
            Some(next) => drop(self.living.insert(who, next)),
            None => drop(self.living.remove(&who)),
        }
        if is_right { Ok(()) } else { Err(format!("{}: {seen:?}, where it is {stage:?}", who.pid)) }
    }

    fn forget(&mut self, node: NodeId) {
        self.living.retain(|who, _| who.home.node != node);
    }
}
