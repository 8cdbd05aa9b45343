//! Supervision trees with OTP's contract.
//!
//! The modules are in layer order: each uses only what stands above it.
//!
//! * The law, pure: [`policy`], [`backoff`], [`check`], [`intensity`], [`plan`].
//! * What users write: [`ChildSpec`], [`Supervisor`], values that can be printed, compared and checked.
//! * The shell: an ordinary actor that obeys its plan, and [`SupervisorRef`] to ask it.
//! * [`start`]: a tree on a runtime, and its orderly end.
//! * [`application`]: named trees that need each other, and a node that shuts down in phases.
//! * What is built on trees: [`tasks`], [`pool`], [`partition`].

pub mod backoff;
pub mod policy;

pub mod check;
pub mod hashing;
pub mod intensity;

pub mod plan;

mod callbacks;
mod spec;
mod tree;
mod error;

mod shell;
mod handle;
mod app;
pub mod application;

pub mod tasks;
pub mod pool;
pub mod partition;

pub use app::{App, StopReport, start, start_in};
pub use backoff::Backoff;
pub use callbacks::Occasion;
pub use check::SpecError;
pub use error::SupervisorError;
pub use handle::SupervisorRef;
pub use plan::{ChildError, ChildInfo, Counts, Status};
pub use policy::{AutoShutdown, ChildKind, Intensity, Restart, Shutdown, Strategy};
pub use spec::{ChildSpec, child, exponential, immediate, linear, task, task_at};
pub use tree::Supervisor;
