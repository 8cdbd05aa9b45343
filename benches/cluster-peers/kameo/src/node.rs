//! Two processes, a swarm in each.
//!
//! The swarm is that of `remote::bootstrap_on` without QUIC and without mDNS: who is to be reached is dialled. The wire
//! is TCP, Noise and Yamux. Noise is XX with X25519, ChaCha20-Poly1305 and SHA-256: all is encrypted, and both ends
//! prove the key their peer id is made of. The keys are made at the start, and nothing says which are let in. Each
//! message is a request on a stream of its own, with an answer, be it asked for or not.

use crate::actors::Sink;
use futures::StreamExt;
use kameo::prelude::*;
use kameo::remote::{Behaviour, messaging};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm, SwarmBuilder, noise, tcp, yamux};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The limit by itself, 1 MiB, is less than a blob.
const LARGEST_REQUEST: u64 = 64 << 20;

/// The node of this process; there is but one, as kameo has its swarm in a static.
pub(crate) struct Node {
    dials: UnboundedSender<Multiaddr>,
}

/// A process of its own, with a [`Sink`] whose name is its node's address. Killed when this is dropped.
pub(crate) struct Other {
    process: Child,
    pub(crate) sink: RemoteActorRef<Sink>,
}

fn swarm() -> Swarm<Behaviour> {
    let config = messaging::Config::default().with_request_size_maximum(LARGEST_REQUEST);
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .expect("a transport")
        .with_behaviour(|key| Behaviour::new(key.public().to_peer_id(), config))
        .expect("a behaviour")
        .build();
    swarm.behaviour().init_global();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().expect("an address")).expect("it listens");
    swarm
}

/// Dials, and tells kameo's registry whom: it learns of peers by their addresses alone, not by connections.
fn reach(swarm: &mut Swarm<Behaviour>, address: Multiaddr) {
    let Some(Protocol::P2p(peer)) = address.iter().last() else { panic!("{address} has no peer") };
    swarm.add_peer_address(peer, address.clone());
    swarm.dial(address).expect("it is dialled");
}

async fn drive(
    mut swarm: Swarm<Behaviour>,
    mut dials: UnboundedReceiver<Multiaddr>,
    at: UnboundedSender<Multiaddr>,
) {
    loop {
        tokio::select! {
            Some(address) = dials.recv() => reach(&mut swarm, address),
            event = swarm.select_next_some() => {
                if let SwarmEvent::NewListenAddr { address, .. } = event {
                    let _ = at.send(address.with_p2p(*swarm.local_peer_id()).expect("an address without a peer"));
                }
            }
        }
    }
}

/// What the other process does: it has a node, until its input ends.
pub(crate) async fn be_the_other() {
    let (_dials, dials) = unbounded_channel();
    let (at, mut address) = unbounded_channel();
    tokio::spawn(drive(swarm(), dials, at));
    let address = address.recv().await.expect("an address");
    Sink::spawn(()).register(address.to_string()).await.expect("a free name");
    println!("{address}");
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
}

impl Node {
    pub(crate) fn start() -> Node {
        let (dials, asked) = unbounded_channel();
        tokio::spawn(drive(swarm(), asked, unbounded_channel().0));
        Node { dials }
    }

    /// Starts another process and reaches it.
    pub(crate) async fn other(&self) -> Other {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .arg("other")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        output.read_line(&mut line).expect("its address");
        self.dials.send(line.trim().parse().expect("an address")).expect("the node lives");
        loop {
            if let Ok(Some(sink)) = RemoteActorRef::lookup(line.trim()).await {
                return Other { process, sink };
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Other {
    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it runs");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
