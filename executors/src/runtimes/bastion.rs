//! The adapter for bastion-executor: its pool for tasks; the rest is of std.

#![allow(
    clippy::disallowed_methods,
    reason = "an adapter is where the real clock and real threads come from"
)]

use bastion_executor::pool;
use futures::future::BoxFuture;
use lightproc::proc_stack::ProcStack;
use ravelin_core::runtimes::std_parts::{Mark, TimerQueue, entropy, thread_per_call};
use ravelin_core::{Runtime, TaskName, Time, Timer};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

/// bastion-executor's global pool.
///
/// It is no longer developed. This is for programs that are on bastion and want to move one actor at a time; a new one
/// takes `Tokio` or `Smol`.
///
/// # What it promises
///
/// - **Clock**: std's monotonic clock; the epoch is the moment this adapter was made, so make one, and share it.
/// - **Timers** are the framework's own, with a thread that ends when the adapter and its timers are gone.
/// - **Shutdown**: the pool never ends. Actors live until they end or are ended.
/// - **Blocking** jobs get a thread each, so that none waits for a worker; bastion's pool for them is not used.
/// - A panic that escapes a task ends that task silently.
///
/// `is_current` is true in tasks that this adapter spawned.
///
/// ```
/// use ravelin_core::Runtime;
/// use ravelin_executors::runtimes::Bastion;
/// let rt = Bastion::global()?;
/// let (tx, rx) = std::sync::mpsc::channel();
/// rt.spawn("answer", Box::pin(async move { tx.send(42).unwrap() }));
/// assert_eq!(rx.recv(), Ok(42));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Bastion {
    timers: Arc<TimerQueue>,
    mark: Mark,
}

impl Bastion {
    /// The global pool, that of `bastion_executor::pool::spawn`. It starts by itself.
    ///
    /// # Errors
    /// The system gave no thread for the timers.
    pub fn global() -> io::Result<Arc<Bastion>> {
        let (earlier, woken) = mpsc::channel();
        let timers = TimerQueue::new(move || {
            let _ = earlier.send(());
        });
        let queue = Arc::downgrade(&timers);
        thread::Builder::new().name("ravelin-timers".into()).spawn(move || {
            while let Some(timers) = queue.upgrade() {
                let wait = timers.fire().map_or(Duration::MAX, |at| at - timers.now());
                drop(timers);
                if let Err(mpsc::RecvTimeoutError::Disconnected) = woken.recv_timeout(wait) {
                    return; // the queue is gone, and with it `earlier`
                }
            }
        })?;
        Ok(Arc::new(Bastion { timers, mark: Mark::new() }))
    }
}

impl Runtime for Bastion {
    fn name(&self) -> &'static str {
        "bastion"
    }

    fn spawn(&self, _name: TaskName, fut: BoxFuture<'static, ()>) {
        // Dropping bastion's handle of a task detaches it.
        drop(pool::spawn(self.mark.on(fut), ProcStack::default()));
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
        self.mark.is_current()
    }
}
