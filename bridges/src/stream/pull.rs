//! An actor as a stream: it is asked for items, by demand.

use crate::pinned::Pinned;
use futures::future::BoxFuture;
use futures::stream::{FusedStream, Stream};
use ravelin_core::{Actor, ActorRef, CallError, Message, Serve};
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Demand: the consumer takes up to so many items. Source: `GenStage`'s `handle_demand`.
///
/// A source that has none just now keeps the `ReplyTo` (it is a [`Serve`]) and answers when it has some.
pub struct Pull<T> {
    /// The most items that the answer may have.
    pub max: NonZeroUsize,
    _item: PhantomData<fn() -> T>,
}

/// The answer to a [`Pull`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Pulled<T> {
    /// Some items, and there may be more. Without any, the consumer asks again at once.
    Items(Vec<T>),
    /// The last items, perhaps none.
    Last(Vec<T>),
}

impl<T> Pull<T> {
    /// Demand for up to so many items.
    pub fn new(max: NonZeroUsize) -> Pull<T> {
        Pull { max, _item: PhantomData }
    }
}

impl<T: Send + 'static> Message for Pull<T> {
    type Reply = Pulled<T>;
}

impl<T> fmt::Debug for Pull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pull({})", self.max)
    }
}

/// An actor as a [`Stream`]. The actor is asked when the stream is polled and has no item left, for at most `demand`
/// items, and one question at a time is under way: so no more than `demand` items are ever made ahead of the consumer.
///
/// # Errors
/// An item is the error of the call that got none: the source ended, or nobody lives there. The stream ends after it.
/// All items are of one incarnation: when the source was started again between two questions, that is an error too. With
/// [`ActorStream::over_restarts`] the stream goes on, with the next incarnation.
///
/// # Cancel safety
/// No item is lost when a `next` is dropped. When the stream is dropped, what it had asked for and not handed out is
/// lost: at most `demand` items.
///
/// ```
/// use futures::StreamExt;
/// use ravelin_bridges::stream::{ActorStream, Pull, Pulled};
/// use ravelin_core::{Actor, Cx, Exit, Handle, System, runtimes::Local};
///
/// struct Countdown(u32);
/// impl Actor for Countdown {
///     type Args = u32;
///     async fn init(from: u32, _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Countdown(from)) }
/// }
/// impl Handle<Pull<u32>> for Countdown {
///     async fn handle(&mut self, pull: Pull<u32>, _: &mut Cx<Self>) -> Pulled<u32> {
///         let from = self.0;
///         self.0 -= from.min(pull.max.get() as u32);
///         let items = (self.0..from).rev().collect();
///         if self.0 == 0 { Pulled::Last(items) } else { Pulled::Items(items) }
///     }
/// }
///
/// let local = Local::new();
/// let system = System::new(local.clone());
/// local.block_on(async move {
///     let source = system.spawn::<Countdown>(5).await.unwrap();
///     let stream = ActorStream::new(&source, 2.try_into().unwrap());
///     let items: Vec<u32> = stream.map(|item| item.unwrap()).collect().await;
///     assert_eq!(items, [4, 3, 2, 1, 0]);
///     system.shut_down_all(std::time::Duration::from_secs(1)).await;
/// });
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct ActorStream<A: Actor, T: Send + 'static> {
    demand: NonZeroUsize,
    items: VecDeque<T>,
    state: State<A, T>,
    after_error: AfterError,
}

/// The source, and its answer.
type Answered<A, T> = (Pinned<A>, Result<Pulled<T>, CallError<Pull<T>>>);

enum State<A: Actor, T: Send + 'static> {
    /// Nothing is under way.
    Idle(Pinned<A>),
    /// The source is asked.
    Asking(BoxFuture<'static, Answered<A, T>>),
    /// It gave its last item, or an error.
    Ended,
}

/// What becomes of a stream whose source ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum AfterError {
    End,
    GoOn,
}

impl<A: Serve<Pull<T>>, T: Send + 'static> ActorStream<A, T> {
    /// The items of the actor at this place, at most `demand` at a time.
    pub fn new(source: &ActorRef<A>, demand: NonZeroUsize) -> ActorStream<A, T> {
        let state = State::Idle(Pinned::new(source.clone()));
        ActorStream { demand, items: VecDeque::new(), state, after_error: AfterError::End }
    }

    /// Goes on after an error: it is an item as before, so that the consumer knows of the gap; then the stream waits
    /// until somebody lives at the place again (for ever, perhaps) and asks them.
    pub fn over_restarts(mut self) -> Self {
        self.after_error = AfterError::GoOn;
        self
    }

    fn answered(&mut self, (source, answer): Answered<A, T>) -> Option<CallError<Pull<T>>> {
        match answer {
            Ok(Pulled::Items(items)) => {
                self.items = items.into();
                self.state = State::Idle(source);
                None
            }
            Ok(Pulled::Last(items)) => {
                self.items = items.into();
                self.state = State::Ended;
                None
            }
            Err(error) => {
                self.state = match self.after_error {
                    AfterError::End => State::Ended,
                    AfterError::GoOn => State::Asking(Box::pin(ask_next(source, self.demand))),
                };
                Some(error)
            }
        }
    }
}

/// Asks whoever lives there next.
async fn ask_next<A: Serve<Pull<T>>, T: Send + 'static>(
    mut source: Pinned<A>,
    demand: NonZeroUsize,
) -> Answered<A, T> {
    source.unpin();
    source.place().ready().await;
    source.call(Pull::new(demand)).await
}

impl<A: Actor, T: Send + 'static> Unpin for ActorStream<A, T> {}

impl<A: Serve<Pull<T>>, T: Send + 'static> Stream for ActorStream<A, T> {
    type Item = Result<T, CallError<Pull<T>>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut has_asked = false;
        loop {
            if let Some(item) = this.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut this.state {
                State::Ended => return Poll::Ready(None),
                State::Idle(_) if has_asked => {
                    // A source that answers with nothing shall not hold the thread.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Idle(_) => {
                    has_asked = true;
                    if let State::Idle(source) = std::mem::replace(&mut this.state, State::Ended) {
                        this.state = State::Asking(Box::pin(source.call(Pull::new(this.demand))));
                    }
                }
                State::Asking(asking) => {
                    let answered = ready!(asking.as_mut().poll(cx));
                    if let Some(error) = this.answered(answered) {
                        return Poll::Ready(Some(Err(error)));
                    }
                    has_asked = true;
                }
            }
        }
    }
}

impl<A: Serve<Pull<T>>, T: Send + 'static> FusedStream for ActorStream<A, T> {
    fn is_terminated(&self) -> bool {
        self.items.is_empty() && matches!(self.state, State::Ended)
    }
}

impl<A: Actor, T: Send + 'static> fmt::Debug for ActorStream<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Idle(_) => "idle",
            State::Asking(_) => "asking",
            State::Ended => "ended",
        };
        write!(f, "ActorStream({state}, {} of {} items)", self.items.len(), self.demand)
    }
}
