//! What all actors of a node share: the lives of nodes by number, the peers, what is exported, groups and names.

use super::exports::Exports;
use super::peer::{Aim, NotSent, Peer};
use super::roster::Roster;
use crate::accepts::{At, Table, Target};
use crate::name::{NodeId, NodeName};
use crate::proto::frame::Asked;
use crate::proto::groups::Groups;
use crate::proto::names::Names;
use crate::proto::waits::CallId;
use crate::wire::{Bincode, Codec, Undecodable, Wire};
use bytes::Bytes;
use ravelin_core::crossing::{self, Answer, Crossing, FarReply, WayBack};
use ravelin_core::{CallError, Caller, DistSignal, Distribution, Pid, System};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

/// The most memberships and names that one peer may claim.
const CLAIMS_MAX: usize = 1 << 20;

/// What all actors of a node share.
pub(crate) struct Hub {
    pub(crate) system: System,
    pub(crate) me: NodeId,
    pub(crate) roster: Roster,
    peers: RwLock<BTreeMap<u32, Arc<Peer>>>,
    pub(crate) exports: Exports,
    groups: Mutex<Groups>,
    names: Mutex<Names>,
    /// How messages cross to each peer.
    ways: RwLock<BTreeMap<u32, Arc<Way>>>,
    pub(crate) keeper: OnceLock<super::KeeperRef>,
}

impl Hub {
    pub(crate) fn new(system: System, me: NodeId) -> Arc<Hub> {
        Arc::new(Hub {
            system,
            roster: Roster::new(me.clone()),
            peers: RwLock::default(),
            exports: Exports::default(),
            groups: Mutex::new(Groups::new(CLAIMS_MAX)),
            names: Mutex::new(Names::new(me.clone(), CLAIMS_MAX)),
            ways: RwLock::default(),
            keeper: OnceLock::new(),
            me,
        })
    }

    // ---- peers ----

    /// The life of this number, if anybody met it.
    pub(crate) fn peer(&self, number: u32) -> Option<Arc<Peer>> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// All that were met.
    pub(crate) fn peers(&self) -> Vec<Arc<Peer>> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// This life of another node.
    pub(crate) fn meet(self: &Arc<Self>, id: &NodeId) -> Option<Arc<Peer>> {
        let number = self.roster.number(id).filter(|number| *number != 0)?;
        if let Some(peer) = self.peer(number) {
            return Some(peer);
        }
        let life = self.roster.life(number)?;
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        let peer = peers.entry(number).or_insert_with(|| Arc::new(Peer::new(number, life))).clone();
        drop(peers);
        let way =
            Arc::new(Way { hub: Arc::downgrade(self), system: self.system.clone(), peer: peer.clone() });
        let _ = peer.way.set(Arc::downgrade(&way));
        self.ways.write().unwrap_or_else(PoisonError::into_inner).entry(number).or_insert(way);
        Some(peer)
    }

    /// The life of this name that is connected.
    pub(crate) fn connected(&self, name: &NodeName) -> Option<Arc<Peer>> {
        self.peers().into_iter().filter(|peer| peer.id.name == *name).find(|peer| peer.is_up())
    }

    pub(crate) fn way(&self, number: u32) -> Option<Arc<Way>> {
        self.ways.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    // ---- groups and names ----

    /// Does something with the groups, and sees that peers learn of it.
    pub(crate) fn with_groups<R>(&self, f: impl FnOnce(&mut Groups) -> R) -> R {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = f(&mut groups);
        let ready: Vec<u32> = groups.ready().collect();
        drop(groups);
        self.poke(&ready);
        outcome
    }

    /// Does something with the names, and sees that peers learn of it.
    pub(crate) fn with_names<R>(&self, f: impl FnOnce(&mut Names) -> R) -> R {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = f(&mut names);
        let ready: Vec<u32> = names.ready().collect();
        drop(names);
        self.poke(&ready);
        outcome
    }

    pub(crate) fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poke(&self, numbers: &[u32]) {
        for number in numbers {
            if let Some(peer) = self.peer(*number) {
                peer.poke();
            }
        }
    }

    // ---- messages ----

    /// The bytes of a message for a peer. What it keeps for it is given up again if `send` fails.
    pub(crate) fn write<M: Wire, R, E: From<NotSent>>(
        &self,
        peer: &Peer,
        message: &M,
        send: impl FnOnce(&[u8]) -> Result<R, E>,
    ) -> Result<R, E> {
        let Some(way) = self.way(peer.number) else { return Err(NotSent::NoConnection.into()) };
        let mut bytes = SCRATCH.with(RefCell::take);
        bytes.clear();
        let (written, kept) = keeping(|| crossing::with(way, || M::Codec::encode(message, &mut bytes)));
        let sent = match written {
            Ok(()) => send(&bytes),
            Err(Undecodable(why)) => Err(NotSent::Unfit(why).into()),
        };
        if sent.is_err() {
            kept.into_iter().for_each(|id| peer.take_way_back(id));
        }
        if bytes.capacity() <= SCRATCH_MAX {
            SCRATCH.with(|scratch| scratch.replace(bytes));
        }
        sent
    }

    /// Who lives there, or has the name.
    pub(crate) fn incarnation(&self, aim: &Aim) -> Option<Pid> {
        match aim {
            Aim::Pid(pid) => Some(*pid),
            Aim::Name(name) => self.system.whereis(name),
            Aim::Place(number) => self.exports.place(*number).and_then(|export| export.pid()),
        }
    }

    /// Whom a message of a peer is for, and the list of what it accepts.
    pub(crate) fn find<R>(
        &self,
        aim: &Aim,
        f: impl FnOnce(&Target<'_>, &Table) -> Result<R, CallError<()>>,
    ) -> Result<R, CallError<()>> {
        let system = &self.system;
        let pid = match aim {
            Aim::Place(number) => {
                let export = self.exports.place(*number).ok_or(CallError::NoProc(()))?;
                return f(&Target { system, at: At::Place(&*export.place) }, &export.table);
            }
            Aim::Pid(pid) => *pid,
            Aim::Name(name) => system.whereis(name).ok_or(CallError::NoProc(()))?,
        };
        let of = system.type_of(pid).ok_or(CallError::NoProc(()))?;
        let table = self.exports.table(of).ok_or_else(|| {
            CallError::NotUnderstood(
                "the actor accepts nothing from other nodes: its type was never named to one".into(),
            )
        })?;
        f(&Target { system, at: At::Pid(pid) }, &table)
    }
}

/// Buffers that are larger are not kept for the next message.
const SCRATCH_MAX: usize = 1 << 20;

thread_local! {
    /// A buffer for the message that this thread writes.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// The ways back that it keeps for the message that it writes.
    static KEPT: RefCell<Vec<CallId>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f`, which writes a message; gives the ways back that were kept for it.
fn keeping<R>(f: impl FnOnce() -> R) -> (R, Vec<CallId>) {
    let before = KEPT.with(RefCell::take);
    let outcome = f();
    (outcome, KEPT.with(|kept| kept.replace(before)))
}

/// Bytes that go to this peer.
pub(crate) fn write_with(
    peer: &Peer,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Undecodable>,
) -> Result<Vec<u8>, Undecodable> {
    let way = peer.way.get().and_then(Weak::upgrade);
    let way = way.ok_or_else(|| Undecodable("there is no link".to_owned()))?;
    let mut bytes = Vec::new();
    let (written, kept) = keeping(|| crossing::with(way, || write(&mut bytes)));
    if written.is_err() {
        kept.into_iter().for_each(|id| peer.take_way_back(id));
    }
    written.map(|()| bytes)
}

/// Carries signals between nodes. It is the system's; so it does not keep the hub, which has the system.
pub(crate) struct Carrier(pub(crate) Weak<Hub>);

impl Distribution for Carrier {
    fn carry(&self, signal: DistSignal) {
        let Some(hub) = self.0.upgrade() else { return };
        let number = signal.to().node();
        let peer = hub.peer(number).or_else(|| {
            let life = hub.roster.life(number)?;
            hub.meet(&life)
        });
        match peer {
            Some(peer) => peer.carry(&hub.system, signal),
            None => tracing::debug!(target: "ravelin", number, "ravelin.cluster.unknown_node"),
        }
    }
}

/// How messages cross to one peer, and from it.
pub(crate) struct Way {
    hub: Weak<Hub>,
    system: System,
    peer: Arc<Peer>,
}

impl Way {
    pub(crate) fn hub(&self) -> Option<Arc<Hub>> {
        self.hub.upgrade()
    }
}

impl Crossing for Way {
    fn system(&self) -> &System {
        &self.system
    }

    fn pid_out(&self, pid: Pid) -> Result<Pid, String> {
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
pub(crate) fn reading<R>(way: &Arc<Way>, nodes: &Arc<BTreeMap<u32, u32>>, f: impl FnOnce() -> R) -> R {
    let before =
        READING.with(|reading| reading.replace(Some(Reading { way: way.clone(), nodes: nodes.clone() })));
    let _restore = Restore(before);
    crossing::with(way.clone(), f)
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

impl crate::accepts::Bytes for Written<'_> {
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
            let _ = way.answer(|| Bincode::decode(&bytes));
        }
        Err(why) => way.fail(why),
    }
}
