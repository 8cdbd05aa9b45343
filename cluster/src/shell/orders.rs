//! What the keeper is asked and told.

use super::event::Refused;
use crate::name::{Endpoint, NodeId, Role};
use crate::proto::link::Outbox;
use crate::proto::members::Peer;
use crate::proto::reach::{LinkId, Lost, Refusal};
use crate::transport::Connection;
use bytes::Bytes;
use ravelin_core::{Message, Pid};

/// May this peer be at the other end of the link?
pub(crate) struct Admit {
    pub(crate) link: LinkId,
    pub(crate) peer: Peer,
    pub(crate) role: Role,
}

impl Message for Admit {
    type Reply = Result<(), Refusal>;
}

/// The handshake of the link is done: from now on this is what is sent by it. The answer: whether it is wanted still.
pub(crate) struct Raise {
    pub(crate) link: LinkId,
    pub(crate) outbox: Outbox,
}

impl Message for Raise {
    type Reply = bool;
}

/// The link is no more.
pub(crate) struct Lose {
    pub(crate) link: LinkId,
    pub(crate) lost: Lost,
}

impl Message for Lose {
    type Reply = ();
    const CLASS: ravelin_core::Class = ravelin_core::Class::Control;
}

/// One of two nodes does not want the other.
pub(crate) struct Refuse {
    pub(crate) with: Option<Endpoint>,
    pub(crate) why: Refused,
    pub(crate) by: DialledBy,
}

/// Who made a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DialledBy {
    Us,
    Them,
}

impl Message for Refuse {
    type Reply = ();
    const CLASS: ravelin_core::Class = ravelin_core::Class::Bulk;
}

/// Membership's, from this peer.
pub(crate) struct Gossip {
    pub(crate) from: NodeId,
    pub(crate) bytes: Bytes,
}

impl Message for Gossip {
    type Reply = ();
    const CLASS: ravelin_core::Class = ravelin_core::Class::Bulk;
}

/// Somebody connected.
pub(crate) struct Accept(pub(crate) Connection);

impl Message for Accept {
    type Reply = ();
}

/// Other seeds were found.
pub(crate) struct Seeds(pub(crate) Vec<Endpoint>);

impl Message for Seeds {
    type Reply = ();
}

/// This actor is in a group, or has a name: its end is to be seen.
pub(crate) struct Watch(pub(crate) Pid);

impl Message for Watch {
    type Reply = ();
}

/// Which nodes are up.
pub(crate) struct Nodes;

impl Message for Nodes {
    type Reply = Vec<NodeId>;
}

/// Go, in good order.
pub(crate) struct Leave;

impl Message for Leave {
    type Reply = ();
}

/// The plans' timer.
#[derive(Clone)]
pub(crate) struct Tick;

impl Message for Tick {
    type Reply = ();
}

/// Follow the calls that local waits lead to.
#[derive(Clone)]
pub(crate) struct Chase;

impl Message for Chase {
    type Reply = ();
    const CLASS: ravelin_core::Class = ravelin_core::Class::Control;
}
