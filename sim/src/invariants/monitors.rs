//! [pure] Monitors fire exactly once: not before the end, not twice, and for everybody who still watches.

use super::{Home, Rest, Rule, Who};
use crate::log::NodeId;
use ravelin_core::{MonitorRef, Pid, Seen, Time};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Monitors {
    living: BTreeSet<Who>,
    set: BTreeMap<(Home, MonitorRef), Monitor>,
    /// Ended since the last rest.
    ended: BTreeSet<Who>,
}

struct Monitor {
    watcher: Pid,
    target: Pid,
    has_fired: bool,
}

impl Rule for Monitors {
    fn name(&self) -> &'static str {
        "a monitor fires exactly once"
    }

    fn see(&mut self, _: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Starting { .. } => drop(self.living.insert(who)),
            Seen::Ended { .. } => {
                self.living.remove(&who);
                self.ended.insert(who);
                self.set.retain(|(home, _), monitor| *home != who.home || monitor.watcher != who.pid);
            }
            Seen::MonitorSet { monitor, target } => {
                let new = Monitor { watcher: who.pid, target: *target, has_fired: false };
                self.set.insert((who.home, *monitor), new);
                // Of another node nothing is known here.
                if target.node() == 0 && !self.living.contains(&Who { pid: *target, ..who }) {
                    self.ended.insert(Who { pid: *target, ..who });
                }
            }
            Seen::MonitorEnded { monitor } => drop(self.set.remove(&(who.home, *monitor))),
            Seen::Down { monitor, target } => {
                // One that was taken back meanwhile may still be under way, and is not handled.
                let Some(known) = self.set.get_mut(&(who.home, *monitor)) else { return Ok(()) };
                if self.living.contains(&Who { pid: *target, ..who }) {
                    return Err(format!("{} is told of the end of {target}, which lives", who.pid));
                }
                if std::mem::replace(&mut known.has_fired, true) {
                    return Err(format!("{} is told of the end of {target} twice", who.pid));
                }
            }
            Seen::DownBegun { monitor } => {
                let known = self.set.remove(&(who.home, *monitor));
                if !known.is_some_and(|monitor| monitor.has_fired) {
                    return Err(format!("{} handles a Down of {monitor:?}, which has not fired", who.pid));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn rest(&mut self, _: &Rest) -> Result<(), String> {
        let ended = std::mem::take(&mut self.ended);
        if ended.is_empty() {
            return Ok(());
        }
        for ((home, _), monitor) in &self.set {
            if !monitor.has_fired && ended.contains(&Who { home: *home, pid: monitor.target }) {
                let Monitor { watcher, target, .. } = monitor;
                return Err(format!("{watcher} is not told of the end of {target}"));
            }
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.living.retain(|who| who.home.node != node);
        self.ended.retain(|who| who.home.node != node);
        self.set.retain(|(home, _), _| home.node != node);
    }
}
