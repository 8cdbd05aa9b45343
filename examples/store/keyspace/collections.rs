//! Commands on lists, sets and hashes.
//!
//! No collection is ever empty: when its last element goes, the key goes, with one `Drop` in place of the
//! last removal.

use bytes::Bytes;

use super::value::{Hash, Kind, List, Set};
use super::{Outcome, Run};
use crate::command::End;
use crate::effect::Effect;
use crate::reply::{Blob, Reply};

impl Run<'_> {
    pub(super) fn push(&mut self, key: &[u8], end: End, values: &[Bytes]) -> Outcome {
        let (key, list) = self.held_mut::<List>(key)?;
        let mut done = Vec::with_capacity(values.len());
        for value in values {
            let value = Blob::from(&value[..]);
            let index = match end {
                End::Left => list.push_left(value.clone()),
                End::Right => list.push_right(value.clone()),
            };
            done.push(Effect::PutItem(key.clone(), index, value));
        }
        let length = list.len();
        self.effects.append(&mut done);
        Ok(Reply::count(length))
    }

    pub(super) fn pop(&mut self, key: &[u8], end: End, count: Option<usize>) -> Outcome {
        if self.held::<List>(key)?.is_none() {
            return Ok(if count.is_some() { Reply::NullArray } else { Reply::Null });
        }
        let (key, list) = self.held_mut::<List>(key)?;
        let (mut taken, mut done) = (Vec::new(), Vec::new());
        for _ in 0..count.unwrap_or(1).min(list.len()) {
            let item = match end {
                End::Left => list.pop_left(),
                End::Right => list.pop_right(),
            };
            let Some((index, value)) = item else { break };
            done.push(Effect::RemoveItem(key.clone(), index));
            taken.push(Reply::Bulk(value));
        }
        let is_empty = list.len() == 0;
        self.settle(&key, is_empty, done);
        Ok(if count.is_some() { Reply::Array(taken) } else { taken.pop().unwrap_or(Reply::Null) })
    }

    /// Records removals, or the end of the key when nothing is left of it.
    fn settle(&mut self, key: &[u8], is_empty: bool, mut removals: Vec<Effect>) {
        if is_empty {
            self.drop_key(key);
        } else {
            self.effects.append(&mut removals);
        }
    }

    pub(super) fn lrange(&mut self, key: &[u8], start: i64, stop: i64) -> Outcome {
        let Some(list) = self.held::<List>(key)? else { return Ok(Reply::Array(Vec::new())) };
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
        let (key, set) = self.held_mut::<Set>(key)?;
        let mut done = Vec::new();
        for member in members {
            if !set.contains(&member[..]) {
                let member = Blob::from(&member[..]);
                set.insert(member.clone());
                done.push(Effect::AddMember(key.clone(), member));
            }
        }
        let added = Reply::count(done.len());
        self.effects.append(&mut done);
        Ok(added)
    }

    pub(super) fn srem(&mut self, key: &[u8], members: &[Bytes]) -> Outcome {
        self.remove_each(key, members, Set::take, Effect::RemoveMember)
    }

    pub(super) fn smembers(&mut self, key: &[u8]) -> Outcome {
        let members = self.held::<Set>(key)?.into_iter().flatten();
        Ok(Reply::Set(members.cloned().map(Reply::Bulk).collect()))
    }

    pub(super) fn hset(&mut self, key: &[u8], pairs: &[(Bytes, Bytes)]) -> Outcome {
        let (key, hash) = self.held_mut::<Hash>(key)?;
        let (mut added, mut done) = (0, Vec::with_capacity(pairs.len()));
        for (field, value) in pairs {
            let value = Blob::from(&value[..]);
            let known = hash.get_key_value(&field[..]).map(|(field, _)| field.clone());
            added += usize::from(known.is_none());
            let field = known.unwrap_or_else(|| field[..].into());
            hash.insert(field.clone(), value.clone());
            done.push(Effect::PutField(key.clone(), field, value));
        }
        self.effects.append(&mut done);
        Ok(Reply::count(added))
    }

    pub(super) fn hdel(&mut self, key: &[u8], fields: &[Bytes]) -> Outcome {
        let remove = |hash: &mut Hash, field: &[u8]| hash.remove_entry(field).map(|(field, _)| field);
        self.remove_each(key, fields, remove, Effect::RemoveField)
    }

    /// Removes elements: how many were there.
    fn remove_each<T: Kind>(
        &mut self,
        key: &[u8],
        elements: &[Bytes],
        remove: fn(&mut T, &[u8]) -> Option<Blob>,
        effect: fn(Blob, Blob) -> Effect,
    ) -> Outcome {
        if self.held::<T>(key)?.is_none() {
            return Ok(Reply::Integer(0));
        }
        let (key, held) = self.held_mut::<T>(key)?;
        let removed = elements.iter().filter_map(|element| remove(held, element));
        let done: Vec<_> = removed.map(|element| effect(key.clone(), element)).collect();
        let (count, is_empty) = (Reply::count(done.len()), held.size() == 0);
        self.settle(&key, is_empty, done);
        Ok(count)
    }

    pub(super) fn hgetall(&mut self, key: &[u8]) -> Outcome {
        let pairs = self.held::<Hash>(key)?.into_iter().flatten();
        let reply = |(field, value): (&Blob, &Blob)| (Reply::Bulk(field.clone()), Reply::Bulk(value.clone()));
        Ok(Reply::Map(pairs.map(reply).collect()))
    }
}
