//! The numbers that this system knows lives of nodes by: what [`Pid::node`](ravelin_core::Pid::node) says.

use crate::name::NodeId;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// From numbers to lives of nodes and back. A number is given once and never to another life, so a pid that was kept
/// names the same life for as long as the system is there.
pub(crate) struct Roster(RwLock<Known>);

struct Known {
    lives: Vec<Arc<NodeId>>,
    numbers: BTreeMap<Arc<NodeId>, u32>,
}

impl Roster {
    /// One in which `me` has the number 0.
    pub(crate) fn new(me: NodeId) -> Roster {
        let me = Arc::new(me);
        Roster(RwLock::new(Known { lives: vec![me.clone()], numbers: BTreeMap::from([(me, 0)]) }))
    }

    /// The life that has this number.
    pub(crate) fn life(&self, number: u32) -> Option<Arc<NodeId>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.lives.get(usize::try_from(number).ok()?).cloned()
    }

    /// The number of this life, if it has one.
    pub(crate) fn find(&self, id: &NodeId) -> Option<u32> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).numbers.get(id).copied()
    }

    /// The number of this life; it gets one if it has none. `None`: there are no more, after four thousand million.
    pub(crate) fn number(&self, id: &NodeId) -> Option<u32> {
        if let Some(number) = self.find(id) {
            return Some(number);
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(id) {
            return Some(*number);
        }
        let number = u32::try_from(known.lives.len()).ok()?;
        let id = Arc::new(id.clone());
        known.lives.push(id.clone());
        known.numbers.insert(id, number);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Incarnation;

    #[test]
    fn a_life_has_one_number_and_the_next_life_another_one() {
        let id = |name: &str, life| NodeId { name: name.parse().unwrap(), incarnation: Incarnation(life) };
        let roster = Roster::new(id("me", 1));
        assert_eq!(roster.find(&id("me", 1)), Some(0));
        assert_eq!(roster.find(&id("a", 1)), None);
        for (life, number) in [(1, 1), (2, 2), (1, 1)] {
            assert_eq!(roster.number(&id("a", life)), Some(number));
            assert_eq!(*roster.life(number).unwrap(), id("a", life));
        }
        assert_eq!(roster.life(3), None);
    }
}
