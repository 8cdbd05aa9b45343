//! Calls that all go to one incarnation.

use ravelin_core::{ActorRef, CallError, Exit, Message, Pid, Serve};

/// A place, and the incarnation there that answered first.
pub(crate) struct Pinned<A: ravelin_core::Actor> {
    place: ActorRef<A>,
    first: Option<Pid>,
}

impl<A: ravelin_core::Actor> Pinned<A> {
    pub(crate) fn new(place: ActorRef<A>) -> Pinned<A> {
        Pinned { place, first: None }
    }

    pub(crate) fn place(&self) -> &ActorRef<A> {
        &self.place
    }

    /// Calls, without a time limit: the answer, and whom it came from. A call always ends, with the callee at the latest.
    ///
    /// # Errors
    /// As those of a call; and `Exited` when another incarnation than the first lives there by now.
    pub(crate) async fn call<M: Message>(self, message: M) -> (Pinned<A>, Result<M::Reply, CallError<M>>)
    where
        A: Serve<M>,
    {
        let Pinned { place, first } = self;
        let Some(before) = place.pid() else {
            return (Pinned { place, first }, Err(CallError::NoProc(message)));
        };
        let first = first.unwrap_or(before);
        if before != first {
            let gone = CallError::Exited(why_gone(&place));
            return (Pinned { place, first: Some(first) }, Err(gone));
        }
        let answer = place.call(message).no_timeout().await;
        // It may have been answered by a successor that came up in between.
        let answer = match place.pid() {
            Some(after) if after != first => answer.and_then(|_| Err(CallError::Exited(why_gone(&place)))),
            _ => answer,
        };
        (Pinned { place, first: Some(first) }, answer)
    }

    /// From now on, whoever lives there.
    pub(crate) fn unpin(&mut self) {
        self.first = None;
    }
}

fn why_gone<A: ravelin_core::Actor>(place: &ActorRef<A>) -> Exit {
    place.last_exit().unwrap_or(Exit::NoProc)
}
