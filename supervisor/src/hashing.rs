//! A hash that never changes, and who of several has a key. `[pure]`
//!
//! The hash is FNV-1a with 64 bits over the bytes that the key feeds, then the finaliser of MurmurHash3 (`fmix64`). It
//! is the same in every version of ravelin, on every machine and in every run; tests pin its values. Who has a key is
//! decided by rendezvous hashing: each candidate is weighed with the key, and the heaviest wins. So a candidate that
//! comes takes its fair share of the keys of each other one, one that goes leaves its keys to all others, and no other
//! key moves. A choice costs O(candidates).

use std::sync::Arc;

/// The state of the hash while a key feeds it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StableHasher(u64);

impl StableHasher {
    /// FNV's offset basis.
    pub const fn new() -> StableHasher {
        StableHasher(0xcbf2_9ce4_8422_2325)
    }

    /// Feeds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// The hash of what was fed.
    pub const fn finish(self) -> u64 {
        mix(self.0)
    }
}

impl Default for StableHasher {
    fn default() -> StableHasher {
        StableHasher::new()
    }
}

/// MurmurHash3's `fmix64`: every bit of the input has to do with every bit of the output.
const fn mix(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// What can be a key: something that feeds the same bytes for ever. [`std::hash::Hash`] promises no such thing.
///
/// A whole number feeds eight bytes, little-endian, whatever its type (sixteen if it has 128 bits), so a key may become
/// a wider type without moving. Text feeds its UTF-8 bytes and then `0xff`; a slice of bytes its length, as a number,
/// and then the bytes; a tuple its parts.
///
/// ```
/// use ravelin_supervisor::hashing::{Key, StableHasher, hash};
/// struct UserId(u64);
/// impl Key for UserId {
///     fn feed(&self, hasher: &mut StableHasher) { self.0.feed(hasher) }
/// }
/// assert_eq!(hash(&UserId(7)), hash(&7_u32));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key",
    note = "keys are numbers, text, bytes and tuples of these; for a type of yours write `impl Key for {Self}`"
)]
pub trait Key {
    /// Feeds the hash.
    fn feed(&self, hasher: &mut StableHasher);
}

/// The hash of a key.
pub fn hash(key: &(impl Key + ?Sized)) -> u64 {
    let mut hasher = StableHasher::new();
    key.feed(&mut hasher);
    hasher.finish()
}

/// Who of `candidates` has the key of this hash; `None` when there are none. The order of the candidates is of no
/// account.
pub fn owner(hash: u64, candidates: impl IntoIterator<Item = usize>) -> Option<usize> {
    candidates.into_iter().max_by_key(|candidate| (weight(hash, *candidate), *candidate))
}

fn weight(hash: u64, candidate: usize) -> u64 {
    mix(hash ^ mix((candidate as u64).wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

macro_rules! numbers {
    ($($number:ty as $wide:ty),*) => { $(
        impl Key for $number {
            fn feed(&self, hasher: &mut StableHasher) { hasher.bytes(&(*self as $wide).to_le_bytes()) }
        }
    )* };
}

numbers!(u8 as u64, u16 as u64, u32 as u64, u64 as u64, usize as u64, u128 as u128);
numbers!(i8 as i64, i16 as i64, i32 as i64, i64 as i64, isize as i64, i128 as i128);

impl Key for str {
    fn feed(&self, hasher: &mut StableHasher) {
        hasher.bytes(self.as_bytes());
        hasher.bytes(&[0xff]);
    }
}

impl Key for String {
    fn feed(&self, hasher: &mut StableHasher) {
        self.as_str().feed(hasher);
    }
}

impl Key for [u8] {
    fn feed(&self, hasher: &mut StableHasher) {
        self.len().feed(hasher);
        hasher.bytes(self);
    }
}

impl<const N: usize> Key for [u8; N] {
    fn feed(&self, hasher: &mut StableHasher) {
        self.as_slice().feed(hasher);
    }
}

impl Key for Vec<u8> {
    fn feed(&self, hasher: &mut StableHasher) {
        self.as_slice().feed(hasher);
    }
}

impl<K: Key + ?Sized> Key for &K {
    fn feed(&self, hasher: &mut StableHasher) {
        (**self).feed(hasher);
    }
}

impl<K: Key + ?Sized> Key for Arc<K> {
    fn feed(&self, hasher: &mut StableHasher) {
        (**self).feed(hasher);
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn feed(&self, hasher: &mut StableHasher) {
        self.0.feed(hasher);
        self.1.feed(hasher);
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    fn feed(&self, hasher: &mut StableHasher) {
        self.0.feed(hasher);
        self.1.feed(hasher);
        self.2.feed(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_key_is_the_same_for_ever() {
        let rows: [(&dyn Key, u64); 9] = [
            (&"", 0x1bbd_5c81_3c69_a8d7),
            (&"a", 0x3aec_69d2_86fb_d39b),
            (&"user-42", 0xae15_1ea6_ff60_b06e),
            (&0_u8, 0x7bd3_144f_29c0_cc9e),
            (&42_u64, 0xa624_5a5d_cf27_8758),
            (&-1_i32, 0x6a92_c022_8678_c02e),
            (&1_u128, 0xf05d_1406_2027_ba61),
            (&[1_u8, 2, 3], 0xc61f_a591_0076_2920),
            (&("a", 1_u8), 0xd656_ce46_917c_b6d1),
        ];
        let got: Vec<_> = rows.iter().map(|(key, _)| hash(*key)).collect();
        let expect: Vec<_> = rows.iter().map(|(_, expect)| *expect).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn a_key_may_become_a_wider_type_without_moving() {
        assert_eq!(hash(&7_u8), hash(&7_u64));
        assert_eq!(hash(&-7_i8), hash(&-7_i64));
        assert_eq!(hash("a"), hash(&"a".to_owned()));
    }

    #[test]
    fn the_parts_of_a_key_do_not_run_together() {
        assert_ne!(hash(&("ab", "")), hash(&("a", "b")));
        assert_ne!(hash(&(vec![1_u8], vec![2_u8, 3])), hash(&(vec![1_u8, 2], vec![3_u8])));
    }

    #[test]
    fn the_owner_of_a_key_is_the_same_for_ever() {
        let owners: Vec<_> = (0..16_u64).map(|key| owner(hash(&key), 0..5)).collect();
        let expect = [1, 4, 4, 4, 0, 2, 4, 2, 3, 4, 0, 1, 4, 0, 2, 4];
        assert_eq!(owners, expect.map(Some));
        assert_eq!(owner(hash("nobody"), []), None);
    }
}
