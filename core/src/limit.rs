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
    /// Not begun: the usual time.
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
        let (said, fits) = match self {
            Limit::Unsaid(fits) => (None, *fits),
            Limit::Said(limit, fits) => (Some(*limit), *fits),
            Limit::Coarse(..) | Limit::Exact(..) | Limit::Never => return Some(Budget::Open),
        };
        let outer = if fits == Fits::Yes { served(|call| call.budget()) } else { None };
        if said.is_none() && matches!(outer, None | Some(Budget::Open | Budget::Usual)) && may_be_coarse() {
            *self = Limit::Coarse(None, None);
            return Some(Budget::Usual);
        }
        let (limit, budget) = fit(host, said, outer.unwrap_or(Budget::Open))?;
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
        match self {
            Limit::Unsaid(_) | Limit::Said(..) | Limit::Never => Poll::Pending,
            Limit::Coarse(_, Some(wait)) => host.patience().poll(wait, cx.waker()),
            Limit::Coarse(until, wait) => {
                let begun = host.patience().begin(this_thread(), *until, cx.waker(), host.runtime());
                if until.is_none() {
                    tell(Budget::Seat(begun.number()));
                }
                *wait = Some(begun);
                Poll::Pending
            }
            Limit::Exact(until, timer) => {
                let timer = timer.get_or_insert_with(|| host.runtime().timer(*until));
                let polled = timer.as_mut().poll(cx);
                if cfg!(ravelin_mutant = "limit_forgotten") { Poll::Pending } else { polled }
            }
        }
    }

    /// Nobody waits any longer.
    #[inline]
    pub(crate) fn stop(&mut self, host: Option<&dyn Host>) {
        if let Limit::Coarse(_, wait) = self
            && let Some(wait) = wait.take()
            && let Some(host) = host
        {
            host.patience().leave(wait);
        }
    }

    /// What is left of it at `now`, once it has begun.
    pub(crate) fn left(&self, now: Time) -> Option<Duration> {
        match self {
            Limit::Coarse(until, _) => Some(until.map_or(CALL_TIMEOUT, |until| until - now)),
            Limit::Exact(until, _) => Some(*until - now),
            Limit::Unsaid(_) | Limit::Said(..) | Limit::Never => None,
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
