//! The cell: one allocation that is a place in the tree, its mailbox, and the actor that lives there.
//!
//! This folder is the only one of the crate with `unsafe` in it. It runs actors whose types it has forgotten: typed
//! code above it (`actor`, `start`) gives it function pointers, and it calls them with the cell.
//!
//! # Proof
//!
//! **Memory.** A cell is a `Box<Typed<A>>` behind a pointer to its first field, the [`Header`]. `refs` counts the
//! [`CellRef`]s, the wakers, the [`Runner`] and one for a living incarnation; at zero `free` turns the pointer back
//! into the box. Everything that can reach a cell holds a count, except a handed-over cell in `Local::next`, which
//! lives because its incarnation holds one and only the holder of `next` may run it (so it cannot end meanwhile).
//!
//! **Exclusion.** `consumer`, `state` and the future in the slot are touched only by the thread that *owns* the cell:
//! the one that turned the mailbox's phase to `Running` (by `begin`, `seize` or `reopen`, which succeed for one
//! caller only, under the mailbox's lock). Ownership ends with `next` giving `Parked`, `suspend` giving true,
//! `requeue`, or `close`; after any of these the code below returns without touching them. The lock orders one
//! owner's writes before the next owner's reads.
//!
//! **Aliasing.** The state `A` and the context `Cx<A>` are lent mutably to one future at a time: the one in the slot,
//! or the one that a function pointer just built. While a callback's future is in the slot nothing else borrows them:
//! signals are looked at, but only those that cut, which drop the future first. A hold
//! (`Slot::hold`) is nobody's callback and borrows nothing, so questions about the state are answered also while one is
//! in the slot. The fields of `Consumer` are read and
//! written through raw pointers, one access at a time, never borrowed over a call into user code; `Cx` reaches
//! `Inner`, a part of it that the run loop only looks at between futures, in the same way.
//!
//! **Futures.** A future in a [`Slot`] may borrow from its cell. It is dropped (by `Slot::cancel`, or by being done)
//! before the state is dropped (`finish`), and a cell is freed only after that, or when it never had an incarnation.

mod aimed;
mod birth;
mod crew;
mod dated;
mod eyed;
mod far;
mod finish;
mod in_place;
mod life;
mod local;
mod post;
mod run;
mod runner;
mod served;
mod slot;
mod typed;
mod waits;
mod waker;
mod watched;

pub(crate) use crew::Crew;
pub(crate) use dated::Stale;
pub(crate) use eyed::{CutOff, Wreck};
pub use far::FarWait;
pub(crate) use far::{FarPosted, far_waits};
pub(crate) use finish::End;
pub use in_place::InPlace;
pub(crate) use in_place::may_call;
pub(crate) use life::{Act, Ask, Children, Control, Grace, Life};
pub(crate) use local::{running_pid, this_thread};
pub(crate) use served::{Serves, served, while_served};
pub(crate) use slot::Slot;
use slot::Tally;
pub(crate) use typed::{Body, Gate, Outcome, Own, Payload, Port, Takes, TypedRef, receive_one};
pub(crate) use waits::{Posted, would_close};

use crate::bonds::Bonds;
use crate::exit::Exit;
use crate::fate::Owed;
use crate::id::{Pid, TimerRef};
use crate::info::{Info, Notice, Order};
use crate::ledger::{Counters, Ledger};
use crate::lifecycle::Stage;
use crate::patience::Patience;
use crate::runtime::Runtime;
use crate::time::Missed;
use crate::watch::Seen;
use futures::future::BoxFuture;
use life::{Late, Wake};
use ravelin_mailbox::{Capacity, Kind, Mailbox, NoConsumer, Phase, Record, Records, Signalled};
use std::any::{Any, TypeId};
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

/// What a record knows beyond its payload: how to handle it.
pub(crate) struct Ext {
    /// Takes the payload, builds the handler's future in the slot and polls it once.
    ///
    /// # Safety
    /// The caller owns the cell, an incarnation is up, the slot is empty, and the record is of this kind.
    pub(crate) run: unsafe fn(CellPtr, Record<'_, Ext>, &mut Slot, &mut Context<'_>) -> Poll<()>,
    /// Moves the payload, as a `P::Received`, into the `Option` that the `dyn Any` is; gives the record back when that
    /// is one of another type.
    ///
    /// # Safety
    /// The record is of this kind.
    pub(crate) receive: for<'a> unsafe fn(Record<'a, Ext>, &mut dyn Any) -> Option<Record<'a, Ext>>,
    /// Puts the payload, a notice that no policy may discard, behind the messages that wait. `None` for the others.
    ///
    /// # Safety
    /// The record is of this kind.
    pub(crate) readmit: Option<unsafe fn(Record<'_, Ext>, &Header)>,
    /// The name of the message's type.
    pub(crate) name: fn() -> &'static str,
    /// Whether it is no message but the function of a task, which receives messages itself.
    pub(crate) is_body: bool,
}

pub(crate) type Inbox = Mailbox<Ext, Control, Life>;

/// A cell whose type was forgotten. A plain pointer: whoever uses it knows why the cell is there.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct CellPtr(NonNull<Header>);

// SAFETY: a cell may be run on any thread, one at a time (see Exclusion); its shared parts are `Sync`.
unsafe impl Send for CellPtr {}
// SAFETY: as above.
unsafe impl Sync for CellPtr {}

/// What the typed code gives for an actor type.
pub(crate) struct CellVTable {
    /// Builds `terminate`'s future in the slot, without polling it. The caller owns the cell; the state is there.
    pub(crate) terminate: unsafe fn(CellPtr, &mut Slot, Exit),
    /// Drops the state, if there is one. The caller owns the cell; no future is in the slot.
    pub(crate) drop_state: unsafe fn(CellPtr),
    /// What the actor shows of its state, if it does. The caller owns the cell; the slot is empty, or has
    /// a hold in it.
    pub(crate) inspect: unsafe fn(CellPtr) -> Option<String>,
    /// Gives the actor another state; `Err`: it refused. The caller owns the cell; the slot is empty, or
    /// has a hold in it.
    pub(crate) replace: unsafe fn(CellPtr, &str) -> Result<(), String>,
    /// Frees the cell. Nobody has it any more.
    pub(crate) free: unsafe fn(CellPtr),
    /// The kind of records that carry notices of the framework.
    pub(crate) info: &'static Kind<Info, Ext>,
    /// The kind of records that are orders to end.
    pub(crate) order: &'static Kind<Order, Ext>,
    /// The actor type.
    pub(crate) type_id: fn() -> TypeId,
    /// The actor type's name.
    pub(crate) type_name: fn() -> &'static str,
    /// The bytes of the cell.
    pub(crate) size: usize,
    /// Whether callers may run it.
    pub(crate) in_place: InPlace,
}

/// What a cell needs of the system it lives in.
pub(crate) trait Host: Send + Sync + 'static {
    /// The executor.
    fn runtime(&self) -> &Arc<dyn Runtime>;
    /// Whether actors of this system may be run by one another's tasks.
    fn hands_over(&self) -> bool;
    /// Whether the runtime injects faults, and watches.
    fn is_watched(&self) -> bool;
    /// What a runtime that watches knows the system by.
    fn system_number(&self) -> u32;
    /// A number that no other place or call of the system has.
    fn number(&self) -> u64;
    /// The cell of the actor in this seat of the table, if one lives there.
    fn at_seat(&self, seat: u32) -> Option<CellRef>;
    /// An actor began a wait that leads to these waits for other nodes.
    fn lead_afar(&self, numbers: &[u32]);
    /// Who runs actors that have no task.
    fn crew(&self) -> &Arc<Crew>;
    /// The executor is gone: ends all that nobody runs.
    fn lose_all(&self);
    /// Where callers wait that named no time limit.
    fn patience(&self) -> &Arc<Patience>;
    /// Ends the children that are left, newest first; `None` when there are none.
    fn reap(self: Arc<Self>, children: Children, why: &Exit) -> BoxFuture<'static, ()>;
    /// An incarnation is over: names and groups go, links, monitors and the starter learn of it.
    fn ended(&self, cell: &Header, end: End);
    /// A mutant: the place is free, and the parent learns of the end, before the end is over.
    #[cfg(ravelin_mutant = "restart_early")]
    fn ended_early(self: Arc<Self>, cell: &Header, end: End);
    /// So many messages that waited when this incarnation ended are dead letters now.
    fn buried(&self, pid: Pid, buried: u64);
    /// A message was accepted and will not be handled.
    fn dead_letter(&self, cell: &Header, to: Option<Pid>, message: &'static str, why: &Exit);
    /// Whether somebody wants to know all that there is to know of an end like this.
    fn wants_wreck(&self, why: &Exit) -> bool;
    /// A mailbox discarded a message.
    fn overloaded(&self, cell: &Header, message: &'static str);
}

/// The common part of every cell. In this order, so that no line of the processor's cache is written by senders and
/// owner both: what senders write (the mailbox's lane), what is hardly ever written, what the owner writes.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) mailbox: Inbox,
    vtable: &'static CellVTable,
    host: OnceLock<Arc<dyn Host>>,
    /// One pointer, for most places have none.
    name: Option<Box<Arc<str>>>,
    refs: AtomicU32,
    pace: in_place::Pace,
    place: watched::Place,
    /// Where the incarnation sits in the table of the living, from 1; 0: nobody lives here, or one that keeps its mailbox.
    seat: AtomicU32,
    waits: waits::Waits,
    consumer: UnsafeCell<Consumer>,
    pub(crate) counts: Counters,
    /// The kind of the last message that has begun; null: none has. A hint for those who look.
    kind: AtomicPtr<Ext>,
}

// SAFETY: `consumer` is touched by the cell's owner only (see Exclusion); the rest is `Sync`.
unsafe impl Sync for Header {}
// SAFETY: as above; what `consumer` holds is `Send`.
unsafe impl Send for Header {}

/// What only the owner of the cell touches; what each message needs comes last, beside the counts.
#[repr(C)]
pub(crate) struct Consumer {
    /// The future that waits, while the cell is not run.
    slot: Slot,
    pub(crate) inner: Inner,
    work: Records<Ext>,
}

/// The part of `Consumer` that belongs to the context.
#[derive(Default)]
pub(crate) struct Inner {
    /// The actor wants to stop, for this reason; in its last stages, the reason of its end.
    pub(crate) stop: Option<Exit>,
    /// Something else than the next message is to be done next: a stop, or what `then` holds.
    pub(crate) wants_turn: bool,
    /// There is more of that after the next batch of messages.
    pub(crate) look_again: bool,
    /// `init` gave `stop` instead of a state.
    pub(crate) refused: bool,
    stage: Stage,
    /// After how many messages the mailbox is told of the room there is.
    publish_every: u32,
    pub(crate) rare: Option<Box<Rare>>,
}

/// What few actors have.
#[derive(Default)]
pub(crate) struct Rare {
    pub(crate) timers: Option<Box<dyn Timers>>,
    /// The receive time-out that is set, and how many messages had begun by then.
    pub(crate) idle: Option<(TimerRef, u64)>,
    /// Calls that are to be answered later.
    pub(crate) pending: Vec<Owed>,
    pub(crate) pending_checked: usize,
    /// Runs before any message: OTP's `{continue, _}`.
    pub(crate) then: VecDeque<Records<Ext>>,
    /// Helpers of this incarnation (pipes, streams), which end with it.
    pub(crate) helpers: Vec<Pid>,
    /// Whether what is in the slot is a wait that a fault injected, and no handler.
    pub(crate) is_stalled: bool,
    /// Whether what waits in the mailbox at the end is kept for the next incarnation.
    pub(crate) keeps_mailbox: bool,
    /// What it was handling when it came to grief.
    pub(crate) cut: Option<CutOff>,
    /// The children that it left to be ended, when it came to grief.
    pub(crate) children: Vec<Pid>,
    /// The span that the incarnation runs in, when somebody listens.
    pub(crate) span: Option<tracing::Span>,
}

/// The timers of an incarnation.
pub(crate) trait Timers: Send {
    /// A timer that calls `send` after `wait`, and again as `every` says.
    fn add(
        &mut self,
        wait: Duration,
        every: Option<(Duration, Missed)>,
        send: Box<dyn FnMut() + Send>,
    ) -> TimerRef;
    /// The time that was left; `None` when it has fired, or was cancelled.
    fn cancel(&mut self, timer: TimerRef) -> Option<Duration>;
    /// Puts what is due into the mailbox, and sees to it that the cell is notified of the next. True: much was due and
    /// more may be; to be asked again after the messages that wait now.
    fn fire(&mut self, cell: CellPtr, cx: &mut Context<'_>) -> bool;
}

/// A cell of type `A`: the header must come first.
#[repr(C)]
pub(crate) struct Typed<S> {
    pub(crate) header: Header,
    pub(crate) state: UnsafeCell<S>,
}

impl Header {
    pub(crate) fn new(vtable: &'static CellVTable, name: Option<Arc<str>>) -> Header {
        Header {
            mailbox: Mailbox::new(Capacity::default(), Phase::Closed, Life::default()),
            refs: AtomicU32::new(1),
            pace: in_place::Pace::unknown(),
            place: watched::Place::default(),
            seat: AtomicU32::new(0),
            waits: waits::Waits::none(),
            vtable,
            host: OnceLock::new(),
            name: name.map(Box::new),
            counts: Counters::default(),
            kind: AtomicPtr::new(ptr::null_mut()),
            consumer: UnsafeCell::new(Consumer {
                work: Records::new(),
                slot: Slot::empty(),
                inner: Inner { publish_every: u32::MAX, ..Inner::default() },
            }),
        }
    }

    /// The name that the place was made with.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.name.as_deref()
    }

    pub(crate) fn type_name(&self) -> &'static str {
        (self.vtable.type_name)()
    }

    /// The type of the actors that live here.
    pub(crate) fn type_id(&self) -> TypeId {
        (self.vtable.type_id)()
    }

    pub(crate) fn host(&self) -> Option<&Arc<dyn Host>> {
        self.host.get()
    }

    /// A message of this kind begins to be handled.
    #[inline(always)]
    fn begun(&self, kind: &'static Ext) {
        self.counts.begun();
        self.kind.store(ptr::from_ref(kind).cast_mut(), Ordering::Relaxed);
    }

    /// The kind of the message that began last.
    fn in_hand(&self) -> Option<&'static Ext> {
        // SAFETY: null, or made of a `&'static Ext` by `begun`.
        unsafe { self.kind.load(Ordering::Relaxed).as_ref() }
    }

    /// The incarnation that is there, and its parent.
    pub(crate) fn pid(&self) -> Option<Pid> {
        self.mailbox.with(|_, life| life.pid)
    }

    /// Where the incarnation sits in the table of the living; 0: nobody lives here, it has just begun, or it takes no part
    /// in the search for circles.
    #[inline]
    pub(crate) fn seat(&self) -> u32 {
        self.seat.load(Ordering::Relaxed)
    }

    /// What is over at this place.
    pub(crate) fn past(&self) -> Past {
        match self.mailbox.with(|_, life| life.lives) {
            0 => Past::default(),
            lives => Past { lives, ledger: self.ledger() },
        }
    }

    /// The names, groups and counts of the incarnation that has ended are seen to: another one may begin. Gives those
    /// who came meanwhile to wait for that.
    pub(crate) fn is_gone(&self) -> Late {
        self.mailbox.with(|_, life| life.is_gone())
    }

    /// The fates of all messages so far.
    pub(crate) fn ledger(&self) -> Ledger {
        self.mailbox.with_counts(|counts, _| self.ledger_with(&counts))
    }

    /// The ledger, with what the mailbox has counted.
    pub(crate) fn ledger_with(&self, mailbox: &ravelin_mailbox::Counts) -> Ledger {
        self.counts.read(mailbox.accepted, mailbox.shed, mailbox.waiting)
    }

    fn ptr(&self) -> CellPtr {
        CellPtr(NonNull::from(self))
    }

    /// Tells the incarnation `to` (or whichever is there) of a signal; what it means is decided under the lock, with
    /// `decide`. False: that incarnation is over.
    pub(crate) fn signal(
        &self,
        to: Option<Pid>,
        decide: impl FnOnce(&mut Life) -> Option<(Control, ravelin_mailbox::Cut)>,
    ) -> bool {
        self.act(to, |life| decide(life).map(|(control, cut)| Act::Control(control, cut)))
    }

    /// As [`signal`](Header::signal), where it may be a notice among the messages: that is in its place when this
    /// incarnation's state is looked at next.
    pub(crate) fn act(&self, to: Option<Pid>, decide: impl FnOnce(&mut Life) -> Option<Act>) -> bool {
        let (mut there, mut seen, mut receiver, mut tell) = (true, None, None, None);
        let signalled = self.mailbox.signal_or_write(local::edge(self), |inlet| {
            let life = inlet.owner();
            there = to.is_none() || life.pid == to;
            let decided = if there { decide(life) } else { None };
            match decided? {
                Act::Control(control, cut) => {
                    seen = control.seen();
                    if life.is_held() {
                        receiver = life.eye().and_then(|eye| eye.take_receiver());
                    }
                    return Some((control, cut));
                }
                Act::Notice(Notice::Info(info)) => {
                    inlet.write(self.vtable.info, info);
                    tell = Some(Header::tell_noticed::<Info> as fn(&Header));
                }
                Act::Notice(Notice::Order(order)) => {
                    inlet.write(self.vtable.order, order);
                    tell = Some(Header::tell_noticed::<Order>);
                }
            }
            None
        });
        if let Some(tell) = tell {
            tell(self);
        }
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        if let Some(seen) = seen {
            self.tell(|| Seen::Signalled(seen));
        }
        match signalled {
            Ok(Signalled::Quiet) => there,
            Ok(Signalled::Wake(wake)) => {
                local::perform(self, wake);
                there
            }
            Ok(Signalled::WakeReceiver(waker)) => {
                waker.wake();
                there
            }
            Err(NoConsumer) => false,
        }
    }

    /// Wakes the cell: something that its actor waits for has come.
    fn notify(&self) {
        if let Some(wake) = self.mailbox.notify(local::edge(self)) {
            local::perform(self, wake);
        }
    }

    fn release(&self) {
        if self.refs.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            // SAFETY: that was the last count, so nobody else has the cell.
            unsafe { (self.vtable.free)(self.ptr()) }
        }
    }

    fn retain(&self) {
        let before = self.refs.fetch_add(1, Ordering::Relaxed);
        assert!(before < u32::MAX / 2, "too many references to one actor");
    }
}

impl CellPtr {
    /// # Safety
    /// The cell is there as long as `'a`.
    #[inline(always)]
    pub(crate) unsafe fn header<'a>(self) -> &'a Header {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ref() }
    }

    /// The typed cell.
    ///
    /// # Safety
    /// The cell was made as a `Typed<S>`, and is there.
    #[inline(always)]
    pub(crate) unsafe fn typed<S>(self) -> *mut Typed<S> {
        self.0.as_ptr().cast()
    }

    /// The context's part of the consumer.
    ///
    /// # Safety
    /// The caller owns the cell, or is the code of the actor that is being run; the pointer is used for one access.
    #[inline(always)]
    pub(crate) unsafe fn inner(self) -> *mut Inner {
        // SAFETY: the cell is there; no reference is made, only a pointer.
        unsafe { &raw mut (*self.0.as_ref().consumer.get()).inner }
    }
}

/// What was over at a place at some time.
#[derive(Debug, Default)]
pub(crate) struct Past {
    lives: u16,
    /// The counts of all who lived there, with which their system has reckoned.
    pub(crate) ledger: Ledger,
}

/// A counted hold on a cell.
pub(crate) struct CellRef(CellPtr);

impl CellRef {
    /// A new cell with one count.
    pub(crate) fn new<S>(header: Header, state: S) -> CellRef {
        let cell = Box::new(Typed { header, state: UnsafeCell::new(state) });
        CellRef(CellPtr(NonNull::from(Box::leak(cell)).cast()))
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: this hold keeps the cell.
        unsafe { self.0.header() }
    }

    #[inline(always)]
    pub(crate) fn ptr(&self) -> CellPtr {
        self.0
    }

    /// Whether this is the only hold on the cell, and nobody lives there.
    pub(crate) fn is_alone(&self) -> bool {
        self.header().refs.load(Ordering::Acquire) == 1
    }

    /// A hold on the cell of a living incarnation.
    ///
    /// # Safety
    /// The cell has a count that is not given up before this returns.
    pub(crate) unsafe fn retain(ptr: CellPtr) -> CellRef {
        // SAFETY: the caller's promise.
        unsafe { ptr.header() }.retain();
        CellRef(ptr)
    }

    /// Binds the place to its system, for good. False: it lives in another one.
    pub(crate) fn bind(&self, host: Arc<dyn Host>) -> bool {
        let wanted = Arc::as_ptr(&host);
        let bound = self.header().host.get_or_init(|| {
            if host.is_watched() {
                self.header().place.set(host.number());
                self.header().mailbox.watch(|_| true);
            }
            host
        });
        ptr::addr_eq(Arc::as_ptr(bound), wanted)
    }

    /// Begins a new incarnation and makes the caller the cell's owner; with a count for the living. False: there is
    /// an incarnation, or was one since `past` was taken, or the end of the last one is not over.
    pub(crate) fn reopen(&self, capacity: Capacity, past: &Past, begin: impl FnOnce(&mut Life)) -> bool {
        let opened = self.header().mailbox.reopen(capacity, |life| {
            let is_free = life.lives == past.lives && !life.is_ending();
            if is_free {
                begin(life);
            }
            is_free
        });
        if opened {
            self.header().retain();
        }
        opened
    }
}

impl Clone for CellRef {
    #[inline]
    fn clone(&self) -> CellRef {
        self.header().retain();
        CellRef(self.0)
    }
}

impl Drop for CellRef {
    #[inline]
    fn drop(&mut self) {
        self.header().release();
    }
}

/// Frees a cell of type `Typed<S>`.
///
/// # Safety
/// The cell was made by `CellRef::new::<S>`, and nobody has it any more.
pub(crate) unsafe fn free<S>(cell: CellPtr) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(cell.typed::<S>()) });
}

impl Life {
    /// The bonds, made when first needed.
    pub(crate) fn bonds(&mut self) -> &mut Bonds {
        self.company().bonds.get_or_insert_default()
    }
}
