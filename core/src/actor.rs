//! What users write: an actor, and how it handles each kind of message.

use crate::cell::{Body, Header, InPlace, Payload, Serves, Stale, Takes, while_served};
use crate::cx::Cx;
use crate::exit::Exit;
use crate::fate::{Held, Owed, Pending, Serving, Unanswered};
use crate::info::{Info, Order};
use crate::ledger::Counters;
use crate::message::{Abandoned, Message};
use crate::reply::ReplyTo;
use crate::time::Time;
use pin_project_lite::pin_project;
use ravelin_mailbox::Class;
use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// An actor: state of its own, handling one message at a time. OTP's `gen_server`.
///
/// ```
/// use ravelin_core::{Actor, Cx, Exit, Handle, Message};
///
/// struct Add(i64);
/// impl Message for Add { type Reply = (); }
/// struct Get;
/// impl Message for Get { type Reply = i64; }
///
/// struct Counter { n: i64 }
/// impl Actor for Counter {
///     type Args = i64;
///     async fn init(n: i64, _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Counter { n }) }
/// }
/// impl Handle<Add> for Counter {
///     async fn handle(&mut self, m: Add, _: &mut Cx<Self>) { self.n += m.0 }
/// }
/// impl Handle<Get> for Counter {
///     async fn handle(&mut self, _: Get, _: &mut Cx<Self>) -> i64 { self.n }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    note = "write `impl Actor for {Self}` with `type Args` and `async fn init(args, cx)`"
)]
pub trait Actor: Sized + Send + 'static {
    /// What a start needs; made anew for each incarnation.
    type Args: Send + 'static;

    /// Whether a caller that finds the actor idle may run it in its own poll, without a trip through the executor: ten
    /// times faster for a short handler. Two such calls that one task joins are handled one after the other, so actors
    /// that took longer than a few microseconds are left to their own task; `Never` says so from the beginning.
    const IN_PLACE: InPlace = InPlace::WhenShort;

    /// Makes the state. The start that this belongs to returns when it is done, with its error if it has one;
    /// [`Exit::Ignore`] declines to run without being an error. Messages sent meanwhile wait. A panic is an error too.
    fn init(args: Self::Args, cx: &mut Cx<Self>) -> impl Future<Output = Result<Self, Exit>> + Send;

    /// Puts things in order before the end: after [`Cx::stop`], a stop that somebody asked for, a panic in a handler
    /// and, if it traps exits, the parent's order to shut down. Not after a kill, nor after an exit signal that is
    /// not trapped. A panic in here becomes the reason of the end. It is over before a successor starts.
    fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (why, cx);
        async {}
    }

    /// Handles a notice of the framework: the end of a monitored actor, a trapped exit signal, a time-out. By default
    /// it is logged at the level debug.
    fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        tracing::debug!(target: "ravelin", pid = %cx.pid(), ?info, "ravelin.unhandled_info");
        async {}
    }

    /// What [`Sys::get_state`](crate::sys::Sys::get_state) and a crash report show of the state; by default nothing, so
    /// that nobody's data gets into a log unasked. With `#[derive(Debug)]` on the actor one line is enough:
    /// `Some(format!("{self:#?}"))`. Called between two messages, and before the state of one that came to grief is
    /// dropped; a panic in it harms nobody. Source: `format_status/1`.
    fn inspect(&self) -> Option<String> {
        None
    }

    /// Takes another state, from the text that somebody gave to
    /// [`Sys::replace_state`](crate::sys::Sys::replace_state); by default refuses. Called between two messages.
    ///
    /// # Errors
    /// Why the text is no state; the state shall be as it was then. Should it panic, it is as the panic left it.
    fn replace(&mut self, text: &str) -> Result<(), String> {
        let _ = text;
        Err("this actor does not offer that: it has no `Actor::replace`".to_owned())
    }
}

/// Handles messages of type `M`; what it returns is the answer, if the message came by a call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{M}`",
    note = "write `impl Handle<{M}> for {Self}` with `async fn handle(&mut self, m: {M}, cx: &mut Cx<Self>)`"
)]
pub trait Handle<M: Message>: Actor {
    /// Handles one message. Killed at any of its awaits, it goes no further.
    fn handle(&mut self, message: M, cx: &mut Cx<Self>) -> impl Future<Output = M::Reply> + Send;

    // The three below are how a behaviour answers later for every type of message that its user handles. An impl of
    // `Serve` for all of them would overlap with the one below, which is for all that handle.

    /// [`Serve::serve`], for behaviours.
    #[doc(hidden)]
    #[inline(always)]
    fn on_serve(
        &mut self,
        message: M,
        reply: ReplyTo<M::Reply>,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = ()> + Send {
        Answering { handler: self.handle(message, cx), reply: Some(reply) }
    }

    /// [`Serve::take_cast`], for behaviours.
    #[doc(hidden)]
    #[inline(always)]
    fn on_cast(&mut self, message: M, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        Unasked { handler: self.handle(message, cx) }
    }

    /// [`Serve::take_call`], for behaviours.
    #[doc(hidden)]
    #[inline(always)]
    fn on_call(
        &mut self,
        message: M,
        reply: ReplyTo<M::Reply>,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = ()> + Send {
        self.on_serve(message, reply, cx)
    }
}

/// Handles messages of type `M` and answers when and from where it likes. Every [`Handle`] is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{M}`",
    note = "write `impl Handle<{M}> for {Self}` (or `Serve<{M}>`, to answer later)"
)]
pub trait Serve<M: Message>: Actor {
    /// Handles one message. `reply` is [`ReplyTo::nobody`] for a cast.
    fn serve(
        &mut self,
        message: M,
        reply: ReplyTo<M::Reply>,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = ()> + Send;

    /// What a cast is to the cell.
    #[doc(hidden)]
    #[inline(always)]
    fn take_cast(&mut self, message: M, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        self.serve(message, ReplyTo::nobody(), cx)
    }

    /// What a call is to the cell: a reply may come after `serve` has returned.
    #[doc(hidden)]
    fn take_call(
        &mut self,
        message: M,
        reply: ReplyTo<M::Reply>,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = ()> + Send {
        async move {
            let serving = Served::new(&reply);
            serving.seen_by(self.serve(message, reply, cx)).await;
            serving.done(cx);
        }
    }
}

impl<A: Handle<M>, M: Message> Serve<M> for A {
    #[inline(always)]
    fn serve(
        &mut self,
        message: M,
        reply: ReplyTo<M::Reply>,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = ()> + Send {
        self.on_serve(message, reply, cx)
    }

    #[inline(always)]
    fn take_cast(&mut self, message: M, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        self.on_cast(message, cx)
    }

    #[inline(always)]
    fn take_call(
        &mut self,
        message: M,
        reply: ReplyTo<M::Reply>,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = ()> + Send {
        self.on_call(message, reply, cx)
    }
}

/// A call while a handler serves it that may leave the answer for later: should the actor end before there is one, the
/// call ends with its reason.
#[doc(hidden)]
pub struct Served(Serving);

impl Served {
    /// The handler begins.
    pub fn new<R: Send + 'static>(reply: &ReplyTo<R>) -> Served {
        Served(Serving::new(reply.pending()))
    }

    /// The handler, which can see the call while it runs.
    pub fn seen_by<F: Future<Output = ()>>(&self, handler: F) -> impl Future<Output = ()> + use<F> {
        Seeing { handler, call: self.0.call() }
    }

    /// The handler is done.
    pub fn done<A>(self, cx: &mut Cx<A>) {
        match self.0.done() {
            Some((call, Held::Dropped)) if !cx.is_stopping() => call.fail(Unanswered::Dropped),
            Some((call, _)) => cx.owe(call),
            None => {}
        }
    }

    /// As `done`, for a call that was left for later before.
    pub fn done_again<A>(self, cx: &mut Cx<A>) {
        if let Some((call, Held::Dropped)) = self.0.done()
            && !cx.is_stopping()
        {
            call.fail(Unanswered::Dropped);
        }
    }
}

// These two are what an `async` block around the handler would be, without a frame of its own to poll, or to unwind.

pin_project! {
    /// A handler whose answer nobody waits for.
    struct Unasked<F> {
        #[pin]
        handler: F,
    }
}

impl<F: Future> Future for Unasked<F> {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().handler.poll(cx).map(drop)
    }
}

pin_project! {
    /// A handler whose answer goes to the caller.
    struct Answering<F, R>
    where
        R: Send,
        R: 'static,
    {
        #[pin]
        handler: F,
        reply: Option<ReplyTo<R>>,
    }
}

impl<F: Future<Output = R>, R: Send + 'static> Future for Answering<F, R> {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let Some(reply) = this.reply else { return Poll::Ready(()) };
        let answer = ready!(while_served(reply, || this.handler.poll(cx)));
        if let Some(reply) = this.reply.take() {
            reply.send(answer);
        }
        Poll::Ready(())
    }
}

pin_project! {
    /// A handler that has the way back to the caller in its own hands.
    struct Seeing<F> {
        #[pin]
        handler: F,
        call: Option<Owed>,
    }
}

impl<F: Future<Output = ()>> Future for Seeing<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match this.call {
            Some(call) => while_served(call, || this.handler.poll(cx)),
            None => this.handler.poll(cx),
        }
    }
}

impl<R: Send + 'static> Serves for ReplyTo<R> {
    fn call(&self) -> Option<Owed> {
        self.call()
    }
    fn look(&self) -> Option<&dyn Pending> {
        self.look()
    }
}

impl Serves for Owed {
    fn call(&self) -> Option<Owed> {
        Some(self.clone())
    }
    fn look(&self) -> Option<&dyn Pending> {
        Some(&**self)
    }
}

/// A message without a way back.
pub(crate) struct Cast<M>(pub(crate) M);

/// A message whose sender waits.
pub(crate) struct Call<M: Message>(pub(crate) M, pub(crate) ReplyTo<M::Reply>);

/// What a closure actor receives: a message and where the answer to it goes, or a notice of the framework.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received<M: Message> {
    /// A message; the second is [`ReplyTo::nobody`] when it was a cast.
    Message(M, ReplyTo<M::Reply>),
    /// A notice of the framework.
    Info(Info),
}

/// What a closure actor receives, and until when it may be handled.
pub(crate) struct Arrived<M: Message> {
    pub(crate) received: Received<M>,
    until: Option<Time>,
}

impl<M: Message> Arrived<M> {
    /// Why it is not to be handled any more, if so.
    #[inline]
    pub(crate) fn stale(&self, header: &Header) -> Option<Stale> {
        let Received::Message(_, reply) = &self.received else { return None };
        if M::ABANDONED == Abandoned::Skip && reply.is_abandoned() {
            return Some(Stale::Abandoned);
        }
        if M::TTL.is_some() { header.stale_after(self.until?) } else { None }
    }
}

impl<M: Message> From<Info> for Arrived<M> {
    fn from(info: Info) -> Arrived<M> {
        Arrived { received: Received::Info(info), until: None }
    }
}

impl<M: Message> Payload for Cast<M> {
    type Received = Arrived<M>;
    const CLASS: Class = M::CLASS;
    const TTL: Option<Duration> = M::TTL;
    fn message_name() -> &'static str {
        type_name::<M>()
    }
    fn received(self, until: Option<Time>) -> Arrived<M> {
        Arrived { received: Received::Message(self.0, ReplyTo::nobody()), until }
    }
    #[inline(always)]
    fn count(counters: &Counters) {
        counters.handled();
    }
}

impl<M: Message> Payload for Call<M> {
    type Received = Arrived<M>;
    const CLASS: Class = M::CLASS;
    const TTL: Option<Duration> = M::TTL;
    fn message_name() -> &'static str {
        type_name::<M>()
    }
    fn received(self, until: Option<Time>) -> Arrived<M> {
        Arrived { received: Received::Message(self.0, self.1), until }
    }
    #[inline(always)]
    fn stale(&self, _: &Header) -> Option<Stale> {
        (M::ABANDONED == Abandoned::Skip && self.1.is_abandoned()).then_some(Stale::Abandoned)
    }
    #[inline(always)]
    fn count(counters: &Counters) {
        counters.answered();
    }
}

impl Payload for Info {
    type Received = Info;
    const IS_NOTICE: bool = true;
    fn received(self, _: Option<Time>) -> Info {
        self
    }
    fn count(counters: &Counters) {
        counters.handled();
    }
}

impl Payload for Order {
    type Received = Order;
    const IS_NOTICE: bool = true;
    fn received(self, _: Option<Time>) -> Order {
        self
    }
    fn count(counters: &Counters) {
        counters.handled();
    }
}

impl<A: Actor> Body for A {
    type Args = A::Args;
    type Cx = Cx<A>;
    const IN_PLACE: InPlace = A::IN_PLACE;

    fn init(args: A::Args, cx: &mut Cx<A>) -> impl Future<Output = Result<A, Exit>> + Send {
        <A as Actor>::init(args, cx)
    }

    fn terminate(&mut self, why: &Exit, cx: &mut Cx<A>) -> impl Future<Output = ()> + Send {
        <A as Actor>::terminate(self, why, cx)
    }

    fn inspect(&self) -> Option<String> {
        <A as Actor>::inspect(self)
    }

    fn replace(&mut self, text: &str) -> Result<(), String> {
        <A as Actor>::replace(self, text)
    }
}

impl<A: Serve<M>, M: Message> Takes<Cast<M>> for A {
    #[inline(always)]
    fn take(&mut self, Cast(message): Cast<M>, cx: &mut Cx<A>) -> impl Future<Output = ()> + Send {
        self.take_cast(message, cx)
    }
}

impl<A: Serve<M>, M: Message> Takes<Call<M>> for A {
    #[inline(always)]
    fn take(&mut self, Call(message, reply): Call<M>, cx: &mut Cx<A>) -> impl Future<Output = ()> + Send {
        self.take_call(message, reply, cx)
    }
}

impl<A: Actor> Takes<Order> for A {
    async fn take(&mut self, Order { to, why }: Order, cx: &mut Cx<A>) {
        if to == cx.pid() {
            cx.stop(why);
        }
    }
}

impl<A: Actor> Takes<Info> for A {
    async fn take(&mut self, info: Info, cx: &mut Cx<A>) {
        if cx.is_current(&info) {
            self.handle_info(info, cx).await;
        }
    }
}
