//! Futures and streams whose results come back as messages. Their helpers end with the incarnation.

use crate::actor::{Actor, Cast, Serve};
use crate::cell::{Payload, TypedRef};
use crate::cx::Cx;
use crate::error::SendError;
use crate::exit::Exit;
use crate::fate;
use crate::id::Pid;
use crate::message::Message;
use crate::task::{NoMessage, Task, TaskArgs};
use futures::stream::{Stream, StreamExt};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

impl<A: Actor> Cx<A> {
    /// Runs `future` beside this actor, which goes on handling messages; its outcome comes back as the message that
    /// `message` makes of it, whatever the capacity of the mailbox. A panic in it is an `Err`. Ended with this
    /// incarnation. Costs an actor.
    pub fn pipe<F, M>(
        &mut self,
        future: F,
        message: impl FnOnce(Result<F::Output, Exit>) -> M + Send + 'static,
    ) where
        F: Future<Output: Send> + Send + 'static,
        M: Message,
        A: Serve<M>,
    {
        let me = self.me();
        self.help(async move {
            let out = isolated(future).await;
            let _ = me.typed.push_exempt(Cast(message(out)));
        });
    }

    /// Sends each item of `stream` to this actor, as the message that `message` makes of it, and at the end
    /// `message(None)`. Waits for room in the mailbox, so that a busy actor slows its source down. Ended with this
    /// incarnation. Costs an actor.
    pub fn attach<S, M>(&mut self, stream: S, mut message: impl FnMut(Option<S::Item>) -> M + Send + 'static)
    where
        S: Stream<Item: Send> + Send + 'static,
        M: Message,
        A: Serve<M>,
    {
        let me = self.me();
        self.help(async move {
            let mut stream = Box::pin(stream);
            loop {
                let item = stream.next().await;
                let is_last = item.is_none();
                match me.send(message(item)).await {
                    Ok(()) => {}
                    // A mailbox that refuses cannot slow the source down; then nothing is lost either.
                    Err(SendError::Full(message)) => drop(me.typed.push_exempt(Cast(message))),
                    Err(SendError::NoConnection(_) | SendError::NoProc(_) | SendError::Unfit(_)) => return,
                }
                if is_last {
                    return;
                }
            }
        });
    }

    /// Handles `message` before any that waits in the mailbox: right after `init`, or after the present handler.
    /// Source: `{continue, Continue}`.
    pub fn continue_with<M: Message>(&mut self, message: M)
    where
        A: Serve<M>,
    {
        self.go_on(Cast(message));
    }

    pub(crate) fn go_on<P: Payload>(&mut self, payload: P)
    where
        A: crate::cell::Takes<P>,
    {
        TypedRef::<A>::then(&mut self.own, payload);
    }

    fn help(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let start = self.system().spawn::<Task<NoMessage>>(TaskArgs::once(move |_| work));
        let mut start = pin!(start);
        // A task's `init` never waits, so one poll starts it; where it cannot run at once, it runs a little later.
        let _ = start.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        let Some(pid) = start.place_pid() else { return };
        self.keep_helper(pid);
    }

    fn keep_helper(&mut self, pid: Pid) {
        let system = self.system().clone();
        self.own.with(|inner| {
            let helpers = &mut inner.rare.get_or_insert_default().helpers;
            if helpers.len() == helpers.capacity() {
                helpers.retain(|helper| system.is_alive(*helper));
            }
            helpers.push(pid);
        });
    }
}

/// The output of `future`, or the exit reason that its panic is.
async fn isolated<F: Future>(future: F) -> Result<F::Output, Exit> {
    let mut future = pin!(future);
    poll_fn(|cx| match fate::isolate(|| future.as_mut().poll(cx)) {
        Ok(Poll::Ready(out)) => Poll::Ready(Ok(out)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(exit) => Poll::Ready(Err(exit)),
    })
    .await
}
