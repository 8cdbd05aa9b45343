//! Process groups: named multisets of actors, as OTP's `pg` on one node.
//!
//! An actor may join a group several times and must then leave it as often. A group exists while it has members or
//! monitors: there are no empty groups to look up. Members go when they end. A monitor sees a snapshot and then every
//! change after it, without a gap.

use crate::id::{MonitorRef, Pid};
use crate::info::{GroupChange, Info};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
struct Group {
    members: BTreeMap<Pid, u32>,
    monitors: Vec<(MonitorRef, Pid)>,
}

impl Group {
    fn snapshot(&self) -> Vec<Pid> {
        self.members.iter().flat_map(|(pid, times)| std::iter::repeat_n(*pid, *times as usize)).collect()
    }

    fn tell(&self, group: &Arc<str>, pid: Pid, change: GroupChange, inform: &dyn Fn(Pid, Info)) {
        for (monitor, watcher) in &self.monitors {
            inform(*watcher, Info::Group { group: group.clone(), monitor: *monitor, pid, change });
        }
    }
}

/// The groups of a system.
pub(crate) struct Groups {
    by_name: DashMap<Arc<str>, Group>,
}

impl Groups {
    pub(crate) fn new() -> Groups {
        Groups { by_name: DashMap::with_shard_amount(16) }
    }

    pub(crate) fn join(&self, name: &Arc<str>, pid: Pid, inform: &dyn Fn(Pid, Info)) {
        let mut group = self.by_name.entry(name.clone()).or_default();
        *group.members.entry(pid).or_insert(0) += 1;
        group.tell(name, pid, GroupChange::Joined, inform);
    }

    /// One membership less. False: it was not a member.
    pub(crate) fn leave(&self, name: &Arc<str>, pid: Pid, inform: &dyn Fn(Pid, Info)) -> bool {
        let Entry::Occupied(mut entry) = self.by_name.entry(name.clone()) else { return false };
        let group = entry.get_mut();
        let Some(times) = group.members.get_mut(&pid) else { return false };
        *times -= 1;
        if *times == 0 {
            group.members.remove(&pid);
        }
        group.tell(name, pid, GroupChange::Left, inform);
        if group.members.is_empty() && group.monitors.is_empty() {
            entry.remove();
        }
        true
    }

    pub(crate) fn members(&self, name: &str) -> Vec<Pid> {
        self.by_name.get(name).map(|group| group.snapshot()).unwrap_or_default()
    }

    /// The names of all groups that have members, sorted.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self
            .by_name
            .iter()
            .filter(|entry| !entry.members.is_empty())
            .map(|entry| entry.key().clone())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn monitor(&self, name: &Arc<str>, monitor: MonitorRef, watcher: Pid) -> Vec<Pid> {
        let mut group = self.by_name.entry(name.clone()).or_default();
        group.monitors.push((monitor, watcher));
        group.snapshot()
    }

    /// Ends one monitor, or (without one) all that `watcher` has on the group.
    pub(crate) fn demonitor(&self, name: &Arc<str>, monitor: Option<MonitorRef>, watcher: Pid) {
        let Entry::Occupied(mut entry) = self.by_name.entry(name.clone()) else { return };
        let group = entry.get_mut();
        group
            .monitors
            .retain(|(each, who)| *who != watcher || monitor.is_some_and(|monitor| monitor != *each));
        if group.members.is_empty() && group.monitors.is_empty() {
            entry.remove();
        }
    }
}
