//! Starting actors: synchronous, as in OTP. A start returns when `init` has.

use crate::actor::Actor;
use crate::cell::{CellRef, Grace, Outcome, Posted};
use crate::cx::Cx;
use crate::error::StartError;
use crate::exit::Exit;
use crate::fate;
use crate::id::Pid;
use crate::reference::ActorRef;
use crate::system::{RegisterError, System};
use ravelin_mailbox::Capacity;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The start of an actor: the future of [`System::start`]. Nothing happens before it is polled.
///
/// # Errors
/// `init` failed or declined, or the place is taken.
///
/// # Cancel safety
/// Dropped after the first poll, the start goes on; a linked child then still belongs to its parent.
#[must_use = "a start does nothing until it is awaited"]
pub struct Start<A: Actor> {
    system: System,
    place: ActorRef<A>,
    capacity: Capacity,
    parent: Option<Pid>,
    grace: Option<Grace>,
    rank: u64,
    name: Option<Arc<str>>,
    claims: Vec<Claim>,
    keeps_mailbox: bool,
    state: State<A>,
}

/// Something that an actor must get before it may begin.
type Claim = Box<dyn FnOnce(&System, Pid) -> Result<(), Exit> + Send>;

/// How long a child may take to end when the parent that adopted it ends without having stopped it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChildGrace {
    /// So long; then it is killed. With zero it is killed at once.
    For(Duration),
    /// As long as it takes, for a supervisor, which bounds the time of its own children.
    Supervisor,
    /// A worker without a deadline of its own; it gets five seconds.
    Unbounded,
}

enum State<A: Actor> {
    NotStarted(A::Args),
    Known(Result<Pid, Exit>),
    /// `init` goes on.
    Waits(Posted<CellRef, Result<Pid, Exit>>),
    Over,
}

impl<A: Actor> Start<A> {
    /// The capacity of the mailbox; 1024 messages and waiting senders if nothing is said.
    pub fn mailbox(mut self, capacity: impl Into<Capacity>) -> Self {
        self.capacity = capacity.into();
        self
    }

    /// What waits in the mailbox when the incarnation ends stays there, and is handled by the next one, after its `init`;
    /// the message in hand is not part of it, nor are notices to the one that ended. Until the next one starts, calls
    /// among it wait. Whoever will not start another one calls [`ActorRef::bury_kept`]; a supervisor does
    /// that. OTP has nothing like it: there what waits is lost.
    pub fn keep_mailbox(mut self) -> Self {
        self.keeps_mailbox = true;
        self
    }

    /// Makes `parent` the actor's parent, and links the two: the parent's exit signals are orders. The link is there
    /// before `init` runs. Source: `start_link`.
    pub fn linked_to(mut self, parent: Pid) -> Self {
        self.parent = Some(parent);
        self
    }

    /// As [`Start::linked_to`], and the parent outlives the child: when it ends for any reason, also by a kill or in
    /// the middle of its own `init`, the children that are left end first, newest first, each with its grace, and only
    /// then do others learn of the parent's end. What a supervisor does.
    pub fn adopted_by(mut self, parent: Pid, grace: ChildGrace) -> Self {
        self.grace = Some(match grace {
            ChildGrace::For(Duration::ZERO) => Grace::Kill,
            ChildGrace::For(time) => Grace::For(time),
            ChildGrace::Supervisor => Grace::Supervisor,
            ChildGrace::Unbounded => Grace::Unbounded,
        });
        self.linked_to(parent)
    }

    /// The place of an adopted child among its siblings: when the parent is gone those of higher rank end first, and
    /// among equals the newest. So a child that was restarted can keep its place.
    pub fn rank(mut self, rank: u64) -> Self {
        self.rank = rank;
        self
    }

    /// Registers the actor under a name before its `init` runs. When the name is taken `init` does not run, and the
    /// start fails with [`Exit::AlreadyStarted`]. Source: `gen_server:start_link({local, Name}, ..)`.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Claims something for the actor before its `init` runs: a key of a registry, a lease. `claim` is given the new
    /// incarnation, and must neither wait nor start it again. When it gives an error, or panics, `init` does not run and
    /// the start fails with that; claims made before it are then owned by an incarnation that has ended. Claims are made
    /// in the order in which they were given, after the name. Source: `{via, Module, Name}`.
    pub fn claim(mut self, claim: impl FnOnce(&System, Pid) -> Result<(), Exit> + Send + 'static) -> Self {
        self.claims.push(Box::new(claim));
        self
    }

    fn begin(&mut self, args: A::Args) -> Result<Outcome, StartError> {
        let typed = &self.place.typed;
        if !typed.cell().bind(self.system.host()) {
            return Err(StartError::AlreadyStarted);
        }
        if self.capacity.limit() == Some(0) {
            return Err(StartError::Init(Exit::invalid_spec("mailbox: a capacity of 0 holds no message")));
        }
        let (system, parent, grace, name) = (&self.system, self.parent, self.grace, self.name.take());
        let (rank, claims) = (self.rank, std::mem::take(&mut self.claims));
        let cell = typed.cell();
        let past = cell.header().past();
        typed
            .start(
                args,
                self.capacity,
                self.keeps_mailbox,
                &past,
                |life| {
                    let pid = system.enter(cell);
                    life.pid = Some(pid);
                    if system.is_crowded() {
                        life.join_crew();
                    }
                    if parent.is_some() {
                        life.company().parent = parent;
                    }
                    pid
                },
                |own, pid| {
                    system.revive(pid, &past.ledger);
                    system.tell_starting(cell, pid, parent, parent.is_some() && grace.is_some());
                    if let (Some(parent), Some(grace)) = (parent, grace) {
                        system.with_life(parent, |life| {
                            life.company().children.get_or_insert_default().add(pid, rank, grace)
                        });
                    }
                    if let Some(parent) = parent {
                        system.link(pid, parent);
                    }
                    let named = match name.map(|name| system.register(name, pid)) {
                        Some(Err(RegisterError::AlreadyRegistered(owner))) => {
                            Err(Exit::AlreadyStarted(owner))
                        }
                        _ => Ok(()),
                    };
                    if let Err(why) = named.and_then(|()| claim_all(claims, system, pid)) {
                        system.refuse(pid, why);
                    }
                    Cx::new(own, pid, system.clone())
                },
            )
            .map_err(|_| StartError::AlreadyStarted)
    }

    fn report(&self, outcome: Result<Pid, Exit>) -> Result<Pid, StartError> {
        let place = self.place.name().map(|name| &**name);
        let actor = std::any::type_name::<A>();
        match &outcome {
            Ok(pid) => tracing::debug!(target: "ravelin", %pid, place, actor, "ravelin.started"),
            Err(exit) => {
                tracing::debug!(target: "ravelin", place, actor, reason = %exit, "ravelin.start_failed")
            }
        }
        outcome.map_err(StartError::Init)
    }
}

/// The first claim that is not granted is the last one made.
fn claim_all(claims: Vec<Claim>, system: &System, pid: Pid) -> Result<(), Exit> {
    claims.into_iter().try_for_each(|claim| fate::isolate(|| claim(system, pid)).and_then(|granted| granted))
}

impl<A: Actor> Unpin for Start<A> {}

impl<A: Actor> Future for Start<A> {
    type Output = Result<Pid, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::NotStarted(_) = &this.state
            && let State::NotStarted(args) = std::mem::replace(&mut this.state, State::Over)
        {
            match this.begin(args) {
                Ok(Ok(outcome)) => this.state = State::Known(outcome),
                Ok(Err(reply)) => {
                    this.state = State::Waits(Posted::new(this.place.typed.cell().clone(), reply));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let outcome = match &mut this.state {
            State::Known(outcome) => outcome.clone(),
            State::Waits(reply) => match reply.poll(cx) {
                Poll::Ready(outcome) => outcome.unwrap_or(Err(Exit::Lost)),
                Poll::Pending => {
                    reply.post_or_nudge();
                    return Poll::Pending;
                }
            },
            State::NotStarted(_) | State::Over => return Poll::Pending,
        };
        this.state = State::Over;
        Poll::Ready(this.report(outcome))
    }
}

/// The start of an actor at a new place: the future of [`System::spawn`].
#[must_use = "a start does nothing until it is awaited"]
pub struct Spawn<A: Actor>(Start<A>);

impl<A: Actor> Spawn<A> {
    /// As [`Start::mailbox`].
    pub fn mailbox(self, capacity: impl Into<Capacity>) -> Self {
        Spawn(self.0.mailbox(capacity))
    }

    /// As [`Start::linked_to`].
    pub fn linked_to(self, parent: Pid) -> Self {
        Spawn(self.0.linked_to(parent))
    }

    /// As [`Start::adopted_by`].
    pub fn adopted_by(self, parent: Pid, grace: ChildGrace) -> Self {
        Spawn(self.0.adopted_by(parent, grace))
    }

    /// As [`Start::named`].
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        Spawn(self.0.named(name))
    }

    /// As [`Start::claim`].
    pub fn claim(self, claim: impl FnOnce(&System, Pid) -> Result<(), Exit> + Send + 'static) -> Self {
        Spawn(self.0.claim(claim))
    }
}

impl<A: Actor> Spawn<A> {
    /// The incarnation, once the first poll has begun the start.
    pub(crate) fn place_pid(&self) -> Option<Pid> {
        self.0.place.pid()
    }
}

impl<A: Actor> Future for Spawn<A> {
    type Output = Result<ActorRef<A>, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let started = Pin::new(&mut self.0).poll(cx);
        started.map(|started| started.map(|_| self.0.place.clone()))
    }
}

impl System {
    /// Starts an actor at a place; done when its `init` is. It has no parent, and lives until it ends, or is ended.
    /// Source: `gen_server:start/3`.
    pub fn start<A: Actor>(&self, place: &ActorRef<A>, args: A::Args) -> Start<A> {
        self.start_at(place.clone(), args)
    }

    fn start_at<A: Actor>(&self, place: ActorRef<A>, args: A::Args) -> Start<A> {
        Start {
            system: self.clone(),
            place,
            capacity: Capacity::default(),
            parent: None,
            grace: None,
            rank: 0,
            name: None,
            claims: Vec::new(),
            keeps_mailbox: false,
            state: State::NotStarted(args),
        }
    }

    /// Starts an actor at a new place.
    ///
    /// ```
    /// # use ravelin_core::{Actor, Cx, Exit, System, StartError};
    /// # use ravelin_core::runtimes::Local;
    /// struct Picky;
    /// impl Actor for Picky {
    ///     type Args = u32;
    ///     async fn init(n: u32, _: &mut Cx<Self>) -> Result<Self, Exit> {
    ///         if n == 42 { Ok(Picky) } else { Err(Exit::error("not 42")) }
    ///     }
    /// }
    /// # let local = Local::new();
    /// # let system = System::new(local.clone());
    /// # local.block_on(async move {
    /// assert!(system.spawn::<Picky>(42).await.is_ok());
    /// assert_eq!(system.spawn::<Picky>(7).await.unwrap_err(), StartError::Init(Exit::error("not 42")));
    /// # system.shut_down_all(std::time::Duration::from_secs(1)).await;
    /// # });
    /// ```
    pub fn spawn<A: Actor>(&self, args: A::Args) -> Spawn<A> {
        Spawn(self.start_at(ActorRef::unnamed(), args))
    }
}

impl<A> Cx<A> {
    /// Starts an actor as this one's child, linked to it. Source: `start_link`.
    pub fn spawn_link<B: Actor>(&mut self, args: B::Args) -> Spawn<B> {
        self.system().spawn(args).linked_to(self.pid())
    }

    /// Starts an actor at a place as this one's child, linked to it.
    pub fn start_link<B: Actor>(&mut self, place: &ActorRef<B>, args: B::Args) -> Start<B> {
        self.system().start(place, args).linked_to(self.pid())
    }
}
