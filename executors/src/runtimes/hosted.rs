//! A runtime inside one future: for any executor, event loop or program that can poll one, and can sleep.

#![allow(clippy::disallowed_methods, reason = "an adapter is where the real clock comes from")]

use super::tasks::{Run, Tasks};
use super::timers::timers;
use futures::future::{BoxFuture, LocalBoxFuture};
use ravelin_core::runtimes::std_parts::{TimerQueue, entropy, thread_per_call};
use ravelin_core::{LocalRuntime, Runtime, TaskName, Time, Timer};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

/// A runtime whose tasks all run inside one future, the [`Host`], on the thread that polls it.
///
/// So ravelin runs wherever a future can be polled: in one task of an embedded executor, in a thread of an io_uring
/// runtime, in a `LocalSet`, in the event loop of a window system. Tasks may be spawned, woken and given timers from any
/// thread. It hosts futures that are not `Send`: they may use what that thread's executor offers.
///
/// # What it promises
///
/// - **Order**: tasks run in the order in which they were woken. The host gives way to its executor after each round.
/// - **Clock**: std's monotonic clock since it was made. Timers fire when the executor's sleep does, never early.
/// - **Panics**: a panic that escapes a task ends that task, with an error logged.
/// - **Shutdown**: when the host is dropped it drops the tasks, newest first, and what is spawned later is dropped un-run.
///   [`Hosted::shutdown`] does the same at the host's next poll, and the host is ready then.
/// - **Blocking** jobs get a thread each, see [`thread_per_call`].
///
/// `is_current` is true in tasks that were spawned as `Send`.
///
/// # Examples
///
/// On tokio's `LocalSet`; the system may run here, or elsewhere and keep only its pinned actors here.
///
/// ```
/// use ravelin_core::{LocalRuntime, Runtime};
/// use ravelin_executors::runtimes::Hosted;
/// use std::rc::Rc;
/// let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let set = tokio::task::LocalSet::new();
/// let (rt, host) = Hosted::new("tokio-local", tokio::time::sleep);
/// set.spawn_local(host);
/// let (tx, rx) = tokio::sync::oneshot::channel();
/// rt.spawn_local(Box::new(|| Box::pin(async move {
///     let not_send = Rc::new(42);
///     let task = tokio::task::spawn_local(async move { *not_send });
///     tx.send(task.await.unwrap()).unwrap();
/// })));
/// assert_eq!(set.block_on(&tokio, rx), Ok(42));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Hosted {
    name: &'static str,
    tasks: Arc<Tasks>,
    timers: Arc<TimerQueue>,
}

impl Hosted {
    /// A runtime, and the future that runs it; both know each other, and nobody else. `sleep` is the executor's: it is
    /// called and polled on the host's thread, one at a time. `name` is for logs.
    ///
    /// The host is not `Send`: make the two on the thread that is to run them, and send the runtime to the others.
    pub fn new<S>(name: &'static str, sleep: impl Fn(Duration) -> S + 'static) -> (Arc<Hosted>, Host)
    where
        S: Future<Output = ()> + 'static,
    {
        let tasks = Tasks::new();
        let (queue, keeper) = timers(sleep);
        let host = Host { run: Run::new(tasks.clone()), keeper: Box::pin(keeper) };
        (Arc::new(Hosted { name, tasks, timers: queue }), host)
    }

    /// Ends it: what is spawned from now on is dropped un-run, and the host, when it is polled next, drops its tasks and
    /// is ready. From any thread; does nothing the second time.
    ///
    /// An actor that holds its runtime keeps it, but not the host: where the executor can drop the host, this is not
    /// needed.
    pub fn shutdown(&self) {
        self.tasks.close();
    }
}

impl Runtime for Hosted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn spawn(&self, name: TaskName, fut: BoxFuture<'static, ()>) {
        self.tasks.spawn(name, fut);
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
        thread_per_call(job);
    }

    fn entropy(&self) -> u64 {
        entropy()
    }

    fn is_current(&self) -> bool {
        self.tasks.is_current()
    }
}

impl LocalRuntime for Hosted {
    fn spawn_local(&self, make: Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>) {
        self.tasks.spawn_local(make);
    }
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosted")
            .field("name", &self.name)
            .field("timers", &self.timers)
            .finish_non_exhaustive()
    }
}

/// What runs a [`Hosted`] runtime, as long as it is polled. Ready after [`Hosted::shutdown`].
///
/// # Cancel safety
/// Dropped, it drops all tasks.
#[must_use = "nothing runs before the host is polled"]
pub struct Host {
    run: Run,
    keeper: Pin<Box<dyn Future<Output = ()>>>,
}

impl Future for Host {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Ready when the runtime is gone; what runs may still have timers.
        let _ = self.keeper.as_mut().poll(cx);
        Pin::new(&mut self.run).poll(cx)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}
