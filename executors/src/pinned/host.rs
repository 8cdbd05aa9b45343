//! The actor proper: it handles each message by having it handled on the thread where the state is.

use super::actor::{Ask, LocalActor, LocalCx, LocalHandle};
use super::keeper::{Cut, CutOnDrop, keep};
use futures::channel::{mpsc, oneshot};
use futures::future::{FutureExt, LocalBoxFuture};
use futures::stream::StreamExt;
use ravelin_core::{
    Actor, ChildGrace, Cx, Exit, Handle, InPlace, Info, LocalRuntime, Message, NoMessage, Pid, Task,
    TaskArgs, TrapExits, catch_panic, resume_panic,
};
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// An actor whose state, an `A`, is on a thread of its own and never leaves it. Started with [`pinned`]; see the
/// [module](crate::pinned).
pub struct Pinned<A: LocalActor> {
    jobs: mpsc::UnboundedSender<Job<A>>,
    asks: mpsc::UnboundedReceiver<Ask<A>>,
    cut: Arc<Cut>,
    keeper: Pid,
}

/// What a pinned actor is started with. Made by [`pinned`].
pub struct PinnedArgs<A: LocalActor> {
    thread: Arc<dyn LocalRuntime>,
    args: A::Args,
}

/// The start of a pinned actor: on which thread, and with what.
///
/// The thread is that of `Local`, of a [`Hosted`](crate::runtimes::Hosted), of a simulated runtime, or of any
/// [`LocalRuntime`] of yours. It must run while the actor lives; it need not be the one that the system runs on.
///
/// ```
/// # use ravelin_core::{ActorRef, Exit, runtimes::Local};
/// # use ravelin_executors::pinned::{LocalActor, LocalCx, Pinned, pinned};
/// # struct Window; impl LocalActor for Window { type Args = u32;
/// #     async fn init(_: u32, _: &mut LocalCx<Self>) -> Result<Self, Exit> { Ok(Window) } }
/// let thread = Local::new();
/// let window = ActorRef::<Pinned<Window>>::place("window");
/// let spec = ravelin_supervisor::child(&window, move || pinned(thread.clone(), 42)); // restarted on the same thread
/// ```
pub fn pinned<A: LocalActor>(thread: Arc<dyn LocalRuntime>, args: A::Args) -> PinnedArgs<A> {
    PinnedArgs { thread, args }
}

/// Something to be done with the state on its thread. The state is there once a job has made it.
type Job<A> = Box<dyn for<'a> FnOnce(&'a mut Option<A>, &'a mut LocalCx<A>) -> LocalBoxFuture<'a, ()> + Send>;

/// How a job went, and whether the actor stops itself.
struct Outcome<R> {
    result: Result<R, Exit>,
    stop: Option<Exit>,
}

impl<A: LocalActor> Pinned<A> {
    /// Has a job done, and does meanwhile what it asks for. `None`: the thread has let the state go. A panic of the job
    /// is one of the caller's.
    async fn have_done<R>(
        &mut self,
        cx: &mut Cx<Self>,
        job: Job<A>,
        mut outcome: oneshot::Receiver<Outcome<R>>,
    ) -> Option<R> {
        // Cut off here by a kill, the job is cut off there.
        let guard = CutOnDrop::new(&self.cut);
        // When this fails the job is dropped, and with it the sender of the outcome.
        let _ = self.jobs.unbounded_send(job);
        let asks = &mut self.asks;
        let outcome = poll_fn(|task| {
            while let Poll::Ready(Some(ask)) = asks.poll_next_unpin(task) {
                ask(cx);
            }
            outcome.poll_unpin(task)
        })
        .await;
        guard.disarm();
        let Outcome { result, stop } = outcome.ok()?;
        if let Some(stop) = stop {
            cx.stop(stop);
        }
        match result {
            Ok(done) => Some(done),
            Err(Exit::Panic(panic)) => resume_panic(&panic),
            Err(_) => None,
        }
    }

    /// Ends this actor on the spot, whose state is gone.
    async fn lost<R>(cx: &mut Cx<Self>) -> R {
        cx.trap_exits(TrapExits::No);
        cx.exit(cx.pid(), Exit::Lost);
        pending().await
    }
}

impl<A: LocalActor> Actor for Pinned<A> {
    type Args = PinnedArgs<A>;
    const IN_PLACE: InPlace = InPlace::Never;

    async fn init(PinnedArgs { thread, args }: PinnedArgs<A>, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let (jobs, to_do) = mpsc::unbounded();
        let (asked, asks) = mpsc::unbounded();
        let cut = Arc::<Cut>::default();
        let local = LocalCx::new(cx, asked);
        let (order, life) = (cut.clone(), move || live(to_do, local).boxed_local());
        let keeper = TaskArgs::once(move |inbox| keep(inbox, thread, order, life));
        let keeper = cx.system().spawn::<Task<NoMessage>>(keeper);
        let keeper = keeper.adopted_by(cx.pid(), ChildGrace::Supervisor).await;
        let keeper = keeper.map_err(|error| error.into_exit())?.pid().ok_or(Exit::Lost)?;
        let mut host = Pinned { jobs, asks, cut, keeper };
        let (to, outcome) = oneshot::channel();
        let job: Job<A> = Box::new(move |state, cx| {
            Box::pin(async move {
                let made = caught(A::init(args, cx)).await;
                let result = made.map(|made| made.map(|made| *state = Some(made)));
                let _ = to.send(Outcome { result, stop: cx.stop.take() });
            })
        });
        match host.have_done(cx, job, outcome).await {
            Some(Ok(())) => Ok(host),
            Some(Err(exit)) => Err(exit),
            None => Err(Exit::Lost),
        }
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        let (to, outcome) = oneshot::channel();
        let why = why.clone();
        let job = job_of(to, async move |state: &mut A, cx: &mut LocalCx<A>| state.terminate(&why, cx).await);
        self.have_done(cx, job, outcome).await;
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Info::Exit { from, reason } = &info
            && *from == self.keeper
        {
            return cx.stop(reason.clone());
        }
        let (to, outcome) = oneshot::channel();
        let job =
            job_of(to, async move |state: &mut A, cx: &mut LocalCx<A>| state.handle_info(info, cx).await);
        if self.have_done(cx, job, outcome).await.is_none() {
            Self::lost(cx).await
        }
    }
}

impl<A: LocalHandle<M>, M: Message> Handle<M> for Pinned<A> {
    async fn handle(&mut self, message: M, cx: &mut Cx<Self>) -> M::Reply {
        let (to, outcome) = oneshot::channel();
        let job = job_of(to, async move |state: &mut A, cx: &mut LocalCx<A>| state.handle(message, cx).await);
        match self.have_done(cx, job, outcome).await {
            Some(answer) => answer,
            None => Self::lost(cx).await,
        }
    }
}

/// The job that calls `f` with the state, and sends the outcome.
fn job_of<A: LocalActor, R: Send + 'static>(
    to: oneshot::Sender<Outcome<R>>,
    f: impl AsyncFnOnce(&mut A, &mut LocalCx<A>) -> R + Send + 'static,
) -> Job<A> {
    Box::new(move |state, cx| {
        Box::pin(async move {
            // Without a state nobody is up, and no such job comes.
            let Some(state) = state else { return };
            let result = caught(f(state, cx)).await;
            let _ = to.send(Outcome { result, stop: cx.stop.take() });
        })
    })
}

/// The life of a state: one job after the other.
async fn live<A: LocalActor>(mut jobs: mpsc::UnboundedReceiver<Job<A>>, mut cx: LocalCx<A>) {
    let mut state = None;
    while let Some(job) = jobs.next().await {
        job(&mut state, &mut cx).await;
    }
}

/// The output of `future`, or the exit reason that its panic is.
async fn caught<F: Future>(future: F) -> Result<F::Output, Exit> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_panic(|| future.as_mut().poll(cx)) {
        Ok(Poll::Ready(out)) => Poll::Ready(Ok(out)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(exit) => Poll::Ready(Err(exit)),
    })
    .await
}

impl<A: LocalActor> fmt::Debug for Pinned<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("keeper", &self.keeper).finish_non_exhaustive()
    }
}

impl<A: LocalActor> fmt::Debug for PinnedArgs<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedArgs").finish_non_exhaustive()
    }
}
