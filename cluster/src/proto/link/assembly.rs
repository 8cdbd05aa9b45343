//! `[pure]` Messages that come in fragments, until they are whole and have their turn.

use super::config::Broken;
use crate::proto::frame::{First, Fragment, Packed};
use crate::proto::hello::{Limits, MESSAGE_COST, PACKED_MAX};
use bytes::Bytes;
use std::collections::VecDeque;

/// What came by the bulk stream and was not handed out. Holds no more than the limits say, and no more than came.
pub(super) struct Assembly {
    limits: Limits,
    slots: Vec<Option<Part>>,
    whole: VecDeque<Whole>,
    /// What counts against the window: all that has begun and is not handed out.
    held: u64,
}

/// A message that is not whole.
struct Part {
    first: First,
    bytes: Vec<u8>,
}

/// A message that is.
pub(super) struct Whole {
    pub(super) first: First,
    pub(super) bytes: Bytes,
}

impl Assembly {
    pub(super) fn new(limits: Limits) -> Assembly {
        Assembly { limits, slots: Vec::new(), whole: VecDeque::new(), held: 0 }
    }

    pub(super) fn handle(&mut self, fragment: Fragment) -> Result<(), Broken> {
        let Fragment { slot, first, bytes } = fragment;
        if slot >= self.limits.assembling_max.max(1) {
            return Err(Broken::Fragment);
        }
        let slot = usize::from(slot);
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, || None);
        }
        let mut part = match (self.slots[slot].take(), first) {
            (None, Some(first)) => self.begin(first)?,
            (Some(part), None) => part,
            (None, None) | (Some(_), Some(_)) => return Err(Broken::Fragment),
        };
        part.append(&bytes)?;
        if part.bytes.len() as u64 == part.first.total {
            self.whole.push_back(Whole { first: part.first, bytes: part.bytes.into() });
        } else {
            self.slots[slot] = Some(part);
        }
        Ok(())
    }

    fn begin(&mut self, first: First) -> Result<Part, Broken> {
        let max = match first.packed {
            Packed::One => self.limits.message_max,
            Packed::Many => PACKED_MAX,
        };
        if first.total > max {
            return Err(Broken::TooLarge { bytes: first.total, max });
        }
        self.held = self.held.saturating_add(first.total).saturating_add(MESSAGE_COST);
        if self.held > self.limits.bulk_max() {
            return Err(Broken::Window);
        }
        Ok(Part { first, bytes: Vec::new() })
    }

    /// The oldest message that is whole, if it has its turn after so many user frames and definitions.
    pub(super) fn next(&mut self, user_frames: u64, defined: u32) -> Option<Whole> {
        let first = self.whole.front()?.first;
        if first.after > user_frames || first.defined > defined {
            return None;
        }
        self.whole.pop_front()
    }

    /// A message of so many bytes was handed out.
    pub(super) fn release(&mut self, total: u64) {
        self.held -= total + MESSAGE_COST;
    }

    /// How many bytes of memory it has taken for messages.
    pub(super) fn memory(&self) -> usize {
        let parts: usize = self.slots.iter().flatten().map(|part| part.bytes.capacity()).sum();
        parts + self.whole.iter().map(|whole| whole.bytes.len()).sum::<usize>()
    }
}

impl Part {
    /// Takes memory for twice what came, at most, and never more than the message is to have.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let has = self.bytes.len() + bytes.len();
        if has as u64 > self.first.total {
            return Err(Broken::Fragment);
        }
        if has > self.bytes.capacity() {
            let total = usize::try_from(self.first.total).unwrap_or(usize::MAX);
            let capacity = has.max(self.bytes.capacity().saturating_mul(2)).min(total);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
