//! `[pure]` Chances in parts per million, and one random number that all the chances of a call follow from.
//!
//! A model is given one number for each call that chance has a part in, however many faults are switched on. So a
//! fault that is taken out of a scenario leaves the luck of every other call as it was, and shrinking works.

use std::fmt;
use std::time::Duration;

/// A probability in parts per million: exact, comparable, the same on every machine.
///
/// ```
/// use ravelin_sim::net::Ppm;
/// assert_eq!(Ppm::percent(2), Ppm::new(20_000));
/// assert_eq!(Ppm::new(2_000_000), Ppm::ALWAYS);
/// assert_eq!(Ppm::percent(2).to_string(), "20000 ppm");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ppm(u32);

impl Ppm {
    /// It does not happen. The default.
    pub const NEVER: Ppm = Ppm(0);
    /// It happens each time.
    pub const ALWAYS: Ppm = Ppm(1_000_000);

    /// So many times in a million; more than a million is [`Ppm::ALWAYS`].
    pub const fn new(parts: u32) -> Ppm {
        if parts > Ppm::ALWAYS.0 { Ppm::ALWAYS } else { Ppm(parts) }
    }

    /// So many times in a hundred; more than a hundred is [`Ppm::ALWAYS`].
    pub const fn percent(percent: u32) -> Ppm {
        Ppm::new(percent.saturating_mul(10_000))
    }

    /// The parts per million, 0 to 1,000,000.
    pub const fn parts(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Ppm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ppm", self.0)
    }
}

/// A row of numbers that follow from the one that it was made of (splitmix64). Small and fast; no secret is safe in it.
///
/// ```
/// use ravelin_sim::net::{Luck, Ppm};
/// let (mut a, mut b) = (Luck::new(7), Luck::new(7));
/// assert_eq!(a.draw(), b.draw());
/// assert!(a.below(6) < 6 && a.hits(Ppm::ALWAYS) && !a.hits(Ppm::NEVER));
/// ```
#[derive(Clone, Debug)]
pub struct Luck {
    state: u64,
}

impl Luck {
    /// The row that follows from `seed`.
    pub const fn new(seed: u64) -> Luck {
        Luck { state: seed }
    }

    /// The next number of the row.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end - 1`; 0 when `end` is 0. Uses one number of the row.
    pub fn below(&mut self, end: u64) -> u64 {
        // The high half of the product: as even as 64 bits allow, without a division.
        ((u128::from(self.draw()) * u128::from(end)) >> 64) as u64
    }

    /// Did it happen? Uses one number of the row, also for [`Ppm::NEVER`].
    pub fn hits(&mut self, chance: Ppm) -> bool {
        self.below(u64::from(Ppm::ALWAYS.0)) < u64::from(chance.0)
    }

    /// A duration from zero to `most`, both included, in whole nanoseconds. Uses one number of the row.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.below(nanos.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_follows_from_its_seed_on_every_machine() {
        let mut luck = Luck::new(1_234_567);
        let row: Vec<u64> = (0..3).map(|_| luck.draw()).collect();
        // The published test vector of splitmix64.
        assert_eq!(row, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn a_chance_happens_about_as_often_as_it_says() {
        let mut luck = Luck::new(1);
        for (chance, low, high) in [
            (Ppm::NEVER, 0, 0),
            (Ppm::percent(1), 800, 1_200),
            (Ppm::percent(50), 49_000, 51_000),
            (Ppm::ALWAYS, 100_000, 100_000),
        ] {
            let hits = (0..100_000).filter(|_| luck.hits(chance)).count();
            assert!((low..=high).contains(&hits), "{chance}: {hits}");
        }
    }

    #[test]
    fn limits_are_kept() {
        let mut luck = Luck::new(3);
        for end in [0, 1, 2, 1_000, u64::MAX] {
            assert!((0..100).all(|_| luck.below(end) < end.max(1)), "{end}");
        }
        for most in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(1), Duration::MAX] {
            assert!((0..100).all(|_| luck.up_to(most) <= most), "{most:?}");
        }
    }
}
