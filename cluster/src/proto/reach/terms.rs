//! The words of [`Reach`](super::Reach): what it is told, and what it says.

use crate::name::{Endpoint, NodeId, NodeName, Role};
use crate::proto::members::Peer;
use std::fmt;
use std::time::Duration;

/// A link, or the attempt at one. Never used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkId(pub u64);

/// What is to be done or told.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Connect, and shake hands.
    Dial {
        /// The number of the link to be.
        link: LinkId,
        /// Where.
        endpoint: Endpoint,
        /// Who should be there; `None`: whoever.
        expect: Option<NodeName>,
    },
    /// Close it, and tell the peer why. Of one that was up it comes after [`Output::Down`].
    Close {
        /// The link.
        link: LinkId,
        /// Why.
        why: Close,
    },
    /// This life of a node is reached.
    Up {
        /// By which link.
        link: LinkId,
        /// Who.
        peer: Peer,
        /// What it is.
        role: Role,
    },
    /// It is reached no more.
    Down {
        /// The link that was.
        link: LinkId,
        /// Who.
        id: NodeId,
        /// What it is.
        role: Role,
        /// Why.
        why: Why,
    },
    /// Another has this node's name, and lives. A node that starts again elsewhere hears it until its last life is
    /// declared down; one that hears it for longer should give up.
    NameTaken {
        /// Who has it.
        holder: NodeId,
        /// Since the first time that it was heard, without a link in between.
        lasting: Duration,
    },
    /// A later life of this node is there, or was: nobody will let this one in.
    Superseded {
        /// The later one.
        by: NodeId,
    },
}

/// Why a node is reached no more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// The link broke, or the peer closed it.
    LinkLost,
    /// Nothing came by the link for too long.
    Silent,
    /// The members declared it down, and it did not come back.
    DeclaredDown,
    /// It said that it goes, or this node goes.
    Left,
    /// A later life of the node has its place.
    Replaced,
}

/// Why a link is closed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Close {
    /// This is not to be.
    Refused(Refusal),
    /// Its handshake took too long.
    TimedOut,
    /// The members declared the peer down, and it did not come back.
    DeclaredDown,
    /// A later life of the peer has its place.
    Replaced,
    /// This node goes.
    Leaving,
}

/// Why a peer is not let in.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is a link to it, or there will be.
    Duplicate,
    /// It is this very node.
    Myself,
    /// Another life of that name is alive.
    NameTaken {
        /// Which.
        holder: NodeId,
    },
    /// A later life of the node is known.
    OldIncarnation {
        /// Which.
        newest: NodeId,
    },
}

/// How a link was lost, or why it never was.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Lost {
    /// It could not be made, or it broke, or the peer closed it without a word.
    Broken,
    /// Nothing came by it for too long.
    Silent,
    /// The peer said that it goes.
    Bye,
    /// The peer refused this node.
    Refused(Refusal),
    /// The peer will not have it, and will not soon: another version, another cluster, not allowed.
    Unfit,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Duplicate => f.write_str("there is a link to this node"),
            Refusal::Myself => f.write_str("it is this very node"),
            Refusal::NameTaken { holder } => {
                write!(f, "the name is taken: {holder} is alive; give each node a name of its own")
            }
            Refusal::OldIncarnation { newest } => {
                write!(f, "a later life of the node is known: {newest}; start it with a higher incarnation")
            }
        }
    }
}

impl std::error::Error for Refusal {}
