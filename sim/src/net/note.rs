//! `[pure]` What became of each packet, for a log: where the counters say how many, these say which and when.

use crate::log::NodeId;
use std::fmt;

/// Something that became of a packet. From [`Network::poll_note`](super::Network::poll_note).
///
/// ```
/// use ravelin_sim::{NodeId, net::{Note, Noted}};
/// let note = Note { from: NodeId(1), to: NodeId(2), what: Noted::Lost, len: 40 };
/// assert_eq!(note.to_string(), "n1 -> n2: datagram of 40 bytes lost");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Note {
    /// Who sent it.
    pub from: NodeId,
    /// Who gets it.
    pub to: NodeId,
    /// What became of it.
    pub what: Noted,
    /// Its length in bytes.
    pub len: usize,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Noted {
    /// A datagram arrived.
    Arrived,
    /// A datagram was swallowed by a cut.
    Cut,
    /// A second copy of a datagram was made.
    Doubled,
    /// A packet waits on a clogged link.
    Held,
    /// A datagram was lost by chance.
    Lost,
    /// A connection was asked for.
    Opens,
    /// A datagram found too many waiting.
    Overflowed,
    /// The other side was told that a connection is no more.
    Reset,
    /// A part of a stream was lost by chance and is sent again.
    Retried,
    /// A part of a stream waits for a cut to heal, or for a node to come back.
    Stalled,
    /// A part of a stream arrived.
    Streamed,
    /// A datagram found no host, or another incarnation.
    Void,
}

impl Noted {
    /// In words: what it was, and what became of it.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Noted::Arrived => ("datagram", "arrives"),
            Noted::Cut => ("datagram", "lost in a cut"),
            Noted::Doubled => ("datagram", "doubled"),
            Noted::Held => ("packet", "held"),
            Noted::Lost => ("datagram", "lost"),
            Noted::Opens => ("", "a connection is asked for"),
            Noted::Overflowed => ("datagram", "lost, too many wait"),
            Noted::Reset => ("", "a connection is reset"),
            Noted::Retried => ("stream", "lost, and sent again"),
            Noted::Stalled => ("stream", "waits, nobody answers"),
            Noted::Streamed => ("stream", "arrives"),
            Noted::Void => ("datagram", "lost, nobody there"),
        }
    }
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}

impl Note {
    /// What became of it, without who.
    pub(crate) fn text(&self) -> String {
        match self.what.words() {
            ("", what) => what.to_owned(),
            (kind, what) => format!("{kind} of {} bytes {what}", self.len),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.from, self.to, self.text())
    }
}
