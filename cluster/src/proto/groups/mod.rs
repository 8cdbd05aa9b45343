//! `[pure]` Process groups over all nodes: named multisets of actors, as OTP's `pg`.
//!
//! Each node writes the memberships of its own actors, and tells every peer: first all of them, then each change. There is
//! no coordinator and nothing to agree on.
//!
//! # What is promised
//!
//! * **Eventually equal.** When links stay up and nothing changes any more, all connected nodes know the same members.
//! * **Members go with their actor, and with their node**: after [`Groups::peer_down`] no member of that node is known.
//! * **An actor may join several times** (up to [`TIMES_MAX`]) and must leave as often. Only actors of this node are joined here.
//! * **Changes are told in order, without a gap** ([`Groups::poll_change`]): a reader that starts from
//!   [`Groups::members`] and follows them always knows what the table knows. A change of a node reaches its peers in the
//!   order in which that node's memberships last changed. What joins and leaves again before the link has room may not be
//!   told at all: a slow peer sees the state, not every step to it.
//! * **Bounded.** A frame holds at most [`FRAME_MAX`] bytes, so a large group travels in pieces, between which other frames
//!   may go. A peer that is slow costs one key for each membership that changed. A peer that claims more memberships
//!   than the limit, or sends what is no frame, is refused; what it had told stays until the link is closed.
//! * **Cost**: join, leave and each change O(log n); a lookup O(log n) and what it gives; the loss of a node O(m log n) of its m memberships.
//!
//! # What is asked of the shell
//!
//! A peer is named by the index that the router gave to that life of the node: pids of its actors have it. Frames of
//! one link arrive in order, all that were sent or a beginning of them; between [`Groups::peer_down`] and the next
//! [`Groups::peer_up`] none is handled, and none of an older link after it.
//!
//! Source: OTP's `pg`, its `discover`, `sync`, `join` and `leave`. Ours: state is told, not steps; a sync comes in pieces.

mod wire;

#[cfg(test)]
mod model;

use super::code::FrameError;
use super::outlet::{Outlet, Telling};
use ravelin_core::Pid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

pub use wire::FRAME_MAX;

/// The most bytes of the name of a group, and of a scope.
pub const NAME_MAX: usize = 255;

/// What scopes of groups beside others begin with. No text that somebody types does.
const BESIDE: char = '\u{1}';

/// How many times one actor may be in one group.
pub const TIMES_MAX: u32 = 1000;

/// The name of a group in its scope. Cheap to clone.
///
/// ```
/// use ravelin_cluster::proto::groups::Group;
/// let group = Group::new("chat", "lobby").unwrap();
/// assert_eq!((group.scope(), group.name()), ("chat", "lobby"));
/// assert!(Group::new("", "").is_err(), "the name of a group is not empty");
/// ```
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Group {
    scope: Arc<str>,
    name: Arc<str>,
}

impl Group {
    /// The group `name` in `scope`; the scope may be empty: the default one.
    ///
    /// # Errors
    /// The name is empty, or one of the two has more than [`NAME_MAX`] bytes.
    pub fn new(scope: &str, name: &str) -> Result<Group, NotDone> {
        if name.is_empty() || name.len() > NAME_MAX || scope.len() > NAME_MAX {
            return Err(NotDone::NoName);
        }
        Ok(Group { scope: scope.into(), name: name.into() })
    }

    /// A group beside this one, for those who hear what is broadcast to it and are no members. `None`: its name is too long.
    pub(crate) fn beside(&self) -> Option<Group> {
        Group::new(&format!("{BESIDE}{}", self.scope), &self.name).ok()
    }

    /// The scope.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The name in the scope.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NotDone {
    /// The actor lives on another node: join it there. OTP's `nolocal`.
    NotLocal,
    /// Nobody lives at the place: what joins is an actor that lives.
    NoProc,
    /// The actor is not a member.
    NotJoined,
    /// The actor is in the group [`TIMES_MAX`] times already.
    TooOften,
    /// A name has 1 to [`NAME_MAX`] bytes, a scope at most so many.
    NoName,
}

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotDone::NotLocal => f.write_str("the actor lives on another node: join it there"),
            NotDone::NoProc => f.write_str(
                "nobody lives at that place: join when the actor has started, at the earliest in its `init`",
            ),
            NotDone::NotJoined => f.write_str("the actor is not a member of the group"),
            NotDone::TooOften => write!(f, "the actor is in the group {TIMES_MAX} times: leave it as often"),
            NotDone::NoName => {
                write!(f, "a group's name has 1 to {NAME_MAX} bytes, a scope at most {NAME_MAX}")
            }
        }
    }
}

impl std::error::Error for NotDone {}

/// Why a frame of a peer is refused: close the link.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refused {
    /// It is no frame of groups.
    Malformed(FrameError),
    /// The peer claims more memberships than it may.
    TooMany {
        /// How many it may.
        most: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Malformed(why) => write!(f, "a frame of groups is faulty: {why}"),
            Refused::TooMany { most } => write!(f, "the peer claims more than {most} memberships"),
        }
    }
}

impl std::error::Error for Refused {}

impl From<FrameError> for Refused {
    fn from(why: FrameError) -> Refused {
        Refused::Malformed(why)
    }
}

/// What happened to a membership.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// An actor joined, or one that had joined was learnt of.
    Joined,
    /// A member left, ended, or was lost with its node.
    Left,
}

/// A change of what is known here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The group.
    pub group: Group,
    /// The member, of this node or another.
    pub pid: Pid,
    /// Whether it joined or left.
    pub step: Step,
    /// How many times at once, from 1.
    pub times: u32,
}

/// One of the keys of the map that each node writes: a member that is in a group some number of times.
type Key = (Group, Pid);

#[derive(Debug)]
struct Peer {
    outlet: Outlet<Key>,
    memberships: usize,
    is_synced: bool,
}

/// What this node knows of all groups.
///
/// ```
/// use ravelin_cluster::proto::groups::{FRAME_MAX, Group, Groups};
/// use ravelin_core::Pid;
/// let (mut here, mut there) = (Groups::new(1000), Groups::new(1000));
/// let group = Group::new("", "workers").unwrap();
/// here.join(&group, Pid::from_parts(0, 5, 1)).unwrap();
/// here.peer_up(1);
/// there.peer_up(1);
/// while let Some(frame) = here.poll_frame(1, FRAME_MAX) {
///     there.handle_frame(1, &frame).unwrap();
/// }
/// assert_eq!(there.members(&group).collect::<Vec<_>>(), [Pid::from_parts(1, 5, 1)]);
/// ```
#[derive(Debug)]
pub struct Groups {
    groups: BTreeMap<Group, BTreeMap<Pid, u32>>,
    /// The groups of each member.
    joined: BTreeMap<Pid, BTreeSet<Group>>,
    peers: BTreeMap<u32, Peer>,
    changes: VecDeque<Change>,
    most: usize,
}

impl Groups {
    /// No groups, no peers. Each peer may claim `most` memberships.
    pub fn new(most: usize) -> Groups {
        Groups {
            groups: BTreeMap::new(),
            joined: BTreeMap::new(),
            peers: BTreeMap::new(),
            changes: VecDeque::new(),
            most,
        }
    }

    /// An actor of this node joins, once more if it is a member.
    ///
    /// # Errors
    /// [`NotDone::NotLocal`], [`NotDone::TooOften`].
    pub fn join(&mut self, group: &Group, pid: Pid) -> Result<(), NotDone> {
        if pid.node() != 0 {
            return Err(NotDone::NotLocal);
        }
        let times = self.times(group, pid) + 1;
        if times > TIMES_MAX {
            return Err(NotDone::TooOften);
        }
        self.set(group, pid, times);
        self.note(group, pid);
        Ok(())
    }

    /// An actor of this node leaves, once.
    ///
    /// # Errors
    /// [`NotDone::NotLocal`], [`NotDone::NotJoined`].
    pub fn leave(&mut self, group: &Group, pid: Pid) -> Result<(), NotDone> {
        if pid.node() != 0 {
            return Err(NotDone::NotLocal);
        }
        let times = self.times(group, pid).checked_sub(1).ok_or(NotDone::NotJoined)?;
        self.set(group, pid, times);
        self.note(group, pid);
        Ok(())
    }

    /// An actor of this node has ended: it leaves all its groups.
    pub fn ended(&mut self, pid: Pid) {
        if pid.node() != 0 {
            return;
        }
        for group in self.joined.get(&pid).cloned().unwrap_or_default() {
            self.set(&group, pid, 0);
            self.note(&group, pid);
        }
    }

    /// There is a link to this peer. One that is up already is as if it had gone down first.
    pub fn peer_up(&mut self, node: u32) {
        self.peer_down(node);
        if node != 0 {
            self.peers.insert(node, Peer { outlet: Outlet::new(), memberships: 0, is_synced: false });
        }
    }

    /// The link to this peer is lost: its members go.
    pub fn peer_down(&mut self, node: u32) {
        if self.peers.remove(&node).is_none() {
            return;
        }
        let of_node = Pid::from_parts(node, 0, 1)..=Pid::from_parts(node, u32::MAX, u64::MAX);
        let members: Vec<_> =
            self.joined.range(of_node).map(|(pid, groups)| (*pid, groups.clone())).collect();
        for (pid, groups) in members {
            for group in groups {
                self.set(&group, pid, 0);
            }
        }
    }

    /// A frame of this peer. Of a peer that is not up it is ignored.
    ///
    /// # Errors
    /// The peer is faulty or claims too much: close the link.
    pub fn handle_frame(&mut self, node: u32, frame: &[u8]) -> Result<(), Refused> {
        let frame = wire::decode(node, frame)?;
        for (group, pid, times) in frame.members {
            let before = self.times(&group, pid) as usize;
            let Some(peer) = self.peers.get_mut(&node) else { return Ok(()) };
            let memberships = peer.memberships - before + times as usize;
            if memberships > self.most {
                return Err(Refused::TooMany { most: self.most });
            }
            peer.memberships = memberships;
            self.set(&group, pid, times);
        }
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.is_synced |= frame.is_all_told;
        }
        Ok(())
    }

    /// The peers that have something to be told.
    pub fn ready(&self) -> impl Iterator<Item = u32> {
        self.peers.iter().filter(|(_, peer)| peer.outlet.is_ready()).map(|(node, _)| *node)
    }

    /// The next frame for this peer, when the link has room for one. `None`: all is told. It has at most `room` bytes, or
    /// one entry, and never more than [`FRAME_MAX`].
    pub fn poll_frame(&mut self, node: u32, room: usize) -> Option<Vec<u8>> {
        let outlet = &mut self.peers.get_mut(&node)?.outlet;
        let mut frame = wire::Frame::new();
        while !frame.is_full(room) {
            let groups = &self.groups;
            match outlet.pop(|told| first_after(groups, told)) {
                Some(Telling::Key((group, pid))) => {
                    let times =
                        groups.get(&group).and_then(|members| members.get(&pid)).copied().unwrap_or(0);
                    frame.put(&group, pid, times);
                }
                Some(Telling::AllTold) => frame.put_all_told(),
                None => break,
            }
        }
        frame.into_bytes()
    }

    /// The next change of what is known here.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Whether all that this peer had when its link came up is known here.
    pub fn is_synced(&self, node: u32) -> bool {
        self.peers.get(&node).is_some_and(|peer| peer.is_synced)
    }

    /// The members, once for each membership: those of this node first, then by node and pid.
    pub fn members(&self, group: &Group) -> impl Iterator<Item = Pid> {
        self.groups.get(group).into_iter().flatten().flat_map(repeated)
    }

    /// The members that live on this node, once for each membership, by pid.
    pub fn local_members(&self, group: &Group) -> impl Iterator<Item = Pid> {
        let local = self.groups.get(group).into_iter().flat_map(|members| members.range(..LOCAL_END));
        local.flat_map(repeated)
    }

    /// The groups of a scope that have members, by name.
    pub fn groups<'a>(&'a self, scope: &'a str) -> impl Iterator<Item = &'a Group> {
        let first = Group { scope: scope.into(), name: "".into() };
        self.groups.range(first..).map(|(group, _)| group).take_while(move |group| group.scope() == scope)
    }

    fn times(&self, group: &Group, pid: Pid) -> u32 {
        self.groups.get(group).and_then(|members| members.get(&pid)).copied().unwrap_or(0)
    }

    /// Sets how many times `pid` is in `group`, and says what that changes.
    fn set(&mut self, group: &Group, pid: Pid, times: u32) {
        let before = self.times(group, pid);
        if times > 0 {
            self.groups.entry(group.clone()).or_default().insert(pid, times);
            self.joined.entry(pid).or_default().insert(group.clone());
        } else {
            remove_from(&mut self.groups, group, |members| {
                members.remove(&pid).is_some() && members.is_empty()
            });
            remove_from(&mut self.joined, &pid, |groups| groups.remove(group) && groups.is_empty());
        }
        let step = if before < times { Step::Joined } else { Step::Left };
        let times = before.abs_diff(times);
        if times > 0 {
            self.changes.push_back(Change { group: group.clone(), pid, step, times });
        }
    }

    fn note(&mut self, group: &Group, pid: Pid) {
        let key = (group.clone(), pid);
        for peer in self.peers.values_mut() {
            peer.outlet.note(&key);
        }
    }
}

/// Takes something from what `key` has, and the key away when `is_last` says that nothing is left.
fn remove_from<K: Ord, V>(map: &mut BTreeMap<K, V>, key: &K, is_last: impl FnOnce(&mut V) -> bool) {
    if map.get_mut(key).is_some_and(is_last) {
        map.remove(key);
    }
}

/// Comes after all pids of this node.
const LOCAL_END: Pid = Pid::from_parts(1, 0, 1);

fn repeated((pid, times): (&Pid, &u32)) -> impl Iterator<Item = Pid> + use<> {
    std::iter::repeat_n(*pid, *times as usize)
}

/// The first membership of this node after `told`.
fn first_after(groups: &BTreeMap<Group, BTreeMap<Pid, u32>>, told: Option<&Key>) -> Option<Key> {
    use std::ops::Bound::{Excluded, Unbounded};
    let later = match told {
        Some((group, pid)) => {
            let rest = groups.get(group).map(|members| members.range((Excluded(*pid), Excluded(LOCAL_END))));
            if let Some((pid, _)) = rest.and_then(|mut rest| rest.next()) {
                return Some((group.clone(), *pid));
            }
            groups.range((Excluded(group), Unbounded))
        }
        None => groups.range::<Group, _>(..),
    };
    let mut first = later.filter_map(|(group, members)| Some((group, members.range(..LOCAL_END).next()?.0)));
    first.next().map(|(group, pid)| (group.clone(), *pid))
}
