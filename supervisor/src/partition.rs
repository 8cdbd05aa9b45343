//! One child many times over, and each key has its own: so that no single actor is the bottleneck. Elixir's
//! `PartitionSupervisor`.
//!
//! - As many children of the same spec as there are partitions, numbered from 0, under one supervisor that restarts each
//!   by itself, `one_for_one`.
//! - A key belongs to the partition that [`hashing::owner`](crate::hashing::owner) says, in every run and on every
//!   machine. When the next release has another number of partitions, only the keys of those that came or went move.
//! - A partition that is down is never stood in for: a key has one place.
//!
//! The partitions may be actors, or whole trees: dynamic supervisors, as in Elixir's own example, or task supervisors.

use crate::handle::SupervisorRef;
use crate::hashing::{Key, hash, owner};
use crate::policy::Intensity;
use crate::spec::ChildSpec;
use crate::tree::Supervisor;
use ravelin_core::{Actor, ActorRef};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The places of the partitions, and who has which key: exists before its children, survives restarts, cheap to clone.
///
/// `P` is what a partition is reached by: an [`ActorRef`], a [`SupervisorRef`], a
/// [`TaskSupervisor`](crate::tasks::TaskSupervisor), anything.
///
/// ```
/// # use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, runtimes::Local};
/// # use ravelin_supervisor::{Supervisor, child, start};
/// use ravelin_supervisor::partition::PartitionSupervisor;
/// struct Visit;
/// impl Message for Visit { type Reply = u64; }
/// struct Counter(u64);
/// impl Actor for Counter {
///     type Args = u64;
///     async fn init(n: u64, _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Counter(n)) }
/// }
/// impl Handle<Visit> for Counter {
///     async fn handle(&mut self, _: Visit, _: &mut Cx<Self>) -> u64 { self.0 += 1; self.0 }
/// }
/// # let local = Local::new();
/// # let runtime = local.clone();
/// # local.block_on(async move {
/// let counters = PartitionSupervisor::<ActorRef<Counter>>::place("counters", 4);
/// let tree = Supervisor::one_for_one("app").child(counters.child_spec(|_number, place| child(place, || 0)));
/// let app = start(runtime, tree).await.unwrap();
/// assert_eq!(counters.of("alice").call(Visit).await.unwrap(), 1);
/// assert_eq!(counters.of("alice").call(Visit).await.unwrap(), 2);
/// assert_eq!(counters.supervisor().count_children().await.unwrap().active, 4);
/// # app.stop().await;
/// # });
/// ```
pub struct PartitionSupervisor<P> {
    inner: Arc<Inner<P>>,
    intensity: Intensity,
}

struct Inner<P> {
    name: Arc<str>,
    place: SupervisorRef,
    partitions: Vec<P>,
}

impl<A: Actor> PartitionSupervisor<ActorRef<A>> {
    /// So many places for actors of one type, called `name/0`, `name/1` and so on. As [`PartitionSupervisor::new`].
    pub fn place(name: impl Into<Arc<str>>, partitions: usize) -> Self {
        let name = name.into();
        PartitionSupervisor::new(name.clone(), partitions, |number| {
            ActorRef::place(format!("{name}/{number}"))
        })
    }
}

impl<P> PartitionSupervisor<P> {
    /// So many partitions, each reached by what `place` makes of its number. 0 counts as 1.
    pub fn new(name: impl Into<Arc<str>>, partitions: usize, place: impl FnMut(usize) -> P) -> Self {
        let name = name.into();
        let inner = Inner {
            place: SupervisorRef::place(name.clone()),
            name,
            partitions: (0..partitions.max(1)).map(place).collect(),
        };
        let intensity = Intensity { restarts: 3, period: Duration::from_secs(5) };
        PartitionSupervisor { inner: Arc::new(inner), intensity }
    }

    /// At most so many restarts within `period`, of all partitions together; 3 in 5 s if nothing is said. To be said
    /// before [`PartitionSupervisor::child_spec`].
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.intensity = Intensity { restarts, period };
        self
    }

    /// As a child of a tree: a supervisor with a child for each partition, as `spec` says it of its number and its place.
    /// The children's ids are the numbers.
    pub fn child_spec(&self, mut spec: impl FnMut(usize, &P) -> ChildSpec) -> ChildSpec {
        let Intensity { restarts, period } = self.intensity;
        let tree = Supervisor::one_for_one(self.inner.name.clone()).intensity(restarts, period);
        let children = self.inner.partitions.iter().enumerate();
        let children = children.map(|(number, place)| spec(number, place).id(number.to_string()));
        tree.with_children(children.collect()).at(&self.inner.place)
    }

    /// The partition of a key. O(partitions).
    pub fn of(&self, key: &(impl Key + ?Sized)) -> &P {
        &self.inner.partitions[self.number_of(key)]
    }

    /// The number of the partition of a key.
    pub fn number_of(&self, key: &(impl Key + ?Sized)) -> usize {
        owner(hash(key), 0..self.inner.partitions.len()).unwrap_or(0)
    }

    /// The places of all partitions, in the order of their numbers. Elixir's `partitions` counts them.
    pub fn partitions(&self) -> &[P] {
        &self.inner.partitions
    }

    /// The supervisor: for `which_children`, `count_children` and the like.
    pub fn supervisor(&self) -> &SupervisorRef {
        &self.inner.place
    }
}

impl<P> Clone for PartitionSupervisor<P> {
    fn clone(&self) -> Self {
        PartitionSupervisor { inner: self.inner.clone(), intensity: self.intensity }
    }
}

impl<P> fmt::Debug for PartitionSupervisor<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionSupervisor")
            .field("name", &self.inner.name)
            .field("partitions", &self.inner.partitions.len())
            .finish()
    }
}
