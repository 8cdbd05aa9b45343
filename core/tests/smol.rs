//! The suite over smol, on an executor of two threads and on the global one.

#![allow(clippy::disallowed_methods, reason = "smol's executor has as many threads as one runs it on")]

use futures::channel::oneshot;
use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_core::runtimes::Smol;
use std::future::Future;
use std::sync::Arc;
use std::thread;

fn drive<F: Future<Output = ()>>(case: impl FnOnce(Arc<Smol>) -> F) {
    let executor = Arc::new(smol::Executor::new());
    let (stop, stopped) = oneshot::channel::<()>();
    let second = executor.clone();
    let thread = thread::spawn(move || smol::block_on(second.run(stopped)));
    smol::block_on(executor.run(case(Smol::new(executor.clone()))));
    drop(stop);
    assert!(thread.join().unwrap().is_err(), "the sender was dropped");
}

fn in_a_task(case: Case) {
    drive(|smol| case.in_task(smol));
}

fn from_outside(case: Case) {
    drive(|smol| case.outside(smol));
}

fn on_the_global_one(case: Case) {
    smol::block_on(case.in_task(Smol::global()));
}

executor_suite!(global_in_a_task, on_the_global_one);
executor_suite!(two_threads_in_a_task, in_a_task);
executor_suite!(two_threads_from_outside, from_outside);
