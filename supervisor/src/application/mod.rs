//! Applications: named trees that start in the order of their needs, and a node that shuts down in phases.
//! Sources: OTP's `application`, Akka's `CoordinatedShutdown`.
//!
//! What is to run is a value, [`Applications`]; started it is a [`Node`]. What is to be done at the end is registered
//! in the phases of a [`CoordinatedShutdown`]; how it went is a [`ShutdownReport`], with an exit code for `main`.
//!
//! Decided apart from what performs it: the order of starts, the kinds, the course of a shutdown. A node is built from
//! ordinary parts: its root is a supervisor, an application a child of it that nobody restarts, a task of a shutdown an
//! actor.

mod config;
mod kind;
mod order;
mod phases;
mod signal;

mod report;
mod shutdown;
mod spec;

mod starter;
mod conductor;
mod node;
#[cfg(feature = "signals")]
mod signals;

pub use config::{Config, ConfigError};
pub use kind::ApplicationKind;
pub use node::{ApplicationInfo, BootError, Node, NodeError};
pub use order::OrderError;
pub use phases::{Phase, PhaseReport, TaskOutcome, TaskReport};
pub use report::{ShutdownReason, ShutdownReport, Straggler};
pub use shutdown::{CoordinatedShutdown, PhaseError, TaskError, TaskId};
pub use signal::Signal;
#[cfg(feature = "signals")]
pub use signals::signals;
pub use spec::{Application, Applications};
