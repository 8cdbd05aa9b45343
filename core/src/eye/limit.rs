//! [pure] The hard limit of a trace: how many events it takes, and what it does about more. As recon's `recon_trace`.

use crate::time::Time;
use std::time::Duration;

/// How many events a trace takes. There is no trace without a limit.
///
/// ```
/// use ravelin_core::sys::Limit;
/// use std::time::Duration;
/// let first_hundred = Limit::count(100);
/// let ten_a_second = Limit::rate(10, Duration::from_secs(1));
/// let off_when_busy = Limit::rate(1000, Duration::from_secs(1)).or_off();
/// # let _ = (first_hundred, ten_a_second, off_when_busy);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    events_max: u32,
    over: Over,
}

/// What counts, and what becomes of the event that is too much.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Over {
    /// The trace is over after so many.
    Off,
    /// In each period so many are taken, and the others counted.
    Sample(Duration),
    /// The trace is over once there are more in a period.
    Trip(Duration),
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) enum Admitted {
    /// It is told.
    Taken,
    /// It is told, and it is the last one.
    Last,
    /// It is counted as dropped.
    Dropped,
    /// It is too much: the trace is over.
    Tripped,
}

impl Limit {
    /// The first `events_max` events; then the trace is over. At least one.
    pub const fn count(events_max: u32) -> Limit {
        Limit { events_max: at_least_one(events_max), over: Over::Off }
    }

    /// At most `events_max` events, at least one, in each `period`; those over it are counted and not told.
    pub const fn rate(events_max: u32, period: Duration) -> Limit {
        Limit { events_max: at_least_one(events_max), over: Over::Sample(period) }
    }

    /// A rate that ends the trace when it is exceeded, instead of leaving events out.
    pub const fn or_off(self) -> Limit {
        match self.over {
            Over::Sample(period) | Over::Trip(period) => Limit { over: Over::Trip(period), ..self },
            Over::Off => self,
        }
    }

    /// How many events wait to be read, at most.
    pub(crate) fn room(self) -> usize {
        self.events_max as usize
    }
}

const fn at_least_one(n: u32) -> u32 {
    if n == 0 { 1 } else { n }
}

/// What a trace has had of its limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limiter {
    limit: Limit,
    taken: u32,
    /// When the present period began.
    began: Option<Time>,
}

impl Limiter {
    pub(crate) fn new(limit: Limit) -> Limiter {
        Limiter { limit, taken: 0, began: None }
    }

    /// One more event.
    pub(crate) fn admit(&mut self, now: Time) -> Admitted {
        let events_max = self.limit.events_max;
        match self.limit.over {
            Over::Off if self.taken >= events_max => Admitted::Tripped,
            Over::Off => {
                self.taken += 1;
                if self.taken == events_max { Admitted::Last } else { Admitted::Taken }
            }
            Over::Sample(period) | Over::Trip(period) => {
                if self.began.is_none_or(|began| now - began >= period) {
                    (self.began, self.taken) = (Some(now), 0);
                }
                if self.taken < events_max {
                    self.taken += 1;
                    return Admitted::Taken;
                }
                if matches!(self.limit.over, Over::Trip(_)) { Admitted::Tripped } else { Admitted::Dropped }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Admitted::{Dropped, Last, Taken, Tripped};

    const PERIOD: Duration = Duration::from_nanos(10);

    #[track_caller]
    fn check(limit: Limit, events: &[(u64, Admitted)]) {
        let mut limiter = Limiter::new(limit);
        for (at, expect) in events {
            assert_eq!(limiter.admit(Time::from_nanos(*at)), *expect, "at {at}");
        }
    }

    #[test]
    fn a_count_ends_the_trace_with_its_last_event() {
        check(Limit::count(2), &[(0, Taken), (0, Last), (0, Tripped), (99, Tripped)]);
        check(Limit::count(0), &[(0, Last)]);
        check(Limit::count(1).or_off(), &[(5, Last), (6, Tripped)]);
    }

    #[test]
    fn a_rate_takes_so_many_in_each_period_and_drops_the_rest() {
        let events =
            [(5, Taken), (6, Taken), (7, Dropped), (14, Dropped), (15, Taken), (40, Taken), (49, Taken)];
        check(Limit::rate(2, PERIOD), &events);
        check(Limit::rate(0, PERIOD), &[(0, Taken), (9, Dropped), (10, Taken)]);
    }

    #[test]
    fn a_rate_that_is_exceeded_ends_the_trace_when_told_to() {
        let limit = Limit::rate(2, PERIOD).or_off();
        check(limit, &[(0, Taken), (9, Taken), (10, Taken), (11, Taken), (19, Tripped)]);
    }
}
