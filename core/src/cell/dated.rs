//! What is off the path of a usual message: those of another class, and those that may be too late when their turn
//! comes: too old, or with nobody left who waits for the answer.

use super::typed::{Body, Payload, Takes};
use super::{Ext, Header, local};
use crate::fate;
use crate::ledger::Counters;
use crate::time::Time;
use ravelin_mailbox::{Class, Kind, Refused, Ticket};
use std::future::Future;
use std::task::Waker;
use std::time::Duration;

/// A payload that is not handled after this time. Only messages with a TTL are put into one.
pub(crate) struct Dated<P> {
    pub(crate) payload: P,
    pub(crate) until: Time,
}

/// The kinds of records for one type of payload.
pub(crate) struct Kinds<P: 'static> {
    pub(crate) plain: Kind<P, Ext>,
    /// For one with a TTL.
    pub(crate) dated: Option<Kind<Dated<P>, Ext>>,
}

/// Why a message is not handled when its turn comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stale {
    /// Nobody waits for the answer any more.
    Abandoned,
    /// It has waited for longer than its TTL.
    TooOld,
}

impl Stale {
    fn word(self) -> &'static str {
        match self {
            Stale::Abandoned => "abandoned",
            Stale::TooOld => "too old",
        }
    }
}

impl<P: Payload> Payload for Dated<P> {
    type Received = P::Received;
    const IS_NOTICE: bool = P::IS_NOTICE;
    const IS_BODY: bool = P::IS_BODY;
    const CLASS: Class = P::CLASS;
    fn message_name() -> &'static str {
        P::message_name()
    }
    fn received(self, _: Option<Time>) -> P::Received {
        self.payload.received(Some(self.until))
    }
    fn stale(&self, header: &Header) -> Option<Stale> {
        self.payload.stale(header).or_else(|| header.stale_after(self.until))
    }
    fn count(counters: &Counters) {
        P::count(counters);
    }
}

impl<B: Takes<P>, P: Payload> Takes<Dated<P>> for B {
    fn take(&mut self, dated: Dated<P>, cx: &mut <B as Body>::Cx) -> impl Future<Output = ()> + Send {
        self.take(dated.payload, cx)
    }
}

/// The payload of a dated one that was refused.
pub(crate) fn undated<P>(refused: Refused<Dated<P>>) -> Refused<P> {
    match refused {
        Refused::Closed(dated) => Refused::Closed(dated.payload),
        Refused::Full(dated) => Refused::Full(dated.payload),
    }
}

impl Header {
    /// Until when a message that is sent now may be handled.
    pub(crate) fn until(&self, ttl: Option<Duration>) -> Time {
        match (ttl, self.host()) {
            (Some(ttl), Some(host)) => host.runtime().now() + ttl,
            (None, _) | (_, None) => Time::NEVER,
        }
    }

    /// Whether it is too late now for a message that may be handled until then.
    pub(crate) fn stale_after(&self, until: Time) -> Option<Stale> {
        (self.host()?.runtime().now() > until).then_some(Stale::TooOld)
    }

    /// As `push`, for messages of any class.
    #[inline(always)]
    pub(super) fn put<P: Payload>(&self, kind: &'static Kind<P, Ext>, message: P) -> Result<(), Refused<P>> {
        if const { P::CLASS.is_usual() } {
            return self.push(kind, message);
        }
        let pushed = match self.mailbox.push_classed(kind, message, local::edge(self)) {
            Ok(pushed) => pushed,
            Err(refused) => return self.push_refused(kind, refused),
        };
        self.after_push::<P>(pushed);
        Ok(())
    }

    /// As `push_or_wait`, for messages of any class.
    #[inline(always)]
    pub(super) fn put_or_wait<P: Payload>(
        &self,
        kind: &'static Kind<P, Ext>,
        message: P,
        waker: &Waker,
        ticket: &mut Option<Ticket>,
    ) -> Result<(), Refused<P>> {
        if const { P::CLASS.is_usual() } {
            return self.push_or_wait(kind, message, waker, ticket);
        }
        let edge = local::edge(self);
        let pushed = match self.mailbox.push_or_wait_classed(kind, message, edge, waker, ticket) {
            Ok(pushed) => pushed,
            Err(refused) => return self.push_or_wait_refused(kind, refused, waker, ticket),
        };
        self.after_push::<P>(pushed);
        Ok(())
    }

    /// A message whose turn has come is not handled: counts it, tells of it and drops it, whatever its
    /// destructor does. A call ends by that.
    #[cold]
    pub(crate) fn expire<T>(&self, message: T, class: Class, name: &'static str, why: Stale) {
        self.counts.expired();
        self.mailbox.count_expired(class);
        let place = self.name().map(|name| &**name);
        tracing::debug!(target: "ravelin", place, message_type = name, why = why.word(), "ravelin.expired");
        let _ = fate::isolate(|| fate::discarding(|| drop(message)));
    }
}
