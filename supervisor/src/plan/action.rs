//! What a plan says: the actions it asks for, the answers it gives and the events it reports. `[pure]`

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ravelin_core::{Exit, Pid};

use crate::check::SpecError;
use crate::policy::ChildKind;

/// Names one child of one plan, from the day its spec is added until it is removed, over all its incarnations.
///
/// Keys ascend in start order and are never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChildKey(u64);

impl ChildKey {
    /// Not after any child.
    pub(super) const FIRST: ChildKey = ChildKey(0);
    /// After every child.
    pub(super) const END: ChildKey = ChildKey(u64::MAX);

    /// The next key in start order.
    pub(super) fn next(self) -> ChildKey {
        ChildKey(self.0.saturating_add(1))
    }

    /// A number that is the child's alone, and ascends in start order.
    pub(crate) fn rank(self) -> u64 {
        self.0
    }
}

/// Entitles a child that is `restarting` to its next attempt: see [`Plan::handle_retry`](super::Plan::handle_retry).
///
/// One that was given for a delay is good for that wait only. One without a delay is good whenever the child waits
/// without a delay, as OTP's `try_again_restart` is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ticket {
    pub(super) key: ChildKey,
    /// Of the delayed wait; 0 without a delay.
    pub(super) serial: u64,
}

/// What the shell does next. To be done in order, each before the next is polled.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the plan counts on it that this is done"]
pub enum Action {
    /// Answer the request that is being served. Comes once for each request that was not refused at once.
    Reply(Result<Reply, ChildError>),
    /// Tell the log.
    Report(Event),
    /// Put the ticket at the end of the supervisor's own mailbox, behind every request that waits there; when it
    /// gets to the front, [`handle_retry`](super::Plan::handle_retry). OTP's `try_again_restart`.
    Retry {
        /// The child that is `restarting`.
        key: ChildKey,
        /// To hand back.
        ticket: Ticket,
    },
    /// The same, after a delay.
    RetryAfter {
        /// The child that is `restarting`.
        key: ChildKey,
        /// To hand back.
        ticket: Ticket,
        /// Not zero.
        delay: Duration,
    },
    /// End, with this reason. Nothing of the supervisor's runs any more and no action follows.
    Shutdown(Exit),
    /// Start the child and wait for its init. Answered by one of `handle_started`, `handle_ignored` and
    /// `handle_start_failed`.
    Start {
        /// The child.
        key: ChildKey,
    },
    /// Stop the incarnation as its policy's `shutdown` says and wait until it is gone; it may be gone already.
    /// Answered by `handle_stopped`.
    Stop {
        /// The child.
        key: ChildKey,
        /// Its present incarnation.
        pid: Pid,
    },
    /// Stop all of these at the same time, each as its own policy's `shutdown` says, and wait until they are gone.
    /// Answered by one `handle_stopped` each, in any order. Dynamic supervisors only.
    StopAll {
        /// All that run, newest first.
        children: Vec<(ChildKey, Pid)>,
    },
}

/// The good outcomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reply {
    /// init said ignore: OTP's `{ok, undefined}`.
    Ignored,
    /// The child is up.
    Started(Pid),
    /// The child is down.
    Terminated,
}

/// Why a request about a child was not granted. The supervisor and its children are unaffected, save that a failed
/// start ran. OTP's error terms.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChildError {
    /// The id belongs to a spec whose child does not run.
    AlreadyPresent,
    /// The id belongs to a child that runs.
    AlreadyStarted(Pid),
    /// The spec is faulty.
    InvalidSpec(SpecError),
    /// The dynamic supervisor has this many children, which is its limit.
    MaxChildren(usize),
    /// There is no such child.
    NotFound,
    /// The child is waiting for its restart.
    Restarting,
    /// The child runs.
    Running,
    /// A dynamic supervisor knows its children by pid and does not keep what has ended.
    SimpleOneForOne,
    /// The child's init failed.
    StartFailed(Exit),
}

/// What a child is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Waiting for its restart.
    Restarting,
    /// Running, as far as the supervisor has heard.
    Running(Pid),
    /// It has a spec and no process.
    Stopped,
}

/// A row of `which_children`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChildInfo {
    /// The child.
    pub key: ChildKey,
    /// Its id; under a dynamic supervisor the name it was started under, not necessarily its alone.
    pub id: Arc<str>,
    /// What it is doing.
    pub status: Status,
    /// What it is.
    pub kind: ChildKind,
}

/// The answer to `count_children`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Specs, with a process or without. A dynamic supervisor has 1.
    pub specs: usize,
    /// Children that run, as far as the supervisor has heard.
    pub active: usize,
    /// Children that are supervisors, running or not.
    pub supervisors: usize,
    /// Children that are workers, running or not.
    pub workers: usize,
}

/// What follows from the end of a child.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Verdict {
    /// It should be restarted, but its tries are used up: as `Keep`.
    GiveUp,
    /// A final end; the spec stays (a dynamic supervisor keeps none).
    Keep,
    /// A final end; the spec goes.
    Remove,
    /// A restart, if the intensity bears it.
    Restart,
}

/// What happened, for the log. OTP's supervisor reports.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A significant child's final end ends the supervisor.
    AutoShutdown {
        /// The child.
        id: Arc<str>,
    },
    /// A child ended that was not told to. OTP: `child_terminated`, which it reports for permanent children and for
    /// abnormal ends.
    ChildTerminated {
        /// The child.
        id: Arc<str>,
        /// The incarnation.
        pid: Pid,
        /// Why it ended.
        reason: Exit,
        /// What follows.
        verdict: Verdict,
    },
    /// A child that should be restarted stays down, for its tries are used up.
    GaveUp {
        /// The child.
        id: Arc<str>,
        /// The restarts it had.
        tries: u32,
    },
    /// One restart too many: the supervisor ends. OTP: `reached_max_restart_intensity`.
    IntensityReached {
        /// The child whose restart it was.
        id: Arc<str>,
    },
    /// A child that was told to stop ended otherwise than it should. OTP: `shutdown_error`.
    ShutdownError {
        /// The child.
        id: Arc<str>,
        /// The incarnation.
        pid: Pid,
        /// Why it ended.
        reason: Exit,
    },
    /// A start that nobody asked for failed: at the supervisor's own start or in a restart. OTP: `start_error`.
    StartFailed {
        /// The child.
        id: Arc<str>,
        /// Why.
        reason: Exit,
    },
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildError::AlreadyPresent => f.write_str("already_present"),
            ChildError::AlreadyStarted(pid) => write!(f, "already_started {pid}"),
            ChildError::InvalidSpec(error) => write!(f, "invalid_spec: {error}"),
            ChildError::MaxChildren(limit) => write!(f, "max_children: {limit}"),
            ChildError::NotFound => f.write_str("not_found"),
            ChildError::Restarting => f.write_str("restarting"),
            ChildError::Running => f.write_str("running"),
            ChildError::SimpleOneForOne => f.write_str("simple_one_for_one"),
            ChildError::StartFailed(reason) => write!(f, "start_failed: {reason}"),
        }
    }
}

impl Error for ChildError {}

impl From<SpecError> for ChildError {
    fn from(error: SpecError) -> ChildError {
        ChildError::InvalidSpec(error)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::AutoShutdown { id } => write!(f, "auto_shutdown after {id}"),
            Event::ChildTerminated { id, pid, reason, verdict: _ } => {
                write!(f, "child_terminated {id} {pid}: {reason}")
            }
            Event::GaveUp { id, tries } => write!(f, "gave_up {id} after {tries} restarts"),
            Event::IntensityReached { id } => write!(f, "reached_max_restart_intensity with {id}"),
            Event::ShutdownError { id, pid, reason } => write!(f, "shutdown_error {id} {pid}: {reason}"),
            Event::StartFailed { id, reason } => write!(f, "start_error {id}: {reason}"),
        }
    }
}
