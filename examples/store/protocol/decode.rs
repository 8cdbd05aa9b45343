//! Requests out of bytes.
//!
//! A request is an array of bulk strings, or an inline command. The library reads whole frames and starts
//! over when one is incomplete, and it believes the lengths it reads. So a scanner goes first: it walks the
//! headers, remembers where it is (each byte is looked at once, however small the pieces in which it comes),
//! refuses what is over a limit in Redis's own words, and calls the library exactly once per request, when
//! all of it is there.

use std::borrow::Cow;

use bytes::{Buf, Bytes, BytesMut};
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::types::BytesFrame;

use super::inline;
use crate::reply::Reply;

/// What one request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest bulk string.
    pub bulk: usize,
    /// The most arguments.
    pub args: usize,
    /// The most memory a request may come to, its arguments' own overhead included.
    pub request: usize,
    /// The longest line: an inline command, or a header.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bulk: 32 << 20, args: 1 << 20, request: 64 << 20, line: 64 << 10 }
    }
}

/// What an argument costs beyond its bytes: the library's range and frame, and our own handle. A million
/// empty arguments are 6 MB on the wire and would be 130 MB here.
const ARG_OVERHEAD: usize = 128;

/// The client does not speak the protocol, or asks for too much. It gets the text, then the connection is
/// closed: where the next request would start is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolError(Cow<'static, str>);

impl ProtocolError {
    /// The answer the client gets.
    pub fn reply(&self) -> Reply {
        Reply::error(format!("ERR Protocol error: {}", self.0))
    }
}

fn refuse<T>(text: impl Into<Cow<'static, str>>) -> Result<T, ProtocolError> {
    Err(ProtocolError(text.into()))
}

/// Where the scanner stands in the request at the front of the buffer.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    /// The first byte not yet accounted for.
    at: usize,
    /// How far the search for the end of the current line has come.
    searched: usize,
    /// Arguments still to come; `None` before the header of the array.
    missing: Option<usize>,
    /// The request's cost so far.
    cost: usize,
}

/// Cuts requests off the front of a connection's read buffer.
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    scan: Scan,
}

impl Decoder {
    #[cfg(test)]
    fn new(limits: Limits) -> Self {
        Decoder { limits, scan: Scan::default() }
    }

    /// The next request, or `None` when more bytes are needed. Never empty. After an error the decoder is of
    /// no use.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        loop {
            let step = match buf.first() {
                None => return Ok(None),
                Some(b'*') => self.array(buf)?,
                Some(_) => self.inline(buf)?,
            };
            match step {
                // An empty line and an empty array are legal and mean nothing.
                Some(request) if request.is_empty() => {}
                other => return Ok(other),
            }
        }
    }

    fn inline(&mut self, buf: &mut BytesMut) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        let Some(end) = self.line_end(buf, b"\n") else {
            return if buf.len() > self.limits.line { refuse("too big inline request") } else { Ok(None) };
        };
        if end > self.limits.line {
            return refuse("too big inline request");
        }
        let Some(words) = inline::words(&buf[..end]) else {
            return refuse("unbalanced quotes in request");
        };
        buf.advance(end + 1);
        self.scan = Scan::default();
        Ok(Some(words))
    }

    fn array(&mut self, buf: &mut BytesMut) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        let mut missing = match self.scan.missing {
            Some(missing) => missing,
            None => match self.array_header(buf)? {
                Some(count) => count,
                None => return Ok(None),
            },
        };
        while missing > 0 {
            if !self.skip_bulk(buf)? {
                return Ok(None);
            }
            missing -= 1;
            self.scan.missing = Some(missing);
        }
        if buf.len() < self.scan.at {
            return Ok(None);
        }
        let end = std::mem::take(&mut self.scan).at;
        parse_frame(buf, end).map(Some)
    }

    /// Reads `*<count>`.
    fn array_header(&mut self, buf: &BytesMut) -> Result<Option<usize>, ProtocolError> {
        let Some(count) = self.header(buf, "too big mbulk count string")? else { return Ok(None) };
        match count {
            Some(n) if n <= 0 => self.scan.missing = Some(0),
            Some(n) => match usize::try_from(n) {
                Ok(n) if n <= self.limits.args => self.scan.missing = Some(n),
                _ => return refuse("invalid multibulk length"),
            },
            None => return refuse("invalid multibulk length"),
        }
        Ok(self.scan.missing)
    }

    /// Steps over `$<length>` and the bytes it announces, which need not be here yet. False when the header
    /// isn't.
    fn skip_bulk(&mut self, buf: &BytesMut) -> Result<bool, ProtocolError> {
        match buf.get(self.scan.at) {
            None => return Ok(false),
            Some(b'$') => {}
            Some(other) => return refuse(format!("expected '$', got '{}'", char::from(*other))),
        }
        let Some(length) = self.header(buf, "too big bulk count string")? else { return Ok(false) };
        let length = match length.map(usize::try_from) {
            Some(Ok(length)) if length <= self.limits.bulk => length,
            _ => return refuse("invalid bulk length"),
        };
        self.scan.cost += length + ARG_OVERHEAD;
        if self.scan.cost > self.limits.request {
            return refuse("too big request");
        }
        self.scan.at += length + 2;
        self.scan.searched = self.scan.at;
        Ok(true)
    }

    /// Reads the number behind a sign byte and steps behind its line: `None` when the line isn't complete,
    /// `Some(None)` when it isn't a number.
    fn header(
        &mut self,
        buf: &BytesMut,
        too_big: &'static str,
    ) -> Result<Option<Option<i64>>, ProtocolError> {
        let start = self.scan.at;
        let Some(end) = self.line_end(buf, b"\r\n") else {
            return if buf.len() - start > self.limits.line { refuse(too_big) } else { Ok(None) };
        };
        let number = crate::number::integer(&buf[start + 1..end]);
        self.scan.at = end + 2;
        self.scan.searched = self.scan.at;
        Ok(Some(number))
    }

    /// Where the line under the scanner ends, searching only what wasn't searched before.
    fn line_end(&mut self, buf: &BytesMut, mark: &[u8]) -> Option<usize> {
        let from = self.scan.searched.max(self.scan.at);
        let unseen = buf.get(from..)?;
        if let Some(found) = unseen.windows(mark.len()).position(|window| window == mark) {
            return Some(from + found);
        }
        // The last byte may be the first half of the mark.
        self.scan.searched = buf.len().saturating_sub(mark.len() - 1).max(from);
        None
    }
}

/// Lets the library read the `end` bytes that the scanner approved.
fn parse_frame(buf: &mut BytesMut, end: usize) -> Result<Vec<Bytes>, ProtocolError> {
    let mut request = buf.split_to(end);
    match decode_bytes_mut(&mut request) {
        Ok(Some((BytesFrame::Array(frames), ..))) => frames.into_iter().map(bulk).collect(),
        // `*-1`: the scanner let it through as an empty array.
        Ok(Some((BytesFrame::Null, ..))) => Ok(Vec::new()),
        // `*-7` and the like: the library refuses what Redis ignores.
        Err(_) if request.starts_with(b"*-") => Ok(Vec::new()),
        Ok(_) => refuse("expected an array of bulk strings"),
        Err(error) => refuse(error.details().to_owned()),
    }
}

fn bulk(frame: BytesFrame) -> Result<Bytes, ProtocolError> {
    match frame {
        BytesFrame::BulkString(bytes) => Ok(bytes),
        _ => refuse("expected an array of bulk strings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { bulk: 10, args: 4, request: 4 * ARG_OVERHEAD + 20, line: 32 };

    /// The bytes, the requests in them, and the error that ends them.
    type Row = (&'static str, &'static [&'static [&'static str]], Option<&'static str>);

    /// All requests in the input, then the error that ended it, as text.
    fn decode_in_pieces(input: &[u8], piece: usize) -> (Vec<Vec<String>>, Option<String>) {
        let (mut decoder, mut buf, mut requests) = (Decoder::new(SMALL), BytesMut::new(), Vec::new());
        for chunk in input.chunks(piece.max(1)) {
            buf.extend_from_slice(chunk);
            loop {
                match decoder.next(&mut buf) {
                    Ok(None) => break,
                    Ok(Some(args)) => requests
                        .push(args.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect()),
                    Err(error) => return (requests, Some(error.0.into_owned())),
                }
            }
        }
        (requests, None)
    }

    #[test]
    fn requests_and_errors_are_the_same_however_the_bytes_are_cut() {
        let rows: [Row; 26] = [
            ("*1\r\n$4\r\nPING\r\n", &[&["PING"]], None),
            ("*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\nPING\r\n", &[&["GET", "a\r\n"], &["PING"]], None),
            ("*1\r\n$0\r\n\r\n*1\r\n$1\r\nx\r\n", &[&[""], &["x"]], None),
            ("\r\n\n*0\r\n*-1\r\n*-5\r\nPING\n", &[&["PING"]], None),
            ("set k \"a b\"\r\n", &[&["set", "k", "a b"]], None),
            ("*1\r\n$4\r\nPI", &[], None),
            ("*1\r\n", &[], None),
            ("PING", &[], None),
            ("PING\r\n*1\r\n:5\r\n", &[&["PING"]], Some("expected '$', got ':'")),
            ("*1\r\nx", &[], Some("expected '$', got 'x'")),
            ("*x\r\n", &[], Some("invalid multibulk length")),
            ("*\r\n", &[], Some("invalid multibulk length")),
            ("*+1\r\n", &[], Some("invalid multibulk length")),
            ("*5\r\n", &[], Some("invalid multibulk length")),
            ("*99999999999999999999\r\n", &[], Some("invalid multibulk length")),
            ("*1\r\n$x\r\n", &[], Some("invalid bulk length")),
            ("*1\r\n$-1\r\n", &[], Some("invalid bulk length")),
            ("*1\r\n$11\r\n", &[], Some("invalid bulk length")),
            ("*1\r\n$9223372036854775807\r\n", &[], Some("invalid bulk length")),
            ("*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$1\r\n", &[], None),
            (
                "*4\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$1\r\n1\r\n$1\r\n",
                &[],
                Some("too big request"),
            ),
            ("echo \"open\r\n", &[], Some("unbalanced quotes in request")),
            ("0123456789012345678901234567890123456789", &[], Some("too big inline request")),
            ("*0123456789012345678901234567890123456789", &[], Some("too big mbulk count string")),
            ("*1\r\n$0123456789012345678901234567890123456789", &[], Some("too big bulk count string")),
            ("\u{0}\u{1}garbage\n", &[&["\u{0}\u{1}garbage"]], None),
        ];
        for (input, requests, error) in rows {
            for piece in [1, 2, 3, 7, input.len()] {
                let (got, got_error) = decode_in_pieces(input.as_bytes(), piece);
                assert_eq!(got, requests, "{input:?} in pieces of {piece}");
                assert_eq!(got_error.as_deref(), error, "{input:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_huge_bulk_is_refused_when_only_its_header_has_come() {
        let mut decoder = Decoder::default();
        let mut buf = BytesMut::from(&b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n"[..]);
        let error = decoder.next(&mut buf).unwrap_err();
        assert_eq!(error.reply(), Reply::error("ERR Protocol error: invalid bulk length"));
    }

    #[test]
    fn a_request_in_a_million_pieces_is_scanned_once() {
        // With a rescan per piece this would look at 10^10 bytes and not come back.
        let mut decoder = Decoder::default();
        let mut buf = BytesMut::new();
        buf.extend_from_slice(b"*200000\r\n");
        for n in 0..200_000 {
            assert_eq!(decoder.next(&mut buf), Ok(None), "argument {n}");
            buf.extend_from_slice(b"$1\r\nx\r\n");
        }
        assert_eq!(decoder.next(&mut buf).unwrap().unwrap().len(), 200_000);
        assert!(buf.is_empty());
    }
}
