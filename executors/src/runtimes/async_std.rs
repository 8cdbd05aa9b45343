//! The adapter for async-std: its tasks, its sleep, its pool for blocking jobs.

#![allow(
    clippy::disallowed_methods,
    reason = "an adapter is where the real clock and async-std's own calls belong"
)]

use super::timers::timers;
use futures::future::BoxFuture;
use ravelin_core::runtimes::std_parts::{Mark, TimerQueue, entropy};
use ravelin_core::{Runtime, TaskName, Time, Timer};
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

/// async-std's global executor.
///
/// async-std is discontinued, and its notice points to smol. This is for programs that are on it; a new one takes `Smol`.
///
/// # What it promises
///
/// - **Clock**: std's monotonic clock; the epoch is the moment this adapter was made, so make one, and share it.
/// - **Timers** are the framework's own, over one sleep of async-std's in a task of its own.
/// - **Shutdown**: the executor never ends. Actors live until they end or are ended.
/// - **Blocking** jobs run in async-std's pool; a panic in one stays there.
/// - A panic that escapes a task ends that task silently.
///
/// `is_current` is true in tasks that this adapter spawned.
///
/// ```
/// use ravelin_core::Runtime;
/// use ravelin_executors::runtimes::AsyncStd;
/// let rt = AsyncStd::global();
/// let (tx, rx) = futures::channel::oneshot::channel();
/// rt.spawn("answer", Box::pin(async { tx.send(42).unwrap() }));
/// assert_eq!(async_std::task::block_on(rx), Ok(42));
/// ```
#[derive(Debug)]
pub struct AsyncStd {
    timers: Arc<TimerQueue>,
    mark: Mark,
}

impl AsyncStd {
    /// The global executor, that of `async_std::task::spawn`. It starts by itself.
    pub fn global() -> Arc<AsyncStd> {
        let (timers, keeper) = timers(async_std::task::sleep);
        // Dropping async-std's handle of a task detaches it.
        drop(async_std::task::spawn(keeper));
        Arc::new(AsyncStd { timers, mark: Mark::new() })
    }
}

impl Runtime for AsyncStd {
    fn name(&self) -> &'static str {
        "async-std"
    }

    fn spawn(&self, _name: TaskName, fut: BoxFuture<'static, ()>) {
        drop(async_std::task::spawn(self.mark.on(fut)));
    }

    fn now(&self) -> Time {
        self.timers.now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> {
        self.timers.timer(at)
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) {
        drop(async_std::task::spawn_blocking(job));
    }

    fn entropy(&self) -> u64 {
        entropy()
    }

    fn is_current(&self) -> bool {
        self.mark.is_current()
    }
}
