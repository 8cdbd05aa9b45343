//! [pure] How bytes become messages: as they come, in lines, or in packets with their length in front.

use std::fmt;
use std::num::NonZeroUsize;

/// How the bytes of a process become messages. Source: `open_port/2`'s `stream`, `{line, L}` and `{packet, N}`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Framing {
    /// As they come, in pieces of any size.
    #[default]
    Stream,
    /// In lines, without their line end (`\n` or `\r\n`). One that is longer than this comes in several messages, all
    /// but its last with [`Part::Unfinished`]. Input is not framed.
    Lines {
        /// The most bytes of a message.
        max: NonZeroUsize,
    },
    /// In packets: each has its length in front, in so many bytes, big-endian, in both directions.
    Packets {
        /// How many bytes the length has.
        header: HeaderBytes,
        /// The longest packet that is taken; a longer one is an error.
        max: usize,
    },
}

/// How many bytes the length of a packet has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HeaderBytes {
    /// Packets of up to 255 bytes.
    One,
    /// Packets of up to 65 535 bytes.
    Two,
    /// Packets of up to 4 GiB.
    Four,
}

/// Whether a message is all there is of a line or packet. Source: `eol` and `noeol`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// A whole packet; a line, or the last part of one, that had its line end; or bytes without a frame.
    Whole,
    /// A line that goes on in the next message, or that the process left without a line end.
    Unfinished,
}

/// Bytes that are no frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FramingError {
    /// A packet is longer than allowed.
    TooLong {
        /// What its header says.
        length: usize,
        /// What is allowed.
        max: usize,
    },
    /// The end came within a packet.
    Truncated,
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FramingError::TooLong { length, max } => {
                write!(f, "a packet of {length} bytes, where {max} are allowed: is the framing right?")
            }
            FramingError::Truncated => f.write_str("the end came within a packet"),
        }
    }
}

impl std::error::Error for FramingError {}

impl HeaderBytes {
    fn count(self) -> usize {
        match self {
            HeaderBytes::One => 1,
            HeaderBytes::Two => 2,
            HeaderBytes::Four => 4,
        }
    }

    fn longest(self) -> usize {
        match self {
            HeaderBytes::One => u8::MAX.into(),
            HeaderBytes::Two => u16::MAX.into(),
            HeaderBytes::Four => u32::MAX as usize,
        }
    }
}

impl Framing {
    /// Lines of up to 64 KiB.
    pub const fn lines() -> Framing {
        const MAX: NonZeroUsize = NonZeroUsize::new(64 * 1024).unwrap();
        Framing::Lines { max: MAX }
    }

    /// Packets of up to 64 MiB, or what the header can say.
    pub const fn packets(header: HeaderBytes) -> Framing {
        Framing::Packets { header, max: 64 << 20 }
    }

    /// What is written for this message.
    ///
    /// # Errors
    /// A packet that is longer than allowed.
    pub fn encode(self, message: Vec<u8>) -> Result<Vec<u8>, FramingError> {
        let Framing::Packets { header, max } = self else { return Ok(message) };
        let max = max.min(header.longest());
        if message.len() > max {
            return Err(FramingError::TooLong { length: message.len(), max });
        }
        let length = (message.len() as u64).to_be_bytes();
        let mut framed = length[length.len() - header.count()..].to_vec();
        framed.extend(message);
        Ok(framed)
    }
}

/// Takes bytes and gives messages.
#[derive(Debug)]
pub(crate) struct Decoder {
    framing: Framing,
    bytes: Vec<u8>,
    /// How many of `bytes` were given out.
    given: usize,
    /// How many of those left were looked at without finding a line end.
    looked_at: usize,
}

impl Decoder {
    pub(crate) fn new(framing: Framing) -> Decoder {
        Decoder { framing, bytes: Vec::new(), given: 0, looked_at: 0 }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.bytes.drain(..std::mem::take(&mut self.given));
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message that is complete.
    pub(crate) fn next(&mut self) -> Result<Option<(Vec<u8>, Part)>, FramingError> {
        let left = self.bytes.len() - self.given;
        match self.framing {
            Framing::Stream if left == 0 => Ok(None),
            Framing::Stream => Ok(Some((self.give(left, 0), Part::Whole))),
            Framing::Lines { max } => Ok(self.line(max.get())),
            Framing::Packets { header, max } => self.packet(header.count(), max),
        }
    }

    /// What is left when no more bytes come, as long as there is something.
    pub(crate) fn end(&mut self) -> Result<Option<(Vec<u8>, Part)>, FramingError> {
        let left = self.bytes.len() - self.given;
        match self.framing {
            _ if left == 0 => Ok(None),
            Framing::Packets { .. } => Err(FramingError::Truncated),
            Framing::Lines { max } => Ok(Some((self.give(left.min(max.get()), 0), Part::Unfinished))),
            Framing::Stream => Ok(Some((self.give(left, 0), Part::Whole))),
        }
    }

    /// The next so many bytes, without those behind them that are to be left out.
    fn give(&mut self, count: usize, left_out: usize) -> Vec<u8> {
        let bytes = self.bytes[self.given..self.given + count].to_vec();
        self.given += count + left_out;
        self.looked_at = 0;
        bytes
    }

    fn line(&mut self, max: usize) -> Option<(Vec<u8>, Part)> {
        let left = &self.bytes[self.given..];
        let end = left[self.looked_at..].iter().position(|byte| *byte == b'\n').map(|at| self.looked_at + at);
        if let Some(end) = end {
            let text = end - usize::from(left[..end].ends_with(b"\r"));
            if text <= max {
                return Some((self.give(text, end + 1 - text), Part::Whole));
            }
        } else if left.len() <= max || (left.len() == max + 1 && left.ends_with(b"\r")) {
            self.looked_at = left.len();
            return None;
        }
        Some((self.give(max, 0), Part::Unfinished))
    }

    fn packet(&mut self, header: usize, max: usize) -> Result<Option<(Vec<u8>, Part)>, FramingError> {
        let left = &self.bytes[self.given..];
        let Some(length) = left.get(..header) else { return Ok(None) };
        let length = length.iter().fold(0, |length: usize, byte| length << 8 | usize::from(*byte));
        if length > max {
            return Err(FramingError::TooLong { length, max });
        }
        if left.len() < header + length {
            return Ok(None);
        }
        self.given += header;
        Ok(Some((self.give(length, 0), Part::Whole)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All messages, with `true` for a whole one, when the bytes come in pieces of this size.
    fn decoded(framing: Framing, bytes: &[u8], piece: usize) -> Result<Vec<(String, bool)>, FramingError> {
        let mut decoder = Decoder::new(framing);
        let mut messages = Vec::new();
        for piece in bytes.chunks(piece) {
            decoder.take(piece);
            while let Some(message) = decoder.next()? {
                messages.push(message);
            }
        }
        while let Some(message) = decoder.end()? {
            messages.push(message);
        }
        let text = |(bytes, part): (Vec<u8>, Part)| {
            (String::from_utf8_lossy(&bytes).into_owned(), part == Part::Whole)
        };
        Ok(messages.into_iter().map(text).collect())
    }

    #[test]
    fn frames_are_the_same_however_the_bytes_come() {
        let lines = |max| Framing::Lines { max: NonZeroUsize::new(max).unwrap() };
        let packets = |header| Framing::Packets { header, max: 300 };
        let long = "x".repeat(256);
        type Row<'a> = (Framing, &'a [u8], &'a [(&'a str, bool)]);
        let rows: &[Row] = &[
            (lines(9), b"one\ntwo\r\n\n\r\n", &[("one", true), ("two", true), ("", true), ("", true)]),
            (lines(3), b"abc\nabcd\n", &[("abc", true), ("abc", false), ("d", true)]),
            (lines(3), b"abc\r\nabcdefg", &[("abc", true), ("abc", false), ("def", false), ("g", false)]),
            (lines(9), b"no end", &[("no end", false)]),
            (lines(3), b"abc\r", &[("abc", false), ("\r", false)]),
            (lines(3), b"abc\rd\n", &[("abc", false), ("\rd", true)]),
            (lines(9), b"", &[]),
            (packets(HeaderBytes::One), b"\x02ab\x00\x01c", &[("ab", true), ("", true), ("c", true)]),
            (packets(HeaderBytes::Two), b"\x00\x02ab\x00\x01c", &[("ab", true), ("c", true)]),
            (packets(HeaderBytes::Four), b"\x00\x00\x00\x01c", &[("c", true)]),
            (packets(HeaderBytes::Two), &[b"\x01\x00", long.as_bytes()].concat(), &[(&long, true)]),
        ];
        for (framing, bytes, messages) in rows {
            for piece in [1, 2, 3, 5, 1000] {
                let expected: Vec<_> = messages.iter().map(|(text, is)| (text.to_string(), *is)).collect();
                assert_eq!(decoded(*framing, bytes, piece), Ok(expected), "{framing:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_is_no_packet_is_an_error() {
        let packets = Framing::Packets { header: HeaderBytes::Two, max: 300 };
        assert_eq!(decoded(packets, b"\xff\xffx", 9), Err(FramingError::TooLong { length: 65535, max: 300 }));
        assert_eq!(decoded(packets, b"\x00\x02a", 9), Err(FramingError::Truncated));
        assert_eq!(decoded(packets, b"\x00", 9), Err(FramingError::Truncated));
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for (header, longest) in
            [(HeaderBytes::One, 255), (HeaderBytes::Two, 65535), (HeaderBytes::Four, 70000)]
        {
            let framing = Framing::packets(header);
            for length in [0, 1, 200, longest] {
                let framed = framing.encode(vec![b'x'; length]).unwrap();
                assert_eq!(decoded(framing, &framed, 4096), Ok(vec![("x".repeat(length), true)]));
            }
        }
        let too_long = Framing::packets(HeaderBytes::One).encode(vec![0; 256]);
        assert_eq!(too_long, Err(FramingError::TooLong { length: 256, max: 255 }));
        assert_eq!(Framing::lines().encode(b"as it is".to_vec()), Ok(b"as it is".to_vec()));
    }
}
