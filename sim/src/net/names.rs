//! `[pure]` Who and what there is on the network: nodes, their incarnations, addresses, streams.

use std::fmt;

/// A machine of the simulated network. It keeps its id when it restarts.
///
/// ```
/// use ravelin_sim::net::NodeId;
/// assert_eq!(NodeId(3).to_string(), "n3");
/// assert_eq!(NodeId(3).at(80).to_string(), "n3:80");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(pub u32);

/// One life of a node: what was meant for a former one does not reach this one.
///
/// ```
/// use ravelin_core::Time;
/// use ravelin_sim::net::{Network, NodeId, Settings};
/// let mut net = Network::new(Settings::default());
/// let first = net.boot(Time::EPOCH, NodeId(1));
/// let second = net.boot(Time::EPOCH, NodeId(1));
/// assert!(first.node == second.node && first.incarnation < second.incarnation);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Host {
    /// The machine.
    pub node: NodeId,
    /// The number of its life, from 1.
    pub incarnation: u32,
}

/// Where a datagram or a connection goes: a port of a node, whatever its incarnation.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Addr {
    /// The machine.
    pub node: NodeId,
    /// The port.
    pub port: u16,
}

/// One end of a connection. Never used again for another.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamId(pub(super) u64);

impl NodeId {
    /// A port of this node.
    pub const fn at(self, port: u16) -> Addr {
        Addr { node: self, port }
    }
}

impl StreamId {
    /// The other end of the same connection: it belongs to the other host.
    pub const fn peer(self) -> StreamId {
        StreamId(self.0 ^ 1)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.node, self.incarnation)
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.node, self.port)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}
