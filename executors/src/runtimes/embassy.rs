//! embassy-executor on std: a ravelin runtime in one of its tasks.

use super::hosted::{Host, Hosted};
use embassy_executor::Spawner;
use embassy_executor::raw::TaskStorage;
use embassy_time::Timer;
use std::sync::Arc;
use std::time::Duration;

/// A runtime in one task of the embassy executor that `spawner` belongs to.
///
/// embassy has its tasks in statics, sized when the program is compiled, and no way to spawn a boxed future. So all of
/// ravelin's tasks share one of embassy's, whose storage is allocated here, once, and never given back; there is no
/// `static` and no pool to size. Timers are embassy-time's, in ticks of a microsecond on std, each rounded up.
///
/// embassy never drops a task: when its executor is left (`run_until`) what ran there stays in memory for good.
/// [`Hosted::shutdown`] ends ravelin's tasks while the executor still runs.
///
/// ```
/// use embassy_executor::Executor;
/// use ravelin_core::Runtime;
/// use ravelin_executors::runtimes::on_embassy;
/// use std::sync::mpsc;
/// let (tx, rx) = mpsc::channel();
/// let executor: &'static mut Executor = Box::leak(Box::new(Executor::new()));
/// executor.run_until(
///     |spawner| {
///         let rt = on_embassy(spawner);
///         rt.spawn("answer", Box::pin(async move { tx.send(42).unwrap() }));
///     },
///     || rx.try_recv() == Ok(42),
/// );
/// ```
pub fn on_embassy(spawner: Spawner) -> Arc<Hosted> {
    let (runtime, host) = Hosted::new("embassy", |wait: Duration| {
        let ticks = wait.as_nanos().div_ceil(1_000);
        Timer::after_micros(u64::try_from(ticks).unwrap_or(u64::MAX))
    });
    let storage: &'static TaskStorage<Host> = Box::leak(Box::new(TaskStorage::new()));
    match storage.spawn(move || host) {
        Ok(token) => spawner.spawn(token),
        Err(error) => unreachable!("the storage was made just now, and nobody else has it: {error:?}"),
    }
    runtime
}
