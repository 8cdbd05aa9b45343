//! The framework's timers over an executor that can do no more than sleep: one sleep at a time, until the next is due.

use futures::task::AtomicWaker;
use ravelin_core::Time;
use ravelin_core::runtimes::std_parts::TimerQueue;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

/// The longest sleep at a time; not every executor can sleep for ever.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A queue, and the future that fires its timers. The future is ready when the queue is gone.
pub(super) fn timers<S: Future<Output = ()>>(
    sleep: impl Fn(Duration) -> S,
) -> (Arc<TimerQueue>, impl Future<Output = ()>) {
    let keeper = Arc::new(AtomicWaker::new());
    let bell = Bell(keeper.clone());
    let queue = TimerQueue::new(move || bell.0.wake());
    let mut keep = Keep { queue: Arc::downgrade(&queue), keeper, sleep, asleep: None };
    (queue, poll_fn(move |cx| keep.poll(cx)))
}

/// Wakes the keeper when there is an earlier timer, and when the queue, which has this, is gone.
struct Bell(Arc<AtomicWaker>);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.wake();
    }
}

struct Keep<F, S> {
    queue: Weak<TimerQueue>,
    keeper: Arc<AtomicWaker>,
    sleep: F,
    /// Until when, and the sleep.
    asleep: Option<(Time, Pin<Box<S>>)>,
}

impl<F: Fn(Duration) -> S, S: Future<Output = ()>> Keep<F, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // First the waker, then the look: a timer that is armed later wakes it.
        self.keeper.register(cx.waker());
        loop {
            let Some(queue) = self.queue.upgrade() else { return Poll::Ready(()) };
            let Some(next) = queue.fire() else {
                self.asleep = None;
                return Poll::Pending;
            };
            let now = queue.now();
            drop(queue);
            let asleep = match &mut self.asleep {
                Some((until, asleep)) if *until == next => asleep,
                _ => &mut self.asleep.insert((next, Box::pin((self.sleep)((next - now).min(LONGEST))))).1,
            };
            if asleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // A sleep that ended too early is followed by another one.
            self.asleep = None;
        }
    }
}
