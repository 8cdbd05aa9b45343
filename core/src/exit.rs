//! Why an actor ended: OTP's exit reasons.

use crate::id::Pid;
use std::fmt;
use std::sync::Arc;

/// The reason an actor ended, or was told to end. Cheap to clone.
///
/// `normal`, `shutdown` and `{shutdown, T}` are *normal* ends ([`Exit::is_normal`]); a transient child is
/// restarted after any other. Source: OTP's exit reasons.
///
/// ```
/// use ravelin_core::Exit;
/// assert!(Exit::Shutdown.is_normal());
/// assert!(Exit::error("disk full").is_abnormal());
/// assert_eq!(Exit::shutdown_with(Exit::error("drained")).to_string(), "shutdown: drained");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Exit {
    /// Done; nothing is wrong.
    Normal,
    /// Told to end by the parent.
    Shutdown,
    /// As `Shutdown`, with a reason: OTP's `{shutdown, Reason}`.
    ShutdownWith(Arc<Exit>),
    /// Declined to run, from `init` only: OTP's `ignore`. Not an error; a supervisor keeps the spec without an actor.
    Ignore,
    /// Ended by a kill.
    Killed,
    /// There was no such actor.
    NoProc,
    /// The connection to the actor's node was lost; the actor may live.
    NoConnection,
    /// The executor dropped the actor's task.
    Lost,
    /// A panic.
    Panic(Arc<Panic>),
    /// The actor ended itself, or was told to, with an error of its own words.
    Error(Arc<str>),
    /// A child could not be started.
    StartFailed(Arc<StartFailed>),
    /// The name belongs to another actor.
    AlreadyStarted(Pid),
    /// A faulty specification; the text names the field and the value.
    InvalidSpec(Arc<str>),
}

/// What is known of a panic.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Panic {
    /// The panic's message, or a remark that it had none.
    pub message: String,
    /// `file:line:column`, when the panic hook saw it.
    pub location: Option<String>,
}

/// Which child could not be started, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StartFailed {
    /// The child's id.
    pub child: Arc<str>,
    /// Why its start failed.
    pub reason: Exit,
}

impl Exit {
    /// An error in the actor's own words.
    pub fn error(what: impl fmt::Display) -> Exit {
        Exit::Error(what.to_string().into())
    }

    /// OTP's `{shutdown, Reason}`.
    pub fn shutdown_with(reason: Exit) -> Exit {
        Exit::ShutdownWith(Arc::new(reason))
    }

    /// The failure to start `child`.
    pub fn start_failed(child: impl Into<Arc<str>>, reason: Exit) -> Exit {
        Exit::StartFailed(Arc::new(StartFailed { child: child.into(), reason }))
    }

    /// A faulty specification.
    pub fn invalid_spec(what: impl fmt::Display) -> Exit {
        Exit::InvalidSpec(what.to_string().into())
    }

    /// A panic with this message and place.
    pub fn panic(message: impl Into<String>, location: Option<String>) -> Exit {
        Exit::Panic(Arc::new(Panic { message: message.into(), location }))
    }

    /// `normal`, `shutdown` or `{shutdown, T}`: an end that no supervisor restarts a transient child after.
    pub fn is_normal(&self) -> bool {
        matches!(self, Exit::Normal | Exit::Shutdown | Exit::ShutdownWith(_))
    }

    /// Every end but `normal`, `shutdown` and `{shutdown, T}`.
    pub fn is_abnormal(&self) -> bool {
        !self.is_normal()
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Normal => f.write_str("normal"),
            Exit::Shutdown => f.write_str("shutdown"),
            Exit::ShutdownWith(reason) => write!(f, "shutdown: {reason}"),
            Exit::Ignore => f.write_str("ignore"),
            Exit::Killed => f.write_str("killed"),
            Exit::NoProc => f.write_str("noproc"),
            Exit::NoConnection => f.write_str("noconnection"),
            Exit::Lost => f.write_str("lost: the executor dropped the actor"),
            Exit::Panic(panic) => match &panic.location {
                Some(at) => write!(f, "panic at {at}: {}", panic.message),
                None => write!(f, "panic: {}", panic.message),
            },
            Exit::Error(what) => f.write_str(what),
            Exit::StartFailed(failed) => {
                write!(f, "child {} failed to start: {}", failed.child, failed.reason)
            }
            Exit::AlreadyStarted(pid) => write!(f, "already started as {pid}"),
            Exit::InvalidSpec(what) => write!(f, "invalid spec: {what}"),
        }
    }
}

impl std::error::Error for Exit {}

impl From<String> for Exit {
    fn from(what: String) -> Exit {
        Exit::Error(what.into())
    }
}

impl From<&str> for Exit {
    fn from(what: &str) -> Exit {
        Exit::Error(what.into())
    }
}

impl From<std::io::Error> for Exit {
    fn from(error: std::io::Error) -> Exit {
        Exit::error(error)
    }
}
