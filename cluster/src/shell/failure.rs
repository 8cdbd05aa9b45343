//! Why there is no answer, as callers see it and as the wire has it.

use crate::proto::frame::Failure;
use ravelin_core::CallError;

/// For the peer.
pub(crate) fn to_frame(why: CallError<()>) -> Failure {
    match why {
        CallError::Deadlock { .. } => Failure::Deadlock { path: Vec::new() },
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

/// For a caller here.
pub(crate) fn from_frame(failure: Failure) -> CallError<()> {
    match failure {
        Failure::Deadlock { .. } => CallError::Deadlock { path: Vec::new(), request: None },
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
