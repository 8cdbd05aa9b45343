//! One partition of a registry: who has which key. It knows no lock, no clock and no actor; whether somebody lives is
//! an argument.
//!
//! Both directions are kept together, so that they always agree: the entries of a key, and the keys of an owner. An
//! entry has a serial number, by which entries are in the order of registration. No order of a `HashMap` shows.

use super::{Change, Entry};
use ravelin_core::Pid;
use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// How many entries a key may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// One, of one living owner.
    Unique,
    /// Any number, also of one owner.
    Duplicate,
}

/// The entries of a key, by serial number. Most keys have one.
enum Slot<V> {
    One(u64, Entry<V>),
    Many(BTreeMap<u64, Entry<V>>),
}

/// One partition.
pub(crate) struct Table<K, V> {
    slots: HashMap<K, Slot<V>>,
    owned: HashMap<Pid, BTreeMap<u64, K>>,
}

/// An entry is in the table.
pub(crate) struct Inserted<K, V> {
    /// Whether it is the only one of its owner in this table.
    pub(crate) is_first_of_owner: bool,
    /// The entry of a dead owner that made room for it.
    pub(crate) displaced: Vec<(K, Entry<V>)>,
}

impl<V> Slot<V> {
    fn iter(&self) -> impl Iterator<Item = (u64, &Entry<V>)> {
        let (one, many) = match self {
            Slot::One(serial, entry) => (Some((*serial, entry)), None),
            Slot::Many(entries) => (None, Some(entries.iter().map(|(serial, entry)| (*serial, entry)))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    fn get(&self, serial: u64) -> Option<&Entry<V>> {
        match self {
            Slot::One(only, entry) => (*only == serial).then_some(entry),
            Slot::Many(entries) => entries.get(&serial),
        }
    }

    fn get_mut(&mut self, serial: u64) -> Option<&mut Entry<V>> {
        match self {
            Slot::One(only, entry) => (*only == serial).then_some(entry),
            Slot::Many(entries) => entries.get_mut(&serial),
        }
    }

    fn add(self, serial: u64, entry: Entry<V>) -> Slot<V> {
        Slot::Many(match self {
            Slot::One(only, first) => BTreeMap::from([(only, first), (serial, entry)]),
            Slot::Many(mut entries) => {
                entries.insert(serial, entry);
                entries
            }
        })
    }
}

impl<K: Clone + Eq + Hash, V> Table<K, V> {
    pub(crate) fn new() -> Table<K, V> {
        Table { slots: HashMap::new(), owned: HashMap::new() }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// The key is to have one owner, and this one lives.
    pub(crate) fn insert(
        &mut self,
        rule: Rule,
        key: K,
        entry: Entry<V>,
        serial: u64,
        is_alive: &dyn Fn(Pid) -> bool,
    ) -> Result<Inserted<K, V>, Pid> {
        let mut displaced = Vec::new();
        if rule == Rule::Unique {
            let owner = self.slots.get(&key).and_then(|slot| slot.iter().next()).map(|(_, entry)| entry.pid);
            match owner {
                Some(owner) if is_alive(owner) => return Err(owner),
                Some(owner) => displaced = self.remove(owner, &key, |_| true),
                None => {}
            }
        }
        let owned = self.owned.entry(entry.pid).or_default();
        let is_first_of_owner = owned.is_empty();
        owned.insert(serial, key.clone());
        let slot = match self.slots.remove(&key) {
            None => Slot::One(serial, entry),
            Some(slot) => slot.add(serial, entry),
        };
        self.slots.insert(key, slot);
        Ok(Inserted { is_first_of_owner, displaced })
    }

    /// Takes out the entries of this owner under this key that `wanted` picks.
    pub(crate) fn remove<Q>(
        &mut self,
        owner: Pid,
        key: &Q,
        mut wanted: impl FnMut(&V) -> bool,
    ) -> Vec<(K, Entry<V>)>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let Some(slot) = self.slots.get(key) else { return Vec::new() };
        let is_its = |(_, entry): &(u64, &Entry<V>)| entry.pid == owner && wanted(&entry.value);
        let serials: Vec<u64> = slot.iter().filter(is_its).map(|(serial, _)| serial).collect();
        serials.into_iter().filter_map(|serial| self.take(owner, serial)).collect()
    }

    /// Takes out all entries of this owner, oldest first.
    pub(crate) fn remove_owner(&mut self, owner: Pid) -> Vec<(K, Entry<V>)> {
        let serials: Vec<u64> =
            self.owned.get(&owner).into_iter().flat_map(|keys| keys.keys().copied()).collect();
        serials.into_iter().filter_map(|serial| self.take(owner, serial)).collect()
    }

    fn take(&mut self, owner: Pid, serial: u64) -> Option<(K, Entry<V>)> {
        let keys = self.owned.get_mut(&owner)?;
        let key = keys.remove(&serial)?;
        if keys.is_empty() {
            self.owned.remove(&owner);
        }
        let entry = match self.slots.remove(&key)? {
            Slot::One(_, entry) => Some(entry),
            Slot::Many(mut entries) => {
                let entry = entries.remove(&serial);
                if !entries.is_empty() {
                    self.slots.insert(key.clone(), Slot::Many(entries));
                }
                entry
            }
        };
        Some((key, entry?))
    }

    /// The entries of a key, oldest first, with their serial numbers.
    pub(crate) fn entries_of<Q>(&self, key: &Q) -> impl Iterator<Item = (u64, &Entry<V>)>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.slots.get(key).into_iter().flat_map(|slot| slot.iter())
    }

    /// Puts another value in the place of an entry's; gives the old one, or the new one back.
    pub(crate) fn replace<Q>(&mut self, key: &Q, serial: u64, value: V) -> Result<V, V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        match self.slots.get_mut(key).and_then(|slot| slot.get_mut(serial)) {
            Some(entry) => Ok(std::mem::replace(&mut entry.value, value)),
            None => Err(value),
        }
    }

    /// The keys of an owner, with their serial numbers.
    pub(crate) fn keys_of(&self, owner: Pid) -> impl Iterator<Item = (u64, &K)> {
        self.owned.get(&owner).into_iter().flatten().map(|(serial, key)| (*serial, key))
    }

    /// All owners, sorted.
    pub(crate) fn owners(&self) -> Vec<Pid> {
        let mut owners: Vec<Pid> = self.owned.keys().copied().collect();
        owners.sort();
        owners
    }

    /// How many entries an owner has.
    pub(crate) fn count_of(&self, owner: Pid) -> usize {
        self.owned.get(&owner).map_or(0, BTreeMap::len)
    }

    /// The entry with this number.
    pub(crate) fn entry(&self, key: &K, serial: u64) -> Option<&Entry<V>> {
        self.slots.get(key)?.get(serial)
    }
}

/// What listeners learn of entries that were taken out.
pub(crate) fn gone<K: Clone, V>(removed: &[(K, Entry<V>)]) -> impl Iterator<Item = Change<K, V>> {
    removed.iter().map(|(key, entry)| Change::Unregistered { key: key.clone(), pid: entry.pid })
}

#[cfg(test)]
mod tests;
