//! What a command did, in a form that can be kept.
//!
//! An effect is absolute and small: it names one row (a string, an element, an expiry), never "add one" or
//! "push", and never the whole of a collection. So the journal writes what changed and no more (pushing to a
//! list of a million costs one row), replaying effects gives the same state whatever the clock says by then,
//! and writing the same run of effects twice does what writing it once does.

use crate::reply::Blob;

/// One change of one row. All but `Clear` name the key first. A key changes its type only through `Drop`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The value.
    PutString(Blob, Blob),
    /// The index and the value. Elements of a list have consecutive indices; the left end grows downwards.
    PutItem(Blob, i64, Blob),
    /// The index.
    RemoveItem(Blob, i64),
    AddMember(Blob, Blob),
    RemoveMember(Blob, Blob),
    /// The field and the value.
    PutField(Blob, Blob, Blob),
    /// The field.
    RemoveField(Blob, Blob),
    /// Milliseconds since the Unix epoch.
    ExpireAt(Blob, u64),
    /// The key has no expiry any more.
    Persist(Blob),
    /// The key is gone with all it held.
    Drop(Blob),
    /// All keys of the partition are gone.
    Clear,
}
