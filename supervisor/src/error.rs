//! What can go wrong when one asks a supervisor.

use crate::plan::ChildError;
use ravelin_core::{CallError, Exit};
use std::fmt;

/// Why a request to a supervisor failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SupervisorError {
    /// It answered no.
    Child(ChildError),
    /// It ended before it answered, for this reason. The request may have been carried out.
    Exited(Exit),
    /// There is no such supervisor.
    NoProc,
}

impl fmt::Display for SupervisorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SupervisorError::Child(error) => error.fmt(f),
            SupervisorError::Exited(exit) => write!(f, "the supervisor ended: {exit}"),
            SupervisorError::NoProc => f.write_str("noproc: there is no such supervisor"),
        }
    }
}

impl std::error::Error for SupervisorError {}

impl From<ChildError> for SupervisorError {
    fn from(error: ChildError) -> SupervisorError {
        SupervisorError::Child(error)
    }
}

impl<M> From<CallError<M>> for SupervisorError {
    fn from(error: CallError<M>) -> SupervisorError {
        match error {
            CallError::NoProc(_) => SupervisorError::NoProc,
            CallError::Exited(exit) => SupervisorError::Exited(exit),
            // A supervisor has no limit on its mailbox, answers each request, and is asked without a time limit.
            other => SupervisorError::Exited(Exit::error(other)),
        }
    }
}
