//! The engine: two lanes and the consumer's phase under one lock.
//!
//! Because the phase lies under the same lock as the lanes there is no lost wake-up to reason about: whoever adds to an
//! idle mailbox turns it to queued in the same critical section, and whoever parks looks at the lanes in the same
//! critical section. The consumer takes the user lane in batches (it swaps the whole buffer out) and works through a
//! batch without touching the lock.
//!
//! ```text
//!          push/signal          begin               park: nothing waits
//!   Idle ───────────────▶ Queued ─────▶ Running ───────────────────────▶ Idle
//!                          ▲  (Handed: the same,      │ suspend: a future waits
//!                          │   run by another actor)  ▼
//!                          └───────────────────── Suspended     Closed: from Running, until `reopen`
//!                            notify, or a cutting signal
//! ```
//!
//! What is dropped or woken here (payloads, wakers) is dropped or woken after the lock is released, for its code is
//! not ours and may come back to this mailbox.

use crate::capacity::{Capacity, NO_LIMIT, Overflow};
use crate::class::Class;
use crate::lock::{Guard, Lock};
use crate::protocol::{Consumer, Edge, Next, Phase, Pushed, Refused, Ticket};
use crate::records::{Kind, Record, Records};
use crate::state::{State, give_back, wake_all};
use crate::sync::{AtomicU8, AtomicU32, Ordering};
use std::mem;
use std::task::Waker;

/// Something waits in the control lane.
pub(crate) const CONTROL: u8 = 1;
/// Something in the control lane cuts a suspended future off.
pub(crate) const CUT: u8 = 2;
/// A sender waits for room.
pub(crate) const WAITERS: u8 = 4;

/// A mailbox of records with vtable extension `X`, control signals `C`, and the owner's state `E`.
///
/// Producers push, signal and notify from anywhere. The consumer is whoever turned the phase to running: it takes
/// batches with [`next`](Mailbox::next), works through them, and gives the consumer up by parking, suspending,
/// requeueing or closing. The engine trusts it to keep to that: a call out of turn confuses the counts and the phase
/// of this mailbox, never memory.
///
/// Every operation takes the lock once for some tens of nanoseconds, and allocates nothing per message.
///
/// ```
/// use ravelin_mailbox::{Bounded, Consumer, Edge, Kind, Mailbox, Next, Phase, Pushed, Records, Refused};
///
/// struct Owner;
/// impl Consumer for Owner {
///     type Wake = &'static str;
///     fn edge(&mut self, _: Edge) -> &'static str {
///         "wake my task"
///     }
/// }
/// static NUMBER: Kind<u32, fn(u32) -> String> = Kind::new(|n| format!("number {n}"));
///
/// let mailbox: Mailbox<fn(u32) -> String, (), Owner> = Mailbox::new(Bounded(2).into(), Phase::Idle, Owner);
/// assert!(matches!(mailbox.push(&NUMBER, 1, Edge::Queue), Ok(Pushed::Wake("wake my task"))));
/// assert!(matches!(mailbox.push(&NUMBER, 2, Edge::Queue), Ok(Pushed::Quiet)));
/// assert!(matches!(mailbox.push(&NUMBER, 3, Edge::Queue), Err(Refused::Full(3))));
///
/// let (mut work, mut seen) = (Records::new(), Vec::new());
/// assert!(mailbox.begin(Phase::Queued, || Some(&mut work)));
/// loop {
///     while let Some(record) = work.pop() {
///         let handle = record.ext();
///         // SAFETY: `NUMBER` is the only kind in this mailbox, and its payload is a `u32`.
///         seen.push(handle(unsafe { record.take::<u32>() }));
///     }
///     if mailbox.next(&mut work) == Next::Parked {
///         break;
///     }
/// }
/// assert_eq!(seen, ["number 1", "number 2"]);
/// assert_eq!(mailbox.phase(), Phase::Idle);
/// ```
#[repr(C)]
pub struct Mailbox<X: 'static, C, E: Consumer> {
    pub(crate) state: Lock<State<X, C, E>>,
    /// Hints, written under the lock, read by the consumer without it.
    pub(crate) flags: AtomicU8,
    /// Records of the consumer's batch not begun yet, as last published by the consumer.
    pub(crate) taken: AtomicU32,
}

impl<X, C, E: Consumer> Mailbox<X, C, E> {
    /// A mailbox in `phase` with this capacity.
    pub fn new(capacity: Capacity, phase: Phase, consumer: E) -> Self {
        Mailbox {
            state: Lock::new(State::new(capacity, phase, consumer)),
            flags: AtomicU8::new(0),
            taken: AtomicU32::new(0),
        }
    }

    // ---- producers ----

    /// Adds a message of the class interactive; never waits. A full mailbox refuses it or discards one, as its policy
    /// says. It may be full a little early: what the consumer has begun since it last [published](Mailbox::publish)
    /// still counts.
    ///
    /// # Errors
    /// [`Refused::Closed`], and under `Refuse` and `Wait` [`Refused::Full`]; both with the message.
    #[inline]
    pub fn push<P: Send>(
        &self,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        self.push_locked(self.state.lock(), kind, payload, edge, Class::Interactive)
    }

    #[inline(always)]
    pub(crate) fn push_locked<P: Send>(
        &self,
        state: Guard<'_, State<X, C, E>>,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        class: Class,
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        if state.is_watched {
            return Err(Refused::Full(payload));
        }
        self.push_asked(state, kind, payload, edge, class, |_| ())
    }

    /// As a push, whether or not the mailbox is watched; `note` is told when the message is written.
    #[inline(always)]
    pub(crate) fn push_asked<P: Send>(
        &self,
        mut state: Guard<'_, State<X, C, E>>,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        class: Class,
        note: impl FnOnce(&mut E),
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        if state.phase == Phase::Closed {
            return Err(Refused::Closed(payload));
        }
        if state.limit != NO_LIMIT && !state.has_room(class, self.taken.load(Ordering::Relaxed)) {
            return Self::push_full(state, kind, payload, edge, note);
        }
        state.write(kind, payload);
        note(&mut state.consumer);
        Ok(Self::after_push(state, edge))
    }

    /// Adds a message whatever the capacity: for notices of the framework, which a full mailbox must not lose.
    ///
    /// # Errors
    /// [`Refused::Closed`], with the message.
    pub fn push_exempt<P: Send>(
        &self,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        let mut state = self.state.lock();
        if state.phase == Phase::Closed {
            return Err(Refused::Closed(payload));
        }
        state.write(kind, payload);
        if state.is_watched {
            state.consumer.accepted();
        }
        Ok(Self::after_push(state, edge))
    }

    /// As `push`, but under [`Overflow::Wait`] a sender that finds no room leaves `waker` and gets a ticket, to come
    /// again with when woken. Senders get room in the order in which they began to wait. A ticket that will not be
    /// used must be given to [`Mailbox::forget`]. A ticket from before the mailbox was closed and reopened is worth
    /// nothing: its sender begins anew.
    ///
    /// # Errors
    /// [`Refused::Full`] with a ticket: wait for the waker. [`Refused::Full`] without one: the policy is `Refuse`.
    /// [`Refused::Closed`]: no room will come. All with the message.
    pub fn push_or_wait<P: Send>(
        &self,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        waker: &Waker,
        ticket: &mut Option<Ticket>,
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        let state = self.state.lock();
        if state.is_watched {
            return Err(Refused::Full(payload));
        }
        self.push_or_wait_asked(state, kind, payload, edge, (waker, ticket), (Class::Interactive, |_| ()))
    }

    /// As `push_or_wait`, whether or not the mailbox is watched; `note` is told when the message is written.
    #[inline(always)]
    pub(crate) fn push_or_wait_asked<P: Send>(
        &self,
        mut state: Guard<'_, State<X, C, E>>,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        (waker, ticket): (&Waker, &mut Option<Ticket>),
        (class, note): (Class, impl FnOnce(&mut E)),
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        let mine = ticket.take();
        if state.limit == NO_LIMIT
            || state.on_full != Overflow::Wait
            || state.phase == Phase::Closed
            || class == Class::Control
        {
            return self.push_asked(state, kind, payload, edge, class, note);
        }
        let mut is_promised = false;
        if let Some(mine) = mine {
            is_promised = state.redeem(mine.0);
            if let Some(left) = state.waiter(mine.0) {
                let old = if left.will_wake(waker) { None } else { Some(mem::replace(left, waker.clone())) };
                drop(state);
                drop(old);
                *ticket = Some(mine);
                return Err(Refused::Full(payload));
            }
        }
        if !is_promised && !state.may_pass(class, self.taken.load(Ordering::Relaxed)) {
            *ticket = Some(state.line_up(class, waker));
            self.flags.fetch_or(WAITERS, Ordering::Relaxed);
            return Err(Refused::Full(payload));
        }
        state.write(kind, payload);
        note(&mut state.consumer);
        Ok(Self::after_push(state, edge))
    }

    /// Leaves the line of waiting senders; room that was promised goes to the next one. Costs a look at each sender
    /// that waits longer.
    pub fn forget(&self, ticket: Ticket) {
        let mut state = self.state.lock();
        let was_promised = state.redeem(ticket.0);
        let left = if was_promised { None } else { state.leave(ticket.0) };
        let next = state.grant(u32::from(was_promised), self.taken.load(Ordering::Relaxed));
        if !state.is_waited_for() {
            self.flags.fetch_and(!WAITERS, Ordering::Relaxed);
        }
        drop(state);
        drop(left);
        wake_all(next);
    }

    #[inline(always)]
    pub(crate) fn after_push(mut state: Guard<'_, State<X, C, E>>, edge: Edge) -> Pushed<X, E::Wake> {
        match state.phase {
            Phase::Idle => Pushed::Wake(Self::schedule(&mut state, edge)),
            Phase::Suspended => state.take_receiver().map_or(Pushed::Quiet, Pushed::WakeReceiver),
            Phase::Queued | Phase::Handed | Phase::Running | Phase::Closed => Pushed::Quiet,
        }
    }

    #[inline(always)]
    pub(crate) fn schedule(state: &mut State<X, C, E>, edge: Edge) -> E::Wake {
        state.phase = match edge {
            Edge::Queue => Phase::Queued,
            Edge::HandOver => Phase::Handed,
        };
        state.consumer.edge(edge)
    }

    /// Something the consumer waits for has come: a suspended or idle one is got to run, a running one looks again. One
    /// that has been told to run and has not begun needs no more: it looks at everything when it begins.
    pub fn notify(&self, edge: Edge) -> Option<E::Wake> {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Suspended | Phase::Idle => Some(Self::schedule(&mut state, edge)),
            Phase::Running | Phase::Queued | Phase::Handed => {
                state.notified = true;
                None
            }
            Phase::Closed => None,
        }
    }

    // ---- the consumer ----

    /// Begins to run, if the mailbox is in the phase `from` (queued or handed), and takes a batch when `work`, asked
    /// for once the caller owns the consumer, is used up. Whatever `notify` had to say before is said by that. False:
    /// somebody else runs it, or did.
    ///
    /// A batch is out of reach of [`receive`](Mailbox::receive): for a consumer that goes on with a suspended future,
    /// which may receive, `work` gives `None`, and no batch is taken.
    #[inline]
    pub fn begin<'w>(&self, from: Phase, work: impl FnOnce() -> Option<&'w mut Records<X>>) -> bool {
        self.begin_with(from, |_, _| (), work).0
    }

    /// As `begin`, with a look at the phase and the owner's state first, in the same critical section.
    #[inline]
    pub fn begin_with<'w, R>(
        &self,
        from: Phase,
        look: impl FnOnce(Phase, &mut E) -> R,
        work: impl FnOnce() -> Option<&'w mut Records<X>>,
    ) -> (bool, R) {
        let mut state = self.state.lock();
        let phase = state.phase;
        let seen = look(phase, &mut state.consumer);
        if phase != from {
            return (false, seen);
        }
        state.phase = Phase::Running;
        state.notified = false;
        if let Some(work) = work()
            && work.is_empty()
            && state.waiting > 0
        {
            state.refill(work);
            self.taken.store(work.len(), Ordering::Relaxed);
        }
        (true, seen)
    }

    /// From idle, queued or suspended to running, whoever was to run it. False: it is run, handed over, or closed.
    pub fn seize(&self) -> bool {
        let mut state = self.state.lock();
        let free = matches!(state.phase, Phase::Idle | Phase::Queued | Phase::Suspended);
        if free {
            state.phase = Phase::Running;
        }
        free
    }

    /// An idle mailbox gives back all its memory, if its owner agrees. `None`: it is not idle, or the owner does not.
    pub fn rest<R>(&self, agree: impl FnOnce(&mut E) -> Option<R>) -> Option<R> {
        let mut state = self.state.lock();
        if state.phase != Phase::Idle {
            return None;
        }
        let agreed = agree(&mut state.consumer)?;
        let inbox = mem::take(&mut state.inbox);
        drop(state);
        drop(inbox);
        Some(agreed)
    }

    /// From handed (or running) to queued: gives what must be woken.
    pub fn requeue(&self) -> E::Wake {
        let mut state = self.state.lock();
        debug_assert!(
            matches!(state.phase, Phase::Handed | Phase::Running),
            "requeued by somebody who does not own the consumer: it is {:?}",
            state.phase
        );
        Self::schedule(&mut state, Edge::Queue)
    }

    /// What to do next, when `work` is used up. Control first, then what was notified, then messages; with none of
    /// these the mailbox turns idle. Senders that wait for room get theirs.
    #[inline]
    pub fn next(&self, work: &mut Records<X>) -> Next {
        debug_assert!(work.is_empty(), "asked for the next batch in the middle of one");
        let mut state = self.state.lock();
        let next = if self.flags.load(Ordering::Relaxed) & CONTROL != 0 {
            Next::Control
        } else if mem::take(&mut state.notified) {
            Next::Notified
        } else if state.waiting > 0 {
            state.refill(work);
            Next::Batch
        } else {
            state.park(work);
            Next::Parked
        };
        self.taken.store(work.len(), Ordering::Relaxed);
        if state.limit != NO_LIMIT {
            self.after_room(state, work.len());
        }
        next
    }

    /// Waits for something of its own: true when suspended (the caller no longer owns the consumer), false when it
    /// was notified meanwhile or a cutting signal waits. `taken` records of its batch have not begun.
    ///
    /// A future that [receives](Mailbox::receive) and found nothing is woken here when a message has come since: a push
    /// does not wake a running consumer.
    pub fn suspend(&self, taken: u32) -> bool {
        let mut state = self.state.lock();
        if state.waiting > 0
            && let Some(receiver) = state.take_receiver()
        {
            drop(state);
            receiver.wake();
            state = self.state.lock();
        }
        if mem::take(&mut state.notified) || self.flags.load(Ordering::Relaxed) & CUT != 0 {
            return false;
        }
        state.phase = Phase::Suspended;
        self.taken.store(taken, Ordering::Relaxed);
        self.after_room(state, taken);
        true
    }

    /// Tells the producers how many records of the batch have not begun yet, and gives waiting senders their room. To be
    /// called every few messages of a batch: [`len`](Mailbox::len), and the room in a bounded mailbox, are as exact as
    /// this is frequent. Costs a store; the lock only when a sender waits.
    pub fn publish(&self, taken: u32) {
        self.taken.store(taken, Ordering::Relaxed);
        if self.flags.load(Ordering::Relaxed) & WAITERS != 0 {
            self.after_room(self.state.lock(), taken);
        }
    }

    fn after_room(&self, mut state: Guard<'_, State<X, C, E>>, taken: u32) {
        if !state.is_waited_for() {
            return;
        }
        let room = state.room(taken);
        let wakers = state.grant(room, taken);
        if !state.is_waited_for() {
            self.flags.fetch_and(!WAITERS, Ordering::Relaxed);
        }
        drop(state);
        wake_all(wakers);
    }

    /// Takes the oldest signal.
    pub fn take_control(&self) -> Option<C> {
        let mut state = self.state.lock();
        let control = &mut state.rare.as_mut()?.control;
        let signal = control.pop_front();
        if control.is_empty() {
            give_back(control);
            self.flags.fetch_and(!(CONTROL | CUT), Ordering::Relaxed);
        }
        signal
    }

    /// Takes the first signal that `wanted`, asked under the lock, picks, whatever waits before it: for a consumer in
    /// the middle of a future. `None` settles the cuts too: signals that wait and are not wanted do not cut it off, only
    /// one that comes later does.
    pub fn take_control_if(&self, wanted: impl Fn(&C) -> bool) -> Option<C> {
        let mut state = self.state.lock();
        let control = &mut state.rare.as_mut()?.control;
        let signal = control.iter().position(wanted).and_then(|at| control.remove(at));
        if control.is_empty() {
            give_back(control);
            self.flags.fetch_and(!(CONTROL | CUT), Ordering::Relaxed);
        } else if signal.is_none() {
            self.flags.fetch_and(!CUT, Ordering::Relaxed);
        }
        signal
    }

    /// Takes one message for a future that receives them one by one, and calls `read` with it *under the lock* (move
    /// the payload out, nothing else). Without one, `waker` is woken once, by the next push or signal; look at the
    /// control lane after that, not only before.
    pub fn receive<R>(&self, waker: &Waker, read: impl FnOnce(&mut E, Record<'_, X>) -> R) -> Option<R> {
        let mut state = self.state.lock();
        if state.waiting == 0 {
            state.inbox.trim();
            let left = &mut state.rare().receiver;
            if left.as_ref().is_none_or(|left| !left.will_wake(waker)) {
                let old = left.replace(waker.clone());
                drop(state);
                drop(old);
            }
            return None;
        }
        let out = state.with_oldest(|consumer, oldest| oldest.pop().map(|record| read(consumer, record)));
        if state.limit != NO_LIMIT {
            self.after_room(state, self.taken.load(Ordering::Relaxed));
        }
        out
    }

    /// Takes the waker that a receiving future left, to wake it for another reason than a message.
    pub fn take_receiver(&self) -> Option<Waker> {
        self.state.lock().take_receiver()
    }
}
