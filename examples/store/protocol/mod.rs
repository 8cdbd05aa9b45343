//! The Redis protocol, between bytes and values.
//!
//! `Decoder` turns what a client sent into requests, within `Limits`: what a request may cost is checked
//! against its *headers*, so an endless bulk is refused before it is buffered and garbage costs at most one
//! line. `encode` renders a `Reply` as RESP2 or RESP3. Frames themselves are read and written by the
//! `redis-protocol` crate. No sockets here: bytes come in a `BytesMut` and go out in one.

mod decode;
mod encode;
mod inline;

pub use decode::Decoder;
pub use encode::{Version, encode};
