//! A tree on a runtime: its start, and its orderly end.

use crate::handle::SupervisorRef;
use crate::tree::Supervisor;
use ravelin_core::{Exit, Runtime, StartError, System};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long actors outside the tree get to end when an application stops.
const GRACE_OF_STRAYS: Duration = Duration::from_secs(5);

/// A tree that runs. Dropping it stops nothing; [`App::stop`] does.
#[derive(Clone, Debug)]
pub struct App {
    system: System,
    root: SupervisorRef,
}

/// How an application ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StopReport {
    /// The reason of the root's end: `Shutdown`, or another one when it had ended before.
    pub root: Exit,
    /// How many actors outside the tree did not end in time and were killed.
    pub killed: usize,
}

impl fmt::Display for StopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "root ended: {}, killed: {}", self.root, self.killed)
    }
}

/// Starts a tree on a runtime, in a system of its own; done when every `init`, in order, has succeeded.
///
/// # Errors
/// A spec is faulty or a child did not start; those that were started before it have ended again.
///
/// ```
/// # use ravelin_core::{runtimes::Local, Exit};
/// # use ravelin_supervisor::{Supervisor, start, task};
/// # let local = Local::new();
/// # let runtime = local.clone();
/// # local.block_on(async move {
/// let tree = Supervisor::one_for_one("app").child(task("idle", || async { std::future::pending::<()>().await }));
/// let app = start(runtime, tree).await.unwrap();
/// assert_eq!(app.root().count_children().await.unwrap().active, 1);
/// assert_eq!(app.stop().await.root, Exit::Shutdown);
/// # });
/// ```
pub async fn start(runtime: Arc<dyn Runtime>, tree: Supervisor) -> Result<App, StartError> {
    start_in(&System::new(runtime), tree).await
}

/// As [`start`], in a system that is there already.
///
/// # Errors
/// As [`start`].
pub async fn start_in(system: &System, tree: Supervisor) -> Result<App, StartError> {
    tree.check().map_err(|error| StartError::Init(error.into()))?;
    let root = SupervisorRef::place(tree.id().clone());
    tree.start_at(system, &root).await?;
    Ok(App { system: system.clone(), root })
}

impl App {
    /// The system that the tree lives in.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The supervisor at the root.
    pub fn root(&self) -> &SupervisorRef {
        &self.root
    }

    /// Waits until the root has ended, and gives the reason; also when it has ended already.
    pub async fn ended(&self) -> Exit {
        if let Some(pid) = self.root.pid() {
            self.system.ended(pid).await;
        }
        self.root.last_exit().unwrap_or(Exit::NoProc)
    }

    /// Ends the tree: children newest first, each with its own time limit and killed after it; then whatever else
    /// lives in the system.
    pub async fn stop(&self) -> StopReport {
        let live = match self.root.pid() {
            Some(pid) => self.system.shut_down(pid, Exit::Shutdown, None).await,
            None => Exit::NoProc,
        };
        // Ended before this: then its own reason tells more than `noproc`.
        let root = match live {
            Exit::NoProc => self.root.last_exit().unwrap_or(Exit::NoProc),
            reason => reason,
        };
        let killed = self.system.shut_down_all(GRACE_OF_STRAYS).await;
        StopReport { root, killed }
    }
}
