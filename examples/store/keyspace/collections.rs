//! Commands on lists, sets and hashes.
//!
//! No collection is ever empty: when its last element goes, the key goes, with one `Drop` in place of the
//! last removal.

use bytes::Bytes;

use super::value::{Hash, Kind, List, Set, Value};
use super::{Outcome, Run, wrong_type};
use crate::command::End;
use crate::effect::Effect;
use crate::reply::{Blob, Reply};

impl Run<'_> {
    pub(super) fn list(&mut self, key: &[u8]) -> Result<Option<&List>, Reply> {
        match self.live(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::List(list)) => Ok(Some(list)),
            Some(_) => Err(wrong_type()),
        }
    }

    pub(super) fn set_of(&mut self, key: &[u8]) -> Result<Option<&Set>, Reply> {
        match self.live(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Set(set)) => Ok(Some(set)),
            Some(_) => Err(wrong_type()),
        }
    }

    pub(super) fn hash(&mut self, key: &[u8]) -> Result<Option<&Hash>, Reply> {
        match self.live(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Hash(hash)) => Ok(Some(hash)),
            Some(_) => Err(wrong_type()),
        }
    }

    pub(super) fn push(&mut self, key: &[u8], end: End, values: &[Bytes]) -> Outcome {
        self.list(key)?;
        let mut done = Vec::with_capacity(values.len());
        let (key, Value::List(list)) = self.value_or(key, Kind::List) else { return Err(wrong_type()) };
        for value in values {
            let value = Blob::from(&value[..]);
            let index = match end {
                End::Left => list.push_left(value.clone()),
                End::Right => list.push_right(value.clone()),
            };
            done.push(Effect::PutItem { key: key.clone(), index, value });
        }
        let length = list.len();
        self.effects.append(&mut done);
        Ok(Reply::count(length))
    }

    pub(super) fn pop(&mut self, key: &[u8], end: End, count: Option<usize>) -> Outcome {
        let Some(length) = self.list(key)?.map(List::len) else {
            return Ok(if count.is_some() { Reply::NullArray } else { Reply::Null });
        };
        let taken = self.take_items(key, end, count.unwrap_or(1).min(length));
        Ok(match count {
            Some(_) => Reply::Array(taken.into_iter().map(Reply::Bulk).collect()),
            None => Reply::maybe(taken.into_iter().next()),
        })
    }

    fn take_items(&mut self, key: &[u8], end: End, count: usize) -> Vec<Blob> {
        let (mut taken, mut done) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (key, Value::List(list)) = self.value_or(key, Kind::List) else { return taken };
        for _ in 0..count {
            let item = match end {
                End::Left => list.pop_left(),
                End::Right => list.pop_right(),
            };
            let Some((index, value)) = item else { break };
            done.push(Effect::RemoveItem { key: key.clone(), index });
            taken.push(value);
        }
        let empty = list.len() == 0;
        self.settle(&key, empty, done);
        taken
    }

    /// Records removals, or the end of the key when nothing is left of it.
    fn settle(&mut self, key: &[u8], empty: bool, mut removals: Vec<Effect>) {
        if empty {
            self.drop_key(key);
        } else {
            self.effects.append(&mut removals);
        }
    }

    pub(super) fn lrange(&mut self, key: &[u8], start: i64, stop: i64) -> Outcome {
        let Some(list) = self.list(key)? else { return Ok(Reply::Array(Vec::new())) };
        let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
        // Negative positions count from the end.
        let from_left = |at: i64| if at < 0 { at.saturating_add(length).max(0) } else { at };
        let stop = if stop < 0 { stop.saturating_add(length) } else { stop.min(length - 1) };
        let start = from_left(start);
        if start > stop {
            return Ok(Reply::Array(Vec::new()));
        }
        let items = list.items.range(start as usize..=stop as usize);
        Ok(Reply::Array(items.cloned().map(Reply::Bulk).collect()))
    }

    pub(super) fn sadd(&mut self, key: &[u8], members: &[Bytes]) -> Outcome {
        self.set_of(key)?;
        let mut done = Vec::new();
        let (key, Value::Set(set)) = self.value_or(key, Kind::Set) else { return Err(wrong_type()) };
        for member in members {
            if !set.contains(&member[..]) {
                let member = Blob::from(&member[..]);
                set.insert(member.clone());
                done.push(Effect::AddMember { key: key.clone(), member });
            }
        }
        let added = Reply::count(done.len());
        self.effects.append(&mut done);
        Ok(added)
    }

    pub(super) fn srem(&mut self, key: &[u8], members: &[Bytes]) -> Outcome {
        if self.set_of(key)?.is_none() {
            return Ok(Reply::Integer(0));
        }
        let mut done = Vec::new();
        let (key, Value::Set(set)) = self.value_or(key, Kind::Set) else { return Err(wrong_type()) };
        for member in members {
            if let Some(member) = set.take(&member[..]) {
                done.push(Effect::RemoveMember { key: key.clone(), member });
            }
        }
        let (removed, empty) = (Reply::count(done.len()), set.is_empty());
        self.settle(&key, empty, done);
        Ok(removed)
    }

    pub(super) fn smembers(&mut self, key: &[u8]) -> Outcome {
        let members = self.set_of(key)?.into_iter().flatten();
        Ok(Reply::Set(members.cloned().map(Reply::Bulk).collect()))
    }

    pub(super) fn hset(&mut self, key: &[u8], pairs: &[(Bytes, Bytes)]) -> Outcome {
        self.hash(key)?;
        let (mut added, mut done) = (0, Vec::with_capacity(pairs.len()));
        let (key, Value::Hash(hash)) = self.value_or(key, Kind::Hash) else { return Err(wrong_type()) };
        for (field, value) in pairs {
            let value = Blob::from(&value[..]);
            let known = hash.get_key_value(&field[..]).map(|(field, _)| field.clone());
            added += usize::from(known.is_none());
            let field = known.unwrap_or_else(|| field[..].into());
            hash.insert(field.clone(), value.clone());
            done.push(Effect::PutField { key: key.clone(), field, value });
        }
        self.effects.append(&mut done);
        Ok(Reply::count(added))
    }

    pub(super) fn hdel(&mut self, key: &[u8], fields: &[Bytes]) -> Outcome {
        if self.hash(key)?.is_none() {
            return Ok(Reply::Integer(0));
        }
        let mut done = Vec::new();
        let (key, Value::Hash(hash)) = self.value_or(key, Kind::Hash) else { return Err(wrong_type()) };
        for field in fields {
            if let Some((field, _)) = hash.remove_entry(&field[..]) {
                done.push(Effect::RemoveField { key: key.clone(), field });
            }
        }
        let (removed, empty) = (Reply::count(done.len()), hash.is_empty());
        self.settle(&key, empty, done);
        Ok(removed)
    }

    pub(super) fn hgetall(&mut self, key: &[u8]) -> Outcome {
        let pairs = self.hash(key)?.into_iter().flatten();
        let reply = |(field, value): (&Blob, &Blob)| (Reply::Bulk(field.clone()), Reply::Bulk(value.clone()));
        Ok(Reply::Map(pairs.map(reply).collect()))
    }
}
