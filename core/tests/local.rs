//! The suite over `Local`, which needs nothing but the trait.

use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_core::runtimes::Local;

fn in_a_task(case: Case) {
    let local = Local::new();
    local.block_on(case.in_task(local.clone()));
    local.shutdown();
}

fn from_outside(case: Case) {
    let local = Local::new();
    local.block_on(case.outside(local.clone()));
    local.shutdown();
}

executor_suite!(local_in_a_task, in_a_task);
executor_suite!(local_from_outside, from_outside);
