//! The actor of one link: it connects, shakes hands, then carries frames until the link is lost.

use super::failure;
use super::hub::{Hub, Way, land, reading};
use super::keeper::{Admit, Gossip, Lose, Raise};
use super::peer::{Aim, Peer};
use crate::accepts::{Bytes as Appends, Desk, Room};
use crate::name::{Endpoint, NodeId, NodeName};
use crate::proto::frame::{Asked, Bye, Frame, Head, Signal};
use crate::proto::hello::{Agreed, Event, Handshake, Introduction, Over, Refusal, Role, Side, Terms};
use crate::proto::link::{Flow, Inbox, LinkConfig, Outbox, Streams};
use crate::proto::members::Peer as Member;
use crate::proto::reach::{self, LinkId, Lost};
use crate::proto::{NameNumber, Stream, To};
use crate::transport::{Connection, Transport, TransportError};
use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::FutureExt;
use futures::stream::{FuturesUnordered, Stream as _};
use ravelin_core::{CallError, Caller, Exit, System, Timer};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

/// How many frames are handled before others have a turn.
const TURN: usize = 256;
/// Groups and names are told while no more bytes than this wait in the user lane.
const NEWS_BELOW: usize = 64 << 10;
/// The most bytes of one frame of them.
const FRAME_BELOW: usize = 8 << 10;

/// What a link begins with.
pub(crate) enum Begin {
    /// To be made.
    Dial { endpoint: Endpoint, expect: Option<NodeName> },
    /// Somebody else made it.
    Accepted(Connection),
}

/// What all links of a node have.
pub(crate) struct Linking {
    pub(crate) hub: Arc<Hub>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) ours: Introduction,
    pub(crate) config: LinkConfig,
}

/// Why there is no link, or none any more.
#[derive(Debug)]
enum End {
    Transport(TransportError),
    /// The peer closed it.
    Closed,
    /// The peer said why.
    Bye(Bye),
    /// This side says why.
    Ours(Bye),
    Handshake(Over),
    /// The keeper wants no link, or is gone.
    Unwanted(reach::Close),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Transport(why) => fmt::Display::fmt(why, f),
            End::Closed => f.write_str("the peer closed it"),
            End::Bye(why) => write!(f, "the peer ended it: {why:?}"),
            End::Ours(why) => write!(f, "ended here: {why:?}"),
            End::Handshake(why) => fmt::Display::fmt(why, f),
            End::Unwanted(why) => write!(f, "not wanted: {why:?}"),
        }
    }
}

impl From<TransportError> for End {
    fn from(why: TransportError) -> End {
        End::Transport(why)
    }
}

impl End {
    /// As the plan of who is reached has it.
    fn lost(&self) -> Lost {
        match self {
            End::Bye(Bye::Leaving) => Lost::Bye,
            End::Ours(Bye::Silent) => Lost::Silent,
            End::Handshake(Over::RefusedByPeer(why)) => refused(why),
            End::Handshake(Over::Refused(_)) => Lost::Unfit,
            _ => Lost::Broken,
        }
    }
}

/// What a refusal of the peer is to the plan.
fn refused(why: &Refusal) -> Lost {
    match why {
        Refusal::NameTaken(holder) => Lost::Refused(reach::Refusal::NameTaken { holder: holder.clone() }),
        Refusal::Itself => Lost::Refused(reach::Refusal::Myself),
        Refusal::Busy => Lost::Refused(reach::Refusal::Duplicate),
        Refusal::Leaving => Lost::Bye,
        Refusal::Other(_) => Lost::Broken,
        _ => Lost::Unfit,
    }
}

/// What the plan's refusal is to the peer.
fn refusal(why: reach::Refusal) -> Refusal {
    match why {
        reach::Refusal::Duplicate => Refusal::Busy,
        reach::Refusal::Myself => Refusal::Itself,
        reach::Refusal::NameTaken { holder } => Refusal::NameTaken(holder),
        reach::Refusal::OldIncarnation { newest } => Refusal::OldIncarnation(newest.incarnation),
    }
}

/// Tells the keeper of the loss, however the actor ends.
struct Guard {
    hub: Arc<Hub>,
    link: LinkId,
    peer: Option<Arc<Peer>>,
    lost: Lost,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(peer) = &self.peer {
            peer.disconnect(&self.hub.system, self.link);
        }
        if let Some(keeper) = self.hub.keeper.get() {
            // One that is gone takes all links along.
            let _ = keeper.cast(Lose { link: self.link, lost: self.lost.clone() });
        }
    }
}

/// The life of a link.
pub(crate) async fn run(
    of: Arc<Linking>,
    link: LinkId,
    begin: Begin,
    close: oneshot::Receiver<reach::Close>,
) -> Result<(), Exit> {
    let mut guard = Guard { hub: of.hub.clone(), link, peer: None, lost: Lost::Broken };
    let end = match live(&of, link, begin, close, &mut guard).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    guard.lost = end.lost();
    tracing::debug!(target: "ravelin", link = link.0, peer = guard.peer.as_ref().map(|peer| tracing::field::display(&peer.id)), reason = %end, "ravelin.cluster.link_ended");
    Ok(())
}

enum Never {}

async fn live(
    of: &Arc<Linking>,
    link: LinkId,
    begin: Begin,
    mut close: oneshot::Receiver<reach::Close>,
    guard: &mut Guard,
) -> Result<Never, End> {
    let system = of.hub.system.clone();
    let mut deadline = system.runtime().timer(system.runtime().now() + Terms::new(of.ours.clone()).within);
    let (side, expect, connecting) = match begin {
        Begin::Accepted(connection) => (Side::Acceptor, None, futures::future::ok(connection).boxed()),
        Begin::Dial { ref endpoint, ref expect } => {
            (Side::Dialer, expect.clone(), of.transport.dial(endpoint))
        }
    };
    let mut connecting = pin!(connecting);
    let mut connection = poll_fn(|cx| {
        if let Poll::Ready(why) = close.poll_unpin(cx) {
            return Poll::Ready(Err(End::Unwanted(why.unwrap_or(reach::Close::Leaving))));
        }
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(End::Handshake(Over::TimedOut)));
        }
        connecting.as_mut().poll(cx).map_err(End::from)
    })
    .await?;
    let agreed = shake(of, link, side, expect, &mut connection, &mut close).await?;
    let peer = of.hub.meet(&agreed.peer.node).ok_or(End::Closed)?;
    let now = system.runtime().now();
    let outbox = Outbox::new(side, &of.config, agreed.peer.limits, now);
    guard.peer = Some(peer.clone());
    peer.connect(link, outbox);
    let keeper = of.hub.keeper.get().ok_or(End::Closed)?;
    keeper.call(Raise { link }).await.map_err(|_| End::Unwanted(reach::Close::Leaving))?;
    let mut inbox = Inbox::new(&of.config, of.ours.limits, now);
    inbox.handle_chunk(Stream::Main, agreed.rest, now);
    let way = of.hub.way(peer.number).ok_or(End::Closed)?;
    let running = Running {
        of: of.clone(),
        link,
        timer: system.runtime().timer(now + of.config.heartbeat),
        system,
        peer,
        way,
        inbox,
        connection,
        close,
        rooms: FuturesUnordered::new(),
        nodes: Arc::default(),
        held: None,
        turn: 0,
    };
    Err(running.carry().await)
}

/// The handshake.
async fn shake(
    of: &Linking,
    link: LinkId,
    side: Side,
    expected: Option<NodeName>,
    connection: &mut Connection,
    close: &mut oneshot::Receiver<reach::Close>,
) -> Result<Agreed, End> {
    let runtime = of.hub.system.runtime().clone();
    let terms = Terms { expected, ..Terms::new(of.ours.clone()) };
    let now = runtime.now();
    let begun =
        if side == Side::Dialer { Handshake::dial(terms, now) } else { Handshake::accept(terms, now) };
    let mut handshake = begun.map_err(|why| End::Handshake(Over::Garbage(why)))?;
    let mut timer = handshake.poll_timeout().map(|at| runtime.timer(at));
    let mut agreed = None;
    loop {
        let mut over = None;
        while let Some(event) = handshake.poll_event() {
            match event {
                Event::Introduced(who) => {
                    match judge(of, link, connection.certified.as_deref(), &who).await {
                        Ok(()) => handshake.admit(),
                        Err(why) => handshake.refuse(why),
                    }
                }
                Event::Agreed(terms) => agreed = Some(terms),
                Event::Over(why) => over = Some(why),
            }
        }
        while let Some(bytes) = handshake.poll_transmit() {
            connection.sender.send(Stream::Main, bytes).await?;
        }
        if let Some(why) = over {
            // The peer is to hear why, if it still listens.
            let _ = connection.sender.close().await;
            return Err(End::Handshake(why));
        }
        connection.sender.flush().await?;
        if let Some(agreed) = agreed.take() {
            return Ok(agreed);
        }
        let came = poll_fn(|cx| {
            if let Poll::Ready(why) = close.poll_unpin(cx) {
                return Poll::Ready(Err(End::Unwanted(why.unwrap_or(reach::Close::Leaving))));
            }
            if timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(Ok(None));
            }
            connection
                .receiver
                .poll_receive(cx)
                .map_err(End::from)?
                .map(|came| came.ok_or(End::Closed).map(Some))
        })
        .await?;
        match came {
            Some((_, bytes)) => handshake.handle_chunk(bytes),
            None => handshake.handle_timeout(runtime.now()),
        }
    }
}

/// Whether the peer may be who it says it is, and whether the link is wanted.
async fn judge(
    of: &Linking,
    link: LinkId,
    certified: Option<&[NodeName]>,
    who: &Introduction,
) -> Result<(), Refusal> {
    if let Some(names) = certified
        && !names.contains(&who.node.name)
    {
        let why = format!("the certificate is not one of {}", who.node.name);
        return Err(Refusal::NotAllowed(why.into()));
    }
    let peer = Member { id: who.node.clone(), endpoint: Endpoint(who.endpoint.clone()) };
    let role = match who.role {
        Role::Member => reach::Role::Member,
        Role::Client => reach::Role::Client,
    };
    let Some(keeper) = of.hub.keeper.get() else { return Err(Refusal::Leaving) };
    match keeper.call(Admit { link, peer, role }).await {
        Ok(verdict) => verdict.map_err(refusal),
        Err(_) => Err(Refusal::Leaving),
    }
}

/// A link that is up.
struct Running {
    of: Arc<Linking>,
    link: LinkId,
    system: System,
    peer: Arc<Peer>,
    way: Arc<Way>,
    inbox: Inbox,
    connection: Connection,
    close: oneshot::Receiver<reach::Close>,
    timer: Pin<Box<dyn Timer>>,
    /// Sends and calls of the peer that wait for room in mailboxes.
    rooms: FuturesUnordered<BoxRoom>,
    /// The third nodes of the link, by its numbers.
    nodes: Arc<BTreeMap<u32, u32>>,
    /// A chunk that the transport did not take.
    held: Option<(Stream, Bytes)>,
    turn: usize,
}

/// A request of the peer.
struct Request {
    peer: Weak<Peer>,
    id: Asked,
}

impl Desk for Request {
    fn keep(&self, caller: Caller) -> bool {
        self.peer.upgrade().is_some_and(|peer| peer.take(self.id, caller).is_ok())
    }
    fn answer(&self, answer: Result<&dyn Appends, CallError<()>>) {
        if let Some(peer) = self.peer.upgrade() {
            peer.answer(ravelin_core::running(), self.id, answer);
        }
    }
}

type BoxRoom = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Running {
    /// Carries until it is over.
    async fn carry(mut self) -> End {
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
            while let Some(frame) = self.inbox.poll_frame() {
                match frame {
                    Ok(frame) => self.handle(frame)?,
                    Err(why) => return Err(broken(&why)),
                }
                self.turn -= 1;
                if self.turn == 0 {
                    return Ok(());
                }
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

    fn handle(&mut self, frame: Frame) -> Result<(), End> {
        match frame {
            Frame::Carrying(head, payload) => self.handle_payload(head, payload),
            Frame::Signal(signal) => self.handle_signal(signal),
        }
    }

    fn handle_signal(&mut self, signal: Signal) -> Result<(), End> {
        let now = self.system.runtime().now();
        let own = self.peer.with_outbox(self.link, |outbox| outbox.handle_signal(&signal, now));
        if let Some(Err(why)) = own {
            return Err(broken(&why));
        }
        match signal {
            Signal::Bye(why) => return Err(End::Bye(why)),
            Signal::Cancel { id } => self.peer.give_up(id),
            Signal::Done { id } => drop(self.peer.answered(Asked::Call(id), Ok(Bytes::new()))),
            Signal::Failed { id, failure } => self.land(id, Err(failure::from_frame(failure))),
            Signal::Monitor { monitor, from, to } if !matches!(to, To::Pid(_)) => {
                match self.aim(to).and_then(|aim| self.of.hub.incarnation(&aim)) {
                    Some(pid) => {
                        let to = To::Pid(crate::proto::BarePid::of(pid));
                        self.hear(Signal::Monitor { monitor, from, to })?;
                    }
                    None => self.peer.nobody_to_watch(monitor, from),
                }
            }
            other => self.hear(other)?,
        }
        Ok(())
    }

    fn hear(&self, signal: Signal) -> Result<(), End> {
        let heard = self.peer.hear(&self.system, signal);
        heard.map_err(|why| End::Ours(Bye::Protocol(why.to_string().into())))
    }

    fn handle_payload(&mut self, head: Head, payload: Bytes) -> Result<(), End> {
        match head {
            Head::Cast { to, message } => {
                let done = self.give(to, message, |target, row| (row.cast)(target, &payload));
                if let Err(why) = done {
                    self.cast_lost(message, &why);
                }
            }
            Head::Send { id, to, message } => {
                match self.give(to, message, |target, row| (row.send)(target, &payload)) {
                    Ok(None) => self.peer.sent(id, Ok(())),
                    Ok(Some(room)) => self.wait_for(room, Some(id)),
                    Err(why) => self.peer.sent(id, Err(why)),
                }
            }
            Head::Call { id, to, message, budget, asker: _ } => {
                let id = Asked::Call(id);
                let desk: Arc<dyn Desk> = Arc::new(Request { peer: Arc::downgrade(&self.peer), id });
                match self.give(to, message, |target, row| (row.request)(target, &payload, budget, &desk)) {
                    Ok(None) => {}
                    Ok(Some(room)) => self.wait_for(room, None),
                    Err(why) => self.peer.answer(None, id, Err(why)),
                }
            }
            Head::Answer { id } => self.land(id, Ok(payload)),
            Head::Gossip => {
                let from = NodeId::clone(&self.peer.id);
                if let Some(keeper) = self.of.hub.keeper.get() {
                    // What it has no room for is lost, as gossip may be.
                    let _ = keeper.cast(Gossip { from, bytes: payload });
                }
            }
            Head::Groups => {
                let heard = self.of.hub.with_groups(|groups| groups.handle_frame(self.peer.number, &payload));
                heard.map_err(|why| End::Ours(Bye::Protocol(why.to_string().into())))?;
            }
            Head::Names => {
                let heard = self.of.hub.with_names(|names| names.handle_frame(self.peer.number, &payload));
                heard.map_err(|why| End::Ours(Bye::Protocol(why.to_string().into())))?;
            }
            Head::Start { id, .. } => {
                let why = CallError::NotUnderstood("this node starts nothing for others".into());
                self.peer.answer(None, Asked::Call(id), Err(why));
            }
        }
        Ok(())
    }

    /// Gives a message to whom it is for.
    fn give<R>(
        &mut self,
        to: To,
        message: NameNumber,
        f: impl FnOnce(&crate::accepts::Target<'_>, crate::accepts::Row) -> Result<R, CallError<()>>,
    ) -> Result<R, CallError<()>> {
        let aim = self.aim(to).ok_or(CallError::NoProc(()))?;
        let name = self.inbox.name(message).cloned().unwrap_or_default();
        self.note_nodes();
        reading(&self.way, &self.nodes, || {
            self.of.hub.find(&aim, |target, table| f(target, table.row(&name)?))
        })
    }

    /// The third nodes that were defined since the last look.
    fn note_nodes(&mut self) {
        let mut number = self.nodes.len() as u32 + 2;
        while let Some(life) = self.inbox.node(crate::proto::NodeNumber(number)) {
            let Some(index) = self.of.hub.roster.number(life) else { return };
            Arc::make_mut(&mut self.nodes).insert(number, index);
            number += 1;
        }
    }

    fn aim(&self, to: To) -> Option<Aim> {
        Some(match to {
            To::Pid(pid) => Aim::Pid(pid.at(0)),
            To::Place(number) => Aim::Place(number),
            To::Name(number) => Aim::Name(self.inbox.name(number)?.clone()),
        })
    }

    fn land(&mut self, id: Asked, answer: Result<Bytes, CallError<()>>) {
        self.note_nodes();
        let peer = self.peer.clone();
        let waiting = reading(&self.way, &self.nodes, || peer.answered(id, answer));
        if let Some((way, answer)) = waiting {
            reading(&self.way, &self.nodes, || land(way, answer));
        }
    }

    fn wait_for(&mut self, room: Room, send: Option<u64>) {
        let peer = self.peer.clone();
        self.rooms.push(Box::pin(async move {
            let outcome = room.await;
            if let Some(id) = send {
                peer.sent(id, outcome);
            }
        }));
    }

    #[cold]
    fn cast_lost(&mut self, message: NameNumber, why: &CallError<()>) {
        self.peer.lost_casts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let message = self.inbox.name(message).map(|name| &**name);
        tracing::debug!(target: "ravelin", from = %self.peer.id, message, reason = %why, "ravelin.cluster.cast_lost");
    }
}

fn broken(why: &dyn fmt::Display) -> End {
    End::Ours(Bye::Protocol(why.to_string().into()))
}

fn farewell(why: &reach::Close) -> Bye {
    match why {
        reach::Close::Leaving => Bye::Leaving,
        reach::Close::Refused(_) => Bye::Duplicate,
        reach::Close::TimedOut => Bye::Silent,
        _ => Bye::Superseded,
    }
}
