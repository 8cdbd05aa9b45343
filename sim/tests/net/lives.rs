//! Random lives of a network with all faults at once: what is promised holds at every step, and all gets well after.

use crate::world::{A, B, C, World, ms};
use proptest::prelude::*;
use ravelin_sim::net::{Bandwidth, Counters, Crash, Event, Host, Link, Settings, StreamId, StreamSettings};
use ravelin_sim::{NodeId, Ppm};
use std::collections::{BTreeMap, BTreeSet};

const NODES: [NodeId; 3] = [A, B, C];

#[derive(Clone, Debug)]
enum Step {
    Datagrams { from: usize, to: usize, count: u32 },
    Connect { from: usize, to: usize },
    Write { stream: usize, len: usize },
    Read { stream: usize, len: usize },
    Cut { from: usize, to: usize },
    Heal { from: usize, to: usize },
    Clog { from: usize, to: usize },
    Unclog { from: usize, to: usize },
    Sever { stream: usize },
    Crash { node: usize, how: Crash },
    Boot { node: usize },
    Wait { millis: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (node, stream) = (0..3_usize, 0..100_usize);
    let pair = || (0..3_usize, 0..3_usize);
    let step = prop_oneof![
        6 => (pair(), 1..20_u32).prop_map(|((from, to), count)| Step::Datagrams { from, to, count }),
        3 => pair().prop_map(|(from, to)| Step::Connect { from, to }),
        8 => (stream.clone(), 1..3_000_usize).prop_map(|(stream, len)| Step::Write { stream, len }),
        8 => (stream.clone(), 1..3_000_usize).prop_map(|(stream, len)| Step::Read { stream, len }),
        1 => pair().prop_map(|(from, to)| Step::Cut { from, to }),
        1 => pair().prop_map(|(from, to)| Step::Heal { from, to }),
        1 => pair().prop_map(|(from, to)| Step::Clog { from, to }),
        1 => pair().prop_map(|(from, to)| Step::Unclog { from, to }),
        1 => stream.prop_map(|stream| Step::Sever { stream }),
        1 => (node.clone(), any::<bool>()).prop_map(|(node, is_silent)| {
            Step::Crash { node, how: if is_silent { Crash::Silent } else { Crash::Reset } }
        }),
        2 => node.prop_map(|node| Step::Boot { node }),
        10 => (0..100_u32).prop_map(|millis| Step::Wait { millis }),
    ];
    proptest::collection::vec(step, 1..80)
}

/// Small buffers, and any mixture of faults.
fn settings() -> impl Strategy<Value = Settings> {
    let percent = || prop_oneof![Just(Ppm::NEVER), (1..30_u32).prop_map(Ppm::percent)];
    let speed = proptest::option::of(10_000..1_000_000_u64);
    (percent(), percent(), percent(), percent(), speed, any::<bool>()).prop_map(
        |(loss, duplicate, reorder, tail, speed, gives_up)| {
            let bandwidth = speed.map(|bytes_per_second| Bandwidth { bytes_per_second, backlog_max: ms(50) });
            let link = Link {
                jitter: ms(20),
                tail,
                tail_max: ms(200),
                loss,
                duplicate,
                reorder,
                reorder_max: ms(40),
                bandwidth,
                ..Link::perfect(ms(10))
            };
            let streams = StreamSettings {
                buffer_len_max: 2_000,
                segment_len_max: 700,
                give_up_after: gives_up.then_some(ms(2_000)),
                ..StreamSettings::default()
            };
            Settings { link, streams, ..Settings::default() }
        },
    )
}

/// A world, and what its users know.
struct Life {
    world: World,
    settings: Settings,
    /// The number of the next datagram, and who was to get each: none is like another.
    next: u32,
    meant_for: BTreeMap<u32, (NodeId, Option<Host>)>,
    streams: Vec<StreamId>,
    /// What was written into each stream, and what was read from it.
    written: BTreeMap<StreamId, Vec<u8>>,
    read: BTreeMap<StreamId, Vec<u8>>,
}

impl Life {
    fn new(settings: Settings) -> Life {
        Life {
            world: World::new(settings),
            settings,
            next: 0,
            meant_for: BTreeMap::new(),
            streams: Vec::new(),
            written: BTreeMap::new(),
            read: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        let world = &mut self.world;
        let stream = |stream: usize| match self.streams.len() {
            0 => None,
            some => Some(self.streams[stream % some]),
        };
        match *step {
            Step::Datagrams { from, to, count } if world.net.host(NODES[from]).is_some() => {
                let (from, to) = (NODES[from], NODES[to]);
                let numbers = self.next..self.next + count;
                self.next = numbers.end;
                self.meant_for.extend(numbers.clone().map(|number| (number, (from, world.net.host(to)))));
                world.send_each(from, to, numbers);
            }
            Step::Connect { from, to } if world.net.host(NODES[from]).is_some() => {
                let near = world.connect(NODES[from], NODES[to].at(World::PORT));
                self.streams.extend([near, near.peer()]);
            }
            Step::Datagrams { .. } | Step::Connect { .. } => (),
            Step::Write { stream: at, len } => {
                let Some(stream) = stream(at) else { return };
                self.write(stream, len);
            }
            Step::Read { stream: at, len } => {
                let Some(stream) = stream(at) else { return };
                self.read(stream, len);
            }
            Step::Cut { from, to } => world.net.cut(&[NODES[from]], &[NODES[to]]),
            Step::Heal { from, to } => world.heal(&[NODES[from]], &[NODES[to]]),
            Step::Clog { from, to } => world.net.clog(&[NODES[from]], &[NODES[to]]),
            Step::Unclog { from, to } => world.unclog(&[NODES[from]], &[NODES[to]]),
            Step::Sever { stream: at } => {
                if let Some(stream) = stream(at) {
                    world.net.sever(stream);
                }
            }
            Step::Crash { node, how } => world.crash(NODES[node], how),
            Step::Boot { node } => world.boot(NODES[node]),
            Step::Wait { millis } => world.run_for(ms(millis)),
        }
    }

    fn write(&mut self, stream: StreamId, len: usize) {
        let written = self.written.entry(stream).or_default();
        let bytes: Vec<u8> = (written.len()..written.len() + len).map(|at| (at % 251) as u8).collect();
        if let Ok(taken) = self.world.write(stream, &bytes) {
            written.extend_from_slice(&bytes[..taken]);
        }
    }

    fn read(&mut self, stream: StreamId, len: usize) -> bool {
        let got = self.world.read(stream, len).unwrap_or_default();
        self.read.entry(stream).or_default().extend_from_slice(&got);
        !got.is_empty()
    }

    /// What holds at every moment.
    fn check(&self) -> Result<(), TestCaseError> {
        for (stream, read) in &self.read {
            let written = self.written.get(&stream.peer()).map_or(&[][..], Vec::as_slice);
            prop_assert!(written.starts_with(read), "{stream}: bytes lost, doubled or out of order");
        }
        for (stream, written) in &self.written {
            let read = self.read.get(&stream.peer()).map_or(0, Vec::len);
            let waiting = written.len() - read;
            prop_assert!(waiting <= self.settings.streams.buffer_len_max, "{stream}: {waiting} bytes wait");
        }
        let mut times: BTreeMap<u32, u64> = BTreeMap::new();
        for event in &self.world.events {
            if let Event::Datagram { host, bytes, from, .. } = event {
                let number = u32::from_le_bytes(bytes[..].try_into().unwrap());
                prop_assert_eq!(self.meant_for[&number], (from.node, Some(*host)));
                *times.entry(number).or_default() += 1;
            }
        }
        let totals = self.world.net.totals();
        let doubled: u64 = times.values().map(|times| times - 1).sum();
        prop_assert!(times.values().all(|times| *times <= 2) && doubled <= totals.duplicated);
        for (from, to) in NODES.iter().flat_map(|from| NODES.map(|to| (*from, to))) {
            // Panics, by overflow, if more came out of the link than went in.
            let counts: Counters = self.world.net.counters(from, to);
            prop_assert!(counts.on_their_way() <= counts.sent + counts.duplicated);
        }
        Ok(())
    }

    /// All faults end; every byte that is owed arrives, or its stream says that it is over.
    fn gets_well(&mut self) -> Result<(), TestCaseError> {
        self.world.net.calm(self.world.now, Link::lan());
        for node in NODES {
            if self.world.net.host(node).is_none() {
                self.world.boot(node);
            }
        }
        let streams: BTreeSet<StreamId> = self.streams.iter().copied().collect();
        loop {
            self.world.run();
            let progress: Vec<bool> = streams.iter().map(|stream| self.read(*stream, 5_000)).collect();
            if !progress.contains(&true) {
                break;
            }
        }
        self.check()?;
        prop_assert_eq!(self.world.net.totals().on_their_way(), 0);
        let over: BTreeSet<StreamId> = self.world.closed().iter().map(|(stream, _)| *stream).collect();
        let live = |stream: &StreamId| {
            NODES.iter().any(|node| self.world.net.streams(self.world.host(*node)).any(|id| id == *stream))
        };
        for stream in streams.iter().filter(|stream| live(stream) && !over.contains(stream)) {
            let owed = self.written.get(&stream.peer()).map_or(0, Vec::len);
            let read = self.read.get(stream).map_or(0, Vec::len);
            let is_half = !live(&stream.peer()) || over.contains(&stream.peer());
            prop_assert!(read == owed || is_half, "{stream}: {read} of {owed} bytes arrived");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_under_all_faults_and_all_gets_well_after_them(settings in settings(), steps in steps()) {
        let mut life = Life::new(settings);
        for step in &steps {
            life.step(step);
            life.check()?;
        }
        life.gets_well()?;
    }

    #[test]
    fn without_reordering_and_duplicates_each_pair_keeps_its_order(settings in settings(), steps in steps()) {
        let link = Link { reorder: Ppm::NEVER, duplicate: Ppm::NEVER, ..settings.link };
        let mut life = Life::new(Settings { link, ..settings });
        for step in &steps {
            life.step(step);
        }
        life.gets_well()?;
        let mut last: BTreeMap<(NodeId, NodeId), u32> = BTreeMap::new();
        for event in &life.world.events {
            if let Event::Datagram { host, bytes, from, .. } = event {
                let number = u32::from_le_bytes(bytes[..].try_into().unwrap());
                let before = last.insert((from.node, host.node), number);
                prop_assert!(before.is_none_or(|before| before < number), "{number} after {before:?}");
            }
        }
        prop_assert_eq!(life.world.net.totals().reordered, 0);
    }

    #[test]
    fn the_same_calls_with_the_same_luck_give_the_same_events(settings in settings(), steps in steps()) {
        let run = || {
            let mut life = Life::new(settings);
            steps.iter().for_each(|step| life.step(step));
            (life.world.net.totals(), life.world.net.poll_timeout(), life.read, life.world.events)
        };
        prop_assert_eq!(run(), run());
    }
}
