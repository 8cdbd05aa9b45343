//! What an actor is, does and has, seen from outside.

use crate::cell::CellRef;
use crate::eye::Statistics;
use crate::id::Pid;
use crate::ledger::Ledger;
use crate::time::Time;
use ravelin_mailbox::Phase;
use std::fmt;
use std::sync::Arc;

/// What an actor is, does and has. Source: `sys:get_status/1`, `process_info/1`.
///
/// It is put together without a stop of the actor, so what it says about a busy one is as of some moment each; what it
/// says about one that is idle is as of one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// Which incarnation.
    pub pid: Pid,
    /// The name of its place, if it has one.
    pub place: Option<Arc<str>>,
    /// The names that it is registered under.
    pub names: Vec<Arc<str>>,
    /// The name of its type.
    pub actor: &'static str,
    /// Who started it as a child.
    pub parent: Option<Pid>,
    /// Those among its children that it must outlive.
    pub children: Vec<Pid>,
    /// What it is doing.
    pub doing: Doing,
    /// The message that it handles. A task receives its messages itself, and handles none.
    pub handling: Option<Handling>,
    /// How many messages wait in its mailbox.
    pub mailbox_len: usize,
    /// The most that may wait, if there is a limit.
    pub mailbox_max: Option<usize>,
    /// The fates of all messages of its place.
    pub ledger: Ledger,
    /// How many actors it is linked with.
    pub links: usize,
    /// How many monitors it has on others.
    pub monitors: usize,
    /// How many monitors others have on it.
    pub monitored_by: usize,
    /// How many incarnations of the place were over before; more than 65 535 count from 1 again.
    pub restarts: u64,
    /// The bytes of its cell: its state and its place, without what they point to and what waits in the mailbox.
    pub cell_bytes: usize,
    /// What is counted, where statistics are on.
    pub statistics: Option<Statistics>,
}

/// The actor in one line: `clerk <0.4.1> Waiting, handles app::Sign, 2 wait, restarts 0`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status { pid, doing, mailbox_len, restarts, .. } = self;
        let place = self.place.as_deref().unwrap_or(self.actor);
        let handling = self.handling.map_or("nothing", |handling| handling.message);
        write!(f, "{place} {pid} {doing:?}, handles {handling}, {mailbox_len} wait, restarts {restarts}")
    }
}

/// What an actor is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Doing {
    /// Nothing: no message and no signal waits for it.
    Idle,
    /// It is about to run.
    Queued,
    /// Its code runs on a thread.
    Running,
    /// `init` is not done.
    Starting,
    /// It is suspended, and in no handler.
    Suspended,
    /// It is ending: `terminate` has begun.
    Terminating,
    /// A handler of it waits for something.
    Waiting,
}

/// The message that an actor handles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Handling {
    /// The name of its type.
    pub message: &'static str,
    /// Since when; known where there is a recorder, a trace or statistics.
    pub since: Option<Time>,
}

impl Status {
    /// Of the incarnation `of` in the cell, or of whichever is there.
    pub(crate) fn of(cell: &CellRef, of: Option<Pid>) -> Option<Status> {
        let header = cell.header();
        let (look, eye) = (header.look(), header.eye());
        let handling = look
            .message
            .map(|message| Handling { message, since: eye.as_ref().and_then(|eye| eye.begun_at()) });
        let mailbox_max = header.mailbox.limit();
        header.mailbox.with_counts(|counts, life| {
            let phase = counts.phase;
            let pid = life.pid.filter(|pid| of.is_none() || of == Some(*pid))?;
            let company = life.known();
            let bonds = company.and_then(|company| company.bonds.as_deref());
            let children = company.and_then(|company| company.children.as_deref());
            let handling = handling.filter(|_| phase != Phase::Idle && !life.is_closing());
            let is_held = life.is_held() && handling.is_none();
            let doing = match phase {
                _ if !life.is_up => Doing::Starting,
                _ if life.is_closing() => Doing::Terminating,
                _ if is_held => Doing::Suspended,
                Phase::Idle => Doing::Idle,
                Phase::Queued | Phase::Handed => Doing::Queued,
                Phase::Running | Phase::Closed => Doing::Running,
                Phase::Suspended => Doing::Waiting,
            };
            Some(Status {
                pid,
                place: header.name().cloned(),
                names: bonds.map(|bonds| bonds.names.clone()).unwrap_or_default(),
                actor: header.type_name(),
                parent: life.parent(),
                children: children.map(|children| children.pids()).unwrap_or_default(),
                doing,
                handling,
                mailbox_len: counts.waiting as usize,
                mailbox_max: mailbox_max.map(|max| max as usize),
                ledger: header.ledger_with(&counts),
                links: bonds.map_or(0, |bonds| bonds.links.len()),
                monitors: bonds.map_or(0, |bonds| bonds.watching.len()),
                monitored_by: bonds.map_or(0, |bonds| bonds.watchers.len()),
                restarts: u64::from(life.restarts()),
                cell_bytes: header.size(),
                statistics: eye.and_then(|eye| eye.statistics()),
            })
        })
    }
}
