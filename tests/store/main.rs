//! The store as its clients see it: the program that `cargo test` built, and the `redis` crate.
//!
//! Nothing here waits for the clock: a test waits for a line, a reply, the end of a stream or of the process.

#![cfg(unix)]
#![allow(clippy::disallowed_methods, reason = "clients are threads of their own")]

mod server;

mod admin;
mod chaos;
mod cluster;
mod commands;
mod limits;
mod process;
mod pubsub;
