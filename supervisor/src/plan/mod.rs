//! The supervision law: what a supervisor does, decided. `[pure]`
//!
//! A [`Plan`] is OTP's `supervisor.erl` without its processes. It is told what happened and when, and says what to do
//! next; it has no clock, no randomness, no task and no channel. A thin shell performs what it says.
//!
//! **Promised**, as in OTP unless marked *ours*:
//!
//! - Children start in order, each after the one before; they stop newest first, each after the one before. Those of
//!   a dynamic supervisor stop all at once.
//! - A permanent child is restarted after every end, a transient one after an abnormal one, a temporary one never.
//! - A restart counts before it is performed. One that the intensity does not bear is not performed: everything is
//!   stopped and the supervisor ends with `shutdown`. A group's restart counts once. Requests by hand do not count.
//! - A group's restart starts every spec that it covers, also of children that were down; temporary ones are removed.
//! - When a start fails in a restart, that child is `restarting` and the next attempt waits in the supervisor's own
//!   mailbox, behind every request. It counts as a restart, and covers what the failed child's restart covers.
//! - An end that is not followed by a restart may end the supervisor (`auto_shutdown`); a child that was told to
//!   stop never does.
//! - *Ours:* a delay before a restart (`backoff`): what the restart would stop is stopped at once, the start waits and
//!   the child is `restarting`; the restart counts when the child ends. A limit on a child's restarts (`tries`).
//! - Each step costs O(log n), save those whose business is all children. Memory is O(children + intensity).
//!
//! **Refused**: faulty flags and specs, before anything starts ([`SpecError`](crate::check::SpecError)).

mod action;
mod children;
mod machine;
mod request;
mod restart;

pub use action::{Action, ChildError, ChildInfo, ChildKey, Counts, Event, Reply, Status, Ticket, Verdict};
pub use machine::Plan;
