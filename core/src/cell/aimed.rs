//! Messages that are for one incarnation only, not for its successors at the place.
//!
//! Proof: the folder's, in `mod.rs`. A record gets in here as in `post`: its kind is the port's.

use super::dated::{Dated, undated};
use super::typed::{Payload, Port};
use super::{Ext, Header, Life, local};
use crate::id::Pid;
use crate::time::Time;
use crate::watch::{Fault, FaultPoint};
use ravelin_mailbox::{Kind, Refused, Ticket};
use std::task::Waker;

/// A sender that waits for room.
pub(crate) type Wait<'w> = Option<(&'w Waker, &'w mut Option<Ticket>)>;

impl<P: Payload> Port<'_, P> {
    /// Puts a message into the mailbox of this incarnation, if it is the one that lives there; of whoever does, if none
    /// is named. Else it is as if the mailbox were closed.
    pub(crate) fn push_to(&self, to: Option<Pid>, payload: P, wait: Wait<'_>) -> Result<(), Refused<P>> {
        let header = self.cell.header();
        let Some(kind) = &self.kinds.dated else {
            return header.push_to(&self.kinds.plain, payload, to, wait);
        };
        let Some((waker, ticket)) = wait else {
            let dated = Dated { payload, until: header.until(P::TTL) };
            return header.push_to(kind, dated, to, None).map_err(undated);
        };
        let noted = ticket.as_ref().and_then(|ticket| header.mailbox.note(ticket));
        let until = noted.map_or_else(|| header.until(P::TTL), Time::from_nanos);
        let pushed = header.push_to(kind, Dated { payload, until }, to, Some((waker, &mut *ticket)));
        if let (Some(ticket), None) = (ticket, noted) {
            header.mailbox.set_note(ticket, until.as_nanos());
        }
        pushed.map_err(undated)
    }
}

impl Header {
    fn push_to<P: Payload>(
        &self,
        kind: &'static Kind<P, Ext>,
        message: P,
        to: Option<Pid>,
        wait: Wait<'_>,
    ) -> Result<(), Refused<P>> {
        let is_full = wait.is_none() && self.ask(FaultPoint::Send(P::message_name())) == Some(Fault::Full);
        let (edge, from) = (local::edge(self), local::running_pid());
        let admit = |life: &Life| to.is_none() || life.pid == to;
        let note = |life: &mut Life| life.note(from);
        let pushed = self.mailbox.push_if(kind, message, edge, (wait, is_full), (admit, note))?;
        self.tell_pushed::<P>(&pushed, false);
        self.after_push::<P>(pushed);
        Ok(())
    }
}
