//! The actors, and what they share.
//!
//! ```text
//! store (one_for_one)             the application: its boot and its end are in `application`
//! ├─ storage (rest_for_one)       a new journal knows no tickets: its partitions must load again
//! │  ├─ journal                   owns the file; commits what waits as one group
//! │  └─ partitions (one_for_one)
//! │     ├─ partition-0            owns a range of keys; a new one loads them from the journal
//! │     └─ ...
//! ├─ hub                          who listens to what
//! ├─ front (rest_for_one)         new connections come without children: the acceptor hands the lines over again
//! │  ├─ connections (dynamic)
//! │  │  ├─ connection-1           works on a line
//! │  │  └─ ...
//! │  └─ acceptor
//! ├─ watchdog                    names who is stuck
//! └─ chaos                        with --chaos: kills any of the above
//! ```
//!
//! What must survive a kill is not in an actor: the journal's file (`Store`), the lines of the clients, the
//! listening socket. They are in the `House`, which every child spec holds.

mod acceptor;
mod admin;
pub mod application;
pub mod chaos;
mod connection;
mod hub;
mod journal;
mod partition;
mod tree;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::UNIX_EPOCH;

use ravelin::cluster::Node;
use ravelin::cluster::proto::groups::Group;
use ravelin::partition::PartitionSupervisor;
use ravelin::sim::Chaos;
use ravelin::{ActorRef, Exit, Pid, Runtime, SupervisorRef, System, Time};

use crate::config::Config;
use crate::info::Facts;
use crate::journal::Store;
use crate::line::{Delivery, Line};
use crate::net::{Listener, Socket};
use hub::Hub;
use journal::JournalKeeper;
use partition::Partition;

/// How many messages a crash report tells of, with `--admin`.
const RECORDED: usize = 8;

/// What outlives every actor, and the places where they live.
pub struct House {
    pub config: Config,
    system: System,
    store: Store,
    listener: Listener,
    lines: Lines,
    counters: Counters,
    started: Time,
    journal: ActorRef<JournalKeeper>,
    /// Not by its hash: a partition owns a run of slots, see `route`.
    partitions: PartitionSupervisor<ActorRef<Partition>>,
    hub: ActorRef<Hub>,
    /// Of a cluster: this store's node.
    node: Option<Node>,
    /// The hubs of its stores.
    hubs: Group,
    front: SupervisorRef,
    connections: SupervisorRef,
    /// With `--chaos`.
    chaos: Option<Arc<Chaos>>,
}

/// What is counted, for `INFO`.
#[derive(Default)]
struct Counters {
    commands: AtomicU64,
    crashes: Arc<AtomicU64>,
    /// For each partition: its keys, and how many of them expire.
    keys: Vec<(AtomicUsize, AtomicUsize)>,
}

impl House {
    /// `chaos` is what the system runs on, with `--chaos`; `node` is what it is, of a cluster.
    pub fn new(
        config: Config,
        (system, chaos, node): (System, Option<Arc<Chaos>>, Option<Node>),
        store: Store,
        listener: Listener,
    ) -> Arc<House> {
        let partitions = config.partitions.count();
        let keys = (0..partitions).map(|_| Default::default()).collect();
        let counters = Counters { keys, ..Counters::default() };
        let crashes = counters.crashes.clone();
        system.on_crash(move |report| {
            crashes.fetch_add(1, Relaxed);
            if report.reason != Exit::Killed {
                tracing::error!("{report}");
            }
            true
        });
        if config.admin {
            system.record(RECORDED);
        }
        let partition = |number| ActorRef::place(format!("partition-{number}"));
        Arc::new(House {
            store,
            listener,
            lines: Lines::default(),
            counters,
            started: system.runtime().now(),
            journal: ActorRef::place("journal"),
            partitions: PartitionSupervisor::new("partitions", partitions, partition),
            hub: ActorRef::place("hub"),
            node,
            hubs: Group::new("store", "hubs").expect("a name"),
            front: SupervisorRef::place("front"),
            connections: SupervisorRef::place("connections"),
            chaos,
            config,
            system,
        })
    }

    fn runtime(&self) -> &dyn Runtime {
        &**self.system.runtime()
    }

    /// Milliseconds since the Unix epoch, as the wall clock has it: it may jump. For when keys expire.
    fn now_ms(&self) -> u64 {
        let since = self.runtime().system_time().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since the start, by a clock that never jumps. For how long something may wait.
    fn uptime_ms(&self) -> u64 {
        u64::try_from((self.runtime().now() - self.started).as_millis()).unwrap_or(u64::MAX)
    }

    fn partition(&self, number: usize) -> &ActorRef<Partition> {
        &self.partitions.partitions()[number]
    }

    /// The hubs of the other stores.
    fn other_hubs(&self) -> impl Iterator<Item = (&Node, Pid)> {
        let hubs = |node| Node::members(node, &self.hubs).into_iter().map(move |pid| (node, pid));
        self.node.iter().flat_map(hubs).filter(|(_, pid)| pid.node() != 0)
    }

    fn facts(&self) -> Facts {
        let sum = |count: fn(&(AtomicUsize, AtomicUsize)) -> &AtomicUsize| {
            self.counters.keys.iter().map(|keys| count(keys).load(Relaxed)).sum()
        };
        Facts {
            config: self.config.clone(),
            uptime: self.runtime().now() - self.started,
            clients: self.lines.table().lines.len(),
            commands: self.counters.commands.load(Relaxed),
            keys: sum(|keys| &keys.0),
            expiring: sum(|keys| &keys.1),
            crashes: self.counters.crashes.load(Relaxed),
            chaos_kills: self.chaos.as_ref().map_or(0, |chaos| chaos.strikes()),
            peers: self.node.as_ref().map(|_| self.other_hubs().count()),
        }
    }
}

/// The lines of all clients.
#[derive(Default)]
struct Lines(Mutex<Table>);

#[derive(Default)]
struct Table {
    last: i64,
    lines: BTreeMap<i64, Arc<Line>>,
    /// Of whoever waits until there are none.
    drainer: Option<Waker>,
}

impl Lines {
    fn add(&self, socket: Socket, config: &Config) -> Arc<Line> {
        let mut table = self.table();
        table.last += 1;
        let line = Arc::new(Line::new(table.last, socket, config.partitions));
        table.lines.insert(line.id(), line.clone());
        line
    }

    fn remove(&self, line: &Line) {
        let mut table = self.table();
        table.lines.remove(&line.id());
        table.drainer.take().into_iter().for_each(Waker::wake);
    }

    /// Sees all clients out: each is answered what it has asked, and nothing more. Done when all are gone.
    async fn drain(&self) {
        self.all().iter().for_each(|line| line.deliver(Delivery::End));
        poll_fn(|cx| {
            let mut table = self.table();
            table.drainer = Some(cx.waker().clone());
            if table.lines.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn all(&self) -> Vec<Arc<Line>> {
        self.table().lines.values().cloned().collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
