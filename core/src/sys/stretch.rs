//! [pure] What a watchdog concludes from two looks at an actor: whether it did nothing but one thing between them.
//!
//! No actor notes when it began what it does. The watchdog looks again and again; what has not changed since it first
//! looked has lasted at least that long. So the time it names is short by one period at most.

use crate::id::Pid;
use crate::time::Time;
use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

/// What a watchdog sees of an actor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sight {
    /// How many messages had begun.
    pub(crate) begun: u64,
    /// How often a callback of it had come to an await and waited.
    pub(crate) waits: u32,
    /// Whether its code was running.
    pub(crate) is_running: bool,
    /// Whether it was in a callback.
    pub(crate) is_busy: bool,
}

/// How an actor is stuck.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stuck {
    /// Its code runs and does not come back to an await: nobody else can use its thread.
    HoldsThread,
    /// One handler, or `init`, or `terminate`, has not come to its end; it may wait for something.
    SitsInHandler,
}

/// How it is stuck, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StuckIn {
    /// How.
    pub how: Stuck,
    /// For so long at least; the watchdog may have looked up to a period too late to see the beginning.
    pub at_least: Duration,
}

/// From how long on something is worth telling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) holds_thread: Option<Duration>,
    pub(crate) sits_in_handler: Option<Duration>,
}

/// What is known of all actors from the looks before.
#[derive(Debug, Default)]
pub(crate) struct Stretches {
    known: BTreeMap<Pid, Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    last: Sight,
    runs: Stretch,
    sits: Stretch,
}

/// Something that goes on since `since`, and when to tell of it again.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    since: Time,
    told: Option<Duration>,
}

impl Stretch {
    fn from(since: Time) -> Stretch {
        Stretch { since, told: None }
    }

    /// Tells once it has lasted for `limit`, and again each time it has doubled since it was told.
    fn tell(&mut self, how: Stuck, limit: Option<Duration>, now: Time) -> Option<StuckIn> {
        let at_least = now - self.since;
        let due = self.told.map_or(limit?, |told| told.saturating_mul(2));
        (at_least >= due && at_least > Duration::ZERO).then(|| {
            self.told = Some(at_least);
            StuckIn { how, at_least }
        })
    }
}

impl Stretches {
    /// One look at all the living, in any order; gives what is to be told, in that order. What is not among them is
    /// forgotten.
    pub(crate) fn look(
        &mut self,
        now: Time,
        limits: &Limits,
        seen: impl IntoIterator<Item = (Pid, Sight)>,
    ) -> Vec<(Pid, StuckIn)> {
        let mut before = mem::take(&mut self.known);
        let mut told = Vec::new();
        for (pid, sight) in seen {
            let mut known = Known { last: sight, runs: Stretch::from(now), sits: Stretch::from(now) };
            if let Some(old) = before.remove(&pid) {
                let is_same = old.last.begun == sight.begun;
                if is_same && old.last.is_busy && sight.is_busy {
                    known.sits = old.sits;
                }
                if is_same && old.last.waits == sight.waits && old.last.is_running && sight.is_running {
                    known.runs = old.runs;
                }
            }
            if let Some(stuck) = known.runs.tell(Stuck::HoldsThread, limits.holds_thread, now) {
                told.push((pid, stuck));
            }
            if let Some(stuck) = known.sits.tell(Stuck::SitsInHandler, limits.sits_in_handler, now) {
                told.push((pid, stuck));
            }
            self.known.insert(pid, known);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        holds_thread: Some(Duration::from_nanos(10)),
        sits_in_handler: Some(Duration::from_nanos(30)),
    };

    /// begun, waits; `w` waits in a handler, `r` runs in one, `x` runs between messages, `i` is idle.
    fn sight(state: (u64, u32, char)) -> Sight {
        let (begun, waits, how) = state;
        Sight { begun, waits, is_running: matches!(how, 'r' | 'x'), is_busy: matches!(how, 'r' | 'w') }
    }

    /// Looks every 10 ns; what is told at which look, as `h` or `s` with its time.
    #[track_caller]
    fn check(looks: &[(u64, u32, char)], expect: &str) {
        let (pid, mut stretches) = (Pid::from_parts(0, 1, 1), Stretches::default());
        let mut told = Vec::new();
        for (look, n) in looks.iter().zip(0..) {
            for (_, stuck) in stretches.look(Time::from_nanos(n * 10), &LIMITS, [(pid, sight(*look))]) {
                let how = if stuck.how == Stuck::HoldsThread { 'h' } else { 's' };
                told.push(format!("{how}{}", stuck.at_least.as_nanos()));
            }
        }
        assert_eq!(told.join(" "), expect, "{looks:?}");
    }

    #[test]
    fn an_actor_that_does_one_thing_after_the_other_is_not_named() {
        check(&[(1, 1, 'r'), (2, 1, 'r'), (3, 1, 'r'), (4, 2, 'r'), (5, 3, 'w'), (6, 4, 'w')], "");
        check(&[(0, 0, 'i'); 20], "");
        check(&[(7, 7, 'i'), (7, 7, 'i'), (8, 8, 'w'), (8, 8, 'i'), (9, 9, 'w'), (9, 9, 'w')], "");
    }

    #[test]
    fn an_actor_that_holds_its_thread_is_named_and_again_each_time_that_has_doubled() {
        check(&[(1, 1, 'r'); 3], "h10 h20");
        check(&[(1, 1, 'x'); 6], "h10 h20 h40");
        check(&[(1, 1, 'r'), (1, 1, 'r'), (1, 2, 'r'), (1, 2, 'r')], "h10 h10 s30");
    }

    #[test]
    fn a_handler_that_waits_is_named_once_per_stretch_and_again_each_time_that_has_doubled() {
        check(&[(1, 1, 'w'); 4], "s30");
        check(&[(1, 1, 'w'); 14], "s30 s60 s120");
        check(&[(1, 1, 'w'), (1, 2, 'w'), (1, 3, 'r'), (1, 4, 'w')], "s30");
        let (four, next) = ([(1, 1, 'w'); 4], [(2, 2, 'w'); 4]);
        check(&[four, next].concat(), "s30 s30");
    }

    #[test]
    fn what_is_gone_is_forgotten_and_a_limit_that_is_not_set_tells_nothing() {
        let (pid, mut stretches) = (Pid::from_parts(0, 1, 1), Stretches::default());
        let limits = Limits { holds_thread: None, ..LIMITS };
        let stuck = sight((1, 1, 'r'));
        let mut look =
            |at, seen: &[(Pid, Sight)]| stretches.look(Time::from_nanos(at), &limits, seen.to_vec());
        assert_eq!(look(0, &[(pid, stuck)]), []);
        assert_eq!(look(25, &[(pid, stuck)]), []);
        assert_eq!(look(26, &[]), []);
        assert_eq!(look(60, &[(pid, stuck)]), []);
        assert_eq!(look(90, &[(pid, stuck)]).len(), 1);
    }
}
