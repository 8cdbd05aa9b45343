//! Erlang/OTP-style supervised actors for Rust, on any async executor.
//!
//! This crate is the door: it re-exports what `ravelin-core` (one actor, its life and its bonds) and
//! `ravelin-supervisor` (trees) define, and has no logic of its own.

pub use ravelin_core::*;
pub use ravelin_macros::Message;
pub use ravelin_supervisor::{
    App, AutoShutdown, Backoff, ChildError, ChildInfo, ChildKind, ChildSpec, Counts, Intensity, Occasion, Restart,
    Shutdown, SpecError, Status, StopReport, Strategy, Supervisor, SupervisorError, SupervisorRef, child,
    exponential, immediate, linear, start, start_in, task, task_at,
};
pub use ravelin_supervisor::{plan, policy};

/// What most programs name.
pub mod prelude {
    pub use crate::{Actor, ActorRef, Cx, Exit, Handle, Inbox, Message, ReplyTo, Serve, Supervisor, child, task};
}
