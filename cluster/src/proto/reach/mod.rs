//! Which nodes are reached: what is dialled and closed, and what subscribers hear. `[pure]`
//!
//! - [`Output::Up`] comes when a link's handshake is done, which proves both directions; [`Output::Down`] at once when that
//!   link is lost. They alternate for each node, and each Up has its Down. A node that lost its link and is reached again
//!   is up again as the same life; the Pids of that life hold, the bonds over the lost link do not.
//! - **One link per pair.** Both may dial; of two members that hear of each other the smaller name does at once and the
//!   other after a while. Of two handshakes at once the one that the smaller name dialled wins. A link that is up is never
//!   displaced by another of the same life: if its other end is gone, its silence will tell, and the other dials again.
//! - **Losses do not flap.** What is not reached is dialled after delays that grow, with chance in them, and are short again
//!   only once a link has been steady. A one-way cut silences the link, both ends close it, and no handshake succeeds.
//! - **Members say whom to dial, links say who is reached.** That a member is down breaks no link that is alive: it may
//!   have been cut off from others only, and comes back at once when it hears of it. If it does not, its link is closed:
//!   [`Why::DeclaredDown`]. One that is down is dialled on, ever more seldom, so that a cluster that fell apart becomes one.
//! - **A name has one life at a time.** A later life is let in when the earlier is dead: it has no link here and is no
//!   member, or the later one is reached at the very same endpoint. Else it is refused: [`Refusal::NameTaken`]. An earlier
//!   life than one known is refused: [`Refusal::OldIncarnation`].
//! - Seeds are dialled until whoever answers there is reached; one that turns out to be this node is dialled no more.
//!
//! # How it is driven
//!
//! As [`Members`](super::members::Members): after each `handle_*` and verb, [`poll_output`](Reach::poll_output) until there is none,
//! then [`poll_timeout`](Reach::poll_timeout). The way of a link:
//!
//! 1. [`Output::Dial`], or [`Reach::accept`], gives it its number.
//! 2. [`Reach::admit`] when it is known who the peer is: on the accepting side with its hello, on the dialling side with
//!    the answer to it. An error goes to the peer, and the link is no more.
//! 3. [`Reach::handle_link_up`]: on the dialling side at once, on the accepting side with the first that the dialler sends
//!    after the answer. So an accepted link is up only if its dialler still wants it.
//! 4. [`Reach::handle_link_lost`], at any time. Not needed, and without effect, after [`Output::Close`] and after a refusal.

mod terms;

mod dial;
mod known;

#[cfg(test)]
mod mesh;
#[cfg(test)]
mod tests;

pub use dial::Dialling;
pub use terms::{Close, LinkId, Lost, Output, Refusal, Why};

use crate::name::{Endpoint, NodeId, NodeName, Role};
use crate::proto::members::{Gone, Peer};
use dial::Dials;
use known::{Link, Node, Seed, Side, Standing, Up, Who};
use ravelin_core::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Which nodes are reached.
#[derive(Debug)]
pub struct Reach {
    me: Peer,
    dialling: Dialling,
    seed: u64,
    links: BTreeMap<LinkId, Link>,
    links_made: u64,
    nodes: BTreeMap<NodeName, Node>,
    seeds: BTreeMap<Endpoint, Seed>,
    /// Since when others say that this node's name is taken.
    refused_since: Option<Time>,
    is_over: bool,
    outputs: VecDeque<Output>,
}

impl Reach {
    /// Of a node that reaches nobody yet. All chance is drawn from the seed.
    ///
    /// ```
    /// use ravelin_cluster::proto::members::Peer;
    /// use ravelin_cluster::proto::reach::{Dialling, Lost, Output, Reach};
    /// use ravelin_cluster::{Endpoint, Incarnation, NodeId, Role};
    /// use ravelin_core::Time;
    ///
    /// let peer = |name: &str| Peer {
    ///     id: NodeId { name: name.parse().unwrap(), incarnation: Incarnation(1) },
    ///     endpoint: Endpoint(format!("{name}:4370").into()),
    /// };
    /// let (now, b) = (Time::EPOCH, peer("b"));
    /// let mut reach = Reach::new(peer("a"), Dialling::default(), 7);
    /// reach.set_seeds([b.endpoint.clone()], now);
    /// let Some(Output::Dial { link, .. }) = reach.poll_output() else { panic!("seeds are dialled") };
    /// reach.admit(link, &b, Role::Member, now).unwrap();
    /// reach.handle_link_up(link, now);
    /// assert!(matches!(reach.poll_output(), Some(Output::Up { .. })));
    /// reach.handle_link_lost(link, Lost::Broken, now);
    /// assert!(matches!(reach.poll_output(), Some(Output::Down { .. })));
    /// assert!(reach.poll_timeout().unwrap() > now, "and dialled again a little later");
    /// ```
    pub fn new(me: Peer, dialling: Dialling, seed: u64) -> Reach {
        Reach {
            me,
            dialling,
            seed,
            links: BTreeMap::new(),
            links_made: 0,
            nodes: BTreeMap::new(),
            seeds: BTreeMap::new(),
            refused_since: None,
            is_over: false,
            outputs: VecDeque::new(),
        }
    }

    /// Where others may be found. Those that are not named any more are dialled no more; links stay.
    pub fn set_seeds(&mut self, endpoints: impl IntoIterator<Item = Endpoint>, now: Time) {
        let mut seeds = BTreeMap::new();
        for endpoint in endpoints {
            let known = self.seeds.remove(&endpoint);
            let seed = known.unwrap_or_else(|| Seed { dials: Dials::new(now), who: Who::Unknown });
            seeds.insert(endpoint, seed);
        }
        self.seeds = seeds;
        self.settle(now);
    }

    /// A number for a link that somebody else made; `None`: too many are at their handshakes, drop it.
    pub fn accept(&mut self, now: Time) -> Option<LinkId> {
        let is_accepting = |link: &&Link| link.side == Side::Accepted && link.deadline.is_some();
        let accepting = self.links.values().filter(is_accepting).count();
        let is_room = accepting < self.dialling.accepts_max && !self.is_over;
        is_room.then(|| self.open(Side::Accepted, now))
    }

    /// It is known who is at the other end: may the handshake go on?
    ///
    /// # Errors
    /// See [`Refusal`]: tell the peer, and close. The link is no more.
    pub fn admit(&mut self, link: LinkId, peer: &Peer, role: Role, now: Time) -> Result<(), Refusal> {
        let verdict = self.judge(link, peer);
        match &verdict {
            Ok(()) => {
                for other in
                    self.handshakes_with(&peer.id.name).filter(|other| *other != link).collect::<Vec<_>>()
                {
                    self.close(other, Close::Refused(Refusal::Duplicate), now);
                }
                if let Some(link) = self.links.get_mut(&link) {
                    link.peer = Some((peer.clone(), role));
                }
            }
            Err(why) => {
                if let Some(Link { side: Side::DialledSeed(endpoint), .. }) = self.links.get(&link)
                    && let Some(seed) = self.seeds.get_mut(endpoint)
                {
                    seed.who =
                        if *why == Refusal::Myself { Who::Myself } else { Who::Node(peer.id.name.clone()) };
                }
                self.drop_link(link, Lost::Broken, now);
            }
        }
        self.settle(now);
        verdict
    }

    /// The handshake is done.
    pub fn handle_link_up(&mut self, link: LinkId, now: Time) {
        let Some(Link { side, deadline: deadline @ Some(_), peer: Some((peer, role)) }) =
            self.links.get_mut(&link)
        else {
            return;
        };
        *deadline = None;
        let (side, peer, role) = (side.clone(), peer.clone(), *role);
        self.refused_since = None;
        let name = peer.id.name.clone();
        if let Some(old) = self.nodes.get(&name).and_then(|node| node.up.as_ref()).map(|up| up.link) {
            self.close(old, Close::Replaced, now);
        }
        let node = self.nodes.entry(name.clone()).or_insert_with(|| Node::new(peer.clone(), now));
        if node.newest.id != peer.id {
            node.standing = Standing::Unheard;
        }
        (node.newest, node.role, node.dials.link) = (peer.clone(), role, None);
        node.up = Some(Up { link, peer: peer.clone(), since: now });
        // The members may have it for down. It hears of it by this link, and comes back.
        let is_gone = matches!(node.standing, Standing::Down | Standing::Left);
        node.doubt = is_gone.then(|| now + self.dialling.come_back_within);
        if let Side::DialledSeed(endpoint) = side
            && let Some(seed) = self.seeds.get_mut(&endpoint)
        {
            seed.who = Who::Node(name);
            (seed.dials.failed, seed.dials.link) = (0, None);
        }
        self.outputs.push_back(Output::Up { link, peer, role });
        self.settle(now);
    }

    /// The link is no more, or could not be made.
    pub fn handle_link_lost(&mut self, link: LinkId, lost: Lost, now: Time) {
        match &lost {
            Lost::Refused(Refusal::NameTaken { holder }) => {
                let since = *self.refused_since.get_or_insert(now);
                self.outputs.push_back(Output::NameTaken { holder: holder.clone(), lasting: now - since });
            }
            Lost::Refused(Refusal::OldIncarnation { newest }) => {
                self.outputs.push_back(Output::Superseded { by: newest.clone() });
            }
            Lost::Refused(Refusal::Myself) => {
                if let Some(Link { side: Side::DialledSeed(endpoint), .. }) = self.links.get(&link)
                    && let Some(seed) = self.seeds.get_mut(endpoint)
                {
                    seed.who = Who::Myself;
                }
            }
            Lost::Refused(Refusal::Duplicate) | Lost::Broken | Lost::Silent | Lost::Bye | Lost::Unfit => (),
        }
        self.drop_link(link, lost, now);
        self.settle(now);
    }

    /// The members say that this life is one of them.
    pub fn handle_member_up(&mut self, peer: &Peer, now: Time) {
        if peer.id.name == self.me.id.name {
            return;
        }
        let defer = if self.me.id.name < peer.id.name { Duration::ZERO } else { self.dialling.defer };
        let node =
            self.nodes.entry(peer.id.name.clone()).or_insert_with(|| Node::new(peer.clone(), now + defer));
        if peer.id.incarnation < node.newest.id.incarnation {
            return;
        }
        if node.standing != Standing::Up || node.newest != *peer {
            node.dials.failed = 0;
            node.dials.next = node.dials.next.min(now + defer);
        }
        (node.newest, node.standing) = (peer.clone(), Standing::Up);
        if node.up.as_ref().is_some_and(|up| up.peer.id == peer.id) {
            node.doubt = None;
        }
        self.settle(now);
    }

    /// The members say that this life is none of them any more.
    pub fn handle_member_down(&mut self, id: &NodeId, why: Gone, now: Time) {
        let Some(node) = self.nodes.get_mut(&id.name).filter(|node| node.newest.id == *id) else { return };
        node.standing = match why {
            Gone::Silent => Standing::Down,
            Gone::Left => Standing::Left,
            Gone::Replaced => return,
        };
        if node.up.is_some() {
            node.doubt = Some(now + self.dialling.come_back_within);
        } else {
            node.idle_since = now;
        }
        self.settle(now);
    }

    /// The time of [`Reach::poll_timeout`] has come, or has passed.
    pub fn handle_timeout(&mut self, now: Time) {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let late = self.links.iter().filter(|(_, link)| is_due(link.deadline)).map(|(id, _)| *id);
        for link in late.collect::<Vec<_>>() {
            self.close(link, Close::TimedOut, now);
        }
        let doubtful =
            self.nodes.values().filter(|node| is_due(node.doubt)).filter_map(|node| node.up.as_ref());
        for link in doubtful.map(|up| up.link).collect::<Vec<_>>() {
            self.close(link, Close::DeclaredDown, now);
        }
        self.nodes.retain(|_, node| node.forgotten_at(&self.dialling).is_none_or(|at| at > now));
        self.settle(now);
    }

    /// This node goes: closes every link, and dials and accepts no more.
    pub fn leave(&mut self, now: Time) {
        self.is_over = true;
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.close(link, Close::Leaving, now);
        }
    }

    /// When [`Reach::handle_timeout`] is due next.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.is_over {
            return None;
        }
        let deadlines = self.links.values().filter_map(|link| link.deadline);
        let doubts = self.nodes.values().filter_map(|node| node.doubt);
        let forgets = self.nodes.values().filter_map(|node| node.forgotten_at(&self.dialling));
        let dials = (self.dialling_now() < self.dialling.dials_max).then(|| self.next_dial()).flatten();
        deadlines.chain(doubts).chain(forgets).chain(dials.map(|(at, _)| at)).min()
    }

    /// What is to be done or told next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// This node.
    pub fn me(&self) -> &Peer {
        &self.me
    }

    /// Those that are reached, by name, each with its link.
    pub fn reached(&self) -> impl Iterator<Item = (LinkId, &Peer, Role)> {
        self.nodes.values().filter_map(|node| node.up.as_ref().map(|up| (up.link, &up.peer, node.role)))
    }

    /// Whether this peer may be at the other end of this link.
    fn judge(&self, link: LinkId, peer: &Peer) -> Result<(), Refusal> {
        let Some(this) = self.links.get(&link) else { return Err(Refusal::Duplicate) };
        if peer.id.name == self.me.id.name {
            let holder = self.me.id.clone();
            return Err(if peer.id == holder { Refusal::Myself } else { Refusal::NameTaken { holder } });
        }
        let node = self.nodes.get(&peer.id.name);
        if let Some(node) = node {
            node.judge(peer)?;
        }
        // Of two handshakes at once the one that the smaller name dialled; of two of one side the later if the peer dialled,
        // for it will have given up the earlier, and the earlier if this node did.
        let is_mine = this.side != Side::Accepted;
        let is_smaller = self.me.id.name < peer.id.name;
        for other in self.handshakes_with(&peer.id.name).filter(|other| *other != link) {
            let other = &self.links[&other];
            let is_stale = other.peer.as_ref().is_some_and(|(other, _)| other.id != peer.id);
            let is_others_mine = other.side != Side::Accepted;
            // A dial that goes to nowhere, again and again, must not keep out the other's.
            let is_hopeless =
                is_others_mine && other.peer.is_none() && node.is_some_and(|node| node.dials.failed > 2);
            let wins = match (is_mine, is_others_mine) {
                (true, false) => is_smaller,
                (false, true) => !is_smaller || is_hopeless,
                (true, true) => other.peer.is_none(),
                (false, false) => true,
            };
            if !wins && !is_stale {
                return Err(Refusal::Duplicate);
            }
        }
        Ok(())
    }

    /// The links to this node that are not up yet, as far as is known.
    fn handshakes_with<'a>(&'a self, name: &'a NodeName) -> impl Iterator<Item = LinkId> + 'a {
        let is_with = move |link: &Link| match (&link.peer, &link.side) {
            (Some((peer, _)), _) => peer.id.name == *name,
            (None, Side::DialledNode(target)) => target == name,
            (None, Side::Accepted | Side::DialledSeed(_)) => false,
        };
        let links = self.links.iter().filter(move |(_, link)| link.deadline.is_some() && is_with(link));
        links.map(|(id, _)| *id)
    }

    fn open(&mut self, side: Side, now: Time) -> LinkId {
        self.links_made += 1;
        let link = LinkId(self.links_made);
        let deadline = Some(now + self.dialling.handshake_within);
        self.links.insert(link, Link { side, deadline, peer: None });
        link
    }

    fn close(&mut self, link: LinkId, why: Close, now: Time) {
        let down = match why {
            Close::Refused(_) | Close::TimedOut => Why::LinkLost,
            Close::DeclaredDown => Why::DeclaredDown,
            Close::Replaced => Why::Replaced,
            Close::Leaving => Why::Left,
        };
        self.remove(link, down, Lost::Broken, now);
        // Last: whoever carries the link may act on it at once, and what is not sent yet must be its own by then.
        self.outputs.push_back(Output::Close { link, why });
    }

    fn drop_link(&mut self, link: LinkId, lost: Lost, now: Time) {
        let down = match lost {
            Lost::Broken | Lost::Refused(_) | Lost::Unfit => Why::LinkLost,
            Lost::Silent => Why::Silent,
            Lost::Bye => Why::Left,
        };
        self.remove(link, down, lost, now);
    }

    /// Takes a link out, and puts off the next dial of what it led to.
    fn remove(&mut self, id: LinkId, why: Why, lost: Lost, now: Time) {
        let Some(link) = self.links.remove(&id) else { return };
        let chance = self.seed ^ id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let put_off = |dials: &mut Dials| {
            dials.link.take_if(|link| *link == id);
            match lost {
                Lost::Unfit => dials.put_off_long(&self.dialling.backoff, chance, now),
                Lost::Broken | Lost::Silent | Lost::Bye | Lost::Refused(_) => {
                    dials.put_off(&self.dialling.backoff, chance, now);
                }
            }
        };
        let is_up = link.deadline.is_none();
        let name = link.peer.as_ref().map(|(peer, _)| &peer.id.name);
        match (&link.side, name) {
            (Side::DialledSeed(endpoint), _) if !is_up => {
                if let Some(seed) = self.seeds.get_mut(endpoint) {
                    put_off(&mut seed.dials);
                }
            }
            (Side::DialledNode(name), _) if !is_up => {
                if let Some(node) = self.nodes.get_mut(name) {
                    put_off(&mut node.dials);
                }
            }
            (_, Some(name)) if is_up => {
                let Some(node) = self.nodes.get_mut(name) else { return };
                let Some(up) = node.up.take_if(|up| up.link == id) else { return };
                if now - up.since >= self.dialling.steady_after {
                    node.dials.failed = 0;
                }
                put_off(&mut node.dials);
                (node.doubt, node.idle_since) = (None, now);
                if why == Why::Left && node.newest.id == up.peer.id {
                    node.standing = Standing::Left;
                }
                // One that said to the members that it goes has left, even if its link merely broke.
                let why =
                    if node.standing == Standing::Left && why != Why::Replaced { Why::Left } else { why };
                self.outputs.push_back(Output::Down { link: id, id: up.peer.id, role: node.role, why });
            }
            (Side::Accepted | Side::DialledSeed(_) | Side::DialledNode(_), _) => (),
        }
    }

    /// Dials what is due.
    fn settle(&mut self, now: Time) {
        let mut room = self.dialling.dials_max.saturating_sub(self.dialling_now());
        while room > 0 && !self.is_over {
            let Some((_, target)) = self.next_dial().filter(|(at, _)| *at <= now) else { break };
            room -= 1;
            let link = self.open(target.clone(), now);
            let (dials, endpoint, expect) = match target {
                Side::DialledNode(name) => {
                    let Some(node) = self.nodes.get_mut(&name) else { continue };
                    (&mut node.dials, node.newest.endpoint.clone(), Some(name))
                }
                Side::DialledSeed(endpoint) => {
                    let Some(seed) = self.seeds.get_mut(&endpoint) else { continue };
                    (&mut seed.dials, endpoint, None)
                }
                Side::Accepted => continue,
            };
            dials.link = Some(link);
            self.outputs.push_back(Output::Dial { link, endpoint, expect });
        }
    }

    fn dialling_now(&self) -> usize {
        self.links.values().filter(|link| link.deadline.is_some() && link.side != Side::Accepted).count()
    }

    /// The dial that is due first, of those that nothing stands for yet.
    fn next_dial(&self) -> Option<(Time, Side)> {
        let shaking = self.links.values().filter(|link| link.deadline.is_some());
        let shaking: BTreeSet<&NodeName> =
            shaking.filter_map(|link| link.peer.as_ref()).map(|(peer, _)| &peer.id.name).collect();
        let nodes = self.nodes.iter().filter(|(name, node)| {
            node.is_wanted() && node.up.is_none() && node.dials.link.is_none() && !shaking.contains(name)
        });
        let node = nodes.map(|(name, node)| (node.dials.next, name)).min();
        // What is reached, or dialled as a node, needs no seed.
        let is_served = |node: &Node| node.up.is_some() || node.is_wanted();
        let seeds = self.seeds.iter().filter(|(endpoint, seed)| {
            let is_answered = match &seed.who {
                Who::Unknown => false,
                Who::Myself => true,
                Who::Node(name) => shaking.contains(name) || self.nodes.get(name).is_some_and(is_served),
            };
            let is_mine = seed.dials.link.is_some() || **endpoint == self.me.endpoint;
            let mut nodes = self.nodes.values();
            !is_answered
                && !is_mine
                && !nodes.any(|node| node.newest.endpoint == **endpoint && is_served(node))
        });
        let seed = seeds.map(|(endpoint, seed)| (seed.dials.next, endpoint)).min();
        let node = node.map(|(at, name)| (at, Side::DialledNode(name.clone())));
        let seed = seed.map(|(at, endpoint)| (at, Side::DialledSeed(endpoint.clone())));
        node.into_iter().chain(seed).min_by_key(|(at, _)| *at)
    }
}
