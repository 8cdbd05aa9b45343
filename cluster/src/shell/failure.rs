//! Why there is no answer, as callers see it and as the wire has it.

use crate::proto::frame::{Failure, Waits};
use ravelin_core::{CallError, Hop};

/// For the peer; `named` says how it knows an actor.
pub(crate) fn to_frame(why: CallError<()>, named: impl FnMut(Hop) -> Waits) -> Failure {
    match why {
        CallError::Deadlock { path, .. } => Failure::Deadlock { path: path.into_iter().map(named).collect() },
        CallError::Discarded => Failure::Discarded,
        CallError::Expired(()) => Failure::Expired,
        CallError::Exited(exit) => Failure::Exited(exit),
        CallError::Full(()) => Failure::Full,
        CallError::NoProc(()) => Failure::NoProc,
        CallError::NotUnderstood(why) => Failure::NotUnderstood(why),
        CallError::Timeout => Failure::Timeout,
        _ => Failure::NoReply,
    }
}

/// For a caller here; `known` says who an actor is to this node.
pub(crate) fn from_frame(failure: Failure, known: impl FnMut(Waits) -> Hop) -> CallError<()> {
    match failure {
        Failure::Deadlock { path } => {
            CallError::Deadlock { path: path.into_iter().map(known).collect(), request: None }
        }
        Failure::Discarded => CallError::Discarded,
        Failure::Exited(exit) => CallError::Exited(exit),
        Failure::Expired => CallError::Expired(()),
        Failure::Full => CallError::Full(()),
        Failure::NoProc => CallError::NoProc(()),
        Failure::NotUnderstood(why) => CallError::NotUnderstood(why),
        Failure::Timeout => CallError::Timeout,
        Failure::NoReply => CallError::NoReply,
    }
}
