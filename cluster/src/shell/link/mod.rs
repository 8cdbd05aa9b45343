//! The actor of one link: it connects, shakes hands, then carries frames until the link is lost.

mod shake;
mod running;
mod starts;
mod dispatch;

use crate::config::Clients;
use crate::name::{Endpoint, NodeId, NodeName, Role};
use crate::proto::Stream;
use crate::proto::frame::Bye;
use crate::proto::hello::{Introduction, Over, Refusal, Side, Terms};
use crate::proto::link::{Compressor, Inbox, LinkConfig, Outbox};
use crate::proto::reach::{self, LinkId, Lost};
use crate::shell::event::Refused;
use crate::shell::hub::Hub;
use crate::shell::keeper::{DialledBy, Lose, Raise, Refuse};
use crate::shell::peer::Peer;
use crate::transport::{Connection, Transport, TransportError};
use futures::channel::oneshot;
use futures::future::FutureExt;
use ravelin_core::Exit;
pub(super) use running::PART_WITHIN;
use running::Running;
use shake::shake;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// What a link begins with.
pub(crate) enum Begin {
    /// To be made.
    Dial { endpoint: Endpoint, expect: Option<NodeName> },
    /// Somebody else made it.
    Accepted(Connection),
}

/// What all links of a node have.
pub(crate) struct Linking {
    pub(crate) hub: Arc<Hub>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) ours: Introduction,
    pub(crate) config: LinkConfig,
    /// What clients may do here.
    pub(crate) clients: Clients,
}

impl Linking {
    /// Whether this side is a client itself.
    pub(crate) fn is_client(&self) -> bool {
        self.ours.role == Role::Client
    }
}

/// Why there is no link, or none any more.
#[derive(Debug)]
enum End {
    Transport(TransportError),
    /// The peer closed it.
    Closed,
    /// The peer said why.
    Bye(Bye),
    /// This side says why.
    Ours(Bye),
    Handshake(Over),
    /// The keeper wants no link.
    Unwanted(reach::Close),
    /// The keeper is gone. Nobody has said that the node leaves, so the peer is not told so.
    Orphaned,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Transport(why) => fmt::Display::fmt(why, f),
            End::Closed => f.write_str("the peer closed it"),
            End::Bye(why) => write!(f, "the peer ended it: {why:?}"),
            End::Ours(why) => write!(f, "ended here: {why:?}"),
            End::Handshake(why) => fmt::Display::fmt(why, f),
            End::Unwanted(why) => write!(f, "not wanted: {why:?}"),
            End::Orphaned => f.write_str("the node is gone"),
        }
    }
}

impl From<TransportError> for End {
    fn from(why: TransportError) -> End {
        End::Transport(why)
    }
}

impl End {
    /// As the plan of who is reached has it, of the node of this name.
    fn lost(&self, me: &NodeName) -> Lost {
        match self {
            End::Bye(Bye::Leaving) => Lost::Bye,
            End::Ours(Bye::Silent) => Lost::Silent,
            End::Handshake(Over::RefusedByPeer(why)) => refused(why, me),
            End::Handshake(Over::Refused(_)) => Lost::Unfit,
            _ => Lost::Broken,
        }
    }

    /// Which side does not want the other, if that is it. Two links of one pair, and a node that meets itself or one that
    /// goes, are in order.
    fn refused(&self) -> Option<Refused> {
        let why = match self {
            End::Transport(TransportError::Tls(why)) => return Refused::by_certificate(why),
            End::Handshake(Over::Refused(why)) => Refused::Here(why.clone()),
            End::Handshake(Over::RefusedByPeer(why)) => Refused::There(why.clone()),
            _ => return None,
        };
        let (Refused::Here(refusal) | Refused::There(refusal)) = &why else { return None };
        (!matches!(refusal, Refusal::Busy | Refusal::Itself | Refusal::Leaving)).then_some(why)
    }

    /// Whether the peer is broken, or hostile.
    fn is_foul(&self) -> bool {
        matches!(
            self,
            End::Transport(TransportError::Garbage(_))
                | End::Ours(Bye::Overrun | Bye::Protocol(_))
                | End::Handshake(Over::Garbage(_) | Over::OutOfTurn)
        )
    }
}

/// Tells the keeper of the loss, however the actor ends.
struct Guard {
    hub: Arc<Hub>,
    link: LinkId,
    peer: Option<Arc<Peer>>,
    lost: Lost,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(peer) = &self.peer {
            peer.disconnect(&self.hub.system, self.link);
            drop(peer.parted(self.link));
        }
        if let Some(keeper) = self.hub.keeper.get() {
            // One that is gone takes all links along.
            let _ = keeper.cast(Lose { link: self.link, lost: self.lost.clone() });
        }
    }
}

/// The life of a link. When it is over `_alive` is dropped.
pub(crate) async fn run(
    of: Arc<Linking>,
    link: LinkId,
    begin: Begin,
    close: oneshot::Receiver<reach::Close>,
    _alive: oneshot::Sender<()>,
) -> Result<(), Exit> {
    let mut guard = Guard { hub: of.hub.clone(), link, peer: None, lost: Lost::Broken };
    let (with, by) = match &begin {
        Begin::Dial { endpoint, .. } => (endpoint.clone(), DialledBy::Us),
        Begin::Accepted(connection) => (Endpoint(connection.peer.as_str().into()), DialledBy::Them),
    };
    let end = match live(&of, link, begin, close, &mut guard).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    guard.lost = end.lost(&of.hub.me.name);
    if let Some(why) = end.refused()
        && let Some(keeper) = of.hub.keeper.get()
    {
        let _ = keeper.cast(Refuse { with: Some(with.clone()), why, by });
    }
    let peer = guard.peer.as_ref().map(|peer| tracing::field::display(&peer.id));
    if end.is_foul() {
        tracing::warn!(target: "ravelin", link = link.0, peer, endpoint = %with, reason = %end, "ravelin.cluster.link_ended");
    } else {
        tracing::debug!(target: "ravelin", link = link.0, peer, endpoint = %with, reason = %end, "ravelin.cluster.link_ended");
    }
    Ok(())
}

enum Never {}

async fn live(
    of: &Arc<Linking>,
    link: LinkId,
    begin: Begin,
    mut close: oneshot::Receiver<reach::Close>,
    guard: &mut Guard,
) -> Result<Never, End> {
    let system = of.hub.system.clone();
    let mut deadline = system.runtime().timer(system.runtime().now() + Terms::new(of.ours.clone()).within);
    let (side, expect, connecting) = match begin {
        Begin::Accepted(connection) => (Side::Acceptor, None, futures::future::ok(connection).boxed()),
        Begin::Dial { ref endpoint, ref expect } => {
            (Side::Dialer, expect.clone(), of.transport.dial(endpoint))
        }
    };
    // Also what is said to the peer is said in time: one that takes nothing holds nobody.
    let (connection, agreed) = {
        let mut meeting = pin!(async {
            let mut connection = connecting.await?;
            let agreed = shake(of, link, side, expect, &mut connection).await?;
            Ok((connection, agreed))
        });
        poll_fn(|cx| {
            if let Poll::Ready(why) = close.poll_unpin(cx) {
                return Poll::Ready(Err(why.map_or(End::Orphaned, End::Unwanted)));
            }
            if deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(End::Handshake(Over::TimedOut)));
            }
            meeting.as_mut().poll(cx)
        })
        .await?
    };
    let peer = of.hub.meet(&agreed.peer.node).ok_or(End::Closed)?;
    let _ = peer.codecs.set(agreed.codecs);
    let now = system.runtime().now();
    let compression = of.config.compression.agreed(&agreed.features);
    let config = LinkConfig { compression, ..of.config.clone() };
    let outbox = Outbox::new(side, &config, agreed.peer.limits, now);
    guard.peer = Some(peer.clone());
    let keeper = of.hub.keeper.get().ok_or(End::Closed)?;
    match keeper.call(Raise { link, outbox }).await {
        Ok(true) => {}
        Ok(false) => return Err(End::Unwanted(reach::Close::Leaving)),
        Err(_) => return Err(End::Orphaned),
    }
    let mut inbox = Inbox::new(&config, of.ours.limits, now);
    inbox.handle_chunk(Stream::Main, agreed.rest, now);
    let way = peer.way().ok_or(End::Closed)?;
    let role = agreed.peer.role;
    let lanes = (inbox, Compressor::new(&config));
    let running = Running::new(of.clone(), link, (peer, role), way, lanes, connection, close);
    Err(running.carry().await)
}

/// What a refusal of the peer is to the plan of the node of this name.
fn refused(why: &Refusal, me: &NodeName) -> Lost {
    match why {
        Refusal::OldIncarnation(newest) => {
            let newest = NodeId { name: me.clone(), incarnation: *newest };
            Lost::Refused(reach::Refusal::OldIncarnation { newest })
        }
        Refusal::NameTaken(holder) => Lost::Refused(reach::Refusal::NameTaken { holder: holder.clone() }),
        Refusal::Itself => Lost::Refused(reach::Refusal::Myself),
        Refusal::Busy => Lost::Refused(reach::Refusal::Duplicate),
        Refusal::Leaving => Lost::Bye,
        Refusal::Other(_) => Lost::Broken,
        _ => Lost::Unfit,
    }
}

fn broken(why: &dyn fmt::Display) -> End {
    End::Ours(Bye::Protocol(why.to_string().into()))
}

fn farewell(why: &reach::Close) -> Bye {
    match why {
        reach::Close::Leaving => Bye::Leaving,
        reach::Close::Refused(_) => Bye::Duplicate,
        reach::Close::TimedOut => Bye::Silent,
        _ => Bye::Superseded,
    }
}
