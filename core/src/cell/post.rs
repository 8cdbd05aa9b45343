//! What is put into a cell's user lane: messages, notices, orders that take their turn.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::local;
use super::{Ext, Header, Payload, Wake};
use crate::fate;
use crate::info::Info;
use crate::watch::Seen;
use ravelin_mailbox::{Kind, Pushed, Records, Refused, Ticket};
use std::task::Waker;

impl Header {
    /// Puts a message into the user lane.
    #[inline]
    pub(crate) fn push<P: Payload>(&self, kind: &'static Kind<P, Ext>, message: P) -> Result<(), Refused<P>> {
        let pushed = match self.mailbox.push(kind, message, local::edge(self)) {
            Ok(pushed) => pushed,
            Err(refused) => return self.push_refused(kind, refused),
        };
        self.after_push::<P>(pushed);
        Ok(())
    }

    /// As `push`; a sender that has to wait leaves its waker and gets a ticket.
    #[inline]
    pub(crate) fn push_or_wait<P: Payload>(
        &self,
        kind: &'static Kind<P, Ext>,
        message: P,
        waker: &Waker,
        ticket: &mut Option<Ticket>,
    ) -> Result<(), Refused<P>> {
        let pushed = match self.mailbox.push_or_wait(kind, message, local::edge(self), waker, ticket) {
            Ok(pushed) => pushed,
            Err(refused) => return self.push_or_wait_refused(kind, refused, waker, ticket),
        };
        self.after_push::<P>(pushed);
        Ok(())
    }

    /// Puts a message into the user lane, whatever the capacity.
    pub(crate) fn push_exempt<P: Payload>(
        &self,
        kind: &'static Kind<P, Ext>,
        message: P,
    ) -> Result<(), Refused<P>> {
        let pushed = self.mailbox.push_exempt(kind, message, local::edge(self))?;
        self.tell_pushed::<P>(&pushed, true);
        self.after_push::<P>(pushed);
        Ok(())
    }

    #[inline(always)]
    pub(super) fn after_push<P: Payload>(&self, pushed: Pushed<Ext, Wake>) {
        match pushed {
            Pushed::Quiet => {}
            Pushed::Wake(_)
                if cfg!(ravelin_mutant = "wake_lost") && self.mailbox.accepted().is_multiple_of(7) => {}
            Pushed::Wake(wake) => local::perform(self, wake),
            Pushed::WakeReceiver(waker) => waker.wake(),
            Pushed::Discarded => self.overloaded(P::message_name()),
            Pushed::Displaced(records) => self.displaced(records),
        }
    }

    #[cold]
    fn overloaded(&self, message: &'static str) {
        if let Some(host) = self.host() {
            host.overloaded(self, message);
        }
    }

    #[cold]
    fn displaced(&self, records: Records<Ext>) {
        // After more rounds than there are messages only notices were found.
        let (mut next, mut rounds) = (Some(records), self.mailbox.len());
        while let Some(mut records) = next.take() {
            let Some(record) = records.pop() else { return };
            self.tell(|| Seen::Discarded { message: (record.ext().name)() });
            match record.ext().readmit {
                Some(readmit) => {
                    // SAFETY: a record's own function gets it.
                    unsafe { readmit(record, self) };
                    rounds = rounds.saturating_sub(1);
                    next = if rounds > 0 { self.mailbox.displace() } else { None };
                }
                None => {
                    self.overloaded((record.ext().name)());
                    // The sender's thread drops it: a panicking destructor is the sender's, as with any value it drops.
                    fate::discarding(|| drop(record));
                }
            }
        }
    }

    /// Puts a notice of the framework into the user lane; a dead actor's are lost, as in OTP.
    pub(crate) fn inform(&self, info: Info) {
        let down = match &info {
            Info::Down { pid, monitor, .. } => Some((*pid, *monitor)),
            Info::Exit { .. } | Info::Group { .. } | Info::Timeout => None,
        };
        let got_in = self.push_exempt(self.vtable.info, info).is_ok();
        if let (Some((target, monitor)), true) = (down, got_in) {
            self.tell(|| Seen::Down { monitor, target });
        }
    }
}
