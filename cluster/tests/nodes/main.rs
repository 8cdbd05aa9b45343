//! Nodes in the simulator: what holds between actors of several nodes.

mod book;
mod cast;
mod compression;
mod folk;
mod house;
mod shell;
mod worlds;

use house::{House, NODES};
use ravelin_cluster::NodeEvent;
use ravelin_cluster::proto::groups::Group;
use ravelin_cluster::proto::names::Resolve;
use ravelin_cluster::proto::reach::Why;
use ravelin_core::Pid;
use ravelin_sim::Sim;
use std::time::Duration;

/// Unoptimised a world takes its time.
const SEEDS: u64 = if cfg!(debug_assertions) { 6 } else { 20 };

#[test]
fn nodes_find_one_another_by_a_seed_and_reach_all() {
    Sim::new().seeds(SEEDS).check(async |world| {
        let house = House::new(world, NODES).await;
        world.advance(Duration::from_secs(5)).await;
        for name in NODES {
            assert_eq!(house.reached(name).await, house.others(name), "{name}");
        }
    });
}

#[test]
fn a_message_and_a_call_reach_an_actor_of_another_node() {
    Sim::new().seeds(SEEDS).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        world.advance(Duration::from_secs(3)).await;
        let there = house.addr("b", "a");
        for n in 1..=10 {
            there.cast(cast::Add(n)).unwrap();
        }
        assert_eq!(there.call(cast::Get).await.unwrap(), (1..=10).collect::<Vec<_>>());
        there.send(cast::Add(11)).await.unwrap();
        assert_eq!(there.call(cast::Get).await.unwrap().len(), 11);
    });
}

#[test]
fn nodes_that_are_cut_off_are_down_in_time_and_up_again_after() {
    Sim::new().seeds(SEEDS).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        let events = world.probe::<NodeEvent>("events").await;
        house.node("a").watch(events.recipient()).await;
        world.advance(Duration::from_secs(3)).await;
        world.partition(&["a"], &["b"]);
        world.advance(Duration::from_secs(4)).await;
        assert!(house.reached("a").await.is_empty());
        assert!(house.reached("b").await.is_empty());
        world.heal(&["a"], &["b"]);
        world.advance(Duration::from_secs(30)).await;
        assert_eq!(house.reached("a").await, house.others("a"));
        assert_eq!(house.reached("b").await, house.others("b"));
    });
}

#[test]
fn a_node_that_leaves_says_so_after_all_that_it_sent() {
    Sim::new().seeds(SEEDS).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        let mut events = world.probe::<NodeEvent>("events").await;
        house.node("b").watch(events.recipient()).await;
        world.advance(Duration::from_secs(3)).await;
        let there = house.addr("b", "a");
        for n in 0..1000 {
            there.cast(cast::Add(n)).unwrap();
        }
        house.node("a").leave().await;
        world.advance(Duration::from_secs(1)).await;
        let heard = std::iter::from_fn(|| events.try_next()).map(|(event, _)| event).collect::<Vec<_>>();
        assert!(matches!(heard[..], [NodeEvent::Up(_), NodeEvent::Down(_, Why::Left)]), "{heard:?}");
        assert_eq!(house.home("b").puppet.call(cast::Get).await.unwrap(), (0..1000).collect::<Vec<_>>());
        assert!(house.reached("b").await.is_empty());
    });
}

#[test]
fn who_watches_twice_hears_once() {
    Sim::new().seeds(5).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        let mut events = world.probe::<NodeEvent>("events").await;
        world.advance(Duration::from_secs(3)).await;
        for _ in 0..2 {
            house.node("a").watch(events.recipient()).await;
        }
        world.crash("b");
        world.advance(Duration::from_secs(4)).await;
        let heard = std::iter::from_fn(|| events.try_next()).map(|(event, _)| event).collect::<Vec<_>>();
        assert!(heard[..2].iter().all(|event| matches!(event, NodeEvent::Up(_))), "{heard:?}");
        let downs = heard.iter().filter(|event| matches!(event, NodeEvent::Down(..))).count();
        assert_eq!(downs, 1, "{heard:?}");
    });
}

/// The puppet of `of`, as `by` names it.
async fn seen(house: &House, of: &str, by: &str) -> Pid {
    // A pid in an answer crosses, so it is in the numbers of whoever asked.
    house.addr(of, by).call(cast::Who).await.unwrap()
}

#[test]
fn a_pid_of_a_third_node_is_the_same_actor_to_whoever_gets_it() {
    Sim::new().seeds(SEEDS).check(async |world| {
        let house = House::new(world, &NODES[..3]).await;
        world.advance(Duration::from_secs(5)).await;
        let third = seen(&house, "c", "a").await;
        let there = house.addr("b", "a");
        // At once, so that the node gets its number and is named by it in what comes together.
        for _ in 0..3 {
            there.cast(cast::Watch(third)).unwrap();
        }
        there.call(cast::Heard).await.unwrap();
        house.addr("c", "a").cast(cast::End("over".to_owned())).unwrap();
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(there.call(cast::Heard).await.unwrap(), ["down: over"; 3]);
    });
}

#[test]
fn monitors_and_links_tell_of_an_end_on_another_node_once() {
    Sim::new().seeds(SEEDS).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        world.advance(Duration::from_secs(3)).await;
        let there = seen(&house, "b", "a").await;
        let watcher = house.home("a").puppet;
        watcher.call(cast::Watch(there)).await.unwrap();
        watcher.call(cast::Link(there)).await.unwrap();
        world.advance(Duration::from_millis(100)).await;
        house.addr("b", "a").cast(cast::End("over".to_owned())).unwrap();
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(watcher.call(cast::Heard).await.unwrap(), ["exit: over", "down: over"]);
        watcher.call(cast::Watch(there)).await.unwrap();
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(watcher.call(cast::Heard).await.unwrap()[2..], ["down: noproc"]);
    });
}

#[test]
fn a_node_that_is_lost_ends_monitors_links_and_calls_once() {
    Sim::new().seeds(SEEDS).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        world.advance(Duration::from_secs(3)).await;
        let there = seen(&house, "b", "a").await;
        let watcher = house.home("a").puppet;
        watcher.call(cast::Watch(there)).await.unwrap();
        watcher.call(cast::Link(there)).await.unwrap();
        world.advance(Duration::from_millis(100)).await;
        world.crash("b");
        world.advance(Duration::from_secs(4)).await;
        let heard = watcher.call(cast::Heard).await.unwrap();
        assert_eq!(heard, ["exit: noconnection", "down: noconnection"]);
        let error = house.addr("b", "a").call(cast::Get).await.unwrap_err();
        assert_eq!(error.to_string(), "the callee ended: noconnection");
    });
}

#[test]
fn groups_and_names_are_the_same_on_all_nodes_and_go_with_their_actors() {
    Sim::new().seeds(SEEDS).check(async |world| {
        let house = House::new(world, &NODES[..3]).await;
        let group = Group::new("", "all").unwrap();
        for name in &NODES[..3] {
            let home = house.home(name);
            home.node.join(&group, &home.puppet).await.unwrap();
        }
        let home = house.home("b");
        home.node.register("chief", &home.puppet, Resolve::KeepOlder).await.unwrap();
        world.advance(Duration::from_secs(5)).await;
        for name in &NODES[..3] {
            let node = house.node(name);
            assert_eq!(node.members(&group).len(), 3, "{name}");
            assert_eq!(node.local_members(&group).len(), 1, "{name}");
            assert!(node.whereis("chief").is_some(), "{name}");
        }
        assert_eq!(house.node("a").broadcast(&group, &cast::Add(7)), 3);
        world.advance(Duration::from_secs(1)).await;
        for name in &NODES[..3] {
            assert_eq!(house.home(name).puppet.call(cast::Get).await.unwrap(), [7], "{name}");
        }
        home.puppet.cast(cast::End("over".to_owned())).unwrap();
        world.advance(Duration::from_secs(1)).await;
        for name in &NODES[..3] {
            assert_eq!(house.node(name).members(&group).len(), 2, "{name}");
            assert_eq!(house.node(name).whereis("chief"), None, "{name}");
        }
    });
}
