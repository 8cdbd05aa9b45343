//! A small world around the network: three nodes that listen, a clock, luck, and all events so far.

use ravelin_core::Time;
use ravelin_sim::net::{
    Addr, Broken, Crash, Event, Host, Link, Luck, NetError, Network, NodeId, Ppm, Settings, StreamId,
    StreamSettings,
};
use std::time::Duration;

pub(crate) const A: NodeId = NodeId(1);
pub(crate) const B: NodeId = NodeId(2);
pub(crate) const C: NodeId = NodeId(3);

pub(crate) struct World {
    pub(crate) net: Network,
    pub(crate) now: Time,
    pub(crate) events: Vec<Event>,
    luck: Luck,
}

pub(crate) fn ms(n: u32) -> Duration {
    Duration::from_millis(1) * n
}

/// One link of 10 ms for all, and no faults.
pub(crate) fn quiet() -> Settings {
    let streams = StreamSettings { short: Ppm::NEVER, ..StreamSettings::default() };
    Settings { link: Link::perfect(ms(10)), streams, ..Settings::default() }
}

/// How long an end waits for a sign.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    Short,
    Long,
}

impl Patience {
    pub(crate) fn duration(self) -> Option<Duration> {
        match self {
            Patience::Short => Some(Duration::from_secs(1)),
            Patience::Long => None,
        }
    }
}

impl World {
    /// Where every node listens.
    pub(crate) const PORT: u16 = 80;

    pub(crate) fn new(settings: Settings) -> World {
        let mut world =
            World { net: Network::new(settings), now: Time::EPOCH, events: Vec::new(), luck: Luck::new(1) };
        for node in [A, B, C] {
            world.boot(node);
        }
        world
    }

    pub(crate) fn boot(&mut self, node: NodeId) {
        let host = self.net.boot(self.now, node);
        self.net.listen(host, Self::PORT).unwrap();
    }

    pub(crate) fn crash(&mut self, node: NodeId, how: Crash) {
        self.net.crash(self.now, node, how, self.luck.draw());
    }

    pub(crate) fn host(&self, node: NodeId) -> Host {
        self.net.host(node).expect("it runs")
    }

    /// Lets the next thing happen; the time since the epoch when it did.
    pub(crate) fn step(&mut self) -> Option<Duration> {
        let at = self.net.poll_timeout()?;
        assert!(at >= self.now, "time goes back");
        self.now = at;
        self.settle();
        Some(at - Time::EPOCH)
    }

    /// Until nothing happens any more.
    pub(crate) fn run(&mut self) {
        self.settle();
        while self.step().is_some() {}
    }

    pub(crate) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.net.poll_timeout().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = end;
        self.settle();
    }

    fn settle(&mut self) {
        self.net.handle_timeout(self.now);
        while let Some(event) = self.net.poll_event() {
            self.events.push(event);
        }
    }

    /// Sends each number in a datagram.
    pub(crate) fn send_each(&mut self, from: NodeId, to: NodeId, numbers: impl IntoIterator<Item = u32>) {
        let host = self.host(from);
        for number in numbers {
            let luck = self.luck.draw();
            self.net.send(self.now, host, 1, to.at(1), &number.to_le_bytes(), luck).unwrap();
        }
    }

    /// The numbers that a node got, in order.
    pub(crate) fn heard(&self, node: NodeId) -> impl Iterator<Item = u32> {
        self.events.iter().filter_map(move |event| match event {
            Event::Datagram { host, bytes, .. } if host.node == node => {
                Some(u32::from_le_bytes(bytes[..].try_into().unwrap()))
            }
            _ => None,
        })
    }

    pub(crate) fn heal(&mut self, from: &[NodeId], to: &[NodeId]) {
        self.net.heal(self.now, from, to);
    }

    pub(crate) fn unclog(&mut self, from: &[NodeId], to: &[NodeId]) {
        self.net.unclog(self.now, from, to);
    }

    pub(crate) fn connect(&mut self, from: NodeId, to: Addr) -> StreamId {
        let host = self.host(from);
        self.net.connect(self.now, host, to, self.luck.draw()).unwrap()
    }

    /// Both ends of a new connection.
    pub(crate) fn connected(&mut self, from: NodeId, to: NodeId) -> (StreamId, StreamId) {
        let near = self.connect(from, to.at(Self::PORT));
        self.run();
        let far = near.peer();
        let accepted =
            Event::Accepted { host: self.host(to), port: Self::PORT, from: self.host(from), stream: far };
        assert!(self.events.contains(&accepted) && self.events.contains(&Event::Connected { stream: near }));
        (near, far)
    }

    pub(crate) fn write(&mut self, stream: StreamId, bytes: &[u8]) -> Result<usize, NetError> {
        self.net.write(self.now, stream, bytes, self.luck.draw())
    }

    pub(crate) fn read(&mut self, stream: StreamId, most: usize) -> Result<Vec<u8>, NetError> {
        let mut out = vec![0; most];
        let got = self.net.read(self.now, stream, &mut out, self.luck.draw())?;
        out.truncate(got);
        Ok(out)
    }

    pub(crate) fn close(&mut self, stream: StreamId) {
        self.net.close(self.now, stream, self.luck.draw());
        self.run();
    }

    /// Each end writes its bytes and finishes, reads all that the other wrote, and closes. What each of them heard:
    /// first the far end.
    pub(crate) fn exchange(&mut self, near: (StreamId, &[u8]), far: (StreamId, &[u8])) -> (Vec<u8>, Vec<u8>) {
        let ends = [near, far];
        let mut written = [0; 2];
        let mut heard = [vec![], vec![]];
        let mut is_over = [false; 2];
        while is_over != [true; 2] {
            for (at, (stream, bytes)) in ends.iter().enumerate() {
                while written[at] < bytes.len() {
                    let Ok(taken) = self.write(*stream, &bytes[written[at]..]) else { break };
                    written[at] += taken;
                }
                if written[at] == bytes.len() {
                    self.net.finish(self.now, *stream, self.luck.draw()).unwrap();
                }
                while let Ok(bytes) = self.read(*stream, 5_000) {
                    heard[at].extend_from_slice(&bytes);
                    is_over[at] |= bytes.is_empty();
                    if bytes.is_empty() {
                        break;
                    }
                }
            }
            if is_over != [true; 2] {
                self.step().expect("it goes on");
            }
        }
        for (stream, _) in ends {
            self.close(stream);
        }
        assert_eq!(self.closed(), []);
        let [at_near, at_far] = heard;
        (at_far, at_near)
    }

    /// The connections that ended without being asked to.
    pub(crate) fn closed(&self) -> Vec<(StreamId, Broken)> {
        let closed = |event: &Event| match event {
            Event::Closed { stream, reason } => Some((*stream, *reason)),
            _ => None,
        };
        self.events.iter().filter_map(closed).collect()
    }

    /// How many streams A and B have.
    pub(crate) fn streams(&self) -> [usize; 2] {
        [A, B].map(|node| self.net.streams(self.host(node)).count())
    }
}

/// Bytes that follow from a seed.
pub(crate) fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut luck = Luck::new(seed);
    (0..len).map(|_| luck.draw() as u8).collect()
}
