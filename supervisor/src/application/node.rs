//! A node: applications that run, and its orderly end.

use super::conductor::conduct;
use super::config::ConfigError;
use super::kind::ApplicationKind;
use super::order::{Order, OrderError};
use super::report::{ShutdownReason, ShutdownReport};
use super::shutdown::CoordinatedShutdown;
use super::signal::Signal;
use super::spec::{Applications, Faulty};
use super::starter::Member;
use crate::app::{App, StopReport, start_in};
use crate::check::SpecError;
use crate::error::SupervisorError;
use crate::handle::SupervisorRef;
use crate::plan::ChildError;
use crate::tree::Supervisor;
use futures::channel::oneshot;
use futures::future::{FutureExt, Shared};
use futures::stream::{Stream, StreamExt};
use ravelin_core::{Exit, Pid, Runtime, StartError, System};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

/// The child id of the supervisor of all applications.
const ROOT: &str = "applications";

/// Applications that run. Cheap to clone; dropping it stops nothing, [`Node::shut_down`] does.
///
/// It is a supervisor whose children are the trees of the applications, in start order, and a task of the runtime
/// that waits for a reason to shut down and then does so: a request, a signal, the end of an application whose kind
/// says so.
#[derive(Clone)]
pub struct Node {
    app: App,
    members: Arc<[Arc<Member>]>,
    order: Arc<Order>,
    shutdown: CoordinatedShutdown,
    report: Shared<oneshot::Receiver<ShutdownReport>>,
}

/// Why the applications did not start. What had been started has ended again, in reverse order.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BootError {
    /// A configuration could not be loaded. Nothing was started.
    Config {
        /// The application.
        application: Arc<str>,
        /// What went wrong.
        error: ConfigError,
    },
    /// There is no order in which they could start. Nothing was started.
    Order(OrderError),
    /// The `CoordinatedShutdown` belongs to a node that runs, or has run. Nothing was started.
    ShutdownInUse,
    /// The tree of an application is faulty. Nothing was started.
    Spec {
        /// The application.
        application: Arc<str>,
        /// What is faulty.
        error: SpecError,
    },
    /// An application did not start.
    Start {
        /// The application.
        application: Arc<str>,
        /// Why: with the child, or the start phase, that failed.
        reason: Exit,
    },
}

/// Why a node did not start or stop an application.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NodeError {
    /// It runs.
    AlreadyStarted(Arc<str>),
    /// It needs this one, which does not run. Source: `{not_started, App}`.
    Needs(Arc<str>),
    /// There is no application of this name.
    NoSuchApplication(Arc<str>),
    /// It does not run.
    NotStarted(Arc<str>),
    /// The node shuts down, or has.
    ShuttingDown,
    /// It could not start. What was started for it has ended again.
    Start {
        /// The application: the one asked for, or one that it needs.
        application: Arc<str>,
        /// Why.
        reason: Exit,
    },
}

/// A row of [`Node::which_applications`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ApplicationInfo {
    /// Its name.
    pub name: Arc<str>,
    /// What its end means.
    pub kind: ApplicationKind,
    /// The supervisor at the root of its tree; `None`: it does not run.
    pub pid: Option<Pid>,
    /// The reason of its last end, if it has ended.
    pub last_exit: Option<Exit>,
}

impl Applications {
    /// Starts the applications on a runtime, in a system of its own: in the order of their needs, each after the one
    /// before is up and through its start phases.
    ///
    /// # Errors
    /// See [`BootError`].
    ///
    /// # Cancel safety
    /// Dropped half-way, the applications go on starting, and nobody has a handle.
    pub async fn start(&self, runtime: Arc<dyn Runtime>) -> Result<Node, BootError> {
        self.start_in(&System::new(runtime)).await
    }

    /// As [`Applications::start`], in a system that is there already. The shutdown ends all its actors.
    ///
    /// # Errors
    /// As [`Applications::start`].
    pub async fn start_in(&self, system: &System) -> Result<Node, BootError> {
        let declared = self.applications.iter().map(|each| (&each.name, &each.needs[..]));
        let order = Order::of(declared).map_err(BootError::Order)?;
        let members = self.load(&order)?;
        let shutdown = self.shutdown.clone().unwrap_or_default();
        let orders = shutdown.take_orders().ok_or(BootError::ShutdownInUse)?;
        let wanted = (0..members.len()).filter(|at| !self.applications[*at].is_on_demand);
        let wanted: BTreeSet<usize> = wanted.flat_map(|at| order.with_needs(at)).collect();
        let started = order.starts.iter().filter(|at| wanted.contains(at));
        let tree =
            started.fold(Supervisor::one_for_one(ROOT), |tree, at| tree.child(members[*at].child(&shutdown)));
        let app = match start_in(system, tree).await {
            Ok(app) => app,
            Err(error) => {
                // For the next attempt.
                shutdown.give_back(orders);
                return Err(not_started(error));
            }
        };
        let (told, report) = oneshot::channel();
        let names = order.starts.iter().map(|at| members[*at].application.name.clone()).collect();
        let conducted = conduct(app.clone(), names, shutdown.clone(), orders);
        let conductor = async move { drop(told.send(conducted.await)) };
        system.runtime().spawn("ravelin-shutdown", Box::pin(conductor));
        Ok(Node { app, members, order: Arc::new(order), shutdown, report: report.shared() })
    }

    /// Makes all trees, and checks them.
    fn load(&self, order: &Order) -> Result<Arc<[Arc<Member>]>, BootError> {
        let mut trees: Vec<Option<Supervisor>> = self.applications.iter().map(|_| None).collect();
        for at in &order.starts {
            let application = &self.applications[*at];
            let name = || application.name.clone();
            trees[*at] = Some(application.load().map_err(|faulty| match faulty {
                Faulty::Config(error) => BootError::Config { application: name(), error },
                Faulty::Spec(error) => BootError::Spec { application: name(), error },
            })?);
        }
        let members = self.applications.iter().zip(trees);
        Ok(members.filter_map(|(application, tree)| Some(Member::new(application.clone(), tree?))).collect())
    }
}

fn not_started(error: StartError) -> BootError {
    // A supervisor whose child does not start ends with `{shutdown, {failed_to_start_child, Id, Reason}}`.
    let exit = match error.into_exit() {
        Exit::ShutdownWith(why) => (*why).clone(),
        exit => exit,
    };
    match exit {
        Exit::StartFailed(failed) => {
            BootError::Start { application: failed.child.clone(), reason: failed.reason.clone() }
        }
        reason => BootError::Start { application: ROOT.into(), reason },
    }
}

impl Node {
    /// The system that the applications live in.
    pub fn system(&self) -> &System {
        self.app.system()
    }

    /// The supervisor of all applications. Its children are theirs: ask it, and change nothing.
    pub fn root(&self) -> &SupervisorRef {
        self.app.root()
    }

    /// The handle of its shutdown: to register tasks, and to begin it.
    pub fn shutdown(&self) -> &CoordinatedShutdown {
        &self.shutdown
    }

    /// The supervisor at the root of an application's tree; `None`: there is no application of this name.
    pub fn application(&self, name: &str) -> Option<&SupervisorRef> {
        self.members.iter().find(|member| &*member.application.name == name).map(|member| &member.place)
    }

    /// All applications, in start order, those that do not run included. Source: `application:which_applications/0`,
    /// and `loaded_applications/0`.
    pub fn which_applications(&self) -> Vec<ApplicationInfo> {
        let info = |at: &usize| {
            let member = &self.members[*at];
            ApplicationInfo {
                name: member.application.name.clone(),
                kind: member.application.kind,
                pid: member.place.pid(),
                last_exit: member.place.last_exit(),
            }
        };
        self.order.starts.iter().map(info).collect()
    }

    // ---- one application ----

    fn find(&self, name: &str) -> Result<usize, NodeError> {
        let at = self.members.iter().position(|member| &*member.application.name == name);
        at.ok_or_else(|| NodeError::NoSuchApplication(name.into()))
    }

    /// Starts an application that does not run. Source: `application:start/1`.
    ///
    /// # Errors
    /// It runs, or one that it needs does not; it could not start; the node shuts down.
    pub async fn start(&self, name: &str) -> Result<(), NodeError> {
        let at = self.find(name)?;
        if self.shutdown.has_begun() {
            return Err(NodeError::ShuttingDown);
        }
        let runs = |at: &usize| self.members[*at].place.pid().is_some();
        if let Some(missing) = self.order.needs(at).iter().find(|need| !runs(need)) {
            return Err(NodeError::Needs(self.members[*missing].application.name.clone()));
        }
        self.start_at(at).await
    }

    /// Starts an application, and before it all that it needs and that does not run; gives those that were started, in
    /// order: none when it runs. When one fails, those that were started for it stop again.
    /// Source: `application:ensure_all_started/1`.
    ///
    /// # Errors
    /// One could not start; the node shuts down.
    pub async fn ensure_all_started(&self, name: &str) -> Result<Vec<Arc<str>>, NodeError> {
        let mut started: Vec<usize> = Vec::new();
        for at in self.order.with_needs(self.find(name)?) {
            match self.start_at(at).await {
                Ok(()) => started.push(at),
                Err(NodeError::AlreadyStarted(_)) => {}
                Err(error) => {
                    for at in started.into_iter().rev() {
                        let _ = self.stop_at(at).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(started.into_iter().map(|at| self.members[at].application.name.clone()).collect())
    }

    /// Stops an application, and no other: those that need it go on, as in OTP. That it ends takes nothing down,
    /// whatever its kind. Source: `application:stop/1`.
    ///
    /// # Errors
    /// It does not run; the node shuts down.
    pub async fn stop(&self, name: &str) -> Result<(), NodeError> {
        self.stop_at(self.find(name)?).await
    }

    async fn start_at(&self, at: usize) -> Result<(), NodeError> {
        if self.shutdown.has_begun() {
            return Err(NodeError::ShuttingDown);
        }
        let member = &self.members[at];
        let name = &member.application.name;
        match self.app.root().start_child(member.child(&self.shutdown)).await {
            Ok(_) => Ok(()),
            Err(SupervisorError::Child(ChildError::AlreadyStarted(_))) => {
                Err(NodeError::AlreadyStarted(name.clone()))
            }
            Err(SupervisorError::Child(ChildError::StartFailed(reason))) => {
                Err(NodeError::Start { application: name.clone(), reason })
            }
            Err(SupervisorError::Child(error)) => {
                Err(NodeError::Start { application: name.clone(), reason: Exit::error(error) })
            }
            Err(SupervisorError::Exited(_) | SupervisorError::NoProc) => Err(NodeError::ShuttingDown),
        }
    }

    async fn stop_at(&self, at: usize) -> Result<(), NodeError> {
        if self.shutdown.has_begun() {
            return Err(NodeError::ShuttingDown);
        }
        let member = &self.members[at];
        if member.place.pid().is_none() {
            return Err(NodeError::NotStarted(member.application.name.clone()));
        }
        member.is_stopping.store(true, Relaxed);
        let stopped = self.app.root().terminate_child(member.application.name.clone()).await;
        stopped.map_err(|_| NodeError::ShuttingDown)
    }

    // ---- the end ----

    /// Shuts the node down: the phases in order, and the applications in reverse order in theirs. Takes
    /// [`CoordinatedShutdown::longest`] at most, and leaves no actor that ever comes to an await. An actor of the node
    /// says [`CoordinatedShutdown::begin`] instead, for it cannot wait for its own end.
    ///
    /// # Cancel safety
    /// Dropped after the first poll, the shutdown goes on; [`Node::ended`] gives the report.
    pub async fn shut_down(&self) -> ShutdownReport {
        self.shutdown.begin();
        self.ended().await
    }

    /// Waits for the end of the node, whatever its reason, and gives the report; also when it has ended already.
    pub fn ended(&self) -> impl Future<Output = ShutdownReport> + Send + use<> {
        let report = self.report.clone();
        async move { report.await.unwrap_or_else(|_| lost()) }
    }

    /// Waits for the end of the node, and lets signals begin it: the first one shuts it down in good order, the second
    /// one kills what runs then. What `main` does.
    ///
    /// The stream is yours: `signals()`, behind the feature of that name, gives Ctrl-C and SIGTERM of the process;
    /// `futures::stream::pending()` none.
    ///
    /// # Cancel safety
    /// As [`Node::shut_down`].
    pub async fn run(&self, signals: impl Stream<Item = Signal>) -> ShutdownReport {
        let (mut signals, mut ended) = (pin!(signals.fuse()), pin!(self.ended()));
        poll_fn(|cx| {
            while let Poll::Ready(Some(signal)) = signals.as_mut().poll_next(cx) {
                self.shutdown.signal(signal);
            }
            ended.as_mut().poll(cx)
        })
        .await
    }
}

/// The executor dropped the conductor.
fn lost() -> ShutdownReport {
    ShutdownReport {
        reason: ShutdownReason::Lost,
        stop: StopReport { root: Exit::Lost, killed: 0 },
        phases: Vec::new(),
        stragglers: Vec::new(),
        cut_short: None,
        took: Duration::ZERO,
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("applications", &self.which_applications())
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootError::Config { application, error } => {
                write!(f, "the configuration of application {application:?}: {error}")
            }
            BootError::Order(error) => error.fmt(f),
            BootError::ShutdownInUse => {
                f.write_str("the CoordinatedShutdown has a node already: make a new one")
            }
            BootError::Spec { application, error } => {
                write!(f, "the tree of application {application:?}: {error}")
            }
            BootError::Start { application, reason } => {
                write!(f, "application {application:?} did not start: {reason}")
            }
        }
    }
}

impl Error for BootError {}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::AlreadyStarted(name) => write!(f, "application {name:?} runs already"),
            NodeError::Needs(name) => write!(f, "it needs application {name:?}, which does not run"),
            NodeError::NoSuchApplication(name) => write!(f, "there is no application {name:?}"),
            NodeError::NotStarted(name) => write!(f, "application {name:?} does not run"),
            NodeError::ShuttingDown => f.write_str("the node shuts down"),
            NodeError::Start { application, reason } => {
                write!(f, "application {application:?} did not start: {reason}")
            }
        }
    }
}

impl Error for NodeError {}
