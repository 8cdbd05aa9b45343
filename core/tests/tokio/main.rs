//! The suite over tokio: multi-thread and current-thread, from tasks and from outside, on the real clock and on a paused one.

mod many;

use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_core::runtimes::Tokio;
use tokio::runtime::{Builder, Runtime};

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn in_a_task(case: Case) {
    let tokio = multi_thread();
    tokio.block_on(case.in_task(Tokio::new(tokio.handle().clone())));
}

fn from_outside(case: Case) {
    let tokio = multi_thread();
    tokio.block_on(case.outside(Tokio::new(tokio.handle().clone())));
}

fn in_a_crowd(case: Case) {
    let tokio = multi_thread();
    tokio.block_on(case.in_a_crowd(Tokio::new(tokio.handle().clone())));
}

fn on_one_thread(case: Case) {
    let tokio = Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(case.in_task(Tokio::new(tokio.handle().clone())));
}

fn with_a_paused_clock(case: Case) {
    let tokio = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    tokio.block_on(case.in_task(Tokio::new(tokio.handle().clone())));
}

executor_suite!(multi_thread_in_a_task, in_a_task);
executor_suite!(multi_thread_from_outside, from_outside);
executor_suite!(multi_thread_in_a_crowd, in_a_crowd);
executor_suite!(current_thread, on_one_thread);
executor_suite!(current_thread_with_a_paused_clock, with_a_paused_clock);
