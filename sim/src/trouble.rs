//! [pure] Trouble in the network as values: which nodes, when, for how long; and how it is drawn.

use crate::log::Name;
use crate::luck::Ppm;
use crate::net::Link;
use crate::seed::Random;
use std::fmt;
use std::time::Duration;

/// Trouble in the network. Times are since the beginning of the run, in virtual time.
///
/// What two troubles cut is whole again when both are over.
///
/// ```
/// use ravelin_sim::{Fault, NetFault, Side};
/// use std::time::Duration;
/// let (at, time) = (Duration::from_secs(1), Duration::from_secs(2));
/// let fault = NetFault::Partition { one: Side::nodes(["a", "b"]), other: Side::Rest, at, time };
/// assert_eq!(Fault::from(fault).to_string(), "at 1s `a`, `b` and all others are cut off from each other for 2s");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NetFault {
    /// What is sent from one side to the other is held, and arrives when this is over. Nothing is lost.
    Clog {
        /// Who sends.
        from: Side,
        /// Who gets nothing.
        to: Side,
        /// When.
        at: Duration,
        /// How long.
        time: Duration,
    },
    /// Nothing gets from one side to the other. The way back is whole.
    CutOneWay {
        /// Who sends.
        from: Side,
        /// Who gets nothing.
        to: Side,
        /// When.
        at: Duration,
        /// How long.
        time: Duration,
    },
    /// The links from one side to the other have this setting for a while.
    Degrade {
        /// Who sends.
        from: Side,
        /// Who gets it.
        to: Side,
        /// The setting.
        link: Link,
        /// When.
        at: Duration,
        /// How long.
        time: Duration,
    },
    /// Nothing gets from one side to the other, or back.
    Partition {
        /// The one side.
        one: Side,
        /// The other side.
        other: Side,
        /// When.
        at: Duration,
        /// How long.
        time: Duration,
    },
    /// The connections between the two sides break, and both ends are told.
    Sever {
        /// The one side.
        one: Side,
        /// The other side.
        other: Side,
        /// When.
        at: Duration,
    },
    /// A node crashes as a machine without power does: its connections hang, where those of
    /// [`Fault::Crash`](crate::Fault::Crash) are reset. The others learn of it when they give up, or when it is back.
    Vanish {
        /// The name of the node.
        node: Name,
        /// When.
        at: Duration,
        /// After how long it boots again.
        down: Duration,
    },
}

/// Some of the nodes. The node `main` is only among them when it is named.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Side {
    /// Those.
    Nodes(Vec<Name>),
    /// One of those that there are at that time, by this number.
    OneOf(u64),
    /// All that are not on the other side.
    Rest,
    /// Some of those that there are at that time, but not all, by this number.
    SomeOf(u64),
}

impl Side {
    /// Nodes by their names.
    pub fn nodes<N: Into<Name>>(names: impl IntoIterator<Item = N>) -> Side {
        Side::Nodes(names.into_iter().map(Into::into).collect())
    }

    /// Whom this means among `nodes`, when those of `but` are on the other side already.
    fn among(&self, nodes: &[Name], but: &[Name]) -> Vec<Name> {
        let rest = || nodes.iter().filter(|name| !but.contains(name)).cloned();
        match self {
            Side::Nodes(names) => names.clone(),
            Side::OneOf(number) => {
                let count = rest().count() as u64;
                rest().nth(number.checked_rem(count).unwrap_or(0) as usize).into_iter().collect()
            }
            Side::Rest => rest().collect(),
            Side::SomeOf(number) => {
                // Of n nodes there are 2^n - 2 sets that are neither empty nor all.
                let sets = (1_u64 << rest().count().min(63)).saturating_sub(2);
                let set = number.checked_rem(sets).map_or(u64::MAX, |set| set + 1);
                let is_in = |at: usize| set >> at.min(63) & 1 == 1;
                rest().enumerate().filter(|(at, _)| is_in(*at)).map(|(_, name)| name).collect()
            }
        }
    }

    fn is_drawn(&self) -> bool {
        matches!(self, Side::OneOf(_) | Side::SomeOf(_) | Side::Rest)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Side::Nodes(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                f.write_str(&names.join(", "))
            }
            Side::OneOf(_) => f.write_str("a node"),
            Side::Rest => f.write_str("all others"),
            Side::SomeOf(_) => f.write_str("some nodes"),
        }
    }
}

impl NetFault {
    /// What it is counted as.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            NetFault::Clog { .. } => "clog",
            NetFault::CutOneWay { .. } => "cut",
            NetFault::Degrade { .. } => "bad link",
            NetFault::Partition { .. } => "partition",
            NetFault::Sever { .. } => "sever",
            NetFault::Vanish { .. } => "power loss",
        }
    }

    /// When it happens.
    pub(crate) fn at(&self) -> Duration {
        match self {
            NetFault::Clog { at, .. }
            | NetFault::CutOneWay { at, .. }
            | NetFault::Degrade { at, .. }
            | NetFault::Partition { at, .. }
            | NetFault::Sever { at, .. }
            | NetFault::Vanish { at, .. } => *at,
        }
    }

    /// With half its duration, if it has one worth halving.
    pub(crate) fn halved(&self) -> Option<NetFault> {
        let mut half = self.clone();
        match &mut half {
            NetFault::Clog { time, .. }
            | NetFault::CutOneWay { time, .. }
            | NetFault::Degrade { time, .. }
            | NetFault::Partition { time, .. }
            | NetFault::Vanish { down: time, .. }
                if *time >= Duration::from_millis(2) =>
            {
                *time /= 2;
            }
            _ => return None,
        }
        Some(half)
    }

    /// The two sides.
    fn sides_mut(&mut self) -> Option<(&mut Side, &mut Side)> {
        match self {
            NetFault::Clog { from: one, to: other, .. }
            | NetFault::CutOneWay { from: one, to: other, .. }
            | NetFault::Degrade { from: one, to: other, .. }
            | NetFault::Partition { one, other, .. }
            | NetFault::Sever { one, other, .. } => Some((one, other)),
            NetFault::Vanish { .. } => None,
        }
    }

    /// Whether it says by a number, or by what there is, whom it strikes.
    pub(crate) fn is_drawn(&self) -> bool {
        let mut clone = self.clone();
        clone.sides_mut().is_some_and(|(one, other)| one.is_drawn() || other.is_drawn())
    }

    /// The same with names on both sides, and those names, where it has sides.
    pub(crate) fn named(&self, nodes: &[Name]) -> (NetFault, Vec<Name>, Vec<Name>) {
        let mut named = self.clone();
        let Some((one, other)) = named.sides_mut() else { return (named, Vec::new(), Vec::new()) };
        // A side that means the rest looks at the other one first.
        let (first, second) = if *one == Side::Rest {
            let second = other.among(nodes, &[]);
            (one.among(nodes, &second), second)
        } else {
            let first = one.among(nodes, &[]);
            let second = other.among(nodes, &first);
            (first, second)
        };
        (*one, *other) = (Side::Nodes(first.clone()), Side::Nodes(second.clone()));
        (named, first, second)
    }
}

impl fmt::Display for NetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetFault::Clog { from, to, at, time } => {
                write!(f, "at {at:?} what {from} sends to {to} is held for {time:?}")
            }
            NetFault::CutOneWay { from, to, at, time } => {
                write!(f, "at {at:?} nothing gets from {from} to {to} for {time:?}")
            }
            NetFault::Degrade { from, to, link, at, time } => {
                write!(f, "at {at:?} the links from {from} to {to} are bad for {time:?}: {}", Bad(link))
            }
            NetFault::Partition { one, other, at, time } => {
                write!(f, "at {at:?} {one} and {other} are cut off from each other for {time:?}")
            }
            NetFault::Sever { one, other, at } => {
                write!(f, "at {at:?} the connections between {one} and {other} break")
            }
            NetFault::Vanish { node, at, down } => {
                write!(f, "at {at:?} node `{node}` loses power, and boots again after {down:?}")
            }
        }
    }
}

/// What is bad about a link.
struct Bad<'a>(&'a Link);

impl fmt::Display for Bad<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Link { latency, jitter, loss, duplicate, reorder, .. } = self.0;
        write!(f, "{latency:?} to {:?}", *latency + *jitter)?;
        for (chance, what) in [(loss, "lost"), (duplicate, "doubled"), (reorder, "overtaken")] {
            if *chance != Ppm::NEVER {
                write!(f, ", {chance} {what}")?;
            }
        }
        Ok(())
    }
}

/// What may be drawn.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    BadLink,
    Clog,
    Cut,
    Partition,
    Sever,
    Vanish(Name),
}

impl Kind {
    /// One of this kind, over these nodes; over those that there will be, when none are given.
    pub(crate) fn draw(&self, nodes: &[Name], at: Duration, time: Duration, random: &mut Random) -> NetFault {
        let side = |side: Side, but: &Side| match (&side, but) {
            _ if nodes.is_empty() => side,
            (_, Side::Nodes(but)) => Side::Nodes(side.among(nodes, but)),
            _ => Side::Nodes(side.among(nodes, &[])),
        };
        let (some, other) = (random.next(), random.next());
        let one_node = side(Side::OneOf(some), &Side::Rest);
        let other_node = side(Side::OneOf(other), &one_node);
        let some_nodes = side(Side::SomeOf(some), &Side::Rest);
        let rest = side(Side::Rest, &some_nodes);
        let is_wide = random.chance(500_000);
        let (from, to) = if is_wide { (some_nodes.clone(), rest.clone()) } else { (one_node, other_node) };
        let link = bad_link(random);
        match self {
            Kind::BadLink => NetFault::Degrade { from, to, link, at, time },
            Kind::Clog => NetFault::Clog { from, to, at, time },
            Kind::Cut => NetFault::CutOneWay { from, to, at, time },
            Kind::Partition => NetFault::Partition { one: some_nodes, other: rest, at, time },
            Kind::Sever => NetFault::Sever { one: from, other: to, at },
            Kind::Vanish(node) => NetFault::Vanish { node: node.clone(), at, down: time },
        }
    }
}

/// Each of its faults is off in half of the links.
fn bad_link(random: &mut Random) -> Link {
    let mut percent = |most: u64| {
        let (is_on, percent) = (random.chance(500_000), random.below(most) + 1);
        Ppm::percent(if is_on { percent as u32 } else { 0 })
    };
    let (loss, duplicate, reorder, tail) = (percent(30), percent(10), percent(20), percent(5));
    let mut millis = |most: u64| Duration::from_millis(random.below(most) + 1);
    let (latency, jitter, reorder_max, tail_max) = (millis(50), millis(50), millis(100), millis(500));
    Link { latency, jitter, tail, tail_max, loss, duplicate, reorder, reorder_max, bandwidth: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn names(text: &str) -> Vec<Name> {
        text.split_whitespace().map(Name::from).collect()
    }

    #[test]
    fn a_side_is_found_among_the_nodes_that_there_are() {
        for (side, nodes, but, found) in [
            (Side::nodes(["x"]), "a b", "", "x"),
            (Side::Rest, "a b c", "b", "a c"),
            (Side::OneOf(4), "a b c", "", "b"),
            (Side::OneOf(4), "a b c", "b", "a"),
            (Side::OneOf(4), "", "", ""),
            (Side::SomeOf(0), "a b", "", "a"),
            (Side::SomeOf(1), "a b", "", "b"),
            (Side::SomeOf(5), "a b c", "", "b c"),
            (Side::SomeOf(6), "a b c", "", "a"),
            (Side::SomeOf(9), "a", "", "a"),
        ] {
            assert_eq!(side.among(&names(nodes), &names(but)), names(found), "{side:?} of {nodes}");
        }
    }

    #[test]
    fn what_is_drawn_over_names_has_names_and_what_is_drawn_over_all_finds_them() {
        let kinds = [Kind::BadLink, Kind::Clog, Kind::Cut, Kind::Partition, Kind::Sever];
        for (seed, kind) in (0..40).flat_map(|seed| kinds.iter().map(move |kind| (seed, kind))) {
            let draw = |nodes: &[Name]| {
                kind.draw(nodes, Duration::ZERO, Duration::from_secs(1), &mut Seed(seed).random("x"))
            };
            let nodes = names("a b c");
            let (concrete, one, other) = draw(&[]).named(&nodes);
            assert!(!concrete.is_drawn() && draw(&[]).is_drawn());
            assert_eq!(concrete, draw(&nodes), "the same, however it is said");
            assert!(!one.is_empty() && !other.is_empty(), "{concrete}");
            assert!(one.iter().all(|name| !other.contains(name)), "{concrete}");
        }
    }
}
