//! Looking inside of a running system, and reaching in: OTP's `sys`, and what `recon` has beside it.
//!
//! * [`Sys`], from [`System::sys`] or [`ActorRef::sys`]: one actor's status, suspension, state, statistics, recorder and
//!   trace. What is only looked at is seen from outside: also when the actor is stuck in a handler, and at no cost to it.
//! * [`System::statuses`] and [`System::top`]: all of them; [`System::trace`]: a trace of many.
//! * [`Watchdog`]: an actor that names those who hold a thread or sit in a handler for too long.
//! * [`System::on_crash`]: a [`CrashReport`] for each end that is not normal; [`System::record`]: with the last messages.
//!
//! An actor that nobody looks at pays nothing for all this.

mod status;
mod stretch;
mod system;
mod watchdog;

pub use crate::crash::{Ancestor, CrashReport, Cut};
pub use crate::eye::{Limit, Longest, Outcome, Recorded, Statistics, Trace, Traced, TracedEvent, Whose};
pub use status::{Doing, Handling, Status};
pub use stretch::{Stuck, StuckIn};
pub use system::By;
pub use watchdog::{Finding, Watch, Watchdog};

use crate::actor::Actor;
use crate::cell::{Ask, CellRef};
use crate::exit::Exit;
use crate::eye::Tap;
use crate::fate::Unanswered;
use crate::id::Pid;
use crate::reference::ActorRef;
use crate::reply::{Reply, reply};
use crate::system::System;
use crate::timer::within;
use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

/// How long a question to an actor waits for it, if nothing else is said; as OTP's `sys`.
pub const SYS_TIMEOUT: Duration = Duration::from_secs(5);

/// One actor, looked at from outside; for operators and tools, not for the program's own messages. Source: OTP's `sys`.
///
/// From [`System::sys`] it is of one incarnation, and of nobody when that is over. From [`ActorRef::sys`] it is of the
/// place, and so of whoever lives there when something is asked. Statistics, recorder and traces belong to the place: they
/// stay when an actor is restarted.
///
/// ```
/// # use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, System, runtimes::Local, sys::Doing};
/// # struct Add(i64); impl Message for Add { type Reply = (); }
/// #[derive(Debug)]
/// struct Counter { n: i64 }
/// impl Actor for Counter {
///     type Args = i64;
///     async fn init(n: i64, _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Counter { n }) }
///     fn inspect(&self) -> Option<String> { Some(format!("{self:?}")) }
/// }
/// # impl Handle<Add> for Counter { async fn handle(&mut self, m: Add, _: &mut Cx<Self>) { self.n += m.0 } }
/// # let local = Local::new();
/// # let system = System::new(local.clone());
/// # local.block_on(async move {
/// let counter = ActorRef::<Counter>::place("counter");
/// system.start(&counter, 1).await.unwrap();
/// let sys = counter.sys();
/// sys.suspend().await.unwrap();
/// counter.cast(Add(1)).unwrap();
/// assert_eq!(sys.status().unwrap().doing, Doing::Suspended);
/// assert_eq!(sys.get_state().await.unwrap(), "Counter { n: 1 }");
/// sys.resume().unwrap();
/// # system.shut_down_all(std::time::Duration::from_secs(1)).await;
/// # });
/// ```
#[derive(Clone)]
pub struct Sys {
    cell: Option<CellRef>,
    /// `None`: whoever lives in the cell.
    pid: Option<Pid>,
    timeout: Duration,
}

/// Why something was not done, or is not known.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SysError {
    /// The actor did not come by in time: it sits in a callback. A suspension stands all the same; what else was asked is
    /// not begun later. A kill ends a handler that hangs; one that holds its thread cannot be ended.
    Busy {
        /// The name of the type of the message that it handles; `None`: it is in `init` or in `terminate`.
        message: Option<&'static str>,
        /// For so long at least.
        at_least: Duration,
    },
    /// An actor that asks itself would wait for its own handler.
    CallingSelf,
    /// The actor ended before it came by, for this reason.
    Exited(Exit),
    /// There is no such actor.
    NoProc,
    /// The actor does not show its state: it has no [`Actor::inspect`], or is a task.
    NotOffered,
    /// The actor's own code panicked when it was asked. The actor goes on.
    Panicked(Exit),
    /// The actor refused the new state, in its own words.
    Refused(String),
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SysError::Busy { message: Some(message), at_least } => {
                write!(f, "it has been handling {message} for {at_least:?} or longer")
            }
            SysError::Busy { message: None, at_least } => {
                write!(f, "it has been in init or terminate for {at_least:?} or longer")
            }
            SysError::CallingSelf => f.write_str("an actor cannot wait for its own handler"),
            SysError::Exited(exit) => write!(f, "it ended before it answered: {exit}"),
            SysError::NoProc => f.write_str("noproc: no such actor"),
            SysError::NotOffered => f.write_str("it does not show its state: give it an `Actor::inspect`"),
            SysError::Panicked(exit) => write!(f, "it panicked when it was asked: {exit}"),
            SysError::Refused(why) => write!(f, "it refused: {why}"),
        }
    }
}

impl std::error::Error for SysError {}

impl Sys {
    /// As this one, but a question waits so long for the actor; [`SYS_TIMEOUT`] if nothing is said.
    pub fn timeout(self, timeout: Duration) -> Sys {
        Sys { timeout, ..self }
    }

    /// The incarnation that is looked at, if it lives.
    pub fn pid(&self) -> Option<Pid> {
        let there = self.cell.as_ref()?.header().pid()?;
        (self.pid.is_none() || self.pid == Some(there)).then_some(there)
    }

    /// What the actor is, does and has. Seen from outside; costs some locks, each for some nanoseconds.
    ///
    /// # Errors
    /// [`SysError::NoProc`].
    pub fn status(&self) -> Result<Status, SysError> {
        let cell = self.cell.as_ref().ok_or(SysError::NoProc)?;
        Status::of(cell, self.pid).ok_or(SysError::NoProc)
    }

    // ---- suspension ----

    /// Has the actor handle no message until somebody [resumes](Sys::resume) it, and waits until the present handler is
    /// done. Source: `sys:suspend/1`.
    ///
    /// Messages and calls wait in the mailbox meanwhile, within its capacity and the callers' time limits; timers that
    /// come due fire when it is resumed; what it was to [continue with](crate::Cx::continue_with) is done first. A stop, an
    /// exit signal and a kill are obeyed as ever, a stop also before what waits. To suspend it twice is as once; whoever
    /// suspended it may end, and it stays so; anybody may resume it. It ends with the incarnation.
    ///
    /// # Errors
    /// [`SysError::Busy`]: the present handler is not done yet; the suspension stands, and takes effect when it is.
    ///
    /// # Cancel safety
    /// The suspension stands from the first poll on.
    pub async fn suspend(&self) -> Result<(), SysError> {
        let cell = self.other()?;
        if !cell.header().hold(self.pid) {
            return Err(SysError::NoProc);
        }
        if cell.header().look().is_task {
            // Its function receives its messages itself, and finds none from now on.
            return Ok(());
        }
        let (to, done) = reply();
        self.ask(cell, Ask::Look(to), done).await
    }

    /// Ends a suspension, whoever began it; nothing happens to an actor that is not suspended. Source: `sys:resume/1`.
    ///
    /// # Errors
    /// [`SysError::NoProc`].
    pub fn resume(&self) -> Result<(), SysError> {
        let cell = self.cell.as_ref().ok_or(SysError::NoProc)?;
        if cell.header().let_go(self.pid) { Ok(()) } else { Err(SysError::NoProc) }
    }

    // ---- state ----

    /// The actor's state, as [`Actor::inspect`] shows it. Asked between two messages, before those that wait, also while
    /// it is suspended. Source: `sys:get_state/1`.
    ///
    /// # Errors
    /// [`SysError::Busy`]: the actor is in a handler, and was for all the time that this waited; it says in which.
    /// [`SysError::NotOffered`]: it shows nothing.
    pub async fn get_state(&self) -> Result<String, SysError> {
        let cell = self.offering()?;
        let (to, state) = reply();
        match self.ask(cell, Ask::State(to), state).await? {
            Ok(Some(state)) => Ok(state),
            Ok(None) => Err(SysError::NotOffered),
            Err(panic) => Err(SysError::Panicked(panic)),
        }
    }

    /// Gives the actor another state, as its [`Actor::replace`] understands the text. Done between two messages, before
    /// those that wait; after an error nothing is begun any more. Source: `sys:replace_state/2`.
    ///
    /// # Errors
    /// As [`Sys::get_state`]; [`SysError::Refused`] with the actor's words.
    pub async fn replace_state(&self, text: impl Into<String>) -> Result<(), SysError> {
        let cell = self.offering()?;
        let (to, done) = reply();
        match self.ask(cell, Ask::Replace(text.into(), to), done).await? {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(SysError::Refused(why)),
            Err(panic) => Err(SysError::Panicked(panic)),
        }
    }

    // ---- what is kept ----

    /// Begins to count; nothing changes when it does already. Costs two readings of the clock per message.
    /// Source: `sys:statistics(Name, true)`.
    ///
    /// # Errors
    /// [`SysError::NoProc`]: also when nobody ever lived at the place, because its clock is not known yet.
    pub fn statistics_on(&self) -> Result<(), SysError> {
        let cell = self.cell.as_ref().ok_or(SysError::NoProc)?;
        let host = cell.header().host().ok_or(SysError::NoProc)?;
        cell.header().with_eye(|eye| eye.count(Some(host.runtime().now())));
        Ok(())
    }

    /// Ends the count. Source: `sys:statistics(Name, false)`.
    pub fn statistics_off(&self) {
        self.with_eye(|eye| eye.count(None));
    }

    /// What was counted; `None`: nothing is. Source: `sys:statistics(Name, get)`.
    pub fn statistics(&self) -> Option<Statistics> {
        self.cell.as_ref()?.header().eye()?.statistics()
    }

    /// Keeps the last `kept_max` messages from now on, by the names of their types, their senders and what became of
    /// them; never what is in them. 0 ends it. They are in the [`CrashReport`], and here. Source: `sys:log/2`.
    ///
    /// On an [`ActorRef`] it may be switched on before anybody lives there. Costs two readings of the clock and some
    /// locks per message, and a pid per message that waits.
    pub fn record(&self, kept_max: usize) {
        self.with_eye(|eye| eye.record(kept_max));
    }

    /// The last messages, oldest first, the one in hand among them; `None`: there is no recorder.
    pub fn records(&self) -> Option<Vec<Recorded>> {
        let header = self.cell.as_ref()?.header();
        let now = header.host()?.runtime().now();
        header.eye()?.records(now)
    }

    /// Tells what happens to the actor from now on, within a hard limit. Source: `sys:trace/2`, `recon_trace:calls/2`.
    ///
    /// # Errors
    /// [`SysError::NoProc`].
    pub fn trace(&self, limit: Limit) -> Result<Trace, SysError> {
        let cell = self.cell.as_ref().ok_or(SysError::NoProc)?;
        let tap = Tap::new(limit);
        cell.header().with_eye(|eye| eye.add_tap(&tap));
        Ok(Trace(tap))
    }

    fn with_eye(&self, f: impl FnOnce(&crate::eye::Eye)) {
        if let Some(cell) = &self.cell {
            cell.header().with_eye(f);
        }
    }

    // ---- questions ----

    /// The cell, if it is not that of the actor whose code this is.
    fn other(&self) -> Result<&CellRef, SysError> {
        let cell = self.cell.as_ref().ok_or(SysError::NoProc)?;
        if cell.header().runs_here() { Err(SysError::CallingSelf) } else { Ok(cell) }
    }

    /// The cell, if what lives there may have a state to show.
    fn offering(&self) -> Result<&CellRef, SysError> {
        let cell = self.other()?;
        if cell.header().look().is_task { Err(SysError::NotOffered) } else { Ok(cell) }
    }

    /// Asks, and waits for the answer.
    async fn ask<R>(&self, cell: &CellRef, ask: Ask, mut answer: Reply<R>) -> Result<R, SysError> {
        let header = cell.header();
        let (Some(host), true) = (header.host(), header.ask_actor(self.pid, ask)) else {
            return Err(SysError::NoProc);
        };
        let runtime = host.runtime();
        match within(&**runtime, self.timeout, poll_fn(|cx| answer.poll(cx))).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(Unanswered::Exited(exit))) => Err(SysError::Exited(exit)),
            Some(Err(Unanswered::Dropped | Unanswered::Discarded | Unanswered::Failed(_))) => {
                Err(SysError::NoProc)
            }
            None => {
                drop(answer);
                header.withdraw();
                let begun = header.eye().and_then(|eye| eye.begun_at());
                let known = begun.map_or(Duration::ZERO, |begun| runtime.now() - begun);
                let message = header.look().message;
                Err(SysError::Busy { message, at_least: known.max(self.timeout) })
            }
        }
    }
}

impl fmt::Debug for Sys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sys").field(&self.pid()).finish()
    }
}

impl System {
    /// One actor, looked at from outside. Everything asked of it is [`SysError::NoProc`] when the incarnation is over.
    pub fn sys(&self, pid: Pid) -> Sys {
        Sys { cell: self.cell(pid), pid: Some(pid), timeout: SYS_TIMEOUT }
    }
}

impl<A: Actor> ActorRef<A> {
    /// Whoever lives at this place, looked at from outside.
    pub fn sys(&self) -> Sys {
        Sys { cell: Some(self.typed.cell().clone()), pid: None, timeout: SYS_TIMEOUT }
    }
}
