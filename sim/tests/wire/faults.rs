//! Trouble in the network as faults: how it is said, drawn, ended and made smaller.

use crate::app::{MS, SECOND, nodes, quiet};
use futures::future::BoxFuture;
use ravelin_core::sleep;
use ravelin_sim::net::Link;
use ravelin_sim::{Address, Fault, Faults, NetFault, Node, Ppm, Seed, Side, Sim, World};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn side(names: &[&str]) -> Side {
    Side::nodes(names.iter().copied())
}

#[test]
fn a_fault_says_what_it_does() {
    let (one, other, at, time) = (side(&["a", "b"]), Side::Rest, SECOND, 2 * SECOND);
    let (from, to) = (one.clone(), side(&["c"]));
    let link = Link { loss: Ppm::percent(3), ..Link::perfect(MS) };
    for (fault, says) in [
        (
            NetFault::Partition { one: one.clone(), other: other.clone(), at, time },
            "at 1s `a`, `b` and all others are cut off from each other for 2s",
        ),
        (
            NetFault::CutOneWay { from: from.clone(), to: to.clone(), at, time },
            "at 1s nothing gets from `a`, `b` to `c` for 2s",
        ),
        (
            NetFault::Clog { from: from.clone(), to: to.clone(), at, time },
            "at 1s what `a`, `b` sends to `c` is held for 2s",
        ),
        (
            NetFault::Degrade { from, to, link, at, time },
            "at 1s the links from `a`, `b` to `c` are bad for 2s: 1ms to 1ms, 30000 ppm lost",
        ),
        (NetFault::Sever { one, other, at }, "at 1s the connections between `a`, `b` and all others break"),
        (
            NetFault::Vanish { node: "a".into(), at, down: time },
            "at 1s node `a` loses power, and boots again after 2s",
        ),
    ] {
        assert_eq!(Fault::from(fault).to_string(), says);
    }
}

#[test]
fn every_kind_is_drawn_and_a_kind_that_is_added_leaves_the_others_alone() {
    let one = Faults::none().among(["a", "b", "c"]).partitions(2);
    let all = one.clone().cuts(2).clogs(2).bad_links(2).severs(2).power_losses("a", 2);
    let mut kinds = BTreeMap::new();
    for seed in (0..100).map(Seed) {
        let drawn = all.draw(seed);
        assert!(drawn.starts_with(&one.draw(seed)));
        for fault in drawn {
            let kind = match fault {
                Fault::Net(NetFault::Partition { .. }) => "partition",
                Fault::Net(NetFault::CutOneWay { .. }) => "cut",
                Fault::Net(NetFault::Clog { .. }) => "clog",
                Fault::Net(NetFault::Degrade { .. }) => "bad link",
                Fault::Net(NetFault::Sever { .. }) => "sever",
                Fault::Net(NetFault::Vanish { .. }) => "power loss",
                other => panic!("{other}"),
            };
            *kinds.entry(kind).or_insert(0) += 1;
        }
    }
    assert!(kinds.len() == 6 && kinds.values().all(|count| *count > 20), "{kinds:?}");
}

/// Which of the nodes hears which one, 20 ms from now.
async fn hears(world: &World, names: &[&str]) -> Vec<String> {
    let ports: Vec<_> = names.iter().map(|name| world.net(name).bind(1).unwrap()).collect();
    for (from, to) in ports.iter().flat_map(|from| names.iter().map(move |to| (from, *to))) {
        if from.address().node() != to {
            from.send_to(b"?", (to, 1)).unwrap();
        }
    }
    world.advance(20 * MS).await;
    let mut heard = Vec::new();
    for port in &ports {
        while let Some(got) = futures::FutureExt::now_or_never(port.recv_from()) {
            heard.push(format!("{}{}", got.unwrap().1.node(), port.address().node()));
        }
    }
    heard.sort();
    heard
}

#[test]
fn a_trouble_lasts_its_time_and_what_two_cut_is_whole_when_both_are_over() {
    Sim::new().alone().seeds(5).check(async |world| {
        let names = ["a", "b", "c"];
        nodes(world, &names).await;
        let all = ["ab", "ac", "ba", "bc", "ca", "cb"];
        let partition = |at, time| NetFault::Partition { one: side(&["a"]), other: Side::Rest, at, time };
        world.inject(partition(SECOND, 2 * SECOND).into());
        world.inject(partition(2 * SECOND, 3 * SECOND).into());
        let (from, to) = (side(&["b"]), side(&["c"]));
        world.inject(NetFault::CutOneWay { from, to, at: 4 * SECOND, time: 4 * SECOND }.into());
        let mut seen = Vec::new();
        for second in 0..9 {
            world.advance((second * SECOND + 500 * MS).saturating_sub(world.elapsed())).await;
            seen.push(hears(world, &names).await);
        }
        let cut = vec!["bc", "cb"];
        let (both, one) = (vec!["cb"], vec!["ab", "ac", "ba", "ca", "cb"]);
        let all = all.to_vec();
        let expected = [all.clone(), cut.clone(), cut.clone(), cut, both, one.clone(), one.clone(), one, all];
        assert_eq!(seen, expected);
    });
}

#[test]
fn calm_ends_all_trouble_and_leaves_what_the_test_has_set() {
    Sim::new().alone().seeds(5).check(async |world| {
        let names = ["a", "b", "c"];
        nodes(world, &names).await;
        let slow = Some(Link::perfect(15 * MS));
        world.set_link("a", "b", slow);
        let (from, to, time) = (side(&["a"]), side(&["b"]), Duration::from_secs(1000));
        let link = Link { loss: Ppm::ALWAYS, ..Link::lan() };
        world.inject(NetFault::Degrade { from, to, link, at: Duration::ZERO, time }.into());
        world.clog(&["a"], &["c"]);
        world.partition(&["b"], &["c"]);
        world.advance(MS).await;
        assert_eq!(hears(world, &names).await, ["ba", "ca"]);
        world.calm();
        let before = world.now();
        let port = world.net("b").bind(9).unwrap();
        world.net("a").bind(9).unwrap().send_to(b"?", port.address()).unwrap();
        port.recv_from().await.unwrap();
        assert_eq!((world.now() - before).as_millis(), 15);
        assert_eq!(hears(world, &names).await.len(), 6);
    });
}

/// Leads when it hears no other for a second: which goes wrong when two do not hear each other. Says so every 100 ms.
fn leads(leaders: &Arc<Mutex<BTreeMap<String, bool>>>) -> impl Fn(Node) -> BoxFuture<'static, ()> + use<> {
    let leaders = leaders.clone();
    move |node| {
        let leaders = leaders.clone();
        Box::pin(async move {
            let (runtime, me) = (node.runtime().clone(), node.name().to_owned());
            let others = ["a", "b", "c"].into_iter().filter(|name| *name < &*me).collect::<Vec<_>>();
            let port = node.net().bind(1).unwrap();
            let mut heard_at = runtime.now();
            loop {
                for to in ["a", "b", "c"].into_iter().filter(|name| **name != *me) {
                    port.send_to(b"I am here", Address::from((to, 1))).unwrap();
                }
                while let Some(got) = futures::FutureExt::now_or_never(port.recv_from()) {
                    if others.contains(&got.unwrap().1.node()) {
                        heard_at = runtime.now();
                    }
                }
                let alone = runtime.now() - heard_at > SECOND;
                leaders.lock().unwrap().insert(me.clone(), alone || others.is_empty());
                sleep(&*runtime, 100 * MS).await; // tidy: virtual time
            }
        })
    }
}

async fn elects(world: &mut World) {
    world.set_network(quiet());
    let leaders = Arc::<Mutex<BTreeMap<String, bool>>>::default();
    for name in ["a", "b", "c"] {
        world.node(name, leads(&leaders));
    }
    for _ in 0..200 {
        world.advance(100 * MS).await;
        let leaders = leaders.lock().unwrap();
        let count = leaders.values().filter(|leads| **leads).count();
        assert!(count <= 1, "two think that they lead");
    }
}

#[test]
fn two_leaders_are_found_and_shrunk_to_the_partition_that_makes_them() {
    let faults = Faults::none().partitions(3).cuts(3).clogs(3).bad_links(3).severs(3).stalls("c", 3);
    let found = Sim::new().alone().seeds(200).faults(faults).run(elects).unwrap_err();
    let kinds = |fault: &Fault| {
        let Fault::Net(fault) = fault else { return false };
        matches!(fault, NetFault::Partition { .. } | NetFault::CutOneWay { .. } | NetFault::Clog { .. })
    };
    assert!(found.is_smallest && found.drawn > 2, "{found}");
    assert!(matches!(&found.scenario[..], [fault] if kinds(fault)), "{found}");
    assert!(!found.scenario[0].to_string().contains("some nodes"), "it has names: {found}");
}

#[test]
fn without_trouble_there_is_one_leader() {
    Sim::new().alone().seeds(20).check(elects);
}
