//! `[pure]` Frames without a payload: signals between actors, outcomes, and what the link itself has to say.

use super::super::code::{FrameError, NAME_MAX, Reader, TEXT_MAX, put_number, put_text};
use super::super::exit::{put_exit, read_exit};
use super::super::number::{BarePid, To, WirePid};
use super::head::{Asked, read_id};
use super::kind;
use ravelin_core::Exit;
use std::sync::Arc;

/// The most actors on the way of a circle of calls.
pub(super) const PATH_MAX: usize = 64;

/// What is said without a payload. `from` is an actor of the sender's node, `to` one of the receiver's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Signal {
    /// So many messages of the bulk stream were handed out, since the link began.
    BulkAck {
        /// How many.
        count: u64,
    },
    /// The link ends.
    Bye(Bye),
    /// Nobody waits for the answer to this call any more. Goes in the flow of the call, so it comes after it.
    Cancel {
        /// The call's.
        id: u64,
    },
    /// A monitor is taken back.
    Demonitor {
        /// The watcher's name for it.
        monitor: u64,
    },
    /// The message of a [`Send`](super::Head::Send) is in the mailbox.
    Done {
        /// The send's.
        id: u64,
    },
    /// What was monitored has ended, or is not there.
    Down {
        /// The watcher's name for the monitor.
        monitor: u64,
        /// The watcher.
        to: BarePid,
        /// Who ended; `None`: there was nobody.
        from: Option<BarePid>,
        /// Why.
        reason: Exit,
    },
    /// An exit signal, sent by hand.
    Exit {
        /// Who sends it.
        from: BarePid,
        /// Whom it is for.
        to: BarePid,
        /// The reason.
        reason: Exit,
    },
    /// There is no answer, and why.
    Failed {
        /// To what.
        id: Asked,
        /// Why.
        failure: Failure,
    },
    /// An end that cannot be trapped.
    Kill {
        /// Who sends it; `None`: no actor.
        from: Option<BarePid>,
        /// Whom it is for.
        to: BarePid,
    },
    /// Two actors are linked.
    Link {
        /// Who asked for it.
        from: BarePid,
        /// The other.
        to: BarePid,
    },
    /// An actor that was linked has ended.
    LinkExit {
        /// Who ended.
        from: BarePid,
        /// Whom it was linked to.
        to: BarePid,
        /// Why.
        reason: Exit,
    },
    /// An actor wants to know of an end.
    Monitor {
        /// The watcher's name for it.
        monitor: u64,
        /// The watcher.
        from: BarePid,
        /// What is watched.
        to: To,
    },
    /// Is anybody there?
    Ping {
        /// Comes back.
        token: u64,
    },
    /// Yes.
    Pong {
        /// The ping's.
        token: u64,
    },
    /// Whether a chain of calls from node to node closes a circle.
    Probe {
        /// What the node that began it knows it by; 0: it is to begin.
        number: u64,
        /// The id of the call that it began with, at the node of the first of the path.
        first: u64,
        /// The id of the call that it comes by, at the sender.
        call: u64,
        /// Who waits for whom, at most 64.
        path: Vec<Waits>,
    },
    /// Two actors are linked no more, when it is acknowledged.
    Unlink {
        /// Names this one.
        id: u64,
        /// Who asked for it.
        from: BarePid,
        /// The other.
        to: BarePid,
    },
    /// They are linked no more.
    UnlinkAck {
        /// The unlink's.
        id: u64,
        /// Who acknowledges.
        from: BarePid,
        /// Who asked for it.
        to: BarePid,
    },
}

/// Why a link ends.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Bye {
    /// There is another link between the two nodes.
    Duplicate,
    /// The node leaves the cluster.
    Leaving,
    /// The peer does not read: what it must be told waits in vain.
    Overrun,
    /// The peer broke the protocol; says how.
    Protocol(Arc<str>),
    /// Nothing came from the peer for too long.
    Silent,
    /// The peer has a life after this one, or counts as down.
    Superseded,
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The call closed a circle.
    Deadlock {
        /// From the caller to the caller, at most 64.
        path: Vec<Waits>,
    },
    /// It was thrown away before it was begun.
    Discarded,
    /// The callee ended before it answered.
    Exited(Exit),
    /// Its time was over when it came.
    Expired,
    /// The mailbox is full.
    Full,
    /// There is no such actor.
    NoProc,
    /// The callee dropped its way to answer.
    NoReply,
    /// The receiver does not know the message, or its bytes are none; says which.
    NotUnderstood(Arc<str>),
    /// It took too long.
    Timeout,
}

/// An actor that waits for another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Waits {
    /// The incarnation; `None` if it has just ended.
    pub pid: Option<WirePid>,
    /// The name of its place, or of its type.
    pub name: Arc<str>,
}

impl Waits {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.pid.is_some()));
        if let Some(pid) = self.pid {
            pid.put(out);
        }
        put_text(out, &self.name, NAME_MAX);
    }

    fn read(from: &mut Reader<'_>) -> Result<Waits, FrameError> {
        let pid = from.option("pid of who waits", |from| WirePid::read(from, "pid of who waits"))?;
        Ok(Waits { pid, name: from.text("name of who waits", NAME_MAX)? })
    }
}

/// Appends the first 64.
fn put_path(out: &mut Vec<u8>, path: &[Waits]) {
    let path = &path[..path.len().min(PATH_MAX)];
    put_number(out, path.len() as u64);
    path.iter().for_each(|waits| waits.put(out));
}

fn read_path(from: &mut Reader<'_>) -> Result<Vec<Waits>, FrameError> {
    let length = from.length("path of a circle", PATH_MAX)?;
    (0..length).map(|_| Waits::read(from)).collect()
}

impl Failure {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Failure::NoProc => out.push(0),
            Failure::Full => out.push(1),
            Failure::Discarded => out.push(2),
            Failure::Expired => out.push(3),
            Failure::NoReply => out.push(4),
            Failure::Timeout => out.push(5),
            Failure::Exited(reason) => {
                out.push(6);
                put_exit(out, reason);
            }
            Failure::NotUnderstood(why) => {
                out.push(7);
                put_text(out, why, TEXT_MAX);
            }
            Failure::Deadlock { path } => {
                out.push(8);
                put_path(out, path);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Failure, FrameError> {
        Ok(match from.byte("failure")? {
            0 => Failure::NoProc,
            1 => Failure::Full,
            2 => Failure::Discarded,
            3 => Failure::Expired,
            4 => Failure::NoReply,
            5 => Failure::Timeout,
            6 => Failure::Exited(read_exit(from)?),
            7 => Failure::NotUnderstood(from.text("what was not understood", TEXT_MAX)?),
            8 => Failure::Deadlock { path: read_path(from)? },
            tag => return Err(FrameError::Tag { what: "failure", tag }),
        })
    }
}

impl Bye {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Bye::Leaving => out.push(0),
            Bye::Duplicate => out.push(1),
            Bye::Silent => out.push(2),
            Bye::Overrun => out.push(3),
            Bye::Superseded => out.push(4),
            Bye::Protocol(why) => {
                out.push(5);
                put_text(out, why, TEXT_MAX);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Bye, FrameError> {
        Ok(match from.byte("reason of a bye")? {
            0 => Bye::Leaving,
            1 => Bye::Duplicate,
            2 => Bye::Silent,
            3 => Bye::Overrun,
            4 => Bye::Superseded,
            5 => Bye::Protocol(from.text("fault of a peer", TEXT_MAX)?),
            tag => return Err(FrameError::Tag { what: "reason of a bye", tag }),
        })
    }
}

impl Signal {
    /// Appends the kind and the fields.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Signal::Ping { token } => put_numbered(out, kind::PING, *token),
            Signal::Pong { token } => put_numbered(out, kind::PONG, *token),
            Signal::BulkAck { count } => put_numbered(out, kind::BULK_ACK, *count),
            Signal::Cancel { id } => put_numbered(out, kind::CANCEL, *id),
            Signal::Done { id } => put_numbered(out, kind::DONE, *id),
            Signal::Demonitor { monitor } => put_numbered(out, kind::DEMONITOR, *monitor),
            Signal::Bye(why) => {
                out.push(kind::BYE);
                why.put(out);
            }
            Signal::Exit { from, to, reason } => {
                put_pair(out, kind::EXIT, *from, *to);
                put_exit(out, reason);
            }
            Signal::LinkExit { from, to, reason } => {
                put_pair(out, kind::LINK_EXIT, *from, *to);
                put_exit(out, reason);
            }
            Signal::Kill { from, to } => {
                out.push(kind::KILL);
                out.push(u8::from(from.is_some()));
                if let Some(from) = from {
                    from.put(out);
                }
                to.put(out);
            }
            Signal::Link { from, to } => put_pair(out, kind::LINK, *from, *to),
            Signal::Unlink { id, from, to } => {
                put_pair(out, kind::UNLINK, *from, *to);
                put_number(out, *id);
            }
            Signal::UnlinkAck { id, from, to } => {
                put_pair(out, kind::UNLINK_ACK, *from, *to);
                put_number(out, *id);
            }
            Signal::Monitor { monitor, from, to } => {
                put_numbered(out, kind::MONITOR, *monitor);
                from.put(out);
                to.put(out);
            }
            Signal::Down { monitor, to, from, reason } => {
                put_numbered(out, kind::DOWN, *monitor);
                to.put(out);
                out.push(u8::from(from.is_some()));
                if let Some(from) = from {
                    from.put(out);
                }
                put_exit(out, reason);
            }
            Signal::Failed { id, failure } => {
                out.push(kind::FAILED);
                id.put(out);
                failure.put(out);
            }
            Signal::Probe { number, first, call, path } => {
                put_numbered(out, kind::PROBE, *number);
                put_number(out, *first);
                put_number(out, *call);
                put_path(out, path);
            }
        }
    }

    /// The signal of this kind; `None`: it is the kind of something else.
    pub(super) fn read(kind: u8, bytes: &mut Reader<'_>) -> Result<Option<Signal>, FrameError> {
        Ok(Some(match kind {
            kind::PING => Signal::Ping { token: bytes.number("token")? },
            kind::PONG => Signal::Pong { token: bytes.number("token")? },
            kind::BULK_ACK => Signal::BulkAck { count: bytes.number("count of messages")? },
            kind::CANCEL => Signal::Cancel { id: read_id(bytes)? },
            kind::DONE => Signal::Done { id: read_id(bytes)? },
            kind::DEMONITOR => Signal::Demonitor { monitor: bytes.number("monitor")? },
            kind::BYE => Signal::Bye(Bye::read(bytes)?),
            kind::EXIT => {
                let (from, to) = read_pair(bytes)?;
                Signal::Exit { from, to, reason: read_exit(bytes)? }
            }
            kind::LINK_EXIT => {
                let (from, to) = read_pair(bytes)?;
                Signal::LinkExit { from, to, reason: read_exit(bytes)? }
            }
            kind::KILL => {
                let from =
                    bytes.option("sender of a kill", |bytes| BarePid::read(bytes, "sender of a kill"))?;
                Signal::Kill { from, to: BarePid::read(bytes, "receiver of a kill")? }
            }
            kind::LINK => {
                let (from, to) = read_pair(bytes)?;
                Signal::Link { from, to }
            }
            kind::UNLINK => {
                let (from, to) = read_pair(bytes)?;
                Signal::Unlink { id: bytes.number("id of an unlink")?, from, to }
            }
            kind::UNLINK_ACK => {
                let (from, to) = read_pair(bytes)?;
                Signal::UnlinkAck { id: bytes.number("id of an unlink")?, from, to }
            }
            kind::MONITOR => Signal::Monitor {
                monitor: bytes.number("monitor")?,
                from: BarePid::read(bytes, "watcher")?,
                to: To::read(bytes)?,
            },
            kind::DOWN => Signal::Down {
                monitor: bytes.number("monitor")?,
                to: BarePid::read(bytes, "watcher")?,
                from: bytes.option("pid of who ended", |bytes| BarePid::read(bytes, "pid of who ended"))?,
                reason: read_exit(bytes)?,
            },
            kind::FAILED => Signal::Failed { id: Asked::read(bytes)?, failure: Failure::read(bytes)? },
            kind::PROBE => Signal::Probe {
                number: bytes.number("number of a probe")?,
                first: read_id(bytes)?,
                call: read_id(bytes)?,
                path: read_path(bytes)?,
            },
            _ => return Ok(None),
        }))
    }

    /// Whether it is urgent, and overtakes what is not.
    pub(crate) fn is_control(&self) -> bool {
        match self {
            Signal::BulkAck { .. }
            | Signal::Bye(_)
            | Signal::Exit { .. }
            | Signal::Kill { .. }
            | Signal::Ping { .. }
            | Signal::Pong { .. }
            | Signal::Probe { .. } => true,
            Signal::Cancel { .. }
            | Signal::Demonitor { .. }
            | Signal::Done { .. }
            | Signal::Down { .. }
            | Signal::Failed { .. }
            | Signal::Link { .. }
            | Signal::LinkExit { .. }
            | Signal::Monitor { .. }
            | Signal::Unlink { .. }
            | Signal::UnlinkAck { .. } => false,
        }
    }
}

fn put_numbered(out: &mut Vec<u8>, kind: u8, number: u64) {
    out.push(kind);
    put_number(out, number);
}

fn put_pair(out: &mut Vec<u8>, kind: u8, from: BarePid, to: BarePid) {
    out.push(kind);
    from.put(out);
    to.put(out);
}

fn read_pair(bytes: &mut Reader<'_>) -> Result<(BarePid, BarePid), FrameError> {
    Ok((BarePid::read(bytes, "sender of a signal")?, BarePid::read(bytes, "target of a signal")?))
}
