//! `[pure]` What goes over a link, and what follows from it. Bytes, events and time in; bytes, events and timers out.
//!
//! docs/wire.md has the format.

mod code;
mod number;
mod exit;
pub mod frame;
pub mod hello;
pub mod link;

pub(crate) use code::Reader;
pub use code::{FrameError, Known, NUMBERS_MAX};
pub use exit::with_pids;
pub(crate) use exit::{put_exit, read_exit};
pub use number::{BarePid, NameNumber, NodeNumber, To, WirePid};

mod outlet;

#[cfg(test)]
mod mesh;

pub mod bonds;
pub mod groups;
pub mod names;
pub mod waits;
pub mod circles;

pub mod members;
pub mod reach;

/// The most bytes that a transport is given, or gives, at a time.
pub const CHUNK_MAX: usize = 128 * 1024;

/// Which of the ordered streams of a connection. What is in different streams has no order.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Stream {
    /// Signals and small messages.
    Main,
    /// Large messages, in fragments.
    Bulk,
}
