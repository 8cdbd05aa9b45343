//! The loop that runs an actor: signals first, then the future that waits, then messages, until there is nothing to
//! do. What an event means is decided in `lifecycle`; here it is done.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::eyed;
use super::finish::{cut, finish};
use super::local::{Local, eject};
use super::waker::borrowed_waker;
use super::watched::{self, Ahead};
use super::{CellPtr, Consumer, Control, Header, Inner, Slot};
use crate::exit::Exit;
use crate::lifecycle::{Event, Stage, Then, decide};
use crate::panics;
use crate::time::Time;
use crate::watch::Seen;
use ravelin_mailbox::Next;
use std::mem;
use std::ptr;
use std::task::{Context, Poll};
use std::time::Duration;

/// Messages of one actor before another one gets its turn.
const BUDGET: u32 = 128;
/// How many of these one without a parent may handle in the turn in which its `init` is done.
const AFTER_INIT: u32 = 16;
/// How many of these it costs to poll a future again that was woken while it was polled, as one is that yields.
const REPOLL: u32 = BUDGET / 4;
/// How often the clock is looked at.
const CHECK_EVERY: u32 = 32;
/// How long a stretch may hold its thread, when it handles messages.
const SLICE: Duration = Duration::from_micros(200);

/// Why the loop stopped.
enum Pause {
    /// Idle or suspended; the cell is no longer owned.
    Parked,
    /// The budget is used up.
    Yield,
    /// Something that the life cycle decides about.
    Event(Event),
}

/// Runs the cell until it is idle, suspended, over, or out of budget. True: over.
///
/// # Safety
/// The caller owns the cell, and `local` is this thread's innermost stretch. The cell is no longer owned after this,
/// and may be gone unless the caller has a hold of its own.
pub(super) unsafe fn run(cell: CellPtr, local: *mut Local) -> bool {
    // SAFETY: the caller's promises.
    unsafe {
        match &(*cell.inner()).rare {
            Some(rare) if rare.span.is_some() => run_in_span(cell, local, rare.span.clone()),
            Some(_) | None => run_as_it_is(cell, local),
        }
    }
}

/// As `run`, for an actor to which somebody listens.
///
/// # Safety
/// As `run`.
#[cold]
unsafe fn run_in_span(cell: CellPtr, local: *mut Local, span: Option<tracing::Span>) -> bool {
    let _entered = span.map(tracing::Span::entered);
    // SAFETY: the caller's promises.
    unsafe { run_as_it_is(cell, local) }
}

/// As `run`.
///
/// # Safety
/// As `run`.
unsafe fn run_as_it_is(cell: CellPtr, local: *mut Local) -> bool {
    // SAFETY: the cell is owned by this thread until one of the returns below; see the folder's proof.
    unsafe {
        let header = cell.header();
        let consumer = header.consumer.get();
        let waker = borrowed_waker(cell);
        let mut cx = Context::from_waker(&waker);
        if (*consumer).slot.has_buffer() {
            let parked = mem::replace(&mut (*consumer).slot, Slot::empty());
            mem::replace(&mut (*local).slot, parked).give_back();
        }
        let before = (*local).current.replace(cell);
        let mut handled = 0;
        let is_over = loop {
            let event = match panics::isolate(|| work(header, consumer, local, &mut cx, &mut handled)) {
                Ok(Pause::Parked) => break false,
                Ok(Pause::Yield) => {
                    if (*local).slot.has_future() {
                        ptr::swap(&raw mut (*local).slot, &raw mut (*consumer).slot);
                    }
                    eject(cell);
                    break false;
                }
                Ok(Pause::Event(event)) => event,
                Err(exit) => Event::Panicked(exit),
            };
            if step(cell, &mut (*local).slot, event, &mut handled) {
                break true;
            }
        };
        (*local).current = before;
        is_over
    }
}

/// Control goes first: before a message, and also before the next one of a batch when a handler has waited.
///
/// # Safety
/// As `run`.
unsafe fn work(
    header: &Header,
    consumer: *mut Consumer,
    local: *mut Local,
    cx: &mut Context<'_>,
    handled: &mut u32,
) -> Pause {
    // SAFETY: the cell is owned; each access through a pointer is one read or write, or a call that user code cannot
    // re-enter.
    unsafe {
        let slot = &raw mut (*local).slot;
        let inner: *mut Inner = &raw mut (*consumer).inner;
        let mut look = true;
        loop {
            if header.mailbox.has_control()
                && let Some(event) = signalled(header, slot)
            {
                return Pause::Event(event);
            }
            if (*slot).has_future() {
                if let Some(pause) = go_on(header, consumer, slot, cx, handled) {
                    return pause;
                }
                if (*slot).has_future() {
                    look = true;
                    continue;
                }
                if header.mailbox.has_control() && !cfg!(ravelin_mutant = "stop_late") {
                    continue;
                }
            }
            if let Some(exit) = (*inner).stop.take() {
                return Pause::Event(Event::Stop(exit));
            }
            if mem::take(&mut look) || (*inner).wants_turn {
                (*inner).wants_turn = false;
                if (*inner).rare.is_some() && rare_work(header, inner, slot, cx).is_pending() {
                    if let Some(pause) = suspend(header, consumer, slot, handled) {
                        return pause;
                    }
                    look = true;
                    continue;
                }
                if (*inner).wants_turn {
                    *handled += 1;
                    if *handled < BUDGET {
                        continue;
                    }
                    return Pause::Yield;
                }
            }
            if let Some(pause) = handle_batch(header, consumer, local, cx, handled) {
                return pause;
            }
            if (*slot).has_future() {
                look = true;
                continue;
            }
            if (*inner).wants_turn || !(*consumer).work.is_empty() {
                continue;
            }
            match header.mailbox.next(&mut (*consumer).work) {
                Next::Batch => look = mem::take(&mut (*inner).look_again),
                Next::Control => {}
                Next::Notified => look = true,
                Next::Parked => return Pause::Parked,
            }
        }
    }
}

/// Polls the future in the slot. `None`: it is done, and the slot empty; or it waits, and was notified meanwhile.
///
/// # Safety
/// As `run`.
unsafe fn go_on(
    header: &Header,
    consumer: *mut Consumer,
    slot: *mut Slot,
    cx: &mut Context<'_>,
    handled: &mut u32,
) -> Option<Pause> {
    // SAFETY: the cell is owned, and the slot is lent to this actor alone.
    unsafe {
        let is_looked_at = header.is_looked_at() && !(*slot).is_hold();
        if is_looked_at && watched::before_poll(header, consumer) {
            return Some(Pause::Event(Event::Kill));
        }
        if (*slot).poll(cx, &header.counts).is_pending() {
            if is_looked_at && header.is_eyed() {
                header.waits();
            }
            return suspend(header, consumer, slot, handled);
        }
        match (*consumer).inner.stage {
            Stage::Up if is_looked_at => {
                watched::after_message(header, consumer);
                None
            }
            Stage::Up | Stage::Down => None,
            Stage::Starting => {
                let inner: *mut Inner = &raw mut (*consumer).inner;
                let refused = mem::take(&mut (*inner).refused).then(|| (*inner).stop.take()).flatten();
                Some(Pause::Event(refused.map_or(Event::Started, Event::Refused)))
            }
            Stage::Terminating | Stage::Reaping => Some(Pause::Event(Event::Finished)),
        }
    }
}

/// Handles the messages of the batch, one after the other, until one waits, or something else comes first.
///
/// # Safety
/// As `run`; the slot is empty.
#[inline(always)]
unsafe fn handle_batch(
    header: &Header,
    consumer: *mut Consumer,
    local: *mut Local,
    cx: &mut Context<'_>,
    handled: &mut u32,
) -> Option<Pause> {
    // SAFETY: the cell is owned; the payload leaves the batch before its handler runs.
    unsafe {
        let slot = &raw mut (*local).slot;
        let is_looked_at = header.is_looked_at();
        let mut since_published = 0;
        while !(*consumer).work.is_empty() {
            if *handled >= BUDGET || (*local).budget == 0 {
                return Some(Pause::Yield);
            }
            *handled += 1;
            (*local).budget -= 1;
            if handled.is_multiple_of(CHECK_EVERY) && slice_is_over(header, local) {
                return Some(Pause::Yield);
            }
            if is_looked_at {
                match watched::before_message(header, consumer, slot) {
                    Ahead::Handled => {}
                    Ahead::Gone => continue,
                    Ahead::Waits => return None,
                    Ahead::Kill => return Some(Pause::Event(Event::Kill)),
                }
            }
            let record = (*consumer).work.pop()?;
            header.begun(record.ext());
            let run = record.ext().run;
            let polled = run(header.ptr(), record, &mut *slot, cx);
            since_published += 1;
            if since_published >= (*consumer).inner.publish_every {
                since_published = 0;
                header.mailbox.publish((*consumer).work.len());
            }
            if is_looked_at {
                watched::after_poll(header, polled.is_ready());
            }
            if polled.is_pending() {
                return suspend(header, consumer, slot, handled);
            }
            let is_late = cfg!(ravelin_mutant = "control_late") && !(*consumer).work.is_empty();
            if (*consumer).inner.wants_turn || (header.mailbox.has_control() && !is_late) {
                return None;
            }
        }
        None
    }
}

/// The next signal, as an event; with a callback in the slot only one that cuts it off. Questions before it are answered.
///
/// # Safety
/// As `run`.
#[cold]
#[inline(never)]
unsafe fn signalled(header: &Header, slot: *mut Slot) -> Option<Event> {
    // SAFETY: the cell is owned.
    let is_busy = unsafe { (*slot).has_future() && !(*slot).is_hold() };
    loop {
        let signal = if is_busy {
            let kill_cuts = !cfg!(ravelin_mutant = "kill_waits");
            header.mailbox.take_control_if(|signal| match signal {
                Control::Die(_) => true,
                Control::Kill => kill_cuts,
                Control::Stop(_) | Control::Ask(_) => false,
            })
        } else {
            header.mailbox.take_control()
        };
        return Some(match signal? {
            Control::Stop(exit) => Event::Stop(exit),
            Control::Die(exit) => Event::Die(exit),
            Control::Kill => Event::Kill,
            Control::Ask(ask) => {
                // SAFETY: the cell is owned, and the slot is empty, or has a hold in it.
                unsafe { eyed::answer(header, ask) };
                continue;
            }
        });
    }
}

/// What few actors have: something to run before any message, and timers that may be due.
///
/// # Safety
/// As `run`; the slot is empty.
#[cold]
unsafe fn rare_work(header: &Header, inner: *mut Inner, slot: *mut Slot, cx: &mut Context<'_>) -> Poll<()> {
    // SAFETY: the cell is owned. The timers are taken out while they work, because they push to this very cell.
    unsafe {
        let Some(rare) = (*inner).rare.as_mut() else { return Poll::Ready(()) };
        if let Some(mut timers) = rare.timers.take() {
            (*inner).look_again = timers.fire(header.ptr(), cx);
            if let Some(rare) = (*inner).rare.as_mut() {
                rare.timers = Some(timers);
            }
        }
        let Some(rare) = (*inner).rare.as_mut() else { return Poll::Ready(()) };
        let Some(mut then) = rare.then.pop_front() else { return Poll::Ready(()) };
        (*inner).wants_turn = true;
        let Some(record) = then.pop() else { return Poll::Ready(()) };
        header.begun(record.ext());
        if header.is_eyed() {
            eyed::begun_aside(header, (record.ext().name)());
        }
        let run = record.ext().run;
        let polled = run(header.ptr(), record, &mut *slot, cx);
        if header.is_eyed() {
            watched::after_poll(header, polled.is_ready());
        }
        polled
    }
}

/// Leaves the future in the slot with the actor: `Parked`, and no longer owned. `None`: it was notified meanwhile, of
/// something that it waits for or of a timer; look again. `Yield`: that goes on and on, and others shall have a turn.
///
/// # Safety
/// As `run`.
unsafe fn suspend(
    header: &Header,
    consumer: *mut Consumer,
    slot: *mut Slot,
    handled: &mut u32,
) -> Option<Pause> {
    // SAFETY: the cell is owned until the mailbox's `suspend` gives true; nothing of it is touched after that.
    unsafe {
        header.counts.waits();
        ptr::swap(slot, &raw mut (*consumer).slot);
        if header.mailbox.suspend((*consumer).work.len()) {
            return Some(Pause::Parked);
        }
        ptr::swap(slot, &raw mut (*consumer).slot);
        *handled += REPOLL;
        (*handled >= BUDGET).then_some(Pause::Yield)
    }
}

/// Looks at the clock: what was handed over does not wait for a long batch, and a long stretch yields.
///
/// # Safety
/// As `run`.
#[cold]
unsafe fn slice_is_over(header: &Header, local: *mut Local) -> bool {
    let Some(host) = header.host() else { return false };
    let now: Time = host.runtime().now();
    // SAFETY: `local` is this thread's stretch; `next`, if any, is held by it.
    unsafe {
        let began = *(*local).began.get_or_insert(now);
        if let Some(next) = (*local).next.take() {
            eject(next);
        }
        now - began > SLICE
    }
}

/// Does what the life cycle decides. True: the incarnation is over, and the cell no longer owned.
///
/// # Safety
/// As `run`.
unsafe fn step(cell: CellPtr, slot: &mut Slot, event: Event, handled: &mut u32) -> bool {
    // SAFETY: the cell is owned; a future in the slot is cancelled before what it borrows is used otherwise.
    unsafe {
        let header = cell.header();
        let consumer = header.consumer.get();
        match decide((*consumer).inner.stage, event) {
            Then::Continue => false,
            Then::Run => {
                (*consumer).inner.stage = Stage::Up;
                *handled = come_up(header);
                if cfg!(ravelin_mutant = "up_twice") {
                    come_up(header);
                }
                false
            }
            Then::Terminate(why) => {
                cut(header, slot, &why);
                (*consumer).inner.stop = Some(why.clone());
                (*consumer).inner.stage = Stage::Terminating;
                header.mailbox.with(|_, life| life.is_closing = true);
                (header.vtable.terminate)(cell, slot, why);
                false
            }
            Then::Reap(why) => {
                let why = why.or((*consumer).inner.stop.take()).unwrap_or(Exit::Killed);
                cut(header, slot, &why);
                (*consumer).inner.stop = Some(why.clone());
                (*consumer).inner.stage = Stage::Reaping;
                let children = header.mailbox.with(|_, life| {
                    life.is_closing = true;
                    life.known_mut()?.children.take()
                });
                match (children, header.host()) {
                    (Some(children), Some(host)) if !children.is_empty() => {
                        if host.wants_wreck(&why) {
                            (*consumer).inner.rare.get_or_insert_default().children = children.pids();
                        }
                        slot.put(host.clone().reap(*children, &why));
                        false
                    }
                    (Some(_) | None, Some(_) | None) => {
                        finish(cell, slot);
                        true
                    }
                }
            }
            Then::End => {
                finish(cell, slot);
                true
            }
        }
    }
}

/// `init` succeeded: the starter learns of it, and who waits for an incarnation to be up. Gives what is used up of its
/// budget: all, for one that has a parent, whose turn it is before the actor handles what came during `init`.
fn come_up(header: &Header) -> u32 {
    let (has_parent, waiting) = header.mailbox.with(|_, life| {
        life.is_up = true;
        let pid = life.pid;
        let Some(company) = life.known_mut() else { return (false, None) };
        let waiting = pid.map(|pid| (pid, company.starter.take(), mem::take(&mut company.guests)));
        (company.parent.is_some(), waiting)
    });
    let used = if has_parent { BUDGET } else { BUDGET - AFTER_INIT };
    header.tell(|| Seen::Up);
    let Some((pid, starter, guests)) = waiting else { return used };
    if let Some(starter) = starter {
        starter.send(Ok(pid));
    }
    for guest in guests {
        guest.send(pid);
    }
    used
}
