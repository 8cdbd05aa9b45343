//! The actors of the other process, and what is sent to them.

use kameo::prelude::*;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::convert::Infallible;
use std::fmt;
use std::ops::ControlFlow;
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// 32 bytes, as long as its numbers are large.
#[derive(Deserialize, Serialize)]
pub(crate) struct Small([u64; 4]);

pub(crate) static SMALL: Small = Small([u64::MAX, u64::MAX - 1, u64::MAX - 2, u64::MAX - 3]);

/// How many small ones came so far?
#[derive(Deserialize, Serialize)]
pub(crate) struct Count;

/// Gives back what it has.
#[derive(Deserialize, Serialize)]
pub(crate) struct Echo(pub(crate) u64);

/// Gives an actor that does nothing.
#[derive(Deserialize, Serialize)]
pub(crate) struct Idler;

/// Many bytes. The answer is how many.
#[derive(Deserialize, Serialize)]
pub(crate) struct Blob(pub(crate) Octets);

/// Bytes, written at once and not one after the other: by kameo, that is. The request around it is CBOR of libp2p,
/// which has them one after the other all the same.
pub(crate) struct Octets(pub(crate) Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Octets, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Octets;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Octets, E> {
                Ok(Octets(bytes.to_vec()))
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Octets, E> {
                Ok(Octets(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Read)
    }
}

/// Whom all is sent to. It keeps the actors it gives, as kameo ends who is kept by nobody.
#[derive(Default, RemoteActor)]
pub(crate) struct Sink {
    count: u64,
    idle: Vec<ActorRef<Idle>>,
}

impl Actor for Sink {
    type Args = ();
    type Error = Infallible;
    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Sink::default())
    }
}

#[remote_message]
impl Message<Small> for Sink {
    type Reply = ();
    async fn handle(&mut self, small: Small, _: &mut Context<Self, ()>) {
        self.count += u64::MAX - small.0[1];
    }
}

#[remote_message]
impl Message<Count> for Sink {
    type Reply = u64;
    async fn handle(&mut self, _: Count, _: &mut Context<Self, u64>) -> u64 {
        self.count
    }
}

#[remote_message]
impl Message<Echo> for Sink {
    type Reply = u64;
    async fn handle(&mut self, echo: Echo, _: &mut Context<Self, u64>) -> u64 {
        echo.0
    }
}

#[remote_message]
impl Message<Blob> for Sink {
    type Reply = u64;
    async fn handle(&mut self, blob: Blob, _: &mut Context<Self, u64>) -> u64 {
        blob.0.0.len() as u64
    }
}

#[remote_message]
impl Message<Idler> for Sink {
    type Reply = RemoteActorRef<Idle>;
    async fn handle(&mut self, _: Idler, _: &mut Context<Self, Self::Reply>) -> RemoteActorRef<Idle> {
        let idle = Idle::spawn(());
        let remote = idle.into_remote_ref().await;
        self.idle.push(idle);
        remote
    }
}

/// Does nothing.
#[derive(RemoteActor)]
pub(crate) struct Idle;

impl Actor for Idle {
    type Args = ();
    type Error = Infallible;
    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Idle)
    }
}

/// Be killed. Nobody can kill from afar, so the actor does it itself.
#[derive(Deserialize, Serialize)]
pub(crate) struct Die;

#[remote_message]
impl Message<Die> for Idle {
    type Reply = ();
    async fn handle(&mut self, _: Die, cx: &mut Context<Self, ()>) {
        cx.actor_ref().kill();
    }
}

/// Says when who it is linked to has ended, and why.
#[derive(RemoteActor)]
pub(crate) struct Watcher(UnboundedSender<(Instant, ActorStopReason)>);

impl Actor for Watcher {
    type Args = UnboundedSender<(Instant, ActorStopReason)>;
    type Error = Infallible;
    async fn on_start(told: Self::Args, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Watcher(told))
    }
    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorId,
        reason: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        let _ = self.0.send((Instant::now(), reason));
        Ok(ControlFlow::Continue(()))
    }
}
