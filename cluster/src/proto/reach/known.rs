//! What is known of links, nodes and seeds.

use super::dial::{Dialling, Dials};
use super::terms::{LinkId, Refusal};
use crate::name::{Endpoint, NodeName, Role};
use crate::proto::members::Peer;
use ravelin_core::Time;

/// A link that is not up yet, or is.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) side: Side,
    /// When it is closed unless it is up; `None`: it is.
    pub(super) deadline: Option<Time>,
    /// Who is at its other end, once admitted.
    pub(super) peer: Option<(Peer, Role)>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Side {
    Accepted,
    /// Because this node should be reached.
    DialledNode(NodeName),
    DialledSeed(Endpoint),
}

/// All that is known of a node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its latest life.
    pub(super) newest: Peer,
    pub(super) role: Role,
    pub(super) standing: Standing,
    pub(super) up: Option<Up>,
    pub(super) dials: Dials,
    /// Its link is closed at this time, unless it is a member again.
    pub(super) doubt: Option<Time>,
    /// Since when it is neither reached nor a member.
    pub(super) idle_since: Time,
}

#[derive(Clone, Debug)]
pub(super) struct Up {
    pub(super) link: LinkId,
    pub(super) peer: Peer,
    pub(super) since: Time,
}

/// What the members say of a node's latest life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    Unheard,
    Up,
    Down,
    Left,
}

#[derive(Clone, Debug)]
pub(super) struct Seed {
    pub(super) dials: Dials,
    pub(super) who: Who,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Who {
    Unknown,
    Myself,
    Node(NodeName),
}

impl Node {
    pub(super) fn new(peer: Peer, next: Time) -> Node {
        Node {
            newest: peer,
            role: Role::Member,
            standing: Standing::Unheard,
            up: None,
            dials: Dials::new(next),
            doubt: None,
            idle_since: next,
        }
    }

    /// Whether it is dialled when it is not reached.
    pub(super) fn is_wanted(&self) -> bool {
        self.role == Role::Member && self.standing != Standing::Left
    }

    /// When it is forgotten; `None`: it is reached, or a member.
    pub(super) fn forgotten_at(&self, dialling: &Dialling) -> Option<Time> {
        let is_idle = self.up.is_none() && self.standing != Standing::Up && self.dials.link.is_none();
        is_idle.then(|| self.idle_since + dialling.forget_after)
    }

    /// Whether this life may have the name.
    pub(super) fn judge(&self, peer: &Peer) -> Result<(), Refusal> {
        let newest = &self.newest;
        if peer.id.incarnation < newest.id.incarnation {
            return Err(Refusal::OldIncarnation { newest: newest.id.clone() });
        }
        let holder = match &self.up {
            Some(up) if up.peer.id == peer.id => return Err(Refusal::Duplicate),
            Some(up) => &up.peer,
            None if newest.id != peer.id && self.standing == Standing::Up => newest,
            None => return Ok(()),
        };
        // Nobody else can listen where the earlier life did: that one is dead.
        if holder.endpoint == peer.endpoint {
            Ok(())
        } else {
            Err(Refusal::NameTaken { holder: holder.id.clone() })
        }
    }
}
