//! One actor, its life and its bonds.
//!
//! The modules are in layer order: each uses only what stands above it.
//!
//! * What things are: [`Time`], [`Pid`], [`Exit`].
//! * The seam: [`Runtime`], and the adapters in [`runtimes`].
//! * Decisions, pure: `lifecycle`, `bonds`. What somebody wants to know of a place: `eye`.
//! * The cell: where an actor lives and is run; the only `unsafe` of the crate.
//! * [`System`]: the living, their names and groups, and the signals between them; those to and from other nodes, by a
//!   [`Distribution`].
//! * What users write and hold: [`Actor`], [`Cx`], [`ActorRef`], [`Task`].
//! * What operators look at, and reach in with: [`sys`].
//! * The proof: `conformance`, behind the feature of that name, for whoever writes a [`Runtime`].

mod id;
mod exit;
mod time;

mod panics;
mod watch;
mod runtime;
pub mod runtimes;

mod error;
mod fate;
mod info;
mod ledger;
mod message;
mod reply;
mod patience;

mod distribution;
mod bonds;
mod lifecycle;
mod eye;

mod cell;
mod timer;
mod blocking;

mod groups;
mod letters;
mod crash;
mod table;
mod hub;
mod system;
mod ties;
mod afar;

mod cx;
mod actor;
mod limit;
mod call;
mod asking;
#[cfg(feature = "serde")]
pub mod crossing;
mod send;
mod reference;
mod request;
mod start;
mod alarms;
mod task;
mod pipe;
pub mod sys;

#[cfg(feature = "conformance")]
pub mod conformance;

#[doc(hidden)]
pub use actor::Served;
pub use actor::{Actor, Handle, Received, Serve};
pub use afar::running;
#[doc(hidden)]
pub use asking::Sight;
pub use asking::{Asking, Caller};
pub use blocking::{blocking, catch_panic};
pub use bonds::TrapExits;
pub use call::Call;
#[doc(hidden)]
pub use cell::FarWait;
pub use cell::InPlace;
pub use cx::Cx;
pub use distribution::{AlreadyDistributed, DistSignal, Distribution, Misdirected};
pub use error::{CallError, Hop, SendError, StartError};
pub use exit::{Exit, Panic, StartFailed};
pub use fate::isolate;
pub use id::{MonitorRef, Pid, TimerRef};
pub use info::{GroupChange, Info};
pub use ledger::{Ledger, Pressure};
pub use letters::DeadLetter;
pub use message::{Abandoned, Message};
pub use panics::{quietly, resume_panic};
pub use patience::CALL_TIMEOUT;
pub use ravelin_mailbox::{Bounded, ByClass, Capacity, Class, Overflow, Shed, Unbounded};
pub use reference::{ActorRef, Recipient};
pub use reply::ReplyTo;
pub use request::{Only, Requesting, Returned};
pub use runtime::{LocalRuntime, Runtime, TaskName, Timer};
pub use send::Sending;
pub use start::{ChildGrace, Spawn, Start};
pub use system::{Activity, Description, RegisterError, System};
pub use task::{Inbox, NoMessage, Task, TaskArgs, TaskFn, TaskOutput};
pub use time::{Missed, Time};
pub use timer::{sleep, within};
pub use watch::{Awaited, Awaits, Fault, FaultPoint, Seen, Signalled, Site};
