//! What anybody can see of a mailbox: how much waits, and what became of the rest.

use crate::capacity::NO_LIMIT;
use crate::class::{Class, Shed};
use crate::mailbox::{CONTROL, CUT, Mailbox};
use crate::protocol::{Consumer, Phase};
use crate::sync::Ordering;
use std::fmt;

/// A mailbox at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// The consumer's phase.
    pub phase: Phase,
    /// As [`Mailbox::len`].
    pub waiting: u32,
    /// As [`Mailbox::accepted`].
    pub accepted: u64,
    /// As [`Mailbox::shed`].
    pub shed: Shed,
}

impl<X, C, E: Consumer> Mailbox<X, C, E> {
    /// How many messages wait: exact at rest; while the consumer works through a batch, those that it has begun since it
    /// last [published](Mailbox::publish) are counted too.
    pub fn len(&self) -> u32 {
        let state = self.state.lock();
        state.waiting + self.taken.load(Ordering::Relaxed) + state.aside()
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages were ever accepted, those that the policy discarded among them.
    pub fn accepted(&self) -> u64 {
        self.state.lock().accepted
    }

    /// How many accepted messages the overflow policy discarded.
    pub fn discarded(&self) -> u64 {
        self.shed().discarded.total()
    }

    /// How many messages were refused and discarded, by class, and counted as [expired](Mailbox::count_expired).
    pub fn shed(&self) -> Shed {
        self.with_counts(|counts, _| counts.shed)
    }

    /// The consumer did not handle a message of this class, because it was too late for that: counts it.
    pub fn count_expired(&self, class: Class) {
        self.state.lock().pressed().shed.expired[class] += 1;
    }

    /// The most messages that may wait, if there is a limit.
    pub fn limit(&self) -> Option<u32> {
        let limit = self.state.lock().limit;
        (limit != NO_LIMIT).then_some(limit)
    }

    /// Whether something waits in the control lane.
    #[inline(always)]
    pub fn has_control(&self) -> bool {
        self.flags.load(Ordering::Acquire) & CONTROL != 0
    }

    /// Whether a signal that waits in the control lane is one that `wanted`, asked under the lock, picks.
    pub fn has_control_of(&self, wanted: impl FnMut(&C) -> bool) -> bool {
        self.has_control()
            && self.state.lock().rare.as_ref().is_some_and(|rare| rare.control.iter().any(wanted))
    }

    /// Whether something in the control lane cuts off what the consumer waits in.
    #[inline(always)]
    pub fn has_cut(&self) -> bool {
        self.flags.load(Ordering::Acquire) & CUT != 0
    }

    /// The consumer's phase, just now.
    pub fn phase(&self) -> Phase {
        self.state.lock().phase
    }

    /// The owner's state, under the lock. Be short, and call nothing of this mailbox.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(Phase, &mut E) -> R) -> R {
        let mut state = self.state.lock();
        let phase = state.phase;
        f(phase, &mut state.consumer)
    }

    /// As [`with`](Mailbox::with), with all that is counted, as of that moment.
    pub fn with_counts<R>(&self, f: impl FnOnce(Counts, &mut E) -> R) -> R {
        let mut state = self.state.lock();
        let pressed = state.rare.as_ref().and_then(|rare| rare.pressed.as_ref());
        let shed = pressed.map_or(Shed::default(), |pressed| pressed.shed);
        let waiting = state.waiting + self.taken.load(Ordering::Relaxed) + state.aside();
        let counts = Counts { phase: state.phase, waiting, accepted: state.accepted, shed };
        f(counts, &mut state.consumer)
    }
}

impl<X, C, E: Consumer> fmt::Debug for Mailbox<X, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({:?}, {} waiting)", self.phase(), self.len())
    }
}
