//! Groups and names, watched.

use crate::cast::{Add, Get, Heard, Link, Puppet};
use crate::ends::child;
use crate::house::{House, NODES};
use futures::FutureExt;
use ravelin_cluster::proto::names::NotDone;
use ravelin_cluster::{Group, GroupEvent, Keep, NameEvent, Resolve};
use ravelin_core::{ActorRef, Cx, Exit, Handle, Pid};
use ravelin_sim::{Sim, World};
use std::time::Duration;

impl Handle<NameEvent> for Puppet {
    async fn handle(&mut self, event: NameEvent, _: &mut Cx<Self>) {
        self.heard.push(match event {
            NameEvent::Lost { name, .. } => format!("lost {name}"),
            NameEvent::Conflict { name, .. } => format!("conflict of {name}"),
        });
    }
}

#[test]
fn a_watcher_of_a_group_hears_its_members_and_then_each_change() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        let group = Group::new("", "all").unwrap();
        let (a, b) = (house.home("a"), house.home("b"));
        a.node.join(&group, &a.puppet).await.unwrap();
        let pid = a.puppet.pid().unwrap();
        let mut probe = world.probe::<GroupEvent>("watcher").await;
        let watch = a.node.watch_group(&group, probe.recipient());
        b.node.join(&group, &b.puppet).await.unwrap();
        b.node.join(&group, &b.puppet).await.unwrap();
        world.advance(Duration::from_secs(3)).await;
        let there = a.node.members(&group).into_iter().find(|pid| pid.node() != 0).unwrap();
        world.crash("b");
        world.advance(Duration::from_secs(4)).await;
        assert_eq!(probe.expect(Duration::from_secs(1)).await, GroupEvent::Members(group.clone(), vec![pid]));
        let mut times = 0;
        while times < 2 {
            let GroupEvent::Joined(_, who, more) = probe.expect(Duration::from_secs(1)).await else {
                panic!("a change is missing")
            };
            assert_eq!(who, there);
            times += more;
        }
        assert_eq!(probe.expect(Duration::from_secs(1)).await, GroupEvent::Left(group.clone(), there, 2));
        assert!(a.node.unwatch_group(watch));
        a.node.leave_group(&group, pid).unwrap();
        assert!(!a.node.unwatch_group(watch));
        assert!(a.node.members(&group).is_empty());
    });
}

#[test]
fn whoever_ends_while_it_joins_or_gets_a_name_is_in_no_group_and_has_no_name() {
    for gives_up in [true, false] {
        Sim::new().seeds(2).check(async |world| {
            let house = House::new(world, &NODES[..1]).await;
            let (group, home) = (Group::new("", "all").unwrap(), house.home("a"));
            let (node, system) = (&home.node, home.node.system());
            let pid = home.puppet.pid().unwrap();
            let keeper = system.sys(child(node.tree(), "keeper").await);
            keeper.suspend().await.unwrap();
            let mut joining = Box::pin(node.join(&group, &home.puppet));
            let mut registering = Box::pin(node.register("me", &home.puppet, Resolve::default()));
            assert!((&mut joining).now_or_never().is_none() && (&mut registering).now_or_never().is_none());
            system.kill(pid);
            assert_eq!(system.ended(pid).await, Exit::Killed);
            if gives_up {
                drop((joining, registering));
                keeper.resume().unwrap();
            } else {
                keeper.resume().unwrap();
                assert_eq!(joining.await, Err(ravelin_cluster::proto::groups::NotDone::NoProc));
                assert_eq!(registering.await, Err(NotDone::NoProc));
            }
            world.advance(Duration::from_secs(1)).await;
            assert_eq!((node.local_members(&group), node.whereis("me")), (vec![], None), "{gives_up}");
        });
    }
}

#[test]
fn the_closest_member_is_picked_and_groups_are_listed() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..3]).await;
        let group = Group::new("s", "g").unwrap();
        for name in ["a", "b"] {
            let home = house.home(name);
            home.node.join(&group, &home.puppet).await.unwrap();
        }
        world.advance(Duration::from_secs(3)).await;
        let here = house.home("a").puppet.pid();
        for _ in 0..10 {
            assert_eq!(house.node("a").pick(&group), here);
        }
        let far = house.node("c");
        let mut picked: Vec<Pid> = (0..50).filter_map(|_| far.pick(&group)).collect();
        picked.sort_unstable();
        picked.dedup();
        assert_eq!(picked, far.members(&group), "each of them is picked now and then");
        assert_eq!(far.groups("s"), std::slice::from_ref(&group));
        assert_eq!(far.groups(""), []);
        assert_eq!(far.pick(&Group::new("", "g").unwrap()), None);
    });
}

#[test]
fn a_broadcast_reaches_members_here_and_there_with_a_pid_in_it_too() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, NODES).await;
        let group = Group::new("", "all").unwrap();
        for name in NODES {
            let home = house.home(name);
            home.node.join(&group, &home.puppet).await.unwrap();
        }
        world.advance(Duration::from_secs(4)).await;
        let home = house.home("a");
        assert_eq!(home.node.broadcast(&group, &Add(1)), 4);
        // A pid is another one in the numbers of each node.
        let victim = home.node.system().start(&ActorRef::<Puppet>::place("x"), None).await.unwrap();
        assert_eq!(home.node.broadcast(&group, &Link(victim)), 4);
        world.advance(Duration::from_secs(1)).await;
        home.node.system().kill(victim);
        world.advance(Duration::from_secs(1)).await;
        for name in NODES {
            let puppet = house.home(name).puppet;
            assert_eq!(puppet.call(Get).await.unwrap(), [1], "{name}");
            assert_eq!(puppet.call(Heard).await.unwrap(), ["exit: killed"], "{name}");
        }
    });
}

/// Two nodes give the name `chief` to their puppets while they do not see each other; then they do.
async fn split(world: &World, resolve: Resolve) -> House {
    let house = House::new(world, &NODES[..2]).await;
    world.advance(Duration::from_secs(3)).await;
    world.partition(&["a"], &["b"]);
    world.advance(Duration::from_secs(5)).await;
    for name in ["a", "b"] {
        let home = house.home(name);
        let told = home.puppet.recipient();
        home.node.register_telling("chief", &home.puppet, resolve, told).await.unwrap();
        world.advance(Duration::from_secs(1)).await;
    }
    world.heal(&["a"], &["b"]);
    world.advance(Duration::from_secs(30)).await;
    house
}

#[test]
fn who_loses_a_name_is_told_and_the_names_are_listed() {
    Sim::new().seeds(2).check(async |world| {
        let house = split(world, Resolve::KeepOlder).await;
        assert_eq!(house.home("a").puppet.call(Heard).await.unwrap(), [""; 0]);
        assert_eq!(house.home("b").puppet.call(Heard).await.unwrap(), ["lost chief"]);
        let a = house.node("a");
        assert_eq!(a.registered(), [("chief".into(), house.home("a").puppet.pid().unwrap())]);
        assert_eq!(house.node("b").unregister("chief"), Err(NotDone::NotFound));
        a.unregister("chief").unwrap();
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(house.node("b").whereis("chief"), None);
    });
}

#[test]
fn a_conflict_of_a_name_is_decided_by_whoever_is_told_of_it() {
    Sim::new().seeds(2).check(async |world| {
        let house = split(world, Resolve::Ask).await;
        // The puppet says: theirs.
        assert_eq!(house.home("a").puppet.call(Heard).await.unwrap(), ["conflict of chief"]);
        let mut probe = world.probe::<NameEvent>("names").await;
        let a = house.node("a");
        a.watch_names(probe.recipient());
        let (ours, theirs) =
            (a.whereis("chief").unwrap(), house.addr("b", "a").call(crate::cast::Who).await.unwrap());
        assert_eq!(Some(ours), house.home("a").puppet.pid());
        a.decide("chief", ours, theirs, Keep::Theirs).unwrap();
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(a.whereis("chief"), Some(theirs));
        let lost = NameEvent::Lost { name: "chief".into(), pid: ours, winner: Some(theirs) };
        assert_eq!(probe.expect(Duration::from_secs(1)).await, lost);
        assert_eq!(a.decide("chief", ours, theirs, Keep::Theirs), Err(NotDone::NotFound));
    });
}

#[test]
fn a_conflict_that_nobody_is_told_of_leaves_the_name_to_the_older() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        world.advance(Duration::from_secs(3)).await;
        world.partition(&["a"], &["b"]);
        world.advance(Duration::from_secs(5)).await;
        for name in ["a", "b"] {
            let home = house.home(name);
            home.node.register("chief", &home.puppet, Resolve::Ask).await.unwrap();
            world.advance(Duration::from_secs(1)).await;
        }
        world.heal(&["a"], &["b"]);
        world.advance(Duration::from_secs(30)).await;
        assert_eq!(house.node("a").whereis("chief"), house.home("a").puppet.pid());
        let seen = house.node("b").whereis("chief").unwrap();
        assert_ne!(seen.node(), 0, "b's own was taken back");
    });
}
