//! Where the tests of behaviours run here: in the simulator, in the order of the queue and in drawn orders.

use futures::future::BoxFuture;
use ravelin_core::conformance::Case;
use ravelin_core::{Runtime, System};
use ravelin_sim::{Order, Seed, SimRuntime};
use std::sync::Arc;

/// A test, over a system of its own.
pub(crate) type Test = fn(System) -> BoxFuture<'static, ()>;

const SEEDS: u64 = 4;

/// Runs a test.
#[track_caller]
pub(crate) fn everywhere(test: Test) {
    in_virtual_time(test);
}

/// Runs a test.
#[track_caller]
pub(crate) fn in_virtual_time(test: Test) {
    for seed in (0..SEEDS).map(Seed) {
        for order in [Order::Fifo, Order::Random] {
            let rt = SimRuntime::new(seed, order);
            let runtime: Arc<dyn Runtime> = rt.clone();
            if let Err(failure) = rt.block_on(Case::new("simulated", test).in_task(runtime)) {
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
