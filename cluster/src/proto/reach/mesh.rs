//! Several nodes for tests, on a network that delays and cuts, with handshakes of three messages, in virtual time.

use super::tests::{ms, peer};
use super::*;
use ravelin_sim::{Random, Seed};

/// The nodes `node-0` … and what goes on between them.
pub(super) struct Mesh {
    now: Time,
    nodes: Vec<Reach>,
    lives: Vec<u64>,
    /// The other end of a link, once there is one.
    ends: BTreeMap<(usize, LinkId), (usize, LinkId)>,
    queue: BTreeMap<(Time, u64), Event>,
    events: u64,
    cuts: BTreeSet<(usize, usize)>,
    chance: Random,
    pub(super) dials: usize,
    /// What each node told: who is up by which link, and all Downs of each.
    up: Vec<BTreeMap<NodeName, (NodeId, LinkId)>>,
    downs: usize,
}

#[derive(Clone, Debug)]
enum Event {
    /// A connection, and the dialler's hello.
    Hello {
        from: usize,
        link: LinkId,
        peer: Peer,
        to: usize,
    },
    /// The answer.
    Welcome {
        from: usize,
        link: LinkId,
        peer: Peer,
        to: usize,
    },
    /// The first after the answer.
    First {
        link: LinkId,
        to: usize,
    },
    Lost {
        link: LinkId,
        to: usize,
        lost: Lost,
    },
    /// Nothing came for too long, if it is still cut.
    Silence {
        link: LinkId,
        to: usize,
    },
    Heard {
        of: Peer,
        to: usize,
    },
}

impl Mesh {
    pub(super) fn new(nodes: usize, seed: u64) -> Mesh {
        let name = |node: usize| format!("node-{node}");
        let mut mesh = Mesh {
            now: Time::EPOCH,
            nodes: (0..nodes)
                .map(|node| Reach::new(peer(&name(node), 1), Dialling::default(), seed * 10 + node as u64))
                .collect(),
            lives: vec![1; nodes],
            ends: BTreeMap::new(),
            queue: BTreeMap::new(),
            events: 0,
            cuts: BTreeSet::new(),
            chance: Seed(seed).random("mesh"),
            dials: 0,
            up: vec![BTreeMap::new(); nodes],
            downs: 0,
        };
        for node in 0..nodes {
            mesh.nodes[node].set_seeds([Endpoint("node-0:4370".into())], Time::EPOCH);
            mesh.settle(node);
        }
        mesh
    }

    /// As members do, each a little later than another.
    pub(super) fn all_hear_of_all(&mut self) {
        for to in 0..self.nodes.len() {
            for of in (0..self.nodes.len()).filter(|of| *of != to) {
                let of = self.nodes[of].me().clone();
                let late = ms(self.chance.below(1000));
                self.push(late, Event::Heard { of, to });
            }
        }
    }

    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
        let silenced = self.ends.iter().filter(|((node, _), (other, _))| *node == to && *other == from);
        for link in silenced.map(|((_, link), _)| *link).collect::<Vec<_>>() {
            self.push(ms(2000), Event::Silence { link, to });
        }
    }

    pub(super) fn heal(&mut self) {
        self.cuts.clear();
    }

    /// Cuts and heals at random, and starts nodes again.
    pub(super) fn trouble(&mut self, time: Duration) {
        let end = self.now + time;
        let count = self.nodes.len() as u64;
        while self.now < end {
            let (one, other) = (self.chance.below(count) as usize, self.chance.below(count) as usize);
            match self.chance.below(6) {
                0 | 1 if one != other => self.cut(one, other),
                2 if one != other => {
                    self.cut(one, other);
                    self.cut(other, one);
                }
                3 => self.heal(),
                4 => self.start_again(one),
                5 if one != other => {
                    let id = self.nodes[other].me().id.clone();
                    self.nodes[one].handle_member_down(&id, Gone::Silent, self.now);
                    self.settle(one);
                }
                _ => self.all_hear_of_all(),
            }
            let pause = ms(self.chance.below(4000));
            self.run(pause);
        }
    }

    fn start_again(&mut self, node: usize) {
        let mine = self.ends.keys().filter(|(owner, _)| *owner == node).copied().collect::<Vec<_>>();
        for end in mine {
            self.ends
                .remove(&end)
                .into_iter()
                .for_each(|(other, link)| self.tell(node, other, link, Lost::Broken));
        }
        self.lives[node] += 1;
        self.up[node].clear();
        let me = peer(&format!("node-{node}"), self.lives[node]);
        let seed = self.chance.next();
        let mut reach = Reach::new(me, Dialling::default(), seed);
        // Numbers of links are not used again, so that what is under way to the last life finds nothing.
        reach.links_made = self.lives[node] * 1_000_000;
        reach.set_seeds([Endpoint("node-0:4370".into()), Endpoint("node-1:4370".into())], self.now);
        self.nodes[node] = reach;
        self.settle(node);
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let wakes =
                self.nodes.iter().enumerate().filter_map(|(n, reach)| Some((reach.poll_timeout()?, n)));
            let wake = wakes.min().filter(|(at, _)| *at <= end);
            let event = self.queue.first_key_value().map(|(key, _)| *key).filter(|(at, _)| *at <= end);
            match (wake, event) {
                (Some((at, node)), event) if event.is_none_or(|(then, _)| at <= then) => {
                    self.now = self.now.max(at);
                    self.nodes[node].handle_timeout(self.now);
                    self.settle(node);
                }
                (_, Some(key)) => {
                    self.now = self.now.max(key.0);
                    let event = self.queue.remove(&key).unwrap();
                    self.take(event);
                }
                (_, None) => break,
            }
        }
        self.now = end;
    }

    pub(super) fn told_down(&self) -> usize {
        self.downs
    }

    /// Each pair has one link, and both ends agree.
    #[track_caller]
    pub(super) fn check_whole(&self, context: &str) {
        for node in 0..self.nodes.len() {
            assert_eq!(self.up[node].len(), self.nodes.len() - 1, "{context}: {:?}", self.up);
            for (id, link) in self.up[node].values() {
                let (other, far) = self.ends[&(node, *link)];
                assert_eq!(self.nodes[other].me().id, *id, "{context}");
                let back = &self.up[other][&self.nodes[node].me().id.name];
                assert_eq!(*back, (self.nodes[node].me().id.clone(), far), "{context}");
            }
        }
    }

    fn push(&mut self, after: Duration, event: Event) {
        self.events += 1;
        self.queue.insert((self.now + after, self.events), event);
    }

    /// Sends it, unless the way is cut.
    fn send(&mut self, from: usize, to: usize, event: Event) {
        let after = Duration::from_micros(100 + self.chance.below(100_000));
        if !self.cuts.contains(&(from, to)) {
            self.push(after, event);
        }
    }

    /// An end is gone: the other hears it, or nothing.
    fn tell(&mut self, from: usize, to: usize, link: LinkId, lost: Lost) {
        if self.cuts.contains(&(from, to)) {
            self.push(ms(2000), Event::Lost { link, to, lost: Lost::Silent });
        } else {
            self.send(from, to, Event::Lost { link, to, lost });
        }
    }

    fn take(&mut self, event: Event) {
        let now = self.now;
        let to = match event {
            Event::Hello { from, link, peer, to } => {
                if let Some(accepted) = self.nodes[to].accept(now) {
                    match self.nodes[to].admit(accepted, &peer, Role::Member, now) {
                        Ok(()) => {
                            self.ends.insert((to, accepted), (from, link));
                            self.ends.insert((from, link), (to, accepted));
                            let peer = self.nodes[to].me().clone();
                            self.send(to, from, Event::Welcome { from: to, link, peer, to: from });
                        }
                        Err(why) => self.tell(to, from, link, Lost::Refused(why)),
                    }
                }
                to
            }
            Event::Welcome { from, link, peer, to } => {
                let far = self.ends.get(&(to, link)).copied();
                let is_open = self.nodes[to].links.contains_key(&link);
                match (far, self.nodes[to].admit(link, &peer, Role::Member, now)) {
                    (Some((_, far)), Ok(())) => {
                        self.nodes[to].handle_link_up(link, now);
                        self.send(to, from, Event::First { link: far, to: from });
                    }
                    (Some((other, far)), Err(why)) if is_open => {
                        self.ends.remove(&(to, link));
                        self.tell(to, other, far, Lost::Refused(why));
                    }
                    _ => (),
                }
                to
            }
            Event::First { link, to } => {
                self.nodes[to].handle_link_up(link, now);
                to
            }
            Event::Lost { link, to, lost } => {
                self.ends.remove(&(to, link));
                self.nodes[to].handle_link_lost(link, lost, now);
                to
            }
            Event::Silence { link, to } => {
                if let Some((other, far)) = self.ends.get(&(to, link)).copied()
                    && self.cuts.contains(&(other, to))
                {
                    self.ends.remove(&(to, link));
                    self.nodes[to].handle_link_lost(link, Lost::Silent, now);
                    self.tell(to, other, far, Lost::Broken);
                }
                to
            }
            Event::Heard { of, to } => {
                self.nodes[to].handle_member_up(&of, now);
                to
            }
        };
        self.settle(to);
    }

    fn settle(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].poll_output() {
            match output {
                Output::Dial { link, endpoint, .. } => {
                    self.dials += 1;
                    let name = endpoint.0.trim_end_matches(":4370").trim_start_matches("node-");
                    let to = name.parse().unwrap();
                    let peer = self.nodes[node].me().clone();
                    self.send(node, to, Event::Hello { from: node, link, peer, to });
                }
                Output::Close { link, .. } => {
                    if let Some((other, far)) = self.ends.remove(&(node, link)) {
                        self.tell(node, other, far, Lost::Broken);
                    }
                }
                Output::Up { link, peer, .. } => {
                    let old = self.up[node].insert(peer.id.name.clone(), (peer.id, link));
                    assert_eq!(old, None, "up, and up already");
                }
                Output::Down { link, id, .. } => {
                    self.downs += 1;
                    let old = self.up[node].remove(&id.name);
                    assert_eq!(old, Some((id, link)), "down, and was not up");
                }
                Output::NameTaken { .. } | Output::Superseded { .. } => (),
            }
        }
    }
}
