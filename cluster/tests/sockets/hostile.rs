//! Peers that lie, flood, stall and speak garbage: each is closed, and nobody else notices.

use crate::cast::{Make, Who};
use crate::hand::{Hand, ended, say};
use crate::house::{Home, Net, authority, certified, config, run, two};
use crate::logged;
use bytes::Bytes;
use ravelin_cluster::proto::frame::{Head, Signal, put, put_signal};
use ravelin_cluster::proto::reach::Why;
use ravelin_cluster::proto::{NameNumber, To};
use ravelin_cluster::transport::{Quic, Stream, Tcp, Transport};
use ravelin_cluster::{Bincode, Codec, NodeEvent};
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

claims! {
    bytes_from_anybody_harm_nobody
    a_peer_that_stalls_is_given_up
    a_peer_that_lies_is_closed_and_said_why
    a_peer_that_floods_and_does_not_read_is_closed_and_costs_bounded_memory
}

/// Bytes that look like nothing.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

impl Home {
    /// Waits until a node is down, and no other is.
    async fn loses(&mut self, who: &str) -> Why {
        let is_it = |event: &NodeEvent| match event {
            NodeEvent::Down(id, why) => {
                assert_eq!(id.name.as_str(), who);
                Some(*why)
            }
            _ => None,
        };
        self.events.until(is_it).await
    }

    /// The link between the two is as it was.
    async fn still_reaches(&mut self, other: &Home) {
        self.puppet_of(other).call(Who).await.unwrap();
        let is_down = |event: &NodeEvent| matches!(event, NodeEvent::Down(id, _) if id == other.node.id());
        assert!(!self.events.rest().iter().any(is_down));
    }
}

async fn bytes_from_anybody_harm_nobody(net: Net) {
    let (mut a, b) = two(net, &authority()).await;
    let at = a.endpoint();
    for seed in 0..20 {
        let bytes = noise(seed, 50 * (seed as usize + 1));
        match net {
            Net::Tcp => {
                let at = at.clone();
                let closed = tokio::task::spawn_blocking(move || {
                    let mut raw = TcpStream::connect(&*at.0).unwrap();
                    raw.write_all(&bytes).unwrap();
                    raw.shutdown(std::net::Shutdown::Write).unwrap();
                    // An alert may come, and then the end, however it comes.
                    let _ = raw.read_to_end(&mut Vec::new());
                });
                closed.await.unwrap();
            }
            Net::Quic => {
                let raw = UdpSocket::bind("127.0.0.1:0").unwrap();
                raw.send_to(&bytes, &*at.0).unwrap();
            }
        }
    }
    a.still_reaches(&b).await;
    let mut c = Home::start(config("c", Some(&a)), net.over(certified(&authority(), "c"))).await;
    c.events.until(|event| matches!(event, NodeEvent::Refused { .. }).then_some(())).await;
}

async fn a_peer_that_stalls_is_given_up(net: Net) {
    let authority = authority();
    // tidy: tests the timer
    let (within, ours) = (Duration::from_millis(300), certified(&authority, "a"));
    let transport: Arc<dyn Transport> = match net {
        Net::Tcp => Arc::new(Tcp::tls(ours).handshake_within(within)),
        Net::Quic => Arc::new(Quic::new(ours).handshake_within(within)),
    };
    let mut config_a = config("a", None);
    config_a.dialling.handshake_within = within;
    let mut a = Home::start(config_a, transport).await;
    let mut b = Home::start(config("b", Some(&a)), net.over(certified(&authority, "b"))).await;
    a.meets("b").await;
    b.meets("a").await;
    let at = a.endpoint();
    if net == Net::Tcp {
        let raw = {
            let at = at.clone();
            tokio::task::spawn_blocking(move || {
                let mut raw = TcpStream::connect(&*at.0).unwrap();
                // The beginning of a hello of TLS.
                raw.write_all(&[22, 3, 1, 1]).unwrap();
                raw.read_to_end(&mut Vec::new()).map(|_| ()).unwrap_or_default();
            })
        };
        raw.await.unwrap();
    }
    // One with a certificate says nothing more.
    let mut silent = net.over(certified(&authority, "silent")).dial(&at).await.unwrap();
    ended(&mut silent).await;
    a.still_reaches(&b).await;
}

async fn a_peer_that_lies_is_closed_and_said_why(net: Net) {
    let authority = authority();
    let (mut a, b) = two(net, &authority).await;
    let at = a.endpoint();
    // Instead of a hello.
    for bytes in [noise(1, 60_000), vec![255, 255], vec![0, 0], b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        let mut liar = net.over(certified(&authority, "liar")).dial(&at).await.unwrap();
        say(&mut liar, Stream::Main, bytes).await;
        ended(&mut liar).await;
    }
    assert!(logged::has(&["ravelin.cluster.link_ended", "the peer does not speak this protocol"]));
    a.still_reaches(&b).await;
    // After it.
    let frame = |signal: &Signal| {
        let mut bytes = Vec::new();
        put_signal(&mut bytes, signal);
        bytes
    };
    let mut undefined = Vec::new();
    put(&mut undefined, &Head::Cast { to: To::Place(7), message: NameNumber(99) }, |_| ());
    let rows: [(Stream, Vec<u8>, &str); 5] = [
        (Stream::Main, undefined, "is no frame"),
        (Stream::Main, vec![200, 0, 1, 2], "is no frame"),
        (Stream::Main, frame(&Signal::BulkAck { count: 5 }), "acknowledged what was not sent"),
        (Stream::Bulk, frame(&Signal::Ping { token: 1 }), "where it may not be"),
        (Stream::Bulk, noise(3, 4000), "the peer sent"),
    ];
    for (index, (stream, bytes, why)) in rows.into_iter().enumerate() {
        let who = format!("liar-{index}-{net:?}");
        let mut liar = Hand::shake(&*net.over(certified(&authority, &who)), &at, &who).await;
        a.meets(&who).await;
        say(&mut liar.connection, stream, bytes).await;
        ended(&mut liar.connection).await;
        assert_eq!(a.loses(&who).await, Why::LinkLost);
        a.puppet_of(&b).call(Who).await.unwrap();
        assert!(logged::has(&["ravelin.cluster.link_ended", &who, why]), "{who}: {why}");
    }
}

/// The memory of this process, in bytes, where the system tells it.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

async fn a_peer_that_floods_and_does_not_read_is_closed_and_costs_bounded_memory(net: Net) {
    // What it asks for is 12 GB. Other tests of this process use memory as well.
    const ASKS: u64 = 1_000_000;
    const BYTES: usize = 12_000;
    const GROWTH_MAX: usize = 1 << 30;
    let authority = authority();
    let (mut a, b) = two(net, &authority).await;
    let who = format!("flood-{net:?}");
    let mut flood = Hand::shake(&*net.over(certified(&authority, &who)), &a.endpoint(), &who).await;
    a.meets(&who).await;
    let before = memory();
    let message = flood.outbox.name("test.make").unwrap();
    let to = To::Name(flood.outbox.name_of("puppet").unwrap());
    let mut payload = Vec::new();
    Bincode::encode(&Make(BYTES), &mut payload).unwrap();
    let payload = Bytes::from(payload);
    let mut asked = 0;
    while asked < ASKS {
        let head = Head::Call { id: asked, to, asker: None, message, budget: None };
        if flood.push(&head, &payload).await.is_err() {
            break;
        }
        asked += 1;
    }
    assert!(asked < ASKS, "it was closed");
    assert_eq!(a.loses(&who).await, Why::LinkLost);
    assert!(logged::has(&["ravelin.cluster.link_ended", &who, "Overrun"]));
    let growth = memory().saturating_sub(before);
    assert!(growth < GROWTH_MAX, "{growth} bytes for {asked} calls");
    a.still_reaches(&b).await;
}
