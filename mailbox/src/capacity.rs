//! How much a mailbox holds, and what happens to a message that finds it full.

/// What happens to a message that finds a bounded mailbox full.
///
/// ```
/// use ravelin_mailbox::{Bounded, Overflow, channel};
/// let (tx, mut rx) = channel(Bounded(2).on_full(Overflow::DropOldest));
/// for n in 1..=5 {
///     tx.try_send(n).unwrap();
/// }
/// assert_eq!(tx.discarded(), 3);
/// assert_eq!(rx.close_and_return(), [4, 5]);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Overflow {
    /// The discarded message is the oldest one that waits; the new one gets in. Counted.
    DropOldest,
    /// The discarded message is the new one. Counted; the sender is not told.
    DropNewest,
    /// The sender gets the message back at once, also from a send that could wait.
    Refuse,
    /// A send that can wait waits for room; one that cannot gets the message back.
    #[default]
    Wait,
}

/// How many messages a mailbox holds, and what happens at the limit.
///
/// ```
/// use ravelin_mailbox::{Bounded, Capacity, Overflow, Unbounded};
/// let capacity: Capacity = Bounded(256).on_full(Overflow::Refuse);
/// assert_eq!(capacity.limit(), Some(256));
/// assert_eq!(Capacity::from(Unbounded).limit(), None);
/// assert_eq!(Capacity::default(), Bounded(1024).into());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Capacity {
    pub(crate) limit: u32,
    pub(crate) on_full: Overflow,
}

/// A mailbox for this many messages; on its own it means [`Overflow::Wait`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Bounded(pub u32);

/// A mailbox without a limit: memory is all that bounds it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Unbounded;

pub(crate) const NO_LIMIT: u32 = u32::MAX;

impl Bounded {
    /// The same limit with this policy. A limit of zero counts as one.
    pub const fn on_full(self, on_full: Overflow) -> Capacity {
        let limit = match self.0 {
            0 => 1,
            NO_LIMIT => NO_LIMIT - 1,
            limit => limit,
        };
        Capacity { limit, on_full }
    }
}

impl Capacity {
    /// The limit; `None` when there is none.
    pub const fn limit(self) -> Option<u32> {
        if self.limit == NO_LIMIT { None } else { Some(self.limit) }
    }

    /// The policy at the limit.
    pub const fn on_full(self) -> Overflow {
        self.on_full
    }
}

impl Default for Capacity {
    /// 1024 messages, and senders that can wait do.
    fn default() -> Capacity {
        Bounded(1024).into()
    }
}

impl From<Bounded> for Capacity {
    fn from(bounded: Bounded) -> Capacity {
        bounded.on_full(Overflow::Wait)
    }
}

impl From<Unbounded> for Capacity {
    fn from(_: Unbounded) -> Capacity {
        Capacity { limit: NO_LIMIT, on_full: Overflow::Wait }
    }
}
