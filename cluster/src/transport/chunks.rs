//! `[pure]` Chunks on a byte stream: which stream each belongs to, and where it ends.
//!
//! A chunk goes as one byte of stream (0 main, 1 bulk), three bytes of length (little endian, 1 to
//! [`CHUNK_MAX`]), and its bytes.

use super::Stream;
use crate::proto::CHUNK_MAX;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io::IoSlice;

/// The bytes before each chunk.
const HEADER: usize = 4;

/// A chunk of at least so many bytes is written from where it is, a shorter one is copied next to its neighbours.
const COPY_MAX: usize = 8 * 1024;

/// With so many bytes waiting, no more are taken.
const OUTBOX_MAX: usize = 64 * 1024;

/// How much is read at a time, at most; and the size of a buffer.
const READ_MAX: usize = 128 * 1024;

/// With less room than this at its end, a buffer is replaced.
const READ_MIN: usize = 4 * 1024;

/// How many pieces are written at a time, at most.
pub(super) const SLICES_MAX: usize = 16;

/// What came is no chunk; says why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Garbage(pub(super) String);

/// Chunks on their way out: at most [`OUTBOX_MAX`] bytes and one chunk more.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// What is written first.
    ready: VecDeque<Bytes>,
    /// What is written after that: headers and short chunks, side by side.
    tail: BytesMut,
    /// The length of all of them.
    length: usize,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether some of it must be written before more is taken.
    pub(super) fn is_full(&self) -> bool {
        self.length >= OUTBOX_MAX
    }

    /// Takes a chunk, or leaves it where it is if it is too long. An empty one is nothing.
    pub(super) fn put(&mut self, stream: Stream, chunk: &mut Bytes) -> Result<(), Garbage> {
        if chunk.len() > CHUNK_MAX {
            return Err(too_long(chunk.len()));
        }
        if chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(chunk);
        self.length += HEADER + chunk.len();
        self.tail.put_u8(tag(stream));
        self.tail.put_uint_le(chunk.len() as u64, HEADER - 1);
        if chunk.len() < COPY_MAX {
            self.tail.put(chunk);
        } else {
            self.ready.push_back(self.tail.split().freeze());
            self.ready.push_back(chunk);
        }
        Ok(())
    }

    /// What to write next; how many pieces.
    pub(super) fn slices<'a>(&'a self, out: &mut [IoSlice<'a>; SLICES_MAX]) -> usize {
        let pieces = self.ready.iter().map(|piece| &piece[..]);
        let pieces = pieces.chain(Some(&self.tail[..]).filter(|tail| !tail.is_empty()));
        let filled = out.iter_mut().zip(pieces).map(|(slice, piece)| *slice = IoSlice::new(piece));
        filled.count()
    }

    /// So many bytes of it were written.
    pub(super) fn wrote(&mut self, mut count: usize) {
        count = count.min(self.length);
        self.length -= count;
        while let Some(first) = self.ready.front_mut() {
            let part = count.min(first.len());
            first.advance(part);
            count -= part;
            if !first.is_empty() {
                return;
            }
            self.ready.pop_front();
        }
        self.tail.advance(count);
    }
}

/// Bytes that came, and the chunks in them: one buffer of [`READ_MAX`] bytes, or of one chunk. What it gave out keeps
/// its own part of the buffer.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// What came, and after it room, which is zeroed once.
    buffer: BytesMut,
    /// How many bytes came and were not given out.
    filled: usize,
}

impl Inbox {
    /// Whether bytes of a chunk came, but not all.
    pub(super) fn is_midway(&self) -> bool {
        self.filled > 0
    }

    /// Where the next bytes go; never empty. To be asked for when [`Inbox::next`] has no chunk.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let needed = match self.header() {
            Ok(Some((_, length))) => HEADER + length,
            _ => HEADER,
        };
        if self.buffer.len() < needed.max(self.filled + READ_MIN) {
            let size = needed.max(READ_MAX);
            self.buffer.truncate(self.filled);
            self.buffer.reserve(size - self.filled);
            self.buffer.resize(size, 0);
        }
        &mut self.buffer[self.filled..]
    }

    /// So many bytes were put there.
    pub(super) fn filled(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.buffer.len());
    }

    /// The next chunk that is complete.
    pub(super) fn next(&mut self) -> Result<Option<(Stream, Bytes)>, Garbage> {
        let Some((stream, length)) = self.header()? else { return Ok(None) };
        if self.filled < HEADER + length {
            return Ok(None);
        }
        self.buffer.advance(HEADER);
        let chunk = self.buffer.split_to(length).freeze();
        self.filled -= HEADER + length;
        Ok(Some((stream, chunk)))
    }

    /// The stream and the length of the chunk that comes next.
    fn header(&self) -> Result<Option<(Stream, usize)>, Garbage> {
        let Some(mut header) = self.buffer[..self.filled].get(..HEADER) else { return Ok(None) };
        let stream = match header.get_u8() {
            0 => Stream::Main,
            1 => Stream::Bulk,
            other => return Err(Garbage(format!("a chunk of stream {other}: there are 0 and 1"))),
        };
        match header.get_uint_le(HEADER - 1) as usize {
            0 => Err(Garbage("a chunk of no bytes".to_owned())),
            length if length > CHUNK_MAX => Err(too_long(length)),
            length => Ok(Some((stream, length))),
        }
    }
}

fn tag(stream: Stream) -> u8 {
    match stream {
        Stream::Main => 0,
        Stream::Bulk => 1,
    }
}

fn too_long(length: usize) -> Garbage {
    Garbage(format!("a chunk of {length} bytes: {CHUNK_MAX} are the most"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes so many bytes of what is there.
    fn write(outbox: &mut Outbox, most: usize) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let count = outbox.slices(&mut slices);
        let mut bytes = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect::<Vec<u8>>();
        bytes.truncate(most);
        outbox.wrote(bytes.len());
        bytes
    }

    /// All chunks in what comes in such pieces.
    fn read(inbox: &mut Inbox, bytes: &[u8], piece: usize) -> Result<Vec<(Stream, Bytes)>, Garbage> {
        let (mut rest, mut chunks) = (bytes, Vec::new());
        while !rest.is_empty() {
            let room = inbox.room();
            let count = rest.len().min(piece).min(room.len());
            room[..count].copy_from_slice(&rest[..count]);
            inbox.filled(count);
            rest = &rest[count..];
            while let Some(chunk) = inbox.next()? {
                chunks.push(chunk);
            }
        }
        Ok(chunks)
    }

    fn chunks() -> impl Strategy<Value = Vec<(Stream, Bytes)>> {
        let stream = prop_oneof![Just(Stream::Main), Just(Stream::Bulk)];
        let length = prop_oneof![1usize..100, COPY_MAX - 2..COPY_MAX + 2, CHUNK_MAX - 2..=CHUNK_MAX];
        let chunk = (stream, length, any::<u8>());
        proptest::collection::vec(
            chunk.prop_map(|(stream, length, byte)| (stream, Bytes::from(vec![byte; length]))),
            0..6,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_goes_out_comes_in_however_it_is_cut(chunks in chunks(), write_most in 1usize..200_000, piece in 1usize..70_000) {
            let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
            let mut came = Vec::new();
            // A few bytes at a time would take long with so many.
            let (write_most, piece) = (write_most.max(500), piece.max(300));
            for (stream, chunk) in &chunks {
                outbox.put(*stream, &mut chunk.clone()).unwrap();
                while outbox.is_full() {
                    came.extend(read(&mut inbox, &write(&mut outbox, write_most), piece).unwrap());
                }
            }
            while !outbox.is_empty() {
                came.extend(read(&mut inbox, &write(&mut outbox, write_most), piece).unwrap());
            }
            prop_assert_eq!(came, chunks);
            prop_assert!(!inbox.is_midway());
        }

        #[test]
        fn hostile_bytes_are_chunks_or_garbage_and_take_one_buffer(bytes in proptest::collection::vec(any::<u8>(), 0..600), piece in 1usize..40) {
            let mut inbox = Inbox::default();
            let _ = read(&mut inbox, &bytes, piece);
            prop_assert!(inbox.room().len() <= READ_MAX + HEADER);
        }
    }

    #[test]
    fn a_header_that_lies_is_garbage_before_its_bytes_come() {
        let rows: [(&[u8], Result<usize, &str>); 6] = [
            (&[0, 1, 0], Ok(0)),
            (&[0, 1, 0, 0, 7], Ok(1)),
            (&[0, 0, 0, 2], Ok(0)),
            (&[2, 1, 0, 0], Err("a chunk of stream 2: there are 0 and 1")),
            (&[1, 0, 0, 0], Err("a chunk of no bytes")),
            (&[1, 1, 0, 2], Err("a chunk of 131073 bytes: 131072 are the most")),
        ];
        for (bytes, expected) in rows {
            let count = read(&mut Inbox::default(), bytes, 1).map(|chunks| chunks.len());
            assert_eq!(count, expected.map_err(|why| Garbage(why.to_owned())), "{bytes:?}");
        }
    }

    #[test]
    fn a_chunk_too_long_is_left_where_it_is() {
        let (mut outbox, mut chunk) = (Outbox::default(), Bytes::from(vec![0; CHUNK_MAX + 1]));
        assert_eq!(outbox.put(Stream::Main, &mut chunk), Err(too_long(CHUNK_MAX + 1)));
        assert_eq!((chunk.len(), outbox.is_empty()), (CHUNK_MAX + 1, true));
    }

    #[test]
    fn short_chunks_are_one_write() {
        let mut outbox = Outbox::default();
        for _ in 0..100 {
            outbox.put(Stream::Main, &mut Bytes::from_static(b"hello")).unwrap();
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        assert_eq!((outbox.slices(&mut slices), slices[0].len()), (1, 900));
    }
}
