//! The suite over smol, on an executor of two threads and on the global one.

use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_core::runtimes::Smol;
use std::num::NonZeroUsize;

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn in_a_task(case: Case) {
    Smol::block_on(TWO, |smol| case.in_task(smol));
}

fn from_outside(case: Case) {
    Smol::block_on(TWO, |smol| case.outside(smol));
}

fn on_the_global_one(case: Case) {
    smol::block_on(case.in_task(Smol::global()));
}

executor_suite!(global_in_a_task, on_the_global_one);
executor_suite!(two_threads_in_a_task, in_a_task);
executor_suite!(two_threads_from_outside, from_outside);
