//! Expiry: setting, asking, and sweeping what is due.

use super::{Keyspace, Run};
use crate::command::{self, Compare, ExpireWhen, Unit};
use crate::effect::Effect;
use crate::reply::Reply;

impl Run<'_> {
    /// The time `ms` from now, if there is such a time. Redis's clock is an i64, and so is ours.
    pub(super) fn after(&self, ms: i64) -> Option<u64> {
        let at = i64::try_from(self.now_ms).ok()?.checked_add(ms)?;
        Some(u64::try_from(at).unwrap_or(0))
    }

    pub(super) fn expire(
        &mut self,
        key: &[u8],
        after_ms: i64,
        when: ExpireWhen,
        name: &str,
    ) -> super::Outcome {
        let at = self.after(after_ms).ok_or_else(|| command::invalid_expire(name))?;
        let Some(entry) = self.live(key) else { return Ok(Reply::flag(false)) };
        if !holds(when, entry.expires_at, at) {
            return Ok(Reply::flag(false));
        }
        if at <= self.now_ms {
            self.drop_key(key);
            return Ok(Reply::flag(true));
        }
        let key = self.stored_key(key);
        self.space.set_expiry(&key, Some(at));
        self.effects.push(Effect::ExpireAt(key, at));
        Ok(Reply::flag(true))
    }

    pub(super) fn persist(&mut self, key: &[u8]) -> Reply {
        if self.live(key).is_none_or(|entry| entry.expires_at.is_none()) {
            return Reply::flag(false);
        }
        let key = self.stored_key(key);
        self.space.set_expiry(&key, None);
        self.effects.push(Effect::Persist(key));
        Reply::flag(true)
    }

    /// -2: no such key; -1: it does not expire.
    pub(super) fn ttl(&mut self, key: &[u8], unit: Unit) -> Reply {
        let now = self.now_ms;
        let Some(entry) = self.live(key) else { return Reply::Integer(-2) };
        let Some(at) = entry.expires_at else { return Reply::Integer(-1) };
        let left = i64::try_from(at - now).unwrap_or(i64::MAX);
        Reply::Integer(match unit {
            Unit::Millis => left,
            // Rounded, as Redis does it: a key with 999 ms left has 1 s left.
            Unit::Seconds => left.saturating_add(500) / 1000,
        })
    }
}

fn holds(when: ExpireWhen, old: Option<u64>, new: u64) -> bool {
    let compares = |compare| match compare {
        Compare::Later => old.is_some_and(|old| new > old),
        Compare::Earlier => old.is_none_or(|old| new < old),
    };
    match when {
        ExpireWhen::Always => true,
        ExpireWhen::Unset => old.is_none(),
        ExpireWhen::Set { and } => old.is_some() && and.is_none_or(compares),
        ExpireWhen::If(compare) => compares(compare),
    }
}

impl Keyspace {
    /// When the next key expires: when to sweep next.
    pub fn next_expiry(&self) -> Option<u64> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// Drops at most `limit` keys that are due, soonest first, and says how many. A partition calls it
    /// between commands, so a limit keeps it from holding them up.
    pub fn expire_some(&mut self, now_ms: u64, limit: usize, effects: &mut Vec<Effect>) -> usize {
        for dropped in 0..limit {
            match self.expiring.first() {
                Some((at, key)) if *at <= now_ms => {
                    let key = key.clone();
                    let Some((key, _)) = self.remove(&key) else { return dropped };
                    effects.push(Effect::Drop(key));
                }
                _ => return dropped,
            }
        }
        limit
    }
}
