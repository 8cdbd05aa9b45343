//! What a runtime that injects faults is asked, and what it is told: a simulator, or chaos on a real executor.
//!
//! Where a runtime does not inject faults nothing is asked and nothing told: a path of an actor has one flag to look
//! at, and a message costs what it costs without this.

use crate::exit::Exit;
use crate::id::{MonitorRef, Pid};
use ravelin_mailbox::{Class, Peek};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A named point of the framework at which the runtime is asked for a fault.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FaultPoint {
    /// An actor's `init` is about to be called. Here `Panic` and `Kill` mean something.
    Init,
    /// A message of the type of this name is about to be handled, or received by a task. Here all faults but `Full`
    /// mean something; `Stall` does not to a task that receives. A notice of the framework can not be dropped or delayed.
    Message(&'static str),
    /// A callback of an actor that waits is about to be polled. Here `Panic` and `Kill` mean something.
    Poll,
    /// A message of the type of this name is about to be put into the mailbox of the actor at the site. Here `Full`
    /// means something.
    Send(&'static str),
    /// A point that the program itself named.
    Named(&'static str),
}

/// The actor that comes by a [`FaultPoint`], or of which something is [`Seen`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Site<'a> {
    /// The name of its place, if it has one.
    pub place: Option<&'a str>,
    /// The name of its type.
    pub actor: &'static str,
    /// The incarnation; `None` before it has a pid.
    pub pid: Option<Pid>,
    /// Which of the systems that live on this runtime, by [`Runtime::enroll`](crate::Runtime::enroll).
    pub system: u32,
}

impl<'a> Site<'a> {
    /// The site of an actor.
    pub fn new(place: Option<&'a str>, actor: &'static str, pid: Option<Pid>) -> Site<'a> {
        Site { place, actor, pid, system: 0 }
    }
}

/// The wait for the answer to a call, to ask whether the answer is there; nothing else is known of it, and nothing held.
#[derive(Clone)]
pub struct Awaited(Wait);

#[derive(Clone)]
enum Wait {
    Of(Weak<dyn Awaits>),
    At(Peek<dyn Awaits>),
}

/// Something that an answer may come to.
pub trait Awaits: Send + Sync {
    /// Whether there is an answer, or nobody waits any more.
    fn is_over(&self) -> bool;
}

impl Awaited {
    /// The wait of this one.
    pub fn new(slot: &Arc<dyn Awaits>) -> Awaited {
        Awaited(Wait::Of(Arc::downgrade(slot)))
    }

    /// The wait at this place.
    pub(crate) fn at(place: Peek<dyn Awaits>) -> Awaited {
        Awaited(Wait::At(place))
    }

    /// Whether there is an answer, or a reason why none will come, or nobody waits any more.
    pub fn is_over(&self) -> bool {
        match &self.0 {
            Wait::Of(slot) => slot.upgrade().is_none_or(|slot| slot.is_over()),
            Wait::At(place) => place.is_over(),
        }
    }
}

impl fmt::Debug for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_over() { "Awaited(over)" } else { "Awaited(waits)" })
    }
}

/// What a runtime may answer at a [`FaultPoint`]; it says there which of these mean something.
///
/// A message can not be duplicated: it is moved to its receiver, and a Rust value is not copied unless its type says
/// so. Who wants to see what a duplicate does sends it twice; a simulated network duplicates what goes over it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The message leaves the line and comes back at its end after this time: others overtake it. When the actor ends
    /// first it is a dead letter.
    Delay(Duration),
    /// The message is discarded, and counted so. A call ends with `CallError::Discarded`.
    Drop,
    /// The mailbox behaves as if it were full, as its policy says. A sender that waits for room gets it at its next
    /// turn, if there is room. An unbounded mailbox is never full.
    Full,
    /// Kill the actor here.
    Kill,
    /// Panic here.
    Panic,
    /// The actor waits so long before it handles this message. A kill cuts the wait off.
    Stall(Duration),
}

/// Something of the framework's that a runtime is told of, about the actor at a site, when it
/// [injects faults](crate::Runtime::injects_faults).
///
/// On one thread things are told in the order in which they happen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// A message, or a notice, got into its mailbox.
    Accepted {
        /// The name of its type.
        message: &'static str,
        /// Whether there is always room for it: a notice of the framework, and what an actor's own timers send it.
        is_exempt: bool,
        /// What it is when room is short.
        class: Class,
        /// The actor that sent it, if one did.
        from: Option<Pid>,
        /// How many messages wait in the mailbox now.
        len: u32,
        /// The most that may wait in it, if there is a limit.
        limit: Option<u32>,
    },
    /// A message leaves the mailbox, to be handled.
    Begun {
        /// The name of its type.
        message: &'static str,
    },
    /// A call of this actor begins: its caller waits from now on.
    CallBegun {
        /// Which call; no other one of the system has this number.
        call: u64,
        /// The name of the message's type.
        message: &'static str,
        /// Who calls, if an actor does.
        from: Option<Pid>,
        /// How long it may take.
        limit: Option<Duration>,
    },
    /// A call of this actor is over, with an answer or without, or nobody waits for it any more.
    CallEnded {
        /// Which call.
        call: u64,
    },
    /// The caller has looked, and there is no answer yet.
    CallPending {
        /// Which call.
        call: u64,
    },
    /// A call got into the mailbox of this actor.
    CallSent {
        /// Which call.
        call: u64,
        /// The wait for its answer.
        awaited: &'a Awaited,
    },
    /// A message was put off by a fault: it is out of the line for a while.
    Delayed {
        /// The name of its type.
        message: &'static str,
    },
    /// The mailbox's policy, or a fault, discarded a message that was in the line.
    Discarded {
        /// The name of its type.
        message: &'static str,
    },
    /// The `Down` of a monitor of this actor got into its mailbox.
    Down {
        /// Which monitor.
        monitor: MonitorRef,
        /// Whom it watched.
        target: Pid,
    },
    /// This actor is about to handle the `Down` of a monitor of its own.
    DownBegun {
        /// Which monitor.
        monitor: MonitorRef,
    },
    /// The incarnation is over: its state is dropped, its names and groups are free. Nobody has learned of it yet.
    Ended {
        /// Why.
        exit: &'a Exit,
        /// How many names and memberships of groups it still has: none, if the promise holds.
        held: usize,
        /// How many messages stay in the mailbox, for the next incarnation.
        kept: u32,
    },
    /// Everybody has been told of its end.
    Gone,
    /// This actor takes a monitor back.
    MonitorEnded {
        /// Which monitor.
        monitor: MonitorRef,
    },
    /// This actor monitors another one.
    MonitorSet {
        /// Which monitor.
        monitor: MonitorRef,
        /// Whom.
        target: Pid,
    },
    /// A message that was delayed is at the end of the line.
    Returned {
        /// The name of its type.
        message: &'static str,
    },
    /// A signal that it will obey before it handles another message is in its control lane.
    Signalled(Signalled),
    /// An incarnation begins; `init` has not been called.
    Starting {
        /// Who starts it as a child.
        parent: Option<Pid>,
        /// Whether the parent must outlive it.
        is_adopted: bool,
        /// Which place this is: the same number for all who ever live there.
        place: u32,
    },
    /// `init` has succeeded.
    Up,
}

/// A signal in an actor's control lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Signalled {
    /// To end on the spot.
    Die,
    /// To be killed.
    Kill,
    /// To stop in good order.
    Stop,
}
