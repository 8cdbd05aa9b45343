//! How messages cross: what pids, places and ways back in them become, and the bytes of a message.

use super::hub::Hub;
use super::peer::{NotSent, Payload, Peer};
use crate::accepts::Bytes as Appends;
use crate::proto::frame::Asked;
use crate::proto::waits::CallId;
use crate::wire::{self, Bincode, Codec, Undecodable, Wire};
use bytes::Bytes;
use ravelin_core::crossing::{self, Answer, Crossing, FarReply, WayBack};
use ravelin_core::{CallError, Caller, Pid, System};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

impl Peer {
    /// The bytes of a message for this peer. What is kept for it is given up again if `send` fails.
    pub(crate) fn write<M: Wire, R>(
        &self,
        message: &M,
        send: impl FnOnce(Payload<'_>) -> Result<R, NotSent>,
    ) -> Result<R, NotSent> {
        self.reads::<M>()?;
        self.write_by(|bytes| M::Codec::encode(message, bytes), send)
    }

    /// As [`write`](Peer::write), of what `encode` appends.
    pub(crate) fn write_by<R>(
        &self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), Undecodable>,
        send: impl FnOnce(Payload<'_>) -> Result<R, NotSent>,
    ) -> Result<R, NotSent> {
        let way = self.way().ok_or(NotSent::NoConnection)?;
        let mut bytes = SCRATCH.with(RefCell::take);
        bytes.clear();
        let (written, kept) = keeping(|| crossing::with(way, || encode(&mut bytes)));
        let sent = match written {
            Ok(()) => send(Payload::written(&mut bytes)),
            Err(Undecodable(why)) => Err(NotSent::Unfit(why)),
        };
        if sent.is_err() {
            kept.into_iter().for_each(|id| self.take_way_back(id));
        }
        if bytes.capacity() > 0 && bytes.capacity() <= SCRATCH_MAX {
            SCRATCH.with(|scratch| scratch.replace(bytes));
        }
        sent
    }
}

/// Buffers that are larger are not kept for the next message.
const SCRATCH_MAX: usize = 1 << 20;

thread_local! {
    /// A buffer for the message that this thread writes.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Whether it wrote something that means something to one peer only.
    static IS_BOUND: Cell<bool> = const { Cell::new(false) };
    /// The ways back that it keeps for the message that it writes.
    static KEPT: RefCell<Vec<CallId>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f`, which writes a message; gives the ways back that were kept for it.
fn keeping<R>(f: impl FnOnce() -> R) -> (R, Vec<CallId>) {
    let before = KEPT.with(RefCell::take);
    let outcome = f();
    (outcome, KEPT.with(|kept| kept.replace(before)))
}

/// Runs `f`, which writes a message. Whether what it wrote is for one peer only: a pid or a way back is in it.
pub(super) fn is_bound<R>(f: impl FnOnce() -> R) -> (R, bool) {
    let before = IS_BOUND.replace(false);
    let outcome = f();
    (outcome, IS_BOUND.replace(before))
}

/// How messages cross to one peer, and from it.
pub(crate) struct Way {
    hub: Weak<Hub>,
    system: System,
    peer: Arc<Peer>,
}

impl Way {
    pub(crate) fn new(hub: &Arc<Hub>, peer: Arc<Peer>) -> Way {
        Way { hub: Arc::downgrade(hub), system: hub.system.clone(), peer }
    }

    pub(crate) fn hub(&self) -> Option<Arc<Hub>> {
        self.hub.upgrade()
    }
}

impl Crossing for Way {
    fn system(&self) -> &System {
        &self.system
    }

    fn pid_out(&self, pid: Pid) -> Result<Pid, String> {
        IS_BOUND.set(true);
        let life = self.hub().and_then(|hub| hub.roster.life(pid.node()));
        self.peer.pid_out(pid, life.as_deref())
    }

    fn pid_in(&self, pid: Pid) -> Result<Pid, String> {
        READING.with(|reading| {
            let reading = reading.borrow();
            let number = match (pid.node(), &*reading) {
                (0, _) => Some(self.peer.number),
                (1, _) => Some(0),
                (node, Some(reading)) => reading.nodes.get(&node).copied(),
                (_, None) => None,
            };
            let number = number.ok_or_else(|| format!("{pid} is of a node that was never defined"))?;
            Ok(Pid::from_parts(number, pid.slot(), pid.serial()))
        })
    }

    fn reply_out(&self, way: WayBack) -> Result<u64, String> {
        IS_BOUND.set(true);
        if !self.peer.is_up() {
            return Err("there is no link".to_owned());
        }
        let id = self.peer.keep_way(way);
        KEPT.with(|kept| kept.borrow_mut().push(id));
        Ok(id.0)
    }

    fn reply_in(&self, number: u64) -> Result<Box<dyn FarReply>, String> {
        if number >= 1 << 63 {
            return Err(format!("{number} is no number of a way back"));
        }
        Ok(Box::new(Far { peer: Arc::downgrade(&self.peer), id: Asked::Reply(number) }))
    }

    fn caller_in(&self, number: u64, caller: Caller) {
        // One that can not be kept waits no longer: its call ends with its time.
        drop(self.peer.take(Asked::Reply(number), caller));
    }
}

thread_local! {
    /// What this thread reads now.
    static READING: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

/// By which way a message came, and the third nodes of the link by its numbers.
struct Reading {
    way: Arc<Way>,
    nodes: Arc<BTreeMap<u32, u32>>,
}

/// Runs `f`, which reads what came by a link with these third nodes.
pub(crate) fn reading<R>(way: Arc<Way>, nodes: Arc<BTreeMap<u32, u32>>, f: impl FnOnce() -> R) -> R {
    let crossing = way.clone();
    let _restore = Restore(READING.with(|reading| reading.replace(Some(Reading { way, nodes }))));
    crossing::with(crossing, f)
}

/// There are more third nodes for what is being read.
pub(crate) fn renew(nodes: &Arc<BTreeMap<u32, u32>>) {
    READING.with(|reading| {
        if let Some(reading) = &mut *reading.borrow_mut() {
            reading.nodes = nodes.clone();
        }
    });
}

/// Puts back what was read before.
struct Restore(Option<Reading>);

impl Drop for Restore {
    fn drop(&mut self) {
        let before = self.0.take();
        drop(READING.with(|reading| reading.replace(before)));
    }
}

/// The node that reads a message now.
pub(crate) fn reading_hub() -> Option<Arc<Hub>> {
    READING.with(|reading| reading.borrow().as_ref().and_then(|reading| reading.way.hub()))
}

/// Where an answer goes that the peer waits for.
struct Far {
    peer: Weak<Peer>,
    id: Asked,
}

/// An answer whose type is forgotten.
struct Written<'a>(Answer<'a>);

impl Appends for Written<'_> {
    fn append(&self, out: &mut Vec<u8>) -> Result<(), Undecodable> {
        Bincode::encode(&self.0, out)
    }
}

impl FarReply for Far {
    fn answer(self: Box<Self>, answer: Result<Answer<'_>, CallError<()>>) {
        let Some(peer) = self.peer.upgrade() else { return };
        match answer {
            Ok(answer) => peer.answer(ravelin_core::running(), self.id, Ok(&Written(answer))),
            Err(why) => peer.answer(ravelin_core::running(), self.id, Err(why)),
        }
    }
}

/// Ends a call with the answer that came for its `ReplyTo`.
pub(crate) fn land(way: WayBack, answer: Result<Bytes, CallError<()>>) {
    match answer {
        Ok(bytes) => {
            // Whoever waits was told if it could not be read.
            let _ = way.answer(|| wire::read::<Bincode, _>(&bytes));
        }
        Err(why) => way.fail(why),
    }
}
