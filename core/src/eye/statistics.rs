//! [pure] What is counted of an actor while somebody wants it: OTP's `sys:statistics/2`.

use crate::time::Time;
use std::time::Duration;

/// What an actor did since its statistics were switched on. They belong to the place, and go on over a restart.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// When they were switched on.
    pub since: Time,
    /// How many messages it has handled, those that were cut off among them.
    pub handled: u64,
    /// How long its handlers ran, without the time in which they waited.
    pub busy: Duration,
    /// The message that took longest, waits included.
    pub longest: Option<Longest>,
}

/// The message that took longest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Longest {
    /// The name of its type.
    pub message: &'static str,
    /// From the beginning to the end of its handler.
    pub took: Duration,
    /// When it began.
    pub begun: Time,
}

impl Statistics {
    pub(crate) fn since(now: Time) -> Statistics {
        Statistics { since: now, handled: 0, busy: Duration::ZERO, longest: None }
    }

    /// A handler ran from `from` to `to` without a wait.
    pub(crate) fn ran(&mut self, from: Time, to: Time) {
        self.busy += to - from;
    }

    /// A message is done.
    pub(crate) fn done(&mut self, message: &'static str, begun: Time, now: Time) {
        let took = now - begun;
        self.handled += 1;
        if self.longest.is_none_or(|longest| took > longest.took) {
            self.longest = Some(Longest { message, took, begun });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_tell_waits_from_work_and_remember_the_longest() {
        let t = Time::from_nanos;
        let mut statistics = Statistics::since(t(100));
        for (message, begun, ran_to, ended) in
            [("a", 100, 103, 103), ("b", 110, 112, 150), ("c", 200, 240, 240)]
        {
            statistics.ran(t(begun), t(ran_to));
            statistics.done(message, t(begun), t(ended));
        }
        assert_eq!((statistics.handled, statistics.busy), (3, Duration::from_nanos(45)));
        let longest = Longest { message: "b", took: Duration::from_nanos(40), begun: t(110) };
        assert_eq!(statistics.longest, Some(longest));
    }
}
