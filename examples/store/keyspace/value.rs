//! The values a key may hold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::reply::Blob;

/// Sets and hashes are ordered by their bytes: listings are the same in every run and after every replay.
pub(super) type Set = BTreeSet<Blob>;
pub(super) type Hash = BTreeMap<Blob, Blob>;

#[derive(Debug, PartialEq)]
pub(super) enum Value {
    String(Blob),
    List(List),
    Set(Set),
    Hash(Hash),
}

impl Value {
    /// What `TYPE` says.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::String(_) => "string",
            Value::List(_) => "list",
            Value::Set(_) => "set",
            Value::Hash(_) => "hash",
        }
    }
}

/// What a value may be. No key keeps an empty collection: whoever makes one puts something in.
pub(super) trait Kind: Default {
    fn into_value(self) -> Value;
    /// The value, if it is of this kind.
    fn of(value: &Value) -> Option<&Self>;
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// How many elements it has, or bytes.
    fn size(&self) -> usize;
}

macro_rules! kinds {
    ($($kind:ident as $variant:ident;)*) => {$(
        impl Kind for $kind {
            fn into_value(self) -> Value {
                Value::$variant(self)
            }

            fn of(value: &Value) -> Option<&Self> {
                if let Value::$variant(held) = value { Some(held) } else { None }
            }

            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                if let Value::$variant(held) = value { Some(held) } else { None }
            }

            fn size(&self) -> usize {
                self.len()
            }
        }
    )*};
}

kinds! { Blob as String; List as List; Set as Set; Hash as Hash; }

/// A list whose elements keep the index they got when pushed, which is their row in the journal.
#[derive(Debug, Default, PartialEq)]
pub(super) struct List {
    /// The index of the leftmost element.
    pub(super) first: i64,
    pub(super) items: VecDeque<Blob>,
}

impl List {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The index behind the rightmost element. Lists start around 0 and no list lives for 2^63 pushes.
    pub(super) fn end(&self) -> i64 {
        self.first.wrapping_add(self.items.len() as i64)
    }

    /// Puts an element at the left; returns its index.
    pub(super) fn push_left(&mut self, item: Blob) -> i64 {
        self.first = self.first.wrapping_sub(1);
        self.items.push_front(item);
        self.first
    }

    /// Puts an element at the right; returns its index.
    pub(super) fn push_right(&mut self, item: Blob) -> i64 {
        self.items.push_back(item);
        self.end().wrapping_sub(1)
    }

    /// Takes the leftmost element with its index.
    pub(super) fn pop_left(&mut self) -> Option<(i64, Blob)> {
        let item = self.items.pop_front()?;
        self.first = self.first.wrapping_add(1);
        Some((self.first.wrapping_sub(1), item))
    }

    /// Takes the rightmost element with its index.
    pub(super) fn pop_right(&mut self) -> Option<(i64, Blob)> {
        let item = self.items.pop_back()?;
        Some((self.end(), item))
    }
}
