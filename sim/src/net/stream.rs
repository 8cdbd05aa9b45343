//! `[pure]` One end of a connection: what it may write, what it has in hand to read, what it waits for.

use super::event::{Broken, NetError};
use super::luck::{Luck, Ppm};
use super::names::{Host, NodeId};
use super::packet::Part;
use ravelin_core::Time;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Connecting,
    Open,
    Over(Broken),
}

/// One end. The row of numbered parts that it sends and the one that it gets know nothing of each other.
#[derive(Debug)]
pub(super) struct End {
    pub(super) host: Host,
    /// The node of the other end.
    pub(super) peer: NodeId,
    pub(super) phase: Phase,
    /// The number of the next part to send.
    pub(super) next: u64,
    /// The other end has all parts below.
    pub(super) seen: u64,
    /// Bytes written here, and those of them that were read there.
    pub(super) written: u64,
    pub(super) taken_there: u64,
    pub(super) is_finished: bool,
    /// Its user has closed it: it stays until both rows have ended, and tells nobody anything.
    pub(super) is_let_go: bool,
    /// A write found no room, and nobody was told of any since.
    pub(super) is_blocked: bool,
    /// When something was sent or seen last, while not all is seen.
    pub(super) waits_since: Option<Time>,
    /// When it gives up: its place among the alarms.
    pub(super) alarm: Option<Time>,
    /// The number of the next part to take in.
    expected: u64,
    /// Parts that came before their turn.
    early: BTreeMap<u64, Part>,
    /// Bytes that can be read, and how many were.
    inbox: VecDeque<u8>,
    taken_here: u64,
    is_ended: bool,
}

/// What a part that arrived brought about.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Progress {
    pub(super) is_accepted: bool,
    pub(super) is_readable: bool,
}

impl End {
    /// The end of `host`, who asked for a connection to a port of `peer`: that counts as its first part.
    pub(super) fn asking(host: Host, peer: NodeId) -> End {
        End { next: 1, ..End::new(host, peer, Phase::Connecting) }
    }

    /// The end of `host`, who was asked by `peer`.
    pub(super) fn answering(host: Host, peer: NodeId) -> End {
        End { expected: 1, ..End::new(host, peer, Phase::Open) }
    }

    fn new(host: Host, peer: NodeId, phase: Phase) -> End {
        End {
            host,
            peer,
            phase,
            next: 0,
            seen: 0,
            written: 0,
            taken_there: 0,
            is_finished: false,
            is_let_go: false,
            is_blocked: false,
            waits_since: None,
            alarm: None,
            expected: 0,
            early: BTreeMap::new(),
            inbox: VecDeque::new(),
            taken_here: 0,
            is_ended: false,
        }
    }

    /// Nothing is left to send, to be seen there or to come.
    pub(super) fn is_done(&self) -> bool {
        self.is_finished && self.seen == self.next && self.is_ended
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Over(_))
    }

    /// Is there something that the user has not read?
    pub(super) fn has_unread(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// How many of `wanted` bytes may be written now. Marks the end as blocked when there is no room.
    pub(super) fn room(&mut self, wanted: usize, buffer: usize) -> Result<usize, NetError> {
        match self.phase {
            Phase::Connecting => return Err(NetError::WouldBlock),
            Phase::Over(reason) => return Err(NetError::Broken(reason)),
            Phase::Open if self.is_finished => return Err(NetError::Finished),
            Phase::Open => (),
        }
        let room = (buffer as u64).saturating_sub(self.written - self.taken_there);
        if room == 0 && wanted > 0 {
            self.is_blocked = true;
            return Err(NetError::WouldBlock);
        }
        Ok(wanted.min(usize::try_from(room).unwrap_or(usize::MAX)))
    }

    /// The other end has so much. True when that makes room for one who waits for it.
    pub(super) fn saw(&mut self, now: Time, upto: u64, taken: u64, buffer: usize) -> bool {
        debug_assert!(upto <= self.next && taken <= self.written, "seen before it was sent");
        if upto > self.seen {
            self.seen = upto;
            self.waits_since = Some(now);
        }
        self.taken_there = self.taken_there.max(taken);
        let has_room = self.written - self.taken_there < buffer as u64;
        has_room && std::mem::take(&mut self.is_blocked)
    }

    /// Takes in a part, and those that waited for it. One that was taken in before is nothing new.
    pub(super) fn take_in(&mut self, number: u64, part: Part) -> Progress {
        let mut progress = Progress::default();
        if number < self.expected {
            return progress;
        }
        self.early.insert(number, part);
        while let Some(part) = self.early.remove(&self.expected) {
            self.expected += 1;
            match part {
                Part::Accept => progress.is_accepted = true,
                Part::Bytes(bytes) => {
                    self.inbox.extend(bytes);
                    progress.is_readable = true;
                }
                Part::End => {
                    self.is_ended = true;
                    progress.is_readable = true;
                }
            }
        }
        progress
    }

    /// What to tell the other end: all parts below the first number are here, so many bytes were read.
    pub(super) fn report(&self) -> (u64, u64) {
        (self.expected, self.taken_here)
    }

    /// Gives the user bytes. What had arrived can be read after the end of the connection too.
    pub(super) fn read(&mut self, out: &mut [u8], short: Ppm, luck: &mut Luck) -> Result<usize, NetError> {
        let ready = shortened(self.inbox.len().min(out.len()), short, luck);
        match self.phase {
            _ if out.is_empty() || ready > 0 => (),
            _ if self.is_ended => return Ok(0),
            Phase::Over(reason) => return Err(NetError::Broken(reason)),
            Phase::Connecting | Phase::Open => return Err(NetError::WouldBlock),
        }
        for (slot, byte) in out.iter_mut().zip(self.inbox.drain(..ready)) {
            *slot = byte;
        }
        self.taken_here += ready as u64;
        Ok(ready)
    }
}

/// `len`, or by chance less, but not nothing.
pub(super) fn shortened(len: usize, short: Ppm, luck: &mut Luck) -> usize {
    let (is_short, less) = (luck.hits(short), luck.below(len as u64));
    if is_short && len > 0 { 1 + less as usize } else { len }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Host = Host { node: NodeId(1), incarnation: 1 };

    fn end() -> End {
        End::new(HOST, NodeId(2), Phase::Open)
    }

    #[track_caller]
    fn read(end: &mut End, len: usize) -> Result<Vec<u8>, NetError> {
        let mut out = vec![0; len];
        let got = end.read(&mut out, Ppm::NEVER, &mut Luck::new(1))?;
        out.truncate(got);
        Ok(out)
    }

    #[test]
    fn parts_are_taken_in_by_number_however_they_arrive() {
        let parts = [
            (0, Part::Bytes(vec![1, 2])),
            (1, Part::Bytes(vec![3])),
            (2, Part::Bytes(vec![4])),
            (3, Part::End),
        ];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let mut end = end();
            for at in order {
                let (number, part) = parts[at].clone();
                end.take_in(number, part.clone());
                assert_eq!(end.take_in(number, part), Progress::default(), "a second time is nothing");
            }
            assert_eq!(read(&mut end, 3), Ok(vec![1, 2, 3]));
            assert_eq!(read(&mut end, 9), Ok(vec![4]));
            assert_eq!(read(&mut end, 9), Ok(vec![]), "the end of the row");
            assert_eq!(end.report(), (4, 4));
            assert!(end.early.is_empty(), "nothing is kept of what came twice");
        }
    }

    #[test]
    fn what_had_arrived_can_be_read_after_the_end_of_the_connection() {
        let mut end = end();
        end.take_in(0, Part::Bytes(vec![7]));
        end.phase = Phase::Over(Broken::Reset);
        assert_eq!(read(&mut end, 9), Ok(vec![7]));
        assert_eq!(read(&mut end, 9), Err(NetError::Broken(Broken::Reset)));
    }

    #[test]
    fn room_is_what_the_other_end_has_not_read() {
        let mut end = end();
        (end.written, end.next) = (10, 1);
        assert_eq!(end.room(5, 12), Ok(2));
        end.written = 12;
        assert_eq!(end.room(5, 12), Err(NetError::WouldBlock));
        assert!(!end.saw(Time::EPOCH, 1, 0, 12), "seen, but nothing was read");
        assert!(end.saw(Time::EPOCH, 1, 4, 12), "room for one who waits");
        assert!(!end.saw(Time::EPOCH, 1, 5, 12), "nobody waits now");
        assert_eq!(end.room(9, 12), Ok(5));
    }
}
