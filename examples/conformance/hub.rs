//! The collector: what has happened, who is who, and who is blocked. Records are made under one lock by whoever the
//! event happened to, so their order agrees with causality.

use crate::reason;
use crate::worker::Worker;
use ravelin::{ActorRef, Exit, Pid, SupervisorRef};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// One incarnation: its path and its number.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) path: Arc<str>,
    pub(crate) n: u64,
}

impl Key {
    /// Its last part, as a supervisor lists it.
    pub(crate) fn last(&self) -> String {
        let key = self.to_string();
        key.rsplit_once('/').map_or(key.clone(), |(_, last)| last.to_string())
    }

    /// The path of its supervisor.
    pub(crate) fn parent(&self) -> Option<&str> {
        self.path.rsplit_once('/').map(|(parent, _)| parent)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.path, self.n)
    }
}

/// How to get hold of an actor.
#[derive(Clone)]
pub(crate) enum Who {
    Worker(ActorRef<Worker>),
    Supervisor(SupervisorRef),
}

/// A started incarnation.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) pid: Pid,
    pub(crate) who: Who,
}

/// A line that has its place by its key.
pub(crate) type Line = (Key, String);

/// What happened in a step.
#[derive(Default)]
pub(crate) struct Happened {
    /// In causal order.
    pub(crate) events: Vec<Line>,
    pub(crate) exits: Vec<Line>,
    pub(crate) got: Vec<Line>,
    pub(crate) answers: Vec<(usize, String)>,
}

#[derive(Default)]
struct State {
    happened: Happened,
    /// How many records were made so far.
    records: u64,
    attempts: BTreeMap<Arc<str>, u64>,
    newest: BTreeMap<Arc<str>, Pid>,
    /// All that were started.
    nodes: BTreeMap<Pid, Node>,
    keys: BTreeMap<Pid, Key>,
    /// Started, and their end not recorded.
    up: BTreeSet<Pid>,
    /// The templates of the dynamic supervisors.
    templates: BTreeMap<String, Value>,
    blocked: BTreeMap<Key, (&'static str, Gate)>,
    /// Callbacks that take their time.
    busy: usize,
}

/// The collector; a clone is the same.
#[derive(Clone, Default)]
pub(crate) struct Hub(Arc<Mutex<State>>);

impl Hub {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- who is who ----

    /// A start is tried at this path.
    pub(crate) fn attempt(&self, path: &Arc<str>) {
        *self.state().attempts.entry(path.clone()).or_default() += 1;
    }

    /// The start that is being tried at this path.
    pub(crate) fn attempted(&self, path: &Arc<str>) -> Key {
        Key { path: path.clone(), n: self.state().attempts.get(path).copied().unwrap_or(0) }
    }

    /// A worker that begins its life says who it is.
    pub(crate) fn introduce(&self, pid: Pid, key: Key) {
        self.state().keys.insert(pid, key);
    }

    /// The key of an actor; the scenario knows all others as the runner.
    pub(crate) fn name(&self, pid: Pid) -> String {
        self.key(pid).map_or("runner".into(), |key| key.to_string())
    }

    pub(crate) fn key(&self, pid: Pid) -> Option<Key> {
        self.state().keys.get(&pid).cloned()
    }

    pub(crate) fn node(&self, pid: Pid) -> Option<Node> {
        self.state().nodes.get(&pid).cloned()
    }

    /// The newest started incarnation at a path.
    pub(crate) fn newest(&self, path: &str) -> Option<Node> {
        let state = self.state();
        state.nodes.get(state.newest.get(path)?).cloned()
    }

    /// The supervisor at this path is dynamic, with this template; or it is not.
    pub(crate) fn set_template(&self, path: &str, template: Option<Value>) {
        match template {
            Some(template) => self.state().templates.insert(path.into(), template),
            None => self.state().templates.remove(path),
        };
    }

    pub(crate) fn template(&self, path: &str) -> Option<Value> {
        self.state().templates.get(path).cloned()
    }

    pub(crate) fn is_dynamic(&self, path: &str) -> bool {
        self.state().templates.contains_key(path)
    }

    // ---- what happened ----

    pub(crate) fn event(&self, key: Key, text: String) {
        let mut state = self.state();
        state.records += 1;
        state.happened.events.push((key, text));
    }

    /// A start succeeded.
    pub(crate) fn started(&self, path: &Arc<str>, pid: Pid, who: Who) {
        let key = self.attempted(path);
        let mut state = self.state();
        state.records += 1;
        state.newest.insert(path.clone(), pid);
        state.nodes.insert(pid, Node { pid, who });
        state.keys.insert(pid, key.clone());
        state.up.insert(pid);
        let text = format!("start {key}");
        state.happened.events.push((key, text));
    }

    /// A start failed, or was declined.
    pub(crate) fn failed(&self, path: &Arc<str>, why: &Exit) {
        let key = self.attempted(path);
        let text = match why {
            Exit::Ignore => format!("ignore {key}"),
            why => format!("fail {key} {}", reason::show(why, self)),
        };
        self.event(key, text);
    }

    pub(crate) fn ended(&self, pid: Pid, why: &Exit) {
        let why = reason::show(why, self);
        let mut state = self.state();
        state.records += 1;
        state.up.remove(&pid);
        if let Some(key) = state.keys.get(&pid).cloned() {
            state.happened.exits.push((key, why));
        }
    }

    pub(crate) fn got(&self, key: Key, text: String) {
        let mut state = self.state();
        state.records += 1;
        state.happened.got.push((key, text));
    }

    pub(crate) fn answered(&self, step: usize, text: String) {
        let mut state = self.state();
        state.records += 1;
        state.happened.answers.push((step, text));
    }

    pub(crate) fn take(&self) -> Happened {
        mem::take(&mut self.state().happened)
    }

    // ---- who is at work ----

    pub(crate) fn records(&self) -> u64 {
        self.state().records
    }

    /// Those that were started and whose end was not recorded.
    pub(crate) fn up(&self) -> Vec<Pid> {
        self.state().up.iter().copied().collect()
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.state().busy > 0
    }

    /// Takes its time, whoever holds this.
    pub(crate) fn busy(&self) -> Busy {
        self.state().busy += 1;
        Busy(self.clone())
    }

    pub(crate) fn blocked(&self) -> Vec<(Key, &'static str)> {
        self.state().blocked.iter().map(|(key, (phase, _))| (key.clone(), *phase)).collect()
    }

    /// Waits for a release.
    pub(crate) async fn block(&self, key: Key, phase: &'static str) {
        let gate = Gate::default();
        self.state().blocked.insert(key.clone(), (phase, gate.clone()));
        let blocked = Blocked(self.clone(), key);
        gate.opened().await;
        drop(blocked);
    }

    /// Lets the blocked callbacks at this path go on; false if there are none.
    pub(crate) fn release(&self, path: &str) -> bool {
        let gates: Vec<Gate> = {
            let mut state = self.state();
            let keys: Vec<Key> = state.blocked.keys().filter(|key| &*key.path == path).cloned().collect();
            keys.iter().filter_map(|key| state.blocked.remove(key)).map(|(_, gate)| gate).collect()
        };
        for gate in &gates {
            gate.open();
        }
        !gates.is_empty()
    }
}

/// While this is there somebody takes his time.
pub(crate) struct Busy(Hub);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.state().busy -= 1;
    }
}

/// A callback that waits, or was cut off.
struct Blocked(Hub, Key);

impl Drop for Blocked {
    fn drop(&mut self) {
        self.0.state().blocked.remove(&self.1);
    }
}

/// Where one waits for a release.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(bool, Option<Waker>)>>);

impl Gate {
    fn open(&self) {
        let mut gate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gate.0 = true;
        let waker = gate.1.take();
        drop(gate);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn opened(&self) -> impl Future<Output = ()> + Send {
        let gate = self.0.clone();
        poll_fn(move |cx| {
            let mut gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1 = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}
