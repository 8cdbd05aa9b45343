//! How long a supervisor waits before it restarts a child by itself. `[pure]`
//!
//! OTP has no back-off: it restarts at once and lets the restart intensity end a loop. That is the default here
//! ([`Backoff::Immediate`]); the other curves are ravelin's own. What is promised:
//!
//! - a delay is a function of the curve, the attempt and a seed: the same three give the same delay;
//! - no delay is longer than the curve's cap, with or without jitter;
//! - nothing overflows, for any attempt: a delay too long to compute is the cap.

use std::time::Duration;

/// The curve of the delays before a child's automatic restarts. Attempts count from 0.
///
/// ```
/// use ravelin_supervisor::backoff::Backoff;
/// use std::time::Duration;
///
/// let curve = Backoff::exponential(Duration::from_millis(50), Duration::from_millis(300));
/// let delays: Vec<u128> = (0..5).map(|attempt| curve.delay(attempt, 0).as_millis()).collect();
/// assert_eq!(delays, [50, 100, 200, 300, 300]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Backoff {
    /// No delay, ever: what OTP does, and the default.
    #[default]
    Immediate,
    /// `step`, `2 * step`, `3 * step` … up to `cap`.
    Linear {
        /// The first delay, and what each further attempt adds.
        step: Duration,
        /// No delay is longer.
        cap: Duration,
        /// The fraction of a delay that chance may take off, 0 to 1.
        jitter: f64,
    },
    /// `first`, `first * factor`, `first * factor^2` … up to `cap`.
    Exponential {
        /// The first delay.
        first: Duration,
        /// No delay is longer.
        cap: Duration,
        /// What each further attempt multiplies by.
        factor: u32,
        /// The fraction of a delay that chance may take off, 0 to 1.
        jitter: f64,
    },
}

impl Backoff {
    /// No delay.
    pub const fn immediate() -> Backoff {
        Backoff::Immediate
    }

    /// Delays that grow by `step` up to `cap`, without jitter.
    pub const fn linear(step: Duration, cap: Duration) -> Backoff {
        Backoff::Linear { step, cap, jitter: 0.0 }
    }

    /// Delays that double from `first` up to `cap`, without jitter.
    pub const fn exponential(first: Duration, cap: Duration) -> Backoff {
        Backoff::Exponential { first, cap, factor: 2, jitter: 0.0 }
    }

    /// The same curve, multiplying by `by` instead of 2. Only an exponential curve multiplies.
    pub const fn factor(self, by: u32) -> Backoff {
        match self {
            Backoff::Exponential { first, cap, factor: _, jitter } => {
                Backoff::Exponential { first, cap, factor: by, jitter }
            }
            Backoff::Immediate | Backoff::Linear { .. } => self,
        }
    }

    /// The same curve, each delay shortened by a seeded fraction of at most `fraction`, so that children that
    /// failed together do not come back together.
    pub const fn jitter(self, fraction: f64) -> Backoff {
        match self {
            Backoff::Immediate => self,
            Backoff::Linear { step, cap, jitter: _ } => Backoff::Linear { step, cap, jitter: fraction },
            Backoff::Exponential { first, cap, factor, jitter: _ } => {
                Backoff::Exponential { first, cap, factor, jitter: fraction }
            }
        }
    }

    /// The longest delay of the curve.
    pub const fn cap(&self) -> Duration {
        match self {
            Backoff::Immediate => Duration::ZERO,
            Backoff::Linear { cap, .. } | Backoff::Exponential { cap, .. } => *cap,
        }
    }

    /// The delay before restart number `attempt` (from 0) of a row. Total: defined for faulty curves too.
    pub fn delay(&self, attempt: u32, seed: u64) -> Duration {
        let n = u128::from(attempt);
        match *self {
            Backoff::Immediate => Duration::ZERO,
            Backoff::Linear { step, cap, jitter } => {
                let full = step.as_nanos().checked_mul(n + 1);
                shorten(capped(full, cap), jitter, attempt, seed)
            }
            Backoff::Exponential { first, cap, factor, jitter } => {
                let power = u128::from(factor).checked_pow(attempt);
                let full = power.and_then(|power| first.as_nanos().checked_mul(power));
                shorten(capped(full, cap), jitter, attempt, seed)
            }
        }
    }
}

/// `nanos` as a duration, or `cap` when that is shorter or when `nanos` overflowed.
fn capped(nanos: Option<u128>, cap: Duration) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    match nanos {
        // Below the cap, which is a Duration, so both parts fit.
        Some(nanos) if nanos < cap.as_nanos() => {
            Duration::new((nanos / SECOND) as u64, (nanos % SECOND) as u32)
        }
        Some(_) | None => cap,
    }
}

/// `full` less a part of it that `seed` and `attempt` choose, at most `fraction`.
fn shorten(full: Duration, fraction: f64, attempt: u32, seed: u64) -> Duration {
    if fraction.is_nan() || fraction <= 0.0 {
        return full;
    }
    let chance = mix(seed, u64::from(attempt)) as f64 / u64::MAX as f64; // 0 to 1
    let cut = full.as_secs_f64() * fraction.min(1.0) * chance;
    full.saturating_sub(Duration::try_from_secs_f64(cut).unwrap_or(full))
}

/// Two words into one that looks random: the finaliser of splitmix64.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[track_caller]
    fn check(curve: Backoff, expect: &[u64]) {
        let delays: Vec<Duration> = (0..expect.len() as u32).map(|n| curve.delay(n, 7)).collect();
        let expect: Vec<Duration> = expect.iter().map(|n| ms(*n)).collect();
        assert_eq!(delays, expect, "{curve:?}");
    }

    #[test]
    fn delays_are_exactly_the_curve() {
        check(Backoff::immediate(), &[0, 0, 0]);
        check(Backoff::linear(ms(30), ms(100)), &[30, 60, 90, 100, 100]);
        check(Backoff::exponential(ms(100), ms(2000)), &[100, 200, 400, 800, 1600, 2000, 2000]);
        check(Backoff::exponential(ms(1), ms(100)).factor(3), &[1, 3, 9, 27, 81, 100]);
        check(Backoff::exponential(ms(5), ms(100)).factor(1), &[5, 5, 5]);
        check(Backoff::immediate().factor(9).jitter(0.5), &[0, 0]);
    }

    #[test]
    fn late_attempts_and_long_durations_do_not_overflow() {
        for cap in [ms(1), Duration::MAX] {
            for first in [Duration::from_nanos(1), Duration::MAX] {
                for attempt in [0, 63, 64, 128, 1 << 20, u32::MAX] {
                    let exponential = Backoff::exponential(first, cap).jitter(1.0);
                    assert!(exponential.delay(attempt, 1) <= cap, "{exponential:?} {attempt}");
                    let linear = Backoff::linear(first, cap).jitter(1.0);
                    assert!(linear.delay(attempt, 1) <= cap, "{linear:?} {attempt}");
                }
            }
        }
        assert_eq!(Backoff::exponential(ms(1), Duration::MAX).delay(u32::MAX, 0), Duration::MAX);
    }

    #[test]
    fn jitter_shortens_by_at_most_its_fraction_and_follows_the_seed() {
        let plain = Backoff::exponential(ms(100), ms(1000));
        let curve = plain.jitter(0.1);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            for attempt in 0..6 {
                let (full, delay) = (plain.delay(attempt, seed), curve.delay(attempt, seed));
                assert!(delay <= full && delay >= full.mul_f64(0.899_999), "{delay:?} of {full:?}");
                assert_eq!(delay, curve.delay(attempt, seed));
                seen.insert(delay);
            }
        }
        assert!(seen.len() > 1000, "seeds spread the delays: {}", seen.len());
    }

    #[test]
    fn faulty_jitter_is_harmless() {
        for fraction in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0] {
            check(Backoff::linear(ms(10), ms(20)).jitter(fraction), &[10, 20]);
        }
        assert!(Backoff::linear(ms(10), ms(20)).jitter(f64::INFINITY).delay(0, 1) <= ms(10));
    }
}
