//! What a panic said and where: a hook, installed once per process, notes the place of panics inside actors.
//!
//! The hook calls the one that was there before it, so a program's own reporting goes on as it was. A program that
//! installs its own hook later loses the location in exit reasons, and nothing else.

use crate::exit::{Exit, Panic};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem;
use std::panic;
use std::sync::Once;

thread_local! {
    /// Whether an actor runs on this thread.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Whether panics on this thread are noted and not printed.
    static HUSHED: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic of an actor on this thread was.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Installs the hook; once, however often it is called.
pub(crate) fn install_hook() {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_hushed = HUSHED.try_with(Cell::get).unwrap_or(false);
            if is_hushed || is_inside() {
                let location = info.location().map(ToString::to_string);
                let _ = LOCATION.try_with(|last| *last.borrow_mut() = location);
            }
            if !is_hushed {
                before(info);
            }
        }));
    });
}

/// Runs `f` as an actor's code; a panic becomes an exit reason. `f` must leave nothing broken behind that is used
/// again (the actor's state is dropped, or seen by `terminate` only).
pub(crate) fn isolate<R>(f: impl FnOnce() -> R) -> Result<R, Exit> {
    let before = INSIDE.with(|inside| inside.replace(true));
    let result = panic::catch_unwind(panic::AssertUnwindSafe(f));
    INSIDE.with(|inside| inside.set(before));
    result.map_err(exit_of)
}

/// Runs `f`, and gives its panic, with its message and place, as an exit reason. No panic on this thread is printed
/// meanwhile, neither that one nor those of actors that run in `f`.
///
/// For a simulator, where thousands of runs fail on purpose. The process's panic hook stays as it is for all other
/// threads; a hook that the program installed after its first [`System`](crate::System) prints all the same.
/// `f` must leave nothing broken behind that is used again. Costs some nanoseconds.
///
/// # Errors
/// `f` panicked: [`Exit::Panic`].
///
/// ```
/// use ravelin_core::{Exit, quietly};
/// assert_eq!(quietly(|| 1), Ok(1));
/// let Err(Exit::Panic(panic)) = quietly(|| panic!("on purpose")) else { unreachable!() };
/// assert_eq!(panic.message, "on purpose");
/// assert!(panic.location.is_some());
/// ```
pub fn quietly<R>(f: impl FnOnce() -> R) -> Result<R, Exit> {
    install_hook();
    let before = HUSHED.with(|hushed| hushed.replace(true));
    let result = panic::catch_unwind(panic::AssertUnwindSafe(f));
    let outcome = result.map_err(exit_of);
    HUSHED.with(|hushed| hushed.set(before));
    outcome
}

/// Ends the actor whose code this is by a panic that happened elsewhere, on another thread perhaps: its exit reason has
/// that panic's message and place. No hook runs, because it ran there. The other half of
/// [`catch_panic`](crate::catch_panic).
///
/// # Panics
/// Always.
pub fn resume_panic(panic: &Panic) -> ! {
    let _ = LOCATION.try_with(|last| last.borrow_mut().clone_from(&panic.location));
    panic::resume_unwind(Box::new(panic.message.clone()))
}

/// Whether an actor's code runs on this thread.
pub(crate) fn is_inside() -> bool {
    INSIDE.try_with(Cell::get).unwrap_or(false)
}

#[cold]
fn exit_of(payload: Box<dyn Any + Send>) -> Exit {
    let location = LOCATION.with(|last| last.borrow_mut().take());
    let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(message), _) => (*message).to_owned(),
        (None, Some(message)) => message.clone(),
        (None, None) => "a panic with no message".to_owned(),
    };
    // The payload is the user's too: a panic of its destructor is where this ends.
    let dropped = |payload| panic::catch_unwind(panic::AssertUnwindSafe(|| drop(payload)));
    if let Err(second) = dropped(payload)
        && let Err(third) = dropped(second)
    {
        mem::forget(third);
    }
    Exit::panic(message, location)
}
