//! What is told of nodes.

use crate::name::NodeId;
use crate::proto::reach::Why;
use ravelin_core::Message;
use std::time::Duration;

/// What becomes of nodes, for those who [watch](Node::watch).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NodeEvent {
    /// This life of a node is reached: its actors can be sent to.
    Up(NodeId),
    /// It is reached no more. Comes once for each [`NodeEvent::Up`], after the bonds with its actors have ended.
    Down(NodeId, Why),
    /// A member gives no answer; unless it objects it is declared down.
    Suspect(NodeId),
    /// This node is not wanted any more.
    Unwanted(NodeHealth),
}

/// Why this node is not wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NodeHealth {
    /// Another has its name, and lives.
    NameTaken {
        /// Who has it.
        holder: NodeId,
        /// Since the first time that it was heard.
        lasting: Duration,
    },
    /// A later life of this node is there, or was.
    Superseded {
        /// The later one.
        by: NodeId,
    },
}

impl Message for NodeEvent {
    type Reply = ();
}
