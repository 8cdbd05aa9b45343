//! A token bucket: at most so many in a time, with bursts. `[pure]`
//!
//! Whole numbers to the nanosecond, so it gives exactly what it says: in any stretch of time `t` no more than
//! `per_second * t + burst`.

use ravelin_core::Time;
use std::time::Duration;

/// How many jobs a pool takes in a time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Rate {
    /// The jobs that it takes for good, a second.
    pub per_second: u32,
    /// The jobs that it takes at once after a rest. 1 at least.
    pub burst: u32,
}

/// What a token is worth: one token a second is one of these a nanosecond.
const TOKEN: u128 = 1_000_000_000;

/// The bucket. Full at the beginning.
///
/// ```
/// use ravelin_core::Time;
/// use ravelin_supervisor::pool::{Rate, TokenBucket};
/// use std::time::Duration;
/// let mut bucket = TokenBucket::new(Rate { per_second: 10, burst: 2 }, Time::EPOCH);
/// let taken = [Time::EPOCH; 3].map(|now| bucket.take(now));
/// assert_eq!(taken, [Ok(()), Ok(()), Err(Time::EPOCH + Duration::from_millis(100))]);
/// ```
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: Rate,
    level: u128,
    filled_at: Time,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Time) -> TokenBucket {
        TokenBucket { rate, level: u128::from(rate.burst) * TOKEN, filled_at: now }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none; when there will be one, if nobody else takes it: [`Time::NEVER`] with a rate or a burst of 0.
    pub fn take(&mut self, now: Time) -> Result<(), Time> {
        // A clock that stands still, or is asked by two threads at once, fills nothing.
        let passed = (now - self.filled_at).as_nanos();
        self.filled_at = self.filled_at.max(now);
        let full = u128::from(self.rate.burst) * TOKEN;
        let per_second = u128::from(self.rate.per_second);
        self.level = full.min(self.level + per_second * passed);
        if self.level >= TOKEN {
            self.level -= TOKEN;
            return Ok(());
        }
        if per_second == 0 || self.rate.burst == 0 {
            return Err(Time::NEVER);
        }
        let wait_ns = (TOKEN - self.level).div_ceil(per_second);
        Err(self.filled_at + Duration::from_nanos(u64::try_from(wait_ns).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at these milliseconds; `x` marks where there is no token, with the wait in milliseconds.
    #[track_caller]
    fn check(per_second: u32, burst: u32, at_ms: &[u64], expect: &str) {
        let mut bucket = TokenBucket::new(Rate { per_second, burst }, Time::EPOCH);
        let take = |ms: &u64| {
            let now = Time::EPOCH + Duration::from_millis(*ms);
            match bucket.take(now) {
                Ok(()) => ".".to_owned(),
                Err(Time::NEVER) => "never".to_owned(),
                Err(at) => format!("x{}", (at - now).as_millis()),
            }
        };
        let got: Vec<_> = at_ms.iter().map(take).collect();
        assert_eq!(got.join(" "), expect, "{per_second}/s, burst {burst}, at {at_ms:?}");
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        check(10, 3, &[0, 0, 0, 0, 50, 100, 100, 200], ". . . x100 x50 . x100 .");
    }

    #[test]
    fn a_rest_fills_it_no_higher_than_the_burst() {
        check(10, 2, &[0, 0, 60_000, 60_000, 60_000], ". . . . x100");
    }

    #[test]
    fn a_part_of_a_token_is_kept() {
        check(3, 1, &[0, 333, 334, 667], ". x0 . x0");
        check(1000, 1, &[0, 1, 2, 2], ". . . x1");
    }

    #[test]
    fn without_a_rate_or_a_burst_there_is_nothing_more() {
        check(0, 1, &[0, 1_000_000], ". never");
        check(5, 0, &[0, 1_000_000], "never never");
    }

    #[test]
    fn a_clock_that_goes_back_fills_nothing() {
        check(10, 1, &[100, 0, 150, 200], ". x200 x50 .");
    }
}
