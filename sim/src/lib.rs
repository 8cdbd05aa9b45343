//! The same program in a simulator: one thread, a seeded order, virtual time, faults as values.
//!
//! The modules are in layer order: each uses only what stands above it.
//!
//! * [`Seed`]: the only luck of a run, in streams handed out by name.
//! * [`Log`]: what happened in a run, when, and its hash.

#![forbid(unsafe_code)]

mod seed;
mod log;

pub use log::Log;
pub use seed::{Random, Seed};
