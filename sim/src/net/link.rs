//! `[pure]` What one directed link does to what crosses it: its settings as a value, and the fate of one packet.

use super::luck::{Luck, Ppm};
use std::time::Duration;

/// The settings of a directed link. Each direction of a pair has its own.
///
/// Datagrams arrive in the order sent unless `reorder` says otherwise: jitter alone lets none overtake another.
///
/// ```
/// use ravelin_sim::net::{Link, Ppm};
/// use std::time::Duration;
/// let rough = Link { loss: Ppm::percent(2), duplicate: Ppm::percent(1), ..Link::lan() };
/// assert_eq!(rough.latency, Duration::from_micros(100));
/// assert_eq!(Link::default(), Link::lan());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link {
    /// The least time from one end to the other.
    pub latency: Duration,
    /// Up to this much is added to every packet, evenly spread.
    pub jitter: Duration,
    /// How many packets are much later than the others.
    pub tail: Ppm,
    /// Up to this much is added to those.
    pub tail_max: Duration,
    /// How many datagrams are lost. What is lost of a stream is sent again, later: see
    /// [`StreamSettings::retry_after`](super::StreamSettings::retry_after).
    pub loss: Ppm,
    /// How many datagrams arrive twice, the second at a time of its own.
    pub duplicate: Ppm,
    /// How many datagrams may be overtaken by later ones.
    pub reorder: Ppm,
    /// Up to this much is added to those.
    pub reorder_max: Duration,
    /// How fast bytes get onto the link; `None` for no limit.
    pub bandwidth: Option<Bandwidth>,
}

/// The speed of a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bandwidth {
    /// Bytes per second; zero counts as one.
    pub bytes_per_second: u64,
    /// A datagram that would wait longer than this for its turn is lost. Streams wait.
    pub backlog_max: Duration,
}

impl Link {
    /// Always this latency, and no faults.
    pub const fn perfect(latency: Duration) -> Link {
        Link {
            latency,
            jitter: Duration::ZERO,
            tail: Ppm::NEVER,
            tail_max: Duration::ZERO,
            loss: Ppm::NEVER,
            duplicate: Ppm::NEVER,
            reorder: Ppm::NEVER,
            reorder_max: Duration::ZERO,
            bandwidth: None,
        }
    }

    /// A quiet local network: 100 to 200 us, one packet in a thousand up to 5 ms later, no faults. The default.
    pub const fn lan() -> Link {
        Link {
            jitter: Duration::from_micros(100),
            tail: Ppm::new(1_000),
            tail_max: Duration::from_millis(5),
            ..Link::perfect(Duration::from_micros(100))
        }
    }

    /// Between continents, on a bad day: 40 to 60 ms, one packet in a hundred up to 500 ms later, 1 % lost, 0.1 %
    /// duplicated, 1 % overtaken.
    pub const fn wan() -> Link {
        Link {
            jitter: Duration::from_millis(20),
            tail: Ppm::percent(1),
            tail_max: Duration::from_millis(500),
            loss: Ppm::percent(1),
            duplicate: Ppm::new(1_000),
            reorder: Ppm::percent(1),
            reorder_max: Duration::from_millis(50),
            ..Link::perfect(Duration::from_millis(40))
        }
    }

    /// What happens to one datagram, apart from bandwidth, cuts and clogs.
    pub(super) fn fate(&self, luck: &mut Luck) -> Fate {
        // All are drawn each time, so that switching one fault off leaves the others as they were.
        let lost = luck.hits(self.loss);
        let delay = self.delay(luck);
        let (late, late_by) = (luck.hits(self.reorder), luck.up_to(self.reorder_max));
        let (twice, copy) = (luck.hits(self.duplicate), self.delay(luck));
        Fate { lost, delay, late: late.then_some(late_by), copy: twice.then_some(copy) }
    }

    /// How long one segment of a stream is on its way, and how often it was lost before it got through. Each loss
    /// costs `retry_after`, twice as much each time, at most [`TRIES_MAX`] times.
    pub(super) fn crossing(&self, luck: &mut Luck, retry_after: Duration) -> (Duration, u32) {
        let mut delay = self.delay(luck);
        let mut losses = 0;
        while losses < TRIES_MAX && luck.hits(self.loss) {
            delay = delay.saturating_add(retry_after.saturating_mul(1 << losses));
            losses += 1;
        }
        (delay, losses)
    }

    fn delay(&self, luck: &mut Luck) -> Duration {
        let (jitter, tail, tail_by) =
            (luck.up_to(self.jitter), luck.hits(self.tail), luck.up_to(self.tail_max));
        let late = if tail { tail_by } else { Duration::ZERO };
        self.latency.saturating_add(jitter).saturating_add(late)
    }
}

impl Default for Link {
    fn default() -> Link {
        Link::lan()
    }
}

impl Bandwidth {
    /// How long this many bytes take.
    pub(super) fn time_for(&self, len: usize) -> Duration {
        let nanos = (len as u128 * 1_000_000_000).div_ceil(u128::from(self.bytes_per_second.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// The most often that one segment is lost in a row: after that it gets through, on a link that loses everything too.
pub(super) const TRIES_MAX: u32 = 10;

/// What happens to one datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Fate {
    /// It arrives nowhere. Its copy may.
    pub(super) lost: bool,
    pub(super) delay: Duration,
    /// It may be overtaken, being this much later.
    pub(super) late: Option<Duration>,
    /// A second one arrives after this time.
    pub(super) copy: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_link_has_one_latency_and_no_faults() {
        let link = Link::perfect(Duration::from_millis(3));
        for seed in 0..100 {
            let fate = link.fate(&mut Luck::new(seed));
            assert_eq!(fate, Fate { lost: false, delay: link.latency, late: None, copy: None });
            assert_eq!(
                link.crossing(&mut Luck::new(seed), Duration::from_secs(1)),
                (link.latency, 0),
                "{seed}"
            );
        }
    }

    #[test]
    fn switching_one_fault_off_leaves_the_others_as_they_were() {
        for seed in 0..1_000 {
            let (all, calm) = (Link::wan(), Link { loss: Ppm::NEVER, ..Link::wan() });
            let (all, calm) = (all.fate(&mut Luck::new(seed)), calm.fate(&mut Luck::new(seed)));
            assert_eq!(Fate { lost: false, ..all }, calm);
        }
    }

    #[test]
    fn a_segment_that_is_lost_again_and_again_waits_twice_as_long_each_time_and_then_gets_through() {
        let link = Link { loss: Ppm::ALWAYS, ..Link::perfect(Duration::ZERO) };
        let (delay, losses) = link.crossing(&mut Luck::new(1), Duration::from_secs(1));
        assert_eq!((delay, losses), (Duration::from_secs(1_023), 10));
    }

    #[test]
    fn bytes_take_their_time() {
        for (speed, len, nanos) in [(1_000, 1_000, 1_000_000_000), (1_000_000_000, 3, 3), (3, 1, 333_333_334)]
        {
            let bandwidth = Bandwidth { bytes_per_second: speed, backlog_max: Duration::ZERO };
            assert_eq!(bandwidth.time_for(len).as_nanos(), nanos);
        }
        let none = Bandwidth { bytes_per_second: 0, backlog_max: Duration::ZERO };
        assert_eq!(none.time_for(2), Duration::from_secs(2));
    }
}
