//! The suite over async-std's global executor.

use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_executors::runtimes::AsyncStd;

fn in_a_task(case: Case) {
    async_std::task::block_on(case.in_task(AsyncStd::global()));
}

fn from_outside(case: Case) {
    async_std::task::block_on(case.outside(AsyncStd::global()));
}

executor_suite!(async_std_in_a_task, in_a_task);
executor_suite!(async_std_from_outside, from_outside);
