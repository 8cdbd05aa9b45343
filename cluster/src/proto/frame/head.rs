//! `[pure]` Frames that carry a payload: what stands before it.

use super::super::code::{FrameError, Reader, put_number};
use super::super::number::{BarePid, NameNumber, To};
use super::kind;
use std::time::Duration;

/// What stands before a payload, and says what it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Head {
    /// The answer to a call, a start or a `ReplyTo`.
    Answer {
        /// To which.
        id: Asked,
    },
    /// A message that waits for an answer.
    Call {
        /// What the sender knows it by. Below 2^63.
        id: u64,
        /// Whom it is for.
        to: To,
        /// The sender's actor that waits, so that circles are seen; `None`: no actor does.
        asker: Option<BarePid>,
        /// The message's name.
        message: NameNumber,
        /// How much time is left, in whole microseconds; `None`: no limit.
        budget: Option<Duration>,
    },
    /// A message.
    Cast {
        /// Whom it is for.
        to: To,
        /// The message's name.
        message: NameNumber,
    },
    /// Membership.
    Gossip,
    /// Process groups.
    Groups,
    /// Names of actors.
    Names,
    /// A message that is [`Done`](super::Signal::Done) when the mailbox has it.
    Send {
        /// What the sender knows it by. Below 2^63.
        id: u64,
        /// Whom it is for.
        to: To,
        /// The message's name.
        message: NameNumber,
    },
    /// A child is to be started; the answer to it is as to a call.
    Start {
        /// What the sender knows it by. Below 2^63.
        id: u64,
        /// The name of the dynamic supervisor.
        under: NameNumber,
        /// The name of a spec that the receiver has registered. The payload is its arguments.
        spec: NameNumber,
    },
}

/// What is answered.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Asked {
    /// A [`Call`](Head::Call), [`Send`](Head::Send) or [`Start`](Head::Start) of this id.
    Call(u64),
    /// A `ReplyTo` that travelled in a message, under the id that the node it came from gave it.
    Reply(u64),
}

/// Ids have 63 bits, so that one more says what they are of.
const ID_END: u64 = 1 << 63;

impl Asked {
    #[inline]
    pub(super) fn put(self, out: &mut Vec<u8>) {
        let (Asked::Call(id) | Asked::Reply(id)) = self;
        debug_assert!(id < ID_END, "an id has 63 bits");
        let space = u64::from(matches!(self, Asked::Reply(_)));
        put_number(out, id << 1 | space);
    }

    #[inline]
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Asked, FrameError> {
        let number = from.number("id of what is answered")?;
        Ok(if number & 1 == 0 { Asked::Call(number >> 1) } else { Asked::Reply(number >> 1) })
    }
}

#[inline]
pub(super) fn read_id(from: &mut Reader<'_>) -> Result<u64, FrameError> {
    from.below("id", ID_END)
}

/// 0: no limit; otherwise the microseconds and 1.
#[inline]
fn put_budget(out: &mut Vec<u8>, budget: Option<Duration>) {
    let micros = |budget: Duration| u64::try_from(budget.as_micros()).unwrap_or(u64::MAX);
    put_number(out, budget.map_or(0, |budget| micros(budget).saturating_add(1)));
}

#[inline]
fn read_budget(from: &mut Reader<'_>) -> Result<Option<Duration>, FrameError> {
    Ok(from.number("time that is left")?.checked_sub(1).map(Duration::from_micros))
}

impl Head {
    /// Appends the kind and the fields.
    #[inline]
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Head::Cast { to, message } => {
                out.push(kind::CAST);
                to.put(out);
                message.put(out);
            }
            Head::Send { id, to, message } => {
                out.push(kind::SEND);
                put_number(out, id);
                to.put(out);
                message.put(out);
            }
            Head::Call { id, to, asker, message, budget } => {
                out.push(kind::CALL);
                put_number(out, id);
                to.put(out);
                out.push(u8::from(asker.is_some()));
                if let Some(asker) = asker {
                    asker.put(out);
                }
                message.put(out);
                put_budget(out, budget);
            }
            Head::Answer { id } => {
                out.push(kind::ANSWER);
                id.put(out);
            }
            Head::Start { id, under, spec } => {
                out.push(kind::START);
                put_number(out, id);
                under.put(out);
                spec.put(out);
            }
            Head::Gossip => out.push(kind::GOSSIP),
            Head::Groups => out.push(kind::GROUPS),
            Head::Names => out.push(kind::NAMES),
        }
    }

    /// The head of this kind; `None`: it is the kind of something else.
    #[inline]
    pub(super) fn read(kind: u8, from: &mut Reader<'_>) -> Result<Option<Head>, FrameError> {
        Ok(Some(match kind {
            kind::CAST => Head::Cast { to: To::read(from)?, message: message(from)? },
            kind::SEND => Head::Send { id: read_id(from)?, to: To::read(from)?, message: message(from)? },
            kind::CALL => Head::Call {
                id: read_id(from)?,
                to: To::read(from)?,
                asker: from.option("asker", |from| BarePid::read(from, "asker"))?,
                message: message(from)?,
                budget: read_budget(from)?,
            },
            kind::ANSWER => Head::Answer { id: Asked::read(from)? },
            kind::START => Head::Start {
                id: read_id(from)?,
                under: NameNumber::read(from, "name of a supervisor")?,
                spec: NameNumber::read(from, "name of a spec")?,
            },
            kind::GOSSIP => Head::Gossip,
            kind::GROUPS => Head::Groups,
            kind::NAMES => Head::Names,
            _ => return Ok(None),
        }))
    }

    /// Whether it is urgent, and overtakes what is not.
    pub(crate) fn is_control(&self) -> bool {
        matches!(self, Head::Gossip)
    }
}

#[inline]
fn message(from: &mut Reader<'_>) -> Result<NameNumber, FrameError> {
    NameNumber::read(from, "name of a message")
}
