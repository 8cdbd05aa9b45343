//! [pure] Whose turn is next: the order in which tasks that are ready run.

use crate::seed::Random;
use std::collections::VecDeque;

/// A task of a run, by the order in which tasks were made. 0 is the test itself.
pub type TaskId = u64;

/// The order in which tasks that are ready run.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Order {
    /// Who was ready first runs first, as on most executors. Finds no race, and disturbs no one who looks for something
    /// else.
    Fifo,
    /// Any of them, each as likely. Finds most races.
    #[default]
    Random,
    /// By a random priority, which changes at so many random polls: finds races that need few preemptions but long
    /// stretches between them, which `Random` makes unlikely. (PCT, Burckhardt and others, 2010.)
    Bounded {
        /// At how many polls the task that would run goes to the back of the line.
        preemptions: u32,
    },
}

/// After so many turns in a row one that could run always gives way, so that none who waits by yielding waits for ever.
const ROW_MAX: u32 = 64;
/// Changes of priority are drawn from the first `2^16` polls, with small numbers as likely as large ones.
const SPAN_BITS: u64 = 16;
/// Priorities at the start are above this, those of who gave way below.
const MIDDLE: u64 = 1 << 63;

/// Chooses. Costs O(1), with `Bounded` O(ready tasks).
pub(crate) struct Turns {
    order: Order,
    random: Random,
    /// By task.
    ranks: Vec<u64>,
    /// At which turns somebody gives way; the next one last.
    changes: Vec<u64>,
    turns: u64,
    last: TaskId,
    in_a_row: u32,
    lowest: u64,
}

impl Turns {
    pub(crate) fn new(order: Order, mut random: Random) -> Turns {
        let preemptions = if let Order::Bounded { preemptions } = order { preemptions } else { 0 };
        let mut draw = || {
            let bits = random.below(SPAN_BITS) + 1;
            random.below(1 << bits)
        };
        // Fewer preemptions are a beginning of more, so that they can be halved.
        let mut changes: Vec<u64> = (0..preemptions).map(|_| draw()).collect();
        changes.sort_by(|a, b| b.cmp(a));
        Turns { order, random, ranks: Vec::new(), changes, turns: 0, last: 0, in_a_row: 0, lowest: MIDDLE }
    }

    /// Takes the one whose turn it is out of `ready`.
    pub(crate) fn pick(&mut self, ready: &mut VecDeque<TaskId>) -> Option<TaskId> {
        match self.order {
            Order::Fifo => ready.pop_front(),
            Order::Random => {
                let at = self.random.below(ready.len() as u64);
                ready.swap_remove_back(at as usize)
            }
            Order::Bounded { .. } => self.pick_by_rank(ready),
        }
    }

    fn pick_by_rank(&mut self, ready: &mut VecDeque<TaskId>) -> Option<TaskId> {
        let first = self.highest(ready)?;
        self.turns += 1;
        let mut gives_way = false;
        while self.changes.pop_if(|at| *at < self.turns).is_some() {
            gives_way = true;
        }
        self.in_a_row = if ready[first] == self.last { self.in_a_row + 1 } else { 1 };
        gives_way |= self.in_a_row > ROW_MAX;
        let mut at = first;
        if gives_way && ready.len() > 1 {
            self.lowest -= 1;
            self.ranks[ready[first] as usize] = self.lowest;
            at = self.highest(ready)?;
            self.in_a_row = 1;
        }
        self.last = ready[at];
        ready.remove(at)
    }

    /// The place in line of the one with the highest priority.
    fn highest(&mut self, ready: &VecDeque<TaskId>) -> Option<usize> {
        for task in ready {
            while self.ranks.len() as u64 <= *task {
                self.ranks.push(MIDDLE | self.random.next());
            }
        }
        (0..ready.len()).max_by_key(|at| self.ranks[ready[*at] as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn picks(order: Order, seed: u64) -> Vec<TaskId> {
        let mut turns = Turns::new(order, Seed(seed).random("order"));
        let mut ready: VecDeque<_> = (0..8).collect();
        std::iter::from_fn(|| turns.pick(&mut ready)).collect()
    }

    #[test]
    fn each_order_gives_everybody_one_turn() {
        for order in [Order::Fifo, Order::Random, Order::Bounded { preemptions: 3 }] {
            let mut all = picks(order, 1);
            all.sort_unstable();
            assert_eq!(all, (0..8).collect::<Vec<_>>(), "{order:?}");
        }
    }

    #[test]
    fn fifo_is_the_order_of_coming_and_the_others_follow_the_seed() {
        assert_eq!(picks(Order::Fifo, 1), (0..8).collect::<Vec<_>>());
        for order in [Order::Random, Order::Bounded { preemptions: 3 }] {
            assert_eq!(picks(order, 1), picks(order, 1));
            assert_ne!(picks(order, 1), picks(order, 2), "{order:?}");
        }
    }

    #[test]
    fn with_priorities_who_yields_for_ever_gives_way() {
        let mut turns = Turns::new(Order::Bounded { preemptions: 0 }, Seed(1).random("order"));
        let mut ready: VecDeque<_> = [1, 2].into();
        let mut seen = [0; 3];
        for _ in 0..1000 {
            let task = turns.pick(&mut ready).unwrap();
            seen[task as usize] += 1;
            ready.push_back(task);
        }
        assert!(seen[1] > 100 && seen[2] > 100, "{seen:?}");
    }
}
