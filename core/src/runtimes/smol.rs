//! The adapter for smol: async-executor for tasks, async-io for timers, `smol::unblock` for blocking jobs.

#![allow(
    clippy::disallowed_methods,
    reason = "an adapter is where the real clock and smol's own calls belong"
)]

use super::std_parts::{Clock, Mark, entropy};
use crate::runtime::{Runtime, TaskName, Timer};
use crate::time::Time;
use futures::future::BoxFuture;
use futures::task::AtomicWaker;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
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
/// - A panic that escapes a task ends that task silently: async-executor hands it to whoever awaits the task, and
///   nobody does.
///
/// `is_current` is true in tasks that this adapter spawned, and nowhere else: async-executor does not tell. It costs 2 ns.
///
/// # Timers of smol's own
///
/// async-io drops the waker of a timer that was dropped, or that got another waker, only later: in its reactor, just
/// before this waits for events. A wake-up which comes of that drop is lost when the thread that has the reactor runs the
/// woken executor in `smol::block_on`, as smol's global thread does: it sleeps over this one and all that come after it,
/// until a new timer or some I/O gets the reactor to move. So it is in async-io 2.6, whose `block_on` takes every wake-up
/// from inside the reactor for one that it will see before it sleeps.
///
/// The waker of an actor may be such a one: it keeps the actor's place, which keeps the system, whose end wakes a task. So
/// the timers that this adapter makes show async-io a waker that owns nothing, and drop the true one at once.
/// `Cx::sleep`, `within` and all other time-outs of the framework use them. A `smol::Timer` in a handler does not: where it
/// may be dropped before it fires, and the system may end soon after that, take the framework's instead.
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
///
/// A program that wants no more than threads for its actors:
///
/// ```
/// use ravelin_core::{Runtime, runtimes::Smol};
/// let cores = std::thread::available_parallelism().unwrap();
/// assert_eq!(Smol::block_on(cores, async |rt| rt.name()), "smol");
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

    /// Runs a future over an executor of its own, on so many threads, the calling one among them. They end with the future,
    /// also when that panics, and what it left on the executor moves no more.
    pub fn block_on<F: Future>(threads: NonZeroUsize, main: impl FnOnce(Arc<Smol>) -> F) -> F::Output {
        let executor = Arc::new(smol::Executor::new());
        let runtime = Smol::new(executor.clone());
        let (stop, stopped) = smol::channel::bounded::<()>(1);
        thread::scope(|scope| {
            for _ in 1..threads.get() {
                scope.spawn(|| smol::block_on(executor.run(stopped.recv())));
            }
            let output = smol::block_on(executor.run(main(runtime)));
            drop(stop);
            output
        })
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
        Box::pin(SmolTimer::new(timer, self.clock))
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
    door: Arc<Door>,
    /// What async-io sees: the door.
    waker: Waker,
    clock: Clock,
    /// smol's timer is ready once and pending ever after; ours stays ready until the next reset.
    fired: bool,
}

/// Between async-io and who waits for a timer: async-io keeps this, which owns nothing when the timer is gone.
#[derive(Default)]
struct Door(AtomicWaker);

impl Wake for Door {
    fn wake(self: Arc<Door>) {
        self.0.wake();
    }

    fn wake_by_ref(self: &Arc<Door>) {
        self.0.wake();
    }
}

impl SmolTimer {
    fn new(timer: smol::Timer, clock: Clock) -> SmolTimer {
        let door = Arc::<Door>::default();
        SmolTimer { timer, waker: Waker::from(door.clone()), door, clock, fired: false }
    }
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
        if self.fired {
            return Poll::Ready(());
        }
        // First the waker, then the look at the timer, which may fire in between.
        self.door.0.register(cx.waker());
        let this = &mut *self;
        if Pin::new(&mut this.timer).poll(&mut Context::from_waker(&this.waker)).is_pending() {
            return Poll::Pending;
        }
        this.fired = true;
        drop(this.door.0.take());
        Poll::Ready(())
    }
}

impl Drop for SmolTimer {
    fn drop(&mut self) {
        // When async-io is waking it just now there is nothing to take: it is woken, and dropped with that.
        drop(self.door.0.take());
    }
}
