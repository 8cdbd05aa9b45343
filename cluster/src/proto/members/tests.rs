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

/// Medians of a few seeds: until all have joined, until all know of a crash, until two parts are one again.
fn figures(nodes: usize, seeds: u64) -> (Duration, Duration, Duration) {
    let mut rows = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..seeds {
        let mut net = Net::new(nodes, Timing::lan(), seed);
        rows.0.push(net.run_until(s(30), |net| net.is_whole(0..nodes)).expect("all join"));
        net.run(s(5));
        net.crash(nodes - 1);
        rows.1.push(net.run_until(s(30), |net| net.is_whole(0..nodes - 1)).expect("all know"));
        assert_eq!(net.false_downs(), 0, "seed {seed}");
        let (left, alive) = (nodes / 3, nodes - 1);
        net.cut(0..left, left..alive);
        net.cut(left..alive, 0..left);
        net.run(s(60));
        assert!(net.is_whole(0..left) && net.is_whole(left..alive), "two parts, seed {seed}");
        net.faults.cut.clear();
        rows.2.push(net.run_until(s(120), |net| net.is_whole(0..alive)).expect("one again"));
        assert!((0..alive).all(|node| alternates(&net, node)), "seed {seed}");
    }
    let median = |mut row: Vec<Duration>| {
        row.sort();
        row[row.len() / 2]
    };
    (median(rows.0), median(rows.1), median(rows.2))
}

#[test]
fn members_join_notice_a_crash_and_are_one_again_after_a_split() {
    for nodes in [4, 10] {
        let (join, crash, heal) = figures(nodes, 3);
        println!("{nodes} nodes: join {join:?}, crash {crash:?}, heal {heal:?}");
        assert!(join < s(1) && crash < s(4) && heal < s(15), "{nodes} nodes: {join:?} {crash:?} {heal:?}");
    }
}
