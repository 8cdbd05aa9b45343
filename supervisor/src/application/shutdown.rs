//! The handle of a coordinated shutdown: its phases, the tasks registered in them, and its beginning.

use super::phases::{Duty, KILL_GRACE, Phase};
use super::report::ShutdownReason;
use super::signal::Signal;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::BoxFuture;
use ravelin_core::{Exit, TaskOutput};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How a node shuts down: phases in order, with tasks in them. Cheap to clone; hand it to whoever has something to see
/// to at the end, or a reason to end. Source: Akka's `CoordinatedShutdown`.
///
/// The tasks of a phase run side by side, each as an actor. A phase is left when its tasks are done. At its deadline
/// those that are not are killed and reported, and the next phase begins; so is a task that fails or panics. One that
/// does not come to an await, where a kill takes effect, is left behind a second later.
///
/// The phases, if you say nothing else: `stop accepting` (5 s), `drain` (5 s), `stop trees` (10 s), in which the
/// applications stop in reverse order, and `close stores` (5 s). Then always comes `end the rest` (2 s): actors outside
/// the trees. All of it takes [`longest`](CoordinatedShutdown::longest) at most.
///
/// ```
/// use ravelin_supervisor::application::{CoordinatedShutdown, TaskError};
/// use std::time::Duration;
/// let shutdown = CoordinatedShutdown::new();
/// shutdown.task("drain", "orders", || async { /* wait for the last answer */ }).unwrap();
/// assert_eq!(shutdown.task("drian", "x", || async {}).unwrap_err(), TaskError::NoSuchPhase("drian".into()));
/// assert_eq!(shutdown.longest(), Duration::from_secs(27 + 5));
/// ```
#[derive(Clone)]
pub struct CoordinatedShutdown {
    phases: Arc<[Phase]>,
    total: Option<Duration>,
    shared: Arc<Mutex<Shared>>,
    orders: UnboundedSender<Order>,
}

/// Names a task, to take it back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TaskId(u64);

/// What a task does: called once.
pub(crate) type Work = Box<dyn FnOnce() -> BoxFuture<'static, Result<(), Exit>> + Send>;

/// A task that waits for its phase.
pub(crate) struct Planned {
    id: TaskId,
    pub(crate) phase: usize,
    pub(crate) name: Arc<str>,
    pub(crate) work: Work,
}

struct Shared {
    tasks: Vec<Planned>,
    made: u64,
    signals: u32,
    reason: Option<ShutdownReason>,
    /// Until a node takes it.
    orders: Option<UnboundedReceiver<Order>>,
}

/// What the one who performs the shutdown is told.
pub(crate) enum Order {
    Begin(ShutdownReason),
    CutShort(Signal),
}

/// Phases that make no sense.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PhaseError {
    /// Two phases have this name.
    Duplicate(Arc<str>),
    /// The trees stop in no phase.
    NoTrees,
    /// The trees stop in two phases.
    TwoTrees,
}

/// Why a task was not registered.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// There is no phase of this name.
    NoSuchPhase(Arc<str>),
    /// The shutdown has begun.
    ShuttingDown,
}

impl CoordinatedShutdown {
    /// The usual phases.
    pub fn new() -> CoordinatedShutdown {
        let secs = Duration::from_secs;
        CoordinatedShutdown::of(vec![
            Phase::new("stop accepting", secs(5)),
            Phase::new("drain", secs(5)),
            Phase::trees("stop trees", secs(10)),
            Phase::new("close stores", secs(5)),
        ])
    }

    /// These phases, in this order; in exactly one of them the trees stop.
    ///
    /// # Errors
    /// They make no sense.
    pub fn with_phases(phases: impl IntoIterator<Item = Phase>) -> Result<CoordinatedShutdown, PhaseError> {
        let phases: Vec<Phase> = phases.into_iter().collect();
        let mut names = BTreeSet::from([END_THE_REST]);
        if let Some(twice) = phases.iter().find(|phase| !names.insert(&*phase.name)) {
            return Err(PhaseError::Duplicate(twice.name.clone()));
        }
        match phases.iter().filter(|phase| phase.duty == Duty::Trees).count() {
            0 => Err(PhaseError::NoTrees),
            1 => Ok(CoordinatedShutdown::of(phases)),
            _ => Err(PhaseError::TwoTrees),
        }
    }

    fn of(mut phases: Vec<Phase>) -> CoordinatedShutdown {
        phases.push(Phase { duty: Duty::Rest, ..Phase::new(END_THE_REST, Duration::from_secs(2)) });
        let (orders, receiver) = unbounded();
        let shared = Shared { tasks: Vec::new(), made: 0, signals: 0, reason: None, orders: Some(receiver) };
        CoordinatedShutdown {
            phases: phases.into(),
            total: None,
            shared: Arc::new(Mutex::new(shared)),
            orders,
        }
    }

    /// At most so long for all phases together: when it is up, what runs is killed, tasks that have not begun do not
    /// run, and actors that are left are killed. For this handle and those cloned from it.
    pub fn total(mut self, total: Duration) -> CoordinatedShutdown {
        self.total = Some(total);
        self
    }

    /// The phases, the last one included that is always there.
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// How long a shutdown takes at most: the deadlines of all phases, or the total, and a second for each phase in
    /// which somebody has to be killed.
    pub fn longest(&self) -> Duration {
        let sum: Duration = self.phases.iter().map(|phase| phase.deadline).sum();
        self.total.map_or(sum, |total| total.min(sum)) + KILL_GRACE * self.phases.len() as u32
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a task in a phase. `work` is called when the phase begins; what it gives is run as an actor of this
    /// name. It may return a `Result`: an error is reported, and the shutdown goes on.
    ///
    /// # Errors
    /// There is no such phase, or the shutdown has begun.
    pub fn task<F, Fut>(&self, phase: &str, name: impl Into<Arc<str>>, work: F) -> Result<TaskId, TaskError>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output: TaskOutput> + Send + 'static,
    {
        let Some(at) = self.phases.iter().position(|each| &*each.name == phase) else {
            return Err(TaskError::NoSuchPhase(phase.into()));
        };
        let mut shared = self.lock();
        if shared.reason.is_some() {
            return Err(TaskError::ShuttingDown);
        }
        shared.made += 1;
        let id = TaskId(shared.made);
        let work: Work = Box::new(move || {
            let work = work();
            Box::pin(async move { work.await.into_end() })
        });
        shared.tasks.push(Planned { id, phase: at, name: name.into(), work });
        Ok(id)
    }

    /// Takes a task back. False: it was taken back, or the shutdown has begun.
    pub fn withdraw(&self, task: TaskId) -> bool {
        let mut shared = self.lock();
        let at = shared.tasks.iter().position(|each| each.id == task);
        let withdrawn = at.map(|at| shared.tasks.remove(at));
        drop(shared);
        withdrawn.is_some()
    }

    /// Begins the shutdown of the node, and goes on: never blocks, so an actor may say it. The first reason counts.
    /// False: it had begun already.
    pub fn begin(&self) -> bool {
        self.begin_because(ShutdownReason::Requested)
    }

    pub(crate) fn begin_because(&self, reason: ShutdownReason) -> bool {
        let mut shared = self.lock();
        if shared.reason.is_some() {
            return false;
        }
        shared.reason = Some(reason.clone());
        drop(shared);
        // Nobody listens before there is a node, and after it.
        let _ = self.orders.unbounded_send(Order::Begin(reason));
        true
    }

    /// A signal came. The first one begins the shutdown, unless it had begun; the second one cuts it short.
    pub fn signal(&self, signal: Signal) {
        let signals = {
            let mut shared = self.lock();
            shared.signals += 1;
            shared.signals
        };
        if signals == 1 {
            self.begin_because(ShutdownReason::Signal(signal));
        } else {
            let _ = self.orders.unbounded_send(Order::CutShort(signal));
        }
    }

    /// Why it has begun; `None`: it has not.
    pub fn reason(&self) -> Option<ShutdownReason> {
        self.lock().reason.clone()
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.lock().reason.is_some()
    }

    pub(crate) fn take_orders(&self) -> Option<UnboundedReceiver<Order>> {
        self.lock().orders.take()
    }

    pub(crate) fn give_back(&self, orders: UnboundedReceiver<Order>) {
        self.lock().orders = Some(orders);
    }

    /// The tasks, when it has begun: none comes after this.
    pub(crate) fn take_tasks(&self) -> Vec<Planned> {
        std::mem::take(&mut self.lock().tasks)
    }

    pub(crate) fn total_time(&self) -> Option<Duration> {
        self.total
    }
}

/// The phase that is always the last one.
const END_THE_REST: &str = "end the rest";

impl Default for CoordinatedShutdown {
    fn default() -> CoordinatedShutdown {
        CoordinatedShutdown::new()
    }
}

impl fmt::Debug for CoordinatedShutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoordinatedShutdown")
            .field("phases", &self.phases)
            .field("total", &self.total)
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PhaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhaseError::Duplicate(name) => write!(f, "two phases are called {name:?}"),
            PhaseError::NoTrees => f.write_str("the trees stop in no phase: add Phase::trees"),
            PhaseError::TwoTrees => f.write_str("the trees stop in two phases: leave one Phase::trees"),
        }
    }
}

impl Error for PhaseError {}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::NoSuchPhase(name) => write!(f, "the shutdown has no phase {name:?}"),
            TaskError::ShuttingDown => f.write_str("the shutdown has begun"),
        }
    }
}

impl Error for TaskError {}
