//! [pure] Control first, and kill: an actor that was told to end handles no further message, and a kill takes effect at
//! its next await.

use super::{Rest, Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Seen, Signalled, Time};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Control {
    /// The strongest signal that each of the living got.
    told: BTreeMap<Who, Signalled>,
    /// Adopted children that live, and whose they are: an actor that is killed outlives them.
    children: BTreeMap<Who, Who>,
}

impl Rule for Control {
    fn name(&self) -> &'static str {
        "an order to end goes before all messages"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Starting { parent: Some(parent), is_adopted: true, .. } => {
                self.children.insert(who, Who { pid: *parent, ..who });
            }
            Seen::Signalled(signal) => {
                let told = self.told.entry(who).or_insert(*signal);
                if *told == Signalled::Stop {
                    *told = *signal;
                }
            }
            Seen::Begun { message } => {
                if let Some(signal) = self.told.get(&who) {
                    return Err(format!("{} handles a {message} after the signal {signal:?}", who.pid));
                }
            }
            Seen::Ended { .. } => {
                self.told.remove(&who);
                self.children.remove(&who);
            }
            _ => {}
        }
        Ok(())
    }

    fn rest(&mut self, rest: &Rest) -> Result<(), String> {
        for (who, signal) in &self.told {
            let is_cut = matches!(signal, Signalled::Die | Signalled::Kill);
            let waits_for_children = || self.children.values().any(|parent| parent == who);
            if is_cut && !rest.stalled.contains(&who.home.node) && !waits_for_children() {
                return Err(format!("{} still lives after the signal {signal:?}", who.pid));
            }
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.told.retain(|who, _| who.home.node != node);
        self.children.retain(|who, _| who.home.node != node);
    }
}
