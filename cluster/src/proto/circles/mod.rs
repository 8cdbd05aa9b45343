//! `[pure]` Circles of calls that go by way of several nodes: probes that follow who waits for whom, from node to node.
//!
//! The node that has a call of another node in hand sees to it. When the call comes, and when an actor there begins to
//! wait for one that waits for that call, it follows the waits from who was asked. Where the way leads to an actor that
//! waits for a call to another node it sends a probe there, with the way so far, and that node does the same. A probe that
//! comes back by the very call that it began with has gone around: the call is failed, as any other call is, with
//! the way; the others of the circle go on.
//!
//! # Why no circle is missed
//! A wait is seen before its question is sent; so the last wait of a circle sees all others. If that is a call to
//! another node the probe begins where it came. If it is a call within one node, its node has the next call to another
//! node on the way probed again: `begin` with what that node's peer has in hand ([`Probe::is_first`]).
//! A probe is lost only with the link that its call goes by, and then that call ends too.
//!
//! # Why what is named is a circle
//! At each node the ways from who was asked are looked at backwards, and that the question is certainly in hand is
//! looked at last. So nobody on the way can have gone on before that look; and not later either but after the next
//! one, who was looked at later still: up to the one that began, whose question is still in hand at the end. What
//! remains is that somebody gives a wait up (its time is over, it is dropped, its node is lost) while the probe is under
//! way: then a circle is named that was one a moment before.
//!
//! # Who is told
//! The call whose probe comes around: the one that closed the circle, or, if that was a call within one node, the next
//! call to another node on the way. When several calls between nodes close it at the same time each may be told.

#[cfg(test)]
mod model;

use super::waits::CallId;
use ravelin_core::{Pid, Time};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The most actors on the way of a circle, the first one twice. Longer ones are not named: their calls end with their
/// time.
pub const PATH_MAX: usize = 64;

/// The most calls that the way from one call leads on to.
const WAYS_MAX: usize = 64;

/// So many probes are remembered, so that none is sent by the same call twice.
const SEEN_MAX: usize = 4096;

/// The calls that local waits lead to are probed again at most so often.
pub const PAUSE: Duration = Duration::from_millis(5);

/// A call to another node, as one of its two nodes names it: the peer, and the number that the asker's node gave it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Wait {
    /// The node number of the peer.
    pub peer: u32,
    /// The call.
    pub call: CallId,
}

/// An actor on the way, in the numbers of this node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// The incarnation.
    pub pid: Pid,
    /// The name of its place, or of its type; empty where it is not known.
    pub name: Arc<str>,
}

/// A way within this node, from who was asked to who waits for another node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Way {
    /// To each the one that it waits for.
    pub path: Vec<Step>,
    /// What the last one waits for.
    pub wait: Wait,
}

/// What goes from node to node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Probe {
    /// What the node that began it, that of the second of the path, knows it by. 0: it is to begin where it comes.
    pub number: u64,
    /// The call that it began with, which that node has in hand for the node of the first of the path.
    pub first: CallId,
    /// From the asker of the call that it began with to who waits for the call that it goes by.
    pub path: Vec<Step>,
}

impl Probe {
    /// The request to begin with the call that it goes by.
    pub fn first(call: CallId, asker: Step) -> Probe {
        Probe { number: 0, first: call, path: vec![asker] }
    }

    /// Whether it is to begin here.
    pub fn is_first(&self) -> bool {
        self.number == 0 && self.path.len() == 1
    }
}

/// A call of a peer that this node certainly has in hand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Held {
    /// The call.
    pub wait: Wait,
    /// Where the waits of who was asked lead.
    pub ways: Vec<Way>,
}

/// A probe is to be sent by this call, to the peer that has it in hand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Send {
    /// The call.
    pub wait: Wait,
    /// The probe.
    pub probe: Probe,
}

/// What follows from a probe.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Heard {
    /// It goes on, to none or to several.
    On(Vec<Send>),
    /// It came around: the call that it came by is to fail, with this way from its asker to its asker.
    Circle(Vec<Step>),
}

/// The probes of one node.
#[derive(Debug, Default)]
pub struct Circles {
    begun: u64,
    seen: BTreeSet<(u32, u64, Wait)>,
    order: VecDeque<(u32, u64, Wait)>,
}

impl Circles {
    /// None yet.
    pub fn new() -> Circles {
        Circles::default()
    }

    /// A call of this asker is in hand, or something changed behind it: a probe begins where it leads.
    pub fn begin(&mut self, asker: Step, held: Held) -> Vec<Send> {
        if held.ways.is_empty() {
            return Vec::new();
        }
        self.begun += 1;
        let probe = Probe { number: self.begun, first: held.wait.call, path: vec![asker] };
        self.on(&probe, held.ways)
    }

    /// A probe came by a call that is in hand.
    pub fn handle_probe(&mut self, probe: Probe, held: Held) -> Heard {
        let Some(asker) = probe.path.first().cloned() else { return Heard::On(Vec::new()) };
        if probe.is_first() {
            return Heard::On(self.begin(asker, held));
        }
        let is_mine = probe.path.get(1).is_some_and(|second| second.pid.node() == 0);
        let is_its_call = probe.first == held.wait.call && asker.pid.node() == held.wait.peer;
        if let Some(last) = probe.path.last().cloned()
            && is_mine
            && is_its_call
            && probe.path.len() > 2
            && last.pid == asker.pid
        {
            let mut path = probe.path;
            path[0] = last;
            return Heard::Circle(path);
        }
        Heard::On(self.on(&probe, held.ways))
    }

    /// Sends it on by each of the ways, once.
    fn on(&mut self, probe: &Probe, ways: Vec<Way>) -> Vec<Send> {
        let origin = probe.path.get(1).map_or(0, |second| second.pid.node());
        let mut sends = Vec::new();
        for way in ways.into_iter().take(WAYS_MAX) {
            if probe.path.len() + way.path.len() <= PATH_MAX && self.is_new((origin, probe.number, way.wait))
            {
                let path = probe.path.iter().cloned().chain(way.path).collect();
                sends.push(Send { wait: way.wait, probe: Probe { path, ..*probe } });
            }
        }
        sends
    }

    fn is_new(&mut self, of: (u32, u64, Wait)) -> bool {
        if !self.seen.insert(of) {
            return false;
        }
        self.order.push_back(of);
        if self.order.len() > SEEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}

/// The calls that local waits led to, and that are to be probed again: each once in a while.
#[derive(Debug)]
pub struct Again<K> {
    due: BTreeSet<K>,
    next: Time,
}

impl<K: Ord> Default for Again<K> {
    fn default() -> Again<K> {
        Again { due: BTreeSet::new(), next: Time::EPOCH }
    }
}

/// What is to be done with those that are due.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Due<K> {
    /// Probe these; nothing is left.
    Now(Vec<K>),
    /// Look again then.
    At(Time),
}

impl<K: Ord> Again<K> {
    /// These are to be probed. Whether somebody is to be asked to [`look`](Again::look): not when somebody was before.
    pub fn add(&mut self, keys: impl IntoIterator<Item = K>) -> bool {
        let was_empty = self.due.is_empty();
        self.due.extend(keys);
        was_empty && !self.due.is_empty()
    }

    /// What is due.
    pub fn look(&mut self, now: Time) -> Due<K> {
        if now < self.next {
            return Due::At(self.next);
        }
        self.next = now + PAUSE;
        Due::Now(std::mem::take(&mut self.due).into_iter().collect())
    }
}
