//! The state of a run: tasks, who is ready, what is due when, and the nodes that tasks belong to.
//!
//! One lock guards all of it. Nothing of the program's (a future, a waker, a job) is called, cloned or dropped while it
//! is held: what falls out of the state is given to the caller.

use crate::failure::Failure;
use crate::fault::Fault;
use crate::invariants::Rules;
use crate::log::{Event, Log, Name, NodeId};
use crate::mischief::Mischief;
use crate::names::Names;
use crate::order::{TaskId, Turns};
use crate::ports::Ports;
use crate::seed::{Random, Seed};
use crate::trouble::NetFault;
use futures::future::BoxFuture;
use ravelin_core::{Fault as Harm, FaultPoint, Site, TaskName, Time};
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// The test's own future among the tasks.
pub(crate) const ROOT: TaskId = 0;
/// The test's own node.
pub(crate) const MAIN: NodeId = NodeId(0);
/// What a turn of a task costs, so that one who is always ready can not hold the clock.
pub(crate) const TURN: Duration = Duration::from_micros(1);
/// How long a blocking job takes: at least, and at most so much more.
const JOB: (u64, u64) = (10_000, 5_000_000);

/// A run in progress.
pub(crate) struct Machine {
    state: Mutex<State>,
    home: ThreadId,
}

/// A task's future with its waker.
pub(crate) struct Task {
    pub(crate) future: BoxFuture<'static, ()>,
    pub(crate) waker: Arc<Bell>,
    pub(crate) node: NodeId,
    pub(crate) name: TaskName,
}

/// Where a task is kept.
pub(crate) enum Slot {
    Waits(Task),
    /// It has its turn, on this node.
    Runs(NodeId),
    Over,
}

/// What happens at a time.
pub(crate) enum Due {
    Wake(Waker),
    Job(NodeId, u32, Box<dyn FnOnce() + Send>),
    /// The trouble of this number in the network is over.
    Heal(u64, NetFault),
    /// Something arrives, or somebody gives up waiting for it.
    Net,
    Strike(Fault),
    Boot(NodeId),
    Resume(NodeId),
    Unpause(TaskId),
}

/// A node, as far as tasks and clocks know it.
pub(crate) struct Node {
    pub(crate) name: Name,
    pub(crate) incarnation: u32,
    pub(crate) is_up: bool,
    pub(crate) stalled_until: Time,
    /// Who was ready while it was stalled.
    pub(crate) parked: Vec<TaskId>,
    /// Of the wall clock, in nanoseconds.
    pub(crate) skew: i128,
    /// By how much its next blocking job takes longer.
    pub(crate) owed: Duration,
    entropy: Random,
}

/// All that changes.
pub(crate) struct State {
    pub(crate) now: Time,
    pub(crate) log: Log,
    pub(crate) seed: Seed,
    pub(crate) nodes: Vec<Node>,
    pub(crate) tasks: Vec<Slot>,
    pub(crate) turns: Turns,
    pub(crate) ready: VecDeque<TaskId>,
    pub(crate) timeline: BTreeMap<(Time, u64), Due>,
    pub(crate) polls: u64,
    /// Who waits until nothing is ready.
    pub(crate) settling: Option<Waker>,
    /// A thread that woke a task, and is no part of this.
    pub(crate) foreign: Option<String>,
    /// What was found to be wrong outside a turn.
    pub(crate) broken: Option<Failure>,
    pub(crate) mischief: Mischief,
    pub(crate) ports: Ports,
    /// What must hold, and is fed with all that happens.
    pub(crate) rules: Rules,
    /// Who is called what, where a story is kept.
    pub(crate) names: Names,
    /// How many systems there were.
    pub(crate) systems: u32,
    /// The faults that struck, as those that would strike so again.
    pub(crate) struck: Vec<Fault>,
    pub(crate) is_calm: bool,
    /// The task that has its turn just now.
    pub(crate) running: Option<TaskId>,
    /// Which task runs the actor of a place, as far as it was seen; kept only where a fault asks for it.
    pub(crate) places: Option<BTreeMap<Name, TaskId>>,
    /// Tasks that have no turn for a while: until when, and whether they are ready.
    pub(crate) paused: BTreeMap<TaskId, (Time, bool)>,
    pub(crate) is_over: bool,
    serial: u64,
    jobs: Random,
}

impl Machine {
    /// A machine with the node `main` on it, whose thread is the caller's.
    pub(crate) fn new(seed: Seed, turns: Turns, mischief: Mischief, keeps: bool) -> Arc<Machine> {
        let mut state = State {
            now: Time::EPOCH,
            log: Log::new(keeps),
            seed,
            nodes: Vec::new(),
            // The root has the number 0, and its future elsewhere.
            tasks: vec![Slot::Over],
            turns,
            ready: VecDeque::new(),
            timeline: BTreeMap::new(),
            polls: 0,
            settling: None,
            foreign: None,
            broken: None,
            mischief,
            ports: Ports::new(seed),
            rules: Rules::all_but(&[]),
            names: Names::default(),
            systems: 0,
            struck: Vec::new(),
            is_calm: false,
            running: None,
            places: None,
            paused: BTreeMap::new(),
            is_over: false,
            serial: 0,
            jobs: seed.random("jobs"),
        };
        state.add_node("main".into());
        state.boot(MAIN);
        Arc::new(Machine { state: Mutex::new(state), home: thread::current().id() })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the calling thread is the one that all of it runs on.
    pub(crate) fn is_home(&self) -> bool {
        thread::current().id() == self.home
    }

    /// Notes when the calling thread is another one: the run fails then.
    pub(crate) fn guard(&self) {
        if !self.is_home() {
            let thread = thread::current();
            let name = thread.name().unwrap_or("without a name").to_owned();
            self.lock().foreign.get_or_insert(name);
        }
    }

    pub(crate) fn bell(self: &Arc<Machine>, task: TaskId) -> Arc<Bell> {
        Arc::new(Bell { task, has_rung: AtomicBool::new(false), machine: self.clone() })
    }

    /// A task for this incarnation of a node; gives the future back if that is gone.
    pub(crate) fn spawn(
        self: &Arc<Machine>,
        node: NodeId,
        incarnation: u32,
        name: TaskName,
        future: BoxFuture<'static, ()>,
    ) -> Option<BoxFuture<'static, ()>> {
        self.guard();
        let mut state = self.lock();
        if !state.is_up(node, incarnation) {
            return Some(future);
        }
        let task = state.tasks.len() as TaskId;
        let waker = self.bell(task);
        waker.has_rung.store(true, Ordering::Relaxed);
        state.record(Event::Spawned { task, node, name });
        state.tasks.push(Slot::Waits(Task { future, waker, node, name }));
        state.ready.push_back(task);
        None
    }

    /// Ends the run: all that is left of it, to be dropped; and what comes later is dropped at once.
    pub(crate) fn close(&self) -> (Vec<Task>, Vec<Due>) {
        let mut state = self.lock();
        state.is_over = true;
        state.ready.clear();
        let settling = (state.settling.take(), state.ports.let_go());
        let tasks = mem::take(&mut state.tasks).into_iter().filter_map(Slot::task).collect();
        let due = mem::take(&mut state.timeline).into_values().collect();
        drop(state);
        drop(settling);
        (tasks, due)
    }

    /// Takes in who runs an actor.
    pub(crate) fn see(&self, actor: &Site<'_>) {
        let mut state = self.lock();
        if let (Some(task), Some(place)) = (state.running, actor.place)
            && let Some(places) = &mut state.places
            && places.get(place) != Some(&task)
        {
            places.insert(place.into(), task);
        }
    }

    /// Asks for a fault at a point.
    pub(crate) fn fault(&self, node: NodeId, place: Option<&str>, point: FaultPoint) -> Option<Harm> {
        let mut state = self.lock();
        if state.is_over {
            return None;
        }
        let (harm, fault) = state.mischief.at(place, point)?;
        let on = state.nodes[node.index()].name.clone();
        let what = format!("{fault}, on node `{on}`");
        state.record(Event::Injected(what));
        state.struck.push(fault);
        Some(harm)
    }
}

impl Slot {
    pub(crate) fn task(self) -> Option<Task> {
        match self {
            Slot::Waits(task) => Some(task),
            Slot::Runs(..) | Slot::Over => None,
        }
    }
}

impl State {
    pub(crate) fn record(&mut self, event: Event) {
        if !self.is_over {
            self.log.record(self.now, event);
        }
    }

    /// Takes a fault of the scenario in.
    pub(crate) fn plan(&mut self, fault: Fault) {
        if let Fault::Pause { .. } = fault {
            self.places.get_or_insert_default();
        }
        match fault.at() {
            Some(at) => {
                let at = (Time::EPOCH + at).max(self.now);
                self.schedule(at, Due::Strike(fault));
            }
            None => self.mischief.add(&fault),
        }
    }

    /// Puts something on the timeline; what is due at one time comes in this order.
    pub(crate) fn schedule(&mut self, at: Time, due: Due) -> (Time, u64) {
        self.serial += 1;
        let key = (at, self.serial);
        self.timeline.insert(key, due);
        key
    }

    /// A blocking job; gives it back if the node is gone.
    pub(crate) fn schedule_job(
        &mut self,
        node: NodeId,
        incarnation: u32,
        job: Box<dyn FnOnce() + Send>,
    ) -> Option<Box<dyn FnOnce() + Send>> {
        if !self.is_up(node, incarnation) {
            return Some(job);
        }
        let owed = mem::take(&mut self.node(node).owed);
        let takes = Duration::from_nanos(JOB.0 + self.jobs.below(JOB.1)) + owed;
        self.schedule(self.now + takes, Due::Job(node, incarnation, job));
        None
    }

    pub(crate) fn entropy(&mut self, node: NodeId) -> u64 {
        let value = self.nodes[node.index()].entropy.next();
        self.record(Event::Drew { node, value });
        value
    }

    // ---- nodes ----

    pub(crate) fn node(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.index()]
    }

    pub(crate) fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| *node.name == *name).map(|at| NodeId(at as u32))
    }

    pub(crate) fn is_up(&self, node: NodeId, incarnation: u32) -> bool {
        let node = &self.nodes[node.index()];
        !self.is_over && node.is_up && node.incarnation == incarnation
    }

    pub(crate) fn add_node(&mut self, name: Name) -> NodeId {
        let entropy = self.seed.random(&format!("entropy.{name}"));
        let stalled_until = Time::EPOCH;
        let (parked, owed) = (Vec::new(), Duration::ZERO);
        self.nodes.push(Node {
            name,
            incarnation: 0,
            is_up: false,
            stalled_until,
            parked,
            skew: 0,
            owed,
            entropy,
        });
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// Nothing runs on a node until then.
    pub(crate) fn stall(&mut self, node: NodeId, time: Duration) {
        let until = self.now + time;
        let stalling = self.node(node);
        stalling.stalled_until = stalling.stalled_until.max(until);
        self.schedule(until, Due::Resume(node));
    }

    /// A stall is over, unless another one lasts longer.
    pub(crate) fn resume(&mut self, node: NodeId) {
        let now = self.now;
        let resuming = self.node(node);
        if resuming.stalled_until <= now {
            let parked = mem::take(&mut resuming.parked);
            self.ready.extend(parked);
        }
    }

    /// The actor of a place has no turn until then. False: nobody was seen there.
    pub(crate) fn pause(&mut self, place: &str, time: Duration) -> bool {
        let Some(task) = self.places.as_ref().and_then(|places| places.get(place).copied()) else {
            return false;
        };
        let until = self.now + time;
        let (paused, _) = self.paused.entry(task).or_insert((until, false));
        *paused = until.max(*paused);
        self.schedule(until, Due::Unpause(task));
        true
    }

    /// A pause is over, unless another one lasts longer.
    pub(crate) fn unpause(&mut self, task: TaskId) {
        if self.paused.get(&task).is_some_and(|(until, _)| *until <= self.now)
            && let Some((_, true)) = self.paused.remove(&task)
        {
            self.ready.push_back(task);
        }
    }

    /// Nobody is stalled or paused any more.
    pub(crate) fn resume_all(&mut self) {
        for node in (0..self.nodes.len() as u32).map(NodeId) {
            self.node(node).stalled_until = Time::EPOCH;
            self.resume(node);
        }
        let paused = mem::take(&mut self.paused).into_iter().filter(|(_, (_, is_ready))| *is_ready);
        self.ready.extend(paused.map(|(task, _)| task));
    }

    /// Begins an incarnation of a node that is down.
    pub(crate) fn boot(&mut self, node: NodeId) -> u32 {
        let seed = self.seed;
        let booting = self.node(node);
        booting.is_up = true;
        booting.incarnation += 1;
        let incarnation = booting.incarnation;
        // What it drew before the crash does not shift what it draws after.
        booting.entropy = seed.random(&format!("entropy.{}.{incarnation}", booting.name));
        self.record(Event::Booted { node, incarnation });
        self.ports.boot(self.now, node);
        self.arm_network();
        incarnation
    }

    /// Ends an incarnation of a node: its tasks, to be dropped, but for one that has its turn just now, which is
    /// dropped after that.
    pub(crate) fn crash(&mut self, node: NodeId) -> Vec<Task> {
        self.record(Event::Crashed { node });
        self.rules.forget(node);
        let crashing = self.node(node);
        crashing.is_up = false;
        crashing.stalled_until = Time::EPOCH;
        crashing.parked.clear();
        let mut gone = Vec::new();
        for slot in &mut self.tasks {
            match slot {
                Slot::Waits(task) if task.node == node => {
                    gone.extend(mem::replace(slot, Slot::Over).task());
                }
                Slot::Runs(at) if *at == node => *slot = Slot::Over,
                Slot::Waits(_) | Slot::Runs(..) | Slot::Over => {}
            }
        }
        gone
    }
}

/// What wakes a task: puts it among those that are ready.
pub(crate) struct Bell {
    task: TaskId,
    has_rung: AtomicBool,
    machine: Arc<Machine>,
}

impl Bell {
    /// The task has its turn: it may be woken again.
    pub(crate) fn reset(&self) {
        self.has_rung.store(false, Ordering::Relaxed);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.machine.guard();
        if !self.has_rung.swap(true, Ordering::Relaxed) {
            let mut state = self.machine.lock();
            if !state.is_over {
                state.ready.push_back(self.task);
            }
        }
    }
}
