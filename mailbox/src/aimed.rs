//! Messages that are for one owner of the mailbox only, of those that come one after the other.

use crate::capacity::NO_LIMIT;
use crate::mailbox::Mailbox;
use crate::protocol::{Consumer, Edge, Phase, Pushed, Refused, Ticket};
use crate::records::Kind;
use std::task::Waker;

impl<X, C, E: Consumer> Mailbox<X, C, E> {
    /// As [`push`](Mailbox::push) of a message of its kind's class, or with `wait` as
    /// [`push_or_wait`](Mailbox::push_or_wait), whether or not the mailbox is watched; if `admit`, asked under the lock,
    /// says that the owner is the one that the message is for. `is_full`: a sender that does not wait finds a bounded
    /// mailbox full. `note` is called with the owner's state when the message is accepted.
    ///
    /// # Errors
    /// As for the two; [`Refused::Closed`] also when it is not admitted, and then no ticket is left.
    pub fn push_if<P: Send>(
        &self,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        (wait, is_full): (Option<(&Waker, &mut Option<Ticket>)>, bool),
        (admit, note): (impl FnOnce(&E) -> bool, impl FnOnce(&mut E)),
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        let state = self.state.lock();
        let is_admitted = admit(&state.consumer);
        match wait {
            Some((_, ticket)) if !is_admitted => {
                drop(state);
                if let Some(ticket) = ticket.take() {
                    self.forget(ticket);
                }
                Err(Refused::Closed(payload))
            }
            None if !is_admitted => Err(Refused::Closed(payload)),
            Some(wait) => self.push_or_wait_asked(state, kind, payload, edge, wait, (kind.class(), note)),
            None if is_full && state.limit != NO_LIMIT && state.phase != Phase::Closed => {
                Self::push_full(state, kind, payload, edge, note)
            }
            None => self.push_asked(state, kind, payload, edge, kind.class(), note),
        }
    }
}
