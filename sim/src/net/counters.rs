//! `[pure]` What happened on a link, in numbers: a fault that never fires is seen.

use std::ops::AddAssign;

/// Counts of one directed link, or of many added up.
///
/// Of datagrams: `sent + duplicated = delivered + lost + cut + overflowed + void +` those on their way.
///
/// ```
/// use ravelin_sim::net::Counters;
/// let mut sum = Counters { sent: 3, duplicated: 1, delivered: 2, ..Counters::default() };
/// sum += Counters { lost: 1, ..Counters::default() };
/// assert_eq!(sum.on_their_way(), 1);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Counters {
    /// Datagrams that were given to the link.
    pub sent: u64,
    /// Second copies that it made of some.
    pub duplicated: u64,
    /// Datagrams that arrived.
    pub delivered: u64,
    /// Datagrams that it lost by chance.
    pub lost: u64,
    /// Datagrams that a cut swallowed.
    pub cut: u64,
    /// Datagrams that found too many waiting: for their turn, or on a clogged link.
    pub overflowed: u64,
    /// Datagrams that found no host, or another incarnation than they were sent to.
    pub void: u64,
    /// Datagrams that arrived after one that was sent later.
    pub reordered: u64,
    /// Datagrams and segments that a clog held.
    pub held: u64,
    /// Segments of streams that were given to the link: parts of what is written, and the talk around it.
    pub segments: u64,
    /// Segments that arrived.
    pub arrived: u64,
    /// Times that a segment was lost by chance and sent again.
    pub retried: u64,
    /// Segments that waited for a cut to heal or for a node to come back.
    pub stalled: u64,
    /// Resets that were given to the link.
    pub resets: u64,
}

impl Counters {
    /// The datagrams that are neither here nor there, held ones among them.
    pub const fn on_their_way(&self) -> u64 {
        self.sent + self.duplicated - self.delivered - self.lost - self.cut - self.overflowed - self.void
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, more: Counters) {
        self.sent += more.sent;
        self.duplicated += more.duplicated;
        self.delivered += more.delivered;
        self.lost += more.lost;
        self.cut += more.cut;
        self.overflowed += more.overflowed;
        self.void += more.void;
        self.reordered += more.reordered;
        self.held += more.held;
        self.segments += more.segments;
        self.arrived += more.arrived;
        self.retried += more.retried;
        self.stalled += more.stalled;
        self.resets += more.resets;
    }
}
