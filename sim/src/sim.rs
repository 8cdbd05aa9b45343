//! The runner: one test, many seeds.

use crate::drive::Limits;
use crate::failure::Failure;
use crate::fault::{Fault, Faults, Scenario};
use crate::invariant::{Holds, Invariant, Invariants, Quiet};
use crate::order::Order;
use crate::report::{Found, Passed};
use crate::run::{Outcome, Setup, run};
use crate::seed::Seed;
use crate::shrink::{Case, shrink};
use crate::threads;
use crate::world::World;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many runs shrinking may take.
const SHRINK_RUNS: u32 = 400;
/// How many seeds a test has when nothing is said.
const SEEDS: u64 = 100;
/// Each so-manieth seed runs twice when nothing is said.
const TWICE: u64 = 50;

/// A test over many seeds.
///
/// # Environment
///
/// | variable | means |
/// |---|---|
/// | `RAVELIN_SEED=17` | this seed and no other |
/// | `RAVELIN_SEEDS=1000000` | so many seeds, whatever the test says |
/// | `RAVELIN_SEEDS=5000..9000` | these seeds: a part for each of many machines |
/// | `RAVELIN_THREADS=2` | so many threads, whatever the test says |
/// | `RAVELIN_TRACE=1` | print the story: of the seed that fails, or of `RAVELIN_SEED` |
///
/// # Examples
///
/// Two tasks withdraw from an account; between the look and the update the other one may have been there.
///
/// ```
/// use ravelin_core::{Runtime, sleep};
/// use ravelin_sim::{Failure, Sim};
/// use std::sync::{Arc, atomic::{AtomicI64, Ordering::SeqCst}};
/// use std::time::Duration;
///
/// let found = Sim::new().name("bank").seeds(100).run(async |world| {
///     let cents = Arc::new(AtomicI64::new(100));
///     for _ in 0..2 {
///         let (cents, runtime) = (cents.clone(), world.runtime().clone());
///         let wait = Duration::from_millis(world.random("wait").below(3));
///         world.runtime().spawn("withdraw", Box::pin(async move {
///             let seen = cents.load(SeqCst);
///             sleep(&*runtime, wait).await;
///             cents.store(seen - 10, SeqCst);
///         }));
///     }
///     world.advance(Duration::from_secs(1)).await;
///     assert_eq!(cents.load(SeqCst), 80);
/// }).unwrap_err();
/// assert!(matches!(found.failure, Failure::Panic { .. }));
/// assert!(found.replay().ends_with(" cargo test bank"));
/// ```
#[derive(Clone, Debug)]
pub struct Sim {
    name: String,
    seeds: u64,
    first: u64,
    threads: usize,
    order: Order,
    faults: Faults,
    twice: u64,
    limits: Limits,
    invariants: Invariants,
    tells: bool,
    is_alone: bool,
}

impl Default for Sim {
    fn default() -> Sim {
        Sim::new()
    }
}

/// The number that an environment variable holds.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(parsed(&text).unwrap_or_else(|| panic!("{variable}={text} is no number")))
}

fn parsed(text: &str) -> Option<u64> {
    text.replace('_', "").parse().ok()
}

/// The first seed, if it is said, and how many: `1000`, or `5000..9000`.
fn range(text: &str) -> Option<(Option<u64>, u64)> {
    let Some((first, end)) = text.split_once("..") else { return Some((None, parsed(text)?)) };
    let (first, end) = (parsed(first)?, parsed(end)?);
    Some((Some(first), end.checked_sub(first).filter(|seeds| *seeds > 0)?))
}

impl Sim {
    /// A hundred seeds, one thread, a random order, no faults. It is called like the calling thread, to which test
    /// runners give the name of the test.
    pub fn new() -> Sim {
        Sim {
            name: threads::name_of_test(),
            seeds: SEEDS,
            first: 0,
            threads: 1,
            order: Order::default(),
            faults: Faults::none(),
            twice: TWICE,
            limits: Limits::default(),
            invariants: Invariants::usual(),
            tells: false,
            is_alone: false,
        }
    }

    /// What the line that runs a seed again calls the test.
    pub fn name(mut self, name: impl Into<String>) -> Sim {
        self.name = name.into();
        self
    }

    /// How many seeds, from 0.
    pub fn seeds(mut self, seeds: u64) -> Sim {
        self.seeds = seeds;
        self
    }

    /// This seed and no other: a regression that has a name.
    pub fn only(mut self, seed: u64) -> Sim {
        (self.first, self.seeds) = (seed, 1);
        self
    }

    /// Runs so many seeds at a time, each on one thread. What is found does not depend on it.
    pub fn threads(mut self, threads: usize) -> Sim {
        self.threads = threads;
        self
    }

    /// The order in which ready tasks run.
    pub fn order(mut self, order: Order) -> Sim {
        self.order = order;
        self
    }

    /// What may go wrong.
    pub fn faults(mut self, faults: Faults) -> Sim {
        self.faults = faults;
        self
    }

    /// Each `every`th seed runs twice, and the two must be the same, event by event; 0: none does.
    pub fn twice_every(mut self, every: u64) -> Sim {
        self.twice = every;
        self
    }

    /// The most turns of tasks, and the most virtual time, that a run may take; three million and ten years if nothing
    /// is said.
    pub fn limits(mut self, polls: u64, time: Duration) -> Sim {
        self.limits = Limits { polls, time };
        self
    }

    /// Something more that must hold whenever the world has settled, and at the end.
    pub fn invariant(mut self, invariant: impl Invariant) -> Sim {
        self.invariants.add(invariant);
        self
    }

    /// Leaves out one of the invariants that hold for every program, by its name: for a test that does what looks like
    /// trouble on purpose.
    ///
    /// ```
    /// # use ravelin_sim::Sim;
    /// let sim = Sim::new().seeds(3).except("a mailbox holds no more than its capacity");
    /// sim.check(async |world| world.settle().await);
    /// ```
    pub fn except(mut self, name: &str) -> Sim {
        self.invariants.leave_out(name);
        self
    }

    /// As [`Sim::invariant`], for a function.
    pub fn holds<F>(self, name: impl Into<String>, check: F) -> Sim
    where
        F: Fn(&Quiet) -> Result<(), String> + Send + Sync + 'static,
    {
        self.invariant(Holds { name: name.into(), check })
    }

    /// Takes nothing from the environment: for tests of tests.
    pub fn alone(mut self) -> Sim {
        self.is_alone = true;
        self
    }

    /// Runs the test with each seed.
    ///
    /// # Panics
    /// A seed fails: with what is wrong, what is left of its faults, and the line that runs it again.
    #[track_caller]
    pub fn check<F: AsyncFn(&mut World) + Sync>(self, test: F) {
        if let Err(found) = self.run(test) {
            panic!("{found}");
        }
    }

    /// As [`Sim::check`], and gives what came of it.
    ///
    /// # Errors
    /// The smallest seed that fails, shrunk.
    pub fn run<F: AsyncFn(&mut World) + Sync>(mut self, test: F) -> Result<Passed, Box<Found>> {
        let only = if self.is_alone { None } else { self.obey_environment() };
        let passed = Mutex::new(Passed::default());
        let failed: Mutex<Option<(u64, Failure)>> = Mutex::new(None);
        threads::for_each(self.seeds, self.threads, |number| {
            let seed = self.first + number;
            let outcome = self.once(seed, &test);
            if let Some(failure) = outcome.failure {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(smallest, _)| seed < *smallest) {
                    *failed = Some((seed, failure));
                }
                return false;
            }
            let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
            passed.seeds += 1;
            passed.polls += outcome.polls;
            passed.time += outcome.end - ravelin_core::Time::EPOCH;
            passed.hash = passed.hash.wrapping_add(outcome.log.hash());
            passed.count(&outcome.struck);
            true
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((seed, failure)) => Err(Box::new(self.found(seed, failure, &test))),
            None => {
                if let (Some(seed), true) = (only, self.tells) {
                    let told = run(&self.setup(seed), true, &test);
                    eprintln!("the story of `{}` with seed {seed}:", self.name);
                    told.log.story().for_each(|line| eprintln!("  {line}"));
                }
                Ok(passed.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// Gives the one seed that was asked for.
    fn obey_environment(&mut self) -> Option<u64> {
        self.tells = number("RAVELIN_TRACE").is_some_and(|number| number > 0);
        if let Some(threads) = number("RAVELIN_THREADS") {
            self.threads = threads as usize;
        }
        let only = number("RAVELIN_SEED");
        if let Some(seed) = only {
            (self.first, self.seeds) = (seed, 1);
        } else if let Ok(text) = std::env::var("RAVELIN_SEEDS") {
            let said = range(&text);
            let (first, seeds) = said.unwrap_or_else(|| {
                panic!("RAVELIN_SEEDS={text} is neither a number nor a range like 5000..9000")
            });
            self.first = first.unwrap_or(self.first);
            self.seeds = seeds;
        }
        only
    }

    fn setup(&self, seed: u64) -> Setup {
        let seed = Seed(seed);
        Setup {
            seed,
            order: self.order,
            scenario: self.faults.draw(seed),
            limits: self.limits,
            invariants: self.invariants.clone(),
        }
    }

    /// One seed, twice if it is its turn.
    fn once<F: AsyncFn(&mut World)>(&self, seed: u64, test: &F) -> Outcome {
        let setup = self.setup(seed);
        let mut outcome = run(&setup, false, test);
        if self.twice > 0 && seed.is_multiple_of(self.twice) && outcome.failure.is_none() {
            let again = run(&setup, false, test);
            if again.log.hash() != outcome.log.hash() || again.failure.is_some() {
                outcome.failure = Some(difference(&setup, test));
            }
        }
        outcome
    }

    /// Shrinks a failure.
    fn found<F: AsyncFn(&mut World)>(&self, seed: u64, failure: Failure, test: &F) -> Found {
        let setup = self.setup(seed);
        let drawn = setup.scenario.len();
        let fails = |case: &Case| {
            let smaller = Setup { order: case.order, scenario: case.scenario.clone(), ..setup.clone() };
            run(&smaller, false, test).failure.filter(|other| other.is_like(&failure))
        };
        let mut case = Case { order: setup.order, scenario: setup.scenario.clone() };
        let mut runs = 0;
        let mut is_smallest = false;
        if !matches!(failure, Failure::Differs { .. }) {
            let concrete = Case { scenario: concrete(&case.scenario, &run(&setup, false, test)), ..case };
            let is_same = fails(&concrete).is_some();
            case = if is_same { concrete } else { Case { scenario: setup.scenario.clone(), ..concrete } };
            let shrunk = shrink(case, SHRINK_RUNS, |case| fails(case).is_some());
            (case, runs, is_smallest) = (shrunk.case, shrunk.runs + 2, shrunk.is_done);
        }
        let Case { order, scenario } = case;
        let last = run(&Setup { order, scenario: scenario.clone(), ..setup.clone() }, true, test);
        Found {
            name: self.name.clone(),
            seed: setup.seed,
            // In the words of the smallest run.
            failure: last.failure.filter(|last| last.is_like(&failure)).unwrap_or(failure),
            scenario,
            drawn,
            order,
            runs,
            is_smallest,
            story: last.log.story().collect(),
            tells: self.tells,
        }
    }
}

/// The scenario with what rates did as faults of their own, which can be left out one by one.
fn concrete(scenario: &Scenario, outcome: &Outcome) -> Scenario {
    let is_rate = |fault: &Fault| match fault {
        Fault::Buggify { .. } => true,
        Fault::Net(fault) => fault.is_drawn(),
        _ => false,
    };
    let mut faults: Scenario = scenario.iter().filter(|fault| !is_rate(fault)).cloned().collect();
    for struck in &outcome.struck {
        if matches!(struck, Fault::Named { .. } | Fault::Net(_)) && !faults.contains(struck) {
            faults.push(struck.clone());
        }
    }
    faults
}

/// Panics when a test returned an error, with what it says; for the attribute `sim_test`.
///
/// # Panics
/// It is an error.
pub fn must_hold<E: std::fmt::Debug>(outcome: Result<(), E>) {
    if let Err(error) = outcome {
        panic!("the test returned an error: {error:?}");
    }
}

/// Where two runs that should be the same part.
fn difference<F: AsyncFn(&mut World)>(setup: &Setup, test: &F) -> Failure {
    let (one, other) = (run(setup, true, test), run(setup, true, test));
    let first = match one.log.first_difference(&other.log) {
        Some((same, one, other)) => {
            let text = |entry: Option<&crate::log::Entry>| {
                entry.map_or_else(|| "nothing more".to_owned(), |entry| entry.to_string().trim().to_owned())
            };
            format!("after {same} events that are the same, `{}` and `{}`", text(one), text(other))
        }
        None => "now and then; two more runs were the same".to_owned(),
    };
    Failure::Differs { first }
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn seeds_are_said_by_their_number_or_as_a_range() {
        let rows = [
            ("1000", Some((None, 1000))),
            ("1_000_000", Some((None, 1_000_000))),
            ("5000..9000", Some((Some(5000), 4000))),
            ("7..7", None),
            ("9..7", None),
            ("..7", None),
            ("many", None),
        ];
        for (text, said) in rows {
            assert_eq!(range(text), said, "{text}");
        }
    }
}
