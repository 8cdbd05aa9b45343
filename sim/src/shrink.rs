//! [pure] Shrinking: a failing run made smaller while it still fails.

use crate::fault::Scenario;
use crate::order::Order;

/// What of a run can be made smaller.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Case {
    pub(crate) order: Order,
    pub(crate) scenario: Scenario,
}

/// The smallest case that was found, and in how many runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shrunk {
    pub(crate) case: Case,
    pub(crate) runs: u32,
    /// Whether nothing smaller fails, as far as this looks: false when the runs were used up.
    pub(crate) is_done: bool,
}

/// Makes a failing case smaller: leaves faults out, first many at a time, then one by one; halves what they last, and
/// the number of preemptions. `fails` tells whether a case still fails in the same way; it is asked `runs_max` times.
pub(crate) fn shrink(case: Case, runs_max: u32, mut fails: impl FnMut(&Case) -> bool) -> Shrunk {
    let mut best = case;
    let mut runs = 0;
    loop {
        let mut has_shrunk = false;
        let mut smaller = Candidates::of(&best);
        while let Some(case) = smaller.next(&best) {
            if runs == runs_max {
                return Shrunk { case: best, runs, is_done: false };
            }
            runs += 1;
            if fails(&case) {
                best = case;
                has_shrunk = true;
            }
        }
        if !has_shrunk {
            return Shrunk { case: best, runs, is_done: true };
        }
    }
}

/// Walks over what is a little smaller than the best case, which may shrink meanwhile.
struct Candidates {
    /// How many faults are left out at a time; 0: none, they are halved.
    chunk: usize,
    at: usize,
    /// Which simpler orders were tried.
    orders: u32,
    /// How many faults the best case had, to see that it shrank.
    len: usize,
}

impl Candidates {
    fn of(best: &Case) -> Candidates {
        Candidates { chunk: best.scenario.len(), at: 0, orders: 0, len: best.scenario.len() }
    }

    fn next(&mut self, best: &Case) -> Option<Case> {
        if best.scenario.len() < self.len {
            // What was left out stays out; the next ones have moved here.
            self.at = self.at.saturating_sub(self.chunk);
            self.len = best.scenario.len();
        }
        while self.chunk > 0 {
            if self.at < best.scenario.len() {
                let end = (self.at + self.chunk).min(best.scenario.len());
                let mut case = best.clone();
                case.scenario.drain(self.at..end);
                self.at = end.max(self.at + self.chunk);
                return Some(case);
            }
            self.chunk /= 2;
            self.at = 0;
        }
        while self.at < best.scenario.len() {
            let at = self.at;
            self.at += 1;
            if let Some(half) = best.scenario[at].halved() {
                let mut case = best.clone();
                case.scenario[at] = half;
                return Some(case);
            }
        }
        loop {
            let order = match (best.order, self.orders) {
                (Order::Fifo, _) | (_, 2..) => return None,
                (_, 0) => Some(Order::Fifo),
                (Order::Bounded { preemptions }, _) if preemptions > 0 => {
                    Some(Order::Bounded { preemptions: preemptions / 2 })
                }
                _ => None,
            };
            self.orders += 1;
            if let Some(order) = order {
                return Some(Case { order, scenario: best.scenario.clone() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use std::time::Duration;

    fn kill(ms: u64) -> Fault {
        Fault::Kill { place: "w".into(), at: Duration::from_millis(ms) }
    }

    fn stall(ms: u64) -> Fault {
        Fault::Stall { node: "a".into(), at: Duration::ZERO, time: Duration::from_millis(ms) }
    }

    #[test]
    fn what_does_not_matter_is_left_out() {
        let scenario: Scenario = (0..40).map(kill).collect();
        let case = Case { order: Order::Random, scenario };
        let fails = |case: &Case| case.scenario.contains(&kill(7)) && case.scenario.contains(&kill(31));
        let shrunk = shrink(case, 500, fails);
        assert_eq!(shrunk.case.scenario, [kill(7), kill(31)]);
        assert_eq!(shrunk.case.order, Order::Fifo);
        assert!(shrunk.is_done && shrunk.runs < 120, "{}", shrunk.runs);
    }

    #[test]
    fn what_lasts_and_preemptions_are_halved() {
        let case = Case { order: Order::Bounded { preemptions: 20 }, scenario: vec![stall(1000)] };
        let fails = |case: &Case| {
            let is_long =
                |fault: &Fault| matches!(fault, Fault::Stall { time, .. } if time.as_millis() >= 100);
            let preemptions = if let Order::Bounded { preemptions } = case.order { preemptions } else { 0 };
            preemptions >= 3 && case.scenario.iter().any(is_long)
        };
        let shrunk = shrink(case, 500, fails);
        assert_eq!(
            shrunk.case,
            Case { order: Order::Bounded { preemptions: 5 }, scenario: vec![stall(125)] }
        );
    }

    #[test]
    fn it_stops_when_the_runs_are_used_up() {
        let case = Case { order: Order::Fifo, scenario: (0..10).map(kill).collect() };
        let shrunk = shrink(case.clone(), 3, |_| false);
        assert_eq!(shrunk, Shrunk { case, runs: 3, is_done: false });
    }
}
