//! Why there is no answer, as callers see it and as the wire has it.

use crate::proto::frame::{Failure, Waits};
use crate::proto::{NodeNumber, WirePid, with_pids};
use ravelin_core::{CallError, Hop, Pid};

/// An actor that never lived; on a link one of the sender's.
const NOBODY: Pid = Pid::from_parts(0, u32::MAX, u64::MAX);

/// For the peer; `named` says how it knows an actor, if it can.
pub(crate) fn to_frame(why: CallError<()>, mut named: impl FnMut(Pid) -> Option<WirePid>) -> Failure {
    let waits = |hop: Hop| {
        let name = hop.place.unwrap_or_else(|| hop.actor.as_ref().into());
        Waits { pid: hop.pid.and_then(&mut named), name }
    };
    match why {
        CallError::Deadlock { path, .. } => Failure::Deadlock { path: path.into_iter().map(waits).collect() },
        CallError::Discarded => Failure::Discarded,
        CallError::Expired(()) => Failure::Expired,
        CallError::Exited(exit) => {
            let mut there = |pid| named(pid).map_or(NOBODY, |pid| pid.at(pid.node.0));
            Failure::Exited(with_pids(&exit, &mut there))
        }
        CallError::Full(()) => Failure::Full,
        CallError::NoProc(()) => Failure::NoProc,
        CallError::NotUnderstood(why) => Failure::NotUnderstood(why),
        CallError::Timeout => Failure::Timeout,
        _ => Failure::NoReply,
    }
}

/// For a caller here; `known` says who an actor is to this node, if it is known, and `hop` what else there is to say.
pub(crate) fn from_frame(
    failure: Failure,
    known: impl Fn(WirePid) -> Option<Pid>,
    hop: impl Fn(Option<Pid>, &Waits) -> Hop,
) -> CallError<()> {
    match failure {
        Failure::Deadlock { path } => {
            let path = path.into_iter().map(|waits| hop(waits.pid.and_then(&known), &waits)).collect();
            CallError::Deadlock { path, request: None }
        }
        Failure::Discarded => CallError::Discarded,
        Failure::Exited(exit) => CallError::Exited(with_pids(&exit, &mut |pid| {
            known(WirePid::of(NodeNumber(pid.node()), pid)).unwrap_or(NOBODY)
        })),
        Failure::Expired => CallError::Expired(()),
        Failure::Full => CallError::Full(()),
        Failure::NoProc => CallError::NoProc(()),
        Failure::NotUnderstood(why) => CallError::NotUnderstood(why),
        Failure::Timeout => CallError::Timeout,
        Failure::NoReply => CallError::NoReply,
    }
}
