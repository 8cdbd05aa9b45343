//! Which worker gets a job: loads and key in, choice out. `[pure]`

use crate::hashing::owner;
use std::fmt::Debug;
use std::sync::Arc;

/// What a dispatcher knows of a worker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Load {
    /// Its number. It keeps it over restarts.
    pub worker: usize,
    /// The jobs that it has: those that wait for it, and the one in hand.
    pub jobs: u64,
    /// Whether it is up. Those that are down are shown only where the pool waits for them.
    pub is_up: bool,
}

/// What a dispatcher knows of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Job {
    /// How many jobs the pool was given before this one. Wraps.
    pub turn: u64,
    /// The hash of its key, if it has one.
    pub key: Option<u64>,
}

/// Who of several workers gets a job. A pure function: it knows what it is told, and so is tested with rows.
///
/// ```
/// use ravelin_supervisor::pool::{Dispatcher, Job, Load};
///
/// /// Jobs with a key are for worker 0, all others for anybody else.
/// #[derive(Debug)]
/// struct Reserved;
/// impl Dispatcher for Reserved {
///     fn choose(&self, job: &Job, workers: &[Load]) -> Option<usize> {
///         let mine = |load: &&Load| (load.worker == 0) == job.key.is_some();
///         workers.iter().find(mine).map(|load| load.worker)
///     }
/// }
/// let load = |worker| Load { worker, jobs: 0, is_up: true };
/// let job = Job { turn: 0, key: Some(7) };
/// assert_eq!(Reserved.choose(&job, &[load(1), load(0)]), Some(0));
/// ```
pub trait Dispatcher: Debug + Send + Sync + 'static {
    /// The number of the worker that gets the job; `None`: none of these does, and the job is handed back.
    /// `workers` are those who can be given one, in the order of their numbers, and never empty.
    fn choose(&self, job: &Job, workers: &[Load]) -> Option<usize>;
}

/// How a pool finds the worker for a job.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Dispatch {
    /// Always the same one for the same key, by rendezvous hashing ([`owner`]): when a worker comes or goes, only the
    /// keys that it gets or had move. Jobs without a key go to one after the other.
    ByKey,
    /// The one with the fewest jobs; among equals they take turns.
    LeastLoaded,
    /// The user's own.
    Own(Arc<dyn Dispatcher>),
    /// One after the other. The default.
    #[default]
    RoundRobin,
}

impl Dispatch {
    /// The user's own.
    pub fn own(dispatcher: impl Dispatcher) -> Dispatch {
        Dispatch::Own(Arc::new(dispatcher))
    }

    /// The number of the worker that gets the job.
    pub fn choose(&self, job: &Job, workers: &[Load]) -> Option<usize> {
        match (self, job.key) {
            (Dispatch::ByKey, Some(key)) => owner(key, workers.iter().map(|load| load.worker)),
            (Dispatch::ByKey, None) | (Dispatch::RoundRobin, _) => in_turn(job, workers.iter()),
            (Dispatch::LeastLoaded, _) => {
                let of = |load: &Load| (!load.is_up, load.jobs);
                let least = workers.iter().map(of).min()?;
                in_turn(job, workers.iter().filter(|load| of(load) == least))
            }
            (Dispatch::Own(dispatcher), _) => dispatcher.choose(job, workers),
        }
    }

    /// Whether the loads count, which costs a look at each mailbox. Otherwise they are shown as 0.
    pub(crate) fn needs_loads(&self) -> bool {
        match self {
            Dispatch::ByKey | Dispatch::RoundRobin => false,
            Dispatch::LeastLoaded | Dispatch::Own(_) => true,
        }
    }
}

fn in_turn<'a>(job: &Job, mut workers: impl Iterator<Item = &'a Load> + Clone) -> Option<usize> {
    let at = job.turn % workers.clone().count().max(1) as u64;
    workers.nth(at as usize).map(|load| load.worker)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `jobs` by worker, one that is down with a `-` in front; who gets the jobs of these turns.
    #[track_caller]
    fn check(dispatch: &Dispatch, loads: &str, key: Option<u64>, turns: u64, expect: &[usize]) {
        let load = |(worker, text): (usize, &str)| Load {
            worker,
            jobs: text.trim_start_matches('-').parse().expect("a number"),
            is_up: !text.starts_with('-'),
        };
        let loads: Vec<_> = loads.split_whitespace().enumerate().map(load).collect();
        let got: Vec<_> = (0..turns).filter_map(|turn| dispatch.choose(&Job { turn, key }, &loads)).collect();
        assert_eq!(got, expect, "{dispatch:?} {loads:?}");
    }

    #[test]
    fn round_robin_takes_turns_whatever_the_loads() {
        check(&Dispatch::RoundRobin, "9 0 0", None, 7, &[0, 1, 2, 0, 1, 2, 0]);
        check(&Dispatch::RoundRobin, "0", None, 2, &[0, 0]);
        check(&Dispatch::RoundRobin, "", None, 2, &[]);
    }

    #[test]
    fn the_least_loaded_gets_it_and_equals_take_turns() {
        check(&Dispatch::LeastLoaded, "3 1 2", None, 3, &[1, 1, 1]);
        check(&Dispatch::LeastLoaded, "1 0 2 0", None, 4, &[1, 3, 1, 3]);
        check(&Dispatch::LeastLoaded, "-0 5 5", None, 3, &[1, 2, 1]);
        check(&Dispatch::LeastLoaded, "-4 -2", None, 1, &[1]);
        check(&Dispatch::LeastLoaded, "", None, 1, &[]);
    }

    #[test]
    fn a_key_has_one_worker_and_no_key_takes_turns() {
        let of = |key| owner(key, 0..4).expect("there are four");
        for key in [1, 2, 3, u64::MAX] {
            check(&Dispatch::ByKey, "9 0 7 1", Some(key), 3, &[of(key); 3]);
        }
        check(&Dispatch::ByKey, "9 0 7 1", None, 5, &[0, 1, 2, 3, 0]);
        check(&Dispatch::ByKey, "", Some(1), 1, &[]);
    }
}
