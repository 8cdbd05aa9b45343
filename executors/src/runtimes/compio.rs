//! compio: a ravelin runtime in one task of a thread's io_uring runtime.

use super::hosted::Hosted;
use std::sync::Arc;

/// A runtime in one task of the compio runtime that the caller runs in: one thread, and io_uring below it where the
/// kernel allows it, else polling, as compio decides.
///
/// compio's files and sockets belong to their thread and are not `Send`, so handlers of an ordinary actor cannot await
/// them. A [pinned](crate::pinned) actor on this runtime can; so can a future of `spawn_local`.
/// When compio's runtime is dropped it drops the tasks.
///
/// # Panics
/// Outside of a compio runtime.
///
/// ```
/// use ravelin_core::Runtime;
/// use ravelin_executors::runtimes::on_compio;
/// compio::runtime::Runtime::new()?.block_on(async {
///     let rt = on_compio();
///     let (tx, rx) = futures::channel::oneshot::channel();
///     rt.spawn("answer", Box::pin(async { tx.send(42).unwrap() }));
///     assert_eq!(rx.await, Ok(42));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn on_compio() -> Arc<Hosted> {
    let (runtime, host) = Hosted::new("compio", compio::time::sleep);
    compio::runtime::spawn(host).detach();
    runtime
}
