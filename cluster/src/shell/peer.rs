//! One life of another node, as this node's actors see it: what they send it, and what they wait for.
//!
//! What is sent and who waits is under one lock, the gate, which is held for an append or a look-up at a time; no code of
//! the user's runs under it.
//!
//! The bonds have a lock of their own: see `bonds`.

use super::crossing::{Way, write_with};
use crate::name::NodeId;
use crate::proto::bonds::Bonds;
use crate::proto::frame::{Asked, Failure, Head, Signal as Framed};
use crate::proto::link::{Flow, Outbox, Pushed, Streams, Unsent};
use crate::proto::reach::LinkId;
use crate::proto::waits::{CallId, InHand, Waits};
use crate::proto::{BarePid, NameNumber, NodeNumber, Stream, To, WirePid};
use bytes::Bytes;
use futures::task::AtomicWaker;
use ravelin_core::crossing::WayBack;
use ravelin_core::{CallError, Caller, DistSignal, Exit, Pid, Sight, System, Time};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;

/// The most links and monitors that a peer may make here.
const BONDS_MAX: usize = 1 << 20;
/// The most calls of a peer that are in hand here.
const IN_HAND_MAX: usize = 1 << 18;

/// Why there is no answer: it is too large.
const WHY_TOO_LARGE: &str = "the request was handled, and its answer is larger than the node that asked takes: raise \
                             `limits.message_bytes_max` in the configuration there, or answer in parts";
/// Why there is no answer: there was no room for it. Of the errors that travel this one says the most: `Discarded` and
/// `Full` promise that the request was not begun.
const WHY_NO_ROOM: &str = "the request was handled, and its answer was thrown away: more waits to be sent to the node \
                           that asked than `limits.bulk_queue_bytes_max` of the node that was asked allows";

/// What ends a wait for an answer of the peer: its bytes, or why there is none.
pub(crate) type Wait = Box<dyn FnOnce(Result<Bytes, CallError<()>>) + Send>;

/// One life of another node.
pub(crate) struct Peer {
    /// The node number of its pids.
    pub(crate) number: u32,
    pub(crate) id: Arc<NodeId>,
    gate: Mutex<Gate>,
    /// As the gate says, for a look without its lock.
    is_up: AtomicBool,
    pub(super) bonds: Mutex<Bonds<Pid>>,
    /// Signals to the peer that came up while somebody delivered.
    pub(super) later: Mutex<VecDeque<DistSignal>>,
    /// How messages cross to it.
    pub(crate) way: OnceLock<Weak<Way>>,
    /// The link's actor.
    writer: AtomicWaker,
    /// What it sent that reached nobody: casts that were refused.
    pub(crate) lost_casts: AtomicU64,
}

pub(super) struct Gate {
    pub(super) up: Option<Up>,
    /// What waited when this node closed the link: its actor sends it.
    parting: Option<(LinkId, Outbox)>,
    /// Who waits for an answer to a call, a send or a start.
    pub(super) calls: Waits<Request>,
    /// The ways back that went to the peer.
    pub(super) ways: Waits<WayBack>,
    /// Calls of the peer that actors here have.
    pub(super) in_hand: InHand<Caller>,
    /// Ways back of the peer's that actors here have.
    pub(super) ways_in_hand: InHand<Caller>,
    /// Who waits for room.
    rooms: Vec<Waker>,
}

pub(super) struct Up {
    link: LinkId,
    pub(super) outbox: Outbox,
    /// The peer does not read what it must be told.
    is_overrun: bool,
}

/// A request to the peer, and who waits for what comes of it.
pub(super) struct Request {
    wait: Wait,
    /// In which it went.
    flow: Flow,
}

/// Why something was not sent to a peer.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// There is no link to it.
    NoConnection,
    /// Its queue is full.
    Full,
    /// The message can not go to this peer; says why.
    Unfit(String),
}

impl From<Unsent> for NotSent {
    fn from(why: Unsent) -> NotSent {
        match why {
            Unsent::Full => NotSent::Full,
            Unsent::TooLarge { bytes, max } => NotSent::Unfit(format!(
                "the message has {bytes} bytes, and the other node takes {max}: raise `limits.message_bytes_max` \
                 in the configuration there, or send it in parts"
            )),
            other => NotSent::Unfit(other.to_string()),
        }
    }
}

/// A message that is written.
pub(crate) struct Letter<'a> {
    /// The actor that sends it, if one does.
    pub(crate) flow: Option<Pid>,
    pub(crate) aim: &'a Aim,
    /// What the message is called on the wire.
    pub(crate) name: &'static str,
    pub(crate) payload: Payload<'a>,
}

/// A message of so many bytes is not copied until it is sent.
const COPY_BELOW: usize = 32 << 10;

/// The bytes of a message.
#[derive(Clone)]
pub(crate) enum Payload<'a> {
    /// To be copied.
    Small(&'a [u8]),
    /// To be kept until they are sent.
    Large(Bytes),
}

impl<'a> Payload<'a> {
    pub(crate) fn of(bytes: &'a Bytes) -> Payload<'a> {
        if bytes.len() < COPY_BELOW { Payload::Small(bytes) } else { Payload::Large(bytes.clone()) }
    }

    /// What was written to this buffer; a large message takes it.
    pub(super) fn written(bytes: &'a mut Vec<u8>) -> Payload<'a> {
        if bytes.len() < COPY_BELOW {
            Payload::Small(bytes)
        } else {
            Payload::Large(std::mem::take(bytes).into())
        }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Payload::Small(bytes) => Bytes::copy_from_slice(bytes),
            Payload::Large(bytes) => bytes,
        }
    }
}

/// Whom a message is for, before it has numbers of a link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Aim {
    Pid(Pid),
    Place(u64),
    Name(Arc<str>),
}

impl Peer {
    pub(crate) fn new(number: u32, id: Arc<NodeId>) -> Peer {
        Peer {
            number,
            id,
            gate: Mutex::new(Gate {
                up: None,
                parting: None,
                calls: Waits::new(),
                ways: Waits::new(),
                in_hand: InHand::new(IN_HAND_MAX),
                ways_in_hand: InHand::new(IN_HAND_MAX),
                rooms: Vec::new(),
            }),
            is_up: AtomicBool::new(false),
            bonds: Mutex::new(Bonds::new(BONDS_MAX)),
            later: Mutex::default(),
            way: OnceLock::new(),
            writer: AtomicWaker::new(),
            lost_casts: AtomicU64::new(0),
        }
    }

    pub(super) fn gate(&self) -> MutexGuard<'_, Gate> {
        lock(&self.gate)
    }

    /// Whether there is a link.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// Whether it has no link, and nothing waits on it. Nobody else may have it: its locks are taken.
    pub(super) fn is_at_rest(&self) -> bool {
        let gate = self.gate();
        let waits = [
            gate.calls.len(),
            gate.ways.len(),
            gate.in_hand.len(),
            gate.ways_in_hand.len(),
            gate.rooms.len(),
        ];
        let is_idle = gate.up.is_none() && waits == [0; 5];
        drop(gate);
        let bonds = lock(&self.bonds);
        is_idle && bonds.links() == 0 && bonds.monitors() == (0, 0) && lock(&self.later).is_empty()
    }

    pub(super) fn wake_if(&self, pushed: Pushed) {
        if pushed == Pushed::Wake {
            self.writer.wake();
        }
    }

    // ---- what actors send ----

    /// Sends a message whose payload is there.
    pub(crate) fn cast(&self, letter: Letter<'_>) -> Result<(), NotSent> {
        self.push(letter, |to, message| Head::Cast { to, message })
    }

    /// Sends a request; `wait` is called once with the outcome, unless it is given up before. `begun` learns the number
    /// of the call before anybody else does. When the queue is full `waker` is woken as soon as there is room.
    pub(crate) fn ask(
        &self,
        letter: Letter<'_>,
        ask: Ask,
        wait: Wait,
        waker: &Waker,
        begun: impl FnOnce(CallId),
    ) -> Result<CallId, (NotSent, Wait)> {
        let mut gate = self.gate();
        let id = gate.calls.begin(Request { wait, flow: Flow::Place(0) });
        begun(id);
        let asker = letter.flow.map(BarePid::of);
        let sent = push_in(&mut gate, letter, |to, message| match ask {
            Ask::Send => Head::Send { id: id.0, to, message },
            Ask::Call { budget } => Head::Call { id: id.0, to, asker, message, budget },
        });
        match sent {
            Ok((pushed, flow)) => {
                if let Some(request) = gate.calls.get_mut(id) {
                    request.flow = flow;
                }
                drop(gate);
                self.wake_if(pushed);
                Ok(id)
            }
            Err(why) => gate.unsent(id, why, waker),
        }
    }

    /// Asks for a child to be started; `wait` as in [`ask`](Peer::ask).
    pub(crate) fn ask_start(
        &self,
        under: &str,
        spec: &str,
        args: Payload<'_>,
        wait: Wait,
        waker: &Waker,
    ) -> Result<CallId, (NotSent, Wait)> {
        let mut gate = self.gate();
        let id = gate.calls.begin(Request { wait, flow: Flow::Place(0) });
        let sent = (|| {
            let up = gate.up.as_mut().ok_or(NotSent::NoConnection)?;
            let (under, spec) = (up.outbox.name_of(under)?, up.outbox.name_of(spec)?);
            let head = Head::Start { id: id.0, under, spec };
            let flow = Flow::Name(under);
            Ok((up.outbox.push_bytes(flow, &head, args.into_bytes())?, flow))
        })();
        match sent {
            Ok((pushed, flow)) => {
                if let Some(request) = gate.calls.get_mut(id) {
                    request.flow = flow;
                }
                drop(gate);
                self.wake_if(pushed);
                Ok(id)
            }
            Err(why) => gate.unsent(id, why, waker),
        }
    }

    /// Nobody waits for the answer any more. Said in the flow of the request: there it comes after it.
    pub(crate) fn cancel(&self, id: CallId) {
        let mut gate = self.gate();
        let Some(Request { wait, flow }) = gate.calls.end(id) else { return };
        let pushed = gate.signal(flow, &Framed::Cancel { id: id.0 });
        drop(gate);
        self.wake_if(pushed);
        drop(wait);
    }

    fn push(&self, letter: Letter<'_>, head: impl FnOnce(To, NameNumber) -> Head) -> Result<(), NotSent> {
        let (pushed, _) = push_in(&mut self.gate(), letter, head)?;
        self.wake_if(pushed);
        Ok(())
    }

    /// A pid of this system, as one of the link.
    pub(crate) fn pid_out(&self, pid: Pid, life: Option<&NodeId>) -> Result<Pid, String> {
        let number = match (pid.node(), life) {
            (0, _) => NodeNumber::SENDER,
            (node, _) if node == self.number => NodeNumber::RECEIVER,
            (_, None) => return Err(format!("{pid} is of no node that is known")),
            (_, Some(life)) => {
                let mut gate = self.gate();
                let Some(up) = &mut gate.up else { return Err("there is no link".to_owned()) };
                up.outbox.node(life).map_err(|why| why.to_string())?
            }
        };
        let WirePid { node, slot, serial } = WirePid::of(number, pid);
        Ok(Pid::from_parts(node.0, slot, serial))
    }

    /// A pid inside of a reason. One of a third node can not be named without that node's; it is told as the dead.
    pub(super) fn named_to_peer(&self, pid: Pid) -> Pid {
        let number = match pid.node() {
            0 => NodeNumber::SENDER,
            node if node == self.number => NodeNumber::RECEIVER,
            _ => return Pid::from_parts(NodeNumber::SENDER.0, u32::MAX, u64::MAX),
        };
        Pid::from_parts(number.0, pid.slot(), pid.serial())
    }

    /// Keeps a way back that goes to the peer.
    pub(crate) fn keep_way(&self, way: WayBack) -> CallId {
        self.gate().ways.begin(way)
    }

    /// The message with this way back was not sent.
    pub(crate) fn take_way_back(&self, id: CallId) {
        let way = self.gate().ways.end(id);
        drop(way);
    }

    // ---- the link ----

    /// A link is up.
    pub(crate) fn connect(&self, link: LinkId, outbox: Outbox) {
        let mut bonds = lock(&self.bonds);
        let mut gate = self.gate();
        gate.up = Some(Up { link, outbox, is_overrun: false });
        self.is_up.store(true, Ordering::Release);
        drop(gate);
        bonds.connected();
    }

    /// This link is lost: all that is owed is ended, each once.
    pub(crate) fn disconnect(&self, system: &System, link: LinkId) {
        let mut gate = self.gate();
        if gate.up.as_ref().is_none_or(|up| up.link != link) {
            return;
        }
        gate.parting = gate.up.take().filter(|up| !up.is_overrun).map(|up| (link, up.outbox));
        self.is_up.store(false, Ordering::Release);
        let callers = (gate.in_hand.lost(), gate.ways_in_hand.lost());
        let (calls, ways) = (gate.calls.lost(), gate.ways.lost());
        let rooms = std::mem::take(&mut gate.rooms);
        drop(gate);
        let mut bonds = lock(&self.bonds);
        bonds.lost(&Exit::NoConnection);
        self.settle(system, &mut bonds);
        drop(bonds);
        self.catch_up(system);
        for (_, request) in calls {
            (request.wait)(Err(CallError::Exited(Exit::NoConnection)));
        }
        for (_, way) in ways {
            way.fail(CallError::Exited(Exit::NoConnection));
        }
        drop(callers);
        rooms.into_iter().for_each(Waker::wake);
    }

    /// What waited when this link was closed; once.
    pub(crate) fn parted(&self, link: LinkId) -> Option<Outbox> {
        self.gate().parting.take_if(|(of, _)| *of == link).map(|(_, outbox)| outbox)
    }

    /// Whatever link there is is lost.
    pub(crate) fn disconnect_any(&self, system: &System) {
        let link = self.gate().up.as_ref().map(|up| up.link);
        if let Some(link) = link {
            self.disconnect(system, link);
        }
    }

    /// The link's actor is to be woken when there is something to send.
    pub(crate) fn register(&self, waker: &Waker) {
        self.writer.register(waker);
    }

    /// The link's actor has something to look at.
    pub(crate) fn poke(&self) {
        self.writer.wake();
    }

    /// Does something with what is sent over this link; `None`: it is not up.
    pub(crate) fn with_outbox<R>(&self, link: LinkId, f: impl FnOnce(&mut Outbox) -> R) -> Option<R> {
        let mut gate = self.gate();
        let up = gate.up.as_mut().filter(|up| up.link == link)?;
        Some(f(&mut up.outbox))
    }

    /// The next chunk to send, for these streams. `Err`: the link is of no use any more.
    pub(crate) fn transmit(
        &self,
        link: LinkId,
        now: Time,
        streams: Streams,
    ) -> Result<Option<(Stream, Bytes)>, ()> {
        let mut gate = self.gate();
        let Some(up) = gate.up.as_mut().filter(|up| up.link == link && !up.is_overrun) else {
            return Err(());
        };
        let chunk = up.outbox.poll_transmit(now, streams);
        let rooms = if up.outbox.poll_room() { std::mem::take(&mut gate.rooms) } else { Vec::new() };
        drop(gate);
        rooms.into_iter().for_each(Waker::wake);
        Ok(chunk)
    }

    /// Whether the link was given up because the peer does not read.
    pub(crate) fn is_overrun(&self) -> bool {
        self.gate().up.as_ref().is_some_and(|up| up.is_overrun)
    }

    // ---- what the peer asks, and answers ----

    /// A request of the peer is in hand. The caller comes back if it can not be taken.
    pub(crate) fn take(&self, id: Asked, caller: Caller) -> Result<(), Caller> {
        let mut gate = self.gate();
        let (in_hand, id) = gate.in_hand(id);
        in_hand.take(id, caller).map_err(|(_, caller)| caller)
    }

    /// The peer waits no longer.
    pub(crate) fn give_up(&self, id: u64) {
        let caller = self.gate().in_hand.end(CallId(id));
        drop(caller);
    }

    /// A look at a call of the peer that is in hand.
    pub(super) fn sight(&self, call: CallId) -> Option<Sight> {
        self.gate().in_hand.get(call).map(Caller::sight)
    }

    /// Ends a call of the peer, if it is still in hand.
    pub(super) fn fail_held(&self, call: CallId, why: CallError<()>) {
        let failure = self.failure(why);
        let mut gate = self.gate();
        let Some(caller) = gate.in_hand.end(call) else { return };
        let pushed = gate.signal(Flow::Place(0), &Framed::Failed { id: Asked::Call(call.0), failure });
        drop(gate);
        self.wake_if(pushed);
        drop(caller);
    }

    /// Sends a probe, unless more bytes than this wait in the control lane.
    pub(super) fn push_probe(&self, probe: &Framed, flow: Flow, below: usize) {
        let mut gate = self.gate();
        let Some(up) = &mut gate.up else { return };
        if up.outbox.waiting()[0] < below
            && let Ok(pushed) = up.outbox.push_signal(flow, probe)
        {
            drop(gate);
            self.wake_if(pushed);
        }
    }

    /// For the peer. Not under the gate.
    fn failure(&self, why: CallError<()>) -> Failure {
        super::failure::to_frame(why, |pid| self.known_there(pid))
    }

    /// Answers the peer, with bytes that `append` gives.
    pub(crate) fn answer(
        &self,
        flow: Option<Pid>,
        id: Asked,
        answer: Result<&dyn crate::accepts::Bytes, CallError<()>>,
    ) {
        let written = answer.and_then(|answer| {
            let written = write_with(self, |bytes| answer.append(bytes));
            written.map_err(|why| {
                CallError::NotUnderstood(format!("the answer could not be written: {why}").into())
            })
        });
        let written = written.map_err(|why| self.failure(why));
        let mut gate = self.gate();
        let (in_hand, number) = gate.in_hand(id);
        let caller = in_hand.end(number);
        let flow = flow.map_or(Flow::Place(0), Flow::Actor);
        let pushed = match written {
            Ok(bytes) => gate.payload(flow, &Head::Answer { id }, bytes.into()),
            Err(failure) => gate.signal(flow, &Framed::Failed { id, failure }),
        };
        drop(gate);
        self.wake_if(pushed);
        drop(caller);
    }

    /// A send of the peer came to this.
    pub(crate) fn sent(&self, id: u64, outcome: Result<(), CallError<()>>) {
        let signal = match outcome {
            Ok(()) => Framed::Done { id },
            Err(why) => Framed::Failed { id: Asked::Call(id), failure: self.failure(why) },
        };
        let mut gate = self.gate();
        let pushed = gate.signal(Flow::Place(0), &signal);
        drop(gate);
        self.wake_if(pushed);
    }

    /// The peer answered.
    pub(crate) fn answered(
        &self,
        id: Asked,
        answer: Result<Bytes, CallError<()>>,
    ) -> Option<(WayBack, Result<Bytes, CallError<()>>)> {
        match id {
            Asked::Call(id) => {
                let request = self.gate().calls.end(CallId(id));
                if let Some(request) = request {
                    (request.wait)(answer);
                }
                None
            }
            Asked::Reply(id) => self.gate().ways.end(CallId(id)).map(|way| (way, answer)),
        }
    }
}

/// What is asked of the peer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// That the mailbox has it.
    Send,
    /// An answer, within this time.
    Call { budget: Option<std::time::Duration> },
}

fn push_in(
    gate: &mut Gate,
    letter: Letter<'_>,
    head: impl FnOnce(To, NameNumber) -> Head,
) -> Result<(Pushed, Flow), NotSent> {
    let Letter { flow, aim, name, payload } = letter;
    let up = gate.up.as_mut().ok_or(NotSent::NoConnection)?;
    let message = up.outbox.name(name)?;
    let (to, anyone) = match aim {
        Aim::Pid(pid) => (To::Pid(BarePid::of(*pid)), Flow::Actor(*pid)),
        Aim::Place(number) => (To::Place(*number), Flow::Place(*number)),
        Aim::Name(name) => {
            let name = up.outbox.name_of(name)?;
            (To::Name(name), Flow::Name(name))
        }
    };
    let flow = flow.map_or(anyone, Flow::Actor);
    let head = head(to, message);
    let payload = match payload {
        Payload::Small(payload) => payload,
        Payload::Large(payload) => return Ok((up.outbox.push_bytes(flow, &head, payload)?, flow)),
    };
    let append = |out: &mut Vec<u8>| -> Result<(), std::convert::Infallible> {
        out.extend_from_slice(payload);
        Ok(())
    };
    Ok((up.outbox.push(flow, &head, append)?, flow))
}

impl Gate {
    /// A request was not sent, so nobody waits for the answer. Under the lock under which it was refused: so that room that
    /// is made later is told.
    fn unsent(&mut self, id: CallId, why: NotSent, waker: &Waker) -> Result<CallId, (NotSent, Wait)> {
        let Some(Request { wait, .. }) = self.calls.end(id) else { return Ok(id) };
        if matches!(why, NotSent::Full) && !self.rooms.iter().any(|each| each.will_wake(waker)) {
            self.rooms.push(waker.clone());
        }
        Err((why, wait))
    }

    /// Pushes a signal. What can not be refused and finds no room ends the link.
    pub(super) fn signal(&mut self, flow: Flow, signal: &Framed) -> Pushed {
        let Some(up) = &mut self.up else { return Pushed::Quiet };
        match up.outbox.push_signal(flow, signal) {
            Ok(pushed) => pushed,
            Err(_) => {
                up.is_overrun = true;
                Pushed::Wake
            }
        }
    }

    fn payload(&mut self, flow: Flow, head: &Head, bytes: Bytes) -> Pushed {
        let Some(up) = &mut self.up else { return Pushed::Quiet };
        match up.outbox.push_bytes(flow, head, bytes) {
            Ok(pushed) => pushed,
            Err(Unsent::TooLarge { .. }) => {
                let Head::Answer { id } = head else { return Pushed::Quiet };
                let failure = Failure::NotUnderstood(WHY_TOO_LARGE.into());
                self.signal(flow, &Framed::Failed { id: *id, failure })
            }
            // Many large answers at once, or a peer that does not read. If there is not even room for this, it is that.
            Err(_) if let Head::Answer { id } = head => {
                let failure = Failure::NotUnderstood(WHY_NO_ROOM.into());
                self.signal(Flow::Place(0), &Framed::Failed { id: *id, failure })
            }
            Err(_) => {
                up.is_overrun = true;
                Pushed::Wake
            }
        }
    }

    fn in_hand(&mut self, id: Asked) -> (&mut InHand<Caller>, CallId) {
        match id {
            Asked::Call(id) => (&mut self.in_hand, CallId(id)),
            Asked::Reply(id) => (&mut self.ways_in_hand, CallId(id)),
        }
    }
}

pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
