//! [pure] No two incarnations of a place overlap.

use super::{Home, Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Seen, Time};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Overlap {
    /// Who lives at each place.
    places: BTreeMap<(Home, u32), Who>,
    place_of: BTreeMap<Who, u32>,
}

impl Rule for Overlap {
    fn name(&self) -> &'static str {
        "incarnations of a place do not overlap"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Starting { place, .. } => {
                self.place_of.insert(who, *place);
                if let Some(before) = self.places.insert((who.home, *place), who) {
                    return Err(format!("{} starts, and {} has not ended", who.pid, before.pid));
                }
            }
            Seen::Ended { .. } => {
                if let Some(place) = self.place_of.remove(&who) {
                    self.places.remove(&(who.home, place));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.places.retain(|(home, _), _| home.node != node);
        self.place_of.retain(|who, _| who.home.node != node);
    }
}
