//! Nodes that are of one cluster.

use crate::cast::{Add, Get, Hold, Make, Watch, Weigh, Who};
use crate::house::{Home, Net, authority, certified, config, run, two};
use futures::future::{join, join_all};
use ravelin_cluster::NodeEvent;
use ravelin_cluster::proto::groups::Group;
use ravelin_cluster::proto::reach::Why;
use std::sync::atomic::{AtomicBool, Ordering};

claims! {
    three_nodes_with_one_seed_reach_one_another_and_share_groups
    messages_calls_and_monitors_cross
    a_large_message_holds_up_no_small_one
    a_node_whose_tree_is_killed_is_down_at_once_for_all_that_wait_for_it
    who_leaves_says_so
}

async fn three_nodes_with_one_seed_reach_one_another_and_share_groups(net: Net) {
    let authority = authority();
    let (mut a, mut b) = two(net, &authority).await;
    let mut c = Home::start(config("c", Some(&a)), net.over(certified(&authority, "c"))).await;
    a.meets("c").await;
    b.meets("c").await;
    c.meets("b").await;
    assert_eq!(a.reached().await, ["b", "c"]);
    assert_eq!(b.reached().await, ["a", "c"]);
    assert_eq!(c.reached().await, ["a", "b"]);
    let group = Group::new("", "all").unwrap();
    for home in [&a, &b, &c] {
        home.node.join(&group, &home.puppet).await.unwrap();
    }
    // Each has told the others when they have its message: what is behind it on the link is there as well.
    for home in [&a, &b, &c] {
        while home.node.members(&group).len() < 3 {
            join_all([&a, &b, &c].map(|other| async { home.puppet_of(other).call(Who).await })).await;
        }
        assert_eq!(home.node.local_members(&group).len(), 1);
    }
    assert_eq!(a.node.broadcast(&group, &Add(7)), 3);
    for home in [&a, &b, &c] {
        assert_eq!(a.puppet_of(home).call(Get).await.unwrap(), [7]);
    }
}

async fn messages_calls_and_monitors_cross(net: Net) {
    let (mut a, b) = two(net, &authority()).await;
    let there = a.puppet_of(&b);
    for n in 1..=1000 {
        there.cast(Add(n)).unwrap();
    }
    there.send(Add(1001)).await.unwrap();
    assert_eq!(there.call(Get).await.unwrap(), (1..=1001).collect::<Vec<_>>());
    let pid = there.call(Who).await.unwrap();
    assert_eq!(a.node.node_of(pid).as_deref(), Some(b.node.id()));
    a.puppet.call(Watch(pid)).await.unwrap();
    // The monitor is there: it went before this call.
    there.call(Get).await.unwrap();
    b.node.system().kill(b.puppet.pid().unwrap());
    assert_eq!(a.heard.until(|heard| Some(heard.clone())).await, "down: killed");
    assert_eq!(there.call(Get).await.unwrap_err().to_string(), "noproc: there is no such actor");
}

async fn a_large_message_holds_up_no_small_one(net: Net) {
    const LARGE: usize = 20 << 20;
    let (a, b) = two(net, &authority()).await;
    // What one asks of one actor stays in order, so the small ones go to its pid.
    let (large, small) = (a.puppet_of(&b), a.puppet_of(&b).call(Who).await.unwrap());
    let small = a.node.at::<crate::cast::Puppet>(small);
    let is_done = AtomicBool::new(false);
    let large = async {
        assert_eq!(large.call(Weigh("l".repeat(LARGE))).no_timeout().await.unwrap(), LARGE);
        is_done.store(true, Ordering::Relaxed);
    };
    let small = async {
        let mut meanwhile = 0;
        while !is_done.load(Ordering::Relaxed) {
            small.call(Who).await.unwrap();
            meanwhile += 1;
        }
        meanwhile
    };
    let ((), meanwhile) = join(large, small).await;
    // The last may have come back after it.
    assert!(meanwhile > 1, "{meanwhile} calls came back while one large one went");
    const ANSWER: usize = 2 << 20;
    let made = a.puppet_of(&b).call(Make(ANSWER)).no_timeout().await.unwrap();
    assert!(made.len() == ANSWER && made.bytes().all(|byte| byte == b'm'));
}

async fn a_node_whose_tree_is_killed_is_down_at_once_for_all_that_wait_for_it(net: Net) {
    let (mut a, mut b) = two(net, &authority()).await;
    let there = a.puppet_of(&b);
    a.puppet.call(Watch(there.call(Who).await.unwrap())).await.unwrap();
    let call = async {
        let error = there.call(Hold).no_timeout().await.unwrap_err();
        assert_eq!(error.to_string(), "the callee ended: noconnection");
    };
    let kill = async {
        b.heard.until(|heard| (heard == "holds").then_some(())).await;
        assert!(b.node.system().kill(b.node.tree().pid().unwrap()));
    };
    join(call, kill).await;
    assert_eq!(a.heard.until(|heard| Some(heard.clone())).await, "down: noconnection");
    let why = a.events.until(|event| match event {
        NodeEvent::Down(id, why) if id == b.node.id() => Some(*why),
        _ => None,
    });
    assert_eq!(why.await, Why::LinkLost, "not by silence");
    assert!(a.reached().await.is_empty());
    assert!(a.heard.rest().is_empty(), "once");
}

async fn who_leaves_says_so(net: Net) {
    let (mut a, b) = two(net, &authority()).await;
    let held = a.puppet.call(Get).await.unwrap();
    b.puppet_of(&a).cast(Add(1)).unwrap();
    b.node.leave().await;
    let why = a.events.until(|event| match event {
        NodeEvent::Down(id, why) if id == b.node.id() => Some(*why),
        _ => None,
    });
    assert_eq!(why.await, Why::Left);
    assert_eq!((held, a.puppet.call(Get).await.unwrap()), (vec![], vec![1]), "what waited went before");
}
