//! Crash reports: all that is known of an end that was not normal, as one event and as text for a person.

use crate::cell::{End, Wreck};
use crate::exit::Exit;
use crate::eye::Recorded;
use crate::id::Pid;
use crate::time::Time;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What is known of an actor that ended for another reason than a normal one. Its `Display` is text of some lines, for a
/// person. Source: the crash reports of `proc_lib`.
///
/// It shows types, names, times and the exit reason; of the actor's data only what [`Actor::inspect`] gives, which is
/// nothing by default. The message of a panic is the program's own.
///
/// [`Actor::inspect`]: crate::Actor::inspect
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CrashReport {
    /// When the end was over, on the runtime's clock.
    pub at: Time,
    /// Which incarnation.
    pub pid: Pid,
    /// The name of its place, if it has one.
    pub place: Option<Arc<str>>,
    /// The names that it was registered under.
    pub names: Vec<Arc<str>>,
    /// The name of its type.
    pub actor: &'static str,
    /// Why it ended; a panic with its message and location.
    pub reason: Exit,
    /// Its parent, that one's parent, and so on.
    pub ancestors: Vec<Ancestor>,
    /// How many incarnations of the place were over before.
    pub restarts: u64,
    /// Whether `init` had succeeded.
    pub was_up: bool,
    /// The message whose handler was cut off, or panicked; `None`: it was in none.
    pub handling: Option<Cut>,
    /// Its last messages, oldest first, the one that was cut off among them; `None`: it had no recorder.
    pub last_messages: Option<Vec<Recorded>>,
    /// How many messages waited in its mailbox.
    pub mailbox_len: u64,
    /// How many messages became dead letters by this end: those that waited, and those that it had kept back.
    pub dead_letters: u64,
    /// The actors that it was linked with at its end.
    pub linked: Vec<Pid>,
    /// The children that it had not ended itself, and that were ended with it.
    pub children: Vec<Pid>,
    /// What it says of its state, if it offers that.
    pub state: Option<String>,
}

/// A message whose handler was cut off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Cut {
    /// The name of its type.
    pub message: &'static str,
    /// How long it had been handled; known where there is a recorder, a trace or statistics.
    pub took: Option<Duration>,
}

/// Somebody in the line of supervisors above an actor.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ancestor {
    /// Which incarnation.
    pub pid: Pid,
    /// The name of its place, if it lives and has one.
    pub place: Option<Arc<str>>,
    /// The name of its type, if it lives.
    pub actor: Option<&'static str>,
}

/// How many are in a report's text before it says how many more there are.
const SHOWN_MAX: usize = 10;

impl CrashReport {
    pub(crate) fn new(
        end: &End,
        wreck: Wreck,
        (place, actor): (Option<&Arc<str>>, &'static str),
        ancestors: Vec<Ancestor>,
        at: Time,
    ) -> CrashReport {
        let bonds = end.bonds.as_deref();
        CrashReport {
            at,
            pid: end.pid,
            place: place.cloned(),
            names: bonds.map(|bonds| bonds.names.clone()).unwrap_or_default(),
            actor,
            reason: end.exit.clone(),
            ancestors,
            restarts: u64::from(wreck.restarts),
            was_up: end.was_up,
            handling: wreck.cut.map(|cut| Cut { message: cut.message, took: cut.took }),
            last_messages: wreck.last_messages,
            mailbox_len: wreck.left,
            dead_letters: wreck.dead_letters,
            linked: bonds.map(|bonds| bonds.links.iter().copied().collect()).unwrap_or_default(),
            children: wreck.children,
            state: wreck.state,
        }
    }

    /// The event of the log, in one line.
    pub(crate) fn tell(&self) {
        tracing::warn!(
            target: "ravelin",
            pid = %self.pid,
            place = self.place.as_deref(),
            actor = self.actor,
            reason = %self.reason,
            restarts = self.restarts,
            message_type = self.handling.map(|cut| cut.message),
            handled_us = self.handling.and_then(|cut| cut.took).map(|took| took.as_micros() as u64),
            mailbox_len = self.mailbox_len,
            dead_letters = self.dead_letters,
            ancestors = %List(&self.ancestors),
            last_messages = self.last_messages.as_deref().map(|last| tracing::field::display(Brief(last))),
            "ravelin.crash"
        );
    }
}

impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.as_deref().unwrap_or("(no name)");
        writeln!(f, "crash of `{place}` {} at {}", self.pid, self.at)?;
        writeln!(f, "  reason:      {}", self.reason)?;
        writeln!(f, "  actor:       {}", self.actor)?;
        if !self.names.is_empty() {
            writeln!(f, "  registered:  {}", self.names.join(", "))?;
        }
        writeln!(f, "  ancestors:   {}", List(&self.ancestors))?;
        writeln!(f, "  incarnation: {}, after {} before it", self.restarts + 1, self.restarts)?;
        match (&self.handling, self.was_up) {
            (Some(Cut { message, took: Some(took) }), _) => {
                writeln!(f, "  handling:    {message}, for {took:?}")?;
            }
            (Some(Cut { message, took: None }), _) => writeln!(f, "  handling:    {message}")?,
            (None, true) => writeln!(f, "  handling:    no message")?,
            (None, false) => writeln!(f, "  handling:    no message; init had not succeeded")?,
        }
        let (waited, lost) = (self.mailbox_len, self.dead_letters);
        writeln!(f, "  mailbox:     {waited} waited; {lost} dead letters")?;
        if !self.linked.is_empty() {
            writeln!(f, "  linked:      {}", List(&self.linked))?;
        }
        if !self.children.is_empty() {
            writeln!(f, "  children:    {}, ended with it", List(&self.children))?;
        }
        match &self.last_messages {
            None => writeln!(f, "  last messages: not recorded")?,
            Some(last) if last.is_empty() => writeln!(f, "  last messages: none")?,
            Some(last) => {
                writeln!(f, "  last messages, oldest first:")?;
                for each in last {
                    let (age, from) = (self.at - each.begun, From(each.from));
                    let Recorded { message, took, outcome, .. } = each;
                    writeln!(f, "    {age:?} ago  {message}{from}: {outcome}, {took:?}")?;
                }
            }
        }
        if let Some(state) = &self.state {
            writeln!(f, "  state:")?;
            state.lines().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Ancestor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "`{place}` {}", self.pid),
            None => write!(f, "{}", self.pid),
        }
    }
}

/// Some of them, and how many more there are.
struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (each, n) in self.0.iter().zip(0..SHOWN_MAX) {
            write!(f, "{}{each}", if n == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The last messages in one line.
struct Brief<'a>(&'a [Recorded]);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (each, n) in self.0.iter().zip(0..) {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{}{}: {}", each.message, From(each.from), each.outcome)?;
        }
        Ok(())
    }
}

/// Who sent a message.
struct From(Option<Pid>);

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, " from {pid}"),
            None => Ok(()),
        }
    }
}
