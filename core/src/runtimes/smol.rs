//! The adapter for smol: async-executor for tasks, async-io for timers, `smol::unblock` for blocking jobs.

#![allow(
    clippy::disallowed_methods,
    reason = "an adapter is where the real clock and smol's own calls belong"
)]

use super::std_parts::{Clock, Mark, entropy};
use crate::runtime::{Runtime, TaskName, Timer};
use crate::time::Time;
use futures::future::BoxFuture;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

/// smol's global executor, or an executor of one's own.
///
/// # What it promises
///
/// - **Clock**: std's monotonic clock; the epoch is the moment this adapter was made, so make one, and share it.
/// - **Timers** are async-io's, on its own thread, which the process starts at the first use. A timer set to a time that
///   is past is ready at its first poll.
/// - **Shutdown**: when the last `Arc` of the executor is dropped its tasks are dropped. This adapter holds one, so an
///   actor that holds the adapter keeps its executor: end the actors first. The global executor never ends.
/// - **Blocking** jobs run in smol's pool; a panic in one stays there.
/// - A panic that escapes a task ends that task silently: async-executor hands it to whoever awaits the task, and nobody does.
///
/// `is_current` is true in tasks that this adapter spawned, and nowhere else: async-executor does not tell. It costs 2 ns.
///
/// # Examples
///
/// ```
/// use ravelin_core::{Runtime, runtimes::Smol};
/// use std::sync::Arc;
/// let executor = Arc::new(smol::Executor::new());
/// let rt = Smol::new(executor.clone());
/// let (tx, rx) = futures::channel::oneshot::channel();
/// rt.spawn("answer", Box::pin(async { tx.send(42).unwrap() }));
/// assert_eq!(smol::block_on(executor.run(rx)), Ok(42));
/// ```
#[derive(Debug)]
pub struct Smol {
    /// `None` is the global one.
    executor: Option<Arc<smol::Executor<'static>>>,
    clock: Clock,
    mark: Mark,
}

impl Smol {
    /// smol's global executor, that of `smol::spawn`: one thread, or as many as the environment's `SMOL_THREADS` says.
    /// It starts by itself at the first spawn.
    pub fn global() -> Arc<Smol> {
        Smol::over(None)
    }

    /// An executor that the caller runs, on as many threads as are in `executor.run(..)`. None of its tasks moves before.
    pub fn new(executor: Arc<smol::Executor<'static>>) -> Arc<Smol> {
        Smol::over(Some(executor))
    }

    fn over(executor: Option<Arc<smol::Executor<'static>>>) -> Arc<Smol> {
        Arc::new(Smol { executor, clock: Clock::new(), mark: Mark::new() })
    }
}

impl Runtime for Smol {
    fn name(&self) -> &'static str {
        "smol"
    }

    fn spawn(&self, _name: TaskName, fut: BoxFuture<'static, ()>) {
        let task = self.mark.on(fut);
        match &self.executor {
            Some(executor) => executor.spawn(task).detach(),
            None => smol::spawn(task).detach(),
        }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> {
        let timer = self.clock.instant(at).map_or_else(smol::Timer::never, smol::Timer::at);
        Box::pin(SmolTimer { timer, clock: self.clock, fired: false })
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) {
        smol::unblock(job).detach();
    }

    fn entropy(&self) -> u64 {
        entropy()
    }

    fn is_current(&self) -> bool {
        self.mark.is_current()
    }
}

struct SmolTimer {
    timer: smol::Timer,
    clock: Clock,
    /// smol's timer is ready once and pending ever after; ours stays ready until the next reset.
    fired: bool,
}

impl Timer for SmolTimer {
    fn reset(mut self: Pin<&mut Self>, at: Time) {
        self.fired = false;
        match self.clock.instant(at) {
            Some(instant) => self.timer.set_at(instant),
            None => self.timer.clear(),
        }
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.fired = self.fired || Pin::new(&mut self.timer).poll(cx).is_ready();
        if self.fired { Poll::Ready(()) } else { Poll::Pending }
    }
}
