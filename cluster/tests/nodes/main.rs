//! Nodes in the simulator: what holds between actors of several nodes.

mod cast;
mod house;

use house::{House, NODES, at};
use ravelin_cluster::NodeEvent;
use ravelin_sim::Sim;
use std::time::Duration;

#[test]
fn nodes_find_one_another_by_a_seed_and_reach_all() {
    Sim::new().seeds(20).check(async |world| {
        let house = House::new(world, NODES).await;
        world.advance(Duration::from_secs(5)).await;
        for name in NODES {
            assert_eq!(house.reached(name).await, house.others(name), "{name}");
        }
    });
}

#[test]
fn a_message_and_a_call_reach_an_actor_of_another_node() {
    Sim::new().seeds(20).check(async |world| {
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
    Sim::new().seeds(20).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        let events = world.probe::<NodeEvent>("events").await;
        house.node("a").watch(events.recipient()).await;
        world.advance(Duration::from_secs(3)).await;
        world.partition(&["a"], &["b"]);
        world.advance(Duration::from_secs(4)).await;
        assert_eq!(house.reached("a").await, []);
        assert_eq!(house.reached("b").await, []);
        world.heal(&["a"], &["b"]);
        world.advance(Duration::from_secs(30)).await;
        assert_eq!(house.reached("a").await, house.others("a"));
        assert_eq!(house.reached("b").await, house.others("b"));
        assert!(at("a").0.starts_with("a:"));
    });
}
