//! The numbers that this system knows lives of nodes by: what [`Pid::node`](ravelin_core::Pid::node) says.
//!
//! A life that is met has its number for as long as it is; see [`Hub`](super::hub::Hub) for how long that is. Of those that
//! are not, that were, or that others named, the last [`PAST_MAX`] are kept. A number is never given to another life.

use crate::name::NodeId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// So many lives that are not met are known by their numbers.
pub(super) const PAST_MAX: usize = 4096;

/// From numbers to lives of nodes and back. A number is given once and never to another life, so a pid that was kept
/// names the same life for as long as the system is there, or nobody.
pub(crate) struct Roster(RwLock<Known>);

struct Known {
    lives: BTreeMap<u32, Arc<NodeId>>,
    numbers: BTreeMap<Arc<NodeId>, u32>,
    /// The next number.
    next: u32,
    met: BTreeSet<u32>,
    /// Those that are known and not met, in the order in which they will be forgotten.
    past: VecDeque<u32>,
}

impl Known {
    fn add(&mut self, id: &NodeId) -> Option<u32> {
        let number = self.next;
        self.next = number.checked_add(1)?;
        let id = Arc::new(id.clone());
        self.lives.insert(number, id.clone());
        self.numbers.insert(id, number);
        Some(number)
    }

    fn put_behind(&mut self, number: u32) {
        self.past.push_back(number);
        if self.past.len() > PAST_MAX
            && let Some(oldest) = self.past.pop_front()
            && let Some(id) = self.lives.remove(&oldest)
        {
            self.numbers.remove(&id);
        }
    }
}

impl Roster {
    /// One in which `me` has the number 0.
    pub(crate) fn new(me: NodeId) -> Roster {
        let (lives, numbers) = (BTreeMap::new(), BTreeMap::new());
        let mut known = Known { lives, numbers, next: 0, met: BTreeSet::from([0]), past: VecDeque::new() };
        known.add(&me);
        Roster(RwLock::new(known))
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life that has this number; `None`: it was never given, or the life is forgotten.
    pub(crate) fn life(&self, number: u32) -> Option<Arc<NodeId>> {
        self.read().lives.get(&number).cloned()
    }

    /// The number of this life, if it has one.
    pub(crate) fn find(&self, id: &NodeId) -> Option<u32> {
        self.read().numbers.get(id).copied()
    }

    /// The number of this life, which somebody named; it gets one if it has none. `None`: there are no more, after four
    /// thousand million.
    pub(crate) fn number(&self, id: &NodeId) -> Option<u32> {
        if let Some(number) = self.find(id) {
            return Some(number);
        }
        let mut known = self.write();
        if let Some(number) = known.numbers.get(id) {
            return Some(*number);
        }
        let number = known.add(id)?;
        known.put_behind(number);
        Some(number)
    }

    /// As [`number`](Roster::number), of a life that is met, and is known until it is [let go](Roster::let_go).
    pub(super) fn meet(&self, id: &NodeId) -> Option<(u32, Arc<NodeId>)> {
        let mut known = self.write();
        let number = match known.numbers.get(id) {
            Some(number) => *number,
            None => known.add(id)?,
        };
        if known.met.insert(number) {
            known.past.retain(|past| *past != number);
        }
        let life = known.lives.get(&number)?.clone();
        Some((number, life))
    }

    /// This life is met no more.
    pub(super) fn let_go(&self, number: u32) {
        let mut known = self.write();
        if number != 0 && known.met.remove(&number) {
            known.put_behind(number);
        }
    }

    /// The life of this number, unless it can not be reached any more: it is forgotten, or a later one of its name is met.
    pub(super) fn to_come(&self, number: u32) -> Option<Arc<NodeId>> {
        let known = self.read();
        let life = known.lives.get(&number)?;
        let mut later =
            known.numbers.range(life.clone()..).skip(1).take_while(|(id, _)| id.name == life.name);
        (!later.any(|(_, number)| known.met.contains(number))).then(|| life.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Incarnation;

    fn id(name: &str, life: u64) -> NodeId {
        NodeId { name: name.parse().unwrap(), incarnation: Incarnation(life) }
    }

    #[test]
    fn a_life_has_one_number_and_the_next_life_another_one() {
        let roster = Roster::new(id("me", 1));
        assert_eq!(roster.find(&id("me", 1)), Some(0));
        assert_eq!(roster.find(&id("a", 1)), None);
        for (life, number) in [(1, 1), (2, 2), (1, 1)] {
            assert_eq!(roster.number(&id("a", life)), Some(number));
            assert_eq!(*roster.life(number).unwrap(), id("a", life));
        }
        assert_eq!(roster.life(3), None);
    }

    #[test]
    fn who_is_met_is_known_and_of_the_others_so_many() {
        let roster = Roster::new(id("me", 1));
        let (kept, _) = roster.meet(&id("kept", 1)).unwrap();
        let (gone, _) = roster.meet(&id("gone", 1)).unwrap();
        roster.let_go(gone);
        let most = PAST_MAX as u64;
        for life in 1..=2 * most {
            roster.number(&id("named", life)).unwrap();
        }
        let known = roster.read();
        assert_eq!(
            (known.lives.len(), known.numbers.len(), known.past.len()),
            (PAST_MAX + 2, PAST_MAX + 2, PAST_MAX)
        );
        drop(known);
        assert_eq!([0, kept].map(|number| roster.life(number).is_some()), [true; 2]);
        assert_eq!(roster.life(gone), None);
        // Who comes again after that is somebody new; the number is nobody's for ever.
        assert!(roster.number(&id("gone", 1)).unwrap() > gone + 2 * PAST_MAX as u32);
        assert_eq!(roster.life(gone), None);
        let last = roster.find(&id("named", 2 * most)).unwrap();
        assert_eq!(roster.meet(&id("named", 2 * most)).unwrap().0, last);
    }

    #[test]
    fn a_life_that_another_followed_is_not_to_come() {
        let roster = Roster::new(id("me", 1));
        let numbers = [1, 2, 3].map(|life| roster.meet(&id("a", life)).unwrap().0);
        let (third, unmet) = (roster.number(&id("b", 1)).unwrap(), roster.number(&id("a", 4)).unwrap());
        let to_come = |numbers: [u32; 3]| numbers.map(|number| roster.to_come(number).is_some());
        assert_eq!(to_come(numbers), [false, false, true]);
        assert_eq!(to_come([third, unmet, 77]), [true, true, false]);
        roster.let_go(numbers[2]);
        roster.let_go(numbers[1]);
        assert_eq!(to_come(numbers), [true; 3], "nobody that is met says otherwise");
    }
}
