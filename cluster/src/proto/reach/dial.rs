//! When what is not reached is dialled again.

use super::terms::LinkId;
use ravelin_core::Time;
use ravelin_supervisor::backoff::Backoff;
use std::time::Duration;

/// The times of dialling, and its limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dialling {
    /// How long after a failure or a loss until the next dial.
    pub backoff: Backoff,
    /// A link that was up for so long begins the row of delays anew when it is lost. One that is lost sooner goes on in it,
    /// so that what comes and goes comes ever more seldom.
    pub steady_after: Duration,
    /// Of two members that hear of each other, the one with the larger name waits so long for the other's dial.
    pub defer: Duration,
    /// A link that is not up after so long is closed.
    pub handshake_within: Duration,
    /// How long a node has, whose link is alive and which the members declared down, to come back.
    pub come_back_within: Duration,
    /// A node that is not reached and no member is forgotten after so long.
    pub forget_after: Duration,
    /// The most dials at a time.
    pub dials_max: usize,
    /// The most accepted links at a time whose handshake is not done.
    pub accepts_max: usize,
}

impl Default for Dialling {
    /// 100 ms to 5 s, half of it chance; a larger name waits 500 ms; 5 s for a handshake, 3 s to come back, forgotten after
    /// a day; 32 dials and 256 accepted links.
    fn default() -> Dialling {
        Dialling {
            backoff: Backoff::exponential(Duration::from_millis(100), Duration::from_secs(5)).jitter(0.5),
            steady_after: Duration::from_secs(10),
            defer: Duration::from_millis(500),
            handshake_within: Duration::from_secs(5),
            come_back_within: Duration::from_secs(3),
            forget_after: Duration::from_secs(24 * 3600),
            dials_max: 32,
            accepts_max: 256,
        }
    }
}

/// No two dials of one target are closer, whatever the curve says.
const GAP_MIN: Duration = Duration::from_millis(20);

/// The dials of one target.
#[derive(Clone, Debug)]
pub(super) struct Dials {
    /// How many failed, or were lost soon, in a row.
    pub(super) failed: u32,
    /// When the next is due.
    pub(super) next: Time,
    /// The one that is going on.
    pub(super) link: Option<LinkId>,
}

impl Dials {
    pub(super) fn new(next: Time) -> Dials {
        Dials { failed: 0, next, link: None }
    }

    /// One failed, or its link was lost.
    pub(super) fn put_off(&mut self, backoff: &Backoff, seed: u64, now: Time) {
        self.next = now + backoff.delay(self.failed, seed).max(GAP_MIN);
        self.failed = self.failed.saturating_add(1);
    }

    /// Trying soon is of no use: the next is due after the longest delay.
    pub(super) fn put_off_long(&mut self, backoff: &Backoff, seed: u64, now: Time) {
        self.failed = self.failed.max(64);
        self.put_off(backoff, seed, now);
    }
}
