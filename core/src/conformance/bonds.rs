//! Links.

use super::puppet::{Do, Event, Say, Strings, does, puppet, trapping};
use super::reasons;
use crate::{Exit, Info, System};
use futures::channel::oneshot;

async fn link(a: &Strings, b: &Strings) {
    let to = b.pid;
    a.does(move |cx| cx.link(to)).await;
}

async fn unlink(a: &Strings, b: &Strings) {
    let to = b.pid;
    a.does(move |cx| cx.unlink(to)).await;
}

pub async fn a_link_works_both_ways(system: System) {
    for reason in reasons() {
        for ends_first in [0, 1] {
            let mut pair = [trapping(&system).await, trapping(&system).await];
            link(&pair[0], &pair[1]).await;
            let from = pair[ends_first].pid;
            pair[ends_first].actor.cast(Do::stop(reason.clone())).unwrap();
            let expect = Info::Exit { from, reason: reason.clone() };
            assert_eq!(pair[1 - ends_first].events.info().await, expect);
        }
    }
}

pub async fn a_link_ends_one_that_does_not_trap_unless_the_end_was_normal(system: System) {
    for reason in reasons() {
        let (a, b) = (puppet(&system).await, puppet(&system).await);
        link(&a, &b).await;
        let end = system.ended(b.pid);
        system.stop(a.pid, reason.clone()).await.unwrap();
        if reason == Exit::Normal {
            assert_eq!(b.actor.call(Say(1)).await.unwrap(), 1);
        } else {
            assert_eq!(end.await, reason);
            assert_eq!(b.events.all().await.last(), Some(&Event::Dropped));
        }
    }
}

pub async fn a_chain_of_links_falls_from_one_end_to_the_other(system: System) {
    let mut chain = vec![puppet(&system).await];
    for n in 1..50 {
        chain.push(puppet(&system).await);
        link(&chain[n - 1], &chain[n]).await;
    }
    let end = system.ended(chain[49].pid);
    system.stop(chain[0].pid, Exit::error("domino")).await.unwrap();
    assert_eq!(end.await, Exit::error("domino"));
    assert!(system.is_empty());
}

pub async fn after_an_unlink_from_either_side_ends_are_no_longer_shared(system: System) {
    for other_side in [false, true] {
        let (a, mut b) = (puppet(&system).await, trapping(&system).await);
        link(&a, &b).await;
        if other_side {
            unlink(&b, &a).await
        } else {
            unlink(&a, &b).await
        }
        system.stop(a.pid, Exit::error("alone")).await.unwrap();
        b.is_through().await;
        assert_eq!(b.events.so_far(), []);
    }
}

pub async fn an_unlink_of_a_stranger_or_of_the_dead_does_nothing(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    unlink(&a, &b).await;
    system.stop(b.pid, Exit::Normal).await.unwrap();
    unlink(&a, &b).await;
    assert_eq!(a.actor.call(Say(1)).await.unwrap(), 1);
}

pub async fn a_link_to_the_dead_is_a_signal_noproc(system: System) {
    let dead = puppet(&system).await;
    system.stop(dead.pid, Exit::error("earlier")).await.unwrap();
    let mut traps = trapping(&system).await;
    link(&traps, &dead).await;
    assert_eq!(traps.events.info().await, Info::Exit { from: dead.pid, reason: Exit::NoProc });
    let plain = puppet(&system).await;
    let (end, pid) = (system.ended(plain.pid), dead.pid);
    plain.actor.cast(Do::now(move |_, cx| cx.link(pid))).unwrap();
    assert_eq!(end.await, Exit::NoProc);
}

pub async fn a_link_to_oneself_is_nothing(system: System) {
    let mut p = trapping(&system).await;
    let me = p.pid;
    p.does(move |cx| cx.link(me)).await;
    p.is_through().await;
    assert_eq!(p.events.so_far(), []);
    assert_eq!(system.stop(p.pid, Exit::error("x")).await, Ok(()));
}

pub async fn there_is_one_link_per_pair(system: System) {
    let (a, mut b) = (puppet(&system).await, trapping(&system).await);
    link(&a, &b).await;
    link(&a, &b).await;
    link(&b, &a).await;
    system.stop(a.pid, Exit::error("once")).await.unwrap();
    assert_eq!(b.events.info().await, Info::Exit { from: a.pid, reason: Exit::error("once") });
    b.is_through().await;
    assert_eq!(b.events.so_far(), []);

    let (a, mut b) = (puppet(&system).await, trapping(&system).await);
    link(&a, &b).await;
    link(&b, &a).await;
    unlink(&a, &b).await;
    system.stop(a.pid, Exit::error("never")).await.unwrap();
    b.is_through().await;
    assert_eq!(b.events.so_far(), [], "one unlink undoes them all");
}

pub async fn a_link_can_be_made_again(system: System) {
    let (a, mut b) = (puppet(&system).await, trapping(&system).await);
    link(&a, &b).await;
    unlink(&b, &a).await;
    link(&b, &a).await;
    system.stop(a.pid, Exit::error("again")).await.unwrap();
    assert_eq!(b.events.info().await, Info::Exit { from: a.pid, reason: Exit::error("again") });
}

pub async fn links_made_and_broken_from_both_ends_at_once_converge(system: System) {
    for round in 0..50 {
        let (a, mut b) = (trapping(&system).await, trapping(&system).await);
        let (a_pid, b_pid) = (a.pid, b.pid);
        let busy = |to: crate::Pid, n: u32| {
            Do::now(move |_, cx| {
                for i in 0..20 {
                    if (i + n) % 2 == 1 { cx.link(to) } else { cx.unlink(to) }
                }
            })
        };
        a.actor.cast(busy(b_pid, 0)).unwrap();
        b.actor.cast(busy(a_pid, 1)).unwrap();
        does(&a.actor, |_| ()).await;
        b.is_through().await;
        // Whatever came of that, a link made now is a link.
        if round % 2 == 0 {
            link(&a, &b).await
        } else {
            link(&b, &a).await
        }
        system.stop(a.pid, Exit::error("end")).await.unwrap();
        assert_eq!(b.events.info().await, Info::Exit { from: a.pid, reason: Exit::error("end") });
    }
}

pub async fn an_unlink_that_races_with_the_end_is_followed_by_no_signal(system: System) {
    for _ in 0..50 {
        let (a, mut b) = (puppet(&system).await, trapping(&system).await);
        link(&a, &b).await;
        let gate = a.hangs().await;
        let pid = a.pid;
        system.kill(pid);
        let (tell, told) = oneshot::channel();
        // What came before the unlink may wait in the mailbox; after it nothing comes.
        let act = Do::now(move |_, cx| {
            cx.unlink(pid);
            let _ = tell.send(());
        });
        b.actor.cast(act).unwrap();
        told.await.unwrap();
        drop(gate);
        b.is_through().await;
        let before = b.events.so_far().len();
        system.ended(pid).await;
        b.is_through().await;
        assert!(before <= 1);
        assert_eq!(b.events.so_far(), []);
    }
}
