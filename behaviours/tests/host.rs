//! Where these tests run: on every executor, and in the simulator. After each all actors end, and the ledger balances.

use futures::future::BoxFuture;
use ravelin_core::conformance::Case;
use ravelin_core::runtimes::{Local, Smol, Tokio};
use ravelin_core::{Runtime, System};
use ravelin_sim::{Order, Seed, SimRuntime};
use std::sync::Arc;
use tokio::runtime::Builder;

/// A test, over a system of its own.
pub(crate) type Test = fn(System) -> BoxFuture<'static, ()>;

const SEEDS: u64 = 8;

/// Runs a test that waits for no clock: on one thread and on several, on three executors, and in the simulator.
#[track_caller]
pub(crate) fn everywhere(test: Test) {
    let local = Local::new();
    local.block_on(Case::new("local", test).in_task(local.clone()));
    local.shutdown();
    let tokio = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    tokio.block_on(Case::new("tokio", test).in_task(Tokio::new(tokio.handle().clone())));
    tokio.block_on(Case::new("tokio, from outside", test).outside(Tokio::new(tokio.handle().clone())));
    smol::block_on(Case::new("smol", test).in_task(Smol::global()));
    in_virtual_time(test);
}

/// Runs a test on tokio with a paused clock, and in the simulator, in the order of the queue and in drawn orders.
#[track_caller]
pub(crate) fn in_virtual_time(test: Test) {
    let tokio = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    tokio.block_on(Case::new("tokio, paused", test).in_task(Tokio::new(tokio.handle().clone())));
    for seed in (0..SEEDS).map(Seed) {
        for order in [Order::Fifo, Order::Random] {
            let rt = SimRuntime::new(seed, order);
            let case: Arc<dyn Runtime> = rt.clone();
            if let Err(failure) = rt.block_on(Case::new("simulated", test).in_task(case)) {
                panic!("{seed:?} {order:?}: {failure}");
            }
            rt.shutdown().expect("nothing is left");
        }
    }
}

/// Tests that are claims: each runs by one of the two above.
macro_rules! claims {
    ($($host:ident: $($name:ident),* $(,)?;)*) => { $($(
        #[test]
        fn $name() {
            crate::host::$host(|system| futures::FutureExt::boxed(cases::$name(system)));
        }
    )*)* };
}
pub(crate) use claims;
