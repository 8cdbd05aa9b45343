//! The stretch of running actors on one thread: whose turn is next, how long it may go on, and its slot.
//!
//! An actor that wakes another one on the same thread hands it over: it runs next, in the same poll of the same
//! executor task, without a trip through the executor's queue. A stretch ends when nothing was handed over, or when
//! its budget is used up; then what is left goes to the executor.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::life::Wake;
use super::runner::Runner;
use super::{CellPtr, CellRef, Header, Host, Slot};
use crate::id::Pid;
use crate::reply::Head;
use crate::time::Time;
use ravelin_mailbox::Edge;
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// Messages and hand-overs in one poll of an executor's task.
const BUDGET: u32 = 512;
/// Actors started or run inside one another, at most.
const DEPTH_MAX: u32 = 8;

/// One stretch. Lives on the stack of the function that made it.
pub(super) struct Local {
    pub(super) next: Option<CellPtr>,
    pub(super) slot: Slot,
    pub(super) budget: u32,
    pub(super) began: Option<Time>,
    /// The cell that is being run.
    pub(super) current: Option<CellPtr>,
    /// For a call in place that an actor makes: the cell that is asked, and what is seen of the wait.
    pub(super) asks: Option<(CellPtr, NonNull<Head>)>,
    depth: u32,
    /// The system whose actors may be handed over here; null: none.
    host: *const (),
    pub(super) outer: *mut Local,
}

thread_local! {
    /// The innermost stretch on this thread.
    static CURRENT: Cell<*mut Local> = const { Cell::new(ptr::null_mut()) };
}

pub(super) fn current() -> *mut Local {
    CURRENT.try_with(Cell::get).unwrap_or(ptr::null_mut())
}

/// A number that is another one on each thread, and the same on one.
pub(crate) fn this_thread() -> usize {
    CURRENT.try_with(|current| ptr::from_ref(current).addr()).unwrap_or(0)
}

pub(super) fn address(host: &Arc<dyn Host>) -> *const () {
    Arc::as_ptr(host).cast()
}

/// Whether a stretch may begin here and now for actors of `host`: in another one, not too deep, or in its runtime.
pub(super) fn may_enter(host: &Arc<dyn Host>) -> bool {
    let outer = current();
    if outer.is_null() {
        return host.hands_over() && host.runtime().is_current();
    }
    // SAFETY: the pointer is to a `Local` on this thread's stack, which clears it before it goes (`leave`).
    unsafe { (*outer).host == address(host) && (*outer).depth < DEPTH_MAX }
}

/// Runs `f` with a new stretch.
pub(super) fn enter<R>(host: &Arc<dyn Host>, f: impl FnOnce(*mut Local) -> R) -> R {
    enter_handing(if host.hands_over() { address(host) } else { ptr::null() }, f)
}

/// As `enter`, with the system whose actors may be handed over.
#[inline(always)]
pub(super) fn enter_handing<R>(host: *const (), f: impl FnOnce(*mut Local) -> R) -> R {
    let outer = current();
    let mut local = Local {
        next: None,
        slot: Slot::lent(),
        budget: BUDGET,
        began: None,
        current: None,
        asks: None,
        // SAFETY: as in `may_enter`.
        depth: if outer.is_null() { 1 } else { unsafe { (*outer).depth + 1 } },
        host,
        outer,
    };
    let here = &raw mut local;
    CURRENT.with(|current| current.set(here));
    // Also when `f` unwinds, which only code that is no actor's can make it do: a log subscriber, a waker.
    let _leave = Leave(here);
    f(here)
}

/// Ends the stretch.
struct Leave(*mut Local);

impl Drop for Leave {
    fn drop(&mut self) {
        // SAFETY: `enter` made this after the stretch, on the same stack, and the stretch is not used after this.
        unsafe {
            CURRENT.with(|current| current.set((*self.0).outer));
            leave(self.0);
        }
    }
}

/// # Safety
/// The stretch is over; nobody else uses `local`.
unsafe fn leave(local: *mut Local) {
    // SAFETY: the caller's promise; `outer` is on this thread's stack, further up.
    unsafe {
        std::mem::replace(&mut (*local).slot, Slot::empty()).give_back();
        let Some(next) = (*local).next.take() else { return };
        let outer = (*local).outer;
        if !outer.is_null() && (*outer).host == (*local).host {
            hand(outer, next);
        } else {
            eject(next);
        }
    }
}

/// Who shall run `header`'s actor, if it has to be got to run from here.
#[inline(always)]
pub(super) fn edge(header: &Header) -> Edge {
    let local = current();
    if local.is_null() {
        return Edge::Queue;
    }
    match header.host() {
        // SAFETY: as in `may_enter`.
        Some(host) if unsafe { (*local).host } == address(host) => Edge::HandOver,
        Some(_) | None => Edge::Queue,
    }
}

/// Gets a cell to run, as the mailbox's edge said.
#[inline]
pub(super) fn perform(header: &Header, wake: Wake) {
    match wake {
        // SAFETY: `edge` gave `HandOver` because there is a stretch on this thread; the cell is in the phase Handed.
        Wake::HandOver => unsafe { hand(current(), header.ptr()) },
        Wake::Task(Some(waker)) => waker.wake(),
        Wake::Task(None) => {}
        Wake::Crew => man(header),
        Wake::Spawn => spawn(header),
    }
}

fn man(header: &Header) {
    let Some(host) = header.host() else { return };
    // SAFETY: the cell is alive and queued, so its incarnation holds a count.
    let cell = unsafe { CellRef::retain(header.ptr()) };
    host.crew().push(cell, host);
}

#[cold]
fn spawn(header: &Header) {
    let Some(host) = header.host() else { return };
    // SAFETY: the cell is alive and queued, so its incarnation holds a count.
    let cell = unsafe { CellRef::retain(header.ptr()) };
    host.runtime().spawn("ravelin-actor", Box::pin(Runner::new(cell)));
}

/// # Safety
/// `local` is a stretch on this thread; the cell is in the phase Handed.
#[inline]
unsafe fn hand(local: *mut Local, cell: CellPtr) {
    // SAFETY: the caller's promise.
    if let Some(other) = unsafe { (*local).next.replace(cell) } {
        // SAFETY: only the holder of `next` may run a handed cell, so it is alive and still handed.
        unsafe { eject(other) };
    }
}

/// Gives a cell to the executor.
///
/// # Safety
/// The caller owns the cell, or holds it as a handed one; it does not after this.
pub(super) unsafe fn eject(cell: CellPtr) {
    // SAFETY: alive, by the caller's promise; a hold, because the executor's thread may run it to its end at once.
    let hold = unsafe { CellRef::retain(cell) };
    let wake = hold.header().mailbox.requeue();
    perform(hold.header(), wake);
}

/// The incarnation whose code runs on this thread just now, if one's does.
pub(crate) fn running_pid() -> Option<Pid> {
    let local = current();
    if local.is_null() {
        return None;
    }
    // SAFETY: as in `may_enter`; the cell that is being run is there.
    unsafe { (*local).current.and_then(|cell| cell.header().pid()) }
}

/// The cell whose actor's code runs on this thread just now.
#[inline]
pub(super) fn running() -> Option<CellPtr> {
    let local = current();
    // SAFETY: as in `may_enter`.
    if local.is_null() { None } else { unsafe { (*local).current } }
}

/// Whether the code that runs on this thread just now is that of the cell's own actor.
#[inline]
pub(super) fn is_running(cell: CellPtr) -> bool {
    running() == Some(cell)
}

impl Header {
    /// Whether the code that runs on this thread just now is that of whoever lives here.
    pub(crate) fn runs_here(&self) -> bool {
        is_running(self.ptr())
    }
}
