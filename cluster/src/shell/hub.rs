//! What all actors of a node share: the lives of nodes by number, the peers, what is exported, groups and names.

use super::circles::Chases;
use super::crossing::Way;
use super::exports::Exports;
use super::keeper::KeeperRef;
use super::offers::Offers;
use super::peer::{Aim, Peer};
use super::roster::Roster;
use super::watchers::{GroupWatchers, NameWatchers};
use crate::accepts::{At, Row, Target};
use crate::name::{NodeId, NodeName};
use crate::proto::groups::Groups;
use crate::proto::names::Names;
use ravelin_core::{CallError, DistSignal, Distribution, Pid, System};
use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

/// The most memberships and names that one peer may claim.
const CLAIMS_MAX: usize = 1 << 20;

/// Whom a message of this system is for.
#[derive(Clone, Copy)]
pub(crate) enum Toward<'a> {
    Pid(Pid),
    Place(u64),
    Name(&'a str),
}

/// What all actors of a node share.
pub(crate) struct Hub {
    pub(crate) system: System,
    pub(crate) me: NodeId,
    pub(crate) roster: Roster,
    peers: RwLock<BTreeMap<u32, Arc<Peer>>>,
    pub(crate) exports: Exports,
    pub(crate) offers: Offers,
    groups: Mutex<Groups>,
    names: Mutex<Names>,
    /// Locked after the groups.
    pub(super) group_watchers: Mutex<GroupWatchers>,
    /// Locked after the names.
    pub(super) name_watchers: Mutex<NameWatchers>,
    /// How messages cross to each peer.
    ways: RwLock<BTreeMap<u32, Arc<Way>>>,
    /// Circles of calls across nodes.
    pub(super) chases: Chases,
    pub(crate) keeper: OnceLock<KeeperRef>,
}

impl Hub {
    pub(crate) fn new(system: System, me: NodeId) -> Arc<Hub> {
        Arc::new(Hub {
            system,
            roster: Roster::new(me.clone()),
            peers: RwLock::default(),
            exports: Exports::default(),
            offers: Offers::default(),
            groups: Mutex::new(Groups::new(CLAIMS_MAX)),
            names: Mutex::new(Names::new(me.clone(), CLAIMS_MAX)),
            group_watchers: Mutex::default(),
            name_watchers: Mutex::default(),
            ways: RwLock::default(),
            chases: Chases::default(),
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
        let new = || {
            let peer = Arc::new(Peer::new(number, life));
            let way = Arc::new(Way::new(self, peer.clone()));
            let _ = peer.way.set(Arc::downgrade(&way));
            self.ways.write().unwrap_or_else(PoisonError::into_inner).insert(number, way);
            peer
        };
        Some(peers.entry(number).or_insert_with(new).clone())
    }

    /// The life of this name that is connected.
    pub(crate) fn connected(&self, name: &NodeName) -> Option<Arc<Peer>> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers.values().find(|peer| peer.is_up() && peer.id.name == *name).cloned()
    }

    pub(crate) fn way(&self, number: u32) -> Option<Arc<Way>> {
        self.ways.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    // ---- groups and names ----

    pub(crate) fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn poke(&self, numbers: &[u32]) {
        for number in numbers {
            if let Some(peer) = self.peer(*number) {
                peer.poke();
            }
        }
    }

    // ---- messages ----

    /// Who lives there, or has the name.
    pub(crate) fn incarnation(&self, aim: &Aim) -> Option<Pid> {
        match aim {
            Aim::Pid(pid) => Some(*pid),
            Aim::Name(name) => self.system.whereis(name),
            Aim::Place(number) => self.exports.place(*number).and_then(|export| export.pid()),
        }
    }

    /// Whom a message is for, and what is done with it there; `row` gives that for a type of actor.
    pub(crate) fn find<R>(
        &self,
        aim: Toward<'_>,
        row: impl FnOnce(TypeId) -> Result<Row, CallError<()>>,
        f: impl FnOnce(&Target<'_>, Row) -> Result<R, CallError<()>>,
    ) -> Result<R, CallError<()>> {
        let system = &self.system;
        let pid = match aim {
            Toward::Place(number) => {
                let export = self.exports.place(number).ok_or(CallError::NoProc(()))?;
                return f(&Target { system, at: At::Place(&*export.place) }, row(export.of)?);
            }
            Toward::Pid(pid) => pid,
            Toward::Name(name) => system.whereis(name).ok_or(CallError::NoProc(()))?,
        };
        let of = system.type_of(pid).ok_or(CallError::NoProc(()))?;
        f(&Target { system, at: At::Pid(pid) }, row(of)?)
    }

    /// What this type of actor does with the message of this name. Of a type and a name it is always the same, once there
    /// is one.
    pub(crate) fn row(&self, of: TypeId, message: &str) -> Result<Row, CallError<()>> {
        let table = self.exports.table(of).ok_or_else(|| {
            CallError::NotUnderstood(
                "the actor accepts nothing from other nodes: its type was never named to one".into(),
            )
        })?;
        table.row(message)
    }
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

    fn lead_to(&self, numbers: &[u32]) {
        if let Some(hub) = self.0.upgrade() {
            hub.lead_to(numbers);
        }
    }
}
