//! [pure] The flight recorder: the last messages of an actor, in a ring of stated size. Never their contents.

use crate::id::Pid;
use crate::time::Time;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// How the handling of a message ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Its handler ran to its end.
    Handled,
    /// It is being handled.
    InHand,
    /// Its handler was cut off by a kill, by an exit signal that is not trapped, or by the end of the executor.
    Killed,
    /// Its handler panicked.
    Panicked,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Handled => "ok",
            Outcome::InHand => "in hand",
            Outcome::Killed => "killed",
            Outcome::Panicked => "panicked",
        })
    }
}

/// A message that an actor handled, or was handling.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Recorded {
    /// The name of its type.
    pub message: &'static str,
    /// The actor that sent it, if one did and it is known: what was in the mailbox before the recorder was switched on
    /// has no sender, and neither have notices and what an actor's own timers send.
    pub from: Option<Pid>,
    /// When its handling began.
    pub begun: Time,
    /// How long it was handled, waits included; until now, if it still is.
    pub took: Duration,
    /// How that ended.
    pub outcome: Outcome,
}

/// The last messages, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    kept: VecDeque<Recorded>,
    kept_max: usize,
}

impl Recorder {
    /// Room for `kept_max` messages, at least one.
    pub(crate) fn new(kept_max: usize) -> Recorder {
        Recorder { kept: VecDeque::new(), kept_max: kept_max.max(1) }
    }

    pub(crate) fn resize(&mut self, kept_max: usize) {
        self.kept_max = kept_max.max(1);
        while self.kept.len() > self.kept_max {
            self.kept.pop_front();
        }
    }

    pub(crate) fn push(&mut self, recorded: Recorded) {
        if self.kept.len() == self.kept_max {
            self.kept.pop_front();
        }
        self.kept.push_back(recorded);
    }

    /// Oldest first.
    pub(crate) fn so_far(&self) -> Vec<Recorded> {
        self.kept.iter().cloned().collect()
    }

    /// A new incarnation: what another one did is none of its doing.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: u64) -> Recorded {
        Recorded {
            message: "M",
            from: None,
            begun: Time::from_nanos(n),
            took: Duration::ZERO,
            outcome: Outcome::Handled,
        }
    }

    #[track_caller]
    fn check(kept_max: usize, pushed: u64, expect: &[u64]) {
        let mut recorder = Recorder::new(kept_max);
        (0..pushed).for_each(|n| recorder.push(at(n)));
        let kept: Vec<_> = recorder.so_far().iter().map(|each| each.begun.as_nanos()).collect();
        assert_eq!(kept, expect, "{pushed} into room for {kept_max}");
    }

    #[test]
    fn a_recorder_keeps_the_last_messages_oldest_first() {
        check(3, 0, &[]);
        check(3, 2, &[0, 1]);
        check(3, 3, &[0, 1, 2]);
        check(3, 5, &[2, 3, 4]);
        check(1, 5, &[4]);
        check(0, 5, &[4]);
    }

    #[test]
    fn a_recorder_that_shrinks_forgets_the_oldest() {
        let mut recorder = Recorder::new(4);
        (0..4).for_each(|n| recorder.push(at(n)));
        recorder.resize(2);
        assert_eq!(recorder.so_far(), [at(2), at(3)]);
        recorder.clear();
        assert_eq!(recorder.so_far(), []);
    }
}
