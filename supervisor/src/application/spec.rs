//! Applications as values: what is to run, what it needs, and what its end means. Source: OTP's `.app` files.

use super::config::{Config, ConfigError};
use super::kind::ApplicationKind;
use super::shutdown::CoordinatedShutdown;
use crate::check::SpecError;
use crate::tree::Supervisor;
use futures::future::BoxFuture;
use ravelin_core::{Exit, TaskOutput};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// A named tree that starts after those it needs, and whose end means something for the others.
///
/// ```
/// use ravelin_supervisor::{Supervisor, application::{Application, Config}, task};
/// #[derive(Clone)]
/// struct Web { workers: usize }
/// let store = Application::new("store", Supervisor::one_for_one("store"));
/// let web = Application::configured("web", Config::new(Web { workers: 2 }), |web| {
///     (0..web.workers).fold(Supervisor::one_for_one("web"), |tree, n| tree.child(task(format!("worker-{n}"), || async {})))
/// });
/// let web = web.needs("store").transient();
/// assert_eq!(web.to_string(), "web: transient, needs store");
/// ```
#[derive(Clone)]
pub struct Application {
    pub(crate) name: Arc<str>,
    pub(crate) tree: TreeOf,
    pub(crate) needs: Vec<Arc<str>>,
    pub(crate) kind: ApplicationKind,
    pub(crate) is_on_demand: bool,
    pub(crate) start_phases: Vec<StartPhase>,
}

/// Makes the tree, anew for each start.
type TreeOf = Arc<dyn Fn() -> Result<Supervisor, ConfigError> + Send + Sync>;

/// What is done when the tree of an application is up.
#[derive(Clone)]
pub(crate) struct StartPhase {
    pub(crate) name: Arc<str>,
    pub(crate) work: Arc<dyn Fn() -> BoxFuture<'static, Result<(), Exit>> + Send + Sync>,
}

/// Why a tree could not be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Faulty {
    Config(ConfigError),
    Spec(SpecError),
}

impl Application {
    /// An application that is this tree.
    pub fn new(name: impl Into<Arc<str>>, tree: Supervisor) -> Application {
        Application::of(name.into(), Arc::new(move || Ok(tree.clone())))
    }

    /// An application whose tree follows from its configuration, which is loaded anew for each start. All of them are
    /// loaded, and their trees checked, before the first application starts.
    pub fn configured<C: Clone + Send + Sync + 'static>(
        name: impl Into<Arc<str>>,
        config: Config<C>,
        tree: impl Fn(C) -> Supervisor + Send + Sync + 'static,
    ) -> Application {
        Application::of(name.into(), Arc::new(move || config.load().map(&tree)))
    }

    fn of(name: Arc<str>, tree: TreeOf) -> Application {
        Application {
            name,
            tree,
            needs: Vec::new(),
            kind: ApplicationKind::default(),
            is_on_demand: false,
            start_phases: Vec::new(),
        }
    }

    /// It starts after the application of this name, and stops before it. Source: `applications` in an `.app` file.
    pub fn needs(mut self, application: impl Into<Arc<str>>) -> Application {
        self.needs.push(application.into());
        self
    }

    /// What its end means.
    pub fn kind(mut self, kind: ApplicationKind) -> Application {
        self.kind = kind;
        self
    }

    /// Any end of it takes the node down. The default.
    pub fn permanent(self) -> Application {
        self.kind(ApplicationKind::Permanent)
    }

    /// An end of it with any reason but `normal` takes the node down.
    pub fn transient(self) -> Application {
        self.kind(ApplicationKind::Transient)
    }

    /// Its end is reported, and the others go on.
    pub fn temporary(self) -> Application {
        self.kind(ApplicationKind::Temporary)
    }

    /// It does not start with the node, unless one that does needs it, but when
    /// [`Node::start`](super::Node::start) or [`Node::ensure_all_started`](super::Node::ensure_all_started) says so.
    /// Source: the start type `load` of a release.
    pub fn on_demand(mut self) -> Application {
        self.is_on_demand = true;
        self
    }

    /// Something to be done when its tree is up, and before the next application starts; phases run in the order in
    /// which they were given. When one fails or panics the tree stops, and the start of the application fails.
    /// Source: `start_phases` and `Module:start_phase/3`.
    pub fn start_phase<F, Fut>(mut self, name: impl Into<Arc<str>>, work: F) -> Application
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: TaskOutput> + Send + 'static,
    {
        let work = move || -> BoxFuture<'static, Result<(), Exit>> {
            let work = work();
            Box::pin(async move { work.await.into_end() })
        };
        self.start_phases.push(StartPhase { name: name.into(), work: Arc::new(work) });
        self
    }

    /// Makes its tree, and checks it.
    pub(crate) fn load(&self) -> Result<Supervisor, Faulty> {
        let tree = (self.tree)().map_err(Faulty::Config)?;
        tree.check().map_err(Faulty::Spec)?;
        Ok(tree)
    }
}

/// The applications of a node, before anything runs: a value.
///
/// ```
/// # use ravelin_core::runtimes::Local;
/// use ravelin_supervisor::{Supervisor, application::{Application, Applications}};
/// let tree = Supervisor::one_for_one;
/// let applications = Applications::new()
///     .application(Application::new("web", tree("web")).needs("store"))
///     .application(Application::new("store", tree("store")));
/// # let local = Local::new();
/// # let runtime = local.clone();
/// # local.block_on(async move {
/// let node = applications.start(runtime).await.unwrap(); // the store first
/// let report = node.shut_down().await; // the web first
/// assert_eq!((report.is_orderly(), report.code()), (true, 0));
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Applications {
    pub(crate) applications: Vec<Application>,
    pub(crate) shutdown: Option<CoordinatedShutdown>,
}

impl Applications {
    /// No applications, and the usual shutdown.
    pub fn new() -> Applications {
        Applications::default()
    }

    /// Adds an application. Those that do not need each other start in the order in which they were added.
    pub fn application(mut self, application: Application) -> Applications {
        self.applications.push(application);
        self
    }

    /// How the node shuts down: for one node. If nothing is said each node has one of its own, with the usual phases;
    /// [`Node::shutdown`](super::Node::shutdown) gives it.
    pub fn shutdown(mut self, shutdown: CoordinatedShutdown) -> Applications {
        self.shutdown = Some(shutdown);
        self
    }
}

impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.kind)?;
        if !self.needs.is_empty() {
            write!(f, ", needs {}", self.needs.join(" "))?;
        }
        if self.is_on_demand {
            f.write_str(", on demand")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start_phases: Vec<&str> = self.start_phases.iter().map(|phase| &*phase.name).collect();
        f.debug_struct("Application")
            .field("name", &self.name)
            .field("needs", &self.needs)
            .field("kind", &self.kind)
            .field("is_on_demand", &self.is_on_demand)
            .field("start_phases", &start_phases)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Applications {
    /// A line for each, in the order in which they were added.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.applications.iter().try_for_each(|application| writeln!(f, "{application}"))
    }
}
