//! What carries frames from node to node.
//!
//! A transport knows sockets, certificates and an executor; it knows nothing of what is in a frame. The simulator has one
//! over its own network, so that the same cluster runs there.
//!
//! | what | feature | streams | encrypted |
//! | --- | --- | --- | --- |
//! | `Tcp` | `tcp` | share one connection | yes, unless it is asked for without by name |
//! | `Quic` | `quic` | are apart, main first | yes |
//! | `SimTransport` | `sim` | share one connection | no need |

#[cfg(any(feature = "tcp", feature = "sim", feature = "quic"))]
mod chunks;
#[cfg(any(feature = "tcp", feature = "sim", feature = "quic"))]
mod framed;
#[cfg(any(feature = "tcp", feature = "quic"))]
mod handshakes;
#[cfg(any(feature = "tcp", feature = "quic"))]
mod reactor;

#[cfg(feature = "quic")]
mod quic;
#[cfg(feature = "sim")]
mod sim;
#[cfg(feature = "tcp")]
mod tcp;

#[cfg(feature = "quic")]
pub use quic::Quic;
#[cfg(feature = "sim")]
pub use sim::SimTransport;
#[cfg(feature = "tcp")]
pub use tcp::Tcp;

use crate::name::NodeName;
use crate::tls::TlsError;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::fmt;
use std::future::poll_fn;
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
    /// [`Connection::certified`]. When there are certificates, each side has accepted the other's by then.
    ///
    /// # Errors
    /// See [`TransportError`].
    ///
    /// # Cancel safety
    /// Dropping the future gives the attempt up.
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

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Connection { peer, certified, .. } = self;
        f.debug_struct("Connection").field("peer", peer).field("certified", certified).finish_non_exhaustive()
    }
}

/// The sending half of a connection. Dropped, it closes as far as it can without waiting. When both halves are dropped
/// the connection is over; what the peer has not received by then may be lost. To lose nothing, close, and keep the
/// receiver until it says `None`.
pub trait Sender: Send {
    /// Takes bytes on their way: whole frames, at most [`CHUNK_MAX`](crate::proto::CHUNK_MAX) bytes. Ready: all of
    /// `frames` was taken, and it is empty. `Pending`: nothing was taken, since the network or the peer does not keep
    /// up. What was taken and not yet written is bounded.
    ///
    /// # Errors
    /// The connection is over; [`TransportError::Garbage`] for too many bytes, and nothing was taken.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: Stream,
        frames: &mut Bytes,
    ) -> Poll<Result<(), TransportError>>;

    /// Sees that all that was taken is given to the network; until then bytes may wait to be sent together. While it is
    /// `Pending`, more can be sent: on a transport whose streams are apart one may go on where the other waits.
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

impl dyn Sender + '_ {
    /// Waits until [`poll_send`](Sender::poll_send) takes these bytes.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it took nothing.
    pub async fn send(&mut self, stream: Stream, mut frames: Bytes) -> Result<(), TransportError> {
        poll_fn(|cx| self.poll_send(cx, stream, &mut frames)).await
    }

    /// Waits for [`poll_flush`](Sender::poll_flush).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped and asked for again, it goes on.
    pub async fn flush(&mut self) -> Result<(), TransportError> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Waits for [`poll_close`](Sender::poll_close).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped and asked for again, it goes on.
    pub async fn close(&mut self) -> Result<(), TransportError> {
        poll_fn(|cx| self.poll_close(cx)).await
    }
}

/// The receiving half of a connection.
pub trait Receiver: Send {
    /// The next bytes of a stream, in order: one whole frame or several, as they were sent. `Ok(None)`: the peer has
    /// closed, and nothing more comes. What is kept of the bytes keeps a buffer of up to 128 KiB.
    ///
    /// # Errors
    /// The connection is over; [`TransportError::Garbage`] when what came is no frame.
    fn poll_receive(&mut self, cx: &mut Context<'_>)
    -> Poll<Result<Option<(Stream, Bytes)>, TransportError>>;
}

impl dyn Receiver + '_ {
    /// Waits for [`poll_receive`](Receiver::poll_receive).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing is lost.
    pub async fn receive(&mut self) -> Result<Option<(Stream, Bytes)>, TransportError> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }
}

/// Why there is no connection, or none any more.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TransportError {
    /// The endpoint is none that the transport understands; says why.
    Endpoint(String),
    /// The operating system's, or the network's, error.
    Io(std::io::ErrorKind, String),
    /// The certificates, or the encryption.
    Tls(TlsError),
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

impl From<TlsError> for TransportError {
    fn from(error: TlsError) -> TransportError {
        TransportError::Tls(error)
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
            TransportError::Tls(why) => fmt::Display::fmt(why, f),
            TransportError::Garbage(why) => write!(f, "no frame: {why}"),
            TransportError::TimedOut => f.write_str("it took too long"),
            TransportError::Closed(why) => write!(f, "the listener is closed: {why}"),
        }
    }
}

impl std::error::Error for TransportError {}
