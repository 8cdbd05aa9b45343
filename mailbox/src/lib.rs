//! Mailboxes: queues with a name for what happens when they are full.
//!
//! A mailbox has many producers and one consumer, and two lanes: what is in the control lane is seen before anything
//! in the user lane, whatever the backlog. The user lane is first in, first out for each sender, bounded or not; a
//! bounded one has an [`Overflow`] policy, named when it is made, and counts what it discards. The consumer is woken
//! only when the mailbox turns from idle to not idle, never per message.
//!
//! Two doors lead to the one engine:
//! * [`channel`] is a typed, asynchronous channel for any executor.
//! * [`Mailbox`] is the engine itself: messages of many types as records in one buffer, without an allocation per
//!   message, and a consumer whose phases (idle, queued, running, suspended, closed) lie under the mailbox's own lock.
//!   ravelin's actors are built on it.
//!
//! Two small things that both are made of, and the answers to calls too: [`Lock`], for critical sections of some tens of
//! nanoseconds, and [`Joint`], a value that two ends hold together.
//!
//! Nothing here knows actors, executors or time.

mod sync;

mod class;

mod joint;
mod lock;
mod records;

mod capacity;
mod protocol;

mod state;

mod mailbox;

mod signals;

mod pressure;

mod reopen;

mod look;

mod aside;

mod aimed;

mod channel;

pub use capacity::{Bounded, Capacity, Overflow, Unbounded};
pub use channel::{Receiver, RecvError, SendError, Sender, TrySendError, channel};
pub use class::{ByClass, Class, Shed};
pub use joint::{Hold, Joint, Peek};
pub use lock::{Guard, Lock};
pub use look::Counts;
pub use mailbox::Mailbox;
pub use protocol::{
    Consumer, Cut, Edge, Next, NoConsumer, Phase, Pushed, Refused, Remains, Signalled, Ticket,
};
pub use records::{Kind, Record, Records, VTable};
pub use signals::Inlet;
