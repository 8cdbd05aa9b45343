//! Where the supervisor's tests run here: in the simulator, once for each of some seeds.

use ravelin_core::{Runtime, sleep};
use ravelin_sim::{Order, Seed, SimRuntime};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// What is very many here.
pub(crate) const MANY: usize = 500;

/// Whether those who are ready run in the order in which they became so.
pub(crate) const KEEPS_THE_QUEUE: bool = false;

const SEEDS: u64 = 4;

thread_local! {
    static RUNTIME: RefCell<Option<Arc<SimRuntime>>> = const { RefCell::new(None) };
}

/// Runs a test, in the order of the queue and in orders drawn from the seeds.
#[track_caller]
pub(crate) fn on_paused_time(test: impl AsyncFn()) {
    for seed in (0..SEEDS).map(Seed) {
        for order in [Order::Fifo, Order::Random] {
            let runtime = SimRuntime::new(seed, order);
            RUNTIME.set(Some(runtime.clone()));
            if let Err(failure) = runtime.block_on(test()) {
                panic!("{seed:?} {order:?}: {failure}");
            }
        }
    }
}

/// The runtime of the test that runs.
pub(crate) fn runtime() -> Arc<dyn Runtime> {
    RUNTIME.with_borrow(|runtime| runtime.clone()).expect("a test runs")
}

/// Lets the others run, all of them.
pub(crate) async fn turn() {
    sleep(&*runtime(), Duration::from_micros(100)).await; // tidy: virtual time
}
