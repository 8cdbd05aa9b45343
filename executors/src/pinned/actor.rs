//! What users write: an actor whose state and futures stay on one thread.

use super::host::Pinned;
use futures::channel::{mpsc, oneshot};
use ravelin_core::{
    ActorRef, Cx, Exit, Info, Message, Pid, Runtime, System, Time, catch_panic, resume_panic,
};
use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

/// An actor that need not be `Send`, pinned to a thread; otherwise as [`Actor`](ravelin_core::Actor), and with the same
/// promises. All of it runs, and is dropped, on that thread.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a local actor",
    note = "write `impl LocalActor for {Self}` with `type Args` and `async fn init(args, cx)`"
)]
pub trait LocalActor: Sized + 'static {
    /// What a start needs; made anew for each incarnation. It travels to the thread, so it is `Send`.
    type Args: Send + 'static;

    /// Makes the state, on its thread. As [`Actor::init`](ravelin_core::Actor::init).
    fn init(args: Self::Args, cx: &mut LocalCx<Self>) -> impl Future<Output = Result<Self, Exit>>;

    /// Puts things in order before the end. As [`Actor::terminate`](ravelin_core::Actor::terminate): after a stop and after
    /// a panic, not after a kill.
    fn terminate(&mut self, why: &Exit, cx: &mut LocalCx<Self>) -> impl Future<Output = ()> {
        let _ = (why, cx);
        async {}
    }

    /// Handles a notice of the framework. As [`Actor::handle_info`](ravelin_core::Actor::handle_info).
    fn handle_info(&mut self, info: Info, cx: &mut LocalCx<Self>) -> impl Future<Output = ()> {
        tracing::debug!(target: "ravelin", pid = %cx.pid(), ?info, "ravelin.unhandled_info");
        async {}
    }
}

/// Handles messages of type `M` on the actor's thread; what it returns is the answer, if the message came by a call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{M}`",
    note = "write `impl LocalHandle<{M}> for {Self}` with `async fn handle(&mut self, m: {M}, cx: &mut LocalCx<Self>)`"
)]
pub trait LocalHandle<M: Message>: LocalActor {
    /// Handles one message. Killed at any of its awaits, it goes no further.
    fn handle(&mut self, message: M, cx: &mut LocalCx<Self>) -> impl Future<Output = M::Reply>;
}

/// Something that a local actor has its actor proper do.
pub(super) type Ask<A> = Box<dyn FnOnce(&mut Cx<Pinned<A>>) + Send>;

/// What a local actor's own code can do as that actor.
///
/// What needs the actor proper, where its bonds and timers are, goes through [`LocalCx::with`].
pub struct LocalCx<A: LocalActor> {
    pid: Pid,
    me: ActorRef<Pinned<A>>,
    system: System,
    asks: mpsc::UnboundedSender<Ask<A>>,
    pub(super) stop: Option<Exit>,
}

impl<A: LocalActor> LocalCx<A> {
    pub(super) fn new(cx: &Cx<Pinned<A>>, asks: mpsc::UnboundedSender<Ask<A>>) -> LocalCx<A> {
        LocalCx { pid: cx.pid(), me: cx.me(), system: cx.system().clone(), asks, stop: None }
    }

    /// This incarnation. Source: `self/0`.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// This actor's place.
    pub fn me(&self) -> &ActorRef<Pinned<A>> {
        &self.me
    }

    /// The system it lives in.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The runtime that its system runs on, which need not be that of its thread.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        self.system.runtime()
    }

    /// The time on that runtime's clock.
    pub fn now(&self) -> Time {
        self.runtime().now()
    }

    /// Waits. The actor handles no message meanwhile; a kill cuts the wait off.
    pub async fn sleep(&self, wait: Duration) {
        ravelin_core::sleep(&**self.runtime(), wait).await;
    }

    /// Ends this actor when the present callback returns, with this reason. The first reason given counts. As
    /// [`Cx::stop`].
    pub fn stop(&mut self, reason: Exit) {
        self.stop.get_or_insert(reason);
    }

    /// Does `f` with the context of the actor proper: links, monitors, timers, names, trapping exits, starting children.
    /// `f` runs wherever the system does, not on this thread, so it takes with it what is `Send` only. Costs two wake-ups.
    ///
    /// A panic in `f` is one of the caller's.
    ///
    /// ```
    /// # use ravelin_core::{Exit, Info, TrapExits};
    /// # use ravelin_executors::pinned::{LocalActor, LocalCx};
    /// # use std::time::Duration;
    /// struct Window;
    /// impl LocalActor for Window {
    ///     type Args = ravelin_core::Pid;
    ///     async fn init(other: ravelin_core::Pid, cx: &mut LocalCx<Self>) -> Result<Self, Exit> {
    ///         cx.with(move |cx| {
    ///             cx.trap_exits(TrapExits::Yes);
    ///             cx.monitor(other); // its `Down` comes to `handle_info`, on the thread
    ///             cx.receive_timeout(Duration::from_secs(60));
    ///         })
    ///         .await;
    ///         Ok(Window)
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    /// Dropped before it is ready, `f` is done all the same, or not at all.
    pub async fn with<R: Send + 'static>(
        &mut self,
        f: impl FnOnce(&mut Cx<Pinned<A>>) -> R + Send + 'static,
    ) -> R {
        let (to, outcome) = oneshot::channel();
        let ask: Ask<A> = Box::new(move |cx| drop(to.send(catch_panic(|| f(cx)))));
        let asked = self.asks.unbounded_send(ask);
        match (asked, outcome.await) {
            (Ok(()), Ok(Ok(done))) => done,
            (Ok(()), Ok(Err(Exit::Panic(panic)))) => resume_panic(&panic),
            // The actor proper has gone, and this is about to be cut off.
            _ => pending().await,
        }
    }
}

impl<A: LocalActor> fmt::Debug for LocalCx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCx").field("pid", &self.pid).field("stop", &self.stop).finish_non_exhaustive()
    }
}
