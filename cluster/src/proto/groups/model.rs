//! Groups on several nodes, against what each node's own actors did.

use super::{Change, FRAME_MAX, Group, Groups, NotDone, Refused, Step, TIMES_MAX};
use crate::name::NodeId;
use crate::proto::code::FrameError;
use crate::proto::mesh::{Mesh, Peer};
use proptest::prelude::*;
use ravelin_core::Pid;
use std::collections::BTreeMap;

const NODES: usize = 4;

/// How many times each is in each group.
type Members = BTreeMap<(Group, Pid), u32>;

struct Node {
    groups: Groups,
    /// What this node's own actors did.
    own: Members,
    /// What one knows that follows the changes.
    followed: Members,
}

impl Node {
    fn new(_: NodeId) -> Node {
        Node { groups: Groups::new(1000), own: Members::new(), followed: Members::new() }
    }

    fn follow(&mut self) {
        while let Some(Change { group, pid, step, times }) = self.groups.poll_change() {
            let known = self.followed.entry((group, pid)).or_insert(0);
            *known = match step {
                Step::Joined => *known + times,
                Step::Left => known.checked_sub(times).expect("one left that had not joined"),
            };
        }
        self.followed.retain(|_, times| *times > 0);
        assert_eq!(self.followed, self.known(), "who follows the changes knows what the table knows");
    }

    fn known(&self) -> Members {
        let mut known = Members::new();
        for group in [group(0), group(1), group(2)] {
            for pid in self.groups.members(&group) {
                *known.entry((group.clone(), pid)).or_insert(0) += 1;
            }
        }
        known
    }

    fn act(&mut self, what: u32, slot: u32) {
        let (group, pid) = (group(what % 3), Pid::from_parts(0, slot, 1));
        let key = (group.clone(), pid);
        match what % 16 {
            0..9 => {
                self.groups.join(&group, pid).unwrap();
                *self.own.entry(key).or_insert(0) += 1;
            }
            9..15 => {
                let expected = self.own.get(&key).map(drop).ok_or(NotDone::NotJoined);
                assert_eq!(self.groups.leave(&group, pid), expected);
                self.own.entry(key).and_modify(|times| *times -= 1);
            }
            _ => {
                self.groups.ended(pid);
                self.own.retain(|(_, member), _| *member != pid);
            }
        }
        self.own.retain(|_, times| *times > 0);
    }
}

impl Peer for Node {
    fn up(&mut self, node: u32, _: NodeId) {
        self.groups.peer_up(node);
    }
    fn down(&mut self, node: u32) {
        self.groups.peer_down(node);
        assert!(self.known().keys().all(|(_, pid)| pid.node() != node), "a member of a lost node");
        self.follow();
    }
    fn handle(&mut self, node: u32, frame: &[u8]) {
        self.groups.handle_frame(node, frame).unwrap();
        self.follow();
    }
    fn poll(&mut self, node: u32) -> Option<Vec<u8>> {
        let is_ready = self.groups.ready().any(|ready| ready == node);
        let frame = self.groups.poll_frame(node, 1);
        assert_eq!(is_ready, frame.is_some());
        frame
    }
}

fn group(number: u32) -> Group {
    Group::new("scope", &format!("g{number}")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn when_all_is_quiet_all_nodes_know_the_same_members(
        steps in proptest::collection::vec((0..100u32, 0..NODES, 0..NODES, 0..48u32), 0..250),
    ) {
        let mut mesh = Mesh::new(NODES, Node::new);
        for (what, a, b, how) in steps {
            match what {
                0..30 => mesh.nodes[a].act(how, b as u32),
                30..40 => mesh.connect(a, b),
                40..44 => mesh.cut(a, b, how as usize % 3),
                44..50 => mesh.notice(a, b),
                50..51 => mesh.restart(a, Node::new),
                51..75 => { mesh.send(a, b); }
                _ => { mesh.arrive(a, b); }
            }
        }
        mesh.heal();
        for a in 0..NODES {
            let known: Members = mesh.nodes[a].known();
            let mut expected = Members::new();
            for b in 0..NODES {
                for ((group, pid), times) in &mesh.nodes[b].own {
                    let node = if a == b { 0 } else { mesh.index(b) };
                    expected.insert((group.clone(), Pid::from_parts(node, pid.slot(), pid.serial())), *times);
                }
                prop_assert!(a == b || mesh.nodes[a].groups.is_synced(mesh.index(b)));
            }
            prop_assert_eq!(known, expected);
        }
    }

    #[test]
    fn bytes_of_a_stranger_are_an_error_or_a_frame(bytes in proptest::collection::vec(0..12u8, 0..40)) {
        let mut groups = Groups::new(10);
        groups.peer_up(1);
        let _ = groups.handle_frame(1, &bytes);
        prop_assert!(groups.groups("").flat_map(|group| groups.members(group)).count() <= 10);
    }
}

fn pid(slot: u32) -> Pid {
    Pid::from_parts(0, slot, 1)
}

#[test]
fn a_large_group_travels_in_bounded_pieces_and_changes_meanwhile_are_not_missed() {
    let (mut here, mut there) = (Groups::new(100_000), Groups::new(100_000));
    let group = group(0);
    for slot in 0..12_000 {
        here.join(&group, pid(slot)).unwrap();
    }
    here.peer_up(1);
    there.peer_up(1);
    let mut frames = 0;
    while let Some(frame) = here.poll_frame(1, FRAME_MAX) {
        assert!(frame.len() <= FRAME_MAX);
        there.handle_frame(1, &frame).unwrap();
        frames += 1;
        if !there.is_synced(1) {
            // One that was told goes, and one that was not.
            here.ended(pid(frames));
            here.ended(pid(11_999 - frames));
            here.join(&group, pid(30_000 + frames)).unwrap();
        }
    }
    assert!(frames > 2);
    let slots = |groups: &Groups| groups.members(&group).map(Pid::slot).collect::<Vec<_>>();
    assert_eq!(slots(&there), slots(&here));
}

#[test]
fn members_are_looked_up_by_node_and_groups_by_scope() {
    let mut groups = Groups::new(10);
    let (a, b) = (Group::new("x", "a").unwrap(), Group::new("x", "b").unwrap());
    let elsewhere = Group::new("y", "a").unwrap();
    for (group, slot) in [(&a, 2), (&a, 1), (&a, 2), (&elsewhere, 1)] {
        groups.join(group, pid(slot)).unwrap();
    }
    groups.peer_up(7);
    let mut there = Groups::new(10);
    there.peer_up(1);
    there.join(&b, pid(9)).unwrap();
    there.join(&a, pid(9)).unwrap();
    groups.handle_frame(7, &there.poll_frame(1, FRAME_MAX).unwrap()).unwrap();
    let remote = Pid::from_parts(7, 9, 1);
    assert_eq!(groups.members(&a).collect::<Vec<_>>(), [pid(1), pid(2), pid(2), remote]);
    assert_eq!(groups.local_members(&a).collect::<Vec<_>>(), [pid(1), pid(2), pid(2)]);
    assert_eq!(groups.groups("x").collect::<Vec<_>>(), [&a, &b]);
    groups.peer_up(7);
    assert_eq!(
        groups.groups("x").collect::<Vec<_>>(),
        [&a],
        "up again is down first; an empty group is no group"
    );
}

#[test]
fn only_actors_of_this_node_join_and_not_too_often() {
    let mut groups = Groups::new(10);
    let remote = Pid::from_parts(1, 1, 1);
    assert_eq!(groups.join(&group(0), remote), Err(NotDone::NotLocal));
    assert_eq!(groups.leave(&group(0), remote), Err(NotDone::NotLocal));
    assert_eq!(groups.leave(&group(0), pid(1)), Err(NotDone::NotJoined));
    for _ in 0..TIMES_MAX {
        groups.join(&group(0), pid(1)).unwrap();
    }
    assert_eq!(groups.join(&group(0), pid(1)), Err(NotDone::TooOften));
}

#[test]
fn a_peer_that_lies_is_refused() {
    let faulty = |why| Err(Refused::Malformed(why));
    let too_long =
        FrameError::Long { what: "frame of groups", has: FRAME_MAX as u64 + 1, max: FRAME_MAX as u64 };
    let rows: [(&[u8], Result<(), Refused>); 9] = [
        (&[1, 0, 1, b'g', 1, 5, 1, 2, 2], Ok(())),
        (&[9], faulty(FrameError::Tag { what: "section", tag: 9 })),
        (&[1, 0, 0, 1, 5, 1, 1], faulty(FrameError::Text { what: "group" })),
        (&[1, 0, 1, 0xff, 1, 5, 1, 1], faulty(FrameError::Text { what: "group" })),
        (&[1, 0, 1, b'g', 1, 5, 0, 1], faulty(FrameError::Number { what: "serial" })),
        (&[1, 0, 1, b'g', 1, 5, 1, 0xe9, 7], faulty(FrameError::Number { what: "times in a group" })),
        (
            &[1, 0, 1, b'g', 0xff, 0xff, 0xff, 0xff, 0xff, 1, 5, 1, 1],
            faulty(FrameError::Truncated { what: "slot" }),
        ),
        (&[2; FRAME_MAX + 1], faulty(too_long)),
        (&[1, 0, 1, b'g', 2, 5, 1, 2, 6, 1, 2], Err(Refused::TooMany { most: 3 })),
    ];
    for (bytes, expected) in rows {
        let mut groups = Groups::new(3);
        groups.peer_up(1);
        assert_eq!(groups.handle_frame(1, bytes), expected, "{:?}", &bytes[..bytes.len().min(20)]);
        groups.peer_down(1);
        assert_eq!(groups.handle_frame(1, &[1, 0, 1, b'g', 1, 5, 1, 2]), Ok(()), "of no peer: ignored");
        assert_eq!(groups.members(&Group::new("", "g").unwrap()).count(), 0);
    }
}
