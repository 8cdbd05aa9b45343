//! Circles of calls across nodes: the plan in `proto::circles`, fed with what the waits of this node lead to.

use super::hub::Hub;
use super::keeper::Chase;
use super::peer::Peer;
use crate::proto::circles::{Again, Circles, Due, Heard, Held, Probe, Send, Step, Wait, Way};
use crate::proto::frame::{Signal as Framed, Waits};
use crate::proto::link::Flow;
use crate::proto::waits::CallId;
use crate::proto::{NodeNumber, WirePid};
use ravelin_core::crossing::Crossing;
use ravelin_core::{CallError, FarWait, Hop, Pid, Sight, Time};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Probes are sent while no more bytes than this wait in the control lane: what is more important has the rest.
const PROBES_BELOW: usize = 16 << 10;

/// The numbers of waits for other nodes have so many bits.
const NUMBER_MAX: u32 = (1 << 31) - 1;

/// What actors of this node wait for on others, and the probes that follow it.
#[derive(Default)]
pub(crate) struct Chases {
    waits: Mutex<FarWaits>,
    circles: Mutex<Circles>,
    again: Mutex<Again<u32>>,
}

#[derive(Default)]
struct FarWaits {
    last: u32,
    by_number: BTreeMap<u32, FarCall>,
}

/// A call to another node, and whose.
#[derive(Clone, Copy)]
struct FarCall {
    wait: Wait,
    asker: Pid,
}

/// The number of a wait for another node: one at a time has it. Given back when it is dropped.
pub(crate) struct FarNumber {
    hub: Arc<Hub>,
    pub(crate) number: u32,
    asker: Pid,
}

impl FarNumber {
    /// For a wait of this actor that is about to begin.
    pub(crate) fn new(hub: &Arc<Hub>, asker: Pid) -> FarNumber {
        let mut waits = lock(&hub.chases.waits);
        loop {
            waits.last = if waits.last == NUMBER_MAX { 1 } else { waits.last + 1 };
            if !waits.by_number.contains_key(&waits.last) {
                break;
            }
        }
        FarNumber { hub: hub.clone(), number: waits.last, asker }
    }

    /// It is for this call, which is about to be sent.
    pub(crate) fn is_for(&self, peer: u32, call: CallId) {
        let call = FarCall { wait: Wait { peer, call }, asker: self.asker };
        lock(&self.hub.chases.waits).by_number.insert(self.number, call);
    }
}

impl Drop for FarNumber {
    fn drop(&mut self) {
        lock(&self.hub.chases.waits).by_number.remove(&self.number);
    }
}

impl Hub {
    /// A call of an actor of a peer was taken: it may have closed a circle.
    pub(crate) fn call_came(&self, peer: &Peer, call: CallId, asker: Pid) {
        let Some(held) = self.held(peer, call) else { return };
        if !held.ways.is_empty() {
            let sends = lock(&self.chases.circles).begin(Step { pid: asker, name: "".into() }, held);
            self.send_probes(sends);
        }
    }

    /// A probe came by this call of the peer.
    pub(crate) fn probe_came(&self, peer: &Peer, call: CallId, probe: Probe) {
        let Some(held) = self.held(peer, call) else { return };
        let heard = lock(&self.chases.circles).handle_probe(probe, held);
        match heard {
            Heard::On(sends) => self.send_probes(sends),
            Heard::Circle(path) => {
                let path = path.into_iter().map(|step| self.hop(Some(step.pid), &step.name)).collect();
                peer.fail_held(call, CallError::Deadlock { path, request: None });
            }
        }
    }

    /// Actors here began to wait for what waits for other nodes under these numbers.
    pub(crate) fn lead_to(&self, numbers: &[u32]) {
        let mut again = lock(&self.chases.again);
        if again.add(numbers.iter().copied()) {
            drop(again);
            let told = self.keeper.get().is_some_and(|keeper| keeper.cast(Chase).is_ok());
            if !told {
                // It goes on when the next wait leads there.
                *lock(&self.chases.again) = Again::default();
            }
        }
    }

    /// Has the calls probed that local waits lead to. Gives when to look again, if that is to be.
    pub(crate) fn chase(&self, now: Time) -> Option<Time> {
        let due = lock(&self.chases.again).look(now);
        let numbers = match due {
            Due::At(then) => return Some(then),
            Due::Now(numbers) => numbers,
        };
        let calls: Vec<FarCall> = {
            let waits = lock(&self.chases.waits);
            numbers.iter().filter_map(|number| waits.by_number.get(number).copied()).collect()
        };
        let sends = calls.into_iter().map(|FarCall { wait, asker }| {
            let asker = Step { pid: asker, name: "".into() };
            Send { wait, probe: Probe::first(wait.call, asker) }
        });
        self.send_probes(sends.collect());
        None
    }

    /// A call of the peer, and where it leads; `None`: it is not certain, or not in hand any more.
    fn held(&self, peer: &Peer, call: CallId) -> Option<Held> {
        let ways = peer.sight(call).as_ref().and_then(Sight::far_waits)?;
        let waits = lock(&self.chases.waits);
        let ways = ways.into_iter().filter_map(|way| {
            let call = waits.by_number.get(&way.number)?;
            steps(way)
                .filter(|path| path.last().is_some_and(|last| last.pid == call.asker))
                .map(|path| Way { path, wait: call.wait })
        });
        Some(Held { wait: Wait { peer: peer.number, call }, ways: ways.collect() })
    }

    fn send_probes(&self, sends: Vec<Send>) {
        for Send { wait, probe } in sends {
            if let Some(peer) = self.peer(wait.peer) {
                peer.probe(wait.call, probe);
            }
        }
    }

    /// An actor of any node, as callers are told of it.
    fn hop(&self, pid: Option<Pid>, name: &str) -> Hop {
        let life = pid.and_then(|pid| self.roster.life(pid.node()));
        Hop::at(life.map_or_else(|| "?".into(), |life| life.name.as_str().into()), pid, name)
    }

    /// One that a peer told of; `pid` is how this node knows it.
    pub(crate) fn hop_told(&self, pid: Option<Pid>, told: &Waits) -> Hop {
        self.hop(pid, &told.name)
    }
}

/// The way as steps; `None`: somebody on it has just ended.
fn steps(way: FarWait) -> Option<Vec<Step>> {
    let step = |hop: Hop| {
        let name = hop.place.unwrap_or_else(|| hop.actor.as_ref().into());
        Some(Step { pid: hop.pid?, name })
    };
    way.path.into_iter().map(step).collect()
}

impl Peer {
    /// An actor as the peer knows it, if it can be named to it. Not under the gate.
    pub(super) fn known_there(&self, pid: Pid) -> Option<WirePid> {
        let way = self.way.get().and_then(std::sync::Weak::upgrade)?;
        let pid = way.pid_out(pid).ok()?;
        Some(WirePid::of(NodeNumber(pid.node()), pid))
    }

    /// Sends a probe by this call, if there is room; all on its way must have a name there.
    fn probe(&self, call: CallId, probe: Probe) {
        let Probe { number, first, path } = probe;
        let path: Vec<Waits> =
            path.into_iter().map(|step| Waits { pid: self.known_there(step.pid), name: step.name }).collect();
        if path.iter().all(|waits| waits.pid.is_some()) {
            self.push_probe(
                &Framed::Probe { number, first: first.0, call: call.0, path },
                Flow::Groups,
                PROBES_BELOW,
            );
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
