//! An actor as a sink: each item is a message that waits for room in its mailbox.

use futures::Sink;
use futures::future::BoxFuture;
use ravelin_core::{CallError, Exit, Message, Pid, Recipient, SendError};
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// An actor as a [`Sink`]: items are messages, sent one after the other, so that they arrive in order.
///
/// * `poll_ready` waits for room in the mailbox. So an actor that is slow, and has a bounded mailbox that lets senders
///   wait, slows down whoever feeds the sink. Two items at most are held here.
/// * `poll_flush` waits until all that was sent is handled: the last item is a call, and all others are before it.
/// * `poll_close` does the same. The actor lives on, as its lifetime is its tree's. What is sent to a closed sink is
///   handed back as an error.
///
/// # Errors
/// What was not accepted is handed back: [`CallError::NoProc`], or [`CallError::Full`] from a mailbox that refuses. When
/// the actor ended, or was started again, since the last flush, the next flush says [`CallError::Exited`]: some of what
/// was accepted may not have been handled. The sink can be used further after any error, and then reaches whoever lives
/// there.
///
/// # Cancel safety
/// Nothing is lost when a `feed`, `send` or `flush` is dropped that has given its item to the sink: it goes on when the
/// sink is polled next. When the sink is dropped, the items that it holds are not sent.
///
/// ```
/// use futures::{SinkExt, StreamExt, stream};
/// use ravelin_bridges::stream::ActorSink;
/// use ravelin_core::{Actor, Cx, Exit, Handle, Message, System, runtimes::Local};
///
/// struct Add(u32);
/// impl Message for Add { type Reply = (); }
/// struct Sum;
/// impl Message for Sum { type Reply = u32; }
/// struct Adder(u32);
/// impl Actor for Adder {
///     type Args = ();
///     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Adder(0)) }
/// }
/// impl Handle<Add> for Adder { async fn handle(&mut self, Add(n): Add, _: &mut Cx<Self>) { self.0 += n } }
/// impl Handle<Sum> for Adder { async fn handle(&mut self, _: Sum, _: &mut Cx<Self>) -> u32 { self.0 } }
///
/// let local = Local::new();
/// let system = System::new(local.clone());
/// local.block_on(async move {
///     let adder = system.spawn::<Adder>(()).await.unwrap();
///     let sink = ActorSink::new(&adder.recipient::<Add>());
///     stream::iter(1..=100).map(|n| Ok(Add(n))).forward(sink).await.unwrap(); // flushes and closes at the end
///     assert_eq!(adder.call(Sum).await.unwrap(), 5050);
///     system.shut_down_all(std::time::Duration::from_secs(1)).await;
/// });
/// ```
#[must_use = "a sink sends nothing until it is polled"]
pub struct ActorSink<M: Message> {
    to: Recipient<M>,
    limit: Option<Duration>,
    /// Not sent yet. The newest stays until another one comes, or a flush, which calls with it.
    held: VecDeque<M>,
    under_way: UnderWay<M>,
    /// Who got the first item since the last flush.
    first: Option<Pid>,
    is_closed: bool,
}

enum UnderWay<M: Message> {
    Nothing,
    /// An item that waits for room.
    Send(BoxFuture<'static, Result<(), SendError<M>>>),
    /// The last item of a flush.
    Call(BoxFuture<'static, Result<M::Reply, CallError<M>>>),
}

impl<M: Message> ActorSink<M> {
    /// A sink to whoever lives there. A flush waits as long as it takes: it ends with the actor at the latest.
    pub fn new(to: &Recipient<M>) -> ActorSink<M> {
        ActorSink {
            to: to.clone(),
            limit: None,
            held: VecDeque::new(),
            under_way: UnderWay::Nothing,
            first: None,
            is_closed: false,
        }
    }

    /// A flush waits at most so long for its last item; then it is a [`CallError::Timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Ready once nothing is under way.
    fn poll_under_way(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        let outcome = match &mut self.under_way {
            UnderWay::Nothing => return Poll::Ready(Ok(())),
            UnderWay::Send(sending) => ready!(sending.as_mut().poll(cx)).map_err(|error| match error {
                SendError::Full(message) => CallError::Full(message),
                gone => CallError::NoProc(gone.into_message()),
            }),
            UnderWay::Call(calling) => {
                let answer = ready!(calling.as_mut().poll(cx));
                let first = self.first.take();
                // Whoever lives there now was there all the time, if it is the same.
                let is_other = self.to.pid().is_some_and(|now| Some(now) != first);
                let lost = "it was started again, and what was sent before may be lost";
                answer.and_then(|_| if is_other { Err(CallError::Exited(Exit::error(lost))) } else { Ok(()) })
            }
        };
        self.under_way = UnderWay::Nothing;
        if outcome.is_err() {
            self.first = None;
        }
        Poll::Ready(outcome)
    }

    /// Ready once nothing is under way, and no more than the newest item is held.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        loop {
            ready!(self.poll_under_way(cx))?;
            if self.held.len() < 2 {
                return Poll::Ready(Ok(()));
            }
            if let Some(message) = self.held.pop_front() {
                self.first = self.first.or(self.to.pid());
                let to = self.to.clone();
                self.under_way = UnderWay::Send(Box::pin(async move { to.send(message).await }));
            }
        }
    }

    /// Ready once all is handled.
    fn poll_handled(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        ready!(self.poll_sent(cx))?;
        let Some(message) = self.held.pop_front() else { return Poll::Ready(Ok(())) };
        self.first = self.first.or(self.to.pid());
        let (to, limit) = (self.to.clone(), self.limit);
        self.under_way = UnderWay::Call(Box::pin(async move {
            let call = to.call(message);
            match limit {
                Some(limit) => call.timeout(limit).await,
                None => call.no_timeout().await,
            }
        }));
        self.poll_under_way(cx)
    }
}

impl<M: Message> Unpin for ActorSink<M> {}

impl<M: Message> Sink<M> for ActorSink<M> {
    type Error = CallError<M>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        self.poll_sent(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), CallError<M>> {
        if self.is_closed {
            return Err(CallError::NoProc(message));
        }
        self.held.push_back(message);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        self.poll_handled(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        self.is_closed = true;
        self.poll_handled(cx)
    }
}

impl<M: Message> fmt::Debug for ActorSink<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = match self.under_way {
            UnderWay::Nothing => "nothing under way",
            UnderWay::Send(_) => "one waits for room",
            UnderWay::Call(_) => "a flush is under way",
        };
        write!(f, "ActorSink({} held, {under_way})", self.held.len())
    }
}
