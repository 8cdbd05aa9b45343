//! Monitors.

use super::puppet::{Do, Event, Say, Strings, does, hangs, puppet, said, trapping};
use super::reasons;
use crate::{Exit, Info, MonitorRef, Pid, System};

async fn monitor(watcher: &Strings, target: Pid) -> MonitorRef {
    watcher.does(move |cx| cx.monitor(target)).await
}

pub async fn a_down_tells_the_reason_once(system: System) {
    for reason in reasons() {
        for waits_for_terminate in [true, false] {
            let (mut watcher, target) = (puppet(&system).await, puppet(&system).await);
            let monitor = monitor(&watcher, target.pid).await;
            if waits_for_terminate {
                target.actor.cast(Do::stop(reason.clone())).unwrap();
            } else if reason != Exit::Normal {
                system.exit(watcher.pid, target.pid, reason.clone());
            } else {
                continue;
            }
            let expect = Info::Down { pid: target.pid, monitor, reason: reason.clone() };
            assert_eq!(watcher.events.info().await, expect);
            watcher.is_through().await;
            assert_eq!(watcher.events.so_far(), []);
        }
    }
}

pub async fn a_monitor_of_the_dead_fires_at_once_with_noproc(system: System) {
    let (mut watcher, target) = (puppet(&system).await, puppet(&system).await);
    system.stop(target.pid, Exit::error("earlier")).await.unwrap();
    let first = monitor(&watcher, target.pid).await;
    let expect = Info::Down { pid: target.pid, monitor: first, reason: Exit::NoProc };
    assert_eq!(watcher.events.info().await, expect);
    let stranger = Pid::from_parts(0, 99_999, 7);
    let second = monitor(&watcher, stranger).await;
    let expect = Info::Down { pid: stranger, monitor: second, reason: Exit::NoProc };
    assert_eq!(watcher.events.info().await, expect);
}

pub async fn each_monitor_has_a_down_of_its_own(system: System) {
    let (mut watcher, target) = (puppet(&system).await, puppet(&system).await);
    let refs = [monitor(&watcher, target.pid).await, monitor(&watcher, target.pid).await];
    assert_ne!(refs[0], refs[1]);
    system.stop(target.pid, Exit::Normal).await.unwrap();
    let mut seen = Vec::new();
    for _ in refs {
        let Info::Down { monitor, .. } = watcher.events.info().await else { panic!("no down") };
        seen.push(monitor);
    }
    seen.sort();
    assert_eq!(seen, refs);
    watcher.is_through().await;
    assert_eq!(watcher.events.so_far(), []);
}

pub async fn one_of_two_monitors_can_be_ended(system: System) {
    let (mut watcher, target) = (puppet(&system).await, puppet(&system).await);
    let (ended, kept) = (monitor(&watcher, target.pid).await, monitor(&watcher, target.pid).await);
    assert!(watcher.does(move |cx| cx.demonitor(ended)).await);
    system.stop(target.pid, Exit::Normal).await.unwrap();
    let expect = Info::Down { pid: target.pid, monitor: kept, reason: Exit::Normal };
    assert_eq!(watcher.events.info().await, expect);
    watcher.is_through().await;
    assert_eq!(watcher.events.so_far(), []);
}

pub async fn a_demonitor_twice_or_by_a_stranger_does_nothing(system: System) {
    let (mut watcher, target) = (puppet(&system).await, puppet(&system).await);
    let stranger = puppet(&system).await;
    let monitor = monitor(&watcher, target.pid).await;
    assert!(!stranger.does(move |cx| cx.demonitor(monitor)).await);
    assert!(watcher.does(move |cx| cx.demonitor(monitor)).await);
    assert!(!watcher.does(move |cx| cx.demonitor(monitor)).await);
    system.stop(target.pid, Exit::Normal).await.unwrap();
    watcher.is_through().await;
    assert_eq!(watcher.events.so_far(), []);
}

pub async fn a_demonitor_takes_back_a_down_that_waits_in_the_mailbox(system: System) {
    let (mut watcher, target) = (puppet(&system).await, puppet(&system).await);
    let monitor = monitor(&watcher, target.pid).await;
    let (pid, killer) = (target.pid, system.clone());
    let act = Do::new(move |puppet, cx| {
        Box::pin(async move {
            let end = killer.ended(pid);
            killer.kill(pid);
            end.await;
            // Whoever waits for an end learns of it after the monitors: the down is in the mailbox.
            puppet.tell(Event::Said(u32::from(cx.demonitor(monitor))));
        })
    });
    watcher.actor.call(act).await.unwrap();
    watcher.is_through().await;
    assert_eq!(watcher.events.so_far(), [Event::Said(1)]);
}

pub async fn a_down_that_was_handled_cannot_be_taken_back(system: System) {
    let (mut watcher, target) = (puppet(&system).await, puppet(&system).await);
    let monitor = monitor(&watcher, target.pid).await;
    system.stop(target.pid, Exit::Normal).await.unwrap();
    assert!(matches!(watcher.events.info().await, Info::Down { .. }));
    assert!(!watcher.does(move |cx| cx.demonitor(monitor)).await);
}

pub async fn a_down_comes_after_all_that_the_dead_had_sent(system: System) {
    for _ in 0..20 {
        let (watcher, target) = (puppet(&system).await, puppet(&system).await);
        monitor(&watcher, target.pid).await;
        let to = watcher.actor.clone();
        target
            .actor
            .cast(Do::now(move |_, cx| {
                (0..100).for_each(|n| to.cast(Say(n)).unwrap());
                cx.stop(Exit::Normal);
            }))
            .unwrap();
        let mut events = watcher.events;
        let mut seen = Vec::new();
        while !matches!(seen.last(), Some(Event::Info(_))) {
            seen.push(events.next().await);
        }
        assert_eq!(said(&seen), (0..100).collect::<Vec<_>>());
        assert_eq!(seen.len(), 101);
    }
}

pub async fn a_name_is_free_once_the_down_of_its_owner_came(system: System) {
    let watcher = puppet(&system).await;
    let mut events = watcher.events;
    let mut owner = puppet(&system).await;
    system.register("baton", owner.pid).unwrap();
    for _ in 0..50 {
        let pid = owner.pid;
        does(&watcher.actor, move |cx| cx.monitor(pid)).await;
        assert!(system.kill(pid));
        assert!(matches!(events.info().await, Info::Down { .. }));
        assert_eq!(system.whereis("baton"), None);
        owner = puppet(&system).await;
        system.register("baton", owner.pid).unwrap();
    }
}

pub async fn a_monitor_goes_with_its_watcher(system: System) {
    let (watcher, target) = (puppet(&system).await, puppet(&system).await);
    monitor(&watcher, target.pid).await;
    system.stop(watcher.pid, Exit::Normal).await.unwrap();
    system.stop(target.pid, Exit::Normal).await.unwrap();
    assert_eq!(watcher.events.all().await.last(), Some(&Event::Dropped));
    assert_eq!(watcher.actor.ledger().dead_lettered, 0);
}

pub async fn a_monitor_is_not_a_link(system: System) {
    let (watcher, target) = (puppet(&system).await, puppet(&system).await);
    monitor(&watcher, target.pid).await;
    assert!(system.kill(watcher.pid));
    assert_eq!(target.actor.call(Say(1)).await.unwrap(), 1);
}

pub async fn a_monitor_watches_an_incarnation_and_not_a_place(system: System) {
    let (mut watcher, target) = (puppet(&system).await, puppet(&system).await);
    let (log, _events) = super::puppet::Events::new();
    monitor(&watcher, target.pid).await;
    system.stop(target.pid, Exit::Normal).await.unwrap();
    let again = system.start(&target.actor, super::puppet::Script::new(&log)).await.unwrap();
    assert!(matches!(watcher.events.info().await, Info::Down { pid, .. } if pid == target.pid));
    system.stop(again, Exit::Normal).await.unwrap();
    watcher.is_through().await;
    assert_eq!(watcher.events.so_far(), []);
}

pub async fn many_that_watch_and_many_that_die_all_meet(system: System) {
    let mut watchers = Vec::new();
    let mut targets = Vec::new();
    for _ in 0..20 {
        watchers.push(puppet(&system).await);
        targets.push(trapping(&system).await);
    }
    for watcher in &watchers {
        let pids: Vec<_> = targets.iter().map(|target| target.pid).collect();
        watcher
            .does(move |cx| {
                pids.into_iter().for_each(|pid| {
                    cx.monitor(pid);
                })
            })
            .await;
    }
    for target in &targets {
        system.kill(target.pid);
    }
    for watcher in &mut watchers {
        let mut seen = Vec::new();
        for _ in 0..20 {
            let Info::Down { pid, .. } = watcher.events.info().await else { panic!("no down") };
            seen.push(pid);
        }
        seen.sort();
        let mut expect: Vec<_> = targets.iter().map(|target| target.pid).collect();
        expect.sort();
        assert_eq!(seen, expect);
        watcher.is_through().await;
        assert_eq!(watcher.events.so_far(), []);
    }
}

pub async fn whoever_waits_for_an_end_gets_its_reason(system: System) {
    let p = puppet(&system).await;
    let ends: Vec<_> = (0..10).map(|_| system.ended(p.pid)).collect();
    drop(system.ended(p.pid));
    let gate = hangs(&p.actor).await;
    p.actor.cast(Do::stop(Exit::error("told"))).unwrap();
    drop(gate);
    for end in ends {
        assert_eq!(end.await, Exit::error("told"));
    }
    assert_eq!(system.ended(p.pid).await, Exit::NoProc);
}
