//! Datagrams: what arrives, what does not, who waits.

use crate::app::{MS, SECOND, nodes, two_ports};
use futures::future::{FutureExt, join, select};
use ravelin_sim::net::{Counters, Link};
use ravelin_sim::{Datagrams, Ppm, Sim, World};
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Mutex;

/// What has arrived, without waiting.
fn heard(port: &Datagrams) -> Vec<u8> {
    std::iter::from_fn(|| port.recv_from().now_or_never()).map(|got| got.unwrap().0[0]).collect()
}

/// Sends so many, with a pause after each.
async fn send_each(world: &World, port: &Datagrams, count: u8) {
    for number in 0..count {
        port.send_to(&[number], ("b", 1)).unwrap();
        world.advance(MS).await;
    }
    world.advance(SECOND).await;
}

#[test]
fn the_same_seed_gives_the_same_hash_with_traffic_and_another_one_does_not() {
    let hash = |seed| {
        let test = async |world: &mut World| {
            let [a, b] = two_ports(world).await;
            world.set_link("a", "b", Some(Link { loss: Ppm::percent(30), ..Link::wan() }));
            send_each(world, &a, 50).await;
            world.note(heard(&b).len());
        };
        Sim::new().alone().only(seed).twice_every(1).run(test).unwrap().hash
    };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

#[test]
fn loss_copies_and_overtaking_are_seen_over_the_seeds() {
    let rough = Link {
        loss: Ppm::percent(20),
        duplicate: Ppm::percent(20),
        reorder: Ppm::percent(20),
        reorder_max: 50 * MS,
        ..Link::perfect(10 * MS)
    };
    let sum = Mutex::new(Counters::default());
    Sim::new().alone().seeds(20).check(async |world| {
        let [a, b] = two_ports(world).await;
        world.set_link("a", "b", Some(rough));
        send_each(world, &a, 20).await;
        let counters = world.net_counters("a", "b");
        assert_eq!(heard(&b).len() as u64, counters.delivered);
        assert_eq!(counters.on_their_way(), 0);
        assert_eq!(world.net_counters("b", "a"), Counters::default());
        *sum.lock().unwrap() += counters;
    });
    let sum = sum.into_inner().unwrap();
    for (what, count) in [("lost", sum.lost), ("doubled", sum.duplicated), ("overtaken", sum.reordered)] {
        assert!((20..200).contains(&count), "{count} of {} {what}", sum.sent);
    }
}

#[test]
fn what_happens_on_one_link_leaves_the_luck_of_the_others_alone() {
    for seed in 0..10 {
        let heard_of = |others: u8| {
            let all = Mutex::new(Vec::new());
            Sim::new().alone().only(seed).check(async |world| {
                let [a, b] = two_ports(world).await;
                world.set_link("a", "b", Some(Link { loss: Ppm::percent(50), ..Link::lan() }));
                for _ in 0..others {
                    b.send_to(&[0], ("a", 1)).unwrap();
                    a.send_to(&[0], ("main", 1)).unwrap();
                    assert!(b.recv_from().now_or_never().is_none());
                }
                send_each(world, &a, 30).await;
                *all.lock().unwrap() = heard(&b);
            });
            all.into_inner().unwrap()
        };
        assert_eq!(heard_of(0), heard_of(7), "seed {seed}");
    }
}

#[test]
fn a_port_holds_so_many_and_what_comes_then_is_lost() {
    Sim::new().alone().seeds(1).check(async |world| {
        let [a, b] = two_ports(world).await;
        for _ in 0..5000 {
            a.send_to(&[1], b.address()).unwrap();
        }
        world.advance(SECOND).await;
        assert_eq!(heard(&b).len(), 4096);
        a.send_to(&[2], b.address()).unwrap();
        world.advance(SECOND).await;
        assert_eq!(heard(&b), [2]);
    });
}

#[test]
fn a_partition_loses_what_is_sent_meanwhile_and_heals() {
    Sim::new().alone().seeds(5).check(async |world| {
        let [a, b] = two_ports(world).await;
        for (number, heals) in [(1, false), (2, true)] {
            if heals {
                world.heal(&["b"], &["a"]);
            } else {
                world.partition(&["a"], &["b"]);
            }
            a.send_to(&[number], b.address()).unwrap();
            b.send_to(&[number], a.address()).unwrap();
            world.advance(20 * MS).await;
        }
        assert_eq!((heard(&a), heard(&b)), (vec![2], vec![2]));
    });
}

#[test]
fn a_cut_of_one_way_leaves_the_way_back() {
    Sim::new().alone().seeds(5).check(async |world| {
        let [a, b] = two_ports(world).await;
        world.cut(&["a"], &["b"]);
        a.send_to(&[1], b.address()).unwrap();
        b.send_to(&[2], a.address()).unwrap();
        world.advance(20 * MS).await;
        assert_eq!((heard(&a), heard(&b)), (vec![2], vec![]));
    });
}

#[test]
fn what_is_clogged_arrives_later_and_all_of_it() {
    Sim::new().alone().seeds(5).check(async |world| {
        let [a, b] = two_ports(world).await;
        world.clog(&["a"], &["b"]);
        send_each(world, &a, 5).await;
        assert_eq!(heard(&b), []);
        world.unclog(&["a"], &["b"]);
        world.settle().await;
        world.advance(MS).await;
        assert_eq!(heard(&b), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_receiver_that_was_dropped_takes_nothing_with_it() {
    Sim::new().alone().seeds(20).check(async |world| {
        let [a, b] = two_ports(world).await;
        drop(select(pin!(b.recv_from()), pin!(world.advance(5 * MS))).await);
        a.send_to(&[1], b.address()).unwrap();
        drop(select(pin!(b.recv_from()), pin!(world.advance(5 * MS))).await);
        world.advance(10 * MS).await;
        assert_eq!(heard(&b), [1]);
    });
}

#[test]
fn of_two_who_wait_at_a_port_each_gets_one() {
    Sim::new().alone().seeds(20).check(async |world| {
        let [a, b] = two_ports(world).await;
        a.send_to(&[1], b.address()).unwrap();
        a.send_to(&[2], b.address()).unwrap();
        let (one, other) = join(b.recv_from(), b.recv_from()).await;
        let mut both = [one.unwrap().0[0], other.unwrap().0[0]];
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
    });
}

#[test]
fn a_port_is_taken_until_it_is_dropped_and_gone_with_its_incarnation() {
    Sim::new().alone().seeds(2).check(async |world| {
        nodes(world, &["a", "b"]).await;
        let net = world.net("a");
        let first = net.bind(1).unwrap();
        assert_eq!(net.bind(1).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(first);
        let second = net.bind(1).unwrap();
        let long = vec![0; 100_000];
        assert_eq!(second.send_to(&long, ("b", 1)).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(second.send_to(&[1], ("nobody", 1)).unwrap_err().kind(), ErrorKind::NotFound);
        world.restart("a");
        assert_eq!(second.send_to(&[1], ("b", 1)).unwrap_err().kind(), ErrorKind::NetworkDown);
        assert_eq!(second.recv_from().await.unwrap_err().kind(), ErrorKind::NetworkDown);
        assert_eq!(net.bind(1).unwrap_err().kind(), ErrorKind::NetworkDown);
        let third = world.net("a").bind(1).unwrap();
        drop(second);
        assert_eq!(world.net("a").bind(1).unwrap_err().kind(), ErrorKind::AddrInUse, "{third:?}");
    });
}

#[test]
fn the_story_says_what_became_of_a_datagram() {
    let found = Sim::new()
        .alone()
        .only(1)
        .run(async |world: &mut World| {
            let [a, _b] = two_ports(world).await;
            a.send_to(&[0; 40], ("b", 1)).unwrap();
            world.advance(SECOND).await;
            a.send_to(&[0; 40], ("b", 2)).unwrap();
            world.advance(SECOND).await;
            world.set_link("a", "b", Some(Link { loss: Ppm::ALWAYS, ..Link::lan() }));
            a.send_to(&[0; 40], ("b", 1)).unwrap();
            world.partition(&["a"], &["b"]);
            a.send_to(&[0; 40], ("b", 1)).unwrap();
            panic!("tell");
        })
        .unwrap_err();
    let story = found.story.join("\n");
    for line in [
        "a -> b: datagram of 40 bytes arrives",
        "a -> b: datagram of 40 bytes lost, nobody there",
        "a -> b: datagram of 40 bytes lost\n",
        "a -> b: datagram of 40 bytes lost in a cut",
    ] {
        assert!(story.contains(line), "`{line}` is not in:\n{story}");
    }
}
