//! Two tables and two naive sets of actors, with everything that may come between them.
//!
//! An actor has a set of those that it is linked with, and no more. Signals wait on their way to the table, and on the
//! wire; that breaks with a part of
//! what is on it, each side notices when it does, and it comes back.

use super::{Bonds, MonitorId, Output, Signal};
use proptest::prelude::*;
use ravelin_core::{Exit, Pid};
use std::collections::{BTreeMap, VecDeque};

/// Actors on each side.
const ACTORS: u32 = 3;

#[derive(Debug, PartialEq)]
enum Watch {
    Waits { since: u64 },
    Fired,
    GivenUp,
}

#[derive(Debug)]
struct Actor {
    is_alive: bool,
    /// Whom it is linked with, and in which connection it came to be.
    links: BTreeMap<Pid, u64>,
    /// Who watches it.
    watchers: BTreeMap<MonitorId, Pid>,
}

pub(super) struct Side {
    pub(super) bonds: Bonds<Pid>,
    actors: Vec<Actor>,
    /// All monitors ever made here: by whom, on whom, and how they fare.
    monitors: BTreeMap<MonitorId, (Pid, Pid, Watch)>,
    /// From the actors to the table.
    said: VecDeque<Signal<Pid>>,
    /// To the other side.
    wire: VecDeque<Signal<Pid>>,
    is_connected: bool,
    next_id: u64,
    /// All that its actors reacted to, in order.
    pub(super) ends: Vec<(Pid, Pid, Exit)>,
}

pub(super) struct World {
    pub(super) sides: [Side; 2],
    /// The number of the connection, from 1.
    connection: u64,
    is_broken: bool,
}

/// An actor of this side.
pub(super) fn here(slot: u32) -> Pid {
    Pid::from_parts(0, slot, 1)
}

/// An actor of the other side, as this one sees it.
pub(super) fn there(slot: u32) -> Pid {
    Pid::from_parts(1, slot, 1)
}

fn across(pid: Pid) -> Pid {
    Pid::from_parts(1 - pid.node(), pid.slot(), pid.serial())
}

/// The same signal, as the other side sees it.
fn turned(signal: Signal<Pid>) -> Signal<Pid> {
    let x = across;
    match signal {
        Signal::Link { from, to } => Signal::Link { from: x(from), to: x(to) },
        Signal::Unlink { from, to, id } => Signal::Unlink { from: x(from), to: x(to), id },
        Signal::UnlinkAck { from, to, id } => Signal::UnlinkAck { from: x(from), to: x(to), id },
        Signal::LinkExit { from, to, reason } => Signal::LinkExit { from: x(from), to: x(to), reason },
        Signal::Exit { from, to, reason } => Signal::Exit { from: x(from), to: x(to), reason },
        Signal::Kill { from, to } => Signal::Kill { from: from.map(x), to: x(to) },
        Signal::Monitor { monitor, watcher, target } => {
            Signal::Monitor { monitor, watcher: x(watcher), target: x(target) }
        }
        Signal::Demonitor { monitor, watcher, target } => {
            Signal::Demonitor { monitor, watcher: x(watcher), target: x(target) }
        }
        Signal::Down { monitor, watcher, target, reason } => {
            Signal::Down { monitor, watcher: x(watcher), target: x(target), reason }
        }
    }
}

impl World {
    pub(super) fn new() -> World {
        let side = || Side {
            bonds: Bonds::new(usize::MAX),
            actors: (0..ACTORS)
                .map(|_| Actor { is_alive: true, links: BTreeMap::new(), watchers: BTreeMap::new() })
                .collect(),
            monitors: BTreeMap::new(),
            said: VecDeque::new(),
            wire: VecDeque::new(),
            is_connected: true,
            next_id: 1,
            ends: Vec::new(),
        };
        let mut world = World { sides: [side(), side()], connection: 1, is_broken: false };
        world.sides.iter_mut().for_each(|side| side.bonds.connected());
        world
    }

    fn flush(&mut self, side: usize) {
        while let Some(output) = self.sides[side].bonds.poll() {
            match output {
                Output::Send(_) if self.is_broken || !self.sides[side].is_connected => (),
                Output::Send(signal) => self.sides[side].wire.push_back(signal),
                Output::Deliver(signal) => self.reach(side, signal),
            }
        }
    }

    fn says(&mut self, side: usize, signal: Signal<Pid>) {
        self.sides[side].said.push_back(signal);
    }

    /// One thing that an actor said comes to its table.
    pub(super) fn carry(&mut self, side: usize) {
        if let Some(signal) = self.sides[side].said.pop_front() {
            self.sides[side].bonds.handle_local(signal);
            self.flush(side);
        }
    }

    fn links(&mut self, side: usize, local: u32) -> &mut BTreeMap<Pid, u64> {
        &mut self.sides[side].actors[local as usize].links
    }

    pub(super) fn is_linked(&self, side: usize, local: u32, remote: u32) -> bool {
        self.sides[side].actors[local as usize].links.contains_key(&there(remote))
    }

    fn is_alive(&self, side: usize, actor: u32) -> bool {
        self.sides[side].actors[actor as usize].is_alive
    }

    pub(super) fn link(&mut self, side: usize, local: u32, remote: u32) {
        if self.is_alive(side, local) && !self.is_linked(side, local, remote) {
            let since = self.connection;
            self.links(side, local).insert(there(remote), since);
            self.says(side, Signal::Link { from: here(local), to: there(remote) });
        }
    }

    pub(super) fn unlink(&mut self, side: usize, local: u32, remote: u32) {
        if self.links(side, local).remove(&there(remote)).is_some() {
            self.says(side, Signal::Unlink { from: here(local), to: there(remote), id: 0 });
        }
    }

    pub(super) fn monitor(&mut self, side: usize, local: u32, remote: u32) {
        if self.is_alive(side, local) {
            let monitor = MonitorId(self.next_id(side));
            let (watcher, target) = (here(local), there(remote));
            let waits = Watch::Waits { since: self.connection };
            self.sides[side].monitors.insert(monitor, (watcher, target, waits));
            self.says(side, Signal::Monitor { monitor, watcher, target });
        }
    }

    /// Ends the oldest monitor of this pair that still waits.
    pub(super) fn demonitor(&mut self, side: usize, local: u32, remote: u32) {
        let (watcher, target) = (here(local), there(remote));
        let mut all = self.sides[side].monitors.iter_mut();
        let found = all.find(|(_, (who, whom, watch))| {
            (*who, *whom) == (watcher, target) && matches!(watch, Watch::Waits { .. })
        });
        if let Some((monitor, (.., watch))) = found {
            *watch = Watch::GivenUp;
            let monitor = *monitor;
            self.says(side, Signal::Demonitor { monitor, watcher, target });
        }
    }

    pub(super) fn die(&mut self, side: usize, local: u32) {
        let actor = &mut self.sides[side].actors[local as usize];
        if !std::mem::replace(&mut actor.is_alive, false) {
            return;
        }
        let links = std::mem::take(&mut actor.links);
        let watchers = std::mem::take(&mut actor.watchers);
        let reason = Exit::error("it died");
        for to in links.into_keys() {
            self.says(side, Signal::LinkExit { from: here(local), to, reason: reason.clone() });
        }
        for (monitor, watcher) in watchers {
            let target = here(local);
            self.says(side, Signal::Down { monitor, watcher, target, reason: reason.clone() });
        }
        for remote in 0..ACTORS {
            for _ in 0..self.sides[side].monitors.len() {
                self.demonitor(side, local, remote);
            }
        }
    }

    fn next_id(&mut self, side: usize) -> u64 {
        self.sides[side].next_id += 1;
        self.sides[side].next_id
    }

    /// One signal comes off the wire to `side`.
    pub(super) fn arrive(&mut self, side: usize) {
        if self.sides[side].is_connected
            && let Some(signal) = self.sides[1 - side].wire.pop_front()
        {
            self.sides[side].bonds.handle_remote(turned(signal)).unwrap();
            self.flush(side);
        }
    }

    /// What comes from the table of `side` to its actors.
    fn reach(&mut self, side: usize, signal: Signal<Pid>) {
        match signal {
            Signal::Link { from, to } => {
                if !self.is_alive(side, to.slot()) {
                    return self.says(side, Signal::LinkExit { from: to, to: from, reason: Exit::NoProc });
                }
                let since = self.connection;
                if self.links(side, to.slot()).insert(from, since).is_some() {
                    self.sides[side].bonds.unchanged(to, from);
                }
            }
            Signal::Unlink { from, to, .. } => {
                if self.links(side, to.slot()).remove(&from).is_none() {
                    self.sides[side].bonds.unchanged(to, from);
                }
            }
            Signal::LinkExit { from, to, reason } => {
                let Some(since) = self.links(side, to.slot()).remove(&from) else {
                    return self.sides[side].bonds.unchanged(to, from);
                };
                self.is_just(side, from, since, &reason);
                self.sides[side].ends.push((to, from, reason));
            }
            Signal::Monitor { monitor, watcher, target } => {
                if self.is_alive(side, target.slot()) {
                    self.sides[side].actors[target.slot() as usize].watchers.insert(monitor, watcher);
                } else {
                    self.says(side, Signal::Down { monitor, watcher, target, reason: Exit::NoProc });
                }
            }
            Signal::Demonitor { monitor, target, .. } => {
                self.sides[side].actors[target.slot() as usize].watchers.remove(&monitor);
            }
            Signal::Down { monitor, watcher, target, reason } => {
                let (.., watch) = self.sides[side].monitors.get_mut(&monitor).unwrap();
                match std::mem::replace(watch, Watch::Fired) {
                    Watch::Waits { since } => {
                        self.is_just(side, target, since, &reason);
                        self.sides[side].ends.push((watcher, target, reason));
                    }
                    Watch::Fired => panic!("{monitor:?} fired twice"),
                    Watch::GivenUp => *watch = Watch::GivenUp,
                }
            }
            Signal::Exit { .. } | Signal::Kill { .. } | Signal::UnlinkAck { .. } => {
                panic!("no actor sent it")
            }
        }
    }

    /// An end is told of the dead, or of a connection that is lost: not of the one before.
    fn is_just(&self, side: usize, of: Pid, since: u64, reason: &Exit) {
        if *reason == Exit::NoConnection {
            let is_lost = since < self.connection || self.is_broken || !self.sides[side].is_connected;
            assert!(is_lost, "{of} is said to be lost with connection {since}, which lives");
        } else {
            assert!(
                !self.is_alive(1 - side, of.slot()),
                "{of} is said to have ended with {reason}, and lives"
            );
        }
    }

    /// The wire breaks; so many signals of each side still arrive.
    pub(super) fn break_wire(&mut self, still: [usize; 2]) {
        self.is_broken = true;
        for (side, still) in self.sides.iter_mut().zip(still) {
            side.wire.truncate(still);
        }
    }

    pub(super) fn notice(&mut self, side: usize) {
        if self.is_broken && self.sides[side].is_connected {
            self.sides[side].is_connected = false;
            self.sides[1 - side].wire.clear();
            self.sides[side].bonds.lost(&Exit::NoConnection);
            self.flush(side);
        }
    }

    /// When both have noticed, there is another connection.
    pub(super) fn connect(&mut self) {
        if self.is_broken && self.sides.iter().all(|side| !side.is_connected) {
            (self.is_broken, self.connection) = (false, self.connection + 1);
            for side in &mut self.sides {
                side.wire.clear();
                side.is_connected = true;
                side.bonds.connected();
            }
        }
    }

    /// All that is on its way arrives.
    pub(super) fn quiet(&mut self) {
        while self.sides.iter().any(|side| !side.wire.is_empty() || !side.said.is_empty()) {
            for side in [0, 1] {
                self.carry(side);
                self.arrive(side);
            }
        }
    }

    /// What must hold when all is quiet and the connection stands.
    pub(super) fn check(&mut self) {
        let mut links = 0;
        for a in 0..ACTORS {
            for b in 0..ACTORS {
                let both_live = self.is_alive(0, a) && self.is_alive(1, b);
                let is_linked = self.is_linked(0, a, b);
                assert_eq!(is_linked, self.is_linked(1, b, a), "{a} and {b} do not agree");
                assert!(both_live || !is_linked, "a link to the dead");
                links += usize::from(is_linked);
            }
        }
        assert_eq!(self.sides.each_ref().map(|side| side.bonds.links()), [links; 2], "links in the tables");
        for side in [0, 1] {
            let mut waiting = 0;
            for (monitor, (watcher, target, watch)) in &self.sides[side].monitors {
                let other = &self.sides[1 - side].actors[target.slot() as usize];
                let is_watched = other.watchers.get(monitor) == Some(&across(*watcher));
                let waits = matches!(watch, Watch::Waits { .. });
                assert!(!waits || other.is_alive, "{monitor:?} did not fire");
                assert_eq!(waits, is_watched, "{monitor:?}");
                waiting += usize::from(waits);
            }
            assert_eq!(self.sides[side].bonds.monitors().0, waiting, "monitors in the table");
            assert_eq!(self.sides[1 - side].bonds.monitors().1, waiting, "monitors in the other table");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_crosses_and_breaks_both_sides_agree_and_each_end_is_told_once(
        steps in proptest::collection::vec((0..80u32, 0..2usize, 0..ACTORS, 0..ACTORS), 0..200),
    ) {
        let mut world = World::new();
        for (what, side, local, remote) in steps {
            match what {
                0..14 => world.link(side, local, remote),
                14..26 => world.unlink(side, local, remote),
                26..34 => world.monitor(side, local, remote),
                34..38 => world.demonitor(side, local, remote),
                38..40 => world.die(side, local),
                40..42 => world.break_wire([local as usize, remote as usize]),
                42..48 => world.notice(side),
                48..54 => world.connect(),
                54..66 => world.arrive(side),
                _ => world.carry(side),
            }
        }
        if world.is_broken {
            world.notice(0);
            world.notice(1);
            world.connect();
        }
        world.quiet();
        world.check();
    }
}
