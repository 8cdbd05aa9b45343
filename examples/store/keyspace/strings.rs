//! Commands on strings.

use bytes::Bytes;

use super::value::Value;
use super::{Entry, Outcome, Run};
use crate::command::{self, Expiry, SetCommand, SetWhen};
use crate::effect::Effect;
use crate::number;
use crate::reply::{Blob, Reply};

/// The longest string, as Redis has it.
const LONGEST: usize = 512 << 20;

impl Run<'_> {
    pub(super) fn get(&mut self, key: &[u8]) -> Outcome {
        Ok(Reply::maybe(self.held::<Blob>(key)?.cloned()))
    }

    /// `MGET` shows a key that holds no string as missing.
    pub(super) fn string_or_null(&mut self, key: &[u8]) -> Reply {
        self.get(key).unwrap_or(Reply::Null)
    }

    pub(super) fn get_del(&mut self, key: &[u8]) -> Outcome {
        let reply = self.get(key)?;
        self.drop_key(key);
        Ok(reply)
    }

    pub(super) fn mset(&mut self, pairs: &[(Bytes, Bytes)]) -> Reply {
        for (key, value) in pairs {
            self.live(key);
            self.replace(key, value[..].into(), None);
        }
        Reply::OK
    }

    pub(super) fn set(&mut self, key: &[u8], set: &SetCommand) -> Outcome {
        let old = if set.get { Some(self.get(key)?) } else { None };
        let entry = self.live(key);
        let (present, old_expiry) = (entry.is_some(), entry.and_then(|entry| entry.expires_at));
        let wanted = match set.when {
            SetWhen::Always => true,
            SetWhen::Missing => !present,
            SetWhen::Present => present,
        };
        if !wanted {
            return Ok(old.unwrap_or(Reply::Null));
        }
        let expires_at = match set.expiry {
            Expiry::Never => None,
            Expiry::Keep => old_expiry,
            Expiry::At(at) => Some(at.unsigned_abs()),
            Expiry::After(ms) => Some(self.after(ms).ok_or_else(|| command::invalid_expire("set"))?),
        };
        self.replace(key, set.value[..].into(), expires_at);
        Ok(old.unwrap_or(Reply::OK))
    }

    /// Puts a string in the place of whatever the key held. The key must be live or absent.
    fn replace(&mut self, key: &[u8], value: Blob, expires_at: Option<u64>) {
        let key = self.stored_key(key);
        let old = self
            .space
            .keys
            .get(&key)
            .map(|entry| (matches!(entry.value, Value::String(_)), entry.expires_at));
        match old {
            Some((false, _)) => {
                self.drop_key(&key);
            }
            Some((_, Some(_))) if expires_at.is_none() => {
                self.effects.push(Effect::Persist(key.clone()));
            }
            _ => {}
        }
        self.put(&key, value);
        if expires_at.is_some() || old.is_some_and(|(_, expiry)| expiry.is_some()) {
            self.space.set_expiry(&key, expires_at);
        }
        if let Some(at) = expires_at {
            self.effects.push(Effect::ExpireAt(key, at));
        }
    }

    /// Puts a string under a key that holds a string or nothing, and leaves its expiry alone.
    fn put(&mut self, key: &Blob, value: Blob) {
        self.effects.push(Effect::PutString(key.clone(), value.clone()));
        let value = Value::String(value);
        match self.space.keys.get_mut(key) {
            Some(entry) => entry.value = value,
            None => {
                self.space.keys.insert(key.clone(), Entry { value, expires_at: None });
            }
        }
    }

    pub(super) fn incr_by(&mut self, key: &[u8], by: i64) -> Outcome {
        let old = match self.held::<Blob>(key)? {
            None => 0,
            Some(value) => number::integer(value).ok_or(command::NOT_AN_INTEGER)?,
        };
        let Some(new) = old.checked_add(by) else {
            return Err(Reply::error("ERR increment or decrement would overflow"));
        };
        let key = self.stored_key(key);
        self.put(&key, new.to_string().into_bytes().into());
        Ok(Reply::Integer(new))
    }

    pub(super) fn append(&mut self, key: &[u8], more: &[u8]) -> Outcome {
        let old = self.held::<Blob>(key)?.cloned().unwrap_or_default();
        if old.len() + more.len() > LONGEST {
            return Err(Reply::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)"));
        }
        let value: Blob = [&old[..], more].concat().into();
        let length = Reply::count(value.len());
        let key = self.stored_key(key);
        self.put(&key, value);
        Ok(length)
    }
}
