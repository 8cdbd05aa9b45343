//! [pure] The actors' part of the link protocol with one peer, for actors that know of a link only whether it is there.
//!
//! [`Bonds`](super::bonds::Bonds) asks that the two ends of a link number their unlinks, acknowledge those of the other
//! side, and take no link while one is not acknowledged. Core's actors do not: this keeps for each pair what they would.

use super::bonds::Signal;
use ravelin_core::Pid;
use std::collections::BTreeMap;

/// One end of a link: the local actor's.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    is_active: bool,
    /// The number of the last unlink, while it is not acknowledged.
    unlinking: Option<u64>,
}

/// The local ends of the links with one peer.
#[derive(Debug, Default)]
pub struct Ends {
    /// By the local and the remote actor.
    ends: BTreeMap<(Pid, Pid), End>,
    unlinks: u64,
}

/// What a local actor is to be told of a signal that came for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Heard {
    /// Nothing: it is of another link than the one there is.
    Nothing,
    /// The signal.
    All,
    /// The signal; then this number is acknowledged.
    Acknowledged(u64),
    /// Nothing; but the number is acknowledged.
    OnlyAcknowledged(u64),
}

impl Ends {
    /// None.
    pub fn new() -> Ends {
        Ends::default()
    }

    /// A local actor links itself. False: it is linked already, and nothing is to be sent.
    pub fn link(&mut self, local: Pid, remote: Pid) -> bool {
        let end = self.ends.entry((local, remote)).or_default();
        !std::mem::replace(&mut end.is_active, true)
    }

    /// A local actor takes the link away. The number of the unlink to be sent; `None`: there was no link.
    pub fn unlink(&mut self, local: Pid, remote: Pid) -> Option<u64> {
        let end = self.ends.get_mut(&(local, remote)).filter(|end| end.is_active)?;
        self.unlinks += 1;
        (end.is_active, end.unlinking) = (false, Some(self.unlinks));
        Some(self.unlinks)
    }

    /// A local actor has ended. Whether the other one is to be told: there was a link, or is nothing known of.
    pub fn end(&mut self, local: Pid, remote: Pid) -> bool {
        self.ends.remove(&(local, remote)).is_none_or(|end| end.is_active)
    }

    /// What the local actor hears of a signal about a link.
    pub fn hear<T>(&mut self, signal: &Signal<T>) -> Heard {
        match signal {
            Signal::Link { from, to } => {
                let end = self.ends.entry((*to, *from)).or_default();
                let counts = !end.is_active && end.unlinking.is_none();
                end.is_active |= counts;
                if counts { Heard::All } else { Heard::Nothing }
            }
            Signal::Unlink { from, to, id } => {
                let was_active = self.ends.get(&(*to, *from)).is_some_and(|end| end.is_active);
                self.put_off(*to, *from);
                if was_active { Heard::Acknowledged(*id) } else { Heard::OnlyAcknowledged(*id) }
            }
            Signal::UnlinkAck { from, to, id } => {
                if let Some(end) = self.ends.get_mut(&(*to, *from))
                    && end.unlinking == Some(*id)
                {
                    end.unlinking = None;
                    if !end.is_active {
                        self.ends.remove(&(*to, *from));
                    }
                }
                Heard::Nothing
            }
            Signal::LinkExit { from, to, .. } => {
                let counts =
                    self.ends.get(&(*to, *from)).is_some_and(|end| end.is_active && end.unlinking.is_none());
                if counts {
                    self.ends.remove(&(*to, *from));
                }
                if counts { Heard::All } else { Heard::Nothing }
            }
            Signal::Exit { .. }
            | Signal::Kill { .. }
            | Signal::Monitor { .. }
            | Signal::Demonitor { .. }
            | Signal::Down { .. } => Heard::All,
        }
    }

    /// How many links there are, or are not yet quite undone.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The local end is active no more.
    fn put_off(&mut self, local: Pid, remote: Pid) {
        if let Some(end) = self.ends.get_mut(&(local, remote)) {
            end.is_active = false;
            if end.unlinking.is_none() {
                self.ends.remove(&(local, remote));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_core::Exit;

    const HERE: Pid = Pid::from_parts(0, 1, 1);
    const THERE: Pid = Pid::from_parts(1, 1, 1);
    const LINK: Signal<Pid> = Signal::Link { from: THERE, to: HERE };
    const EXIT: Signal<Pid> = Signal::LinkExit { from: THERE, to: HERE, reason: Exit::Killed };

    #[test]
    fn a_link_and_its_end_are_heard_once() {
        let mut ends = Ends::new();
        assert_eq!(ends.hear(&LINK), Heard::All);
        assert_eq!(ends.hear(&LINK), Heard::Nothing);
        assert!(!ends.link(HERE, THERE), "it is linked by the other side");
        assert_eq!(ends.hear(&EXIT), Heard::All);
        assert_eq!(ends.hear(&EXIT), Heard::Nothing);
        assert!(ends.is_empty());
    }

    #[test]
    fn until_an_unlink_is_acknowledged_links_and_exits_of_the_other_side_are_old() {
        let mut ends = Ends::new();
        assert!(ends.link(HERE, THERE));
        let id = ends.unlink(HERE, THERE).unwrap();
        assert_eq!(ends.unlink(HERE, THERE), None);
        assert_eq!(ends.hear(&LINK), Heard::Nothing);
        assert!(ends.link(HERE, THERE), "linked again by this side");
        assert_eq!(ends.hear(&EXIT), Heard::Nothing);
        let ack: Signal<Pid> = Signal::UnlinkAck { from: THERE, to: HERE, id };
        assert_eq!(ends.hear(&ack), Heard::Nothing);
        assert_eq!(ends.hear(&EXIT), Heard::All);
        assert!(ends.is_empty());
    }

    #[test]
    fn every_unlink_is_acknowledged() {
        let mut ends = Ends::new();
        let unlink = |id| Signal::<Pid>::Unlink { from: THERE, to: HERE, id };
        assert_eq!(ends.hear(&unlink(1)), Heard::OnlyAcknowledged(1));
        ends.link(HERE, THERE);
        assert_eq!(ends.hear(&unlink(2)), Heard::Acknowledged(2));
        assert!(ends.is_empty());
    }

    #[test]
    fn the_end_of_an_actor_is_told_unless_it_had_unlinked() {
        let mut ends = Ends::new();
        assert!(ends.end(HERE, THERE), "an answer to a link that came for the dead");
        ends.link(HERE, THERE);
        assert!(ends.end(HERE, THERE));
        ends.link(HERE, THERE);
        ends.unlink(HERE, THERE);
        assert!(!ends.end(HERE, THERE));
    }
}
