//! Who is told of groups and names.
//!
//! What is to be told is put in order here while the groups or names are locked; `telling` tells it.

use crate::proto::groups::{Group, Groups, Step};
use crate::proto::names::{Event, Names};
use ravelin_core::{Message, Pid, Recipient};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What becomes of a group, for those who [watch](crate::Node::watch_group) it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum GroupEvent {
    /// All members, once for each membership. Comes first; and again, instead of the changes, after some of them found
    /// the recipient's mailbox full.
    Members(Group, Vec<Pid>),
    /// An actor joined, or one that had joined was learnt of; so many times at once.
    Joined(Group, Pid, u32),
    /// A member left, ended, or was lost with its node; so many times at once.
    Left(Group, Pid, u32),
}

impl Message for GroupEvent {
    type Reply = ();
}

impl Message for Event {
    type Reply = ();
}

/// A recipient that is told of one group. See [`Node::watch_group`](crate::Node::watch_group).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupWatch(pub(super) u64);

struct Watcher {
    group: Group,
    recipient: Recipient<GroupEvent>,
    /// A change was lost to it: it is told of all members next.
    is_behind: bool,
}

/// Who is told of groups.
#[derive(Default)]
pub(crate) struct GroupWatchers {
    watchers: BTreeMap<u64, Watcher>,
    by_group: BTreeMap<Group, BTreeSet<u64>>,
    last: u64,
    queue: VecDeque<(u64, GroupEvent)>,
    pub(super) is_telling: bool,
}

impl GroupWatchers {
    pub(super) fn add(
        &mut self,
        group: &Group,
        recipient: Recipient<GroupEvent>,
        groups: &Groups,
    ) -> GroupWatch {
        self.last += 1;
        let members = GroupEvent::Members(group.clone(), groups.members(group).collect());
        self.queue.push_back((self.last, members));
        self.by_group.entry(group.clone()).or_default().insert(self.last);
        self.watchers.insert(self.last, Watcher { group: group.clone(), recipient, is_behind: false });
        GroupWatch(self.last)
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        let Some(watcher) = self.watchers.remove(&id) else { return false };
        if let Some(ids) = self.by_group.get_mut(&watcher.group) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_group.remove(&watcher.group);
            }
        }
        self.queue.retain(|(of, _)| *of != id);
        true
    }

    /// Takes the changes, for those who are told of them.
    pub(super) fn note(&mut self, groups: &mut Groups) {
        let mut changes = Vec::new();
        while let Some(change) = groups.poll_change() {
            if self.by_group.contains_key(&change.group) {
                changes.push(change);
            }
        }
        let mut caught_up = BTreeSet::new();
        for change in changes {
            for id in self.by_group.get(&change.group).into_iter().flatten() {
                let Some(watcher) = self.watchers.get_mut(id) else { continue };
                let group = change.group.clone();
                let event = if std::mem::take(&mut watcher.is_behind) {
                    caught_up.insert(*id);
                    GroupEvent::Members(group, groups.members(&change.group).collect())
                } else if caught_up.contains(id) {
                    // The members that it is told of are those after all of these changes.
                    continue;
                } else if change.step == Step::Joined {
                    GroupEvent::Joined(group, change.pid, change.times)
                } else {
                    GroupEvent::Left(group, change.pid, change.times)
                };
                self.queue.push_back((*id, event));
            }
        }
    }

    pub(super) fn next(&mut self) -> Option<(u64, Recipient<GroupEvent>, GroupEvent)> {
        loop {
            let (id, event) = self.queue.pop_front()?;
            if let Some(watcher) = self.watchers.get(&id) {
                return Some((id, watcher.recipient.clone(), event));
            }
        }
    }

    pub(super) fn refused(&mut self, id: u64, is_gone: bool) {
        if is_gone {
            self.remove(id);
        } else if let Some(watcher) = self.watchers.get_mut(&id) {
            watcher.is_behind = true;
            self.queue.retain(|(of, _)| *of != id);
        }
    }
}

/// Who is told of names.
#[derive(Default)]
pub(crate) struct NameWatchers {
    /// Of this name.
    pub(super) of: BTreeMap<Arc<str>, Recipient<Event>>,
    /// Of all names of this node.
    pub(super) all: Vec<Recipient<Event>>,
    pub(super) queue: VecDeque<(Event, Vec<Recipient<Event>>)>,
    pub(super) is_telling: bool,
}

impl NameWatchers {
    pub(super) fn note(&mut self, names: &mut Names) {
        while let Some(event) = names.poll_event() {
            self.all.retain(|recipient| recipient.pid().is_some());
            let whom = match &event {
                Event::Lost { name, .. } => self.of.remove(name),
                Event::Conflict { name, .. } => self.of.get(name).cloned(),
            };
            let whom = whom.into_iter().chain(self.all.iter().cloned()).collect();
            self.queue.push_back((event, whom));
        }
    }
}
