//! `[pure]` The network: who runs, datagrams, faults, time. Connections are in the file beside it.

use super::counters::Counters;
use super::event::{Event, NetError};
use super::link::Link;
use super::luck::Luck;
use super::names::{Addr, Host, NodeId, StreamId};
use super::packet::{Body, Datagram, What};
use super::settings::Settings;
use super::stream::End;
use super::wire::{Arrival, Wire};
use ravelin_core::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How a node goes down.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Crash {
    /// The program ends and the machine lives: its connections are reset at once.
    Reset,
    /// The machine loses power: its connections hang. The others learn of it when they give up, or when it is back
    /// and knows nothing of them.
    Silent,
}

/// A simulated network of any number of nodes. State, no clock: the caller says what time it is, and it never goes back.
///
/// In the grammar of quinn-proto: commands take `now`; call [`handle_timeout`](Network::handle_timeout) when the time
/// of [`poll_timeout`](Network::poll_timeout) has come, and [`poll_event`](Network::poll_event) until it is `None`
/// after each of both. `luck` is a random number, one for each call: all the chances of that call follow from it, and
/// the same calls give the same events on every machine. Each call costs the logarithm of what is on its way.
///
/// ```
/// use ravelin_core::Time;
/// use ravelin_sim::net::{Event, Network, NodeId, Settings};
///
/// let mut net = Network::new(Settings::default());
/// let a = net.boot(Time::EPOCH, NodeId(1));
/// let b = net.boot(Time::EPOCH, NodeId(2));
/// net.send(Time::EPOCH, a, 9, b.node.at(7), b"ping", 42).unwrap();
///
/// let at = net.poll_timeout().expect("something is on its way");
/// net.handle_timeout(at);
/// let Some(Event::Datagram { host, port, from, bytes }) = net.poll_event() else { panic!("nothing came") };
/// assert_eq!((host, port, from, &*bytes), (b, 7, a.node.at(9), &b"ping"[..]));
/// ```
#[derive(Debug)]
pub struct Network {
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) ends: BTreeMap<StreamId, End>,
    /// When ends give up.
    pub(super) alarms: BTreeSet<(Time, StreamId)>,
    pub(super) connections: u64,
    pub(super) wire: Wire,
    pub(super) events: VecDeque<Event>,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    incarnation: u32,
    pub(super) is_running: bool,
    /// Where it listens.
    pub(super) ports: BTreeSet<u16>,
}

impl Network {
    /// A network without nodes.
    pub fn new(settings: Settings) -> Network {
        Network {
            nodes: BTreeMap::new(),
            ends: BTreeMap::new(),
            alarms: BTreeSet::new(),
            connections: 0,
            wire: Wire::new(settings),
            events: VecDeque::new(),
        }
    }

    /// Starts a node, or starts it again: a new incarnation. One that runs crashes first, silently.
    pub fn boot(&mut self, now: Time, node: NodeId) -> Host {
        if self.host(node).is_some() {
            self.crash(now, node, Crash::Silent, 0);
        }
        let entry = self.nodes.entry(node).or_default();
        entry.incarnation += 1;
        entry.is_running = true;
        let host = Host { node, incarnation: entry.incarnation };
        for (from, to) in self.pairs() {
            if to == node {
                self.wire.send_again(now, from, to);
            }
        }
        host
    }

    /// Ends the incarnation that runs, if one does. What it had sent still arrives; what comes for it vanishes; its
    /// streams and ports are gone, without events for it.
    pub fn crash(&mut self, now: Time, node: NodeId, how: Crash, luck: u64) {
        let Some(host) = self.host(node) else { return };
        let mut luck = Luck::new(luck);
        let mine: Vec<StreamId> =
            self.ends.iter().filter(|(_, end)| end.host == host).map(|(id, _)| *id).collect();
        for stream in mine {
            let peer = self.forget(stream);
            if let (Some(peer), Crash::Reset) = (peer, how) {
                self.send_segment(now, (node, peer), stream.peer(), What::Reset, &mut luck);
            }
        }
        if let Some(entry) = self.nodes.get_mut(&node) {
            entry.is_running = false;
            entry.ports.clear();
        }
    }

    /// The incarnation of a node that runs.
    pub fn host(&self, node: NodeId) -> Option<Host> {
        let entry = self.nodes.get(&node).filter(|entry| entry.is_running)?;
        Some(Host { node, incarnation: entry.incarnation })
    }

    /// Sends a datagram from a port of `from`. It may be lost, late, doubled or overtaken, as the link says, and is
    /// heard only by the incarnation that runs now.
    ///
    /// # Errors
    /// [`NetError::NotRunning`] for a host that is gone, [`NetError::TooLong`]. Nothing was sent. Whether the other
    /// runs, nobody can tell: that is no error.
    pub fn send(
        &mut self,
        now: Time,
        from: Host,
        from_port: u16,
        to: Addr,
        bytes: &[u8],
        luck: u64,
    ) -> Result<(), NetError> {
        self.running(from)?;
        if bytes.len() > self.wire.settings.datagram_len_max {
            return Err(NetError::TooLong);
        }
        let incarnation = self.host(to.node).map(|host| host.incarnation);
        let datagram = Datagram { number: 0, from_port, port: to.port, incarnation, bytes: Arc::from(bytes) };
        self.wire.send_datagram(now, from.node, to.node, datagram, &mut Luck::new(luck));
        Ok(())
    }

    /// Lets happen what was due by `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(arrival) = self.wire.arrival(now) {
            self.arrived(now, arrival);
        }
        while let Some(&(at, stream)) = self.alarms.first().filter(|(at, _)| *at <= now) {
            self.alarms.remove(&(at, stream));
            self.gives_up(stream);
        }
    }

    /// When to call [`handle_timeout`](Network::handle_timeout) next; `None`: nothing will happen by itself.
    pub fn poll_timeout(&self) -> Option<Time> {
        let alarm = self.alarms.first().map(|(at, _)| *at);
        [self.wire.next_at(), alarm].into_iter().flatten().min()
    }

    /// The next thing that happened at a host, in the order in which it did. Never for one that is gone.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            let event = self.events.pop_front()?;
            let is_meant = match &event {
                Event::Datagram { host, .. } => self.running(*host).is_ok(),
                Event::Accepted { stream, .. }
                | Event::Closed { stream, .. }
                | Event::Connected { stream }
                | Event::Readable { stream }
                | Event::Writable { stream } => self.user_end(*stream).is_ok(),
            };
            if is_meant {
                return Some(event);
            }
        }
    }

    /// The setting of every link that has none of its own.
    pub fn set_default_link(&mut self, link: Link) {
        self.wire.settings.link = link;
    }

    /// The setting of one direction between two nodes; `None` takes it back. What is on its way stays as it is.
    pub fn set_link(&mut self, from: NodeId, to: NodeId, link: Option<Link>) {
        self.wire.set_link(from, to, link);
    }

    /// The setting of one direction between two nodes.
    pub fn link(&self, from: NodeId, to: NodeId) -> Link {
        self.wire.link(from, to)
    }

    /// One way: nothing gets from any of `from` to any of `to`, what is on its way neither. Datagrams are lost;
    /// streams hang, and go on when the link heals or an end gives up. A link is cut or not: a second cut adds nothing.
    ///
    /// ```
    /// # use ravelin_core::Time;
    /// # use ravelin_sim::net::{Network, NodeId, Settings};
    /// let mut net = Network::new(Settings::default());
    /// net.cut(&[NodeId(1)], &[NodeId(2), NodeId(3)]);
    /// assert!(net.is_cut(NodeId(1), NodeId(3)) && !net.is_cut(NodeId(3), NodeId(1)));
    /// net.heal(Time::EPOCH, &[NodeId(1)], &[NodeId(3)]);
    /// assert!(net.is_cut(NodeId(1), NodeId(2)) && !net.is_cut(NodeId(1), NodeId(3)));
    /// ```
    pub fn cut(&mut self, from: &[NodeId], to: &[NodeId]) {
        for (from, to) in crossings(from, to) {
            self.wire.cut(from, to);
        }
    }

    /// Both ways: [`cut`](Network::cut) from one side to the other and back.
    pub fn partition(&mut self, one: &[NodeId], other: &[NodeId]) {
        self.cut(one, other);
        self.cut(other, one);
    }

    /// Heals the links from any of `from` to any of `to`. What streams had sent arrives a latency later.
    pub fn heal(&mut self, now: Time, from: &[NodeId], to: &[NodeId]) {
        for (from, to) in crossings(from, to) {
            self.wire.heal(now, from, to);
        }
    }

    /// Holds what would arrive from any of `from` at any of `to`: nothing is lost, all is late. Resets too.
    pub fn clog(&mut self, from: &[NodeId], to: &[NodeId]) {
        for (from, to) in crossings(from, to) {
            self.wire.clog(from, to);
        }
    }

    /// Lets go at once of what those links hold, in the order in which it was due.
    pub fn unclog(&mut self, now: Time, from: &[NodeId], to: &[NodeId]) {
        for (from, to) in crossings(from, to) {
            self.wire.unclog(now, from, to);
        }
    }

    /// Heals and unclogs every link, and gives all of them this setting: before one asks whether all gets well.
    pub fn calm(&mut self, now: Time, link: Link) {
        self.wire.settings.link = link;
        for (from, to) in self.pairs() {
            self.wire.set_link(from, to, None);
            self.wire.heal(now, from, to);
            self.wire.unclog(now, from, to);
        }
    }

    /// Is this direction cut?
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.wire.is_cut(from, to)
    }

    /// Is this direction clogged?
    pub fn is_clogged(&self, from: NodeId, to: NodeId) -> bool {
        self.wire.is_clogged(from, to)
    }

    /// What happened on one direction between two nodes.
    pub fn counters(&self, from: NodeId, to: NodeId) -> Counters {
        self.wire.counters(from, to)
    }

    /// What happened on all links together.
    pub fn totals(&self) -> Counters {
        let mut sum = Counters::default();
        for (from, to) in self.wire.pairs() {
            sum += self.wire.counters(from, to);
        }
        sum
    }

    pub(super) fn running(&self, host: Host) -> Result<(), NetError> {
        if self.host(host.node) == Some(host) { Ok(()) } else { Err(NetError::NotRunning) }
    }

    fn pairs(&self) -> Vec<(NodeId, NodeId)> {
        self.wire.pairs().collect()
    }

    fn arrived(&mut self, now: Time, arrival: Arrival) {
        let (from, to) = (arrival.packet.from, arrival.packet.to);
        let host = self.host(to);
        if host.is_none() && arrival.is_repeated() {
            return self.wire.stall(arrival); // nobody answers: it is sent again until its sender gives up
        }
        match arrival.packet.body {
            Body::Datagram(datagram) => {
                let host = host.filter(|host| datagram.incarnation == Some(host.incarnation));
                self.wire.datagram_arrived(from, to, datagram.number, host.is_some());
                if let Some(host) = host {
                    let (port, from) = (datagram.port, from.at(datagram.from_port));
                    self.events.push_back(Event::Datagram { host, port, from, bytes: datagram.bytes });
                }
            }
            Body::Segment(segment) => {
                let Some(host) = host else { return };
                self.wire.segment_arrived(from, to);
                self.segment_arrived(now, (host, from), segment);
            }
        }
    }
}

/// Every pair of one of `from` and one of `to`. A node and itself are no pair.
fn crossings(from: &[NodeId], to: &[NodeId]) -> Vec<(NodeId, NodeId)> {
    let pairs = from.iter().flat_map(|from| to.iter().map(|to| (*from, *to)));
    pairs.filter(|(from, to)| from != to).collect()
}
