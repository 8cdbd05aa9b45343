//! How effects lie in the table: one ordered table of rows, each element a row of its own.
//!
//! ```text
//! slot: u16 | length of key: u32 | key | 's'            -> the string
//!                                      | 'i' index: i64 -> an element of a list
//!                                      | 'm' member     -> nothing: a member of a set
//!                                      | 'h' field      -> the value of a field
//!                                      | 'x'            -> when it expires: u64, ms since the Unix epoch
//! ```
//! Numbers are big-endian and the index has its sign bit flipped, so rows sort by slot, key and index: a
//! partition is one range, a key is one range, a list comes back from left to right. The expiry sorts last
//! and so follows the value it belongs to.

use crate::effect::Effect;
use crate::reply::Blob;
use crate::route;

const STRING: u8 = b's';
const ITEM: u8 = b'i';
const MEMBER: u8 = b'm';
const FIELD: u8 = b'h';
const EXPIRY: u8 = b'x';

/// Above every tag.
const AFTER_ALL: u8 = 0xff;

/// What an effect does to the table. Row names are in the `Names` they were made with.
pub(super) enum Change<'a> {
    Put(&'a [u8], &'a [u8]),
    Remove(&'a [u8]),
    /// All rows from the first up to, not including, the second.
    RemoveRange(&'a [u8], &'a [u8]),
    /// All rows of the batch's slots.
    RemoveSlots,
}

/// Buffers for the names of rows, used again for each effect.
#[derive(Default)]
pub(super) struct Names {
    first: Vec<u8>,
    second: Vec<u8>,
}

impl Names {
    /// What `effect` does to the table.
    pub(super) fn change<'a>(&'a mut self, effect: &'a Effect) -> Change<'a> {
        match effect {
            Effect::PutString(key, value) => Change::Put(self.row(key, STRING, &[]), value),
            Effect::PutItem(key, index, value) => Change::Put(self.row(key, ITEM, &ordered(*index)), value),
            Effect::RemoveItem(key, index) => Change::Remove(self.row(key, ITEM, &ordered(*index))),
            Effect::AddMember(key, member) => Change::Put(self.row(key, MEMBER, member), &[]),
            Effect::RemoveMember(key, member) => Change::Remove(self.row(key, MEMBER, member)),
            Effect::PutField(key, field, value) => Change::Put(self.row(key, FIELD, field), value),
            Effect::RemoveField(key, field) => Change::Remove(self.row(key, FIELD, field)),
            Effect::ExpireAt(key, at) => {
                self.second = at.to_be_bytes().into();
                name(&mut self.first, key, EXPIRY, &[]);
                Change::Put(&self.first, &self.second)
            }
            Effect::Persist(key) => Change::Remove(self.row(key, EXPIRY, &[])),
            Effect::Drop(key) => {
                name(&mut self.first, key, 0, &[]);
                name(&mut self.second, key, AFTER_ALL, &[]);
                Change::RemoveRange(&self.first, &self.second)
            }
            Effect::Clear => Change::RemoveSlots,
        }
    }

    fn row(&mut self, key: &[u8], tag: u8, element: &[u8]) -> &[u8] {
        name(&mut self.first, key, tag, element);
        &self.first
    }
}

fn name(out: &mut Vec<u8>, key: &[u8], tag: u8, element: &[u8]) {
    out.clear();
    out.extend_from_slice(&route::slot(key).to_be_bytes());
    // No key is longer than a request, and no request comes near 4 GiB.
    out.extend_from_slice(&(key.len() as u32).to_be_bytes());
    out.extend_from_slice(key);
    out.push(tag);
    out.extend_from_slice(element);
}

fn ordered(index: i64) -> [u8; 8] {
    (index as u64 ^ (1 << 63)).to_be_bytes()
}

/// The name before which the rows of `slot` begin.
pub(super) fn slot_bound(slot: u16) -> [u8; 2] {
    slot.to_be_bytes()
}

/// The effect that wrote a row, or nothing if no effect writes such a row.
pub(super) fn effect_of(name: &[u8], value: &[u8]) -> Option<Effect> {
    let (_slot, rest) = name.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (tag, element) = rest.split_first()?;
    let (key, value) = (Blob::from(key), || Blob::from(value));
    Some(match *tag {
        STRING if element.is_empty() => Effect::PutString(key, value()),
        ITEM => {
            let index = u64::from_be_bytes(element.try_into().ok()?) ^ (1 << 63);
            Effect::PutItem(key, index as i64, value())
        }
        MEMBER => Effect::AddMember(key, element.into()),
        FIELD => Effect::PutField(key, element.into(), value()),
        EXPIRY if element.is_empty() => {
            Effect::ExpireAt(key, u64::from_be_bytes((*value()).try_into().ok()?))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(text: &str) -> Blob {
        text.as_bytes().into()
    }

    #[test]
    fn a_row_gives_back_the_effect_that_wrote_it() {
        let key = || blob("k\0");
        let rows = [
            Effect::PutString(key(), blob("v")),
            Effect::PutString(blob(""), blob("")),
            Effect::PutItem(key(), i64::MIN, blob("v")),
            Effect::PutItem(key(), 7, blob("")),
            Effect::AddMember(key(), blob("")),
            Effect::PutField(key(), blob("f"), blob("v")),
            Effect::ExpireAt(key(), 1 << 40),
        ];
        for effect in rows {
            let mut names = Names::default();
            let Change::Put(name, value) = names.change(&effect) else { panic!("{effect:?} puts nothing") };
            assert_eq!(effect_of(name, value).as_ref(), Some(&effect));
            // The row lies in the range of its key, and in that of its slot.
            let (Effect::PutString(key, ..)
            | Effect::PutItem(key, ..)
            | Effect::AddMember(key, ..)
            | Effect::PutField(key, ..)
            | Effect::ExpireAt(key, ..)) = &effect
            else {
                continue;
            };
            let mut range = Names::default();
            let drop = Effect::Drop(key.clone());
            let Change::RemoveRange(first, last) = range.change(&drop) else { panic!("no range") };
            assert!(first < name && name < last, "{effect:?}");
            let slot = route::slot(key);
            assert!(&slot_bound(slot)[..] < name && name < &slot_bound(slot + 1)[..], "{effect:?}");
        }
    }

    #[test]
    fn list_rows_sort_by_index() {
        let order = [i64::MIN, -300, -1, 0, 1, 255, 256, i64::MAX].map(ordered);
        assert!(order.is_sorted());
    }

    #[test]
    fn a_row_that_no_effect_writes_is_refused() {
        let rows: [(&[u8], &[u8]); 8] = [
            (b"", b""),
            (b"\0\0", b""),
            (b"\0\0\0\0\0\x09k", b""),
            (b"\0\0\0\0\0\x01k", b""),
            (b"\0\0\0\0\0\x01kz", b""),
            (b"\0\0\0\0\0\x01kszz", b""),
            (b"\0\0\0\0\0\x01ki\0", b""),
            (b"\0\0\0\0\0\x01kx", b"1"),
        ];
        for (name, value) in rows {
            assert_eq!(effect_of(name, value), None, "{}", name.escape_ascii());
        }
    }
}
