//! [pure] The names and groups of an actor are free before anybody learns of its end.

use super::{Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Seen, Time};

pub(super) struct Names;

impl Rule for Names {
    fn name(&self) -> &'static str {
        "names are free before others learn of the end"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Ended { held, .. } if *held > 0 => {
                Err(format!("{} has ended, and still has {held} names or groups", who.pid))
            }
            _ => Ok(()),
        }
    }

    fn forget(&mut self, _: NodeId) {}
}
