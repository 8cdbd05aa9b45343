//! Where these tests run, and what they look at.

use ravelin::runtimes::{Local, Smol, Tokio};
use ravelin::sim::Sim;
use ravelin::{App, Supervisor, System, sleep, start_in};
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

/// Runs a test that no clock is part of: on tokio with many threads and with one, on smol, on a single thread, and in
/// the simulator, in the orders of some seeds.
#[track_caller]
pub(crate) fn everywhere(test: impl AsyncFn(System) + Sync) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    tokio.expect("a runtime").block_on(async { test(System::new(Tokio::current())).await });
    smol::block_on(async { test(System::new(Smol::global())).await });
    let local = Local::new();
    local.block_on(async { test(System::new(local.clone())).await });
    in_virtual_time(test);
}

/// Runs a test on clocks that jump: tokio's paused one, and the simulator's.
#[track_caller]
pub(crate) fn in_virtual_time(test: impl AsyncFn(System) + Sync) {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    tokio.expect("a runtime").block_on(async { test(System::new(Tokio::current())).await });
    Sim::new().seeds(4).check(async |world| test(world.system().clone()).await);
}

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Lets virtual time pass.
pub(crate) async fn pass(system: &System, time: Duration) {
    sleep(&**system.runtime(), time).await; // tidy: virtual time
}

/// Lets the others run until something holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    poll_fn(|cx| {
        if holds() {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A tree with one child, that bears much.
pub(crate) async fn up(system: &System, child: impl Into<ravelin::ChildSpec>) -> App {
    let tree = Supervisor::one_for_one("app").intensity(100, Duration::from_secs(1)).child(child);
    start_in(system, tree).await.expect("it starts")
}

/// How many are at work, and how many were at the most.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Arc<(AtomicUsize, AtomicUsize)>);

/// One that is at work.
pub(crate) struct AtWork(Gauge);

impl Gauge {
    pub(crate) fn begin(&self) -> AtWork {
        let now = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.fetch_max(now, SeqCst);
        AtWork(self.clone())
    }

    pub(crate) fn now(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.0.1.load(SeqCst)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, SeqCst);
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Log<T> {
    pub(crate) fn new() -> Log<T> {
        Log(Arc::default())
    }

    pub(crate) fn add(&self, what: T) {
        self.0.lock().expect("nobody panics with it").push(what);
    }

    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics with it"))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().expect("nobody panics with it").len()
    }
}
