//! [pure] The faults that strike where the program comes by: which of them strikes now.

use crate::fault::Fault;
use crate::log::Name;
use crate::seed::{Random, Seed};
use ravelin_core::{Fault as Harm, FaultPoint};
use std::collections::BTreeMap;

/// Counts who comes by, and answers.
pub(crate) struct Mischief {
    seed: Seed,
    /// Each fault of the kind `At`, and how often somebody came by.
    aimed: Vec<(Fault, u64)>,
    /// Points that go wrong the how-manieth time.
    named: Vec<(Name, u64)>,
    per_million: u32,
    points: BTreeMap<&'static str, Named>,
    is_over: bool,
}

/// A named point: how often it was passed, and its luck.
struct Named {
    passed: u64,
    random: Random,
    is_spared: bool,
}

impl Mischief {
    pub(crate) fn new(seed: Seed) -> Mischief {
        Mischief {
            seed,
            aimed: Vec::new(),
            named: Vec::new(),
            per_million: 0,
            points: BTreeMap::new(),
            is_over: false,
        }
    }

    /// One more. Those that strike at a time are none of its business.
    pub(crate) fn add(&mut self, fault: &Fault) {
        match fault {
            Fault::At { .. } => self.aimed.push((fault.clone(), 0)),
            Fault::Named { point, nth } => self.named.push((point.clone(), *nth)),
            Fault::Buggify { per_million } => self.per_million = self.per_million.max(*per_million),
            Fault::ClockJump { .. }
            | Fault::Crash { .. }
            | Fault::Kill { .. }
            | Fault::Pause { .. }
            | Fault::Stall { .. } => {}
        }
    }

    /// From now on nothing strikes.
    pub(crate) fn calm(&mut self) {
        self.is_over = true;
    }

    /// Somebody comes by. What befalls him, and the fault that says just that and nothing else.
    pub(crate) fn at(&mut self, place: Option<&str>, point: FaultPoint) -> Option<(Harm, Fault)> {
        if self.is_over {
            return None;
        }
        if let FaultPoint::Named(point) = point { self.at_named(point) } else { self.at_actor(place, point) }
    }

    fn at_actor(&mut self, at: Option<&str>, passed: FaultPoint) -> Option<(Harm, Fault)> {
        let mut struck = None;
        for (fault, count) in &mut self.aimed {
            let Fault::At { place, point, nth, times, harm } = &*fault else { continue };
            let is_meant = place.is_none() || place.as_deref() == at;
            if is_meant && point.is_at(passed) {
                *count += 1;
                if (*nth..nth.saturating_add(*times)).contains(count) {
                    struck.get_or_insert_with(|| (*harm, fault.clone()));
                }
            }
        }
        struck
    }

    fn at_named(&mut self, point: &'static str) -> Option<(Harm, Fault)> {
        if self.per_million == 0 && self.named.is_empty() {
            return None;
        }
        let seed = self.seed;
        let passing = self.points.entry(point).or_insert_with(|| {
            let mut random = seed.random(&format!("point.{point}"));
            let is_spared = random.chance(250_000);
            Named { passed: 0, random, is_spared }
        });
        passing.passed += 1;
        let nth = passing.passed;
        let is_due = self.named.iter().any(|(name, due)| **name == *point && *due == nth);
        let is_drawn = !passing.is_spared && passing.random.chance(self.per_million);
        (is_due || is_drawn).then(|| (Harm::Panic, Fault::Named { point: point.into(), nth }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Point;

    #[test]
    fn an_aimed_fault_strikes_the_nth_time_and_so_often() {
        let aimed =
            Fault::At { place: Some("w".into()), point: Point::Await, nth: 2, times: 2, harm: Harm::Kill };
        let mut mischief = Mischief::new(Seed(1));
        mischief.add(&aimed);
        let mut pass = |place, point| mischief.at(place, point).map(|(harm, _)| harm);
        assert_eq!(pass(Some("w"), FaultPoint::Poll), None);
        assert_eq!(pass(Some("v"), FaultPoint::Poll), None);
        assert_eq!(pass(Some("w"), FaultPoint::Init), None);
        assert_eq!(pass(Some("w"), FaultPoint::Poll), Some(Harm::Kill));
        assert_eq!(pass(Some("w"), FaultPoint::Poll), Some(Harm::Kill));
        assert_eq!(pass(Some("w"), FaultPoint::Poll), None);
    }

    #[test]
    fn what_a_rate_did_can_be_done_again_by_name() {
        let run = |scenario: &[Fault]| {
            let mut mischief = Mischief::new(Seed(3));
            scenario.iter().for_each(|fault| mischief.add(fault));
            (0..200)
                .filter_map(|n| mischief.at(None, FaultPoint::Named(if n % 2 == 0 { "a" } else { "b" })))
                .map(|(_, fault)| fault)
                .collect::<Vec<_>>()
        };
        let drawn = run(&[Fault::Buggify { per_million: 200_000 }]);
        assert!(!drawn.is_empty());
        assert_eq!(run(&drawn), drawn);
        assert_eq!(run(&[]), []);
    }
}
