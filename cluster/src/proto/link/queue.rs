//! `[pure]` Frames in a row, in buffers that are used again.

use bytes::Bytes;
use std::collections::VecDeque;

/// A buffer that has so many bytes gets no more: it is a chunk.
pub(super) const CHUNK_TARGET: usize = 64 * 1024;

/// What the buffer of a lane that was idle begins with.
const FIRST_CAPACITY: usize = 4096;

/// A buffer that grew beyond this is not kept.
const KEPT_MAX: usize = 256 * 1024;

/// How many buffers that were given away are waited for.
const LENT_MAX: usize = 4;

/// Buffers that were given away, until whoever has them drops them.
pub(super) struct Pool {
    lent: VecDeque<Bytes>,
}

impl Pool {
    pub(super) fn new() -> Pool {
        Pool { lent: VecDeque::new() }
    }

    /// An empty buffer: one that came back, or a new one.
    pub(super) fn take(&mut self) -> Vec<u8> {
        if let Some(at) = self.lent.iter().position(Bytes::is_unique)
            && let Some(mut bytes) = self.lent.remove(at)
        {
            // Without its bytes, so that they are not moved to the front.
            bytes.truncate(0);
            let mut buffer = Vec::from(bytes);
            buffer.clear();
            return buffer;
        }
        Vec::with_capacity(FIRST_CAPACITY)
    }

    /// Gives the bytes of a buffer away, and waits for them.
    pub(super) fn lend(&mut self, buffer: Vec<u8>) -> Bytes {
        let is_kept = buffer.capacity() <= KEPT_MAX;
        let bytes = Bytes::from(buffer);
        if is_kept {
            if self.lent.len() == LENT_MAX {
                self.lent.pop_front();
            }
            self.lent.push_back(bytes.clone());
        }
        bytes
    }

    /// Keeps none: the link is idle.
    pub(super) fn clear(&mut self) {
        self.lent = VecDeque::new();
    }
}

/// Frames, in the order in which they were appended, in chunks.
pub(super) struct Lane {
    full: VecDeque<Vec<u8>>,
    tail: Vec<u8>,
    bytes: usize,
}

impl Lane {
    pub(super) fn new() -> Lane {
        Lane { full: VecDeque::new(), tail: Vec::new(), bytes: 0 }
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lets `append` append one frame. With an error, or a panic, nothing is appended.
    #[inline]
    pub(super) fn append<T, E>(
        &mut self,
        pool: &mut Pool,
        append: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.tail.len() >= CHUNK_TARGET || self.tail.capacity() == 0 {
            self.rotate(pool);
        }
        let before = self.tail.len();
        let done = append_whole(&mut self.tail, append);
        self.bytes += self.tail.len() - before;
        if self.tail.capacity() > KEPT_MAX {
            self.tail.shrink_to(CHUNK_TARGET);
        }
        done
    }

    #[cold]
    fn rotate(&mut self, pool: &mut Pool) {
        let full = std::mem::replace(&mut self.tail, pool.take());
        if !full.is_empty() {
            self.full.push_back(full);
        }
    }

    /// The oldest chunk.
    pub(super) fn pop(&mut self, pool: &mut Pool) -> Option<Bytes> {
        if self.bytes == 0 {
            return None;
        }
        let chunk = self.full.pop_front().unwrap_or_else(|| std::mem::take(&mut self.tail));
        self.bytes -= chunk.len();
        Some(pool.lend(chunk))
    }
}

/// Lets `append` append to the buffer. With an error, or a panic, nothing is appended.
#[inline]
pub(super) fn append_whole<T, E>(
    buffer: &mut Vec<u8>,
    append: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
) -> Result<T, E> {
    let mut undo = Undo { length: buffer.len(), buffer };
    let done = append(undo.buffer);
    if done.is_ok() {
        undo.length = undo.buffer.len();
    }
    done
}

/// Cuts the buffer to this length when it is dropped.
struct Undo<'a> {
    buffer: &'a mut Vec<u8>,
    length: usize,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        self.buffer.truncate(self.length);
    }
}
