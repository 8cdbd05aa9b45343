//! The shell: an ordinary actor that obeys a [`Plan`] and does what it says, one action after the other.
//!
//! Ends of children, requests and retries come through one mailbox, in the order of arrival, and are served one after
//! the other; while a child starts or ends they wait. So does a parent's order: it waits for its turn.

use crate::callbacks::{Callbacks, Occasion, Turn};
use crate::plan::{
    Action, ChildError, ChildInfo, ChildKey, Counts, Event, Plan, Reply, Status, Ticket, Verdict,
};
use crate::policy::{ChildPolicy, Shutdown};
use crate::spec::{ChildSpec, Mailbox, Starter, Starting};
use crate::tree::{Shape, Supervisor};
use futures::future::join_all;
use ravelin_core::{Actor, Cx, Exit, Handle, Info, Message, Pid, TrapExits};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A supervisor that runs. Not named by users: they have a `SupervisorRef`.
pub(crate) struct Running {
    id: Arc<str>,
    plan: Plan<Entry>,
    /// The child whose end is being dealt with: its spec may be gone before its callbacks are called.
    leaving: Option<(Pid, Callbacks)>,
    /// Children whose mailbox is kept while they are to be started again.
    keepers: Vec<(ChildKey, Arc<dyn Starter>)>,
}

/// A child in the plan.
struct Entry {
    spec: ChildSpec,
    /// Whether its first start has been tried.
    has_started: AtomicBool,
}

impl Entry {
    fn new(spec: ChildSpec) -> Entry {
        Entry { spec, has_started: AtomicBool::new(false) }
    }
}

impl AsRef<ChildPolicy> for Entry {
    fn as_ref(&self) -> &ChildPolicy {
        &self.spec.policy
    }
}

/// `start_child`.
pub(crate) struct StartChild(pub(crate) ChildSpec);
/// `restart_child`.
pub(crate) struct RestartChild(pub(crate) Arc<str>);
/// `terminate_child`, by id.
pub(crate) struct TerminateChild(pub(crate) Arc<str>);
/// `terminate_child`, by pid: for a dynamic supervisor.
pub(crate) struct TerminatePid(pub(crate) Pid);
/// `delete_child`.
pub(crate) struct DeleteChild(pub(crate) Arc<str>);
/// `which_children`.
pub(crate) struct WhichChildren;
/// `count_children`.
pub(crate) struct CountChildren;
/// `get_childspec`.
pub(crate) struct GetChildSpec(pub(crate) Arc<str>);
/// A child that is restarting is due for its next attempt.
struct Retry(Ticket);

type Answer = Result<Reply, ChildError>;

macro_rules! messages {
    ($($message:ty => $reply:ty),* $(,)?) => { $(impl Message for $message { type Reply = $reply; })* };
}

messages! {
    StartChild => Answer,
    RestartChild => Answer,
    TerminateChild => Answer,
    TerminatePid => Answer,
    DeleteChild => Result<(), ChildError>,
    WhichChildren => Vec<ChildInfo>,
    CountChildren => Counts,
    GetChildSpec => Result<ChildSpec, ChildError>,
    Retry => (),
}

impl Actor for Running {
    type Args = Arc<Supervisor>;

    async fn init(tree: Arc<Supervisor>, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::InTurn);
        tree.check_own()?;
        let seed = cx.runtime().entropy();
        let plan = match tree.shape {
            Shape::Fixed(_) => {
                let children = tree.children.iter().map(|spec| (spec.id.clone(), Entry::new(spec.clone())));
                Plan::fixed(tree.flags(), seed, children)?
            }
            Shape::Dynamic { .. } => Plan::dynamic(tree.dynamic_flags(), seed)?,
        };
        let mut running = Running { id: tree.id.clone(), plan, leaving: None, keepers: Vec::new() };
        match running.obey(cx).await.over {
            Some(exit) => Err(exit),
            None => Ok(running),
        }
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        if !self.plan.is_down() {
            self.plan.handle_stop(why.clone());
            self.obey(cx).await;
        }
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        // Exit signals of others than children are ignored, as in OTP.
        if let Info::Exit { from, reason } = info {
            let entry = self.plan.find_pid(from).and_then(|key| self.plan.spec(key));
            self.leaving = entry.map(|entry| (from, entry.spec.callbacks.clone()));
            self.plan.handle_exit(cx.now(), from, &reason);
            self.serve_next(cx).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (_, starter) in self.keepers.drain(..) {
            starter.bury_kept();
        }
    }
}

/// What a run of the plan gave.
#[derive(Default)]
struct Outcome {
    /// The answer to the request that was served.
    answer: Option<Answer>,
    /// The supervisor's end.
    over: Option<Exit>,
}

impl Running {
    /// Does all that the plan says; then stops, if that is what it said.
    async fn serve_next(&mut self, cx: &mut Cx<Self>) -> Option<Answer> {
        let outcome = self.obey(cx).await;
        if let Some(exit) = outcome.over {
            cx.stop(exit);
        }
        outcome.answer
    }

    async fn serve(&mut self, cx: &mut Cx<Self>, asked: Result<ChildKey, ChildError>) -> Answer {
        asked?;
        self.serve_next(cx).await.unwrap_or(Err(ChildError::NotFound))
    }

    async fn obey(&mut self, cx: &mut Cx<Self>) -> Outcome {
        let mut outcome = Outcome::default();
        while let Some(action) = self.plan.poll_action() {
            match action {
                Action::Start { key } => self.start(key, cx).await,
                Action::Stop { key, pid } => {
                    let limit = self.limit(key);
                    let reason = stop(cx, pid, limit).await;
                    self.stopped(key, pid, reason, cx);
                }
                Action::StopAll { children } => self.stop_all(children, cx).await,
                // To the end of its own mailbox, behind the requests that wait there.
                Action::Retry { ticket, .. } => drop(cx.me().cast(Retry(ticket))),
                Action::RetryAfter { ticket, delay, .. } => drop(cx.send_after(delay, Retry(ticket))),
                Action::Reply(answer) => outcome.answer = Some(answer),
                Action::Report(event) => self.report(&event, cx),
                Action::Shutdown(exit) => outcome.over = Some(exit),
            }
        }
        self.bury_kept();
        outcome
    }

    /// What was kept for children that will not be started again is lost.
    fn bury_kept(&mut self) {
        let plan = &self.plan;
        self.keepers.retain(|(key, starter)| {
            let comes_back = plan.child(*key).is_some_and(|child| match child.status {
                Status::Running(_) | Status::Restarting => true,
                Status::Stopped => false,
            });
            if !comes_back {
                starter.bury_kept();
            }
            comes_back
        });
    }

    async fn start(&mut self, key: ChildKey, cx: &mut Cx<Self>) {
        let Some(entry) = self.plan.spec(key) else { return };
        let is_again = entry.has_started.swap(true, Relaxed);
        let (before, after) = if is_again {
            (Turn::BeforeRestart, Turn::AfterRestart)
        } else {
            (Turn::BeforeStart, Turn::AfterStart)
        };
        let spec = &entry.spec;
        let callbacks = spec.callbacks.clone();
        let occasion =
            |pid: Option<Pid>| Occasion { id: spec.id.clone(), supervisor: cx.pid(), pid, exit: None };
        callbacks.call(before, || occasion(None));
        let starting = Starting {
            system: cx.system().clone(),
            parent: cx.pid(),
            grace: spec.grace(),
            rank: key.rank(),
            capacity: spec.capacity,
            name: spec.name.clone(),
            mailbox: spec.mailbox,
            claims: spec.claims.clone(),
        };
        if spec.mailbox == Mailbox::Kept && self.keepers.iter().all(|(each, _)| *each != key) {
            self.keepers.push((key, spec.starter.clone()));
        }
        let started = spec.starter.start(starting);
        match started.await {
            Ok(pid) => {
                callbacks.call(after, || occasion(Some(pid)));
                if is_again {
                    tracing::info!(target: "ravelin", supervisor = &*self.id, child = &*spec.id, %pid, "ravelin.restarted");
                }
                self.plan.handle_started(cx.now(), key, pid);
            }
            Err(error) => {
                let why = error.into_exit();
                callbacks.call(Turn::AfterFailure, || Occasion { exit: Some(why.clone()), ..occasion(None) });
                match why {
                    Exit::Ignore => self.plan.handle_ignored(key),
                    why => self.plan.handle_start_failed(key, why),
                }
            }
        }
    }

    fn limit(&self, key: ChildKey) -> Shutdown {
        self.plan.spec(key).map_or(Shutdown::BrutalKill, |entry| entry.spec.policy.shutdown)
    }

    async fn stop_all(&mut self, children: Vec<(ChildKey, Pid)>, cx: &mut Cx<Self>) {
        let ends = children.into_iter().map(|(key, pid)| {
            let (limit, end) = (self.limit(key), (key, pid));
            let stopping = stop(cx, pid, limit);
            async move { (end, stopping.await) }
        });
        for ((key, pid), reason) in join_all(ends.collect::<Vec<_>>()).await {
            self.stopped(key, pid, reason, cx);
        }
    }

    fn stopped(&mut self, key: ChildKey, pid: Pid, reason: Exit, cx: &Cx<Self>) {
        if let Some(entry) = self.plan.spec(key) {
            let (id, exit) = (entry.spec.id.clone(), Some(reason.clone()));
            let supervisor = cx.pid();
            let occasion = || Occasion { id, supervisor, pid: Some(pid), exit };
            entry.spec.callbacks.call(Turn::AfterStop, occasion);
        }
        self.plan.handle_stopped(cx.now(), key, &reason);
    }

    fn report(&self, event: &Event, cx: &Cx<Self>) {
        let supervisor = &*self.id;
        match event {
            Event::ChildTerminated { id, pid, reason, verdict } => {
                if reason.is_normal() && *verdict != Verdict::Restart {
                    // A child that has done its work: OTP does not report that either.
                    tracing::debug!(target: "ravelin", supervisor, child = &**id, %pid, %reason, ?verdict, "ravelin.child_terminated");
                } else {
                    tracing::warn!(target: "ravelin", supervisor, child = &**id, %pid, %reason, ?verdict, "ravelin.child_terminated");
                }
                if *verdict != Verdict::Restart {
                    self.ended_for_good(id, *pid, reason, cx);
                }
            }
            event => tracing::warn!(target: "ravelin", supervisor, %event, "ravelin.supervisor_report"),
        }
    }

    fn ended_for_good(&self, id: &Arc<str>, pid: Pid, reason: &Exit, cx: &Cx<Self>) {
        let Some((leaving, callbacks)) = &self.leaving else { return };
        if *leaving == pid {
            let (id, supervisor, exit) = (id.clone(), cx.pid(), Some(reason.clone()));
            callbacks.call(Turn::AfterStop, || Occasion { id, supervisor, pid: Some(pid), exit });
        }
    }
}

/// Orders a child to end, within its limit; gives the reason of its end.
fn stop(cx: &Cx<Running>, pid: Pid, limit: Shutdown) -> impl Future<Output = Exit> + Send + use<> {
    let system = cx.system().clone();
    async move {
        match limit {
            Shutdown::BrutalKill => {
                system.kill(pid);
                system.ended(pid).await
            }
            Shutdown::Infinity => system.shut_down(pid, Exit::Shutdown, None).await,
            Shutdown::Timeout(limit) => system.shut_down(pid, Exit::Shutdown, Some(limit)).await,
        }
    }
}

impl Handle<StartChild> for Running {
    async fn handle(&mut self, StartChild(spec): StartChild, cx: &mut Cx<Self>) -> Answer {
        let asked = self.plan.start_child(spec.id.clone(), Entry::new(spec));
        self.serve(cx, asked).await
    }
}

impl Handle<RestartChild> for Running {
    async fn handle(&mut self, RestartChild(id): RestartChild, cx: &mut Cx<Self>) -> Answer {
        let asked = self.plan.restart_child(&id);
        self.serve(cx, asked).await
    }
}

impl Handle<TerminateChild> for Running {
    async fn handle(&mut self, TerminateChild(id): TerminateChild, cx: &mut Cx<Self>) -> Answer {
        let asked = self.plan.terminate_child(&id);
        self.serve(cx, asked).await
    }
}

impl Handle<TerminatePid> for Running {
    async fn handle(&mut self, TerminatePid(pid): TerminatePid, cx: &mut Cx<Self>) -> Answer {
        let asked = self.plan.terminate_child_pid(pid);
        self.serve(cx, asked).await
    }
}

impl Handle<DeleteChild> for Running {
    async fn handle(&mut self, DeleteChild(id): DeleteChild, _: &mut Cx<Self>) -> Result<(), ChildError> {
        self.plan.delete_child(&id)
    }
}

impl Handle<WhichChildren> for Running {
    async fn handle(&mut self, _: WhichChildren, _: &mut Cx<Self>) -> Vec<ChildInfo> {
        self.plan.which_children().collect()
    }
}

impl Handle<CountChildren> for Running {
    async fn handle(&mut self, _: CountChildren, _: &mut Cx<Self>) -> Counts {
        self.plan.count_children()
    }
}

impl Handle<GetChildSpec> for Running {
    async fn handle(
        &mut self,
        GetChildSpec(id): GetChildSpec,
        _: &mut Cx<Self>,
    ) -> Result<ChildSpec, ChildError> {
        let entry = self.plan.find(&id).and_then(|key| self.plan.spec(key));
        entry.map(|entry| entry.spec.clone()).ok_or(ChildError::NotFound)
    }
}

impl Handle<Retry> for Running {
    async fn handle(&mut self, Retry(ticket): Retry, cx: &mut Cx<Self>) {
        self.plan.handle_retry(cx.now(), ticket);
        self.serve_next(cx).await;
    }
}
