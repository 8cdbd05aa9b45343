//! The suite over embassy-executor on std, a fresh executor for each case.

#![allow(clippy::disallowed_methods, reason = "embassy's executor has the thread that one runs it on")]

use embassy_executor::Executor;
use futures::channel::oneshot;
use futures::executor::block_on;
use ravelin_core::conformance::Case;
use ravelin_core::{Runtime, executor_suite};
use ravelin_executors::runtimes::{Hosted, on_embassy};
use std::future::{Future, pending};
use std::sync::{Arc, mpsc};
use std::thread;

/// Runs an executor on a thread of its own until the case is over: it holds what embassy looks at after each round.
fn drive<F: Future<Output = ()>>(case: impl FnOnce(Arc<Hosted>) -> F) {
    let (give, given) = mpsc::channel();
    let (held, gone) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let executor: &'static mut Executor = Box::leak(Box::new(Executor::new()));
        let start = |spawner| give.send(on_embassy(spawner)).unwrap();
        executor.run_until(start, || gone.try_recv() == Err(mpsc::TryRecvError::Disconnected));
    });
    let rt = given.recv().unwrap();
    let (begins, begun) = oneshot::channel();
    let until_dropped = async move {
        let _held = held;
        begins.send(()).unwrap();
        pending::<()>().await;
    };
    rt.spawn("held", Box::pin(until_dropped));
    // So the executor drops it, and looks after that; what has not begun would be dropped here, and it would not look again.
    block_on(begun).unwrap();
    block_on(case(rt.clone()));
    rt.shutdown();
    thread.join().unwrap();
}

fn in_a_task(case: Case) {
    drive(|rt| case.in_task(rt));
}

fn from_outside(case: Case) {
    drive(|rt| case.outside(rt));
}

executor_suite!(embassy_in_a_task, in_a_task);
executor_suite!(embassy_from_outside, from_outside);
