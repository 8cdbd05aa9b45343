//! The seam: the only thing of the framework that knows an executor, a clock, randomness or a thread.
//!
//! A `Runtime` gives a detached spawn, a clock, resettable timers, a place for blocking work and entropy; all else
//! (panic isolation, kill, exit notices, time-outs, fairness) is built above it, once, so that it means the same on
//! every executor. There is no channel and no lock in it: these need no executor.

use crate::time::Time;
use crate::watch::{Fault, FaultPoint, Seen, Site};
use futures::future::{BoxFuture, LocalBoxFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

/// A name for a spawned task, for executors and tools that show names.
pub type TaskName = &'static str;

/// A timer that can be set again without a new allocation.
///
/// A waker that it needs no more, because another one came or the timer is dropped, is dropped at once, and outside of
/// all locks and loops of the executor: that drop may end whatever the waker keeps, and wake others.
pub trait Timer: Send {
    /// Sets the timer to fire at `at`, whether or not it has fired before. The next `poll` registers the waker.
    fn reset(self: Pin<&mut Self>, at: Time);
    /// Ready once the clock has reached the time set. Registers the waker of `cx` otherwise.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

/// What the framework needs of an executor. Object-safe; travels as `Arc<dyn Runtime>`.
///
/// To support a new executor implement this and run `executor_suite!` over it.
pub trait Runtime: Send + Sync + 'static {
    /// The executor's name, for logs.
    fn name(&self) -> &'static str;

    /// Runs `fut` on the executor, detached. It is never polled concurrently with itself. It may be dropped un-run or
    /// half-run when the executor shuts down; its actors then end with the reason `Lost`.
    fn spawn(&self, name: TaskName, fut: BoxFuture<'static, ()>);

    /// The clock, monotonic, since the runtime's epoch.
    fn now(&self) -> Time;

    /// The wall clock. Nothing in the framework decides by it.
    fn system_time(&self) -> SystemTime;

    /// A timer set to `at`.
    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>>;

    /// Runs `job` where it may block.
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>);

    /// Randomness; the only source of it.
    fn entropy(&self) -> u64;

    /// Is the calling thread one that is polling a task of this runtime just now? An actor may then be started, or
    /// run, on the spot. `false` is always right, and slower.
    fn is_current(&self) -> bool {
        false
    }

    /// May an actor that another one woke be run next in the same poll, without a trip through the executor's queue?
    /// A simulator, which wants to choose the order itself, says no.
    fn hands_over(&self) -> bool {
        true
    }

    /// Whether this runtime may ever answer at a [`FaultPoint`], and wants to be told what is [`Seen`]. Read once, when
    /// a system is made: where it is false, nothing is asked and nothing told on an actor's path.
    fn injects_faults(&self) -> bool {
        false
    }

    /// Asked at await points and named points; the simulator and chaos answer.
    fn fault(&self, point: FaultPoint) -> Option<Fault> {
        let _ = point;
        None
    }

    /// As [`Runtime::fault`], where it is known which actor comes by.
    fn fault_in(&self, actor: &Site<'_>, point: FaultPoint) -> Option<Fault> {
        let _ = actor;
        self.fault(point)
    }

    /// A system begins to live on this runtime, one of several perhaps: gives the number by which it is known at each
    /// [`Site`]. Asked where faults are injected.
    fn enroll(&self) -> u32 {
        0
    }

    /// Told of what happens to an actor. Be short, and call nothing of the framework.
    fn observe(&self, actor: &Site<'_>, seen: &Seen<'_>) {
        let _ = (actor, seen);
    }
}

/// A runtime that can also host futures that are not `Send`.
pub trait LocalRuntime: Runtime {
    /// Makes and runs a future on the executor's thread. The factory is `Send`, the future need not be.
    fn spawn_local(&self, make: Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>);
}
