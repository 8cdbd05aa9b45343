//! The seed of a run, and the streams of random numbers that are drawn from it by name.
//!
//! Each stream depends on the seed and its own name alone, so what one consumer draws never shifts what another gets.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

/// FNV-1a over bytes, 64 bits: the same on every machine and in every build.
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// What a whole run follows from.
///
/// ```
/// use ravelin_sim::Seed;
/// let (mut one, mut other) = (Seed(7).random("net"), Seed(7).random("net"));
/// assert_eq!(one.next(), other.next());
/// assert_ne!(Seed(7).random("net").next(), Seed(7).random("disk").next());
/// assert_ne!(Seed(7).random("net").next(), Seed(8).random("net").next());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of this name, from its beginning. Costs about 20 ns; two of one name are equal.
    pub fn random(self, stream: &str) -> Random {
        let low = u128::from(hash_of(stream.as_bytes()));
        Random(Pcg64Mcg::new(u128::from(self.0) << 64 | low))
    }
}

/// A stream of random numbers: PCG (`Pcg64Mcg`), whose output is fixed by its definition and portable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Random(Pcg64Mcg);

impl Random {
    /// 64 random bits.
    #[expect(clippy::should_implement_trait, reason = "a stream has no end, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 when `bound` is 0. The bias is below `bound` in 2^64.
    ///
    /// ```
    /// # use ravelin_sim::Seed;
    /// let mut dice = Seed(1).random("dice");
    /// assert!((0..100).all(|_| dice.below(6) < 6));
    /// assert_eq!(dice.below(0), 0);
    /// ```
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// True `per_million` times in a million; draws nothing when that is 0.
    pub fn chance(&mut self, per_million: u32) -> bool {
        per_million > 0 && self.below(1_000_000) < u64::from(per_million)
    }
}
