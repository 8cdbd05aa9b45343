//! The executor suite over the simulated runtime: what actors are on every runtime they are here, in any order.

use ravelin_core::conformance::Case;
use ravelin_core::{Runtime, executor_suite};
use ravelin_sim::{Order, Seed, SimRuntime};
use std::future::Future;
use std::sync::Arc;

/// Runs a case under an order, with some seeds.
fn drive<F: Future<Output = ()>>(order: Order, seeds: u64, case: impl Fn(Arc<dyn Runtime>) -> F) {
    for seed in (0..seeds).map(Seed) {
        let rt = SimRuntime::new(seed, order);
        if let Err(failure) = rt.block_on(case(rt.clone())) {
            panic!("{seed:?} {order:?}: {failure}");
        }
        rt.shutdown().unwrap();
    }
}

fn in_fifo_order(case: Case) {
    drive(Order::Fifo, 1, |rt| case.in_task(rt));
}

fn in_random_order(case: Case) {
    drive(Order::Random, 2, |rt| case.in_task(rt));
}

fn with_bounded_preemptions(case: Case) {
    drive(Order::Bounded { preemptions: 3 }, 1, |rt| case.in_task(rt));
}

fn from_outside(case: Case) {
    drive(Order::Random, 1, |rt| case.outside(rt));
}

executor_suite!(fifo, in_fifo_order);
executor_suite!(random, in_random_order);
executor_suite!(bounded, with_bounded_preemptions);
executor_suite!(outside, from_outside);
