//! The actor of one link: it connects, shakes hands, then carries frames until the link is lost.

mod shake;
mod running;
mod starts;
mod dispatch;

use crate::config::Clients;
use crate::name::{Endpoint, NodeName};
use crate::proto::Stream;
use crate::proto::frame::Bye;
use crate::proto::hello::{Introduction, Over, Refusal, Role, Side, Terms};
use crate::proto::link::{Inbox, LinkConfig, Outbox};
use crate::proto::reach::{self, LinkId, Lost};
use crate::shell::hub::Hub;
use crate::shell::keeper::{Lose, Raise};
use crate::shell::peer::Peer;
use crate::transport::{Connection, Transport, TransportError};
use futures::channel::oneshot;
use futures::future::FutureExt;
use ravelin_core::Exit;
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
    /// The keeper wants no link, or is gone.
    Unwanted(reach::Close),
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
        }
    }
}

impl From<TransportError> for End {
    fn from(why: TransportError) -> End {
        End::Transport(why)
    }
}

impl End {
    /// As the plan of who is reached has it.
    fn lost(&self) -> Lost {
        match self {
            End::Bye(Bye::Leaving) => Lost::Bye,
            End::Ours(Bye::Silent) => Lost::Silent,
            End::Handshake(Over::RefusedByPeer(why)) => refused(why),
            End::Handshake(Over::Refused(_)) => Lost::Unfit,
            _ => Lost::Broken,
        }
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
        }
        if let Some(keeper) = self.hub.keeper.get() {
            // One that is gone takes all links along.
            let _ = keeper.cast(Lose { link: self.link, lost: self.lost.clone() });
        }
    }
}

/// The life of a link.
pub(crate) async fn run(
    of: Arc<Linking>,
    link: LinkId,
    begin: Begin,
    close: oneshot::Receiver<reach::Close>,
) -> Result<(), Exit> {
    let mut guard = Guard { hub: of.hub.clone(), link, peer: None, lost: Lost::Broken };
    let end = match live(&of, link, begin, close, &mut guard).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    guard.lost = end.lost();
    tracing::debug!(target: "ravelin", link = link.0, peer = guard.peer.as_ref().map(|peer| tracing::field::display(&peer.id)), reason = %end, "ravelin.cluster.link_ended");
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
    let mut connecting = pin!(connecting);
    let mut connection = poll_fn(|cx| {
        if let Poll::Ready(why) = close.poll_unpin(cx) {
            return Poll::Ready(Err(End::Unwanted(why.unwrap_or(reach::Close::Leaving))));
        }
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(End::Handshake(Over::TimedOut)));
        }
        connecting.as_mut().poll(cx).map_err(End::from)
    })
    .await?;
    let agreed = shake(of, link, side, expect, &mut connection, &mut close).await?;
    let peer = of.hub.meet(&agreed.peer.node).ok_or(End::Closed)?;
    let now = system.runtime().now();
    let outbox = Outbox::new(side, &of.config, agreed.peer.limits, now);
    guard.peer = Some(peer.clone());
    peer.connect(link, outbox);
    let keeper = of.hub.keeper.get().ok_or(End::Closed)?;
    keeper.call(Raise { link }).await.map_err(|_| End::Unwanted(reach::Close::Leaving))?;
    let mut inbox = Inbox::new(&of.config, of.ours.limits, now);
    inbox.handle_chunk(Stream::Main, agreed.rest, now);
    let way = of.hub.way(peer.number).ok_or(End::Closed)?;
    let role = agreed.peer.role;
    let running = Running::new(of.clone(), link, (peer, role), way, inbox, connection, close);
    Err(running.carry().await)
}

/// What a refusal of the peer is to the plan.
fn refused(why: &Refusal) -> Lost {
    match why {
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
