//! Pids and ways back inside of messages, while the messages cross between nodes (feature `serde`).
//!
//! A [`Pid`] means something in one system only, and a [`ReplyTo`] is a place in memory: as bytes they mean something
//! while a message crosses, to who carries it. So they are written and read [`with`] a [`Crossing`], and are an error
//! anywhere else. No codec is named here: what crosses is written by `serde::Serialize`, an answer too ([`Answer`]), and
//! read by `serde::Deserialize` ([`Landing`]).

use crate::asking::{Caller, courier};
use crate::error::CallError;
use crate::fate::Budget;
use crate::id::Pid;
use crate::patience::CALL_TIMEOUT;
use crate::reply::{Duty, ReplyTo};
use crate::system::System;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What pids and ways back are to the other side, while a message crosses. Whoever carries messages has one for each
/// other node.
///
/// An error of these is the codec's error, with the text in it.
pub trait Crossing: Send + Sync + 'static {
    /// The system on this side.
    fn system(&self) -> &System;

    /// A pid of this side's numbers, in the numbers of the way.
    ///
    /// # Errors
    /// It can not be named to the other side; the text says why.
    fn pid_out(&self, pid: Pid) -> Result<Pid, String>;

    /// A pid in the numbers of the way, in those of this side.
    ///
    /// # Errors
    /// There is no such node; the text says so.
    fn pid_in(&self, pid: Pid) -> Result<Pid, String>;

    /// Keeps a way back until the other side gives the answer, or word that there is none; gives a number for it. When
    /// the other side is lost it [fails](WayBack::fail) with [`Exited(NoConnection)`](CallError::Exited). To drop it says
    /// that the message was not sent: the `ReplyTo` in it is as it was before.
    ///
    /// # Errors
    /// It takes no more of them; the text says why.
    fn reply_out(&self, way: WayBack) -> Result<u64, String>;

    /// Where the answer goes that the other side waits for under this number.
    ///
    /// # Errors
    /// The number means nothing; the text says so.
    fn reply_in(&self, number: u64) -> Result<Box<dyn FarReply>, String>;

    /// Keeps the caller that waits on the other side under this number, until the answer went there, or it waits no
    /// longer, or the other side is lost. Called once after each `reply_in`.
    fn caller_in(&self, number: u64, caller: Caller);
}

/// Where an answer goes that the other side waits for.
pub trait FarReply: Send {
    /// The answer, or why there is none. Called once, unless the [`Caller`] is dropped before; by whichever thread
    /// answers: it is short, and never blocks. An answer whose `Serialize` panics is lost, and this is dropped.
    fn answer(self: Box<Self>, answer: Result<Answer<'_>, CallError<()>>);
}

/// An answer, to be written by any codec.
pub struct Answer<'a>(&'a dyn erased_serde::Serialize);

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

thread_local! {
    /// How the message crosses that this thread writes or reads just now.
    static CROSSING: RefCell<Option<Arc<dyn Crossing>>> = const { RefCell::new(None) };
    /// Where the answer goes that this thread reads just now.
    static LANDING: RefCell<Option<Box<dyn Way>>> = const { RefCell::new(None) };
}

/// Puts back what was there before.
struct Restore(Option<Arc<dyn Crossing>>);

impl Drop for Restore {
    fn drop(&mut self) {
        let before = self.0.take();
        drop(CROSSING.with(|now| now.replace(before)));
    }
}

/// Runs `f`, which writes or reads a message that crosses so. May be nested.
pub fn with<R>(crossing: Arc<dyn Crossing>, f: impl FnOnce() -> R) -> R {
    let _restore = Restore(CROSSING.with(|now| now.replace(Some(crossing))));
    f()
}

/// How what is written or read just now crosses.
fn now(what: &str) -> Result<Arc<dyn Crossing>, String> {
    CROSSING.with(|now| now.borrow().clone()).ok_or_else(|| {
        format!("a {what} means something only while a message crosses between nodes: see ravelin_core::crossing::with")
    })
}

impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pid = now("Pid").and_then(|crossing| crossing.pid_out(*self)).map_err(S::Error::custom)?;
        (pid.node(), pid.slot(), pid.serial()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pid, D::Error> {
        let (node, slot, serial) = <(u32, u32, u64)>::deserialize(deserializer)?;
        if serial == 0 {
            return Err(D::Error::custom("no pid has the serial 0"));
        }
        let pid = Pid::from_parts(node, slot, serial);
        now("Pid").and_then(|crossing| crossing.pid_in(pid)).map_err(D::Error::custom)
    }
}

/// As it is written: its number, and the nanoseconds that its caller still waits, if that has an end. `None`: nobody.
type Written = Option<(u64, Option<u64>)>;

impl<R: Serialize + DeserializeOwned + Send + 'static> Serialize for ReplyTo<R> {
    /// The way back goes with the message: who answers there answers the call. This one does nothing any more when it
    /// is dropped; if the message is not sent after all it is as before.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let crossing = now("ReplyTo").map_err(S::Error::custom)?;
        let mut written: Written = None;
        if self.is_call() {
            let duty = self.move_away().ok_or_else(|| {
                S::Error::custom("this ReplyTo has crossed to another node already: it goes to one only")
            })?;
            let left = left(crossing.system(), duty.budget());
            let left = left.map(|left| u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
            let number = crossing.reply_out(WayBack(Box::new(Moved { duty, answer: None })));
            written = Some((number.map_err(S::Error::custom)?, left));
        }
        written.serialize(serializer)
    }
}

impl<'de, R: Serialize + DeserializeOwned + Send + 'static> Deserialize<'de> for ReplyTo<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ReplyTo<R>, D::Error> {
        let Some((number, left)) = Written::deserialize(deserializer)? else { return Ok(ReplyTo::nobody()) };
        let crossing = now("ReplyTo").map_err(D::Error::custom)?;
        let far = crossing.reply_in(number).map_err(D::Error::custom)?;
        let then = move |answer: Result<R, CallError<()>>| match answer {
            Ok(answer) => far.answer(Ok(Answer(&answer))),
            Err(why) => far.answer(Err(why)),
        };
        let now = crossing.system().runtime().now();
        let budget = left.map_or(Budget::Open, |left| Budget::Until(now + Duration::from_nanos(left)));
        let (reply, caller) = courier(budget, Box::new(then));
        crossing.caller_in(number, caller);
        Ok(reply)
    }
}

/// How long a caller still waits, if that has an end.
fn left(system: &System, budget: Budget) -> Option<Duration> {
    let until = match budget {
        Budget::Open => return None,
        Budget::Usual => None,
        Budget::Until(until) | Budget::Coarse(until) => Some(until),
        Budget::Seat(seat) => system.host().patience().until(seat),
    };
    Some(until.map_or(CALL_TIMEOUT, |until| until - system.runtime().now()))
}

/// The way back of a call whose `ReplyTo` crosses: whoever has this ends the call.
///
/// Dropped, the `ReplyTo` that was written has the duty again; when that one is gone the call ends with
/// [`CallError::NoReply`].
pub struct WayBack(Box<dyn Way>);

impl WayBack {
    /// Ends the call with the answer that `decode` reads: any codec's function, of the type [`Landing`]. One that can not
    /// be read is [`CallError::NotUnderstood`] to the caller.
    ///
    /// # Errors
    /// `decode` failed; the caller was told.
    pub fn answer<E: fmt::Display>(self, decode: impl FnOnce() -> Result<Landing, E>) -> Result<(), E> {
        let before = LANDING.with(|now| now.replace(Some(self.0)));
        let mut landing = Aground(Some(before));
        let read = decode();
        let Some(way) = landing.put_back() else { return read.map(drop) };
        match read {
            Ok(Landing(())) => way.send(),
            Err(why) => {
                let text = format!("the answer could not be read: {why}");
                way.fail(CallError::NotUnderstood(text.into()));
                return Err(why);
            }
        }
        Ok(())
    }

    /// Ends the call without an answer, for this reason.
    pub fn fail(self, why: CallError<()>) {
        self.0.fail(why);
    }

    /// Ready when nobody waits for the answer any more; else wakes then.
    pub fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_gone(cx)
    }

    /// Whether nobody waits for the answer any more. A look: whoever waits in [`WayBack::poll_gone`] does so still.
    pub fn is_gone(&self) -> bool {
        self.0.is_gone()
    }
}

impl fmt::Debug for WayBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WayBack")
    }
}

/// What an outer `answer` reads, to be put back, also when a codec panics.
struct Aground(Option<Option<Box<dyn Way>>>);

impl Aground {
    /// Gives the way that was there.
    fn put_back(&mut self) -> Option<Box<dyn Way>> {
        let before = self.0.take()?;
        LANDING.with(|now| now.replace(before))
    }
}

impl Drop for Aground {
    fn drop(&mut self) {
        drop(self.put_back());
    }
}

/// Stands for the answer in [`WayBack::answer`], whatever its type: reading one reads the answer. Anywhere else it is
/// an error.
#[derive(Debug)]
pub struct Landing(());

impl<'de> Deserialize<'de> for Landing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Landing, D::Error> {
        // Taken out, for the answer may have something in it that reads an answer.
        let Some(mut way) = LANDING.with(|now| now.take()) else {
            return Err(D::Error::custom("a Landing is read inside of WayBack::answer only"));
        };
        let read = way.read(&mut <dyn erased_serde::Deserializer<'_>>::erase(deserializer));
        LANDING.with(|now| now.replace(Some(way)));
        read.map(Landing).map_err(D::Error::custom)
    }
}

/// A way back whose type of answer was forgotten.
trait Way: Send {
    fn read(&mut self, from: &mut dyn erased_serde::Deserializer<'_>) -> Result<(), erased_serde::Error>;
    fn send(self: Box<Self>);
    fn fail(self: Box<Self>, why: CallError<()>);
    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()>;
    fn is_gone(&self) -> bool;
}

struct Moved<R: Send + 'static> {
    duty: Duty<R>,
    /// What was read.
    answer: Option<R>,
}

impl<R: DeserializeOwned + Send + 'static> Way for Moved<R> {
    fn read(&mut self, from: &mut dyn erased_serde::Deserializer<'_>) -> Result<(), erased_serde::Error> {
        self.answer = Some(erased_serde::deserialize(from)?);
        Ok(())
    }
    fn send(self: Box<Self>) {
        match self.answer {
            Some(answer) => self.duty.end(Ok(answer)),
            None => self.duty.end(Err(CallError::NotUnderstood("the codec read no answer".into()))),
        }
    }
    fn fail(self: Box<Self>, why: CallError<()>) {
        self.duty.end(Err(why));
    }
    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.duty.poll_gone(cx)
    }
    fn is_gone(&self) -> bool {
        self.duty.is_over()
    }
}
