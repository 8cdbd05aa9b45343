//! Doing what effects say: how a partition gets its state back.

use std::fmt;

use super::Keyspace;
use super::value::{Hash, Kind, List, Set};
use crate::effect::Effect;
use crate::reply::Blob;

/// An effect that can't follow what came before it: the journal is damaged or its rows belong to another
/// state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inconsistent(String);

impl fmt::Display for Inconsistent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what was kept contradicts itself: {}", self.0)
    }
}

impl std::error::Error for Inconsistent {}

impl Inconsistent {
    pub fn new(what: &str, key: &[u8]) -> Inconsistent {
        Inconsistent(format!("{what}, key '{}'", key.escape_ascii()))
    }
}

const NO_LIST: &str = "an element of something that is no list";
const NO_SET: &str = "a member of something that is no set";
const NO_HASH: &str = "a field of something that is no hash";

impl Keyspace {
    /// Does what `effect` says.
    pub fn replay(&mut self, effect: Effect) -> Result<(), Inconsistent> {
        match effect {
            Effect::PutString(key, value) => *self.replayed(&key, "a string where a collection is")? = value,
            Effect::PutItem(key, index, value) => {
                put_item(self.replayed(&key, NO_LIST)?, index, value)
                    .ok_or_else(|| Inconsistent::new("a gap in a list", &key))?;
            }
            Effect::RemoveItem(key, index) => {
                remove_item(self.replayed(&key, NO_LIST)?, index)
                    .ok_or_else(|| Inconsistent::new("a removal from the middle of a list", &key))?;
            }
            Effect::AddMember(key, member) => {
                self.replayed::<Set>(&key, NO_SET)?.insert(member);
            }
            Effect::RemoveMember(key, member) => {
                self.replayed::<Set>(&key, NO_SET)?.remove(&member);
            }
            Effect::PutField(key, field, value) => {
                self.replayed::<Hash>(&key, NO_HASH)?.insert(field, value);
            }
            Effect::RemoveField(key, field) => {
                self.replayed::<Hash>(&key, NO_HASH)?.remove(&field);
            }
            Effect::ExpireAt(key, at) if self.keys.contains_key(&key) => self.set_expiry(&key, Some(at)),
            Effect::ExpireAt(key, _) => return Err(Inconsistent::new("an expiry of no key", &key)),
            Effect::Persist(key) => self.set_expiry(&key, None),
            Effect::Drop(key) => {
                self.remove(&key);
            }
            Effect::Clear => *self = Keyspace::new(),
        }
        Ok(())
    }

    /// What a key holds; `otherwise` is what is wrong if that is of another kind.
    fn replayed<T: Kind>(&mut self, key: &Blob, otherwise: &str) -> Result<&mut T, Inconsistent> {
        self.held_mut(key.clone()).ok_or_else(|| Inconsistent::new(otherwise, key))
    }
}

/// `None`: that would leave a gap.
fn put_item(list: &mut List, index: i64, value: Blob) -> Option<()> {
    if list.items.is_empty() {
        list.first = index;
    }
    if index == list.end() {
        list.items.push_back(value);
    } else if index.wrapping_add(1) == list.first {
        list.push_left(value);
    } else {
        let place = usize::try_from(index.wrapping_sub(list.first)).ok()?;
        *list.items.get_mut(place)? = value;
    }
    Some(())
}

/// `None`: it is at neither end.
fn remove_item(list: &mut List, index: i64) -> Option<(i64, Blob)> {
    if index == list.first {
        list.pop_left()
    } else if index.wrapping_add(1) == list.end() {
        list.pop_right()
    } else {
        None
    }
}
