//! Doing what effects say: how a partition gets its state back.

use std::fmt;

use super::value::{Hash, Kind, List, Set, Value};
use super::{Entry, Keyspace};
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

fn contradiction<T>(what: &str, key: &[u8]) -> Result<T, Inconsistent> {
    Err(Inconsistent::new(what, key))
}

impl Keyspace {
    /// Does what `effect` says.
    pub fn replay(&mut self, effect: Effect) -> Result<(), Inconsistent> {
        match effect {
            Effect::PutString { key, value } => match self.value(key.clone(), Kind::String) {
                Value::String(old) => *old = value,
                _ => return contradiction("a string where a collection is", &key),
            },
            Effect::PutItem { key, index, value } => {
                return put_item(self.list(key.clone())?, &key, index, value);
            }
            Effect::RemoveItem { key, index } => return remove_item(self.list(key.clone())?, &key, index),
            Effect::AddMember { key, member } => {
                self.set(key)?.insert(member);
            }
            Effect::RemoveMember { key, member } => {
                self.set(key)?.remove(&member);
            }
            Effect::PutField { key, field, value } => {
                self.hash(key)?.insert(field, value);
            }
            Effect::RemoveField { key, field } => {
                self.hash(key)?.remove(&field);
            }
            Effect::ExpireAt { key, at } if self.keys.contains_key(&key) => self.set_expiry(&key, Some(at)),
            Effect::ExpireAt { key, .. } => return contradiction("an expiry of no key", &key),
            Effect::Persist { key } => self.set_expiry(&key, None),
            Effect::Drop { key } => {
                self.remove(&key);
            }
            Effect::Clear => *self = Keyspace::new(),
        }
        Ok(())
    }

    fn value(&mut self, key: Blob, kind: Kind) -> &mut Value {
        let new = || Entry { value: Value::new(kind), expires_at: None };
        &mut self.keys.entry(key).or_insert_with(new).value
    }

    fn list(&mut self, key: Blob) -> Result<&mut List, Inconsistent> {
        match self.value(key.clone(), Kind::List) {
            Value::List(list) => Ok(list),
            _ => contradiction("an element of something that is no list", &key),
        }
    }

    fn set(&mut self, key: Blob) -> Result<&mut Set, Inconsistent> {
        match self.value(key.clone(), Kind::Set) {
            Value::Set(set) => Ok(set),
            _ => contradiction("a member of something that is no set", &key),
        }
    }

    fn hash(&mut self, key: Blob) -> Result<&mut Hash, Inconsistent> {
        match self.value(key.clone(), Kind::Hash) {
            Value::Hash(hash) => Ok(hash),
            _ => contradiction("a field of something that is no hash", &key),
        }
    }
}

fn put_item(list: &mut List, key: &[u8], index: i64, value: Blob) -> Result<(), Inconsistent> {
    if list.items.is_empty() {
        list.first = index;
    }
    if index == list.end() {
        list.items.push_back(value);
    } else if index.wrapping_add(1) == list.first {
        list.push_left(value);
    } else {
        let place = usize::try_from(index.wrapping_sub(list.first)).ok();
        match place.and_then(|at| list.items.get_mut(at)) {
            Some(old) => *old = value,
            None => return contradiction("a gap in a list", key),
        }
    }
    Ok(())
}

fn remove_item(list: &mut List, key: &[u8], index: i64) -> Result<(), Inconsistent> {
    if !list.items.is_empty() && index == list.first {
        list.pop_left();
    } else if index.wrapping_add(1) == list.end() {
        list.pop_right();
    } else {
        return contradiction("a removal from the middle of a list", key);
    }
    Ok(())
}
