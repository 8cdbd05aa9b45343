//! What `supervisor_SUITE` of Erlang/OTP pins down, over running trees; and what ravelin adds to it.
//!
//! Most tests play a scenario: a supervisor, then steps, each with exactly what happens in it. Time is tokio's paused
//! clock, so nothing is slept through.

mod host;
mod part;
mod world;

mod admin;
mod kept;
mod ours;
mod restarts;
mod significant;
mod start;
mod stop;
mod trees;
