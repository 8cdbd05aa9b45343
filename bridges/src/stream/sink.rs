//! An actor as a sink: each item is a call, so many at a time.

use futures::Sink;
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, StreamExt};
use ravelin_core::{CallError, Message, Recipient};
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// An actor as a [`Sink`]. Each item is a call; items are sent in order, and at most `window` of them are not answered
/// yet.
///
/// * `poll_ready` waits until fewer than `window` are under way; with a bounded mailbox that is full, they wait for room
///   in it, in order.
/// * `poll_flush` waits until all that was sent is handled.
/// * `poll_close` flushes; the actor lives on, as its lifetime is its tree's. What is sent to a closed sink is an error.
///
/// # Errors
/// The error of a call, once for each item that it befell, from whichever of these is polled next. It concerns that
/// item alone: the others take their course, and the sink can be used further; after a restart it reaches the next
/// incarnation. So after an item that a crash ate, those behind it may be handled all the same: an actor that must not
/// have gaps takes a window of 1.
///
/// # Cancel safety
/// Nothing is lost when a `send` or `flush` is dropped: what was given to the sink is sent when it is polled next. When
/// the sink itself is dropped, what waits for room is not sent, and nobody learns what became of the rest.
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
///     let sink = ActorSink::new(&adder.recipient::<Add>(), 8.try_into().unwrap());
///     stream::iter(1..=100).map(|n| Ok(Add(n))).forward(sink).await.unwrap(); // flushes and closes at the end
///     assert_eq!(adder.call(Sum).await.unwrap(), 5050);
///     system.shut_down_all(std::time::Duration::from_secs(1)).await;
/// });
/// ```
#[must_use = "a sink sends nothing until it is polled"]
pub struct ActorSink<M: Message> {
    to: Recipient<M>,
    window: NonZeroUsize,
    limit: Option<Duration>,
    under_way: FuturesOrdered<BoxFuture<'static, Result<M::Reply, CallError<M>>>>,
    is_closed: bool,
}

impl<M: Message> ActorSink<M> {
    /// A sink to whoever lives there. An item is waited for as long as it takes: it ends with its callee at the latest.
    pub fn new(to: &Recipient<M>, window: NonZeroUsize) -> ActorSink<M> {
        ActorSink { to: to.clone(), window, limit: None, under_way: FuturesOrdered::new(), is_closed: false }
    }

    /// Waits at most so long for each item, from the moment that it is sent; then it is a `CallError::Timeout`.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// How many items were sent and are not answered.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Ready once at most `left` are under way.
    fn poll_until(&mut self, left: usize, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        loop {
            match self.under_way.poll_next_unpin(cx) {
                Poll::Ready(Some(answer)) => drop(answer?),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending if self.under_way.len() <= left => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<M: Message> Unpin for ActorSink<M> {}

impl<M: Message> Sink<M> for ActorSink<M> {
    type Error = CallError<M>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        let left = self.window.get() - 1;
        self.poll_until(left, cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), CallError<M>> {
        if self.is_closed {
            return Err(CallError::NoProc(message));
        }
        let (to, limit) = (self.to.clone(), self.limit);
        self.under_way.push_back(Box::pin(async move {
            let call = to.call(message);
            match limit {
                Some(limit) => call.timeout(limit).await,
                None => call.no_timeout().await,
            }
        }));
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        self.poll_until(0, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        self.is_closed = true;
        ready!(self.poll_until(0, cx))?;
        Poll::Ready(Ok(()))
    }
}

impl<M: Message> fmt::Debug for ActorSink<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorSink({} of {} under way)", self.under_way.len(), self.window)
    }
}
