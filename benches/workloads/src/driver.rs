//! Runs a workload as a task on two workers, and what workloads wait with.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use crate::run::{Executor, Run};
use futures::task::AtomicWaker;
use ravelin::runtimes::{Smol, Tokio};
use ravelin::{Actor, ActorRef, Bounded, Capacity, Runtime, System, Unbounded};
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

/// The workers of the executor, if the environment's WORKERS says nothing else.
const WORKERS: usize = 2;
/// What a bounded mailbox holds.
const CAPACITY: u32 = 1024;

/// What a workload has to work with.
pub(crate) struct Bench {
    pub(crate) run: Run,
    pub(crate) system: System,
    capacity: Capacity,
}

impl Bench {
    /// Starts an actor with the kind of mailbox that was asked for.
    pub(crate) async fn spawn<A: Actor>(&self, args: A::Args) -> ActorRef<A> {
        self.system.spawn::<A>(args).mailbox(self.capacity).await.expect("it starts")
    }

    /// The kind of mailbox that was asked for.
    pub(crate) fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Runs a task that is no actor.
    pub(crate) fn task(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.system.runtime().spawn("workload", Box::pin(task));
    }
}

/// Runs `workload` as a task of the executor, and ends the process without waiting for what is left.
pub(crate) fn drive<F>(run: Run, workload: impl FnOnce(Bench) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let workers = std::env::var("WORKERS").ok().and_then(|workers| workers.parse().ok()).unwrap_or(WORKERS);
    let capacity = if run.unbounded { Unbounded.into() } else { Bounded(CAPACITY).into() };
    match run.executor {
        Executor::Tokio => {
            let tokio = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(workers)
                .enable_all()
                .build()
                .expect("a runtime");
            let system = System::new(Tokio::new(tokio.handle().clone()));
            let workload = workload(Bench { run, system, capacity });
            tokio.block_on(tokio.spawn(workload)).expect("the driver");
        }
        Executor::Smol => {
            let executor = Arc::new(smol::Executor::new());
            let runtime = Smol::new(executor.clone());
            for _ in 0..workers {
                let executor = executor.clone();
                std::thread::spawn(move || smol::block_on(executor.run(pending::<()>())));
            }
            let workload = workload(Bench { run, system: System::new(runtime.clone()), capacity });
            let (done, finished) = futures::channel::oneshot::channel();
            let driver = async move {
                workload.await;
                let _ = done.send(());
            };
            runtime.spawn("driver", Box::pin(driver));
            smol::block_on(finished).expect("the driver");
        }
    }
    std::process::exit(0)
}

/// Starts the clock.
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// Counts down from many tasks; one waits.
#[derive(Clone)]
pub(crate) struct Latch(Arc<(AtomicU64, AtomicWaker)>);

impl Latch {
    pub(crate) fn new(n: u64) -> Latch {
        Latch(Arc::new((AtomicU64::new(n), AtomicWaker::new())))
    }

    pub(crate) fn hit(&self) {
        let (left, waiter) = &*self.0;
        if left.fetch_sub(1, Ordering::AcqRel) == 1 {
            waiter.wake();
        }
    }

    pub(crate) async fn wait(&self) {
        let (left, waiter) = &*self.0;
        poll_fn(|cx| {
            waiter.register(cx.waker());
            if left.load(Ordering::Acquire) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Hits the latch when dropped: part of an actor's state, it shows that the actor is gone.
pub(crate) struct Guard(pub(crate) Latch);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.hit();
    }
}
