//! Children that the peer has started here.

use crate::config::Clients;
use crate::name::Role;
use crate::proto::NameNumber;
use crate::proto::frame::Asked;
use crate::shell::offers::{self, Outcome, StartChildError};
use bytes::Bytes;

use super::running::Running;

impl Running {
    /// A child is to be started. It starts, and its supervisor answers, while the link carries other frames. What the
    /// link's end cuts off may still start: who asked was told that the node is lost.
    pub(super) fn start(&mut self, id: u64, under: NameNumber, spec: NameNumber, args: &Bytes) {
        self.note_nodes();
        let name = |number| self.inbox.name(number).cloned().unwrap_or_default();
        let (under, spec) = (name(under), name(spec));
        let is_allowed = self.role == Role::Member || self.of.clients == Clients::Start;
        let found = if !is_allowed {
            Err(StartChildError::NotAllowed)
        } else if self.is_crowded() {
            Err(StartChildError::Refused("too many starts are under way".into()))
        } else {
            self.of.hub.offers.read(&under, &spec, args)
        };
        match found {
            Ok((supervisor, child)) => {
                let (peer, bytes) = (self.peer.clone(), args.len());
                self.rooms_bytes += bytes;
                self.rooms.push(Box::pin(async move {
                    let outcome = Outcome::of(offers::start(&supervisor, child).await);
                    peer.answer(None, Asked::Call(id), Ok(&outcome));
                    bytes
                }));
            }
            Err(why) => self.peer.answer(None, Asked::Call(id), Ok(&Outcome::of(Err(why)))),
        }
    }
}
