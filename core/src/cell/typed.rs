//! Cells whose actor type is known: what turns an actor's `async fn`s into the cell's function pointers.
//!
//! Proof: a [`TypedRef<B>`] is made only by `TypedRef::new`, together with a cell of type `Typed<State<B>>`, or by `of`,
//! of a cell whose table, made by `VTableOf<B>` for those cells alone, says that it is one; so the cell behind one always
//! has that type. A record of kind `Of<B, P>` gets into a cell only through `TypedRef<B>::push`
//! or a [`Port`] made by one, so it is run by a cell of that type, and its payload is a `P`. The pointers to the body
//! and to the context are lent to one future at a time (see the folder's proof, "Aliasing").

use super::dated::{Dated, Kinds, Stale, undated};
use super::{
    CellPtr, CellRef, CellVTable, Ext, Header, InPlace, Inner, Life, Past, Slot, Tally, Typed, birth, free,
};
use crate::exit::Exit;
use crate::id::Pid;
use crate::info::{Info, Notice, Order};
use crate::ledger::Counters;
use crate::reply::Reply;
use crate::time::Time;
use ravelin_mailbox::{Capacity, Class, Kind, Record, Refused, Ticket};
use std::any::{Any, TypeId, type_name};
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What lives in a cell.
pub(crate) trait Body: Sized + Send + 'static {
    type Args: Send + 'static;
    type Cx: Send + 'static;
    const IN_PLACE: InPlace = InPlace::WhenShort;

    fn init(args: Self::Args, cx: &mut Self::Cx) -> impl Future<Output = Result<Self, Exit>> + Send;
    fn terminate(&mut self, why: &Exit, cx: &mut Self::Cx) -> impl Future<Output = ()> + Send;
    fn inspect(&self) -> Option<String>;
    fn replace(&mut self, text: &str) -> Result<(), String>;
}

/// What a body does with a payload.
pub(crate) trait Takes<P: Payload>: Body {
    fn take(&mut self, payload: P, cx: &mut Self::Cx) -> impl Future<Output = ()> + Send;
}

/// What can be put into a mailbox.
pub(crate) trait Payload: Send + 'static {
    /// How a future that receives messages one by one sees it.
    type Received: 'static;
    /// Whether no overflow policy may discard it.
    const IS_NOTICE: bool = false;
    /// Whether it is no message but the function of a task.
    const IS_BODY: bool = false;
    /// Who gets in when room is short.
    const CLASS: Class = Class::Interactive;
    /// How long it may wait.
    const TTL: Option<Duration> = None;
    /// The name of the message's type.
    fn message_name() -> &'static str {
        type_name::<Self>()
    }
    /// As such a future sees it, with the time until which it may be handled, if there is one.
    fn received(self, until: Option<Time>) -> Self::Received;
    /// Why it is not to be handled any more, if so.
    #[inline(always)]
    fn stale(&self, header: &Header) -> Option<Stale> {
        let _ = header;
        None
    }
    /// Its handler ran to its end.
    fn count(counters: &Counters);
}

/// The state in a cell. Both are there while an incarnation is up.
pub(crate) struct State<B: Body> {
    body: Option<B>,
    cx: Option<B::Cx>,
}

/// The running actor's own hold on its cell; in its context, which nobody else has.
pub(crate) struct Own(CellPtr);

impl Own {
    /// The actor's own part of the cell. `f` is framework code that does not call the actor's.
    pub(crate) fn with<R>(&mut self, f: impl FnOnce(&mut Inner) -> R) -> R {
        // SAFETY: an `Own` exists only in the context of the cell's actor, `&mut` shows that this is its running
        // code, and the run loop does not borrow this part over a call into that code.
        f(unsafe { &mut *self.0.inner() })
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the context lives in the cell.
        unsafe { self.0.header() }
    }

    pub(super) fn ptr(&self) -> CellPtr {
        self.0
    }

    /// A hold on the cell, for the body that lives in it.
    pub(crate) fn typed<B: Body<Cx = Cx>, Cx>(&self) -> TypedRef<B> {
        // SAFETY: the context lives in the cell, so the cell is there.
        let cell = unsafe { CellRef::retain(self.0) };
        TypedRef { cell, _body: PhantomData }
    }
}

/// A hold on a cell for a body `B`.
pub(crate) struct TypedRef<B: Body> {
    cell: CellRef,
    _body: PhantomData<fn(B)>,
}

impl<B: Body> Clone for TypedRef<B> {
    #[inline]
    fn clone(&self) -> TypedRef<B> {
        TypedRef { cell: self.cell.clone(), _body: PhantomData }
    }
}

struct Of<B, P>(PhantomData<(B, P)>);

impl<B: Takes<P>, P: Payload> Of<B, P> {
    const KIND: Kind<P, Ext> = Kind::of_class(
        P::CLASS,
        Ext {
            run: run_record::<B, P>,
            receive: receive_record::<P>,
            readmit: if P::IS_NOTICE { Some(readmit_record::<B, P>) } else { None },
            name: P::message_name,
            is_body: P::IS_BODY,
        },
    );
    const KINDS: Kinds<P> = Kinds {
        plain: Self::KIND,
        dated: if P::TTL.is_some() { Some(Of::<B, Dated<P>>::KIND) } else { None },
    };
}

impl<B, P: Payload> Tally for Of<B, P> {
    fn count(counters: &Counters) {
        P::count(counters);
    }
}

struct VTableOf<B>(PhantomData<B>);

impl<B: Takes<Info> + Takes<Order>> VTableOf<B> {
    const VTABLE: CellVTable = CellVTable {
        terminate: put_terminate::<B>,
        drop_state: drop_state::<B>,
        inspect: inspect::<B>,
        replace: replace::<B>,
        free: free::<State<B>>,
        info: &Of::<B, Info>::KIND,
        order: &Of::<B, Order>::KIND,
        type_id: TypeId::of::<B>,
        type_name: type_name::<B>,
        size: size_of::<Typed<State<B>>>(),
        in_place: B::IN_PLACE,
    };
}

impl<B: Takes<Info> + Takes<Order>> TypedRef<B> {
    /// A new place.
    pub(crate) fn new(name: Option<Arc<str>>) -> TypedRef<B> {
        let header = Header::new(&VTableOf::<B>::VTABLE, name);
        TypedRef { cell: CellRef::new(header, State::<B> { body: None, cx: None }), _body: PhantomData }
    }
}

impl<B: Body> TypedRef<B> {
    /// The same cell, if a `B` lives in it.
    pub(crate) fn of(cell: CellRef) -> Option<TypedRef<B>> {
        let is_one = cell.header().type_id() == TypeId::of::<B>();
        is_one.then_some(TypedRef { cell, _body: PhantomData })
    }

    pub(crate) fn cell(&self) -> &CellRef {
        &self.cell
    }

    #[inline]
    pub(crate) fn push<P: Payload>(&self, payload: P) -> Result<(), Refused<P>>
    where
        B: Takes<P>,
    {
        self.port().push(payload)
    }

    /// As `push`, whatever the capacity.
    pub(crate) fn push_exempt<P: Payload>(&self, payload: P) -> Result<(), Refused<P>>
    where
        B: Takes<P>,
    {
        self.cell.header().push_exempt(&Of::<B, P>::KIND, payload)
    }

    /// The way in for one kind of payload.
    #[inline]
    pub(crate) fn port<P: Payload>(&self) -> Port<'_, P>
    where
        B: Takes<P>,
    {
        Port { cell: &self.cell, kinds: &Of::<B, P>::KINDS }
    }

    /// The kind for records of the payload, to make a port of a stored cell.
    pub(crate) fn gate<P: Payload>(&self) -> Gate<P>
    where
        B: Takes<P>,
    {
        Gate { cell: self.cell.clone(), kinds: &Of::<B, P>::KINDS }
    }

    /// Starts an incarnation. `Err(args)`: there is one already. Gives the outcome of `init`, or where it will come.
    pub(crate) fn start(
        &self,
        args: B::Args,
        capacity: Capacity,
        keeps_mailbox: bool,
        past: &Past,
        begin: impl FnOnce(&mut Life) -> Pid,
        context: impl FnOnce(Own, Pid) -> B::Cx,
    ) -> Result<Outcome, B::Args> {
        let mut pid = None;
        if !self.cell.reopen(capacity, past, |life| pid = Some(begin(life))) {
            return Err(args);
        }
        let Some(pid) = pid else { return Err(args) };
        if !keeps_mailbox {
            // What a kept mailbox holds may wait for a successor in another seat: those have none.
            self.cell.header().seat.store(pid.slot() + 1, Relaxed);
        }
        let cell = self.cell.ptr();
        // SAFETY: `reopen` made this thread the owner; the cell is a `Typed<State<B>>`, and this hold keeps it. The
        // future borrows the state and the context in the cell, which `finish` drops after it.
        Ok(unsafe {
            let state = (*cell.typed::<State<B>>()).state.get();
            (*state).cx = Some(context(Own(cell), pid));
            if keeps_mailbox {
                (*cell.inner()).rare.get_or_insert_default().keeps_mailbox = true;
            }
            birth::start(cell, pid, capacity, |slot| slot.put(init_in::<B>(Lent(state), args, cell)))
        })
    }

    /// Puts a message of the actor to itself where it is handled before any other.
    pub(crate) fn then<P: Payload>(own: &mut Own, payload: P)
    where
        B: Takes<P>,
    {
        let mut one = ravelin_mailbox::Records::new();
        if one.push(&Of::<B, P>::KIND, payload).is_ok() {
            own.header().counts.continued();
            own.with(|inner| {
                inner.wants_turn = true;
                inner.rare.get_or_insert_default().then.push_back(one);
            });
        }
    }
}

/// The outcome of `init`, or where it will come.
pub(crate) type Outcome = Result<Result<Pid, Exit>, Reply<Result<Pid, Exit>>>;

/// A pointer to the state, which a future of the cell may take along.
struct Lent<B: Body>(*mut State<B>);

// SAFETY: the future that has it runs where the cell's owner runs, one thread at a time.
unsafe impl<B: Body> Send for Lent<B> {}

impl<B: Body> Lent<B> {
    /// # Safety
    /// The caller is the one future that the state is lent to, and the state is there as long as `'a`.
    unsafe fn state<'a>(&self) -> &'a mut State<B> {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0 }
    }
}

async fn init_in<B: Body>(lent: Lent<B>, args: B::Args, cell: CellPtr) {
    // SAFETY: this is the one future in the slot.
    let state = unsafe { lent.state() };
    let Some(cx) = state.cx.as_mut() else { return };
    match B::init(args, cx).await {
        Ok(body) => state.body = Some(body),
        // SAFETY: this is the cell's running code; one access each.
        Err(exit) => unsafe {
            (*cell.inner()).stop = Some(exit);
            (*cell.inner()).refused = true;
        },
    }
}

/// # Safety
/// As `Ext::run`, for a cell of type `Typed<State<B>>` and a record with a `P`.
unsafe fn run_record<B: Takes<P>, P: Payload>(
    cell: CellPtr,
    record: Record<'_, Ext>,
    slot: &mut Slot,
    cx: &mut Context<'_>,
) -> Poll<()> {
    // SAFETY: the caller's promises; the incarnation is up, so the slot is empty and nobody borrows the state.
    unsafe {
        let payload = record.take::<P>();
        let typed = cell.typed::<State<B>>();
        if let Some(why) = payload.stale(&(*typed).header) {
            (*typed).header.expire(payload, P::CLASS, P::message_name(), why);
            return Poll::Ready(());
        }
        let State { body: Some(body), cx: Some(context) } = &mut *(*typed).state.get() else {
            return Poll::Ready(());
        };
        let polled = slot.start::<_, Of<B, P>>(|| body.take(payload, context), cx);
        if polled.is_ready() {
            P::count(&(*typed).header.counts);
        }
        polled
    }
}

/// # Safety
/// As `Ext::receive`, for a record with a `P`.
unsafe fn receive_record<'a, P: Payload>(
    record: Record<'a, Ext>,
    to: &mut dyn Any,
) -> Option<Record<'a, Ext>> {
    let Some(to) = to.downcast_mut::<Option<P::Received>>() else { return Some(record) };
    // SAFETY: the record holds a `P`.
    *to = Some(unsafe { record.take::<P>() }.received(None));
    None
}

/// # Safety
/// As `Ext::readmit`, for a record with a `P`.
unsafe fn readmit_record<B: Takes<P>, P: Payload>(record: Record<'_, Ext>, header: &Header) {
    // SAFETY: the record holds a `P`.
    let notice = unsafe { record.take::<P>() };
    let _ = header.push_exempt(&Of::<B, P>::KIND, notice);
}

/// # Safety
/// As `CellVTable::terminate`, for a cell of type `Typed<State<B>>`.
unsafe fn put_terminate<B: Body>(cell: CellPtr, slot: &mut Slot, why: Exit) {
    // SAFETY: the caller owns the cell and the slot is empty, so nobody borrows the state.
    unsafe {
        let lent = Lent((*cell.typed::<State<B>>()).state.get());
        slot.put(async move {
            if let State { body: Some(body), cx: Some(context) } = lent.state() {
                body.terminate(&why, context).await;
            }
        });
    }
}

/// # Safety
/// As `CellVTable::drop_state`, for a cell of type `Typed<State<B>>`.
unsafe fn drop_state<B: Body>(cell: CellPtr) {
    // SAFETY: the caller owns the cell and no future is in the slot, so nobody borrows the state.
    unsafe {
        let state = (*cell.typed::<State<B>>()).state.get();
        (*state).cx = None;
        let body = (*state).body.take();
        drop(body);
    }
}

/// # Safety
/// As `CellVTable::inspect`, for a cell of type `Typed<State<B>>`.
unsafe fn inspect<B: Body>(cell: CellPtr) -> Option<String> {
    // SAFETY: the caller owns the cell, and at most a hold is in the slot, so nobody borrows the state.
    unsafe { (*(*cell.typed::<State<B>>()).state.get()).body.as_ref()?.inspect() }
}

/// # Safety
/// As `CellVTable::replace`, for a cell of type `Typed<State<B>>`.
unsafe fn replace<B: Body>(cell: CellPtr, text: &str) -> Result<(), String> {
    // SAFETY: the caller owns the cell, and at most a hold is in the slot, so nobody borrows the state.
    match unsafe { (*(*cell.typed::<State<B>>()).state.get()).body.as_mut() } {
        Some(body) => body.replace(text),
        None => Err("the actor has no state yet".to_owned()),
    }
}

/// The way into a mailbox for one kind of payload.
pub(crate) struct Port<'a, P: 'static> {
    pub(super) cell: &'a CellRef,
    pub(super) kinds: &'static Kinds<P>,
}

impl<'a, P: Payload> Port<'a, P> {
    pub(crate) fn header(&self) -> &'a Header {
        self.cell.header()
    }

    pub(crate) fn cell(&self) -> &'a CellRef {
        self.cell
    }

    #[inline]
    pub(crate) fn push(&self, payload: P) -> Result<(), Refused<P>> {
        let header = self.cell.header();
        if const { P::TTL.is_some() }
            && let Some(kind) = &self.kinds.dated
        {
            return header.put(kind, Dated { payload, until: header.until(P::TTL) }).map_err(undated);
        }
        header.put(&self.kinds.plain, payload)
    }

    /// As `push`; a sender that has to wait leaves its waker and gets a ticket, and a note of the time until which what it
    /// sends may be handled.
    #[inline]
    pub(crate) fn push_or_wait(
        &self,
        payload: P,
        waker: &Waker,
        ticket: &mut Option<Ticket>,
    ) -> Result<(), Refused<P>> {
        let header = self.cell.header();
        if const { P::TTL.is_some() }
            && let Some(kind) = &self.kinds.dated
        {
            let noted = ticket.as_ref().and_then(|ticket| header.mailbox.note(ticket));
            let until = noted.map_or_else(|| header.until(P::TTL), Time::from_nanos);
            let pushed = header.put_or_wait(kind, Dated { payload, until }, waker, ticket);
            if let (Some(ticket), None) = (ticket, noted) {
                header.mailbox.set_note(ticket, until.as_nanos());
            }
            return pushed.map_err(undated);
        }
        header.put_or_wait(&self.kinds.plain, payload, waker, ticket)
    }
}

impl<P> Clone for Port<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Port<'_, P> {}

/// A port of its own: with a hold on the cell.
pub(crate) struct Gate<P: 'static> {
    cell: CellRef,
    kinds: &'static Kinds<P>,
}

impl<P> Gate<P> {
    #[inline]
    pub(crate) fn port(&self) -> Port<'_, P> {
        Port { cell: &self.cell, kinds: self.kinds }
    }

    pub(crate) fn cell(&self) -> &CellRef {
        &self.cell
    }
}

impl<P> Clone for Gate<P> {
    fn clone(&self) -> Self {
        Gate { cell: self.cell.clone(), kinds: self.kinds }
    }
}

/// Takes one message from the mailbox for a future that receives them one by one: as an `R`, or as a notice of the
/// framework. `None` when nothing waits; then `waker` is woken by the next. A message counts as handled when the caller
/// says so.
pub(crate) fn receive_one<R: 'static>(cell: &CellRef, waker: &Waker) -> Option<Result<R, Notice>> {
    let header = cell.header();
    let is_looked_at = header.is_looked_at();
    if is_looked_at {
        if header.holds_receiver(waker) {
            return None;
        }
        while header.is_watched() && !header.may_receive() {}
    }
    let mut name = None;
    let received = header.mailbox.receive(waker, |_, record| {
        let (mut message, mut info, mut order) = (None::<R>, None::<Info>, None::<Order>);
        let receive = record.ext().receive;
        name = Some(record.ext().name);
        // SAFETY: a record's own function gets it.
        let left = unsafe { receive(record, &mut message) };
        // SAFETY: as above.
        let left = left.and_then(|record| unsafe { receive(record, &mut info) });
        if let Some(record) = left {
            // SAFETY: as above.
            drop(unsafe { receive(record, &mut order) });
        }
        let notice = info.map(Notice::Info).or(order.map(Notice::Order));
        message.map(Ok).or(notice.map(Err))
    });
    let received = received?;
    if is_looked_at && let Some(name) = name {
        header.received(name());
    }
    header.counts.begun();
    if let Some(Err(_)) = received {
        header.counts.handled();
    }
    received
}
