//! `[pure]` The bonds between the actors of this node and those of one peer: links and monitors, so that each end is told
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
//! * **Links.** OTP's link protocol, between the two tables; the actors know nothing of it. An [`Signal::Unlink`] has a number,
//!   and is acknowledged before its receiver sends anything else; until then its sender takes no link from the other side.
//!   One rule is added: **an exit that comes while an unlink is not acknowledged is of an older link, and ignored**, also
//!   when the pair is linked again since. So it never touches a newer link. After quiet both sides agree whether there is one.
//! * **Order at the loss**: [`Signal::LinkExit`] `noconnection` for each link, by the local actor and then the remote one;
//!   [`Signal::Down`] `noconnection` for each monitor of this node, by watcher and then by number; those of the peer are
//!   removed, by number.
//! * What belongs to no bond is ignored and counted ([`Bonds::stale`]): a peer that lies gains nothing by it. It can not
//!   make more bonds than the limit.
//!
//! # What is asked of the shell and of the actors
//!
//! * What an actor sends comes to [`Bonds::handle_local`] in its order. It may come late: an actor may have got a link or lost one
//!   before the table hears of what it did before that. What the table says is delivered at once, and when a `Link`, `Unlink` or
//!   `LinkExit` changed nothing there, [`Bonds::unchanged`] is called next. A link is there or not, and each change turns that
//!   over; so of two changes that crossed between an actor and its table, the table knows which came first.
//! * All signals to one actor *from* one actor go in one flow, also those that a table sends in its name; they are
//!   never dropped while the link lives.
//! * A `Link` or `Monitor` that reaches an actor that has ended is answered with `LinkExit` or `Down` (`noproc`).
//! * An actor sends `Link` when there was no link, and `Unlink` when there was one.
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
        /// For the acknowledgement. The tables choose and use it; 0 to and from this node's actors.
        id: u64,
    },
    /// The Unlink of this number has come. From table to table: no actor sends or gets one.
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
        /// Who sent it, if that is an actor.
        from: Option<Pid>,
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
    is_active: bool,
    /// Whether the actor holds the link: turned over by all that it does and all that reaches it. Unlike `is_active`
    /// only while something that it did is on its way here.
    is_held: bool,
    /// The number of the last Unlink sent, while it is not acknowledged.
    unlinking: Option<u64>,
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
    next_unlink: u64,
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
            next_unlink: 1,
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

    /// What was just delivered changed nothing: `local` was linked with `remote` already, or was not linked. (A Link to
    /// one that has ended is answered, and counts as a change.)
    pub fn unchanged(&mut self, local: Pid, remote: Pid) {
        self.turn(local, remote);
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
        let links: Vec<_> =
            self.links.iter().filter(|(_, link)| link.is_active).map(|(pair, _)| *pair).collect();
        self.links.retain(|_, link| {
            *link = Link { is_held: link.is_held, ..Link::default() };
            link.is_held
        });
        for (local, remote) in links {
            self.tell_end(local, remote, reason.clone());
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
            Signal::Link { from, to } | Signal::Unlink { from, to, .. } => self.turned(from, to),
            Signal::UnlinkAck { .. } => (),
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

    /// The actor linked or unlinked: what it holds now is told to the other side. While others of its doings are on their
    /// way here that may be told too soon, and is put right by them.
    fn turned(&mut self, local: Pid, remote: Pid) {
        let is_held = self.turn(local, remote);
        if is_held && !self.is_up {
            return self.tell_end(local, remote, Exit::NoConnection);
        }
        let Some(link) = self.links.get_mut(&(local, remote)) else { return };
        if std::mem::replace(&mut link.is_active, is_held) == is_held {
            return;
        }
        if is_held {
            return self.send(Signal::Link { from: local, to: remote });
        }
        let id = self.next_unlink;
        self.next_unlink += 1;
        link.unlinking = Some(id);
        self.send(Signal::Unlink { from: local, to: remote, id });
    }

    fn end_link(&mut self, local: Pid, remote: Pid, reason: Exit) {
        self.turn(local, remote);
        if self.deactivate(local, remote) {
            self.send(Signal::LinkExit { from: local, to: remote, reason });
        }
    }

    fn linked(&mut self, remote: Pid, local: Pid) -> Result<(), TooManyBonds> {
        if !self.links.contains_key(&(local, remote)) {
            self.may_grow()?;
        }
        let link = self.links.entry((local, remote)).or_default();
        // One that crossed our Unlink is undone by it there; one that crossed our Link is the same link.
        if link.unlinking.is_none() && !std::mem::replace(&mut link.is_active, true) {
            self.turn(local, remote);
            self.deliver(Signal::Link { from: remote, to: local });
        }
        Ok(())
    }

    fn unlinked(&mut self, remote: Pid, local: Pid, id: u64) {
        self.send(Signal::UnlinkAck { from: local, to: remote, id });
        if self.deactivate(local, remote) {
            self.turn(local, remote);
            self.deliver(Signal::Unlink { from: remote, to: local, id: 0 });
        }
    }

    fn acknowledged(&mut self, remote: Pid, local: Pid, id: u64) {
        let link = self.links.get_mut(&(local, remote)).filter(|link| link.unlinking.is_some());
        let Some(link) = link else {
            self.stale += 1;
            return;
        };
        // One of an older Unlink says nothing: another is under way.
        if link.unlinking == Some(id) {
            link.unlinking = None;
            self.tidy(local, remote);
        }
    }

    fn link_ended(&mut self, remote: Pid, local: Pid, reason: Exit) {
        let link = self.links.get(&(local, remote));
        if link.is_some_and(|link| link.is_active && link.unlinking.is_none()) {
            self.deactivate(local, remote);
            self.tell_end(local, remote, reason);
        } else {
            self.stale += 1;
        }
    }

    /// The pair is linked no more; whether it was.
    fn deactivate(&mut self, local: Pid, remote: Pid) -> bool {
        let Some(link) = self.links.get_mut(&(local, remote)) else { return false };
        let was_active = std::mem::replace(&mut link.is_active, false);
        self.tidy(local, remote);
        was_active
    }

    fn tell_end(&mut self, local: Pid, remote: Pid, reason: Exit) {
        self.turn(local, remote);
        self.deliver(Signal::LinkExit { from: remote, to: local, reason });
    }

    /// The actor has a link more or less; whether it has it now.
    fn turn(&mut self, local: Pid, remote: Pid) -> bool {
        let link = self.links.entry((local, remote)).or_default();
        link.is_held = !link.is_held;
        let is_held = link.is_held;
        self.tidy(local, remote);
        is_held
    }

    /// Forgets a pair of which nothing is to be known.
    fn tidy(&mut self, local: Pid, remote: Pid) {
        let link = self.links.get(&(local, remote));
        if link.is_some_and(|link| !link.is_active && !link.is_held && link.unlinking.is_none()) {
            self.links.remove(&(local, remote));
        }
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
