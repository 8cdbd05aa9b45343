//! How many restarts happened lately, and whether one more is borne. `[pure]`
//!
//! A true sliding window: a restart counts at `now` when it happened no longer than a period before. Nanoseconds, so
//! the edge is exact (OTP's `add_restart` counts whole seconds). It holds at most `restarts` times, and no
//! older ones than the last call needed.

use std::collections::VecDeque;

use ravelin_core::Time;

use crate::policy::Intensity;

/// Whether a restart may be performed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Admission {
    /// It may.
    Admitted,
    /// It is one more than the intensity bears: the supervisor shuts down and the restart is not performed.
    Exceeded,
}

/// The restarts of the last period. OTP's `add_restart`.
///
/// ```
/// use ravelin_core::Time;
/// use ravelin_supervisor::intensity::{Admission, Window};
/// use ravelin_supervisor::policy::Intensity;
/// use std::time::Duration;
///
/// let second = |n| Time::EPOCH + Duration::from_secs(n);
/// let mut window = Window::new(Intensity::default()); // 1 in 5 s
/// assert_eq!(window.admit(second(0)), Admission::Admitted);
/// assert_eq!(window.admit(second(6)), Admission::Admitted);
/// assert_eq!(window.admit(second(7)), Admission::Exceeded);
/// ```
#[derive(Clone, Debug)]
pub struct Window {
    intensity: Intensity,
    /// Oldest first.
    restarts: VecDeque<Time>,
}

impl Window {
    /// An empty window.
    pub fn new(intensity: Intensity) -> Window {
        Window { intensity, restarts: VecDeque::new() }
    }

    /// Counts a restart at `now`, which is not before any restart counted earlier.
    pub fn admit(&mut self, now: Time) -> Admission {
        while self.restarts.front().is_some_and(|then| now - *then > self.intensity.period) {
            self.restarts.pop_front();
        }
        self.restarts.push_back(now);
        if self.restarts.len() as u64 > u64::from(self.intensity.restarts) {
            self.restarts.pop_front(); // so that a caller who goes on all the same is bounded too
            return Admission::Exceeded;
        }
        Admission::Admitted
    }

    /// What the window bears.
    pub fn intensity(&self) -> Intensity {
        self.intensity
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// `x` marks the restarts that exceed.
    #[track_caller]
    fn check(restarts: u32, period_ns: u64, at_ns: &[u64], expect: &str) {
        let mut window = Window::new(Intensity { restarts, period: Duration::from_nanos(period_ns) });
        let got: String = at_ns
            .iter()
            .map(|ns| match window.admit(Time::from_nanos(*ns)) {
                Admission::Admitted => '.',
                Admission::Exceeded => 'x',
            })
            .collect();
        assert_eq!(got, expect, "{restarts} in {period_ns} ns at {at_ns:?}");
    }

    #[test]
    fn the_restart_after_the_last_that_is_borne_exceeds() {
        check(0, 10, &[0], "x");
        check(1, 10, &[0, 1], ".x");
        check(3, 10, &[0, 0, 0, 0], "...x");
    }

    #[test]
    fn a_restart_counts_for_exactly_one_period() {
        check(1, 10, &[0, 10], ".x");
        check(1, 10, &[0, 11], "..");
        check(2, 10, &[0, 5, 11, 16, 22], ".....");
        check(2, 10, &[0, 5, 10], "..x");
    }

    #[test]
    fn the_window_slides() {
        check(2, 10, &[0, 8, 12, 19, 23], ".....");
        check(2, 10, &[0, 8, 12, 17], "...x"); // fixed buckets of 10 would bear this
    }
}
