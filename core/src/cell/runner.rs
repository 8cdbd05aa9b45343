//! What the executor runs for an actor: a task that is woken when the actor has something to do.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::finish::finish_lost;
use super::local::{self, Local};
use super::run::run;
use super::{CellPtr, CellRef, Ext, Header, Life};
use ravelin_mailbox::{Phase, Records};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The task of one cell. It ends when the cell has no incarnation; dropped before that, the incarnation is lost.
pub(super) struct Runner {
    cell: CellRef,
    is_over: bool,
}

impl Runner {
    pub(super) fn new(cell: CellRef) -> Runner {
        Runner { cell, is_over: false }
    }

    /// True when the cell has no incarnation: the task is no longer the cell's.
    fn ends(&mut self) -> bool {
        let gone =
            self.cell.header().mailbox.with(|phase, life| (phase == Phase::Closed).then(|| life.task_gone()));
        self.is_over = gone.is_some();
        self.is_over
    }
}

impl Future for Runner {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let header = self.cell.header();
        let Some(host) = header.host() else { return Poll::Pending };
        let look = |phase, life: &mut Life| match phase {
            Phase::Closed => (true, life.task_gone()),
            _ => (false, life.polled_with(cx.waker())),
        };
        // SAFETY: `begin_with` calls this once the cell is owned.
        let (is_owned, (is_over, old)) =
            header.mailbox.begin_with(Phase::Queued, look, || unsafe { batch(header) });
        drop(old);
        if is_over {
            self.is_over = true;
            return Poll::Ready(());
        }
        if !is_owned {
            // A stale wake: somebody else runs it, or did.
            return Poll::Pending;
        }
        // SAFETY: the cell is owned, and this task's hold keeps it.
        let has_ended = local::enter(host, |local| unsafe {
            let has_ended = run(self.cell.ptr(), local);
            run_handed(local);
            has_ended
        });
        // An end elsewhere than in this poll wakes the task.
        if has_ended && self.ends() { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Runs what was handed over, while the budget lasts.
///
/// # Safety
/// `local` is this thread's innermost stretch.
pub(super) unsafe fn run_handed(local: *mut Local) {
    // SAFETY: the caller's promise.
    unsafe { while (*local).budget > 0 && run_next(local) {} }
}

/// Runs what was handed over. False: nothing was.
///
/// # Safety
/// `local` is this thread's innermost stretch, with some of its budget left.
pub(super) unsafe fn run_next(local: *mut Local) -> bool {
    // SAFETY: a handed cell lives until the holder of `next` has run it; `begin` makes this thread its owner.
    unsafe {
        let Some(next) = (*local).next.take() else { return false };
        (*local).budget -= 1;
        let header = CellPtr::header(next);
        let begun = header.mailbox.begin(Phase::Handed, || batch(header));
        debug_assert!(begun, "only the holder runs a handed cell");
        if begun {
            run(next, local);
        }
        true
    }
}

/// Where the next batch goes; none while a future waits, which may receive messages itself.
///
/// # Safety
/// The caller owns the cell.
#[expect(clippy::mut_from_ref, reason = "the owner of the cell is the only one who calls this")]
pub(super) unsafe fn batch(header: &Header) -> Option<&mut Records<Ext>> {
    // SAFETY: the caller's promise; the owner alone touches the consumer.
    let consumer = unsafe { &mut *header.consumer.get() };
    if consumer.slot.has_future() { None } else { Some(&mut consumer.work) }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let header = self.cell.header();
        let old = header.mailbox.with(|_, life| life.task_gone());
        drop(old);
        if header.mailbox.seize() {
            // SAFETY: `seize` made this thread the cell's owner.
            unsafe { finish_lost(self.cell.ptr()) };
        }
        // One that was run elsewhere, without a task of its own, when the crew went.
        if let Some(host) = header.host()
            && host.crew().is_gone()
        {
            host.lose_all();
        }
    }
}
