//! Calls and sends that may be to another node.

use crate::accepts::Remote;
use crate::addr::{Addr, Route};
use crate::proto::waits::CallId;
use crate::shell::{Aim, Ask, FarNumber, Hub, Letter, NotSent, Peer, Wait};
use crate::wire::{self, Wire};
use futures::future::BoxFuture;
use ravelin_core::{Asking, Call, CallError, Exit, SendError, Serve};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

impl<A: Remote> Addr<A> {
    /// Sends, and waits until the mailbox of the actor has it: for room on the way, and for room there, if the mailbox's
    /// policy is to wait. So who sends faster than the actor handles is slowed down, across nodes too, at the cost of a
    /// round trip for each message.
    ///
    /// # Errors
    /// As those of [`Addr::call`]: [`CallError::NoProc`] when nobody lives there; [`CallError::Full`] when the mailbox
    /// refuses; [`CallError::NotUnderstood`] when the message can not go there, or is not known there;
    /// `Exited(NoConnection)` when the node is not reached, or is lost meanwhile, and then the message may have arrived.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the message may have been sent.
    pub async fn send<M: Wire + Sync>(&self, message: M) -> Result<(), CallError<M>>
    where
        A: Serve<M>,
    {
        match self.route() {
            Route::Here(actor) => actor.send(message).await.map_err(|why| match why {
                SendError::Full(message) => CallError::Full(message),
                other => CallError::NoProc(other.into_message()),
            }),
            Route::Nobody => Err(CallError::NoProc(message)),
            Route::Nowhere => Err(CallError::Exited(Exit::NoConnection)),
            Route::There(hub, peer) => {
                let Some(aim) = self.aim().cloned() else { return Err(CallError::NoProc(message)) };
                Outgoing::<A, M>::send(hub, peer, aim, message, Asks::Room).await.map(drop)
            }
        }
    }

    /// Sends and waits for the answer, five seconds if nothing else is said. A call always ends; when the node is lost it
    /// ends at once, with [`Exited(NoConnection)`](CallError::Exited). The other node is told how long the caller waits.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::NotUnderstood`] says what the other node does not know or can not read.
    ///
    /// # Cancel safety
    /// Dropped, the other node is told; a request that was not begun there is not handled.
    pub fn call<M: Wire + Sync>(&self, message: M) -> AddrCall<'_, A, M>
    where
        A: Serve<M>,
    {
        AddrCall { addr: self, message, limit: Limits::default() }
    }
}

/// What a call says of its time.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    timeout: Option<Option<Duration>>,
    is_detached: bool,
}

/// A call that may be to another node; awaited, it is the answer. See [`Addr::call`].
#[must_use = "a call does nothing until it is awaited"]
pub struct AddrCall<'a, A: Remote, M: Wire> {
    addr: &'a Addr<A>,
    message: M,
    limit: Limits,
}

impl<A: Remote, M: Wire> AddrCall<'_, A, M> {
    /// Waits at most so long.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit.timeout = Some(Some(limit));
        self
    }

    /// Waits as long as it takes; no longer, all the same, than the call that the caller serves may take.
    pub fn no_timeout(mut self) -> Self {
        self.limit.timeout = Some(None);
        self
    }

    /// Its time is its own: it may take longer than the call that the caller serves.
    pub fn detached(mut self) -> Self {
        self.limit.is_detached = true;
        self
    }
}

impl<'a, A: Remote + Serve<M>, M: Wire + Sync> IntoFuture for AddrCall<'a, A, M> {
    type Output = Result<M::Reply, CallError<M>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let AddrCall { addr, message, limit } = self;
        Box::pin(async move {
            match addr.route() {
                Route::Here(actor) => limited(actor.call(message), limit).await,
                Route::Nobody => Err(CallError::NoProc(message)),
                Route::Nowhere => Err(CallError::Exited(Exit::NoConnection)),
                Route::There(hub, peer) => {
                    let Some(aim) = addr.aim().cloned() else { return Err(CallError::NoProc(message)) };
                    Outgoing::<A, M>::send(hub, peer, aim, message, Asks::Answer(limit))
                        .await
                        .and_then(|answer| answer.ok_or(CallError::NoReply))
                }
            }
        })
    }
}

fn limited<M: ravelin_core::Message>(mut call: Call<'_, M>, limit: Limits) -> Call<'_, M> {
    match limit.timeout {
        None => {}
        Some(Some(timeout)) => call = call.timeout(timeout),
        Some(None) => call = call.no_timeout(),
    }
    if limit.is_detached { call.detached() } else { call }
}

/// What is asked of the other node.
#[derive(Clone, Copy, Debug)]
enum Asks {
    /// That the mailbox has it.
    Room,
    /// An answer.
    Answer(Limits),
}

/// A request to another node, and the wait for what comes of it.
struct Outgoing<A: Remote, M: Wire> {
    hub: Arc<Hub>,
    peer: Arc<Peer>,
    aim: Aim,
    message: M,
    asks: Asks,
    _of: std::marker::PhantomData<fn(A)>,
}

/// Takes a request back whose caller has gone.
pub(crate) struct Cancel {
    pub(crate) peer: Arc<Peer>,
    pub(crate) id: Option<CallId>,
}

impl Drop for Cancel {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.peer.cancel(id);
        }
    }
}

impl<A: Remote, M: Wire + Sync> Outgoing<A, M> {
    fn send(
        hub: Arc<Hub>,
        peer: Arc<Peer>,
        aim: Aim,
        message: M,
        asks: Asks,
    ) -> impl Future<Output = Result<Option<M::Reply>, CallError<M>>> + Send {
        Outgoing::<A, M> { hub, peer, aim, message, asks, _of: std::marker::PhantomData }.run()
    }

    async fn run(self) -> Result<Option<M::Reply>, CallError<M>> {
        let Outgoing { hub, peer, aim, message, asks, .. } = self;
        let (reply, asking) = hub.system.asking::<Option<M::Reply>>();
        let mut asking = match asks {
            Asks::Room => asking.no_timeout(),
            Asks::Answer(limit) => limited_asking(asking, limit),
        };
        let budget = match asking.begin() {
            Ok(budget) => budget,
            Err(why) => return Err(why.map(|()| message)),
        };
        let is_send = matches!(asks, Asks::Room);
        // An actor that waits for an answer is seen to do so, before anybody learns of the request.
        let asker = ravelin_core::running().filter(|_| !is_send);
        let number = asker.map(|asker| FarNumber::new(&hub, asker));
        if let Some(number) = &number {
            asking.waits_as(number.number);
        }
        let ask = if is_send { Ask::Send } else { Ask::Call { budget } };
        let mut wait: Option<Wait> = Some(Box::new(move |answer| match answer {
            Ok(_) if is_send => reply.send(None),
            Ok(bytes) => match wire::read::<M::Codec, M::Reply>(&bytes) {
                Ok(answer) => reply.send(Some(answer)),
                Err(why) => {
                    let text = format!("the answer to `{}` could not be read: {why}", M::NAME);
                    reply.fail(CallError::NotUnderstood(text.into()));
                }
            },
            Err(why) => reply.fail(why),
        }));
        let mut cancel = Cancel { peer: peer.clone(), id: None };
        let outcome = poll_fn(|cx| {
            if let Some(unsent) = wait.take() {
                let route = Sent { peer: &peer, aim: &aim, number: number.as_ref() };
                match begin(route, &message, ask, unsent, cx.waker()) {
                    Ok(id) => cancel.id = Some(id),
                    Err((NotSent::Full, unsent)) => {
                        wait = Some(unsent);
                    }
                    Err((NotSent::NoConnection, unsent)) => {
                        unsent(Err(CallError::Exited(Exit::NoConnection)));
                    }
                    Err((NotSent::Unfit(why), unsent)) => unsent(Err(CallError::NotUnderstood(why.into()))),
                }
            }
            Pin::new(&mut asking).poll(cx)
        })
        .await;
        if !matches!(outcome, Err(CallError::Timeout)) {
            cancel.id = None;
        }
        outcome.map_err(|why| why.map(|()| message))
    }
}

/// Where a request goes, and what is to learn the number of its call.
#[derive(Clone, Copy)]
struct Sent<'a> {
    peer: &'a Peer,
    aim: &'a Aim,
    number: Option<&'a FarNumber>,
}

/// Sends the request. An error has the wait with it, so that it can be tried again.
fn begin<M: Wire>(
    sent: Sent<'_>,
    message: &M,
    ask: Ask,
    wait: Wait,
    waker: &Waker,
) -> Result<CallId, (NotSent, Wait)> {
    let Sent { peer, aim, number } = sent;
    let flow = ravelin_core::running();
    let mut unsent = Some(wait);
    let begun = peer.write(message, |payload| {
        let Some(wait) = unsent.take() else { return Err(NotSent::NoConnection) };
        let begun = |call| {
            if let Some(number) = number {
                number.is_for(peer.number, call);
            }
        };
        peer.ask(Letter { flow, aim, name: M::NAME, payload }, ask, wait, waker, begun).map_err(
            |(why, wait)| {
                unsent = Some(wait);
                why
            },
        )
    });
    begun.map_err(|why| (why, unsent.unwrap_or_else(|| Box::new(drop))))
}

fn limited_asking<R: Send>(mut asking: Asking<R>, limit: Limits) -> Asking<R> {
    match limit.timeout {
        None => {}
        Some(Some(timeout)) => asking = asking.timeout(timeout),
        Some(None) => asking = asking.no_timeout(),
    }
    if limit.is_detached { asking.detached() } else { asking }
}
