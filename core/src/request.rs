//! Requests whose way back is somebody else's, and messages that are for one incarnation only: what a node does for
//! those of other nodes.

use crate::actor::{Actor, Call, Cast, Serve};
use crate::asking::Caller;
use crate::cell::{Payload, Port, TypedRef};
use crate::error::SendError;
use crate::fate;
use crate::id::Pid;
use crate::message::Message;
use crate::reference::ActorRef;
use crate::reply::ReplyTo;
use crate::system::System;
use ravelin_mailbox::{Refused, Ticket};
use std::any::TypeId;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A request that was not accepted, with its way back.
pub type Returned<M> = SendError<(M, ReplyTo<<M as Message>::Reply>)>;

impl System {
    /// The place of this living incarnation, if it is one of an `A`: from a pid to what can be sent to. A message that
    /// is for the incarnation, not for the place, goes through [`ActorRef::only`].
    pub fn at<A: Actor>(&self, pid: Pid) -> Option<ActorRef<A>> {
        TypedRef::of(self.cell(pid)?).map(|typed| ActorRef { typed })
    }

    /// Which type of actor this living incarnation is; for a table by types. (A closure actor's is a type of its own.)
    pub fn type_of(&self, pid: Pid) -> Option<TypeId> {
        self.cell(pid).map(|cell| cell.header().type_id())
    }

    /// A number for a place, which no other place of this system ever has: to name it to other nodes. The place belongs
    /// to this system from now on. `None`: it belongs to another one.
    ///
    /// Who keeps a table from numbers to places keeps the places; [`ActorRef::is_last`] says which of them nobody else
    /// needs. A place that is named again after it was let go has another handle somewhere, and so the same number.
    pub fn number_of<A: Actor>(&self, place: &ActorRef<A>) -> Option<u64> {
        let cell = place.typed.cell();
        if !cell.bind(self.host()) {
            return None;
        }
        let known = cell.header().mailbox.with(|_, life| life.number());
        known.or_else(|| {
            let number = self.next_ref() + 1;
            Some(cell.header().mailbox.with(|_, life| life.set_number(number)))
        })
    }
}

impl<A: Actor> ActorRef<A> {
    /// Whether this is the last handle of the place, and nobody lives there: without this one nobody can come to live
    /// there any more. A hint while others may clone this very handle; yes stays right if nobody can. No may be said
    /// for a while after it became true.
    pub fn is_last(&self) -> bool {
        self.typed.cell().is_alone()
    }

    /// This place while this incarnation lives there: what is sent through it never reaches a successor. (One that was
    /// accepted, in a mailbox that is [kept](crate::Start::keep_mailbox) over ends, is kept like all others.)
    pub fn only(&self, pid: Pid) -> Only<'_, A> {
        Only { place: self, pid }
    }

    /// Sends a request whose answer goes to `reply`, and goes on: never waits. A handler that serves a call passes it on
    /// so, with the `ReplyTo` that it got.
    ///
    /// # Errors
    /// As for [`ActorRef::cast`]; the request comes back, with its way back.
    pub fn cast_request<M: Message>(&self, request: M, reply: ReplyTo<M::Reply>) -> Result<(), Returned<M>>
    where
        A: Serve<M>,
    {
        push(self.typed.port(), None, request, reply)
    }

    /// As `cast_request`, waiting for room in the mailbox if its policy is to wait.
    ///
    /// # Errors
    /// As for [`ActorRef::cast`]; the request comes back, with its way back.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent, and the call ends with [`NoReply`](crate::CallError::NoReply).
    pub fn send_request<M: Message>(&self, request: M, reply: ReplyTo<M::Reply>) -> Requesting<'_, M>
    where
        A: Serve<M>,
    {
        Requesting(Waiting::new(self.typed.port(), None, Call(request, reply)))
    }
}

impl Caller {
    /// Whom it asks: who lives at this place. To be said before the question goes there; without it nobody sees where
    /// its wait leads.
    #[doc(hidden)]
    pub fn asks<A: Actor>(&self, place: &ActorRef<A>) {
        self.asks_cell(place.typed.cell());
    }
}

/// A place while one incarnation lives there. See [`ActorRef::only`].
pub struct Only<'a, A: Actor> {
    place: &'a ActorRef<A>,
    pid: Pid,
}

impl<'a, A: Actor> Only<'a, A> {
    /// As [`ActorRef::cast`].
    ///
    /// # Errors
    /// The mailbox refused, or that incarnation is over; the message comes back.
    pub fn cast<M: Message>(&self, message: M) -> Result<(), SendError<M>>
    where
        A: Serve<M>,
    {
        match self.place.typed.port().push_to(Some(self.pid), Cast(message), None) {
            Ok(()) => Ok(()),
            Err(Refused::Closed(Cast(message))) => Err(SendError::NoProc(message)),
            Err(Refused::Full(Cast(message))) => Err(SendError::Full(message)),
        }
    }

    /// As [`ActorRef::send`].
    ///
    /// # Errors
    /// As for [`Only::cast`]; also when that incarnation ends while the message waits for room.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent.
    pub async fn send<M: Message>(&self, message: M) -> Result<(), SendError<M>>
    where
        A: Serve<M>,
    {
        let mut waiting = Waiting::new(self.place.typed.port(), Some(self.pid), Cast(message));
        poll_fn(|cx| waiting.poll(cx)).await.map_err(|refused| match refused {
            Refused::Closed(Cast(message)) => SendError::NoProc(message),
            Refused::Full(Cast(message)) => SendError::Full(message),
        })
    }

    /// As [`ActorRef::cast_request`].
    ///
    /// # Errors
    /// The mailbox refused, or that incarnation is over; the request comes back, with its way back.
    pub fn cast_request<M: Message>(&self, request: M, reply: ReplyTo<M::Reply>) -> Result<(), Returned<M>>
    where
        A: Serve<M>,
    {
        push(self.place.typed.port(), Some(self.pid), request, reply)
    }

    /// As [`ActorRef::send_request`].
    pub fn send_request<M: Message>(&self, request: M, reply: ReplyTo<M::Reply>) -> Requesting<'a, M>
    where
        A: Serve<M>,
    {
        Requesting(Waiting::new(self.place.typed.port(), Some(self.pid), Call(request, reply)))
    }
}

impl<A: Actor> fmt::Debug for Only<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Only({})", self.pid)
    }
}

fn push<M: Message>(
    port: Port<'_, Call<M>>,
    to: Option<Pid>,
    request: M,
    reply: ReplyTo<M::Reply>,
) -> Result<(), Returned<M>> {
    match fate::discarding(|| port.push_to(to, Call(request, reply), None)) {
        Ok(()) => Ok(()),
        Err(Refused::Closed(Call(request, reply))) => Err(SendError::NoProc((request, reply))),
        Err(Refused::Full(Call(request, reply))) => Err(SendError::Full((request, reply))),
    }
}

/// The future of [`ActorRef::send_request`].
#[must_use = "a send does nothing until it is awaited"]
pub struct Requesting<'a, M: Message>(Waiting<'a, Call<M>>);

impl<M: Message> Future for Requesting<'_, M> {
    type Output = Result<(), Returned<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_err(|refused| match refused {
            Refused::Closed(Call(request, reply)) => SendError::NoProc((request, reply)),
            Refused::Full(Call(request, reply)) => SendError::Full((request, reply)),
        })
    }
}

impl<M: Message> fmt::Debug for Requesting<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Requesting")
    }
}

/// Something that waits for room in the mailbox of one incarnation, or of whoever lives there.
struct Waiting<'a, P: Payload> {
    port: Port<'a, P>,
    to: Option<Pid>,
    payload: Option<P>,
    ticket: Option<Ticket>,
}

impl<P: Payload> Unpin for Waiting<'_, P> {}

impl<'a, P: Payload> Waiting<'a, P> {
    fn new(port: Port<'a, P>, to: Option<Pid>, payload: P) -> Waiting<'a, P> {
        Waiting { port, to, payload: Some(payload), ticket: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refused<P>>> {
        let Some(payload) = self.payload.take() else { return Poll::Pending };
        let wait = Some((cx.waker(), &mut self.ticket));
        match fate::discarding(|| self.port.push_to(self.to, payload, wait)) {
            Err(Refused::Full(payload)) if self.ticket.is_some() => {
                self.payload = Some(payload);
                Poll::Pending
            }
            outcome => Poll::Ready(outcome),
        }
    }
}

impl<P: Payload> Drop for Waiting<'_, P> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.port.header().mailbox.forget(ticket);
        }
    }
}
