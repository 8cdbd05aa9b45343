//! `[pure]` What crosses a link: datagrams, and the segments that streams are made of.

use super::names::{Host, NodeId, StreamId};
use std::sync::Arc;

/// Something on its way.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Datagram(Datagram),
    Segment(Segment),
}

#[derive(Clone, Debug)]
pub(super) struct Datagram {
    /// How many were sent on this link before it: to see which ones were overtaken.
    pub(super) number: u64,
    pub(super) from_port: u16,
    pub(super) port: u16,
    /// The life of the receiver when it was sent; `None` when it did not run.
    pub(super) incarnation: Option<u32>,
    pub(super) bytes: Arc<[u8]>,
}

#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The end that gets it.
    pub(super) to: StreamId,
    pub(super) what: What,
    /// All the chances of the answer follow from it.
    pub(super) luck: u64,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// "I want to talk to whoever listens on this port": the first of the one who connects.
    Open { from: Host, port: u16 },
    /// A part of the ordered row from one end to the other.
    Numbered { number: u64, part: Part },
    /// "I have all numbers below `upto`, and my user took so many bytes of them." Later ones stand for earlier ones.
    Seen { upto: u64, taken: u64 },
    /// "I know nothing of this connection (any more)." Overtakes, and is not sent again.
    Reset,
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    /// "I listen": the first of the one who is connected to.
    Accept,
    Bytes(Vec<u8>),
    /// Nothing follows.
    End,
}

impl Packet {
    /// Its bytes, as bandwidth counts them. The talk around a stream is free.
    pub(super) fn len(&self) -> usize {
        match &self.body {
            Body::Datagram(datagram) => datagram.bytes.len(),
            Body::Segment(Segment { what: What::Numbered { part: Part::Bytes(bytes), .. }, .. }) => {
                bytes.len()
            }
            Body::Segment(_) => 0,
        }
    }
}
