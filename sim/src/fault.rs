//! [pure] Faults as values: what goes wrong, when and where; lists of them, drawn from the seed.

use crate::log::Name;
use crate::seed::Seed;
use crate::trouble::{Kind as NetKind, NetFault};
use ravelin_core::{Fault as Harm, FaultPoint};
use std::fmt;
use std::time::Duration;

/// One thing that goes wrong in a run. Times are since the beginning of the run, in virtual time.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// An actor comes to harm as it comes by a point for the `nth` time.
    At {
        /// The name of its place; `None`: whoever comes by.
        place: Option<Name>,
        /// The kind of point.
        point: Point,
        /// From which time on, from 1.
        nth: u64,
        /// How often, one time after the other.
        times: u64,
        /// What befalls it; [`Harm`] says where which harm means something.
        harm: Harm,
    },
    /// Each named point ([`System::buggify`](ravelin_core::System::buggify)) goes wrong with this chance; in a quarter
    /// of the runs that have this fault a point is left in peace altogether.
    Buggify {
        /// The chance, in a million.
        per_million: u32,
    },
    /// The wall clock of a node jumps. `now` does not: it is monotonic.
    ClockJump {
        /// The name of the node.
        node: Name,
        /// When.
        at: Duration,
        /// How far.
        by: Duration,
        /// Forward, or back.
        ahead: bool,
    },
    /// A node crashes: all that it had in memory is gone, and its connections are reset. It boots again after a while.
    /// [`NetFault::Vanish`] is the one whose connections hang.
    Crash {
        /// The name of the node.
        node: Name,
        /// When.
        at: Duration,
        /// After how long it boots again.
        down: Duration,
    },
    /// Whoever lives at a place is killed.
    Kill {
        /// The name of the place.
        place: Name,
        /// When.
        at: Duration,
    },
    /// A named point goes wrong once, when the program comes by for the `nth` time.
    Named {
        /// The name of the point.
        point: Name,
        /// Which time, from 1.
        nth: u64,
    },
    /// The network between nodes is in trouble.
    Net(NetFault),
    /// Whoever lives at a place has no turn for a while, as in a handler that takes long; messages wait meanwhile.
    Pause {
        /// The name of the place.
        place: Name,
        /// When.
        at: Duration,
        /// How long.
        time: Duration,
    },
    /// Nothing runs on a node for a while, as in a long pause of its machine.
    Stall {
        /// The name of the node.
        node: Name,
        /// When.
        at: Duration,
        /// How long.
        time: Duration,
    },
}

/// Where an actor may come to harm.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Point {
    /// It goes on after it waited in a callback.
    Await,
    /// Its `init` begins.
    Init,
    /// It is about to handle a message: of this type, by the end of its path, or of any.
    Message(Option<Name>),
    /// Somebody sends it a message: of this type, by the end of its path, or of any.
    Send(Option<Name>),
}

impl Point {
    /// Whether this is where the program is.
    pub(crate) fn is_at(&self, point: FaultPoint) -> bool {
        match (self, point) {
            (Point::Await, FaultPoint::Poll)
            | (Point::Init, FaultPoint::Init)
            | (Point::Message(None), FaultPoint::Message(_))
            | (Point::Send(None), FaultPoint::Send(_)) => true,
            (Point::Message(Some(wanted)), FaultPoint::Message(name))
            | (Point::Send(Some(wanted)), FaultPoint::Send(name)) => {
                name.strip_suffix(&**wanted).is_some_and(|path| path.is_empty() || path.ends_with("::"))
            }
            _ => false,
        }
    }
}

impl Fault {
    /// When the fault happens, if that is a time.
    pub(crate) fn at(&self) -> Option<Duration> {
        match self {
            Fault::At { .. } | Fault::Buggify { .. } | Fault::Named { .. } => None,
            Fault::ClockJump { at, .. }
            | Fault::Crash { at, .. }
            | Fault::Kill { at, .. }
            | Fault::Pause { at, .. }
            | Fault::Stall { at, .. } => Some(*at),
            Fault::Net(fault) => Some(fault.at()),
        }
    }

    /// The fault with half its duration, if it has one worth halving.
    pub(crate) fn halved(&self) -> Option<Fault> {
        let mut half = self.clone();
        match &mut half {
            Fault::ClockJump { by: time, .. }
            | Fault::Crash { down: time, .. }
            | Fault::Pause { time, .. }
            | Fault::Stall { time, .. }
                if *time >= Duration::from_millis(2) =>
            {
                *time /= 2;
            }
            Fault::At { harm: Harm::Delay(time) | Harm::Stall(time), .. }
                if *time >= Duration::from_millis(2) =>
            {
                *time /= 2;
            }
            Fault::At { times, .. } if *times > 1 => *times /= 2,
            Fault::Net(fault) => *fault = fault.halved()?,
            _ => return None,
        }
        Some(half)
    }
}

impl From<NetFault> for Fault {
    fn from(fault: NetFault) -> Fault {
        Fault::Net(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::At { place, point, nth, times, harm } => {
                let place = place.as_deref().unwrap_or("anybody");
                match harm {
                    Harm::Delay(time) => write!(f, "`{place}` gets it {time:?} late: ")?,
                    Harm::Drop => write!(f, "`{place}` loses ")?,
                    Harm::Full => write!(f, "the mailbox of `{place}` is full for ")?,
                    Harm::Kill => write!(f, "`{place}` is killed at ")?,
                    Harm::Panic => write!(f, "`{place}` is made to panic at ")?,
                    Harm::Stall(time) => write!(f, "`{place}` stalls for {time:?} before ")?,
                    other => write!(f, "`{place}` suffers {other:?} at ")?,
                }
                match point {
                    Point::Await => write!(f, "await {nth}")?,
                    Point::Init => write!(f, "init {nth}")?,
                    Point::Message(None) | Point::Send(None) => write!(f, "message {nth}")?,
                    Point::Message(Some(name)) | Point::Send(Some(name)) => {
                        write!(f, "message {nth} of type {name}")?;
                    }
                }
                if *times > 1 { write!(f, " and the {} after it", times - 1) } else { Ok(()) }
            }
            Fault::Buggify { per_million } => write!(f, "named points go wrong, {per_million} in a million"),
            Fault::ClockJump { node, at, by, ahead } => {
                let way = if *ahead { "forward" } else { "back" };
                write!(f, "at {at:?} the wall clock of `{node}` jumps {way} by {by:?}")
            }
            Fault::Crash { node, at, down } => {
                write!(f, "at {at:?} node `{node}` crashes, and boots again after {down:?}")
            }
            Fault::Net(fault) => fault.fmt(f),
            Fault::Kill { place, at } => write!(f, "at {at:?} `{place}` is killed"),
            Fault::Pause { place, at, time } => write!(f, "at {at:?} `{place}` is paused for {time:?}"),
            Fault::Named { point, nth } => write!(f, "the point `{point}` goes wrong the {nth}. time"),
            Fault::Stall { node, at, time } => write!(f, "at {at:?} node `{node}` stalls for {time:?}"),
        }
    }
}

/// The faults of one run. A list, in which the order means nothing.
pub type Scenario = Vec<Fault>;

/// Which faults a seed may draw: how many at most of each kind, over which time, and some that are always there.
///
/// Drawn swarm style: in every other run a kind is off altogether, so that what one kind hides another run shows.
///
/// ```
/// use ravelin_sim::{Faults, Seed};
/// use std::time::Duration;
/// let faults = Faults::none().kills("worker", 3).crashes("a", 1).over(Duration::from_secs(5));
/// assert_eq!(faults.draw(Seed(1)), faults.draw(Seed(1)));
/// assert!((0..100).any(|seed| faults.draw(Seed(seed)).len() == 4));
/// assert!((0..100).any(|seed| faults.draw(Seed(seed)).is_empty()));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Faults {
    always: Scenario,
    kinds: Vec<(Kind, u32)>,
    among: Vec<Name>,
    after: Duration,
    over: Duration,
}

/// What may be drawn, and of whom.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    Await(Option<Name>),
    Buggify,
    ClockJump(Name),
    Crash(Name),
    Delay(Name, Name),
    Drop(Name, Name),
    Full(Name, Name),
    Hold(Name, Name),
    Init(Name),
    Kill(Name),
    Message(Name),
    Net(NetKind),
    Pause(Name),
    Stall(Name),
}

impl Default for Faults {
    fn default() -> Faults {
        Faults::none()
    }
}

impl Faults {
    /// None. Time is drawn from the first ten seconds if nothing else is said.
    pub fn none() -> Faults {
        let (after, over) = (Duration::ZERO, Duration::from_secs(10));
        Faults { always: Vec::new(), kinds: Vec::new(), among: Vec::new(), after, over }
    }

    /// This fault is in every run.
    pub fn always(mut self, fault: Fault) -> Faults {
        self.always.push(fault);
        self
    }

    /// No fault that has a time strikes before this one: while the program starts, say.
    pub fn after(mut self, after: Duration) -> Faults {
        self.after = after;
        self
    }

    /// From how much virtual time the times of faults are drawn.
    pub fn over(mut self, over: Duration) -> Faults {
        self.over = over;
        self
    }

    fn may(mut self, kind: Kind, max: u32) -> Faults {
        self.kinds.push((kind, max));
        self
    }

    /// Up to `max` kills of whoever lives at the place.
    pub fn kills(self, place: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Kill(place.into()), max)
    }

    /// Up to `max` panics or kills at an await in a callback of whoever lives at the place.
    pub fn at_awaits_of(self, place: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Await(Some(place.into())), max)
    }

    /// Up to `max` panics or kills at an await in a callback of any actor, supervisors among them.
    pub fn at_awaits(self, max: u32) -> Faults {
        self.may(Kind::Await(None), max)
    }

    /// Up to `max` panics or kills as whoever lives at the place is about to handle a message.
    pub fn at_messages_of(self, place: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Message(place.into()), max)
    }

    /// Up to `max` messages of this type, by the end of its path, that whoever lives at the place accepts and loses.
    pub fn drops_of(self, place: impl Into<Name>, message: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Drop(place.into(), message.into()), max)
    }

    /// Up to `max` messages of this type that come up to a fifth of a second late: others overtake them.
    ///
    /// ```
    /// use ravelin_sim::{Fault, Faults, Harm, Seed};
    /// let faults = Faults::none().delays_of("worker", "Add", 3);
    /// let is_delay = |fault: &Fault| matches!(fault, Fault::At { harm: Harm::Delay(_), .. });
    /// assert!((0..20).map(Seed).flat_map(|seed| faults.draw(seed)).all(|fault| is_delay(&fault)));
    /// ```
    pub fn delays_of(self, place: impl Into<Name>, message: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Delay(place.into(), message.into()), max)
    }

    /// Up to `max` messages of this type before which whoever lives at the place stalls, for up to a fifth of a second.
    pub fn stalls_of(self, place: impl Into<Name>, message: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Hold(place.into(), message.into()), max)
    }

    /// Up to `max` stretches of messages of this type for which the mailbox at the place is full.
    pub fn overflows_of(self, place: impl Into<Name>, message: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Full(place.into(), message.into()), max)
    }

    /// Up to `max` stretches of starts at the place that fail.
    pub fn failed_inits_of(self, place: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Init(place.into()), max)
    }

    /// Up to `max` pauses of whoever lives at the place, of up to two seconds.
    pub fn pauses(self, place: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Pause(place.into()), max)
    }

    /// Up to `max` crashes of the node, each with a boot after it.
    pub fn crashes(self, node: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Crash(node.into()), max)
    }

    /// Up to `max` stalls of the node, of up to two seconds.
    pub fn stalls(self, node: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Stall(node.into()), max)
    }

    /// Up to `max` jumps of the node's wall clock, of up to an hour.
    pub fn clock_jumps(self, node: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::ClockJump(node.into()), max)
    }

    /// Trouble in the network is between these nodes: all but `main`, if nothing is said.
    pub fn among<N: Into<Name>>(mut self, nodes: impl IntoIterator<Item = N>) -> Faults {
        self.among = nodes.into_iter().map(Into::into).collect();
        self
    }

    /// Up to `max` partitions: some nodes and the others can not reach each other, for up to eight seconds.
    pub fn partitions(self, max: u32) -> Faults {
        self.may(Kind::Net(NetKind::Partition), max)
    }

    /// Up to `max` cuts of one direction, between two nodes or two sides, for up to eight seconds.
    pub fn cuts(self, max: u32) -> Faults {
        self.may(Kind::Net(NetKind::Cut), max)
    }

    /// Up to `max` clogs of one direction, between two nodes or two sides, for up to eight seconds.
    pub fn clogs(self, max: u32) -> Faults {
        self.may(Kind::Net(NetKind::Clog), max)
    }

    /// Up to `max` times that links are slow, or lose, double and reorder datagrams, for up to eight seconds.
    pub fn bad_links(self, max: u32) -> Faults {
        self.may(Kind::Net(NetKind::BadLink), max)
    }

    /// Up to `max` times that connections between nodes break.
    pub fn severs(self, max: u32) -> Faults {
        self.may(Kind::Net(NetKind::Sever), max)
    }

    /// Up to `max` crashes of the node after which its connections hang, each with a boot after it.
    pub fn power_losses(self, node: impl Into<Name>, max: u32) -> Faults {
        self.may(Kind::Net(NetKind::Vanish(node.into())), max)
    }

    /// Named points go wrong, now and then.
    pub fn buggify(self) -> Faults {
        self.may(Kind::Buggify, 1)
    }

    /// The faults of the run of this seed. Each kind draws from a stream of its own.
    pub fn draw(&self, seed: Seed) -> Scenario {
        let mut scenario = self.always.clone();
        for (index, (kind, max)) in self.kinds.iter().enumerate() {
            let mut random = seed.random(&format!("fault.{index}"));
            if random.chance(500_000) {
                continue;
            }
            for _ in 0..random.below(u64::from(*max)) + 1 {
                let at = self.after + Duration::from_micros(random.below(self.over.as_micros() as u64));
                let bits = random.below(10);
                let nth = random.below(1 << bits) + 1;
                let time = Duration::from_micros(random.below(2_000_000) + 1);
                let harm = if random.chance(500_000) { Harm::Kill } else { Harm::Panic };
                let aim = |place: &Option<Name>, point, times| {
                    let place = place.clone();
                    Fault::At { place, point, nth, times, harm }
                };
                let hit = |place: &Name, message: &Name, times, harm| {
                    let (place, message) = (Some(place.clone()), Some(message.clone()));
                    let point =
                        if harm == Harm::Full { Point::Send(message) } else { Point::Message(message) };
                    Fault::At { place, point, nth, times, harm }
                };
                scenario.push(match kind {
                    Kind::Delay(place, message) => hit(place, message, 1, Harm::Delay(time / 10)),
                    Kind::Drop(place, message) => hit(place, message, 1, Harm::Drop),
                    Kind::Full(place, message) => hit(place, message, random.below(8) + 1, Harm::Full),
                    Kind::Hold(place, message) => hit(place, message, 1, Harm::Stall(time / 10)),
                    Kind::Await(place) => aim(place, Point::Await, 1),
                    Kind::Buggify => Fault::Buggify { per_million: 1 << random.below(18) },
                    Kind::ClockJump(node) => Fault::ClockJump {
                        node: node.clone(),
                        at,
                        by: time * 1800,
                        ahead: random.chance(500_000),
                    },
                    Kind::Crash(node) => Fault::Crash { node: node.clone(), at, down: time },
                    Kind::Init(place) => aim(&Some(place.clone()), Point::Init, random.below(4) + 1),
                    Kind::Kill(place) => Fault::Kill { place: place.clone(), at },
                    Kind::Message(place) => aim(&Some(place.clone()), Point::Message(None), 1),
                    Kind::Net(kind) => {
                        let time = time * (1 << random.below(3));
                        Fault::Net(kind.draw(&self.among, at, time, &mut random))
                    }
                    Kind::Pause(place) => Fault::Pause { place: place.clone(), at, time },
                    Kind::Stall(node) => Fault::Stall { node: node.clone(), at, time },
                });
            }
        }
        scenario
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_the_end_of_its_path() {
        let named = |name: &str| Point::Message(Some(name.into()));
        for (point, name, is_at) in [
            (Point::Message(None), "app::Add", true),
            (named("Add"), "app::Add", true),
            (named("app::Add"), "app::Add", true),
            (named("Add"), "Add", true),
            (named("Add"), "app::ReAdd", false),
            (named("Add"), "app::Get", false),
            (Point::Await, "app::Add", false),
        ] {
            assert_eq!(point.is_at(FaultPoint::Message(name.to_owned().leak())), is_at, "{point:?} {name}");
        }
    }

    #[test]
    fn a_kind_that_is_added_leaves_what_the_others_draw_alone() {
        let one = Faults::none().kills("w", 4);
        let both = one.clone().crashes("a", 4);
        for seed in (0..50).map(Seed) {
            assert!(both.draw(seed).starts_with(&one.draw(seed)));
        }
    }
}
