//! What is sent to a peer, and who waits for what: all that is under the gate.

use crate::proto::frame::{Asked, Failure, Head, Signal as Framed};
use crate::proto::link::{Flow, Outbox, Pushed, Unsent};
use crate::proto::reach::LinkId;
use crate::proto::waits::{CallId, InHand, Waits};
use bytes::Bytes;
use ravelin_core::crossing::WayBack;
use ravelin_core::{CallError, Caller};
use std::task::Waker;

use super::{NotSent, Payload};

/// The most calls of a peer that are in hand here.
const IN_HAND_MAX: usize = 1 << 18;

/// Why there is no answer: it is too large.
const WHY_TOO_LARGE: &str = "the request was handled, and its answer is larger than the node that asked takes: raise \
                             `limits.message_bytes_max` in the configuration there, or answer in parts";
/// Why there is no answer: there was no room for it. Of the errors that travel this one says the most: `Discarded` and
/// `Full` promise that the request was not begun.
const WHY_NO_ROOM: &str = "the request was handled, and its answer was thrown away: more waits to be sent to the node \
                           that asked than `limits.bulk_queue_bytes_max` of the node that was asked allows";

/// What ends a wait for an answer of the peer: its bytes, or why there is none.
pub(crate) type Wait = Box<dyn FnOnce(Result<Bytes, CallError<()>>) + Send>;

pub(in crate::shell) struct Gate {
    pub(in crate::shell) up: Option<Up>,
    /// What waited when this node closed the link: its actor sends it.
    pub(super) parting: Option<(LinkId, Outbox)>,
    /// Who waits for an answer to a call, a send or a start.
    pub(in crate::shell) calls: Waits<Request>,
    /// The ways back that went to the peer.
    pub(in crate::shell) ways: Waits<WayBack>,
    /// Calls of the peer that actors here have.
    pub(in crate::shell) in_hand: InHand<Caller>,
    /// Ways back of the peer's that actors here have.
    pub(in crate::shell) ways_in_hand: InHand<Caller>,
    /// Who waits for room.
    pub(super) rooms: Vec<Waker>,
}

pub(in crate::shell) struct Up {
    pub(super) link: LinkId,
    pub(in crate::shell) outbox: Outbox,
    /// The peer does not read what it must be told.
    pub(super) is_overrun: bool,
}

impl Up {
    pub(super) fn push(&mut self, flow: Flow, head: &Head, payload: Payload<'_>) -> Result<Pushed, Unsent> {
        match payload {
            Payload::Small(bytes) => self.outbox.push(flow, head, |out| {
                out.extend_from_slice(bytes);
                Ok(())
            }),
            Payload::Large(bytes) => self.outbox.push_bytes(flow, head, bytes),
        }
    }
}

/// A request to the peer, and who waits for what comes of it.
pub(in crate::shell) struct Request {
    pub(super) wait: Wait,
    /// In which it went.
    pub(super) flow: Flow,
}

impl Gate {
    pub(super) fn new() -> Gate {
        Gate {
            up: None,
            parting: None,
            calls: Waits::new(),
            ways: Waits::new(),
            in_hand: InHand::new(IN_HAND_MAX),
            ways_in_hand: InHand::new(IN_HAND_MAX),
            rooms: Vec::new(),
        }
    }

    /// Whether there is no link, and nobody waits.
    pub(super) fn is_idle(&self) -> bool {
        let waits = [self.calls.len(), self.ways.len(), self.in_hand.len(), self.ways_in_hand.len()];
        self.up.is_none() && waits == [0; 4] && self.rooms.is_empty()
    }

    /// A request was not sent, so nobody waits for the answer. Under the lock under which it was refused: so that room that
    /// is made later is told.
    pub(super) fn unsent(
        &mut self,
        id: CallId,
        why: NotSent,
        waker: &Waker,
    ) -> Result<CallId, (NotSent, Wait)> {
        let Some(Request { wait, .. }) = self.calls.end(id) else { return Ok(id) };
        if matches!(why, NotSent::Full) && !self.rooms.iter().any(|each| each.will_wake(waker)) {
            self.rooms.push(waker.clone());
        }
        Err((why, wait))
    }

    /// Pushes a signal. What can not be refused and finds no room ends the link.
    pub(in crate::shell) fn signal(&mut self, flow: Flow, signal: &Framed) -> Pushed {
        let Some(up) = &mut self.up else { return Pushed::Quiet };
        match up.outbox.push_signal(flow, signal) {
            Ok(pushed) => pushed,
            Err(_) => {
                up.is_overrun = true;
                Pushed::Wake
            }
        }
    }

    pub(super) fn payload(&mut self, flow: Flow, head: &Head, payload: Payload<'_>) -> Pushed {
        let Some(up) = &mut self.up else { return Pushed::Quiet };
        match up.push(flow, head, payload) {
            Ok(pushed) => pushed,
            Err(Unsent::TooLarge { .. }) => {
                let Head::Answer { id } = head else { return Pushed::Quiet };
                let failure = Failure::NotUnderstood(WHY_TOO_LARGE.into());
                self.signal(flow, &Framed::Failed { id: *id, failure })
            }
            // Many large answers at once, or a peer that does not read. If there is not even room for this, it is that.
            Err(_) if let Head::Answer { id } = head => {
                let failure = Failure::NotUnderstood(WHY_NO_ROOM.into());
                self.signal(Flow::Place(0), &Framed::Failed { id: *id, failure })
            }
            Err(_) => {
                up.is_overrun = true;
                Pushed::Wake
            }
        }
    }

    pub(super) fn in_hand(&mut self, id: Asked) -> (&mut InHand<Caller>, CallId) {
        match id {
            Asked::Call(id) => (&mut self.in_hand, CallId(id)),
            Asked::Reply(id) => (&mut self.ways_in_hand, CallId(id)),
        }
    }
}
