//! The suite over bastion-executor's global pool.

use futures::executor::block_on;
use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_executors::runtimes::Bastion;

fn in_a_task(case: Case) {
    block_on(case.in_task(Bastion::global().unwrap()));
}

fn from_outside(case: Case) {
    block_on(case.outside(Bastion::global().unwrap()));
}

executor_suite!(bastion_in_a_task, in_a_task);
executor_suite!(bastion_from_outside, from_outside);
