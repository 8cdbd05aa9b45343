//! What all know who live in a random world: kept outside of the nodes, so that no crash takes it along.

use ravelin_cluster::NodeId;
use ravelin_core::{Exit, Pid, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much later than its limit a call may end: nodes stall, once, for up to two seconds.
const SLACK: Duration = Duration::from_millis(2_500);

/// An incarnation of an actor, in the order of births.
pub(crate) type Who = usize;

/// Where somebody lives, or lived: the life of the node, the slot, the serial.
type Place = (NodeId, u32, u64);

/// One that lives, or lived.
pub(crate) struct Person {
    pub(crate) is_alive: bool,
}

/// What became of a monitor.
pub(crate) struct Monitor {
    pub(crate) target: Option<Who>,
    pub(crate) is_taken_back: bool,
    pub(crate) fired: Option<Exit>,
}

/// What somebody did to its link with another, and heard of it.
#[derive(Default)]
pub(crate) struct Bond {
    pub(crate) links: u32,
    pub(crate) unlinks: u32,
    pub(crate) exits: u32,
    /// Linked, by its own doing, and nothing heard since.
    pub(crate) is_held: bool,
    /// All that was done and heard.
    history: Vec<String>,
}

struct Call {
    begun: Time,
    limit: Option<Duration>,
    caller: Who,
}

#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) people: Vec<Person>,
    by_place: BTreeMap<Place, Who>,
    /// By sender, row of numbers and receiver: the last that came.
    heard: BTreeMap<(Who, u64, Who), u64>,
    pub(crate) monitors: BTreeMap<(Who, u64), Monitor>,
    pub(crate) bonds: BTreeMap<(Who, Who), Bond>,
    calls: BTreeMap<u64, Call>,
    calls_made: u64,
    signals: BTreeSet<String>,
    /// Numbers that nobody has used.
    fresh: u64,
    pub(crate) count: Count,
    breaches: Vec<String>,
}

/// That something happened at all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) heard: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) downs: u64,
    pub(crate) losses: u64,
    pub(crate) exits: u64,
    pub(crate) met: u64,
    pub(crate) full: u64,
}

/// The book.
#[derive(Clone, Default)]
pub(crate) struct Book(Arc<Mutex<Pages>>);

impl Book {
    pub(crate) fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found wrong while it happened.
    #[track_caller]
    pub(crate) fn assert_kept(&self) {
        let pages = self.open();
        assert!(pages.breaches.is_empty(), "{:#?}", pages.breaches);
    }
}

impl Pages {
    fn breach(&mut self, what: String) {
        self.breaches.push(what);
    }

    pub(crate) fn fresh(&mut self) -> u64 {
        self.fresh += 1;
        self.fresh
    }

    pub(crate) fn born(&mut self, life: &NodeId, pid: Pid) -> Who {
        let who = self.people.len();
        self.people.push(Person { is_alive: true });
        let twin = self.by_place.insert((life.clone(), pid.slot(), pid.serial()), who);
        if let Some(twin) = twin {
            self.breach(format!("{who} has the pid of {twin}"));
        }
        who
    }

    /// Who has this pid on this life of a node.
    pub(crate) fn find(&self, life: &NodeId, pid: Pid) -> Option<Who> {
        self.by_place.get(&(life.clone(), pid.slot(), pid.serial())).copied()
    }

    /// A number came: in the order sent, and once.
    pub(crate) fn heard(&mut self, from: Who, row: u64, to: Who, n: u64) {
        self.count.heard += 1;
        let last = self.heard.insert((from, row, to), n);
        if last.is_some_and(|last| n <= last) {
            self.breach(format!("{to} heard {n} of {from} after {last:?}"));
        }
    }

    pub(crate) fn monitored(&mut self, watcher: Who, monitor: u64, target: Option<Who>) {
        let new = Monitor { target, is_taken_back: false, fired: None };
        self.monitors.insert((watcher, monitor), new);
    }

    pub(crate) fn demonitored(&mut self, watcher: Who, monitor: u64) {
        if let Some(monitor) = self.monitors.get_mut(&(watcher, monitor)) {
            monitor.is_taken_back = true;
        }
    }

    pub(crate) fn down(&mut self, watcher: Who, monitor: u64, about: Option<Who>, why: &Exit) {
        self.count.downs += 1;
        self.count.losses += u64::from(*why == Exit::NoConnection);
        let Some(known) = self.monitors.get_mut(&(watcher, monitor)) else {
            return self.breach(format!("{watcher} heard a Down of a monitor that it never made"));
        };
        let (target, is_taken_back) = (known.target, known.is_taken_back);
        let before = known.fired.replace(why.clone());
        if before.is_some() || is_taken_back || target != about {
            self.breach(format!(
                "{watcher} heard of the end of {about:?}: {why}; monitored {target:?}, heard before {before:?}, \
                 taken back: {is_taken_back}"
            ));
        }
        let is_alive = target.is_some_and(|target| self.people[target].is_alive);
        if is_alive && *why != Exit::NoConnection {
            self.breach(format!("{watcher} heard of the end of {target:?}, who lives: {why}"));
        }
    }

    pub(crate) fn linked(&mut self, who: Who, other: Who) {
        let bond = self.bonds.entry((who, other)).or_default();
        bond.links += 1;
        bond.history.push("link".to_owned());
        bond.is_held = true;
    }

    pub(crate) fn unlinked(&mut self, who: Who, other: Who) {
        let bond = self.bonds.entry((who, other)).or_default();
        bond.unlinks += 1;
        bond.history.push("unlink".to_owned());
        bond.is_held = false;
    }

    /// A linked one ended, or its node is lost: no more often than they linked.
    pub(crate) fn link_ended(&mut self, who: Who, other: Who, why: &Exit) {
        self.count.exits += 1;
        let theirs = self.bonds.get(&(other, who)).map_or(0, |bond| bond.links);
        let bond = self.bonds.entry((who, other)).or_default();
        bond.exits += 1;
        bond.history.push(format!("exit {why}"));
        bond.is_held = false;
        let (links, exits, history) = (bond.links, bond.exits, bond.history.clone());
        // An end that waits in the mailbox is handled also when the link is undone meanwhile, as in OTP.
        if exits > links + theirs {
            self.breach(format!(
                "{who} heard {exits} ends of links to {other}, linked {theirs} times: {history:?}"
            ));
        }
        if self.people[other].is_alive && *why != Exit::NoConnection {
            self.breach(format!("{who} heard of the end of {other}, who lives: {why}"));
        }
    }

    /// An exit signal with a text of its own came: once.
    pub(crate) fn signalled(&mut self, text: &str) {
        if !self.signals.insert(text.to_owned()) {
            self.breach(format!("the signal {text} came twice"));
        }
    }

    pub(crate) fn call(&mut self, caller: Who, begun: Time, limit: Option<Duration>) -> u64 {
        self.calls_made += 1;
        self.calls.insert(self.calls_made, Call { begun, limit, caller });
        self.calls_made
    }

    pub(crate) fn call_ended(&mut self, call: u64, now: Time, is_answered: bool) {
        let Some(Call { begun, limit, caller }) = self.calls.remove(&call) else {
            return self.breach(format!("the call {call} ended twice"));
        };
        if is_answered {
            self.count.answered += 1;
        } else {
            self.count.failed += 1;
        }
        if let Some(limit) = limit.filter(|limit| now - begun > *limit + SLACK) {
            self.breach(format!("the call {call} of {caller} took {:?}, and might {limit:?}", now - begun));
        }
    }

    /// The caller is no more, and its calls are nobody's.
    pub(crate) fn died(&mut self, who: Who) {
        self.people[who].is_alive = false;
    }

    /// The calls of those that live.
    pub(crate) fn open_calls(&self) -> Vec<u64> {
        let lives = |call: &Call| self.people[call.caller].is_alive;
        self.calls.iter().filter(|(_, call)| lives(call)).map(|(id, _)| *id).collect()
    }

    pub(crate) fn wrong_answer(&mut self, who: Who, n: u64, answer: u64) {
        self.breach(format!("{who} asked {n} and was answered {answer}"));
    }

    pub(crate) fn met(&mut self, who: Who, told: Who, found: Option<Who>) {
        self.count.met += 1;
        if found.is_some_and(|found| found != told) {
            self.breach(format!("{who} was told of {told}, and knows it as {found:?}"));
        }
    }
}
