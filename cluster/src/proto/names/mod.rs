//! `[pure]` Names over all nodes: each node writes those of its own actors and tells every peer.
//!
//! # What is promised
//!
//! * **A name is looked up anywhere**, in this node's own table: no message goes.
//! * **It goes with its owner and its node**: [`Names::ended`], [`Names::peer_down`].
//! * **One owner after quiet.** A name can be registered on two nodes at once, or on both sides of a split. When the two nodes
//!   have a link again, each sees both registrations and decides by the same data, which travels with them: the *older* is the one with
//!   the smaller stamp, then with the smaller [`NodeId`]; the [`Resolve`] of the older says what happens. The decision is the same
//!   whoever makes it, in whatever order news came, and each node takes back only its own registration. Who loses a
//!   name is told ([`Event::Lost`]).
//! * **Before that, all see the same one**: while a node knows several owners it looks up the one that would win.
//! * A stamp is the writer's clock, in microseconds since 1970, and higher than each stamp it gave before. Clocks that differ
//!   change who is older, never whether all agree.
//! * **Bounded**, as groups are: frames of at most [`FRAME_MAX`] bytes; a peer that is slow costs one key for each name that changed;
//!   a peer that claims more names than the limit is refused.
//!
//! **Not promised**: that a name has one owner at each moment. It is no lock and no election: two sides of a split each
//! have their owner. Names that are unique by quorum are another thing, on top of agreement.
//!
//! # What is asked of the shell
//!
//! As with [groups](super::groups): a peer is named by the index of that life of the node; frames of one link arrive in order,
//! and none outside [`Names::peer_up`] and [`Names::peer_down`]. On `Lost`, the shell stops the actor or tells it; on
//! `Conflict` it asks the user's function and calls [`Names::decide`].
//!
//! Source: OTP's `global` and its resolve functions. Ours: no lock over the nodes while a name is registered.

mod wire;

#[cfg(test)]
mod model;

use super::code::FrameError;
use super::outlet::{Outlet, Telling};
use crate::name::NodeId;
use ravelin_core::Pid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

pub use wire::FRAME_MAX;

/// The most bytes of a name.
pub const NAME_MAX: usize = 255;

/// What happens when a name has two owners. Each registration says it; that of the older one counts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Resolve {
    /// The older keeps it. OTP's `random_exit_name` and `random_notify_name`, but that it is not left to chance.
    #[default]
    KeepOlder,
    /// The newer keeps it.
    KeepNewer,
    /// Nobody keeps it; both are told. OTP's `notify_all_name`. Of three, the third may keep it: it is decided by pairs. Should the link be lost again in the very middle, the
    /// side that had not heard of the other keeps it.
    KeepNone,
    /// The user's function decides, on the older one's node: [`Event::Conflict`]. OTP's own resolve function. Until then
    /// both are registered, and the older is looked up.
    Ask,
}

/// Who keeps the name, as seen from the node that decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// The owner on this node.
    Ours,
    /// The owner on the other node.
    Theirs,
    /// Nobody.
    Neither,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NotDone {
    /// The actor lives on another node: register it there.
    NotLocal,
    /// Nobody lives at the place: what is registered is an actor that lives.
    NoProc,
    /// The name has an owner.
    Taken(Pid),
    /// A name has 1 to [`NAME_MAX`] bytes.
    NoName,
    /// The name is not registered on this node, or there is no such conflict any more.
    NotFound,
}

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotDone::NotLocal => f.write_str("the actor lives on another node: register it there"),
            NotDone::NoProc => f.write_str(
                "nobody lives at that place: register when the actor has started, at the earliest in its `init`",
            ),
            NotDone::Taken(owner) => write!(f, "the name belongs to {owner}"),
            NotDone::NoName => write!(f, "a name has 1 to {NAME_MAX} bytes"),
            NotDone::NotFound => f.write_str("there is no such registration, or no such conflict any more"),
        }
    }
}

impl std::error::Error for NotDone {}

/// Why a frame of a peer is refused: close the link.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refused {
    /// It is no frame of names.
    Malformed(FrameError),
    /// The peer claims more names than it may.
    TooMany {
        /// How many it may.
        most: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Malformed(why) => write!(f, "a frame of names is faulty: {why}"),
            Refused::TooMany { most } => write!(f, "the peer claims more than {most} names"),
        }
    }
}

impl std::error::Error for Refused {}

impl From<FrameError> for Refused {
    fn from(why: FrameError) -> Refused {
        Refused::Malformed(why)
    }
}

/// What the owner of a name, or the user's function, is to learn.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// An actor of this node has lost its name to another, or to nobody. It lives.
    Lost {
        /// The name.
        name: Arc<str>,
        /// Who had it.
        pid: Pid,
        /// Who has it now, if somebody.
        winner: Option<Pid>,
    },
    /// Two nodes registered a name, this one before the other: say who keeps it ([`Names::decide`]). Told on one node only;
    /// again when the link was lost before all was settled.
    Conflict {
        /// The name.
        name: Arc<str>,
        /// The owner on this node.
        ours: Pid,
        /// The owner on the other node.
        theirs: Pid,
    },
}

/// One registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Entry {
    pid: Pid,
    stamp: u64,
    resolve: Resolve,
}

/// The peer is to take back its registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Yield {
    /// The stamp of the registration.
    stamp: u64,
    winner: Option<Pid>,
}

#[derive(Debug)]
struct Peer {
    id: NodeId,
    names: BTreeSet<Arc<str>>,
    outlet: Outlet<Arc<str>>,
    yields: BTreeMap<Arc<str>, Yield>,
    is_synced: bool,
}

/// This node's place among the owners of a name.
const OURS: u32 = 0;

/// What this node knows of all names.
///
/// ```
/// use ravelin_cluster::proto::names::{FRAME_MAX, Names, Resolve};
/// use ravelin_cluster::{Incarnation, NodeId};
/// use ravelin_core::Pid;
/// let node = |name: &str| NodeId { name: name.parse().unwrap(), incarnation: Incarnation(1) };
/// let (mut a, mut b) = (Names::new(node("a"), 1000), Names::new(node("b"), 1000));
/// a.register("leader", Pid::from_parts(0, 5, 1), Resolve::KeepOlder, 1_000_000).unwrap();
/// a.peer_up(1, node("b"));
/// b.peer_up(1, node("a"));
/// while let Some(frame) = a.poll_frame(1, FRAME_MAX) {
///     b.handle_frame(1, &frame).unwrap();
/// }
/// assert_eq!(b.whereis("leader"), Some(Pid::from_parts(1, 5, 1)));
/// ```
#[derive(Debug)]
pub struct Names {
    me: NodeId,
    /// The registrations of each name, by the node's index.
    names: BTreeMap<Arc<str>, BTreeMap<u32, Entry>>,
    /// The names of each actor of this node.
    owned: BTreeMap<Pid, BTreeSet<Arc<str>>>,
    peers: BTreeMap<u32, Peer>,
    events: VecDeque<Event>,
    last_stamp: u64,
    most: usize,
}

impl Names {
    /// No names, no peers. Each peer may claim `most` names.
    pub fn new(me: NodeId, most: usize) -> Names {
        Names {
            me,
            names: BTreeMap::new(),
            owned: BTreeMap::new(),
            peers: BTreeMap::new(),
            events: VecDeque::new(),
            last_stamp: 0,
            most,
        }
    }

    /// Gives an actor of this node a name; it may have several. `wall_us`: microseconds since 1970.
    ///
    /// # Errors
    /// [`NotDone::NotLocal`], [`NotDone::NoName`]; [`NotDone::Taken`]: as far as is known here.
    pub fn register(&mut self, name: &str, pid: Pid, resolve: Resolve, wall_us: u64) -> Result<(), NotDone> {
        if pid.node() != 0 {
            return Err(NotDone::NotLocal);
        }
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(NotDone::NoName);
        }
        if let Some(owner) = self.whereis(name) {
            return Err(NotDone::Taken(owner));
        }
        let name: Arc<str> = name.into();
        self.last_stamp = wall_us.max(self.last_stamp.saturating_add(1));
        let entry = Entry { pid, stamp: self.last_stamp, resolve };
        self.owned.entry(pid).or_default().insert(name.clone());
        self.names.entry(name.clone()).or_default().insert(OURS, entry);
        self.note(&name);
        Ok(())
    }

    /// Takes a name back that was registered on this node.
    ///
    /// # Errors
    /// [`NotDone::NotFound`].
    pub fn unregister(&mut self, name: &str) -> Result<(), NotDone> {
        self.drop_ours(name).map(drop).ok_or(NotDone::NotFound)
    }

    /// An actor of this node has ended: its names are free.
    pub fn ended(&mut self, pid: Pid) {
        for name in self.owned.get(&pid).cloned().unwrap_or_default() {
            self.drop_ours(&name);
        }
    }

    /// There is a link to this life of a node. One that is up already is as if it had gone down first.
    pub fn peer_up(&mut self, node: u32, id: NodeId) {
        self.peer_down(node);
        if node != OURS {
            let (names, yields) = (BTreeSet::new(), BTreeMap::new());
            self.peers.insert(node, Peer { id, names, outlet: Outlet::new(), yields, is_synced: false });
        }
    }

    /// The link to this peer is lost: its names go.
    pub fn peer_down(&mut self, node: u32) {
        let Some(peer) = self.peers.remove(&node) else { return };
        for name in peer.names {
            self.remove(&name, node);
        }
    }

    /// A frame of this peer. Of a peer that is not up it is ignored.
    ///
    /// # Errors
    /// The peer is faulty or claims too much: close the link.
    pub fn handle_frame(&mut self, node: u32, frame: &[u8]) -> Result<(), Refused> {
        for word in wire::decode(node, frame)? {
            let Some(peer) = self.peers.get_mut(&node) else { return Ok(()) };
            match word {
                wire::Word::Set(name, entry) => {
                    if !peer.names.contains(&name) && peer.names.len() >= self.most {
                        return Err(Refused::TooMany { most: self.most });
                    }
                    peer.names.insert(name.clone());
                    self.names.entry(name.clone()).or_default().insert(node, entry);
                    self.settle(&name, node);
                }
                wire::Word::Unset(name) => {
                    peer.names.remove(&name);
                    self.remove(&name, node);
                }
                wire::Word::Yield(name, Yield { stamp, winner }) => {
                    if self.ours(&name).is_some_and(|ours| ours.stamp == stamp) {
                        self.lose(&name, winner);
                    }
                }
                wire::Word::AllTold => peer.is_synced = true,
            }
        }
        Ok(())
    }

    /// The peers that have something to be told.
    pub fn ready(&self) -> impl Iterator<Item = u32> {
        let ready = |peer: &Peer| peer.outlet.is_ready() || !peer.yields.is_empty();
        self.peers.iter().filter(move |(_, peer)| ready(peer)).map(|(node, _)| *node)
    }

    /// The next frame for this peer, when the link has room for one. `None`: all is told. It has at most `room` bytes, or
    /// one entry, and never more than [`FRAME_MAX`].
    pub fn poll_frame(&mut self, node: u32, room: usize) -> Option<Vec<u8>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let peer = self.peers.get_mut(&node)?;
        let names = &self.names;
        let ours = |name: &Arc<str>| names.get(name).and_then(|owners| owners.get(&OURS));
        let mut frame = Vec::new();
        while !wire::is_full(&frame, room) {
            if let Some((name, what)) = peer.yields.pop_first() {
                wire::put_yield(&mut frame, &name, what);
                continue;
            }
            let after = |told: Option<&Arc<str>>| {
                let rest = (told.map_or(Unbounded, Excluded), Unbounded);
                let mut rest = names.range::<Arc<str>, _>(rest);
                rest.find(|(_, owners)| owners.contains_key(&OURS)).map(|(name, _)| name.clone())
            };
            match peer.outlet.pop(after) {
                Some(Telling::Key(name)) => wire::put_entry(&mut frame, &name, ours(&name)),
                Some(Telling::AllTold) => wire::put_all_told(&mut frame),
                None => break,
            }
        }
        (!frame.is_empty()).then_some(frame)
    }

    /// What somebody is to learn.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether all that this peer had when its link came up is known here.
    pub fn is_synced(&self, node: u32) -> bool {
        self.peers.get(&node).is_some_and(|peer| peer.is_synced)
    }

    /// The owner of a name, as far as is known here. O(log n).
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.names.get(name).and_then(|owners| self.winner(owners))
    }

    /// All names with their owners, by name.
    pub fn registered(&self) -> impl Iterator<Item = (&Arc<str>, Pid)> {
        self.names.iter().filter_map(|(name, owners)| Some((name, self.winner(owners)?)))
    }

    /// The names of an actor of this node, by name.
    pub fn names_of(&self, pid: Pid) -> impl Iterator<Item = &Arc<str>> {
        self.owned.get(&pid).into_iter().flatten()
    }

    /// The user's function has decided a [`Event::Conflict`].
    ///
    /// # Errors
    /// [`NotDone::NotFound`]: one of the two has the name no more; nothing is to be done.
    pub fn decide(&mut self, name: &str, ours: Pid, theirs: Pid, keep: Keep) -> Result<(), NotDone> {
        let node = theirs.node();
        let is_ours = self.ours(name).is_some_and(|entry| entry.pid == ours);
        let other = self.names.get(name).and_then(|owners| owners.get(&node));
        let Some(other) = other.filter(|other| is_ours && node != OURS && other.pid == theirs).copied()
        else {
            return Err(NotDone::NotFound);
        };
        if keep != Keep::Theirs {
            self.ask_to_yield(name, node, other.stamp, (keep == Keep::Ours).then_some(ours));
        }
        if keep != Keep::Ours {
            self.lose(name, (keep == Keep::Theirs).then_some(theirs));
        }
        Ok(())
    }

    /// A registration of another node came: what it means for ours.
    fn settle(&mut self, name: &str, node: u32) {
        let owners = self.names.get(name);
        let pair = owners.and_then(|owners| Some((*owners.get(&OURS)?, *owners.get(&node)?)));
        let Some((ours, theirs)) = pair else { return };
        let is_ours_older = self.age(OURS, &ours) < self.age(node, &theirs);
        match if is_ours_older { ours.resolve } else { theirs.resolve } {
            Resolve::KeepOlder if !is_ours_older => self.lose(name, Some(theirs.pid)),
            Resolve::KeepNewer if is_ours_older => self.lose(name, Some(theirs.pid)),
            Resolve::KeepOlder | Resolve::KeepNewer => (),
            Resolve::KeepNone => {
                self.ask_to_yield(name, node, theirs.stamp, None);
                self.lose(name, None);
            }
            Resolve::Ask if is_ours_older => {
                let (name, ours, theirs) = (name.into(), ours.pid, theirs.pid);
                self.events.push_back(Event::Conflict { name, ours, theirs });
            }
            Resolve::Ask => (),
        }
    }

    /// Who is the one to look up: whoever would win. One rule, the same on all nodes.
    fn winner(&self, owners: &BTreeMap<u32, Entry>) -> Option<Pid> {
        let by_age = |(node, entry): &(&u32, &Entry)| self.age(**node, entry);
        let (_, oldest) = owners.iter().min_by_key(by_age)?;
        match oldest.resolve {
            Resolve::KeepNewer => owners.iter().max_by_key(by_age).map(|(_, newest)| newest.pid),
            _ => Some(oldest.pid),
        }
    }

    fn age(&self, node: u32, entry: &Entry) -> (u64, &NodeId) {
        let id = self.peers.get(&node).map_or(&self.me, |peer| &peer.id);
        (entry.stamp, id)
    }

    fn ask_to_yield(&mut self, name: &str, node: u32, stamp: u64, winner: Option<Pid>) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.yields.insert(name.into(), Yield { stamp, winner });
        }
    }

    fn lose(&mut self, name: &str, winner: Option<Pid>) {
        if let Some((name, Entry { pid, .. })) = self.drop_ours(name) {
            self.events.push_back(Event::Lost { name, pid, winner });
        }
    }

    fn ours(&self, name: &str) -> Option<&Entry> {
        self.names.get(name)?.get(&OURS)
    }

    fn drop_ours(&mut self, name: &str) -> Option<(Arc<str>, Entry)> {
        let (name, _) = self.names.get_key_value(name)?;
        let name = name.clone();
        let entry = self.remove(&name, OURS)?;
        if let Some(names) = self.owned.get_mut(&entry.pid) {
            names.remove(&name);
            if names.is_empty() {
                self.owned.remove(&entry.pid);
            }
        }
        self.note(&name);
        Some((name, entry))
    }

    fn remove(&mut self, name: &str, node: u32) -> Option<Entry> {
        let owners = self.names.get_mut(name)?;
        let entry = owners.remove(&node);
        if owners.is_empty() {
            self.names.remove(name);
        }
        entry
    }

    fn note(&mut self, name: &Arc<str>) {
        for peer in self.peers.values_mut() {
            peer.outlet.note(name);
        }
    }
}
