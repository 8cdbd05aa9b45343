//! A typed, asynchronous channel on the engine: many senders, one receiver, for any executor.
//!
//! The mailbox of a channel is suspended all its life: the receiver's future asks it for one message at a time, and
//! leaves its waker when there is none. Whoever brings something takes that waker and wakes it, so there is one
//! wake-up per wait and none per message.
//!
//! Proof of the unsafe parts: records enter the mailbox of a `Shared<T>` only in `Sender<T>`, with `Of::<T>::KIND`, so
//! the payload of each is a `T`.

use crate::capacity::Capacity;
use crate::mailbox::Mailbox;
use crate::protocol::{Consumer, Cut, Edge, Phase, Pushed, Refused, Remains, Signalled, Ticket};
use crate::records::{Kind, Records};
use crate::sync::{Arc, AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// The receiver is gone, or has closed the channel. The message comes back.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SendError<T>(pub T);

/// Why a message was not accepted, with the message. The channel is unaffected.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum TrySendError<T> {
    /// The receiver is gone, or has closed the channel.
    Closed(T),
    /// There is no room, and the policy does not discard.
    Full(T),
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecvError {
    /// Nothing waits.
    Empty,
    /// Nothing waits and nothing will come: closed, or every sender is gone.
    Finished,
}

type Engine<T> = Mailbox<(), T, Task>;

/// The consumer of a channel is always in its own future; what wakes it is the receiver's waker.
struct Task;

impl Consumer for Task {
    type Wake = ();
    fn edge(&mut self, _: Edge) {}
}

struct Shared<T: 'static> {
    mailbox: Engine<T>,
    senders: AtomicUsize,
}

struct Of<T>(std::marker::PhantomData<T>);

impl<T: Send> Of<T> {
    const KIND: Kind<T, ()> = Kind::new(());
}

/// A channel with this capacity. Costs one allocation; its buffer grows with what waits in it and shrinks when
/// nothing does.
///
/// ```
/// use ravelin_mailbox::{Bounded, Overflow, TrySendError, channel};
/// # futures::executor::block_on(async {
/// let (tx, mut rx) = channel(Bounded(1).on_full(Overflow::Refuse));
/// tx.try_send("a").unwrap();
/// assert_eq!(tx.try_send("b"), Err(TrySendError::Full("b")));
/// tx.send_control("stop").unwrap();
/// assert_eq!(rx.recv().await, Some("stop"));
/// assert_eq!(rx.recv().await, Some("a"));
/// drop(tx);
/// assert_eq!(rx.recv().await, None);
/// # });
/// ```
pub fn channel<T: Send + 'static>(capacity: impl Into<Capacity>) -> (Sender<T>, Receiver<T>) {
    let mailbox = Mailbox::new(capacity.into(), Phase::Suspended, Task);
    let shared = Arc::new(Shared { mailbox, senders: AtomicUsize::new(1) });
    let skipped = Skipped { control: VecDeque::new(), user: VecDeque::new() };
    let receiver = Receiver { shared: shared.clone(), skipped, left: None };
    (Sender { shared }, receiver)
}

/// Puts messages into a channel. Messages that one thread or task sends in one lane arrive in the order sent, through
/// whichever clones. When the last sender is dropped, the receiver gets what is left and then `None`.
pub struct Sender<T: Send + 'static> {
    shared: Arc<Shared<T>>,
}

impl<T: Send + 'static> Sender<T> {
    /// Sends without waiting.
    ///
    /// # Errors
    /// [`TrySendError::Full`] under `Refuse` and `Wait`, [`TrySendError::Closed`] always possible; both with the
    /// message. Under the policies that discard, a full channel accepts the message and counts what it discards.
    ///
    /// ```
    /// use ravelin_mailbox::{Bounded, Overflow, TrySendError, channel};
    /// let (tx, rx) = channel(Bounded(1).on_full(Overflow::DropNewest));
    /// tx.try_send(1).unwrap();
    /// tx.try_send(2).unwrap();
    /// assert_eq!((tx.len(), tx.discarded()), (1, 1));
    /// drop(rx);
    /// assert_eq!(tx.try_send(3), Err(TrySendError::Closed(3)));
    /// ```
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        match self.shared.mailbox.push(&Of::<T>::KIND, message, Edge::Queue) {
            Ok(pushed) => {
                wake(pushed);
                Ok(())
            }
            Err(Refused::Full(message)) => Err(TrySendError::Full(message)),
            Err(Refused::Closed(message)) => Err(TrySendError::Closed(message)),
        }
    }

    /// Sends, waiting for room under [`Overflow::Wait`](crate::Overflow::Wait); room is given in the order in which
    /// senders began to wait.
    ///
    /// # Errors
    /// As [`Sender::try_send`]; `Full` only under `Refuse`.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent and its place in the line is given up.
    ///
    /// ```
    /// use futures::{FutureExt, executor::block_on};
    /// use ravelin_mailbox::{Bounded, channel};
    /// let (tx, mut rx) = channel(Bounded(1));
    /// block_on(tx.send("a")).unwrap();
    /// let mut waits = Box::pin(tx.send("b"));
    /// assert_eq!(waits.as_mut().now_or_never(), None);
    /// assert_eq!(rx.try_recv(), Ok("a"));
    /// block_on(waits).unwrap();
    /// assert_eq!(rx.try_recv(), Ok("b"));
    /// ```
    pub fn send(&self, message: T) -> impl Future<Output = Result<(), TrySendError<T>>> + Send + '_ {
        Sending { sender: self, message: Some(message), ticket: None }
    }

    /// Sends in the control lane, which has no limit and overtakes all that waits in the user lane.
    ///
    /// # Errors
    /// The channel is closed; the message comes back.
    ///
    /// ```
    /// let (tx, mut rx) = ravelin_mailbox::channel(ravelin_mailbox::Unbounded);
    /// tx.try_send("work").unwrap();
    /// tx.send_control("stop").unwrap();
    /// assert_eq!(rx.try_recv(), Ok("stop"));
    /// ```
    pub fn send_control(&self, message: T) -> Result<(), SendError<T>> {
        let mut message = Some(message);
        match self.shared.mailbox.signal(Edge::Queue, |_| message.take().map(|message| (message, Cut::No))) {
            Ok(Signalled::WakeReceiver(waker)) => waker.wake(),
            Ok(Signalled::Wake(()) | Signalled::Quiet) => {}
            Err(_) => return message.map_or(Ok(()), |message| Err(SendError(message))),
        }
        Ok(())
    }

    /// How many messages wait in the user lane, without those that a selective receive has skipped. Exact; 0 after
    /// the receiver closed the channel.
    pub fn len(&self) -> usize {
        self.shared.mailbox.len() as usize
    }

    /// Whether no message waits in the user lane.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many accepted messages the overflow policy discarded.
    pub fn discarded(&self) -> u64 {
        self.shared.mailbox.discarded()
    }
}

fn wake(pushed: Pushed<(), ()>) {
    match pushed {
        Pushed::WakeReceiver(waker) => waker.wake(),
        Pushed::Displaced(records) => drop(records),
        Pushed::Quiet | Pushed::Wake(()) | Pushed::Discarded => {}
    }
}

impl<T: Send + 'static> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Sender { shared: self.shared.clone() }
    }
}

impl<T: Send + 'static> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            // The receiver leaves its waker before it looks at the count, so it cannot miss the last sender's end.
            if let Some(waker) = self.shared.mailbox.take_receiver() {
                waker.wake();
            }
        }
    }
}

struct Sending<'a, T: Send + 'static> {
    sender: &'a Sender<T>,
    message: Option<T>,
    ticket: Option<Ticket>,
}

impl<T: Send + 'static> Unpin for Sending<'_, T> {}

impl<T: Send + 'static> Future for Sending<'_, T> {
    type Output = Result<(), TrySendError<T>>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(message) = this.message.take() else { return Poll::Pending };
        let mailbox = &this.sender.shared.mailbox;
        match mailbox.push_or_wait(&Of::<T>::KIND, message, Edge::Queue, cx.waker(), &mut this.ticket) {
            Ok(pushed) => {
                wake(pushed);
                Poll::Ready(Ok(()))
            }
            Err(Refused::Closed(message)) => Poll::Ready(Err(TrySendError::Closed(message))),
            Err(Refused::Full(message)) if this.ticket.is_none() => {
                Poll::Ready(Err(TrySendError::Full(message)))
            }
            Err(Refused::Full(message)) => {
                this.message = Some(message);
                Poll::Pending
            }
        }
    }
}

impl<T: Send + 'static> Drop for Sending<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.sender.shared.mailbox.forget(ticket);
        }
    }
}

/// Takes messages out of a channel. Dropping it closes the channel and drops what is left.
pub struct Receiver<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    skipped: Skipped<T>,
    /// After `close`: what the mailbox still held.
    left: Option<Remains<(), T>>,
}

/// What selective receives looked at and left, oldest first; older than all that is in the same lane of the mailbox.
struct Skipped<T> {
    control: VecDeque<T>,
    user: VecDeque<T>,
}

enum Lane {
    Control,
    User,
}

impl<T: Send + 'static> Receiver<T> {
    /// The next message: control first, then what selective receives left, then the user lane. `None` when nothing
    /// is left and nothing will come: the channel is closed, or every sender is gone.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The next message, without waiting.
    ///
    /// # Errors
    /// [`RecvError::Empty`] when nothing waits, [`RecvError::Finished`] when nothing will come either.
    ///
    /// ```
    /// use ravelin_mailbox::{RecvError, Unbounded, channel};
    /// let (tx, mut rx) = channel(Unbounded);
    /// assert_eq!(rx.try_recv(), Err(RecvError::Empty));
    /// tx.try_send(1).unwrap();
    /// drop(tx);
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(rx.try_recv(), Err(RecvError::Finished));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, RecvError> {
        match self.poll_recv(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(message)) => Ok(message),
            Poll::Ready(None) => Err(RecvError::Finished),
            Poll::Pending => Err(RecvError::Empty),
        }
    }

    /// The oldest message that `wanted` picks, from the control lane if there is one in it; the others stay, in their
    /// order. Messages are looked at once per call, however often the call has to wait. `None` when nothing that waits
    /// is wanted and nothing will come.
    ///
    /// What was skipped no longer counts against the capacity, for a wanted message must find room behind it; a
    /// receiver that skips without end holds as much.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped, nor when `wanted` panics.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (tx, mut rx) = ravelin_mailbox::channel(ravelin_mailbox::Unbounded);
    /// for n in 1..=4 {
    ///     tx.try_send(n).unwrap();
    /// }
    /// assert_eq!(rx.recv_matching(|n| n % 3 == 0).await, Some(3));
    /// assert_eq!(rx.close_and_return(), [1, 2, 4]);
    /// # });
    /// ```
    pub async fn recv_matching(&mut self, mut wanted: impl FnMut(&T) -> bool) -> Option<T> {
        let (mut control_seen, mut user_seen) = (0, 0);
        poll_fn(|cx| {
            loop {
                while let Some(message) = self.take_control() {
                    self.skipped.control.push_back(message);
                }
                let picked = pick(&mut self.skipped.control, &mut control_seen, &mut wanted)
                    .or_else(|| pick(&mut self.skipped.user, &mut user_seen, &mut wanted));
                if picked.is_some() {
                    return Poll::Ready(picked);
                }
                match ready!(self.poll_new(cx)) {
                    Some((Lane::Control, message)) => self.skipped.control.push_back(message),
                    Some((Lane::User, message)) => self.skipped.user.push_back(message),
                    None => return Poll::Ready(None),
                }
            }
        })
        .await
    }

    /// Refuses what is sent from now on; what is in the channel can still be received. Senders that wait for room
    /// get their messages back.
    ///
    /// ```
    /// let (tx, mut rx) = ravelin_mailbox::channel(ravelin_mailbox::Unbounded);
    /// tx.try_send(1).unwrap();
    /// rx.close();
    /// assert!(tx.try_send(2).is_err());
    /// # futures::executor::block_on(async {
    /// assert_eq!(rx.recv().await, Some(1));
    /// assert_eq!(rx.recv().await, None);
    /// # });
    /// ```
    pub fn close(&mut self) {
        if self.left.is_none() {
            self.left = Some(self.shared.mailbox.close(|_| ()).0);
        }
    }

    /// Refuses what is sent from now on and returns what is left: control first, then the oldest first.
    pub fn close_and_return(&mut self) -> Vec<T> {
        self.close();
        let mut all = Vec::new();
        while let Ok(message) = self.try_recv() {
            all.push(message);
        }
        all
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(message) = self.skipped.control.pop_front().or_else(|| self.take_control()) {
            return Poll::Ready(Some(message));
        }
        if let Some(message) = self.skipped.user.pop_front() {
            return Poll::Ready(Some(message));
        }
        self.poll_new(cx).map(|new| new.map(|(_, message)| message))
    }

    /// The next message that no selective receive has looked at, and where it was.
    fn poll_new(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Lane, T)>> {
        if let Some(message) = self.take_control() {
            return Poll::Ready(Some((Lane::Control, message)));
        }
        if let Some(message) = self.take_user(cx) {
            return Poll::Ready(Some((Lane::User, message)));
        }
        // The waker is in place now, so what comes from here on wakes; what came before is looked for again. Once the
        // last sender is gone nothing comes, so after seeing that, this look is the last.
        let is_last_look = self.left.is_some() || self.shared.senders.load(Ordering::Acquire) == 0;
        if let Some(message) = self.take_control() {
            return Poll::Ready(Some((Lane::Control, message)));
        }
        if is_last_look {
            return Poll::Ready(self.take_user(cx).map(|message| (Lane::User, message)));
        }
        Poll::Pending
    }

    fn take_control(&mut self) -> Option<T> {
        match &mut self.left {
            Some(left) => left.control.pop_front(),
            None if self.shared.mailbox.has_control() => self.shared.mailbox.take_control(),
            None => None,
        }
    }

    /// Takes a message of the user lane, or leaves the waker of `cx`.
    fn take_user(&mut self, cx: &mut Context<'_>) -> Option<T> {
        match &mut self.left {
            Some(left) => next_left(left),
            // SAFETY: the record was pushed with the kind for `T` (see the module's proof).
            None => self.shared.mailbox.receive(cx.waker(), |_, record| unsafe { record.take::<T>() }),
        }
    }
}

/// Takes the first message behind the `seen` ones that is wanted, and counts what it looks at and leaves.
fn pick<T>(skipped: &mut VecDeque<T>, seen: &mut usize, wanted: &mut impl FnMut(&T) -> bool) -> Option<T> {
    while let Some(message) = skipped.get(*seen) {
        if wanted(message) {
            return skipped.remove(*seen);
        }
        *seen += 1;
    }
    None
}

fn next_left<T: Send + 'static>(left: &mut Remains<(), T>) -> Option<T> {
    loop {
        let oldest: &mut Records<()> = left.records.front_mut()?;
        if let Some(record) = oldest.pop() {
            // SAFETY: the record was pushed with the kind for `T` (see the module's proof).
            return Some(unsafe { record.take::<T>() });
        }
        left.records.pop_front();
    }
}

impl<T: Send + 'static> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the receiver is gone")
    }
}

impl<T> std::error::Error for SendError<T> {}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Closed(_) => f.write_str("Closed(..)"),
            TrySendError::Full(_) => f.write_str("Full(..)"),
        }
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Closed(_) => f.write_str("the receiver is gone"),
            TrySendError::Full(_) => f.write_str("the channel is full"),
        }
    }
}

impl<T> std::error::Error for TrySendError<T> {}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Empty => f.write_str("nothing waits"),
            RecvError::Finished => f.write_str("nothing waits and nothing will come"),
        }
    }
}

impl std::error::Error for RecvError {}

impl<T: Send + 'static> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender(..)")
    }
}

impl<T: Send + 'static> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver(..)")
    }
}
