//! `[pure]` The receiving half of a link.

use super::assembly::{Assembly, Whole};
use super::compression::{Compression, inflate};
use super::config::{Broken, LinkConfig};
use super::numbers::Told;
use crate::name::NodeId;
use crate::proto::Stream;
use crate::proto::code::FrameError;
use crate::proto::frame::{
    COMPRESSED, Compressed, Content, Frame, LENGTH_BYTES, Packed, Signal, is_user, length_at, read,
};
use crate::proto::hello::Limits;
use crate::proto::number::{NameNumber, NodeNumber};
use bytes::{Buf, Bytes};
use ravelin_core::Time;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// After so many bytes that were compressed, others have a turn: what comes can become hundreds of times as much.
const INFLATE_TURN: usize = 256 * 1024;

/// What was received on a link, put in order.
///
/// After each [`handle_chunk`](Inbox::handle_chunk) call [`poll_frame`](Inbox::poll_frame) until it has no more, then
/// [`poll_ack`](Inbox::poll_ack): chunks that were not looked at are not counted against any limit. Payloads are slices
/// of the chunk, and keep all of it in memory: copy what is kept for long.
///
/// Where there is compression [`poll_frame`](Inbox::poll_frame) may have no more for now only:
/// [`poll_pause`](Inbox::poll_pause) says so.
pub struct Inbox {
    told: Told,
    main: VecDeque<Bytes>,
    bulk: VecDeque<Bytes>,
    assembly: Assembly,
    /// A pack that is being handed out: what is left of it, and how many bytes it has.
    unpacking: Option<(Bytes, u64)>,
    handed_out: u64,
    acknowledged: u64,
    /// How many frames of the user lane came by the main stream.
    user_frames: u64,
    last_heard: Time,
    silence: Duration,
    /// Whether the peer may compress.
    compression: Compression,
    /// How many bytes were compressed of what was looked at since the last pause.
    inflated: usize,
    is_broken: bool,
    received: Received,
}

/// What came.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Received {
    /// Frames that were handed out.
    pub frames: u64,
    /// Frames of a kind that this version does not know.
    pub skipped: u64,
    /// Messages and packs over the bulk stream that were handed out.
    pub messages: u64,
    /// Bytes over the main stream.
    pub main_bytes: u64,
    /// Bytes over the bulk stream.
    pub bulk_bytes: u64,
    /// Bytes that did not have to come over it, because the peer compressed.
    pub saved_bytes: u64,
}

impl Inbox {
    /// An inbox that takes so much: what was said in the handshake.
    pub fn new(config: &LinkConfig, ours: Limits, now: Time) -> Inbox {
        Inbox {
            told: Told::new(),
            main: VecDeque::new(),
            bulk: VecDeque::new(),
            assembly: Assembly::new(ours),
            unpacking: None,
            handed_out: 0,
            acknowledged: 0,
            user_frames: 0,
            last_heard: now,
            silence: config.silence,
            compression: config.compression,
            inflated: 0,
            is_broken: false,
            received: Received::default(),
        }
    }

    /// What came by a stream: whole frames.
    pub fn handle_chunk(&mut self, stream: Stream, bytes: Bytes, now: Time) {
        self.last_heard = now;
        let (count, chunks) = match stream {
            Stream::Main => (&mut self.received.main_bytes, &mut self.main),
            Stream::Bulk => (&mut self.received.bulk_bytes, &mut self.bulk),
        };
        *count += bytes.len() as u64;
        if !bytes.is_empty() && !self.is_broken {
            chunks.push_back(bytes);
        }
    }

    /// The next frame; all numbers in it are defined. After an error there are no more: the link is over.
    pub fn poll_frame(&mut self) -> Option<Result<Frame, Broken>> {
        if self.is_broken {
            return None;
        }
        let next = self.next_of_main().transpose().or_else(|| self.next_of_bulk().transpose());
        match &next {
            Some(Ok(_)) => self.received.frames += 1,
            Some(Err(_)) => {
                self.is_broken = true;
                (self.main, self.bulk, self.unpacking) = (VecDeque::new(), VecDeque::new(), None);
            }
            None => (),
        }
        next
    }

    /// Once after so much that was compressed was looked at, 256 KiB, that others are to have a turn: until it is asked,
    /// [`poll_frame`](Inbox::poll_frame) has no more of the bulk stream. Ask when that one has no more; if true, let others
    /// have their turn, and poll again before there are more chunks.
    pub fn poll_pause(&mut self) -> bool {
        let is_due = self.inflated >= INFLATE_TURN;
        if is_due {
            self.inflated = 0;
        }
        is_due
    }

    /// What is to be pushed, so that the peer may send more by the bulk stream.
    pub fn poll_ack(&mut self) -> Option<Signal> {
        let count = self.handed_out;
        (std::mem::replace(&mut self.acknowledged, count) < count).then_some(Signal::BulkAck { count })
    }

    /// When [`is_silent`](Inbox::is_silent) is to be asked.
    pub fn poll_timeout(&self) -> Time {
        self.last_heard + self.silence
    }

    /// Whether the peer counts as dead: nothing came for too long.
    pub fn is_silent(&self, now: Time) -> bool {
        now >= self.poll_timeout()
    }

    /// The name of a number; `None`: it is not defined, so no frame that was handed out has it.
    pub fn name(&self, number: NameNumber) -> Option<&Arc<str>> {
        self.told.name(number)
    }

    /// The node of a number; `None`: it is not defined, or is one of the two nodes of the link.
    pub fn node(&self, number: NodeNumber) -> Option<&NodeId> {
        self.told.node(number)
    }

    /// How many bytes of memory it has taken for messages that are not handed out. At most twice what has come of them,
    /// counted as it was before it was compressed, and never more than [`Limits::bulk_max`].
    pub fn held(&self) -> usize {
        self.assembly.memory() + self.unpacking.as_ref().map_or(0, |(rest, _)| rest.len())
    }

    /// What came.
    pub fn received(&self) -> Received {
        self.received
    }

    fn next_of_main(&mut self) -> Result<Option<Frame>, Broken> {
        while let Some(content) = next_frame(&mut self.main)? {
            self.user_frames += u64::from(is_user(&content));
            match read(content, self.told.known())? {
                Content::Frame(frame) => return Ok(Some(frame)),
                Content::Define(define) => self.told.handle(define)?,
                Content::Compressed(_) | Content::Fragment(_) => return Err(Broken::Misplaced),
                Content::Unknown { .. } => self.received.skipped += 1,
            }
        }
        Ok(None)
    }

    fn next_of_bulk(&mut self) -> Result<Option<Frame>, Broken> {
        while self.inflated < INFLATE_TURN
            && let Some(content) = next_frame(&mut self.bulk)?
        {
            let came = content.len();
            let content = match read(content, self.told.known())? {
                Content::Compressed(compressed) => read(self.inflate(&compressed, came)?, self.told.known())?,
                other => other,
            };
            let Content::Fragment(fragment) = content else { return Err(Broken::Misplaced) };
            self.assembly.handle(fragment)?;
        }
        loop {
            if let Some((rest, total)) = &mut self.unpacking {
                let (content, total) = (split_frame(rest)?, *total);
                if rest.is_empty() {
                    self.unpacking = None;
                    self.hand_out(total);
                }
                if let Some(frame) = self.read_inner(content)? {
                    return Ok(Some(frame));
                }
                continue;
            }
            let Some(Whole { first, bytes }) = self.assembly.next(self.user_frames, self.told.count()) else {
                return Ok(None);
            };
            match first.packed {
                Packed::Many => self.unpacking = Some((bytes, first.total)),
                Packed::One => {
                    self.hand_out(first.total);
                    if let Some(frame) = self.read_inner(bytes)? {
                        return Ok(Some(frame));
                    }
                }
            }
        }
    }

    /// The content of a frame that was compressed to so many bytes. On a link without compression there is no such kind of frame.
    fn inflate(&mut self, compressed: &Compressed, came: usize) -> Result<Bytes, Broken> {
        if self.compression == Compression::Never {
            return Err(FrameError::Tag { what: "kind of frame", tag: COMPRESSED }.into());
        }
        let content = inflate(compressed)?;
        self.inflated += content.len();
        self.received.saved_bytes += content.len().saturating_sub(came) as u64;
        Ok(content)
    }

    fn hand_out(&mut self, total: u64) {
        self.assembly.release(total);
        self.handed_out += 1;
        self.received.messages += 1;
    }

    /// A frame that came in fragments: one of the user lane.
    fn read_inner(&mut self, content: Bytes) -> Result<Option<Frame>, Broken> {
        if !is_user(&content) {
            return Err(Broken::Misplaced);
        }
        match read(content, self.told.known())? {
            Content::Frame(frame) => Ok(Some(frame)),
            Content::Unknown { .. } => {
                self.received.skipped += 1;
                Ok(None)
            }
            Content::Compressed(_) | Content::Define(_) | Content::Fragment(_) => Err(Broken::Misplaced),
        }
    }
}

/// The content of the next frame of some chunks.
fn next_frame(chunks: &mut VecDeque<Bytes>) -> Result<Option<Bytes>, FrameError> {
    let Some(chunk) = chunks.front_mut() else { return Ok(None) };
    let content = split_frame(chunk)?;
    if chunk.is_empty() {
        chunks.pop_front();
    }
    Ok(Some(content))
}

/// Takes a frame off the front, without its length.
fn split_frame(bytes: &mut Bytes) -> Result<Bytes, FrameError> {
    let length = length_at(bytes, 0).ok_or(FrameError::Truncated { what: "length of a frame" })?;
    let end = LENGTH_BYTES + length;
    if bytes.len() < end {
        return Err(FrameError::Truncated { what: "frame" });
    }
    let content = bytes.slice(LENGTH_BYTES..end);
    bytes.advance(end);
    Ok(content)
}
