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

/// Whether an actor traps exit signals.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TrapExits {
    /// Exit signals, other than `normal`, end it. The default, as in OTP.
    #[default]
    No,
    /// Exit signals reach it as [`Info::Exit`](crate::Info::Exit); its parent's make it terminate.
    Yes,
    /// As `Yes`, but its parent's order, and a stop, wait for their turn behind the messages that came before: it
    /// handles what it has accepted, then ends. As in OTP, where there is one lane; what a supervisor does.
    InTurn,
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
    /// The same, when it has handled the messages that came before.
    StopInTurn(Exit),
    /// The receiver ends with this reason on the spot.
    Die(Exit),
    /// The receiver is killed.
    Kill,
}

/// The law of exit signals. `me`, `traps` and `parent` are the receiver's.
pub(crate) fn verdict(me: Pid, traps: TrapExits, parent: Option<Pid>, signal: &Signal) -> Verdict {
    use TrapExits::{InTurn, No, Yes};
    let is_order = |from: &Pid| parent == Some(*from);
    match (signal, traps) {
        (Signal::Kill, _) => Verdict::Kill,
        (Signal::Stop { reason }, No | Yes) => Verdict::Stop(reason.clone()),
        (Signal::Order { reason }, Yes) => Verdict::Stop(reason.clone()),
        (Signal::Stop { reason } | Signal::Order { reason }, InTurn) => Verdict::StopInTurn(reason.clone()),
        (Signal::Order { reason }, No) => Verdict::Die(reason.clone()),
        (Signal::Exit { from, reason }, Yes) if is_order(from) => Verdict::Stop(reason.clone()),
        (Signal::Exit { from, reason }, InTurn) if is_order(from) => Verdict::StopInTurn(reason.clone()),
        (Signal::Exit { .. }, Yes | InTurn) => Verdict::Message,
        (Signal::Exit { from, reason: Exit::Normal }, No) if *from != me => Verdict::Ignore,
        (Signal::Exit { reason, .. }, No) => Verdict::Die(reason.clone()),
    }
}

/// All the bonds of one incarnation.
#[derive(Debug, Default)]
pub(crate) struct Bonds {
    /// Linked actors.
    pub(crate) links: BTreeSet<Pid>,
    /// Who monitors this actor, by which monitor: two nodes may use the same number.
    pub(crate) watchers: BTreeSet<(MonitorRef, Pid)>,
    /// Whom this actor monitors, by the monitor; itself, where the `Down` came from another node and was not handled yet.
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
    use super::TrapExits::{InTurn, No, Yes};
    use super::*;

    const ME: Pid = Pid::from_parts(0, 3, 1);
    const PARENT: Pid = Pid::from_parts(0, 1, 1);
    const OTHER: Pid = Pid::from_parts(0, 2, 1);

    #[track_caller]
    fn check(traps: TrapExits, from: Pid, reason: Exit, expect: Verdict) {
        assert_eq!(verdict(ME, traps, Some(PARENT), &Signal::Exit { from, reason }), expect);
    }

    #[test]
    fn an_exit_signal_is_a_message_to_one_that_traps_unless_its_parent_sent_it() {
        for traps in [Yes, InTurn] {
            check(traps, OTHER, Exit::error("x"), Verdict::Message);
            check(traps, OTHER, Exit::Normal, Verdict::Message);
        }
        check(Yes, PARENT, Exit::Normal, Verdict::Stop(Exit::Normal));
        check(Yes, PARENT, Exit::Killed, Verdict::Stop(Exit::Killed));
        check(InTurn, PARENT, Exit::Killed, Verdict::StopInTurn(Exit::Killed));
    }

    #[test]
    fn one_that_does_not_trap_ignores_normal_and_dies_of_the_rest() {
        for from in [OTHER, PARENT] {
            check(No, from, Exit::Normal, Verdict::Ignore);
            check(No, from, Exit::Shutdown, Verdict::Die(Exit::Shutdown));
            check(No, from, Exit::NoProc, Verdict::Die(Exit::NoProc));
        }
    }

    #[test]
    fn one_that_sends_itself_normal_ends_with_it() {
        check(No, ME, Exit::Normal, Verdict::Die(Exit::Normal));
        check(Yes, ME, Exit::Normal, Verdict::Message);
    }

    #[test]
    fn nobody_traps_a_kill() {
        assert_eq!(verdict(ME, InTurn, None, &Signal::Kill), Verdict::Kill);
    }

    #[test]
    fn a_stop_runs_terminate_whether_the_actor_traps_or_not() {
        let signal = Signal::Stop { reason: Exit::Normal };
        for traps in [No, Yes] {
            assert_eq!(verdict(ME, traps, None, &signal), Verdict::Stop(Exit::Normal));
        }
        assert_eq!(verdict(ME, InTurn, None, &signal), Verdict::StopInTurn(Exit::Normal));
    }
}
