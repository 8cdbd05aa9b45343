//! A small network for tests: seeded, in virtual time, with loss, delay, duplication and cuts.

use super::{Gone, Members, Output, Peer, Timing};
use crate::name::{Endpoint, Incarnation, NodeId};
use bytes::Bytes;
use ravelin_core::Time;
use ravelin_sim::{Random, Seed};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Members, and what is between them. All hear of the first at the beginning.
pub(super) struct Net {
    timing: Timing,
    seed: u64,
    pub(super) now: Time,
    nodes: Vec<Option<Members>>,
    /// When which node wants to be woken.
    wakes: BTreeSet<(Time, usize)>,
    woken: Vec<Option<Time>>,
    flying: BTreeMap<(Time, u64), (NodeId, usize, Bytes)>,
    sent: u64,
    chance: Random,
    pub(super) faults: Faults,
    /// What each node told, and when.
    pub(super) told: Vec<(Time, usize, Output)>,
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

/// What goes wrong.
#[derive(Default)]
pub(super) struct Faults {
    /// Of a thousand messages so many are lost.
    pub(super) lost: u64,
    /// Of a thousand messages so many come twice.
    pub(super) doubled: u64,
    /// Nothing goes from the one to the other.
    pub(super) cut: BTreeSet<(usize, usize)>,
}

pub(super) fn peer(node: usize, incarnation: u64) -> Peer {
    let name = format!("node-{node:04}");
    let endpoint = Endpoint(format!("10.0.{}.{}:4370", node / 250, node % 250).into());
    Peer { id: NodeId { name: name.parse().unwrap(), incarnation: Incarnation(incarnation) }, endpoint }
}

impl Net {
    pub(super) fn new(nodes: usize, timing: Timing, seed: u64) -> Net {
        let mut net = Net {
            timing,
            seed,
            now: Time::EPOCH,
            nodes: (0..nodes).map(|_| None).collect(),
            wakes: BTreeSet::new(),
            woken: vec![None; nodes],
            flying: BTreeMap::new(),
            sent: 0,
            chance: Seed(seed).random("net"),
            faults: Faults::default(),
            told: Vec::new(),
            packets: 0,
            bytes: 0,
        };
        (0..nodes).for_each(|node| net.start(node, 1));
        net
    }

    /// A life of a node begins, and reaches the first, or if it is the first, the second.
    pub(super) fn start(&mut self, node: usize, incarnation: u64) {
        let seed = self.seed.wrapping_mul(1000).wrapping_add(node as u64 + (incarnation << 32));
        let mut member = Members::new(peer(node, incarnation), self.timing, seed).unwrap();
        if node > 0 || incarnation > 1 {
            let first = usize::from(node == 0);
            let first = self.nodes[first].as_ref().map_or(peer(first, 1), |first| first.me().clone());
            member.join(&first, self.now);
        }
        self.nodes[node] = Some(member);
        self.settle(node);
    }

    pub(super) fn crash(&mut self, node: usize) {
        self.nodes[node] = None;
    }

    pub(super) fn with<T>(&mut self, node: usize, f: impl FnOnce(&mut Members, Time) -> T) -> T {
        let result = f(self.nodes[node].as_mut().unwrap(), self.now);
        self.settle(node);
        result
    }

    pub(super) fn node(&self, node: usize) -> &Members {
        self.nodes[node].as_ref().unwrap()
    }

    /// Cuts what goes between the two groups, one way or both.
    pub(super) fn cut(
        &mut self,
        from: impl Iterator<Item = usize> + Clone,
        to: impl Iterator<Item = usize> + Clone,
    ) {
        for one in from {
            self.faults.cut.extend(to.clone().map(|other| (one, other)));
        }
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until it holds; how long it took. `None`: it did not within `max`.
    pub(super) fn run_until(&mut self, max: Duration, holds: impl Fn(&Net) -> bool) -> Option<Duration> {
        let (begin, end) = (self.now, self.now + max);
        while !holds(self) {
            if !self.step(end) {
                return None;
            }
        }
        Some(self.now - begin)
    }

    /// Whether each of these knows exactly the others of them.
    pub(super) fn is_whole(&self, group: impl Iterator<Item = usize> + Clone) -> bool {
        let count = group.clone().count();
        group.into_iter().all(|node| self.node(node).up.len() + 1 == count)
    }

    /// How many were told down, of those that live.
    pub(super) fn false_downs(&self) -> usize {
        let is_alive = |id: &NodeId| self.nodes.iter().flatten().any(|member| member.me().id == *id);
        let is_false = |output: &Output| matches!(output, Output::Down { peer, why: Gone::Silent } if is_alive(&peer.id));
        self.told.iter().filter(|(_, _, output)| is_false(output)).count()
    }

    fn step(&mut self, end: Time) -> bool {
        let wake = self.wakes.first().copied();
        let flight = self.flying.first_key_value().map(|(key, _)| *key);
        match (wake, flight) {
            (Some((at, node)), flight) if at <= end && flight.is_none_or(|(then, _)| at <= then) => {
                self.now = at;
                self.wakes.remove(&(at, node));
                self.woken[node] = None;
                if let Some(member) = &mut self.nodes[node] {
                    member.handle_timeout(at);
                }
                self.settle(node);
                true
            }
            (_, Some(key)) if key.0 <= end => {
                self.now = key.0;
                let (from, to, bytes) = self.flying.remove(&key).unwrap();
                if let Some(member) = &mut self.nodes[to] {
                    // Those of an earlier life of either are refused.
                    let _ = member.handle_gossip(&from, &bytes, key.0);
                }
                self.settle(to);
                true
            }
            _ => false,
        }
    }

    fn settle(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].as_mut().and_then(Members::poll_output) {
            match output {
                Output::Send { to, bytes } => self.send(node, &to, bytes),
                told => self.told.push((self.now, node, told)),
            }
        }
        let due = self.nodes[node].as_ref().and_then(Members::poll_timeout);
        if self.woken[node] != due {
            if let Some(old) = std::mem::replace(&mut self.woken[node], due) {
                self.wakes.remove(&(old, node));
            }
            self.wakes.extend(due.map(|at| (at, node)));
        }
    }

    fn send(&mut self, from: usize, to: &NodeId, bytes: Bytes) {
        self.packets += 1;
        self.bytes += bytes.len() as u64;
        let to = to.name.as_str().trim_start_matches("node-").parse().unwrap();
        if self.chance.below(1000) < self.faults.lost || self.faults.cut.contains(&(from, to)) {
            return;
        }
        let copies = 1 + u64::from(self.chance.below(1000) < self.faults.doubled);
        for _ in 0..copies {
            self.sent += 1;
            let at = self.now + Duration::from_micros(200 + self.chance.below(800));
            let from = self.nodes[from].as_ref().unwrap().me().id.clone();
            self.flying.insert((at, self.sent), (from, to, bytes.clone()));
        }
    }
}
