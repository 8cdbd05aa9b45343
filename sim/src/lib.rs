//! The same program in a simulator: one thread, a seeded order, virtual time, faults as values.
//!
//! The modules are in layer order: each uses only what stands above it.
//!
//! * What follows from a seed, pure: [`Seed`], [`Order`], [`Log`], [`Fault`], [`Faults`].
//! * The simulated runtime: [`SimRuntime`], and what can be wrong with a run, [`Failure`].

#![forbid(unsafe_code)]

mod seed;
mod order;
mod log;
mod fault;
mod mischief;

mod failure;
mod machine;
mod drive;
mod runtime;

pub use failure::Failure;
pub use fault::{Fault, Faults, Point, Scenario};
pub use log::{Entry, Event, Log, NodeId};
pub use order::{Order, TaskId};
pub use ravelin_core::Fault as Harm;
pub use runtime::SimRuntime;
pub use seed::{Random, Seed};
