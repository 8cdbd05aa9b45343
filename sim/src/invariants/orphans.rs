//! [pure] No orphans: when an actor has ended so have all the children that it adopted.

use super::{Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Seen, Time};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Orphans {
    /// Adopted children that live, and whose they are.
    parents: BTreeMap<Who, Who>,
}

impl Rule for Orphans {
    fn name(&self) -> &'static str {
        "nobody outlives its supervisor"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Starting { parent: Some(parent), is_adopted: true, .. } => {
                self.parents.insert(who, Who { pid: *parent, ..who });
            }
            Seen::Ended { .. } => {
                self.parents.remove(&who);
                if let Some((child, _)) = self.parents.iter().find(|(_, parent)| **parent == who) {
                    return Err(format!("{} has ended, and its child {} lives", who.pid, child.pid));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.parents.retain(|who, _| who.home.node != node);
    }
}
