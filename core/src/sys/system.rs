//! All actors of a system, looked at from outside: lists, the busiest, a trace of many, recorders for all.

use super::status::Status;
use crate::eye::{Limit, Tap, Trace, Whose};
use crate::system::System;
use std::cmp::Reverse;
use std::time::Duration;

/// What [`System::top`] goes by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum By {
    /// How many messages wait.
    MailboxLen,
    /// How long its handlers ran; only where statistics are on.
    Busy,
    /// How many messages it has handled; only where statistics are on.
    Handled,
    /// How long its longest message took; only where statistics are on.
    Longest,
    /// How often it was restarted.
    Restarts,
}

impl By {
    /// The figure; `None`: it is not known.
    fn of(self, status: &Status) -> Option<u128> {
        let statistics = status.statistics.as_ref();
        let nanos = |time: Duration| time.as_nanos();
        match self {
            By::MailboxLen => Some(status.mailbox_len as u128),
            By::Busy => statistics.map(|it| nanos(it.busy)),
            By::Handled => statistics.map(|it| u128::from(it.handled)),
            By::Longest => statistics.map(|it| it.longest.map_or(0, |longest| nanos(longest.took))),
            By::Restarts => Some(u128::from(status.restarts)),
        }
    }
}

impl System {
    /// The status of each living actor, sorted by pid. O(living actors), some locks each; no actor is stopped for it.
    pub fn statuses(&self) -> Vec<Status> {
        let mut statuses: Vec<_> =
            self.cells().iter().filter_map(|(pid, cell)| Status::of(cell, Some(*pid))).collect();
        statuses.sort_by_key(|status| status.pid);
        statuses
    }

    /// The first `n` of the living, by this figure, the greatest first, and among equals by pid; those whose figure is not
    /// known are left out. Costs as much as [`System::statuses`]. Source: `recon:proc_count/2`.
    pub fn top(&self, n: usize, by: By) -> Vec<Status> {
        let mut known: Vec<_> =
            self.statuses().into_iter().filter_map(|status| Some((by.of(&status)?, status))).collect();
        known.sort_by_key(|(figure, status)| (Reverse(*figure), status.pid));
        known.truncate(n);
        known.into_iter().map(|(_, status)| status).collect()
    }

    /// Tells what happens to these actors from now on, within one hard limit for all of them; to those that live and to
    /// those that will be started while it lasts. Looks at each living actor once.
    pub fn trace(&self, whose: Whose, limit: Limit) -> Trace {
        let tap = Tap::new(limit);
        self.watchers().trace(&whose, &tap);
        for (_, cell) in self.cells() {
            let header = cell.header();
            if whose.is(header.name().map(|name| &**name), header.type_name()) {
                header.with_eye(|eye| eye.add_tap(&tap));
            }
        }
        Trace(tap)
    }

    /// A recorder of this size for every actor that is started from now on; 0: for none. See
    /// [`Sys::record`](super::Sys::record) for one place, and what it costs.
    pub fn record(&self, kept_max: usize) {
        self.watchers().record(kept_max);
    }
}
