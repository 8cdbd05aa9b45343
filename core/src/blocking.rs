//! Work that blocks its thread, off the executor's threads.

use crate::exit::Exit;
use crate::fate;
use crate::reply::reply;
use crate::runtime::Runtime;
use std::future::poll_fn;

/// Runs `job` where it may block, and gives what it returned; a panic in it is an `Err`, and so is a runtime that
/// dropped it un-run ([`Exit::Lost`]).
///
/// # Cancel safety
/// Dropped after the first poll, the job runs to its end all the same: an actor that is killed while it waits here
/// leaves the job running.
///
/// ```
/// # use ravelin_core::{blocking, runtimes::Local};
/// # let local = Local::new();
/// # let runtime = local.clone();
/// # local.block_on(async move {
/// let sum = blocking(&*runtime, || (1..=10).sum::<u32>()).await;
/// assert_eq!(sum, Ok(55));
/// assert!(blocking(&*runtime, || panic!("no disk")).await.unwrap_err().to_string().contains("no disk"));
/// # });
/// ```
pub async fn blocking<T, F>(runtime: &dyn Runtime, job: F) -> Result<T, Exit>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let (to, mut outcome) = reply();
    runtime.spawn_blocking(Box::new(move || to.send(fate::isolate(job))));
    poll_fn(|cx| outcome.poll(cx)).await.unwrap_or(Err(Exit::Lost))
}
