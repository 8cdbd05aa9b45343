//! The keeper: hands the jobs of the pool's own line to workers that are free, and lets the pool grow and shrink.
//!
//! It is a child of the pool, before the workers' supervisor, and ends with it: so when a keeper begins, no worker has a
//! job. It decides nothing: the line, the key's owner and the size are decided by pure files.

use super::autoscale::{Scaler, Scaling};
use super::figures::count;
use super::job::{AnyJob, Fate};
use super::members::{Member, Requeue, Running, Shared, WhenDown};
use super::queue::Taken;
use crate::error::SupervisorError;
use crate::spec::ChildSpec;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use ravelin_core::{Actor, Pid, System, sleep};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How long a worker without room for a job is left alone.
const PAUSE: Duration = Duration::from_millis(1);

/// Makes the spec of a worker.
pub(crate) type MakeSpec<A> = Arc<dyn Fn(&Arc<Member<A>>) -> ChildSpec + Send + Sync>;

/// What a keeper waits for.
enum Event<A: Actor> {
    /// A worker is up.
    Up(usize, Pid),
    /// This incarnation of a worker is gone.
    Down(usize, Pid),
    /// A worker is done with a job.
    Done {
        worker: usize,
        /// The job, if it waits on.
        back: Option<Taken<AnyJob<A>>>,
    },
    /// The line changed.
    News,
    /// A worker that was asked for has started, or not.
    Grown(Arc<Member<A>>, Result<Option<Pid>, SupervisorError>),
    /// A worker that was drained has gone.
    Left(Arc<Member<A>>),
    /// It is time to look at the loads.
    Look,
}

type Events<A> = FuturesUnordered<BoxFuture<'static, Event<A>>>;

/// The keeper of one life of the pool.
struct Keeper<A: Actor> {
    shared: Arc<Shared<A>>,
    system: System,
    when_down: WhenDown,
    requeue: Requeue,
    spec: MakeSpec<A>,
    scaler: Option<Scaler>,
    events: Events<A>,
    up: BTreeMap<usize, Pid>,
    busy: BTreeSet<usize>,
    /// On their way in.
    coming: BTreeSet<usize>,
    /// Drained, on their way out.
    going: BTreeSet<usize>,
    /// Who had the last job: the next one is for somebody after it.
    last: usize,
}

/// Keeps a pool, until it is ended.
pub(crate) async fn keep<A: Actor>(shared: Arc<Shared<A>>, spec: MakeSpec<A>) {
    let Some(mut keeper) = Keeper::new(shared, spec) else { return };
    loop {
        keeper.hand_out();
        let event = keeper.next().await;
        keeper.handle(event);
    }
}

impl<A: Actor> Keeper<A> {
    fn new(shared: Arc<Shared<A>>, spec: MakeSpec<A>) -> Option<Keeper<A>> {
        let (system, config) = {
            let running = shared.running();
            let Running { system, config, .. } = running.as_ref()?;
            (system.clone(), config.clone())
        };
        let keeper = Keeper {
            system,
            when_down: config.when_down,
            requeue: config.requeue,
            spec,
            scaler: config.autoscale.map(Scaler::new),
            events: FuturesUnordered::new(),
            up: BTreeMap::new(),
            busy: BTreeSet::new(),
            coming: BTreeSet::new(),
            going: BTreeSet::new(),
            last: 0,
            shared,
        };
        if keeper.requeue == Requeue::Waiting {
            keeper.shared.members().iter().for_each(|member| keeper.wait_for(member));
        }
        if let Some(autoscale) = config.autoscale {
            keeper.look_after(autoscale.every);
        }
        Some(keeper)
    }

    fn wait_for(&self, member: &Arc<Member<A>>) {
        let member = member.clone();
        self.events.push(Box::pin(async move { Event::Up(member.number, member.place.ready().await) }));
    }

    fn look_after(&self, wait: Duration) {
        let runtime = self.system.runtime().clone();
        self.events.push(Box::pin(async move {
            sleep(&*runtime, wait).await;
            Event::Look
        }));
    }

    async fn next(&mut self) -> Event<A> {
        poll_fn(|cx| {
            {
                let mut line = self.shared.line();
                if std::mem::take(&mut line.has_news) {
                    return Poll::Ready(Event::News);
                }
                line.keeper = Some(cx.waker().clone());
            }
            match self.events.poll_next_unpin(cx) {
                Poll::Ready(Some(event)) => Poll::Ready(event),
                // Nothing is under way; the line wakes it.
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn handle(&mut self, event: Event<A>) {
        match event {
            Event::Up(worker, pid) => {
                if self.up.insert(worker, pid) == Some(pid) {
                    return; // it was waited for twice
                }
                let end = self.system.ended(pid);
                self.events.push(Box::pin(async move {
                    end.await;
                    Event::Down(worker, pid)
                }));
            }
            Event::Down(worker, pid) => {
                if self.up.get(&worker) == Some(&pid) {
                    self.up.remove(&worker);
                }
                let members = self.shared.members();
                let stays = |member: &&Arc<Member<A>>| member.number == worker && !member.is_leaving();
                if let Some(member) = members.iter().find(stays) {
                    self.wait_for(member);
                }
            }
            Event::Done { worker, back } => {
                self.busy.remove(&worker);
                if let Some(job) = back {
                    self.shared.line().queue.give_back(job);
                }
            }
            Event::News => {}
            Event::Grown(member, Ok(_)) => {
                self.coming.remove(&member.number);
                count(&self.shared.counters.grown);
                if self.requeue == Requeue::Waiting {
                    self.wait_for(&member);
                }
                self.shared.let_in(member);
            }
            Event::Grown(member, Err(error)) => {
                self.coming.remove(&member.number);
                tracing::warn!(target: "ravelin", pool = &*self.shared.name, %error, "ravelin.pool_not_grown");
            }
            Event::Left(member) => {
                self.going.remove(&member.number);
                self.up.remove(&member.number);
                count(&self.shared.counters.shrunk);
                self.shared.let_out(&member);
            }
            Event::Look => self.look(),
        }
    }

    /// Hands jobs to all who are free, in turn.
    fn hand_out(&mut self) {
        if self.requeue == Requeue::Never {
            return;
        }
        let mut members = self.shared.members();
        members.retain(|member| !member.is_leaving());
        let is_up = |member: &Arc<Member<A>>| {
            self.up.get(&member.number).is_some_and(|pid| member.place.pid() == Some(*pid))
        };
        let counts = |member: &&Arc<Member<A>>| self.when_down == WhenDown::Wait || is_up(member);
        let owners = members.iter().filter(counts).map(|member| member.number).collect();
        let mut free: Vec<_> = members
            .iter()
            .filter(|member| is_up(member) && !self.busy.contains(&member.number))
            .cloned()
            .collect();
        let first = free.partition_point(|member| member.number <= self.last);
        free.rotate_left(first);
        let mut begun = Vec::new();
        let mut expired = Vec::new();
        {
            let mut line = self.shared.line();
            line.queue.set_workers(owners);
            for member in free {
                while let Some(taken) = line.queue.take(member.number) {
                    if taken.job.is_over() {
                        expired.push(taken.job);
                        continue;
                    }
                    begun.push((member, taken));
                    break;
                }
            }
        }
        expired.into_iter().for_each(|job| job.expire());
        for (member, taken) in begun {
            self.begin(&member, taken);
        }
    }

    /// Hands a job to a worker.
    fn begin(&mut self, member: &Member<A>, taken: Taken<AnyJob<A>>) {
        let worker = member.number;
        self.last = worker;
        self.busy.insert(worker);
        let runtime = self.system.runtime().clone();
        let Taken { turn, key, job } = taken;
        let run = job.run(member.place.clone());
        self.events.push(Box::pin(async move {
            let back = match run.await {
                Fate::Over => None,
                Fate::Back(job) => Some(job),
                Fate::Full(job) => {
                    sleep(&*runtime, PAUSE).await;
                    Some(job)
                }
            };
            Event::Done { worker, back: back.map(|job| Taken { turn, key, job }) }
        }));
    }

    /// Looks at the loads, and does what they ask for.
    fn look(&mut self) {
        let every = {
            let running = self.shared.running();
            running.as_ref().and_then(|running| running.config.autoscale).map(|autoscale| autoscale.every)
        };
        every.into_iter().for_each(|every| self.look_after(every));
        self.let_drained_go();
        let members = self.shared.members();
        let staying: Vec<_> = members.iter().filter(|member| !member.is_leaving()).collect();
        let waiting = match self.requeue {
            Requeue::Waiting => self.shared.line().queue.len() as u64,
            Requeue::Never => staying.iter().map(|member| member.place.mailbox_len() as u64).sum(),
        };
        let now = self.system.runtime().now();
        let Some(scaler) = &mut self.scaler else { return };
        match scaler.decide(now, staying.len() + self.coming.len(), waiting) {
            Scaling::Grow(more) => (0..more).for_each(|_| self.grow()),
            Scaling::Shrink(fewer) => {
                staying.iter().rev().take(fewer).for_each(|member| self.shared.see_off(member));
                self.let_drained_go();
            }
            Scaling::Stay => {}
        }
    }

    fn grow(&mut self) {
        let member = self.shared.newcomer(&self.coming);
        self.coming.insert(member.number);
        let (workers, spec) = (self.shared.workers.clone(), (self.spec)(&member));
        self.events.push(Box::pin(async move { Event::Grown(member, workers.start_child(spec).await) }));
    }

    fn let_drained_go(&mut self) {
        for member in self.shared.members() {
            let is_idle = !self.busy.contains(&member.number) && member.is_drained();
            if !member.is_leaving() || !is_idle || !self.going.insert(member.number) {
                continue;
            }
            let (workers, id) = (self.shared.workers.clone(), member.number.to_string());
            self.events.push(Box::pin(async move {
                // A supervisor that is gone has no such child either.
                let _ = workers.terminate_child(&*id).await;
                let _ = workers.delete_child(&*id).await;
                Event::Left(member)
            }));
        }
    }
}
