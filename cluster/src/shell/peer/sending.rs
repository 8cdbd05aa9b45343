//! What actors send to a peer, and ask of it.

use crate::proto::frame::{Head, Signal as Framed};
use crate::proto::link::{Flow, Pushed, Unsent};
use crate::proto::waits::CallId;
use crate::proto::{BarePid, NameNumber, To};
use bytes::Bytes;
use ravelin_core::Pid;
use ravelin_core::crossing::WayBack;
use std::sync::Arc;
use std::task::Waker;

use super::Peer;
use super::gate::{Gate, Request, Up, Wait};

/// Why something was not sent to a peer.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// There is no link to it.
    NoConnection,
    /// Its queue is full.
    Full,
    /// The message can not go to this peer; says why.
    Unfit(String),
}

impl From<Unsent> for NotSent {
    fn from(why: Unsent) -> NotSent {
        match why {
            Unsent::Full => NotSent::Full,
            Unsent::TooLarge { bytes, max } => NotSent::Unfit(format!(
                "the message has {bytes} bytes, and the other node takes {max}: raise `limits.message_bytes_max` \
                 in the configuration there, or send it in parts"
            )),
            other => NotSent::Unfit(other.to_string()),
        }
    }
}

/// A message that is written.
pub(crate) struct Letter<'a> {
    /// The actor that sends it, if one does.
    pub(crate) flow: Option<Pid>,
    pub(crate) aim: &'a Aim,
    /// What the message is called on the wire.
    pub(crate) name: &'static str,
    pub(crate) payload: Payload<'a>,
}

/// A message of so many bytes goes over the bulk lane, and is not copied until it is sent.
const COPY_BELOW: usize = 16 << 10;

/// The bytes of a message.
#[derive(Clone)]
pub(crate) enum Payload<'a> {
    /// To be copied.
    Small(&'a [u8]),
    /// To be kept until they are sent.
    Large(Bytes),
}

impl<'a> Payload<'a> {
    pub(crate) fn of(bytes: &'a Bytes) -> Payload<'a> {
        if bytes.len() < COPY_BELOW { Payload::Small(bytes) } else { Payload::Large(bytes.clone()) }
    }

    /// What was written to this buffer; a large message takes it.
    pub(in crate::shell) fn written(bytes: &'a mut Vec<u8>) -> Payload<'a> {
        if bytes.len() < COPY_BELOW {
            Payload::Small(bytes)
        } else {
            Payload::Large(std::mem::take(bytes).into())
        }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Payload::Small(bytes) => Bytes::copy_from_slice(bytes),
            Payload::Large(bytes) => bytes,
        }
    }
}

/// Whom a message is for, before it has numbers of a link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Aim {
    Pid(Pid),
    Place(u64),
    Name(Arc<str>),
}

/// What is asked of the peer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// That the mailbox has it.
    Send,
    /// An answer, within this time.
    Call { budget: Option<std::time::Duration> },
}

impl Peer {
    /// Sends a message whose payload is there.
    pub(crate) fn cast(&self, letter: Letter<'_>) -> Result<(), NotSent> {
        self.push(letter, |to, message| Head::Cast { to, message })
    }

    /// Sends a request; `wait` is called once with the outcome, unless it is given up before. `begun` learns the number
    /// of the call before anybody else does. When the queue is full `waker` is woken as soon as there is room.
    pub(crate) fn ask(
        &self,
        letter: Letter<'_>,
        ask: Ask,
        wait: Wait,
        waker: &Waker,
        begun: impl FnOnce(CallId),
    ) -> Result<CallId, (NotSent, Wait)> {
        let asker = letter.flow.map(BarePid::of);
        self.request(wait, waker, |gate, id| {
            begun(id);
            let up = gate.up.as_mut().ok_or(NotSent::NoConnection)?;
            push_in(up, letter, |to, message| match ask {
                Ask::Send => Head::Send { id: id.0, to, message },
                Ask::Call { budget } => Head::Call { id: id.0, to, asker, message, budget },
            })
        })
    }

    /// Asks for a child to be started; `wait` as in [`ask`](Peer::ask).
    pub(crate) fn ask_start(
        &self,
        under: &str,
        spec: &str,
        args: Payload<'_>,
        wait: Wait,
        waker: &Waker,
    ) -> Result<CallId, (NotSent, Wait)> {
        self.request(wait, waker, |gate, id| {
            let up = gate.up.as_mut().ok_or(NotSent::NoConnection)?;
            let (under, spec) = (up.outbox.name_of(under)?, up.outbox.name_of(spec)?);
            let (head, flow) = (Head::Start { id: id.0, under, spec }, Flow::Name(under));
            Ok((up.push(flow, &head, args)?, flow))
        })
    }

    /// Sends what `push` pushes under this number, and says in which flow.
    fn request(
        &self,
        wait: Wait,
        waker: &Waker,
        push: impl FnOnce(&mut Gate, CallId) -> Result<(Pushed, Flow), NotSent>,
    ) -> Result<CallId, (NotSent, Wait)> {
        let mut gate = self.gate();
        let id = gate.calls.begin(Request { wait, flow: Flow::Place(0) });
        match push(&mut gate, id) {
            Ok((pushed, flow)) => {
                if let Some(request) = gate.calls.get_mut(id) {
                    request.flow = flow;
                }
                drop(gate);
                self.wake_if(pushed);
                Ok(id)
            }
            Err(why) => gate.unsent(id, why, waker),
        }
    }

    /// Nobody waits for the answer any more. Said in the flow of the request: there it comes after it.
    pub(crate) fn cancel(&self, id: CallId) {
        let mut gate = self.gate();
        let Some(Request { wait, flow }) = gate.calls.end(id) else { return };
        let pushed = gate.signal(flow, &Framed::Cancel { id: id.0 });
        drop(gate);
        self.wake_if(pushed);
        drop(wait);
    }

    fn push(&self, letter: Letter<'_>, head: impl FnOnce(To, NameNumber) -> Head) -> Result<(), NotSent> {
        let (pushed, _) = push_in(self.gate().up.as_mut().ok_or(NotSent::NoConnection)?, letter, head)?;
        self.wake_if(pushed);
        Ok(())
    }

    /// Keeps a way back that goes to the peer.
    pub(crate) fn keep_way(&self, way: WayBack) -> CallId {
        self.gate().ways.begin(way)
    }

    /// The message with this way back was not sent.
    pub(crate) fn take_way_back(&self, id: CallId) {
        let way = self.gate().ways.end(id);
        drop(way);
    }
}

fn push_in(
    up: &mut Up,
    letter: Letter<'_>,
    head: impl FnOnce(To, NameNumber) -> Head,
) -> Result<(Pushed, Flow), NotSent> {
    let Letter { flow, aim, name, payload } = letter;
    let message = up.outbox.name(name)?;
    let (to, anyone) = match aim {
        Aim::Pid(pid) => (To::Pid(BarePid::of(*pid)), Flow::Actor(*pid)),
        Aim::Place(number) => (To::Place(*number), Flow::Place(*number)),
        Aim::Name(name) => {
            let name = up.outbox.name_of(name)?;
            (To::Name(name), Flow::Name(name))
        }
    };
    let flow = flow.map_or(anyone, Flow::Actor);
    Ok((up.push(flow, &head(to, message), payload)?, flow))
}
