//! Time as the runtime tells it: nanoseconds since the runtime's own epoch, so that it can be virtual.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time on a runtime's clock, in nanoseconds since that runtime's epoch.
///
/// Never `std::time::Instant`: that cannot be simulated. Arithmetic saturates.
///
/// ```
/// use ravelin_core::Time;
/// use std::time::Duration;
/// let t = Time::from_nanos(1_000) + Duration::from_micros(2);
/// assert_eq!(t - Time::from_nanos(1_000), Duration::from_micros(2));
/// assert_eq!(t.to_string(), "+0.000003s");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Time(u64);

impl Time {
    /// The epoch of the clock.
    pub const EPOCH: Time = Time(0);
    /// Later than every time that a clock will show.
    pub const NEVER: Time = Time(u64::MAX);

    /// The time `ns` nanoseconds after the epoch.
    pub const fn from_nanos(ns: u64) -> Time {
        Time(ns)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, d: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, d: Duration) -> Time {
        Time(self.0.saturating_sub(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;
    /// The time that passed from `earlier` to `self`; zero when `earlier` is not earlier.
    fn sub(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:.6}s", self.0 as f64 / 1e9)
    }
}

/// What a repeating timer does about ticks that it missed, because its actor was busy.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Missed {
    /// Sends one for each, at once.
    CatchUp,
    /// Sends one, and the next a period later.
    Delay,
    /// Sends one, and the next when it is due by the original schedule.
    #[default]
    Skip,
}

/// When a repeating timer that was due at `at` and fires at `now` is due again.
pub(crate) fn next_tick(at: Time, now: Time, period: Duration, missed: Missed) -> Time {
    match missed {
        Missed::CatchUp => at + period,
        Missed::Delay => now + period,
        Missed::Skip => {
            let period_ns = (period.as_nanos() as u64).max(1);
            let behind = (now - at).as_nanos() as u64;
            at + Duration::from_nanos((behind / period_ns + 1).saturating_mul(period_ns))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeating_timer_does_about_missed_ticks_what_its_policy_says() {
        let (at, period) = (Time::from_nanos(100), Duration::from_nanos(10));
        for (now, missed, expect) in [
            (100, Missed::Skip, 110),
            (109, Missed::Skip, 110),
            (110, Missed::Skip, 120),
            (135, Missed::Skip, 140),
            (135, Missed::Delay, 145),
            (135, Missed::CatchUp, 110),
        ] {
            let next = next_tick(at, Time::from_nanos(now), period, missed);
            assert_eq!(next, Time::from_nanos(expect), "{missed:?} at {now}");
        }
    }
}
