//! [pure] What goes over a link, and what follows from it. Bytes, events and time in; bytes, events and timers out.

/// The most bytes that a transport is given, or gives, at a time.
pub const CHUNK_MAX: usize = 128 * 1024;

pub mod members;
pub mod reach;
