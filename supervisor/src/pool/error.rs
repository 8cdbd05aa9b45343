//! What can go wrong on the way through a pool. An error that stands for a job that was not accepted hands it back.

use ravelin_core::{CallError, Exit, Hop, SendError};
use std::fmt;

/// A job that was not accepted, or a call that got no answer.
#[non_exhaustive]
pub enum PoolError<M> {
    /// The worker would wait for the caller, itself or through others, while the caller waits for it.
    Deadlock {
        /// The way around the circle, from the caller back to the caller.
        path: Vec<Hop>,
        /// The message, if it was not sent.
        request: Option<M>,
    },
    /// The time of the request that the caller serves was over already. Nothing was sent.
    Expired(M),
    /// The worker that had it ended before it answered, for this reason, or the pool did. It may or may not have been
    /// handled.
    Exited(Exit),
    /// The worker's mailbox is full, and its policy is to refuse.
    Full(M),
    /// The pool has as many jobs in flight as it may have.
    Limit(M),
    /// No worker can be given it just now: the pool is down, or all workers are, or the dispatcher chose none, or the
    /// worker that it chose is down and a cast does not wait.
    NoProc(M),
    /// It was handled, and nobody answered it.
    NoReply,
    /// At least once was asked for, and the pool does not requeue: see `Requeue::Waiting`.
    NoRequeue(M),
    /// More jobs come than the rate allows.
    Rate(M),
    /// No answer came in time, or no room did. It may be handled; if it still waits in the pool it will not be.
    Timeout,
    /// Anything else that ends a call, in words.
    Unanswered(String),
}

impl<M> PoolError<M> {
    /// The message, if it was not accepted.
    pub fn into_message(self) -> Option<M> {
        match self {
            PoolError::Deadlock { request, .. } => request,
            PoolError::Expired(m)
            | PoolError::Full(m)
            | PoolError::Limit(m)
            | PoolError::NoProc(m)
            | PoolError::NoRequeue(m)
            | PoolError::Rate(m) => Some(m),
            PoolError::Exited(_) | PoolError::NoReply | PoolError::Timeout | PoolError::Unanswered(_) => None,
        }
    }
}

impl<M> From<SendError<M>> for PoolError<M> {
    fn from(error: SendError<M>) -> PoolError<M> {
        match error {
            SendError::Full(message) => PoolError::Full(message),
            other => PoolError::NoProc(other.into_message()),
        }
    }
}

impl<M> From<CallError<M>> for PoolError<M> {
    fn from(error: CallError<M>) -> PoolError<M> {
        match error {
            CallError::Deadlock { path, request } => PoolError::Deadlock { path, request },
            CallError::Exited(exit) => PoolError::Exited(exit),
            CallError::Expired(message) => PoolError::Expired(message),
            CallError::Full(message) => PoolError::Full(message),
            CallError::NoProc(message) => PoolError::NoProc(message),
            CallError::NoReply => PoolError::NoReply,
            CallError::Timeout => PoolError::Timeout,
            other => PoolError::Unanswered(other.to_string()),
        }
    }
}

impl<M> fmt::Debug for PoolError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolError::Deadlock { path, .. } => write!(f, "Deadlock {{ path: {path:?}, .. }}"),
            PoolError::Exited(exit) => write!(f, "Exited({exit:?})"),
            PoolError::Expired(_) => f.write_str("Expired(..)"),
            PoolError::Full(_) => f.write_str("Full(..)"),
            PoolError::Limit(_) => f.write_str("Limit(..)"),
            PoolError::NoProc(_) => f.write_str("NoProc(..)"),
            PoolError::NoReply => f.write_str("NoReply"),
            PoolError::NoRequeue(_) => f.write_str("NoRequeue(..)"),
            PoolError::Rate(_) => f.write_str("Rate(..)"),
            PoolError::Timeout => f.write_str("Timeout"),
            PoolError::Unanswered(why) => write!(f, "Unanswered({why:?})"),
        }
    }
}

impl<M> fmt::Display for PoolError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolError::Deadlock { path, .. } => {
                f.write_str("deadlock: ")?;
                path.iter()
                    .enumerate()
                    .try_for_each(|(at, hop)| write!(f, "{}{hop}", if at > 0 { " waits for " } else { "" }))
            }
            PoolError::Exited(exit) => write!(f, "the worker ended: {exit}"),
            PoolError::Expired(_) => f.write_str("the time of the request that is served is over"),
            PoolError::Full(_) => f.write_str("the worker's mailbox is full"),
            PoolError::Limit(_) => f.write_str("the pool has as many jobs as it may have"),
            PoolError::NoProc(_) => f.write_str("noproc: no worker can be given the job"),
            PoolError::NoReply => f.write_str("the worker dropped the request without an answer"),
            PoolError::NoRequeue(_) => f.write_str("the pool does not requeue, so it repeats nothing"),
            PoolError::Rate(_) => f.write_str("more jobs come than the pool's rate allows"),
            PoolError::Timeout => f.write_str("no answer in time"),
            PoolError::Unanswered(why) => f.write_str(why),
        }
    }
}

impl<M> std::error::Error for PoolError<M> {}
