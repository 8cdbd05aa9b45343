//! Process groups.

use super::puppet::{Events, puppet, yield_now};
use crate::{Exit, GroupChange, Info, MonitorRef, Pid, System};
use std::sync::Arc;

fn change(info: Info) -> (Arc<str>, MonitorRef, Pid, GroupChange) {
    match info {
        Info::Group { group, monitor, pid, change } => (group, monitor, pid, change),
        other => panic!("expected a change of a group, got {other:?}"),
    }
}

pub async fn a_group_is_a_multiset(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    assert_eq!(system.members("g"), []);
    assert!(system.join("g", a.pid) && system.join("g", a.pid) && system.join("g", b.pid));
    let mut expect = vec![a.pid, a.pid, b.pid];
    expect.sort();
    assert_eq!(system.members("g"), expect);
    assert!(system.leave("g", a.pid));
    assert_eq!(system.members("g").len(), 2);
    assert!(system.leave("g", a.pid));
    assert!(!system.leave("g", a.pid), "not joined");
    assert_eq!(system.members("g"), [b.pid]);
}

pub async fn one_that_is_no_member_cannot_leave(system: System) {
    let p = puppet(&system).await;
    assert!(!system.leave("g", p.pid));
    system.join("other", p.pid);
    assert!(!system.leave("g", p.pid));
    assert!(!p.does(|cx| cx.leave("g")).await);
    p.does(|cx| cx.join("g")).await;
    assert!(p.does(|cx| cx.leave("g")).await);
}

pub async fn an_empty_group_disappears(system: System) {
    let p = puppet(&system).await;
    system.join("g", p.pid);
    system.join("h", p.pid);
    assert_eq!(system.groups(), [Arc::from("g"), Arc::from("h")]);
    system.leave("g", p.pid);
    assert_eq!(system.groups(), [Arc::from("h")]);
    system.stop(p.pid, Exit::Normal).await.unwrap();
    assert_eq!(system.groups(), []);
}

pub async fn members_go_when_they_end(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    for _ in 0..3 {
        system.join("g", a.pid);
    }
    system.join("g", b.pid);
    let end = system.ended(a.pid);
    system.kill(a.pid);
    end.await;
    assert_eq!(system.members("g"), [b.pid]);
}

pub async fn the_dead_cannot_join(system: System) {
    let p = puppet(&system).await;
    system.stop(p.pid, Exit::Normal).await.unwrap();
    assert!(!system.join("g", p.pid));
    assert_eq!(system.members("g"), []);
}

pub async fn a_join_that_races_with_the_end_leaves_no_dead_member(system: System) {
    for _ in 0..40 {
        let p = puppet(&system).await;
        let (pid, killer) = (p.pid, system.clone());
        system.runtime().spawn_blocking(Box::new(move || {
            let _ = killer.kill(pid);
        }));
        while system.join("g", pid) {
            yield_now().await;
        }
        system.ended(pid).await;
        while system.is_alive(pid) {
            yield_now().await;
        }
        assert_eq!(system.members("g"), []);
    }
}

pub async fn a_monitor_of_a_group_sees_the_members_and_then_each_change(system: System) {
    let (mut watcher, a, b) = (puppet(&system).await, puppet(&system).await, puppet(&system).await);
    system.join("g", a.pid);
    let (monitor, members) = watcher.does(|cx| cx.monitor_group("g")).await;
    assert_eq!(members, [a.pid]);
    let g: Arc<str> = "g".into();
    system.join("g", b.pid);
    system.join("h", b.pid);
    assert_eq!(change(watcher.events.info().await), (g.clone(), monitor, b.pid, GroupChange::Joined));
    system.leave("g", a.pid);
    assert_eq!(change(watcher.events.info().await), (g.clone(), monitor, a.pid, GroupChange::Left));
    system.kill(b.pid);
    assert_eq!(change(watcher.events.info().await), (g.clone(), monitor, b.pid, GroupChange::Left));
    assert_eq!(system.groups(), []);
    system.join("g", a.pid);
    assert_eq!(change(watcher.events.info().await), (g, monitor, a.pid, GroupChange::Joined));
    watcher.is_through().await;
    assert_eq!(watcher.events.so_far(), []);
}

pub async fn the_changes_of_a_group_come_without_a_gap(system: System) {
    let watcher = super::puppet::with_mailbox(&system, crate::Unbounded).await;
    let mut busy = Vec::new();
    for _ in 0..4 {
        let p = puppet(&system).await;
        let mine = system.clone();
        let act = super::puppet::Do::new(move |_, cx| {
            Box::pin(async move {
                for _ in 0..100 {
                    cx.join("g");
                    yield_now().await;
                    assert!(mine.leave("g", cx.pid()));
                }
                cx.join("g");
            })
        });
        p.actor.cast(act).unwrap();
        busy.push(p);
    }
    let (_, mut members) = watcher.does(|cx| cx.monitor_group("g")).await;
    for p in &mut busy {
        p.is_through().await;
    }
    watcher.does(|_| ()).await;
    let mut events = watcher.events;
    for event in events.so_far() {
        let super::puppet::Event::Info(info) = event else { panic!("unexpected {event:?}") };
        let (_, _, pid, change) = change(info);
        match change {
            GroupChange::Joined => members.push(pid),
            GroupChange::Left => {
                let at = members.iter().position(|each| *each == pid).expect("it had joined");
                members.swap_remove(at);
            }
        }
    }
    members.sort();
    assert_eq!(members, system.members("g"));
}

pub async fn an_ended_monitor_of_a_group_says_nothing_more(system: System) {
    let (mut watcher, a) = (puppet(&system).await, puppet(&system).await);
    let (first, _) = watcher.does(|cx| cx.monitor_group("g")).await;
    let (second, _) = watcher.does(|cx| cx.monitor_group("g")).await;
    let (pid, joins) = (a.pid, system.clone());
    // The change waits in the mailbox when the monitor is ended: it is taken back.
    let was_there = watcher
        .does(move |cx| {
            joins.join("g", pid);
            (cx.demonitor_group(first), cx.demonitor_group(first))
        })
        .await;
    assert_eq!(was_there, (true, false));
    watcher.is_through().await;
    let changes: Vec<_> = watcher.events.so_far();
    assert_eq!(changes.len(), 1, "{changes:?}");
    system.leave("g", a.pid);
    let (_, monitor, _, left) = change(watcher.events.info().await);
    assert_eq!((monitor, left), (second, GroupChange::Left));
}

pub async fn a_monitor_of_a_group_goes_with_its_watcher(system: System) {
    let (watcher, a) = (puppet(&system).await, puppet(&system).await);
    watcher.does(|cx| drop(cx.monitor_group("g"))).await;
    system.stop(watcher.pid, Exit::Normal).await.unwrap();
    system.join("g", a.pid);
    assert_eq!(watcher.actor.ledger().dead_lettered, 0);
    let (log, mut events) = Events::new();
    let again = super::puppet::Script::new(&log);
    system.start(&watcher.actor, again).await.unwrap();
    system.leave("g", a.pid);
    super::puppet::does(&watcher.actor, |_| ()).await;
    assert_eq!(events.so_far(), [], "a monitor is an incarnation's");
}
