//! [pure] What chaos does, how often and to whom.

use crate::log::Name;
use ravelin_core::Pid;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often something happens.
///
/// ```
/// use ravelin_sim::Rate;
/// use std::time::Duration;
/// assert_eq!(Rate::per_second(20).interval(), Duration::from_millis(50));
/// assert_eq!(Rate::per_minute(30), Rate::every(Duration::from_secs(2)));
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Rate(Duration);

impl Rate {
    /// Once in so much time; no more often than each microsecond.
    pub const fn every(interval: Duration) -> Rate {
        if interval.as_nanos() < 1_000 { Rate(Duration::from_micros(1)) } else { Rate(interval) }
    }

    /// So often in a second; 0 counts as 1.
    pub const fn per_second(count: u32) -> Rate {
        Rate::among(Duration::from_secs(1), count)
    }

    /// So often in a minute; 0 counts as 1.
    pub const fn per_minute(count: u32) -> Rate {
        Rate::among(Duration::from_secs(60), count)
    }

    /// So often in an hour; 0 counts as 1.
    pub const fn per_hour(count: u32) -> Rate {
        Rate::among(Duration::from_secs(3600), count)
    }

    const fn among(time: Duration, count: u32) -> Rate {
        Rate::every(Duration::from_nanos(time.as_nanos() as u64 / if count == 0 { 1 } else { count as u64 }))
    }

    /// From one time to the next.
    pub const fn interval(self) -> Duration {
        self.0
    }
}

/// What [`Chaos`](crate::Chaos) does to whom: kinds of faults with their rates, and places.
///
/// ```
/// use ravelin_sim::{Plan, Rate};
/// let plan = Plan::none()
///     .kills(Rate::per_second(2))
///     .panics(Rate::per_minute(10))
///     .only("worker-*")
///     .spare("worker-1");
/// assert!(plan.concerns("worker-17"));
/// assert!(!plan.concerns("worker-1") && !plan.concerns("database"));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    pub(super) kills: Option<Rate>,
    pub(super) panics: Option<Rate>,
    pub(super) seed: Option<u64>,
    only: Vec<Name>,
    spared: Vec<Name>,
}

impl Plan {
    /// No fault, and if there were one, it could strike every place.
    pub fn none() -> Plan {
        Plan::default()
    }

    /// Whoever lives at a place drawn at random is killed.
    pub fn kills(mut self, rate: Rate) -> Plan {
        self.kills = Some(rate);
        self
    }

    /// The next one who goes on after an await panics there: so one who often waits, more often.
    pub fn panics(mut self, rate: Rate) -> Plan {
        self.panics = Some(rate);
        self
    }

    /// Only places of this name, `*` standing for anything, and of other names given so.
    pub fn only(mut self, places: impl Into<Name>) -> Plan {
        self.only.push(places.into());
        self
    }

    /// Never a place of this name, `*` standing for anything.
    pub fn spare(mut self, places: impl Into<Name>) -> Plan {
        self.spared.push(places.into());
        self
    }

    /// Draws from this seed, not from the runtime's entropy: the same places in the same order, as long as the same
    /// ones live. On a real executor that is no replay.
    pub fn seed(mut self, seed: u64) -> Plan {
        self.seed = Some(seed);
        self
    }

    /// Whether a fault may strike this place.
    pub fn concerns(&self, place: &str) -> bool {
        let fits = |patterns: &[Name]| patterns.iter().any(|pattern| is_like(pattern, place));
        (self.only.is_empty() || fits(&self.only)) && !fits(&self.spared)
    }
}

/// Whether a name is as the pattern says, in which `*` stands for anything, nothing too.
fn is_like(pattern: &str, name: &str) -> bool {
    let Some((front, rest)) = pattern.split_once('*') else { return pattern == name };
    name.strip_prefix(front)
        .is_some_and(|name| (0..=name.len()).any(|at| name.get(at..).is_some_and(|end| is_like(rest, end))))
}

/// One of these. First a kind (names that differ in the number at their end), then one of the kind: else where there
/// are many of one kind it would always be one of them.
pub(super) fn pick(living: Vec<(Name, Pid)>, luck: u64) -> Option<(Name, Pid)> {
    let mut kinds: BTreeMap<String, Vec<(Name, Pid)>> = BTreeMap::new();
    for (name, pid) in living {
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        kinds.entry(kind).or_default().push((name, pid));
    }
    let (which, who) = (luck as u32 as usize, (luck >> 32) as usize);
    let which = which.checked_rem(kinds.len())?;
    let kind = kinds.values_mut().nth(which)?;
    Some(kind.swap_remove(who % kind.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a-*", "a-17", true),
            ("a-*", "b-17", false),
            ("*-7", "a-7", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*é", "éé", true),
        ] {
            assert_eq!(is_like(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn each_kind_is_as_likely_as_any_other_however_many_it_has() {
        let many = (0..100).map(|n| format!("connection-{n}"));
        let names = many.chain(["journal".to_owned()]).map(Name::from);
        let pid = |n: u32| ravelin_core::Pid::from_parts(0, n, 1);
        let living: Vec<_> = names.zip((0..).map(pid)).collect();
        let mut random = crate::Seed(1).random("luck");
        let hits = (0..100)
            .filter(|_| pick(living.clone(), random.next()).is_some_and(|(name, _)| *name == *"journal"));
        assert!((30..70).contains(&hits.count()));
        assert_eq!(pick(Vec::new(), 7), None);
    }
}
