//! One partition's keys.
//!
//! `apply` executes a command at a given time and says what it did as effects; `replay` does what effects
//! say. The promise between them: a keyspace that replays all effects of another is equal to it. There is no
//! clock, no file and no actor here, and no order that differs from run to run shows.
//!
//! A key that has expired is gone for every command, whether or not it was swept yet: the first command that
//! touches it removes it (`Effect::Drop`), `expire_some` removes those that nobody touches.

mod collections;
mod expiry;
mod replay;
mod strings;
mod value;

use std::collections::{BTreeSet, HashMap};

use crate::command::{KeyCommand, OnKey};
use crate::effect::Effect;
use crate::reply::{Blob, Reply};
pub use replay::Inconsistent;
use value::{Hash, Kind, List, Set, Value};

/// The keys of a partition.
#[derive(Debug, Default, PartialEq)]
pub struct Keyspace {
    /// Never iterated, so that its random order can't show. (Random, so that a client can't choose colliding
    /// keys.)
    keys: HashMap<Blob, Entry>,
    /// The keys that expire, soonest first.
    expiring: BTreeSet<(u64, Blob)>,
}

#[derive(Debug, PartialEq)]
struct Entry {
    value: Value,
    expires_at: Option<u64>,
}

/// The outcome of a command: an error is a reply like any other, but leaves nothing to do.
type Outcome = Result<Reply, Reply>;

/// The run of one command: the time it happens at and the effects it has.
struct Run<'a> {
    space: &'a mut Keyspace,
    now_ms: u64,
    effects: &'a mut Vec<Effect>,
}

impl Keyspace {
    pub fn new() -> Keyspace {
        Keyspace::default()
    }

    /// Executes a command. Its effects are appended to `effects`; they belong together and must be journalled
    /// in one group. A read may have effects too: dropping what has expired.
    pub fn apply(&mut self, now_ms: u64, command: &KeyCommand, effects: &mut Vec<Effect>) -> Reply {
        let mut run = Run { space: self, now_ms, effects };
        run.execute(command).unwrap_or_else(|error| error)
    }

    /// The number of keys; those that have expired and were not swept yet count, as they do in Redis.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many of the keys have an expiry, for `INFO`.
    pub fn expiring(&self) -> usize {
        self.expiring.len()
    }

    /// Removes a key and its place in the queue of expiries.
    fn remove(&mut self, key: &[u8]) -> Option<(Blob, Entry)> {
        let (key, entry) = self.keys.remove_entry(key)?;
        if let Some(at) = entry.expires_at {
            self.expiring.remove(&(at, key.clone()));
        }
        Some((key, entry))
    }

    /// What a key holds, made if the key is not there; `None` if it is of another kind.
    fn held_mut<T: Kind>(&mut self, key: Blob) -> Option<&mut T> {
        let new = || Entry { value: T::default().into_value(), expires_at: None };
        T::of_mut(&mut self.keys.entry(key).or_insert_with(new).value)
    }

    /// Sets or clears the expiry of a key that exists.
    fn set_expiry(&mut self, key: &Blob, at: Option<u64>) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        if let Some(old) = std::mem::replace(&mut entry.expires_at, at) {
            self.expiring.remove(&(old, key.clone()));
        }
        if let Some(at) = at {
            self.expiring.insert((at, key.clone()));
        }
    }
}

impl Run<'_> {
    fn execute(&mut self, command: &KeyCommand) -> Outcome {
        match command {
            KeyCommand::On(key, act) => self.act(key, act),
            KeyCommand::DbSize => Ok(Reply::count(self.space.len())),
            KeyCommand::Del(keys) => Ok(Reply::count(keys.iter().filter(|key| self.drop_key(key)).count())),
            KeyCommand::Exists(keys) => {
                Ok(Reply::count(keys.iter().filter(|key| self.live(key).is_some()).count()))
            }
            KeyCommand::FlushAll => Ok(self.flush_all()),
            KeyCommand::MGet(keys) => {
                Ok(Reply::Array(keys.iter().map(|key| self.string_or_null(key)).collect()))
            }
            KeyCommand::MSet(pairs) => Ok(self.mset(pairs)),
        }
    }

    fn act(&mut self, key: &[u8], act: &OnKey) -> Outcome {
        use OnKey as K;
        match act {
            K::Append(more) => self.append(key, more),
            K::Expire { after_ms, when, name } => self.expire(key, *after_ms, *when, name),
            K::Get => self.get(key),
            K::GetDel => self.get_del(key),
            K::HDel(fields) => self.hdel(key, fields),
            K::HGet(field) => {
                Ok(Reply::maybe(self.held::<Hash>(key)?.and_then(|hash| hash.get(&field[..]).cloned())))
            }
            K::HGetAll => self.hgetall(key),
            K::HLen => self.count::<Hash>(key),
            K::HSet(pairs) => self.hset(key, pairs),
            K::IncrBy(by) => self.incr_by(key, *by),
            K::LLen => self.count::<List>(key),
            K::LRange(start, stop) => self.lrange(key, *start, *stop),
            K::Persist => Ok(self.persist(key)),
            K::Pop(end, count) => self.pop(key, *end, *count),
            K::Push(end, values) => self.push(key, *end, values),
            K::SAdd(members) => self.sadd(key, members),
            K::SCard => self.count::<Set>(key),
            K::SIsMember(member) => {
                Ok(Reply::flag(self.held::<Set>(key)?.is_some_and(|set| set.contains(&member[..]))))
            }
            K::SMembers => self.smembers(key),
            K::SRem(members) => self.srem(key, members),
            K::Set(set) => self.set(key, set),
            K::StrLen => self.count::<Blob>(key),
            K::Ttl(unit) => Ok(self.ttl(key, *unit)),
            K::Type => Ok(Reply::Simple(self.live(key).map_or("none", |entry| entry.value.type_name()))),
        }
    }

    /// The entry of a key that is there and has not expired; an expired one is dropped on the way.
    fn live(&mut self, key: &[u8]) -> Option<&Entry> {
        let entry = self.space.keys.get(key)?;
        if entry.expires_at.is_some_and(|at| at <= self.now_ms) {
            self.drop_key(key);
            return None;
        }
        self.space.keys.get(key)
    }

    /// Removes a key with all it holds; false if it wasn't there or had expired.
    fn drop_key(&mut self, key: &[u8]) -> bool {
        let Some((key, entry)) = self.space.remove(key) else { return false };
        self.effects.push(Effect::Drop(key));
        entry.expires_at.is_none_or(|at| at > self.now_ms)
    }

    fn flush_all(&mut self) -> Reply {
        if self.space.len() > 0 {
            *self.space = Keyspace::new();
            self.effects.push(Effect::Clear);
        }
        Reply::OK
    }

    /// The stored copy of a key that exists.
    fn stored_key(&self, key: &[u8]) -> Blob {
        self.space.keys.get_key_value(key).map_or_else(|| key.into(), |(stored, _)| stored.clone())
    }

    /// What a key holds, if it is there.
    fn held<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&T>, Reply> {
        let Some(entry) = self.live(key) else { return Ok(None) };
        T::of(&entry.value).map(Some).ok_or_else(wrong_type)
    }

    /// The stored name of a key and what it holds, made if the key is not there.
    fn held_mut<T: Kind>(&mut self, key: &[u8]) -> Result<(Blob, &mut T), Reply> {
        self.live(key);
        let key = self.stored_key(key);
        let held = self.space.held_mut(key.clone()).ok_or_else(wrong_type)?;
        Ok((key, held))
    }

    /// How much a key holds.
    fn count<T: Kind>(&mut self, key: &[u8]) -> Outcome {
        Ok(Reply::count(self.held::<T>(key)?.map_or(0, T::size)))
    }
}

fn wrong_type() -> Reply {
    Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value")
}

#[cfg(test)]
pub(crate) mod tests;
