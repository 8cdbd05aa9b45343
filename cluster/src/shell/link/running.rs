//! A link that is up: chunks in and out, heartbeats, news.

use crate::name::Role;
use crate::proto::Stream;
use crate::proto::frame::{Bye, Head, Signal};
use crate::proto::link::{Compressor, Flow, Inbox, Outbox, Streams};
use crate::proto::reach::{self, LinkId};
use crate::shell::crossing::{Way, reading};
use crate::shell::peer::Peer;
use crate::transport::Connection;
use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::FutureExt;
use futures::stream::{FuturesUnordered, Stream as _};
use ravelin_core::{System, Timer, within};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::dispatch::KnownRow;
use super::{End, Linking, broken, farewell};

/// How many frames are handled before others have a turn.
const TURN: usize = 256;
/// How many bytes are read, or written, before the other direction has a turn: an answer does not wait until a large
/// message is through.
const BYTES_TURN: usize = 64 << 10;
/// How many bytes are compressed before others have a turn.
const COMPRESS_TURN: usize = 128 << 10;
/// Groups and names are told while no more bytes than this wait in the user lane.
const NEWS_BELOW: usize = 64 << 10;
/// The most bytes of one frame of them.
const FRAME_BELOW: usize = 8 << 10;

/// How long a node that goes waits for those that it tells.
pub(crate) const PART_WITHIN: Duration = Duration::from_secs(1);

/// A link that is up.
pub(super) struct Running {
    pub(super) of: Arc<Linking>,
    pub(super) link: LinkId,
    pub(super) system: System,
    pub(super) peer: Arc<Peer>,
    /// What the peer is.
    pub(super) role: Role,
    pub(super) way: Arc<Way>,
    pub(super) inbox: Inbox,
    compressor: Compressor,
    pub(super) connection: Connection,
    pub(super) close: oneshot::Receiver<reach::Close>,
    pub(super) timer: Pin<Box<dyn Timer>>,
    /// Sends and calls of the peer that wait for room in mailboxes.
    pub(super) rooms: FuturesUnordered<BoxRoom>,
    /// How many bytes they have.
    pub(super) rooms_bytes: usize,
    /// The third nodes of the link, by its numbers.
    pub(super) nodes: Arc<BTreeMap<u32, u32>>,
    /// The chunks that the transport did not take.
    held_main: Option<Bytes>,
    held_bulk: Option<Bytes>,
    pub(super) turn: usize,
    /// What was looked up before.
    pub(super) rows: Vec<KnownRow>,
}

/// Ready when there was room, with the bytes that waited.
type BoxRoom = Pin<Box<dyn Future<Output = usize> + Send>>;

/// How many messages of a peer may wait for room in mailboxes at a time. To those behind them the mailbox is full.
const ROOMS_MAX: usize = 4096;
/// How many bytes they may have.
const ROOMS_BYTES_MAX: usize = 64 << 20;

impl Running {
    pub(super) fn new(
        of: Arc<Linking>,
        link: LinkId,
        (peer, role): (Arc<Peer>, Role),
        way: Arc<Way>,
        (inbox, compressor): (Inbox, Compressor),
        connection: Connection,
        close: oneshot::Receiver<reach::Close>,
    ) -> Running {
        let system = of.hub.system.clone();
        let timer = system.runtime().timer(system.runtime().now() + of.config.heartbeat);
        Running {
            of,
            link,
            system,
            peer,
            role,
            way,
            inbox,
            compressor,
            connection,
            close,
            timer,
            rooms: FuturesUnordered::new(),
            rooms_bytes: 0,
            nodes: Arc::default(),
            held_main: None,
            held_bulk: None,
            turn: 0,
            rows: Vec::new(),
        }
    }

    /// Whether so much of the peer's waits for room that no more may.
    pub(super) fn is_crowded(&self) -> bool {
        self.rooms.len() >= ROOMS_MAX || self.rooms_bytes >= ROOMS_BYTES_MAX
    }

    /// Carries until it is over.
    pub(super) async fn carry(mut self) -> End {
        let end = poll_fn(|cx| self.poll(cx)).await;
        let bye = match &end {
            End::Ours(why) => Some(why.clone()),
            End::Unwanted(why) => Some(farewell(why)),
            _ => None,
        };
        if let Some(bye) = bye {
            self.part(bye).await;
        }
        end
    }

    /// Tells the peer why. When this node closes in good order what waits goes before, so far as the peer takes it in
    /// time; else what the transport does not take at once is not waited for.
    async fn part(&mut self, bye: Bye) {
        if let Some(outbox) = self.peer.parted(self.link) {
            let runtime = self.system.runtime().clone();
            let _ = within(&*runtime, PART_WITHIN, self.send_rest(outbox, bye)).await;
            return;
        }
        let signal = Signal::Bye(bye);
        let _ = self.peer.with_outbox(self.link, |outbox| outbox.push_signal(Flow::Groups, &signal));
        poll_fn(|cx| {
            if self.poll_out(cx).is_ok() {
                let _ = self.connection.sender.poll_close(cx);
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Sends what waits, then the farewell, and waits until the peer has closed.
    async fn send_rest(&mut self, mut outbox: Outbox, bye: Bye) -> Result<(), End> {
        let now = self.system.runtime().now();
        let mut bye = Some(Signal::Bye(bye));
        poll_fn(|cx| {
            for stream in [Stream::Main, Stream::Bulk] {
                self.send_held(cx, stream)?;
            }
            while let Some(streams) = self.free() {
                if let Some((stream, bytes)) = outbox.poll_transmit(now, streams) {
                    *self.held_of(stream) = Some(bytes);
                    self.send_held(cx, stream)?;
                } else if let Some(bye) = bye.take_if(|_| streams == Streams::Both) {
                    let _ = outbox.push_signal(Flow::Groups, &bye);
                } else {
                    break;
                }
            }
            if bye.is_some() || self.free() != Some(Streams::Both) {
                let _ = self.connection.sender.poll_flush(cx)?;
                return Poll::Pending;
            }
            ready!(self.connection.sender.poll_close(cx))?;
            while ready!(self.connection.receiver.poll_receive(cx))?.is_some() {}
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.peer.register(cx.waker());
        if let Poll::Ready(why) = self.close.poll_unpin(cx) {
            return Poll::Ready(why.map_or(End::Orphaned, End::Unwanted));
        }
        self.turn = TURN;
        if let Err(end) = self.poll_in(cx) {
            return Poll::Ready(end);
        }
        while let Poll::Ready(Some(bytes)) = Pin::new(&mut self.rooms).poll_next(cx) {
            self.rooms_bytes -= bytes;
        }
        let is_held_up = self.tell_news();
        if let Err(end) = self.poll_time(cx) {
            return Poll::Ready(end);
        }
        if let Err(end) = self.poll_out(cx) {
            return Poll::Ready(end);
        }
        if self.turn == 0 || (is_held_up && self.has_room_for_news()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Takes what comes.
    fn poll_in(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let mut came = 0;
        loop {
            // What is read is read with this way and these nodes: once for all that came together.
            let (way, nodes) = (self.way.clone(), self.nodes.clone());
            reading(way, nodes, || self.handle_frames())?;
            if self.turn == 0 {
                return Ok(());
            }
            if let Some(ack) = self.inbox.poll_ack() {
                let _ = self.peer.with_outbox(self.link, |outbox| outbox.push_signal(Flow::Groups, &ack));
            }
            if came >= BYTES_TURN {
                self.turn = 0;
                return Ok(());
            }
            match self.connection.receiver.poll_receive(cx)? {
                Poll::Pending => return Ok(()),
                Poll::Ready(None) => return Err(End::Closed),
                Poll::Ready(Some((stream, bytes))) => {
                    came += bytes.len();
                    self.inbox.handle_chunk(stream, bytes, self.system.runtime().now());
                }
            }
        }
    }

    /// What is whole, as long as this has its turn.
    fn handle_frames(&mut self) -> Result<(), End> {
        while self.turn > 0 {
            let Some(frame) = self.inbox.poll_frame() else {
                if self.inbox.poll_pause() {
                    self.turn = 0;
                }
                return Ok(());
            };
            match frame {
                Ok(frame) => self.handle(frame)?,
                Err(why) => return Err(broken(&why)),
            }
            self.turn -= 1;
        }
        Ok(())
    }

    /// Gives what is to be sent. A stream that takes nothing does not keep the other one waiting.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        for stream in [Stream::Main, Stream::Bulk] {
            self.send_held(cx, stream)?;
        }
        if self.free().is_none() && self.peer.is_overrun() {
            return Err(End::Ours(Bye::Overrun));
        }
        let (mut compressed, mut went) = (0, 0);
        while let Some(streams) = self.free() {
            if compressed >= COMPRESS_TURN || went >= BYTES_TURN {
                self.turn = 0;
                break;
            }
            match self.peer.transmit(self.link, self.system.runtime().now(), streams) {
                Ok(None) => break,
                Ok(Some((stream, mut bytes))) => {
                    compressed += self.compress(stream, &mut bytes);
                    went += bytes.len();
                    *self.held_of(stream) = Some(bytes);
                    self.send_held(cx, stream)?;
                }
                Err(()) if self.peer.is_overrun() => return Err(End::Ours(Bye::Overrun)),
                // The keeper has taken it down, and is about to say why: the peer is to hear it.
                Err(()) => break,
            }
        }
        let _ = self.connection.sender.poll_flush(cx)?;
        Ok(())
    }

    /// Makes a chunk smaller, if that is agreed. Not under the peer's gate: it takes its time, for so many bytes.
    fn compress(&mut self, stream: Stream, chunk: &mut Bytes) -> usize {
        let before = chunk.len();
        let tried = self.compressor.compress(stream, chunk);
        if chunk.len() < before {
            let _ = self.peer.with_outbox(self.link, |outbox| outbox.saved((before - chunk.len()) as u64));
        }
        tried
    }

    /// The streams of which no chunk is held.
    fn free(&self) -> Option<Streams> {
        match (&self.held_main, &self.held_bulk) {
            (None, None) => Some(Streams::Both),
            (None, Some(_)) => Some(Streams::Main),
            (Some(_), None) => Some(Streams::Bulk),
            (Some(_), Some(_)) => None,
        }
    }

    fn held_of(&mut self, stream: Stream) -> &mut Option<Bytes> {
        match stream {
            Stream::Main => &mut self.held_main,
            Stream::Bulk => &mut self.held_bulk,
        }
    }

    /// Gives the transport the chunk that it did not take, if there is one.
    fn send_held(&mut self, cx: &mut Context<'_>, stream: Stream) -> Result<(), End> {
        let Some(mut bytes) = self.held_of(stream).take() else { return Ok(()) };
        if self.connection.sender.poll_send(cx, stream, &mut bytes)?.is_pending() {
            *self.held_of(stream) = Some(bytes);
        }
        Ok(())
    }

    /// Heartbeats, and silence.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        loop {
            if self.timer.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            let now = self.system.runtime().now();
            self.peer.sweep();
            if self.inbox.is_silent(now) {
                return Err(End::Ours(Bye::Silent));
            }
            let due = self.peer.with_outbox(self.link, |outbox| {
                let _ = outbox.handle_timeout(now);
                outbox.poll_timeout()
            });
            let next = due.unwrap_or(now + self.of.config.heartbeat).min(self.inbox.poll_timeout());
            self.timer.as_mut().reset(next.max(now + Duration::from_millis(1)));
        }
    }

    fn has_room_for_news(&self) -> bool {
        let waiting = self.peer.with_outbox(self.link, |outbox| outbox.waiting()[1]);
        waiting.is_some_and(|waiting| waiting < NEWS_BELOW)
    }

    /// Groups and names, while there is room. True: there was too little.
    fn tell_news(&mut self) -> bool {
        let (hub, number) = (&self.of.hub, self.peer.number);
        while self.has_room_for_news() {
            let (head, flow, frame) = if let Some(frame) = hub.groups().poll_frame(number, FRAME_BELOW) {
                (Head::Groups, Flow::Groups, frame)
            } else if let Some(frame) = hub.names().poll_frame(number, FRAME_BELOW) {
                (Head::Names, Flow::Names, frame)
            } else {
                return false;
            };
            let _ = self.peer.with_outbox(self.link, |outbox| outbox.push_bytes(flow, &head, frame.into()));
        }
        true
    }
}
