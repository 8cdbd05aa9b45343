//! More executors, and actors that do not leave their thread.
//!
//! - [`runtimes`]: what makes a [`Runtime`](ravelin_core::Runtime) of executors beside those of `ravelin-core`. Each that
//!   needs a dependency stands behind a feature of its own, and none is on by default.
//! - [`pinned`]: actors whose state is not `Send`, under the same supervision as all others.
//!
//! Which executor was tested when, with what outcome and by which command, is in `docs/executors.md`.

pub mod runtimes;

pub mod pinned;
