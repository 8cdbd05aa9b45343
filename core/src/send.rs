//! A send that waits for room.

use crate::actor::Cast;
use crate::cell::Port;
use crate::error::SendError;
use crate::message::Message;
use ravelin_mailbox::{Refused, Ticket};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The future of `ActorRef::send`.
#[must_use = "a send does nothing until it is awaited"]
pub struct Sending<'a, M: Message> {
    port: Port<'a, Cast<M>>,
    message: Option<M>,
    ticket: Option<Ticket>,
}

impl<'a, M: Message> Sending<'a, M> {
    #[inline]
    pub(crate) fn new(port: Port<'a, Cast<M>>, message: M) -> Sending<'a, M> {
        Sending { port, message: Some(message), ticket: None }
    }
}

impl<M: Message> Unpin for Sending<'_, M> {}

impl<M: Message> Future for Sending<'_, M> {
    type Output = Result<(), SendError<M>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(message) = this.message.take() else { return Poll::Pending };
        match this.port.push_or_wait(Cast(message), cx.waker(), &mut this.ticket) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(Refused::Closed(Cast(message))) => Poll::Ready(Err(SendError::NoProc(message))),
            Err(Refused::Full(Cast(message))) if this.ticket.is_none() => {
                Poll::Ready(Err(SendError::Full(message)))
            }
            Err(Refused::Full(Cast(message))) => {
                this.message = Some(message);
                Poll::Pending
            }
        }
    }
}

impl<M: Message> Drop for Sending<'_, M> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.port.header().mailbox.forget(ticket);
        }
    }
}
