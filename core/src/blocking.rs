//! Work of an actor outside of its own task: what blocks its thread, and what runs on another one.

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

/// Runs `f` as an actor's code: a panic in it is printed by the hook as ever, and given as the exit reason that it is.
/// For code that an actor has run elsewhere; where it waits for the outcome,
/// [`resume_panic`](crate::resume_panic) makes the panic its own. Costs some nanoseconds.
///
/// `f` must leave nothing broken behind that is used again.
///
/// # Errors
/// `f` panicked: [`Exit::Panic`].
///
/// ```
/// use ravelin_core::{Exit, catch_panic, resume_panic};
/// let Err(Exit::Panic(panic)) = catch_panic(|| -> u8 { "x".parse().expect("a number") }) else { unreachable!() };
/// assert!(panic.message.starts_with("a number"));
/// assert_eq!(catch_panic(|| resume_panic(&panic)), Err::<(), _>(Exit::Panic(panic)));
/// ```
pub fn catch_panic<R>(f: impl FnOnce() -> R) -> Result<R, Exit> {
    fate::isolate(f)
}
