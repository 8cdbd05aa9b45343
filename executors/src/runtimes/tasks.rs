//! Many tasks inside one future: what makes an executor of any place that can poll one.
//!
//! Whoever spawns leaves the task in an inbox, under a short lock, and wakes the future; this takes it out on its own
//! thread. So the tasks themselves need no lock, and those that are not `Send` are made, polled and dropped there.

use futures::future::{BoxFuture, LocalBoxFuture};
use futures::stream::{FuturesUnordered, StreamExt};
use futures::task::AtomicWaker;
use ravelin_core::TaskName;
use ravelin_core::runtimes::std_parts::{Mark, Marked};
use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// Makes a future on the thread that it stays on.
pub(super) type Make = Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>;

/// Where tasks are left, from any thread.
pub(super) struct Tasks {
    mark: Mark,
    inbox: Mutex<Inbox>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Inbox {
    new: Vec<New>,
    is_closed: bool,
}

enum New {
    Sent(TaskName, Marked),
    Made(Make),
}

impl Tasks {
    pub(super) fn new() -> Arc<Tasks> {
        Arc::new(Tasks { mark: Mark::new(), inbox: Mutex::default(), waker: AtomicWaker::new() })
    }

    pub(super) fn spawn(&self, name: TaskName, future: BoxFuture<'static, ()>) {
        self.push(New::Sent(name, self.mark.on(future)));
    }

    pub(super) fn spawn_local(&self, make: Make) {
        self.push(New::Made(make));
    }

    pub(super) fn is_current(&self) -> bool {
        self.mark.is_current()
    }

    /// From now on what is spawned is dropped; what runs is dropped when the future is polled next.
    pub(super) fn close(&self) {
        let new = {
            let mut inbox = self.inbox();
            inbox.is_closed = true;
            mem::take(&mut inbox.new)
        };
        self.waker.wake();
        for new in new {
            isolated("task", || drop(new));
        }
    }

    fn push(&self, new: New) {
        {
            let mut inbox = self.inbox();
            if inbox.is_closed {
                drop(inbox);
                return drop(new);
            }
            inbox.new.push(new);
        }
        self.waker.wake();
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future that runs them. Ready when they were closed; dropped, it drops them all.
pub(super) struct Run {
    tasks: Arc<Tasks>,
    running: FuturesUnordered<Task>,
}

impl Run {
    pub(super) fn new(tasks: Arc<Tasks>) -> Run {
        Run { tasks, running: FuturesUnordered::new() }
    }
}

impl Future for Run {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // First the waker, then the look: who spawns later wakes it.
        this.tasks.waker.register(cx.waker());
        let (new, is_closed) = {
            let mut inbox = this.tasks.inbox();
            (mem::take(&mut inbox.new), inbox.is_closed)
        };
        if is_closed {
            this.running.clear();
            return Poll::Ready(());
        }
        this.running.extend(new.into_iter().filter_map(New::begin));
        // Each is polled once a round, in the order of waking; one that is always ready keeps nobody from the thread.
        while let Poll::Ready(Some(())) = this.running.poll_next_unpin(cx) {}
        Poll::Pending
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

impl New {
    fn begin(self) -> Option<Task> {
        match self {
            New::Sent(name, future) => Some(Task { name, body: Some(Body::Sent(future)) }),
            New::Made(make) => {
                isolated("local", make).map(|future| Task { name: "local", body: Some(Body::Made(future)) })
            }
        }
    }
}

struct Task {
    name: TaskName,
    body: Option<Body>,
}

enum Body {
    Sent(Marked),
    Made(LocalBoxFuture<'static, ()>),
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let polled = isolated(this.name, || match &mut this.body {
            Some(Body::Sent(future)) => Pin::new(future).poll(cx),
            Some(Body::Made(future)) => future.as_mut().poll(cx),
            None => Poll::Ready(()),
        });
        polled.unwrap_or(Poll::Ready(()))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let body = self.body.take();
        isolated(self.name, || drop(body));
    }
}

/// Calls `f`; logs its panic and gives `None` if it has one.
fn isolated<R>(name: TaskName, f: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| report(name, &*panic)).ok()
}

#[cold]
fn report(name: TaskName, panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("not a text");
    tracing::error!(task = name, panic = text, "a panic escaped a task; the task is gone, the others go on");
}
