//! `[pure]` The sending half of a link.

use super::bulk::BulkLane;
use super::config::{Broken, Flow, LinkConfig, Streams};
use super::numbers::Given;
use super::queue::{Lane, Pool};
use super::sent::{Pushed, Sent, Unsent};
use crate::name::NodeId;
use crate::proto::Stream;
use crate::proto::frame::{FRAGMENT_MAX, Head, LENGTH_BYTES, Signal, put, put_define, put_signal};
use crate::proto::hello::{Limits, Side};
use crate::proto::number::{NameNumber, NodeNumber};
use bytes::Bytes;
use ravelin_core::Time;
use std::convert::Infallible;
use std::time::Duration;

/// What is to be sent on a link, in lanes.
///
/// Senders push, under one lock; the writer polls for chunks under the same lock and sends them outside of it. A push
/// of a small frame is an append to a buffer: no allocation, no search but that for the flow in the bulk lane, and that
/// only when something is there.
pub struct Outbox {
    config: LinkConfig,
    /// The most bytes of a message that the peer takes.
    message_max: u64,
    numbers: Given,
    pool: Pool,
    control: Lane,
    user: Lane,
    bulk: BulkLane,
    /// How many frames were appended to the user lane.
    user_frames: u64,
    /// The bulk stream is not used before the peer was heard: only then has it seen the end of the handshake.
    is_bulk_open: bool,
    /// The user lane had the turn last.
    was_user: bool,
    /// The writer has been told that there is something.
    is_awake: bool,
    /// Somebody was refused for want of room.
    is_wanted: bool,
    last_sent: Time,
    round_trip: Option<Duration>,
    sent: Sent,
}

/// Whether a frame may be refused.
#[derive(Clone, Copy)]
enum Admits {
    /// Up to the limit.
    Room,
    /// Up to the limit and the reserve.
    Reserve,
}

impl Admits {
    /// Casts, sends, calls and starts may be refused, for whoever pushes them can wait or have the message back.
    #[inline]
    fn of(head: &Head) -> Admits {
        match head {
            Head::Call { .. } | Head::Cast { .. } | Head::Send { .. } | Head::Start { .. } => Admits::Room,
            Head::Answer { .. } | Head::Gossip | Head::Groups | Head::Names => Admits::Reserve,
        }
    }
}

/// What an append to the user lane came to.
enum Appended {
    Small,
    /// It turned out to be for the bulk lane: the content.
    Large(Vec<u8>),
}

impl Outbox {
    /// An outbox to a peer that takes so much. The acceptor's has a ping for the writer from the beginning.
    pub fn new(side: Side, config: &LinkConfig, theirs: Limits, now: Time) -> Outbox {
        let mut config = config.clone();
        config.small_max = config.small_max.min(FRAGMENT_MAX);
        let fragment_max = config.fragment_max;
        let mut outbox = Outbox {
            config,
            message_max: theirs.message_max,
            numbers: Given::new(),
            pool: Pool::new(),
            control: Lane::new(),
            user: Lane::new(),
            bulk: BulkLane::new(theirs, fragment_max),
            user_frames: 0,
            is_bulk_open: side == Side::Acceptor,
            was_user: false,
            is_awake: false,
            is_wanted: false,
            last_sent: now,
            round_trip: None,
            sent: Sent::default(),
        };
        if side == Side::Acceptor {
            outbox.ping(now);
        }
        outbox
    }

    /// The number of a name that stands in the program's text: fast when it was asked for before.
    ///
    /// # Errors
    /// [`Unsent::Name`], [`Unsent::Numbers`], [`Unsent::Overrun`].
    #[inline]
    pub fn name(&mut self, text: &'static str) -> Result<NameNumber, Unsent> {
        if let Some(number) = self.numbers.seen(text) {
            return Ok(number);
        }
        let number = self.name_of(text)?;
        self.numbers.remember(text, number);
        Ok(number)
    }

    /// The number of a name.
    ///
    /// # Errors
    /// As [`name`](Outbox::name).
    pub fn name_of(&mut self, text: &str) -> Result<NameNumber, Unsent> {
        self.may_define()?;
        let (number, define) = self.numbers.name(text)?;
        if let Some(define) = define {
            self.control_frame(|out| put_define(out, &define));
        }
        Ok(number)
    }

    /// The number of a node that is neither of the two.
    ///
    /// # Errors
    /// [`Unsent::Numbers`], [`Unsent::Overrun`].
    pub fn node(&mut self, node: &NodeId) -> Result<NodeNumber, Unsent> {
        self.may_define()?;
        let (number, define) = self.numbers.node(node)?;
        if let Some(define) = define {
            self.control_frame(|out| put_define(out, &define));
        }
        Ok(number)
    }

    /// Appends a frame whose payload `payload` appends. It runs only when there is room; when it fails, or panics,
    /// nothing is appended. Keep it short: the lock is held. For a payload that is bytes already, or is large,
    /// [`push_bytes`](Outbox::push_bytes) is better.
    ///
    /// # Errors
    /// [`Unsent::Full`] for a cast, send, call or start, [`Unsent::Overrun`] for what cannot be refused,
    /// [`Unsent::TooLarge`], [`Unsent::Payload`].
    #[inline]
    pub fn push<E>(
        &mut self,
        flow: Flow,
        head: &Head,
        payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Pushed, Unsent<E>> {
        if head.is_control() {
            return self.push_control(|out| put_trying(out, head, payload));
        }
        self.push_user(flow, Admits::of(head), |out| put_trying(out, head, payload))
    }

    /// Appends a frame whose payload is there already. A large one is not copied until it is sent.
    ///
    /// # Errors
    /// As [`push`](Outbox::push).
    #[inline]
    pub fn push_bytes(&mut self, flow: Flow, head: &Head, payload: Bytes) -> Result<Pushed, Unsent> {
        if payload.len() <= self.config.small_max || head.is_control() {
            return self.push(flow, head, |out| {
                out.extend_from_slice(&payload);
                Ok(())
            });
        }
        self.admit_bulk(Admits::of(head))?;
        let mut start = Vec::new();
        put(&mut start, head, |_| ());
        start.drain(..LENGTH_BYTES);
        self.add_bulk(flow, start, payload)?;
        Ok(self.pushed())
    }

    /// Appends a frame without a payload. Those that overtake have no flow: it is not looked at.
    ///
    /// # Errors
    /// [`Unsent::Overrun`].
    pub fn push_signal(&mut self, flow: Flow, signal: &Signal) -> Result<Pushed, Unsent> {
        if signal.is_control() {
            return self.push_control(|out| Ok(put_signal(out, signal)));
        }
        self.push_user(flow, Admits::Reserve, |out| Ok(put_signal(out, signal)))
    }

    /// A signal came from the peer. Those that are the link's own have their effect: a ping is answered, a pong gives
    /// the round trip, an acknowledgement makes room. All others have none.
    ///
    /// # Errors
    /// The peer acknowledged what was not sent; the link is broken.
    pub fn handle_signal(&mut self, signal: &Signal, now: Time) -> Result<Pushed, Broken> {
        match signal {
            Signal::Ping { token } => {
                self.is_bulk_open = true;
                // A peer that pings without end and does not read gets no pongs.
                if self.control.bytes() < self.config.control_max / 2 {
                    self.control_frame(|out| {
                        put_signal(out, &Signal::Pong { token: *token });
                    });
                }
                Ok(self.pushed())
            }
            Signal::Pong { token } => {
                self.round_trip = Some(now - Time::from_nanos(*token));
                Ok(Pushed::Quiet)
            }
            Signal::BulkAck { count } => {
                self.bulk.handle_ack(*count)?;
                Ok(if self.bulk.is_empty() { Pushed::Quiet } else { self.pushed() })
            }
            _ => Ok(Pushed::Quiet),
        }
    }

    /// It is so late now: a ping is sent when nothing else was for long enough.
    pub fn handle_timeout(&mut self, now: Time) -> Pushed {
        if now < self.poll_timeout() {
            return Pushed::Quiet;
        }
        self.pool.clear();
        self.ping(now);
        self.pushed()
    }

    /// The next chunk for a stream that takes one: whole frames, at most [`CHUNK_MAX`](crate::proto::CHUNK_MAX) bytes.
    /// `None`: there is nothing for it, and the next push that has something wakes the writer.
    pub fn poll_transmit(&mut self, now: Time, streams: Streams) -> Option<(Stream, Bytes)> {
        let may = |stream: Streams| streams == Streams::Both || streams == stream;
        let chunk = match may(Streams::Main).then(|| self.control.pop(&mut self.pool)).flatten() {
            Some(chunk) => {
                self.sent.control.bytes += chunk.len() as u64;
                Some((Stream::Main, chunk))
            }
            None => self.next_in_turn(may(Streams::Main), may(Streams::Bulk)),
        };
        match &chunk {
            Some(_) => self.last_sent = now,
            None => self.is_awake = false,
        }
        chunk
    }

    /// Once after somebody was refused with [`Unsent::Full`]: there is room again, in all lanes. Ask after
    /// [`poll_transmit`](Outbox::poll_transmit).
    pub fn poll_room(&mut self) -> bool {
        self.has_room() && std::mem::take(&mut self.is_wanted)
    }

    /// Whether there is room, as [`poll_room`](Outbox::poll_room) has it; if not, that one will say when.
    pub fn await_room(&mut self) -> bool {
        let has_room = self.has_room();
        self.is_wanted |= !has_room;
        has_room
    }

    fn has_room(&self) -> bool {
        let LinkConfig { user_max, bulk_max, .. } = self.config;
        self.user.bytes() <= user_max / 2 && self.bulk.bytes() <= bulk_max / 2
    }

    /// When [`handle_timeout`](Outbox::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Time {
        self.last_sent + self.config.heartbeat
    }

    /// What was sent.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// So many bytes of what was given to the writer did not have to be sent: a
    /// [`Compressor`](super::Compressor) has saved them.
    pub fn saved(&mut self, bytes: u64) {
        self.sent.saved_bytes += bytes;
    }

    /// How many bytes wait in the control, the user and the bulk lane.
    pub fn waiting(&self) -> [usize; 3] {
        [self.control.bytes(), self.user.bytes(), self.bulk.bytes()]
    }

    /// How long the last ping and its pong took, writers and readers included.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// User frames and bulk fragments take turns.
    fn next_in_turn(&mut self, may_main: bool, may_bulk: bool) -> Option<(Stream, Bytes)> {
        let may_bulk = may_bulk && self.is_bulk_open;
        let is_users = !self.was_user || !may_bulk;
        if may_main
            && is_users
            && let Some(chunk) = self.user.pop(&mut self.pool)
        {
            return Some(self.user_chunk(chunk));
        }
        if may_bulk && !self.bulk.is_empty() {
            let mut chunk = self.pool.take();
            let fragments = self.bulk.fill(&mut chunk, self.numbers.count());
            if fragments > 0 {
                self.was_user = false;
                self.sent.fragments += fragments;
                self.sent.bulk.bytes += chunk.len() as u64;
                return Some((Stream::Bulk, self.pool.lend(chunk)));
            }
        }
        let chunk = may_main.then(|| self.user.pop(&mut self.pool)).flatten()?;
        Some(self.user_chunk(chunk))
    }

    fn user_chunk(&mut self, chunk: Bytes) -> (Stream, Bytes) {
        self.was_user = true;
        self.sent.user.bytes += chunk.len() as u64;
        (Stream::Main, chunk)
    }

    /// A frame of the user lane, or of the bulk lane when it is large or its flow has something there.
    #[inline]
    fn push_user<E>(
        &mut self,
        flow: Flow,
        admits: Admits,
        frame: impl FnOnce(&mut Vec<u8>) -> Result<usize, E>,
    ) -> Result<Pushed, Unsent<E>> {
        let small_max = self.config.small_max;
        let append = |out: &mut Vec<u8>| {
            let at = out.len();
            let length = frame(out)?;
            if length <= small_max {
                return Ok(Appended::Small);
            }
            let content = out[at + LENGTH_BYTES..].to_vec();
            out.truncate(at);
            Ok(Appended::Large(content))
        };
        let is_bulk = self.bulk.has(flow);
        let appended = if is_bulk {
            self.admit_bulk(admits)?;
            self.bulk.append(flow, append)
        } else {
            self.admit_user(admits)?;
            self.user.append(&mut self.pool, append)
        };
        match appended.map_err(Unsent::Payload)? {
            Appended::Large(content) => {
                self.admit_bulk(admits)?;
                self.add_bulk(flow, content, Bytes::new())?;
            }
            Appended::Small if is_bulk => self.sent.bulk.frames += 1,
            Appended::Small => {
                self.user_frames += 1;
                self.sent.user.frames += 1;
            }
        }
        Ok(self.pushed())
    }

    fn add_bulk<E>(&mut self, flow: Flow, head: Vec<u8>, payload: Bytes) -> Result<(), Unsent<E>> {
        let (bytes, max) = (head.len() as u64 + payload.len() as u64, self.message_max);
        if bytes > max {
            return Err(Unsent::TooLarge { bytes, max });
        }
        self.bulk.add(flow, self.user_frames, head, payload);
        self.sent.bulk.frames += 1;
        Ok(())
    }

    #[inline]
    fn admit_user<E>(&mut self, admits: Admits) -> Result<(), Unsent<E>> {
        self.admit(admits, self.user.bytes(), self.config.user_max)
    }

    fn admit_bulk<E>(&mut self, admits: Admits) -> Result<(), Unsent<E>> {
        self.admit(admits, self.bulk.bytes(), self.config.bulk_max)
    }

    #[inline]
    fn admit<E>(&mut self, admits: Admits, bytes: usize, max: usize) -> Result<(), Unsent<E>> {
        match admits {
            Admits::Room if bytes < max => Ok(()),
            Admits::Reserve if bytes < max.saturating_add(self.config.reserve) => Ok(()),
            Admits::Room => {
                self.is_wanted = true;
                self.sent.refused += 1;
                Err(Unsent::Full)
            }
            Admits::Reserve => Err(Unsent::Overrun),
        }
    }

    fn push_control<E>(
        &mut self,
        frame: impl FnOnce(&mut Vec<u8>) -> Result<usize, E>,
    ) -> Result<Pushed, Unsent<E>> {
        if self.control.bytes() >= self.config.control_max {
            return Err(Unsent::Overrun);
        }
        let appended = self.control.append(&mut self.pool, |out| {
            let length = frame(out).map_err(Unsent::Payload)?;
            match length > FRAGMENT_MAX {
                true => Err(Unsent::TooLarge { bytes: length as u64, max: FRAGMENT_MAX as u64 }),
                false => Ok(()),
            }
        });
        appended?;
        self.sent.control.frames += 1;
        Ok(self.pushed())
    }

    /// A small control frame that is allowed for already.
    fn control_frame(&mut self, frame: impl FnOnce(&mut Vec<u8>)) {
        let appended = self.control.append(&mut self.pool, |out| {
            frame(out);
            Ok::<(), Infallible>(())
        });
        let Ok(()) = appended;
        self.sent.control.frames += 1;
    }

    fn may_define(&self) -> Result<(), Unsent> {
        if self.control.bytes() < self.config.control_max { Ok(()) } else { Err(Unsent::Overrun) }
    }

    fn ping(&mut self, now: Time) {
        self.last_sent = now;
        // A writer that is held up has a ping in the lane already.
        if self.control.bytes() < self.config.control_max / 2 {
            self.control_frame(|out| {
                put_signal(out, &Signal::Ping { token: now.as_nanos() });
            });
        }
    }

    #[inline]
    fn pushed(&mut self) -> Pushed {
        if std::mem::replace(&mut self.is_awake, true) { Pushed::Quiet } else { Pushed::Wake }
    }
}

/// As [`put`], with a payload that may fail.
#[inline]
fn put_trying<E>(
    out: &mut Vec<u8>,
    head: &Head,
    payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<usize, E> {
    let mut done = Ok(());
    let length = put(out, head, |out| done = payload(out));
    done.map(|()| length)
}
