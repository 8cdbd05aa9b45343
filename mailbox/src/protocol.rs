//! The words that a mailbox, its producers and its consumer say to one another.

use crate::records::Records;
use std::collections::VecDeque;
use std::fmt;
use std::task::Waker;

/// What the consumer is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Nothing waits and nobody runs.
    Idle,
    /// The consumer's own task has been told to run.
    Queued,
    /// Another consumer's task will run this one.
    Handed,
    /// Somebody runs it and is the only one who may.
    Running,
    /// It waits for something of its own; messages do not wake it.
    Suspended,
    /// It takes nothing any more; pushes are refused.
    Closed,
}

/// Who shall run a consumer that turns from idle to not idle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edge {
    /// Its own task.
    Queue,
    /// The task that runs on this thread.
    HandOver,
}

/// What the mailbox needs of its owner; it lies under the mailbox's lock.
pub trait Consumer {
    /// What has to be done, after the lock is released, to get the consumer to run.
    type Wake;
    /// The mailbox turned from idle (or suspended) to queued or handed. Called under the lock: be short.
    fn edge(&mut self, edge: Edge) -> Self::Wake;
    /// The mailbox is [watched](crate::Mailbox::watch), and a message got into it that nobody was asked about: a notice,
    /// or one that came back. Called under the lock.
    fn accepted(&mut self) {}
}

/// Whether a signal must cut off a future that the consumer waits in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// It waits until the consumer looks.
    No,
    /// It wakes a suspended consumer.
    Yes,
}

/// What became of an accepted message, and whom to wake.
#[derive(Debug)]
#[must_use]
pub enum Pushed<X: 'static, W> {
    /// It waits; nobody needs a wake-up.
    Quiet,
    /// It waits, and the consumer must be got to run.
    Wake(W),
    /// It waits, and the consumer's receiving future must be woken.
    WakeReceiver(Waker),
    /// The mailbox was full and its policy discarded this message.
    Discarded,
    /// It waits; the mailbox was full and its policy discarded the one in these records.
    Displaced(Records<X>),
}

/// Whom to wake after a signal.
#[derive(Debug)]
#[must_use]
pub enum Signalled<W> {
    /// Nobody; or the signal was not admitted.
    Quiet,
    /// The consumer must be got to run.
    Wake(W),
    /// The consumer's receiving future must be woken.
    WakeReceiver(Waker),
}

/// The mailbox is closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoConsumer;

impl fmt::Display for NoConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mailbox is closed")
    }
}

impl std::error::Error for NoConsumer {}

/// Why a message was not accepted, with the message. The mailbox is unaffected.
#[derive(Debug)]
pub enum Refused<P> {
    /// There is no consumer.
    Closed(P),
    /// No room. After `push_or_wait` with a ticket: a waker was left.
    Full(P),
}

/// What the consumer finds when its batch is used up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Next {
    /// A new batch.
    Batch,
    /// Something in the control lane.
    Control,
    /// `notify` was called meanwhile.
    Notified,
    /// Nothing: the mailbox is idle now, and the caller no longer owns the consumer.
    Parked,
}

/// A place in the line of senders that wait for room. It ends by the push it was for, by `forget`, or with the
/// consumer that closed the mailbox.
#[derive(Debug, Eq, PartialEq)]
pub struct Ticket(pub(crate) u64);

/// What a closed mailbox still held.
pub struct Remains<X: 'static, C> {
    /// The user lane, oldest first, without what the consumer had already taken.
    pub records: VecDeque<Records<X>>,
    /// The control lane.
    pub control: VecDeque<C>,
    /// How many of the last buffers of `records` hold what was set aside.
    pub(crate) aside: usize,
}

impl<X, C> Remains<X, C> {
    /// Whether it held nothing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.control.is_empty()
    }
}

impl<X, C> fmt::Debug for Remains<X, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records: u32 = self.records.iter().map(Records::len).sum();
        write!(f, "Remains({records} records, {} signals)", self.control.len())
    }
}
