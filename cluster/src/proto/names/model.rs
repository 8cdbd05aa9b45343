//! Names on several nodes, with splits and merges.

use super::{Event, FRAME_MAX, Keep, Names, NotDone, Refused, Resolve};
use crate::name::NodeId;
use crate::proto::code::FrameError;
use crate::proto::mesh::{Mesh, Peer};
use proptest::prelude::*;
use ravelin_core::Pid;
use std::collections::BTreeMap;

const NODES: usize = 4;

/// The names, and their rule. The last is registered with any.
const NAMES: [(&str, Option<Resolve>); 5] = [
    ("older", Some(Resolve::KeepOlder)),
    ("newer", Some(Resolve::KeepNewer)),
    ("none", Some(Resolve::KeepNone)),
    ("ask", Some(Resolve::Ask)),
    ("any", None),
];

const RULES: [Resolve; 4] = [Resolve::KeepOlder, Resolve::KeepNewer, Resolve::KeepNone, Resolve::Ask];

struct Node {
    names: Names,
    id: NodeId,
    /// What this node's own actors have: the owner and the stamp.
    own: BTreeMap<String, (Pid, u64)>,
    /// What the user's function has yet to decide.
    asked: Vec<(String, Pid, Pid)>,
    last_stamp: u64,
    next_slot: u32,
}

impl Node {
    fn new(id: NodeId) -> Node {
        let names = Names::new(id.clone(), 100);
        Node { names, id, own: BTreeMap::new(), asked: Vec::new(), last_stamp: 0, next_slot: 0 }
    }

    fn act(&mut self, what: usize, rule: usize, wall_us: u64) {
        let (name, resolve) = NAMES[what % NAMES.len()];
        match what % 16 {
            0..12 => {
                self.next_slot += 1;
                let pid = Pid::from_parts(0, self.next_slot, 1);
                let resolve = resolve.unwrap_or(RULES[rule % RULES.len()]);
                let taken = self.names.whereis(name);
                let done = self.names.register(name, pid, resolve, wall_us);
                assert_eq!(done, taken.map_or(Ok(()), |owner| Err(NotDone::Taken(owner))));
                if done.is_ok() {
                    self.last_stamp = wall_us.max(self.last_stamp + 1);
                    self.own.insert(name.to_owned(), (pid, self.last_stamp));
                }
            }
            12..14 => {
                let expected = self.own.remove(name).map(drop).ok_or(NotDone::NotFound);
                assert_eq!(self.names.unregister(name), expected);
            }
            _ => {
                if let Some((pid, _)) = self.own.remove(name) {
                    self.names.ended(pid);
                }
            }
        }
    }

    fn learn(&mut self) {
        while let Some(event) = self.names.poll_event() {
            match event {
                Event::Lost { name, pid, winner } => {
                    let lost = self.own.remove(&*name);
                    assert_eq!(lost.map(|(owner, _)| owner), Some(pid), "{name} was not its own");
                    assert_ne!(winner, Some(pid));
                }
                Event::Conflict { name, ours, theirs } => self.asked.push((name.to_string(), ours, theirs)),
            }
        }
    }
}

impl Peer for Node {
    fn up(&mut self, node: u32, id: NodeId) {
        self.names.peer_up(node, id);
    }
    fn down(&mut self, node: u32) {
        self.names.peer_down(node);
        assert!(self.names.registered().all(|(_, owner)| owner.node() != node), "a name of a lost node");
    }
    fn handle(&mut self, node: u32, frame: &[u8]) {
        self.names.handle_frame(node, frame).unwrap();
        self.learn();
    }
    fn poll(&mut self, node: u32) -> Option<Vec<u8>> {
        for (name, ours, theirs) in std::mem::take(&mut self.asked) {
            let keep = [Keep::Ours, Keep::Theirs, Keep::Neither][(ours.slot() + theirs.slot()) as usize % 3];
            // One of the two may be gone by now.
            let _ = self.names.decide(&name, ours, theirs, keep);
            self.learn();
        }
        let is_ready = self.names.ready().any(|ready| ready == node);
        let frame = self.names.poll_frame(node, 1);
        assert_eq!(is_ready, frame.is_some());
        frame
    }
}

/// Who has a name now, the oldest first: stamp, node, owner.
fn owners(mesh: &Mesh<Node>, name: &str) -> Vec<(u64, NodeId, Pid)> {
    let of = |node: &Node| node.own.get(name).map(|(pid, stamp)| (*stamp, node.id.clone(), *pid));
    let mut owners: Vec<_> = mesh.nodes.iter().filter_map(of).collect();
    owners.sort();
    owners
}

fn check(mesh: &Mesh<Node>, name: &str, before: &[(u64, NodeId, Pid)], resolve: Option<Resolve>) {
    let after = owners(mesh, name);
    assert!(after.len() <= 1, "{name}: {after:?}");
    assert!(after.iter().all(|owner| before.contains(owner)), "{name}: {after:?} of {before:?}");
    let survivor = after.first();
    match resolve {
        Some(Resolve::KeepOlder) => assert_eq!(survivor, before.first(), "{name}"),
        Some(Resolve::KeepNewer) => assert_eq!(survivor, before.last(), "{name}"),
        Some(Resolve::KeepNone) if before.len() == 2 => assert_eq!(survivor, None, "{name}"),
        _ if before.len() == 1 => assert_eq!(survivor, before.first(), "{name}"),
        _ => (),
    }
    for (here, node) in mesh.nodes.iter().enumerate() {
        let expected = survivor.map(|(_, id, pid)| {
            let owner = mesh.nodes.iter().position(|node| node.id == *id).unwrap();
            let index = if owner == here { 0 } else { mesh.index(owner) };
            Pid::from_parts(index, pid.slot(), pid.serial())
        });
        assert_eq!(node.names.whereis(name), expected, "{name} at {here}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_every_split_all_nodes_agree_on_one_owner_by_the_rule(
        steps in proptest::collection::vec((0..100u32, 0..NODES, 0..NODES, 0..80usize), 0..200),
    ) {
        let mut mesh = Mesh::new(NODES, Node::new);
        for (now, (what, a, b, how)) in steps.into_iter().enumerate() {
            // The clocks differ; one stands still.
            let wall_us = if a == 0 { 50 } else { now as u64 / 4 + 20 * a as u64 };
            match what {
                0..30 => mesh.nodes[a].act(how, b, wall_us),
                30..36 => mesh.connect(a, b),
                36..42 => mesh.cut(a, b, how % 3),
                42..50 => mesh.notice(a, b),
                50..51 => mesh.restart(a, Node::new),
                51..75 => { mesh.send(a, b); }
                _ => { mesh.arrive(a, b); }
            }
        }
        mesh.drain();
        let before = NAMES.map(|(name, _)| owners(&mesh, name));
        mesh.heal();
        for ((name, resolve), before) in NAMES.into_iter().zip(before) {
            check(&mesh, name, &before, resolve);
        }
    }

    #[test]
    fn bytes_of_a_stranger_are_an_error_or_a_frame(bytes in proptest::collection::vec(0..5u8, 0..40)) {
        let (id, me) = (mesh_id("b"), mesh_id("a"));
        let mut names = Names::new(me, 3);
        names.peer_up(1, id);
        let _ = names.handle_frame(1, &bytes);
        prop_assert!(names.registered().count() <= 3);
    }
}

fn mesh_id(name: &str) -> NodeId {
    NodeId { name: name.parse().unwrap(), incarnation: crate::Incarnation(1) }
}

fn pid(slot: u32) -> Pid {
    Pid::from_parts(0, slot, 1)
}

#[test]
fn who_loses_a_name_is_told_and_by_whom() {
    let a_wins = Pid::from_parts(1, 1, 1);
    let rows: [(Resolve, Keep, Option<Option<Pid>>, bool); 6] = [
        (Resolve::KeepOlder, Keep::Ours, Some(Some(a_wins)), false),
        (Resolve::KeepNewer, Keep::Ours, None, true),
        (Resolve::KeepNone, Keep::Ours, Some(None), true),
        (Resolve::Ask, Keep::Ours, Some(Some(a_wins)), false),
        (Resolve::Ask, Keep::Theirs, None, true),
        (Resolve::Ask, Keep::Neither, Some(None), true),
    ];
    for (resolve, keep, lost_by_newer, is_lost_by_older) in rows {
        let mut mesh = Mesh::new(2, Node::new);
        mesh.nodes[0].names.register("x", pid(1), resolve, 10).unwrap();
        mesh.nodes[1].names.register("x", pid(2), Resolve::KeepOlder, 11).unwrap();
        let (index, ids) = ([mesh.index(0), mesh.index(1)], [0, 1].map(|node| mesh.nodes[node].id.clone()));
        let [a, b] = &mut mesh.nodes[..] else { panic!("two nodes") };
        a.names.peer_up(index[1], ids[1].clone());
        b.names.peer_up(1, ids[0].clone());
        let mut learnt: [Vec<Event>; 2] = [vec![], vec![]];
        for _ in 0..4 {
            while let Some(frame) = a.names.poll_frame(index[1], FRAME_MAX) {
                b.names.handle_frame(1, &frame).unwrap();
            }
            while let Some(frame) = b.names.poll_frame(1, FRAME_MAX) {
                a.names.handle_frame(index[1], &frame).unwrap();
            }
            learnt[1].extend(std::iter::from_fn(|| b.names.poll_event()));
            while let Some(event) = a.names.poll_event() {
                if let Event::Conflict { name, ours, theirs } = &event {
                    a.names.decide(name, *ours, *theirs, keep).unwrap();
                    if keep != Keep::Ours {
                        let again = a.names.decide(name, *ours, *theirs, keep);
                        assert_eq!(again, Err(NotDone::NotFound));
                    }
                } else {
                    learnt[0].push(event);
                }
            }
        }
        let told: Vec<_> = learnt[1]
            .iter()
            .map(|event| match event {
                Event::Lost { pid: lost, winner, .. } if *lost == pid(2) => *winner,
                other => panic!("{resolve:?}: {other:?}"),
            })
            .collect();
        assert_eq!(told, lost_by_newer.into_iter().collect::<Vec<_>>(), "{resolve:?} {keep:?}");
        assert_eq!(!learnt[0].is_empty(), is_lost_by_older, "{resolve:?} {keep:?}");
    }
}

#[test]
fn of_several_owners_the_one_that_will_win_is_looked_up() {
    // Rule, and who wins of stamp 8 on node 1 and stamp 9 on node 2.
    for (rule, winner) in [(0, 1), (1, 2), (2, 1), (3, 1)] {
        for order in [[1, 2], [2, 1]] {
            let mut names = Names::new(mesh_id("c"), 3);
            names.peer_up(1, mesh_id("a"));
            names.peer_up(2, mesh_id("b"));
            for node in order {
                names.handle_frame(node, &[1, 1, b'x', 5, 1, 7 + node as u8, rule]).unwrap();
            }
            assert_eq!(names.whereis("x").map(Pid::node), Some(winner), "rule {rule}");
        }
    }
}

#[test]
fn a_request_to_yield_counts_for_the_registration_that_it_names() {
    let mut names = Names::new(mesh_id("a"), 3);
    names.peer_up(1, mesh_id("b"));
    names.register("x", pid(1), Resolve::KeepOlder, 5).unwrap();
    names.unregister("x").unwrap();
    // The clock stands still: its stamp is 6 all the same.
    names.register("x", pid(2), Resolve::KeepOlder, 5).unwrap();
    names.handle_frame(1, &[4, 1, b'x', 5, 0]).unwrap();
    assert_eq!((names.whereis("x"), names.poll_event()), (Some(pid(2)), None));
    names.handle_frame(1, &[4, 1, b'x', 6, 1, 9, 1]).unwrap();
    let lost = Event::Lost { name: "x".into(), pid: pid(2), winner: Some(Pid::from_parts(1, 9, 1)) };
    assert_eq!((names.whereis("x"), names.poll_event()), (None, Some(lost)));
}

#[test]
fn a_name_is_registered_once_here_and_goes_with_its_owner() {
    let mut names = Names::new(mesh_id("a"), 3);
    names.register("x", pid(1), Resolve::KeepOlder, 5).unwrap();
    names.register("y", pid(1), Resolve::KeepOlder, 5).unwrap();
    let long = "x".repeat(256);
    let rows = [
        ("x", pid(2), NotDone::Taken(pid(1))),
        ("", pid(2), NotDone::NoName),
        (&long, pid(2), NotDone::NoName),
        ("z", Pid::from_parts(1, 1, 1), NotDone::NotLocal),
    ];
    for (name, pid, expected) in rows {
        assert_eq!(names.register(name, pid, Resolve::KeepOlder, 5), Err(expected), "{name}");
    }
    assert_eq!(names.names_of(pid(1)).map(|name| &**name).collect::<Vec<_>>(), ["x", "y"]);
    names.unregister("y").unwrap();
    assert_eq!(names.unregister("y"), Err(NotDone::NotFound));
    names.ended(pid(1));
    assert_eq!((names.whereis("x"), names.registered().count()), (None, 0));
}

#[test]
fn a_peer_that_lies_is_refused() {
    let faulty = |why| Err(Refused::Malformed(why));
    let too_long =
        FrameError::Long { what: "frame of names", has: FRAME_MAX as u64 + 1, max: FRAME_MAX as u64 };
    let rows: [(&[u8], Result<(), Refused>); 8] = [
        (&[1, 1, b'x', 5, 1, 9, 0, 2, 1, b'y', 3, 4, 1, b'z', 9, 1, 5, 1], Ok(())),
        (&[9, 1, b'x'], faulty(FrameError::Tag { what: "word", tag: 9 })),
        (&[2, 0], faulty(FrameError::Text { what: "name" })),
        (&[1, 1, b'x', 5, 0, 9, 0], faulty(FrameError::Number { what: "serial" })),
        (&[1, 1, b'x', 5, 1, 9, 4], faulty(FrameError::Tag { what: "rule", tag: 4 })),
        (&[4, 1, b'x', 9, 2], faulty(FrameError::Tag { what: "winner", tag: 2 })),
        (&[3; FRAME_MAX + 1], faulty(too_long)),
        (&[1, 1, b'x', 5, 1, 9, 0, 1, 1, b'y', 5, 1, 9, 0], Err(Refused::TooMany { most: 1 })),
    ];
    for (bytes, expected) in rows {
        let mut names = Names::new(mesh_id("a"), 1);
        names.peer_up(1, mesh_id("b"));
        assert_eq!(names.handle_frame(1, bytes), expected, "{:?}", &bytes[..bytes.len().min(20)]);
        names.peer_down(1);
        assert_eq!(names.handle_frame(1, &[1, 1, b'x', 5, 1, 9, 0]), Ok(()), "of no peer: ignored");
        assert_eq!(names.registered().count(), 0);
    }
}
