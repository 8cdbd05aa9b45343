//! A mailbox that is kept: what waits when an incarnation ends is the next one's.

use super::puppet::{Do, Event, Events, Puppet, Say, Script, Strings, begin, hangs, puppet, said, yield_now};
use crate::{ActorRef, Bounded, CallError, Exit, SendError, System, TrapExits};

/// Starts a puppet at this place that keeps its mailbox.
async fn keeper(system: &System, actor: &ActorRef<Puppet>) -> Strings {
    let (log, events) = Events::new();
    let start = system.start(actor, Script::new(&log)).mailbox(Bounded(8)).keep_mailbox();
    let pid = start.await.expect("an init that succeeds");
    Strings { actor: actor.clone(), pid, events }
}

pub async fn what_waits_is_handled_by_the_next_incarnation_in_its_order(system: System) {
    let place = ActorRef::unnamed();
    let first = keeper(&system, &place).await;
    let _gate = hangs(&place).await;
    let mut call = Box::pin(place.call(Say(1)));
    assert!(begin(&mut call).await.is_pending());
    (2..=5).for_each(|n| first.casts(n));
    let end = system.ended(first.pid);
    system.kill(first.pid);
    end.await;
    assert_eq!(said(&first.events.all().await), []);
    assert_eq!(place.mailbox_len(), 5);
    assert!(matches!(place.cast(Say(9)), Err(SendError::NoProc(Say(9)))), "nobody lives there");
    assert!(begin(&mut call).await.is_pending(), "somebody may come to answer it");
    assert!(system.ledger().is_balanced());
    let mut second = keeper(&system, &place).await;
    second.casts(6);
    assert_eq!(call.await.unwrap(), 1);
    second.is_through().await;
    assert_eq!(second.said(), [1, 2, 3, 4, 5, 6]);
}

pub async fn the_message_in_hand_is_not_kept(system: System) {
    let place = ActorRef::unnamed();
    let first = keeper(&system, &place).await;
    let gate = hangs(&place).await;
    first.casts(1);
    place.cast(Do::panic("once")).unwrap();
    first.casts(2);
    let end = system.ended(first.pid);
    drop(gate);
    assert!(matches!(end.await, Exit::Panic(_)));
    assert_eq!(said(&first.events.all().await), [1]);
    let mut second = keeper(&system, &place).await;
    second.is_through().await;
    assert_eq!(second.said(), [2]);
}

pub async fn what_is_kept_for_nobody_becomes_dead_letters_and_its_calls_end(system: System) {
    let place = ActorRef::unnamed();
    let first = keeper(&system, &place).await;
    let _gate = hangs(&place).await;
    let mut call = Box::pin(place.call(Say(1)).no_timeout());
    assert!(begin(&mut call).await.is_pending());
    (2..=4).for_each(|n| first.casts(n));
    assert_eq!(place.bury_kept(), 0, "somebody lives there");
    let end = system.ended(first.pid);
    system.kill(first.pid);
    end.await;
    let before = system.ledger().dead_lettered;
    assert_eq!(place.bury_kept(), 4);
    assert!(matches!(call.await, Err(CallError::Exited(Exit::Killed))));
    assert_eq!((place.mailbox_len(), place.bury_kept()), (0, 0));
    let ledger = system.ledger();
    assert!(ledger.is_balanced() && ledger.dead_lettered == before + 4, "{ledger:?}");
    let mut second = keeper(&system, &place).await;
    second.is_through().await;
    assert_eq!(second.said(), []);
}

pub async fn notices_to_one_that_ended_are_not_kept(system: System) {
    let (place, other) = (ActorRef::unnamed(), puppet(&system).await);
    let first = keeper(&system, &place).await;
    let target = other.pid;
    place
        .call(Do::now(move |_, cx| {
            cx.trap_exits(TrapExits::Yes);
            cx.monitor(target);
            cx.link(target);
        }))
        .await
        .unwrap();
    let _gate = hangs(&place).await;
    first.casts(1);
    system.stop(target, Exit::Shutdown).await.unwrap();
    first.casts(2);
    let end = system.ended(first.pid);
    system.kill(first.pid);
    end.await;
    let mut second = keeper(&system, &place).await;
    second.is_through().await;
    assert_eq!(second.events.so_far(), [Event::Said(1), Event::Said(2)]);
}

pub async fn a_mailbox_is_kept_over_many_ends_and_with_very_many_messages(system: System) {
    let place = ActorRef::unnamed();
    let mut sent = 0;
    let mut seen = Vec::new();
    for _ in 0..20 {
        let (log, events) = Events::new();
        let start = system.start(&place, Script::new(&log)).mailbox(Bounded(100_000)).keep_mailbox();
        let pid = start.await.unwrap();
        drop(log);
        for _ in 0..700 {
            place.cast(Say(sent)).unwrap();
            sent += 1;
        }
        yield_now().await;
        let end = system.ended(pid);
        system.kill(pid);
        end.await;
        seen.extend(said(&events.all().await));
    }
    let mut last = keeper(&system, &place).await;
    while last.actor.mailbox_len() > 0 {
        yield_now().await;
    }
    last.is_through().await;
    seen.extend(last.said());
    // One of each life may have been in hand.
    assert!(seen.is_sorted() && seen.len() + 20 >= sent as usize, "{} of {sent}", seen.len());
}
