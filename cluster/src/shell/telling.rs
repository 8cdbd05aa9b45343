//! Tells of groups and names what the watchers have put in order.
//!
//! It is told by one thread at a time, and while nothing is locked: a mailbox that refuses may run code of the user's,
//! which may ask for groups and names.

use super::hub::Hub;
use super::keeper::Watch;
use super::peer::lock;
use super::watchers::{GroupEvent, GroupWatch};
use crate::proto::groups::{self, Group, Groups};
use crate::proto::names::{self, Event, Keep, Names, Resolve};
use ravelin_core::{Pid, Recipient, SendError};
use std::sync::Arc;

/// While it is there this thread tells. Left behind by a panic of the user's code it lets others tell.
struct Telling<'a> {
    hub: &'a Hub,
    stop: Option<fn(&Hub)>,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if let Some(stop) = self.stop {
            stop(self.hub);
        }
    }
}

impl Hub {
    /// Does something with the groups; peers learn of it, and those who watch.
    pub(crate) fn with_groups<R>(&self, f: impl FnOnce(&mut Groups) -> R) -> R {
        let mut groups = self.groups();
        let outcome = f(&mut groups);
        let ready: Vec<u32> = groups.ready().collect();
        lock(&self.group_watchers).note(&mut groups);
        drop(groups);
        self.poke(&ready);
        self.tell_of_groups();
        outcome
    }

    /// Does something with the names; peers learn of it, and those who watch.
    pub(crate) fn with_names<R>(&self, f: impl FnOnce(&mut Names) -> R) -> R {
        let mut names = self.names();
        let outcome = f(&mut names);
        let ready: Vec<u32> = names.ready().collect();
        lock(&self.name_watchers).note(&mut names);
        drop(names);
        self.poke(&ready);
        self.tell_of_names();
        outcome
    }

    pub(crate) fn watch_group(&self, group: &Group, recipient: Recipient<GroupEvent>) -> GroupWatch {
        let watch = {
            let groups = self.groups();
            lock(&self.group_watchers).add(group, recipient, &groups)
        };
        self.tell_of_groups();
        watch
    }

    pub(crate) fn unwatch_group(&self, watch: GroupWatch) -> bool {
        lock(&self.group_watchers).remove(watch.0)
    }

    pub(crate) fn watch_names(&self, recipient: Recipient<Event>) {
        lock(&self.name_watchers).all.push(recipient);
    }

    /// Whoever is told of this name from now on, and nobody else.
    pub(crate) fn watch_name(&self, name: &str, recipient: Option<Recipient<Event>>) {
        let mut watchers = lock(&self.name_watchers);
        watchers.of.remove(name);
        if let Some(recipient) = recipient {
            watchers.of.insert(name.into(), recipient);
        }
    }

    /// Adds an actor of this node to a group, until it ends.
    pub(crate) async fn join(&self, group: &Group, pid: Pid) -> Result<(), groups::NotDone> {
        self.keep_watch(pid).await;
        self.with_groups(|groups| groups.join(group, pid))?;
        if self.lives(pid) { Ok(()) } else { Err(groups::NotDone::NoProc) }
    }

    /// Gives an actor of this node a name, until it ends.
    pub(crate) async fn register(
        &self,
        name: &str,
        pid: Pid,
        resolve: Resolve,
        now_us: u64,
    ) -> Result<(), names::NotDone> {
        self.keep_watch(pid).await;
        self.with_names(|names| names.register(name, pid, resolve, now_us))?;
        if self.lives(pid) { Ok(()) } else { Err(names::NotDone::NoProc) }
    }

    /// Sees that an actor's groups and names end with it, from now on: who is not watched is in no group and has no name,
    /// even if whoever waits here is killed.
    async fn keep_watch(&self, pid: Pid) {
        if let Some(keeper) = self.keeper.get() {
            // In its own time: the deadline of what the caller serves is none for this.
            let _ = keeper.call(Watch(pid)).no_timeout().detached().await;
        }
    }

    /// Whether an actor that has just got into a group, or got a name, lives. One that had ended before is out again: the
    /// keeper may have seen its end before there was anything to take back.
    fn lives(&self, pid: Pid) -> bool {
        let lives = self.system.is_alive(pid);
        if !lives {
            self.ended(pid);
        }
        lives
    }

    /// An actor of this node has ended: its groups and names end with it.
    pub(crate) fn ended(&self, pid: Pid) {
        self.with_groups(|groups| groups.ended(pid));
        let names: Vec<Arc<str>> = self.names().names_of(pid).cloned().collect();
        self.with_names(|names| names.ended(pid));
        for name in names {
            self.watch_name(&name, None);
        }
    }

    fn tell_of_groups(&self) {
        if std::mem::replace(&mut lock(&self.group_watchers).is_telling, true) {
            return;
        }
        let mut telling =
            Telling { hub: self, stop: Some(|hub| lock(&hub.group_watchers).is_telling = false) };
        loop {
            let mut watchers = lock(&self.group_watchers);
            let Some((id, recipient, event)) = watchers.next() else {
                // Under the same lock: whoever puts something in after this tells it.
                watchers.is_telling = false;
                telling.stop = None;
                return;
            };
            drop(watchers);
            match recipient.cast(event) {
                Ok(()) => {}
                Err(why) => {
                    let is_gone = !matches!(why, SendError::Full(_));
                    lock(&self.group_watchers).refused(id, is_gone);
                }
            }
        }
    }

    fn tell_of_names(&self) {
        if std::mem::replace(&mut lock(&self.name_watchers).is_telling, true) {
            return;
        }
        let mut telling =
            Telling { hub: self, stop: Some(|hub| lock(&hub.name_watchers).is_telling = false) };
        loop {
            let mut watchers = lock(&self.name_watchers);
            let Some((event, whom)) = watchers.queue.pop_front() else {
                watchers.is_telling = false;
                telling.stop = None;
                return;
            };
            drop(watchers);
            let told = whom.into_iter().filter(|each| each.cast(event.clone()).is_ok()).count();
            if told == 0
                && let Event::Conflict { name, ours, theirs } = event
            {
                tracing::warn!(target: "ravelin", name = &*name, "ravelin.cluster.conflict_untold");
                let mut names = self.names();
                // It may be over already.
                let _ = names.decide(&name, ours, theirs, Keep::Ours);
                let ready: Vec<u32> = names.ready().collect();
                lock(&self.name_watchers).note(&mut names);
                drop(names);
                self.poke(&ready);
            }
        }
    }
}
