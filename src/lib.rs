//! Erlang/OTP-style supervised actors for Rust, on any async executor.
//!
//! An *actor* owns its state and handles one message at a time. A *supervisor* starts actors in order, starts them
//! again when they end, and stops them in reverse order. What goes wrong inside one of them stays inside: it is
//! started again by somebody who knows how, and everybody else holds a handle that still works.
//!
//! # The tour, in five minutes
//!
//! **An actor** is a type with [`Actor::init`], and a [`Handle`] for each type of message. What `handle` returns is
//! the answer to a call.
//!
//! ```rust
//! use ravelin::prelude::*;
//!
//! #[derive(Message)]
//! struct Deposit(u64); // no answer
//!
//! #[derive(Message)]
//! #[message(reply = u64)]
//! struct Balance;
//!
//! struct Account { cents: u64 }
//!
//! impl Actor for Account {
//!     type Args = u64; // what a start needs, made anew for each incarnation
//!     async fn init(cents: u64, _: &mut Cx<Self>) -> Result<Self, Exit> {
//!         Ok(Account { cents })
//!     }
//! }
//!
//! impl Handle<Deposit> for Account {
//!     async fn handle(&mut self, Deposit(cents): Deposit, _: &mut Cx<Self>) {
//!         self.cents = self.cents.checked_add(cents).expect("too rich");
//!     }
//! }
//!
//! impl Handle<Balance> for Account {
//!     async fn handle(&mut self, _: Balance, _: &mut Cx<Self>) -> u64 {
//!         self.cents
//!     }
//! }
//! ```
//!
//! **A tree** is a value: it can be printed, compared and checked before anything starts. Each child lives at a
//! *place*, an [`ActorRef`], which exists before its actor and survives its restarts. [`start`] returns when every
//! `init`, in order, has succeeded.
//!
//! ```rust
//! # use ravelin::prelude::*;
//! # #[derive(Message)] struct Deposit(u64);
//! # #[derive(Message)] #[message(reply = u64)] struct Balance;
//! # struct Account { cents: u64 }
//! # impl Actor for Account {
//! #     type Args = u64;
//! #     async fn init(cents: u64, _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Account { cents }) }
//! # }
//! # impl Handle<Deposit> for Account {
//! #     async fn handle(&mut self, Deposit(cents): Deposit, _: &mut Cx<Self>) {
//! #         self.cents = self.cents.checked_add(cents).expect("too rich");
//! #     }
//! # }
//! # impl Handle<Balance> for Account {
//! #     async fn handle(&mut self, _: Balance, _: &mut Cx<Self>) -> u64 { self.cents }
//! # }
//! use ravelin::{CallError, runtimes::Local, start};
//! use std::time::Duration;
//!
//! async fn bank(runtime: std::sync::Arc<dyn ravelin::Runtime>) -> Result<(), Box<dyn std::error::Error>> {
//!     let account = ActorRef::<Account>::place("account");
//!     let tree = Supervisor::one_for_one("bank")
//!         .intensity(3, Duration::from_secs(5)) // more restarts than this, and the supervisor ends
//!         .child(child(&account, || 100))
//!         .child(task("audit", || async { std::future::pending::<()>().await })); // a plain async fn
//!     let app = start(runtime, tree).await?;
//!
//!     account.cast(Deposit(20))?; // never blocks; hands the message back when it is refused
//!     account.send(Deposit(3)).await?; // waits for room in the mailbox, which is bounded
//!     assert_eq!(account.call(Balance).await?, 123); // waits for the answer, five seconds if nothing is said
//!
//!     // A panic ends the actor, and its message and place are the reason that the caller gets.
//!     let broken = account.call(Deposit(u64::MAX)).timeout(Duration::from_secs(1)).await;
//!     assert!(matches!(broken, Err(CallError::Exited(Exit::Panic(_)))));
//!
//!     // Its supervisor starts it again, with new arguments; the same handle reaches the new incarnation.
//!     account.ready().await;
//!     assert_eq!(account.call(Balance).await?, 100);
//!
//!     // Children end newest first, each within its time limit.
//!     assert_eq!(app.stop().await.root, Exit::Shutdown);
//!     assert!(app.system().ledger().is_balanced()); // every message had exactly one fate
//!     Ok(())
//! }
//!
//! // The executor is a value too: `Tokio::current()`, `Smol::global()`, or this one, which needs no dependency.
//! let local = Local::new();
//! local.block_on(bank(local.clone())).unwrap();
//! ```
//!
//! # What is where
//!
//! | you want | look at |
//! |---|---|
//! | to write an actor | [`Actor`], [`Handle`]; [`Serve`] to answer later; [`Cx`] for what it can do itself |
//! | to reach one | [`ActorRef`], [`Recipient`] for any actor that takes a message; [`SendError`], [`CallError`] |
//! | an async function as an actor | [`task`], [`task_at`], [`Inbox`] with selective receive |
//! | a tree | [`Supervisor`], [`child`], [`ChildSpec`], [`start`], [`App`], [`SupervisorRef`] |
//! | a state machine | [`statem`]: states, postponed events, time-outs |
//! | an event manager | [`event`]: handlers that come and go at run time |
//! | restarts | [`Restart`], [`Shutdown`], [`Intensity`], [`Backoff`], [`AutoShutdown`] |
//! | to learn of an end | [`Cx::monitor`], [`Cx::link`], [`Cx::trap_exits`], [`Info`], [`Exit`], [`System::ended`] |
//! | work beside an actor, many at a time | [`TaskSupervisor`], [`TaskHandle`], [`tasks`] |
//! | many workers behind one handle | [`Pool`], [`PoolRef`], [`Dispatch`], [`pool`]; [`PartitionSupervisor`] for a key each |
//! | timers, streams, futures | [`Cx::send_after`], [`Cx::every`], [`Cx::attach`], [`Cx::pipe`] |
//! | names and groups | [`System::register`], [`System::whereis`], [`System::join`], [`Cx::monitor_group`] |
//! | to find actors by a key of your own, with values | [`Registry`], [`Via`], [`registry`] |
//! | applications that need each other, a shutdown in phases | [`Applications`], [`Node`], [`CoordinatedShutdown`], [`application`] |
//! | bounded memory | [`Bounded`], [`Overflow`], [`Unbounded`] |
//! | overload | [`Class`], [`Message::TTL`], [`Pressure`] |
//! | to see what became of messages | [`Ledger`], [`DeadLetter`], [`System::on_dead_letter`] |
//! | streams and bytes out of an actor and into one | [`stream`], [`bytes`] |
//! | an OS process as a supervised child | [`port`], with the feature `process` |
//! | tower and axum | the feature `tower`: `ravelin::tower` |
//! | to test a tree under faults, in virtual time | the feature `sim`: `ravelin::sim`, `#[ravelin::sim_test]` |
//! | actors of other machines | the feature `cluster`: `ravelin::cluster` |
//! | another executor | [`Runtime`], [`runtimes`] |
//! | an actor that is not `Send` | [`pinned`] |
//!
//! # Features
//!
//! * `tokio` (default): the adapter for tokio, multi-thread and current-thread.
//! * `smol`: the adapter for smol (async-executor and async-io).
//! * `conformance`: `executor_suite!`, the tests that a runtime must pass.
//! * `signals`: `application::signals`, Ctrl-C and SIGTERM as a stream, under any executor.
//! * `sim`: the simulator, `ravelin::sim`, and the attribute `#[ravelin::sim_test]`.
//! * `cluster`: many nodes with the semantics of one, `ravelin::cluster`. What carries it: `cluster-tcp` (TCP with mutual
//!   TLS), `cluster-quic`, or `sim`. Beside it: `cluster-ca` (certificates for development), `cluster-config-file`, `cluster-dns`,
//!   `cluster-lz4` (large messages are compressed).
//! * `embassy`, `compio`, `async-std`, `bastion`: more executors, see [`runtimes`].
//! * `tower`: an actor as a tower service, and a tower service behind an actor: `ravelin::tower`.
//! * `process`: the operating system's processes for [`port`], on Unix.
//!
//! The single-threaded executor, [`runtimes::Local`], is always there. Features only add.
//!
//! This crate is the door: it re-exports what `ravelin-core` (one actor, its life and its bonds) and
//! `ravelin-supervisor` (trees) define, and has no logic of its own. The guide, the promises with the tests that hold
//! them, and the table of Erlang/OTP's words are in the repository's `docs` folder.

pub use ravelin_behaviours::registry::{Registry, Via};
pub use ravelin_behaviours::{event, registry, statem};
pub use ravelin_bridges::{bytes, port, stream};
pub use ravelin_core::*;
pub use ravelin_executors::pinned;
pub use ravelin_macros::Message;
pub use ravelin_supervisor::application::{
    Application, Applications, CoordinatedShutdown, Node, ShutdownReport,
};
pub use ravelin_supervisor::{
    App, AutoShutdown, Backoff, ChildError, ChildInfo, ChildKind, ChildSpec, Counts, Intensity, Occasion,
    Restart, Shutdown, SpecError, Status, StopReport, Strategy, Supervisor, SupervisorError, SupervisorRef,
    child, exponential, immediate, linear, start, start_in, task, task_at,
};
pub use ravelin_supervisor::{application, hashing, partition, plan, policy, pool, tasks};
pub use ravelin_supervisor::{
    partition::PartitionSupervisor,
    pool::{Autoscale, Dispatch, Pool, PoolError, PoolRef, Requeue},
    tasks::{Outside, TaskHandle, TaskSupervisor},
};

#[cfg(feature = "tower")]
pub use ravelin_bridges::tower;
#[cfg(feature = "sim")]
pub use ravelin_macros::sim_test;
/// What makes an executor a [`Runtime`]: the adapters, and parts for one of your own. Which was tested when, and by which
/// command, is in the repository's `docs/executors.md`.
pub mod runtimes {
    pub use ravelin_core::runtimes::*;
    pub use ravelin_executors::runtimes::*;
}

#[cfg(feature = "cluster")]
pub use ravelin_cluster as cluster;
#[cfg(feature = "cluster")]
pub use ravelin_macros::Remote;
/// What the derive of a message with a name on the wire writes: nothing, without the feature `cluster`.
#[cfg(feature = "cluster")]
#[doc(hidden)]
#[macro_export]
macro_rules! __wire {
    ($($what:tt)*) => { $($what)* };
}
/// What the derive of a message with a name on the wire writes: nothing, without the feature `cluster`.
#[cfg(not(feature = "cluster"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __wire {
    ($($what:tt)*) => {};
}
#[cfg(feature = "sim")]
pub use ravelin_sim as sim;

/// What most programs name.
pub mod prelude {
    pub use crate::{
        Actor, ActorRef, Cx, Exit, Handle, Inbox, Message, ReplyTo, Serve, Supervisor, child, task,
    };
}
