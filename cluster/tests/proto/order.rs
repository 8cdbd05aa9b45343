//! The order promise: whatever is sent when, and however the streams are delayed.

use bytes::Bytes;
use proptest::prelude::*;
use ravelin_cluster::proto::frame::{Frame, Head, Signal};
use ravelin_cluster::proto::hello::{Limits, Side};
use ravelin_cluster::proto::link::{
    Compression, Compressor, Flow, Inbox, LinkConfig, Outbox, Streams, Unsent,
};
use ravelin_cluster::proto::{Stream, To};
use ravelin_core::{Pid, Time};
use std::collections::VecDeque;

const FLOWS: usize = 4;
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

#[derive(Clone, Debug)]
enum Step {
    /// A flow sends a message of so many bytes, under one of the names; by `push` or by `push_bytes`.
    Send { flow: usize, bytes: usize, name: usize, way: Way },
    /// A control frame is sent.
    Control,
    /// The writer sends a chunk, if there is one for these streams.
    Write(Streams),
    /// A stream delivers its oldest chunk.
    Deliver(Stream),
    /// Acknowledgements arrive.
    Acknowledge,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Written,
    Bytes,
}

/// How the two streams of a connection go together.
#[derive(Clone, Copy, Debug)]
enum Pipes {
    /// As over QUIC: each has its own delay.
    Apart,
    /// As over TCP: what was sent first comes first.
    Together,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![6 => 0..50_usize, 3 => 900..3_000_usize, 1 => 60_000..200_000_usize];
    let way = prop_oneof![Just(Way::Written), Just(Way::Bytes)];
    prop_oneof![
        8 => (0..FLOWS, bytes, 0..NAMES.len(), way)
            .prop_map(|(flow, bytes, name, way)| Step::Send { flow, bytes, name, way }),
        1 => Just(Step::Control),
        3 => prop_oneof![4 => Just(Streams::Both), 1 => Just(Streams::Main), 1 => Just(Streams::Bulk)]
            .prop_map(Step::Write),
        3 => prop_oneof![Just(Stream::Main), Just(Stream::Bulk)].prop_map(Step::Deliver),
        1 => Just(Step::Acknowledge),
    ]
}

/// Two halves of a link, what is between them, and what came of it.
struct World {
    outbox: Outbox,
    compressor: Compressor,
    inbox: Inbox,
    pipes: Pipes,
    in_flight: VecDeque<(Stream, Bytes)>,
    acks: VecDeque<Signal>,
    config: LinkConfig,
    limits: Limits,
    sent: [u32; FLOWS],
    got: [u32; FLOWS],
    controls: [u64; 2],
}

impl World {
    fn new(pipes: Pipes, compression: Compression) -> World {
        let limits = Limits { message_max: 200_100, assembling_max: 2, window: 260_000 };
        let config = LinkConfig {
            small_max: 1_000,
            user_max: 40_000,
            bulk_max: 300_000,
            reserve: 0,
            compression,
            ..LinkConfig::default()
        };
        World {
            outbox: Outbox::new(Side::Acceptor, &config, limits, Time::EPOCH),
            compressor: Compressor::new(&config),
            inbox: Inbox::new(&config, limits, Time::EPOCH),
            pipes,
            in_flight: VecDeque::new(),
            acks: VecDeque::new(),
            config,
            limits,
            sent: [0; FLOWS],
            got: [0; FLOWS],
            controls: [0; 2],
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Send { flow, bytes, name, way } => self.send(flow, bytes, name, way),
            Step::Control => {
                self.controls[0] += 1;
                let signal = Signal::Probe { number: 1, first: 1, call: self.controls[0], path: Vec::new() };
                let _ = self.outbox.push_signal(Flow::Groups, &signal).unwrap();
            }
            Step::Write(streams) => {
                if let Some((stream, mut chunk)) = self.outbox.poll_transmit(Time::EPOCH, streams) {
                    self.compressor.compress(stream, &mut chunk);
                    self.in_flight.push_back((stream, chunk));
                }
            }
            Step::Deliver(stream) => self.deliver(stream),
            Step::Acknowledge => {
                while let Some(ack) = self.acks.pop_front() {
                    let _ = self.outbox.handle_signal(&ack, Time::EPOCH).unwrap();
                }
            }
        }
        let [_, user, bulk] = self.outbox.waiting();
        assert!(
            user < self.config.user_max + self.config.small_max + 2,
            "{user} bytes wait in the user lane"
        );
        let one = self.limits.message_max as usize + 128;
        assert!(bulk < self.config.bulk_max + one, "{bulk} bytes wait in the bulk lane");
        assert!(self.inbox.held() as u64 <= self.limits.bulk_max());
    }

    fn send(&mut self, flow: usize, bytes: usize, name: usize, way: Way) {
        let message = self.outbox.name(NAMES[name]).unwrap();
        let head = Head::Cast { to: To::Place(name as u64), message };
        let payload = [&[flow as u8], &self.sent[flow].to_le_bytes()[..], &vec![flow as u8; bytes]].concat();
        let flow_id = Flow::Actor(Pid::from_parts(0, flow as u32, 1));
        let pushed = match way {
            Way::Written => self.outbox.push(flow_id, &head, |out| {
                out.extend_from_slice(&payload);
                Ok(())
            }),
            Way::Bytes => self.outbox.push_bytes(flow_id, &head, payload.into()),
        };
        match pushed {
            Ok(_) => self.sent[flow] += 1,
            Err(Unsent::Full) => (),
            Err(other) => panic!("{other}"),
        }
    }

    fn deliver(&mut self, stream: Stream) {
        let next = match self.pipes {
            Pipes::Apart => self.in_flight.iter().position(|(other, _)| *other == stream),
            Pipes::Together => (!self.in_flight.is_empty()).then_some(0),
        };
        let Some((stream, chunk)) = next.and_then(|at| self.in_flight.remove(at)) else { return };
        self.inbox.handle_chunk(stream, chunk, Time::EPOCH);
        while let Some(frame) = self.next_frame() {
            match frame {
                Frame::Carrying(Head::Cast { to: To::Place(place), message }, payload) => {
                    let name = self.inbox.name(message).unwrap();
                    assert_eq!(&**name, NAMES[place as usize]);
                    self.receive(&payload);
                }
                Frame::Signal(Signal::Probe { call: id, .. }) => {
                    assert_eq!(id, self.controls[1] + 1, "control frames have an order too");
                    self.controls[1] = id;
                }
                Frame::Signal(Signal::Ping { .. }) => (),
                other => panic!("{other:?}"),
            }
        }
        self.acks.extend(self.inbox.poll_ack());
    }

    /// The next one, whatever turns it takes.
    fn next_frame(&mut self) -> Option<Frame> {
        loop {
            match self.inbox.poll_frame() {
                None if self.inbox.poll_pause() => (),
                next => return next.map(Result::unwrap),
            }
        }
    }

    fn receive(&mut self, payload: &[u8]) {
        let (flow, rest) = payload.split_first().unwrap();
        let (number, filling) = rest.split_first_chunk::<4>().unwrap();
        let got = &mut self.got[usize::from(*flow)];
        assert_eq!(u32::from_le_bytes(*number), *got, "the order of flow {flow}");
        assert!(filling.iter().all(|byte| byte == flow));
        *got += 1;
    }

    /// Everything is sent, delivered and acknowledged.
    fn settle(&mut self) {
        for _ in 0..200 {
            self.apply(Step::Write(Streams::Both));
            // The main stream is slow.
            self.apply(Step::Deliver(Stream::Bulk));
            if self.in_flight.iter().all(|(stream, _)| *stream == Stream::Main) {
                self.apply(Step::Deliver(Stream::Main));
            }
            self.apply(Step::Acknowledge);
        }
        assert_eq!(self.outbox.waiting(), [0, 0, 0]);
        assert!(self.in_flight.is_empty());
        assert_eq!(self.inbox.held(), 0);
        assert_eq!((self.got, self.controls[0]), (self.sent, self.controls[1]));
    }
}

fn run(pipes: Pipes, compression: Compression, steps: Vec<Step>) {
    let mut world = World::new(pipes, compression);
    for step in steps {
        world.apply(step);
    }
    world.settle();
    // All is acknowledged, so a small frame of any flow goes over the main stream again.
    for flow in 0..FLOWS {
        world.send(flow, 1, 0, Way::Written);
    }
    assert_eq!(world.outbox.waiting()[2], 0);
    world.settle();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_flow_keeps_its_order_over_two_streams(steps in prop::collection::vec(step(), 0..120)) {
        run(Pipes::Apart, Compression::Never, steps);
    }

    #[test]
    fn each_flow_keeps_its_order_over_one_stream(steps in prop::collection::vec(step(), 0..120)) {
        run(Pipes::Together, Compression::Never, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_flow_keeps_its_order_when_it_is_compressed(steps in prop::collection::vec(step(), 0..120)) {
        run(Pipes::Apart, Compression::bulk(), steps);
    }
}
