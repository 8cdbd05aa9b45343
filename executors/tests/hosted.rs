//! The suite over `Hosted`, in tokio's `LocalSet` and in a plain loop that polls one future.

#![allow(clippy::disallowed_methods, reason = "the real executors are what is tested here")]

use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_core::runtimes::Local;
use ravelin_core::sleep;
use ravelin_executors::runtimes::Hosted;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

fn in_a_local_set(case: Case) {
    let tokio = Builder::new_current_thread().enable_time().build().unwrap();
    let set = LocalSet::new();
    let (rt, host) = Hosted::new("tokio-local", tokio::time::sleep);
    set.spawn_local(host);
    set.block_on(&tokio, case.in_task(rt));
}

fn beside_another_runtime(case: Case) {
    let local = Local::new();
    let clock = local.clone();
    let (rt, host) = Hosted::new("hosted", move |wait| {
        let clock = clock.clone();
        async move { sleep(&*clock, wait).await } // tidy: tests the timer
    });
    let (host, case) = (Box::pin(host), Box::pin(case.outside(rt)));
    local.block_on(futures::future::select(host, case));
}

executor_suite!(local_set_in_a_task, in_a_local_set);
executor_suite!(a_plain_loop_from_outside, beside_another_runtime);
