//! Members on a network that loses, delays, doubles and cuts.

use super::net::{Net, peer};
use super::*;
use std::time::Duration;

const fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn alternates(net: &Net, node: usize) -> bool {
    let mut up = BTreeMap::new();
    net.told.iter().filter(|(_, who, _)| *who == node).all(|(_, _, output)| match output {
        Output::Up(peer) => up.insert(peer.id.name.clone(), peer.id.clone()).is_none(),
        Output::Down { peer, .. } => up.remove(&peer.id.name) == Some(peer.id.clone()),
        _ => true,
    })
}

/// Medians of a few seeds.
#[derive(Debug, Default)]
struct Figures {
    /// Until all have joined.
    join: Duration,
    /// Until the first knows of a crash, and all.
    first: Duration,
    crash: Duration,
    /// Until two parts are one again that were apart for a minute.
    heal: Duration,
    /// What one member sends in a second when nothing happens.
    packets: u64,
    bytes: u64,
}

fn figures(timing: Timing, nodes: usize, seeds: u64) -> Figures {
    let mut all = Vec::new();
    for seed in 0..seeds {
        let mut net = Net::new(nodes, timing, seed);
        let join = net.run_until(s(60), |net| net.is_whole(0..nodes)).expect("all join");
        net.run(s(10));
        (net.packets, net.bytes) = (0, 0);
        net.run(s(10));
        let per_second = |count: u64| count / 10 / nodes as u64;
        let (packets, bytes) = (per_second(net.packets), per_second(net.bytes));
        net.crash(nodes - 1);
        let before = net.told.len();
        let is_down = |(_, _, told): &(Time, usize, Output)| matches!(told, Output::Down { .. });
        let first = net.run_until(s(60), |net| net.told[before..].iter().any(is_down)).expect("one knows");
        let crash = first + net.run_until(s(60), |net| net.is_whole(0..nodes - 1)).expect("all know");
        assert_eq!(net.false_downs(), 0, "seed {seed}");
        let (left, alive) = (nodes / 3, nodes - 1);
        net.cut(0..left, left..alive);
        net.cut(left..alive, 0..left);
        net.run(s(60));
        assert!(net.is_whole(0..left) && net.is_whole(left..alive), "two parts, seed {seed}");
        net.faults.cut.clear();
        let heal = net.run_until(s(120), |net| net.is_whole(0..alive)).expect("one again");
        assert!((0..alive).all(|node| alternates(&net, node)), "seed {seed}");
        all.push(Figures { join, first, crash, heal, packets, bytes });
    }
    let median = |of: fn(&Figures) -> Duration| {
        let mut row = all.iter().map(of).collect::<Vec<_>>();
        row.sort();
        row[row.len() / 2]
    };
    let Figures { packets, bytes, .. } = all[0];
    let (join, first) = (median(|row| row.join), median(|row| row.first));
    Figures { join, first, crash: median(|row| row.crash), heal: median(|row| row.heal), packets, bytes }
}

#[test]
fn members_join_notice_a_crash_and_are_one_again_after_a_split() {
    let rows = [
        (4, Timing::lan(), s(4), s(15)),
        (10, Timing::lan(), s(4), s(15)),
        (10, Timing::local(), s(2), s(8)),
        (10, Timing::wan(), s(20), s(40)),
    ];
    for (nodes, timing, crash, heal) in rows {
        let row = figures(timing, nodes, 2);
        assert!(row.join < s(5) && row.crash < crash && row.heal < heal, "{nodes} nodes: {row:?}");
        assert!(row.packets < 20 && row.bytes < 2000, "{nodes} nodes: {row:?}");
    }
}

/// The same for more, in a release build, as a table: `cargo test --release -p ravelin-cluster table -- --nocapture`.
#[cfg(not(debug_assertions))]
#[test]
fn a_table_of_what_membership_does_and_costs() {
    println!("| nodes | all joined | down: first / all know | one after 60 s of 2:1 | sent per node |");
    for (nodes, seeds) in [(5, 5), (10, 5), (20, 5), (100, 3)] {
        let Figures { join, first, crash, heal, packets, bytes } = figures(Timing::lan(), nodes, seeds);
        println!(
            "| {nodes} | {join:.1?} | {first:.1?} / {crash:.1?} | {heal:.1?} | {packets}/s, {bytes} B/s |"
        );
        assert!(join < s(5) && crash < s(12) && heal < s(60), "{nodes} nodes");
    }
    // All in the same moment, by one seed: nearly all are told at once, the last few when they ask.
    let nodes = 1000;
    let mut net = Net::new(nodes, Timing::lan(), 0);
    let knows =
        |net: &Net, most: usize| (0..nodes).filter(|node| net.node(*node).up.len() + 1 >= most).count();
    while knows(&net, 990) < nodes && net.now < Time::EPOCH + s(5) {
        net.run(s(1) / 10);
    }
    let nearly = net.now - Time::EPOCH;
    assert!(nearly < s(5), "all know nearly all");
    net.run(s(45) - nearly);
    assert_eq!(knows(&net, nodes), nodes);
    (net.packets, net.bytes) = (0, 0);
    net.run(s(10));
    let (packets, bytes) = (net.packets / 10_000, net.bytes / 10_000);
    println!("| {nodes} | 99 % by {nearly:.1?}, all within 45 s | | | {packets}/s, {bytes} B/s |");
    assert_eq!(net.false_downs(), 0);
}

#[cfg(not(debug_assertions))]
#[test]
fn nobody_that_lives_is_declared_down_in_hours_at_5_percent_loss() {
    let mut rejoins = 0;
    for seed in 0..10 {
        let mut net = Net::new(20, Timing::lan(), seed);
        net.faults.lost = 50;
        net.run(s(600));
        assert_eq!(net.false_downs(), 0, "seed {seed}");
        rejoins += net.told.iter().filter(|(_, _, told)| matches!(told, Output::Rejoins { .. })).count();
    }
    assert_eq!(rejoins, 0);
}

#[test]
fn nobody_that_lives_is_declared_down_at_5_percent_loss() {
    for seed in 0..3 {
        let mut net = Net::new(10, Timing::lan(), seed);
        (net.faults.lost, net.faults.doubled) = (50, 20);
        net.run(s(60));
        assert!(net.is_whole(0..10), "seed {seed}");
        assert_eq!(net.false_downs(), 0, "seed {seed}");
        let rejoins = net.told.iter().filter(|(_, _, told)| matches!(told, Output::Rejoins { .. })).count();
        assert_eq!(rejoins, 0, "nobody is told that it is down, seed {seed}");
    }
}

#[test]
fn the_same_seed_does_the_same() {
    let run = |seed| {
        let mut net = Net::new(5, Timing::local(), seed);
        net.faults.lost = 100;
        net.run(s(10));
        (net.packets, net.bytes, net.told)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).1, run(2).1);
}

#[test]
fn a_cut_of_one_way_or_of_one_pair_makes_nobody_down() {
    for (from, to, both) in [(0..1, 1..2, false), (2..3, 0..1, true), (3..4, 0..3, false)] {
        let mut net = Net::new(6, Timing::lan(), 3);
        net.run(s(5));
        net.cut(from.clone(), to.clone());
        if both {
            net.cut(to, from);
        }
        net.run(s(60));
        assert!(net.is_whole(0..6), "others can still ask it");
        assert_eq!(net.false_downs(), 0);
    }
}

#[test]
fn one_that_nobody_hears_is_down_and_one_that_is_heard_again_comes_back_as_the_same_life() {
    // It hears, and is not heard.
    let mut net = Net::new(5, Timing::lan(), 4);
    net.run(s(5));
    net.cut(4..5, 0..4);
    net.run_until(s(5), |net| net.is_whole(0..4)).expect("down");
    net.run(s(30));
    assert!(net.is_whole(0..4), "it is down, and stays so");
    net.faults.cut.clear();
    net.run_until(s(15), |net| net.is_whole(0..5)).expect("back");
    assert_eq!(net.node(4).me(), &peer(4, 1), "the life is the same");
    assert!(net.node(0).is_up(&peer(4, 1).id));
    assert!(net.told.iter().any(|(_, node, told)| *node == 4 && matches!(told, Output::Rejoins { .. })));
    assert!((0..5).all(|node| alternates(&net, node)));
}

#[test]
fn two_that_were_apart_find_each_other_though_each_was_alone() {
    let mut net = Net::new(2, Timing::lan(), 5);
    net.run(s(5));
    net.cut(0..1, 1..2);
    net.cut(1..2, 0..1);
    net.run(s(30));
    assert!(net.node(0).up.is_empty() && net.node(1).up.is_empty());
    net.faults.cut.clear();
    net.run_until(s(2), |net| net.is_whole(0..2)).expect("together again");
}

#[test]
fn the_first_to_ask_is_heard_even_if_most_is_lost() {
    let mut net = Net::new(3, Timing::lan(), 6);
    net.faults.lost = 700;
    net.run_until(s(20), |net| net.is_whole(0..3)).expect("it asks again and again");
}

#[test]
fn one_that_leaves_has_left_for_all_and_at_once() {
    for nodes in [2, 10] {
        let mut net = Net::new(nodes, Timing::lan(), 7);
        net.run(s(5));
        let before = net.told.len();
        net.with(nodes - 1, Members::leave);
        assert_eq!(net.node(nodes - 1).poll_timeout(), None);
        net.run_until(s(1), |net| net.is_whole(0..nodes - 1)).expect("all know");
        let left = |(_, _, told): &&(Time, usize, Output)| matches!(told, Output::Down { why: Gone::Left, peer: gone } if *gone == peer(nodes - 1, 1));
        assert_eq!(net.told[before..].iter().filter(left).count(), nodes - 1);
        // The next life is let in.
        net.start(nodes - 1, 2);
        net.run_until(s(5), |net| net.is_whole(0..nodes)).expect("back");
        net.run(s(10));
        assert!(net.is_whole(0..nodes) && (0..nodes - 1).all(|node| alternates(&net, node)));
    }
}

#[test]
fn a_later_life_takes_the_place_of_the_one_before() {
    for nodes in [2, 6] {
        let mut net = Net::new(nodes, Timing::lan(), 8);
        net.run(s(5));
        net.crash(1);
        net.start(1, 2);
        net.run_until(s(5), |net| net.is_whole(0..nodes)).expect("back before the earlier is down");
        net.run(s(20));
        assert!(net.is_whole(0..nodes));
        assert!((0..nodes).all(|node| node == 1 || net.node(node).is_up(&peer(1, 2).id)));
        let replaced = |told: &Output| matches!(told, Output::Down { why: Gone::Replaced, peer: gone } if *gone == peer(1, 1));
        assert!(net.told.iter().any(|(_, node, told)| *node == 0 && replaced(told)));
        assert!((0..nodes).all(|node| node == 1 || alternates(&net, node)));
    }
}

#[test]
fn a_life_that_hears_of_a_later_one_stops_and_does_not_fight() {
    let mut net = Net::new(4, Timing::lan(), 9);
    net.run(s(5));
    // A second node of the name of the last, started elsewhere, that has reached the first two.
    let mut twin = Members::new(peer(3, 2), Timing::lan(), 99).unwrap();
    twin.join(net.node(0).me(), net.now);
    for _ in 0..3 {
        while let Some(output) = twin.poll_output() {
            if let Output::Send { to, bytes } = output
                && to == peer(0, 1).id
            {
                net.with(0, |first, now| first.handle_gossip(&peer(3, 2).id, &bytes, now)).unwrap();
            }
        }
        twin.handle_timeout(net.now);
    }
    net.run(s(10));
    let by = peer(3, 2).id;
    let stopped = net.told.iter().filter(|(_, _, told)| *told == Output::Superseded { by: by.clone() });
    assert_eq!(stopped.map(|(_, node, _)| *node).collect::<Vec<_>>(), [3]);
    assert_eq!(net.node(3).poll_timeout(), None);
}

/// Two members that have met, and what the second wrote to the first.
fn met() -> (Members, Vec<Bytes>) {
    let mut net = Net::new(2, Timing::lan(), 10);
    net.run(s(3));
    let mut other = Members::new(peer(1, 1), Timing::lan(), 1).unwrap();
    other.join(&peer(0, 1), net.now);
    other.leave(net.now);
    let mut wrote = Vec::new();
    while let Some(output) = other.poll_output() {
        wrote.extend(if let Output::Send { bytes, .. } = output { Some(bytes) } else { None });
    }
    let first =
        net.with(0, |first, _| std::mem::replace(first, Members::new(peer(0, 1), Timing::lan(), 0).unwrap()));
    (first, wrote)
}

#[test]
fn bytes_that_are_no_message_change_nothing() {
    let (mut first, wrote) = met();
    let (now, from) = (Time::EPOCH + s(3), peer(1, 1).id);
    let message = wrote[0].to_vec();
    let changed = |at: usize, byte: u8| {
        let mut message = message.clone();
        message[at] = byte;
        message
    };
    let name = from.name.as_str().len();
    let rows: [(Vec<u8>, GossipError); 6] = [
        (Vec::new(), GossipError::Bad(BadGossip::Length)),
        (vec![0; GOSSIP_MAX + 1], GossipError::TooLong(GOSSIP_MAX + 1)),
        (vec![0; 40], GossipError::Bad(BadGossip::Name)),
        (changed(1, b' '), GossipError::Bad(BadGossip::Name)),
        (changed(1 + name + 3, 0x7f), GossipError::Bad(BadGossip::Endpoint)),
        (
            changed(1, b'x'),
            GossipError::Forged(NodeId { name: "xode-0001".parse().unwrap(), ..from.clone() }),
        ),
    ];
    for (bytes, expected) in rows {
        assert_eq!(first.handle_gossip(&from, &bytes, now), Err(expected), "{bytes:?}");
    }
    for end in 0..message.len() {
        first.handle_gossip(&from, &message[..end], now).unwrap_err();
    }
    assert_eq!(first.poll_output(), None);
    assert!(first.is_up(&from));
}

#[test]
fn a_peer_that_tells_of_nodes_without_end_is_refused_and_memory_is_bounded() {
    let (mut first, _) = met();
    first.members_max = 1000;
    let (now, from) = (Time::EPOCH + s(3), peer(1, 1));
    let header = foca::Header {
        src: Identity::first(from.clone()),
        src_incarnation: 0,
        dst: Identity::first(peer(0, 1)),
        message: foca::Message::Gossip,
    };
    let mut refused = 0;
    for batch in 0..20 {
        let mut bytes = Vec::new();
        Bytewise.encode_header(&header, &mut bytes).unwrap();
        bytes.extend(100_u16.to_be_bytes());
        for member in 0..100 {
            let made_up = Identity::first(peer(10 + batch * 100 + member, 1));
            Bytewise.encode_member(&foca::Member::alive(made_up), &mut bytes).unwrap();
        }
        refused += usize::from(first.handle_gossip(&from.id, &bytes, now) == Err(GossipError::TooMany));
    }
    assert!((10..12).contains(&refused), "{refused}");
    assert!(first.up.len() < 1000);
}

mod any {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever comes, it is an error or a message, and what the member writes afterwards is one.
        #[test]
        fn bytes_never_panic(mut flips in prop::collection::vec((0..400_usize, any::<u8>()), 1..6), cut in 0..400_usize, which in 0..20_usize) {
            let (mut first, wrote) = met();
            let mut bytes = wrote[which % wrote.len()].to_vec();
            for (at, byte) in flips.drain(..) {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            bytes.truncate(bytes.len().saturating_sub(cut / 40));
            let now = Time::EPOCH + s(3);
            let _ = first.handle_gossip(&peer(1, 1).id, &bytes, now);
            first.handle_timeout(now + s(60));
            while let Some(output) = first.poll_output() {
                if let Output::Send { bytes, .. } = output {
                    prop_assert!(first.inspect(&peer(0, 1).id, &bytes).is_ok());
                }
            }
        }

        #[test]
        fn an_identity_is_the_same_after_the_way(name in "[a-z@.:/]{1,255}", life: u64, times: u32, endpoint in "[!-~]{1,255}") {
            use codec::Identity;
            let peer = Peer { id: NodeId { name: name.parse().unwrap(), incarnation: crate::Incarnation(life) }, endpoint: crate::Endpoint(endpoint.into()) };
            let member = foca::Member::new(Identity { peer, times }, times as u16, State::Suspect);
            let mut bytes = Vec::new();
            Bytewise.encode_member(&member, &mut bytes).unwrap();
            prop_assert_eq!(Bytewise.decode_member(&bytes[..]), Ok(member));
        }
    }
}
