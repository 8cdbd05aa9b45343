//! Parts for adapters, of std alone: a clock, entropy, a thread for a blocking job, a timer queue, and the mark that
//! tells a thread which runtime's task it is polling.
//!
//! An executor that lacks one of the things that [`Runtime`](crate::runtime::Runtime) asks for takes it from here.

#![allow(
    clippy::disallowed_methods,
    reason = "an adapter is where the real clock and real threads come from"
)]
#![allow(clippy::disallowed_types, reason = "RandomState is std's only door to the system's entropy")]

use crate::runtime::Timer;
use crate::time::Time;
use futures::future::BoxFuture;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::future::Future;
use std::hash::BuildHasher;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

/// Locks, also after a panic elsewhere: nothing here is left half-done by one.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock of [`Time`] whose epoch is the moment it was made, over std's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that shows [`Time::EPOCH`] now.
    #[expect(clippy::new_without_default, reason = "a default that reads the clock would surprise")]
    pub fn new() -> Clock {
        Clock(Instant::now())
    }

    /// The time. Never goes back, on whatever thread it is asked. Costs what `Instant::now` costs, about 25 ns.
    pub fn now(&self) -> Time {
        Time::EPOCH + self.0.elapsed()
    }

    /// The instant at which this clock shows `at`; `None` if the platform cannot express one so late.
    ///
    /// ```
    /// use ravelin_core::runtimes::std_parts::Clock;
    /// let clock = Clock::new();
    /// let now = clock.now();
    /// assert!(clock.instant(now).unwrap() <= std::time::Instant::now());
    /// ```
    pub fn instant(&self, at: Time) -> Option<Instant> {
        self.0.checked_add(at - Time::EPOCH)
    }
}

/// 64 random bits: splitmix64, one generator a thread, each seeded by the operating system through `RandomState`.
///
/// Good for jitter, ids and seeds; not for secrets. Costs about 2 ns.
///
/// ```
/// use ravelin_core::runtimes::std_parts::entropy;
/// assert_ne!(entropy(), entropy());
/// ```
pub fn entropy() -> u64 {
    fn seed() -> u64 {
        RandomState::new().hash_one(0u8)
    }
    thread_local!(static STATE: Cell<u64> = Cell::new(seed()));
    // A thread that is ending may have lost its state already.
    let state = STATE.try_with(|s| {
        let next = s.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        s.set(next);
        next
    });
    let z = state.unwrap_or_else(|_| seed());
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Runs a blocking job on a thread of its own, which ends with it.
///
/// For executors that have no pool. There is no limit: who starts ten thousand jobs has ten thousand threads. A job for
/// which the system gives no thread is dropped un-run, and an error is logged. A panic ends the thread only.
pub fn thread_per_call(job: Box<dyn FnOnce() + Send>) {
    if let Err(error) = thread::Builder::new().name("ravelin-blocking".into()).spawn(job) {
        tracing::error!(%error, "no thread for a blocking job; the job is dropped");
    }
}

thread_local! {
    /// Whose task this thread is polling: 0 nobody's, else the mark.
    static POLLING: Cell<u64> = const { Cell::new(0) };
}

/// Tells whether the calling thread is polling a task of one adapter; what `Runtime::is_current` wants to know.
///
/// The adapter makes one mark for itself and wraps what it spawns with [`Mark::on`]. Costs two writes to a thread-local
/// a poll. When polls of several marks are nested, the innermost counts.
///
/// ```
/// use futures::FutureExt;
/// use ravelin_core::runtimes::std_parts::Mark;
/// let mark = Mark::new();
/// let task = mark.on(Box::pin(async move { assert!(mark.is_current()) }));
/// assert!(task.now_or_never().is_some());
/// assert!(!mark.is_current());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark(NonZeroU64);

impl Mark {
    /// A mark unlike any other: 64 random bits, so that no counter need be shared.
    #[expect(clippy::new_without_default, reason = "no two are alike, so none is the default")]
    pub fn new() -> Mark {
        Mark(NonZeroU64::new(entropy()).unwrap_or(NonZeroU64::MAX))
    }

    /// `fut`, with this mark set while it is polled, or dropped by the poll that finishes it.
    pub fn on(self, fut: BoxFuture<'static, ()>) -> Marked {
        Marked { mark: self, fut: Some(fut) }
    }

    /// Is this the mark of what the calling thread is polling?
    pub fn is_current(self) -> bool {
        Mark::current() == Some(self)
    }

    /// The mark that is set on this thread.
    pub(super) fn current() -> Option<Mark> {
        POLLING.try_with(Cell::get).ok().and_then(NonZeroU64::new).map(Mark)
    }

    /// Sets the mark until the guard is dropped.
    pub(super) fn enter(self) -> Entered {
        Entered { outer: POLLING.try_with(|p| p.replace(self.0.get())).unwrap_or(0) }
    }
}

/// Restores, on drop, the mark that was set before.
pub(super) struct Entered {
    outer: u64,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = POLLING.try_with(|p| p.set(self.outer));
    }
}

/// A task's future that sets its runtime's [`Mark`] while it is polled. Made by [`Mark::on`]; no allocation of its own.
pub struct Marked {
    mark: Mark,
    fut: Option<BoxFuture<'static, ()>>,
}

impl Future for Marked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _entered = self.mark.enter();
        let Some(fut) = &mut self.fut else { return Poll::Ready(()) };
        let polled = fut.as_mut().poll(cx);
        if polled.is_ready() {
            self.fut = None;
        }
        polled
    }
}

impl fmt::Debug for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Marked").field(&self.mark).finish()
    }
}

/// Timers for an executor that has none: wakers in the order in which they are due, and a clock.
///
/// It has no thread. Its owner calls [`fire`](TimerQueue::fire), waits until the time that this returns, and calls again;
/// the closure given to [`new`](TimerQueue::new) is called when an earlier timer came in between.
///
/// Arming, resetting and dropping a timer cost O(log n) under a short lock. Wakers are called, and dropped, outside it.
///
/// ```
/// use ravelin_core::runtimes::std_parts::TimerQueue;
/// use std::task::{Context, Waker};
/// use std::time::Duration;
/// let queue = TimerQueue::new(|| println!("wait for less long"));
/// let at = queue.now() + Duration::from_secs(60);
/// let mut timer = queue.timer(at);
/// assert!(timer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
/// assert_eq!(queue.fire(), Some(at));
/// drop(timer);
/// assert_eq!(queue.fire(), None);
/// ```
pub struct TimerQueue {
    clock: Clock,
    waiting: Mutex<Waiting>,
    earlier: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Waiting {
    wakers: BTreeMap<Key, Waker>,
    /// The number that the next registration gets, so that timers of one time fire in the order they were armed.
    next: u64,
}

/// When, and the how-manieth registration.
type Key = (Time, u64);

impl TimerQueue {
    /// An empty queue whose epoch is now. `earlier` is called, outside the lock, each time a timer is armed that is due
    /// before all others; it has to make the owner call [`fire`](TimerQueue::fire) again.
    pub fn new(earlier: impl Fn() + Send + Sync + 'static) -> Arc<TimerQueue> {
        Arc::new(TimerQueue { clock: Clock::new(), waiting: Mutex::default(), earlier: Box::new(earlier) })
    }

    /// The queue's clock.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// A timer set to `at`. It registers at its first poll, and leaves the queue when it is dropped.
    pub fn timer(self: &Arc<TimerQueue>, at: Time) -> Pin<Box<dyn Timer>> {
        Box::pin(QueuedTimer { queue: self.clone(), at, key: None, fired: false })
    }

    /// Wakes all that are due, in the order of their times, and returns when the next is.
    pub fn fire(&self) -> Option<Time> {
        let mut now = None;
        loop {
            let waker = {
                let mut waiting = lock(&self.waiting);
                let first = waiting.wakers.first_entry()?;
                let at = first.key().0;
                // Read once, and only if somebody waits: timers that are armed meanwhile can not keep us here.
                if at > *now.get_or_insert_with(|| self.now()) {
                    return Some(at);
                }
                first.remove()
            };
            waker.wake();
        }
    }

    /// Registers under a new key, or puts another waker under the key there is.
    fn arm(&self, at: Time, key: Option<Key>, waker: &Waker) -> Key {
        let mut waiting = lock(&self.waiting);
        let key = key.unwrap_or((at, waiting.next));
        waiting.next += 1;
        let is_first = waiting.wakers.first_key_value().is_none_or(|(first, _)| key < *first);
        let replaced = waiting.wakers.insert(key, waker.clone());
        drop(waiting);
        drop(replaced);
        if is_first {
            (self.earlier)();
        }
        key
    }

    fn disarm(&self, key: Key) {
        // The waker may hold the last reference to a task, which may hold timers: it is dropped outside the lock.
        let removed = lock(&self.waiting).wakers.remove(&key);
        drop(removed);
    }
}

impl fmt::Debug for TimerQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = lock(&self.waiting).wakers.len();
        f.debug_struct("TimerQueue").field("now", &self.now()).field("waiting", &waiting).finish()
    }
}

struct QueuedTimer {
    queue: Arc<TimerQueue>,
    at: Time,
    /// Its place in the queue, if it has one.
    key: Option<Key>,
    fired: bool,
}

impl QueuedTimer {
    fn disarm(&mut self) {
        if let Some(key) = self.key.take() {
            self.queue.disarm(key);
        }
    }
}

impl Timer for QueuedTimer {
    fn reset(mut self: Pin<&mut Self>, at: Time) {
        self.disarm();
        self.at = at;
        self.fired = false;
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.fired {
            if self.queue.now() < self.at {
                let key = self.queue.arm(self.at, self.key, cx.waker());
                self.key = Some(key);
                return Poll::Pending;
            }
            self.disarm();
            self.fired = true;
        }
        Poll::Ready(())
    }
}

impl Drop for QueuedTimer {
    fn drop(&mut self) {
        self.disarm();
    }
}
