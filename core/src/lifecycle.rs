//! [pure] The stages of an incarnation, and what each event means in each of them.
//!
//! ```text
//! Starting ──init ok──▶ Up ──stop, order, panic──▶ Terminating ──▶ Reaping ──▶ Down
//!    └──── refused, panic, die, kill ───┴──── die, kill ────┴────────▲
//! ```
//! `terminate` runs in Terminating; in Reaping the children that are left are ended, whatever the reason was.

use crate::exit::Exit;

/// Where an incarnation is in its life.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Stage {
    /// `init` runs.
    Starting,
    /// It handles messages.
    Up,
    /// `terminate` runs.
    Terminating,
    /// Its children end.
    Reaping,
    /// There is no incarnation.
    #[default]
    Down,
}

/// What can happen to an incarnation.
#[derive(Debug)]
pub(crate) enum Event {
    /// `init` gave a state.
    Started,
    /// `init` gave an error, or declined.
    Refused(Exit),
    /// It stops itself, or is asked to, in good order: `terminate` runs.
    Stop(Exit),
    /// An exit signal that it does not trap: no callback runs.
    Die(Exit),
    /// The kill signal: no callback runs, and nothing can prevent it.
    Kill,
    /// What the stage was running panicked.
    Panicked(Exit),
    /// What the stage was running is done.
    Finished,
}

/// What to do about it.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub(crate) enum Then {
    /// Go on; nothing changes.
    Continue,
    /// It is up: tell the starter, handle messages.
    Run,
    /// Cut off what runs, and run `terminate` with this reason.
    Terminate(Exit),
    /// Cut off what runs, and end the children; the reason stands, unless a new one is given.
    Reap(Option<Exit>),
    /// It is over: drop the state and tell everybody.
    End,
}

/// The table. A reason that is passed on is the reason of the end; `Reap(None)` keeps the one there is.
pub(crate) fn decide(stage: Stage, event: Event) -> Then {
    use Event::{Die, Finished, Kill, Panicked, Refused, Started, Stop};
    use Stage::{Down, Reaping, Starting, Terminating, Up};
    match (stage, event) {
        (Starting, Started) => Then::Run,
        (Starting, Refused(why) | Die(why) | Panicked(why)) => Then::Reap(Some(why)),
        // In init a stop waits in the control lane; it comes here only when init stopped itself.
        (Starting, Stop(why)) => Then::Reap(Some(why)),
        (Up, Stop(why) | Panicked(why)) => Then::Terminate(why),
        (Up, Die(why)) => Then::Reap(Some(why)),
        (Terminating, Panicked(why) | Die(why)) => Then::Reap(Some(why)),
        (Terminating, Finished) => Then::Reap(None),
        (Starting | Up | Terminating, Kill) => Then::Reap(Some(Exit::Killed)),
        (Reaping, Finished | Panicked(_)) => Then::End,
        // A stop is under way already, or comes too late.
        (Terminating | Reaping, Stop(_)) | (Reaping, Die(_) | Kill) => Then::Continue,
        (Up, Started | Refused(_) | Finished) | (Starting, Finished) => Then::Continue,
        (Terminating | Reaping, Started | Refused(_)) => Then::Continue,
        (Down, Started | Refused(_) | Stop(_) | Die(_) | Kill | Panicked(_) | Finished) => Then::Continue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stage: Stage, event: Event, expect: Then) {
        assert_eq!(decide(stage, event), expect);
    }

    #[test]
    fn a_panic_runs_terminate_once_and_only_in_a_started_actor() {
        let why = || Exit::panic("bug", None);
        check(Stage::Starting, Event::Panicked(why()), Then::Reap(Some(why())));
        check(Stage::Up, Event::Panicked(why()), Then::Terminate(why()));
        check(Stage::Terminating, Event::Panicked(why()), Then::Reap(Some(why())));
        check(Stage::Reaping, Event::Panicked(why()), Then::End);
    }

    #[test]
    fn a_kill_runs_no_callback_and_cannot_be_stopped_before_the_children_are_ended() {
        for stage in [Stage::Starting, Stage::Up, Stage::Terminating] {
            check(stage, Event::Kill, Then::Reap(Some(Exit::Killed)));
        }
        check(Stage::Reaping, Event::Kill, Then::Continue);
    }

    #[test]
    fn the_reason_of_an_orderly_stop_stands_when_terminate_is_done() {
        check(Stage::Up, Event::Stop(Exit::Shutdown), Then::Terminate(Exit::Shutdown));
        check(Stage::Terminating, Event::Stop(Exit::Normal), Then::Continue);
        check(Stage::Terminating, Event::Finished, Then::Reap(None));
        check(Stage::Reaping, Event::Finished, Then::End);
    }

    #[test]
    fn an_untrapped_exit_signal_runs_no_terminate() {
        check(Stage::Up, Event::Die(Exit::Shutdown), Then::Reap(Some(Exit::Shutdown)));
        check(Stage::Terminating, Event::Die(Exit::error("x")), Then::Reap(Some(Exit::error("x"))));
    }
}
