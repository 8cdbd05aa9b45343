//! A peer whose every byte is made by hand: it speaks the protocol as far as the test wants.

use crate::house::name;
use bytes::Bytes;
use ravelin_cluster::Role;
use ravelin_cluster::proto::frame::Head;
use ravelin_cluster::proto::hello::{Event, Handshake, Introduction, Limits, Side, Terms};
use ravelin_cluster::proto::link::{Flow, LinkConfig, Outbox, Streams};
use ravelin_cluster::transport::{Connection, Stream, Transport, TransportError};
use ravelin_cluster::{Bincode, Codec, Endpoint, Incarnation, NodeId};
use ravelin_core::Time;

/// Where nobody listens.
const NOWHERE: &str = "127.0.0.1:1";

/// It, after the handshake.
pub(crate) struct Hand {
    pub(crate) connection: Connection,
    pub(crate) outbox: Outbox,
}

impl Hand {
    /// Dials, and shakes hands as a member of this name.
    pub(crate) async fn shake(transport: &dyn Transport, at: &Endpoint, name: &str) -> Hand {
        let mut connection = transport.dial(at).await.unwrap();
        let ours = Introduction {
            cluster: "ravelin".into(),
            node: NodeId { name: self::name(name), incarnation: Incarnation(1) },
            endpoint: NOWHERE.into(),
            role: Role::Member,
            features: [].into(),
            codecs: [Bincode::NAME.into()].into(),
            limits: Limits::default(),
        };
        let mut handshake = Handshake::dial(Terms::new(ours), Time::EPOCH).unwrap();
        loop {
            let mut agreed = None;
            while let Some(event) = handshake.poll_event() {
                match event {
                    Event::Introduced(_) => handshake.admit(),
                    Event::Agreed(terms) => agreed = Some(terms),
                    Event::Over(why) => panic!("{why}"),
                }
            }
            while let Some(bytes) = handshake.poll_transmit() {
                connection.sender.send(Stream::Main, bytes).await.unwrap();
            }
            connection.sender.flush().await.unwrap();
            if let Some(agreed) = agreed {
                let config = LinkConfig::default();
                let outbox = Outbox::new(Side::Dialer, &config, agreed.peer.limits, Time::EPOCH);
                return Hand { connection, outbox };
            }
            let (_, bytes) = connection.receiver.receive().await.unwrap().unwrap();
            handshake.handle_chunk(bytes);
        }
    }

    /// Sends a frame as a good peer does.
    pub(crate) async fn push(&mut self, head: &Head, payload: &Bytes) -> Result<(), TransportError> {
        let _ = self.outbox.push_bytes(Flow::Place(1), head, payload.clone()).unwrap();
        while let Some((stream, chunk)) = self.outbox.poll_transmit(Time::EPOCH, Streams::Both) {
            self.connection.sender.send(stream, chunk).await?;
        }
        self.connection.sender.flush().await
    }
}

/// Sends these bytes, if they are still taken.
pub(crate) async fn say(connection: &mut Connection, stream: Stream, bytes: Vec<u8>) {
    if connection.sender.send(stream, bytes.into()).await.is_ok() {
        // It may be closed in the middle.
        let _ = connection.sender.flush().await;
    }
}

/// Waits until the other has closed.
pub(crate) async fn ended(connection: &mut Connection) {
    while let Ok(Some(_)) = connection.receiver.receive().await {}
}
