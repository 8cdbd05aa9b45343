//! Who is in the cluster, as far as this node knows: SWIM, by foca, behind types of our own. `[pure]`
//!
//! - Members probe one another. One that answers neither a member nor, through others, anybody is *suspect*; unless it
//!   objects within [`Timing::suspect_for`] it is *down*, and all hear of it.
//! - **Down is final for a membership, not for a life.** A member that was only cut off hears, when it is reached again,
//!   that it was declared down. It comes back by itself, under the next number of a count that goes round with its
//!   name; its [`NodeId`] stays, and so do its Pids. For the others it was gone and is there again: [`Output::Down`], then
//!   [`Output::Up`] of the same life, as a BEAM node that was cut off keeps its creation. What bonds there were ended with
//!   the link.
//! - **A life is final.** A node that starts again has a higher [`Incarnation`](crate::Incarnation), which takes the
//!   place of the one before. A member that learns of a later life of its own name stops: [`Output::Superseded`].
//! - One that has [left](Members::leave) comes back no more in this life.
//! - What this says is about members, not about links: see [`reach`](super::reach) for what follows from it.
//!
//! # How it is driven
//!
//! Each `handle_*` and verb may leave outputs: take them by [`poll_output`](Members::poll_output) until there are none, then
//! set a timer for [`poll_timeout`](Members::poll_timeout). Messages may be lost, doubled and overtake one another. The seed
//! decides every choice: two with the same seed and the same inputs do the same.

mod codec;
mod timing;

#[cfg(test)]
mod net;
#[cfg(test)]
mod tests;

pub use codec::{BadGossip, Peer};
pub use timing::{GOSSIP_MAX, Timing};

use crate::name::{NodeId, NodeName};
use bytes::{Buf, Bytes};
use codec::{Bytewise, Identity, is_plain};
use foca::{
    AccumulatingRuntime, Codec, Foca, Header, Message, NoCustomBroadcast, OwnedNotification, State, Timer,
};
use rand_pcg::Pcg64Mcg;
use ravelin_core::Time;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// The most nodes that a member keeps in mind, those that are down included. News of others is refused.
pub const MEMBERS_MAX: usize = 4096;

/// How many a member that is alone asks at a time.
const ASKED: usize = 3;

/// The members of a cluster, as one of them knows them.
pub struct Members {
    timing: Timing,
    /// [`MEMBERS_MAX`], but in tests.
    members_max: usize,
    stage: Stage,
    foca: Foca<Identity, Bytewise, Pcg64Mcg, NoCustomBroadcast>,
    world: AccumulatingRuntime<Identity>,
    /// foca's timers by when they are due, then by what foca wants first, then by age.
    timers: BTreeMap<(Time, bool, u64), Timer<Identity>>,
    timers_made: u64,
    /// Those that are up, as told.
    up: BTreeMap<NodeName, Peer>,
    /// Those that were reached, whether they are members or not yet.
    reached: BTreeMap<NodeName, Peer>,
    /// Where the next round of asking goes on.
    asked: Option<NodeName>,
    /// When it came back last after it was declared down.
    came_back: Option<Time>,
    outputs: VecDeque<Output>,
}

/// How it stands with this member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// It knows of nobody that knows of it; asks at this time again.
    Alone(Time),
    /// Others know of it.
    Active,
    /// Declared down; comes back at this time.
    Down(Time),
    /// It has left, or a later life has its place.
    Over,
}

/// What a member wants done, or tells.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Sends this message to that node, if there is a link to it; else it is lost, which does no harm.
    Send {
        /// To whom.
        to: NodeId,
        /// What, at most [`GOSSIP_MAX`] bytes.
        bytes: Bytes,
    },
    /// This life of a node is a member. Of one name one life is at a time.
    Up(Peer),
    /// It is a member no more. Comes once for each [`Output::Up`].
    Down {
        /// Who.
        peer: Peer,
        /// Why.
        why: Gone,
    },
    /// It gave this member no answer; unless it objects, it is down soon.
    Suspect(NodeId),
    /// Somebody knows of this member: it has joined.
    Joined,
    /// Nobody is left that knows of it. It goes on asking.
    Alone,
    /// It was declared down, though it lives, and comes back, for the so-many-th time.
    Rejoins {
        /// How often by now.
        times: u32,
    },
    /// A later life of this node is there, or was: this one is no member any more, and can not become one again.
    Superseded {
        /// The later one.
        by: NodeId,
    },
}

/// Why one is a member no more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Gone {
    /// It gave no answer, to nobody.
    Silent,
    /// It has left.
    Left,
    /// A later life of the node is there.
    Replaced,
}

/// What a message that is one turned out to be.
#[derive(Debug, Eq, PartialEq)]
enum Seen {
    Fit,
    /// A later life of its sender is known.
    OfEarlierLife {
        src: Identity,
        newest: foca::Member<Identity>,
    },
    /// It tells of a later life of this node.
    TellsOfLaterLife(NodeId),
}

/// Why a message was refused. Nothing has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum GossipError {
    /// It is longer than [`GOSSIP_MAX`].
    TooLong(usize),
    /// It is no message of membership.
    Bad(BadGossip),
    /// It says that it is from another node than the one whose link it came by.
    Forged(NodeId),
    /// It tells of more nodes than [`MEMBERS_MAX`].
    TooMany,
    /// foca refused it; says why.
    Refused(String),
}

impl Members {
    /// A member that knows of nobody yet. All chance is drawn from the seed.
    ///
    /// # Errors
    /// [`BadGossip::Endpoint`]: where it is reached could not be told to others.
    ///
    /// ```
    /// use ravelin_cluster::proto::members::{Members, Output, Peer, Timing};
    /// use ravelin_cluster::{Endpoint, Incarnation, NodeId};
    /// use ravelin_core::Time;
    ///
    /// let peer = |name: &str| Peer {
    ///     id: NodeId { name: name.parse().unwrap(), incarnation: Incarnation(1) },
    ///     endpoint: Endpoint(format!("{name}:4370").into()),
    /// };
    /// let (a, b) = (peer("a"), peer("b"));
    /// let mut member = Members::new(a, Timing::lan(), 7).unwrap();
    /// member.join(&b, Time::EPOCH);
    /// let Some(Output::Send { to, .. }) = member.poll_output() else { panic!("it asks whom it reaches") };
    /// assert_eq!(to, b.id);
    /// assert!(member.poll_timeout().is_some(), "and asks again");
    /// ```
    pub fn new(me: Peer, timing: Timing, seed: u64) -> Result<Members, BadGossip> {
        if !is_plain(&me.endpoint) {
            return Err(BadGossip::Endpoint);
        }
        let chance = Pcg64Mcg::new(u128::from(seed) << 64 | u128::from(seed ^ 0x9E37_79B9_7F4A_7C15));
        let foca = Foca::new(Identity::first(me), timing.for_foca(0), chance, Bytewise);
        Ok(Members {
            timing,
            members_max: MEMBERS_MAX,
            stage: Stage::Alone(Time::EPOCH),
            foca,
            world: AccumulatingRuntime::new(),
            timers: BTreeMap::new(),
            timers_made: 0,
            up: BTreeMap::new(),
            reached: BTreeMap::new(),
            asked: None,
            came_back: None,
            outputs: VecDeque::new(),
        })
    }

    /// A link to this node is up: asks it whom it knows. Goes on asking by itself until somebody knows of this member.
    pub fn join(&mut self, peer: &Peer, now: Time) {
        if self.stage == Stage::Over || peer.id.name == self.me().id.name || !is_plain(&peer.endpoint) {
            return;
        }
        self.reached.insert(peer.id.name.clone(), peer.clone());
        self.ask(Identity::first(peer.clone()));
        if let Stage::Alone(at) = &mut self.stage {
            *at = now + self.timing.announce_every;
        }
        self.settle(now);
    }

    /// The link to this node is down: it is not asked any more while this member is alone.
    pub fn unreach(&mut self, id: &NodeId) {
        if self.reached.get(&id.name).is_some_and(|peer| peer.id == *id) {
            self.reached.remove(&id.name);
        }
    }

    /// A message came by the link to this node.
    ///
    /// # Errors
    /// See [`GossipError`]. Costs two decodings.
    pub fn handle_gossip(&mut self, from: &NodeId, bytes: &[u8], now: Time) -> Result<(), GossipError> {
        if self.stage == Stage::Over {
            return Ok(());
        }
        match self.inspect(from, bytes)? {
            Seen::Fit => {
                let result = self.foca.handle_data(bytes, &mut self.world);
                self.settle(now);
                result.map_err(|why| GossipError::Refused(why.to_string()))
            }
            Seen::OfEarlierLife { src, newest } => {
                self.tell_of_later_life(src, newest);
                Ok(())
            }
            Seen::TellsOfLaterLife(by) => {
                self.end(by);
                Ok(())
            }
        }
    }

    /// The time of [`Members::poll_timeout`] has come, or has passed.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now || self.stage == Stage::Over {
                break;
            }
            let timer = entry.remove();
            if self.is_sound(&timer) {
                // Its errors are a probe that took too long, which foca mends by itself, and timers that it did not set.
                let _ = self.foca.handle_timer(timer, &mut self.world);
            }
            self.settle(now);
        }
        match self.stage {
            Stage::Alone(at) if at <= now => self.ask_again(now),
            Stage::Down(at) if at <= now => self.come_back(now),
            Stage::Alone(_) | Stage::Active | Stage::Down(_) | Stage::Over => (),
        }
        self.settle(now);
    }

    /// Tells others that this member is one no more, and is over: it takes and gives nothing afterwards but what
    /// [`Members::poll_output`] still has.
    pub fn leave(&mut self, now: Time) {
        if self.stage == Stage::Over {
            return;
        }
        let gone = Identity { times: Identity::GONE, ..self.foca.identity().clone() };
        // Nothing to be done about errors: it goes, and the others will find out.
        let _ = self.foca.change_identity(gone, &mut self.world);
        let _ = self.foca.leave_cluster(&mut self.world);
        let _ = self.foca.gossip(&mut self.world).and_then(|()| self.foca.gossip(&mut self.world));
        self.stage = Stage::Over;
        self.settle(now);
        self.timers.clear();
    }

    /// When [`Members::handle_timeout`] is due next.
    pub fn poll_timeout(&self) -> Option<Time> {
        let own = match self.stage {
            Stage::Alone(at) => self.asked_after(None).is_some().then_some(at),
            Stage::Down(at) => Some(at),
            Stage::Active => None,
            Stage::Over => return None,
        };
        let of_foca = self.timers.first_key_value().map(|((at, _, _), _)| *at);
        own.into_iter().chain(of_foca).min()
    }

    /// What is to be done or told next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// This member.
    pub fn me(&self) -> &Peer {
        &self.foca.identity().peer
    }

    /// The others that are up, by name.
    pub fn members(&self) -> impl Iterator<Item = &Peer> {
        self.up.values()
    }

    /// Whether this very life is a member now.
    pub fn is_up(&self, id: &NodeId) -> bool {
        self.up.get(&id.name).is_some_and(|peer| peer.id == *id)
    }

    /// Looks at a message before foca does: whether it is one, from whom it says it is, and of how many it tells.
    /// foca, which takes each life for a member of its own, would let two lives of a name declare each other down for ever.
    fn inspect(&self, from: &NodeId, bytes: &[u8]) -> Result<Seen, GossipError> {
        if bytes.len() > GOSSIP_MAX {
            return Err(GossipError::TooLong(bytes.len()));
        }
        let mut rest = bytes;
        let header = Bytewise.decode_header(&mut rest).map_err(GossipError::Bad)?;
        if header.src.peer.id != *from {
            return Err(GossipError::Forged(header.src.peer.id));
        }
        let known = self.foca.iter_membership_state().len();
        let told = if rest.len() < 2 { 0 } else { usize::from(rest.get_u16()) };
        let mut later = None;
        for _ in 0..told {
            let member = Bytewise.decode_member(&mut rest).map_err(GossipError::Bad)?;
            later = later.or_else(|| self.me().is_before(member.id()).then(|| member.id().peer.id.clone()));
        }
        if !rest.is_empty() {
            return Err(GossipError::Bad(BadGossip::Length));
        }
        if known + told >= self.members_max {
            return Err(GossipError::TooMany);
        }
        let mut members = self.foca.iter_membership_state();
        let newest = members.find(|member| header.src.peer.is_before(member.id()));
        Ok(match (later, newest) {
            (Some(later), _) => Seen::TellsOfLaterLife(later),
            (None, Some(newest)) => Seen::OfEarlierLife { src: header.src, newest: newest.clone() },
            (None, None) => Seen::Fit,
        })
    }

    /// An earlier life of a node has written, which does not know that there is a later one.
    fn tell_of_later_life(&mut self, dst: Identity, newest: foca::Member<Identity>) {
        let to = dst.peer.id.clone();
        let (src, message) = (self.foca.identity().clone(), Message::Gossip);
        let mut bytes = Vec::new();
        let header = Bytewise.encode_header(&Header { src, src_incarnation: 0, dst, message }, &mut bytes);
        bytes.extend(1_u16.to_be_bytes());
        // What was decoded can be encoded, and two members are much shorter than a message may be.
        if header.and_then(|()| Bytewise.encode_member(&newest, &mut bytes)).is_ok() {
            self.outputs.push_back(Output::Send { to, bytes: bytes.into() });
        }
    }

    /// A later life has its place.
    fn end(&mut self, by: NodeId) {
        self.stage = Stage::Over;
        self.timers.clear();
        self.outputs.push_back(Output::Superseded { by });
    }

    /// Whether foca does right by this timer. It tells a member that it is down when the time for its objection is over,
    /// and looks not whether there was one; so a member that did object is not told.
    fn is_sound(&self, timer: &Timer<Identity>) -> bool {
        let Timer::ChangeSuspectToDown { member_id, incarnation, .. } = timer else { return true };
        let is_it = |member: &foca::Member<Identity>| {
            member.id() == member_id && member.incarnation() == *incarnation
        };
        self.foca.iter_membership_state().any(is_it)
    }

    /// Takes what foca left.
    fn settle(&mut self, now: Time) {
        while let Some((to, bytes)) = self.world.to_send() {
            self.outputs.push_back(Output::Send { to: to.peer.id, bytes });
        }
        while let Some((after, timer)) = self.world.to_schedule() {
            if let Timer::ChangeSuspectToDown { member_id, .. } = &timer {
                self.outputs.push_back(Output::Suspect(member_id.peer.id.clone()));
            }
            self.timers_made += 1;
            let is_late = !matches!(timer, Timer::SendIndirectProbe { .. });
            self.timers.insert((now + after, is_late, self.timers_made), timer);
        }
        let members = self.up.len();
        let mut renamed = None;
        while let Some(event) = self.world.to_notify() {
            self.take(event, &mut renamed, now);
        }
        self.rename(renamed);
        if self.up.len() != members {
            // It changes neither how often it probes nor what it does from time to time, which foca would refuse.
            let _ = self.foca.set_config(self.timing.for_foca(self.up.len()));
        }
    }

    /// One event of foca's. A change of identity waits for the event after it, which may say that the new one is down.
    fn take(&mut self, event: OwnedNotification<Identity>, renamed: &mut Option<Identity>, now: Time) {
        match event {
            OwnedNotification::MemberDown(id) => {
                renamed.take_if(|new| new == &id);
                self.rename(renamed.take());
                let left = id.times == Identity::GONE;
                self.tell_down(&id.peer.id.name, if left { Gone::Left } else { Gone::Silent });
            }
            OwnedNotification::MemberUp(id) => {
                renamed.take_if(|new| new == &id);
                self.rename(renamed.take());
                self.tell_up(id.peer);
            }
            OwnedNotification::Rename(_, new) => self.rename(renamed.replace(new)),
            OwnedNotification::Active => {
                self.stage = Stage::Active;
                self.outputs.push_back(Output::Joined);
            }
            OwnedNotification::Idle => {
                self.stage = Stage::Alone(now + self.timing.announce_every);
                self.outputs.push_back(Output::Alone);
            }
            OwnedNotification::Defunct if self.stage == Stage::Over => (),
            OwnedNotification::Defunct => self.fall(now),
            // It never renews by itself.
            OwnedNotification::Rejoin(_) => (),
        }
    }

    /// One that is up has a new identity, and is up still.
    fn rename(&mut self, new: Option<Identity>) {
        if let Some(new) = new.filter(|new| self.up.contains_key(&new.peer.id.name)) {
            self.tell_up(new.peer);
        }
    }

    fn tell_up(&mut self, peer: Peer) {
        let is_same = self.up.get(&peer.id.name).is_some_and(|known| *known == peer);
        if !is_same {
            self.tell_down(&peer.id.name, Gone::Replaced);
            self.up.insert(peer.id.name.clone(), peer.clone());
            self.outputs.push_back(Output::Up(peer));
        }
    }

    fn tell_down(&mut self, name: &NodeName, why: Gone) {
        if let Some(peer) = self.up.remove(name) {
            self.outputs.push_back(Output::Down { peer, why });
        }
    }

    /// It was declared down.
    fn fall(&mut self, now: Time) {
        // Once in a while only: else two that will not believe each other could go on for ever.
        let at = self.came_back.map_or(now, |last| now.max(last + self.timing.suspect_for));
        self.stage = Stage::Down(at);
        if at <= now {
            self.come_back(now);
        }
    }

    fn come_back(&mut self, now: Time) {
        let me = self.foca.identity();
        let times = me.times.saturating_add(1).min(Identity::GONE - 1);
        let again = Identity { times, ..me.clone() };
        self.came_back = Some(now);
        // An error is one of sending, and sending is tried again.
        let _ = self.foca.change_identity(again, &mut self.world);
        self.stage = Stage::Alone(now + self.timing.announce_every);
        self.outputs.push_back(Output::Rejoins { times });
        self.ask_again(now);
    }

    /// Asks some of those that it knows, up or down, in turn.
    fn ask_again(&mut self, now: Time) {
        for _ in 0..ASKED {
            let Some(next) = self.asked_after(self.asked.as_ref()) else { break };
            self.asked = Some(next.peer.id.name.clone());
            self.ask(next);
        }
        self.stage = Stage::Alone(now + self.timing.announce_every);
    }

    fn ask(&mut self, whom: Identity) {
        // An error is one of encoding: its name and endpoint were checked.
        let _ = self.foca.announce(whom, &mut self.world);
    }

    /// The first after `name`, in the ring of those that it knows or has reached.
    fn asked_after(&self, name: Option<&NodeName>) -> Option<Identity> {
        let known = self.foca.iter_membership_state();
        let known =
            known.filter(|member| member.state() != State::Down || member.id().times != Identity::GONE);
        let known = known.map(foca::Member::id);
        let reached = self.reached.values().cloned().map(Identity::first);
        let others = reached.chain(known.cloned()).filter(|id| id.peer.id.name != self.me().id.name);
        others.min_by_key(|id| (name.is_some_and(|name| id.peer.id.name <= *name), id.peer.id.name.clone()))
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.up.values().map(|peer| &peer.id);
        f.debug_struct("Members")
            .field("me", &self.me().id)
            .field("stage", &self.stage)
            .field("up", &ids.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for GossipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GossipError::TooLong(bytes) => {
                write!(f, "a message of membership has {bytes} bytes: {GOSSIP_MAX} are the most")
            }
            GossipError::Bad(why) => write!(f, "no message of membership: {why}"),
            GossipError::Forged(id) => {
                write!(f, "a message of membership says it is from {id}, and came from another")
            }
            GossipError::TooMany => write!(f, "it tells of too many nodes: {MEMBERS_MAX} are the most"),
            GossipError::Refused(why) => write!(f, "a message of membership was refused: {why}"),
        }
    }
}

impl std::error::Error for GossipError {}
