//! Where these tests run: one claim, on several executors.

use ravelin_core::runtimes::{Local, Smol, Tokio};
use ravelin_core::{Runtime, System};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// Which clock the executors have.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Clock {
    /// Also one that jumps when nobody is ready.
    Virtual,
    /// The machine's, for what waits for the world outside.
    Real,
}

/// Runs a test on each executor, and sees that each message had one fate.
pub(crate) fn on_each(clock: Clock, test: impl AsyncFn(System)) {
    let run = async |runtime: Arc<dyn Runtime>| {
        let system = System::new(runtime);
        test(system.clone()).await;
        system.shut_down_all(Duration::from_secs(20)).await;
        let ledger = system.ledger();
        assert!(ledger.is_balanced(), "{ledger:?}");
    };
    let one =
        Builder::new_current_thread().enable_time().start_paused(clock == Clock::Virtual).build().unwrap();
    one.block_on(async { run(Tokio::current()).await });
    let many = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    many.block_on(async { run(Tokio::current()).await });
    smol::block_on(run(Smol::global()));
    let local = Local::new();
    local.block_on(run(local.clone()));
}

/// Lets the others run.
pub(crate) use smol::future::yield_now as turn;

/// Lets the others run until this holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        turn().await;
    }
}
