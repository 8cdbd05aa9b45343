//! A cell in a system whose runtime injects faults and watches: where it is asked, and what it is told.
//!
//! All of it is off the path of other systems, which look at one byte: whether anybody looks at the place, the runtime or
//! an `Eye` (see `eyed`).
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::eyed;
use super::local;
use super::{CellRef, Consumer, Ext, Header, Inner, Life, Payload, Slot};
use crate::eye::{Outcome, Wanted};
use crate::fate;
use crate::id::Pid;
use crate::lifecycle::Stage;
use crate::panics;
use crate::watch::{Fault, FaultPoint, Seen, Site};
use ravelin_mailbox::{Class, Kind, Pushed, Records, Refused, Ticket};
use std::future::poll_fn;
use std::mem;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering::Relaxed};
use std::task::Waker;
use std::time::Duration;

/// What an injected panic says.
const INJECTED: &str = "injected fault";

/// The runtime watches: the place has a number.
const WATCHED: u8 = 1;
/// Somebody wants to know of each message, or holds the actor.
const EYED: u8 = 2;
/// Somebody wanted to know who sends, or wants to: the mailbox may have turned a sender away.
const NOTED: u8 = 4;

/// Who looks at a place, and its number where the runtime does; in the room that is left beside other small fields.
#[derive(Default)]
pub(super) struct Place {
    high: AtomicU8,
    looks: AtomicU8,
    low: AtomicU16,
}

impl Place {
    /// Gives the place its number, before anybody lives there.
    pub(super) fn set(&self, number: u64) {
        let lows = u64::from(u16::MAX);
        self.high.store((number / lows) as u8, Relaxed);
        self.low.store((number % lows) as u16 + 1, Relaxed);
        self.looks.fetch_or(WATCHED, Relaxed);
    }

    /// To be called under the mailbox's lock.
    pub(super) fn set_eyed(&self, wanted: Wanted) {
        if wanted.senders {
            self.looks.fetch_or(NOTED, Relaxed);
        }
        if wanted.messages {
            self.looks.fetch_or(EYED, Relaxed);
        } else {
            self.looks.fetch_and(!EYED, Relaxed);
        }
    }

    fn number(&self) -> u32 {
        u32::from(self.high.load(Relaxed)) << 16 | u32::from(self.low.load(Relaxed))
    }
}

/// What is to become of the message that is next.
pub(super) enum Ahead {
    /// It is handled.
    Handled,
    /// It is no longer next.
    Gone,
    /// It waits: a future that ends in good time is in the slot.
    Waits,
    /// The actor is killed.
    Kill,
}

impl Header {
    /// Whether the runtime is to be asked and told.
    #[inline(always)]
    pub(crate) fn is_watched(&self) -> bool {
        self.place.looks.load(Relaxed) & WATCHED != 0
    }

    /// Whether somebody wants to know of each message, or holds the actor.
    #[inline(always)]
    pub(crate) fn is_eyed(&self) -> bool {
        self.place.looks.load(Relaxed) & EYED != 0
    }

    /// Whether any of the two holds.
    #[inline(always)]
    pub(crate) fn is_looked_at(&self) -> bool {
        self.place.looks.load(Relaxed) & (WATCHED | EYED) != 0
    }

    /// Whether its mailbox may turn senders away to be asked who they are.
    fn may_turn_away(&self) -> bool {
        self.place.looks.load(Relaxed) & (WATCHED | NOTED) != 0
    }

    /// The number of the place, where it is watched.
    pub(crate) fn place_number(&self) -> u32 {
        self.place.number()
    }

    /// Tells the runtime, if it wants to know, of what happens to whoever lives here.
    #[inline(always)]
    pub(crate) fn tell<'a>(&self, seen: impl FnOnce() -> Seen<'a>) {
        if self.is_watched() {
            self.tell_of(self.pid(), &seen());
        }
    }

    /// Tells the runtime of what happens to this incarnation.
    #[cold]
    pub(crate) fn tell_of(&self, pid: Option<Pid>, seen: &Seen<'_>) {
        if let Some(host) = self.host() {
            host.runtime().observe(&self.site(pid), seen);
        }
    }

    fn site(&self, pid: Option<Pid>) -> Site<'_> {
        let system = self.host().map_or(0, |host| host.system_number());
        Site { system, ..Site::new(self.name().map(|name| &**name), self.type_name(), pid) }
    }

    #[cold]
    pub(super) fn ask(&self, point: FaultPoint) -> Option<Fault> {
        if !self.is_watched() {
            return None;
        }
        self.host()?.runtime().fault_in(&self.site(self.pid()), point)
    }

    // ---- the sender's side ----

    /// A push was refused: a watched mailbox refuses each, to have the runtime asked for a fault first, or the sender
    /// noted.
    #[cold]
    #[inline(never)]
    pub(super) fn push_refused<P: Payload>(
        &self,
        kind: &'static Kind<P, Ext>,
        refused: Refused<P>,
    ) -> Result<(), Refused<P>> {
        let message = match refused {
            Refused::Full(message) if self.may_turn_away() => message,
            refused => return Err(refused),
        };
        let is_full = self.ask(FaultPoint::Send(P::message_name())) == Some(Fault::Full);
        let from = local::running_pid();
        let note = |life: &mut Life| life.note(from);
        let pushed = self.mailbox.push_watched(kind, message, local::edge(self), is_full, note)?;
        self.tell_pushed::<P>(&pushed, false);
        self.after_push::<P>(pushed);
        Ok(())
    }

    /// As `push_refused`, for a sender that may wait; the runtime is asked once for each message.
    #[cold]
    #[inline(never)]
    pub(super) fn push_or_wait_refused<P: Payload>(
        &self,
        kind: &'static Kind<P, Ext>,
        refused: Refused<P>,
        waker: &Waker,
        ticket: &mut Option<Ticket>,
    ) -> Result<(), Refused<P>> {
        let message = match refused {
            Refused::Full(message) if self.may_turn_away() => message,
            refused => return Err(refused),
        };
        let is_first = ticket.is_none();
        let is_full = is_first && self.ask(FaultPoint::Send(P::message_name())) == Some(Fault::Full);
        let (edge, from) = (local::edge(self), local::running_pid());
        let note = |life: &mut Life| life.note(from);
        let waiter = (waker, ticket);
        let pushed = self.mailbox.push_or_wait_watched(kind, message, edge, waiter, is_full, note)?;
        self.tell_pushed::<P>(&pushed, false);
        self.after_push::<P>(pushed);
        Ok(())
    }

    /// Tells of a message that got into the mailbox.
    #[inline(always)]
    pub(super) fn tell_pushed<P: Payload>(&self, pushed: &Pushed<Ext, super::Wake>, is_exempt: bool) {
        if self.is_watched() && !matches!(pushed, Pushed::Discarded) {
            self.tell_accepted(P::message_name(), P::CLASS, is_exempt);
        }
    }

    /// Tells of a notice that got into the mailbox.
    pub(super) fn tell_noticed<P: Payload>(&self) {
        self.tell_pushed::<P>(&Pushed::Quiet, true);
    }

    #[cold]
    fn tell_accepted(&self, message: &'static str, class: Class, is_exempt: bool) {
        let (len, limit) = (self.mailbox.len(), self.mailbox.limit());
        self.tell(|| Seen::Accepted { message, is_exempt, class, from: local::running_pid(), len, limit });
    }

    // ---- the receiver's side ----

    /// Puts messages off: they come back at the end of the line after this time.
    fn delay(&self, records: Records<Ext>, wait: Duration) {
        let (Some(host), Some(first)) = (self.host(), records.first()) else { return };
        let message = (first.name)();
        self.tell(|| Seen::Delayed { message });
        let number = self.mailbox.set_aside(records);
        // SAFETY: whoever runs the actor is here, so the cell is there.
        let cell = unsafe { CellRef::retain(self.ptr()) };
        let mut timer = host.runtime().timer(host.runtime().now() + wait);
        host.runtime().spawn(
            "ravelin-delay",
            Box::pin(async move {
                poll_fn(|cx| timer.as_mut().poll(cx)).await;
                let header = cell.header();
                if let Some(pushed) = header.mailbox.bring_back(number, local::edge(header)) {
                    header.tell(|| Seen::Returned { message });
                    header.wake_after(pushed);
                }
            }),
        );
    }

    /// Gets the cell to run, or its receiving future, after a message came.
    fn wake_after(&self, pushed: Pushed<Ext, super::Wake>) {
        match pushed {
            Pushed::Wake(wake) => local::perform(self, wake),
            Pushed::WakeReceiver(waker) => waker.wake(),
            Pushed::Quiet | Pushed::Discarded | Pushed::Displaced(_) => {}
        }
    }

    /// Drops a message that nobody will handle, as a policy that discards it does.
    fn discard(&self, records: Records<Ext>) {
        if let Some(first) = records.first() {
            self.tell(|| Seen::Discarded { message: (first.name)() });
            if let Some(host) = self.host() {
                host.overloaded(self, (first.name)());
            }
        }
        let _ = panics::isolate(|| fate::discarding(|| drop(records)));
    }

    /// Asks for a fault before a task receives its next message. False: there is another one to be asked about.
    #[cold]
    pub(super) fn may_receive(&self) -> bool {
        let Some(next) = self.mailbox.look_at_oldest() else { return true };
        let is_notice = next.readmit.is_some();
        match self.ask(FaultPoint::Message((next.name)())) {
            Some(Fault::Kill) => {
                self.signal(None, |_| Some((super::Control::Kill, ravelin_mailbox::Cut::Yes)));
                true
            }
            Some(Fault::Panic) => panic!("{INJECTED}"),
            Some(Fault::Drop) if !is_notice => {
                self.mailbox.take_oldest(true).into_iter().for_each(|one| self.discard(one));
                false
            }
            Some(Fault::Delay(wait)) if !is_notice => {
                self.mailbox.take_oldest(false).into_iter().for_each(|one| self.delay(one, wait));
                false
            }
            Some(Fault::Drop | Fault::Delay(_) | Fault::Full | Fault::Stall(_)) | None => {
                self.tell(|| Seen::Begun { message: (next.name)() });
                true
            }
        }
    }
}

/// Asks for a fault at an await point of an actor's own code. True: kill it.
///
/// # Safety
/// The caller owns the cell.
#[cold]
pub(super) unsafe fn before_poll(header: &Header, consumer: *mut Consumer) -> bool {
    // SAFETY: the cell is owned.
    let is_its_own = unsafe { (*consumer).inner.stage != Stage::Reaping && !is_stalled(consumer) };
    match if is_its_own { header.ask(FaultPoint::Poll) } else { None } {
        Some(Fault::Kill) => true,
        Some(Fault::Panic) => panic!("{INJECTED}"),
        Some(Fault::Delay(_) | Fault::Drop | Fault::Full | Fault::Stall(_)) | None => {
            if header.is_eyed() {
                header.goes_on();
            }
            false
        }
    }
}

/// A future of an actor that is up is done, which was no hold.
///
/// # Safety
/// The caller owns the cell, and the slot is empty.
#[cold]
pub(super) unsafe fn after_message(header: &Header, consumer: *mut Consumer) {
    // SAFETY: the cell is owned.
    if header.is_eyed() && unsafe { !is_stalled(consumer) } {
        header.ended_message(Outcome::Handled);
    }
}

/// A message's handler was polled for the first time.
#[cold]
pub(super) fn after_poll(header: &Header, is_done: bool) {
    match (header.is_eyed(), is_done) {
        (true, true) => header.ended_message(Outcome::Handled),
        (true, false) => header.waits(),
        (false, _) => {}
    }
}

/// Asks for a fault before the next message of the batch is handled.
///
/// # Safety
/// The caller owns the cell, the slot is empty, and a message is next.
#[cold]
pub(super) unsafe fn before_message(header: &Header, consumer: *mut Consumer, slot: *mut Slot) -> Ahead {
    // SAFETY: the cell is owned; a record is taken out of the batch before its destructor runs.
    unsafe {
        let Some(next) = (*consumer).work.first() else { return Ahead::Gone };
        let (message, is_notice) = ((next.name)(), next.readmit.is_some());
        if header.is_eyed() && eyed::holds(header, &mut *slot) {
            return Ahead::Waits;
        }
        let was_asked = end_stall(consumer);
        let fault = if was_asked { None } else { header.ask(FaultPoint::Message(message)) };
        match fault {
            Some(Fault::Kill) => return Ahead::Kill,
            Some(Fault::Panic) => {
                header.tell(|| Seen::Begun { message });
                header.counts.begun();
                header.counts.interrupted();
                let _unwinds_with_it = (*consumer).work.split_first();
                panic!("{INJECTED}");
            }
            Some(Fault::Drop) if !is_notice => {
                let one = (*consumer).work.split_first();
                header.mailbox.publish((*consumer).work.len());
                header.mailbox.count_discarded(&one);
                header.discard(one);
                return Ahead::Gone;
            }
            Some(Fault::Delay(wait)) if !is_notice => {
                let one = (*consumer).work.split_first();
                header.mailbox.publish((*consumer).work.len());
                header.delay(one, wait);
                return Ahead::Gone;
            }
            Some(Fault::Stall(wait)) => {
                if let Some(host) = header.host() {
                    let mut timer = host.runtime().timer(host.runtime().now() + wait);
                    (*consumer).inner.rare.get_or_insert_default().is_stalled = true;
                    (*slot).put(poll_fn(move |cx| timer.as_mut().poll(cx)));
                    return Ahead::Waits;
                }
            }
            Some(Fault::Drop | Fault::Delay(_) | Fault::Full) | None => {}
        }
        header.tell(|| Seen::Begun { message });
        if header.is_eyed() {
            eyed::begun(header, consumer, message);
        }
        Ahead::Handled
    }
}

/// Whether what is in the slot is a stall, and no handler.
///
/// # Safety
/// The caller owns the cell.
unsafe fn is_stalled(consumer: *mut Consumer) -> bool {
    // SAFETY: the cell is owned.
    unsafe { (*consumer).inner.rare.as_ref().is_some_and(|rare| rare.is_stalled) }
}

/// A stall, if there is one, is over.
///
/// # Safety
/// The caller owns the cell.
pub(super) unsafe fn end_stall(consumer: *mut Consumer) -> bool {
    // SAFETY: the cell is owned.
    let inner: *mut Inner = unsafe { &raw mut (*consumer).inner };
    // SAFETY: as above.
    unsafe { (*inner).rare.as_mut().is_some_and(|rare| mem::take(&mut rare.is_stalled)) }
}

/// What befalls an `init` that is about to run.
pub(super) enum Birth {
    Runs,
    Panics,
    Killed,
}

/// Asks for a fault before `init`.
#[cold]
pub(super) fn before_init(header: &Header) -> Birth {
    match header.ask(FaultPoint::Init) {
        Some(Fault::Kill) => Birth::Killed,
        Some(Fault::Panic) => Birth::Panics,
        Some(Fault::Delay(_) | Fault::Drop | Fault::Full | Fault::Stall(_)) | None => Birth::Runs,
    }
}

/// An `init` that panics.
pub(super) async fn panics_in_init() {
    panic!("{INJECTED}");
}
