//! The tape: what a tree really did, line by line.

use crate::model::{Answer, Beginning, Id, Request};
use ravelin_core::{Cx, Exit, Pid, System, Time};
use ravelin_supervisor::policy::{ChildKind, ChildPolicy};
use ravelin_supervisor::{ChildSpec, Occasion, Supervisor, SupervisorRef};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ids from the root to a child, joined by `/`.
pub(crate) type Path = Arc<str>;

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: Time,
    pub(crate) path: Path,
    /// Which start attempt.
    pub(crate) n: u32,
    pub(crate) what: Said,
}

#[derive(Clone, Debug)]
pub(crate) enum Said {
    Start,
    Up,
    Failed(Exit),
    Told(Exit),
    /// Its state was dropped.
    Left,
    /// The reason of its end, a little after it.
    Ended(Exit),
    Killed,
    Asked(u64, Request),
    Answered(u64, Answer),
}

/// What is on the tape.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) lines: Vec<Line>,
    pub(crate) attempts: BTreeMap<Path, u32>,
    /// The supervisors.
    pub(crate) laws: BTreeMap<Path, Beginning>,
    pub(crate) places: BTreeMap<Path, SupervisorRef>,
    pub(crate) pids: BTreeMap<Path, Pid>,
    /// Attempts that had a cause to end of their own.
    pub(crate) own: BTreeSet<(Path, u32)>,
    pub(crate) asked: u64,
    /// When the root was told to stop.
    pub(crate) stopped: Option<Time>,
}

/// Records what a tree does: wraps its specs, and hands its workers a [`Stay`] each.
///
/// ```
/// use ravelin_core::{Actor, ActorRef, Cx, Exit};
/// use ravelin_sim::{Sim, Stay, Tape};
/// use ravelin_supervisor::{Supervisor, child};
///
/// struct Idle { _stay: Stay }
/// impl Actor for Idle {
///     type Args = (Tape, std::sync::Arc<str>);
///     async fn init((tape, path): (Tape, std::sync::Arc<str>), cx: &mut Cx<Self>) -> Result<Self, Exit> {
///         Ok(Idle { _stay: tape.enter(&path, cx) })
///     }
/// }
///
/// Sim::new().seeds(5).check(async |world| {
///     let tape = Tape::new(world.system());
///     let tree = Supervisor::one_for_one("app").child(child(&ActorRef::<Idle>::place("a"), || unreachable!()));
///     let taped = tape.tree(&tree, |path, _| {
///         let (tape, at) = (tape.clone(), path.clone());
///         child(&ActorRef::<Idle>::place(path.clone()), move || (tape.clone(), at.clone()))
///     });
///     let root = tape.start(taped).await.unwrap();
///     tape.kill("app/a");
///     world.settle().await;
///     assert_eq!(tape.attempts("app/a"), 2);
///     tape.stop(&root).await;
///     world.settle().await;
///     tape.check().unwrap();
/// });
/// ```
#[derive(Clone)]
pub struct Tape {
    pub(crate) system: System,
    book: Arc<Mutex<Book>>,
}

impl Tape {
    /// An empty tape for a tree in this system.
    pub fn new(system: &System) -> Tape {
        Tape { system: system.clone(), book: Arc::default() }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Time {
        self.system.runtime().now()
    }

    pub(crate) fn say(&self, path: &Path, n: u32, what: Said) {
        let at = self.now();
        self.book().lines.push(Line { at, path: path.clone(), n, what });
    }

    // ---- the tree ----

    /// The same tree, recorded: each worker is what `worker` makes for its path (the ids from the root, joined by `/`),
    /// with the worker's own policy. Supervisors live at new places.
    pub fn tree(&self, tree: &Supervisor, worker: impl Fn(&Path, &ChildSpec) -> ChildSpec) -> Supervisor {
        let path: Path = tree.id().clone();
        self.subtree(&path, tree, &worker)
    }

    fn subtree(
        &self,
        path: &Path,
        tree: &Supervisor,
        worker: &dyn Fn(&Path, &ChildSpec) -> ChildSpec,
    ) -> Supervisor {
        let flags = tree.flags();
        let law = Beginning {
            strategy: (!tree.is_dynamic()).then_some(flags.strategy),
            intensity: flags.intensity,
            auto_shutdown: flags.auto_shutdown,
            max_children: tree.dynamic_flags().max_children,
            children: tree.children().iter().map(|spec| (spec.name().clone(), *spec.policy())).collect(),
        };
        {
            let mut book = self.book();
            book.laws.insert(path.clone(), law);
            book.places.entry(path.clone()).or_insert_with(|| SupervisorRef::place(path.clone()));
        }
        let children = tree.children().iter().map(|spec| {
            let below: Path = format!("{path}/{}", spec.name()).into();
            let made = match spec.subtree() {
                Some(tree) => self.subtree(&below, tree, worker).at(&self.place(&below)),
                None => worker(&below, spec),
            };
            self.recorded(made, &below, spec.name(), spec.policy())
        });
        tree.clone().with_children(children.collect())
    }

    /// This spec with an id and a policy, recorded.
    pub(crate) fn recorded(&self, spec: ChildSpec, path: &Path, id: &Id, policy: &ChildPolicy) -> ChildSpec {
        let mut spec = spec.id(id.clone()).restart(policy.restart).shutdown(policy.shutdown);
        spec = spec.backoff(policy.backoff);
        if policy.significant {
            spec = spec.significant();
        }
        if let Some(tries) = policy.tries {
            spec = spec.tries(tries);
        }
        let at = |then: fn(&Tape, &Path, &Occasion)| {
            let (tape, path) = (self.clone(), path.clone());
            move |occasion: &Occasion| then(&tape, &path, occasion)
        };
        let up = if policy.kind == ChildKind::Supervisor { Tape::supervisor_up } else { Tape::worker_up };
        spec.before_start(at(Tape::starts))
            .before_restart(at(Tape::starts))
            .after_start(at(up))
            .after_restart(at(up))
            .after_failure(at(Tape::failed))
    }

    fn starts(&self, path: &Path, _: &Occasion) {
        let n = {
            let mut book = self.book();
            let n = book.attempts.entry(path.clone()).or_default();
            *n += 1;
            *n
        };
        self.say(path, n, Said::Start);
    }

    fn worker_up(&self, path: &Path, _: &Occasion) {
        self.say(path, self.attempts(path), Said::Up);
    }

    fn supervisor_up(&self, path: &Path, occasion: &Occasion) {
        let n = self.attempts(path);
        self.say(path, n, Said::Up);
        let Some(pid) = occasion.pid else { return };
        if self.system.is_alive(pid) {
            self.watch(path, n, pid);
        } else {
            let why = self.place(path).last_exit().unwrap_or(Exit::NoProc);
            self.say(path, n, Said::Ended(why));
        }
    }

    fn failed(&self, path: &Path, occasion: &Occasion) {
        let why = occasion.exit.clone().unwrap_or(Exit::Ignore);
        self.say(path, self.attempts(path), Said::Failed(why));
    }

    /// Records the reason of the end of an incarnation.
    fn watch(&self, path: &Path, n: u32, pid: Pid) {
        self.book().pids.insert(path.clone(), pid);
        let (ended, tape, path) = (self.system.ended(pid), self.clone(), path.clone());
        let watch = async move {
            let why = ended.await;
            tape.say(&path, n, Said::Ended(why));
        };
        self.system.runtime().spawn("watch", Box::pin(watch));
    }

    /// The place of a supervisor.
    pub(crate) fn place(&self, path: &str) -> SupervisorRef {
        self.book().places.get(path).cloned().unwrap_or_else(|| SupervisorRef::place(path))
    }

    /// How often a start was tried at this path.
    pub fn attempts(&self, path: &str) -> u32 {
        self.book().attempts.get(path).copied().unwrap_or(0)
    }

    // ---- its life ----

    /// Starts the tree. Gives the place of its root.
    ///
    /// # Errors
    /// The reason of the root's failure to start: a child's, say. That too is on the tape.
    pub async fn start(&self, tree: Supervisor) -> Result<SupervisorRef, Exit> {
        let path: Path = tree.id().clone();
        let root = self.place(&path);
        self.book().attempts.insert(path.clone(), 1);
        self.say(&path, 1, Said::Start);
        match tree.start_at(&self.system, &root).await {
            Ok(pid) => {
                let is_alive = self.system.is_alive(pid);
                self.say(&path, 1, Said::Up);
                if is_alive {
                    self.watch(&path, 1, pid);
                } else {
                    self.say(&path, 1, Said::Ended(root.last_exit().unwrap_or(Exit::NoProc)));
                }
                Ok(root)
            }
            Err(error) => {
                let why = error.into_exit();
                self.say(&path, 1, Said::Failed(why.clone()));
                Err(why)
            }
        }
    }

    /// Stops the tree in good order.
    pub async fn stop(&self, root: &SupervisorRef) {
        if let Some(pid) = root.pid() {
            let now = self.now();
            self.book().stopped.get_or_insert(now);
            self.system.shut_down(pid, Exit::Shutdown, None).await;
        }
    }

    /// A worker's `init` begins: it keeps this as long as it lives.
    ///
    /// The actor is killed by nobody but its supervisor, and by [`Tape::kill`]; what ends it otherwise it says by
    /// [`Stay::ends_itself`] before it does.
    pub fn enter<A>(&self, path: &Path, cx: &Cx<A>) -> Stay {
        let n = self.attempts(path);
        self.watch(path, n, cx.pid());
        Stay { tape: self.clone(), path: path.clone(), n }
    }

    /// Kills whoever lives at this path, worker or supervisor. False: nobody does.
    pub fn kill(&self, path: &str) -> bool {
        let path: Path = path.into();
        let n = self.attempts(&path);
        let Some(pid) = self.book().pids.get(&path).copied() else { return false };
        if !self.system.is_alive(pid) {
            return false;
        }
        self.book().own.insert((path.clone(), n));
        self.say(&path, n, Said::Killed);
        self.system.kill(pid)
    }
}

/// That a worker is there: dropped with its state.
pub struct Stay {
    tape: Tape,
    path: Path,
    n: u32,
}

impl Stay {
    /// Which start attempt at its path this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.n
    }

    /// It is about to stop, to panic or to fail of its own.
    pub fn ends_itself(&self) {
        self.tape.book().own.insert((self.path.clone(), self.n));
    }

    /// Its `terminate` was called.
    pub fn told(&self, why: &Exit) {
        let is_own = self.tape.book().own.contains(&(self.path.clone(), self.n));
        if !is_own {
            self.tape.say(&self.path, self.n, Said::Told(why.clone()));
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.tape.say(&self.path, self.n, Said::Left);
    }
}
