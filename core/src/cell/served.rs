//! The call that the handler on this thread serves: known while the handler is polled, to whoever asks as its actor.
//!
//! # Proof
//!
//! The pointer in `SERVED` is to what `while_served` borrows for as long as it runs `f`. It puts the old pointer back
//! before it returns, also when `f` unwinds, and nobody but `served` reads it, on the same thread and inside of `f`.

use super::local::running;
use super::{CellPtr, Own};
use crate::fate::{Owed, Pending};
use std::cell::Cell;
use std::ptr::NonNull;

/// What a handler has of the call that it serves.
pub(crate) trait Serves {
    /// The call; `None` for a cast.
    fn call(&self) -> Option<Owed>;
    /// The same, to be looked at.
    fn look(&self) -> Option<&dyn Pending>;
}

#[derive(Clone, Copy)]
struct Served {
    by: Option<CellPtr>,
    call: NonNull<dyn Serves>,
}

thread_local! {
    /// What the innermost handler on this thread serves.
    static SERVED: Cell<Option<Served>> = const { Cell::new(None) };
}

/// Puts back what an outer handler serves.
struct Restore(Option<Served>);

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        SERVED.set(self.0);
    }
}

/// Runs `f`, a step of the handler of the actor that runs on this thread; it serves `call`.
#[inline]
pub(crate) fn while_served<T>(call: &(dyn Serves + 'static), f: impl FnOnce() -> T) -> T {
    let served = Served { by: running(), call: NonNull::from(call) };
    let _restore = Restore(SERVED.replace(Some(served)));
    f()
}

/// Looks at the call that `by` serves in the handler that is polled on this thread, if it does.
#[inline]
fn served_by<R>(by: CellPtr, look: impl FnOnce(&dyn Serves) -> R) -> Option<R> {
    let served = SERVED.get().filter(|served| served.by == Some(by))?;
    // SAFETY: `while_served` borrows it, and has not returned: else it had put another one here.
    Some(look(unsafe { served.call.as_ref() }))
}

/// Looks at the call that the actor that runs here serves, if it does.
#[inline]
pub(crate) fn served<R>(look: impl FnOnce(&dyn Pending) -> R) -> Option<R> {
    served_by(running()?, |call| call.look().map(look))?
}

impl Own {
    /// Looks at the call that this actor's handler serves just now, if it does.
    pub(crate) fn served<R>(&self, look: impl FnOnce(&dyn Serves) -> R) -> Option<R> {
        served_by(self.ptr(), look)
    }
}
