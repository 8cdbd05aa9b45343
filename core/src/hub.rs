//! What the actors of one system share, and the signals between them: who is told what, by whom, in which order.

use crate::bonds::{Bonds, Signal, Verdict, verdict};
use crate::cell::{Act, CellRef, Children, Control, Crew, End, Grace, Header, Host, Life, Posted, Wreck};
use crate::crash::{Ancestor, CrashReport};
use crate::distribution::{DistSignal, Distribution};
use crate::exit::Exit;
use crate::eye::Watchers;
use crate::groups::Groups;
use crate::id::{MonitorRef, Pid};
use crate::info::{Info, Notice, Order};
use crate::letters::{DeadLetter, Subscribers};
use crate::patience::Patience;
use crate::reply::reply;
use crate::runtime::Runtime;
use crate::table::Table;
use crate::timer::within;
use crate::watch::{Seen, Site};
use dashmap::DashMap;
use futures::future::BoxFuture;
use ravelin_mailbox::Cut;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a worker with no deadline of its own gets when its supervisor was killed.
const GRACE_OF_ORPHANS: Duration = Duration::from_secs(5);

/// How far up the line of supervisors a crash report goes.
const ANCESTORS_MAX: usize = 32;

/// What a `System` is a handle of.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) hands_over: bool,
    /// Whether the runtime injects faults, and watches.
    pub(crate) is_watched: bool,
    /// What the runtime then knows it by.
    pub(crate) number: u32,
    pub(crate) table: Table,
    pub(crate) names: DashMap<Arc<str>, Pid>,
    pub(crate) groups: Groups,
    pub(crate) letters: Subscribers<DeadLetter>,
    pub(crate) crashes: Subscribers<CrashReport>,
    pub(crate) watchers: Watchers,
    pub(crate) crew: Arc<Crew>,
    pub(crate) patience: Arc<Patience>,
    pub(crate) refs: AtomicU64,
    /// Who carries signals to other nodes.
    pub(crate) distribution: OnceLock<Arc<dyn Distribution>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.crew.dismiss();
    }
}

impl Shared {
    pub(crate) fn with_life<R>(&self, pid: Pid, f: impl FnOnce(&mut Life) -> R) -> Option<R> {
        let cell = self.table.get(pid)?;
        cell.header().mailbox.with(|_, life| (life.pid == Some(pid)).then(|| f(life)))
    }

    pub(crate) fn with_bonds<R>(&self, pid: Pid, f: impl FnOnce(&mut Bonds) -> R) -> Option<R> {
        self.with_life(pid, |life| f(life.bonds()))
    }

    /// As `with_bonds`, of one that has any.
    pub(crate) fn with_known_bonds<R>(&self, pid: Pid, f: impl FnOnce(&mut Bonds) -> R) -> Option<R> {
        self.with_life(pid, |life| life.known_mut()?.bonds.as_deref_mut().map(f)).flatten()
    }

    /// Tells the runtime, if it wants to know, of what happens to this actor, dead or alive.
    pub(crate) fn tell<'a>(&self, pid: Pid, seen: impl FnOnce() -> Seen<'a>) {
        if self.is_watched {
            match self.table.get(pid) {
                Some(cell) => cell.header().tell_of(Some(pid), &seen()),
                None => {
                    let site = Site { system: self.number, ..Site::new(None, "", Some(pid)) };
                    self.runtime.observe(&site, &seen());
                }
            }
        }
    }

    pub(crate) fn inform(&self, pid: Pid, info: Info) {
        if let Some(cell) = self.table.get(pid) {
            cell.header().inform(info);
        }
    }

    /// Hands a signal to the distribution. False: there is none.
    #[cold]
    pub(crate) fn carry(&self, signal: DistSignal) -> bool {
        match self.distribution.get() {
            Some(distribution) => {
                distribution.carry(signal);
                true
            }
            None => false,
        }
    }

    /// The link from `from` to one of another node was made.
    #[cold]
    pub(crate) fn link_afar(&self, from: Pid, to: Pid) {
        if !self.carry(DistSignal::Link { from, to }) {
            self.link_broken(from, to, Exit::NoConnection);
        }
    }

    /// The monitor of one of another node was made.
    #[cold]
    pub(crate) fn monitor_afar(&self, from: Pid, to: Pid, monitor: MonitorRef) {
        if !self.carry(DistSignal::Monitor { from, to, monitor }) {
            self.inform(from, Info::Down { pid: to, monitor, reason: Exit::NoConnection });
        }
    }

    /// False: there is no such actor.
    pub(crate) fn signal(&self, to: Pid, signal: &Signal) -> bool {
        let Some(cell) = self.table.get(to) else { return false };
        cell.header().act(Some(to), |life| act(to, life, signal))
    }

    /// The link from `from`, which has ended, to `to`: an exit signal, if the link is still there.
    /// Whether it was.
    pub(crate) fn link_broken(&self, to: Pid, from: Pid, reason: Exit) -> bool {
        let Some(cell) = self.table.get(to) else { return false };
        let mut is_broken = false;
        let signal = Signal::Exit { from, reason };
        // In one: an unlink comes before the signal, and there is none, or after it.
        cell.header().act(Some(to), |life| {
            let was_linked = life
                .known_mut()
                .and_then(|known| known.bonds.as_mut())
                .is_some_and(|bonds| bonds.links.remove(&from));
            is_broken = was_linked;
            if was_linked { act(to, life, &signal) } else { None }
        });
        is_broken
    }

    pub(crate) fn mourn(&self, pid: Pid) -> Mourning {
        let (mourner, end) = reply();
        let cell = self.table.get(pid);
        let there = cell.as_ref().and_then(|cell| {
            cell.header().mailbox.with(|_, life| {
                // While it is in the table its end is not over, and no other one begins in its cell.
                (life.pid == Some(pid) || life.is_ending()).then(|| {
                    let mourners = &mut life.company().mourners;
                    mourners.retain(|each| each.is_awaited());
                    mourners.push(mourner);
                })
            })
        });
        let missing = if pid.node() == 0 { Exit::NoProc } else { Exit::NoConnection };
        there.and(cell).map(|cell| Posted::new(cell, end)).map_or(Mourning::Over(missing), Mourning::For)
    }

    /// The names and groups of one that has ended.
    pub(crate) fn leave_all(&self, bonds: &Bonds, pid: Pid) {
        for name in &bonds.names {
            self.names.remove_if(name, |_, owner| *owner == pid);
        }
        let inform = |watcher: Pid, info: Info| self.inform(watcher, info);
        for group in &bonds.groups {
            self.groups.leave(group, pid, &inform);
        }
        for (group, _) in &bonds.watched_groups {
            self.groups.demonitor(group, None, pid);
        }
    }

    /// All that is known of an end that was not normal.
    fn report(&self, cell: &Header, end: &End, wreck: Wreck) -> CrashReport {
        let mut ancestors = Vec::new();
        let mut next = end.parent;
        while let Some(pid) = next.filter(|_| ancestors.len() < ANCESTORS_MAX) {
            let parent = self.table.get(pid);
            let header = parent.as_ref().map(|parent| parent.header());
            let place = header.and_then(|header| header.name().cloned());
            ancestors.push(Ancestor { pid, place, actor: header.map(|header| header.type_name()) });
            next = self.with_life(pid, |life| life.parent()).flatten();
        }
        CrashReport::new(end, wreck, (cell.name(), cell.type_name()), ancestors, self.runtime.now())
    }

    /// How many names and memberships of groups one that has ended still has.
    fn held(&self, bonds: &Bonds, pid: Pid) -> usize {
        let owns = |name: &&Arc<str>| self.names.get(&***name).is_some_and(|owner| *owner == pid);
        let is_in = |group: &&Arc<str>| self.groups.members(group).contains(&pid);
        bonds.names.iter().filter(owns).count() + bonds.groups.iter().filter(is_in).count()
    }

    /// The monitors and links of one that has ended. The parent that waits for the outcome of its start gets no exit
    /// signal beside it.
    pub(crate) fn break_all(&self, bonds: Bonds, pid: Pid, waiting_parent: Option<Pid>, exit: &Exit) {
        for (monitor, target) in bonds.watching {
            if target.node() == 0 {
                self.with_bonds(target, |bonds| bonds.watchers.remove(&(monitor, pid)));
            } else {
                self.carry(DistSignal::Demonitor { from: pid, to: target, monitor });
            }
        }
        for linked in bonds.links {
            if linked.node() != 0 {
                self.carry(DistSignal::LinkExit { from: pid, to: linked, reason: exit.clone() });
            } else if waiting_parent == Some(linked) {
                self.with_bonds(linked, |bonds| bonds.links.remove(&pid));
            } else {
                self.link_broken(linked, pid, exit.clone());
            }
        }
        for (monitor, watcher) in bonds.watchers {
            if cfg!(ravelin_mutant = "down_lost") && monitor.0.is_multiple_of(3) {
                continue;
            }
            if watcher.node() == 0 {
                self.inform(watcher, Info::Down { pid, monitor, reason: exit.clone() });
            } else {
                self.carry(DistSignal::Down { from: pid, to: watcher, monitor, reason: exit.clone() });
            }
        }
    }

    pub(crate) async fn shut_down(
        self: Arc<Self>,
        pid: Pid,
        reason: Exit,
        deadline: Option<Duration>,
    ) -> Exit {
        let end = self.mourn(pid);
        self.signal(pid, &Signal::Order { reason });
        let Some(deadline) = deadline else { return end.wait().await };
        let mut end = std::pin::pin!(end.wait());
        match within(&*self.runtime, deadline, end.as_mut()).await {
            Some(why) => why,
            None => {
                self.signal(pid, &Signal::Kill);
                end.await
            }
        }
    }
}

/// What a signal means to its receiver: something for its control lane, or a notice among its messages.
fn act(to: Pid, life: &Life, signal: &Signal) -> Option<Act> {
    Some(match (verdict(to, life.traps, life.parent(), signal), signal) {
        (Verdict::Message, Signal::Exit { from, reason }) => {
            Act::Notice(Notice::Info(Info::Exit { from: *from, reason: reason.clone() }))
        }
        (Verdict::Ignore | Verdict::Message, _) => return None,
        // One that is suspended handles no message, so the order can not wait for its turn.
        (Verdict::StopInTurn(why), _) if life.is_held() => Act::Control(Control::Stop(why), Cut::Yes),
        (Verdict::StopInTurn(why), _) => Act::Notice(Notice::Order(Order { to, why })),
        (Verdict::Stop(why), _) => Act::Control(Control::Stop(why), life.cut_if_held()),
        (Verdict::Die(why), _) => Act::Control(Control::Die(why), Cut::Yes),
        (Verdict::Kill, _) => Act::Control(Control::Kill, Cut::Yes),
    })
}

/// Somebody waits for an end.
pub(crate) enum Mourning {
    For(Posted<CellRef, Exit>),
    /// There is nothing to wait for.
    Over(Exit),
}

impl Mourning {
    pub(crate) async fn wait(mut self) -> Exit {
        match &mut self {
            Mourning::Over(why) => why.clone(),
            Mourning::For(end) => {
                let why = poll_fn(|cx| {
                    let polled = end.poll(cx);
                    if polled.is_pending() {
                        end.post_or_nudge();
                    }
                    polled
                });
                why.await.unwrap_or(Exit::Lost)
            }
        }
    }
}

pub(crate) async fn wait_all(ends: Vec<Mourning>) {
    for end in ends {
        end.wait().await;
    }
}

impl Host for Shared {
    fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }

    fn hands_over(&self) -> bool {
        self.hands_over
    }

    fn is_watched(&self) -> bool {
        self.is_watched
    }

    fn system_number(&self) -> u32 {
        self.number
    }

    fn number(&self) -> u64 {
        self.refs.fetch_add(1, Relaxed)
    }

    fn at_seat(&self, seat: u32) -> Option<CellRef> {
        self.table.at(seat.checked_sub(1)?)
    }

    fn lead_afar(&self, numbers: &[u32]) {
        if let Some(distribution) = self.distribution.get() {
            distribution.lead_to(numbers);
        }
    }

    fn crew(&self) -> &Arc<Crew> {
        &self.crew
    }

    fn lose_all(&self) {
        if self.table.len() == 0 {
            return;
        }
        for (_, cell) in self.table.all() {
            cell.lose();
        }
    }

    fn patience(&self) -> &Arc<Patience> {
        &self.patience
    }

    fn reap(self: Arc<Self>, children: Children, why: &Exit) -> BoxFuture<'static, ()> {
        let why = why.clone();
        Box::pin(async move {
            let left_out = usize::from(cfg!(ravelin_mutant = "orphan_left"));
            for (pid, grace) in children.newest_first().skip(left_out) {
                let deadline = match grace {
                    Grace::Kill => Some(Duration::ZERO),
                    Grace::For(deadline) => Some(deadline),
                    Grace::Unbounded => Some(GRACE_OF_ORPHANS),
                    Grace::Supervisor => None,
                };
                self.clone().shut_down(pid, why.clone(), deadline).await;
            }
        })
    }

    fn ended(&self, cell: &Header, mut end: End) {
        let report = end.wreck.take().map(|wreck| self.report(cell, &end, *wreck));
        let End { pid, parent, exit, was_up, bonds, helpers, starter, mourners, wreck: _ } = end;
        if let (Some(bonds), false) = (&bonds, cfg!(ravelin_mutant = "name_late")) {
            self.leave_all(bonds, pid);
        }
        self.table.remove(pid, cell.ledger());
        let (late_starter, late_mourners) = cell.is_gone();
        if self.is_watched {
            let held = bonds.as_ref().map_or(0, |bonds| self.held(bonds, pid));
            cell.tell_of(Some(pid), &Seen::Ended { exit: &exit, held, kept: cell.mailbox.len() });
        }
        match report {
            Some(report) => {
                report.tell();
                self.crashes.tell(&report);
            }
            None => tell_exited(cell, pid, &exit),
        }
        if let Some(parent) = parent {
            self.with_life(parent, |life| {
                life.known_mut()?.children.as_mut().map(|children| children.remove(pid))
            });
        }
        for helper in helpers {
            self.signal(helper, &Signal::Kill);
        }
        if let (Some(bonds), true) = (&bonds, cfg!(ravelin_mutant = "name_late")) {
            self.leave_all(bonds, pid);
        }
        if let Some(bonds) = bonds {
            self.break_all(*bonds, pid, parent.filter(|_| !was_up), &exit);
        }
        for mourner in mourners.into_iter().chain(late_mourners) {
            mourner.send(exit.clone());
        }
        for starter in starter.into_iter().chain(late_starter) {
            starter.send(Err(exit.clone()));
        }
    }

    #[cfg(ravelin_mutant = "restart_early")]
    fn ended_early(self: Arc<Self>, cell: &Header, mut end: End) {
        let parent = end.parent.filter(|_| end.was_up);
        let (Some(parent), Some(hold)) = (parent, self.table.get(end.pid)) else {
            return self.ended(cell, end);
        };
        let _ = cell.is_gone();
        end.bonds.iter_mut().for_each(|bonds| drop(bonds.links.remove(&parent)));
        self.link_broken(parent, end.pid, end.exit.clone());
        let late = self.clone();
        self.runtime.spawn("ravelin-mutant", Box::pin(async move { late.ended(hold.header(), end) }));
    }

    fn wants_wreck(&self, why: &Exit) -> bool {
        let is_logged = || tracing::event_enabled!(target: "ravelin", tracing::Level::WARN);
        !is_normal(why) && (self.crashes.is_wanted() || is_logged())
    }

    fn buried(&self, pid: Pid, buried: u64) {
        self.table.buried(pid, buried);
    }

    fn dead_letter(&self, cell: &Header, to: Option<Pid>, message: &'static str, why: &Exit) {
        tracing::debug!(target: "ravelin", place = cell.name().map(|name| &**name), message_type = message, reason = %why, "ravelin.dead_letter");
        if self.letters.is_wanted() {
            let place = cell.name().cloned();
            self.letters.tell(&DeadLetter { to, place, message, reason: why.clone() });
        }
    }

    fn overloaded(&self, cell: &Header, message: &'static str) {
        tracing::debug!(target: "ravelin", place = cell.name().map(|name| &**name), message_type = message, "ravelin.overloaded");
    }
}

/// Whether an end is no reason to look closer.
fn is_normal(exit: &Exit) -> bool {
    exit.is_normal() || *exit == Exit::Ignore
}

/// A normal end: the others have a crash report, where somebody listens.
fn tell_exited(cell: &Header, pid: Pid, exit: &Exit) {
    if is_normal(exit) {
        let place = cell.name().map(|name| &**name);
        tracing::debug!(target: "ravelin", %pid, place, actor = cell.type_name(), reason = %exit, "ravelin.exited");
    }
}
