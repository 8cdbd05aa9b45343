//! What is told of a shutdown, for people and for `main`. `[pure]`

use super::phases::{PhaseReport, TaskOutcome};
use super::signal::Signal;
use crate::app::StopReport;
use ravelin_core::{Activity, Exit, Pid};
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Why a node shuts down. The first reason counts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ShutdownReason {
    /// An application ended whose kind takes the node down.
    ApplicationEnded {
        /// The application.
        application: Arc<str>,
        /// The reason of its end.
        exit: Exit,
    },
    /// The executor dropped what runs the shutdown: nobody knows what became of it.
    Lost,
    /// The program asked for it.
    Requested,
    /// The supervisor of all applications ended: it was killed, for nothing else ends it.
    RootEnded(Exit),
    /// A signal asked for it.
    Signal(Signal),
}

impl ShutdownReason {
    /// Whether somebody wanted it.
    pub fn is_asked_for(&self) -> bool {
        matches!(self, ShutdownReason::Requested | ShutdownReason::Signal(_))
    }
}

/// An actor that had not ended when its time was up, and what it did then.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Straggler {
    /// The phase whose time was up.
    pub phase: Arc<str>,
    /// The names of those above it and its own, as `applications/store/journal`; a pid for one without a name.
    pub path: String,
    /// Which incarnation.
    pub pid: Pid,
    /// The name of its type.
    pub actor: &'static str,
    /// What it was doing.
    pub activity: Activity,
    /// How many messages waited in its mailbox.
    pub mailbox_len: usize,
}

/// How a node ended. A value for people, by its `Display`, and for `main`, by its [exit code](ShutdownReport::exit_code).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Why it ended.
    pub reason: ShutdownReason,
    /// How the trees ended, and how many actors had to be killed.
    pub stop: StopReport,
    /// Each phase.
    pub phases: Vec<PhaseReport>,
    /// Who had not ended in time.
    pub stragglers: Vec<Straggler>,
    /// The second signal, if there was one: what ran then was killed, and tasks that had not begun did not run.
    pub cut_short: Option<Signal>,
    /// How long it took.
    pub took: Duration,
}

impl ShutdownReport {
    /// Whether all that was to be done was done in time, and nobody had to be killed.
    pub fn is_orderly(&self) -> bool {
        self.stop.killed == 0 && self.cut_short.is_none() && self.phases.iter().all(PhaseReport::is_orderly)
    }

    /// What the process should end with, as a number:
    ///
    /// | code | means |
    /// |---|---|
    /// | 0 | the end was asked for, and orderly |
    /// | 1 | the node ended by itself: an application ended, or the root did |
    /// | 2 | the end was asked for, and not orderly: a task failed or was late, or somebody had to be killed |
    /// | 130, 143 | a second signal cut it short: 128 and its number, as shells say it |
    pub fn code(&self) -> u8 {
        match (self.cut_short, self.reason.is_asked_for(), self.is_orderly()) {
            (Some(signal), _, _) => 128 + signal.number(),
            (None, false, _) => 1,
            (None, true, false) => 2,
            (None, true, true) => 0,
        }
    }

    /// [`code`](ShutdownReport::code), for `fn main() -> ExitCode`.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShutdownReason::ApplicationEnded { application, exit } => {
                write!(f, "application {application:?} ended: {exit}")
            }
            ShutdownReason::Lost => f.write_str("lost: the executor dropped the shutdown"),
            ShutdownReason::Requested => f.write_str("requested"),
            ShutdownReason::RootEnded(exit) => write!(f, "the root ended: {exit}"),
            ShutdownReason::Signal(signal) => signal.fmt(f),
        }
    }
}

impl fmt::Display for Straggler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Straggler { phase, path, pid, actor, activity, mailbox_len } = self;
        let doing = match activity {
            Activity::Idle => "idle",
            Activity::Runnable => "about to run",
            Activity::Running => "running or ending",
            Activity::Waiting => "waiting in a callback",
        };
        write!(f, "{path} {pid} ({actor}) after {phase:?}: {doing}, {mailbox_len} messages")
    }
}

impl fmt::Display for ShutdownReport {
    /// A line that says it all; then, unless it was orderly, a line for all that was not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.is_orderly() { "orderly" } else { "not orderly" };
        write!(f, "shutdown, {}: {how}, in {:?}, {}", self.reason, self.took, self.stop)?;
        if let Some(signal) = self.cut_short {
            write!(f, "\n  cut short by {signal}")?;
        }
        for phase in &self.phases {
            let wrong = phase.tasks.iter().filter(|task| task.outcome != TaskOutcome::Done);
            for task in wrong {
                write!(f, "\n  phase {:?} ({:?} of {:?}): ", phase.name, phase.took, phase.deadline)?;
                write!(f, "{}: {}", task.name, task.outcome)?;
            }
        }
        self.stragglers.iter().try_for_each(|straggler| write!(f, "\n  still there: {straggler}"))
    }
}
