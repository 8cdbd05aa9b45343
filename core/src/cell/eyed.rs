//! A cell that somebody looks at, through its `Eye`: what those who run it and send to it tell and obey.
//!
//! All of it is off the path of other cells, which look at one byte: whether anybody looks at all.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::life::Ask;
use super::{Consumer, Control, Header, Slot};
use crate::exit::Exit;
use crate::eye::{Eye, Outcome, Recorded, Wanted, Who};
use crate::fate;
use crate::id::Pid;
use crate::time::Time;
use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// What is found of an incarnation that came to grief.
#[derive(Debug, Default)]
pub(crate) struct Wreck {
    /// What it was handling.
    pub(crate) cut: Option<CutOff>,
    pub(crate) last_messages: Option<Vec<Recorded>>,
    /// How many messages waited in the mailbox.
    pub(crate) left: u64,
    /// How many messages became dead letters by this end.
    pub(crate) dead_letters: u64,
    /// The children that it had not ended itself.
    pub(crate) children: Vec<Pid>,
    /// What it says of its state, if it offers that.
    pub(crate) state: Option<String>,
    pub(crate) restarts: u16,
}

/// A message whose handler was cut off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CutOff {
    pub(crate) message: &'static str,
    /// How long it had been handled, where that is known.
    pub(crate) took: Option<Duration>,
}

/// What can be seen of a place without its actor's help.
pub(crate) struct Look {
    /// The name of the type of the message that is being handled; a task's own function is none.
    pub(crate) message: Option<&'static str>,
    /// Whether what lives there is a task, whose function receives its messages itself.
    pub(crate) is_task: bool,
    /// How many messages have begun.
    pub(crate) begun: u64,
    /// How often a callback has waited; goes round.
    pub(crate) waits: u32,
}

impl Header {
    fn now(&self) -> Time {
        self.host().map_or(Time::EPOCH, |host| host.runtime().now())
    }

    fn who(&self, pid: Option<Pid>) -> Option<Who<'_>> {
        Some(Who { pid: pid?, place: self.name(), actor: self.type_name() })
    }

    /// Who looks at the place, if somebody does.
    pub(crate) fn eye(&self) -> Option<Arc<Eye>> {
        self.mailbox.with(|_, life| life.eye().cloned())
    }

    /// Changes what is wanted of the place.
    pub(crate) fn with_eye<R>(&self, f: impl FnOnce(&Eye) -> R) -> R {
        let eye = self.mailbox.with(|_, life| life.open_eye().clone());
        let out = f(&eye);
        self.settle();
        out
    }

    /// Those who come by learn what is wanted of them.
    fn settle(&self) {
        self.mailbox.watch(|life| {
            let wanted = life.eye().map_or(Wanted::default(), |eye| eye.wanted());
            self.place.set_eyed(wanted);
            life.note_senders(wanted.senders);
            wanted.senders || self.is_watched()
        });
    }

    /// Suspends the incarnation `to`, or whichever is there. False: it is not there.
    pub(crate) fn hold(&self, to: Option<Pid>) -> bool {
        let is_there = self.mailbox.with(|_, life| {
            let is_there = life.pid.is_some() && (to.is_none() || life.pid == to);
            if is_there {
                life.set_held(true);
            }
            is_there
        });
        if is_there {
            self.settle();
        }
        is_there
    }

    /// Ends its suspension. False: it is not there.
    pub(crate) fn let_go(&self, to: Option<Pid>) -> bool {
        let eye = self.mailbox.with(|_, life| {
            let is_there = life.pid.is_some() && (to.is_none() || life.pid == to);
            is_there.then(|| {
                life.set_held(false);
                life.eye().cloned()
            })
        });
        let Some(eye) = eye else { return false };
        if let Some(receiver) = eye.and_then(|eye| eye.release()) {
            receiver.wake();
        }
        self.settle();
        self.notify();
        true
    }

    /// Puts a question into the control lane. False: that incarnation is over.
    pub(crate) fn ask_actor(&self, to: Option<Pid>, ask: Ask) -> bool {
        self.signal(to, |life| Some((Control::Ask(ask), life.cut_if_held())))
    }

    /// Takes the questions back that nobody waits for any more: a stuck actor does not hoard them.
    pub(crate) fn withdraw(&self) {
        let stale = |signal: &mut Control| matches!(signal, Control::Ask(ask) if !ask.is_awaited());
        drop(self.mailbox.withdraw(stale));
    }

    /// Whether an order to end is in the control lane.
    pub(crate) fn has_order(&self) -> bool {
        self.mailbox.has_control_of(|signal| !matches!(signal, Control::Ask(_)))
    }

    pub(crate) fn look(&self) -> Look {
        let begun = self.counts.begun_so_far();
        let kind = if self.counts.in_hand() > 0 { self.in_hand() } else { None };
        let is_task = self.in_hand().is_some_and(|kind| kind.is_body);
        let message = kind.filter(|kind| !kind.is_body).map(|kind| (kind.name)());
        Look { message, is_task, begun, waits: self.counts.waits_so_far() }
    }

    /// The bytes of the cell: the place, its mailbox without what waits in it, and the actor's state without what that
    /// points to.
    pub(crate) fn size(&self) -> usize {
        self.vtable.size
    }

    /// Tells of a message that a task receives.
    #[cold]
    pub(super) fn received(&self, message: &'static str) {
        let Some(eye) = self.eye() else { return };
        if eye.drop_taps() {
            self.settle();
        }
        let (pid, from) = self.mailbox.with_waiting(|waiting, life| {
            // It is taken already.
            (life.pid, life.sender(waiting as usize + 1))
        });
        if let Some(who) = self.who(pid) {
            let now = self.now();
            eye.ended(who, Outcome::Handled, now);
            eye.begun(who, message, from, now);
        }
    }

    /// A task wants to receive. True: it is suspended, and `waker` will be woken when it is not.
    #[cold]
    pub(super) fn holds_receiver(&self, waker: &Waker) -> bool {
        self.eye().is_some_and(|eye| eye.holds(waker))
    }

    /// The handler is done, or cut off.
    #[cold]
    pub(super) fn ended_message(&self, outcome: Outcome) {
        let Some(eye) = self.eye() else { return };
        if eye.drop_taps() {
            self.settle();
        }
        if let Some(who) = self.who(self.pid()) {
            eye.ended(who, outcome, self.now());
        }
    }

    /// The handler waits.
    #[cold]
    pub(super) fn waits(&self) {
        if let Some(eye) = self.eye() {
            eye.waits(self.now());
        }
    }

    /// The handler goes on.
    #[cold]
    pub(super) fn goes_on(&self) {
        if let Some(eye) = self.eye() {
            eye.goes_on(self.now());
        }
    }

    /// The incarnation is over.
    #[cold]
    pub(super) fn exited(&self, pid: Option<Pid>, exit: &Exit) {
        let Some(eye) = self.eye() else { return };
        if let Some(who) = self.who(pid) {
            eye.exited(who, exit, self.now());
        }
        eye.drop_taps();
        self.settle();
    }
}

/// A message is next: an actor that is suspended waits before it, in a hold that is put in the slot, which is empty.
/// True: so it is.
#[cold]
pub(super) fn holds(header: &Header, slot: &mut Slot) -> bool {
    let Some(eye) = header.eye().filter(|eye| eye.is_held()) else { return false };
    slot.hold(poll_fn(move |_| if eye.is_held() { Poll::Pending } else { Poll::Ready(()) }));
    true
}

/// A message is about to be handled.
///
/// # Safety
/// The caller owns the cell; the message is still in the batch.
#[cold]
pub(super) unsafe fn begun(header: &Header, consumer: *mut Consumer, message: &'static str) {
    let Some(eye) = header.eye() else { return };
    // SAFETY: the cell is owned.
    let in_batch = unsafe { (*consumer).work.len() };
    let (pid, from) = header
        .mailbox
        .with_waiting(|waiting, life| (life.pid, life.sender(waiting as usize + in_batch as usize)));
    if let Some(who) = header.who(pid) {
        eye.begun(who, message, from, header.now());
    }
}

/// A message that the actor gave itself to go on with is about to be handled.
#[cold]
pub(super) fn begun_aside(header: &Header, message: &'static str) {
    if let (Some(eye), Some(who)) = (header.eye(), header.who(header.pid())) {
        eye.begun(who, message, None, header.now());
    }
}

/// Answers a question.
///
/// # Safety
/// The caller owns the cell, and the slot is empty, or has a hold in it.
#[cold]
pub(super) unsafe fn answer(header: &Header, ask: Ask) {
    if !ask.is_awaited() {
        return;
    }
    match ask {
        Ask::Look(reply) => reply.send(()),
        Ask::State(reply) => {
            // SAFETY: the caller's promises; so nobody borrows the state.
            let state = fate::isolate(|| unsafe { (header.vtable.inspect)(header.ptr()) });
            reply.send(state);
        }
        Ask::Replace(text, reply) => {
            // SAFETY: as above.
            let done = fate::isolate(|| unsafe { (header.vtable.replace)(header.ptr(), &text) });
            reply.send(done);
        }
    }
}

/// The handler in the slot was cut off, and is to be known of when the incarnation ends.
///
/// # Safety
/// The caller owns the cell.
#[cold]
pub(super) unsafe fn cut_off(header: &Header, consumer: *mut Consumer, why: &Exit) {
    let took = || Some(header.now() - header.eye()?.begun_at()?);
    let message = header.in_hand().filter(|kind| !kind.is_body).map(|kind| (kind.name)());
    // SAFETY: the cell is owned; one access.
    unsafe {
        if let Some(message) = message {
            (*consumer).inner.rare.get_or_insert_default().cut = Some(CutOff { message, took: took() });
        }
    }
    if header.is_eyed() {
        let outcome = if matches!(why, Exit::Panic(_)) { Outcome::Panicked } else { Outcome::Killed };
        header.ended_message(outcome);
    }
}

/// What there is to find before the state goes.
///
/// # Safety
/// The caller owns the cell, and the slot is empty.
#[cold]
pub(super) unsafe fn wreck(header: &Header, rare: Option<&mut super::Rare>, left: u32) -> Box<Wreck> {
    // SAFETY: the caller's promise; so nobody borrows the state.
    let state = fate::isolate(|| unsafe { (header.vtable.inspect)(header.ptr()) });
    let (cut, children) = rare.map(|rare| (rare.cut, mem::take(&mut rare.children))).unwrap_or_default();
    Box::new(Wreck {
        cut,
        last_messages: header.eye().and_then(|eye| eye.records(header.now())),
        left: u64::from(left),
        dead_letters: 0,
        children,
        state: state.ok().flatten(),
        restarts: header.mailbox.with(|_, life| life.restarts()),
    })
}
