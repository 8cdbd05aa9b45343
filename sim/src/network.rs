//! The machine's side of the network: its time on the timeline, what it tells in the log.

use crate::log::{Event, Name, NodeId};
use crate::machine::{Due, MAIN, Machine, State};
use crate::net::Crash;
use crate::ports::{Ports, Trouble, Way};
use crate::trouble::NetFault;
use ravelin_core::Time;
use std::task::Waker;

impl Machine {
    /// Does something with the network, and wakes whoever it concerns when the lock is free.
    pub(crate) fn network<R>(&self, f: impl FnOnce(&mut Ports, Time) -> R) -> R {
        self.guard();
        let (outcome, wakers) = {
            let mut state = self.lock();
            let now = state.now;
            let outcome = f(&mut state.ports, now);
            (outcome, state.heed_network())
        };
        wakers.into_iter().for_each(Waker::wake);
        outcome
    }

    /// A node's connections end, and its ports are free.
    pub(crate) fn unplug(&self, node: NodeId, how: Crash) {
        let gone = self.network(|ports, now| ports.crash(now, node, how));
        drop(gone);
    }

    /// Trouble begins in the network, and ends by itself. It as it struck, with names; `None`: it strikes nobody.
    pub(crate) fn disturb(&self, fault: &NetFault) -> Option<NetFault> {
        let (named, one, other) = {
            let state = self.lock();
            let nodes: Vec<Name> =
                state.nodes[MAIN.index() + 1..].iter().map(|node| node.name.clone()).collect();
            let (named, one, other) = fault.named(&nodes);
            let found = |names: &[Name]| names.iter().filter_map(|name| state.find(name)).collect::<Vec<_>>();
            (named, found(&one), found(&other))
        };
        let there = ways(&one, &other);
        let (trouble, ways, time) = match &named {
            NetFault::Clog { time, .. } => (Trouble::Clogged, there, *time),
            NetFault::CutOneWay { time, .. } => (Trouble::Cut, there, *time),
            NetFault::Degrade { link, time, .. } => (Trouble::Bad(*link), there, *time),
            NetFault::Partition { time, .. } => (Trouble::Cut, both(there), *time),
            NetFault::Sever { .. } => {
                let sever = |ports: &mut Ports| there.iter().filter(|(a, b)| ports.sever(*a, *b)).count() > 0;
                return self.network(|ports, _| sever(ports)).then_some(named);
            }
            NetFault::Vanish { .. } => return None,
        };
        if ways.is_empty() {
            return None;
        }
        let number = self.network(|ports, now| ports.begin(now, trouble, ways));
        let mut state = self.lock();
        let over = state.now + time;
        state.schedule(over, Due::Heal(number, named.clone()));
        Some(named)
    }

    /// The time of a trouble is over.
    pub(crate) fn relieve(&self, number: u64, fault: &NetFault) {
        if self.network(|ports, now| ports.end(now, number)) {
            self.lock().record(Event::Note(format!("it is over that {fault}")));
        }
    }
}

/// Each link from one of `from` to one of `to`.
pub(crate) fn ways(from: &[NodeId], to: &[NodeId]) -> Vec<Way> {
    let ways = from.iter().flat_map(|from| to.iter().map(|to| (*from, *to)));
    ways.filter(|(from, to)| from != to).collect()
}

/// With the links back.
pub(crate) fn both(mut ways: Vec<Way>) -> Vec<Way> {
    let back: Vec<Way> = ways.iter().map(|(from, to)| (*to, *from)).collect();
    ways.extend(back);
    ways
}

impl State {
    /// Takes in what the network tells; whom to wake when the lock is free.
    #[must_use]
    fn heed_network(&mut self) -> Vec<Waker> {
        let wakers = self.ports.poll_wakers(self.now);
        while let Some(note) = self.ports.poll_note() {
            let (kind, what) = note.what.words();
            self.record(Event::Net { from: note.from, to: note.to, kind, what, len: note.len as u64 });
            if self.log.keeps() {
                let name = |node: NodeId| self.nodes[node.index()].name.clone();
                let line = format!("{} -> {}: {}", name(note.from), name(note.to), note.text());
                self.record(Event::Told(line));
            }
        }
        self.arm_network();
        wakers
    }

    /// Puts the network's next time on the timeline.
    pub(crate) fn arm_network(&mut self) {
        let at = self.ports.poll_timeout().map(|at: Time| at.max(self.now));
        if self.ports.due.map(|(due, _)| due) == at {
            return;
        }
        if let Some(due) = self.ports.due.take() {
            self.timeline.remove(&due);
        }
        if let (Some(at), false) = (at, self.is_over) {
            self.ports.due = Some(self.schedule(at, Due::Net));
        }
    }
}
