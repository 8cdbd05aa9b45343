//! How long a call may wait: what its caller said, and what is left of the time of the call that the caller serves.

use crate::cell::{Host, served, this_thread};
use crate::fate::Budget;
use crate::patience::{CALL_TIMEOUT, Wait};
use crate::runtime::Timer;
use crate::time::Time;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A time limit, before it begins and while it runs.
pub(crate) enum Limit {
    /// The usual time; begun or not, for it need not be reckoned before somebody waits.
    Unsaid(Fits),
    /// Not begun: so long, or as long as it takes.
    Said(Option<Duration>, Fits),
    /// `CALL_TIMEOUT`, or until then; the wait, once somebody waits.
    Coarse(Option<Time>, Option<Wait>),
    /// Until then; the timer, once somebody waits.
    Exact(Time, Option<Pin<Box<dyn Timer>>>),
    /// As long as it takes.
    Never,
}

/// Whether a call must end before the one that its caller serves.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Fits {
    Yes,
    No,
}

impl Limit {
    /// So long, or as long as it takes.
    pub(crate) fn say(&mut self, limit: Option<Duration>) {
        let fits = match self {
            Limit::Said(_, fits) | Limit::Unsaid(fits) => *fits,
            Limit::Coarse(..) | Limit::Exact(..) | Limit::Never => Fits::Yes,
        };
        *self = Limit::Said(limit, fits);
    }

    /// It need not fit.
    pub(crate) fn detach(&mut self) {
        if let Limit::Said(_, fits) | Limit::Unsaid(fits) = self {
            *fits = Fits::No;
        }
    }

    /// Begins; a time that nobody named is kept coarsely where `may_be_coarse`. Gives what whoever works on the answer is
    /// to know; `None`: no time is left.
    #[inline]
    pub(crate) fn begin(&mut self, host: &dyn Host, may_be_coarse: impl FnOnce() -> bool) -> Option<Budget> {
        let outer = self.outer();
        let is_usual = matches!(outer, Budget::Open | Budget::Usual) && matches!(self, Limit::Unsaid(_));
        if is_usual && may_be_coarse() { Some(Budget::Usual) } else { self.begin_reckoned(host, outer) }
    }

    /// What is left of the time of the call that the caller serves, if this one must fit into it.
    #[inline]
    fn outer(&self) -> Budget {
        match self {
            Limit::Unsaid(Fits::Yes) | Limit::Said(_, Fits::Yes) => served(|call| call.budget()),
            Limit::Unsaid(Fits::No) | Limit::Said(_, Fits::No) => None,
            Limit::Coarse(..) | Limit::Exact(..) | Limit::Never => None,
        }
        .unwrap_or(Budget::Open)
    }

    #[cold]
    fn begin_reckoned(&mut self, host: &dyn Host, outer: Budget) -> Option<Budget> {
        let said = match self {
            Limit::Unsaid(_) => None,
            Limit::Said(limit, _) => Some(*limit),
            Limit::Coarse(..) | Limit::Exact(..) | Limit::Never => return Some(Budget::Open),
        };
        let (limit, budget) = fit(host, said, outer)?;
        *self = limit;
        Some(budget)
    }

    /// Ready when the time is over. `tell` is called with what is known better now of the time that is left.
    pub(crate) fn poll(
        &mut self,
        host: &dyn Host,
        cx: &mut Context<'_>,
        tell: impl FnOnce(Budget),
    ) -> Poll<()> {
        let until = match self {
            Limit::Coarse(_, Some(wait)) => return host.patience().poll(wait, cx.waker()),
            Limit::Exact(until, timer) => {
                let timer = timer.get_or_insert_with(|| host.runtime().timer(*until));
                let polled = timer.as_mut().poll(cx);
                return if cfg!(ravelin_mutant = "limit_forgotten") { Poll::Pending } else { polled };
            }
            Limit::Said(..) | Limit::Never => return Poll::Pending,
            Limit::Coarse(until, None) => *until,
            Limit::Unsaid(_) => None,
        };
        let begun = host.patience().begin(this_thread(), until, cx.waker(), host.runtime());
        if until.is_none() {
            tell(Budget::Seat(begun.number()));
        }
        *self = Limit::Coarse(until, Some(begun));
        Poll::Pending
    }

    /// Nobody waits any longer.
    #[inline]
    pub(crate) fn stop<'a>(&mut self, host: impl FnOnce() -> Option<&'a dyn Host>) {
        if let Limit::Coarse(_, wait) = self
            && let Some(wait) = wait.take()
            && let Some(host) = host()
        {
            host.patience().leave(wait);
        }
    }

    /// What is left of it at `now`, once it has begun.
    pub(crate) fn left(&self, now: Time) -> Option<Duration> {
        match self {
            Limit::Unsaid(_) | Limit::Coarse(None, _) => Some(CALL_TIMEOUT),
            Limit::Coarse(Some(until), _) | Limit::Exact(until, _) => Some(*until - now),
            Limit::Said(..) | Limit::Never => None,
        }
    }
}

/// The limit where it has to be reckoned. `None`: no time is left.
#[cold]
fn fit(host: &dyn Host, said: Option<Option<Duration>>, outer: Budget) -> Option<(Limit, Budget)> {
    let now = host.runtime().now();
    let wanted = said.unwrap_or(Some(CALL_TIMEOUT)).map(|limit| now + limit);
    let (latest, is_exact) = match outer {
        Budget::Open => (None, true),
        Budget::Usual => (Some(now + CALL_TIMEOUT), false),
        Budget::Seat(seat) => (Some(host.patience().until(seat).unwrap_or(now + CALL_TIMEOUT)), false),
        Budget::Coarse(until) => (Some(until), false),
        Budget::Until(until) => (Some(until), true),
    };
    if latest.is_some_and(|latest| latest <= now) {
        return None;
    }
    // Nobody asked for an exact time, neither here nor further up.
    let is_coarse = !is_exact && !matches!(said, Some(Some(_))) && host.hands_over();
    Some(match (wanted, latest) {
        (None, None) => (Limit::Never, Budget::Open),
        (_, Some(latest)) if is_coarse => (Limit::Coarse(Some(latest), None), Budget::Coarse(latest)),
        (Some(until), None) | (None, Some(until)) => (Limit::Exact(until, None), Budget::Until(until)),
        (Some(wanted), Some(latest)) => {
            let until = wanted.min(latest);
            (Limit::Exact(until, None), Budget::Until(until))
        }
    })
}
