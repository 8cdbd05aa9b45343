//! Runtimes that do what the real one under them does only in bad hours: end, and inject faults.

use crate::{Fault, FaultPoint, Runtime, TaskName, Time, Timer};
use futures::future::{BoxFuture, FutureExt};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::SystemTime;

type Task = Arc<Mutex<Option<BoxFuture<'static, ()>>>>;

/// A runtime that can end before the one that it stands on does.
pub(crate) struct Mortal {
    under: Arc<dyn Runtime>,
    tasks: Mutex<BTreeMap<u64, Task>>,
    is_dead: AtomicBool,
    /// What `fault` answers next.
    pub(crate) next_fault: Mutex<Option<Fault>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mortal {
    pub(crate) fn new(under: Arc<dyn Runtime>) -> Arc<Mortal> {
        Arc::new(Mortal {
            under,
            tasks: Mutex::default(),
            is_dead: AtomicBool::new(false),
            next_fault: Mutex::default(),
        })
    }

    /// Drops all tasks, and from now on those that are spawned, as an executor does that shuts down.
    pub(crate) fn die(&self) {
        self.is_dead.store(true, SeqCst);
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        for task in tasks.into_values() {
            let future = lock(&task).take();
            drop(future);
        }
    }
}

impl Runtime for Mortal {
    fn name(&self) -> &'static str {
        "mortal"
    }

    fn spawn(&self, name: TaskName, fut: BoxFuture<'static, ()>) {
        if self.is_dead.load(SeqCst) {
            return drop(fut);
        }
        let task: Task = Arc::new(Mutex::new(Some(fut)));
        let mut tasks = lock(&self.tasks);
        let id = tasks.last_key_value().map_or(0, |(id, _)| id + 1);
        tasks.insert(id, task.clone());
        drop(tasks);
        self.under.spawn(
            name,
            poll_fn(move |cx| {
                let mut future = lock(&task);
                let polled = future.as_mut().map_or(Poll::Ready(()), |future| future.poll_unpin(cx));
                if polled.is_ready() {
                    *future = None;
                }
                polled
            })
            .boxed(),
        );
    }

    fn now(&self) -> Time {
        self.under.now()
    }

    fn system_time(&self) -> SystemTime {
        self.under.system_time()
    }

    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> {
        self.under.timer(at)
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) {
        self.under.spawn_blocking(job);
    }

    fn entropy(&self) -> u64 {
        self.under.entropy()
    }

    fn is_current(&self) -> bool {
        !self.is_dead.load(SeqCst) && self.under.is_current()
    }

    fn injects_faults(&self) -> bool {
        true
    }

    fn fault(&self, _: FaultPoint) -> Option<Fault> {
        lock(&self.next_fault).take()
    }
}
