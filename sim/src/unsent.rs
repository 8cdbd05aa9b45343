//! Futures that are not `Send`, as tasks of a run: each stays with its thread, and the task that the machine has is its
//! key. A run is on one thread, so whoever polls or drops the task is there.

use futures::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

/// Makes a future on the thread that it stays on.
pub(crate) type Make = Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>;

thread_local! {
    static KEPT: RefCell<BTreeMap<u64, LocalBoxFuture<'static, ()>>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// A task that is made at its first poll, and has its future in its thread.
pub(crate) struct Unsent {
    make: Option<Make>,
    /// Where the future is, while nobody polls it.
    kept: Option<(ThreadId, u64)>,
}

impl Unsent {
    pub(crate) fn new(make: Make) -> Unsent {
        Unsent { make: Some(make), kept: None }
    }

    fn take(&mut self) -> Option<LocalBoxFuture<'static, ()>> {
        // Polled or dropped by a foreign thread the future stays where it is, and goes with its thread.
        let (_, key) = self.kept.take().filter(|(home, _)| *home == thread::current().id())?;
        KEPT.try_with(|kept| kept.borrow_mut().remove(&key)).ok().flatten()
    }

    fn keep(&mut self, future: LocalBoxFuture<'static, ()>) {
        let key = NEXT.with(|next| next.replace(next.get() + 1));
        KEPT.with(|kept| kept.borrow_mut().insert(key, future));
        self.kept = Some((thread::current().id(), key));
    }
}

impl Future for Unsent {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let made = self.make.take().map(|make| make());
        let Some(mut future) = made.or_else(|| self.take()) else { return Poll::Ready(()) };
        // Nothing is borrowed meanwhile: it may spawn, or drop, others of its kind.
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            self.keep(future);
        }
        polled
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        drop(self.take());
    }
}
