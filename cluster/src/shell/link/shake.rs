//! The handshake of a link, done.

use crate::config::Clients;
use crate::name::{Endpoint, NodeName};
use crate::proto::Stream;
use crate::proto::hello::{Agreed, Event, Handshake, Introduction, Over, Refusal, Role, Side, Terms};
use crate::proto::members::Peer as Member;
use crate::proto::reach::{self, LinkId};
use crate::shell::keeper::Admit;
use crate::transport::Connection;
use futures::channel::oneshot;
use futures::future::FutureExt;
use std::future::poll_fn;
use std::task::Poll;

use super::{End, Linking};

/// The handshake.
pub(super) async fn shake(
    of: &Linking,
    link: LinkId,
    side: Side,
    expected: Option<NodeName>,
    connection: &mut Connection,
    close: &mut oneshot::Receiver<reach::Close>,
) -> Result<Agreed, End> {
    let runtime = of.hub.system.runtime().clone();
    let terms = Terms { expected, ..Terms::new(of.ours.clone()) };
    let now = runtime.now();
    let begun =
        if side == Side::Dialer { Handshake::dial(terms, now) } else { Handshake::accept(terms, now) };
    let mut handshake = begun.map_err(|why| End::Handshake(Over::Garbage(why)))?;
    let mut timer = handshake.poll_timeout().map(|at| runtime.timer(at));
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
            // The peer is to hear why, if it still listens.
            let _ = connection.sender.close().await;
            return Err(End::Handshake(why));
        }
        connection.sender.flush().await?;
        if let Some(agreed) = agreed.take() {
            return Ok(agreed);
        }
        let came = poll_fn(|cx| {
            if let Poll::Ready(why) = close.poll_unpin(cx) {
                return Poll::Ready(Err(End::Unwanted(why.unwrap_or(reach::Close::Leaving))));
            }
            if timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(Ok(None));
            }
            connection
                .receiver
                .poll_receive(cx)
                .map_err(End::from)?
                .map(|came| came.ok_or(End::Closed).map(Some))
        })
        .await?;
        match came {
            Some((_, bytes)) => handshake.handle_chunk(bytes),
            None => handshake.handle_timeout(runtime.now()),
        }
    }
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
    let (role, endpoint) = match who.role {
        Role::Member => (reach::Role::Member, Endpoint(who.endpoint.clone())),
        Role::Client if of.is_client() || of.clients == Clients::Refused => {
            return Err(Refusal::NotAllowed("no clients are let in here".into()));
        }
        // It listens nowhere. That two lives of it are at the same place is no proof that the earlier is dead.
        Role::Client => (reach::Role::Client, Endpoint(who.node.to_string().into())),
    };
    let peer = Member { id: who.node.clone(), endpoint };
    let Some(keeper) = of.hub.keeper.get() else { return Err(Refusal::Leaving) };
    match keeper.call(Admit { link, peer, role }).await {
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
