//! The two halves of a link: limits, turns, wake-ups, heartbeats, numbers.

use crate::handshake::node;
use bytes::Bytes;
use ravelin_cluster::proto::frame::{Asked, Frame, Head, Signal};
use ravelin_cluster::proto::hello::{Limits, Side};
use ravelin_cluster::proto::link::{Broken, Flow, Inbox, LinkConfig, Outbox, Pushed, Streams, Unsent};
use ravelin_cluster::proto::{BarePid, CHUNK_MAX, NameNumber, NodeNumber, Stream, To};
use ravelin_core::{Exit, Pid, Time};
use std::convert::Infallible;
use std::time::Duration;

const START: Time = Time::EPOCH;
const ONE: Flow = Flow::Actor(Pid::from_parts(0, 1, 1));
const TWO: Flow = Flow::Actor(Pid::from_parts(0, 2, 1));

fn at(ms: u64) -> Time {
    START + Duration::from_millis(ms)
}

/// An outbox whose peer has been heard, and an inbox for what it sends.
fn link(config: &LinkConfig, limits: Limits) -> (Outbox, Inbox) {
    let mut outbox = Outbox::new(Side::Dialer, config, limits, START);
    assert_eq!(outbox.handle_signal(&Signal::Ping { token: 0 }, START), Ok(Pushed::Wake));
    let mut inbox = Inbox::new(config, limits, START);
    pump(&mut outbox, &mut inbox, START);
    assert_eq!(drain(&mut inbox), [Frame::Signal(Signal::Pong { token: 0 })]);
    (outbox, inbox)
}

fn pump(outbox: &mut Outbox, inbox: &mut Inbox, now: Time) {
    while let Some((stream, chunk)) = outbox.poll_transmit(now, Streams::Both) {
        inbox.handle_chunk(stream, chunk, now);
    }
}

fn drain(inbox: &mut Inbox) -> Vec<Frame> {
    std::iter::from_fn(|| inbox.poll_frame()).map(|frame| frame.unwrap()).collect()
}

fn cast() -> Head {
    Head::Cast { to: To::Place(1), message: NameNumber(0) }
}

fn answer() -> Head {
    Head::Answer { id: Asked::Call(1) }
}

fn filled(bytes: usize) -> impl FnOnce(&mut Vec<u8>) -> Result<(), Infallible> {
    move |out| {
        out.resize(out.len() + bytes, 7);
        Ok(())
    }
}

#[test]
fn a_lane_that_is_full_refuses_what_may_be_refused_and_says_when_there_is_room() {
    let config = LinkConfig { user_max: 10_000, reserve: 5_000, ..LinkConfig::default() };
    let (mut outbox, _) = link(&config, Limits::default());
    outbox.name("m").unwrap();
    let pushed = (0..).take_while(|_| outbox.push(ONE, &cast(), filled(994)).is_ok()).count();
    assert_eq!(pushed, 10);
    assert_eq!(
        outbox.push(ONE, &cast(), |_| panic!("it runs only when there is room")),
        Err::<_, Unsent>(Unsent::Full)
    );
    assert!(!outbox.poll_room(), "nothing was sent");
    let answers = (0..).take_while(|_| outbox.push(ONE, &answer(), filled(996)).is_ok()).count();
    assert_eq!(answers, 5);
    assert_eq!(outbox.push(ONE, &answer(), filled(1)), Err(Unsent::Overrun));
    let down = Signal::Link { from: BarePid { slot: 1, serial: 1 }, to: BarePid { slot: 2, serial: 1 } };
    assert_eq!(outbox.push_signal(ONE, &down), Err(Unsent::Overrun));
    while outbox.poll_transmit(START, Streams::Both).is_some() {}
    assert!(outbox.poll_room());
    assert!(!outbox.poll_room(), "it is said once");
    assert!(outbox.push(ONE, &cast(), filled(994)).is_ok());
    assert_eq!(outbox.sent().refused, 2);
}

#[test]
fn a_bulk_lane_that_is_full_refuses_only_what_is_for_it() {
    let config = LinkConfig { bulk_max: 100_000, reserve: 50_000, ..LinkConfig::default() };
    let (mut outbox, _) = link(&config, Limits::default());
    outbox.name("m").unwrap();
    let large = || Bytes::from(vec![1; 60_000]);
    assert!(outbox.push_bytes(ONE, &cast(), large()).is_ok());
    assert!(outbox.push(ONE, &cast(), filled(60_000)).is_ok());
    assert_eq!(outbox.push_bytes(ONE, &cast(), large()), Err(Unsent::Full));
    assert_eq!(outbox.push(TWO, &cast(), filled(60_000)), Err(Unsent::Full));
    assert_eq!(outbox.push(ONE, &cast(), filled(1)), Err(Unsent::Full), "the flow is in the bulk lane");
    assert!(outbox.push(TWO, &cast(), filled(1)).is_ok());
    assert!(outbox.push(ONE, &answer(), filled(60_000)).is_ok());
    assert_eq!(outbox.push(ONE, &answer(), filled(60_000)), Err(Unsent::Overrun));
}

#[test]
fn what_fails_or_is_too_large_leaves_nothing() {
    let limits = Limits { message_max: 100_000, ..Limits::default() };
    let (mut outbox, mut inbox) = link(&LinkConfig::default(), limits);
    outbox.name("m").unwrap();
    let broken = |out: &mut Vec<u8>| {
        out.extend_from_slice(&[9; 40]);
        Err("no")
    };
    assert_eq!(outbox.push(ONE, &cast(), broken), Err(Unsent::Payload("no")));
    let panics = std::panic::AssertUnwindSafe(|| {
        outbox.push::<Infallible>(ONE, &cast(), |out| {
            out.push(9);
            std::panic::resume_unwind(Box::new("a codec's bug"))
        })
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    let too_large = Err(Unsent::TooLarge { bytes: 100_001, max: 100_000 });
    assert_eq!(outbox.push(ONE, &cast(), filled(99_997)), too_large);
    assert_eq!(outbox.push_bytes(ONE, &cast(), vec![0; 99_997].into()), too_large);
    assert_eq!(outbox.waiting()[1..], [0, 0]);
    for bytes in [5, 99_996] {
        assert!(outbox.push(ONE, &cast(), filled(bytes)).is_ok());
    }
    assert_eq!(outbox.push(ONE, &cast(), broken), Err(Unsent::Payload("no")));
    pump(&mut outbox, &mut inbox, START);
    let lengths = drain(&mut inbox).into_iter().map(|frame| match frame {
        Frame::Carrying(_, payload) => payload.len(),
        Frame::Signal(signal) => panic!("{signal:?}"),
    });
    assert_eq!(lengths.collect::<Vec<_>>(), [5, 99_996]);
}

#[test]
fn the_writer_is_woken_once_for_all_that_it_finds() {
    let (mut outbox, _) = link(&LinkConfig::default(), Limits::default());
    let ping = Signal::Ping { token: 1 };
    assert_eq!(outbox.push(ONE, &answer(), filled(1)), Ok(Pushed::Wake));
    assert_eq!(outbox.push(ONE, &answer(), filled(100_000)), Ok(Pushed::Quiet));
    assert_eq!(outbox.push_signal(ONE, &ping), Ok(Pushed::Quiet));
    assert_eq!(outbox.handle_signal(&ping, START), Ok(Pushed::Quiet));
    while outbox.poll_transmit(START, Streams::Both).is_some() {}
    assert_eq!(outbox.push_signal(ONE, &ping), Ok(Pushed::Wake));
}

#[test]
fn control_comes_first_and_a_large_message_costs_a_user_frame_one_chunk() {
    let limits = Limits { message_max: 200 << 20, ..Limits::default() };
    let config = LinkConfig { bulk_max: 200 << 20, ..LinkConfig::default() };
    let (mut outbox, _) = link(&config, limits);
    outbox.name("m").unwrap();
    let _ = outbox.push_bytes(ONE, &cast(), vec![0; 100 << 20].into()).unwrap();
    let mut bulk_bytes = 0;
    let mut next = |outbox: &mut Outbox| {
        let (stream, chunk) = outbox.poll_transmit(START, Streams::Both).unwrap();
        assert!(chunk.len() <= 64 * 1024 || stream == Stream::Main);
        bulk_bytes += if stream == Stream::Bulk { chunk.len() } else { 0 };
        stream
    };
    assert_eq!(next(&mut outbox), Stream::Main, "the definition");
    for _ in 0..50 {
        assert_eq!(next(&mut outbox), Stream::Bulk);
        let _ = outbox.push(TWO, &cast(), filled(20)).unwrap();
        assert_eq!(next(&mut outbox), Stream::Main, "the user frame");
        let _ = outbox
            .push_signal(TWO, &Signal::Probe { number: 1, first: 1, call: 4, path: Vec::new() })
            .unwrap();
        let _ = outbox.push(TWO, &cast(), filled(20)).unwrap();
        assert_eq!(next(&mut outbox), Stream::Main, "the control frame");
        assert_eq!(next(&mut outbox), Stream::Bulk, "its turn, for the last one was the user lane's");
        assert_eq!(next(&mut outbox), Stream::Main, "the user frame");
    }
    // However much the user lane has, the bulk lane has its turns; and one that is held up holds up nothing.
    for _ in 0..300 {
        let _ = outbox.push(TWO, &cast(), filled(10_000)).unwrap();
    }
    let turns: Vec<Stream> = (0..8).map(|_| next(&mut outbox)).collect();
    assert_eq!(turns, [Stream::Bulk, Stream::Main].repeat(4));
    for (streams, stream) in [(Streams::Main, Stream::Main), (Streams::Bulk, Stream::Bulk)] {
        for _ in 0..3 {
            assert_eq!(outbox.poll_transmit(START, streams).unwrap().0, stream);
        }
    }
    while outbox.poll_transmit(START, Streams::Both).is_some() {}
    assert_eq!(outbox.waiting(), [0, 0, 0]);
    assert!(outbox.sent().bulk.bytes as usize > 100 << 20);
    assert!(bulk_bytes < 20 << 20);
}

#[test]
fn large_messages_of_two_flows_take_turns() {
    let (mut outbox, mut inbox) = link(&LinkConfig::default(), Limits::default());
    outbox.name("m").unwrap();
    for (flow, bytes) in [(ONE, 10 << 20), (TWO, 200_000)] {
        let _ = outbox.push_bytes(flow, &cast(), vec![0; bytes].into()).unwrap();
    }
    let mut chunks = 0;
    while inbox.received().messages == 0 {
        let (stream, chunk) = outbox.poll_transmit(START, Streams::Both).unwrap();
        chunks += u32::from(stream == Stream::Bulk);
        inbox.handle_chunk(stream, chunk, START);
        drain(&mut inbox);
    }
    assert_eq!(chunks, 8, "200,000 bytes are four fragments, and every other is its own");
}

#[test]
fn a_chunk_of_a_large_message_is_as_large_as_the_configuration_says() {
    for fragment_max in [16 << 10, 40_000, 64 << 10] {
        let config = LinkConfig { fragment_max, ..LinkConfig::default() };
        let (mut outbox, mut inbox) = link(&config, Limits::default());
        outbox.name("m").unwrap();
        for flow in [ONE, TWO] {
            assert!(outbox.push_bytes(flow, &cast(), vec![1; 1 << 20].into()).is_ok());
        }
        let mut largest = 0;
        while let Some((stream, chunk)) = outbox.poll_transmit(START, Streams::Both) {
            if stream == Stream::Bulk {
                largest = largest.max(chunk.len());
            }
            inbox.handle_chunk(stream, chunk, START);
        }
        assert!((fragment_max - 100..=fragment_max).contains(&largest), "{largest} of {fragment_max}");
        assert_eq!(drain(&mut inbox).len(), 2);
    }
}

#[test]
fn more_than_the_peer_takes_is_not_under_way() {
    let limits = Limits { message_max: 200_000, assembling_max: 3, window: 450_000 };
    let (mut outbox, mut inbox) = link(&LinkConfig::default(), limits);
    outbox.name("m").unwrap();
    for n in 0..9 {
        let flow = Flow::Place(n);
        let _ = outbox.push_bytes(flow, &cast(), vec![0; 150_000].into()).unwrap();
    }
    let (mut handed_out, mut rounds) = (0, 0);
    while handed_out < 9 {
        pump(&mut outbox, &mut inbox, START);
        assert!(inbox.held() as u64 <= limits.bulk_max());
        let frames = drain(&mut inbox);
        assert!(frames.len() <= 2, "the third does not fit");
        handed_out += frames.len();
        let ack = inbox.poll_ack().unwrap();
        assert_eq!(inbox.poll_ack(), None);
        let woken = outbox.handle_signal(&ack, START).unwrap();
        assert_eq!(woken == Pushed::Wake, handed_out < 9);
        rounds += 1;
    }
    assert_eq!(rounds, 5);
    let ack = Signal::BulkAck { count: 10 };
    assert_eq!(outbox.handle_signal(&ack, START), Err(Broken::Acknowledged));
}

#[test]
fn a_dialer_sends_nothing_by_the_bulk_stream_before_it_has_heard_a_ping() {
    let config = LinkConfig::default();
    let mut dialer = Outbox::new(Side::Dialer, &config, Limits::default(), START);
    let mut acceptor = Outbox::new(Side::Acceptor, &config, Limits::default(), START);
    assert_eq!(dialer.push(ONE, &answer(), filled(100_000)), Ok(Pushed::Wake));
    assert_eq!(dialer.poll_transmit(START, Streams::Both), None);
    let mut inbox = Inbox::new(&config, Limits::default(), START);
    pump(&mut acceptor, &mut inbox, START);
    let [Frame::Signal(ping @ Signal::Ping { .. })] = &drain(&mut inbox)[..] else { panic!() };
    assert_eq!(dialer.handle_signal(ping, START), Ok(Pushed::Wake));
    let streams: Vec<Stream> =
        std::iter::from_fn(|| dialer.poll_transmit(START, Streams::Both)).map(|(stream, _)| stream).collect();
    assert_eq!(streams, [Stream::Main, Stream::Bulk, Stream::Bulk]);
}

#[test]
fn a_link_that_has_nothing_to_say_pings_and_one_that_hears_nothing_is_silent() {
    let config = LinkConfig::default();
    let (mut outbox, mut inbox) = link(&config, Limits::default());
    assert_eq!(outbox.poll_timeout(), at(500));
    assert_eq!(outbox.handle_timeout(at(499)), Pushed::Quiet);
    let _ = outbox.push(ONE, &answer(), filled(1)).unwrap();
    pump(&mut outbox, &mut inbox, at(400));
    assert_eq!(outbox.handle_timeout(at(500)), Pushed::Quiet, "something was sent");
    assert_eq!(outbox.handle_timeout(at(900)), Pushed::Wake);
    drain(&mut inbox);
    pump(&mut outbox, &mut inbox, at(900));
    let token = at(900).as_nanos();
    assert_eq!(drain(&mut inbox), [Frame::Signal(Signal::Ping { token })]);
    assert_eq!(outbox.handle_signal(&Signal::Pong { token }, at(903)), Ok(Pushed::Quiet));
    assert_eq!(outbox.round_trip(), Some(Duration::from_millis(3)));
    assert_eq!((outbox.poll_timeout(), inbox.poll_timeout()), (at(1_400), at(2_900)));
    assert!(!inbox.is_silent(at(2_899)));
    assert!(inbox.is_silent(at(2_900)));
}

#[test]
fn a_peer_that_does_not_read_costs_no_more_than_the_limits() {
    let config = LinkConfig::default();
    let (mut outbox, _) = link(&config, Limits::default());
    for n in 0..200_000 {
        let _ = outbox.handle_signal(&Signal::Ping { token: u64::MAX }, START);
        let _ = outbox.handle_timeout(at(n * 500));
    }
    assert!(outbox.waiting()[0] <= config.control_max);
    let (from, to) = (BarePid { slot: 1, serial: 1 }, BarePid { slot: 2, serial: 1 });
    let exit = Signal::Exit { from, to, reason: Exit::error("x".repeat(4_000)) };
    let pushed = (0..).take_while(|_| outbox.push_signal(ONE, &exit).is_ok()).count();
    assert!(pushed >= 100, "the rest of the lane is for what must be told");
    assert_eq!(outbox.push_signal(ONE, &exit), Err(Unsent::Overrun));
    assert_eq!(outbox.name_of("late"), Err(Unsent::Overrun));
}

#[test]
fn names_and_nodes_are_defined_once_and_before_they_are_used() {
    let (mut outbox, mut inbox) = link(&LinkConfig::default(), Limits::default());
    let (add, third) = (outbox.name("counter.add").unwrap(), node("third", 8));
    assert_eq!(outbox.name_of("counter.add"), Ok(add));
    assert_eq!(outbox.name("counter.get"), Ok(NameNumber(1)));
    assert_eq!(outbox.node(&third), Ok(NodeNumber(2)));
    assert_eq!(outbox.node(&third), Ok(NodeNumber(2)));
    assert_eq!(outbox.name_of(""), Err(Unsent::Name));
    assert_eq!(outbox.name_of(&"x".repeat(256)), Err(Unsent::Name));
    let _ = outbox.push(ONE, &Head::Cast { to: To::Name(NameNumber(1)), message: add }, filled(0)).unwrap();
    pump(&mut outbox, &mut inbox, START);
    assert_eq!(drain(&mut inbox).len(), 1);
    assert_eq!(inbox.name(add).map(|name| &**name), Some("counter.add"));
    assert_eq!(inbox.node(NodeNumber(2)), Some(&third));
    assert_eq!((inbox.name(NameNumber(2)), inbox.node(NodeNumber::SENDER)), (None, None));
}

#[test]
fn numbers_for_names_come_to_an_end() {
    let config = LinkConfig { control_max: usize::MAX, ..LinkConfig::default() };
    let (mut outbox, mut inbox) = link(&config, Limits::default());
    for n in 0..65_536 {
        assert_eq!(outbox.name_of(&n.to_string()), Ok(NameNumber(n)));
    }
    assert_eq!(outbox.name_of("one more"), Err(Unsent::Numbers));
    pump(&mut outbox, &mut inbox, START);
    assert!(drain(&mut inbox).is_empty());
    assert_eq!(inbox.name(NameNumber(65_535)).map(|name| &**name), Some("65535"));
}

#[test]
fn millions_of_small_casts_use_the_same_buffers() {
    let (mut outbox, _) = link(&LinkConfig::default(), Limits::default());
    outbox.name("m").unwrap();
    let mut places = std::collections::BTreeSet::new();
    for _ in 0..60 {
        for _ in 0..1_000 {
            let _ = outbox.push(ONE, &cast(), filled(16)).unwrap();
        }
        while let Some((_, chunk)) = outbox.poll_transmit(START, Streams::Both) {
            assert!(chunk.len() <= CHUNK_MAX);
            places.insert(chunk.as_ptr().addr());
        }
    }
    assert!(places.len() <= 12, "{} buffers", places.len());
}

#[test]
fn a_pack_that_is_partly_sent_takes_no_more() {
    let (mut outbox, mut inbox) = link(&LinkConfig::default(), Limits::default());
    outbox.name("m").unwrap();
    // Both flows are in the bulk lane until their large messages are acknowledged.
    for flow in [ONE, TWO] {
        let _ = outbox.push_bytes(flow, &cast(), vec![0; 70_000].into()).unwrap();
    }
    pump(&mut outbox, &mut inbox, START);
    drain(&mut inbox);
    // 45 kB of the first flow leave no room for 30 kB of the second.
    for (flow, times) in [(ONE, 3), (TWO, 2)] {
        for _ in 0..times {
            let _ = outbox.push(flow, &cast(), filled(15_000)).unwrap();
        }
    }
    let (stream, chunk) = outbox.poll_transmit(START, Streams::Both).unwrap();
    inbox.handle_chunk(stream, chunk, START);
    assert_eq!(drain(&mut inbox).len(), 3);
    for flow in [ONE, TWO] {
        let _ = outbox.push(flow, &cast(), filled(1)).unwrap();
    }
    pump(&mut outbox, &mut inbox, START);
    assert_eq!(drain(&mut inbox).len(), 2 + 2);
    assert_eq!(inbox.poll_ack(), Some(Signal::BulkAck { count: 6 }));
}

#[test]
fn a_message_that_waits_for_the_window_is_not_overtaken_for_ever() {
    let limits = Limits { message_max: 200_000, assembling_max: 8, window: 200_200 };
    let (mut outbox, mut inbox) = link(&LinkConfig::default(), limits);
    outbox.name("m").unwrap();
    let _ = outbox.push_bytes(ONE, &cast(), vec![0; 60_000].into()).unwrap();
    let _ = outbox.push_bytes(TWO, &cast(), vec![0; 190_000].into()).unwrap();
    // There is always something that is not acknowledged yet.
    let mut late = None;
    for round in 0.. {
        assert!(round < 6, "small ones go on for ever");
        let _ = outbox.push_bytes(Flow::Place(round), &cast(), vec![0; 20_000].into()).unwrap();
        pump(&mut outbox, &mut inbox, START);
        let lengths = drain(&mut inbox).into_iter().map(|frame| match frame {
            Frame::Carrying(_, payload) => payload.len(),
            Frame::Signal(signal) => panic!("{signal:?}"),
        });
        if lengths.max() == Some(190_000) {
            break;
        }
        if let Some(ack) = std::mem::replace(&mut late, inbox.poll_ack()) {
            let _ = outbox.handle_signal(&ack, START).unwrap();
        }
    }
}
