//! What a pool's handle, its keeper and its supervisor share: who the workers are, and what they are told.

use super::autoscale::Autoscale;
use super::dispatch::{Dispatch, Job, Load};
use super::figures::{Counters, PoolStats};
use super::gate::{AtLimit, Gate};
use super::job::AnyJob;
use super::queue::Queue;
use crate::handle::SupervisorRef;
use ravelin_core::{Actor, ActorRef, Ledger, System};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::Waker;

/// What a pool does about a worker that is down.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum WhenDown {
    /// Others get what would have been for it. The default.
    #[default]
    PassOver,
    /// Who can wait does, until it is up again: a call or a send does, a cast is handed back. For keys that must not
    /// have two workers at a time.
    Wait,
}

/// What becomes of the jobs that wait when a worker ends.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Requeue {
    /// They are in its mailbox, and end with it, as in OTP. The default.
    #[default]
    Never,
    /// They wait in the pool's own line, and a worker gets one at a time: only the one in hand is lost. Costs a trip
    /// through the pool's keeper.
    Waiting,
}

/// What is decided when a pool is made.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) workers: usize,
    pub(crate) dispatch: Dispatch,
    pub(crate) when_down: WhenDown,
    pub(crate) requeue: Requeue,
    pub(crate) autoscale: Option<Autoscale>,
    /// For jobs that are not in the pool's own line; there the gate has it.
    pub(crate) limit: Option<(usize, AtLimit)>,
}

/// A worker.
pub(crate) struct Member<A: Actor> {
    pub(crate) number: usize,
    pub(crate) place: ActorRef<A>,
    /// It gets no more jobs.
    pub(crate) is_leaving: AtomicBool,
    /// Jobs on their way to its mailbox, and calls that wait for it.
    leases: AtomicUsize,
}

impl<A: Actor> Member<A> {
    fn new(name: &str, number: usize) -> Arc<Member<A>> {
        let place = ActorRef::place(format!("{name}/{number}"));
        Arc::new(Member { number, place, is_leaving: AtomicBool::new(false), leases: AtomicUsize::new(0) })
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Acquire)
    }

    /// The jobs that it has: what was accepted and has no fate yet. (What the ledger says of those that wait misses one
    /// that is just on its way from the mailbox to the handler.)
    pub(crate) fn jobs(&self) -> u64 {
        without_fate(&self.place.ledger())
    }

    /// Whether it has nothing to do, and nothing comes.
    pub(crate) fn is_drained(&self) -> bool {
        self.leases.load(Ordering::Acquire) == 0 && self.jobs() == 0
    }
}

fn without_fate(ledger: &Ledger) -> u64 {
    let Ledger { accepted, handled, answered, expired, interrupted, discarded, dead_lettered, .. } = *ledger;
    accepted.saturating_sub(handled + answered + expired + interrupted + discarded + dead_lettered)
}

/// A worker that was chosen. It does not leave while this is held.
pub(crate) struct Lease<A: Actor>(pub(crate) Arc<Member<A>>);

impl<A: Actor> Drop for Lease<A> {
    fn drop(&mut self) {
        self.0.leases.fetch_sub(1, Ordering::Release);
    }
}

/// A pool that was started.
pub(crate) struct Running<A: Actor> {
    pub(crate) system: System,
    pub(crate) config: Arc<Config>,
    pub(crate) gate: Arc<Gate>,
    /// In the order of their numbers.
    pub(crate) members: Vec<Arc<Member<A>>>,
}

/// The pool's own line.
pub(crate) struct Line<A: Actor> {
    pub(crate) queue: Queue<AnyJob<A>>,
    /// Something changed since the keeper looked.
    pub(crate) has_news: bool,
    pub(crate) keeper: Option<Waker>,
}

/// What is shared.
pub(crate) struct Shared<A: Actor> {
    pub(crate) name: Arc<str>,
    /// The pool's supervisor.
    pub(crate) place: SupervisorRef,
    /// The workers' supervisor; the same one, if the pool has no keeper.
    pub(crate) workers: SupervisorRef,
    running: RwLock<Option<Running<A>>>,
    /// All that there ever were, by their numbers: a number has one place for ever, and one ledger.
    known: Mutex<Vec<Arc<Member<A>>>>,
    line: Mutex<Line<A>>,
    turn: AtomicU64,
    pub(crate) counters: Arc<Counters>,
}

impl<A: Actor> Shared<A> {
    pub(crate) fn new(name: Arc<str>) -> Shared<A> {
        Shared {
            place: SupervisorRef::place(name.clone()),
            workers: SupervisorRef::place(format!("{name}/workers")),
            name,
            running: RwLock::new(None),
            known: Mutex::new(Vec::new()),
            line: Mutex::new(Line { queue: Queue::new(), has_news: false, keeper: None }),
            turn: AtomicU64::new(0),
            counters: Arc::default(),
        }
    }

    pub(crate) fn running(&self) -> RwLockReadGuard<'_, Option<Running<A>>> {
        self.running.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn running_mut(&self) -> RwLockWriteGuard<'_, Option<Running<A>>> {
        self.running.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn line(&self) -> MutexGuard<'_, Line<A>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker of this number, whether or not it is one now.
    pub(crate) fn member(&self, number: usize) -> Arc<Member<A>> {
        let mut known = self.known();
        while known.len() <= number {
            let next = known.len();
            known.push(Member::new(&self.name, next));
        }
        known[number].clone()
    }

    fn known(&self) -> MutexGuard<'_, Vec<Arc<Member<A>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool starts.
    pub(crate) fn begin(&self, system: System, config: Arc<Config>, gate: Arc<Gate>) {
        let count = config.workers;
        *self.running_mut() = Some(Running { system, config, gate, members: Vec::new() });
        self.begin_again(count);
    }

    /// The workers are those that the pool begins with, none of them about to leave.
    pub(crate) fn begin_again(&self, count: usize) {
        let first: Vec<_> = (0..count).map(|number| self.member(number)).collect();
        if let Some(running) = self.running_mut().as_mut() {
            first.iter().for_each(|member| member.is_leaving.store(false, Ordering::Release));
            running.members = first;
        }
    }

    pub(crate) fn members(&self) -> Vec<Arc<Member<A>>> {
        self.running().as_ref().map_or_else(Vec::new, |running| running.members.clone())
    }

    /// A worker for the smallest number that is free. It gets jobs once it is let in.
    pub(crate) fn newcomer(&self, taken: &BTreeSet<usize>) -> Arc<Member<A>> {
        let members = self.members();
        let is_taken = |number| taken.contains(&number) || members.iter().any(|each| each.number == number);
        let mut number = 0;
        while is_taken(number) {
            number += 1;
        }
        self.member(number)
    }

    pub(crate) fn let_in(&self, member: Arc<Member<A>>) {
        if let Some(running) = self.running_mut().as_mut() {
            member.is_leaving.store(false, Ordering::Release);
            let at = running.members.partition_point(|each| each.number < member.number);
            running.members.insert(at, member);
        }
    }

    /// From now on it gets no more jobs: whoever chose it before holds a lease by now.
    pub(crate) fn see_off(&self, member: &Member<A>) {
        let _nobody_chooses = self.running_mut();
        member.is_leaving.store(true, Ordering::Release);
    }

    pub(crate) fn let_out(&self, member: &Member<A>) {
        if let Some(running) = self.running_mut().as_mut() {
            running.members.retain(|each| each.number != member.number);
        }
    }

    /// Chooses a worker among those that were not tried.
    pub(crate) fn choose(&self, key: Option<u64>, tried: &[usize]) -> Option<Lease<A>> {
        loop {
            let (config, loads) = self.loads(tried)?;
            if loads.is_empty() {
                return None;
            }
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            // Of the user's own, perhaps: nothing is held meanwhile.
            let chosen = config.dispatch.choose(&Job { turn, key }, &loads)?;
            loads.iter().find(|load| load.worker == chosen)?;
            if let Some(lease) = self.lease(chosen) {
                return Some(lease);
            }
            // It began to leave just now, and is not shown again.
        }
    }

    /// Those who can be given a job, and what they have.
    fn loads(&self, tried: &[usize]) -> Option<(Arc<Config>, Vec<Load>)> {
        let running = self.running();
        let Running { config, members, .. } = running.as_ref()?;
        let needs_loads = config.dispatch.needs_loads();
        let load = |member: &Arc<Member<A>>| {
            let is_up = member.place.is_alive();
            let counts = (is_up || config.when_down == WhenDown::Wait)
                && !member.is_leaving()
                && !tried.contains(&member.number);
            counts.then(|| Load {
                worker: member.number,
                jobs: if needs_loads { member.jobs() } else { 0 },
                is_up,
            })
        };
        Some((config.clone(), members.iter().filter_map(load).collect()))
    }

    /// Holds a worker, unless it is about to leave.
    fn lease(&self, number: usize) -> Option<Lease<A>> {
        let running = self.running();
        let Running { members, .. } = running.as_ref()?;
        let member = members.iter().find(|member| member.number == number && !member.is_leaving())?;
        member.leases.fetch_add(1, Ordering::AcqRel);
        Some(Lease(member.clone()))
    }

    /// All workers but those that are about to leave.
    pub(crate) fn everyone(&self) -> Vec<Lease<A>> {
        let running = self.running();
        let members = running.as_ref().map_or(&[][..], |running| &running.members);
        let lease = |member: &Arc<Member<A>>| {
            member.leases.fetch_add(1, Ordering::AcqRel);
            Lease(member.clone())
        };
        members.iter().filter(|member| !member.is_leaving()).map(lease).collect()
    }

    /// The jobs in all mailboxes, and in hand.
    pub(crate) fn in_flight(&self) -> u64 {
        let running = self.running();
        let members = running.as_ref().map_or(&[][..], |running| &running.members);
        members.iter().map(|member| member.jobs()).sum()
    }

    /// Whether a key counts.
    pub(crate) fn goes_by_key(&self) -> bool {
        let running = self.running();
        running.as_ref().is_some_and(|running| matches!(running.config.dispatch, Dispatch::ByKey))
    }

    /// Puts a job into the pool's own line, and wakes the keeper.
    pub(crate) fn enqueue(&self, key: Option<u64>, job: AnyJob<A>) {
        let mut line = self.line();
        line.queue.push(key, job);
        self.tell_keeper(line);
    }

    pub(crate) fn tell_keeper(&self, mut line: MutexGuard<'_, Line<A>>) {
        line.has_news = true;
        let keeper = line.keeper.take();
        drop(line);
        if let Some(keeper) = keeper {
            keeper.wake();
        }
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let running = self.running();
        let Some(Running { config, members, .. }) = running.as_ref() else {
            return self.counted();
        };
        let mut stats = self.counted();
        stats.workers = members.len();
        stats.up = members.iter().filter(|member| member.place.is_alive()).count();
        match config.requeue {
            Requeue::Waiting => stats.queued = self.line().queue.len() as u64,
            Requeue::Never => {
                let none = Ledger::default();
                let ledger = self.known().iter().fold(none, |sum, member| sum + member.place.ledger());
                stats.queued = members.iter().map(|member| member.place.mailbox_len() as u64).sum();
                stats.busy = without_fate(&ledger).saturating_sub(stats.queued);
                stats.accepted = ledger.accepted;
                stats.done = ledger.handled + ledger.answered;
                stats.expired = ledger.expired;
                stats.lost = ledger.interrupted + ledger.discarded + ledger.dead_lettered;
            }
        }
        stats
    }

    fn counted(&self) -> PoolStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &*self.counters;
        PoolStats {
            accepted: of(&counters.accepted),
            busy: of(&counters.busy),
            done: of(&counters.done),
            expired: of(&counters.expired),
            grown: of(&counters.grown),
            lost: of(&counters.lost),
            refused_full: of(&counters.refused_full),
            refused_limit: of(&counters.refused_limit),
            refused_noproc: of(&counters.refused_noproc),
            refused_rate: of(&counters.refused_rate),
            restarted: of(&counters.restarted),
            shrunk: of(&counters.shrunk),
            ..PoolStats::default()
        }
    }
}
