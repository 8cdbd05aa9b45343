//! Adapters: what makes an executor a [`Runtime`](crate::runtime::Runtime).
//!
//! | adapter | feature | tasks run on | timers | blocking jobs | when the executor ends |
//! |---|---|---|---|---|---|
//! | `Tokio` | `tokio` | the runtime's workers, or its one thread | tokio's, 1 ms, obey its paused clock | tokio's pool | tokio drops the tasks |
//! | `Smol` | `smol` | the threads that run the executor | async-io's | smol's pool | async-executor drops the tasks |
//! | [`Local`] | none | the thread in `block_on` | its own, in the same thread | a thread each | `Local` drops the tasks |
//!
//! All of them: a clock that never goes back, on whatever thread it is asked; timers that never fire early, fire at once
//! when their time is past, stay ready until they are reset, and leave nothing behind when dropped; a panic that escapes
//! a task or a blocking job harms no other; and `is_current` true in tasks that the adapter spawned, false in blocking jobs.
//!
//! # Writing an adapter
//!
//! Implement the trait; what the executor lacks is in [`std_parts`]. This one has an executor that knows nothing but
//! threads, one for each task:
//!
//! ```
//! use futures::future::BoxFuture;
//! use ravelin_core::runtimes::std_parts::{Mark, TimerQueue, entropy, thread_per_call};
//! use ravelin_core::{Runtime, TaskName, Time, Timer};
//! use std::sync::{Arc, mpsc};
//! use std::task::{Context, Poll, Wake, Waker};
//! use std::{pin::Pin, thread, time::Duration, time::SystemTime};
//!
//! struct Threads {
//!     timers: Arc<TimerQueue>,
//!     mark: Mark,
//! }
//!
//! impl Threads {
//!     fn new() -> Arc<Threads> {
//!         let (earlier, woken) = mpsc::channel();
//!         let timers = TimerQueue::new(move || drop(earlier.send(())));
//!         let weak = Arc::downgrade(&timers);
//!         thread::spawn(move || loop {
//!             let Some(timers) = weak.upgrade() else { return };
//!             let wait = timers.fire().map_or(Duration::MAX, |at| at - timers.now());
//!             drop(timers);
//!             if let Err(mpsc::RecvTimeoutError::Disconnected) = woken.recv_timeout(wait) {
//!                 return; // the queue is gone, and with it `earlier`
//!             }
//!         });
//!         Arc::new(Threads { timers, mark: Mark::new() })
//!     }
//! }
//!
//! struct Unpark(thread::Thread);
//! impl Wake for Unpark {
//!     fn wake(self: Arc<Self>) {
//!         self.0.unpark();
//!     }
//! }
//!
//! impl Runtime for Threads {
//!     fn name(&self) -> &'static str { "threads" }
//!     fn spawn(&self, _: TaskName, fut: BoxFuture<'static, ()>) {
//!         let mut task = self.mark.on(fut);
//!         thread::spawn(move || {
//!             let waker = Waker::from(Arc::new(Unpark(thread::current())));
//!             while Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending() {
//!                 thread::park();
//!             }
//!         });
//!     }
//!     fn now(&self) -> Time { self.timers.now() }
//!     fn system_time(&self) -> SystemTime { SystemTime::now() }
//!     fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> { self.timers.timer(at) }
//!     fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) { thread_per_call(job) }
//!     fn entropy(&self) -> u64 { entropy() }
//!     fn is_current(&self) -> bool { self.mark.is_current() }
//! }
//!
//! let rt: Arc<dyn Runtime> = Threads::new();
//! let (tx, rx) = mpsc::channel();
//! let clock = rt.clone();
//! rt.spawn("sleeper", Box::pin(async move {
//!     let at = clock.now() + Duration::from_millis(2);
//!     let mut timer = clock.timer(at);
//!     std::future::poll_fn(|cx| timer.as_mut().poll(cx)).await;
//!     tx.send(clock.now() >= at && clock.is_current()).unwrap();
//! }));
//! assert_eq!(rx.recv(), Ok(true));
//! ```
//!
//! What is asked of each method, beyond its type:
//!
//! - `spawn` detaches: no handle whose drop cancels the task may be lost. It may drop the task at once when the
//!   executor has ended, but must not panic. Nothing else is taken from the executor: not its join handles, not its
//!   abort, not its panics.
//! - `timer` may be polled by any thread, and by another task than last time: the last waker given is the one to wake.
//! - `is_current` may always say no. It may say yes only where a task of the executor is being polled on this very
//!   thread; [`std_parts::Mark`] knows.
//! - `spawn_blocking` must not wait for a free worker of the executor.

pub mod std_parts;

mod local;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

pub use self::local::Local;
#[cfg(feature = "smol")]
pub use self::smol::Smol;
#[cfg(feature = "tokio")]
pub use self::tokio::{NotInTokio, Tokio};
