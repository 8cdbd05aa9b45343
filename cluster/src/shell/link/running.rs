//! A link that is up: chunks in and out, heartbeats, news.

use crate::proto::Stream;
use crate::proto::frame::{Bye, Head, Signal};
use crate::proto::link::{Flow, Inbox, Streams};
use crate::proto::reach::{self, LinkId};
use crate::shell::crossing::{Way, reading};
use crate::shell::peer::Peer;
use crate::transport::Connection;
use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::FutureExt;
use futures::stream::{FuturesUnordered, Stream as _};
use ravelin_core::{System, Timer};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::dispatch::KnownRow;
use super::{End, Linking, broken, farewell};

/// How many frames are handled before others have a turn.
const TURN: usize = 256;
/// Groups and names are told while no more bytes than this wait in the user lane.
const NEWS_BELOW: usize = 64 << 10;
/// The most bytes of one frame of them.
const FRAME_BELOW: usize = 8 << 10;

/// A link that is up.
pub(super) struct Running {
    pub(super) of: Arc<Linking>,
    pub(super) link: LinkId,
    pub(super) system: System,
    pub(super) peer: Arc<Peer>,
    pub(super) way: Arc<Way>,
    pub(super) inbox: Inbox,
    pub(super) connection: Connection,
    pub(super) close: oneshot::Receiver<reach::Close>,
    pub(super) timer: Pin<Box<dyn Timer>>,
    /// Sends and calls of the peer that wait for room in mailboxes.
    pub(super) rooms: FuturesUnordered<BoxRoom>,
    /// The third nodes of the link, by its numbers.
    pub(super) nodes: Arc<BTreeMap<u32, u32>>,
    /// A chunk that the transport did not take.
    pub(super) held: Option<(Stream, Bytes)>,
    pub(super) turn: usize,
    /// What was looked up before.
    pub(super) rows: Vec<KnownRow>,
}

type BoxRoom = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Running {
    pub(super) fn new(
        of: Arc<Linking>,
        link: LinkId,
        peer: Arc<Peer>,
        way: Arc<Way>,
        inbox: Inbox,
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
            way,
            inbox,
            connection,
            close,
            timer,
            rooms: FuturesUnordered::new(),
            nodes: Arc::default(),
            held: None,
            turn: 0,
            rows: Vec::new(),
        }
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

    /// Tells the peer why, if it can be told at once.
    async fn part(&mut self, bye: Bye) {
        let signal = Signal::Bye(bye);
        let _ = self.peer.with_outbox(self.link, |outbox| outbox.push_signal(Flow::Groups, &signal));
        poll_fn(|cx| {
            while let Some((stream, mut bytes)) = self.next_chunk(Streams::Both) {
                match self.connection.sender.poll_send(cx, stream, &mut bytes) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) | Poll::Pending => return Poll::Ready(()),
                }
            }
            let _ = self.connection.sender.poll_close(cx);
            Poll::Ready(())
        })
        .await;
    }

    fn next_chunk(&mut self, streams: Streams) -> Option<(Stream, Bytes)> {
        match self.held.take() {
            Some(chunk) => Some(chunk),
            None => self.peer.transmit(self.link, self.system.runtime().now(), streams).ok().flatten(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.peer.register(cx.waker());
        if let Poll::Ready(why) = self.close.poll_unpin(cx) {
            return Poll::Ready(End::Unwanted(why.unwrap_or(reach::Close::Leaving)));
        }
        self.turn = TURN;
        if let Err(end) = self.poll_in(cx) {
            return Poll::Ready(end);
        }
        while let Poll::Ready(Some(())) = Pin::new(&mut self.rooms).poll_next(cx) {}
        self.tell_news();
        if let Err(end) = self.poll_time(cx) {
            return Poll::Ready(end);
        }
        if let Err(end) = self.poll_out(cx) {
            return Poll::Ready(end);
        }
        if self.turn == 0 {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Takes what comes.
    fn poll_in(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
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
            match self.connection.receiver.poll_receive(cx)? {
                Poll::Pending => return Ok(()),
                Poll::Ready(None) => return Err(End::Closed),
                Poll::Ready(Some((stream, bytes))) => {
                    self.inbox.handle_chunk(stream, bytes, self.system.runtime().now());
                }
            }
        }
    }

    /// What is whole, as long as this has its turn.
    fn handle_frames(&mut self) -> Result<(), End> {
        while self.turn > 0 {
            let Some(frame) = self.inbox.poll_frame() else { return Ok(()) };
            match frame {
                Ok(frame) => self.handle(frame)?,
                Err(why) => return Err(broken(&why)),
            }
            self.turn -= 1;
        }
        Ok(())
    }

    /// Gives what is to be sent.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let mut streams = Streams::Both;
        loop {
            let chunk = match self.held.take() {
                Some(chunk) => Some(chunk),
                None => match self.peer.transmit(self.link, self.system.runtime().now(), streams) {
                    Ok(chunk) => chunk,
                    Err(()) if self.peer.is_overrun() => return Err(End::Ours(Bye::Overrun)),
                    Err(()) => return Err(End::Closed),
                },
            };
            let Some((stream, mut bytes)) = chunk else { break };
            if self.connection.sender.poll_send(cx, stream, &mut bytes)?.is_pending() {
                self.held = Some((stream, bytes));
                break;
            }
            streams = Streams::Both;
        }
        let _ = self.connection.sender.poll_flush(cx)?;
        Ok(())
    }

    /// Heartbeats, and silence.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        loop {
            if self.timer.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            let now = self.system.runtime().now();
            if self.inbox.is_silent(now) {
                return Err(End::Ours(Bye::Silent));
            }
            let due = self.peer.with_outbox(self.link, |outbox| {
                let _ = outbox.handle_timeout(now);
                outbox.poll_timeout()
            });
            let next = due.unwrap_or(now + self.of.config.heartbeat).min(self.inbox.poll_timeout());
            self.timer.as_mut().reset(next.max(now + std::time::Duration::from_millis(1)));
        }
    }

    /// Groups and names, while there is room.
    fn tell_news(&mut self) {
        let (hub, number) = (&self.of.hub, self.peer.number);
        let is_room = || {
            let waiting = self.peer.with_outbox(self.link, |outbox| outbox.waiting()[1]);
            waiting.is_some_and(|waiting| waiting < NEWS_BELOW)
        };
        while is_room() {
            let (head, flow, frame) = if let Some(frame) = hub.groups().poll_frame(number, FRAME_BELOW) {
                (Head::Groups, Flow::Groups, frame)
            } else if let Some(frame) = hub.names().poll_frame(number, FRAME_BELOW) {
                (Head::Names, Flow::Names, frame)
            } else {
                return;
            };
            let _ = self.peer.with_outbox(self.link, |outbox| outbox.push_bytes(flow, &head, frame.into()));
        }
    }
}
