//! [pure] What goes over a link, and what follows from it. Bytes, events and time in; bytes, events and timers out.

mod bytes;
mod outlet;

#[cfg(test)]
mod mesh;

pub mod bonds;
pub mod groups;
pub mod names;
pub mod waits;

pub use bytes::Malformed;

/// The most bytes that a transport is given, or gives, at a time.
pub const CHUNK_MAX: usize = 128 * 1024;
