//! The children of a plan: an ordered table that is also found by id and by pid, and that counts. `[pure]`
//!
//! Every step is O(log n), so that starting and stopping n children is linear but for the logarithm (OTP pins this
//! with 100 000 children). Ordered maps, so that every walk is in start order on every run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ravelin_core::{Pid, Time};

use super::action::{ChildKey, Counts, Status};
use crate::policy::{ChildKind, ChildPolicy};

/// What a child is doing, as the plan sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// Waits for a ticket with this serial. `admitted`: the restart it waits for is counted already.
    Restarting {
        serial: u64,
        admitted: bool,
    },
    Running(Pid),
    Stopped,
}

/// A stretch of the start order, `from` inclusive, `until` exclusive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) from: ChildKey,
    pub(super) until: ChildKey,
}

impl Span {
    /// All children.
    pub(super) const ALL: Span = Span { from: ChildKey::FIRST, until: ChildKey::END };

    /// One child.
    pub(super) fn one(key: ChildKey) -> Span {
        Span { from: key, until: key.next() }
    }

    /// A child and all after it.
    pub(super) fn rest(key: ChildKey) -> Span {
        Span { from: key, until: ChildKey::END }
    }
}

/// One child.
#[derive(Clone, Debug)]
pub(super) struct Child<S> {
    pub(super) id: Arc<str>,
    pub(super) spec: S,
    state: State,
    /// The newest incarnation, dead or alive.
    last: Option<(Pid, Time)>,
    /// How many restarts of the present row were scheduled; chooses the next delay.
    pub(super) attempt: u32,
    /// How many automatic restarts this child caused in its life.
    pub(super) tried: u32,
}

impl<S: AsRef<ChildPolicy>> Child<S> {
    pub(super) fn policy(&self) -> ChildPolicy {
        *self.spec.as_ref()
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn status(&self) -> Status {
        match self.state {
            State::Restarting { .. } => Status::Restarting,
            State::Running(pid) => Status::Running(pid),
            State::Stopped => Status::Stopped,
        }
    }

    /// Whether it may be restarted once more.
    pub(super) fn has_tries(&self) -> bool {
        self.policy().tries.is_none_or(|tries| self.tried < tries)
    }

    /// It went down at `now`. The row of failures is over if it had been up for long.
    pub(super) fn rest_after(&mut self, now: Time, period: Duration) {
        let long = period.max(self.policy().backoff.cap());
        if self.last.is_some_and(|(_, since)| now - since > long) {
            self.attempt = 0;
        }
    }

    /// A new life begins, by hand.
    pub(super) fn renew(&mut self) {
        self.attempt = 0;
        self.tried = 0;
    }

    /// The pid that finds it: that of the running incarnation, or of the one whose restart is awaited.
    fn pid(&self) -> Option<Pid> {
        match self.state {
            State::Restarting { .. } => self.last.map(|(pid, _)| pid),
            State::Running(pid) => Some(pid),
            State::Stopped => None,
        }
    }
}

/// All children, in start order.
#[derive(Clone, Debug)]
pub(super) struct Children<S> {
    by_key: BTreeMap<ChildKey, Child<S>>,
    /// None when ids are mere labels.
    by_id: Option<BTreeMap<Arc<str>, ChildKey>>,
    by_pid: BTreeMap<Pid, ChildKey>,
    next: ChildKey,
    counts: Counts,
    /// Significant children that run or are being restarted.
    significant: usize,
}

impl<S: AsRef<ChildPolicy>> Children<S> {
    /// An empty table whose ids are names, one child each.
    pub(super) fn named() -> Children<S> {
        Children { by_id: Some(BTreeMap::new()), ..Children::labelled() }
    }

    /// An empty table whose ids are labels that children may share.
    pub(super) fn labelled() -> Children<S> {
        Children {
            by_key: BTreeMap::new(),
            by_id: None,
            by_pid: BTreeMap::new(),
            next: ChildKey::FIRST,
            counts: Counts::default(),
            significant: 0,
        }
    }

    /// Adds a stopped child at the end. Its id, if a name, is not in the table.
    pub(super) fn insert(&mut self, id: Arc<str>, spec: S) -> ChildKey {
        let key = self.next;
        self.next = key.next();
        if let Some(by_id) = &mut self.by_id {
            let before = by_id.insert(id.clone(), key);
            debug_assert!(before.is_none(), "two children named {id}");
        }
        let child = Child { id, spec, state: State::Stopped, last: None, attempt: 0, tried: 0 };
        self.counts.specs += 1;
        *self.counted(child.policy().kind) += 1;
        self.by_key.insert(key, child);
        key
    }

    /// Removes a child and all that is known of it.
    pub(super) fn remove(&mut self, key: ChildKey) {
        self.set(key, State::Stopped);
        let Some(child) = self.by_key.remove(&key) else { return };
        if let Some(by_id) = &mut self.by_id {
            by_id.remove(&child.id);
        }
        self.counts.specs -= 1;
        *self.counted(child.policy().kind) -= 1;
    }

    /// Notes that `pid`, started at `now`, is the child's new incarnation.
    pub(super) fn up(&mut self, key: ChildKey, pid: Pid, now: Time) {
        self.set(key, State::Stopped); // lets go of the old pid
        if let Some(child) = self.by_key.get_mut(&key) {
            child.last = Some((pid, now));
        }
        self.set(key, State::Running(pid));
    }

    /// Gives a child another state.
    pub(super) fn set(&mut self, key: ChildKey, state: State) {
        let Some(child) = self.by_key.get_mut(&key) else { return };
        if let Some(pid) = child.pid() {
            self.by_pid.remove(&pid);
        }
        let before = std::mem::replace(&mut child.state, state);
        if let Some(pid) = child.pid() {
            self.by_pid.insert(pid, key);
        }
        let significant = child.policy().significant;
        self.counts.active -= usize::from(matches!(before, State::Running(_)));
        self.counts.active += usize::from(matches!(state, State::Running(_)));
        self.significant -= usize::from(significant && before != State::Stopped);
        self.significant += usize::from(significant && state != State::Stopped);
    }

    pub(super) fn get_mut(&mut self, key: ChildKey) -> Option<&mut Child<S>> {
        self.by_key.get_mut(&key)
    }

    pub(super) fn get(&self, key: ChildKey) -> Option<&Child<S>> {
        self.by_key.get(&key)
    }

    /// The child of this name; none if ids are labels.
    pub(super) fn named_as(&self, id: &str) -> Option<ChildKey> {
        self.by_id.as_ref()?.get(id).copied()
    }

    /// The child whose running incarnation, or whose incarnation before the awaited restart, is `pid`.
    pub(super) fn known_as(&self, pid: Pid) -> Option<ChildKey> {
        self.by_pid.get(&pid).copied()
    }

    /// The oldest child of the span.
    pub(super) fn first_in(&self, span: Span) -> Option<ChildKey> {
        self.by_key.range(span.from..span.until).next().map(|(key, _)| *key)
    }

    /// The newest child of the span.
    pub(super) fn last_in(&self, span: Span) -> Option<(ChildKey, State)> {
        self.by_key.range(span.from..span.until).next_back().map(|(key, child)| (*key, child.state))
    }

    /// All, oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (ChildKey, &Child<S>)> {
        self.by_key.iter().map(|(key, child)| (*key, child))
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// How many significant children run or are being restarted.
    pub(super) fn significant(&self) -> usize {
        self.significant
    }

    fn counted(&mut self, kind: ChildKind) -> &mut usize {
        match kind {
            ChildKind::Supervisor => &mut self.counts.supervisors,
            ChildKind::Worker => &mut self.counts.workers,
        }
    }
}
