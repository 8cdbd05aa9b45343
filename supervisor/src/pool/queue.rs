//! The jobs that wait in a pool: first in, first out, each key with its own worker. `[pure]`
//!
//! A job without a key is for whoever is free first. One with a key is for the worker that has the key among those that
//! count, so the jobs of a key are taken in their order. When others count, the keys find their workers anew.

use crate::hashing::owner;
use std::collections::{BTreeMap, BTreeSet};

/// A job's place in the line.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Turn(u64);

/// A job that was taken.
#[derive(Debug)]
pub(crate) struct Taken<J> {
    pub(crate) turn: Turn,
    pub(crate) key: Option<u64>,
    pub(crate) job: J,
}

/// What waits in a pool.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    waiting: BTreeMap<Turn, (Option<u64>, J)>,
    /// Those without a key.
    anybody: BTreeSet<Turn>,
    /// Those with a key, by the worker that has it; by `None` while nobody counts.
    by_worker: BTreeMap<Option<usize>, BTreeSet<Turn>>,
    workers: Vec<usize>,
    given: u64,
}

impl<J> Queue<J> {
    pub(crate) fn new() -> Queue<J> {
        Queue {
            waiting: BTreeMap::new(),
            anybody: BTreeSet::new(),
            by_worker: BTreeMap::new(),
            workers: Vec::new(),
            given: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Puts a job at the end of the line.
    pub(crate) fn push(&mut self, key: Option<u64>, job: J) {
        self.given += 1;
        self.insert(Turn(self.given), key, job);
    }

    /// Puts a job that was taken and not begun back where it was.
    pub(crate) fn give_back(&mut self, Taken { turn, key, job }: Taken<J>) {
        self.insert(turn, key, job);
    }

    fn insert(&mut self, turn: Turn, key: Option<u64>, job: J) {
        self.line_of(key).insert(turn);
        self.waiting.insert(turn, (key, job));
    }

    fn line_of(&mut self, key: Option<u64>) -> &mut BTreeSet<Turn> {
        match key {
            None => &mut self.anybody,
            Some(key) => self.by_worker.entry(owner(key, self.workers.iter().copied())).or_default(),
        }
    }

    /// From now on these count. O(jobs with a key), if they are others than before.
    pub(crate) fn set_workers(&mut self, workers: Vec<usize>) {
        if workers == self.workers {
            return;
        }
        self.workers = workers;
        self.by_worker.clear();
        let keyed: Vec<_> =
            self.waiting.iter().filter_map(|(turn, (key, _))| Some((*turn, (*key)?))).collect();
        for (turn, key) in keyed {
            self.line_of(Some(key)).insert(turn);
        }
    }

    /// Takes the oldest job that this worker may have.
    pub(crate) fn take(&mut self, worker: usize) -> Option<Taken<J>> {
        let own = self.by_worker.get(&Some(worker)).and_then(|line| line.first().copied());
        let any = self.anybody.first().copied();
        let turn = match (own, any) {
            (Some(own), Some(any)) => own.min(any),
            (own, any) => own.or(any)?,
        };
        let (key, job) = self.waiting.remove(&turn)?;
        self.line_of(key).remove(&turn);
        Some(Taken { turn, key, job })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue with these workers and jobs; a job `k:j` has the key k.
    fn queue(workers: usize, jobs: &[&'static str]) -> Queue<&'static str> {
        let mut queue = Queue::new();
        queue.set_workers((0..workers).collect());
        for job in jobs {
            queue.push(job.split_once(':').map(|(key, _)| key.parse().expect("a number")), *job);
        }
        queue
    }

    fn take_all(queue: &mut Queue<&'static str>, worker: usize) -> String {
        let taken: Vec<_> = std::iter::from_fn(|| queue.take(worker).map(|taken| taken.job)).collect();
        taken.join(" ")
    }

    #[test]
    fn jobs_without_a_key_are_taken_in_their_order_by_anybody() {
        let mut queue = queue(2, &["a", "b", "c"]);
        assert_eq!(queue.take(1).map(|taken| taken.job), Some("a"));
        assert_eq!(take_all(&mut queue, 0), "b c");
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn jobs_with_a_key_wait_for_the_one_that_has_it() {
        let has = |key| owner(key, 0..2).expect("there are two");
        let of_0: Vec<u64> = (0..).filter(|key| has(*key) == 0).take(1).collect();
        let of_1: Vec<u64> = (0..).filter(|key| has(*key) == 1).take(1).collect();
        let mut queue = Queue::new();
        queue.set_workers(vec![0, 1]);
        for (key, job) in [(Some(of_0[0]), "a0"), (None, "b"), (Some(of_1[0]), "c1"), (Some(of_0[0]), "d0")] {
            queue.push(key, job);
        }
        assert_eq!(take_all(&mut queue, 1), "b c1");
        assert_eq!(take_all(&mut queue, 0), "a0 d0");
    }

    #[test]
    fn when_a_worker_goes_its_keys_find_another_one_in_their_order() {
        let mut queue = queue(3, &["1:a", "2:b", "3:c", "4:d", "1:e"]);
        queue.set_workers(vec![]);
        assert!(queue.take(0).is_none());
        queue.set_workers(vec![7]);
        assert_eq!(take_all(&mut queue, 7), "1:a 2:b 3:c 4:d 1:e");
    }

    #[test]
    fn what_is_given_back_is_the_next_again() {
        let mut queue = queue(1, &["a", "b"]);
        let taken = queue.take(0).expect("there are two");
        queue.give_back(taken);
        assert_eq!(take_all(&mut queue, 0), "a b");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 256, failure_persistence: None, ..Default::default()
        })]

        /// Held to a list that is searched from its beginning.
        #[test]
        fn a_queue_does_what_a_list_does(
            steps in proptest::collection::vec((0..6u8, proptest::option::of(0..6u64), 0..4usize), 1..80),
        ) {
            let (mut queue, mut list, mut workers) = (Queue::new(), Vec::new(), Vec::new());
            for (number, (step, key, worker)) in steps.into_iter().enumerate() {
                match step {
                    0..3 => {
                        queue.push(key, number);
                        list.push((key, number));
                    }
                    3 => {
                        workers = (0..worker).collect();
                        queue.set_workers(workers.clone());
                    }
                    _ => {
                        let may = |key: &Option<u64>| {
                            key.is_none_or(|key| owner(key, workers.iter().copied()) == Some(worker))
                        };
                        let at = list.iter().position(|(key, _)| may(key));
                        let expect = at.map(|at| list.remove(at));
                        let taken = queue.take(worker);
                        proptest::prop_assert_eq!(taken.as_ref().map(|taken| (taken.key, taken.job)), expect);
                        // Every other one comes back.
                        if let Some(taken) = taken.filter(|_| step == 5) {
                            let at = list.partition_point(|(_, number)| *number < taken.job);
                            list.insert(at, (taken.key, taken.job));
                            queue.give_back(taken);
                        }
                    }
                }
                proptest::prop_assert_eq!(queue.len(), list.len());
            }
        }
    }
}
