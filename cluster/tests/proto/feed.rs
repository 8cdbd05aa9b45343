//! Every decoder, fed with any bytes: none may panic, and none may hold more than it says. Fuzzers use it too.

use bytes::Bytes;
use ravelin_cluster::proto::frame::{Content, Failure, Frame, Signal, Waits, read, whole};
use ravelin_cluster::proto::hello::{Handshake, Introduction, Limits, Terms};
use ravelin_cluster::proto::link::{Compression, Inbox, LinkConfig};
use ravelin_cluster::proto::{Known, Stream};
use ravelin_cluster::{Incarnation, NodeId, Role};
use ravelin_core::{Exit, Time};

pub(crate) const LIMITS: Limits = Limits { message_max: 10_000, assembling_max: 4, window: 200_000 };

/// The content of a frame, or some frames.
pub(crate) fn frame(bytes: &[u8]) {
    assert!(whole(bytes).unwrap_or(0) <= bytes.len());
    let content = Bytes::copy_from_slice(bytes);
    for known in [Known::NOTHING, Known::ANYTHING] {
        if let Ok(content) = read(content.clone(), known) {
            let memory = memory_of(&content);
            assert!(memory <= 32 * bytes.len() + 256, "{memory} bytes of memory for {}", bytes.len());
        }
    }
}

/// What comes in a handshake.
pub(crate) fn hello(bytes: &[u8]) {
    for side in [Handshake::dial, Handshake::accept] {
        let mut handshake = side(terms("a"), Time::EPOCH).unwrap();
        handshake.handle_chunk(Bytes::copy_from_slice(bytes));
        handshake.admit();
        while handshake.poll_event().is_some() {}
    }
}

/// What comes by either stream of a link, with compression and without.
pub(crate) fn link(bytes: &[u8]) {
    for (stream, compression) in [
        (Stream::Main, Compression::Never),
        (Stream::Bulk, Compression::Never),
        (Stream::Bulk, Compression::bulk()),
    ] {
        let config = LinkConfig { compression, ..LinkConfig::default() };
        let mut inbox = Inbox::new(&config, LIMITS, Time::EPOCH);
        inbox.handle_chunk(stream, Bytes::copy_from_slice(bytes), Time::EPOCH);
        drain(&mut inbox);
        let before_compression = bytes.len() + inbox.received().saved_bytes as usize;
        assert!(inbox.held() <= 2 * before_compression);
        assert!(inbox.held() as u64 <= LIMITS.bulk_max());
    }
}

/// All that there is, whatever turns it takes.
fn drain(inbox: &mut Inbox) {
    loop {
        while inbox.poll_frame().is_some() {}
        if !inbox.poll_pause() {
            return;
        }
    }
}

/// A node that is there to be talked to.
pub(crate) fn terms(name: &str) -> Terms {
    Terms::new(Introduction {
        cluster: "shop".into(),
        node: NodeId { name: name.parse().unwrap(), incarnation: Incarnation(1) },
        endpoint: "10.0.0.1:7000".into(),
        role: Role::Member,
        features: ["groups".into(), "names".into()].into(),
        codecs: ["bincode-2".into()].into(),
        limits: Limits::default(),
    })
}

/// What a frame has on the heap, but its payload, which is a slice of what came.
fn memory_of(content: &Content) -> usize {
    let path = |path: &[Waits]| path.iter().map(|waits| size_of::<Waits>() + 16 + waits.name.len()).sum();
    match content {
        Content::Frame(Frame::Signal(signal)) => match signal {
            Signal::Down { reason, .. } | Signal::Exit { reason, .. } | Signal::LinkExit { reason, .. } => {
                memory_of_exit(reason)
            }
            Signal::Failed { failure: Failure::Exited(reason), .. } => memory_of_exit(reason),
            Signal::Failed { failure: Failure::NotUnderstood(why), .. } => why.len(),
            Signal::Failed { failure: Failure::Deadlock { path: waits }, .. } => path(waits),
            Signal::Probe { path: waits, .. } => path(waits),
            _ => 0,
        },
        Content::Define(_) => 300,
        Content::Compressed(_)
        | Content::Fragment(_)
        | Content::Frame(Frame::Carrying(..))
        | Content::Unknown { .. } => 0,
    }
}

fn memory_of_exit(exit: &Exit) -> usize {
    match exit {
        Exit::ShutdownWith(reason) => size_of::<Exit>() + 16 + memory_of_exit(reason),
        Exit::StartFailed(failed) => 64 + failed.child.len() + memory_of_exit(&failed.reason),
        Exit::Panic(panic) => 80 + panic.message.len() + panic.location.as_ref().map_or(0, String::len),
        Exit::Error(text) | Exit::InvalidSpec(text) => 16 + text.len(),
        _ => 0,
    }
}
