//! The edges of a system of actors: where streams, bytes, services and OS processes come in and go out.
//!
//! * [`stream`]: an actor as a `Stream` and as a `Sink`, by demand; `Cx::attach` is the way in.
//! * [`bytes`]: an actor as `AsyncRead` and `AsyncWrite`.
//! * `tower`, behind the feature of that name: an actor as a tower service, and a tower service behind an actor.
//! * [`port`]: an OS process as a supervised child. The operating system's own processes are behind the feature
//!   `process`.
//!
//! At each edge back-pressure goes through: a source is asked for no more than its consumer takes. And no edge hides a
//! restart: what is of one piece comes from one incarnation, or ends with an error.

#![forbid(unsafe_code)]

mod pinned;

pub mod stream;

pub mod bytes;

#[cfg(feature = "tower")]
pub mod tower;

pub mod port;
