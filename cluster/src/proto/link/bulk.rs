//! `[pure]` The bulk lane: large messages in fragments, flow by flow in turn, and what may be under way.

use super::config::{Broken, Flow};
use super::queue::{CHUNK_TARGET, append_whole};
use crate::proto::frame::{FRAGMENT_MAX, First, Packed, put_fragment};
use crate::proto::hello::{Limits, MESSAGE_COST};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// The most bytes of a fragment beside those of its message: length, kind, slot, place, and three numbers.
const FRAGMENT_COST: usize = 2 + 3 + 10 + 5 + 10;

/// A chunk with less room than this gets no more fragments.
const FRAGMENT_MIN: usize = 4096;

/// A pack of small frames that has so many bytes gets no more; with the last it has less than
/// [`PACKED_MAX`](crate::proto::hello::PACKED_MAX).
const PACK_MAX: usize = 32 * 1024;

/// What waits to be sent by the bulk stream, and what is under way there.
pub(super) struct BulkLane {
    flows: BTreeMap<Flow, Waiting>,
    /// The flows that have something to send, in turn.
    ring: VecDeque<Flow>,
    /// It was held up by the window; until it is not, nobody else begins.
    held_up: Option<Flow>,
    /// The slots that no message has.
    slots: Vec<u8>,
    /// Sent whole, not yet acknowledged: the flow, and what it counts for.
    sent: VecDeque<(Flow, u64)>,
    /// What counts against the window: all that was begun and is not acknowledged.
    under_way: u64,
    /// How much may.
    window: u64,
    acknowledged: u64,
    /// How many bytes wait to be sent.
    bytes: usize,
    /// The most bytes of a chunk.
    chunk_max: usize,
}

/// What a flow has in the bulk lane.
struct Waiting {
    /// How many user frames went over the main stream before.
    after: u64,
    messages: VecDeque<Message>,
    /// How many bytes of the first message were sent, and in which slot; `None`: it is not begun.
    begun: Option<(u8, usize)>,
    /// How many were sent whole and are not acknowledged.
    unacknowledged: usize,
}

impl Waiting {
    fn new(after: u64) -> Waiting {
        Waiting { after, messages: VecDeque::new(), begun: None, unacknowledged: 0 }
    }

    /// The last message, if small frames may still be added to it.
    fn growing(&mut self) -> Option<&mut Vec<u8>> {
        if self.begun.is_some() && self.messages.len() == 1 {
            return None;
        }
        match &mut self.messages.back_mut()?.content {
            Content::Growing(bytes) => Some(bytes),
            Content::Fixed(..) => None,
        }
    }
}

struct Message {
    packed: Packed,
    content: Content,
}

enum Content {
    /// Frames that are still being added to.
    Growing(Vec<u8>),
    /// A head, and a payload that is not copied until it is sent.
    Fixed(Vec<u8>, Bytes),
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Content::Growing(bytes) => bytes.len(),
            Content::Fixed(head, payload) => head.len() + payload.len(),
        }
    }

    fn copy(&self, out: &mut Vec<u8>, from: usize, to: usize) {
        match self {
            Content::Growing(bytes) => out.extend_from_slice(&bytes[from..to]),
            Content::Fixed(head, payload) => {
                let (end, split) = (head.len(), |at: usize| at.saturating_sub(head.len()));
                out.extend_from_slice(&head[from.min(end)..to.min(end)]);
                out.extend_from_slice(&payload[split(from)..split(to)]);
            }
        }
    }
}

impl BulkLane {
    pub(super) fn new(theirs: Limits, chunk_max: usize) -> BulkLane {
        BulkLane {
            flows: BTreeMap::new(),
            ring: VecDeque::new(),
            held_up: None,
            slots: (0..theirs.assembling_max.max(1)).rev().collect(),
            sent: VecDeque::new(),
            under_way: 0,
            window: theirs.bulk_max(),
            acknowledged: 0,
            bytes: 0,
            chunk_max: chunk_max.clamp(2 * FRAGMENT_MIN, CHUNK_TARGET),
        }
    }

    /// How many bytes wait to be sent.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether all that this flow sends has to go here.
    #[inline]
    pub(super) fn has(&self, flow: Flow) -> bool {
        !self.flows.is_empty() && self.flows.contains_key(&flow)
    }

    /// Adds a large frame, without its length.
    pub(super) fn add(&mut self, flow: Flow, after: u64, head: Vec<u8>, payload: Bytes) {
        self.enqueue(flow, after, Message { packed: Packed::One, content: Content::Fixed(head, payload) });
    }

    /// Lets `append` append a small frame of a flow that has something here; with an error, nothing is.
    pub(super) fn append<T, E>(
        &mut self,
        flow: Flow,
        append: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
    ) -> Result<T, E> {
        let waiting = self.flows.get_mut(&flow);
        let growing = waiting.and_then(Waiting::growing).filter(|bytes| bytes.len() < PACK_MAX);
        if let Some(bytes) = growing {
            let before = bytes.len();
            let done = append_whole(bytes, append);
            self.bytes += bytes.len() - before;
            return done;
        }
        let mut bytes = Vec::new();
        let done = append(&mut bytes)?;
        if !bytes.is_empty() {
            // The flow has something here, so what it comes after is said already.
            self.enqueue(flow, 0, Message { packed: Packed::Many, content: Content::Growing(bytes) });
        }
        Ok(done)
    }

    fn enqueue(&mut self, flow: Flow, after: u64, message: Message) {
        self.bytes += message.content.len() + MESSAGE_COST as usize;
        let waiting = self.flows.entry(flow).or_insert_with(|| Waiting::new(after));
        if waiting.messages.is_empty() {
            self.ring.push_back(flow);
        }
        waiting.messages.push_back(message);
    }

    /// Appends fragments to a chunk, until it is full or nothing may be sent; `defined` numbers were defined before.
    /// Gives how many were appended.
    pub(super) fn fill(&mut self, chunk: &mut Vec<u8>, defined: u32) -> u64 {
        let (mut fragments, mut idle) = (0, 0);
        while idle < self.ring.len() && chunk.len() + FRAGMENT_COST + FRAGMENT_MIN <= self.chunk_max {
            let Some(flow) = self.ring.pop_front() else { break };
            let room = (self.chunk_max - chunk.len() - FRAGMENT_COST).min(FRAGMENT_MAX);
            match self.send(flow, room, defined, chunk) {
                Turn::Waits => {
                    self.ring.push_back(flow);
                    idle += 1;
                }
                Turn::Took { has_more } => {
                    (fragments, idle) = (fragments + 1, 0);
                    if has_more {
                        self.ring.push_back(flow);
                    }
                }
                Turn::Empty => (),
            }
        }
        fragments
    }

    /// Appends the next fragment of a flow, of at most `room` bytes.
    fn send(&mut self, flow: Flow, room: usize, defined: u32, chunk: &mut Vec<u8>) -> Turn {
        let Some(waiting) = self.flows.get_mut(&flow) else { return Turn::Empty };
        let Some(message) = waiting.messages.front() else { return Turn::Empty };
        let total = message.content.len();
        let counts = total as u64 + MESSAGE_COST;
        let (slot, at, first) = match waiting.begun {
            Some((slot, at)) => (slot, at, None),
            None => {
                if self.held_up.is_some_and(|other| other != flow) || self.slots.is_empty() {
                    return Turn::Waits;
                }
                if self.under_way + counts > self.window {
                    self.held_up = Some(flow);
                    return Turn::Waits;
                }
                let Some(slot) = self.slots.pop() else { return Turn::Waits };
                self.held_up = None;
                self.under_way += counts;
                let (after, packed) = (waiting.after, message.packed);
                (slot, 0, Some(First { after, defined, total: total as u64, packed }))
            }
        };
        let to = total.min(at + room);
        put_fragment(chunk, slot, first, |out| message.content.copy(out, at, to));
        self.bytes -= to - at;
        if to < total {
            waiting.begun = Some((slot, to));
            return Turn::Took { has_more: true };
        }
        waiting.begun = None;
        waiting.messages.pop_front();
        waiting.unacknowledged += 1;
        self.bytes -= MESSAGE_COST as usize;
        self.slots.push(slot);
        self.sent.push_back((flow, counts));
        Turn::Took { has_more: !waiting.messages.is_empty() }
    }

    /// The receiver has handed out so many messages since the link began.
    pub(super) fn handle_ack(&mut self, count: u64) -> Result<(), Broken> {
        if count < self.acknowledged || count - self.acknowledged > self.sent.len() as u64 {
            return Err(Broken::Acknowledged);
        }
        while self.acknowledged < count {
            let Some((flow, counts)) = self.sent.pop_front() else { return Err(Broken::Acknowledged) };
            self.acknowledged += 1;
            self.under_way -= counts;
            let Some(waiting) = self.flows.get_mut(&flow) else { continue };
            waiting.unacknowledged -= 1;
            if waiting.unacknowledged == 0 && waiting.messages.is_empty() {
                self.flows.remove(&flow);
            }
        }
        Ok(())
    }

    /// Whether anything waits to be sent, be it that it has to wait.
    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

/// What came of a flow's turn.
enum Turn {
    /// A fragment was appended.
    Took { has_more: bool },
    /// It has to wait for the window or a slot.
    Waits,
    /// It has nothing.
    Empty,
}
