//! What can be wrong with a run.

use ravelin_core::{Exit, Time};
use std::fmt;
use std::mem::discriminant;

/// What was wrong with a run.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The test waits, nothing is ready, and no timer is set: nothing will ever happen.
    Deadlock {
        /// What each of those who live waits for, a line each.
        waits: Vec<String>,
    },
    /// Two runs of the same seed were not the same.
    Differs {
        /// The first event that was another one.
        first: String,
    },
    /// It went on and on, until a limit.
    Endless {
        /// So many turns tasks had had.
        polls: u64,
        /// The virtual time at the end.
        at: Time,
    },
    /// A thread that is no part of the simulation woke a task, or asked the runtime for something.
    ForeignThread {
        /// The name of the thread.
        thread: String,
    },
    /// An invariant does not hold.
    Invariant {
        /// Its name.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// The test panicked, or a task that is no actor.
    Panic {
        /// The panic's message.
        message: String,
        /// `file:line:column`.
        location: Option<String>,
    },
}

impl Failure {
    /// The failure that a panic outside an actor is.
    pub(crate) fn of_panic(exit: &Exit) -> Failure {
        match exit {
            Exit::Panic(panic) => {
                Failure::Panic { message: panic.message.clone(), location: panic.location.clone() }
            }
            other => Failure::Panic { message: other.to_string(), location: None },
        }
    }

    /// Whether it is the same trouble: what a shrinker must not lose on its way.
    pub(crate) fn is_like(&self, other: &Failure) -> bool {
        match (self, other) {
            (Failure::Panic { location: one, .. }, Failure::Panic { location: other, .. }) => one == other,
            (Failure::Invariant { name: one, .. }, Failure::Invariant { name: other, .. }) => one == other,
            (one, other) => discriminant(one) == discriminant(other),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Deadlock { waits } => {
                f.write_str("deadlock: the test waits, nothing is ready and no timer is set (what waits for a real thread, timer or socket looks like this too)")?;
                waits.iter().try_for_each(|wait| write!(f, "\n    {wait}"))
            }
            Failure::Differs { first } => write!(
                f,
                "two runs of the same seed differ: {first}\n    something draws from real time, threads, entropy, addresses or the order of a HashMap"
            ),
            Failure::Endless { polls, at } => {
                write!(f, "endless: not done after {polls} turns of tasks, at {at}")
            }
            Failure::ForeignThread { thread } => write!(
                f,
                "the thread `{thread}`, which is no part of the simulation, woke a task or used the runtime: start threads with Runtime::spawn_blocking, and set timers of the Runtime"
            ),
            Failure::Invariant { name, what } => write!(f, "the invariant `{name}` does not hold: {what}"),
            Failure::Panic { message, location: Some(location) } => {
                write!(f, "panicked at {location}: {message}")
            }
            Failure::Panic { message, location: None } => write!(f, "panicked: {message}"),
        }
    }
}

impl std::error::Error for Failure {}
