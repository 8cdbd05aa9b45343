//! The same program in a simulator: one thread, a seeded order, virtual time, faults as values.
//!
//! The modules are in layer order: each uses only what stands above it.
//!
//! * [`Seed`]: the only luck of a run, in streams handed out by name.
//! * [`Log`]: what happened in a run, when, and its hash.
//! * [`net`] and [`disk`]: pure models of a network and of a disk, and of how they fail.

#![forbid(unsafe_code)]

mod seed;
mod log;

pub mod net;

pub mod disk;

pub use log::Log;
pub use seed::{Random, Seed};
