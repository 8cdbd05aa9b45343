//! What is known of the traffic: numbers in order and once, calls that end, monitors that fire once.

use ravelin_core::{ActorRef, MonitorRef, Pid, System};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::folk::Folk;

/// A sender or a receiver: its path, and which incarnation.
pub(crate) type Who = (Arc<str>, u32);

#[derive(Default)]
struct State {
    places: BTreeMap<Arc<str>, ActorRef<Folk>>,
    /// The newest number that was handled, by sender and receiver.
    heard: BTreeMap<(Who, Who), u64>,
    /// Calls that were begun and have not ended, and where they were begun.
    calls: BTreeMap<u64, Who>,
    begun: u64,
    monitors: Vec<Watch>,
    wrong: Vec<String>,
}

struct Watch {
    watcher: Pid,
    target: Pid,
    monitor: MonitorRef,
    downs: u32,
}

/// What is known of all.
#[derive(Clone, Default)]
pub(crate) struct Town(Arc<Mutex<State>>);

impl Town {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settle(&self, path: &Arc<str>) -> ActorRef<Folk> {
        self.lock().places.entry(path.clone()).or_insert_with(|| ActorRef::place(path.clone())).clone()
    }

    /// Somebody.
    pub(crate) fn anybody(&self, luck: u64) -> Option<ActorRef<Folk>> {
        let state = self.lock();
        state.places.values().nth(luck as usize % state.places.len().max(1)).cloned()
    }

    pub(crate) fn living(&self) -> Vec<ActorRef<Folk>> {
        self.lock().places.values().filter(|place| place.is_alive()).cloned().collect()
    }

    /// Number `n` of a sender was handled by a receiver.
    pub(crate) fn heard(&self, from: Who, to: Who, n: u64) {
        let mut state = self.lock();
        let last = state.heard.insert((from.clone(), to.clone()), n);
        if last.is_some_and(|last| last >= n) {
            state.wrong.push(format!("{to:?} heard {n} of {from:?} after {last:?}"));
        }
    }

    pub(crate) fn wrong(&self, what: String) {
        self.lock().wrong.push(what);
    }

    /// A call begins: it ends when this is dropped.
    pub(crate) fn call(&self, who: Who) -> Calling {
        let mut state = self.lock();
        state.begun += 1;
        let number = state.begun;
        state.calls.insert(number, who);
        Calling(self.clone(), number)
    }

    pub(crate) fn monitors(&self, watcher: Pid, target: Pid, monitor: MonitorRef) {
        self.lock().monitors.push(Watch { watcher, target, monitor, downs: 0 });
    }

    pub(crate) fn down(&self, watcher: Pid, target: Pid, monitor: MonitorRef) {
        let mut state = self.lock();
        let is_it = |watch: &&mut Watch| watch.watcher == watcher && watch.monitor == monitor;
        match state.monitors.iter_mut().find(is_it) {
            Some(watch) if watch.target == target => watch.downs += 1,
            _ => state.wrong.push(format!("{watcher} got a down of {target} that it did not ask for")),
        }
    }

    /// What is wrong, in a world at rest.
    pub(crate) fn faults(&self, system: &System) -> Vec<String> {
        let state = self.lock();
        let mut faults = state.wrong.clone();
        faults.extend(state.calls.values().map(|who| format!("a call of {who:?} did not end")));
        for Watch { watcher, target, downs, .. } in &state.monitors {
            let due = u32::from(!system.is_alive(*target));
            let is_right = if system.is_alive(*watcher) { *downs == due } else { *downs <= due };
            if !is_right {
                faults.push(format!("{watcher} watched {target}, and got {downs} downs"));
            }
        }
        faults
    }
}

/// A call that was begun.
pub(crate) struct Calling(Town, u64);

impl Drop for Calling {
    fn drop(&mut self) {
        self.0.lock().calls.remove(&self.1);
    }
}
