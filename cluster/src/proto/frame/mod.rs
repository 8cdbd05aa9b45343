//! `[pure]` Frames: what goes over a link, one after the other.
//!
//! A frame is two bytes of length, lowest first, one byte of kind, and fields in an order that the kind says. So no
//! frame has more than 65,537 bytes. What is larger goes in fragments, each of them a frame ([`Fragment`]). Numbers are
//! in groups of seven bits; texts have their length before them. docs/wire.md lists the kinds.
//!
//! Reading is total: bytes are a frame, a kind that may be skipped, or an error, and cost no more memory than they have.
//!
//! ```
//! use bytes::{Buf, Bytes};
//! use ravelin_cluster::proto::frame::{Content, Frame, Head, put, read, whole};
//! use ravelin_cluster::proto::{Known, NameNumber, To};
//! let head = Head::Cast { to: To::Place(7), message: NameNumber(0) };
//! let mut bytes = Vec::new();
//! put(&mut bytes, &head, |out| out.extend_from_slice(b"sixteen bytes!!!"));
//! assert_eq!(bytes.len(), 22);
//! assert_eq!(whole(&bytes), Ok(22));
//! let content = Bytes::from(bytes).slice(2..);
//! let payload = Bytes::from_static(b"sixteen bytes!!!");
//! assert_eq!(read(content, Known::ANYTHING), Ok(Content::Frame(Frame::Carrying(head, payload))));
//! ```

mod head;
mod kind;
mod signal;

use super::code::{FrameError, Known, Reader, put_number, put_text};
use super::number::{NameNumber, NodeNumber};
use crate::name::{Incarnation, NodeId, NodeName};
use bytes::{Buf, Bytes};
use std::sync::Arc;

pub use head::{Asked, Head};
pub(crate) use kind::COMPRESSED;
pub use signal::{Bye, Failure, Signal, Waits};

/// How many bytes of length a frame begins with.
pub const LENGTH_BYTES: usize = 2;

/// The most bytes of a frame, its length included.
pub const FRAME_MAX: usize = LENGTH_BYTES + u16::MAX as usize;

/// The most bytes of a message in one [`Fragment`]: the frame around them stays at 64 KiB.
pub const FRAGMENT_MAX: usize = 64 * 1024 - 64;

/// What the bytes of a frame, without its length, are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// A fragment, made smaller. Only where both sides want it.
    Compressed(Compressed),
    /// A number gets a meaning.
    Define(Define),
    /// A part of what is too large for a frame.
    Fragment(Fragment),
    /// Anything else.
    Frame(Frame),
    /// A kind that this version does not know, and that may be skipped.
    Unknown {
        /// Which.
        kind: u8,
    },
}

/// What one side tells the other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Frame {
    /// With a payload that only those who sent it understand.
    Carrying(Head, Bytes),
    /// Without one.
    Signal(Signal),
}

/// A number gets a meaning, for the life of the link. Numbers are given one after the other: the first for a name is 0,
/// the first for a node 2.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Define {
    /// A name.
    Name {
        /// Its number.
        number: NameNumber,
        /// 1 to 255 bytes.
        text: Arc<str>,
    },
    /// A node.
    Node {
        /// Its number.
        number: NodeNumber,
        /// Which life of it.
        node: NodeId,
    },
}

/// A part of a message that goes over the bulk stream. The message is whole when `total` bytes are there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fragment {
    /// Which of the messages under way; free again when it is whole.
    pub slot: u8,
    /// Said with the first part.
    pub first: Option<First>,
    /// The bytes; at least one.
    pub bytes: Bytes,
}

/// What the first part of a message says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct First {
    /// How many frames of the user lane were sent over the main stream before it.
    pub after: u64,
    /// How many numbers were defined before it.
    pub defined: u32,
    /// How many bytes the message has.
    pub total: u64,
    /// What they are.
    pub packed: Packed,
}

/// What the bytes of a fragmented message are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packed {
    /// One frame, without its length.
    One,
    /// Frames with their lengths.
    Many,
}

/// Another frame, compressed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Compressed {
    /// How many bytes that frame has, without its length. What a frame can not have can not be said.
    pub bytes: u16,
    /// The block; at least one byte.
    pub block: Bytes,
}

/// Whether frames of this kind have an order among themselves: those of the user lane.
pub(crate) fn is_user(content: &[u8]) -> bool {
    content.first().is_some_and(|kind| kind & kind::USER != 0)
}

/// The length of the prefix that consists of whole frames: for transports.
///
/// # Errors
/// A frame is empty.
#[inline]
pub fn whole(bytes: &[u8]) -> Result<usize, FrameError> {
    let mut at = 0;
    while let Some(length) = length_at(bytes, at) {
        if length == 0 {
            return Err(FrameError::Empty);
        }
        let end = at + LENGTH_BYTES + length;
        if end > bytes.len() {
            break;
        }
        at = end;
    }
    Ok(at)
}

/// What the length at the front says, if it is there.
#[inline]
pub(crate) fn length_at(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..at + LENGTH_BYTES)?;
    Some(usize::from(u16::from_le_bytes([length[0], length[1]])))
}

/// Appends a frame with a payload: its length, its head, and what `payload` appends. Allocates nothing itself. Gives the
/// number of bytes without the length; with more than 65,535 of them the length is not right, and whoever calls it
/// sends the content in fragments.
#[inline]
pub fn put(out: &mut Vec<u8>, head: &Head, payload: impl FnOnce(&mut Vec<u8>)) -> usize {
    put_with(out, |out| {
        head.put(out);
        payload(out);
    })
}

/// Appends a frame without a payload, as [`put`] does one with.
pub fn put_signal(out: &mut Vec<u8>, signal: &Signal) -> usize {
    put_with(out, |out| signal.put(out))
}

/// Appends a definition.
pub(crate) fn put_define(out: &mut Vec<u8>, define: &Define) {
    put_with(out, |out| match define {
        Define::Name { number, text } => {
            out.push(kind::DEFINE_NAME);
            number.put(out);
            put_text(out, text, text.len());
        }
        Define::Node { number, node } => {
            out.push(kind::DEFINE_NODE);
            put_number(out, u64::from(number.0));
            put_number(out, node.incarnation.0);
            put_text(out, node.name.as_str(), node.name.as_str().len());
        }
    });
}

/// Appends a fragment, without its bytes' being copied before.
pub(crate) fn put_fragment(
    out: &mut Vec<u8>,
    slot: u8,
    first: Option<First>,
    bytes: impl FnOnce(&mut Vec<u8>),
) {
    put_with(out, |out| {
        out.push(kind::FRAGMENT);
        out.push(slot);
        match first {
            None => out.push(LATER),
            Some(First { after, defined, total, packed }) => {
                out.push(match packed {
                    Packed::One => FIRST_OF_ONE,
                    Packed::Many => FIRST_OF_MANY,
                });
                put_number(out, after);
                put_number(out, u64::from(defined));
                put_number(out, total);
            }
        }
        bytes(out);
    });
}

/// Appends a frame that had so many bytes, without its length, before they were made this block.
pub(crate) fn put_compressed(out: &mut Vec<u8>, bytes: usize, block: &[u8]) {
    put_with(out, |out| {
        out.push(kind::COMPRESSED);
        put_number(out, bytes as u64);
        out.extend_from_slice(block);
    });
}

const LATER: u8 = 0;
const FIRST_OF_ONE: u8 = 1;
const FIRST_OF_MANY: u8 = 2;

/// Appends a length and what `content` appends; gives the number of bytes of the content.
#[inline]
pub(crate) fn put_with(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    content(out);
    let length = out.len() - at - LENGTH_BYTES;
    out[at..at + LENGTH_BYTES].copy_from_slice(&(length as u16).to_le_bytes());
    length
}

/// What the bytes of a frame, without its length, are. Payloads are slices of `content`, not copies.
///
/// # Errors
/// See [`FrameError`]. Numbers that are not `known` are refused.
pub fn read(mut content: Bytes, known: Known) -> Result<Content, FrameError> {
    let mut from = Reader::new(&content, known);
    let Ok(kind) = from.byte("kind") else { return Err(FrameError::Empty) };
    if let Some(head) = Head::read(kind, &mut from)? {
        let at = from.at();
        content.advance(at);
        return Ok(Content::Frame(Frame::Carrying(head, content)));
    }
    let read = match kind {
        kind::FRAGMENT => {
            let (slot, first) = read_place(&mut from)?;
            if from.left() == 0 {
                return Err(FrameError::Truncated { what: "fragment" });
            }
            let at = from.at();
            content.advance(at);
            return Ok(Content::Fragment(Fragment { slot, first, bytes: content }));
        }
        kind::COMPRESSED => {
            let bytes = from.length("compressed frame", usize::from(u16::MAX))? as u16;
            if from.left() == 0 {
                return Err(FrameError::Truncated { what: "compressed frame" });
            }
            let at = from.at();
            content.advance(at);
            return Ok(Content::Compressed(Compressed { bytes, block: content }));
        }
        kind::DEFINE_NAME => {
            let number = NameNumber(from.small("number of a name")?);
            Content::Define(Define::Name { number, text: from.name("name")? })
        }
        kind::DEFINE_NODE => {
            let number = NodeNumber(from.small("number of a node")?);
            Content::Define(Define::Node { number, node: read_node(&mut from)? })
        }
        _ => match Signal::read(kind, &mut from)? {
            Some(signal) => Content::Frame(Frame::Signal(signal)),
            None if kind & kind::SKIP != 0 => return Ok(Content::Unknown { kind }),
            None => return Err(FrameError::Tag { what: "kind of frame", tag: kind }),
        },
    };
    from.end()?;
    Ok(read)
}

/// One life of a node.
pub(crate) fn read_node(from: &mut Reader<'_>) -> Result<NodeId, FrameError> {
    let incarnation = Incarnation(from.number("incarnation of a node")?);
    let name = from.name("name of a node")?;
    let name = NodeName::new(&name).map_err(|_| FrameError::Text { what: "name of a node" })?;
    Ok(NodeId { name, incarnation })
}

fn read_place(from: &mut Reader<'_>) -> Result<(u8, Option<First>), FrameError> {
    let slot = from.byte("slot of a fragment")?;
    let first = match from.byte("place of a fragment")? {
        LATER => None,
        tag @ (FIRST_OF_ONE | FIRST_OF_MANY) => Some(First {
            after: from.number("frames before a message")?,
            defined: from.small("definitions before a message")?,
            total: from.number("length of a message")?,
            packed: if tag == FIRST_OF_ONE { Packed::One } else { Packed::Many },
        }),
        tag => return Err(FrameError::Tag { what: "place of a fragment", tag }),
    };
    Ok((slot, first))
}
