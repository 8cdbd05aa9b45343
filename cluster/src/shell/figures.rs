//! What a node counts of another one.

use crate::name::NodeId;

/// What this node has to do with one life of another node, at one moment: for those who operate it, and for tests that
/// ask whether anything is kept for nobody. See [`Node::figures`](crate::Node::figures).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Figures {
    /// The other.
    pub peer: NodeId,
    /// Whether there is a link to it.
    pub is_up: bool,
    /// Calls and sends to it whose outcome is not there yet.
    pub calls: usize,
    /// `ReplyTo`s that went to it, and were not answered yet.
    pub replies: usize,
    /// Requests of it that actors here have not answered yet, by calls and by `ReplyTo`s.
    pub in_hand: usize,
    /// Links between actors of the two; one that is being undone counts until the other side knows.
    pub links: usize,
    /// Monitors of actors here on actors there.
    pub watching: usize,
    /// Monitors of actors there on actors here.
    pub watched: usize,
    /// Bytes that wait to be sent.
    pub queued_bytes: usize,
    /// Casts of it that reached nobody here: nobody lived there, or its mailbox was full, or it knew not the message.
    pub casts_lost: u64,
}
