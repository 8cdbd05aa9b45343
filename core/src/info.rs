//! What the framework tells an actor: OTP's messages to `handle_info`.

use crate::exit::Exit;
use crate::id::{MonitorRef, Pid};
use std::sync::Arc;

/// A notice of the framework, handled by `Actor::handle_info`. It has its place among the messages, and a full
/// mailbox does not lose it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Info {
    /// A monitored actor ended. Comes once for each `monitor` call, after all that the dead one had sent before.
    Down {
        /// Who ended.
        pid: Pid,
        /// Which `monitor` call this answers.
        monitor: MonitorRef,
        /// Why; `NoProc` when it was dead before the call.
        reason: Exit,
    },
    /// An exit signal, to an actor that traps exits.
    Exit {
        /// Who ended, or sent the signal.
        from: Pid,
        /// Why.
        reason: Exit,
    },
    /// No message came for as long as `Cx::receive_timeout` said.
    Timeout,
    /// The membership of a monitored group changed.
    Group {
        /// The group.
        group: Arc<str>,
        /// Which `monitor_group` call this answers.
        monitor: MonitorRef,
        /// Who joined or left.
        pid: Pid,
        /// Which of the two.
        change: GroupChange,
    },
}

/// An order to end that waits for its turn among the messages.
#[derive(Debug)]
pub(crate) struct Order {
    /// The incarnation it is for.
    pub(crate) to: Pid,
    pub(crate) why: Exit,
}

/// What the framework puts among the messages.
#[derive(Debug)]
pub(crate) enum Notice {
    Info(Info),
    Order(Order),
}

/// What changed in a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GroupChange {
    /// One more membership of the actor.
    Joined,
    /// One membership of the actor less.
    Left,
}
