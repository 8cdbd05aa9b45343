//! The times of membership, and what they become for SWIM in a cluster of a size.

use std::num::{NonZeroU8, NonZeroUsize};
use std::time::Duration;

/// The most bytes of one message of membership. Members of a cluster accept no longer ones. It has room for a thousand members
/// and more, so that one answer tells a new member of all.
pub const GOSSIP_MAX: usize = 60 * 1024;

/// How many members are asked to probe one that gave no answer, and how many hear each round of gossip.
const FANOUT: NonZeroUsize = NonZeroUsize::new(3).unwrap();

/// The fewest times that a change is sent on. With three, as foca would have it for 20 members, 5 % of loss make members
/// miss a refutation.
const TRANSMISSIONS_MIN: f64 = 10.0;

/// The times of membership. All members of a cluster should have the same.
///
/// Each preset says about how long it takes, among ten members, until one that stops is down everywhere, and until two parts
/// that were apart are one again.
///
/// ```
/// use ravelin_cluster::proto::members::Timing;
/// let patient = Timing { suspect_for: 2 * Timing::lan().suspect_for, ..Timing::lan() };
/// assert!(patient.suspect_for > patient.probe_every);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timing {
    /// Each member probes one other so often.
    pub probe_every: Duration,
    /// How long a probe waits for the answer before others are asked to probe. Shorter than `probe_every`.
    pub answer_within: Duration,
    /// How long one that gave no answer to anybody has to object before it is down. Grows with the cluster: it is as long
    /// for 10 members, twice for 100, three times for 1000.
    pub suspect_for: Duration,
    /// Changes are passed on so often, to three members.
    pub gossip_every: Duration,
    /// A member that is alone asks those that it knows so often.
    pub announce_every: Duration,
    /// Each member asks another so often whom it knows.
    pub ask_every: Duration,
    /// Each member asks three that are down so often whether they are: what makes two halves one again.
    pub ask_down_every: Duration,
    /// One that is down is forgotten after so long.
    pub forget_after: Duration,
}

impl Timing {
    /// Nodes on one machine, and tests: 1 s until down, 2 s until whole again.
    pub const fn local() -> Timing {
        Timing {
            probe_every: Duration::from_millis(150),
            answer_within: Duration::from_millis(50),
            suspect_for: Duration::from_millis(450),
            gossip_every: Duration::from_millis(100),
            announce_every: Duration::from_millis(250),
            ask_every: Duration::from_secs(5),
            ask_down_every: Duration::from_secs(2),
            forget_after: Duration::from_secs(24 * 3600),
        }
    }

    /// Nodes in one place: 2 s until down, 5 s until whole again. The default.
    pub const fn lan() -> Timing {
        Timing {
            probe_every: Duration::from_millis(300),
            answer_within: Duration::from_millis(100),
            suspect_for: Duration::from_millis(900),
            gossip_every: Duration::from_millis(200),
            announce_every: Duration::from_millis(500),
            ask_every: Duration::from_secs(10),
            ask_down_every: Duration::from_secs(5),
            forget_after: Duration::from_secs(24 * 3600),
        }
    }

    /// Nodes on several continents: 9 s until down, 10 s until whole again.
    pub const fn wan() -> Timing {
        Timing {
            probe_every: Duration::from_millis(1500),
            answer_within: Duration::from_millis(500),
            suspect_for: Duration::from_millis(6000),
            gossip_every: Duration::from_millis(500),
            announce_every: Duration::from_millis(2000),
            ask_every: Duration::from_secs(30),
            ask_down_every: Duration::from_secs(10),
            forget_after: Duration::from_secs(24 * 3600),
        }
    }

    /// What foca needs, for a cluster of so many.
    pub(super) fn for_foca(&self, members: usize) -> foca::Config {
        let digits = (members.max(1) as f64 + 1.0).log10();
        let every = |frequency, num_members| Some(foca::PeriodicParams { frequency, num_members });
        foca::Config {
            probe_period: self.probe_every,
            probe_rtt: self.answer_within,
            num_indirect_probes: FANOUT,
            // Between 10 and 80: a `usize` has 20 digits.
            max_transmissions: NonZeroU8::new((4.0 * digits).max(TRANSMISSIONS_MIN) as u8)
                .unwrap_or(NonZeroU8::MIN),
            suspect_to_down_after: self.suspect_for.mul_f64(digits.max(1.0)),
            remove_down_after: Some(self.forget_after),
            max_packet_size: NonZeroUsize::new(GOSSIP_MAX).unwrap_or(NonZeroUsize::MIN),
            notify_down_members: true,
            periodic_announce: every(self.ask_every, NonZeroUsize::MIN),
            periodic_announce_to_down_members: every(self.ask_down_every, FANOUT),
            periodic_gossip: every(self.gossip_every, FANOUT),
        }
    }
}

impl Default for Timing {
    /// [`Timing::lan`].
    fn default() -> Timing {
        Timing::lan()
    }
}
