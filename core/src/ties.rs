//! Links and monitors that an actor makes and ends, with actors of this system and of other nodes.

use crate::distribution::DistSignal;
use crate::exit::Exit;
use crate::id::{MonitorRef, Pid};
use crate::info::Info;
use crate::system::System;
use crate::watch::Seen;

impl System {
    pub(crate) fn link(&self, one: Pid, other: Pid) {
        // Both ends are written also when there is a link: an unlink from the other end may have got in between.
        let made =
            if one == other { None } else { self.0.with_bonds(one, |bonds| bonds.links.insert(other)) };
        let Some(is_new) = made else { return };
        if other.node() != 0 {
            if is_new {
                self.0.link_afar(one, other);
            }
            return;
        }
        if self.0.with_bonds(other, |bonds| bonds.links.insert(one)).is_none() {
            self.0.link_broken(one, other, Exit::NoProc);
        }
    }

    pub(crate) fn unlink(&self, one: Pid, other: Pid) {
        let was_linked = self.0.with_bonds(one, |bonds| bonds.links.remove(&other));
        if other.node() != 0 {
            if was_linked == Some(true) {
                self.0.carry(DistSignal::Unlink { from: one, to: other });
            }
            return;
        }
        self.0.with_bonds(other, |bonds| bonds.links.remove(&one));
    }

    pub(crate) fn monitor(&self, watcher: Pid, target: Pid) -> MonitorRef {
        let monitor = MonitorRef(self.next_ref());
        self.0.with_bonds(watcher, |bonds| bonds.watching.insert(monitor, target));
        self.0.tell(watcher, || Seen::MonitorSet { monitor, target });
        if target.node() != 0 {
            self.0.monitor_afar(watcher, target, monitor);
        } else if self.0.with_bonds(target, |bonds| bonds.watchers.insert((monitor, watcher))).is_none() {
            self.0.inform(watcher, Info::Down { pid: target, monitor, reason: Exit::NoProc });
        }
        monitor
    }

    /// True: the monitor was there, and its `Down` had not been handled.
    pub(crate) fn demonitor(&self, watcher: Pid, monitor: MonitorRef) -> bool {
        let target = self.end_monitor(watcher, monitor);
        if let Some(target) = target {
            self.0.tell(watcher, || Seen::MonitorEnded { monitor });
            if target.node() != 0 {
                self.0.carry(DistSignal::Demonitor { from: watcher, to: target, monitor });
            }
        }
        target.is_some()
    }

    /// Gives whom the monitor watched, if it was there; one of another node is not told.
    pub(crate) fn end_monitor(&self, watcher: Pid, monitor: MonitorRef) -> Option<Pid> {
        let target = self.0.with_bonds(watcher, |bonds| bonds.watching.remove(&monitor)).flatten()?;
        if target.node() == 0 {
            self.0.with_bonds(target, |bonds| bonds.watchers.remove(&(monitor, watcher)));
        }
        Some(target)
    }
}
