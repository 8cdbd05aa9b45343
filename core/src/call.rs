//! A call: a message, and the wait for its answer. It always ends.

use crate::actor::Call as Payload;
use crate::cell::{CellRef, Port, Posted, may_call, running_pid, would_close};
use crate::error::CallError;
use crate::fate::{self, Unanswered};
use crate::limit::{Fits, Limit};
use crate::message::Message;
use crate::reply::{Reply, ReplyTo, reply, reply_to};
use crate::watch::Seen;
use ravelin_mailbox::{Refused, Ticket};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The future of `ActorRef::call`: the answer, or why there is none.
///
/// # Errors
/// See [`CallError`]. [`CallError::Full`] only when the callee's mailbox is to refuse, or the reserve for the class
/// control is used up; otherwise the call waits for room, and that counts toward its time limit.
///
/// # Time
/// Five seconds if nothing is said, from the first poll. A call that a handler makes while it serves a call itself ends
/// no later than that one: the time that is left travels with it, from call to call; [`Call::detached`] says no.
///
/// # Circles
/// A call that would close a circle of actors that wait for one another ends at once, with
/// [`CallError::Deadlock`]. A circle is seen where each of them waits in a handler ([`Handle`](crate::Handle)),
/// in `init` or in a task, and where the way to each is a call or a start; not where a `ReplyTo` was given out.
/// It costs a look at one word, and two atomic operations for a call that has to wait.
///
/// # Cancel safety
/// Dropped, the request is not handled if it is still in the mailbox (its type may say otherwise:
/// [`Message::ABANDONED`]). If it is being handled the handler can see it; the answer then reaches nobody.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, M: Message> {
    port: Port<'a, Payload<M>>,
    /// The request, until it is in the mailbox.
    request: Option<M>,
    /// Its way back, while it waits for room.
    to: Option<ReplyTo<M::Reply>>,
    /// The wait for the answer, from the first poll to the answer.
    wait: Option<Posted<&'a CellRef, M::Reply>>,
    ticket: Option<Ticket>,
    limit: Limit,
    /// What the runtime knows it by; 0: it is not told.
    number: u64,
}

/// How a request went on its way.
enum Sent<R> {
    /// The callee has run, and here is its answer.
    Answered(Result<R, Unanswered>),
    /// By way of the executor.
    Apart,
    /// The callee may have run already.
    InPlace,
    /// As `InPlace`, and others are to have a turn.
    GivesWay,
}

impl<'a, M: Message> Call<'a, M> {
    #[inline]
    pub(crate) fn new(port: Port<'a, Payload<M>>, request: M) -> Call<'a, M> {
        let limit = Limit::Unsaid(Fits::Yes);
        Call { port, request: Some(request), to: None, wait: None, ticket: None, limit, number: 0 }
    }

    /// Waits at most so long, from the first poll.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit.say(Some(limit));
        self
    }

    /// Waits as long as it takes; no longer, all the same, than the call that the caller serves may take.
    /// Source: the time-out `infinity`.
    pub fn no_timeout(mut self) -> Self {
        self.limit.say(None);
        self
    }

    /// Its time is its own: it may take longer than the call that the caller serves. For what must be done to its end
    /// once it was begun.
    pub fn detached(mut self) -> Self {
        self.limit.detach();
        self
    }

    /// Tells the runtime that the wait begins.
    #[cold]
    fn tell_begun(&mut self) {
        let header = self.port.header();
        let Some(host) = header.host() else { return };
        let call = host.number() + 1;
        self.number = call;
        let limit = self.limit.left(host.runtime().now());
        let (message, from) = (std::any::type_name::<M>(), running_pid());
        header.tell(|| Seen::CallBegun { call, message, from, limit });
    }

    /// Tells the runtime that the caller has looked, or waits no more.
    #[cold]
    fn tell_polled(&mut self, is_over: bool) {
        let call = self.number;
        if is_over {
            self.number = 0;
        }
        let seen = if is_over { Seen::CallEnded { call } } else { Seen::CallPending { call } };
        self.port.header().tell(|| seen);
    }

    /// Tells the runtime that the request is in the mailbox.
    #[cold]
    fn tell_sent(&self, answer: &Reply<M::Reply>) {
        let (call, awaited) = (self.number, answer.awaited());
        self.port.header().tell(|| Seen::CallSent { call, awaited: &awaited });
    }

    /// Begins: sends the request, or lines up for room.
    #[inline(always)]
    fn begin(&mut self, cx: &mut Context<'_>, request: M) -> Result<Sent<M::Reply>, CallError<M>> {
        let (port, cell) = (self.port, self.port.cell());
        if let Some(path) = would_close(cell) {
            return Err(CallError::Deadlock { path, request: Some(request) });
        }
        let header = port.header();
        let Some(host) = header.host() else { return Err(CallError::NoProc(request)) };
        let leave = may_call(header);
        let Some(budget) = self.limit.begin(&**host, || leave.is_some() || host.hands_over()) else {
            return Err(CallError::Expired(request));
        };
        if header.is_watched() {
            self.tell_begun();
        }
        let seat = header.seat();
        if let Some(leave) = leave {
            let (to, mut answer) = reply();
            answer.set_budget(budget);
            let gives_way = leave.gives_way;
            leave.call(&answer, || self.submit(cx, request, to, &answer))?;
            if !gives_way {
                answer = match answer.answered() {
                    Ok(answer) => return Ok(Sent::Answered(answer)),
                    Err(answer) => answer,
                };
            }
            self.wait = Some(Posted::of_seat(cell, seat, answer));
            Ok(if gives_way { Sent::GivesWay } else { Sent::InPlace })
        } else {
            let (to, answer) = reply_to(cx.waker());
            answer.set_budget(budget);
            self.submit(cx, request, to, &answer)?;
            self.wait = Some(Posted::of_seat(cell, seat, answer));
            Ok(Sent::Apart)
        }
    }

    /// Goes on lining up for room.
    #[cold]
    fn begin_again(
        &mut self,
        cx: &mut Context<'_>,
        request: M,
        to: ReplyTo<M::Reply>,
    ) -> Result<Sent<M::Reply>, CallError<M>> {
        let Some(wait) = self.wait.take() else { return Ok(Sent::InPlace) };
        self.submit(cx, request, to, wait.reply())?;
        self.wait = Some(wait);
        Ok(Sent::InPlace)
    }

    #[inline]
    fn submit(
        &mut self,
        cx: &mut Context<'_>,
        request: M,
        to: ReplyTo<M::Reply>,
        answer: &Reply<M::Reply>,
    ) -> Result<(), CallError<M>> {
        let (port, ticket) = (self.port, &mut self.ticket);
        match fate::discarding(|| port.push_or_wait(Payload(request, to), cx.waker(), ticket)) {
            Ok(()) => {
                if self.number != 0 {
                    self.tell_sent(answer);
                }
                Ok(())
            }
            Err(Refused::Full(Payload(request, to))) if self.ticket.is_some() => {
                (self.request, self.to) = (Some(request), Some(to));
                Ok(())
            }
            Err(Refused::Closed(Payload(request, _))) => Err(CallError::NoProc(request)),
            Err(Refused::Full(Payload(request, _))) => Err(CallError::Full(request)),
        }
    }

    /// The answer, if it is there.
    #[inline(always)]
    fn look(&mut self, cx: &mut Context<'_>) -> Poll<Result<M::Reply, CallError<M>>> {
        let Some(wait) = &mut self.wait else { return Poll::Pending };
        wait.poll(cx).map(|answer| {
            self.wait = None;
            answer.map_err(unanswered)
        })
    }

    /// It goes on waiting: others may see for whom. `Ready`: it waits no longer.
    #[inline]
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<CallError<M>> {
        let (Some(wait), Some(host)) = (&mut self.wait, self.port.header().host()) else {
            return Poll::Pending;
        };
        let why = if let Some(path) = wait.post() {
            CallError::Deadlock { path, request: self.request.take() }
        } else {
            let polled = self.limit.poll(&**host, cx, |budget| wait.reply().set_budget(budget));
            if polled.is_pending() {
                return Poll::Pending;
            }
            CallError::Timeout
        };
        (self.wait, self.to) = (None, None);
        Poll::Ready(why)
    }

    #[inline(always)]
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<M::Reply, CallError<M>>> {
        let mut may_look = true;
        if let Some(request) = self.request.take() {
            let sent = match self.to.take() {
                Some(to) => self.begin_again(cx, request, to),
                None => self.begin(cx, request),
            };
            match sent {
                Err(error) => return Poll::Ready(Err(error)),
                Ok(Sent::Answered(answer)) => return Poll::Ready(answer.map_err(unanswered)),
                Ok(Sent::GivesWay) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Sent::InPlace) => may_look = self.request.is_none(),
                Ok(Sent::Apart) => {
                    may_look = self.request.is_none()
                        && self.wait.as_ref().is_some_and(|wait| !wait.reply().is_owed());
                }
            }
        }
        if may_look && let Poll::Ready(answer) = self.look(cx) {
            return Poll::Ready(answer);
        }
        self.wait(cx).map(Err)
    }
}

/// What the caller is told of it.
#[cold]
fn unanswered<M>(why: Unanswered) -> CallError<M> {
    match why {
        Unanswered::Dropped => CallError::NoReply,
        Unanswered::Discarded => CallError::Discarded,
        Unanswered::Exited(exit) => CallError::Exited(exit),
        Unanswered::Failed(why) => why.of_sent(),
    }
}

impl<M: Message> Unpin for Call<'_, M> {}

impl<M: Message> Future for Call<'_, M> {
    type Output = Result<M::Reply, CallError<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.advance(cx);
        if self.number != 0 {
            self.tell_polled(polled.is_ready());
        }
        polled
    }
}

impl<M: Message> Drop for Call<'_, M> {
    fn drop(&mut self) {
        let header = self.port.header();
        self.limit.stop(|| header.host().map(|host| &**host));
        if self.number != 0 {
            self.tell_polled(true);
        }
        if let Some(ticket) = self.ticket.take() {
            self.port.header().mailbox.forget(ticket);
        }
    }
}
