//! The same program in a simulator: one thread, a seeded order, virtual time, faults as values.
//!
//! A test is an async function over a [`World`]; [`Sim`] runs it with many seeds. All that happens in a run follows from
//! its seed, so a seed that fails fails again, on any machine, and its faults can be left out one by one until only
//! those are left that matter.
//!
//! ```
//! use ravelin_core::{Actor, Cx, Exit, Handle, Message};
//! use ravelin_sim::{Faults, Sim};
//! use ravelin_supervisor::{Supervisor, child};
//! use std::time::Duration;
//!
//! struct Get;
//! impl Message for Get { type Reply = u32; }
//! struct Answer;
//! impl Actor for Answer {
//!     type Args = ();
//!     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Answer) }
//! }
//! impl Handle<Get> for Answer {
//!     async fn handle(&mut self, _: Get, _: &mut Cx<Self>) -> u32 { 42 }
//! }
//!
//! let faults = Faults::none().kills("answer", 3).over(Duration::from_secs(1));
//! Sim::new().seeds(50).faults(faults).check(async |world| {
//!     let answer = ravelin_core::ActorRef::<Answer>::place("answer");
//!     let tree = Supervisor::one_for_one("app").intensity(10, Duration::from_secs(5)).child(child(&answer, || ()));
//!     world.start(tree).await.unwrap();
//!     world.advance(Duration::from_secs(2)).await; // it may be killed, and is started again
//!     assert_eq!(answer.call(Get).await.unwrap(), 42);
//! });
//! ```
//!
//! # The guard, and what it can not see
//!
//! A run is only as repeatable as the program is. What draws from real time, real threads or real entropy is found in
//! two ways. When a thread that is no part of the simulation wakes a task or uses the runtime, the run fails and names
//! the thread. And each so-manieth seed runs twice ([`Sim::twice_every`]): the two must be the same event by event, and
//! the first that differs is named.
//!
//! Neither sees luck that changes no event: a `HashMap` that is walked in another order and only counted, a time that is
//! only printed. What waits for something real, a socket or a file descriptor, looks like a deadlock, or is not done.
//! Code that blocks its thread, and code that never comes back to an await, hangs the run. The compiler finds more than
//! a simulator: put this into `clippy.toml`, and take the runtime's own:
//!
//! ```toml
//! disallowed-methods = [
//!     { path = "std::time::Instant::now", reason = "ask Runtime::now" },
//!     { path = "std::time::SystemTime::now", reason = "ask Runtime::system_time" },
//!     { path = "std::thread::spawn", reason = "use Runtime::spawn_blocking" },
//!     { path = "std::thread::sleep", reason = "use Cx::sleep" },
//!     { path = "std::hash::RandomState::new", reason = "use BTreeMap, or a fixed hasher" },
//!     { path = "tokio::spawn", reason = "use Runtime::spawn", allow-invalid = true },
//!     { path = "tokio::time::sleep", reason = "use Cx::sleep", allow-invalid = true },
//!     { path = "rand::rng", reason = "seed it from Runtime::entropy", allow-invalid = true },
//! ]
//! disallowed-macros = [
//!     { path = "tokio::select", reason = "say `biased;`", allow-invalid = true },
//!     { path = "futures::select", reason = "use select_biased", allow-invalid = true },
//! ]
//! ```
//!
//! # The modules
//!
//! They are in layer order: each uses only what stands above it.
//!
//! * What follows from a seed, pure: [`Seed`], [`Luck`], [`Order`], [`Log`].
//! * What nodes stand on, pure: models of a network, [`net`], and of a disk, [`disk`], and of how they fail.
//! * What goes wrong, pure: [`Fault`], [`NetFault`], [`Faults`].
//! * The simulated runtime: [`SimRuntime`], and what can be wrong with a run, [`Failure`].
//! * The network as a program sees it: [`Net`], [`Datagrams`], [`Listener`], [`Stream`].
//! * The world of a test: [`World`], [`Node`] and its disk, [`NodeDisk`], [`Probe`], and what must hold in it,
//!   [`Invariant`].
//! * Without a simulator: [`Chaos`], faults at a low rate on a real executor.
//! * The runner: [`Sim`], and what came of it, [`Passed`] or [`Found`].
//! * What stands on it: cancel safety, [`cancel_at_each_await`] and [`kill_at_each_await`]; a tree against a model of the
//!   supervisor contract, [`assert_tree_conforms!`], [`conform`] and [`Tape`].

#![forbid(unsafe_code)]

mod seed;
mod luck;
mod order;
mod log;
mod invariants;
mod names;

pub mod net;
pub mod disk;

mod trouble;
mod fault;
mod mischief;

mod failure;
mod ports;
mod machine;
mod network;
mod watch;
mod drive;
mod unsent;
mod runtime;

mod wire;

mod model;
mod chaos;

mod invariant;
mod nodes;
mod storage;
mod probe;
mod world;
mod world_net;

mod story;
mod run;
mod shrink;
mod report;
mod threads;
mod sim;

mod cancel;
mod conform;

pub use cancel::{Cut, cancel_at_each_await, kill_at_each_await};
pub use chaos::{Chaos, ChaosEvent, Plan, Rate, Strike};
pub use conform::{Breach, Stay, Tape, conform};
#[doc(hidden)]
pub use conform::{assert_conforms as __assert_conforms, conform_but as __conform_but};
pub use failure::Failure;
pub use fault::{Fault, Faults, Point, Scenario};
pub use invariant::{Invariant, Quiet};
pub use log::{Entry, Event, Log, NodeId};
pub use luck::{Luck, Ppm};
pub use nodes::Node;
pub use order::{Order, TaskId};
pub use probe::Probe;
pub use ravelin_core::Fault as Harm;
pub use report::{Found, Passed};
pub use runtime::SimRuntime;
pub use seed::{Random, Seed};
pub use sim::{Sim, must_hold};
pub use storage::{Mount, NodeDisk, NodeFile};
pub use trouble::{NetFault, Side};
pub use wire::{Address, Datagrams, Listener, Net, Stream};
pub use world::World;
