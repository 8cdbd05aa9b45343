//! What the pure parts of pools promise, over drawn lives.

use proptest::prelude::*;
use ravelin_core::Time;
use ravelin_supervisor::hashing::{hash, owner};
use ravelin_supervisor::pool::{Autoscale, Dispatch, Job, Load, Rate, Scaler, Scaling, TokenBucket};
use std::time::Duration;

/// Moves of keys when the candidates become one more: to the newcomer only, and about its fair share.
#[test]
fn a_worker_that_comes_takes_its_share_of_the_keys_and_no_other_key_moves() {
    const KEYS: u64 = 4000;
    for workers in 1..12 {
        let before = |key: u64| owner(hash(&key), 0..workers);
        let after = |key: u64| owner(hash(&key), 0..=workers);
        let moved: Vec<u64> = (0..KEYS).filter(|key| before(*key) != after(*key)).collect();
        assert!(moved.iter().all(|key| after(*key) == Some(workers)), "{workers} workers");
        let fair = KEYS as usize / (workers + 1);
        assert!((fair * 8 / 10..=fair * 12 / 10).contains(&moved.len()), "{} of {fair} moved", moved.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_worker_that_goes_leaves_every_other_key_where_it_is(
        workers in proptest::collection::btree_set(0..50usize, 2..20),
        gone in any::<prop::sample::Index>(),
        keys in proptest::collection::vec(any::<u64>(), 100),
    ) {
        let gone = *gone.get(&workers.iter().copied().collect::<Vec<_>>());
        for key in keys {
            let before = owner(key, workers.iter().copied());
            let after = owner(key, workers.iter().copied().filter(|worker| *worker != gone));
            prop_assert_ne!(after, Some(gone));
            prop_assert!(before == after || before == Some(gone));
        }
    }

    #[test]
    fn every_dispatch_chooses_one_of_those_it_was_shown(
        loads in proptest::collection::vec((any::<bool>(), 0..5u64), 1..9),
        turn in any::<u64>(),
        key in any::<Option<u64>>(),
    ) {
        let loads: Vec<_> = loads
            .into_iter()
            .enumerate()
            .map(|(number, (is_up, jobs))| Load { worker: number * 3, jobs, is_up })
            .collect();
        for dispatch in [Dispatch::ByKey, Dispatch::LeastLoaded, Dispatch::RoundRobin] {
            let chosen = dispatch.choose(&Job { turn, key }, &loads);
            prop_assert!(loads.iter().any(|load| Some(load.worker) == chosen), "{:?}", dispatch);
        }
        prop_assert_eq!(Dispatch::LeastLoaded.choose(&Job { turn, key }, &[]), None);
    }

    #[test]
    fn a_bucket_never_gives_more_than_its_rate_and_its_burst_in_any_stretch(
        per_second in 1..2000u32,
        burst in 1..50u32,
        steps_us in proptest::collection::vec(0..20_000u64, 1..300),
    ) {
        let mut bucket = TokenBucket::new(Rate { per_second, burst }, Time::EPOCH);
        let (mut now, mut given) = (Time::EPOCH, Vec::new());
        for step in steps_us {
            now = now + Duration::from_micros(step);
            if bucket.take(now).is_ok() {
                given.push(now);
            }
        }
        for (n, from) in given.iter().enumerate() {
            for (m, to) in given.iter().enumerate().skip(n) {
                let most = u128::from(per_second) * (*to - *from).as_nanos() / 1_000_000_000 + u128::from(burst);
                prop_assert!((m - n + 1) as u128 <= most, "{} in {:?}", m - n + 1, *to - *from);
            }
        }
    }

    #[test]
    fn a_bucket_keeps_its_word_about_when_the_next_one_comes(
        per_second in 1..2000u32,
        burst in 1..5u32,
        steps_us in proptest::collection::vec(0..2_000u64, 1..100),
    ) {
        let mut bucket = TokenBucket::new(Rate { per_second, burst }, Time::EPOCH);
        let mut now = Time::EPOCH;
        for step in steps_us {
            now = now + Duration::from_micros(step);
            if let Err(at) = bucket.take(now) {
                prop_assert!(at > now);
                prop_assert!(bucket.take(at - Duration::from_nanos(1)).is_err());
                prop_assert!(bucket.take(at).is_ok());
                now = at;
            }
        }
    }

    #[test]
    fn a_pool_that_obeys_its_scaler_stays_in_its_bounds_and_rests_after_each_change(
        min in 1..5usize,
        more in 0..8usize,
        step in 1..4usize,
        begin in 0..16usize,
        cool_ms in 0..50u64,
        looks in proptest::collection::vec((0..40u64, 0..200u64), 1..100),
    ) {
        let cool_down = Duration::from_millis(cool_ms);
        let config = Autoscale { step, cool_down, ..Autoscale::between(min, min + more) };
        prop_assert_eq!(config.check(), Ok(()));
        let (mut scaler, mut workers, mut now) = (Scaler::new(config), begin, Time::EPOCH);
        let mut changed_at: Option<Time> = None;
        for (pause_ms, waiting) in looks {
            now = now + Duration::from_millis(pause_ms);
            let was_inside = (config.min..=config.max).contains(&workers);
            let scaling = scaler.decide(now, workers, waiting);
            match scaling {
                Scaling::Grow(n) => workers += n,
                Scaling::Shrink(n) => workers -= n,
                Scaling::Stay => continue,
            }
            prop_assert!((config.min..=config.max).contains(&workers), "{} workers", workers);
            prop_assert!(!was_inside || changed_at.is_none_or(|then| now - then >= cool_down));
            changed_at = Some(now);
        }
        prop_assert!((config.min..=config.max).contains(&workers));
    }
}
