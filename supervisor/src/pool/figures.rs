//! The figures of a pool: what came of the jobs that it was given.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The figures of a pool, since it was made: see [`PoolRef::stats`](super::PoolRef::stats).
///
/// With [`Requeue::Waiting`](super::Requeue::Waiting) each accepted job has one fate, and
/// `accepted = done + lost + expired + queued + busy` at rest. Without it, `done`, `lost`, `expired`, `queued` and
/// `busy` are those of the workers' ledgers, which also count what came to the workers by other ways.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PoolStats {
    /// The workers that the pool has, those that are being restarted included.
    pub workers: usize,
    /// Those of them that are up.
    pub up: usize,
    /// The jobs in hand.
    pub busy: u64,
    /// The jobs that wait.
    pub queued: u64,
    /// Let in.
    pub accepted: u64,
    /// Handled.
    pub done: u64,
    /// Accepted, and then lost: in hand, or in the mailbox, when a worker ended.
    pub lost: u64,
    /// Waited, and was not handled when its turn came: the caller had gone, or it was too old.
    pub expired: u64,
    /// Handed back, for there were as many in flight as there may be.
    pub refused_limit: u64,
    /// Handed back, for they came faster than the rate.
    pub refused_rate: u64,
    /// Handed back, for the worker's mailbox was full.
    pub refused_full: u64,
    /// Handed back, for no worker could be given them.
    pub refused_noproc: u64,
    /// Restarts of workers.
    pub restarted: u64,
    /// Workers that came because the pool grew.
    pub grown: u64,
    /// Workers that went because the pool shrank.
    pub shrunk: u64,
}

impl PoolStats {
    /// Whether every accepted job has one fate, or waits, or is in hand. For pools that requeue.
    pub fn is_balanced(&self) -> bool {
        self.accepted == self.done + self.lost + self.expired + self.queued + self.busy
    }
}

/// What is counted as it happens.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) busy: AtomicU64,
    pub(crate) done: AtomicU64,
    pub(crate) expired: AtomicU64,
    pub(crate) grown: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) refused_full: AtomicU64,
    pub(crate) refused_limit: AtomicU64,
    pub(crate) refused_noproc: AtomicU64,
    pub(crate) refused_rate: AtomicU64,
    pub(crate) restarted: AtomicU64,
    pub(crate) shrunk: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// The account of one job in the pool's own line: dropped without a fate, the job was lost.
#[derive(Debug)]
pub(crate) struct Account {
    counters: Arc<Counters>,
    is_settled: bool,
    is_in_hand: bool,
}

impl Account {
    pub(crate) fn open(counters: &Arc<Counters>) -> Account {
        count(&counters.accepted);
        Account { counters: counters.clone(), is_settled: false, is_in_hand: false }
    }

    /// A worker gets it.
    pub(crate) fn begun(&mut self) {
        self.is_in_hand = true;
        count(&self.counters.busy);
    }

    /// It waits again.
    pub(crate) fn waits(&mut self) {
        if std::mem::take(&mut self.is_in_hand) {
            self.counters.busy.fetch_sub(1, Relaxed);
        }
    }

    pub(crate) fn done(mut self) {
        self.is_settled = true;
        count(&self.counters.done);
    }

    pub(crate) fn expired(mut self) {
        self.is_settled = true;
        count(&self.counters.expired);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.waits();
        if !self.is_settled {
            count(&self.counters.lost);
        }
    }
}
