//! Two systems that a distribution joins. The carrier is a queue for each way, emptied when a case says so: what is under
//! way is under way for as long as the case likes.

use super::puppet::{Strings, trapping};
use crate::{DistSignal, Distribution, Pid, System};
use ravelin_mailbox::Lock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// One way between two nodes.
pub(crate) struct Way(pub(crate) Lock<VecDeque<DistSignal>>);

impl Distribution for Way {
    fn carry(&self, signal: DistSignal) {
        self.0.lock().push_back(signal);
    }
}

/// The node that the other one is, to each of the two.
pub(crate) const OTHER: u32 = 1;

/// The pid of an actor of one of the two, as the other one names it, both ways.
pub(crate) fn afar(pid: Pid) -> Pid {
    Pid::from_parts(OTHER - pid.node(), pid.slot(), pid.serial())
}

pub(crate) fn translated(signal: DistSignal) -> DistSignal {
    use DistSignal::*;
    match signal {
        Link { from, to } => Link { from: afar(from), to: afar(to) },
        Unlink { from, to } => Unlink { from: afar(from), to: afar(to) },
        Monitor { from, to, monitor } => Monitor { from: afar(from), to: afar(to), monitor },
        Demonitor { from, to, monitor } => Demonitor { from: afar(from), to: afar(to), monitor },
        Exit { from, to, reason } => Exit { from: afar(from), to: afar(to), reason },
        Kill { from, to } => Kill { from: from.map(afar), to: afar(to) },
        LinkExit { from, to, reason } => LinkExit { from: afar(from), to: afar(to), reason },
        Down { from, to, monitor, reason } => Down { from: afar(from), to: afar(to), monitor, reason },
    }
}

/// Two nodes.
pub(crate) struct Joined {
    pub(crate) systems: [System; 2],
    /// What each of them carried.
    pub(crate) ways: [Arc<Way>; 2],
}

impl Joined {
    pub(crate) fn new(system: System) -> Joined {
        let systems = [system.clone(), System::new(system.runtime().clone())];
        let ways = [(); 2].map(|()| Arc::new(Way(Lock::new(VecDeque::new()))));
        for (system, way) in systems.iter().zip(&ways) {
            assert_eq!(system.set_distribution(way.clone()), Ok(()));
        }
        Joined { systems, ways }
    }

    /// Delivers all that is under way, and what comes of it.
    pub(crate) fn arrive(&self) {
        loop {
            let carried = [self.carried(0), self.carried(1)];
            if carried.iter().all(Vec::is_empty) {
                return;
            }
            for (signals, to) in carried.into_iter().zip([1, 0]) {
                for signal in signals {
                    assert!(self.systems[to].deliver(translated(signal)).is_ok());
                }
            }
        }
    }

    /// Takes what is under way from one of them, as it names things.
    pub(crate) fn carried(&self, from: usize) -> Vec<DistSignal> {
        self.ways[from].0.lock().drain(..).collect()
    }

    /// One that traps on each.
    pub(crate) async fn pair(&self) -> [Strings; 2] {
        [trapping(&self.systems[0]).await, trapping(&self.systems[1]).await]
    }

    /// Ends the second node; the suite ends the first.
    pub(crate) async fn end(self) {
        let there = &self.systems[1];
        there.shut_down_all(Duration::from_secs(5)).await;
        assert!(there.is_empty());
        assert!(there.ledger().is_balanced(), "{:?}", there.ledger());
    }
}
