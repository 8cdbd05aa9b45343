//! Datagrams: what each fault does to them, and that it does nothing else.

use crate::world::{A, B, C, World, ms, quiet};
use ravelin_sim::net::{Bandwidth, Crash, Link, NetError, NodeId, Ppm, Settings};
use std::time::Duration;

#[track_caller]
fn with_link(link: Link) -> World {
    World::new(Settings { link: Link { latency: ms(10), ..link }, ..quiet() })
}

#[test]
fn datagrams_arrive_after_the_latency_in_the_order_sent() {
    let jitter = Link { jitter: ms(50), tail: Ppm::percent(10), tail_max: ms(500), ..Link::perfect(ms(10)) };
    for link in [Link::perfect(ms(10)), jitter] {
        let mut world = with_link(link);
        world.send_each(A, B, 0..100);
        world.run();
        assert!(world.heard(B).eq(0..100), "{link:?}");
    }
    let mut world = with_link(Link::perfect(ms(10)));
    world.send_each(A, B, [7]);
    assert_eq!(world.step(), Some(ms(10)));
}

#[test]
fn a_loopback_is_quick_and_no_cut_touches_it() {
    let mut world = with_link(Link { loss: Ppm::ALWAYS, ..Link::lan() });
    world.net.partition(&[A, B], &[A, B]);
    world.send_each(A, A, [1]);
    assert_eq!(world.step(), Some(Duration::from_micros(10)));
    assert!(world.heard(A).eq([1]));
}

#[test]
fn each_fault_of_a_link_shows_in_its_counter_and_in_no_other() {
    let perfect = Link::perfect(ms(10));
    let cases = [
        ("none", perfect),
        ("lost", Link { loss: Ppm::percent(20), ..perfect }),
        ("duplicated", Link { duplicate: Ppm::percent(20), ..perfect }),
        ("reordered", Link { reorder: Ppm::percent(20), reorder_max: ms(50), ..perfect }),
    ];
    for (name, link) in cases {
        let mut world = with_link(link);
        for n in 0..1_000 {
            world.send_each(A, B, [n]);
            world.run_for(ms(1));
        }
        world.run();
        let counts = world.net.counters(A, B);
        let seen =
            [("lost", counts.lost), ("duplicated", counts.duplicated), ("reordered", counts.reordered)];
        for (fault, count) in seen {
            // Out of 1,000, one in five; not every late one is overtaken.
            let expect = if fault == name { 150..250 } else { 0..1 };
            assert!(expect.contains(&count), "{name}: {counts:?}");
        }
        let heard = world.heard(B).count() as u64;
        assert_eq!((counts.on_their_way(), counts.delivered), (0, heard), "{name}");
        assert_eq!(world.net.counters(B, A), Default::default());
        assert_eq!(world.net.totals(), counts);
    }
}

#[test]
fn a_link_of_its_own_overrides_the_general_one_in_one_direction() {
    let mut world = with_link(Link::perfect(ms(10)));
    world.net.set_link(A, B, Some(Link::perfect(ms(70))));
    world.send_each(A, B, [1]);
    world.send_each(B, A, [2]);
    assert_eq!(world.step(), Some(ms(10)));
    assert_eq!(world.step(), Some(ms(70)));
    world.net.set_link(A, B, None);
    assert_eq!(world.net.link(A, B), Link::perfect(ms(10)));
}

#[test]
fn bandwidth_delays_what_waits_for_its_turn_and_loses_what_would_wait_too_long() {
    let bandwidth = Some(Bandwidth { bytes_per_second: 1_000, backlog_max: ms(20) });
    let mut world = with_link(Link { bandwidth, ..Link::perfect(ms(10)) });
    world.send_each(A, B, 0..10); // 4 bytes each: 4 ms
    for at in [14, 18, 22, 26, 30, 34] {
        assert_eq!(world.step(), Some(ms(at)));
    }
    assert_eq!((world.step(), world.net.counters(A, B).overflowed), (None, 4));
}

#[test]
fn a_cut_goes_one_way_and_also_takes_what_is_on_its_way() {
    let mut world = with_link(Link::perfect(ms(10)));
    world.send_each(A, B, [1]);
    world.net.cut(&[A], &[B, C]);
    world.send_each(A, B, [2]);
    world.send_each(A, C, [3]);
    world.send_each(B, A, [4]);
    world.send_each(B, C, [5]);
    world.run();
    assert_eq!((world.heard(A).collect(), world.heard(B).count()), (vec![4], 0));
    assert!(world.heard(C).eq([5]));
    assert_eq!((world.net.counters(A, B).cut, world.net.counters(A, C).cut), (2, 1));
    world.heal(&[A], &[B]);
    world.send_each(A, B, [6]);
    world.send_each(A, C, [7]);
    world.run();
    assert!(world.heard(B).eq([6]), "what a cut took does not come back");
    assert!(world.heard(C).eq([5]));
}

#[test]
fn a_partition_goes_both_ways_and_leaves_each_side_whole() {
    let mut world = with_link(Link::perfect(ms(10)));
    world.net.partition(&[A], &[B, C]);
    for (from, to) in [(A, B), (B, A), (C, A), (B, C), (C, B)] {
        world.send_each(from, to, [from.0]);
    }
    world.run();
    assert_eq!([A, B, C].map(|node| world.heard(node).collect::<Vec<_>>()), [vec![], vec![3], vec![2]]);
}

#[test]
fn a_clog_holds_datagrams_and_lets_them_go_in_order_before_later_ones() {
    let mut world = with_link(Link::perfect(ms(10)));
    world.net.clog(&[A], &[B]);
    world.send_each(A, B, 0..3);
    world.run_for(ms(15));
    world.send_each(A, B, 3..5);
    world.run_for(ms(10)); // these arrive now, and find it clogged
    assert_eq!((world.heard(B).count(), world.net.counters(A, B).held), (0, 5));
    world.send_each(A, B, 5..7);
    world.unclog(&[A], &[B]);
    world.run();
    assert!(world.heard(B).eq(0..7));
    assert_eq!(world.net.counters(A, B).lost, 0);
}

#[test]
fn a_clogged_link_holds_only_so_many() {
    let mut world = World::new(Settings { held_max: 3, ..quiet() });
    world.net.clog(&[A], &[B]);
    world.send_each(A, B, 0..5);
    world.run();
    world.unclog(&[A], &[B]);
    world.run();
    assert!(world.heard(B).eq(0..3));
    assert_eq!(world.net.counters(A, B).overflowed, 2);
}

#[test]
fn a_datagram_to_a_former_incarnation_vanishes_and_one_from_it_arrives() {
    let mut world = with_link(Link::perfect(ms(10)));
    let former = world.host(B);
    world.send_each(A, B, [1]);
    world.send_each(B, A, [2]);
    world.boot(B);
    assert_eq!(world.net.send(world.now, former, 1, A.at(1), b"x", 0), Err(NetError::NotRunning));
    world.run();
    assert!(world.heard(B).next().is_none() && world.heard(A).eq([2]));
    assert_eq!(world.net.counters(A, B).void, 1);

    world.crash(B, Crash::Silent);
    world.send_each(A, B, [3]);
    world.run();
    assert_eq!((world.net.counters(A, B).void, world.net.host(B)), (2, None));
}

#[test]
fn a_datagram_has_a_greatest_length() {
    let mut world = World::new(Settings { datagram_len_max: 8, ..quiet() });
    let host = world.host(A);
    for (len, expect) in [(8, Ok(())), (9, Err(NetError::TooLong))] {
        assert_eq!(world.net.send(world.now, host, 1, B.at(1), &vec![0; len], 0), expect);
    }
}

#[test]
fn after_the_calm_all_links_are_whole_again() {
    let mut world = with_link(Link { loss: Ppm::ALWAYS, ..Link::lan() });
    world.net.partition(&[A], &[B]);
    world.net.clog(&[B], &[C]);
    world.net.set_link(C, A, Some(Link { loss: Ppm::ALWAYS, ..Link::lan() }));
    world.net.calm(world.now, Link::lan());
    let nodes = [A, B, C];
    for (from, to) in nodes.iter().flat_map(|from| nodes.map(|to| (*from, to))) {
        assert!(!world.net.is_cut(from, to) && !world.net.is_clogged(from, to));
        world.send_each(from, to, [from.0]);
    }
    world.run();
    for node in nodes {
        let mut heard: Vec<u32> = world.heard(node).collect();
        heard.sort_unstable();
        assert_eq!(heard, nodes.map(|NodeId(node)| node));
    }
}
