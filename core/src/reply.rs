//! The way back of a call: one slot, filled once, by a reply or by the reason why none will come.

use crate::fate::{self, Budget, Held, Pending, Unanswered};
use crate::watch::{Awaited, Awaits};
use ravelin_mailbox::Lock;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::task::{Context, Poll, Waker};

/// What others than its two ends see of a wait for an answer; it has a fixed address.
pub(crate) struct Head {
    /// Whoever was asked has the question in the mailbox, or in a handler that gives the answer by returning: nobody else
    /// can answer. Never true again once it was false.
    is_certain: AtomicBool,
    /// The seat of who was asked; written before the head is posted.
    asked: AtomicU32,
    /// The next in the list of waits of who waits; only the list's holder uses it.
    pub(crate) next: AtomicPtr<Head>,
    /// How long the caller waits, as [`Budget`] writes it.
    budget: AtomicU64,
}

impl Head {
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

/// The place of the answer.
struct Answer<R> {
    state: State<R>,
    /// What becomes of a `ReplyTo` that is dropped.
    watch: Watch,
    /// Who wants to know when nobody waits any more.
    gone: Option<Box<Waker>>,
}

/// Who sees to a call whose `ReplyTo` is dropped.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Watch {
    /// Nobody: the call ends.
    None,
    /// The handler that serves it, when it is done.
    Held,
    /// As `Held`, and it was dropped.
    Dropped,
}

enum State<R> {
    /// The caller has not looked yet.
    Empty,
    /// The caller waits.
    Waiting(Waker),
    /// There is an answer.
    Done(Result<R, Unanswered>),
    /// Nobody is interested any more, or the answer was fetched.
    Over,
}

/// One wait for an answer.
pub(crate) struct Place<R> {
    head: Head,
    answer: Lock<Answer<R>>,
}

type Slot<R> = Arc<Place<R>>;

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

#[inline]
pub(crate) fn reply<R: Send + 'static>() -> (ReplyTo<R>, Reply<R>) {
    of(State::Empty)
}

/// As `reply`, with the caller waiting from the beginning.
#[inline]
pub(crate) fn reply_to<R: Send + 'static>(waker: &Waker) -> (ReplyTo<R>, Reply<R>) {
    of(State::Waiting(waker.clone()))
}

#[inline]
fn of<R: Send + 'static>(state: State<R>) -> (ReplyTo<R>, Reply<R>) {
    let head = Head {
        is_certain: AtomicBool::new(true),
        asked: AtomicU32::new(0),
        next: AtomicPtr::default(),
        budget: AtomicU64::new(Budget::Open.code()),
    };
    let slot = Arc::new(Place { head, answer: Lock::new(Answer { state, watch: Watch::None, gone: None }) });
    (ReplyTo(Some(slot.clone())), Reply { slot, is_over: false })
}

fn finish<R>(slot: &Place<R>, answer: Result<R, Unanswered>) {
    slot.head.loosen();
    let mut place = slot.answer.lock();
    if matches!(place.state, State::Done(_) | State::Over) {
        drop(place);
        return drop(answer);
    }
    if place.watch != Watch::None && matches!(answer, Err(Unanswered::Dropped)) {
        place.watch = Watch::Dropped;
        return;
    }
    let before = std::mem::replace(&mut place.state, State::Done(answer));
    drop(place);
    if let State::Waiting(waker) = before {
        waker.wake();
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
            finish(&slot, Ok(answer));
        }
    }

    /// A second hold on the slot, to end the call when the callee ends before anybody answered. From now on anybody may
    /// have this one.
    pub(crate) fn pending(&self) -> Option<Arc<dyn Pending>> {
        let slot = self.0.as_ref()?;
        slot.head.loosen();
        Some(slot.clone())
    }

    /// The same hold, while this one stays where it is.
    pub(crate) fn call(&self) -> Option<Arc<dyn Pending>> {
        self.0.as_ref().map(|slot| slot.clone() as Arc<dyn Pending>)
    }

    pub(crate) fn look(&self) -> Option<&dyn Pending> {
        self.0.as_deref().map(|place| place as &dyn Pending)
    }

    /// Whether it answers a call whose caller does not wait any more. A hint: no is only right for a moment.
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| Arc::strong_count(slot) == 1)
    }

    /// Whether somebody still waits for the answer: false for a cast, and after the caller's time-out.
    pub fn is_awaited(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| !slot.is_over())
    }
}

impl<R> Place<R> {
    fn is_over(&self) -> bool {
        matches!(self.answer.lock().state, State::Over | State::Done(_))
    }
}

impl<R: Send + 'static> Drop for ReplyTo<R> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            fate::dropped(slot);
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
        let mut place = self.answer.lock();
        if matches!(place.state, State::Over | State::Done(_)) {
            return Poll::Ready(());
        }
        let old = match &mut place.gone {
            Some(old) if old.will_wake(cx.waker()) => None,
            gone => gone.replace(Box::new(cx.waker().clone())),
        };
        drop(place);
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
        self.answer.lock().watch = Watch::Held;
    }
    fn let_go(&self) -> Held {
        let mut place = self.answer.lock();
        let was_dropped = std::mem::replace(&mut place.watch, Watch::None) == Watch::Dropped;
        match place.state {
            State::Done(_) | State::Over => Held::Over,
            State::Empty | State::Waiting(_) if was_dropped => Held::Dropped,
            State::Empty | State::Waiting(_) => Held::Elsewhere,
        }
    }
    fn fail(&self, why: Unanswered) {
        finish(self, Err(why));
    }
}

impl<R: Send> Awaits for Place<R> {
    fn is_over(&self) -> bool {
        self.is_over()
    }
}

impl<R: Send + 'static> Reply<R> {
    /// The wait, for a runtime that watches.
    pub(crate) fn awaited(&self) -> Awaited {
        Awaited::new(&(self.slot.clone() as Arc<dyn Awaits>))
    }
}

impl<R> Reply<R> {
    /// Whether somebody still has the other end: if not, there is an answer to be polled for.
    pub(crate) fn is_owed(&self) -> bool {
        Arc::strong_count(&self.slot) > 1
    }

    pub(crate) fn head(&self) -> &Head {
        &self.slot.head
    }

    /// Says how long the caller waits, for whoever works on the answer.
    pub(crate) fn set_budget(&self, budget: Budget) {
        self.slot.head.budget.store(budget.code(), Relaxed);
    }

    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, Unanswered>> {
        let mut place = self.slot.answer.lock();
        match &mut place.state {
            State::Empty => {
                place.state = State::Waiting(cx.waker().clone());
                Poll::Pending
            }
            State::Waiting(waker) if waker.will_wake(cx.waker()) => Poll::Pending,
            State::Waiting(waker) => {
                let old = std::mem::replace(waker, cx.waker().clone());
                drop(place);
                drop(old);
                Poll::Pending
            }
            State::Done(_) | State::Over => {
                let answer = std::mem::replace(&mut place.state, State::Over);
                drop(place);
                self.is_over = true;
                match answer {
                    State::Done(answer) => Poll::Ready(answer),
                    State::Empty | State::Waiting(_) | State::Over => Poll::Ready(Err(Unanswered::Dropped)),
                }
            }
        }
    }
}

impl<R> Drop for Reply<R> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut place = self.slot.answer.lock();
        let before = std::mem::replace(&mut place.state, State::Over);
        let gone = place.gone.take();
        drop(place);
        drop(before);
        if let Some(gone) = gone {
            gone.wake();
        }
    }
}
