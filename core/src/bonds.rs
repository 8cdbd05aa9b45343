//! [pure] Links, monitors and exit signals: who learns of an end, and what an exit signal means to its receiver.
//!
//! Source: the Erlang reference manual, "Processes", on signals, links and monitors. Bonds belong to an incarnation
//! and go with it. There is one link per pair, however often it was made; every `monitor` call has a `Down` of its own.

use crate::exit::Exit;
use crate::id::{MonitorRef, Pid};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How an exit signal came about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    /// `exit(pid, reason)`, or the end of a linked actor.
    Exit { from: Pid, reason: Exit },
    /// The order of a parent that is not an actor: the application's.
    Order { reason: Exit },
    /// The kill signal.
    Kill,
    /// A request to stop in good order, from anybody who has the reference: `gen_server:stop`.
    Stop { reason: Exit },
}

/// What an exit signal means to the one who gets it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) enum Verdict {
    /// Nothing.
    Ignore,
    /// It becomes a message, in its place among the messages.
    Message,
    /// The receiver runs `terminate` and ends with this reason.
    Stop(Exit),
    /// The receiver ends with this reason on the spot.
    Die(Exit),
    /// The receiver is killed.
    Kill,
}

/// The law of exit signals. `traps` and `parent` are the receiver's.
pub(crate) fn verdict(traps: bool, parent: Option<Pid>, signal: &Signal) -> Verdict {
    match signal {
        Signal::Kill => Verdict::Kill,
        Signal::Stop { reason } => Verdict::Stop(reason.clone()),
        Signal::Order { reason } if traps => Verdict::Stop(reason.clone()),
        Signal::Order { reason } => Verdict::Die(reason.clone()),
        Signal::Exit { from, reason } if traps && parent == Some(*from) => Verdict::Stop(reason.clone()),
        Signal::Exit { .. } if traps => Verdict::Message,
        Signal::Exit { reason: Exit::Normal, .. } => Verdict::Ignore,
        Signal::Exit { reason, .. } => Verdict::Die(reason.clone()),
    }
}

/// All the bonds of one incarnation.
#[derive(Debug, Default)]
pub(crate) struct Bonds {
    /// Linked actors.
    pub(crate) links: BTreeSet<Pid>,
    /// Who monitors this actor, by the monitor.
    pub(crate) watchers: BTreeMap<MonitorRef, Pid>,
    /// Whom this actor monitors, by the monitor.
    pub(crate) watching: BTreeMap<MonitorRef, Pid>,
    /// Names registered for it.
    pub(crate) names: Vec<Arc<str>>,
    /// Groups it is in, once for each time it joined.
    pub(crate) groups: Vec<Arc<str>>,
    /// Groups it monitors.
    pub(crate) watched_groups: Vec<(Arc<str>, MonitorRef)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: Pid = Pid::from_parts(0, 1, 1);
    const OTHER: Pid = Pid::from_parts(0, 2, 1);

    #[track_caller]
    fn check(traps: bool, from: Pid, reason: Exit, expect: Verdict) {
        assert_eq!(verdict(traps, Some(PARENT), &Signal::Exit { from, reason }), expect);
    }

    #[test]
    fn an_exit_signal_is_a_message_to_one_that_traps_unless_its_parent_sent_it() {
        check(true, OTHER, Exit::error("x"), Verdict::Message);
        check(true, OTHER, Exit::Normal, Verdict::Message);
        check(true, PARENT, Exit::Normal, Verdict::Stop(Exit::Normal));
        check(true, PARENT, Exit::Killed, Verdict::Stop(Exit::Killed));
    }

    #[test]
    fn one_that_does_not_trap_ignores_normal_and_dies_of_the_rest() {
        for from in [OTHER, PARENT] {
            check(false, from, Exit::Normal, Verdict::Ignore);
            check(false, from, Exit::Shutdown, Verdict::Die(Exit::Shutdown));
            check(false, from, Exit::NoProc, Verdict::Die(Exit::NoProc));
        }
    }

    #[test]
    fn nobody_traps_a_kill() {
        assert_eq!(verdict(true, None, &Signal::Kill), Verdict::Kill);
    }

    #[test]
    fn a_stop_runs_terminate_whether_the_actor_traps_or_not() {
        for traps in [true, false] {
            let signal = Signal::Stop { reason: Exit::Normal };
            assert_eq!(verdict(traps, None, &signal), Verdict::Stop(Exit::Normal));
        }
    }
}
