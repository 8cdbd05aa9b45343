//! Who performs a shutdown: a plain task of the runtime, outside of all trees, that obeys a [`Course`].

use super::phases::{Action, Course, Duty, TaskKey};
use super::report::{ShutdownReason, ShutdownReport, Straggler};
use super::shutdown::{CoordinatedShutdown, Order, Work};
use super::signal::Signal;
use crate::app::{App, StopReport};
use futures::channel::mpsc::UnboundedReceiver;
use futures::future::{BoxFuture, join_all};
use futures::stream::{FuturesUnordered, Stream, StreamExt};
use ravelin_core::{ActorRef, Exit, NoMessage, Pid, System, Task, TaskArgs, within};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// What is done in a task of the course.
enum Job {
    /// To be begun.
    Task(ActorRef<Task<NoMessage>>, Option<Work>),
    Duty(Duty),
}

/// One shutdown.
struct Conductor {
    app: App,
    /// The applications, in start order.
    applications: Arc<[Arc<str>]>,
    course: Course,
    jobs: Vec<Job>,
    /// The phase of each job.
    phases: Vec<Arc<str>>,
    running: FuturesUnordered<BoxFuture<'static, (TaskKey, Result<(), Exit>)>>,
    stragglers: Vec<Straggler>,
    cut_short: Option<Signal>,
}

/// Something happened.
enum Event {
    Done(TaskKey, Result<(), Exit>),
    Order(Order),
}

/// Waits for the beginning of the shutdown, and performs it.
pub(crate) async fn conduct(
    app: App,
    applications: Arc<[Arc<str>]>,
    shutdown: CoordinatedShutdown,
    mut orders: UnboundedReceiver<Order>,
) -> ShutdownReport {
    let reason = begin(&app, &shutdown, &mut orders).await;
    tracing::info!(target: "ravelin", %reason, "ravelin.shutdown_begun");
    let runtime = app.system().runtime().clone();
    let begun = runtime.now();
    let mut conductor = Conductor::new(app, applications, &shutdown);
    conductor.course.begin(begun);
    loop {
        while let Some(action) = conductor.course.poll_action() {
            conductor.perform(action);
        }
        if conductor.course.is_over() {
            break;
        }
        let wait = conductor.course.wake_at() - runtime.now();
        match within(&*runtime, wait, conductor.next(&mut orders)).await {
            Some(Event::Done(key, outcome)) => conductor.course.handle_done(runtime.now(), key, outcome),
            Some(Event::Order(Order::CutShort(signal))) => {
                conductor.cut_short.get_or_insert(signal);
                conductor.course.cut_short(runtime.now());
            }
            Some(Event::Order(Order::Begin(_))) => {}
            None => conductor.course.handle_time(runtime.now()),
        }
    }
    let report = conductor.report(reason, runtime.now() - begun);
    tracing::info!(target: "ravelin", is_orderly = report.is_orderly(), "ravelin.shutdown_over");
    report
}

/// Waits for a reason to shut down: an order, or the end of the root.
async fn begin(
    app: &App,
    shutdown: &CoordinatedShutdown,
    orders: &mut UnboundedReceiver<Order>,
) -> ShutdownReason {
    let mut root = pin!(app.ended());
    poll_fn(|cx| {
        while let Poll::Ready(Some(order)) = orders.poll_next_unpin(cx) {
            if let Order::Begin(reason) = order {
                return Poll::Ready(reason);
            }
        }
        root.as_mut().poll(cx).map(|exit| {
            let ended = ShutdownReason::RootEnded(exit);
            shutdown.begin_because(ended.clone());
            shutdown.reason().unwrap_or(ended)
        })
    })
    .await
}

impl Conductor {
    fn new(app: App, applications: Arc<[Arc<str>]>, shutdown: &CoordinatedShutdown) -> Conductor {
        let (mut jobs, mut tasks, mut phases) = (Vec::new(), Vec::new(), Vec::new());
        let mut planned = shutdown.take_tasks();
        planned.sort_by_key(|task| task.phase);
        let mut planned = planned.into_iter().peekable();
        for (at, phase) in shutdown.phases().iter().enumerate() {
            if phase.duty != Duty::None {
                jobs.push(Job::Duty(phase.duty));
                tasks.push((at, phase.name.clone(), true));
                phases.push(phase.name.clone());
            }
            while let Some(task) = planned.next_if(|task| task.phase == at) {
                jobs.push(Job::Task(ActorRef::place(task.name.clone()), Some(task.work)));
                tasks.push((at, task.name, false));
                phases.push(phase.name.clone());
            }
        }
        Conductor {
            app,
            applications,
            course: Course::new(shutdown.phases().to_vec(), shutdown.total_time(), tasks),
            jobs,
            phases,
            running: FuturesUnordered::new(),
            stragglers: Vec::new(),
            cut_short: None,
        }
    }

    async fn next(&mut self, orders: &mut UnboundedReceiver<Order>) -> Event {
        poll_fn(|cx| {
            if let Poll::Ready(Some(order)) = orders.poll_next_unpin(cx) {
                return Poll::Ready(Event::Order(order));
            }
            match pin!(&mut self.running).poll_next(cx) {
                Poll::Ready(Some((key, outcome))) => Poll::Ready(Event::Done(key, outcome)),
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Run(key) => {
                let system = self.app.system().clone();
                let running: BoxFuture<'static, Result<(), Exit>> = match &mut self.jobs[key] {
                    Job::Task(place, work) => Box::pin(run(system, place.clone(), work.take())),
                    Job::Duty(Duty::Trees) => {
                        Box::pin(stop_root(self.app.clone(), self.applications.clone()))
                    }
                    Job::Duty(_) => Box::pin(end_all(system)),
                };
                self.running.push(Box::pin(async move { (key, running.await) }));
            }
            Action::Kill(key) => match &self.jobs[key] {
                Job::Task(place, _) => {
                    place.pid().map(|pid| self.app.system().kill(pid));
                }
                Job::Duty(duty) => self.kill_all(*duty, self.phases[key].clone()),
            },
        }
    }

    /// Tells who is left, and kills them: those in the trees, or all.
    fn kill_all(&mut self, duty: Duty, phase: Arc<str>) {
        let system = self.app.system();
        let root = self.app.root().pid();
        let lineages = system.pids().into_iter().map(|pid| (lineage(system, pid), pid));
        let mut left: Vec<((String, BTreeSet<Pid>), Pid)> = lineages
            .filter(|((_, pids), _)| duty == Duty::Rest || root.is_some_and(|root| pids.contains(&root)))
            .collect();
        // A supervisor before its children: so it restarts none of them.
        left.sort_by_key(|((_, pids), pid)| (pids.len(), *pid));
        for ((path, _), pid) in left {
            let Some(description) = system.describe(pid) else { continue };
            self.stragglers.push(Straggler {
                phase: phase.clone(),
                path,
                pid,
                actor: description.actor,
                activity: description.activity,
                mailbox_len: description.mailbox_len,
            });
        }
        let told = self.stragglers.iter().filter(|straggler| straggler.phase == phase);
        for straggler in told {
            tracing::warn!(target: "ravelin", %straggler, "ravelin.straggler_killed");
            system.kill(straggler.pid);
        }
    }

    fn report(self, reason: ShutdownReason, took: std::time::Duration) -> ShutdownReport {
        let killed: BTreeSet<Pid> = self.stragglers.iter().map(|straggler| straggler.pid).collect();
        let root = self.app.root().last_exit().unwrap_or(Exit::NoProc);
        ShutdownReport {
            reason,
            stop: StopReport { root, killed: killed.len() },
            phases: self.course.report(),
            stragglers: self.stragglers,
            cut_short: self.cut_short,
            took,
        }
    }
}

/// The names from the root down to an actor, and the pids from the actor up to the root.
fn lineage(system: &System, pid: Pid) -> (String, BTreeSet<Pid>) {
    let (mut names, mut pids, mut next) = (Vec::new(), BTreeSet::new(), Some(pid));
    while let Some(pid) = next.filter(|pid| pids.insert(*pid)) {
        let description = system.describe(pid);
        let name = description.as_ref().and_then(|description| description.name.clone());
        names.push(name.unwrap_or_else(|| pid.to_string().into()));
        next = description.and_then(|description| description.parent);
    }
    names.reverse();
    (names.join("/"), pids)
}

/// Runs a task of the user's as an actor.
async fn run(system: System, place: ActorRef<Task<NoMessage>>, work: Option<Work>) -> Result<(), Exit> {
    let Some(work) = work else { return Ok(()) };
    let args = TaskArgs::once(move |_| work());
    let pid = system.start(&place, args).await.map_err(ravelin_core::StartError::into_exit)?;
    let exit = match system.ended(pid).await {
        Exit::NoProc => place.last_exit().unwrap_or(Exit::NoProc),
        exit => exit,
    };
    if exit == Exit::Normal { Ok(()) } else { Err(exit) }
}

/// One application after the other: one that was started again is not the newest child that it seems to be.
async fn stop_root(app: App, applications: Arc<[Arc<str>]>) -> Result<(), Exit> {
    for application in applications.iter().rev() {
        // One that does not run is not found; without the root none runs.
        let _ = app.root().terminate_child(application.clone()).await;
    }
    if let Some(pid) = app.root().pid() {
        app.system().shut_down(pid, Exit::Shutdown, None).await;
    }
    Ok(())
}

/// Orders all that have no living parent to end, again and again, until nobody is left.
async fn end_all(system: System) -> Result<(), Exit> {
    while !system.is_empty() {
        let is_first = |pid: &Pid| {
            let parent = system.describe(*pid).and_then(|description| description.parent);
            parent.is_none_or(|parent| !system.is_alive(parent))
        };
        let first = system.pids().into_iter().filter(is_first);
        join_all(first.map(|pid| system.shut_down(pid, Exit::Shutdown, None)).collect::<Vec<_>>()).await;
    }
    Ok(())
}
