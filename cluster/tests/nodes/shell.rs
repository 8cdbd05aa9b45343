//! What holds of the link between two nodes, and of nodes that come and go, one claim after the other.

use crate::cast::{
    Add, Blob, Clash, Forward, Get, Grim, Heard, Hollow, Introduce, Keep, Link as Bind, Odd, Puppet, Watch,
    Who,
};
use crate::house::{House, NODES, at};
use ravelin_cluster::proto::reach::Why;
use ravelin_cluster::transport::SimTransport;
use ravelin_cluster::{Config, Incarnation, Node, NodeEvent, NodeHealth};
use ravelin_core::{CallError, Exit, SendError};
use ravelin_sim::net::{Bandwidth, Link};
use ravelin_sim::{Sim, World};
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const MIB: usize = 1 << 20;

async fn three(world: &World) -> House {
    let house = House::new(world, &NODES[..3]).await;
    world.advance(3000 * MS).await;
    house
}

fn is_ready<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_full_queue_refuses_casts_and_lets_sends_wait_for_room() {
    Sim::new().seeds(3).check(async |world| {
        let house =
            House::tuned(world, &NODES[..2], |config| config.limits.queue_bytes_max = 128 << 10).await;
        world.advance(3000 * MS).await;
        let there = house.addr("b", "a");
        world.clog(&["a"], &["b"]);
        let mut sent = 0;
        let refused = loop {
            match there.cast(Blob(vec![0; 1000])) {
                Ok(()) => sent += 1,
                Err(why) => break why,
            }
            assert!(sent < 1000, "it is never full");
        };
        assert!(matches!(refused, SendError::Full(Blob(blob)) if blob.len() == 1000));
        let mut send = pin!(there.send(Add(7)));
        assert!(!is_ready(send.as_mut()), "there is no room");
        world.advance(500 * MS).await;
        assert!(!is_ready(send.as_mut()), "there is no room yet");
        world.unclog(&["a"], &["b"]);
        send.await.unwrap();
        let kept = there.call(Get).await.unwrap();
        assert_eq!((kept.len(), kept.last()), (sent + 1, Some(&7)));
    });
}

#[test]
fn a_large_message_does_not_delay_small_ones() {
    // Unoptimised the simulated wire takes its time: a smaller one, over a link that is as much slower.
    let large = if cfg!(debug_assertions) { 4 * MIB } else { 20 * MIB };
    Sim::new().seeds(1).twice_every(0).check(async |world| {
        let house = House::tuned(world, &NODES[..2], |config| {
            config.limits.message_bytes_max = 32 * MIB;
            config.limits.assembly_bytes_max = 64 * MIB;
        })
        .await;
        world.advance(3000 * MS).await;
        let bandwidth = Bandwidth { bytes_per_second: large as u64, backlog_max: 60_000 * MS };
        world.set_link("a", "b", Some(Link { bandwidth: Some(bandwidth), ..Link::lan() }));
        let by_name = house.addr("b", "a");
        let by_pid = house.node("a").at::<Puppet>(by_name.call(Who).await.unwrap());
        by_name.cast(Blob(vec![0; large])).unwrap();
        for n in 1..=5 {
            world.advance(100 * MS).await;
            let before = world.elapsed();
            by_pid.call(Add(n)).await.unwrap();
            let took = world.elapsed() - before;
            assert!(took < 100 * MS, "{took:?} for a small call");
        }
        world.advance(2000 * MS).await;
        assert_eq!(by_pid.call(Get).await.unwrap(), [1, 2, 3, 4, 5, large as u64]);
        assert_eq!(house.reached("a").await, ["b"]);
    });
}

#[test]
fn what_is_not_understood_is_told_and_the_link_stays() {
    Sim::new().seeds(3).check(async |world| {
        let house = three(world).await;
        let mut events = world.probe::<NodeEvent>("events").await;
        let there = house.addr("b", "a");
        let text = |why: &dyn std::fmt::Display| why.to_string();
        let unknown = there.call(Odd).await.unwrap_err();
        assert!(
            matches!(unknown, CallError::NotUnderstood(_)) && text(&unknown).contains("test.odd"),
            "{unknown}"
        );
        let faulty = there.call(Hollow).await.unwrap_err();
        assert!(
            matches!(faulty, CallError::NotUnderstood(_)) && text(&faulty).contains("test.add"),
            "{faulty}"
        );
        // One that panics when it is read, and one whose answer does.
        for is_grim in [true, false] {
            let Err(grim) = there.call(Grim(is_grim)).await else { panic!("it was read") };
            assert!(matches!(grim, CallError::NotUnderstood(_)) && text(&grim).contains("panic"), "{grim}");
        }
        assert!(matches!(there.send(Odd).await, Err(CallError::NotUnderstood(_))));
        there.cast(Odd).unwrap();
        there.cast(Hollow).unwrap();
        there.cast(Add(1)).unwrap();
        assert_eq!(there.call(Get).await.unwrap(), [1]);
        let nobody = house.node("a").named::<Puppet>(&"b".parse().unwrap(), "nobody");
        assert!(matches!(nobody.call(Get).await, Err(CallError::NoProc(_))));
        nobody.cast(Add(1)).unwrap();
        house.node("a").watch(events.recipient()).await;
        world.advance(3000 * MS).await;
        let ups = std::iter::from_fn(|| events.try_next()).map(|(event, _)| event);
        let ups = ups.filter(|event| matches!(event, NodeEvent::Up(_))).count();
        assert_eq!(ups, 2, "two nodes were up, and still are");
        let figures = house.node("b").figures();
        let lost: Vec<u64> = figures.iter().map(|each| each.casts_lost).collect();
        assert_eq!(lost.iter().sum::<u64>(), 3, "{figures:?}");
    });
}

#[test]
fn pids_references_and_ways_back_cross_in_messages_also_of_third_nodes() {
    Sim::new().seeds(3).check(async |world| {
        let house = three(world).await;
        let (b, c) = (house.addr("b", "a"), house.addr("c", "a"));
        let pid_of_c = c.call(Who).await.unwrap();
        let home = house.home("a");
        // One of the sender's own, one of the receiver's own, one of a third's.
        let own = home.node.addr(&home.puppet);
        let own_pid = home.puppet.pid().unwrap();
        assert_eq!(b.call(Introduce { addr: own, pid: own_pid }).await.unwrap(), (own_pid, own_pid));
        let found = b.call(Introduce { addr: c.clone(), pid: pid_of_c }).await.unwrap();
        assert_eq!(found, (pid_of_c, pid_of_c));
        let by_pid = home.node.at::<Puppet>(pid_of_c);
        assert_eq!(b.call(Introduce { addr: by_pid, pid: pid_of_c }).await.unwrap(), found);
        // The answer comes from a third, and from the one that asked.
        assert_eq!(b.call(Forward(c.clone())).await.unwrap(), pid_of_c);
        let own = home.node.addr(&home.puppet);
        assert_eq!(b.call(Forward(own)).await.unwrap(), own_pid);
        world.advance(1000 * MS).await;
        for name in &NODES[..3] {
            for figures in house.node(name).figures() {
                let waits = (figures.calls, figures.replies, figures.in_hand);
                assert_eq!(waits, (0, 0, 0), "{name}: {figures:?}");
            }
        }
    });
}

#[test]
fn a_pid_in_the_reason_of_a_call_that_ended_is_that_of_the_caller() {
    Sim::new().seeds(2).check(async |world| {
        let house = three(world).await;
        let (b, c) = (house.addr("b", "a"), house.addr("c", "a"));
        let pids =
            [house.home("a").puppet.pid().unwrap(), b.call(Who).await.unwrap(), c.call(Who).await.unwrap()];
        let system = house.node("b").system().clone();
        // Of the caller's node, of the callee's, and of a third.
        for pid in pids {
            let ended = b.call(Clash(pid)).await;
            assert!(
                matches!(ended, Err(CallError::Exited(Exit::AlreadyStarted(who))) if who == pid),
                "{ended:?}"
            );
            let again = system.start(&house.home("b").puppet, None).await.unwrap();
            system.register("puppet", again).unwrap();
        }
    });
}

#[test]
fn who_is_not_reached_and_who_does_not_live_are_told_apart() {
    Sim::new().seeds(2).check(async |world| {
        let house = three(world).await;
        let home = house.home("a");
        let there = house.addr("b", "a");
        let by_pid = home.node.at::<Puppet>(there.call(Who).await.unwrap());
        // Nobody of this name or pid, there and here.
        let dead =
            home.node.system().start(&ravelin_core::ActorRef::<Puppet>::place("x"), None).await.unwrap();
        home.node.system().stop(dead, Exit::Shutdown).await.unwrap();
        let nobody = ["a", "b"].map(|name| home.node.named::<Puppet>(&name.parse().unwrap(), "nobody"));
        for nobody in nobody.into_iter().chain([home.node.at::<Puppet>(dead)]) {
            assert!(matches!(nobody.send(Add(1)).await, Err(CallError::NoProc(Add(1)))), "{nobody:?}");
            assert!(matches!(nobody.call(Get).await, Err(CallError::NoProc(Get))), "{nobody:?}");
        }
        world.crash("b");
        world.advance(4000 * MS).await;
        let unknown = home.node.named::<Puppet>(&"z".parse().unwrap(), "puppet");
        for lost in [there, by_pid, unknown] {
            assert!(matches!(lost.cast(Add(1)), Err(SendError::NoConnection(Add(1)))), "{lost:?}");
            let sent = lost.send(Add(1)).await;
            assert!(matches!(sent, Err(CallError::Exited(Exit::NoConnection))), "{lost:?}");
            let called = lost.call(Get).await;
            assert!(matches!(called, Err(CallError::Exited(Exit::NoConnection))), "{lost:?}");
        }
    });
}

#[test]
fn what_is_too_large_says_which_setting_to_change() {
    Sim::new().seeds(1).check(async |world| {
        let house =
            House::tuned(world, &NODES[..2], |config| config.limits.message_bytes_max = 100_000).await;
        world.advance(3000 * MS).await;
        let there = house.addr("b", "a");
        let refused = there.send(Blob(vec![0; 200_000])).await.unwrap_err().to_string();
        assert!(refused.contains("the other node takes 100000"), "{refused}");
        assert!(refused.contains("limits.message_bytes_max"), "{refused}");
    });
}

#[test]
fn who_has_not_started_joins_nothing_and_is_told_what_to_do() {
    Sim::new().seeds(1).check(async |world| {
        let house = House::new(world, &NODES[..1]).await;
        let (node, empty) = (house.node("a"), ravelin_core::ActorRef::<Puppet>::place("empty"));
        let group = ravelin_cluster::Group::new("", "all").unwrap();
        let refused = node.join(&group, &empty).await.unwrap_err();
        assert!(refused.to_string().contains("join when the actor has started"), "{refused}");
        let refused = node.register("chief", &empty, ravelin_cluster::Resolve::KeepOlder).await.unwrap_err();
        assert!(refused.to_string().contains("register when the actor has started"), "{refused}");
    });
}

#[test]
fn a_way_back_that_nobody_waits_for_any_more_is_let_go() {
    Sim::new().seeds(3).check(async |world| {
        let house = three(world).await;
        let nobody = house.node("b").named::<Puppet>(&"c".parse().unwrap(), "nobody");
        let outcome = house.addr("b", "a").call(Forward(nobody)).timeout(300 * MS).await;
        assert!(matches!(outcome, Err(CallError::Timeout)), "{outcome:?}");
        // One that was asked by its own node.
        let nobody = house.node("b").named::<Puppet>(&"c".parse().unwrap(), "nobody");
        let outcome = house.home("b").puppet.call(Forward(nobody)).timeout(900 * MS).await;
        assert!(matches!(outcome, Err(CallError::Timeout)), "{outcome:?}");
        world.advance(2000 * MS).await;
        for name in &NODES[..3] {
            for figures in house.node(name).figures() {
                let waits = (figures.calls, figures.replies, figures.in_hand);
                assert_eq!(waits, (0, 0, 0), "{name}: {figures:?}");
            }
        }
    });
}

#[test]
fn a_call_that_is_under_way_ends_at_once_when_its_node_is_lost() {
    Sim::new().seeds(3).check(async |world| {
        let house = three(world).await;
        let there = house.addr("b", "a");
        let mut call = pin!(futures::FutureExt::fuse(there.call(Keep).no_timeout().into_future()));
        assert!(!is_ready(call.as_mut()));
        world.advance(1000 * MS).await;
        world.crash("b");
        let before = world.elapsed();
        let outcome = call.await;
        assert!(matches!(outcome, Err(CallError::Exited(Exit::NoConnection))), "{outcome:?}");
        assert!(world.elapsed() - before < 10 * MS, "the connection was reset");
    });
}

#[test]
fn one_that_leaves_is_told_of_as_left_at_once() {
    Sim::new().seeds(5).check(async |world| {
        let house = three(world).await;
        let mut events = world.probe::<NodeEvent>("events").await;
        house.node("a").watch(events.recipient()).await;
        let b = house.node("b").id().clone();
        world.settle().await;
        while events.try_next().is_some() {}
        house.node("b").leave().await;
        let event = events.expect(50 * MS).await;
        assert_eq!(event, NodeEvent::Down(b, Why::Left));
        events.expect_none(10_000 * MS).await;
        assert_eq!(house.reached("a").await, ["c"]);
    });
}

#[test]
fn a_node_that_starts_again_takes_the_place_of_its_old_life() {
    for is_silent in [true, false] {
        Sim::new().seeds(3).check(async |world| {
            let house = three(world).await;
            let mut events = world.probe::<NodeEvent>("events").await;
            let old = house.node("b").id().clone();
            let addr = house.addr("b", "a");
            addr.call(Add(1)).await.unwrap();
            house.node("a").watch(events.recipient()).await;
            world.settle().await;
            while events.try_next().is_some() {}
            let _ = if is_silent { world.lose_power("b") } else { world.crash("b") };
            world.advance(300 * MS).await;
            world.boot("b");
            world.advance(10_000 * MS).await;
            let new = house.node("b").id().clone();
            assert!(old < new);
            let mut told = Vec::new();
            while let Some((event, _)) = events.try_next() {
                match event {
                    NodeEvent::Down(id, _) => told.push((id, false)),
                    NodeEvent::Up(id) => told.push((id, true)),
                    _ => {}
                }
            }
            assert_eq!(told, [(old, false), (new, true)]);
            assert_eq!(addr.call(Get).await.unwrap(), [], "a name is of whoever has it");
        });
    }
}

#[test]
fn a_node_that_starts_again_and_again_leaves_nothing_with_the_others() {
    const LIVES: usize = 25;
    Sim::new().seeds(1).check(async |world| {
        let house = three(world).await;
        let (a, watcher) = (house.node("a"), house.home("a").puppet);
        let addr = house.addr("b", "a");
        let mut pids = Vec::new();
        for _ in 0..LIVES {
            pids.push(addr.call(Who).await.unwrap());
            watcher.call(Watch(*pids.last().unwrap())).await.unwrap();
            world.restart("b");
            let (node, others) = (a.clone(), house.others("a"));
            while node.nodes().await.len() < others.len() || addr.call(Who).await.is_err() {
                world.advance(100 * MS).await;
            }
        }
        for name in ["a", "c"] {
            let figures = house.node(name).figures();
            assert_eq!(figures.iter().filter(|each| each.is_up).count(), 2, "{name}: {figures:#?}");
            assert!(figures.len() <= 3, "{name}: {figures:#?}");
        }
        // Whoever has a pid of theirs is told as ever, at once.
        assert_eq!(watcher.call(Heard).await.unwrap(), vec!["down: noconnection"; LIVES]);
        for pid in &pids {
            watcher.call(Watch(*pid)).await.unwrap();
            watcher.call(Bind(*pid)).await.unwrap();
            let called = a.at::<Puppet>(*pid).call(Get).await;
            assert!(matches!(called, Err(CallError::Exited(Exit::NoConnection))), "{called:?}");
            assert_eq!(a.node_of(*pid).unwrap().name.as_str(), "b");
        }
        world.settle().await;
        let heard = watcher.call(Heard).await.unwrap();
        let count = |what: &str| heard.iter().filter(|heard| *heard == what).count();
        assert_eq!((count("down: noconnection"), count("exit: noconnection")), (2 * LIVES, LIVES));
        assert!(a.figures().len() <= 3, "{:#?}", a.figures());
    });
}

/// A node that calls itself `b`, elsewhere, in its `life`; what it is told of itself.
async fn impostor(world: &World, listens: &'static str, life: u64) -> Vec<NodeHealth> {
    let mut events = world.probe::<NodeEvent>("told").await;
    let recipient = events.recipient();
    world.node("x", move |node| {
        let recipient = recipient.clone();
        async move {
            let mut config = Config::new("b".parse().unwrap(), listens);
            config.seeds = vec![at("a")];
            config.incarnation = Some(Incarnation(life));
            let transport = Arc::new(SimTransport::new(node.net().clone()));
            let cluster = Node::start(node.system(), config, transport).await.unwrap();
            cluster.watch(recipient).await;
            pending::<()>().await;
        }
    });
    world.advance(5000 * MS).await;
    let mut told = Vec::new();
    while let Some((event, _)) = events.try_next() {
        match event {
            NodeEvent::Unwanted(why) => told.push(why),
            // It is told of each refusal too.
            NodeEvent::Refused { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    told
}

#[test]
fn a_second_node_of_a_name_that_is_taken_is_refused_and_told() {
    Sim::new().seeds(3).check(async |world| {
        let house = three(world).await;
        let b = house.node("b").id().clone();
        let told = impostor(world, "x:4370", u64::MAX).await;
        let is_taken = |why: &NodeHealth| matches!(why, NodeHealth::NameTaken { holder, .. } if *holder == b);
        assert!(!told.is_empty() && told.iter().all(is_taken), "{told:?}");
        for name in ["a", "c"] {
            assert_eq!(house.reached(name).await, house.others(name), "{name}");
        }
        house.addr("b", "a").call(Add(1)).await.unwrap();
    });
}

#[test]
fn an_earlier_life_than_one_known_is_refused_and_told() {
    Sim::new().seeds(3).check(async |world| {
        let house = three(world).await;
        let b = house.node("b").id().clone();
        world.crash("b");
        world.advance(5000 * MS).await;
        let told = impostor(world, "x:4370", 1).await;
        let is_older = |why: &NodeHealth| matches!(why, NodeHealth::Superseded { by } if *by == b);
        assert!(!told.is_empty() && told.iter().all(is_older), "{told:?}");
        assert_eq!(house.reached("a").await, ["c"]);
    });
}
