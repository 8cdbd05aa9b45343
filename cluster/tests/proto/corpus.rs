//! The bytes of the protocol, written down: seeds for the fuzzers, and what a version of it may never change.
//!
//! `RAVELIN_BLESS=1 cargo test -p ravelin-cluster --test proto corpus` writes the files again.

use crate::feed;
use crate::frames::bytes_of;
use bytes::Bytes;
use ravelin_cluster::proto::frame::{Asked, Bye, Failure, Frame, Head, LENGTH_BYTES, Signal, Waits};
use ravelin_cluster::proto::hello::{Handshake, Limits, Refusal, Side};
use ravelin_cluster::proto::link::{Compression, Flow, Inbox, LinkConfig, Outbox, Streams};
use ravelin_cluster::proto::{BarePid, NameNumber, NodeNumber, Stream, To, WirePid};
use ravelin_cluster::{Incarnation, NodeId};
use ravelin_core::{Exit, Pid, Time};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

type Seeds = BTreeMap<String, Vec<u8>>;

fn frames() -> Seeds {
    let (from, to) = (BarePid { slot: 3, serial: 200 }, BarePid { slot: 70_000, serial: 1 });
    let message = NameNumber(0);
    let path = vec![
        Waits { pid: Some(WirePid { node: NodeNumber(2), slot: 5, serial: 6 }), name: "till".into() },
        Waits { pid: None, name: "stock".into() },
    ];
    let nested =
        Exit::shutdown_with(Exit::start_failed("db", Exit::panic("no disk", Some("db.rs:1:2".into()))));
    let started = Exit::AlreadyStarted(Pid::from_parts(2, 5, 6));
    let budget = Some(Duration::from_millis(5_000));
    let carrying = [
        ("answer", Head::Answer { id: Asked::Call(1) }),
        ("answer-of-reply", Head::Answer { id: Asked::Reply(1) }),
        ("call", Head::Call { id: 1, to: To::Pid(to), asker: Some(from), message, budget }),
        ("call-plain", Head::Call { id: 1, to: To::Place(9), asker: None, message, budget: None }),
        ("cast", Head::Cast { to: To::Name(NameNumber(1)), message }),
        ("gossip", Head::Gossip),
        ("groups", Head::Groups),
        ("names", Head::Names),
        ("send", Head::Send { id: 1, to: To::Place(300), message }),
        ("start", Head::Start { id: 1, under: NameNumber(1), spec: NameNumber(2) }),
    ];
    let failed = |failure| Signal::Failed { id: Asked::Call(1), failure };
    let signals = [
        ("bulk-ack", Signal::BulkAck { count: 7 }),
        ("bye", Signal::Bye(Bye::Protocol("no frame".into()))),
        ("cancel", Signal::Cancel { id: 1 }),
        ("demonitor", Signal::Demonitor { monitor: 4 }),
        ("done", Signal::Done { id: 1 }),
        ("down", Signal::Down { monitor: 4, to, from: Some(from), reason: nested }),
        ("down-noproc", Signal::Down { monitor: 4, to, from: None, reason: Exit::NoProc }),
        ("exit", Signal::Exit { from, to, reason: started }),
        ("failed-deadlock", failed(Failure::Deadlock { path: path.clone() })),
        ("failed-exited", failed(Failure::Exited(Exit::error("disk full")))),
        ("failed-not-understood", failed(Failure::NotUnderstood("counter.add: 1 byte is left".into()))),
        ("kill", Signal::Kill { from: Some(from), to }),
        ("link", Signal::Link { from, to }),
        ("link-exit", Signal::LinkExit { from, to, reason: Exit::Killed }),
        ("monitor", Signal::Monitor { monitor: 4, from, to: To::Name(NameNumber(1)) }),
        ("ping", Signal::Ping { token: 1_000_000 }),
        ("pong", Signal::Pong { token: 1_000_000 }),
        ("probe", Signal::Probe { number: 300, first: 2, call: 1, path }),
        ("unlink", Signal::Unlink { id: 5, from, to }),
        ("unlink-ack", Signal::UnlinkAck { id: 5, from, to }),
    ];
    let payload = Bytes::from_static(b"payload");
    let carrying = carrying.map(|(name, head)| (name, Frame::Carrying(head, payload.clone())));
    let signals = signals.map(|(name, signal)| (name, Frame::Signal(signal)));
    let all = carrying.into_iter().chain(signals);
    all.map(|(name, frame)| (name.to_owned(), bytes_of(&frame)[LENGTH_BYTES..].to_vec())).collect()
}

fn hellos() -> Seeds {
    let mut dialer = Handshake::dial(feed::terms("a"), Time::EPOCH).unwrap();
    let mut acceptor = Handshake::accept(feed::terms("b"), Time::EPOCH).unwrap();
    let mut seeds = Seeds::new();
    let mut keep = |name: &str, bytes: Bytes| {
        seeds.insert(name.to_owned(), bytes.to_vec());
        bytes
    };
    acceptor.handle_chunk(keep("hello", dialer.poll_transmit().unwrap()));
    acceptor.admit();
    dialer.handle_chunk(keep("welcome", acceptor.poll_transmit().unwrap()));
    dialer.admit();
    keep("ready", dialer.poll_transmit().unwrap());
    let refusals = [
        ("refused-cluster", Refusal::Cluster("bank".into())),
        (
            "refused-name",
            Refusal::NameTaken(NodeId { name: "a".parse().unwrap(), incarnation: Incarnation(9) }),
        ),
        ("refused-version", Refusal::Version { oldest: 2, newest: 300 }),
    ];
    for (name, why) in refusals {
        let mut acceptor = Handshake::accept(feed::terms("b"), Time::EPOCH).unwrap();
        acceptor.refuse(why);
        keep(name, acceptor.poll_transmit().unwrap());
    }
    seeds
}

/// What an outbox sends by its two streams, for names, nodes, small and large messages.
fn links() -> Seeds {
    let config = LinkConfig { small_max: 40, ..LinkConfig::default() };
    let mut outbox = Outbox::new(Side::Acceptor, &config, Limits::default(), Time::EPOCH);
    let message = outbox.name("counter.add").unwrap();
    outbox.node(&NodeId { name: "third".parse().unwrap(), incarnation: Incarnation(8) }).unwrap();
    let flow = Flow::Actor(Pid::from_parts(0, 1, 1));
    let head = Head::Cast { to: To::Place(1), message };
    for bytes in [10, 90, 10, 20] {
        let _ = outbox.push_bytes(flow, &head, vec![7; bytes].into()).unwrap();
    }
    let mut seeds = Seeds::new();
    while let Some((stream, chunk)) = outbox.poll_transmit(Time::EPOCH, Streams::Both) {
        let name = if stream == Stream::Main { "main" } else { "bulk" };
        seeds.entry(name.to_owned()).or_default().extend_from_slice(&chunk);
    }
    seeds
}

/// The bulk stream of a link with compression: a message of 4 and one of 40 bytes, both in blocks by hand, so that no
/// version of a library decides what they are.
fn compressed() -> Seeds {
    // Of an answer to call 1, all four literal; then its kind and id, a byte, and that byte 37 times more.
    let short = [vec![0x0b, 10, 0xa0, 0x07, 0, 1, 0, 0, 4, 0x84, 2], vec![7; 2]].concat();
    let long =
        [vec![0x0b, 46, 0x9f, 0x07, 0, 1, 0, 0, 40, 0x84, 2, 7, 1, 0, 13], vec![0x50], vec![7; 5]].concat();
    let frames = [short, long].map(|content| [&(content.len() as u16).to_le_bytes()[..], &content].concat());
    [("compressed".to_owned(), frames.concat())].into()
}

#[test]
fn what_was_compressed_by_hand_is_read() {
    let config = LinkConfig { compression: Compression::bulk(), ..LinkConfig::default() };
    let mut inbox = Inbox::new(&config, feed::LIMITS, Time::EPOCH);
    inbox.handle_chunk(Stream::Bulk, compressed()["compressed"].clone().into(), Time::EPOCH);
    for bytes in [2, 38] {
        let answer = Frame::Carrying(Head::Answer { id: Asked::Call(1) }, vec![7; bytes].into());
        assert_eq!(inbox.poll_frame(), Some(Ok(answer)));
    }
    assert_eq!(inbox.poll_frame(), None);
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

#[test]
fn the_corpus_is_what_is_written_today() {
    for (target, seeds) in
        [("frame", frames()), ("hello", hellos()), ("link", links()), ("link", compressed())]
    {
        let folder = folder().join(target);
        if std::env::var_os("RAVELIN_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            for (name, bytes) in &seeds {
                std::fs::write(folder.join(name), bytes).unwrap();
            }
        }
        for (name, bytes) in seeds {
            let written = std::fs::read(folder.join(&name)).unwrap_or_default();
            assert_eq!(written, bytes, "{target}/{name}: the protocol has changed, and needs a new version");
        }
    }
}

#[test]
fn the_corpus_is_refused_or_read() {
    let mut seeds = 0;
    for target in std::fs::read_dir(folder()).unwrap() {
        for seed in std::fs::read_dir(target.unwrap().path()).unwrap() {
            let bytes = std::fs::read(seed.unwrap().path()).unwrap();
            feed::frame(&bytes);
            feed::hello(&bytes);
            feed::link(&bytes);
            seeds += 1;
        }
    }
    assert!(seeds >= 39, "{seeds} seeds");
}
