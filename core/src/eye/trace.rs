//! A live trace: what happens to some actors, into a bounded buffer, as long as its limit lasts.

use super::limit::{Admitted, Limit, Limiter};
use super::recorder::Outcome;
use crate::exit::Exit;
use crate::id::Pid;
use crate::time::Time;
use ravelin_mailbox::Lock;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Something that happened to a traced actor.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Traced {
    /// When.
    pub at: Time,
    /// To whom.
    pub pid: Pid,
    /// The name of its place, if it has one.
    pub place: Option<Arc<str>>,
    /// The name of its type.
    pub actor: &'static str,
    /// What.
    pub what: TracedEvent,
}

/// What happened to a traced actor.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TracedEvent {
    /// It begins to handle a message; a task receives one.
    Begun {
        /// The name of the message's type.
        message: &'static str,
        /// The actor that sent it, where one did and it is known.
        from: Option<Pid>,
    },
    /// It has handled a message; for a task: it receives the next one, or ends.
    Ended {
        /// The name of the message's type.
        message: &'static str,
        /// How long it took, waits included.
        took: Duration,
        /// How.
        outcome: Outcome,
    },
    /// The actor is over.
    Exited(Exit),
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.pid)?;
        if let Some(place) = &self.place {
            write!(f, " `{place}`")?;
        }
        match &self.what {
            TracedEvent::Begun { message, from: Some(from) } => write!(f, " < {message} from {from}"),
            TracedEvent::Begun { message, from: None } => write!(f, " < {message}"),
            TracedEvent::Ended { message, took, outcome } => write!(f, " {outcome} {message} in {took:?}"),
            TracedEvent::Exited(exit) => write!(f, " exited: {exit}"),
        }
    }
}

/// Where the events of one trace go.
pub(crate) struct Tap {
    is_over: AtomicBool,
    state: Lock<Flow>,
}

struct Flow {
    limiter: Limiter,
    room: usize,
    events: VecDeque<Traced>,
    dropped: u64,
    reader: Option<Waker>,
}

impl Tap {
    pub(crate) fn new(limit: Limit) -> Arc<Tap> {
        let flow = Flow {
            limiter: Limiter::new(limit),
            room: limit.room(),
            events: VecDeque::new(),
            dropped: 0,
            reader: None,
        };
        Arc::new(Tap { is_over: AtomicBool::new(false), state: Lock::new(flow) })
    }

    /// Whether it takes no more events.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    /// Takes an event, or drops and counts it.
    pub(crate) fn tell(&self, event: Traced) {
        if self.is_over() {
            return;
        }
        let mut flow = self.state.lock();
        let admitted = flow.limiter.admit(event.at);
        if matches!(admitted, Admitted::Last | Admitted::Tripped) {
            self.is_over.store(true, Relaxed);
        }
        let is_wanted = matches!(admitted, Admitted::Taken | Admitted::Last);
        if is_wanted && flow.events.len() < flow.room {
            flow.events.push_back(event);
        } else {
            flow.dropped += 1;
        }
        let reader = flow.reader.take();
        drop(flow);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// A trace: reads what happened to the actors it is of. Dropping it ends it.
///
/// Events that nobody has read wait in a buffer that holds as many as the limit says; what finds no room there, and
/// what is over the rate, is dropped and [counted](Trace::dropped).
#[must_use = "a trace ends when it is dropped"]
pub struct Trace(pub(crate) Arc<Tap>);

impl Trace {
    /// The next event; `None` when the trace is over and all is read.
    ///
    /// # Cancel safety
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Traced> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Traced>> {
        let mut flow = self.0.state.lock();
        if let Some(event) = flow.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if self.0.is_over() {
            return Poll::Ready(None);
        }
        let old = flow.reader.replace(cx.waker().clone());
        drop(flow);
        drop(old);
        Poll::Pending
    }

    /// All the events there are, oldest first, without waiting.
    pub fn so_far(&mut self) -> Vec<Traced> {
        self.0.state.lock().events.drain(..).collect()
    }

    /// How many events were dropped: over the rate, or because nobody read.
    pub fn dropped(&self) -> u64 {
        self.0.state.lock().dropped
    }

    /// Whether its limit has ended it.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.0.is_over.store(true, Relaxed);
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({}, {} dropped)", if self.is_over() { "over" } else { "on" }, self.dropped())
    }
}
