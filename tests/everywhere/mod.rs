//! The executors that the tests of a feature run on, each test on all of them.

use ravelin::Runtime;
use ravelin::runtimes::{Local, Smol, Tokio};
use std::sync::Arc;

/// Runs a test on tokio with many threads, on tokio with one and a paused clock, on smol and on a single thread.
#[track_caller]
pub(crate) fn everywhere<Fut: Future<Output = ()>>(test: impl Fn(Arc<dyn Runtime>) -> Fut) {
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    many.expect("a runtime").block_on(async { test(Tokio::current()).await });
    on_paused_time(&test);
    smol::block_on(test(Smol::global()));
    let local = Local::new();
    local.block_on(test(local.clone()));
}

/// Runs a test on tokio with one thread and a clock that jumps.
#[track_caller]
pub(crate) fn on_paused_time<Fut: Future<Output = ()>>(test: impl Fn(Arc<dyn Runtime>) -> Fut) {
    let one = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    one.expect("a runtime").block_on(async { test(Tokio::current()).await });
}

/// Lets all others have a turn.
#[allow(unused_imports, reason = "not each test that includes this needs it")]
pub(crate) use smol::future::yield_now as turn;
