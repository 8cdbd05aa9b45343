//! `[pure]` All links, and what is on its way on them: delays, losses, cuts and clogs. It knows nothing of who runs.

use super::counters::Counters;
use super::link::Link;
use super::luck::Luck;
use super::names::NodeId;
use super::packet::{Body, Datagram, Packet, Segment, What};
use super::settings::Settings;
use ravelin_core::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// A directed link and its state.
#[derive(Debug, Default)]
struct Path {
    /// Its own setting; `None`: the network's.
    link: Option<Link>,
    is_cut: bool,
    is_clogged: bool,
    /// When the last bytes that were given to it are on it.
    free_at: Time,
    /// When the last datagram that keeps to the order arrives.
    last_at: Time,
    /// The number of the latest datagram that arrived.
    newest: u64,
    /// What waits for the link to be unclogged, to heal, or for the node at its end to come back, by when it was due.
    held: BTreeMap<(Time, u64), Packet>,
    counters: Counters,
}

/// When something arrives; among what arrives at one time, when it should have; then the order of sending.
type Place = (Time, Time, u64);

/// Everything that is on its way.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) settings: Settings,
    paths: BTreeMap<(NodeId, NodeId), Path>,
    flying: BTreeMap<Place, Packet>,
    /// How many packets were ever sent.
    sent: u64,
}

/// A packet that arrived, and its place, to hold it with should nobody be there.
pub(super) struct Arrival {
    pub(super) packet: Packet,
    due: Time,
    number: u64,
}

impl Arrival {
    /// Is it sent again when nobody answers? A datagram is not, nor is the talk around a stream.
    pub(super) fn is_repeated(&self) -> bool {
        match &self.packet.body {
            Body::Datagram(_) => false,
            Body::Segment(segment) => matches!(segment.what, What::Open { .. } | What::Numbered { .. }),
        }
    }
}

impl Wire {
    pub(super) fn new(settings: Settings) -> Wire {
        Wire { settings, paths: BTreeMap::new(), flying: BTreeMap::new(), sent: 0 }
    }

    /// When the next packet arrives.
    pub(super) fn next_at(&self) -> Option<Time> {
        self.flying.first_key_value().map(|((at, ..), _)| *at)
    }

    /// The next packet that arrives by `now`. What meets a cut or a clog does not.
    pub(super) fn arrival(&mut self, now: Time) -> Option<Arrival> {
        loop {
            let first = self.flying.first_entry().filter(|first| first.key().0 <= now)?;
            let ((_, due, number), packet) = first.remove_entry();
            let path = self.paths.entry((packet.from, packet.to)).or_default();
            let waiting = path.held.len();
            match &packet.body {
                Body::Datagram(_) if path.is_clogged && waiting >= self.settings.held_max => {
                    path.counters.overflowed += 1;
                }
                _ if path.is_clogged => {
                    path.counters.held += 1;
                    path.held.insert((due, number), packet);
                }
                Body::Datagram(_) if path.is_cut => path.counters.cut += 1,
                Body::Segment(Segment { what: What::Reset, .. }) if path.is_cut => (),
                Body::Segment(_) if path.is_cut => {
                    path.counters.stalled += 1;
                    path.held.insert((due, number), packet);
                }
                Body::Segment(_) | Body::Datagram(_) => return Some(Arrival { packet, due, number }),
            }
        }
    }

    /// Keeps a segment for a node that does not run.
    pub(super) fn stall(&mut self, arrival: Arrival) {
        let path = self.path(arrival.packet.from, arrival.packet.to);
        path.counters.stalled += 1;
        path.held.insert((arrival.due, arrival.number), arrival.packet);
    }

    /// Counts a segment that somebody gets.
    pub(super) fn segment_arrived(&mut self, from: NodeId, to: NodeId) {
        self.path(from, to).counters.arrived += 1;
    }

    /// Counts what became of a datagram that arrived.
    pub(super) fn datagram_arrived(&mut self, from: NodeId, to: NodeId, number: u64, is_heard: bool) {
        let path = self.path(from, to);
        if !is_heard {
            path.counters.void += 1;
            return;
        }
        path.counters.delivered += 1;
        path.counters.reordered += u64::from(number < path.newest);
        path.newest = path.newest.max(number);
    }

    /// Sends a datagram; its number on the link is filled in.
    pub(super) fn send_datagram(
        &mut self,
        now: Time,
        from: NodeId,
        to: NodeId,
        datagram: Datagram,
        luck: &mut Luck,
    ) {
        let link = self.link(from, to);
        let fate = link.fate(luck);
        let path = self.path(from, to);
        path.counters.sent += 1;
        if path.is_cut {
            path.counters.cut += 1;
            return;
        }
        let starts_at = path.free_at.max(now);
        if link.bandwidth.is_some_and(|bandwidth| starts_at - now > bandwidth.backlog_max) {
            path.counters.overflowed += 1;
            return;
        }
        let datagram = Datagram { number: path.counters.sent, ..datagram };
        let packet = Packet { from, to, body: Body::Datagram(datagram) };
        let left_at = path.load(now, &link, &packet);
        if let Some(delay) = fate.copy {
            path.counters.duplicated += 1;
            self.fly(left_at + delay, packet.clone());
        }
        let path = self.path(from, to);
        if fate.lost {
            path.counters.lost += 1;
            return;
        }
        let at = match fate.late {
            Some(late) => left_at + fate.delay + late,
            None => path.last_at.max(left_at + fate.delay),
        };
        if fate.late.is_none() {
            path.last_at = at;
        }
        self.fly(at, packet);
    }

    /// Sends a segment. It gets there, however late, unless it is a reset and meets a cut.
    pub(super) fn send_segment(
        &mut self,
        now: Time,
        (from, to): (NodeId, NodeId),
        segment: Segment,
        luck: &mut Luck,
    ) {
        let link = self.link(from, to);
        let (delay, losses) = link.crossing(luck, self.settings.streams.retry_after);
        let is_reset = matches!(segment.what, What::Reset);
        let packet = Packet { from, to, body: Body::Segment(segment) };
        let path = self.path(from, to);
        path.counters.segments += 1;
        path.counters.retried += u64::from(losses);
        path.counters.resets += u64::from(is_reset);
        let left_at = path.load(now, &link, &packet);
        self.fly(left_at + delay, packet);
    }

    pub(super) fn set_link(&mut self, from: NodeId, to: NodeId, link: Option<Link>) {
        self.path(from, to).link = link;
    }

    pub(super) fn link(&self, from: NodeId, to: NodeId) -> Link {
        let general = if from == to { self.settings.loopback } else { self.settings.link };
        self.paths.get(&(from, to)).and_then(|path| path.link).unwrap_or(general)
    }

    pub(super) fn counters(&self, from: NodeId, to: NodeId) -> Counters {
        self.paths.get(&(from, to)).map(|path| path.counters).unwrap_or_default()
    }

    /// The links that were used or set, in order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.paths.keys().copied()
    }

    pub(super) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.paths.get(&(from, to)).is_some_and(|path| path.is_cut)
    }

    pub(super) fn is_clogged(&self, from: NodeId, to: NodeId) -> bool {
        self.paths.get(&(from, to)).is_some_and(|path| path.is_clogged)
    }

    /// Cuts a link. Not the one from a node to itself.
    pub(super) fn cut(&mut self, from: NodeId, to: NodeId) {
        if from != to {
            self.path(from, to).is_cut = true;
        }
    }

    /// A healed link brings what streams had sent a latency later: it is sent again.
    pub(super) fn heal(&mut self, now: Time, from: NodeId, to: NodeId) {
        if std::mem::take(&mut self.path(from, to).is_cut) {
            self.send_again(now, from, to);
        }
    }

    pub(super) fn clog(&mut self, from: NodeId, to: NodeId) {
        self.path(from, to).is_clogged = true;
    }

    /// An unclogged link brings at once what it held, in the order in which it was due.
    pub(super) fn unclog(&mut self, now: Time, from: NodeId, to: NodeId) {
        if std::mem::take(&mut self.path(from, to).is_clogged) {
            self.release(from, to, now);
        }
    }

    /// Sends again what streams had sent, a latency from now, unless the link holds it.
    pub(super) fn send_again(&mut self, now: Time, from: NodeId, to: NodeId) {
        if !self.is_clogged(from, to) {
            let at = now + self.link(from, to).latency;
            self.release(from, to, at);
        }
    }

    fn release(&mut self, from: NodeId, to: NodeId, at: Time) {
        let held = std::mem::take(&mut self.path(from, to).held);
        self.flying.extend(held.into_iter().map(|((due, number), packet)| ((at, due, number), packet)));
    }

    fn fly(&mut self, at: Time, packet: Packet) {
        self.flying.insert((at, at, self.sent), packet);
        self.sent += 1;
    }

    fn path(&mut self, from: NodeId, to: NodeId) -> &mut Path {
        self.paths.entry((from, to)).or_default()
    }
}

impl Path {
    /// Puts a packet on the link; the time when its last byte is on it.
    fn load(&mut self, now: Time, link: &Link, packet: &Packet) -> Time {
        let time = link.bandwidth.map_or(Duration::ZERO, |bandwidth| bandwidth.time_for(packet.len()));
        self.free_at = self.free_at.max(now) + time;
        self.free_at
    }
}
