//! One life of another node, as this node's actors see it: what they send it, and what they wait for.
//!
//! What is sent and who waits is under one lock, the [gate](gate), which is held for an append or a look-up at a time; no
//! code of the user's runs under it. What actors send and ask stands in `sending`, what the peer asks and answers in
//! `answering`, the link that comes and goes here.
//!
//! The bonds have a lock of their own: see `bonds`.

mod gate;
mod sending;
mod answering;

pub(crate) use gate::Wait;
pub(crate) use sending::{Aim, Ask, Letter, NotSent, Payload};

use super::crossing::Way;
use crate::name::NodeId;
use crate::proto::bonds::Bonds;
use crate::proto::link::{Outbox, Pushed, Streams};
use crate::proto::reach::LinkId;
use crate::proto::{NodeNumber, Stream, WirePid};
use crate::wire::{Bincode, Codec, Wire};
use bytes::Bytes;
use futures::task::AtomicWaker;
use gate::{Gate, Up};
use ravelin_core::{CallError, DistSignal, Exit, Pid, System, Time};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;

/// The most links and monitors that a peer may make here.
const BONDS_MAX: usize = 1 << 20;

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
    pub(super) way: OnceLock<Weak<Way>>,
    /// The codecs that it has as well; the same in all of its life.
    pub(super) codecs: OnceLock<BTreeSet<Arc<str>>>,
    /// The link's actor.
    writer: AtomicWaker,
    /// What it sent that reached nobody: casts that were refused.
    pub(crate) lost_casts: AtomicU64,
}

impl Peer {
    pub(crate) fn new(number: u32, id: Arc<NodeId>) -> Peer {
        Peer {
            number,
            id,
            gate: Mutex::new(Gate::new()),
            is_up: AtomicBool::new(false),
            bonds: Mutex::new(Bonds::new(BONDS_MAX)),
            later: Mutex::default(),
            way: OnceLock::new(),
            codecs: OnceLock::new(),
            writer: AtomicWaker::new(),
            lost_casts: AtomicU64::new(0),
        }
    }

    pub(super) fn gate(&self) -> MutexGuard<'_, Gate> {
        lock(&self.gate)
    }

    /// How messages cross to it; `None`: it was let go of.
    pub(crate) fn way(&self) -> Option<Arc<Way>> {
        self.way.get().and_then(Weak::upgrade)
    }

    /// Whether there is a link.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// Whether it reads messages of this one's codec. Every node has bincode, so that costs nothing to know.
    pub(super) fn reads<M: Wire>(&self) -> Result<(), NotSent> {
        let codec = <M::Codec as Codec>::NAME;
        if codec == Bincode::NAME || self.codecs.get().is_none_or(|codecs| codecs.contains(codec)) {
            return Ok(());
        }
        Err(NotSent::Unfit(format!(
            "the codec `{codec}` of `{}` was not named when the nodes met: name it with `NodeBuilder::codec` on both",
            M::NAME
        )))
    }

    /// Whether it has no link, and nothing waits on it. Nobody else may have it: its locks are taken.
    pub(super) fn is_at_rest(&self) -> bool {
        let is_idle = self.gate().is_idle();
        let bonds = lock(&self.bonds);
        is_idle && bonds.links() == 0 && bonds.monitors() == (0, 0) && lock(&self.later).is_empty()
    }

    pub(super) fn wake_if(&self, pushed: Pushed) {
        if pushed == Pushed::Wake {
            self.writer.wake();
        }
    }

    // ---- names ----

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
}

pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
