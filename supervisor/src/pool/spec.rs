//! A pool as a value: how many workers, who gets a job, what happens at the limits. It becomes a child of a tree.

use super::autoscale::Autoscale;
use super::dispatch::Dispatch;
use super::figures::count;
use super::gate::{AtLimit, Gate};
use super::keeper::{MakeSpec, keep};
use super::members::{Config, Member, Requeue, WhenDown};
use super::rate::Rate;
use super::reference::PoolRef;
use crate::check::SpecError;
use crate::policy::{AutoShutdown, ChildPolicy, Intensity};
use crate::spec::{ChildSpec, Starter, Starting, child, task};
use crate::tree::Supervisor;
use futures::future::BoxFuture;
use ravelin_core::{Actor, Pid, StartError};
use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How many jobs may be in flight in a pool that requeues, when nothing is said.
const LIMIT: usize = 1024;
/// How many workers a pool has when nothing is said.
const WORKERS: usize = 4;

/// A pool of workers of one type, as a value; with [`Into`] a child of a tree. bastion's children group with redundancy.
///
/// ```
/// # use ravelin_core::{Actor, Cx, Exit, Handle, Message, runtimes::Local};
/// # use ravelin_supervisor::{Supervisor, start};
/// use ravelin_supervisor::pool::{Dispatch, Pool, PoolRef};
/// struct Square(u64);
/// impl Message for Square { type Reply = u64; }
/// struct Worker;
/// impl Actor for Worker {
///     type Args = usize;
///     async fn init(_: usize, _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Worker) }
/// }
/// impl Handle<Square> for Worker {
///     async fn handle(&mut self, Square(n): Square, _: &mut Cx<Self>) -> u64 { n * n }
/// }
/// # let local = Local::new();
/// # let runtime = local.clone();
/// # local.block_on(async move {
/// let squares = PoolRef::<Worker>::place("squares");
/// let pool = Pool::new(&squares, |number| number).workers(3).dispatch(Dispatch::LeastLoaded);
/// let app = start(runtime, Supervisor::one_for_one("app").child(pool)).await.unwrap();
/// assert_eq!(squares.call_one(Square(7)).await.unwrap(), 49);
/// # app.stop().await;
/// # });
/// ```
pub struct Pool<A: Actor> {
    place: PoolRef<A>,
    args: Arc<dyn Fn(usize) -> A::Args + Send + Sync>,
    worker: Arc<dyn Fn(ChildSpec) -> ChildSpec + Send + Sync>,
    config: Config,
    rate: Option<(Rate, AtLimit)>,
    intensity: Intensity,
}

impl<A: Actor> Pool<A> {
    /// A pool at `place`. A worker is started with what `args` makes of its number; numbers count from 0, and a worker
    /// keeps its own over restarts. Four workers, one after the other, if nothing more is said.
    pub fn new(place: &PoolRef<A>, args: impl Fn(usize) -> A::Args + Send + Sync + 'static) -> Pool<A> {
        Pool {
            place: place.clone(),
            args: Arc::new(args),
            worker: Arc::new(|spec| spec),
            config: Config {
                workers: WORKERS,
                dispatch: Dispatch::default(),
                when_down: WhenDown::default(),
                requeue: Requeue::default(),
                autoscale: None,
                limit: None,
            },
            rate: None,
            intensity: Intensity { restarts: 3, period: Duration::from_secs(5) },
        }
    }

    /// How many workers it begins with. bastion's redundancy.
    pub fn workers(mut self, workers: usize) -> Pool<A> {
        self.config.workers = workers;
        self
    }

    /// How it finds the worker for a job.
    pub fn dispatch(mut self, dispatch: Dispatch) -> Pool<A> {
        self.config.dispatch = dispatch;
        self
    }

    /// What it does about a worker that is down.
    pub fn when_down(mut self, when_down: WhenDown) -> Pool<A> {
        self.config.when_down = when_down;
        self
    }

    /// What becomes of the jobs that wait when a worker ends.
    ///
    /// With [`Requeue::Waiting`] whoever is free first gets the oldest job; with [`Dispatch::ByKey`] the jobs of a key
    /// wait for its own worker, and are taken in their order. No other dispatch is possible then.
    pub fn requeue(mut self, requeue: Requeue) -> Pool<A> {
        self.config.requeue = requeue;
        self
    }

    /// Lets it grow and shrink. It begins with the number of [`Pool::workers`]. One that leaves gets no more jobs, ends
    /// those that it has, and only then is ended.
    pub fn autoscale(mut self, autoscale: Autoscale) -> Pool<A> {
        self.config.autoscale = Some(autoscale);
        self
    }

    /// At most so many jobs in flight: those that wait and those in hand. A pool that requeues keeps to it exactly, and
    /// has 1024, refused, if nothing is said. One that does not looks at its workers' mailboxes, so each thread that
    /// dispatches at the same moment may bring one more; it can refuse only, for waiting is what a mailbox that is
    /// bounded does.
    pub fn limit(mut self, jobs: usize, at_limit: AtLimit) -> Pool<A> {
        self.config.limit = Some((jobs, at_limit));
        self
    }

    /// At most so many jobs in a time.
    pub fn rate(mut self, rate: Rate, at_limit: AtLimit) -> Pool<A> {
        self.rate = Some((rate, at_limit));
        self
    }

    /// At most so many restarts of workers within `period`; one more ends the pool with the reason `shutdown`, as it
    /// ends any supervisor. 3 in 5 s if nothing is said.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Pool<A> {
        self.intensity = Intensity { restarts, period };
        self
    }

    /// Says more about each worker's spec: its mailbox, its shutdown, its back-off, callbacks. Its id stays its number.
    pub fn worker(mut self, more: impl Fn(ChildSpec) -> ChildSpec + Send + Sync + 'static) -> Pool<A> {
        self.worker = Arc::new(more);
        self
    }

    fn check(&self) -> Result<(), SpecError> {
        let refuse = |field, value: &dyn fmt::Display, why| {
            Err(SpecError::child(&self.place.shared.name, field, value, why))
        };
        let Config { workers, dispatch, when_down: _, requeue, autoscale, limit } = &self.config;
        if *workers == 0 {
            return refuse("workers", &0, "a pool without workers does nothing");
        }
        if let Some(autoscale) = autoscale {
            if let Err((field, value, why)) = autoscale.check() {
                return refuse(field, &value, why);
            }
            if !(autoscale.min..=autoscale.max).contains(workers) {
                return refuse("workers", workers, "it is outside of the bounds of autoscale");
            }
        }
        match (requeue, limit, dispatch) {
            (_, Some((0, _)), _) => return refuse("limit", &0, "no job would ever be let in"),
            (Requeue::Never, Some((limit, AtLimit::Wait)), _) => {
                return refuse("limit", limit, "only a pool that requeues can wait at its limit");
            }
            (Requeue::Waiting, _, Dispatch::LeastLoaded | Dispatch::Own(_)) => {
                let why = "in a pool that requeues who is free first gets a job, or who has its key";
                return refuse("dispatch", &format!("{dispatch:?}"), why);
            }
            (Requeue::Never | Requeue::Waiting, _, _) => {}
        }
        if let Some((rate, _)) = self.rate
            && (rate.per_second == 0 || rate.burst == 0)
        {
            return refuse("rate", &format!("{rate:?}"), "no job would be let in after a while");
        }
        Ok(())
    }

    /// The pool as a child of a tree.
    pub fn child_spec(&self) -> ChildSpec {
        let shared = self.place.shared.clone();
        let count = self.config.workers;
        let spec = self.worker_spec();
        let Intensity { restarts, period } = self.intensity;
        let needs_keeper = self.config.requeue == Requeue::Waiting || self.config.autoscale.is_some();
        let workers = |id: Arc<str>| {
            let workers = Supervisor::one_for_one(id).intensity(restarts, period);
            (0..count).fold(workers, |workers, number| workers.child(spec(&shared.member(number))))
        };
        let inner = if needs_keeper {
            let (shared, spec) = (shared.clone(), spec.clone());
            let keeper = task("keeper", move || {
                shared.begin_again(count);
                keep(shared.clone(), spec.clone())
            });
            // The end of the workers' supervisor is the pool's own: it has borne what it was to bear.
            let workers = workers("workers".into()).at(&self.place.shared.workers).transient().significant();
            Supervisor::one_for_all(self.place.shared.name.clone())
                .intensity(restarts, period)
                .auto_shutdown(AutoShutdown::AnySignificant)
                .child(keeper)
                .child(workers)
                .at(&self.place.shared.place)
        } else {
            workers(shared.name.clone()).at(&shared.place)
        };
        let starter = PoolStarter {
            inner: inner.starter.clone(),
            pool: self.clone(),
            fault: self.check().err(),
            gate: OnceLock::new(),
        };
        ChildSpec::new(inner.id.clone(), ChildPolicy::supervisor(), Arc::new(starter))
    }

    fn worker_spec(&self) -> MakeSpec<A> {
        let (args, more) = (self.args.clone(), self.worker.clone());
        let counters = self.place.shared.counters.clone();
        Arc::new(move |member: &Arc<Member<A>>| {
            let (args, counters, number) = (args.clone(), counters.clone(), member.number);
            let spec = more(child(&member.place, move || args(number)));
            spec.id(number.to_string()).after_restart(move |_| count(&counters.restarted))
        })
    }
}

impl<A: Actor> From<Pool<A>> for ChildSpec {
    fn from(pool: Pool<A>) -> ChildSpec {
        pool.child_spec()
    }
}

impl<A: Actor> Clone for Pool<A> {
    fn clone(&self) -> Pool<A> {
        Pool {
            place: self.place.clone(),
            args: self.args.clone(),
            worker: self.worker.clone(),
            config: self.config.clone(),
            rate: self.rate,
            intensity: self.intensity,
        }
    }
}

impl<A: Actor> fmt::Debug for Pool<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("place", &self.place)
            .field("config", &self.config)
            .field("rate", &self.rate)
            .field("intensity", &self.intensity)
            .finish()
    }
}

/// Starts the pool's supervisor, and tells the handles where it is.
struct PoolStarter<A: Actor> {
    inner: Arc<dyn Starter>,
    pool: Pool<A>,
    fault: Option<SpecError>,
    gate: OnceLock<Arc<Gate>>,
}

impl<A: Actor> Starter for PoolStarter<A> {
    fn start(&self, start: Starting) -> BoxFuture<'static, Result<Pid, StartError>> {
        if let Err(fault) = self.check() {
            return Box::pin(async move { Err(StartError::Init(fault.into())) });
        }
        let shared = &self.pool.place.shared;
        if shared.place.pid().is_some() {
            return Box::pin(async { Err(StartError::AlreadyStarted) });
        }
        let mut config = self.pool.config.clone();
        let limit = match config.requeue {
            // The line has no other bound.
            Requeue::Waiting => Some(config.limit.take().unwrap_or((LIMIT, AtLimit::Refuse))),
            Requeue::Never => None,
        };
        // What is in flight when the pool restarts still is.
        let gate = self.gate.get_or_init(|| Gate::new(limit, self.pool.rate, start.system.runtime().now()));
        shared.begin(start.system.clone(), Arc::new(config), gate.clone());
        self.inner.start(start)
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<Pool<A>>()
    }

    fn check(&self) -> Result<(), SpecError> {
        self.fault.clone().map_or_else(|| self.inner.check(), Err)
    }

    fn below(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.below()
    }

    fn draw(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> Option<fmt::Result> {
        self.inner.draw(f, indent)
    }
}
