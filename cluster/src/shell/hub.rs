//! What all actors of a node share: the lives of nodes by number, the peers, what is exported, groups and names.
//!
//! A life of another node is a peer from its first link on, so that what it is owed and what it owes is kept over a loss
//! of the link. It is let go when it is not reached, nothing waits on it, and a later life of its name is up; and of the
//! others that are not reached and on which nothing waits, the first that were met, when there are more than
//! [`LOST_MAX`]. What is then done to one of its pids ends as it would have: at once, with `noconnection`.

use super::circles::Chases;
use super::crossing::Way;
use super::exports::Exports;
use super::keeper::KeeperRef;
use super::offers::Offers;
use super::peer::{Aim, Peer};
use super::roster::Roster;
use super::subscribers::Subscribers;
use super::warden::{Over, WardenRef};
use super::watchers::{GroupWatchers, NameWatchers};
use crate::accepts::{At, Row, Target};
use crate::name::{NodeId, NodeName};
use crate::proto::groups::Groups;
use crate::proto::names::Names;
use ravelin_core::{CallError, DistSignal, Distribution, Pid, System};
use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

/// So many lives that are not reached are peers.
const LOST_MAX: usize = 256;

/// The most memberships and names that one peer may claim.
const CLAIMS_MAX: usize = 1 << 20;

/// A peer that nobody uses is held by the list of peers and by its way.
const OURS: usize = 2;

/// Whom a message of this system is for.
#[derive(Clone, Copy)]
pub(crate) enum Toward<'a> {
    Pid(Pid),
    Place(u64),
    Name(&'a str),
}

/// A life that was met, and how messages cross to it, which lives as long.
struct Met {
    peer: Arc<Peer>,
    _way: Arc<Way>,
}

/// What all actors of a node share.
pub(crate) struct Hub {
    pub(crate) system: System,
    pub(crate) me: NodeId,
    pub(crate) roster: Roster,
    peers: RwLock<BTreeMap<u32, Met>>,
    pub(crate) exports: Exports,
    pub(crate) offers: Offers,
    groups: Mutex<Groups>,
    names: Mutex<Names>,
    /// Locked after the groups.
    pub(super) group_watchers: Mutex<GroupWatchers>,
    /// Locked after the names.
    pub(super) name_watchers: Mutex<NameWatchers>,
    /// Circles of calls across nodes.
    pub(super) chases: Chases,
    pub(crate) keeper: OnceLock<KeeperRef>,
    pub(crate) warden: OnceLock<WardenRef>,
    /// Who is told of nodes. Nothing else is locked while it is.
    pub(super) subscribers: Mutex<Subscribers>,
    pub(crate) over: Over,
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
            chases: Chases::default(),
            keeper: OnceLock::new(),
            warden: OnceLock::new(),
            subscribers: Mutex::default(),
            over: Over::default(),
            me,
        })
    }

    // ---- peers ----

    /// The life of this number, if anybody met it.
    pub(crate) fn peer(&self, number: u32) -> Option<Arc<Peer>> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).get(&number).map(|met| met.peer.clone())
    }

    /// All that were met.
    pub(crate) fn peers(&self) -> Vec<Arc<Peer>> {
        self.peers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(|met| met.peer.clone())
            .collect()
    }

    /// This life of another node.
    pub(crate) fn meet(self: &Arc<Self>, id: &NodeId) -> Option<Arc<Peer>> {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        if *id == self.me {
            return None;
        }
        let (number, life) = self.roster.meet(id)?;
        let new = || {
            let peer = Arc::new(Peer::new(number, life));
            let way = Arc::new(Way::new(self, peer.clone()));
            let _ = peer.way.set(Arc::downgrade(&way));
            Met { peer, _way: way }
        };
        Some(peers.entry(number).or_insert_with(new).peer.clone())
    }

    /// Lets go of the lives of which nothing is needed any more. O(n log n) of those that are met.
    pub(crate) fn let_go_of_the_past(&self) {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        let (up, down): (Vec<&Arc<Peer>>, Vec<_>) =
            peers.values().map(|met| &met.peer).partition(|peer| peer.is_up());
        let up: BTreeMap<&NodeName, &NodeId> =
            up.into_iter().map(|peer| (&peer.id.name, &*peer.id)).collect();
        let (followed, lost): (Vec<&Arc<Peer>>, Vec<_>) =
            down.into_iter().partition(|peer| up.get(&peer.id.name).is_some_and(|up| **up > *peer.id));
        let many = lost.len().saturating_sub(LOST_MAX);
        // Who else has it may be about to use it: only from here does one get it.
        let is_idle = |peer: &&Arc<Peer>| Arc::strong_count(peer) == OURS && peer.is_at_rest();
        let idle = followed.into_iter().filter(is_idle).chain(lost.into_iter().filter(is_idle).take(many));
        let numbers: Vec<u32> = idle.map(|peer| peer.number).collect();
        let mut gone = Vec::new();
        for number in numbers {
            gone.push(peers.remove(&number));
            self.roster.let_go(number);
        }
        drop(peers);
        drop(gone);
    }

    /// The life of this name that is connected.
    pub(crate) fn connected(&self, name: &NodeName) -> Option<Arc<Peer>> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        let mut peers = peers.values().map(|met| &met.peer);
        peers.find(|peer| peer.is_up() && peer.id.name == *name).cloned()
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
        if let Some(peer) = hub.peer(number) {
            return peer.carry(&hub.system, signal);
        }
        if let Some(peer) = hub.roster.to_come(number).and_then(|life| hub.meet(&life)) {
            return peer.carry(&hub.system, signal);
        }
        // No link to it will ever be up. One that is nobody's peer does what is done without a link, and is forgotten.
        tracing::debug!(target: "ravelin", number, "ravelin.cluster.unknown_node");
        let life = hub.roster.life(number).unwrap_or_else(|| Arc::new(hub.me.clone()));
        Peer::new(number, life).carry(&hub.system, signal);
    }

    fn lead_to(&self, numbers: &[u32]) {
        if let Some(hub) = self.0.upgrade() {
            hub.lead_to(numbers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Incarnation;
    use crate::proto::hello::{Limits, Side};
    use crate::proto::link::{LinkConfig, Outbox};
    use crate::proto::reach::LinkId;
    use ravelin_core::Time;
    use ravelin_core::runtimes::Local;

    fn id(name: &str, life: u64) -> NodeId {
        NodeId { name: name.parse().unwrap(), incarnation: Incarnation(life) }
    }

    /// This life is up, and the past is let go of.
    fn up(hub: &Arc<Hub>, id: &NodeId) -> Arc<Peer> {
        let peer = hub.meet(id).unwrap();
        let outbox = Outbox::new(Side::Dialer, &LinkConfig::default(), Limits::default(), Time::EPOCH);
        peer.connect(LinkId(u64::from(peer.number)), outbox);
        hub.let_go_of_the_past();
        peer
    }

    #[test]
    fn ten_thousand_lives_of_a_node_leave_what_the_last_one_needs() {
        let hub = Hub::new(System::new(Local::new()), id("me", 1));
        let mut first = None;
        for life in 1..=10_000 {
            let peer = up(&hub, &id("a", life));
            assert_eq!(hub.peers().len(), 1 + usize::from(life > 1 && first.is_some()));
            peer.disconnect_any(&hub.system);
            if life == 7 {
                first = Some(peer);
            }
        }
        // One that somebody has is kept, until nobody has.
        let number = first.as_ref().unwrap().number;
        assert!(hub.peer(number).is_some());
        drop(first);
        let last = up(&hub, &id("a", 10_001));
        assert_eq!(hub.peers().iter().map(|peer| peer.number).collect::<Vec<_>>(), [last.number]);
        let known = [1, 7, 10_000].map(|life| hub.roster.find(&id("a", life)).is_some());
        assert_eq!(known, [false, true, true], "of those that were let go the last are known");
    }

    #[test]
    fn of_nodes_that_never_come_back_the_last_are_kept() {
        let hub = Hub::new(System::new(Local::new()), id("me", 1));
        for name in 0..10 * LOST_MAX {
            up(&hub, &id(&format!("client-{name}"), 1)).disconnect_any(&hub.system);
        }
        let last = up(&hub, &id("a", 1));
        assert_eq!(hub.peers().len(), LOST_MAX + 1);
        assert_eq!(hub.peers()[1].number, last.number + 1 - LOST_MAX as u32);
    }
}
