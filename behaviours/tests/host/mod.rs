//! Where these tests run here: on every executor. After each all actors end, and the ledger balances. The simulator has
//! a file of its own in this one's place.

use futures::future::BoxFuture;
use ravelin_core::System;
use ravelin_core::conformance::Case;
use ravelin_core::runtimes::{Local, Smol, Tokio};
use tokio::runtime::Builder;

/// A test, over a system of its own.
pub(crate) type Test = fn(System) -> BoxFuture<'static, ()>;

/// Runs a test that waits for no clock: on one thread and on several, on three executors.
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

/// Runs a test on tokio with a paused clock.
#[track_caller]
pub(crate) fn in_virtual_time(test: Test) {
    let tokio = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    tokio.block_on(Case::new("tokio, paused", test).in_task(Tokio::new(tokio.handle().clone())));
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
