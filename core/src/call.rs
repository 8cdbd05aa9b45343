//! A call: a message, and the wait for its answer. It always ends.

use crate::actor::Call as Payload;
use crate::cell::{Port, is_running, may_call, running_pid, this_thread};
use crate::error::CallError;
use crate::fate::{self, Unanswered};
use crate::message::Message;
use crate::patience::{CALL_TIMEOUT, Wait};
use crate::reply::{Reply, ReplyTo, reply, reply_to};
use crate::runtime::Timer;
use crate::watch::Seen;
use ravelin_mailbox::{Refused, Ticket};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The future of `ActorRef::call`: the answer, or why there is none.
///
/// # Errors
/// See [`CallError`]. [`CallError::Full`] only when the callee's mailbox is to refuse; otherwise the call waits for
/// room, and that counts toward its time limit.
///
/// # Cancel safety
/// Dropped, the request may still be handled; the answer then reaches nobody.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, M: Message> {
    port: Port<'a, Payload<M>>,
    state: State<M>,
    ticket: Option<Ticket>,
    limit: Limit,
    /// What the runtime knows it by; 0: it is not told.
    number: u64,
}

/// How long it may wait.
enum Limit {
    /// `CALL_TIMEOUT`; the wait, once it has begun.
    Usual(Option<Wait>),
    /// As the caller said; the timer, once the wait has begun.
    Exact(Duration, Option<Pin<Box<dyn Timer>>>),
    /// As long as it takes.
    Never,
}

enum State<M: Message> {
    Unsent(M),
    WaitingForRoom(M, ReplyTo<M::Reply>, Reply<M::Reply>),
    Sent(Reply<M::Reply>),
    Over,
}

impl<'a, M: Message> Call<'a, M> {
    #[inline]
    pub(crate) fn new(port: Port<'a, Payload<M>>, message: M) -> Call<'a, M> {
        Call { port, state: State::Unsent(message), ticket: None, limit: Limit::Usual(None), number: 0 }
    }

    /// Waits at most so long.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Limit::Exact(limit, None);
        self
    }

    /// Waits as long as it takes. Source: the time-out `infinity`.
    pub fn no_timeout(mut self) -> Self {
        self.limit = Limit::Never;
        self
    }

    /// Tells the runtime that the wait begins.
    #[cold]
    fn tell_begun(&mut self) {
        let header = self.port.header();
        let Some(host) = header.host() else { return };
        let call = host.number() + 1;
        self.number = call;
        let limit = match self.limit {
            Limit::Usual(_) => Some(CALL_TIMEOUT),
            Limit::Exact(limit, _) => Some(limit),
            Limit::Never => None,
        };
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

    fn submit(
        &mut self,
        cx: &mut Context<'_>,
        message: M,
        to: ReplyTo<M::Reply>,
        answer: Reply<M::Reply>,
    ) -> Result<(), CallError<M>> {
        let (port, ticket) = (self.port, &mut self.ticket);
        match fate::discarding(|| port.push_or_wait(Payload(message, to), cx.waker(), ticket)) {
            Ok(()) => {
                if let Some(awaited) = (self.number != 0).then(|| answer.awaited()).flatten() {
                    let call = self.number;
                    self.port.header().tell(|| Seen::CallSent { call, awaited: &awaited });
                }
                self.state = State::Sent(answer);
                Ok(())
            }
            Err(Refused::Closed(Payload(message, _))) => {
                drop(answer);
                Err(CallError::NoProc(message))
            }
            Err(Refused::Full(Payload(message, _))) if self.ticket.is_none() => {
                drop(answer);
                Err(CallError::Full(message))
            }
            Err(Refused::Full(Payload(message, to))) => {
                self.state = State::WaitingForRoom(message, to, answer);
                Ok(())
            }
        }
    }

    /// Whether the time limit has passed; the wait begins when this is first asked.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(host) = self.port.header().host() else { return false };
        if let Limit::Usual(None) = self.limit
            && !host.hands_over()
        {
            self.limit = Limit::Exact(CALL_TIMEOUT, None);
        }
        match &mut self.limit {
            Limit::Never => false,
            Limit::Usual(Some(wait)) => host.patience().poll(wait, cx.waker()).is_ready(),
            Limit::Usual(wait) => {
                *wait = Some(host.patience().begin(this_thread(), cx.waker(), host.runtime()));
                false
            }
            Limit::Exact(limit, timer) => {
                let runtime = host.runtime();
                let timer = timer.get_or_insert_with(|| runtime.timer(runtime.now() + *limit));
                timer.as_mut().poll(cx).is_ready() && !cfg!(ravelin_mutant = "limit_forgotten")
            }
        }
    }

    /// It waits no longer.
    fn stop_waiting(&mut self) {
        if let Limit::Usual(wait) = &mut self.limit
            && let Some(wait) = wait.take()
            && let Some(host) = self.port.header().host()
        {
            host.patience().leave(wait);
        }
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

impl<M: Message> Call<'_, M> {
    #[inline(always)]
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<M::Reply, CallError<M>>> {
        let this = self;
        let mut was_sent_now = false;
        let mut gives_way = false;
        if !matches!(this.state, State::Sent(_)) {
            let sent = match std::mem::replace(&mut this.state, State::Over) {
                State::Unsent(message) if is_running(this.port.ptr()) => Err(CallError::Deadlock(message)),
                State::Unsent(message) => {
                    if this.port.header().is_watched() {
                        this.tell_begun();
                    }
                    let port = this.port;
                    if let Some(leave) = may_call(port.header()) {
                        gives_way = leave.gives_way;
                        let (to, answer) = reply();
                        leave.call(|| this.submit(cx, message, to, answer))
                    } else {
                        was_sent_now = true;
                        let (to, answer) = reply_to(cx.waker());
                        this.submit(cx, message, to, answer)
                    }
                }
                State::WaitingForRoom(message, to, answer) => this.submit(cx, message, to, answer),
                State::Sent(_) | State::Over => return Poll::Pending,
            };
            if let Err(error) = sent {
                return Poll::Ready(Err(error));
            }
            if gives_way {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if let State::Sent(answer) = &mut this.state
            && !(was_sent_now && answer.is_owed())
            && let Poll::Ready(answer) = answer.poll(cx)
        {
            this.state = State::Over;
            return Poll::Ready(answer.map_err(|why| match why {
                Unanswered::Dropped => CallError::NoReply,
                Unanswered::Discarded => CallError::Discarded,
                Unanswered::Exited(exit) => CallError::Exited(exit),
            }));
        }
        if this.is_late(cx) {
            this.state = State::Over;
            return Poll::Ready(Err(CallError::Timeout));
        }
        Poll::Pending
    }
}

impl<M: Message> Drop for Call<'_, M> {
    fn drop(&mut self) {
        self.stop_waiting();
        if self.number != 0 {
            self.tell_polled(true);
        }
        if let Some(ticket) = self.ticket.take() {
            self.port.header().mailbox.forget(ticket);
        }
    }
}
