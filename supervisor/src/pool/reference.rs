//! The handle of a pool: how jobs get to its workers, without a hop.

use super::error::PoolError;
use super::figures::{Account, PoolStats, count};
use super::gate::{Closed, Gate, Permit};
use super::job::{Again, JobOf};
use super::members::{Lease, Requeue, Running, Shared, WhenDown};
use crate::handle::SupervisorRef;
use crate::hashing::{Key, hash};
use futures::channel::oneshot;
use futures::future::{BoxFuture, Either, join_all, select};
use ravelin_core::{
    Actor, ActorRef, CALL_TIMEOUT, CallError, Exit, Message, Pid, Runtime, Serve, System, Time, within,
};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// The handle of a pool: exists before its workers, survives restarts, cheap to clone. Any of its verbs goes straight to
/// a worker's mailbox, or into the pool's own line if it [requeues](super::Pool::requeue).
///
/// *One* is one worker, found by the pool's dispatcher; *by key* says the key; *everyone* is all workers. bastion's
/// `tell_one`, `ask_one`, `tell_everyone` and `ask_everyone` are `cast_one`, `call_one`, `cast_everyone` and
/// `call_everyone`.
pub struct PoolRef<A: Actor> {
    pub(crate) shared: Arc<Shared<A>>,
}

impl<A: Actor> PoolRef<A> {
    /// A new place for a pool. The name is for people and tools, and its child id.
    pub fn place(name: impl Into<Arc<str>>) -> PoolRef<A> {
        PoolRef { shared: Arc::new(Shared::new(name.into())) }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    /// The pool's supervisor. The workers are its children, or those of its child `workers` if it has a keeper, which
    /// it has if it requeues or scales.
    pub fn supervisor(&self) -> &SupervisorRef {
        &self.shared.place
    }

    /// The workers' places, in the order of their numbers; without those that are about to leave.
    pub fn workers(&self) -> Vec<ActorRef<A>> {
        let members = self.shared.members();
        members.iter().filter(|member| !member.is_leaving()).map(|member| member.place.clone()).collect()
    }

    /// The figures. O(workers).
    pub fn stats(&self) -> PoolStats {
        self.shared.stats()
    }

    /// Sends to one worker and goes on: never blocks.
    ///
    /// # Errors
    /// It was not accepted; the message comes back.
    pub fn cast_one<M: Message>(&self, message: M) -> Result<(), PoolError<M>>
    where
        A: Serve<M>,
    {
        self.cast(None, message, None)
    }

    /// As [`cast_one`](PoolRef::cast_one), for a job with a key.
    ///
    /// # Errors
    /// As [`cast_one`](PoolRef::cast_one).
    pub fn cast_by_key<M: Message>(&self, key: &(impl Key + ?Sized), message: M) -> Result<(), PoolError<M>>
    where
        A: Serve<M>,
    {
        self.cast(Some(hash(key)), message, None)
    }

    /// As [`cast_one`](PoolRef::cast_one), and when the worker ends with the job in hand another one gets a copy; so
    /// `tries` times in all. It may then be handled more than once. For pools that requeue.
    ///
    /// # Errors
    /// As [`cast_one`](PoolRef::cast_one), and [`PoolError::NoRequeue`].
    pub fn cast_at_least_once<M: Message + Clone>(&self, message: M, tries: u32) -> Result<(), PoolError<M>>
    where
        A: Serve<M>,
    {
        self.cast(None, message, Some(Again { copy: M::clone, tries_left: tries.saturating_sub(1) }))
    }

    /// Sends to one worker, waiting for room: in its mailbox, and in the pool if its policy is to wait.
    ///
    /// # Errors
    /// As [`cast_one`](PoolRef::cast_one).
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent.
    pub async fn send_one<M: Message>(&self, message: M) -> Result<(), PoolError<M>>
    where
        A: Serve<M>,
    {
        self.send(None, message).await
    }

    /// As [`send_one`](PoolRef::send_one), for a job with a key.
    ///
    /// # Errors
    /// As [`cast_one`](PoolRef::cast_one).
    ///
    /// # Cancel safety
    /// As [`send_one`](PoolRef::send_one).
    pub async fn send_by_key<M: Message>(
        &self,
        key: &(impl Key + Sync + ?Sized),
        message: M,
    ) -> Result<(), PoolError<M>>
    where
        A: Serve<M>,
    {
        self.send(Some(hash(key)), message).await
    }

    /// Sends to one worker and waits for the answer, five seconds if nothing else is said. It always ends.
    pub fn call_one<M: Message>(&self, message: M) -> PoolCall<'_, A, M>
    where
        A: Serve<M>,
    {
        self.call_with(None, message, Some(CALL_TIMEOUT))
    }

    /// As [`call_one`](PoolRef::call_one), for a job with a key.
    pub fn call_by_key<M: Message>(&self, key: &(impl Key + ?Sized), message: M) -> PoolCall<'_, A, M>
    where
        A: Serve<M>,
    {
        self.call_with(Some(hash(key)), message, Some(CALL_TIMEOUT))
    }

    /// Sends a copy to each worker, straight to its mailbox, past the pool's limits and its line; gives what came of
    /// each, by the worker's number.
    pub fn cast_everyone<M: Message + Clone>(&self, message: M) -> Vec<(usize, Result<(), PoolError<M>>)>
    where
        A: Serve<M>,
    {
        let send =
            |lease: &Lease<A>| (lease.0.number, lease.0.place.cast(message.clone()).map_err(Into::into));
        self.shared.everyone().iter().map(send).collect()
    }

    /// As [`cast_everyone`](PoolRef::cast_everyone), and waits for all answers, so long at most.
    pub async fn call_everyone<M: Message + Clone>(
        &self,
        message: M,
        limit: Duration,
    ) -> Vec<(usize, Result<M::Reply, CallError<M>>)>
    where
        A: Serve<M>,
    {
        let calls = self.shared.everyone().into_iter().map(|lease| {
            let message = message.clone();
            async move { (lease.0.number, lease.0.place.call(message).timeout(limit).await) }
        });
        join_all(calls.collect::<Vec<_>>()).await
    }

    pub(crate) fn call_with<M: Message>(
        &self,
        key: Option<u64>,
        message: M,
        limit: Option<Duration>,
    ) -> PoolCall<'_, A, M> {
        PoolCall { pool: self, key, message, again: None, limit }
    }

    pub(crate) fn cast<M: Message>(
        &self,
        key: Option<u64>,
        message: M,
        again: Option<Again<M>>,
    ) -> Result<(), PoolError<M>>
    where
        A: Serve<M>,
    {
        let cast = || {
            let Some(entry) = self.entry() else { return Err(PoolError::NoProc(message)) };
            if again.is_some() && entry.requeue == Requeue::Never {
                return Err(PoolError::NoRequeue(message));
            }
            match entry.enter(&self.shared) {
                Err(Closed::Limit) => Err(PoolError::Limit(message)),
                Err(Closed::Rate(_)) => Err(PoolError::Rate(message)),
                Ok(None) => self.push(key, message),
                Ok(Some(permit)) => {
                    self.enqueue(key, message, None, again, permit);
                    Ok(())
                }
            }
        };
        self.counting(cast())
    }

    /// Straight into a mailbox.
    fn push<M: Message>(&self, key: Option<u64>, mut message: M) -> Result<(), PoolError<M>>
    where
        A: Serve<M>,
    {
        let mut tried = Vec::new();
        while let Some(lease) = self.shared.choose(key, &tried) {
            match lease.0.place.cast(message).map_err(PoolError::from) {
                Err(PoolError::NoProc(back)) if self.passes_over() => message = back,
                sent => return sent,
            }
            tried.push(lease.0.number);
        }
        Err(PoolError::NoProc(message))
    }

    fn passes_over(&self) -> bool {
        self.shared.running().as_ref().is_none_or(|running| running.config.when_down == WhenDown::PassOver)
    }

    /// Into the pool's own line.
    fn enqueue<M: Message>(
        &self,
        key: Option<u64>,
        message: M,
        asker: Option<oneshot::Sender<Result<M::Reply, PoolError<M>>>>,
        again: Option<Again<M>>,
        permit: Permit,
    ) where
        A: Serve<M>,
    {
        let key = key.filter(|_| self.shared.goes_by_key());
        let account = Account::open(&self.shared.counters);
        self.shared.enqueue(key, Box::new(JobOf { message, asker, again, account, permit }));
    }

    pub(crate) async fn send<M: Message>(&self, key: Option<u64>, message: M) -> Result<(), PoolError<M>>
    where
        A: Serve<M>,
    {
        let send = async {
            let Some(entry) = self.entry() else { return Err(PoolError::NoProc(message)) };
            match entry.wait(&self.shared).await {
                Err(Closed::Limit) => Err(PoolError::Limit(message)),
                Err(Closed::Rate(_)) => Err(PoolError::Rate(message)),
                Ok(Some(permit)) => {
                    self.enqueue(key, message, None, None, permit);
                    Ok(())
                }
                Ok(None) => {
                    let mut round = Round::new(key);
                    let mut message = message;
                    while let Some(lease) = round.next(&self.shared).await {
                        match lease.0.place.send(message).await.map_err(PoolError::from) {
                            Err(PoolError::NoProc(back)) => message = back,
                            sent => return sent,
                        }
                        round.missed(lease, self.passes_over());
                    }
                    Err(PoolError::NoProc(message))
                }
            }
        };
        self.counting(send.await)
    }

    async fn ask<M: Message>(
        &self,
        entry: Entry,
        key: Option<u64>,
        message: M,
        again: Option<Again<M>>,
        limit: Option<Duration>,
    ) -> Result<M::Reply, PoolError<M>>
    where
        A: Serve<M>,
    {
        let time = Deadline::new(entry.system.runtime(), limit);
        match time.bound(entry.wait(&self.shared)).await {
            None => Err(PoolError::Timeout),
            Some(Err(Closed::Limit)) => Err(PoolError::Limit(message)),
            Some(Err(Closed::Rate(_))) => Err(PoolError::Rate(message)),
            Some(Ok(Some(permit))) => {
                let end = pin!(entry.system.ended(entry.pool));
                let (asker, answer) = oneshot::channel();
                self.enqueue(key, message, Some(asker), again, permit);
                match time.bound(select(answer, end)).await {
                    None => Err(PoolError::Timeout),
                    Some(Either::Left((Ok(answer), _))) => answer,
                    Some(Either::Left((Err(oneshot::Canceled), _))) => {
                        Err(PoolError::Exited(Exit::error("the pool's keeper ended")))
                    }
                    Some(Either::Right((why, _))) => Err(PoolError::Exited(why)),
                }
            }
            Some(Ok(None)) => {
                let mut round = Round::new(key);
                let mut message = message;
                loop {
                    let lease = match time.bound(round.next(&self.shared)).await {
                        None => return Err(PoolError::Timeout),
                        Some(None) => return Err(PoolError::NoProc(message)),
                        Some(Some(lease)) => lease,
                    };
                    let call = lease.0.place.call(message);
                    // The call has a limit of its own, so that its budget is known further down.
                    let call = match time.left() {
                        Some(left) => call.timeout(left),
                        None => call.no_timeout(),
                    };
                    match call.await {
                        Err(CallError::NoProc(back)) => message = back,
                        answer => return answer.map_err(Into::into),
                    }
                    round.missed(lease, self.passes_over());
                }
            }
        }
    }

    fn entry(&self) -> Option<Entry> {
        let running = self.shared.running();
        let Running { system, config, gate, .. } = running.as_ref()?;
        let pool = self.shared.place.pid()?;
        let limit = config.limit.map(|(limit, _)| limit);
        Some(Entry { system: system.clone(), gate: gate.clone(), requeue: config.requeue, limit, pool })
    }

    fn counting<M, R>(&self, outcome: Result<R, PoolError<M>>) -> Result<R, PoolError<M>> {
        let counters = &self.shared.counters;
        match &outcome {
            Err(PoolError::Full(_)) => count(&counters.refused_full),
            Err(PoolError::Limit(_)) => count(&counters.refused_limit),
            Err(PoolError::NoProc(_)) => count(&counters.refused_noproc),
            Err(PoolError::Rate(_)) => count(&counters.refused_rate),
            Ok(_) | Err(_) => {}
        }
        outcome
    }
}

/// What a job needs to know of the pool that it goes to.
struct Entry {
    system: System,
    gate: Arc<Gate>,
    requeue: Requeue,
    /// For the mailboxes; that of the pool's own line is the gate's.
    limit: Option<usize>,
    pool: Pid,
}

impl Entry {
    /// In now, or not: into the pool's own line with a permit, to a mailbox without.
    fn enter<A: Actor>(&self, shared: &Shared<A>) -> Result<Option<Permit>, Closed> {
        self.look(shared)?;
        let permit = self.gate.enter(self.system.runtime().now())?;
        Ok(Some(permit).filter(|_| self.requeue == Requeue::Waiting))
    }

    /// In when there is room.
    async fn wait<A: Actor>(&self, shared: &Shared<A>) -> Result<Option<Permit>, Closed> {
        self.look(shared)?;
        let permit = self.gate.wait(&**self.system.runtime()).await?;
        Ok(Some(permit).filter(|_| self.requeue == Requeue::Waiting))
    }

    fn look<A: Actor>(&self, shared: &Shared<A>) -> Result<(), Closed> {
        let has_room = self.limit.is_none_or(|limit| shared.in_flight() < limit as u64);
        if has_room { Ok(()) } else { Err(Closed::Limit) }
    }
}

/// When a caller stops waiting.
struct Deadline<'a> {
    runtime: &'a Arc<dyn Runtime>,
    at: Option<Time>,
}

impl<'a> Deadline<'a> {
    fn new(runtime: &'a Arc<dyn Runtime>, limit: Option<Duration>) -> Deadline<'a> {
        Deadline { runtime, at: limit.map(|limit| runtime.now() + limit) }
    }

    fn left(&self) -> Option<Duration> {
        self.at.map(|at| at - self.runtime.now())
    }

    /// What comes of it in time.
    async fn bound<F: Future>(&self, future: F) -> Option<F::Output> {
        match self.left() {
            Some(left) => within(&**self.runtime, left, future).await,
            None => Some(future.await),
        }
    }
}

/// The search of one job for a worker.
struct Round<A: Actor> {
    key: Option<u64>,
    tried: Vec<usize>,
    /// It is down, and waited for.
    awaited: Option<Lease<A>>,
}

impl<A: Actor> Round<A> {
    fn new(key: Option<u64>) -> Round<A> {
        Round { key, tried: Vec::new(), awaited: None }
    }

    async fn next(&mut self, shared: &Shared<A>) -> Option<Lease<A>> {
        match self.awaited.take() {
            Some(lease) => {
                lease.0.place.ready().await;
                Some(lease)
            }
            None => shared.choose(self.key, &self.tried),
        }
    }

    /// Nobody was there.
    fn missed(&mut self, lease: Lease<A>, passes_over: bool) {
        if passes_over {
            self.tried.push(lease.0.number);
        } else {
            self.awaited = Some(lease);
        }
    }
}

/// A call to one worker of a pool, to be awaited.
///
/// # Errors
/// See [`PoolError`].
///
/// # Cancel safety
/// Dropped, the job may still be handled, and its answer reaches nobody; one that waits in the pool's own line by then
/// is not handled.
#[must_use = "a call does nothing until it is awaited"]
pub struct PoolCall<'a, A: Actor, M: Message> {
    pool: &'a PoolRef<A>,
    key: Option<u64>,
    message: M,
    again: Option<Again<M>>,
    limit: Option<Duration>,
}

impl<A: Actor, M: Message> PoolCall<'_, A, M> {
    /// Waits at most so long, for room and for the answer.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Waits as long as it takes.
    pub fn no_timeout(mut self) -> Self {
        self.limit = None;
        self
    }

    /// When the worker ends with the job in hand another one gets a copy; so `tries` times in all. It may then be handled
    /// more than once. For pools that requeue; [`PoolError::NoRequeue`] from another one.
    pub fn at_least_once(mut self, tries: u32) -> Self
    where
        M: Clone,
    {
        self.again = Some(Again { copy: M::clone, tries_left: tries.saturating_sub(1) });
        self
    }
}

impl<'a, A: Serve<M>, M: Message> IntoFuture for PoolCall<'a, A, M> {
    type Output = Result<M::Reply, PoolError<M>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let PoolCall { pool, key, message, again, limit } = self;
            let call = async {
                let Some(entry) = pool.entry() else { return Err(PoolError::NoProc(message)) };
                if again.is_some() && entry.requeue == Requeue::Never {
                    return Err(PoolError::NoRequeue(message));
                }
                pool.ask(entry, key, message, again, limit).await
            };
            let outcome = call.await;
            pool.counting(outcome)
        })
    }
}

impl<A: Actor> Clone for PoolRef<A> {
    fn clone(&self) -> PoolRef<A> {
        PoolRef { shared: self.shared.clone() }
    }
}

impl<A: Actor> fmt::Debug for PoolRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolRef").field(&self.shared.name).field(&self.shared.place.pid()).finish()
    }
}
