//! Renders replies.
//!
//! Every leaf is written by `redis-protocol`, as RESP3 has it: what RESP2 also has looks the same there, but for
//! its two nulls. The header of an aggregate is written here (a sign, a count, CRLF): the library wants maps and
//! sets as std hash tables, whose order changes from run to run, and a tree of frames built only to be dropped.

use bytes::BytesMut;
use redis_protocol::resp3::encode::complete::extend_encode_borrowed;
use redis_protocol::resp3::types::{BorrowedFrame as Frame, VerbatimStringFormat};

use crate::reply::Reply;

/// The protocol a connection has chosen with `HELLO`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    #[default]
    Resp2,
    Resp3,
}

/// Appends `reply` to `out`.
pub fn encode(reply: &Reply, version: Version, out: &mut BytesMut) {
    match (reply, version) {
        (Reply::Array(items), _) => aggregate('*', items, version, out),
        (Reply::Set(items), Version::Resp3) => aggregate('~', items, version, out),
        (Reply::Push(items), Version::Resp3) => aggregate('>', items, version, out),
        (Reply::Set(items) | Reply::Push(items), Version::Resp2) => aggregate('*', items, version, out),
        (Reply::Map(pairs), Version::Resp2) => map('*', pairs.len() * 2, pairs, version, out),
        (Reply::Map(pairs), Version::Resp3) => map('%', pairs.len(), pairs, version, out),
        (Reply::NullArray, Version::Resp2) => out.extend_from_slice(b"*-1\r\n"),
        (Reply::Null, Version::Resp2) => out.extend_from_slice(b"$-1\r\n"),
        (Reply::Text(text), Version::Resp2) => leaf(&Reply::Bulk(text.clone()), out),
        (other, _) => leaf(other, out),
    }
}

fn aggregate(sign: char, items: &[Reply], version: Version, out: &mut BytesMut) {
    header(sign, items.len(), out);
    for item in items {
        encode(item, version, out);
    }
}

fn map(sign: char, count: usize, pairs: &[(Reply, Reply)], version: Version, out: &mut BytesMut) {
    header(sign, count, out);
    for (key, value) in pairs {
        encode(key, version, out);
        encode(value, version, out);
    }
}

fn header(sign: char, count: usize, out: &mut BytesMut) {
    out.extend_from_slice(format!("{sign}{count}\r\n").as_bytes());
}

/// A leaf that looks the same in both versions, or that RESP2 does not have.
fn leaf(leaf: &Reply, out: &mut BytesMut) {
    let text;
    let frame = match leaf {
        Reply::Simple(status) => Frame::SimpleString { data: status.as_bytes(), attributes: None },
        Reply::Error(error) => {
            text = one_line(error);
            Frame::SimpleError { data: &text, attributes: None }
        }
        Reply::Integer(n) => Frame::Number { data: *n, attributes: None },
        Reply::Bulk(data) => Frame::BlobString { data, attributes: None },
        Reply::Text(data) => {
            Frame::VerbatimString { data, format: VerbatimStringFormat::Text, attributes: None }
        }
        _ => Frame::Null,
    };
    // The only error is a buffer too small, and this call makes room by itself.
    let written = extend_encode_borrowed(out, &frame, false);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// An error may quote what the client sent; a line break in it would end the reply early and let a client
/// forge the next one.
fn one_line(error: &str) -> std::borrow::Cow<'_, str> {
    if error.contains(['\r', '\n']) { error.replace(['\r', '\n'], " ").into() } else { error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_rendered_for_the_version_of_its_connection() {
        let one = || Reply::Integer(1);
        let rows = [
            (Reply::OK, "+OK\r\n", "+OK\r\n"),
            (Reply::error("ERR no\r\n+OK"), "-ERR no  +OK\r\n", "-ERR no  +OK\r\n"),
            (Reply::Integer(-7), ":-7\r\n", ":-7\r\n"),
            (Reply::bulk("a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"),
            (Reply::bulk(""), "$0\r\n\r\n", "$0\r\n\r\n"),
            (Reply::Text((*b"hi").into()), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
            (Reply::Null, "$-1\r\n", "_\r\n"),
            (Reply::NullArray, "*-1\r\n", "_\r\n"),
            (Reply::Array(vec![]), "*0\r\n", "*0\r\n"),
            (Reply::Array(vec![one(), Reply::Null]), "*2\r\n:1\r\n$-1\r\n", "*2\r\n:1\r\n_\r\n"),
            (
                Reply::Map(vec![(Reply::bulk("k"), one())]),
                "*2\r\n$1\r\nk\r\n:1\r\n",
                "%1\r\n$1\r\nk\r\n:1\r\n",
            ),
            (Reply::Set(vec![one()]), "*1\r\n:1\r\n", "~1\r\n:1\r\n"),
            (Reply::Push(vec![one()]), "*1\r\n:1\r\n", ">1\r\n:1\r\n"),
        ];
        for (reply, resp2, resp3) in rows {
            for (version, expected) in [(Version::Resp2, resp2), (Version::Resp3, resp3)] {
                let mut out = BytesMut::from(&b"before"[..]);
                encode(&reply, version, &mut out);
                let text = String::from_utf8_lossy(&out[b"before".len()..]).into_owned();
                assert_eq!(text, expected, "{reply:?} as {version:?}");
            }
        }
    }
}
