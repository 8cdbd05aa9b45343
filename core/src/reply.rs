//! The way back of a call: one slot, filled once, by a reply or by the reason why none will come.

use crate::fate::{self, Held, Pending, Unanswered};
use crate::watch::{Awaited, Awaits};
use ravelin_mailbox::Lock;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The place of the answer.
struct Answer<R> {
    state: State<R>,
    /// What becomes of a `ReplyTo` that is dropped.
    watch: Watch,
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

type Slot<R> = Arc<Lock<Answer<R>>>;

/// Where the answer to a call goes; made by a call, used once.
///
/// It may leave the handler: kept in the actor's state, or sent to another actor or task, it answers later, from
/// there. A late reply, after the caller's time-out, reaches nobody. Dropped without [`ReplyTo::send`] it ends the
/// call with `CallError::NoReply` (at the end of the handler, if it was dropped in there); when the callee ends, also by
/// the very handler that dropped it, the call ends with the callee's exit reason.
/// Source: `gen_server:reply/2`.
pub struct ReplyTo<R: Send + 'static>(Option<Slot<R>>);

/// The caller's end; `None` once it has the answer.
pub(crate) struct Reply<R>(Option<Slot<R>>);

pub(crate) fn reply<R: Send + 'static>() -> (ReplyTo<R>, Reply<R>) {
    of(State::Empty)
}

/// As `reply`, with the caller waiting from the beginning.
pub(crate) fn reply_to<R: Send + 'static>(waker: &Waker) -> (ReplyTo<R>, Reply<R>) {
    of(State::Waiting(waker.clone()))
}

fn of<R: Send + 'static>(state: State<R>) -> (ReplyTo<R>, Reply<R>) {
    let slot = Arc::new(Lock::new(Answer { state, watch: Watch::None }));
    (ReplyTo(Some(slot.clone())), Reply(Some(slot)))
}

fn finish<R>(slot: &Lock<Answer<R>>, answer: Result<R, Unanswered>) {
    let mut place = slot.lock();
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

    /// A second hold on the slot, to end the call when the callee ends before anybody answered.
    pub(crate) fn pending(&self) -> Option<Arc<dyn Pending>> {
        self.0.as_ref().map(|slot| slot.clone() as Arc<dyn Pending>)
    }

    /// Whether it belongs to a call, whose caller may have gone since; false for a cast.
    pub fn is_call(&self) -> bool {
        self.0.is_some()
    }

    /// Whether somebody still waits for the answer: false for a cast, and after the caller's time-out.
    pub fn is_awaited(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| !matches!(slot.lock().state, State::Over | State::Done(_)))
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

impl<R: Send> Pending for Lock<Answer<R>> {
    fn is_over(&self) -> bool {
        matches!(self.lock().state, State::Over | State::Done(_))
    }
    fn hold(&self) {
        self.lock().watch = Watch::Held;
    }
    fn let_go(&self) -> Held {
        let mut place = self.lock();
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

impl<R: Send> Awaits for Lock<Answer<R>> {
    fn is_over(&self) -> bool {
        matches!(self.lock().state, State::Over | State::Done(_))
    }
}

impl<R: Send + 'static> Reply<R> {
    /// The wait, for a runtime that watches.
    pub(crate) fn awaited(&self) -> Option<Awaited> {
        self.0.as_ref().map(|slot| Awaited::new(&(slot.clone() as Arc<dyn Awaits>)))
    }
}

impl<R> Reply<R> {
    /// Whether somebody still has the other end: if not, there is an answer to be polled for.
    pub(crate) fn is_owed(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| Arc::strong_count(slot) > 1)
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, Unanswered>> {
        let Some(slot) = &self.0 else { return Poll::Ready(Err(Unanswered::Dropped)) };
        let mut place = slot.lock();
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
                self.0 = None;
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
        let Some(slot) = &self.0 else { return };
        let before = std::mem::replace(&mut slot.lock().state, State::Over);
        drop(before);
    }
}
