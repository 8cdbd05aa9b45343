//! What came of many seeds: how much was run, or the seed that fails, made as small as it gets.

use crate::failure::Failure;
use crate::fault::{Fault, Scenario};
use crate::order::Order;
use crate::seed::Seed;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// All seeds hold: what was run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Passed {
    /// How many seeds.
    pub seeds: u64,
    /// How many turns tasks had.
    pub polls: u64,
    /// How much virtual time passed, over all runs.
    pub time: Duration,
    /// The sum of the hashes of all runs: the same whatever the number of threads.
    pub hash: u64,
    /// How often a fault of each kind struck: one that is asked for and is not here tests nothing.
    pub struck: BTreeMap<&'static str, u64>,
}

impl Passed {
    pub(crate) fn count(&mut self, struck: &[Fault]) {
        for fault in struck {
            *self.struck.entry(kind(fault)).or_default() += 1;
        }
    }
}

fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::At { .. } => "at",
        Fault::Buggify { .. } => "buggify",
        Fault::ClockJump { .. } => "clock jump",
        Fault::Crash { .. } => "crash",
        Fault::Kill { .. } => "kill",
        Fault::Named { .. } => "named",
        Fault::Pause { .. } => "pause",
        Fault::Stall { .. } => "stall",
    }
}

/// A seed that fails.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// What the test is called.
    pub name: String,
    /// The smallest seed that fails.
    pub seed: Seed,
    /// What is wrong.
    pub failure: Failure,
    /// The faults that are left after shrinking.
    pub scenario: Scenario,
    /// How many faults the seed had drawn.
    pub drawn: usize,
    /// The order that is left after shrinking.
    pub order: Order,
    /// How many runs shrinking took.
    pub runs: u32,
    /// Whether shrinking came to its end; false: its runs were used up.
    pub is_smallest: bool,
    /// The story of the smallest run, a line an event.
    pub story: Vec<String>,
    /// Whether to print the story.
    pub(crate) tells: bool,
}

impl Found {
    /// The line that runs this seed again.
    pub fn replay(&self) -> String {
        format!("RAVELIN_SEED={} cargo test {}", self.seed.0, self.name)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "`{}` fails with seed {}: {}", self.name, self.seed.0, self.failure)?;
        let (left, drawn, runs) = (self.scenario.len(), self.drawn, self.runs);
        let end = if self.is_smallest { "" } else { ", and was not done" };
        writeln!(
            f,
            "  {left} of {drawn} faults left, order {:?}; shrinking took {runs} runs{end}",
            self.order
        )?;
        for fault in &self.scenario {
            writeln!(f, "    {fault}")?;
        }
        if self.tells {
            writeln!(f, "  the story:")?;
            self.story.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        } else {
            writeln!(f, "  with RAVELIN_TRACE=1 it tells its story")?;
        }
        write!(f, "  run it again: {}", self.replay())
    }
}

impl std::error::Error for Found {}
