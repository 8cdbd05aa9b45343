//! Child specs: what a supervisor needs to know of a child, as a value. Source: `supervisor:child_spec()`.

use crate::backoff::Backoff;
use crate::callbacks::{Callbacks, Occasion, Turn};
use crate::check::SpecError;
use crate::policy::{AutoShutdown, ChildKind, ChildPolicy, Restart, Shutdown};
use futures::future::BoxFuture;
use ravelin_core::{
    Actor, ActorRef, Capacity, ChildGrace, Exit, Message, NoMessage, Pid, StartError, System, Task, TaskArgs,
    TaskFn,
};
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How a child is started, again and again.
pub(crate) trait Starter: Send + Sync {
    fn start(&self, start: Starting) -> BoxFuture<'static, Result<Pid, StartError>>;
    fn type_name(&self) -> &'static str;
    /// Checks what is below the child.
    fn check(&self) -> Result<(), SpecError> {
        Ok(())
    }
    /// The child will not be started again: what its mailbox kept is lost.
    fn bury_kept(&self) {}
    /// What is below the child, if it is a supervisor: a tree, which this file does not know.
    fn below(&self) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
    /// Draws the child, if it is more than a line.
    fn draw(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> Option<fmt::Result> {
        let _ = (f, indent);
        None
    }
}

/// What a start needs from the supervisor.
pub(crate) struct Starting {
    pub(crate) system: System,
    pub(crate) parent: Pid,
    pub(crate) grace: ChildGrace,
    /// Its place in the start order.
    pub(crate) rank: u64,
    pub(crate) capacity: Capacity,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) mailbox: Mailbox,
}

/// What becomes of messages that wait when a child ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Mailbox {
    /// They are dead letters.
    #[default]
    Lost,
    /// The next incarnation handles them.
    Kept,
}

/// Something that each incarnation of a child must get before it may begin.
pub(crate) type Claim = Arc<dyn Fn(&System, Pid) -> Result<(), Exit> + Send + Sync>;

/// What a supervisor needs to know of a child. A value: printable, comparable, checked before anything starts.
///
/// ```
/// use ravelin_supervisor::{exponential, task};
/// use std::time::Duration;
/// let spec = task("poll", || async { Ok::<(), String>(()) })
///     .transient()
///     .backoff(exponential(Duration::from_millis(50), Duration::from_secs(5)));
/// assert_eq!(spec.to_string(), "poll: restart=transient shutdown=5s type=worker significant=false");
/// ```
#[derive(Clone)]
pub struct ChildSpec {
    pub(crate) id: Arc<str>,
    pub(crate) policy: ChildPolicy,
    pub(crate) capacity: Capacity,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) mailbox: Mailbox,
    pub(crate) callbacks: Callbacks,
    pub(crate) starter: Arc<dyn Starter>,
}

/// A child that lives at `place`, whose arguments are made anew for each start. Its id is the place's name, or empty
/// for a place without one (then give it one with [`ChildSpec::id`]).
pub fn child<A: Actor>(place: &ActorRef<A>, args: impl Fn() -> A::Args + Send + Sync + 'static) -> ChildSpec {
    let id = place.name().cloned().unwrap_or_else(|| "".into());
    ChildSpec::new(id, ChildPolicy::worker(), Arc::new(Place { place: place.clone(), args: Arc::new(args) }))
}

/// A plain async function as a child: it is called anew for each start. When it returns the child ends, normally or,
/// if it returns an error, with that as the reason.
pub fn task<Shape, F>(id: impl Into<Arc<str>>, function: F) -> ChildSpec
where
    Shape: 'static,
    F: TaskFn<NoMessage, Shape>,
{
    task_at(&ActorRef::place(id), function)
}

/// An async function with an inbox as a child, at a place by which it can be sent to.
pub fn task_at<M: Message, Shape, F>(place: &ActorRef<Task<M>>, function: F) -> ChildSpec
where
    Shape: 'static,
    F: TaskFn<M, Shape>,
{
    let function: Arc<dyn TaskFn<M, Shape>> = Arc::new(function);
    child(place, move || TaskArgs::of(&function))
}

/// Restarts at once. The default.
pub const fn immediate() -> Backoff {
    Backoff::immediate()
}

/// Waits `step` longer before each restart in a row, up to `cap`.
pub const fn linear(step: Duration, cap: Duration) -> Backoff {
    Backoff::linear(step, cap)
}

/// Waits twice as long before each restart in a row, from `first` up to `cap`.
pub const fn exponential(first: Duration, cap: Duration) -> Backoff {
    Backoff::exponential(first, cap)
}

struct Place<A: Actor> {
    place: ActorRef<A>,
    args: Arc<dyn Fn() -> A::Args + Send + Sync>,
}

impl<A: Actor> Starter for Place<A> {
    fn start(&self, start: Starting) -> BoxFuture<'static, Result<Pid, StartError>> {
        let (place, args) = (self.place.clone(), self.args.clone());
        Box::pin(async move {
            let Starting { system, parent, grace, rank, capacity, name, claims, mailbox } = start;
            let mut start =
                system.start(&place, args()).mailbox(capacity).adopted_by(parent, grace).rank(rank);
            if mailbox == Mailbox::Kept {
                start = start.keep_mailbox();
            }
            if let Some(name) = name {
                start = start.named(name);
            }
            for claim in claims {
                start = start.claim(move |system, pid| claim(system, pid));
            }
            start.await
        })
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<A>()
    }

    fn bury_kept(&self) {
        self.place.bury_kept();
    }
}

impl ChildSpec {
    pub(crate) fn new(id: Arc<str>, policy: ChildPolicy, starter: Arc<dyn Starter>) -> ChildSpec {
        ChildSpec {
            id,
            policy,
            capacity: Capacity::default(),
            name: None,
            claims: Vec::new(),
            mailbox: Mailbox::Lost,
            callbacks: Callbacks::default(),
            starter,
        }
    }

    /// The id, unique among its siblings.
    pub fn id(mut self, id: impl Into<Arc<str>>) -> ChildSpec {
        self.id = id.into();
        self
    }

    /// When it is restarted.
    pub fn restart(mut self, restart: Restart) -> ChildSpec {
        self.policy.restart = restart;
        self
    }

    /// Restarted after any end. The default.
    pub fn permanent(self) -> ChildSpec {
        self.restart(Restart::Permanent)
    }

    /// Restarted after an abnormal end.
    pub fn transient(self) -> ChildSpec {
        self.restart(Restart::Transient)
    }

    /// Never restarted; its spec goes with it.
    pub fn temporary(self) -> ChildSpec {
        self.restart(Restart::Temporary)
    }

    /// bastion's `Always`: the same as [`ChildSpec::permanent`].
    pub fn always(self) -> ChildSpec {
        self.permanent()
    }

    /// bastion's `Never`: the same as [`ChildSpec::temporary`].
    pub fn never(self) -> ChildSpec {
        self.temporary()
    }

    /// bastion's `Tries(n)`: at most so many automatic restarts; then it stays down, and its siblings go on. Beside
    /// the supervisor's intensity, which counts too.
    pub fn tries(mut self, tries: u32) -> ChildSpec {
        self.policy.tries = Some(tries);
        self
    }

    /// How it is told to end: a time limit, after which it is killed, or one of [`Shutdown`]. 5 s for a worker.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> ChildSpec {
        self.policy.shutdown = shutdown.into();
        self
    }

    /// Its final end can end its supervisor; see `auto_shutdown`.
    pub fn significant(mut self) -> ChildSpec {
        self.policy.significant = true;
        self
    }

    /// How long to wait before restarts in a row.
    pub fn backoff(mut self, backoff: Backoff) -> ChildSpec {
        self.policy.backoff = backoff;
        self
    }

    /// The capacity of its mailbox; 1024 messages, and senders that can wait do, if nothing is said.
    pub fn mailbox(mut self, capacity: impl Into<Capacity>) -> ChildSpec {
        self.capacity = capacity.into();
        self
    }

    /// A name that each incarnation is registered under before its `init` runs.
    pub fn registered(mut self, name: impl Into<Arc<str>>) -> ChildSpec {
        self.name = Some(name.into());
        self
    }

    /// The mailbox survives a restart: what waits when an incarnation ends is handled by the next one, in its order, after
    /// its `init`. The message that was being handled is not among it. When the child is not started again, or its
    /// supervisor ends, what waits becomes dead letters then, and calls among it end with the reason of the child's end.
    /// By default, as in OTP, it does at once. While nobody lives there, new messages are refused as ever.
    ///
    /// A message that makes its handler fail is gone with the incarnation; one that waits behind it is tried.
    pub fn keep_mailbox(mut self) -> Self {
        self.mailbox = Mailbox::Kept;
        self
    }

    /// What each incarnation claims before its `init` runs, a key of a registry for example; not granted, the start
    /// fails. See [`Start::claim`](ravelin_core::Start::claim). Source: `{via, Module, Name}`.
    pub fn claim(
        mut self,
        claim: impl Fn(&System, Pid) -> Result<(), Exit> + Send + Sync + 'static,
    ) -> ChildSpec {
        self.claims.push(Arc::new(claim));
        self
    }

    /// Called before the first start.
    pub fn before_start(mut self, f: impl Fn(&Occasion) + Send + Sync + 'static) -> ChildSpec {
        self.callbacks.add(Turn::BeforeStart, f);
        self
    }

    /// Called when the first start has succeeded.
    pub fn after_start(mut self, f: impl Fn(&Occasion) + Send + Sync + 'static) -> ChildSpec {
        self.callbacks.add(Turn::AfterStart, f);
        self
    }

    /// Called before each later start, automatic or by hand.
    pub fn before_restart(mut self, f: impl Fn(&Occasion) + Send + Sync + 'static) -> ChildSpec {
        self.callbacks.add(Turn::BeforeRestart, f);
        self
    }

    /// Called when a later start has succeeded.
    pub fn after_restart(mut self, f: impl Fn(&Occasion) + Send + Sync + 'static) -> ChildSpec {
        self.callbacks.add(Turn::AfterRestart, f);
        self
    }

    /// Called when a start, the first or a later one, has failed, or was declined with `Exit::Ignore`.
    pub fn after_failure(mut self, f: impl Fn(&Occasion) + Send + Sync + 'static) -> ChildSpec {
        self.callbacks.add(Turn::AfterFailure, f);
        self
    }

    /// Called when the child has ended for good, or was stopped by its supervisor.
    pub fn after_stop(mut self, f: impl Fn(&Occasion) + Send + Sync + 'static) -> ChildSpec {
        self.callbacks.add(Turn::AfterStop, f);
        self
    }

    /// Checks it as a child of a supervisor with this `auto_shutdown`, but not what is below it.
    pub(crate) fn check(&self, auto_shutdown: AutoShutdown) -> Result<(), SpecError> {
        self.policy.check(&self.id, auto_shutdown)?;
        if self.capacity.limit() == Some(0) {
            return Err(SpecError::child(
                &self.id,
                "mailbox",
                0,
                "a mailbox has room for a message at least",
            ));
        }
        Ok(())
    }

    pub(crate) fn draw(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        self.starter.draw(f, indent).unwrap_or_else(|| writeln!(f, "{self}"))
    }

    /// How long the child may take to end, when its supervisor is no longer there to stop it. It gets the exit signal
    /// of a linked one, as in OTP, and not a kill: one that traps exits may clean up, whatever its `shutdown`.
    pub(crate) fn grace(&self) -> ChildGrace {
        match (self.policy.shutdown, self.policy.kind) {
            (Shutdown::Timeout(limit), _) => ChildGrace::For(limit),
            (Shutdown::BrutalKill | Shutdown::Infinity, ChildKind::Supervisor) => ChildGrace::Supervisor,
            (Shutdown::BrutalKill | Shutdown::Infinity, ChildKind::Worker) => ChildGrace::Unbounded,
        }
    }

    /// What decides about it.
    pub fn policy(&self) -> &ChildPolicy {
        &self.policy
    }

    /// Its id.
    pub fn name(&self) -> &Arc<str> {
        &self.id
    }
}

impl From<Duration> for Shutdown {
    fn from(limit: Duration) -> Shutdown {
        Shutdown::Timeout(limit)
    }
}

impl AsRef<ChildPolicy> for ChildSpec {
    fn as_ref(&self) -> &ChildPolicy {
        &self.policy
    }
}

impl PartialEq for ChildSpec {
    /// The same fields, and the same start function.
    fn eq(&self, other: &ChildSpec) -> bool {
        self.id == other.id
            && self.policy == other.policy
            && self.capacity == other.capacity
            && self.name == other.name
            && self.mailbox == other.mailbox
            && self.claims.len() == other.claims.len()
            && self.claims.iter().zip(&other.claims).all(|(one, other)| Arc::ptr_eq(one, other))
            && self.callbacks == other.callbacks
            && Arc::ptr_eq(&self.starter, &other.starter)
    }
}

impl fmt::Display for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.policy)
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.id)
            .field("policy", &self.policy)
            .field("capacity", &self.capacity)
            .field("registered", &self.name)
            .field("mailbox", &self.mailbox)
            .field("claims", &self.claims.len())
            .field("callbacks", &self.callbacks)
            .field("actor", &self.starter.type_name())
            .finish()
    }
}
