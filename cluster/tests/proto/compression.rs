//! The bulk stream of a link, compressed: the same messages, fewer bytes, and no way around a limit.

use crate::feed::{self, LIMITS};
use bytes::Bytes;
use proptest::prelude::*;
use ravelin_cluster::proto::frame::{Asked, Frame, Head, Signal};
use ravelin_cluster::proto::hello::{Event, Handshake, Limits, MESSAGE_COST, Side};
use ravelin_cluster::proto::link::{
    Broken, Compression, Compressor, Flow, Inbox, LinkConfig, Outbox, Streams,
};
use ravelin_cluster::proto::{FrameError, Stream};
use ravelin_core::Time;
use std::collections::BTreeSet;
use std::sync::Arc;

const NOW: Time = Time::EPOCH;
const ANSWER: Head = Head::Answer { id: Asked::Call(1) };

fn config(compression: Compression) -> LinkConfig {
    LinkConfig { compression, ..LinkConfig::default() }
}

/// One direction of a link.
struct Lane {
    outbox: Outbox,
    compressor: Compressor,
    inbox: Inbox,
    /// Bytes that went over the bulk stream.
    wire: usize,
}

impl Lane {
    fn new(compression: Compression, limits: Limits) -> Lane {
        let config = config(compression);
        Lane {
            outbox: Outbox::new(Side::Acceptor, &config, limits, NOW),
            compressor: Compressor::new(&config),
            inbox: Inbox::new(&config, limits, NOW),
            wire: 0,
        }
    }

    /// Each message is of a flow of its own.
    fn push(&mut self, messages: &[Vec<u8>]) {
        for (place, message) in (0..).zip(messages) {
            let _ = self.outbox.push_bytes(Flow::Place(place), &ANSWER, message.clone().into()).unwrap();
        }
    }

    /// Sends all that may be sent.
    fn pump(&mut self) {
        while let Some((stream, mut chunk)) = self.outbox.poll_transmit(NOW, Streams::Both) {
            let before = chunk.len();
            let tried = self.compressor.compress(stream, &mut chunk);
            assert!(tried <= before && chunk.len() <= before);
            self.wire += if stream == Stream::Bulk { chunk.len() } else { 0 };
            self.inbox.handle_chunk(stream, chunk, NOW);
        }
    }

    /// Sends, receives and acknowledges until nothing is left; what came.
    fn run(&mut self) -> Vec<Bytes> {
        let mut came = Vec::new();
        loop {
            self.pump();
            match self.inbox.poll_frame().map(Result::unwrap) {
                Some(Frame::Carrying(_, payload)) => came.push(payload),
                Some(Frame::Signal(_)) => (),
                None if self.inbox.poll_pause() => (),
                None => match self.inbox.poll_ack() {
                    Some(ack) => drop(self.outbox.handle_signal(&ack, NOW).unwrap()),
                    None => return came,
                },
            }
            assert!(self.inbox.held() as u64 <= Limits::default().bulk_max());
        }
    }
}

/// Numbers that nobody compresses.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(next).collect()
}

/// The like of a log.
fn lines(bytes: usize) -> Vec<u8> {
    (0..).flat_map(|n| format!("order {n}: 3 apples, paid, at the till\n").into_bytes()).take(bytes).collect()
}

fn zeros(bytes: usize) -> Vec<u8> {
    vec![0; bytes]
}

fn framed(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u16).to_le_bytes()[..], content].concat()
}

/// A compressed frame that says it has so many bytes.
fn compressed(bytes: u8, block: &[u8]) -> Vec<u8> {
    assert!(bytes < 128);
    framed(&[&[0x0b, bytes][..], block].concat())
}

/// A block without any repetition.
fn literal(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 15);
    [&[(bytes.len() as u8) << 4][..], bytes].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_compressed_comes_as_it_was_sent(
        messages in prop::collection::vec((any::<prop::sample::Index>(), 0..3_usize), 1..6),
        at_least_bytes in prop_oneof![Just(1), Just(1024), Just(65_472)],
    ) {
        let messages: Vec<Vec<u8>> = messages.into_iter().map(|(bytes, like)| {
            let bytes = 16_400 + bytes.index(200_000);
            [noise, lines, zeros][like](bytes)
        }).collect();
        let mut lane = Lane::new(Compression::Bulk { at_least_bytes }, Limits::default());
        lane.push(&messages);
        let mut came = lane.run();
        let mut sent = messages;
        came.sort();
        sent.sort();
        prop_assert!(came == sent);
        prop_assert_eq!(lane.outbox.waiting(), [0, 0, 0]);
        let received = lane.inbox.received();
        prop_assert_eq!(received.bulk_bytes, lane.wire as u64);
        prop_assert_eq!(received.bulk_bytes + received.saved_bytes, lane.outbox.sent().bulk.bytes);
    }

    #[test]
    fn compressed_bytes_that_are_changed_break_the_link_or_do_not(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut compressor = Compressor::new(&config(Compression::bulk()));
        let small = LinkConfig { small_max: 1_000, ..LinkConfig::default() };
        let mut outbox = Outbox::new(Side::Acceptor, &small, LIMITS, NOW);
        let _ = outbox.push_bytes(Flow::Names, &ANSWER, lines(9_000).into()).unwrap();
        while let Some((stream, mut chunk)) = outbox.poll_transmit(NOW, Streams::Both) {
            if compressor.compress(stream, &mut chunk) > 0 {
                let mut bytes = chunk.to_vec();
                let at = at.index(bytes.len());
                bytes[at] ^= byte;
                feed::link(&bytes);
                bytes.truncate(cut.index(bytes.len()));
                feed::link(&bytes);
            }
        }
    }
}

#[test]
fn what_repeats_itself_takes_fewer_bytes_and_what_does_not_goes_as_it_is() {
    let rows = [("zeros", zeros(1 << 19)), ("lines", lines(1 << 19)), ("noise", noise(1 << 19))];
    for (what, message) in &rows {
        let mut raw = Lane::new(Compression::Never, Limits::default());
        raw.push(std::slice::from_ref(message));
        assert_eq!(raw.run(), std::slice::from_ref(message), "{what}");
        assert_eq!(raw.inbox.received().saved_bytes, 0, "{what}");
        let mut lane = Lane::new(Compression::bulk(), Limits::default());
        lane.push(std::slice::from_ref(message));
        assert_eq!(lane.run(), std::slice::from_ref(message), "{what}");
        match *what {
            "zeros" => assert!(lane.wire < raw.wire / 100, "{} of {}", lane.wire, raw.wire),
            "lines" => assert!(lane.wire < raw.wire / 3, "{} of {}", lane.wire, raw.wire),
            _ => assert_eq!((lane.wire, lane.inbox.received().saved_bytes), (raw.wire, 0)),
        }
    }
}

#[test]
fn only_fragments_with_enough_bytes_are_tried() {
    let mut outbox = Outbox::new(Side::Acceptor, &LinkConfig::default(), Limits::default(), NOW);
    let mut compressor = Compressor::new(&config(Compression::Bulk { at_least_bytes: 20_000 }));
    for (place, bytes) in [(1, 17_000), (2, 21_000), (3, 100)] {
        let _ = outbox.push_bytes(Flow::Place(place), &ANSWER, vec![0; bytes].into()).unwrap();
    }
    let mut tried = Vec::new();
    while let Some((stream, mut chunk)) = outbox.poll_transmit(NOW, Streams::Both) {
        let before = chunk.clone();
        tried.push((stream, compressor.compress(stream, &mut chunk) / 1_000));
        match stream {
            Stream::Main => assert_eq!(chunk, before),
            Stream::Bulk => assert!((17_000..18_000).contains(&chunk.len()), "one of two is small now"),
        }
    }
    assert_eq!(tried, [(Stream::Main, 0), (Stream::Main, 0), (Stream::Bulk, 21)]);
}

/// What both agree on who offer this.
fn agreed(dialer: Compression, acceptor: Compression) -> [Compression; 2] {
    let terms = |name, compression: Compression| {
        let mut terms = feed::terms(name);
        terms.ours.features.extend(compression.feature().map(Arc::from));
        terms
    };
    let mut one = Handshake::dial(terms("a", dialer), NOW).unwrap();
    let mut two = Handshake::accept(terms("b", acceptor), NOW).unwrap();
    two.handle_chunk(one.poll_transmit().unwrap());
    two.admit();
    one.handle_chunk(two.poll_transmit().unwrap());
    one.admit();
    two.handle_chunk(one.poll_transmit().unwrap());
    let features = |of: &mut Handshake| -> BTreeSet<Arc<str>> {
        let agreed = std::iter::from_fn(|| of.poll_event()).find_map(|event| match event {
            Event::Agreed(agreed) => Some(agreed.features),
            _ => None,
        });
        agreed.unwrap()
    };
    [dialer.agreed(&features(&mut one)), acceptor.agreed(&features(&mut two))]
}

#[test]
fn both_sides_have_to_want_it() {
    let (never, much, less) =
        (Compression::Never, Compression::bulk(), Compression::Bulk { at_least_bytes: 60_000 });
    assert_eq!(agreed(much, less), [much, less]);
    for (dialer, acceptor) in [(never, never), (much, never), (never, much)] {
        assert_eq!(agreed(dialer, acceptor), [never, never]);
    }
}

#[test]
fn a_peer_that_lies_about_what_it_compressed_is_told() {
    let kind = Broken::from(FrameError::Tag { what: "kind of frame", tag: 0x0b });
    // An answer in one fragment.
    let fragment = [0x07, 0, 1, 0, 0, 2, 0x84, 2];
    let right = compressed(8, &literal(&fragment));
    // Eight bytes that begin before the first one.
    let early = [0x10, 0x07, 9, 0];
    let rows: [(&str, Compression, Stream, Vec<u8>, Broken); 11] = [
        ("it is not agreed", Compression::Never, Stream::Bulk, right.clone(), kind),
        ("on main", Compression::bulk(), Stream::Main, right.clone(), Broken::Misplaced),
        (
            "too many",
            Compression::bulk(),
            Stream::Bulk,
            compressed(7, &literal(&fragment)),
            Broken::Compressed,
        ),
        (
            "too few",
            Compression::bulk(),
            Stream::Bulk,
            compressed(9, &literal(&fragment)),
            Broken::Compressed,
        ),
        ("no block", Compression::bulk(), Stream::Bulk, compressed(8, &[0xff; 9]), Broken::Compressed),
        ("half a block", Compression::bulk(), Stream::Bulk, compressed(8, &[0x80, 0x07]), Broken::Compressed),
        ("before the first", Compression::bulk(), Stream::Bulk, compressed(8, &early), Broken::Compressed),
        ("nothing", Compression::bulk(), Stream::Bulk, compressed(0, &[0]), FrameError::Empty.into()),
        (
            "twice",
            Compression::bulk(),
            Stream::Bulk,
            compressed(11, &literal(&right[2..])),
            Broken::Misplaced,
        ),
        (
            "no fragment",
            Compression::bulk(),
            Stream::Bulk,
            compressed(2, &literal(&[0x84, 2])),
            Broken::Misplaced,
        ),
        (
            "in a fragment",
            Compression::bulk(),
            Stream::Bulk,
            framed(&[&[0x07, 0, 1, 0, 0, 11], &right[2..]].concat()),
            Broken::Misplaced,
        ),
    ];
    for (what, compression, stream, chunk, expected) in rows {
        let mut inbox = Inbox::new(&config(compression), LIMITS, NOW);
        inbox.handle_chunk(stream, chunk.into(), NOW);
        assert_eq!(inbox.poll_frame(), Some(Err(expected)), "{what}");
        assert_eq!((inbox.poll_frame(), inbox.poll_pause()), (None, false), "{what}: it is over");
        assert_eq!(inbox.held(), 0, "{what}");
    }
    let mut inbox = Inbox::new(&config(Compression::bulk()), LIMITS, NOW);
    inbox.handle_chunk(Stream::Bulk, right.into(), NOW);
    assert!(matches!(inbox.poll_frame(), Some(Ok(Frame::Carrying(ANSWER, _)))));
}

#[test]
fn the_window_counts_what_there_was_before() {
    // The sender keeps to it.
    let limits = Limits { message_max: 200_000, assembling_max: 3, window: 450_000 };
    let mut lane = Lane::new(Compression::bulk(), limits);
    lane.push(&vec![vec![0; 150_000]; 9]);
    lane.pump();
    assert_eq!(lane.outbox.sent().bulk.bytes / 150_000, 2, "the third does not fit, however small it is");
    assert_eq!(lane.run().len(), 9);

    // And one that does not is closed: a small block is a large message, and they wait for frames that never come.
    let mut inbox = Inbox::new(&config(Compression::bulk()), LIMITS, NOW);
    let mut compressor = Compressor::new(&config(Compression::bulk()));
    let content = [&[0x07, 0, 1, 1, 0, 0xa8, 0x46][..], &[0x84; 9_000]].concat();
    let mut chunk = Bytes::from(framed(&content));
    compressor.compress(Stream::Bulk, &mut chunk);
    assert!(chunk.len() < 100);
    for _ in 0..LIMITS.bulk_max() / (9_000 + MESSAGE_COST) {
        inbox.handle_chunk(Stream::Bulk, chunk.clone(), NOW);
        assert_eq!(inbox.poll_frame(), None);
    }
    inbox.handle_chunk(Stream::Bulk, chunk, NOW);
    assert_eq!(inbox.poll_frame(), Some(Err(Broken::Window)));
}

#[test]
fn what_becomes_much_more_than_it_was_is_looked_at_in_turns_however_it_comes() {
    for is_together in [true, false] {
        let mut lane = Lane::new(Compression::bulk(), Limits::default());
        lane.push(&[zeros(10 << 20)]);
        let mut together = Vec::new();
        while let Some((stream, mut chunk)) = lane.outbox.poll_transmit(NOW, Streams::Both) {
            lane.compressor.compress(stream, &mut chunk);
            match stream {
                Stream::Bulk if is_together => together.extend_from_slice(&chunk),
                Stream::Bulk | Stream::Main => lane.inbox.handle_chunk(stream, chunk, NOW),
            }
        }
        assert!(together.len() < 64 << 10, "it all comes at once: {} bytes", together.len());
        lane.inbox.handle_chunk(Stream::Bulk, together.into(), NOW);
        assert!(matches!(lane.inbox.poll_frame(), Some(Ok(Frame::Signal(_)))), "the first ping");
        let (mut turns, mut before) = (0, 0);
        while lane.inbox.poll_frame().is_none() {
            let looked_at = lane.inbox.received().saved_bytes - before;
            assert!(looked_at < 320 << 10, "{looked_at} bytes in one turn");
            before += looked_at;
            turns += 1;
            if turns == 5 {
                // A signal comes between.
                lane.inbox.handle_chunk(Stream::Main, Bytes::from_static(&[2, 0, 0x03, 1]), NOW);
                assert_eq!(lane.inbox.poll_frame(), Some(Ok(Frame::Signal(Signal::Ping { token: 1 }))));
            }
            assert!(lane.inbox.poll_pause());
            assert!(!lane.inbox.poll_pause(), "it is said once");
        }
        assert!(turns > 20, "{turns} turns for 10 MiB");
    }
}
