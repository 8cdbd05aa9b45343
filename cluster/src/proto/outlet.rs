//! `[pure]` What one peer has yet to be told of a map that this node alone writes: first all of it, then each change.
//!
//! It holds keys, never values: what is told is what is true when the link has room. So a peer that is slow costs one
//! key for each entry that changed, however often it changed, and a snapshot costs nothing.

use std::collections::BTreeMap;

/// How far the first telling is: it goes through the keys in their order.
#[derive(Clone, Debug)]
enum Told<K> {
    Nothing,
    UpTo(K),
    All,
}

/// What one peer has yet to be told.
#[derive(Clone, Debug)]
pub(crate) struct Outlet<K> {
    told: Told<K>,
    /// Changed since it was told: by when it last changed, and when.
    changed: BTreeMap<u64, K>,
    when: BTreeMap<K, u64>,
    next: u64,
}

/// What to tell next.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Telling<K> {
    /// The state of this key.
    Key(K),
    /// That all was told that there was at the beginning.
    AllTold,
}

impl<K: Clone + Ord> Outlet<K> {
    pub(crate) fn new() -> Outlet<K> {
        Outlet { told: Told::Nothing, changed: BTreeMap::new(), when: BTreeMap::new(), next: 0 }
    }

    /// This key has another value, or none. A key that the first telling has yet to come to needs no word.
    pub(crate) fn note(&mut self, key: &K) {
        let is_told = match &self.told {
            Told::Nothing => false,
            Told::UpTo(last) => key <= last,
            Told::All => true,
        };
        if !is_told {
            return;
        }
        if let Some(before) = self.when.insert(key.clone(), self.next) {
            self.changed.remove(&before);
        }
        self.changed.insert(self.next, key.clone());
        self.next += 1;
    }

    pub(crate) fn is_ready(&self) -> bool {
        !matches!(self.told, Told::All) || !self.changed.is_empty()
    }

    /// The next to tell. `after` gives the first key that stands after this one (or the first of all).
    pub(crate) fn pop(&mut self, after: impl FnOnce(Option<&K>) -> Option<K>) -> Option<Telling<K>> {
        let next = match &self.told {
            Told::Nothing => after(None),
            Told::UpTo(last) => after(Some(last)),
            Told::All => {
                let (_, key) = self.changed.pop_first()?;
                self.when.remove(&key);
                return Some(Telling::Key(key));
            }
        };
        let Some(key) = next else {
            self.told = Told::All;
            return Some(Telling::AllTold);
        };
        self.told = Told::UpTo(key.clone());
        Some(Telling::Key(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_changes_often_is_told_once_and_in_the_turn_of_its_last_change() {
        let mut outlet = Outlet::new();
        assert_eq!(outlet.pop(|_| None), Some(Telling::AllTold));
        for key in [1, 2, 1, 3, 1] {
            outlet.note(&key);
        }
        let told: Vec<_> = std::iter::from_fn(|| outlet.pop(|_| None)).collect();
        assert_eq!(told, [Telling::Key(2), Telling::Key(3), Telling::Key(1)]);
        assert!(!outlet.is_ready());
    }
}
