//! The ledger: every message that an actor accepts has exactly one counted fate.
//!
//! `accepted = handled + answered + expired + interrupted + discarded + dead_lettered + waiting` holds for an actor at
//! rest, and for a system at rest; a message that is being handled just now counts as waiting. What was refused was
//! handed back and is not in the balance. The counters are plain words written by the one who runs the actor: always
//! on, at the cost of a store per message.

use ravelin_mailbox::Shed;
use std::ops::{Add, AddAssign, Sub};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// How many messages met which fate, over all incarnations of a place, or of all places of a system.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ledger {
    /// Got into a mailbox, or were discarded there.
    pub accepted: u64,
    /// Casts and notices whose handler ran to its end.
    pub handled: u64,
    /// Calls whose handler ran to its end.
    pub answered: u64,
    /// Not handled when their turn came: older than their [`TTL`](crate::Message::TTL), or calls for whose answer nobody
    /// waited any more.
    pub expired: u64,
    /// Their handler was cut off by a panic or a kill.
    pub interrupted: u64,
    /// Discarded by the mailbox's overflow policy.
    pub discarded: u64,
    /// Accepted, and left when the actor ended.
    pub dead_lettered: u64,
    /// In the mailbox, or being handled.
    pub waiting: u64,
    /// What did not get through, by class. Those refused were handed back: they are counted here and are no part of the
    /// balance.
    pub shed: Shed,
}

impl Ledger {
    /// Whether every accepted message has one fate.
    pub fn is_balanced(&self) -> bool {
        let fates = self.handled
            + self.answered
            + self.expired
            + self.interrupted
            + self.discarded
            + self.dead_lettered;
        self.accepted == fates + self.waiting
    }
}

impl Add for Ledger {
    type Output = Ledger;
    fn add(self, other: Ledger) -> Ledger {
        self.each(&other, Add::add, self.shed + other.shed)
    }
}

impl Ledger {
    /// Without what `part`, a part of it, counted.
    pub(crate) fn without(self, part: &Ledger) -> Ledger {
        self.each(part, Sub::sub, self.shed - part.shed)
    }

    /// Fate by fate.
    fn each(&self, other: &Ledger, op: fn(u64, u64) -> u64, shed: Shed) -> Ledger {
        Ledger {
            accepted: op(self.accepted, other.accepted),
            handled: op(self.handled, other.handled),
            answered: op(self.answered, other.answered),
            expired: op(self.expired, other.expired),
            interrupted: op(self.interrupted, other.interrupted),
            discarded: op(self.discarded, other.discarded),
            dead_lettered: op(self.dead_lettered, other.dead_lettered),
            waiting: op(self.waiting, other.waiting),
            shed,
        }
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Ledger) {
        *self = *self + other;
    }
}

/// How hard a place is pressed just now, and what that has cost so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pressure {
    /// How many messages wait.
    pub waiting: u32,
    /// How many of the usual class may wait; `None` in a mailbox without a limit. Of the last incarnation, where nobody
    /// lives.
    pub limit: Option<u32>,
    /// What did not get through, over all incarnations.
    pub shed: Shed,
}

/// The counters of a place, written by who runs it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    begun: AtomicU64,
    handled: AtomicU64,
    answered: AtomicU64,
    expired: AtomicU64,
    /// At most one of each incarnation's.
    interrupted: AtomicU32,
    /// How often a callback came to an await and had to wait; goes round.
    waits: AtomicU32,
    dead_lettered: AtomicU64,
    /// Messages that an actor gave itself to go on with, which no mailbox counted.
    continued: AtomicU64,
}

/// One writer at a time, so no read-modify-write is needed.
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

impl Counters {
    #[inline(always)]
    pub(crate) fn begun(&self) {
        bump(&self.begun);
    }

    #[inline(always)]
    pub(crate) fn handled(&self) {
        bump(&self.handled);
    }

    #[inline(always)]
    pub(crate) fn answered(&self) {
        bump(&self.answered);
    }

    #[cold]
    pub(crate) fn expired(&self) {
        bump(&self.expired);
    }

    /// A message that was received, and then handled by nobody.
    pub(crate) fn left(&self) {
        self.begun.store(self.begun.load(Relaxed).saturating_sub(1), Relaxed);
        bump(&self.dead_lettered);
    }

    /// How many messages have begun to be handled.
    pub(crate) fn begun_so_far(&self) -> u64 {
        self.begun.load(Relaxed)
    }

    /// How many messages are being handled.
    pub(crate) fn in_hand(&self) -> u64 {
        let begun = self.begun.load(Relaxed);
        begun.saturating_sub(self.ended())
    }

    fn ended(&self) -> u64 {
        let interrupted = u64::from(self.interrupted.load(Relaxed));
        // What expired has begun, as far as who runs the actor counts.
        self.handled.load(Relaxed) + self.answered.load(Relaxed) + self.expired.load(Relaxed) + interrupted
    }

    pub(crate) fn interrupted(&self) {
        self.interrupted.store(self.interrupted.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// A callback waits.
    pub(crate) fn waits(&self) {
        self.waits.store(self.waits.load(Relaxed).wrapping_add(1), Relaxed);
    }

    pub(crate) fn waits_so_far(&self) -> u32 {
        self.waits.load(Relaxed)
    }

    pub(crate) fn dead_lettered_so_far(&self) -> u64 {
        self.dead_lettered.load(Relaxed)
    }

    pub(crate) fn dead_lettered(&self) {
        bump(&self.dead_lettered);
    }

    pub(crate) fn continued(&self) {
        bump(&self.continued);
    }

    /// The ledger, with what the mailbox counted. What has begun and not ended is being handled.
    pub(crate) fn read(&self, accepted: u64, shed: Shed, in_mailbox: u32) -> Ledger {
        let (handled, answered) = (self.handled.load(Relaxed), self.answered.load(Relaxed));
        let expired = self.expired.load(Relaxed);
        let interrupted = u64::from(self.interrupted.load(Relaxed));
        let over = handled + answered + expired + interrupted;
        let in_hand = self.begun.load(Relaxed).saturating_sub(over);
        Ledger {
            accepted: accepted + self.continued.load(Relaxed),
            handled,
            answered,
            expired,
            interrupted,
            discarded: shed.discarded.total(),
            dead_lettered: self.dead_lettered.load(Relaxed),
            waiting: u64::from(in_mailbox) + in_hand,
            shed,
        }
    }
}
