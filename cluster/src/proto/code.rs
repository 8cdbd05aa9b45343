//! `[pure]` Numbers and texts as bytes: what every decoder here is made of.
//!
//! Every reader is total: it gives a value or says why not, and takes no memory that the bytes do not have.

use std::fmt;
use std::sync::Arc;

/// The most bytes of a name on the wire.
pub(crate) const NAME_MAX: usize = 255;

/// The most bytes of any other text on the wire: reasons, places in source, descriptions.
pub(crate) const TEXT_MAX: usize = 4096;

/// Why bytes are no frame. The link that they came by is of no use any more.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// The frame is empty: it has not even a kind.
    Empty,
    /// Bytes are left after the last field.
    LeftOver {
        /// How many.
        bytes: usize,
    },
    /// A text, list or message is longer than it may be.
    Long {
        /// What it is.
        what: &'static str,
        /// How many bytes or items it says it has.
        has: u64,
        /// How many it may have.
        max: u64,
    },
    /// A reason has reasons inside, deeper than anybody nests them.
    Nested,
    /// A number is out of its range, or is not written in the shortest way.
    Number {
        /// What it is.
        what: &'static str,
    },
    /// A choice that does not exist.
    Tag {
        /// Of what.
        what: &'static str,
        /// The byte that was to say which.
        tag: u8,
    },
    /// It is not UTF-8, or no name.
    Text {
        /// What was to be a text.
        what: &'static str,
    },
    /// The bytes end inside of this.
    Truncated {
        /// What.
        what: &'static str,
    },
    /// A number for a name or a node that was never defined on this link.
    Undefined {
        /// Of what.
        what: &'static str,
        /// The number.
        number: u32,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Empty => f.write_str("a frame is empty"),
            FrameError::LeftOver { bytes } => write!(f, "{bytes} bytes are left at the end of a frame"),
            FrameError::Long { what, has, max } => {
                write!(f, "the {what} has a length of {has}, {max} is the most")
            }
            FrameError::Nested => f.write_str("an exit reason is nested too deeply"),
            FrameError::Number { what } => write!(f, "the {what} is not a number that may stand there"),
            FrameError::Tag { what, tag } => write!(f, "there is no {what} with the tag {tag:#04x}"),
            FrameError::Text { what } => write!(f, "the {what} is not a text that may stand there"),
            FrameError::Truncated { what } => write!(f, "the bytes end inside the {what}"),
            FrameError::Undefined { what, number } => {
                write!(f, "the {what} number {number} was never defined")
            }
        }
    }
}

impl std::error::Error for FrameError {}

/// The most numbers that are defined on a link for names, and the most for nodes.
pub const NUMBERS_MAX: u32 = 65_536;

/// How many numbers the peer has defined on a link, so that a frame with another one is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Known {
    /// Names have the numbers below this.
    pub names: u32,
    /// Nodes have the numbers below this; 2 at first: the sender's and the receiver's.
    pub nodes: u32,
}

impl Known {
    /// A link on which nothing is defined yet.
    pub const NOTHING: Known = Known { names: 0, nodes: 2 };
    /// For frames without a link: every number that may ever be defined.
    pub const ANYTHING: Known = Known { names: NUMBERS_MAX, nodes: NUMBERS_MAX };
}

/// Appends a number, in groups of seven bits, the lowest first.
#[inline]
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a text with its length. One that is longer than `max` is cut, between characters.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str, max: usize) {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Reads fields from the front of some bytes.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(crate) known: Known,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], known: Known) -> Reader<'a> {
        Reader { bytes, at: 0, known }
    }

    #[inline]
    pub(crate) fn byte(&mut self, what: &'static str) -> Result<u8, FrameError> {
        let byte = *self.bytes.get(self.at).ok_or(FrameError::Truncated { what })?;
        self.at += 1;
        Ok(byte)
    }

    /// A number, written in the shortest way: so that a frame has one form only.
    #[inline]
    pub(crate) fn number(&mut self, what: &'static str) -> Result<u64, FrameError> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte(what)?;
            let is_last = byte & 0x80 == 0;
            let is_long = is_last && byte == 0 && shift > 0;
            if is_long || (shift == 63 && byte > 1) {
                return Err(FrameError::Number { what });
            }
            number |= u64::from(byte & 0x7f) << shift;
            if is_last {
                return Ok(number);
            }
            shift += 7;
        }
    }

    /// A number below `below`.
    #[inline]
    pub(crate) fn below(&mut self, what: &'static str, below: u64) -> Result<u64, FrameError> {
        let number = self.number(what)?;
        if number < below { Ok(number) } else { Err(FrameError::Number { what }) }
    }

    #[inline]
    pub(crate) fn small(&mut self, what: &'static str) -> Result<u32, FrameError> {
        u32::try_from(self.number(what)?).map_err(|_| FrameError::Number { what })
    }

    /// The length of a text or list of at most `max`.
    pub(crate) fn length(&mut self, what: &'static str, max: usize) -> Result<usize, FrameError> {
        let has = self.number(what)?;
        match usize::try_from(has) {
            Ok(length) if length <= max => Ok(length),
            _ => Err(FrameError::Long { what, has, max: max as u64 }),
        }
    }

    pub(crate) fn text(&mut self, what: &'static str, max: usize) -> Result<Arc<str>, FrameError> {
        let length = self.length(what, max)?;
        let rest = &self.bytes[self.at..];
        let bytes = rest.get(..length).ok_or(FrameError::Truncated { what })?;
        let text = std::str::from_utf8(bytes).map_err(|_| FrameError::Text { what })?;
        self.at += length;
        Ok(text.into())
    }

    /// 1 to 255 bytes of text.
    pub(crate) fn name(&mut self, what: &'static str) -> Result<Arc<str>, FrameError> {
        let name = self.text(what, NAME_MAX)?;
        if name.is_empty() { Err(FrameError::Text { what }) } else { Ok(name) }
    }

    /// Something that may be missing: a byte 0, or a byte 1 and the thing.
    pub(crate) fn option<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, FrameError>,
    ) -> Result<Option<T>, FrameError> {
        match self.byte(what)? {
            0 => Ok(None),
            1 => read(self).map(Some),
            tag => Err(FrameError::Tag { what, tag }),
        }
    }

    /// Whether all was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// How many bytes were read.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Nothing may be left.
    #[inline]
    pub(crate) fn end(self) -> Result<(), FrameError> {
        match self.left() {
            0 => Ok(()),
            bytes => Err(FrameError::LeftOver { bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_has_one_form() {
        let (short, wrong) = (FrameError::Truncated { what: "it" }, FrameError::Number { what: "it" });
        let rows: [(&[u8], Result<u64, FrameError>); 7] = [
            (&[0], Ok(0)),
            (&[0x80, 1], Ok(128)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Ok(u64::MAX)),
            (&[], Err(short.clone())),
            (&[0x80], Err(short)),
            (&[0x80, 0], Err(wrong.clone())),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], Err(wrong)),
        ];
        for (bytes, expected) in rows {
            assert_eq!(Reader::new(bytes, Known::NOTHING).number("it"), expected, "{bytes:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_put_is_read(number: u64, text in ".{0,20}") {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_text(&mut out, &text, NAME_MAX);
            let mut reader = Reader::new(&out, Known::NOTHING);
            prop_assert_eq!(reader.number("it"), Ok(number));
            prop_assert_eq!(&*reader.text("it", NAME_MAX).unwrap(), &*text);
            prop_assert!(reader.is_empty());
        }
    }
}
