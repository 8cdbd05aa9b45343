//! What a node counts of another one, and what it lets go of.

use super::peer::{Peer, lock};
use crate::name::NodeId;
use ravelin_core::crossing::WayBack;
use std::sync::atomic::Ordering::Relaxed;

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
    /// Bytes of large messages that were sent over the link that is up, as they were before they were compressed.
    pub bulk_bytes: u64,
    /// How many of them did not have to be sent, since they were [compressed](crate::Compression).
    pub bulk_saved_bytes: u64,
    /// Casts of it that reached nobody here: nobody lived there, or its mailbox was full, or it knew not the message.
    pub casts_lost: u64,
}

impl Peer {
    /// What there is to count.
    pub(crate) fn figures(&self) -> Figures {
        let gate = self.gate();
        let (calls, replies) = (gate.calls.len(), gate.ways.len());
        let in_hand = gate.in_hand.len() + gate.ways_in_hand.len();
        let queued_bytes = gate.up.as_ref().map_or(0, |up| up.outbox.waiting().into_iter().sum());
        let sent = gate.up.as_ref().map(|up| up.outbox.sent()).unwrap_or_default();
        let is_up = gate.up.is_some();
        drop(gate);
        let bonds = lock(&self.bonds);
        let (watching, watched) = bonds.monitors();
        Figures {
            peer: NodeId::clone(&self.id),
            is_up,
            calls,
            replies,
            in_hand,
            links: bonds.links(),
            watching,
            watched,
            queued_bytes,
            bulk_bytes: sent.bulk.bytes,
            bulk_saved_bytes: sent.saved_bytes,
            casts_lost: self.lost_casts.load(Relaxed),
        }
    }

    /// Lets go of ways back that nobody waits for any more: of messages that nobody read there. O(n) of those that are out.
    pub(crate) fn sweep(&self) {
        let gone = self.gate().ways.end_all(WayBack::is_gone);
        drop(gone);
    }
}
