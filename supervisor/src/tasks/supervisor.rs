//! The supervisor of tasks: where they are started.

use super::handle::{OnDrop, TaskHandle, leashed};
use crate::error::SupervisorError;
use crate::handle::SupervisorRef;
use crate::plan::Status;
use crate::policy::{ChildPolicy, Intensity, Restart};
use crate::spec::{ChildSpec, Starter, Starting, task};
use crate::tree::Supervisor;
use futures::future::BoxFuture;
use ravelin_core::{
    Actor, ActorRef, Cx, Exit, Inbox, Message, NoMessage, Pid, StartError, System, Task, TaskArgs, TaskFn,
};
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// A place for tasks in the tree: a dynamic supervisor, which starts them, and whose end is theirs.
/// Elixir's `Task.Supervisor`.
///
/// ```
/// # use ravelin_core::{runtimes::Local, Exit};
/// # use ravelin_supervisor::{Supervisor, start};
/// use ravelin_supervisor::tasks::{Outside, TaskError, TaskSupervisor};
/// # let local = Local::new();
/// # let runtime = local.clone();
/// # local.block_on(async move {
/// let tasks = TaskSupervisor::place("tasks");
/// let app = start(runtime, Supervisor::one_for_one("app").child(&tasks)).await.unwrap();
/// let sum = tasks.async_task(&Outside, async { 40 + 2 }).await.unwrap();
/// assert_eq!(sum.await, Ok(42));
/// let none: Vec<u8> = Vec::new();
/// let broken = tasks.async_nolink(async move { none[0] }).await.unwrap();
/// assert!(matches!(broken.await, Err(TaskError::Exited(Exit::Panic(_)))));
/// # app.stop().await;
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct TaskSupervisor {
    place: SupervisorRef,
    name: Arc<str>,
    intensity: Intensity,
    max_children: Option<usize>,
}

/// Who starts a task: an actor with handlers, by its [`Cx`]; a closure actor, by its [`Inbox`]; or somebody
/// [`Outside`] of any actor.
pub trait Caller {
    /// The actor, if it is one.
    fn actor(&self) -> Option<Pid>;
}

/// A caller that is no actor. There is nobody to link the task to; it ends when its handle is dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Outside;

impl Caller for Outside {
    fn actor(&self) -> Option<Pid> {
        None
    }
}

impl<A: Actor> Caller for Cx<A> {
    fn actor(&self) -> Option<Pid> {
        Some(self.pid())
    }
}

impl<M: Message> Caller for Inbox<M> {
    fn actor(&self) -> Option<Pid> {
        Some(self.pid())
    }
}

impl TaskSupervisor {
    /// A new place for tasks. It is a child like any other: `.child(&tasks)`. Until its supervisor is up, each start
    /// of a task fails with [`SupervisorError::NoProc`].
    pub fn place(name: impl Into<Arc<str>>) -> TaskSupervisor {
        let name = name.into();
        let intensity = Intensity { restarts: 3, period: Duration::from_secs(5) };
        TaskSupervisor { place: SupervisorRef::place(name.clone()), name, intensity, max_children: None }
    }

    /// At most so many tasks at a time; one more is refused with
    /// [`ChildError::MaxChildren`](crate::ChildError::MaxChildren). To be said before the supervisor starts.
    pub fn max_children(mut self, max: usize) -> TaskSupervisor {
        self.max_children = Some(max);
        self
    }

    /// At most so many restarts of children of [`start_child`](TaskSupervisor::start_child) within `period`; 3 in 5 s if
    /// nothing is said, as in Elixir. To be said before the supervisor starts.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> TaskSupervisor {
        self.intensity = Intensity { restarts, period };
        self
    }

    /// As a child of a tree.
    pub fn child_spec(&self) -> ChildSpec {
        let Intensity { restarts, period } = self.intensity;
        let tree = Supervisor::dynamic(self.name.clone()).intensity(restarts, period);
        match self.max_children {
            Some(max) => tree.max_children(max).at(&self.place),
            None => tree.at(&self.place),
        }
    }

    /// The supervisor, to ask it what one asks a supervisor.
    pub fn supervisor(&self) -> &SupervisorRef {
        &self.place
    }

    /// The tasks that run now. Elixir's `Task.Supervisor.children`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn children(&self) -> Result<Vec<Pid>, SupervisorError> {
        let children = self.place.which_children().await?;
        let running = children.into_iter().filter_map(|child| match child.status {
            Status::Running(pid) => Some(pid),
            Status::Restarting | Status::Stopped => None,
        });
        Ok(running.collect())
    }

    /// Runs `future` as a task that belongs to the caller: if the caller is an actor the two are linked, so a task that
    /// fails ends the caller, unless it traps exits, and the other way round. When the handle is dropped the task ends,
    /// unlinked. Elixir's `Task.Supervisor.async`.
    ///
    /// # Errors
    /// See [`SupervisorError`]. Nothing of the future ran.
    ///
    /// # Cancel safety
    /// Dropped half-way, the task ends at its first await, if it began at all.
    pub fn async_task<'s, C, F>(
        &'s self,
        caller: &C,
        future: F,
    ) -> impl Future<Output = Result<TaskHandle<F::Output>, SupervisorError>> + Send + use<'s, C, F>
    where
        C: Caller + ?Sized,
        F: Future<Output: Send> + Send + 'static,
    {
        self.run(future, caller.actor(), OnDrop::End)
    }

    /// Runs `future` as a task whose failure is a value and nothing else. When the handle is dropped it goes on, and
    /// nobody gets its outcome. Elixir's `Task.Supervisor.async_nolink`.
    ///
    /// # Errors
    /// See [`SupervisorError`]. Nothing of the future ran.
    ///
    /// # Cancel safety
    /// As [`async_task`](TaskSupervisor::async_task).
    pub async fn async_nolink<F>(&self, future: F) -> Result<TaskHandle<F::Output>, SupervisorError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.run(future, None, OnDrop::Detach).await
    }

    /// Runs an async function that nobody waits for; restarted as `restart` says, in Elixir's default never.
    /// Elixir's `Task.Supervisor.start_child`.
    ///
    /// # Errors
    /// See [`SupervisorError`]. The function was not called.
    pub async fn start_child<Shape, F>(&self, restart: Restart, function: F) -> Result<Pid, SupervisorError>
    where
        Shape: 'static,
        F: TaskFn<NoMessage, Shape>,
    {
        let started = self.place.start_child(task("task", function).restart(restart)).await?;
        started.ok_or(SupervisorError::Exited(Exit::Ignore))
    }

    pub(crate) async fn run<F>(
        &self,
        future: F,
        owner: Option<Pid>,
        on_drop: OnDrop,
    ) -> Result<TaskHandle<F::Output>, SupervisorError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (args, ends) = leashed(future, owner);
        let place = ActorRef::unnamed();
        let once =
            Arc::new(Once { place: place.clone(), args: Mutex::new(Some(args)), system: OnceLock::new() });
        let policy = ChildPolicy { restart: Restart::Temporary, ..ChildPolicy::worker() };
        let started = self.place.start_child(ChildSpec::new("task".into(), policy, once.clone())).await?;
        match (started, once.system.get()) {
            (Some(pid), Some(system)) => Ok(TaskHandle::new(pid, system.clone(), place, ends, on_drop)),
            (None, _) | (_, None) => Err(SupervisorError::Exited(Exit::Ignore)),
        }
    }
}

impl From<&TaskSupervisor> for ChildSpec {
    fn from(tasks: &TaskSupervisor) -> ChildSpec {
        tasks.child_spec()
    }
}

/// A task that can be started once.
struct Once {
    place: ActorRef<Task<NoMessage>>,
    args: Mutex<Option<TaskArgs<NoMessage>>>,
    /// Where it was started.
    system: OnceLock<System>,
}

impl Starter for Once {
    fn start(&self, start: Starting) -> BoxFuture<'static, Result<Pid, StartError>> {
        let args = self.args.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Starting { system, parent, grace, rank, capacity, .. } = start;
        let _ = self.system.set(system.clone());
        let place = self.place.clone();
        Box::pin(async move {
            let args = args.ok_or_else(|| StartError::Init(Exit::error("a task is started once")))?;
            system.start(&place, args).mailbox(capacity).adopted_by(parent, grace).rank(rank).await
        })
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<Task<NoMessage>>()
    }
}
