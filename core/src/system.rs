//! A system: one node's worth of actors. A value; a process may have ten of them.
//!
//! It knows the living by pid, name and group, carries exit signals between them, and keeps the ledger of those that
//! are gone. It has no thread of its own, and one idle task, by which it learns of the executor's end.

use crate::bonds::{Bonds, Signal};
use crate::cell::{CellRef, Control, Crew, Host, Life};
use crate::crash::CrashReport;
use crate::distribution::DistSignal;
use crate::error::Hop;
use crate::exit::Exit;
use crate::eye::Watchers;
use crate::groups::Groups;
use crate::hub::{Mourning, Shared, wait_all};
use crate::id::{MonitorRef, Pid};
use crate::info::Info;
use crate::ledger::Ledger;
use crate::letters::{DeadLetter, Subscribers};
use crate::panics;
use crate::patience::Patience;
use crate::runtime::Runtime;
use crate::table::Table;
use crate::timer::within;
use crate::watch::{FaultPoint, Seen};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use ravelin_mailbox::{Cut, Phase};
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long those that were killed have at the least to come to an await.
const END_OF_THE_KILLED: Duration = Duration::from_secs(1);

/// One node's worth of actors: a runtime, the living, their names and groups. Cheap to clone.
///
/// Several live in one process without seeing each other.
#[derive(Clone)]
pub struct System(pub(crate) Arc<Shared>);

/// Why a name was not registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name belongs to this living actor; nothing changed.
    AlreadyRegistered(Pid),
    /// There is no such actor; nothing changed.
    NoProc,
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegisterError::AlreadyRegistered(pid) => write!(f, "the name belongs to {pid}"),
            RegisterError::NoProc => f.write_str("noproc: no such actor"),
        }
    }
}

impl std::error::Error for RegisterError {}

impl System {
    /// A system on this runtime.
    pub fn new(runtime: Arc<dyn Runtime>) -> System {
        panics::install_hook();
        if cfg!(panic = "abort") {
            tracing::error!(target: "ravelin", "built with panic = \"abort\": a panic in an actor ends the process");
        }
        let system = System(Arc::new(Shared {
            hands_over: runtime.hands_over(),
            is_watched: runtime.injects_faults(),
            number: if runtime.injects_faults() { runtime.enroll() } else { 0 },
            runtime,
            table: Table::new(),
            names: DashMap::with_shard_amount(16),
            groups: Groups::new(),
            letters: Subscribers::new(),
            crashes: Subscribers::new(),
            watchers: Watchers::new(),
            crew: Arc::new(Crew::new()),
            patience: Arc::new(Patience::new()),
            refs: AtomicU64::new(0),
            distribution: OnceLock::new(),
        }));
        system.0.crew.watch(&system.host());
        system
    }

    /// The runtime that the system runs on.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.0.runtime
    }

    pub(crate) fn host(&self) -> Arc<dyn Host> {
        self.0.clone()
    }

    pub(crate) fn next_ref(&self) -> u64 {
        self.0.refs.fetch_add(1, Relaxed)
    }

    pub(crate) fn cell(&self, pid: Pid) -> Option<CellRef> {
        self.0.table.get(pid)
    }

    /// All that live, in no order.
    pub(crate) fn cells(&self) -> Vec<(Pid, CellRef)> {
        self.0.table.all()
    }

    pub(crate) fn watchers(&self) -> &Watchers {
        &self.0.watchers
    }

    /// Whether there are so many actors that one that is seldom woken should have no task.
    pub(crate) fn is_crowded(&self) -> bool {
        self.0.hands_over && self.0.table.is_crowded()
    }

    /// The counts of a place are those of the living again.
    pub(crate) fn revive(&self, pid: Pid, past: &Ledger) {
        if past.accepted > 0 {
            self.0.table.revive(pid, *past);
        }
    }

    /// From now on it runs actors as a system with very many does.
    #[cfg(feature = "conformance")]
    pub(crate) fn be_crowded(&self) {
        self.0.table.be_crowded();
    }

    pub(crate) fn enter(&self, cell: &CellRef) -> Pid {
        self.0.table.insert(cell.clone())
    }

    /// Whether the point of this name shall go wrong now, because a simulator wants to see what happens then: refuse,
    /// return early, take the slow path. Always false on an executor, where it costs a call that does nothing.
    ///
    /// ```
    /// # use ravelin_core::{System, runtimes::Local};
    /// # let system = System::new(Local::new());
    /// let is_full = system.buggify("cache.full"); // || cache.len() == max
    /// assert!(!is_full);
    /// ```
    pub fn buggify(&self, point: &'static str) -> bool {
        self.0.runtime.fault(FaultPoint::Named(point)).is_some()
    }

    // ---- the living ----

    /// Whether this incarnation lives. Source: `erlang:is_process_alive/1`.
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.cell(pid).is_some()
    }

    /// How many actors live.
    pub fn len(&self) -> usize {
        self.0.table.len()
    }

    /// Whether no actor lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pids of all living actors, sorted. O(n).
    pub fn pids(&self) -> Vec<Pid> {
        let mut pids: Vec<_> = self.0.table.all().iter().map(|(pid, _)| *pid).collect();
        pids.sort();
        pids
    }

    /// What a living actor is: the place's name and the type's.
    pub fn describe(&self, pid: Pid) -> Option<Description> {
        let cell = self.cell(pid)?;
        let header = cell.header();
        let (phase, parent) = header.mailbox.with(|phase, life| (phase, life.parent()));
        Some(Description {
            pid,
            name: header.name().cloned(),
            actor: header.type_name(),
            parent,
            activity: Activity::of(phase),
            mailbox_len: header.mailbox.len() as usize,
        })
    }

    /// Who waits for whom, as far as it is certain that nobody else can end the wait: each actor that waits for the
    /// answer to a call, or for the start of another one, with those it waits for; sorted by pid. A wait whose question
    /// was handed to code that may pass it on ([`Serve`](crate::Serve), [`Inbox`](crate::Inbox)) is not among them.
    /// O(living actors).
    pub fn waits(&self) -> Vec<(Hop, Vec<Hop>)> {
        let mut waits: Vec<_> =
            self.0.table.all().iter().filter_map(|(_, cell)| cell.header().waits_for()).collect();
        waits.sort_by_key(|(waiter, _)| waiter.pid);
        waits
    }

    /// The fates of all messages of all actors so far, living and gone. O(living actors).
    pub fn ledger(&self) -> Ledger {
        let mut sum = self.0.table.retired();
        for (_, cell) in self.0.table.all() {
            sum += cell.header().ledger();
        }
        sum
    }

    /// Calls `subscriber` with each dead letter from now on, until it answers false. It is called by the thread on
    /// which an actor ends: be short; to handle dead letters in an actor, cast to it from here.
    pub fn on_dead_letter(&self, subscriber: impl Fn(&DeadLetter) -> bool + Send + Sync + 'static) {
        self.0.letters.subscribe(Box::new(subscriber));
    }

    /// Calls `subscriber` with a report of each end that is not normal, from now on, until it answers false; whether or
    /// not the event `ravelin.crash` is logged. It is called by the thread on which the actor ends, before others learn
    /// of the end: be short; to keep reports in an actor, cast to it from here.
    pub fn on_crash(&self, subscriber: impl Fn(&CrashReport) -> bool + Send + Sync + 'static) {
        self.0.crashes.subscribe(Box::new(subscriber));
    }

    // ---- signals ----

    /// Sends an exit signal, as from an actor that is neither parent nor linked. Source: `erlang:exit/2`.
    ///
    /// An actor that traps exits gets it as [`Info::Exit`]; another one ends with the reason, unless it is `Normal` and
    /// from somebody else.
    /// [`Exit::Killed`] is here a reason like any other; to kill use [`System::kill`]. Nothing happens to the dead.
    pub fn exit(&self, from: Pid, to: Pid, reason: Exit) {
        if to.node() != 0 {
            self.0.carry(DistSignal::Exit { from, to, reason });
            return;
        }
        self.0.signal(to, &Signal::Exit { from, reason });
    }

    /// Kills an actor: it ends at its next await, whatever it does and whatever waits; no callback runs.
    /// Source: `exit(Pid, kill)`. False: there is no such actor. For one of another node true says that the signal is on
    /// its way, false that this system has no [`Distribution`](crate::Distribution).
    pub fn kill(&self, pid: Pid) -> bool {
        if pid.node() != 0 {
            return self.0.carry(DistSignal::Kill { from: None, to: pid });
        }
        self.0.signal(pid, &Signal::Kill)
    }

    /// Asks an actor to end in good order, with this reason, and waits until it has: OTP's `gen_server:stop/3`.
    ///
    /// `terminate` runs, whether the actor traps exits or not.
    ///
    /// # Errors
    /// [`Exit::NoProc`] when there is no such actor; the reason of its end when that is another one than asked for. An
    /// actor that waits for its own end would wait for ever: it gets an error that says so, and goes on
    /// (OTP: `calling_self`). For an actor of another node an error that says so: monitor it, and send it an exit signal.
    ///
    /// # Cancel safety
    /// The request stands when the future is dropped.
    pub async fn stop(&self, pid: Pid, reason: Exit) -> Result<(), Exit> {
        if self.cell(pid).is_some_and(|cell| cell.header().runs_here()) {
            return Err(Exit::error("an actor cannot wait for its own end: use Cx::stop"));
        }
        if pid.node() != 0 {
            return Err(Exit::error(format_args!(
                "{pid} is of another node: monitor it, and use System::exit"
            )));
        }
        let end = self.mourn(pid);
        if !self.0.signal(pid, &Signal::Stop { reason: reason.clone() }) {
            return Err(Exit::NoProc);
        }
        match end.wait().await {
            why if why == reason => Ok(()),
            why => Err(why),
        }
    }

    /// Orders an actor to shut down, as its parent would, and waits until it has ended; after `deadline` kills it.
    /// Gives the reason of its end, `NoProc` when it is dead already; `NoConnection`, and nothing happens, for one of
    /// another node.
    ///
    /// One that does not trap exits ends on the spot; one that does runs `terminate`.
    pub async fn shut_down(&self, pid: Pid, reason: Exit, deadline: Option<Duration>) -> Exit {
        self.0.clone().shut_down(pid, reason, deadline).await
    }

    /// Waits for the end of an incarnation and gives its reason; `NoProc` at once when it is dead already. It counts
    /// from this call on: the future may be awaited later, and tells the reason all the same. Called while the actor
    /// lives, it is ready after all links and monitors were told; `NoProc` may come before that. For an actor of another
    /// node `NoConnection` at once: monitor it.
    pub fn ended(&self, pid: Pid) -> impl Future<Output = Exit> + Send + use<> {
        self.mourn(pid).wait()
    }

    fn mourn(&self, pid: Pid) -> Mourning {
        self.0.mourn(pid)
    }

    /// Orders every actor that has no parent to shut down, waits until all actors have ended, and kills those left
    /// after `deadline`. Gives how many had to be killed. One that never comes back to an await cannot be ended:
    /// `deadline` after the kill, and not before a second is over, this returns without it.
    pub async fn shut_down_all(&self, deadline: Duration) -> usize {
        let order_all = async {
            // Again and again: those whose parent has ended and who have not ended with it.
            while !self.is_empty() {
                let mut ends = Vec::new();
                for (pid, cell) in self.0.table.all() {
                    let parent = cell.header().mailbox.with(|_, life| life.parent());
                    if parent.is_none_or(|parent| !self.is_alive(parent)) {
                        ends.push(self.mourn(pid));
                        self.0.signal(pid, &Signal::Order { reason: Exit::Shutdown });
                    }
                }
                wait_all(ends).await;
            }
        };
        let _ = within(&**self.runtime(), deadline, order_all).await;
        let mut killed = 0;
        let kill_all = async {
            loop {
                let left = self.pids();
                if left.is_empty() {
                    return;
                }
                let ends = left.iter().map(|pid| self.mourn(*pid)).collect();
                killed += left.into_iter().filter(|pid| self.kill(*pid)).count();
                wait_all(ends).await;
            }
        };
        let _ = within(&**self.runtime(), deadline.max(END_OF_THE_KILLED), kill_all).await;
        killed
    }

    /// Ends an incarnation before its `init` runs.
    pub(crate) fn refuse(&self, pid: Pid, why: Exit) {
        if let Some(cell) = self.cell(pid) {
            cell.header().signal(Some(pid), |_| Some((Control::Die(why), Cut::Yes)));
        }
    }

    // ---- names ----

    /// Gives a living actor a name, for as long as it lives. An actor may have several. Source: `erlang:register/2`.
    ///
    /// # Errors
    /// The name is taken, or the actor is dead.
    pub fn register(&self, name: impl Into<Arc<str>>, pid: Pid) -> Result<(), RegisterError> {
        let name = name.into();
        match self.0.names.entry(name.clone()) {
            Entry::Occupied(taken) => return Err(RegisterError::AlreadyRegistered(*taken.get())),
            Entry::Vacant(free) => drop(free.insert(pid)),
        }
        if self.0.with_bonds(pid, |bonds| bonds.names.push(name.clone())).is_none() {
            self.0.names.remove_if(&name, |_, owner| *owner == pid);
            return Err(RegisterError::NoProc);
        }
        Ok(())
    }

    /// Frees a name; gives the actor that had it. Source: `erlang:unregister/1`.
    pub fn unregister(&self, name: &str) -> Option<Pid> {
        let (name, pid) = self.0.names.remove(name)?;
        // Once only: it may have been registered again already.
        self.0.with_bonds(pid, |bonds| {
            let at = bonds.names.iter().position(|each| *each == name);
            at.map(|at| bonds.names.swap_remove(at))
        });
        Some(pid)
    }

    /// The actor with this name. Source: `erlang:whereis/1`.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.0.names.get(name).map(|pid| *pid)
    }

    /// All names, sorted. O(n). Source: `erlang:registered/0`.
    pub fn registered(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.0.names.iter().map(|entry| entry.key().clone()).collect();
        names.sort();
        names
    }

    // ---- groups ----

    /// Adds an actor to a group; as often as this is called. False: there is no such actor. Source: `pg:join/2`.
    pub fn join(&self, group: impl Into<Arc<str>>, pid: Pid) -> bool {
        let group = group.into();
        if self.0.with_life(pid, |_| ()).is_none() {
            return false;
        }
        let inform = |watcher: Pid, info: Info| self.0.inform(watcher, info);
        // The group first: who leaves is in it, and who ends meanwhile is taken out here.
        self.0.groups.join(&group, pid, &inform);
        let joined = self.0.with_bonds(pid, |bonds| bonds.groups.push(group.clone())).is_some();
        if !joined {
            self.0.groups.leave(&group, pid, &inform);
        }
        joined
    }

    /// Takes an actor out of a group, once. False: it was not a member. Source: `pg:leave/2`.
    pub fn leave(&self, group: impl Into<Arc<str>>, pid: Pid) -> bool {
        let group = group.into();
        let was_in = self.0.with_bonds(pid, |bonds| {
            let at = bonds.groups.iter().position(|each| *each == group);
            at.map(|at| bonds.groups.swap_remove(at)).is_some()
        });
        was_in == Some(true)
            && self.0.groups.leave(&group, pid, &|watcher, info| self.0.inform(watcher, info))
    }

    /// The members of a group, sorted; one that joined twice is there twice. Source: `pg:get_members/1`.
    pub fn members(&self, group: &str) -> Vec<Pid> {
        self.0.groups.members(group)
    }

    /// The names of all groups that have members, sorted. Source: `pg:which_groups/0`.
    pub fn groups(&self) -> Vec<Arc<str>> {
        self.0.groups.names()
    }

    pub(crate) fn monitor_group(&self, group: &Arc<str>, watcher: Pid) -> (MonitorRef, Vec<Pid>) {
        let monitor = MonitorRef(self.next_ref());
        self.0.with_bonds(watcher, |bonds| bonds.watched_groups.push((group.clone(), monitor)));
        (monitor, self.0.groups.monitor(group, monitor, watcher))
    }

    pub(crate) fn demonitor_group(&self, monitor: MonitorRef, watcher: Pid) -> bool {
        let group = self.0.with_bonds(watcher, |bonds| {
            let at = bonds.watched_groups.iter().position(|(_, each)| *each == monitor)?;
            Some(bonds.watched_groups.swap_remove(at).0)
        });
        let Some(group) = group.flatten() else { return false };
        self.0.groups.demonitor(&group, Some(monitor), watcher);
        true
    }

    /// Whether a notice still counts when `watcher` handles it: not one whose monitor was ended since.
    pub(crate) fn is_current(&self, watcher: Pid, info: &Info) -> bool {
        match info {
            Info::Down { monitor, .. } => {
                let counts = self.end_monitor(watcher, *monitor).is_some();
                if counts {
                    self.0.tell(watcher, || Seen::DownBegun { monitor: *monitor });
                }
                counts
            }
            Info::Group { monitor, .. } => {
                let watches =
                    |bonds: &mut Bonds| bonds.watched_groups.iter().any(|(_, each)| each == monitor);
                self.0.with_bonds(watcher, watches) == Some(true)
            }
            Info::Exit { .. } | Info::Timeout => true,
        }
    }

    /// Tells the runtime, if it wants to know, of a start.
    pub(crate) fn tell_starting(&self, cell: &CellRef, pid: Pid, parent: Option<Pid>, is_adopted: bool) {
        if self.0.watchers.is_wanted() {
            let header = cell.header();
            let wanted = self.0.watchers.wanted_of(header.name().map(|name| &**name), header.type_name());
            if let Some(look) = wanted {
                header.with_eye(look);
            }
        }
        if self.0.is_watched {
            let place = cell.header().place_number();
            cell.header().tell_of(Some(pid), &Seen::Starting { parent, is_adopted, place });
        }
    }

    pub(crate) fn with_life<R>(&self, pid: Pid, f: impl FnOnce(&mut Life) -> R) -> Option<R> {
        self.0.with_life(pid, f)
    }
}

/// What a living actor is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Description {
    /// Which incarnation.
    pub pid: Pid,
    /// The name of its place.
    pub name: Option<Arc<str>>,
    /// The name of its type.
    pub actor: &'static str,
    /// Who started it.
    pub parent: Option<Pid>,
    /// What it is doing.
    pub activity: Activity,
    /// How many messages wait in its mailbox.
    pub mailbox_len: usize,
}

/// What a living actor is doing. Source: `process_info(Pid, status)`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Activity {
    /// Nothing: no message and no signal waits for it.
    Idle,
    /// It is about to run.
    Runnable,
    /// It runs, or is ending.
    Running,
    /// A callback of it waits for something. Messages wait too, meanwhile.
    Waiting,
}

impl Activity {
    fn of(phase: Phase) -> Activity {
        match phase {
            Phase::Idle => Activity::Idle,
            Phase::Queued | Phase::Handed => Activity::Runnable,
            Phase::Running | Phase::Closed => Activity::Running,
            Phase::Suspended => Activity::Waiting,
        }
    }
}

impl PartialEq for System {
    /// The same system: a `Pid` means the same actor in both.
    fn eq(&self, other: &System) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for System {}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System")
            .field("runtime", &self.runtime().name())
            .field("living", &self.len())
            .finish()
    }
}
