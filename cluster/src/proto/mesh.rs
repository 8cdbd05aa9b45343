//! Nodes and the links between them, for models: links come and go, what is on a lost one is lost, order is kept.

use crate::name::{Incarnation, NodeId};
use std::collections::{BTreeMap, VecDeque};

/// What a node of the mesh can do.
pub(super) trait Peer {
    fn up(&mut self, node: u32, id: NodeId);
    fn down(&mut self, node: u32);
    fn handle(&mut self, node: u32, frame: &[u8]);
    fn poll(&mut self, node: u32) -> Option<Vec<u8>>;
}

/// One way of a link.
#[derive(Default)]
struct Way {
    /// Whether the one that sends has the link; and whether it is cut, noticed or not.
    is_up: bool,
    is_cut: bool,
    frames: VecDeque<Vec<u8>>,
}

pub(super) struct Mesh<N> {
    pub(super) nodes: Vec<N>,
    lives: Vec<u32>,
    ways: BTreeMap<(usize, usize), Way>,
}

/// Lives that a node may have in a model.
const LIVES: u32 = 1000;

impl<N: Peer> Mesh<N> {
    pub(super) fn new(nodes: usize, make: impl Fn(NodeId) -> N) -> Mesh<N> {
        let nodes: Vec<_> = (0..nodes).map(|node| make(id(node, 0))).collect();
        let pairs = (0..nodes.len()).flat_map(|a| (0..nodes.len()).map(move |b| (a, b)));
        let ways = pairs.filter(|(a, b)| a != b).map(|pair| (pair, Way::default())).collect();
        Mesh { lives: vec![0; nodes.len()], nodes, ways }
    }

    /// What the others call this life of a node.
    pub(super) fn index(&self, node: usize) -> u32 {
        1 + node as u32 * LIVES + self.lives[node]
    }

    pub(super) fn is_up(&self, from: usize, to: usize) -> bool {
        from != to && self.ways[&(from, to)].is_up
    }

    /// A link comes up, unless one of the two still has the one before.
    pub(super) fn connect(&mut self, a: usize, b: usize) {
        if a == b || self.is_up(a, b) || self.is_up(b, a) {
            return;
        }
        for (from, to) in [(a, b), (b, a)] {
            self.ways.insert((from, to), Way { is_up: true, ..Way::default() });
            let (index, id) = (self.index(to), id(to, self.lives[to]));
            self.nodes[from].up(index, id);
        }
    }

    /// A link is cut: a beginning of what was on it may still arrive.
    pub(super) fn cut(&mut self, a: usize, b: usize, still: usize) {
        for pair in [(a, b), (b, a)] {
            if let Some(way) = self.ways.get_mut(&pair) {
                way.is_cut = true;
                way.frames.truncate(still);
            }
        }
    }

    /// A node notices that a link is cut.
    pub(super) fn notice(&mut self, node: usize, of: usize) {
        let index = self.index(of);
        let lost = self.ways.get_mut(&(node, of)).filter(|way| way.is_up && way.is_cut);
        if let Some(way) = lost {
            way.is_up = false;
            self.nodes[node].down(index);
            self.ways.get_mut(&(of, node)).into_iter().for_each(|way| way.frames.clear());
        }
    }

    /// A node has its next frame sent.
    pub(super) fn send(&mut self, from: usize, to: usize) -> bool {
        if !self.is_up(from, to) {
            return false;
        }
        let index = self.index(to);
        let Some(frame) = self.nodes[from].poll(index) else { return false };
        let way = self.ways.get_mut(&(from, to)).unwrap();
        if !way.is_cut {
            way.frames.push_back(frame);
        }
        true
    }

    pub(super) fn arrive(&mut self, from: usize, to: usize) -> bool {
        if from == to || !self.is_up(to, from) {
            return false;
        }
        let Some(frame) = self.ways.get_mut(&(from, to)).unwrap().frames.pop_front() else { return false };
        let index = self.index(from);
        self.nodes[to].handle(index, &frame);
        true
    }

    /// A node is lost with all it knew, and another life of it begins. The others notice at once.
    pub(super) fn restart(&mut self, node: usize, make: impl Fn(NodeId) -> N) {
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            self.cut(node, other, 0);
            self.notice(other, node);
            self.ways.insert((node, other), Way::default());
        }
        self.lives[node] += 1;
        self.nodes[node] = make(id(node, self.lives[node]));
    }

    /// Lost links are noticed, and all that is to be said over the others is said.
    pub(super) fn drain(&mut self) {
        let pairs: Vec<_> = self.ways.keys().copied().collect();
        for (a, b) in &pairs {
            self.notice(*a, *b);
        }
        while pairs.iter().fold(false, |busy, (a, b)| busy | self.send(*a, *b) | self.arrive(*a, *b)) {}
    }

    /// All links come up, and all that is to be said is said.
    pub(super) fn heal(&mut self) {
        self.drain();
        let pairs: Vec<_> = self.ways.keys().copied().collect();
        for (a, b) in pairs {
            self.connect(a, b);
        }
        self.drain();
    }
}

fn id(node: usize, life: u32) -> NodeId {
    let name = format!("n{node}").parse().unwrap();
    NodeId { name, incarnation: Incarnation(life.into()) }
}
