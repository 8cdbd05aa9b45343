//! What a command did, in a form that can be kept.
//!
//! An effect is absolute and small: it names one row (a string, an element, an expiry), never "add one" or
//! "push", and never the whole of a collection. So the journal writes what changed and no more (pushing to a
//! list of a million costs one row), replaying effects gives the same state whatever the clock says by then,
//! and writing the same run of effects twice does what writing it once does.

use crate::reply::Blob;

/// One change of one row. A key changes its type only through `Drop`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    PutString {
        key: Blob,
        value: Blob,
    },
    /// Elements of a list have consecutive indices; the left end grows downwards.
    PutItem {
        key: Blob,
        index: i64,
        value: Blob,
    },
    RemoveItem {
        key: Blob,
        index: i64,
    },
    AddMember {
        key: Blob,
        member: Blob,
    },
    RemoveMember {
        key: Blob,
        member: Blob,
    },
    PutField {
        key: Blob,
        field: Blob,
        value: Blob,
    },
    RemoveField {
        key: Blob,
        field: Blob,
    },
    /// Milliseconds since the Unix epoch.
    ExpireAt {
        key: Blob,
        at: u64,
    },
    /// The key has no expiry any more.
    Persist {
        key: Blob,
    },
    /// The key is gone with all it held.
    Drop {
        key: Blob,
    },
    /// All keys of the partition are gone.
    Clear,
}
