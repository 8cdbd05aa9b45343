//! The handshake of a link, done.

use crate::config::Clients;
use crate::name::{Endpoint, NodeName, Role};
use crate::proto::Stream;
use crate::proto::hello::{Agreed, Event, Handshake, Introduction, Over, Refusal, Side, Terms};
use crate::proto::members::Peer as Member;
use crate::proto::reach::{self, LinkId};
use crate::shell::keeper::Admit;
use crate::transport::{Connection, TransportError};
use ravelin_core::within;

use super::{End, Linking, PART_WITHIN};

/// The handshake. It has no time of its own: whoever waits for it ends it.
pub(super) async fn shake(
    of: &Linking,
    link: LinkId,
    side: Side,
    expected: Option<NodeName>,
    connection: &mut Connection,
) -> Result<Agreed, End> {
    let terms = Terms { expected, ..Terms::new(of.ours.clone()) };
    let now = of.hub.system.runtime().now();
    let begun =
        if side == Side::Dialer { Handshake::dial(terms, now) } else { Handshake::accept(terms, now) };
    let mut handshake = begun.map_err(|why| End::Handshake(Over::Garbage(why)))?;
    let mut agreed = None;
    loop {
        let mut over = None;
        while let Some(event) = handshake.poll_event() {
            match event {
                Event::Introduced(who) => {
                    match judge(of, link, connection.certified.as_deref(), &who).await {
                        Ok(()) => handshake.admit(),
                        Err(why) => handshake.refuse(why),
                    }
                }
                Event::Agreed(terms) => agreed = Some(terms),
                Event::Over(why) => over = Some(why),
            }
        }
        while let Some(bytes) = handshake.poll_transmit() {
            connection.sender.send(Stream::Main, bytes).await?;
        }
        if let Some(why) = over {
            // The peer is to hear why, if it still listens: a connection that is dropped may lose what was sent.
            let runtime = of.hub.system.runtime().clone();
            let _ = within(&*runtime, PART_WITHIN, hear_out(connection)).await;
            return Err(End::Handshake(why));
        }
        connection.sender.flush().await?;
        if let Some(agreed) = agreed.take() {
            return Ok(agreed);
        }
        let (_, bytes) = connection.receiver.receive().await?.ok_or(End::Closed)?;
        handshake.handle_chunk(bytes);
    }
}

/// Closes, and waits until the peer has.
async fn hear_out(connection: &mut Connection) -> Result<(), TransportError> {
    connection.sender.close().await?;
    while connection.receiver.receive().await?.is_some() {}
    Ok(())
}

/// Whether the peer may be who it says it is, and whether the link is wanted.
async fn judge(
    of: &Linking,
    link: LinkId,
    certified: Option<&[NodeName]>,
    who: &Introduction,
) -> Result<(), Refusal> {
    if let Some(names) = certified
        && !names.contains(&who.node.name)
    {
        let why = format!("the certificate is not one of {}", who.node.name);
        return Err(Refusal::NotAllowed(why.into()));
    }
    let endpoint = match who.role {
        Role::Member => Endpoint(who.endpoint.clone()),
        Role::Client if of.is_client() || of.clients == Clients::Refused => {
            return Err(Refusal::NotAllowed("no clients are let in here".into()));
        }
        // It listens nowhere. That two lives of it are at the same place is no proof that the earlier is dead.
        Role::Client => Endpoint(who.node.to_string().into()),
    };
    let peer = Member { id: who.node.clone(), endpoint };
    let Some(keeper) = of.hub.keeper.get() else { return Err(Refusal::Leaving) };
    match keeper.call(Admit { link, peer, role: who.role }).await {
        Ok(verdict) => verdict.map_err(refusal),
        Err(_) => Err(Refusal::Leaving),
    }
}

/// What the plan's refusal is to the peer.
fn refusal(why: reach::Refusal) -> Refusal {
    match why {
        reach::Refusal::Duplicate => Refusal::Busy,
        reach::Refusal::Myself => Refusal::Itself,
        reach::Refusal::NameTaken { holder } => Refusal::NameTaken(holder),
        reach::Refusal::OldIncarnation { newest } => Refusal::OldIncarnation(newest.incarnation),
    }
}
