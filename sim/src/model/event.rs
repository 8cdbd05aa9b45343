//! [pure] What can be seen of one incarnation of a supervisor, and what it is told at its beginning.

use ravelin_core::{Exit, Time};
use ravelin_supervisor::policy::{AutoShutdown, ChildPolicy, Intensity, Strategy};
use std::fmt;
use std::sync::Arc;

/// The id of a child.
pub(crate) type Id = Arc<str>;

/// What a supervisor is told at its beginning.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    /// `None`: a dynamic one.
    pub(crate) strategy: Option<Strategy>,
    pub(crate) intensity: Intensity,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) max_children: Option<usize>,
    pub(crate) children: Vec<(Id, ChildPolicy)>,
}

/// What a supervisor can be asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    Start(Id, ChildPolicy),
    Restart(Id),
    Terminate(Id),
    /// By the incarnation: of a dynamic one.
    TerminatePid(Id, u32),
    Delete(Id),
}

/// How it answers, without the details.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    Done,
    Ignored,
    Refused,
    StartFailed,
    Started,
}

/// One thing that was seen, of a child or of the supervisor itself. `n` numbers the start attempts of an id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// The supervisor begins to start a child.
    Start(Id, u32),
    /// The start succeeded.
    Up(Id, u32),
    /// The child declined.
    Declined(Id, u32),
    /// The start failed.
    Failed(Id, u32, Exit),
    /// The child was told by its parent to end, and heard it.
    Told(Id, u32, Exit),
    /// The child is gone.
    Gone(End),
    /// A child that is a supervisor may be gone from here on …
    MayBeGone(End),
    /// … and is gone here.
    IsGone(Id, u32),
    /// Somebody asked, and was answered.
    Asked(u64, Request),
    Answered(u64, Answer),
    /// The supervisor is gone, or did not start.
    Over(Exit),
}

/// The end of a child.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) id: Id,
    pub(crate) n: u32,
    pub(crate) reason: Exit,
    /// Whether it had a cause of its own: a crash, a kill by a third party, a supervisor that gave up.
    pub(crate) is_own: bool,
    /// When.
    pub(crate) at: (Time, Time),
}

/// One thing that was seen, and when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) at: Time,
    pub(crate) what: What,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.at)?;
        match &self.what {
            What::Start(id, n) => write!(f, "starts {id}#{n}"),
            What::Up(id, n) => write!(f, "{id}#{n} is up"),
            What::Declined(id, n) => write!(f, "{id}#{n} declines"),
            What::Failed(id, n, why) => write!(f, "{id}#{n} fails to start: {why}"),
            What::Told(id, n, why) => write!(f, "{id}#{n} is told to end: {why}"),
            What::Gone(end) | What::MayBeGone(end) => {
                let cause = if end.is_own { "by itself" } else { "by its supervisor" };
                write!(f, "{}#{} ends, {cause}: {}", end.id, end.n, end.reason)
            }
            What::IsGone(id, n) => write!(f, "{id}#{n} has ended"),
            What::Asked(number, request) => write!(f, "request {number}: {request:?}"),
            What::Answered(number, answer) => write!(f, "answer {number}: {answer:?}"),
            What::Over(why) => write!(f, "it ends: {why}"),
        }
    }
}
