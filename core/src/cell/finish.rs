//! The end of an incarnation, in the order that is promised: the state is dropped, the mailbox closed and emptied,
//! names and groups freed; then monitors, links and the starter learn of it, and last the callers it owed an answer.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::eyed::{self, Wreck};
use super::watched;
use super::{Bonds, CellPtr, Control, Ext, Header, Life, Rare, Slot};
use crate::bonds::TrapExits;
use crate::exit::Exit;
use crate::fate::{self, Collected, Owed, Unanswered};
use crate::id::Pid;
use crate::lifecycle::Stage;
use crate::panics;
use crate::reply::ReplyTo;
use crate::watch::Seen;
use ravelin_mailbox::{Records, Remains};
use std::mem;

/// What is left to tell of an incarnation that is over.
pub(crate) struct End {
    pub(crate) pid: Pid,
    pub(crate) parent: Option<Pid>,
    pub(crate) exit: Exit,
    /// Whether `init` had succeeded.
    pub(crate) was_up: bool,
    pub(crate) bonds: Option<Box<Bonds>>,
    pub(crate) helpers: Vec<Pid>,
    pub(crate) starter: Option<ReplyTo<Result<Pid, Exit>>>,
    pub(crate) mourners: Vec<ReplyTo<Exit>>,
    /// What was found, where somebody wants to know.
    pub(crate) wreck: Option<Box<Wreck>>,
}

/// Drops the future in the slot, if any, for this reason; the calls it had not answered are kept, to end with the actor.
///
/// # Safety
/// The caller owns the cell.
pub(super) unsafe fn cut(header: &Header, slot: &mut Slot, why: &Exit) {
    let (was_busy, is_hold) = (slot.has_future(), slot.is_hold());
    let mut unanswered = fate::fallen();
    if was_busy {
        // A destructor that panics changes nothing any more.
        unanswered.extend(fate::collecting(|| drop(panics::isolate(|| slot.cancel()))).take());
    }
    // SAFETY: the cell is owned, and no future is in the slot.
    unsafe {
        let consumer = header.consumer.get();
        if was_busy && (*consumer).inner.stage == Stage::Up && !is_hold && !watched::end_stall(consumer) {
            eyed::cut_off(header, consumer, why);
            header.counts.interrupted();
        }
        if !unanswered.is_empty() {
            (*consumer).inner.rare.get_or_insert_default().pending.append(&mut unanswered);
        }
    }
}

/// Ends the incarnation.
///
/// # Safety
/// The caller owns the cell, which it does not after this; a hold of the caller's, if any, is all that keeps it.
pub(super) unsafe fn finish(cell: CellPtr, slot: &mut Slot) {
    // SAFETY: the cell is owned until `close`; the incarnation's count keeps it until `release`.
    unsafe {
        let header = cell.header();
        let consumer = header.consumer.get();
        let mut inner = mem::take(&mut (*consumer).inner);
        let exit = inner.stop.take().unwrap_or(Exit::Killed);
        let mut rare = inner.rare.take();
        let taken = rare.as_mut().map(|rare| (mem::take(&mut rare.pending), mem::take(&mut rare.helpers)));
        let (mut pending, helpers) = taken.unwrap_or_default();
        let (mut end, mut task, mut gone, mut wreck) = (None, None, None, None);
        let collected = fate::collecting(|| {
            wreck = drop_state(cell, slot, rare.as_deref_mut(), &exit);
            (*consumer).inner.stage = Stage::Down;
            header.leave_seat();
            let mut work = mem::take(&mut (*consumer).work);
            let keeps = rare.as_ref().is_some_and(|rare| rare.keeps_mailbox);
            let on_close = |life: &mut Life| {
                let (pid, was_up) = (life.pid.take(), mem::take(&mut life.is_up));
                life.traps = TrapExits::No;
                let company = life.ended(pid, was_up, &exit);
                pending.extend(company.owed);
                end = pid.map(|pid| End {
                    pid,
                    parent: company.parent,
                    exit: exit.clone(),
                    was_up,
                    bonds: company.bonds,
                    helpers,
                    starter: company.starter,
                    mourners: company.mourners,
                    wreck: wreck.take(),
                });
                task = life.task_waker();
            };
            let remains = close(header, keeps.then(|| mem::take(&mut work)), on_close);
            let buried = header.counts.dead_lettered_so_far();
            if rare.is_some() || !work.is_empty() || !remains.is_empty() {
                bury(header, end.as_ref().map(|end| end.pid), rare, work, remains, &exit);
            }
            if let Some(wreck) = end.as_mut().and_then(|end| end.wreck.as_mut()) {
                wreck.dead_letters = header.counts.dead_lettered_so_far() - buried;
            }
        });
        if header.is_eyed() {
            header.exited(end.as_ref().map(|end| end.pid), &exit);
        }
        if let (Some(host), Some(end)) = (header.host(), end) {
            gone = Some(end.pid).filter(|_| header.is_watched() && !cfg!(ravelin_mutant = "restart_early"));
            #[cfg(ravelin_mutant = "restart_early")]
            host.clone().ended_early(header, end);
            #[cfg(not(ravelin_mutant = "restart_early"))]
            host.ended(header, end);
        }
        fail_owed(pending, collected, exit);
        if gone.is_some() {
            header.tell_of(gone, &Seen::Gone);
        }
        if let Some(task) = task {
            task.wake();
        }
        header.release();
    }
}

/// Closes the mailbox; when the consumer's `kept` batch is given, what waits stays in it, but for notices.
fn close(
    header: &Header,
    kept: Option<Records<Ext>>,
    on_close: impl FnOnce(&mut Life),
) -> Remains<Ext, Control> {
    let is_kept = |ext: &Ext| ext.readmit.is_none();
    let closed = fate::plainly(|| match kept {
        Some(taken) => header.mailbox.close_keeping(taken, is_kept, on_close),
        None => header.mailbox.close(on_close),
    });
    closed.0
}

/// The calls that were owed an answer end, last of all.
fn fail_owed(pending: Vec<Owed>, collected: Collected, exit: Exit) {
    let unanswered = Unanswered::Exited(exit);
    for call in pending {
        call.fail(unanswered.clone());
    }
    match cfg!(ravelin_mutant = "callers_forgotten") {
        true => mem::forget(collected),
        false => collected.fail(&unanswered),
    }
}

/// Drops the future in the slot and the state; gives what was found before, if somebody wants to know.
///
/// # Safety
/// The caller owns the cell.
unsafe fn drop_state(
    cell: CellPtr,
    slot: &mut Slot,
    rare: Option<&mut Rare>,
    exit: &Exit,
) -> Option<Box<Wreck>> {
    // SAFETY: the cell is owned, and the slot empty when the state is looked at and dropped.
    unsafe {
        let header = cell.header();
        let _ = panics::isolate(|| slot.cancel());
        let is_wanted = header.host().is_some_and(|host| host.wants_wreck(exit));
        let wreck = is_wanted.then(|| {
            let in_batch = (*header.consumer.get()).work.len();
            let left = header.mailbox.with_waiting(|waiting, _| waiting) + in_batch;
            eyed::wreck(header, rare, left)
        });
        if panics::isolate(|| (header.vtable.drop_state)(cell)).is_err() {
            // What the panic left.
            let _ = panics::isolate(|| (header.vtable.drop_state)(cell));
        }
        wreck
    }
}

/// Drops what was accepted and will not be handled, each as a dead letter.
fn bury(
    header: &Header,
    pid: Option<Pid>,
    mut rare: Option<Box<Rare>>,
    work: Records<Ext>,
    remains: Remains<Ext, Control>,
    exit: &Exit,
) {
    let then = rare.as_mut().map(|rare| mem::take(&mut rare.then)).unwrap_or_default();
    let _ = panics::isolate(|| drop(rare));
    for mut records in then.into_iter().chain([work]).chain(remains.records) {
        while let Some(record) = records.pop() {
            if !cfg!(ravelin_mutant = "count_forgotten") {
                header.counts.dead_lettered();
            }
            if let Some(host) = header.host() {
                host.dead_letter(header, pid, (record.ext().name)(), exit);
            }
            let _ = panics::isolate(|| drop(record));
        }
    }
}

/// Ends an incarnation whose task the executor dropped.
///
/// # Safety
/// The caller owns the cell, and has a hold on it.
pub(super) unsafe fn finish_lost(cell: CellPtr) {
    // SAFETY: the cell is owned; the future is cancelled, in `finish`, before the state goes.
    unsafe {
        let consumer = cell.header().consumer.get();
        (*consumer).inner.stop = Some(Exit::Lost);
        let mut slot = mem::replace(&mut (*consumer).slot, Slot::empty());
        let is_handler = slot.has_future() && !slot.is_hold() && (*consumer).inner.stage == Stage::Up;
        if is_handler && !watched::end_stall(consumer) {
            eyed::cut_off(cell.header(), consumer, &Exit::Lost);
            cell.header().counts.interrupted();
        }
        finish(cell, &mut slot);
    }
}

impl Header {
    /// What was kept of the mailbox when the last incarnation ended becomes dead letters; nothing, if somebody lives here.
    /// Gives how many there were.
    pub(crate) fn bury_kept(&self) -> usize {
        let (last, why) = self.mailbox.with(|_, life| (life.last(), life.last_exit()));
        let records = self.mailbox.take_kept();
        let (Some(pid), Some(why)) = (last, why) else { return 0 };
        let kept: u32 = records.iter().map(Records::len).sum();
        if kept > 0 {
            let collected = fate::collecting(|| {
                for mut records in records {
                    while let Some(record) = records.pop() {
                        self.counts.dead_lettered();
                        if let Some(host) = self.host() {
                            host.dead_letter(self, Some(pid), (record.ext().name)(), &why);
                        }
                        let _ = panics::isolate(|| drop(record));
                    }
                }
            });
            if let Some(host) = self.host() {
                host.buried(pid, u64::from(kept));
            }
            collected.fail(&Unanswered::Exited(why));
        }
        kept as usize
    }
}
