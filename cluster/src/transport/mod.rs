//! What carries frames from node to node.
//!
//! A transport knows sockets, certificates and an executor; it knows nothing of what is in a frame. The simulator has one
//! over its own network, so that the same cluster runs there.

use crate::name::NodeName;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::fmt;
use std::task::{Context, Poll};

pub use crate::name::Endpoint;
pub use crate::proto::Stream;

/// Makes connections, and accepts them.
pub trait Transport: Send + Sync + 'static {
    /// What it is called, for people: `tcp+tls`, `quic`, `sim`.
    fn name(&self) -> &'static str;

    /// Listens at this endpoint; port 0 takes one that is free.
    ///
    /// # Errors
    /// See [`TransportError`].
    fn listen<'a>(&'a self, at: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>>;

    /// Connects to whoever listens there. What the peer may be is for the caller to look at: see
    /// [`Connection::certified`].
    ///
    /// # Errors
    /// See [`TransportError`].
    fn dial<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, Result<Connection, TransportError>>;
}

/// Accepts connections, until it is dropped.
pub trait Listener: Send {
    /// Where it listens.
    fn endpoint(&self) -> Endpoint;

    /// The next connection. One that fails while it is made, or takes too long over it, does not keep others waiting,
    /// and is an error of its own; the listener goes on.
    ///
    /// # Errors
    /// Of one connection, or, if [`TransportError::is_fatal`], of the listener.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, no connection is lost.
    fn accept(&mut self) -> BoxFuture<'_, Result<Connection, TransportError>>;
}

/// One connection between two nodes.
pub struct Connection {
    /// The other end, for people.
    pub peer: String,
    /// The names that the peer's certificate allows it; `None`: the transport has no certificates.
    pub certified: Option<Vec<NodeName>>,
    /// Its sending half.
    pub sender: Box<dyn Sender>,
    /// Its receiving half.
    pub receiver: Box<dyn Receiver>,
}

/// The sending half of a connection. Dropped, it closes as it can.
pub trait Sender: Send {
    /// Takes bytes on their way: whole frames, at most [`CHUNK_MAX`](crate::proto::CHUNK_MAX) bytes. `Pending`: nothing
    /// was taken.
    ///
    /// # Errors
    /// The connection is over.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: Stream,
        frames: &mut Bytes,
    ) -> Poll<Result<(), TransportError>>;

    /// Sees that all that was taken is given to the network; until then bytes may wait to be sent together.
    ///
    /// # Errors
    /// The connection is over.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>>;

    /// Flushes, and tells the peer that nothing more comes.
    ///
    /// # Errors
    /// The connection is over.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>>;
}

/// The receiving half of a connection.
pub trait Receiver: Send {
    /// The next bytes of a stream, in order: one whole frame or several, as they were sent. `Ok(None)`: the peer has
    /// closed.
    ///
    /// # Errors
    /// The connection is over; [`TransportError::Garbage`] when what came is no frame.
    fn poll_receive(&mut self, cx: &mut Context<'_>)
    -> Poll<Result<Option<(Stream, Bytes)>, TransportError>>;
}

/// Why there is no connection, or none any more.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TransportError {
    /// The endpoint is none that the transport understands; says why.
    Endpoint(String),
    /// The operating system's, or the network's, error.
    Io(std::io::ErrorKind, String),
    /// The certificates, or the encryption: who it is, or what was wrong, in words.
    Tls(String),
    /// What came is no frame.
    Garbage(String),
    /// It took too long.
    TimedOut,
    /// The listener can accept nothing any more.
    Closed(String),
}

impl TransportError {
    /// Whether the listener that gave it is of no use any more.
    pub fn is_fatal(&self) -> bool {
        matches!(self, TransportError::Closed(_))
    }
}

impl From<std::io::Error> for TransportError {
    fn from(error: std::io::Error) -> TransportError {
        TransportError::Io(error.kind(), error.to_string())
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransportError::Endpoint(why) => write!(f, "no endpoint: {why}"),
            TransportError::Io(_, why) => f.write_str(why),
            TransportError::Tls(why) => write!(f, "tls: {why}"),
            TransportError::Garbage(why) => write!(f, "no frame: {why}"),
            TransportError::TimedOut => f.write_str("it took too long"),
            TransportError::Closed(why) => write!(f, "the listener is closed: {why}"),
        }
    }
}

impl std::error::Error for TransportError {}
