//! What anybody can see of a mailbox: how much waits, and what became of the rest.

use crate::mailbox::{CONTROL, CUT, Mailbox};
use crate::protocol::{Consumer, Phase};
use crate::sync::Ordering;
use std::fmt;

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
        self.state.lock().rare.as_ref().map_or(0, |rare| rare.discarded)
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
}

impl<X, C, E: Consumer> fmt::Debug for Mailbox<X, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({:?}, {} waiting)", self.phase(), self.len())
    }
}
