//! `[pure]` The network's connections: ordered bytes both ways, with limits, time-outs and resets.
//!
//! What is lost on the way is sent again, so bytes are late but never missing, doubled or out of order. A cut is felt
//! only by who sends: its end gives up after [`give_up_after`](super::StreamSettings::give_up_after), and the other
//! end learns nothing (half-open) until it sends too. A cut of the way back alone looks the same to the sender.

use super::event::{Broken, Event, NetError};
use super::luck::Luck;
use super::names::{Addr, Host, NodeId, StreamId};
use super::network::Network;
use super::packet::{Part, Segment, What};
use super::stream::{End, Phase, shortened};
use ravelin_core::Time;

impl Network {
    /// Accepts connections to a port of `host` from now on.
    ///
    /// # Errors
    /// [`NetError::NotRunning`], or [`NetError::InUse`].
    pub fn listen(&mut self, host: Host, port: u16) -> Result<(), NetError> {
        self.running(host)?;
        let node = self.nodes.get_mut(&host.node).ok_or(NetError::NotRunning)?;
        if node.ports.insert(port) { Ok(()) } else { Err(NetError::InUse) }
    }

    /// Accepts no more on that port; connections that are made stay.
    pub fn unlisten(&mut self, host: Host, port: u16) {
        if self.running(host).is_ok()
            && let Some(node) = self.nodes.get_mut(&host.node)
        {
            node.ports.remove(&port);
        }
    }

    /// Asks for a connection. [`Event::Connected`] or [`Event::Closed`] follows.
    ///
    /// # Errors
    /// [`NetError::NotRunning`], of `from`.
    ///
    /// ```
    /// use ravelin_core::Time;
    /// use ravelin_sim::net::{Event, Network, NodeId, Settings};
    ///
    /// let mut net = Network::new(Settings::default());
    /// let (a, b) = (net.boot(Time::EPOCH, NodeId(1)), net.boot(Time::EPOCH, NodeId(2)));
    /// net.listen(b, 80).unwrap();
    /// let near = net.connect(Time::EPOCH, a, b.node.at(80), 1).unwrap();
    /// let mut now = Time::EPOCH;
    /// while net.poll_event() != Some(Event::Connected { stream: near }) {
    ///     now = net.poll_timeout().unwrap();
    ///     net.handle_timeout(now);
    /// }
    /// assert!(net.write(now, near, b"hello", 2).unwrap() > 0);
    /// ```
    pub fn connect(&mut self, now: Time, from: Host, to: Addr, luck: u64) -> Result<StreamId, NetError> {
        self.running(from)?;
        // The two ends of a connection differ in the last bit.
        let stream = StreamId(self.connections * 2);
        self.connections += 1;
        self.ends.insert(stream, End::asking(from, to.node));
        let open = What::Open { from, port: to.port };
        self.send_segment(now, (from.node, to.node), stream.peer(), open, &mut Luck::new(luck));
        self.keep_watch(now, stream);
        Ok(stream)
    }

    /// Writes the front part of `bytes`, as far as there is room, or by chance less; how many.
    ///
    /// # Errors
    /// [`NetError::WouldBlock`] when there is no room ([`Event::Writable`] follows) or the connection is not made yet
    /// ([`Event::Connected`] follows); [`NetError::Broken`]; [`NetError::Finished`]; [`NetError::NotRunning`].
    pub fn write(&mut self, now: Time, stream: StreamId, bytes: &[u8], luck: u64) -> Result<usize, NetError> {
        let (settings, mut luck) = (self.wire.settings.streams, Luck::new(luck));
        let end = self.user_end_mut(stream)?;
        let room = end.room(bytes.len(), settings.buffer_len_max)?;
        let taken = shortened(room, settings.short, &mut luck);
        end.written += taken as u64;
        let mut rest = &bytes[..taken];
        while !rest.is_empty() {
            let most = rest.len().min(settings.segment_len_max.max(1));
            let (chunk, later) = rest.split_at(shortened(most, settings.short, &mut luck));
            self.send_part(now, stream, Part::Bytes(chunk.to_vec()), &mut luck);
            rest = later;
        }
        Ok(taken)
    }

    /// Reads into `out` what has arrived, or by chance less; how many bytes. 0 for an `out` that is not empty is the
    /// end: the other side has finished, and all was read.
    ///
    /// # Errors
    /// [`NetError::WouldBlock`] when nothing has arrived ([`Event::Readable`] follows); [`NetError::Broken`] when
    /// all that had arrived was read; [`NetError::NotRunning`].
    pub fn read(
        &mut self,
        now: Time,
        stream: StreamId,
        out: &mut [u8],
        luck: u64,
    ) -> Result<usize, NetError> {
        let (short, mut luck) = (self.wire.settings.streams.short, Luck::new(luck));
        let end = self.user_end_mut(stream)?;
        let got = end.read(out, short, &mut luck)?;
        if got > 0 && end.is_live() {
            self.send_report(now, stream, &mut luck);
        }
        Ok(got)
    }

    /// Says that this side writes no more; it can still read. A second time is nothing.
    ///
    /// # Errors
    /// [`NetError::WouldBlock`] before the connection is made; [`NetError::Broken`]; [`NetError::NotRunning`].
    pub fn finish(&mut self, now: Time, stream: StreamId, luck: u64) -> Result<(), NetError> {
        let end = self.user_end_mut(stream)?;
        match end.room(0, 0) {
            Ok(_) => {
                end.is_finished = true;
                self.send_part(now, stream, Part::End, &mut Luck::new(luck));
                Ok(())
            }
            Err(NetError::Finished) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets go of an end. What was written still arrives, then the end; but with bytes unread, or before the connection
    /// is made, the other side is reset, as in TCP. An end that is gone is nothing.
    pub fn close(&mut self, now: Time, stream: StreamId, luck: u64) {
        let Ok(end) = self.user_end_mut(stream) else { return };
        if end.phase == Phase::Connecting || end.has_unread() {
            return self.abort(now, stream, luck);
        }
        end.is_let_go = true;
        if !end.is_live() {
            self.forget(stream);
        } else if !std::mem::replace(&mut end.is_finished, true) {
            self.send_part(now, stream, Part::End, &mut Luck::new(luck));
        } else {
            self.forget_if_done(stream);
        }
    }

    /// Lets go of an end and resets the other. What is on its way may still be read there, or not.
    pub fn abort(&mut self, now: Time, stream: StreamId, luck: u64) {
        let Ok(host) = self.user_end(stream).map(|end| end.host) else { return };
        if let Some(peer) = self.forget(stream) {
            self.send_segment(now, (host.node, peer), stream.peer(), What::Reset, &mut Luck::new(luck));
        }
    }

    /// A fault: something on the way breaks the connection, and both ends are told at once.
    pub fn sever(&mut self, stream: StreamId) {
        self.breaks(stream, Broken::Reset);
        self.breaks(stream.peer(), Broken::Reset);
    }

    /// The streams of a host, in the order in which they were made.
    pub fn streams(&self, host: Host) -> impl Iterator<Item = StreamId> {
        self.ends.iter().filter(move |(_, end)| end.host == host && !end.is_let_go).map(|(id, _)| *id)
    }

    /// An end that its user has not closed.
    pub(super) fn user_end(&self, stream: StreamId) -> Result<&End, NetError> {
        self.ends.get(&stream).filter(|end| !end.is_let_go).ok_or(NetError::NotRunning)
    }

    fn user_end_mut(&mut self, stream: StreamId) -> Result<&mut End, NetError> {
        self.ends.get_mut(&stream).filter(|end| !end.is_let_go).ok_or(NetError::NotRunning)
    }

    fn forget_if_done(&mut self, stream: StreamId) {
        if self.ends.get(&stream).is_some_and(|end| end.is_let_go && end.is_done()) {
            self.forget(stream);
        }
    }

    /// Removes an end. The node of the other, if the connection was not over.
    pub(super) fn forget(&mut self, stream: StreamId) -> Option<NodeId> {
        let end = self.ends.remove(&stream)?;
        if let Some(at) = end.alarm {
            self.alarms.remove(&(at, stream));
        }
        end.is_live().then_some(end.peer)
    }

    /// The time of an end's alarm has come: nobody answered.
    pub(super) fn gives_up(&mut self, stream: StreamId) {
        if let Some(end) = self.ends.get_mut(&stream) {
            end.alarm = None;
        }
        self.breaks(stream, Broken::TimedOut);
    }

    /// Something came from the node `from` for an end at `host`.
    pub(super) fn segment_arrived(&mut self, now: Time, (host, from): (Host, NodeId), segment: Segment) {
        let (to, mut luck) = (segment.to, Luck::new(segment.luck));
        let end = self.ends.get(&to).filter(|end| end.is_live());
        let (is_live, is_let_go) = (end.is_some(), end.is_some_and(|end| end.is_let_go));
        match segment.what {
            What::Open { from, port } => self.asked(now, (host, port), to, from, &mut luck),
            // Bytes that nobody will read.
            What::Numbered { part: Part::Bytes(_), .. } if is_let_go => {
                self.forget(to);
                self.send_segment(now, (host.node, from), to.peer(), What::Reset, &mut luck);
            }
            What::Numbered { number, part } if is_live => self.part_arrived(now, to, number, part, &mut luck),
            What::Numbered { .. } => {
                self.send_segment(now, (host.node, from), to.peer(), What::Reset, &mut luck);
            }
            What::Seen { upto, taken } if is_live => self.seen(now, to, upto, taken),
            What::Seen { .. } => (),
            What::Reset => {
                let is_new = end.is_some_and(|end| end.phase == Phase::Connecting);
                self.breaks(to, if is_new { Broken::Refused } else { Broken::Reset });
            }
        }
        self.forget_if_done(to);
    }

    pub(super) fn send_segment(
        &mut self,
        now: Time,
        way: (NodeId, NodeId),
        to: StreamId,
        what: What,
        luck: &mut Luck,
    ) {
        let segment = Segment { to, what, luck: luck.draw() };
        self.wire.send_segment(now, way, segment, luck);
    }

    fn asked(&mut self, now: Time, (host, port): (Host, u16), stream: StreamId, from: Host, luck: &mut Luck) {
        if !self.nodes.get(&host.node).is_some_and(|node| node.ports.contains(&port)) {
            return self.send_segment(now, (host.node, from.node), stream.peer(), What::Reset, luck);
        }
        self.ends.insert(stream, End::answering(host, from.node));
        self.send_part(now, stream, Part::Accept, luck);
        self.events.push_back(Event::Accepted { host, port, from, stream });
    }

    fn part_arrived(&mut self, now: Time, stream: StreamId, number: u64, part: Part, luck: &mut Luck) {
        let Some(end) = self.ends.get_mut(&stream) else { return };
        let progress = end.take_in(number, part);
        if progress.is_accepted && end.phase == Phase::Connecting {
            end.phase = Phase::Open;
            self.seen(now, stream, 1, 0);
            self.events.push_back(Event::Connected { stream });
        }
        if progress.is_readable {
            self.events.push_back(Event::Readable { stream });
        }
        self.send_report(now, stream, luck);
    }

    fn seen(&mut self, now: Time, stream: StreamId, upto: u64, taken: u64) {
        let buffer = self.wire.settings.streams.buffer_len_max;
        let Some(end) = self.ends.get_mut(&stream) else { return };
        if end.saw(now, upto, taken, buffer) {
            self.events.push_back(Event::Writable { stream });
        }
        self.keep_watch(now, stream);
    }

    fn send_part(&mut self, now: Time, stream: StreamId, part: Part, luck: &mut Luck) {
        let Some(end) = self.ends.get_mut(&stream) else { return };
        let (number, way) = (end.next, (end.host.node, end.peer));
        end.next += 1;
        self.send_segment(now, way, stream.peer(), What::Numbered { number, part }, luck);
        self.keep_watch(now, stream);
    }

    fn send_report(&mut self, now: Time, stream: StreamId, luck: &mut Luck) {
        let Some(end) = self.ends.get(&stream) else { return };
        let (way, (upto, taken)) = ((end.host.node, end.peer), end.report());
        self.send_segment(now, way, stream.peer(), What::Seen { upto, taken }, luck);
    }

    /// The connection is over for this end, if it was not before.
    fn breaks(&mut self, stream: StreamId, reason: Broken) {
        let Some(end) = self.ends.get_mut(&stream).filter(|end| end.is_live()) else { return };
        end.phase = Phase::Over(reason);
        if let Some(at) = end.alarm.take() {
            self.alarms.remove(&(at, stream));
        }
        if end.is_let_go {
            self.ends.remove(&stream);
        } else {
            self.events.push_back(Event::Closed { stream, reason });
        }
    }

    /// Sets the alarm of an end that waits for a sign, and takes back that of one that does not.
    fn keep_watch(&mut self, now: Time, stream: StreamId) {
        let Some(end) = self.ends.get_mut(&stream) else { return };
        let waits = end.is_live() && end.seen < end.next;
        end.waits_since = if waits { end.waits_since.or(Some(now)) } else { None };
        let patience = self.wire.settings.streams.give_up_after;
        let alarm = end.waits_since.zip(patience).map(|(since, patience)| since + patience);
        let before = std::mem::replace(&mut end.alarm, alarm);
        if before != alarm {
            if let Some(at) = before {
                self.alarms.remove(&(at, stream));
            }
            if let Some(at) = alarm {
                self.alarms.insert((at, stream));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Link, Settings};
    use std::time::Duration;

    fn run(net: &mut Network, now: &mut Time) {
        while let Some(at) = net.poll_timeout() {
            *now = at;
            net.handle_timeout(at);
        }
    }

    #[test]
    fn nothing_is_kept_of_a_connection_that_both_sides_have_closed() {
        // Who closes first, and whether the other has finished by then.
        for (first, other_is_done) in [(0, false), (0, true), (1, false), (1, true)] {
            let mut net = Network::new(Settings {
                link: Link::perfect(Duration::from_millis(1)),
                ..Settings::default()
            });
            let mut now = Time::EPOCH;
            let (a, b) = (net.boot(now, NodeId(1)), net.boot(now, NodeId(2)));
            net.listen(b, 1).unwrap();
            let near = net.connect(now, a, b.node.at(1), 0).unwrap();
            run(&mut net, &mut now);
            let ends = [near, near.peer()];
            if other_is_done {
                net.finish(now, ends[1 - first], 0).unwrap();
                run(&mut net, &mut now);
            }
            net.close(now, ends[first], 0);
            assert_eq!(net.write(now, ends[first], b"x", 0), Err(NetError::NotRunning));
            run(&mut net, &mut now);
            net.close(now, ends[1 - first], 0);
            run(&mut net, &mut now);
            assert!(net.ends.is_empty() && net.alarms.is_empty(), "{first} {other_is_done}");
        }
    }
}
