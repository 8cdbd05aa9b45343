//! A call in place: an idle callee is run by its caller's poll, and the answer is there when the poll goes on. That
//! saves two trips through the executor, which cost ten times what a short handler does.
//!
//! It is no more than a stretch (`local`) that begins at the caller: the message is put into the mailbox as ever, the
//! callee is handed over as ever, and what it may do and who may end it is as ever. What changes is who waits: two calls
//! that one task joins are handled one after the other. So only short handlers are run in place. The time of an actor's
//! first call is taken, and of one in `ROW` later; one that held its caller for longer than `SHORT` is left to its own
//! task for the next `PAUSE` calls.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::local::{self, Local};
use super::runner::run_next;
use super::{Header, Host};
use crate::reply::Reply;
use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

/// What a caller may handle for its callee: the call, and what came with it.
const BUDGET: u32 = 4;
/// After so many calls in place on a thread the caller gives way to other tasks.
const ROW: u32 = 256;
/// A handler that is run in place holds its caller no longer than this.
const SHORT: Duration = Duration::from_micros(5);
/// How many calls go by before an actor that took longer is tried again.
const PAUSE: u8 = 255;

thread_local! {
    /// Calls in place on this thread since a caller gave way.
    static IN_ROW: Cell<u32> = const { Cell::new(0) };
}

/// What is known of the time that an actor holds its callers. A hint: callers on several threads write it as they like.
pub(super) struct Pace {
    /// How many calls go by before one is tried and timed, that one included; 0: the last that was timed was short.
    until_trial: AtomicU8,
}

impl Pace {
    pub(super) const fn unknown() -> Pace {
        Pace { until_trial: AtomicU8::new(1) }
    }
}

/// Whether an actor's callers may run it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum InPlace {
    /// While it is idle and its handlers are short.
    #[default]
    WhenShort,
    /// No: it always runs in a task of its own.
    Never,
}

/// Leave to run a callee in place, once.
pub(crate) struct Leave<'a> {
    header: &'a Header,
    host: &'a Arc<dyn Host>,
    is_timed: bool,
    /// Whether the caller is to give way, after this call, to other tasks.
    pub(crate) gives_way: bool,
}

/// Whether a call to this actor may be in place, here and now. It costs some nanoseconds to ask.
#[inline]
pub(crate) fn may_call(header: &Header) -> Option<Leave<'_>> {
    let host = header.host()?;
    if header.vtable.in_place == InPlace::Never || !local::may_enter(host) {
        return None;
    }
    let left = header.pace.until_trial.load(Relaxed);
    if left > 1 {
        header.pace.until_trial.store(left - 1, Relaxed);
        return None;
    }
    let in_row = IN_ROW.with(|in_row| {
        let next = (in_row.get() + 1) % ROW;
        in_row.set(next);
        next
    });
    Some(Leave { header, host, is_timed: left == 1 || in_row == ROW / 2, gives_way: in_row == 0 })
}

impl Leave<'_> {
    /// Has `push` put a message into the callee's mailbox, and runs the callee if that found it idle. `answer` is where
    /// the answer to it comes.
    #[inline(always)]
    pub(crate) fn call<A, R>(self, answer: &Reply<A>, push: impl FnOnce() -> R) -> R {
        // It hands over: else there is no leave (`may_enter`).
        local::enter_handing(local::address(self.host), |local| {
            // SAFETY: `local` is this thread's innermost stretch; one access each. `answer` outlives it.
            unsafe {
                (*local).budget = BUDGET;
                if !(*local).outer.is_null() {
                    (*local).asks = Some((self.header.ptr(), NonNull::from(answer.head())));
                }
            }
            let pushed = push();
            // SAFETY: as above.
            if unsafe { (*local).next.is_some() } {
                self.run(local);
            }
            pushed
        })
    }

    fn run(&self, local: *mut Local) {
        let clock = self.is_timed.then(|| self.host.runtime());
        let began = clock.map(|clock| clock.now());
        // SAFETY: `local` is this thread's innermost stretch.
        unsafe { run_next(local) };
        if let (Some(clock), Some(began)) = (clock, began) {
            let is_short = clock.now() - began <= SHORT;
            self.header.pace.until_trial.store(if is_short { 0 } else { PAUSE }, Relaxed);
        }
    }
}
