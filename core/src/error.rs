//! What can go wrong on the way to an actor. Every error that stands for an undelivered message hands it back.

use crate::exit::Exit;
use std::fmt;

/// A message was not accepted. The actor is unaffected.
#[non_exhaustive]
pub enum SendError<M> {
    /// The mailbox is full, and its policy is to refuse.
    Full(M),
    /// There is no actor at that place just now.
    NoProc(M),
}

impl<M> SendError<M> {
    /// The message.
    pub fn into_message(self) -> M {
        match self {
            SendError::Full(message) | SendError::NoProc(message) => message,
        }
    }
}

/// A call that got no answer.
#[non_exhaustive]
pub enum CallError<M> {
    /// It would wait for itself: the caller is the callee. Nothing was sent.
    Deadlock(M),
    /// The overflow policy of the callee's mailbox discarded the request.
    Discarded,
    /// The callee ended before it answered, for this reason. It may or may not have handled the request.
    Exited(Exit),
    /// The mailbox is full, and its policy is to refuse. Nothing was sent.
    Full(M),
    /// There is no actor at that place just now. Nothing was sent.
    NoProc(M),
    /// The callee lives, and dropped the `ReplyTo`.
    NoReply,
    /// No answer came in time; one that still comes reaches nobody. The request may be handled.
    Timeout,
}

/// Why an actor was not started. Nothing of it is left.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StartError {
    /// There is a living actor at that place already, or the place belongs to another system.
    AlreadyStarted,
    /// `init` ended with this; [`Exit::Ignore`] when it declined to run.
    Init(Exit),
}

impl StartError {
    /// The reason as an exit reason.
    pub fn into_exit(self) -> Exit {
        match self {
            StartError::AlreadyStarted => Exit::error("already started"),
            StartError::Init(exit) => exit,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::AlreadyStarted => f.write_str("there is a living actor at that place"),
            StartError::Init(exit) => write!(f, "init failed: {exit}"),
        }
    }
}

impl std::error::Error for StartError {}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "Full(..)",
            SendError::NoProc(_) => "NoProc(..)",
        })
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "the mailbox is full",
            SendError::NoProc(_) => "noproc: there is no such actor",
        })
    }
}

impl<M> std::error::Error for SendError<M> {}

impl<M> fmt::Debug for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Deadlock(_) => f.write_str("Deadlock(..)"),
            CallError::Discarded => f.write_str("Discarded"),
            CallError::Exited(exit) => write!(f, "Exited({exit:?})"),
            CallError::Full(_) => f.write_str("Full(..)"),
            CallError::NoProc(_) => f.write_str("NoProc(..)"),
            CallError::NoReply => f.write_str("NoReply"),
            CallError::Timeout => f.write_str("Timeout"),
        }
    }
}

impl<M> fmt::Display for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Deadlock(_) => f.write_str("an actor called itself"),
            CallError::Discarded => f.write_str("the full mailbox discarded the request"),
            CallError::Exited(exit) => write!(f, "the callee ended: {exit}"),
            CallError::Full(_) => f.write_str("the mailbox is full"),
            CallError::NoProc(_) => f.write_str("noproc: there is no such actor"),
            CallError::NoReply => f.write_str("the callee dropped the request without an answer"),
            CallError::Timeout => f.write_str("no answer in time"),
        }
    }
}

impl<M> std::error::Error for CallError<M> {}
