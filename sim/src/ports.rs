//! The network of a run as the machine keeps it: the model, its luck, what has arrived for whom, and who waits for it.
//!
//! Wakers go in and out, none is called or dropped here.

use crate::log::NodeId;
use crate::net::{Addr, Crash, Event, Host, Link, NetError, Network, Note, Noted, Settings, StreamId};
use crate::seed::{Random, Seed};
use ravelin_core::Time;
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::task::Waker;

/// The most datagrams that wait at a port; more are lost.
pub(crate) const INBOX_MAX: usize = 4096;
/// The most connections that wait to be accepted; more are reset.
pub(crate) const BACKLOG_MAX: usize = 128;
/// The first port that is nobody's own.
const FREE_PORTS: u16 = 49_152;

/// A directed link.
pub(crate) type Way = (NodeId, NodeId);

/// A port of a host, by which something comes in.
type Door = (Host, u16);

/// A datagram that has arrived, and who sent it.
type Letter = (Addr, Arc<[u8]>);

/// What somebody waits for at a host.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Spot {
    Accept(u16),
    Read(StreamId),
    Recv(u16),
    /// Or to be connected.
    Write(StreamId),
}

/// What links suffer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    Bad(Link),
    Clogged,
    Cut,
}

/// The network, and all that hosts have of it.
pub(crate) struct Ports {
    net: Network,
    seed: Seed,
    lucks: BTreeMap<Way, Random>,
    inboxes: BTreeMap<Door, VecDeque<Letter>>,
    backlogs: BTreeMap<Door, VecDeque<StreamId>>,
    waiters: BTreeMap<(Host, Spot, u64), Waker>,
    tickets: u64,
    /// What the settings of single links are when nothing is wrong with them.
    links: BTreeMap<Way, Link>,
    /// What is wrong just now, by number.
    troubles: BTreeMap<u64, (Trouble, Vec<Way>)>,
    begun: u64,
    /// What became of datagrams at their hosts.
    notes: VecDeque<Note>,
    /// Its place on the timeline.
    pub(crate) due: Option<(Time, u64)>,
}

impl Ports {
    pub(crate) fn new(seed: Seed) -> Ports {
        let mut net = Network::new(Settings::default());
        net.keep_notes();
        Ports {
            net,
            seed,
            lucks: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            backlogs: BTreeMap::new(),
            waiters: BTreeMap::new(),
            tickets: 0,
            links: BTreeMap::new(),
            troubles: BTreeMap::new(),
            begun: 0,
            notes: VecDeque::new(),
            due: None,
        }
    }

    pub(crate) fn net(&self) -> &Network {
        &self.net
    }

    pub(crate) fn set_settings(&mut self, settings: Settings) {
        self.net.set_settings(settings);
    }

    // ---- hosts ----

    pub(crate) fn boot(&mut self, now: Time, node: NodeId) {
        self.net.boot(now, node);
    }

    /// Ends what a host had. Its wakers, to be dropped.
    pub(crate) fn crash(&mut self, now: Time, node: NodeId, how: Crash) -> Vec<Waker> {
        let Some(host) = self.net.host(node) else { return Vec::new() };
        let luck = self.seed.random(&format!("net.crash.{host}")).next();
        self.net.crash(now, node, how, luck);
        self.inboxes.retain(|(at, _), _| *at != host);
        self.backlogs.retain(|(at, _), _| *at != host);
        let kept = mem::take(&mut self.waiters);
        let (gone, kept) = kept.into_iter().partition::<BTreeMap<_, _>, _>(|((at, ..), _)| *at == host);
        self.waiters = kept;
        gone.into_values().collect()
    }

    fn running(&self, host: Host) -> Result<(), NetError> {
        if self.net.host(host.node) == Some(host) { Ok(()) } else { Err(NetError::NotRunning) }
    }

    /// Something that chance has a part in. Each link has numbers of its own, and what is refused uses none: so what
    /// happens on one link, or how often somebody looks, leaves the luck of the others alone.
    fn lucky<R>(
        &mut self,
        way: Way,
        f: impl FnOnce(&mut Network, u64) -> Result<R, NetError>,
    ) -> Result<R, NetError> {
        let (seed, (from, to)) = (self.seed, way);
        let random = self.lucks.entry(way).or_insert_with(|| seed.random(&format!("net.{from}.{to}")));
        let before = random.clone();
        let luck = random.next();
        let outcome = f(&mut self.net, luck);
        if outcome.is_err() {
            *random = before;
        }
        outcome
    }

    // ---- datagrams ----

    /// Takes a port for datagrams; 0: one that is free.
    pub(crate) fn bind(&mut self, host: Host, port: u16) -> Result<u16, NetError> {
        self.running(host)?;
        let is_free = |port: &u16| !self.inboxes.contains_key(&(host, *port));
        let wanted = if port == 0 { FREE_PORTS..=u16::MAX } else { port..=port };
        let port = wanted.into_iter().find(is_free).ok_or(NetError::InUse)?;
        self.inboxes.insert((host, port), VecDeque::new());
        Ok(port)
    }

    pub(crate) fn unbind(&mut self, host: Host, port: u16) {
        self.inboxes.remove(&(host, port));
    }

    pub(crate) fn send(
        &mut self,
        now: Time,
        (host, port): Door,
        to: Addr,
        bytes: &[u8],
    ) -> Result<(), NetError> {
        self.lucky((host.node, to.node), |net, luck| net.send(now, host, port, to, bytes, luck))
    }

    pub(crate) fn recv(&mut self, host: Host, port: u16) -> Result<Letter, NetError> {
        let inbox = self.inboxes.get_mut(&(host, port)).ok_or(NetError::NotRunning)?;
        inbox.pop_front().ok_or(NetError::WouldBlock)
    }

    // ---- connections ----

    pub(crate) fn listen(&mut self, host: Host, port: u16) -> Result<u16, NetError> {
        let is_free = |port: &u16| !self.backlogs.contains_key(&(host, *port));
        let wanted = if port == 0 { FREE_PORTS..=u16::MAX } else { port..=port };
        let port = wanted.into_iter().find(is_free).ok_or(NetError::InUse)?;
        self.net.listen(host, port)?;
        self.backlogs.insert((host, port), VecDeque::new());
        Ok(port)
    }

    pub(crate) fn unlisten(&mut self, now: Time, host: Host, port: u16) {
        self.net.unlisten(host, port);
        for stream in self.backlogs.remove(&(host, port)).into_iter().flatten() {
            self.abort(now, stream);
        }
    }

    /// A connection that waits to be accepted, and whose it is.
    pub(crate) fn accept(&mut self, host: Host, port: u16) -> Result<(StreamId, NodeId), NetError> {
        let backlog = self.backlogs.get_mut(&(host, port)).ok_or(NetError::NotRunning)?;
        let stream = backlog.pop_front().ok_or(NetError::WouldBlock)?;
        let (_, peer) = self.net.ends(stream).ok_or(NetError::NotRunning)?;
        Ok((stream, peer))
    }

    pub(crate) fn connect(&mut self, now: Time, host: Host, to: Addr) -> Result<StreamId, NetError> {
        self.lucky((host.node, to.node), |net, luck| net.connect(now, host, to, luck))
    }

    /// The way that a stream's bytes take.
    fn way(&self, stream: StreamId) -> Result<Way, NetError> {
        let (host, peer) = self.net.ends(stream).ok_or(NetError::NotRunning)?;
        Ok((host.node, peer))
    }

    /// Writes; nothing, to see whether one could.
    pub(crate) fn write(&mut self, now: Time, stream: StreamId, bytes: &[u8]) -> Result<usize, NetError> {
        let way = self.way(stream)?;
        self.lucky(way, |net, luck| net.write(now, stream, bytes, luck))
    }

    pub(crate) fn read(&mut self, now: Time, stream: StreamId, out: &mut [u8]) -> Result<usize, NetError> {
        let way = self.way(stream)?;
        self.lucky(way, |net, luck| net.read(now, stream, out, luck))
    }

    pub(crate) fn finish(&mut self, now: Time, stream: StreamId) -> Result<(), NetError> {
        let way = self.way(stream)?;
        self.lucky(way, |net, luck| net.finish(now, stream, luck))
    }

    pub(crate) fn close(&mut self, now: Time, stream: StreamId) {
        if let Ok(way) = self.way(stream) {
            let _ = self.lucky(way, |net, luck| {
                net.close(now, stream, luck);
                Ok(())
            });
        }
    }

    pub(crate) fn abort(&mut self, now: Time, stream: StreamId) {
        if let Ok(way) = self.way(stream) {
            let _ = self.lucky(way, |net, luck| {
                net.abort(now, stream, luck);
                Ok(())
            });
        }
    }

    // ---- who waits ----

    /// A number for one who waits beside others.
    pub(crate) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Somebody waits; the waker that he had there before.
    pub(crate) fn wait(&mut self, host: Host, spot: Spot, ticket: u64, waker: Waker) -> Option<Waker> {
        self.waiters.insert((host, spot, ticket), waker)
    }

    /// Somebody waits no more; his waker.
    pub(crate) fn leave(&mut self, host: Host, spot: Spot, ticket: u64) -> Option<Waker> {
        self.waiters.remove(&(host, spot, ticket))
    }

    /// The run is over: nobody waits any more. All wakers.
    pub(crate) fn let_go(&mut self) -> Vec<Waker> {
        mem::take(&mut self.waiters).into_values().collect()
    }

    fn woken(&mut self, host: Host, spot: Spot, wakers: &mut Vec<Waker>) {
        let all = (host, spot, 0)..=(host, spot, u64::MAX);
        let keys: Vec<_> = self.waiters.range(all).map(|(key, _)| *key).collect();
        wakers.extend(keys.iter().filter_map(|key| self.waiters.remove(key)));
    }

    // ---- what happens ----

    /// The time of the network has come.
    pub(crate) fn tick(&mut self, now: Time) {
        self.due = None;
        self.net.handle_timeout(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.net.poll_timeout()
    }

    /// Takes in what the network tells. Whom to wake.
    pub(crate) fn poll_wakers(&mut self, now: Time) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some(event) = self.net.poll_event() {
            match event {
                Event::Accepted { host, port, stream, .. } => {
                    self.accepted(now, (host, port), stream, &mut wakers)
                }
                Event::Datagram { host, port, from, bytes } => {
                    self.received((host, port), from, bytes, &mut wakers);
                }
                Event::Closed { stream, .. } => {
                    self.told(stream, &[Spot::Read(stream), Spot::Write(stream)], &mut wakers);
                }
                Event::Connected { stream } | Event::Writable { stream } => {
                    self.told(stream, &[Spot::Write(stream)], &mut wakers);
                }
                Event::Readable { stream } => self.told(stream, &[Spot::Read(stream)], &mut wakers),
            }
        }
        wakers
    }

    fn told(&mut self, stream: StreamId, spots: &[Spot], wakers: &mut Vec<Waker>) {
        if let Some((host, _)) = self.net.ends(stream) {
            spots.iter().for_each(|spot| self.woken(host, *spot, wakers));
        }
    }

    fn accepted(&mut self, now: Time, (host, port): Door, stream: StreamId, wakers: &mut Vec<Waker>) {
        match self.backlogs.get_mut(&(host, port)) {
            Some(backlog) if backlog.len() < BACKLOG_MAX => {
                backlog.push_back(stream);
                self.woken(host, Spot::Accept(port), wakers);
            }
            Some(_) | None => self.abort(now, stream),
        }
    }

    fn received(&mut self, at: Door, from: Addr, bytes: Arc<[u8]>, wakers: &mut Vec<Waker>) {
        let lost = match self.inboxes.get_mut(&at) {
            Some(inbox) if inbox.len() < INBOX_MAX => {
                inbox.push_back((from, bytes));
                return self.woken(at.0, Spot::Recv(at.1), wakers);
            }
            Some(_) => Noted::Overflowed,
            None => Noted::Void,
        };
        self.notes.push_back(Note { from: from.node, to: at.0.node, what: lost, len: bytes.len() });
    }

    /// The next thing that became of a packet.
    pub(crate) fn poll_note(&mut self) -> Option<Note> {
        self.net.poll_note().or_else(|| self.notes.pop_front())
    }

    // ---- trouble ----

    /// Something is wrong with these links from now on; the number by which it ends.
    pub(crate) fn begin(&mut self, now: Time, trouble: Trouble, ways: Vec<Way>) -> u64 {
        self.begun += 1;
        self.troubles.insert(self.begun, (trouble, ways.clone()));
        self.repair(now, &ways);
        self.begun
    }

    /// That trouble is over. What another one does to the same links goes on.
    /// False: it was over before.
    pub(crate) fn end(&mut self, now: Time, number: u64) -> bool {
        let Some((_, ways)) = self.troubles.remove(&number) else { return false };
        self.repair(now, &ways);
        true
    }

    /// All trouble of a kind is over on these links.
    pub(crate) fn lift(&mut self, now: Time, kind: &Trouble, ways: &[Way]) {
        for (trouble, suffer) in self.troubles.values_mut() {
            if mem::discriminant(trouble) == mem::discriminant(kind) {
                suffer.retain(|way| !ways.contains(way));
            }
        }
        self.troubles.retain(|_, (_, suffer)| !suffer.is_empty());
        self.repair(now, ways);
    }

    /// All trouble is over.
    pub(crate) fn calm(&mut self, now: Time) {
        let troubles = mem::take(&mut self.troubles);
        for (_, ways) in troubles.into_values() {
            self.repair(now, &ways);
        }
    }

    /// The setting of a link when nothing is wrong with it; `None`: that of all.
    pub(crate) fn set_link(&mut self, now: Time, way: Way, link: Option<Link>) {
        match link {
            Some(link) => self.links.insert(way, link),
            None => self.links.remove(&way),
        };
        self.repair(now, &[way]);
    }

    pub(crate) fn sever(&mut self, one: NodeId, other: NodeId) -> bool {
        self.net.sever_between(one, other)
    }

    /// Makes links as the troubles say that are left.
    fn repair(&mut self, now: Time, ways: &[Way]) {
        for way in ways {
            let mut link = self.links.get(way).copied();
            let (mut is_cut, mut is_clogged) = (false, false);
            for (trouble, _) in self.troubles.values().filter(|(_, ways)| ways.contains(way)) {
                match trouble {
                    Trouble::Bad(bad) => link = Some(*bad),
                    Trouble::Clogged => is_clogged = true,
                    Trouble::Cut => is_cut = true,
                }
            }
            let (from, to) = ([way.0], [way.1]);
            self.net.set_link(way.0, way.1, link);
            if is_cut {
                self.net.cut(&from, &to)
            } else {
                self.net.heal(now, &from, &to)
            }
            if is_clogged { self.net.clog(&from, &to) } else { self.net.unclog(now, &from, &to) }
        }
    }
}
