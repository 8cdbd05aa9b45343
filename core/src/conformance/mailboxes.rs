//! Full mailboxes: what each policy does, and what a full mailbox never does.

use super::puppet::{Do, Event, Keep, Say, begin, puppet, said, with_mailbox};
use crate::{Bounded, CallError, Capacity, Exit, Info, Overflow, SendError, System, Unbounded};
use std::task::Poll;
use std::time::Duration;

fn two(policy: Overflow) -> Capacity {
    Bounded(2).on_full(policy)
}

pub async fn a_full_mailbox_does_what_its_policy_says(system: System) {
    for (policy, left, discarded) in [
        (Overflow::Wait, vec![1, 2], 0),
        (Overflow::Refuse, vec![1, 2], 0),
        (Overflow::DropNewest, vec![1, 2], 1),
        (Overflow::DropOldest, vec![2, 3], 1),
    ] {
        let mut p = with_mailbox(&system, two(policy)).await;
        let gate = p.hangs().await;
        p.casts(1);
        p.casts(2);
        let third = p.actor.cast(Say(3));
        let is_refused = matches!(third, Err(SendError::Full(Say(3))));
        assert_eq!(is_refused, matches!(policy, Overflow::Wait | Overflow::Refuse), "{policy:?}");
        assert_eq!((p.actor.mailbox_len(), p.actor.ledger().discarded), (2, discarded), "{policy:?}");
        drop(gate);
        for n in left {
            assert_eq!(p.events.next().await, Event::Said(n), "{policy:?}");
        }
        p.is_through().await;
        assert_eq!(p.events.so_far(), [], "{policy:?}");
    }
}

pub async fn a_mailbox_is_bounded_unless_one_says_otherwise(system: System) {
    let p = puppet(&system).await;
    let _gate = p.hangs().await;
    (0..1024).for_each(|n| p.casts(n));
    assert!(matches!(p.actor.cast(Say(1024)), Err(SendError::Full(Say(1024)))));
    let u = with_mailbox(&system, Unbounded).await;
    let _gate = u.hangs().await;
    (0..5000).for_each(|n| u.casts(n));
    assert_eq!(u.actor.mailbox_len(), 5000);
}

pub async fn senders_that_wait_get_room_in_the_order_they_came(system: System) {
    let mut p = with_mailbox(&system, Bounded(1)).await;
    let gate = p.hangs().await;
    p.casts(0);
    let actor = p.actor.clone();
    let mut waiting: Vec<_> = (1..=5).map(|n| Box::pin(actor.send(Say(n)))).collect();
    for send in &mut waiting {
        assert!(begin(send).await.is_pending());
    }
    drop(gate);
    for send in waiting {
        send.await.unwrap();
    }
    p.is_through().await;
    assert_eq!(p.said(), [0, 1, 2, 3, 4, 5]);
}

pub async fn a_send_that_is_dropped_has_sent_nothing(system: System) {
    let mut p = with_mailbox(&system, Bounded(1)).await;
    let gate = p.hangs().await;
    p.casts(0);
    let actor = p.actor.clone();
    let (mut gone, mut stays) = (Box::pin(actor.send(Say(1))), Box::pin(actor.send(Say(2))));
    assert!(begin(&mut gone).await.is_pending() && begin(&mut stays).await.is_pending());
    drop(gone);
    drop(gate);
    stays.await.unwrap();
    p.is_through().await;
    assert_eq!(p.said(), [0, 2]);
}

pub async fn senders_that_wait_learn_of_the_end(system: System) {
    let p = with_mailbox(&system, Bounded(1)).await;
    let _gate = p.hangs().await;
    p.casts(0);
    let mut send = Box::pin(p.actor.send(Say(1)));
    let mut call = Box::pin(p.actor.call(Say(2)));
    assert!(begin(&mut send).await.is_pending() && begin(&mut call).await.is_pending());
    assert!(system.kill(p.pid));
    assert!(matches!(send.await, Err(SendError::NoProc(Say(1)))));
    assert!(matches!(call.await, Err(CallError::NoProc(Say(2)))));
}

pub async fn a_full_mailbox_gives_a_call_back_or_says_that_it_was_discarded(system: System) {
    let p = with_mailbox(&system, two(Overflow::Refuse)).await;
    let _gate = p.hangs().await;
    p.casts(1);
    p.casts(2);
    assert!(matches!(p.actor.call(Say(3)).await, Err(CallError::Full(Say(3)))));

    let p = with_mailbox(&system, two(Overflow::DropNewest)).await;
    let _gate = p.hangs().await;
    p.casts(1);
    p.casts(2);
    let newest = p.actor.call(Say(3)).await;
    assert!(matches!(newest, Err(CallError::Discarded)), "{newest:?}");

    let p = with_mailbox(&system, two(Overflow::DropOldest)).await;
    let _gate = p.hangs().await;
    let mut oldest = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut oldest).await.is_pending());
    p.casts(2);
    p.casts(3);
    let oldest = oldest.await;
    assert!(matches!(oldest, Err(CallError::Discarded)), "{oldest:?}");
}

pub async fn a_call_waits_for_room_within_its_time_limit(system: System) {
    let mut p = with_mailbox(&system, Bounded(1)).await;
    let gate = p.hangs().await;
    p.casts(0);
    let late = p.actor.call(Say(1)).timeout(Duration::from_millis(2)).await;
    assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
    let actor = p.actor.clone();
    let mut call = Box::pin(actor.call(Say(2)));
    assert!(begin(&mut call).await.is_pending());
    drop(gate);
    assert_eq!(call.await.unwrap(), 2);
    assert_eq!(p.said(), [0, 2]);
}

pub async fn notices_are_not_lost_in_a_full_mailbox(system: System) {
    for policy in [Overflow::Wait, Overflow::Refuse, Overflow::DropNewest, Overflow::DropOldest] {
        let mut p = with_mailbox(&system, two(policy)).await;
        let (target, other) = (puppet(&system).await, p.actor.clone());
        let watched = target.pid;
        let monitor = p.does(move |cx| cx.monitor(watched)).await;
        let gate = p.hangs().await;
        p.casts(1);
        p.casts(2);
        system.stop(target.pid, Exit::error("over")).await.unwrap();
        for n in 3..10 {
            let _ = other.cast(Say(n));
        }
        drop(gate);
        let down = Event::Info(Info::Down { pid: target.pid, monitor, reason: Exit::error("over") });
        let mut events = Vec::new();
        while events.last() != Some(&down) {
            events.push(p.events.next().await);
        }
        p.is_through().await;
        events.append(&mut p.events.so_far());
        assert_eq!(events.iter().filter(|event| **event == down).count(), 1, "{policy:?}: {events:?}");
        assert!(said(&events).len() <= 3, "{policy:?}: {events:?}");
    }
}

pub async fn a_stop_overtakes_any_number_of_messages(system: System) {
    let p = with_mailbox(&system, Unbounded).await;
    let gate = p.hangs().await;
    (0..10_000).for_each(|n| p.casts(n));
    let mut stop = Box::pin(system.stop(p.pid, Exit::error("now")));
    assert_eq!(begin(&mut stop).await, Poll::Pending);
    drop(gate);
    stop.await.unwrap();
    let events = p.events.all().await;
    assert_eq!(events, [Event::Terminated(Exit::error("now")), Event::Dropped]);
    assert_eq!(p.actor.ledger().dead_lettered, 10_000);
}

pub async fn a_bounded_mailbox_under_pressure_loses_nothing(system: System) {
    let mut to = with_mailbox(&system, Bounded(4)).await;
    let mut senders = Vec::new();
    for sender in 0..4 {
        let (from, actor) = (puppet(&system).await, to.actor.clone());
        from.actor
            .cast(Do::new(move |_, _| {
                Box::pin(async move {
                    for n in 0..200 {
                        actor.send(Say(sender * 1000 + n)).await.unwrap();
                    }
                })
            }))
            .unwrap();
        senders.push(from);
    }
    for sender in &mut senders {
        sender.is_through().await;
    }
    to.is_through().await;
    let mut said = to.said();
    assert_eq!(said.len(), 800);
    said.sort_unstable();
    assert_eq!(said, (0..4).flat_map(|s| (0..200).map(move |n| s * 1000 + n)).collect::<Vec<_>>());
}
