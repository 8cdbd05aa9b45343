//! The seed of a run, and the streams of random numbers that are drawn from it by name.
//!
//! Each stream depends on the seed and its own name alone, so what one consumer draws never shifts what another gets.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

/// Where FNV-1a begins.
pub(crate) const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a over bytes, 64 bits: the same on every machine and in every build.
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(FNV_START, step)
}

/// Spreads neighbouring numbers: the finish of splitmix64.
fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
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
        let name = hash_of(stream.as_bytes());
        let (high, low) = (mix(self.0 ^ name), mix(self.0.wrapping_add(name.rotate_left(32))));
        Random(Pcg64Mcg::new(u128::from(high) << 64 | u128::from(low)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Seed(1).random("net");
        let drawn: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(drawn, [7428082366883057540, 11864074123002187975, 988318563378955228]);
    }
}
