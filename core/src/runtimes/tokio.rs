//! The adapter for tokio, multi-thread and current-thread.

#![allow(
    clippy::disallowed_methods,
    reason = "an adapter is where the real clock and tokio's own calls belong"
)]

use super::std_parts::{Mark, entropy};
use crate::runtime::{Runtime, TaskName, Timer};
use crate::time::Time;
use futures::future::BoxFuture;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// A tokio runtime, multi-thread or current-thread, that somebody else made and drives.
///
/// # What it promises
///
/// - **Clock**: tokio's. With a paused clock (`start_paused`, `tokio::time::pause`) it is the paused one, also when
///   asked from a thread outside tokio. The epoch is the moment this adapter was made, so two adapters of one runtime
///   show different times: make one, and share it.
/// - **Timers** have tokio's resolution of 1 ms, rounded up. A timer set to a time that is past is ready at its first
///   poll. They do not spend tokio's cooperative budget: a due timer is not put off because the task had much to do.
/// - **Shutdown**: when the tokio runtime is dropped it drops its tasks, and what is spawned later is dropped un-run.
/// - **Blocking** jobs run in tokio's blocking pool, a panic in one stays there.
/// - It does not keep the runtime alive: a tokio `Handle` does not.
///
/// # Is it current?
///
/// `is_current` is true in tasks that this adapter spawned, and in any other task of the same runtime (`tokio::spawn`,
/// `LocalSet`). It is false in the root future of `block_on` (so in the body of `#[tokio::main]`), for that may run
/// on a thread that is none of the workers, and on threads that only entered the runtime. In blocking jobs that this
/// adapter started it is false. tokio cannot tell the closure of its own `tokio::task::spawn_blocking` from a task:
/// there it is true, as it is in a task of another runtime that has entered this one.
///
/// It costs 2 ns in a task of this adapter, 4 outside tokio, and 8 (a reference taken and given back) in other tasks.
///
/// # Examples
///
/// ```
/// use ravelin_core::{Runtime, runtimes::Tokio};
/// let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let rt = Tokio::new(tokio.handle().clone());
/// let (tx, rx) = futures::channel::oneshot::channel();
/// rt.spawn("answer", Box::pin(async { tx.send(42).unwrap() }));
/// assert_eq!(tokio.block_on(rx), Ok(42));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Tokio {
    clock: TokioClock,
    mark: Mark,
    /// Set on threads of the blocking pool, which look like tasks otherwise.
    blocking: Mark,
}

impl Tokio {
    /// The tokio runtime that the caller runs in, or has entered.
    ///
    /// # Panics
    ///
    /// Outside of tokio, and when the runtime was built without `enable_time` (or `enable_all`).
    #[track_caller]
    pub fn current() -> Arc<Tokio> {
        match Tokio::try_current() {
            Ok(tokio) => tokio,
            Err(error) => panic!("Tokio::current(): {error}"),
        }
    }

    /// The tokio runtime that the caller runs in, or has entered; an error outside of tokio.
    ///
    /// ```
    /// assert!(ravelin_core::runtimes::Tokio::try_current().is_err());
    /// ```
    ///
    /// # Panics
    ///
    /// When the runtime was built without `enable_time` (or `enable_all`).
    #[track_caller]
    pub fn try_current() -> Result<Arc<Tokio>, NotInTokio> {
        Handle::try_current().map(Tokio::new).map_err(|_| NotInTokio { _private: () })
    }

    /// The tokio runtime of this handle. May be called anywhere.
    ///
    /// # Panics
    ///
    /// When the runtime was built without `enable_time` (or `enable_all`): no actor could have a time-out.
    #[track_caller]
    pub fn new(handle: Handle) -> Arc<Tokio> {
        let epoch = {
            let _entered = handle.enter();
            let epoch = Instant::now();
            // Panics now, with tokio's own advice, rather than at the first time-out.
            drop(sleep_until(epoch));
            epoch
        };
        // tokio pauses the clock of a current-thread runtime only.
        let pausable = handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let mark = Mark::new();
        Arc::new(Tokio { clock: TokioClock { handle, epoch, pausable, mark }, mark, blocking: Mark::new() })
    }

    /// The handle of the runtime.
    pub fn handle(&self) -> &Handle {
        &self.clock.handle
    }
}

impl Runtime for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn spawn(&self, _name: TaskName, fut: BoxFuture<'static, ()>) {
        // Dropping tokio's handle of the task detaches it.
        drop(self.handle().spawn(self.mark.on(fut)));
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> {
        let clock = self.clock.clone();
        let instant = clock.instant(at);
        let sleep = Box::pin(clock.inside(|| sleep_until(instant)));
        Box::pin(TokioTimer { sleep, clock, state: State::Set(at) })
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) {
        let blocking = self.blocking;
        drop(self.handle().spawn_blocking(move || {
            let _entered = blocking.enter();
            job();
        }));
    }

    fn entropy(&self) -> u64 {
        entropy()
    }

    fn is_current(&self) -> bool {
        match Mark::current() {
            Some(mark) => mark == self.mark,
            None => {
                tokio::task::try_id().is_some()
                    && Handle::try_current().is_ok_and(|current| current.id() == self.handle().id())
            }
        }
    }
}

/// tokio's clock, as seen from anywhere.
#[derive(Clone, Debug)]
struct TokioClock {
    handle: Handle,
    epoch: Instant,
    /// Is its time possibly not the real one? Then it has to be asked from inside the runtime.
    pausable: bool,
    /// Set while this runtime polls a task of ours.
    mark: Mark,
}

impl TokioClock {
    /// Calls `f` in the context of the runtime; for nothing where the thread is known to be in it.
    fn inside<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = (!self.mark.is_current()).then(|| self.handle.enter());
        f()
    }

    /// Measured: 28 ns on a multi-thread runtime and in our tasks, which is the clock alone; 20 ns more to enter a
    /// current-thread one.
    fn now(&self) -> Time {
        let since = if self.pausable {
            self.inside(Instant::now).duration_since(self.epoch)
        } else {
            std::time::Instant::now().duration_since(self.epoch.into_std())
        };
        Time::EPOCH + since
    }

    fn instant(&self, at: Time) -> Instant {
        /// Thirty years; what a platform can express at least.
        const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);
        self.epoch.checked_add(at - Time::EPOCH).unwrap_or_else(|| self.epoch + FAR)
    }
}

struct TokioTimer {
    /// In a box of its own, because tokio links it into its wheel and it must not move.
    sleep: Pin<Box<Sleep>>,
    clock: TokioClock,
    state: State,
}

enum State {
    /// Set, and not polled since.
    Set(Time),
    /// Known to tokio, which will wake us.
    Armed,
    /// Stays so until the next reset.
    Fired,
}

impl Timer for TokioTimer {
    fn reset(mut self: Pin<&mut Self>, at: Time) {
        let instant = self.clock.instant(at);
        self.sleep.as_mut().reset(instant);
        self.state = State::Set(at);
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let fired = match this.state {
            State::Fired => true,
            // tokio looks at the clock when its driver turns; a time that is past need not wait for that.
            State::Set(at) if at <= this.clock.now() => true,
            State::Set(_) | State::Armed => pin!(unconstrained(this.sleep.as_mut())).poll(cx).is_ready(),
        };
        this.state = if fired { State::Fired } else { State::Armed };
        if fired { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// There is no tokio runtime around the caller. See [`Tokio::try_current`].
#[derive(Clone, Debug)]
pub struct NotInTokio {
    _private: (),
}

impl fmt::Display for NotInTokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the caller is not inside a tokio runtime; call it from #[tokio::main], #[tokio::test] or a tokio task, \
             or give a handle to Tokio::new",
        )
    }
}

impl Error for NotInTokio {}
