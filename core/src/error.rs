//! What can go wrong on the way to an actor. Every error that stands for an undelivered message hands it back.

use crate::exit::Exit;
use crate::id::Pid;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A message was not accepted. The actor is unaffected.
#[non_exhaustive]
pub enum SendError<M> {
    /// The mailbox is full, and its policy, or the message's class, is to refuse.
    Full(M),
    /// It is for an actor of another node, which is not reached just now.
    NoConnection(M),
    /// There is no actor at that place just now.
    NoProc(M),
    /// It is for an actor of another node, and can not go there: it could not be written, or is larger than that node
    /// takes. An event of the level debug says which.
    Unfit(M),
}

impl<M> SendError<M> {
    /// The message.
    pub fn into_message(self) -> M {
        match self {
            SendError::Full(message)
            | SendError::NoConnection(message)
            | SendError::NoProc(message)
            | SendError::Unfit(message) => message,
        }
    }
}

/// A call that got no answer.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum CallError<M> {
    /// It would wait for ever: the caller is the callee, or the callee waits, itself or through others, for the caller.
    /// Said at once, to the one that closes the circle; the others go on when this one does.
    Deadlock {
        /// From the caller, to each the one that it waits for, back to the caller.
        path: Vec<Hop>,
        /// The request, if it was not sent; one that was is taken back when its turn comes.
        request: Option<M>,
    },
    /// The request was thrown away before it was begun: by the overflow policy of the callee's mailbox, or because it was
    /// older than its [`TTL`](crate::Message::TTL) when its turn came.
    Discarded,
    /// The time of the request that the caller serves was over already, and this call was to fit into it. Nothing was sent.
    Expired(M),
    /// The callee ended before it answered, for this reason. It may or may not have handled the request.
    Exited(Exit),
    /// The mailbox is full, and its policy, or the request's class, is to refuse. Nothing was sent.
    Full(M),
    /// There is no actor at that place just now. Nothing was sent.
    NoProc(M),
    /// The callee lives, and dropped the `ReplyTo`.
    NoReply,
    /// The callee is of another node, which does not know the message, or could not read it, or whose answer could not
    /// be read here; the text says which. The request was not handled, unless it is the answer.
    NotUnderstood(Arc<str>),
    /// No answer came in time; one that still comes reaches nobody. The request may be handled.
    Timeout,
}

impl<M> CallError<M> {
    /// The request, if it was not sent, or not begun.
    pub fn into_message(self) -> Option<M> {
        match self {
            CallError::Deadlock { request, .. } => request,
            CallError::Expired(request) | CallError::Full(request) | CallError::NoProc(request) => {
                Some(request)
            }
            CallError::Discarded
            | CallError::Exited(_)
            | CallError::NoReply
            | CallError::NotUnderstood(_)
            | CallError::Timeout => None,
        }
    }

    /// The same error, of another request: for who sends one message in another.
    pub fn map<N>(self, of: impl FnOnce(M) -> N) -> CallError<N> {
        match self {
            CallError::Deadlock { path, request } => CallError::Deadlock { path, request: request.map(of) },
            CallError::Discarded => CallError::Discarded,
            CallError::Exited(exit) => CallError::Exited(exit),
            CallError::Expired(request) => CallError::Expired(of(request)),
            CallError::Full(request) => CallError::Full(of(request)),
            CallError::NoProc(request) => CallError::NoProc(of(request)),
            CallError::NoReply => CallError::NoReply,
            CallError::NotUnderstood(what) => CallError::NotUnderstood(what),
            CallError::Timeout => CallError::Timeout,
        }
    }
}

impl CallError<()> {
    /// The same error, of a request that is not here any more: refusals, which hand it back, become ends that do not.
    pub(crate) fn of_sent<M>(self) -> CallError<M> {
        match self {
            CallError::Deadlock { path, .. } => CallError::Deadlock { path, request: None },
            CallError::Discarded | CallError::Full(()) => CallError::Discarded,
            CallError::Exited(exit) => CallError::Exited(exit),
            CallError::NoProc(()) => CallError::Exited(Exit::NoProc),
            CallError::NoReply => CallError::NoReply,
            CallError::NotUnderstood(what) => CallError::NotUnderstood(what),
            CallError::Expired(()) | CallError::Timeout => CallError::Timeout,
        }
    }
}

/// An actor on the way of a circle of calls.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Hop {
    /// The incarnation; `None` if it has just ended.
    pub pid: Option<Pid>,
    /// The name of its place, if it has one.
    pub place: Option<Arc<str>>,
    /// The name of its type; of an actor of another node the name of its place, or of its type.
    pub actor: Cow<'static, str>,
    /// The name of its node, where the way leads through several.
    pub node: Option<Arc<str>>,
}

impl Hop {
    /// An actor of this node, of which that is known; for who brings a way from elsewhere.
    #[doc(hidden)]
    pub fn at(node: Arc<str>, pid: Option<Pid>, name: &str) -> Hop {
        Hop { pid, place: None, actor: name.to_owned().into(), node: Some(node) }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place.as_deref().unwrap_or(&self.actor))?;
        if let Some(pid) = self.pid {
            write!(f, "{pid}")?;
        }
        match &self.node {
            Some(node) => write!(f, " on {node}"),
            None => Ok(()),
        }
    }
}

/// Why an actor was not started. Nothing of it is left.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StartError {
    /// There is a living actor at that place already, or the place belongs to another system.
    AlreadyStarted,
    /// `init` ended with this; [`Exit::Ignore`] when it declined to run.
    Init(Exit),
}

impl StartError {
    /// The reason as an exit reason.
    pub fn into_exit(self) -> Exit {
        match self {
            StartError::AlreadyStarted => Exit::error("already started"),
            StartError::Init(exit) => exit,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::AlreadyStarted => f.write_str("there is a living actor at that place"),
            StartError::Init(exit) => write!(f, "init failed: {exit}"),
        }
    }
}

impl std::error::Error for StartError {}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "Full(..)",
            SendError::NoConnection(_) => "NoConnection(..)",
            SendError::NoProc(_) => "NoProc(..)",
            SendError::Unfit(_) => "Unfit(..)",
        })
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "the mailbox is full",
            SendError::NoConnection(_) => "noconnection: the actor's node is not reached",
            SendError::NoProc(_) => "noproc: there is no such actor",
            SendError::Unfit(_) => "the message can not go to the actor's node",
        })
    }
}

impl<M> std::error::Error for SendError<M> {}

impl<M> fmt::Debug for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Deadlock { path, .. } => write!(f, "Deadlock {{ path: {path:?}, .. }}"),
            CallError::Expired(_) => f.write_str("Expired(..)"),
            CallError::Discarded => f.write_str("Discarded"),
            CallError::Exited(exit) => write!(f, "Exited({exit:?})"),
            CallError::Full(_) => f.write_str("Full(..)"),
            CallError::NoProc(_) => f.write_str("NoProc(..)"),
            CallError::NoReply => f.write_str("NoReply"),
            CallError::NotUnderstood(what) => write!(f, "NotUnderstood({what:?})"),
            CallError::Timeout => f.write_str("Timeout"),
        }
    }
}

impl<M> fmt::Display for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Deadlock { path, .. } => {
                f.write_str("deadlock: ")?;
                for (at, hop) in path.iter().enumerate() {
                    write!(f, "{}{hop}", if at > 0 { " waits for " } else { "" })?;
                }
                Ok(())
            }
            CallError::Expired(_) => f.write_str("the time of the request that is served is over"),
            CallError::Discarded => {
                f.write_str("the request was discarded: the mailbox was full, or its time to live over")
            }
            CallError::Exited(exit) => write!(f, "the callee ended: {exit}"),
            CallError::Full(_) => f.write_str("the mailbox is full"),
            CallError::NoProc(_) => f.write_str("noproc: there is no such actor"),
            CallError::NoReply => f.write_str("the callee dropped the request without an answer"),
            CallError::NotUnderstood(what) => write!(f, "the other node did not understand: {what}"),
            CallError::Timeout => f.write_str("no answer in time"),
        }
    }
}

impl<M> std::error::Error for CallError<M> {}
