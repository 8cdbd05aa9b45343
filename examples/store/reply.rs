//! What the server answers, free of any wire format.
//!
//! A partition, a session and a broker all speak in `Reply`; only `protocol::encode` knows how one looks in
//! RESP2 or RESP3. So the data structures are tested without a byte of protocol in sight.

use std::borrow::Cow;
use std::sync::Arc;

/// Bytes that are kept: one allocation, cheap to share between the keyspace, the journal and a reply.
///
/// What comes off the wire is a slice of a read buffer and would keep the whole buffer alive; what is stored
/// is therefore copied into a `Blob` once.
pub type Blob = Arc<[u8]>;

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A short status, `OK`.
    Simple(&'static str),
    /// An error with its code first, `ERR syntax error`.
    Error(Cow<'static, str>),
    Integer(i64),
    Bulk(Blob),
    /// Text for people (`INFO`): verbatim in RESP3, a bulk in RESP2.
    Text(Blob),
    /// Nothing there.
    Null,
    /// No list there: RESP2 tells it from `Null`, RESP3 does not.
    NullArray,
    Array(Vec<Reply>),
    /// Pairs in an order of their own; RESP2 has no maps and gets the pairs as one flat array.
    Map(Vec<(Reply, Reply)>),
    Set(Vec<Reply>),
    /// Something the client did not ask for just now: a published message.
    Push(Vec<Reply>),
}

impl Reply {
    pub const OK: Reply = Reply::Simple("OK");

    /// A bulk string of these bytes.
    pub fn bulk(bytes: impl AsRef<[u8]>) -> Reply {
        Reply::Bulk(Blob::from(bytes.as_ref()))
    }

    /// An error; the text starts with its code.
    pub fn error(text: impl Into<Cow<'static, str>>) -> Reply {
        Reply::Error(text.into())
    }

    /// A count.
    pub fn count(n: usize) -> Reply {
        Reply::Integer(i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// A yes or no as Redis gives it: 1 or 0.
    pub fn flag(yes: bool) -> Reply {
        Reply::Integer(i64::from(yes))
    }

    /// The bytes, or `Null`.
    pub fn maybe(bytes: Option<Blob>) -> Reply {
        bytes.map_or(Reply::Null, Reply::Bulk)
    }
}
