//! The context: what an actor's own code can do as that actor.
//!
//! This file has what needs no actor type: who it is, stopping, bonds, names and groups. Timers, spawning, pipes and
//! streams are in files of their own further down.

use crate::bonds::TrapExits;
use crate::cell::Own;
use crate::exit::Exit;
use crate::fate::{Budget, Owed};
use crate::id::{MonitorRef, Pid};
use crate::info::Info;
use crate::patience::CALL_TIMEOUT;
use crate::runtime::Runtime;
use crate::system::{RegisterError, System};
use crate::time::Time;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// What an actor's own code can do as that actor. Lent to its callbacks; nobody else has it.
pub struct Cx<A> {
    pub(crate) own: Own,
    pub(crate) pid: Pid,
    system: System,
    _actor: PhantomData<fn(A)>,
}

impl<A> Cx<A> {
    pub(crate) fn new(own: Own, pid: Pid, system: System) -> Cx<A> {
        Cx { own, pid, system, _actor: PhantomData }
    }

    /// This incarnation. Source: `self/0`.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The system it lives in.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The runtime it runs on: for sleeping, reading the clock, randomness.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        self.system.runtime()
    }

    /// The time on the runtime's clock.
    pub fn now(&self) -> Time {
        self.runtime().now()
    }

    /// Waits. The actor handles no message meanwhile; a kill cuts the wait off.
    pub async fn sleep(&self, wait: Duration) {
        crate::timer::sleep(&**self.system.runtime(), wait).await;
    }

    /// Ends this actor when the present callback returns: `terminate` runs, then it ends with this reason. The first
    /// reason given counts. Source: `{stop, Reason, State}`.
    pub fn stop(&mut self, reason: Exit) {
        self.own.with(|inner| {
            inner.wants_turn = true;
            inner.stop.get_or_insert(reason);
        });
    }

    /// Whether [`Cx::stop`] was called.
    pub fn is_stopping(&mut self) -> bool {
        self.own.with(|inner| inner.stop.is_some())
    }

    /// Sets whether this actor traps exit signals; gives what was set before. Source: `process_flag(trap_exit, _)`.
    ///
    /// Without trapping, a shutdown order ends the actor on the spot and `terminate` does not run. So an actor with
    /// something to put in order at its end traps exits, usually in `init`.
    pub fn trap_exits(&mut self, trap: TrapExits) -> TrapExits {
        self.own.header().mailbox.with(|_, life| std::mem::replace(&mut life.traps, trap))
    }

    // ---- the caller ----

    /// Whether somebody waits for the answer to the message that is being handled: not for a cast, and not after the
    /// caller's time is over, or it has dropped the call. A handler that takes long looks now and then, and stops when
    /// its work is for nobody.
    pub fn is_awaited(&self) -> bool {
        self.own.served(|call| call.look().is_some_and(|call| !call.is_over())).unwrap_or(false)
    }

    /// Ready when nobody waits any more for the answer to the message that is being handled; at once when it is a cast.
    /// To be raced against the work. It borrows nothing, and may be taken to another task.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub fn abandoned(&self) -> impl Future<Output = ()> + Send + use<A> {
        let call = self.own.served(|call| call.call()).flatten();
        poll_fn(move |cx| call.as_ref().map_or(Poll::Ready(()), |call| call.poll_gone(cx)))
    }

    /// Until when the caller of the message that is being handled waits; `None` for a cast, and for one that waits as
    /// long as it takes. Where the caller said nothing it may be up to 1/20 s later than the caller's own time.
    ///
    /// The calls that the handler makes end by then by themselves.
    pub fn deadline(&self) -> Option<Time> {
        match self.own.served(|call| call.look().map(|call| call.budget()))?? {
            Budget::Open => None,
            Budget::Until(time) | Budget::Coarse(time) => Some(time),
            Budget::Usual => Some(self.now() + CALL_TIMEOUT),
            Budget::Seat(seat) => {
                let host = self.own.header().host()?;
                Some(host.patience().until(seat).unwrap_or_else(|| self.now() + CALL_TIMEOUT))
            }
        }
    }

    // ---- bonds ----

    /// Links this actor with another one: when one ends, the other gets an exit signal with the reason. Once per
    /// pair; a link to the dead is the exit signal `noproc`, to one of a node that is lost `noconnection`; a link to oneself
    /// is nothing. Source: `link/1`.
    pub fn link(&mut self, other: Pid) {
        self.system.link(self.pid, other);
    }

    /// Takes the link away, whoever made it; no exit signal of the other's end comes after this. Source: `unlink/1`.
    pub fn unlink(&mut self, other: Pid) {
        self.system.unlink(self.pid, other);
    }

    /// Watches an actor: this one gets [`Info::Down`](crate::Info::Down) when it ends, or at once when it is dead.
    /// Each call has a `Down` of its own. It says `noconnection` when the node of the other one is lost.
    /// Source: `monitor(process, Pid)`.
    pub fn monitor(&mut self, target: Pid) -> MonitorRef {
        self.system.monitor(self.pid, target)
    }

    /// Ends a monitor; its `Down` is not handled after this, even if it waits in the mailbox already. False: it had
    /// been handled, or is none of this actor's. Source: `demonitor(Ref, [flush, info])`.
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        self.system.demonitor(self.pid, monitor)
    }

    /// Sends an exit signal to another actor. Source: `exit/2`.
    pub fn exit(&self, other: Pid, reason: Exit) {
        self.system.exit(self.pid, other, reason);
    }

    // ---- names and groups ----

    /// Gives this actor a name for as long as it lives.
    ///
    /// # Errors
    /// Another living actor has the name.
    pub fn register(&self, name: impl Into<Arc<str>>) -> Result<(), RegisterError> {
        self.system.register(name, self.pid)
    }

    /// Adds this actor to a group.
    pub fn join(&self, group: impl Into<Arc<str>>) {
        self.system.join(group, self.pid);
    }

    /// Takes this actor out of a group, once. False: it was not a member.
    pub fn leave(&self, group: impl Into<Arc<str>>) -> bool {
        self.system.leave(group, self.pid)
    }

    /// Watches a group: gives its members now, and an [`Info::Group`](crate::Info::Group) for each change after.
    /// Source: `pg:monitor/1`.
    pub fn monitor_group(&mut self, group: impl Into<Arc<str>>) -> (MonitorRef, Vec<Pid>) {
        self.system.monitor_group(&group.into(), self.pid)
    }

    /// Ends the watch on a group. False: there was none.
    pub fn demonitor_group(&mut self, monitor: MonitorRef) -> bool {
        self.system.demonitor_group(monitor, self.pid)
    }
}

impl<A> Cx<A> {
    /// A call is left to be answered later: should this actor end first, the call ends with its reason.
    pub(crate) fn owe(&mut self, call: Owed) {
        self.own.with(|inner| {
            let rare = inner.rare.get_or_insert_default();
            rare.pending.push(call);
            // Those that were answered since are dropped whenever the list has doubled: a constant cost per call.
            if rare.pending.len() >= rare.pending_checked.max(16) {
                rare.pending.retain(|call| !call.is_over());
                rare.pending_checked = rare.pending.len() * 2;
            }
        });
    }

    /// Whether a notice still counts when it is handled: not one whose monitor was ended since, and no receive time-out
    /// when another message was handled since it was set.
    pub(crate) fn is_current(&mut self, info: &Info) -> bool {
        if *info != Info::Timeout {
            return self.system.is_current(self.pid, info);
        }
        let begun = self.own.header().counts.begun_so_far();
        let idle = self.own.with(|inner| inner.rare.as_mut()?.idle.take_if(|(_, since)| *since + 1 == begun));
        idle.is_some()
    }
}

impl<A> fmt::Debug for Cx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cx({})", self.pid)
    }
}
