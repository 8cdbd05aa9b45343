//! Where these tests run here: on tokio with a paused clock. The simulator has a file of its own in this one's place.

use ravelin_core::Runtime;
use ravelin_core::runtimes::Tokio;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// What is very many here.
pub(crate) const MANY: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

/// Whether those who are ready run in the order in which they became so.
pub(crate) const KEEPS_THE_QUEUE: bool = true;

/// Runs a test.
#[track_caller]
pub(crate) fn on_paused_time(test: impl AsyncFn()) {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    tokio.expect("a runtime").block_on(test());
}

/// The runtime of the test that runs.
pub(crate) fn runtime() -> Arc<dyn Runtime> {
    Tokio::current()
}

/// Lets the others run.
pub(crate) async fn turn() {
    let mut has_waited = false;
    poll_fn(|cx| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
