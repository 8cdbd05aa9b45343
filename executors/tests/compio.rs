//! The suite over compio, a fresh io_uring runtime for each case.

use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_executors::runtimes::on_compio;

fn in_a_task(case: Case) {
    compio::runtime::Runtime::new().unwrap().block_on(async { case.in_task(on_compio()).await });
}

fn from_outside(case: Case) {
    compio::runtime::Runtime::new().unwrap().block_on(async { case.outside(on_compio()).await });
}

executor_suite!(compio_in_a_task, in_a_task);
executor_suite!(compio_from_outside, from_outside);
