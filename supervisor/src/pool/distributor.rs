//! A pool seen through one type of job, and found by its name. bastion's `Distributor`.

use super::error::PoolError;
use super::figures::PoolStats;
use super::reference::PoolRef;
use crate::hashing::{Key, hash};
use futures::future::BoxFuture;
use ravelin_core::{Actor, CALL_TIMEOUT, Message, Serve};
use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// A pool seen through one type of job, whoever its workers are: what a [`Recipient`](ravelin_core::Recipient) is to an
/// actor. Cheap to clone; see [`PoolRef::distributor`] and [`Distributors`].
///
/// # Errors
/// Of all verbs: see [`PoolError`].
pub struct Distributor<M: Message>(Arc<dyn Distribute<M>>);

/// What a pool does for one type of job.
trait Distribute<M: Message>: Send + Sync {
    fn cast(&self, key: Option<u64>, message: M) -> Result<(), PoolError<M>>;
    fn send(&self, key: Option<u64>, message: M) -> BoxFuture<'_, Result<(), PoolError<M>>>;
    fn call(
        &self,
        key: Option<u64>,
        message: M,
        limit: Option<Duration>,
    ) -> BoxFuture<'_, Result<M::Reply, PoolError<M>>>;
    fn stats(&self) -> PoolStats;
    fn name(&self) -> &Arc<str>;
}

impl<A: Serve<M>, M: Message> Distribute<M> for PoolRef<A> {
    fn cast(&self, key: Option<u64>, message: M) -> Result<(), PoolError<M>> {
        self.cast(key, message, None)
    }

    fn send(&self, key: Option<u64>, message: M) -> BoxFuture<'_, Result<(), PoolError<M>>> {
        Box::pin(self.send(key, message))
    }

    fn call(
        &self,
        key: Option<u64>,
        message: M,
        limit: Option<Duration>,
    ) -> BoxFuture<'_, Result<M::Reply, PoolError<M>>> {
        self.call_with(key, message, limit).into_future()
    }

    fn stats(&self) -> PoolStats {
        self.stats()
    }

    fn name(&self) -> &Arc<str> {
        self.name()
    }
}

impl<A: Actor> PoolRef<A> {
    /// This pool, seen through one type of job. To be found by its name, it is listed in [`Distributors`].
    pub fn distributor<M: Message>(&self) -> Distributor<M>
    where
        A: Serve<M>,
    {
        Distributor(Arc::new(self.clone()))
    }
}

impl<M: Message> Distributor<M> {
    /// The pool's name.
    pub fn name(&self) -> &Arc<str> {
        self.0.name()
    }

    /// As [`PoolRef::stats`].
    pub fn stats(&self) -> PoolStats {
        self.0.stats()
    }

    /// As [`PoolRef::cast_one`].
    ///
    /// # Errors
    /// As there.
    pub fn cast_one(&self, message: M) -> Result<(), PoolError<M>> {
        self.0.cast(None, message)
    }

    /// As [`PoolRef::cast_by_key`].
    ///
    /// # Errors
    /// As there.
    pub fn cast_by_key(&self, key: &(impl Key + ?Sized), message: M) -> Result<(), PoolError<M>> {
        self.0.cast(Some(hash(key)), message)
    }

    /// As [`PoolRef::send_one`].
    ///
    /// # Errors
    /// As there.
    pub async fn send_one(&self, message: M) -> Result<(), PoolError<M>> {
        self.0.send(None, message).await
    }

    /// As [`PoolRef::call_one`], within five seconds.
    ///
    /// # Errors
    /// As there.
    pub async fn call_one(&self, message: M) -> Result<M::Reply, PoolError<M>> {
        self.0.call(None, message, Some(CALL_TIMEOUT)).await
    }

    /// As [`PoolRef::call_one`], within this time; `None`: as long as it takes.
    ///
    /// # Errors
    /// As there.
    pub async fn call_one_within(
        &self,
        limit: Option<Duration>,
        message: M,
    ) -> Result<M::Reply, PoolError<M>> {
        self.0.call(None, message, limit).await
    }

    /// As [`PoolRef::call_by_key`], within five seconds.
    ///
    /// # Errors
    /// As there.
    pub async fn call_by_key(
        &self,
        key: &(impl Key + Sync + ?Sized),
        message: M,
    ) -> Result<M::Reply, PoolError<M>> {
        self.0.call(Some(hash(key)), message, Some(CALL_TIMEOUT)).await
    }
}

/// Pools by their names, each for the types of jobs that it was listed for. A value: make one for a system, and give it
/// to who looks for pools. A pool may be listed before it is up, and stays listed over its restarts.
///
/// ```
/// # use ravelin_core::{Actor, Cx, Exit, Handle, Message};
/// use ravelin_supervisor::pool::{Distributors, PoolRef};
/// struct Work;
/// impl Message for Work { type Reply = (); }
/// struct Worker;
/// # impl Actor for Worker {
/// #     type Args = ();
/// #     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Worker) }
/// # }
/// # impl Handle<Work> for Worker { async fn handle(&mut self, _: Work, _: &mut Cx<Self>) {} }
/// let pools = Distributors::new();
/// pools.list::<Work>(PoolRef::<Worker>::place("workers").distributor());
/// assert!(pools.find::<Work>("workers").is_some());
/// assert!(pools.find::<Work>("others").is_none());
/// ```
#[derive(Clone, Default)]
pub struct Distributors(Arc<RwLock<Listed>>);

/// By name and type of job; each is a `Distributor` of that type.
type Listed = BTreeMap<(Arc<str>, TypeId), Arc<dyn Any + Send + Sync>>;

impl Distributors {
    /// None so far.
    pub fn new() -> Distributors {
        Distributors::default()
    }

    /// Lists a pool under its name, for this type of job. Gives the one that was listed so before.
    pub fn list<M: Message>(&self, distributor: Distributor<M>) -> Option<Distributor<M>> {
        let key = (distributor.name().clone(), TypeId::of::<M>());
        let mut listed = self.0.write().unwrap_or_else(PoisonError::into_inner);
        taken(listed.insert(key, Arc::new(distributor)))
    }

    /// The pool of this name, if it is listed for this type of job.
    pub fn find<M: Message>(&self, name: &str) -> Option<Distributor<M>> {
        let listed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        taken(listed.get(&(name.into(), TypeId::of::<M>())).cloned())
    }

    /// Takes a pool off the list, for this type of job.
    pub fn unlist<M: Message>(&self, name: &str) -> Option<Distributor<M>> {
        let mut listed = self.0.write().unwrap_or_else(PoisonError::into_inner);
        taken(listed.remove(&(name.into(), TypeId::of::<M>())))
    }
}

fn taken<M: Message>(listed: Option<Arc<dyn Any + Send + Sync>>) -> Option<Distributor<M>> {
    listed?.downcast_ref::<Distributor<M>>().cloned()
}

impl<M: Message> Clone for Distributor<M> {
    fn clone(&self) -> Distributor<M> {
        Distributor(self.0.clone())
    }
}

impl<M: Message> fmt::Debug for Distributor<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Distributor").field(self.name()).field(&std::any::type_name::<M>()).finish()
    }
}

impl fmt::Debug for Distributors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(listed.keys().map(|(name, _)| name)).finish()
    }
}
