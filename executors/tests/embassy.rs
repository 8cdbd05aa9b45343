//! The suite over embassy-executor on std, a fresh executor for each case.

use embassy_executor::Executor;
use futures::future::{BoxFuture, FutureExt};
use ravelin_core::conformance::Case;
use ravelin_core::{Runtime, executor_suite};
use ravelin_executors::runtimes::{Hosted, on_embassy};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, mpsc};

/// Runs a case in a task; embassy's `run_until` looks after each round whether it is done.
fn drive(case: impl FnOnce(Arc<Hosted>) -> BoxFuture<'static, ()>) {
    let executor: &'static mut Executor = Box::leak(Box::new(Executor::new()));
    let (done, outcome) = mpsc::channel();
    let mut seen = None;
    let mut runtime = None;
    executor.run_until(
        |spawner| {
            let rt = on_embassy(spawner);
            let case = AssertUnwindSafe(case(rt.clone())).catch_unwind();
            rt.spawn("case", case.map(move |outcome| drop(done.send(outcome))).boxed());
            runtime = Some(rt);
        },
        || {
            seen = outcome.try_recv().ok();
            seen.is_some()
        },
    );
    if let Some(Err(panic)) = seen {
        resume_unwind(panic);
    }
}

fn in_a_task(case: Case) {
    drive(|rt| case.in_task(rt).boxed());
}

executor_suite!(embassy_in_a_task, in_a_task);
