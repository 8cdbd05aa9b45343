//! [pure] What happened in a run: typed events in virtual time, under one rolling hash.
//!
//! The hash takes in numbers that count up within the run, and texts by their bytes. No address, no place in the source
//! and no layout is in it: it is the same on any machine, in debug and in release.

use crate::order::TaskId;
use crate::seed::{FNV_START, hash_of};
use ravelin_core::Time;
use std::fmt;
use std::sync::Arc;

/// A node of a run, by the order in which nodes were made. 0 is the test's own.
pub type NodeId = u32;

/// Something that happened in a run.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A node began an incarnation.
    Booted {
        /// Which node.
        node: NodeId,
        /// Its how-manieth incarnation, from 1.
        incarnation: u32,
    },
    /// A node lost all that it had in memory.
    Crashed {
        /// Which node.
        node: NodeId,
    },
    /// A node drew a random number.
    Drew {
        /// Which node.
        node: NodeId,
        /// The number.
        value: u64,
    },
    /// A task is done, or has been dropped.
    Ended {
        /// Which task.
        task: TaskId,
    },
    /// A timer was due and woke somebody.
    Fired,
    /// A fault was injected.
    Injected(String),
    /// A blocking job ran.
    Job {
        /// On which node.
        node: NodeId,
    },
    /// The test noted something.
    Note(String),
    /// A task had a turn.
    Polled {
        /// Which task.
        task: TaskId,
    },
    /// A task was made.
    Spawned {
        /// Which task.
        task: TaskId,
        /// On which node.
        node: NodeId,
        /// What it is called.
        name: &'static str,
    },
    /// The program told of itself. Only kept for the story, and not part of the hash.
    Told(String),
}

impl Event {
    /// The numbers that stand for the event in the hash.
    fn words(&self) -> Option<[u64; 3]> {
        let (kind, one, other) = match self {
            Event::Booted { node, incarnation } => (1, u64::from(*node), u64::from(*incarnation)),
            Event::Crashed { node } => (2, u64::from(*node), 0),
            Event::Drew { node, value } => (3, u64::from(*node), *value),
            Event::Ended { task } => (4, *task, 0),
            Event::Fired => (5, 0, 0),
            Event::Injected(what) => (6, hash_of(what.as_bytes()), 0),
            Event::Job { node } => (7, u64::from(*node), 0),
            Event::Note(what) => (8, hash_of(what.as_bytes()), 0),
            Event::Polled { task } => (9, *task, 0),
            Event::Spawned { task, node, name } => {
                (10, *task, hash_of(name.as_bytes()).wrapping_add(u64::from(*node)))
            }
            Event::Told(_) => return None,
        };
        Some([kind, one, other])
    }

    /// Whether a person who reads the story wants to see it.
    fn is_told(&self) -> bool {
        match self {
            Event::Booted { .. }
            | Event::Crashed { .. }
            | Event::Injected(_)
            | Event::Note(_)
            | Event::Told(_) => true,
            Event::Drew { .. }
            | Event::Ended { .. }
            | Event::Fired
            | Event::Job { .. }
            | Event::Polled { .. }
            | Event::Spawned { .. } => false,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Booted { node, incarnation } => write!(f, "node {node} boots, incarnation {incarnation}"),
            Event::Crashed { node } => write!(f, "node {node} crashes"),
            Event::Drew { node, value } => write!(f, "node {node} draws {value:#018x}"),
            Event::Ended { task } => write!(f, "task {task} ends"),
            Event::Fired => f.write_str("a timer fires"),
            Event::Injected(what) => write!(f, "INJECTED {what}"),
            Event::Job { node } => write!(f, "node {node} runs a blocking job"),
            Event::Note(what) | Event::Told(what) => f.write_str(what),
            Event::Polled { task } => write!(f, "task {task} has a turn"),
            Event::Spawned { task, node, name } => write!(f, "task {task} ({name}) is made on node {node}"),
        }
    }
}

/// An event, and when it happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The virtual time.
    pub at: Time,
    /// What happened.
    pub event: Event,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.to_string();
        write!(f, "{at:>14} {}", self.event)
    }
}

/// The events of a run: how many, a hash over all of them, and, where they are kept, themselves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Log {
    hash: u64,
    len: u64,
    kept: Option<Vec<Entry>>,
}

impl Log {
    /// An empty log, which keeps its events or only counts them. An event costs 5 ns, kept 50.
    ///
    /// ```
    /// use ravelin_sim::{Event, Log};
    /// use ravelin_core::Time;
    /// let mut log = Log::new(true);
    /// let empty = log.hash();
    /// log.record(Time::EPOCH, Event::Note("begun".into()));
    /// assert_ne!(log.hash(), empty);
    /// assert_eq!(log.story().next().unwrap(), "    +0.000000s begun");
    /// ```
    pub fn new(keeps: bool) -> Log {
        Log { hash: FNV_START, len: 0, kept: keeps.then(Vec::new) }
    }

    /// Takes an event in.
    pub fn record(&mut self, at: Time, event: Event) {
        if let Some([kind, one, other]) = event.words() {
            self.len += 1;
            for word in [at.as_nanos(), kind, one, other] {
                self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
            }
        }
        if let Some(kept) = &mut self.kept {
            kept.push(Entry { at, event });
        }
    }

    /// Whether it keeps its events.
    pub fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    /// The hash over all events so far and their times.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many events the hash is made of.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The events, oldest first; none where they are not kept.
    pub fn entries(&self) -> &[Entry] {
        self.kept.as_deref().unwrap_or_default()
    }

    /// What a person wants to read of it, a line each: faults, notes, and what the program told of itself.
    pub fn story(&self) -> impl Iterator<Item = String> + '_ {
        self.entries().iter().filter(|entry| entry.event.is_told()).map(Entry::to_string)
    }

    /// Where two logs that were kept part: the events of each at that point, and how many were the same before.
    pub fn first_difference<'a>(
        &'a self,
        other: &'a Log,
    ) -> Option<(usize, Option<&'a Entry>, Option<&'a Entry>)> {
        let (one, other) = (self.entries(), other.entries());
        let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
        (same < one.len().max(other.len())).then(|| (same, one.get(same), other.get(same)))
    }
}

/// A name that is cheap to clone.
pub(crate) type Name = Arc<str>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_takes_in_what_when_and_in_which_order() {
        let hash = |events: &[(u64, Event)]| {
            let mut log = Log::new(false);
            for (at, event) in events {
                log.record(Time::from_nanos(*at), event.clone());
            }
            log.hash()
        };
        let (one, other) = (Event::Polled { task: 1 }, Event::Polled { task: 2 });
        let base = hash(&[(1, one.clone()), (2, other.clone())]);
        assert_eq!(base, hash(&[(1, one.clone()), (2, other.clone())]));
        assert_ne!(base, hash(&[(1, other.clone()), (2, one.clone())]));
        assert_ne!(base, hash(&[(1, one.clone()), (3, other.clone())]));
        assert_ne!(base, hash(&[(1, one.clone())]));
        assert_eq!(base, hash(&[(1, one), (1, Event::Told("x".into())), (2, other)]));
    }

    #[test]
    fn two_logs_part_at_the_first_event_that_differs() {
        let log = |tasks: &[u64]| {
            let mut log = Log::new(true);
            tasks.iter().for_each(|task| log.record(Time::EPOCH, Event::Polled { task: *task }));
            log
        };
        assert_eq!(log(&[1, 2]).first_difference(&log(&[1, 2])), None);
        let (one, other) = (log(&[1, 2]), log(&[1, 3]));
        let (same, left, right) = one.first_difference(&other).unwrap();
        assert_eq!((same, left.unwrap().event.clone()), (1, Event::Polled { task: 2 }));
        assert_eq!(right.unwrap().event, Event::Polled { task: 3 });
        assert_eq!(log(&[1]).first_difference(&log(&[])).map(|(same, ..)| same), Some(0));
    }
}
