//! The way back of a call: one slot, filled once, by a reply or by the reason why none will come.

use crate::error::CallError;
use crate::fate::{self, Budget, Held, Owed, Pending, Unanswered};
use crate::watch::{Awaited, Awaits};
use ravelin_mailbox::{Guard, Joint, Lock};
use std::fmt;
use std::mem::{self, ManuallyDrop};
#[cfg(feature = "serde")]
use std::sync::atomic::Ordering::AcqRel;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::task::{Context, Poll, Waker};

/// What others than its two ends see of a wait for an answer; it has a fixed address.
pub(crate) struct Head {
    /// Whoever was asked has the question in the mailbox, or in a handler that gives the answer by returning: nobody else
    /// can answer. Never true again once it was false.
    is_certain: AtomicBool,
    /// What becomes of a `ReplyTo` that is dropped: a [`Watch`], written under the answer's lock.
    watch: AtomicU8,
    /// The seat of who was asked; written before the head is posted.
    asked: AtomicU32,
    /// The next in the list of waits of who waits; only the list's holder uses it.
    pub(crate) next: AtomicPtr<Head>,
    /// How long the caller waits, as [`Budget`] writes it.
    budget: AtomicU64,
    /// Whose duty the answer is: an [`At`].
    #[cfg(feature = "serde")]
    duty: AtomicU8,
}

impl Head {
    #[inline(always)]
    fn new() -> Head {
        Head {
            is_certain: AtomicBool::new(true),
            watch: AtomicU8::new(Watch::NONE),
            asked: AtomicU32::new(0),
            next: AtomicPtr::default(),
            budget: AtomicU64::new(Budget::Open.code()),
            #[cfg(feature = "serde")]
            duty: AtomicU8::new(At::HERE),
        }
    }

    /// Whether only who was asked can end the wait, by going on.
    pub(crate) fn is_certain(&self) -> bool {
        self.is_certain.load(Acquire)
    }

    fn loosen(&self) {
        self.is_certain.store(false, Release);
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Relaxed)
    }

    pub(crate) fn asks(&self, seat: u32) {
        self.asked.store(seat, Relaxed);
    }
}

/// Who sees to a call whose `ReplyTo` is dropped.
struct Watch;

impl Watch {
    /// Nobody: the call ends.
    const NONE: u8 = 0;
    /// The handler that serves it, when it is done.
    const HELD: u8 = 1;
    /// As `HELD`, and it was dropped.
    const DROPPED: u8 = 2;
}

/// Whose duty it is to answer a call.
#[cfg(feature = "serde")]
struct At;

#[cfg(feature = "serde")]
impl At {
    /// Its `ReplyTo`'s.
    const HERE: u8 = 0;
    /// A [`Duty`]'s.
    const AWAY: u8 = 1;
    /// As `AWAY`, and the `ReplyTo` is gone.
    const LEFT: u8 = 2;
}

enum State<R> {
    /// The caller has not looked yet.
    Empty,
    /// The caller waits.
    Waiting(Waker),
    /// The caller may wait, and somebody else wants to know when it does no longer.
    Watched(Box<Watched>),
    /// There is an answer.
    Done(Result<R, Unanswered>),
    /// Nobody is interested any more, or the answer was fetched.
    Over,
}

/// Who is to be woken: the caller by an answer, the other one when nobody waits for it any more.
struct Watched {
    caller: Option<Waker>,
    other: Waker,
}

/// One wait for an answer.
pub(crate) struct Place<R> {
    head: Head,
    answer: Lock<State<R>>,
}

type Slot<R> = Joint<Place<R>>;

/// Where the answer to a call goes; made by a call, used once.
///
/// It may leave the handler: kept in the actor's state, or sent to another actor or task, it answers later, from
/// there. A late reply, after the caller's time-out, reaches nobody. Dropped without [`ReplyTo::send`] it ends the
/// call with `CallError::NoReply` (at the end of the handler, if it was dropped in there); when the callee ends, also by
/// the very handler that dropped it, the call ends with the callee's exit reason.
/// Source: `gen_server:reply/2`.
pub struct ReplyTo<R: Send + 'static>(Option<Slot<R>>);

/// The caller's end. The answer is given once.
pub(crate) struct Reply<R> {
    slot: Slot<R>,
    /// Whether there is nothing more to come, and nothing to be taken back.
    is_over: bool,
}

#[inline(always)]
pub(crate) fn reply<R: Send + 'static>() -> (ReplyTo<R>, Reply<R>) {
    of(|| State::Empty)
}

/// As `reply`, with the caller waiting from the beginning.
#[inline(always)]
pub(crate) fn reply_to<R: Send + 'static>(waker: &Waker) -> (ReplyTo<R>, Reply<R>) {
    let waker = waker.clone();
    of(|| State::Waiting(waker))
}

#[inline(always)]
fn of<R: Send + 'static>(state: impl FnOnce() -> State<R>) -> (ReplyTo<R>, Reply<R>) {
    let (one, other) = Joint::pair(|| Place { head: Head::new(), answer: Lock::new(state()) });
    (ReplyTo(Some(one)), Reply { slot: other, is_over: false })
}

fn owed<R: Send + 'static>(slot: Slot<R>) -> Owed {
    slot.hold::<dyn Pending>(|place| place)
}

/// An answer for a caller that mostly has not looked yet: it was run in place.
#[inline(always)]
fn answer<R>(slot: &Place<R>, answer: R) {
    slot.head.loosen();
    let mut state = slot.answer.lock();
    if matches!(*state, State::Empty) {
        // `Empty` leaves nothing to be dropped.
        let _ = ManuallyDrop::new(mem::replace(&mut *state, State::Done(Ok(answer))));
    } else {
        finish_locked(slot, state, Ok(answer));
    }
}

fn finish<R>(slot: &Place<R>, answer: Result<R, Unanswered>) {
    slot.head.loosen();
    finish_locked(slot, slot.answer.lock(), answer);
}

#[inline(never)]
fn finish_locked<R>(slot: &Place<R>, mut state: Guard<'_, State<R>>, answer: Result<R, Unanswered>) {
    if matches!(*state, State::Done(_) | State::Over) {
        drop(state);
        return drop(answer);
    }
    if slot.head.watch.load(Relaxed) != Watch::NONE && matches!(answer, Err(Unanswered::Dropped)) {
        slot.head.watch.store(Watch::DROPPED, Relaxed);
        return;
    }
    let before = mem::replace(&mut *state, State::Done(answer));
    drop(state);
    match before {
        State::Waiting(waker) => waker.wake(),
        State::Watched(watched) => watched.wake_all(),
        State::Empty | State::Done(_) | State::Over => {}
    }
}

impl<R: Send + 'static> ReplyTo<R> {
    /// The reply address of a cast: an answer goes nowhere.
    pub const fn nobody() -> ReplyTo<R> {
        ReplyTo(None)
    }

    /// Answers the call. Never blocks; does nothing when the caller has gone, or was a cast.
    pub fn send(mut self, answer: R) {
        if let Some(slot) = self.0.take() {
            self::answer(&slot, answer);
        }
    }

    /// Ends the call without an answer, for this reason: for who has it from another node, and knows more than that no
    /// answer comes. What would hand a request back that the caller does not have any more tells it by another variant:
    /// `NoProc` is `Exited(NoProc)`, `Full` is `Discarded` and `Expired` is `Timeout`.
    pub fn fail(mut self, why: CallError<()>) {
        if let Some(slot) = self.0.take() {
            finish(&slot, Err(Unanswered::Failed(Box::new(why))));
        }
    }

    /// A second hold on the slot, to end the call when the callee ends before anybody answered. From now on anybody may
    /// have this one.
    pub(crate) fn pending(&self) -> Option<Owed> {
        let slot = self.0.as_ref()?;
        slot.head.loosen();
        Some(owed(slot.clone()))
    }

    /// The same hold, while this one stays where it is.
    pub(crate) fn call(&self) -> Option<Owed> {
        self.0.as_ref().map(|slot| owed(slot.clone()))
    }

    pub(crate) fn look(&self) -> Option<&dyn Pending> {
        self.0.as_deref().map(|place| place as &dyn Pending)
    }

    /// Whether it answers a call whose caller does not wait any more. A hint: no is only right for a moment.
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.as_ref().is_some_and(Joint::is_alone)
    }

    /// Whether it belongs to a call, whose caller may have gone since; false for a cast.
    pub fn is_call(&self) -> bool {
        self.0.is_some()
    }

    /// Whether somebody still waits for the answer: false for a cast, and after the caller's time-out.
    pub fn is_awaited(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| !slot.is_over())
    }
}

impl<R> Place<R> {
    fn is_over(&self) -> bool {
        matches!(*self.answer.lock(), State::Over | State::Done(_))
    }
}

impl Watched {
    #[cold]
    fn wake_all(self) {
        if let Some(caller) = self.caller {
            caller.wake();
        }
        self.other.wake();
    }
}

impl<R: Send + 'static> Drop for ReplyTo<R> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            #[cfg(feature = "serde")]
            if slot.head.is_left() {
                return;
            }
            fate::dropped(owed(slot));
        }
    }
}

impl<R: Send + 'static> fmt::Debug for ReplyTo<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "ReplyTo(caller)" } else { "ReplyTo(nobody)" })
    }
}

impl<R: Send + 'static> Pending for Place<R> {
    fn is_over(&self) -> bool {
        self.is_over()
    }
    fn poll_gone(&self, cx: &Context<'_>) -> Poll<()> {
        let other = cx.waker().clone();
        let mut state = self.answer.lock();
        let before = mem::replace(&mut *state, State::Empty);
        let (caller, old) = match before {
            State::Over | State::Done(_) => {
                *state = before;
                drop(state);
                drop(other);
                return Poll::Ready(());
            }
            State::Empty => (None, None),
            State::Waiting(caller) => (Some(caller), None),
            State::Watched(watched) => (watched.caller, Some(watched.other)),
        };
        *state = State::Watched(Box::new(Watched { caller, other }));
        drop(state);
        drop(old);
        Poll::Pending
    }
    fn loosen(&self) {
        self.head.loosen();
    }
    fn budget(&self) -> Budget {
        Budget::from_code(self.head.budget.load(Relaxed))
    }
    fn hold(&self) {
        let _state = self.answer.lock();
        self.head.watch.store(Watch::HELD, Relaxed);
    }
    fn let_go(&self) -> Held {
        let state = self.answer.lock();
        let was_dropped = self.head.watch.swap(Watch::NONE, Relaxed) == Watch::DROPPED;
        match *state {
            State::Done(_) | State::Over => Held::Over,
            State::Empty | State::Waiting(_) | State::Watched(_) if was_dropped => Held::Dropped,
            State::Empty | State::Waiting(_) | State::Watched(_) => Held::Elsewhere,
        }
    }
    fn fail(&self, why: Unanswered) {
        #[cfg(feature = "serde")]
        if self.head.duty.load(Acquire) != At::HERE {
            return;
        }
        finish(self, Err(why));
    }
}

impl<R: Send + 'static> Awaits for Place<R> {
    fn is_over(&self) -> bool {
        self.is_over()
    }
}

impl<R: Send + 'static> Reply<R> {
    /// The wait, for a runtime that watches.
    pub(crate) fn awaited(&self) -> Awaited {
        Awaited::at(self.slot.peek::<dyn Awaits>(|place| place))
    }
}

impl<R> Reply<R> {
    /// Whether somebody still has the other end: if not, there is an answer to be polled for.
    pub(crate) fn is_owed(&self) -> bool {
        !self.slot.is_alone()
    }

    pub(crate) fn head(&self) -> &Head {
        &self.slot.head
    }

    /// Says how long the caller waits, for whoever works on the answer.
    pub(crate) fn set_budget(&self, budget: Budget) {
        self.slot.head.budget.store(budget.code(), Relaxed);
    }

    /// The answer, if it is there and nobody has the other end any more; costs no atomic operation.
    #[inline(always)]
    pub(crate) fn answered(mut self) -> Result<Result<R, Unanswered>, Reply<R>> {
        if let Some(place) = self.slot.get_mut()
            && let state @ State::Done(_) = place.answer.get_mut()
            && let State::Done(answer) = mem::replace(state, State::Over)
        {
            self.is_over = true;
            return Ok(answer);
        }
        Err(self)
    }

    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, Unanswered>> {
        let mut state = self.slot.answer.lock();
        let old = match &mut *state {
            State::Empty => {
                *state = State::Waiting(cx.waker().clone());
                return Poll::Pending;
            }
            State::Waiting(waker) if waker.will_wake(cx.waker()) => return Poll::Pending,
            State::Waiting(waker) => Some(mem::replace(waker, cx.waker().clone())),
            State::Watched(watched) => watched.caller.replace(cx.waker().clone()),
            State::Done(_) | State::Over => {
                let answer = mem::replace(&mut *state, State::Over);
                drop(state);
                self.is_over = true;
                return match answer {
                    State::Done(answer) => Poll::Ready(answer),
                    State::Empty | State::Waiting(_) | State::Watched(_) | State::Over => {
                        Poll::Ready(Err(Unanswered::Dropped))
                    }
                };
            }
        };
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl<R> Drop for Reply<R> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.slot.answer.lock();
        let before = mem::replace(&mut *state, State::Over);
        drop(state);
        if let State::Watched(watched) = before {
            watched.other.wake();
        }
    }
}

/// The duty to answer a call, of which the `ReplyTo` was relieved. Dropped, it is the `ReplyTo`'s again, and if that is
/// gone the call gets no reply.
#[cfg(feature = "serde")]
pub(crate) struct Duty<R: Send + 'static>(Option<Slot<R>>);

#[cfg(feature = "serde")]
impl Head {
    /// The `ReplyTo` is gone; whether that means nothing, because the duty is another one's.
    fn is_left(&self) -> bool {
        self.duty.load(Relaxed) != At::HERE
            && self.duty.compare_exchange(At::AWAY, At::LEFT, AcqRel, Acquire).is_ok()
    }
}

#[cfg(feature = "serde")]
impl<R: Send + 'static> ReplyTo<R> {
    /// Relieves it of its duty; `None` if it has none, or none any more.
    pub(crate) fn move_away(&self) -> Option<Duty<R>> {
        let slot = self.0.as_ref()?;
        slot.head.loosen();
        let is_mine = slot.head.duty.compare_exchange(At::HERE, At::AWAY, AcqRel, Acquire).is_ok();
        is_mine.then(|| Duty(Some(slot.clone())))
    }
}

#[cfg(feature = "serde")]
impl<R: Send + 'static> Duty<R> {
    /// Ends the call.
    pub(crate) fn end(mut self, answer: Result<R, CallError<()>>) {
        if let Some(slot) = self.0.take() {
            finish(&slot, answer.map_err(|why| Unanswered::Failed(Box::new(why))));
        }
    }

    /// How long the caller waits.
    pub(crate) fn budget(&self) -> Budget {
        self.0.as_ref().map_or(Budget::Open, |slot| slot.budget())
    }

    /// Whether the call is over.
    pub(crate) fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|slot| slot.is_over())
    }

    /// Ready when the call is over; else wakes when the caller has gone.
    pub(crate) fn poll_gone(&self, cx: &Context<'_>) -> Poll<()> {
        self.0.as_ref().map_or(Poll::Ready(()), |slot| slot.poll_gone(cx))
    }
}

#[cfg(feature = "serde")]
impl<R: Send + 'static> Drop for Duty<R> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take()
            && slot.head.duty.swap(At::HERE, AcqRel) == At::LEFT
        {
            finish(&slot, Err(Unanswered::Dropped));
        }
    }
}
