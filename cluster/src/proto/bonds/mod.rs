//! [pure] The bonds between the actors of this node and those of one peer: links and monitors, so that each end is told
//! exactly once, whatever comes first: the news of it, the loss of the node, or that nobody wants to know any more.
//!
//! All signals between the two nodes pass here, on the way out ([`Bonds::handle_local`]) and on the way in
//! ([`Bonds::handle_remote`]), in their order. The table notes who is bound to whom, lets through what belongs to a bond
//! that is there, and says all ends itself when the node is lost.
//!
//! # What is promised
//!
//! * **Monitors.** One [`Signal::Down`] for each monitor of this node: the peer's, or `noconnection` at the loss; none
//!   after a demonitor passed. At the loss the monitors of the peer go, as if it had demonitored.
//! * **Links.** OTP's link protocol, from actor to actor: an [`Signal::Unlink`] has a number, its receiver acknowledges it
//!   before it sends anything else, and until then its sender takes no link from the other side. One rule is added: **an
//!   exit that comes while an unlink is not acknowledged is of an older link, and ignored**. So it never touches a newer
//!   one. After quiet both ends agree whether there is a link.
//! * **Every unlink is acknowledged**: by the other actor; by the table of its node when there is nothing to unlink; by
//!   the table of this node when there is nothing to unlink or the node is lost.
//! * **Order at the loss**: links, by the local actor and then the remote one: first the acknowledgement of an unlink
//!   under way, then [`Signal::LinkExit`] `noconnection`. Then the monitors of this node, by watcher and then by number.
//!   Then those of the peer are removed, by number.
//! * What belongs to no bond is ignored and counted ([`Bonds::stale`]): a peer that lies gains nothing by it. It can not
//!   make more bonds than the limit.
//!
//! # What is asked of the shell and of the actors
//!
//! * `handle_local` is called in the order in which an actor sends (it is best called where the actor sends, under the
//!   table's lock); what is to be delivered is delivered in its order. Between the two no order is asked, but one: what is to be delivered after a loss is delivered before
//!   [`Bonds::connected`] is called again.
//! * All signals to one actor *from* one actor go in one flow, also those that a table sends in its name; they are
//!   never dropped while the link lives.
//! * A `Link` or `Monitor` that reaches an actor that has ended is answered with `LinkExit` or `Down` (`noproc`), an
//!   `Unlink` with its acknowledgement.
//! * An actor keeps for each other end what OTP keeps: whether the link is active, and the number of its unlink that is
//!   not acknowledged, also when it has linked again since. It sends Link and Unlink only when that changes `active`. A
//!   Link received counts if there is neither; an Unlink received ends `active` and is acknowledged; an acknowledgement of
//!   that number clears it; a LinkExit counts if `active` and nothing is unacknowledged.
//!
//! Source: "Link Protocol" in OTP's "Distribution Protocol"; `erlang:monitor/2`.

use ravelin_core::{Exit, Pid};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

#[cfg(test)]
mod model;
#[cfg(test)]
mod races;

/// Names one monitor, among those that the watcher's node made. Never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MonitorId(pub u64);

/// What one actor, or its end, says to another over a link. `T` is what a monitor can aim at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Signal<T> {
    /// Let us be linked.
    Link {
        /// Who links.
        from: Pid,
        /// To whom.
        to: Pid,
    },
    /// Let us be linked no more.
    Unlink {
        /// Who unlinks.
        from: Pid,
        /// From whom.
        to: Pid,
        /// For the acknowledgement: unlike all of this pair that are not acknowledged.
        id: u64,
    },
    /// The Unlink of this number has come.
    UnlinkAck {
        /// Who was unlinked from.
        from: Pid,
        /// Who had unlinked.
        to: Pid,
        /// The number of the Unlink.
        id: u64,
    },
    /// The linked actor has ended.
    LinkExit {
        /// Who ended.
        from: Pid,
        /// Who was linked.
        to: Pid,
        /// Why it ended.
        reason: Exit,
    },
    /// An exit signal that somebody sent: `exit(pid, reason)`.
    Exit {
        /// Who sent it.
        from: Pid,
        /// To whom.
        to: Pid,
        /// What it says.
        reason: Exit,
    },
    /// The kill signal.
    Kill {
        /// Who sent it.
        from: Pid,
        /// To whom.
        to: Pid,
    },
    /// Tell me when it ends.
    Monitor {
        /// The monitor.
        monitor: MonitorId,
        /// Who wants to know.
        watcher: Pid,
        /// Of whom.
        target: T,
    },
    /// Tell me no more. Of one that comes from the peer only the number is believed.
    Demonitor {
        /// The monitor.
        monitor: MonitorId,
        /// Who wanted to know.
        watcher: Pid,
        /// Of whom.
        target: T,
    },
    /// It has ended. Of one that comes from the peer only the number and the reason are believed.
    Down {
        /// The monitor.
        monitor: MonitorId,
        /// Who wanted to know.
        watcher: Pid,
        /// Of whom.
        target: T,
        /// Why it ended.
        reason: Exit,
    },
}

/// What to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output<T> {
    /// Send it to the peer, in the flow of the one that it is from.
    Send(Signal<T>),
    /// Give it to this node's actors.
    Deliver(Signal<T>),
}

/// The peer has made as many bonds as it may: close the link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TooManyBonds {
    /// How many there may be.
    pub most: usize,
}

impl fmt::Display for TooManyBonds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer made more than {} links and monitors", self.most)
    }
}

impl std::error::Error for TooManyBonds {}

/// What is known of a pair of actors that are linked, or not yet quite unlinked.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    /// The number of our actor's Unlink that the peer's has not acknowledged.
    unlinking: Option<u64>,
    /// Our actor linked again after that.
    is_relinked: bool,
    /// The number of the peer's actor's Unlink that ours has not acknowledged: it has yet to get it.
    unlinked: Option<u64>,
    /// A Link of the peer's actor came after that.
    is_relinked_there: bool,
}

impl Link {
    /// Whether our actor is linked, when it has got all that was delivered.
    fn is_active(self) -> bool {
        match (self.unlinked, self.unlinking) {
            (Some(_), _) => self.is_relinked_there,
            (None, Some(_)) => self.is_relinked,
            (None, None) => true,
        }
    }
}

#[derive(Clone, Debug)]
struct Monitor<T> {
    watcher: Pid,
    target: T,
}

/// The bonds with the actors of one peer.
///
/// ```
/// use ravelin_cluster::proto::bonds::{Bonds, MonitorId, Output, Signal};
/// use ravelin_core::{Exit, Pid};
/// let (here, there) = (Pid::from_parts(0, 1, 1), Pid::from_parts(1, 1, 1));
/// let mut bonds = Bonds::new(1000);
/// bonds.connected();
/// let (monitor, watcher, target) = (MonitorId(1), here, there);
/// bonds.handle_local(Signal::Monitor { monitor, watcher, target });
/// assert!(matches!(bonds.poll(), Some(Output::Send(Signal::Monitor { .. }))));
/// bonds.lost(&Exit::NoConnection);
/// let down = Signal::Down { monitor, watcher, target, reason: Exit::NoConnection };
/// assert_eq!(bonds.poll(), Some(Output::Deliver(down)));
/// assert_eq!(bonds.poll(), None);
/// ```
#[derive(Debug)]
pub struct Bonds<T> {
    is_up: bool,
    /// By the local and the remote actor.
    links: BTreeMap<(Pid, Pid), Link>,
    /// Of this node, on actors of the peer.
    watching: BTreeMap<MonitorId, Monitor<T>>,
    /// Of the peer, on actors of this node.
    watched: BTreeMap<MonitorId, Monitor<T>>,
    outputs: VecDeque<Output<T>>,
    most: usize,
    stale: u64,
}

impl<T: Clone> Bonds<T> {
    /// No bonds, and no connection. A Link or Monitor of the peer that would be more than `most` is an error.
    pub fn new(most: usize) -> Bonds<T> {
        Bonds {
            is_up: false,
            links: BTreeMap::new(),
            watching: BTreeMap::new(),
            watched: BTreeMap::new(),
            outputs: VecDeque::new(),
            most,
            stale: 0,
        }
    }

    /// What to do next; `None`: nothing. To be asked until then after each `handle_*` and [`lost`](Bonds::lost).
    pub fn poll(&mut self) -> Option<Output<T>> {
        self.outputs.pop_front()
    }

    /// Signals that belonged to no bond and were ignored. Some are stale, and nobody's fault; many say that a peer lies.
    pub fn stale(&self) -> u64 {
        self.stale
    }

    /// How many links there are, or are not yet quite undone.
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// How many monitors there are: of this node, of the peer.
    pub fn monitors(&self) -> (usize, usize) {
        (self.watching.len(), self.watched.len())
    }

    /// There is a connection. Signals that are handled without one fare as at its loss.
    pub fn connected(&mut self) {
        self.is_up = true;
    }

    /// The connection is lost, or the node: all bonds end, each once, with this reason (`noconnection`).
    /// O(n log n) of the bonds.
    pub fn lost(&mut self, reason: &Exit) {
        self.is_up = false;
        for ((local, remote), link) in std::mem::take(&mut self.links) {
            if let Some(id) = link.unlinking {
                self.deliver(Signal::UnlinkAck { from: remote, to: local, id });
            }
            if link.is_active() {
                self.deliver(Signal::LinkExit { from: remote, to: local, reason: reason.clone() });
            }
        }
        let mut watching: Vec<_> = std::mem::take(&mut self.watching).into_iter().collect();
        watching.sort_by_key(|(monitor, of)| (of.watcher, *monitor));
        for (monitor, Monitor { watcher, target }) in watching {
            self.deliver(Signal::Down { monitor, watcher, target, reason: reason.clone() });
        }
        for (monitor, Monitor { watcher, target }) in std::mem::take(&mut self.watched) {
            self.deliver(Signal::Demonitor { monitor, watcher, target });
        }
    }

    /// An actor of this node says this to one of the peer.
    pub fn handle_local(&mut self, signal: Signal<T>) {
        match signal {
            Signal::Link { from, to } => self.link(from, to),
            Signal::Unlink { from, to, id } => self.unlink(from, to, id),
            Signal::UnlinkAck { from, to, id } => self.acknowledge(from, to, id),
            Signal::LinkExit { from, to, reason } => self.end_link(from, to, reason),
            Signal::Exit { .. } | Signal::Kill { .. } => {
                if self.is_up {
                    self.send(signal);
                }
            }
            Signal::Monitor { monitor, watcher, target } => self.monitor(monitor, watcher, target),
            Signal::Demonitor { monitor, .. } => {
                if let Some(Monitor { watcher, target }) = self.watching.remove(&monitor) {
                    self.send(Signal::Demonitor { monitor, watcher, target });
                }
            }
            Signal::Down { monitor, reason, .. } => {
                if let Some(Monitor { watcher, target }) = self.watched.remove(&monitor) {
                    self.send(Signal::Down { monitor, watcher, target, reason });
                }
            }
        }
    }

    /// An actor of the peer says this to one of this node. The caller knows that `from` and `watcher` are of the peer, and
    /// `to` and `target` of this node.
    ///
    /// # Errors
    /// The peer has made too many bonds; the signal changed nothing.
    pub fn handle_remote(&mut self, signal: Signal<T>) -> Result<(), TooManyBonds> {
        if !self.is_up {
            self.stale += 1;
            return Ok(());
        }
        match signal {
            Signal::Link { from, to } => return self.linked(from, to),
            Signal::Unlink { from, to, id } => self.unlinked(from, to, id),
            Signal::UnlinkAck { from, to, id } => self.acknowledged(from, to, id),
            Signal::LinkExit { from, to, reason } => self.link_ended(from, to, reason),
            Signal::Exit { .. } | Signal::Kill { .. } => self.deliver(signal),
            Signal::Monitor { monitor, watcher, target } => return self.monitored(monitor, watcher, target),
            Signal::Demonitor { monitor, .. } => match self.watched.remove(&monitor) {
                Some(Monitor { watcher, target }) => {
                    self.deliver(Signal::Demonitor { monitor, watcher, target });
                }
                None => self.stale += 1,
            },
            Signal::Down { monitor, reason, .. } => match self.watching.remove(&monitor) {
                Some(Monitor { watcher, target }) => {
                    self.deliver(Signal::Down { monitor, watcher, target, reason });
                }
                None => self.stale += 1,
            },
        }
        Ok(())
    }

    fn link(&mut self, local: Pid, remote: Pid) {
        if !self.is_up {
            return self.deliver(Signal::LinkExit { from: remote, to: local, reason: Exit::NoConnection });
        }
        self.links.entry((local, remote)).or_default().is_relinked = true;
        self.send(Signal::Link { from: local, to: remote });
    }

    fn unlink(&mut self, local: Pid, remote: Pid, id: u64) {
        let Some(link) = self.links.get_mut(&(local, remote)) else {
            // Its end is on the way to the actor; this comes behind it.
            return self.deliver(Signal::UnlinkAck { from: remote, to: local, id });
        };
        *link = Link { unlinking: Some(id), unlinked: link.unlinked, ..Link::default() };
        self.send(Signal::Unlink { from: local, to: remote, id });
    }

    fn acknowledge(&mut self, local: Pid, remote: Pid, id: u64) {
        let Some(link) = self.links.get_mut(&(local, remote)) else { return };
        if link.unlinked != Some(id) {
            return;
        }
        let is_linked = link.is_relinked_there;
        *link = Link { unlinking: link.unlinking, ..Link::default() };
        if !is_linked && link.unlinking.is_none() {
            self.links.remove(&(local, remote));
        }
        self.send(Signal::UnlinkAck { from: local, to: remote, id });
    }

    fn end_link(&mut self, local: Pid, remote: Pid, reason: Exit) {
        let Some(link) = self.links.remove(&(local, remote)) else { return };
        if let Some(id) = link.unlinked {
            self.send(Signal::UnlinkAck { from: local, to: remote, id });
        }
        self.send(Signal::LinkExit { from: local, to: remote, reason });
    }

    fn linked(&mut self, remote: Pid, local: Pid) -> Result<(), TooManyBonds> {
        if !self.links.contains_key(&(local, remote)) {
            self.may_grow()?;
        }
        let link = self.links.entry((local, remote)).or_default();
        if link.unlinking.is_some() {
            // It crossed our Unlink, which undoes it there.
            return Ok(());
        }
        link.is_relinked_there = link.unlinked.is_some();
        self.deliver(Signal::Link { from: remote, to: local });
        Ok(())
    }

    fn unlinked(&mut self, remote: Pid, local: Pid, id: u64) {
        let Some(link) = self.links.get_mut(&(local, remote)) else {
            self.stale += 1;
            return self.send(Signal::UnlinkAck { from: local, to: remote, id });
        };
        link.unlinked = Some(id);
        link.is_relinked_there = false;
        self.deliver(Signal::Unlink { from: remote, to: local, id });
    }

    fn acknowledged(&mut self, remote: Pid, local: Pid, id: u64) {
        let link = self.links.get_mut(&(local, remote)).filter(|link| link.unlinking.is_some());
        let Some(link) = link else {
            self.stale += 1;
            return;
        };
        if link.unlinking != Some(id) {
            return;
        }
        link.unlinking = None;
        if !link.is_relinked && link.unlinked.is_none() {
            self.links.remove(&(local, remote));
        }
        self.deliver(Signal::UnlinkAck { from: remote, to: local, id });
    }

    fn link_ended(&mut self, remote: Pid, local: Pid, reason: Exit) {
        let link = self.links.get(&(local, remote));
        if !link.is_some_and(|link| link.unlinking.is_none() && link.is_active()) {
            self.stale += 1;
            return;
        }
        self.links.remove(&(local, remote));
        self.deliver(Signal::LinkExit { from: remote, to: local, reason });
    }

    fn monitor(&mut self, monitor: MonitorId, watcher: Pid, target: T) {
        if !self.is_up {
            return self.deliver(Signal::Down { monitor, watcher, target, reason: Exit::NoConnection });
        }
        self.watching.insert(monitor, Monitor { watcher, target: target.clone() });
        self.send(Signal::Monitor { monitor, watcher, target });
    }

    fn monitored(&mut self, monitor: MonitorId, watcher: Pid, target: T) -> Result<(), TooManyBonds> {
        if self.watched.contains_key(&monitor) {
            self.stale += 1;
            return Ok(());
        }
        self.may_grow()?;
        self.watched.insert(monitor, Monitor { watcher, target: target.clone() });
        self.deliver(Signal::Monitor { monitor, watcher, target });
        Ok(())
    }

    /// Whether the peer may make one bond more.
    fn may_grow(&self) -> Result<(), TooManyBonds> {
        let bonds = self.links.len() + self.watched.len();
        if bonds < self.most { Ok(()) } else { Err(TooManyBonds { most: self.most }) }
    }

    fn send(&mut self, signal: Signal<T>) {
        self.outputs.push_back(Output::Send(signal));
    }

    fn deliver(&mut self, signal: Signal<T>) {
        self.outputs.push_back(Output::Deliver(signal));
    }
}
