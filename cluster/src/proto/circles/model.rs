//! Random webs of waits on several nodes, with everything under way for as long as chance likes.

use super::*;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng as _;
use std::collections::BTreeMap;

const NODES: usize = 3;
const FOLK: usize = 7;

#[derive(Clone, Debug)]
enum Frame {
    Call(u64),
    Answer(u64),
    Probe(CallId, Probe),
}

/// A wait for an answer. Over, it is forgotten.
struct Ask {
    from: usize,
    to: usize,
    /// The node of who was asked has the question.
    is_held: bool,
}

#[derive(Default)]
struct Person {
    asked: Vec<u64>,
    waits: BTreeSet<u64>,
}

struct Town {
    rng: Pcg64Mcg,
    folk: Vec<Person>,
    asks: BTreeMap<u64, Ask>,
    next: u64,
    /// Who may still begin waits.
    left: usize,
    circles: Vec<Circles>,
    again: Vec<BTreeSet<u64>>,
    /// From node to node: what has an order, and what overtakes.
    ways: BTreeMap<(usize, usize, bool), VecDeque<Frame>>,
    told: usize,
    probes: usize,
    /// What is told is to be so: nobody was told before.
    is_strict: bool,
}

fn home(person: usize) -> usize {
    person % NODES
}

/// The number of one node at another.
fn seen(node: usize, from: usize) -> u32 {
    ((node + NODES - from) % NODES) as u32
}

fn step(person: usize, at: usize) -> Step {
    Step { pid: Pid::from_parts(seen(home(person), at), person as u32, 1), name: person.to_string().into() }
}

fn carried(steps: Vec<Step>, to: usize) -> Vec<Step> {
    steps.into_iter().map(|each| step(each.pid.slot() as usize, to)).collect()
}

impl Town {
    fn new(seed: u64, is_strict: bool) -> Town {
        Town {
            rng: Pcg64Mcg::new(u128::from(seed) << 1 | 1),
            folk: (0..FOLK).map(|_| Person::default()).collect(),
            asks: BTreeMap::new(),
            next: 1,
            left: 60,
            circles: (0..NODES).map(|_| Circles::new()).collect(),
            again: vec![BTreeSet::new(); NODES],
            ways: BTreeMap::new(),
            told: 0,
            probes: 0,
            is_strict,
        }
    }

    fn below(&mut self, most: usize) -> usize {
        (self.rng.next_u64() >> 33) as usize % most
    }

    fn is_far(&self, ask: u64) -> bool {
        home(self.asks[&ask].from) != home(self.asks[&ask].to)
    }

    /// All that the waits of this one lead to, within its node.
    fn ways_of(&self, person: usize) -> Vec<Way> {
        let at = home(person);
        let (mut seen_folk, mut ways) = (vec![(person, vec![step(person, at)])], Vec::new());
        let mut next = 0;
        while next < seen_folk.len() {
            let (who, path) = seen_folk[next].clone();
            for ask in &self.folk[who].waits {
                let to = self.asks[ask].to;
                if self.is_far(*ask) {
                    let wait = Wait { peer: seen(home(to), at), call: CallId(*ask) };
                    ways.push(Way { path: path.clone(), wait });
                } else if seen_folk.iter().all(|(each, _)| *each != to) {
                    seen_folk.push((to, path.iter().cloned().chain([step(to, at)]).collect()));
                }
            }
            next += 1;
        }
        ways
    }

    fn held(&self, ask: u64) -> Option<Held> {
        let Ask { from, to, .. } = *self.asks.get(&ask).filter(|ask| ask.is_held)?;
        let wait = Wait { peer: seen(home(from), home(to)), call: CallId(ask) };
        Some(Held { wait, ways: self.ways_of(to) })
    }

    fn carry(&mut self, from: usize, to: usize, frame: Frame) {
        let overtakes = matches!(frame, Frame::Probe(..));
        self.ways.entry((from, to, overtakes)).or_default().push_back(frame);
    }

    fn send_all(&mut self, at: usize, sends: Vec<Send>) {
        for Send { wait, probe } in sends {
            self.probes += 1;
            let to = (at + wait.peer as usize) % NODES;
            let path = carried(probe.path, to);
            self.carry(at, to, Frame::Probe(wait.call, Probe { path, ..probe }));
        }
    }

    fn begin(&mut self, from: usize) {
        let to = self.below(FOLK);
        let is_near = home(to) == home(from);
        if to == from || (is_near && self.reaches_near(to, from)) {
            return; // refused at once, within the node
        }
        let ask = self.next;
        (self.next, self.left) = (self.next + 1, self.left.saturating_sub(1));
        self.asks.insert(ask, Ask { from, to, is_held: is_near });
        self.folk[from].waits.insert(ask);
        if is_near {
            self.folk[to].asked.push(ask);
            let leads: Vec<u64> = self.ways_of(to).into_iter().map(|way| way.wait.call.0).collect();
            self.again[home(from)].extend(leads);
        } else {
            self.carry(home(from), home(to), Frame::Call(ask));
        }
    }

    fn reaches_near(&self, from: usize, goal: usize) -> bool {
        let mut all = vec![from];
        let mut next = 0;
        while next < all.len() {
            for ask in &self.folk[all[next]].waits {
                if !self.is_far(*ask) && !all.contains(&self.asks[ask].to) {
                    all.push(self.asks[ask].to);
                }
            }
            next += 1;
        }
        all.contains(&goal)
    }

    /// Ends a question at who was asked.
    fn answer(&mut self, ask: u64) {
        let Some(Ask { from, to, is_held }) = self.asks.get_mut(&ask) else { return };
        let (from, to) = (*from, *to);
        *is_held = false;
        self.folk[to].asked.retain(|each| *each != ask);
        if home(from) == home(to) {
            self.end(ask);
        } else {
            self.carry(home(to), home(from), Frame::Answer(ask));
        }
    }

    fn end(&mut self, ask: u64) {
        if let Some(ended) = self.asks.remove(&ask) {
            self.folk[ended.from].waits.remove(&ask);
        }
    }

    /// One who waits for nobody does something.
    fn act(&mut self, person: usize) {
        if !self.folk[person].waits.is_empty() {
            return;
        }
        let first = self.folk[person].asked.first().copied();
        match (first, self.below(3)) {
            (Some(ask), 0) => self.answer(ask),
            (Some(ask), _) if self.left == 0 => self.answer(ask),
            (None, 1 | 2) => {}
            _ if self.left == 0 => {}
            (_, choice) => (0..choice.max(1)).for_each(|_| self.begin(person)),
        }
    }

    fn deliver(&mut self, (from, to, overtakes): (usize, usize, bool)) {
        let Some(frame) = self.ways.get_mut(&(from, to, overtakes)).and_then(VecDeque::pop_front) else {
            return;
        };
        match frame {
            Frame::Call(ask) => {
                let Some(Ask { from, to, is_held }) = self.asks.get_mut(&ask) else { return };
                let (from, to) = (*from, *to);
                *is_held = true;
                self.folk[to].asked.push(ask);
                if let Some(held) = self.held(ask) {
                    let sends = self.circles[home(to)].begin(step(from, home(to)), held);
                    self.send_all(home(to), sends);
                }
            }
            Frame::Answer(ask) => self.end(ask),
            Frame::Probe(call, probe) => {
                let Some(held) = self.held(call.0) else { return };
                match self.circles[to].handle_probe(probe, held) {
                    Heard::On(sends) => self.send_all(to, sends),
                    Heard::Circle(path) => self.tell(call.0, &path),
                }
            }
        }
    }

    /// Whether it is so: to each the one that it waits for, who has the question.
    fn is_circle(&self, path: &[Step]) -> bool {
        path.len() > 2
            && path[0].pid == path[path.len() - 1].pid
            && path.windows(2).all(|pair| {
                let [from, to] = [pair[0].pid.slot() as usize, pair[1].pid.slot() as usize];
                self.folk[from].waits.iter().any(|ask| self.asks[ask].to == to && self.asks[ask].is_held)
            })
    }

    fn tell(&mut self, ask: u64, path: &[Step]) {
        if self.is_strict && self.told == 0 {
            assert!(self.is_circle(path), "{path:?}");
        }
        self.told += 1;
        self.answer(ask);
    }

    fn chase(&mut self, node: usize) {
        for ask in std::mem::take(&mut self.again[node]) {
            let Some(Ask { from, to, .. }) = self.asks.get(&ask) else { continue };
            let (from, to) = (*from, home(*to));
            self.probes += 1;
            self.carry(node, to, Frame::Probe(CallId(ask), Probe::first(CallId(ask), step(from, to))));
        }
    }

    /// Does this and that for so long, then lets everything come to rest.
    fn live(&mut self, turns: usize) {
        for _ in 0..turns {
            match self.below(4) {
                0 => {
                    let node = self.below(NODES);
                    self.chase(node);
                }
                1 => {
                    let person = self.below(FOLK);
                    self.act(person);
                }
                _ => {
                    let busy: Vec<_> = self
                        .ways
                        .iter()
                        .filter(|(_, frames)| !frames.is_empty())
                        .map(|(way, _)| *way)
                        .collect();
                    if !busy.is_empty() {
                        let which = self.below(busy.len());
                        self.deliver(busy[which]);
                    }
                }
            }
        }
    }

    fn come_to_rest(&mut self) {
        self.left = 0;
        for _ in 0..100 {
            self.live(200);
            if self.asks.is_empty() {
                return;
            }
        }
        let waits: Vec<_> = self.asks.values().map(|ask| (ask.from, ask.to, ask.is_held)).collect();
        panic!("these wait for ever: {waits:?}");
    }
}

#[test]
fn whatever_circles_waits_over_nodes_make_nobody_waits_for_ever() {
    let (mut told, mut probes) = (0, 0);
    for seed in 0..600 {
        let mut town = Town::new(seed, false);
        town.live(600);
        town.come_to_rest();
        told += town.told;
        probes += town.probes;
    }
    assert!(told > 300, "{told} circles");
    // A stated bound: there are 60 waits in a town, and 7 who wait.
    assert!(probes < 600 * 60 * 7, "{probes} probes");
}

#[test]
fn what_is_named_over_nodes_is_a_circle_while_nobody_gives_up() {
    let mut told = 0;
    for seed in 1_000..2_500 {
        let mut town = Town::new(seed, true);
        while town.told == 0 && town.left > 0 {
            town.live(1);
        }
        told += town.told;
    }
    assert!(told > 300, "{told} circles");
}

fn wait(peer: u32, call: u64) -> Wait {
    Wait { peer, call: CallId(call) }
}

fn held(by: Wait, ways: &[(&[u32], Wait)]) -> Held {
    let here = |slot: &u32| Step { pid: Pid::from_parts(0, *slot, 1), name: "here".into() };
    let ways = ways.iter().map(|(path, wait)| Way { path: path.iter().map(here).collect(), wait: *wait });
    Held { wait: by, ways: ways.collect() }
}

#[test]
fn a_probe_goes_by_each_call_once_and_no_further_than_the_longest_path() {
    let asker = Step { pid: Pid::from_parts(1, 1, 1), name: "".into() };
    let mut circles = Circles::new();
    let sends = circles.begin(asker.clone(), held(wait(1, 5), &[(&[7], wait(2, 9)), (&[8], wait(2, 9))]));
    assert_eq!(sends.len(), 1, "the same call twice");
    let probe = |length: usize| Probe {
        number: length as u64,
        first: CallId(5),
        path: (0..length).map(|n| Step { pid: Pid::from_parts(1, n as u32, 1), name: "".into() }).collect(),
    };
    for (length, goes_on) in [(2, true), (PATH_MAX - 1, true), (PATH_MAX, false)] {
        let heard = circles.handle_probe(probe(length), held(wait(1, 6), &[(&[7], wait(2, 10))]));
        let Heard::On(sends) = heard else { panic!("{heard:?}") };
        assert_eq!(sends.len() == 1, goes_on, "{length}");
    }
    let again = circles.handle_probe(probe(2), held(wait(1, 6), &[(&[7], wait(2, 10))]));
    assert_eq!(again, Heard::On(vec![]), "it came by another way");
}

#[test]
fn a_probe_of_another_call_or_of_another_node_is_no_verdict() {
    let (me, asker) = (Pid::from_parts(0, 7, 1), Pid::from_parts(1, 1, 1));
    let path = |second: Pid| [asker, second, asker].map(|pid| Step { pid, name: "".into() }).to_vec();
    let cases = [(5, 5, me, true), (5, 6, me, false), (5, 5, Pid::from_parts(2, 7, 1), false)];
    for (first, call, second, is_verdict) in cases {
        let probe = Probe { number: 1, first: CallId(first), path: path(second) };
        let heard = Circles::new().handle_probe(probe, held(wait(1, call), &[]));
        assert_eq!(matches!(heard, Heard::Circle(_)), is_verdict, "{first} {call} {second}");
    }
}

#[test]
fn what_local_waits_lead_to_is_probed_soon_and_not_more_often_than_every_so_often() {
    let mut again = Again::default();
    assert!(again.add([3, 4]), "somebody is to look");
    assert!(!again.add([4, 5]), "somebody looks already");
    assert_eq!(again.look(Time::EPOCH), Due::Now(vec![3, 4, 5]));
    assert!(again.add([3]));
    assert_eq!(again.look(Time::EPOCH + PAUSE / 2), Due::At(Time::EPOCH + PAUSE));
    assert_eq!(again.look(Time::EPOCH + PAUSE), Due::Now(vec![3]));
}
