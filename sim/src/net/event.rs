//! `[pure]` What the network tells, and what it refuses.

use super::names::{Addr, Host, StreamId};
use std::fmt;
use std::sync::Arc;

/// What happened at a host. From [`Network::poll_event`](super::Network::poll_event).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Somebody connected to a port on which this host listens. The stream is the host's own end.
    Accepted {
        /// Who accepted.
        host: Host,
        /// The port.
        port: u16,
        /// Who connected.
        from: Host,
        /// The end of `host`.
        stream: StreamId,
    },
    /// A connection ended without being asked to, or was not made. What had arrived can still be read; the stream
    /// is forgotten with [`close`](super::Network::close).
    Closed {
        /// The end that notices.
        stream: StreamId,
        /// Why.
        reason: Broken,
    },
    /// A connection asked for is made: it can be written to and read from.
    Connected {
        /// The end of the one who asked.
        stream: StreamId,
    },
    /// A datagram arrived. Whether anything of the host minds the port is the host's affair.
    Datagram {
        /// Who gets it.
        host: Host,
        /// On which port.
        port: u16,
        /// Who sent it.
        from: Addr,
        /// What it says; duplicates share it.
        bytes: Arc<[u8]>,
    },
    /// More bytes, or the end of them, can be read.
    Readable {
        /// The end that can read.
        stream: StreamId,
    },
    /// There is room again after a write that found none.
    Writable {
        /// The end that can write.
        stream: StreamId,
    },
}

/// Why a connection ended, or was not made.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Broken {
    /// Nobody listens on that port.
    Refused,
    /// The other end knows nothing of the connection, or closed it with bytes unread, or a fault cut it short.
    Reset,
    /// No answer for [`give_up_after`](super::StreamSettings::give_up_after).
    TimedOut,
}

/// Why the network did not take what it was given. Nothing was sent.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum NetError {
    /// The connection is over, for this reason.
    Broken(Broken),
    /// This side said that it would write no more.
    Finished,
    /// This host listens on that port already.
    InUse,
    /// This incarnation does not run, or the stream was closed or went with its host.
    NotRunning,
    /// The datagram has more than [`Settings::datagram_len_max`](super::Settings::datagram_len_max) bytes.
    TooLong,
    /// Later: there is nothing to read, no room to write, or no connection yet. An event says when.
    WouldBlock,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Broken::Refused => "connection refused",
            Broken::Reset => "connection reset",
            Broken::TimedOut => "connection timed out",
        })
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetError::Broken(reason) => reason.fmt(f),
            NetError::Finished => f.write_str("this side has finished writing"),
            NetError::InUse => f.write_str("the port is taken"),
            NetError::NotRunning => f.write_str("that host or stream is gone"),
            NetError::TooLong => f.write_str("the datagram is too long"),
            NetError::WouldBlock => f.write_str("not now, later"),
        }
    }
}

impl std::error::Error for NetError {}
