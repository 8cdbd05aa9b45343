//! What came by a link, to whom it is for.

use crate::accepts::{Bytes as Appends, Desk, Room, Row, Target};
use crate::name::{NodeId, Role};
use crate::proto::circles::{Probe, Step};
use crate::proto::frame::{Asked, Bye, Frame, Head, Signal, Waits};
use crate::proto::waits::CallId;
use crate::proto::{NameNumber, NodeNumber, To, WirePid};
use crate::shell::crossing::{land, renew};
use crate::shell::failure;
use crate::shell::hub::Toward;
use crate::shell::keeper::Gossip;
use crate::shell::peer::{Aim, Peer};
use bytes::Bytes;
use ravelin_core::{CallError, Caller, Pid};
use std::any::TypeId;
use std::sync::{Arc, Weak};

use super::running::Running;
use super::{End, broken};

/// What was looked up for so many pairs of a message and a type of actor is known the next time.
const ROWS_MAX: usize = 16;

/// What a type of actor does with a message, found before.
pub(super) struct KnownRow {
    message: NameNumber,
    of: TypeId,
    row: Row,
}

/// A request of the peer.
struct Request {
    peer: Weak<Peer>,
    id: Asked,
}

impl Desk for Request {
    fn keep(&self, caller: Caller) -> bool {
        self.peer.upgrade().is_some_and(|peer| peer.take(self.id, caller).is_ok())
    }
    fn answer(&self, answer: Result<&dyn Appends, CallError<()>>) {
        if let Some(peer) = self.peer.upgrade() {
            peer.answer(ravelin_core::running(), self.id, answer);
        }
    }
}

impl Running {
    pub(super) fn handle(&mut self, frame: Frame) -> Result<(), End> {
        match frame {
            Frame::Carrying(head, payload) => self.handle_payload(head, payload),
            Frame::Signal(signal) => self.handle_signal(signal),
        }
    }

    fn handle_signal(&mut self, signal: Signal) -> Result<(), End> {
        let now = self.system.runtime().now();
        let own = self.peer.with_outbox(self.link, |outbox| outbox.handle_signal(&signal, now));
        if let Some(Err(why)) = own {
            return Err(broken(&why));
        }
        match signal {
            Signal::Bye(why) => return Err(End::Bye(why)),
            Signal::Cancel { id } => self.peer.give_up(id),
            Signal::Done { id } => drop(self.peer.answered(Asked::Call(id), Ok(Bytes::new()))),
            Signal::Failed { id, failure } => {
                self.note_nodes();
                let hub = &self.of.hub;
                let known = |pid| self.known(Some(pid));
                let why = failure::from_frame(failure, known, |pid, told| hub.hop_told(pid, told));
                self.land(id, Err(why));
            }
            Signal::Probe { number, first, call, path } => {
                self.note_nodes();
                let step = |told: Waits| Some(Step { pid: self.known(told.pid)?, name: told.name });
                if let Some(path) = path.into_iter().map(step).collect() {
                    let probe = Probe { number, first: CallId(first), path };
                    self.of.hub.probe_came(&self.peer, CallId(call), probe);
                }
            }
            Signal::Monitor { monitor, from, to } if !matches!(to, To::Pid(_)) => {
                match self.aim(to).and_then(|aim| self.of.hub.incarnation(&aim)) {
                    Some(pid) => {
                        let to = To::Pid(crate::proto::BarePid::of(pid));
                        self.hear(Signal::Monitor { monitor, from, to })?;
                    }
                    None => self.peer.nobody_to_watch(monitor, from),
                }
            }
            other => self.hear(other)?,
        }
        Ok(())
    }

    /// An actor that the peer names, as this node knows it.
    fn known(&self, pid: Option<WirePid>) -> Option<Pid> {
        let pid = pid?;
        let node = match pid.node {
            NodeNumber::SENDER => self.peer.number,
            NodeNumber::RECEIVER => 0,
            NodeNumber(other) => *self.nodes.get(&other)?,
        };
        Some(pid.at(node))
    }

    fn hear(&self, signal: Signal) -> Result<(), End> {
        let heard = self.peer.hear(&self.system, signal);
        heard.map_err(|why| End::Ours(Bye::Protocol(why.to_string().into())))
    }

    /// Whether both sides are members: clients say and hear nothing of membership, groups and names.
    fn is_among_members(&self) -> bool {
        self.role == Role::Member && !self.of.is_client()
    }

    fn handle_payload(&mut self, head: Head, payload: Bytes) -> Result<(), End> {
        if matches!(head, Head::Gossip | Head::Groups | Head::Names) && !self.is_among_members() {
            return Err(broken(&"membership, groups and names are told among members only"));
        }
        match head {
            Head::Cast { to, message } => {
                let done = self.give(to, message, |target, row| (row.cast)(target, &payload));
                if let Err(why) = done {
                    self.cast_lost(message, &why);
                }
            }
            Head::Send { id, .. } if self.is_crowded() => self.peer.sent(id, Err(CallError::Full(()))),
            Head::Call { id, .. } if self.is_crowded() => {
                self.peer.answer(None, Asked::Call(id), Err(CallError::Full(())));
            }
            Head::Send { id, to, message } => {
                match self.give(to, message, |target, row| (row.send)(target, &payload)) {
                    Ok(None) => self.peer.sent(id, Ok(())),
                    Ok(Some(room)) => self.wait_for(room, payload.len(), Some(id)),
                    Err(why) => self.peer.sent(id, Err(why)),
                }
            }
            Head::Call { id: call, to, message, budget, asker } => {
                let id = Asked::Call(call);
                let desk: Arc<dyn Desk> = Arc::new(Request { peer: Arc::downgrade(&self.peer), id });
                match self.give(to, message, |target, row| (row.request)(target, &payload, budget, &desk)) {
                    Ok(None) => {}
                    Ok(Some(room)) => self.wait_for(room, payload.len(), None),
                    Err(why) => self.peer.answer(None, id, Err(why)),
                }
                if let Some(asker) = asker {
                    self.of.hub.call_came(&self.peer, CallId(call), asker.at(self.peer.number));
                }
            }
            Head::Answer { id } => self.land(id, Ok(payload)),
            Head::Gossip => {
                let from = NodeId::clone(&self.peer.id);
                if let Some(keeper) = self.of.hub.keeper.get() {
                    // What it has no room for is lost, as gossip may be.
                    let _ = keeper.cast(Gossip { from, bytes: payload });
                }
            }
            Head::Groups => {
                let heard = self.of.hub.with_groups(|groups| groups.handle_frame(self.peer.number, &payload));
                heard.map_err(|why| End::Ours(Bye::Protocol(why.to_string().into())))?;
            }
            Head::Names => {
                let heard = self.of.hub.with_names(|names| names.handle_frame(self.peer.number, &payload));
                heard.map_err(|why| End::Ours(Bye::Protocol(why.to_string().into())))?;
            }
            Head::Start { id, under, spec } => self.start(id, under, spec, &payload),
        }
        Ok(())
    }

    /// Gives a message to whom it is for.
    fn give<R>(
        &mut self,
        to: To,
        message: NameNumber,
        f: impl FnOnce(&Target<'_>, Row) -> Result<R, CallError<()>>,
    ) -> Result<R, CallError<()>> {
        self.note_nodes();
        let (hub, inbox, rows) = (&self.of.hub, &self.inbox, &mut self.rows);
        let toward = match to {
            To::Pid(pid) => Toward::Pid(pid.at(0)),
            To::Place(number) => Toward::Place(number),
            To::Name(number) => Toward::Name(inbox.name(number).ok_or(CallError::NoProc(()))?),
        };
        let row = |of| {
            let found = rows.iter().find(|known| known.message == message && known.of == of);
            if let Some(known) = found {
                return Ok(known.row);
            }
            let row = hub.row(of, inbox.name(message).map_or("", |name| name))?;
            if rows.len() == ROWS_MAX {
                rows.remove(0);
            }
            rows.push(KnownRow { message, of, row });
            Ok(row)
        };
        hub.find(toward, row, f)
    }

    /// The third nodes that were defined since the last look.
    pub(super) fn note_nodes(&mut self) {
        let mut number = self.nodes.len() as u32 + 2;
        while let Some(life) = self.inbox.node(crate::proto::NodeNumber(number)) {
            let Some(index) = self.of.hub.roster.number(life) else { return };
            Arc::make_mut(&mut self.nodes).insert(number, index);
            renew(&self.nodes);
            number += 1;
        }
    }

    fn aim(&self, to: To) -> Option<Aim> {
        Some(match to {
            To::Pid(pid) => Aim::Pid(pid.at(0)),
            To::Place(number) => Aim::Place(number),
            To::Name(number) => Aim::Name(self.inbox.name(number)?.clone()),
        })
    }

    fn land(&mut self, id: Asked, answer: Result<Bytes, CallError<()>>) {
        self.note_nodes();
        let peer = self.peer.clone();
        if let Some((way, answer)) = peer.answered(id, answer) {
            land(way, answer);
        }
    }

    fn wait_for(&mut self, room: Room, bytes: usize, send: Option<u64>) {
        let peer = self.peer.clone();
        self.rooms_bytes += bytes;
        self.rooms.push(Box::pin(async move {
            let outcome = room.await;
            if let Some(id) = send {
                peer.sent(id, outcome);
            }
            bytes
        }));
    }

    #[cold]
    fn cast_lost(&mut self, message: NameNumber, why: &CallError<()>) {
        self.peer.lost_casts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let message = self.inbox.name(message).map(|name| &**name);
        tracing::debug!(target: "ravelin", from = %self.peer.id, message, reason = %why, "ravelin.cluster.cast_lost");
    }
}
