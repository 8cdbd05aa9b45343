//! The handle of a task: to wait for its value, to look after it, to end it.

use crate::error::SupervisorError;
use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, Either, select};
use futures::{FutureExt, StreamExt};
use ravelin_core::{
    ActorRef, CALL_TIMEOUT, Exit, Inbox, NoMessage, Pid, System, Task, TaskArgs, Timer, within,
};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Why a task gave no value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// It ended for this reason: a panic with its message and place, a kill, the end of its supervisor or of its caller.
    Exited(Exit),
    /// It was not started, and nothing of it ran.
    NotStarted(SupervisorError),
    /// It took longer than the caller waits.
    Timeout,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Exited(exit) => write!(f, "the task ended: {exit}"),
            TaskError::NotStarted(why) => write!(f, "the task was not started: {why}"),
            TaskError::Timeout => f.write_str("the task took too long"),
        }
    }
}

impl std::error::Error for TaskError {}

/// What a handle tells its task. When it says nothing more, for it is dropped, the task ends.
pub(crate) enum Word {
    /// Begin: somebody watches.
    Go,
    /// Go on alone.
    Detached,
}

/// What becomes of a task whose handle is dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OnDrop {
    Detach,
    End,
}

/// The task's end of the matter, and the handle's.
pub(crate) struct Ends<T> {
    result: oneshot::Receiver<T>,
    leash: mpsc::UnboundedSender<Word>,
}

/// The future as a task, linked to `owner`. It waits until somebody watches: so nobody misses its end, and what was
/// started for a caller that is gone does nothing.
pub(crate) fn leashed<F>(future: F, owner: Option<Pid>) -> (TaskArgs<NoMessage>, Ends<F::Output>)
where
    F: Future<Output: Send> + Send + 'static,
{
    let (give, result) = oneshot::channel();
    let (leash, mut words) = mpsc::unbounded();
    let mut future = Box::pin(future);
    let args = TaskArgs::once(move |mut inbox: Inbox<NoMessage>| async move {
        let Some(Word::Go) = words.next().await else { return };
        owner.into_iter().for_each(|owner| inbox.link(owner));
        let out = match select(words.next(), future.as_mut()).await {
            Either::Left((Some(Word::Go | Word::Detached), _)) => future.await,
            Either::Left((None, _)) => {
                // Nobody waits for it: its end is nobody's business.
                owner.into_iter().for_each(|owner| inbox.unlink(owner));
                return;
            }
            Either::Right((out, _)) => out,
        };
        // Nobody waits any more if this fails.
        let _ = give.send(out);
    });
    (args, Ends { result, leash })
}

/// A running task. As a future it gives the task's value, or why there is none; within five seconds if nothing else is
/// said, as a call. Elixir's `%Task{}`, and `Task.await`.
///
/// Dropped, it ends a task of [`async_task`](super::TaskSupervisor::async_task) at its next await, and lets one of
/// [`async_nolink`](super::TaskSupervisor::async_nolink) go on. To get the value as a message instead, give the handle
/// to [`Cx::pipe`](ravelin_core::Cx::pipe).
///
/// # Errors
/// See [`TaskError`]. After [`TaskError::Timeout`] the handle can be awaited again, if it was awaited by reference.
///
/// # Cancel safety
/// Awaited by reference and dropped half-way, nothing is lost.
#[must_use = "dropped, it ends its task"]
pub struct TaskHandle<T> {
    pid: Pid,
    system: System,
    place: ActorRef<Task<NoMessage>>,
    end: Option<BoxFuture<'static, Exit>>,
    result: oneshot::Receiver<T>,
    leash: Option<mpsc::UnboundedSender<Word>>,
    on_drop: OnDrop,
    limit: Option<Duration>,
    timer: Option<Pin<Box<dyn Timer>>>,
}

impl<T: Send + 'static> TaskHandle<T> {
    pub(crate) fn new(
        pid: Pid,
        system: System,
        place: ActorRef<Task<NoMessage>>,
        ends: Ends<T>,
        on_drop: OnDrop,
    ) -> TaskHandle<T> {
        let end = Some(system.ended(pid).boxed());
        let Ends { result, leash } = ends;
        // It was ended meanwhile if this fails.
        let _ = leash.unbounded_send(Word::Go);
        let (limit, timer) = (Some(CALL_TIMEOUT), None);
        TaskHandle { pid, system, place, end, result, leash: Some(leash), on_drop, limit, timer }
    }

    /// The task.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits at most so long, from the first poll after this.
    pub fn timeout(mut self, limit: Duration) -> Self {
        (self.limit, self.timer) = (Some(limit), None);
        self
    }

    /// Waits as long as it takes. Source: the time-out `infinity`.
    pub fn no_timeout(mut self) -> Self {
        (self.limit, self.timer) = (None, None);
        self
    }

    /// The outcome, if there is one within `wait`; with a wait of zero, if there is one now. `None`: the task goes on,
    /// and one may ask again. Once it gave the outcome, it gives `None`. Elixir's `Task.yield`.
    pub async fn yield_for(&mut self, wait: Duration) -> Option<Result<T, Exit>> {
        let runtime = self.system.runtime().clone();
        within(&*runtime, wait, poll_fn(|cx| self.poll_end(cx))).await
    }

    /// Ends the task, unlinked, and waits until it is gone: the value, if it was faster; the reason, if it failed by
    /// itself; `None` when it was cut off. Elixir's `Task.shutdown`.
    ///
    /// A task cannot trap exits, so OTP's brutal kill and a shutdown with a time-out are one thing here: it goes no
    /// further than its next await. To give it some time first, [`yield_for`](TaskHandle::yield_for) it.
    pub async fn shutdown(mut self) -> Option<Result<T, Exit>> {
        drop(self.leash.take());
        self.end.as_ref()?;
        match poll_fn(|cx| self.poll_end(cx)).await {
            Err(why) if why.is_normal() => None,
            outcome => Some(outcome),
        }
    }

    /// What came of it, when it is gone. Once.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Exit>> {
        let Some(end) = &mut self.end else { return Poll::Pending };
        let why = ready!(end.poll_unpin(cx));
        self.end = None;
        Poll::Ready(match self.result.try_recv() {
            Ok(Some(value)) => Ok(value),
            // It was gone before the handle began to watch; its place knows.
            Ok(None) | Err(oneshot::Canceled) if why == Exit::NoProc => {
                Err(self.place.last_exit().unwrap_or(why))
            }
            Ok(None) | Err(oneshot::Canceled) => Err(why),
        })
    }
}

impl<T> Unpin for TaskHandle<T> {}

impl<T: Send + 'static> Future for TaskHandle<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(outcome) = this.poll_end(cx) {
            return Poll::Ready(outcome.map_err(TaskError::Exited));
        }
        let Some(limit) = this.limit else { return Poll::Pending };
        let runtime = this.system.runtime();
        let timer = this.timer.get_or_insert_with(|| runtime.timer(runtime.now() + limit));
        ready!(timer.as_mut().poll(cx));
        this.timer = None;
        Poll::Ready(Err(TaskError::Timeout))
    }
}

impl<T> Drop for TaskHandle<T> {
    fn drop(&mut self) {
        if self.on_drop == OnDrop::Detach
            && let Some(leash) = self.leash.take()
        {
            // It has ended already if this fails.
            let _ = leash.unbounded_send(Word::Detached);
        }
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle").field("pid", &self.pid).field("on_drop", &self.on_drop).finish()
    }
}
