//! Sending: order, the dead, places, recipients, and what an actor tells itself.

use super::puppet::{
    Do, Event, Events, Say, Script, puppet, said, scripted, trapping, with_mailbox, yield_now,
};
use crate::{ActorRef, CallError, Exit, Info, Recipient, SendError, System, Unbounded};

pub async fn messages_of_one_sender_arrive_in_the_order_sent(system: System) {
    let mut p = with_mailbox(&system, Unbounded).await;
    for n in 0..300 {
        match n % 3 {
            0 => p.casts(n),
            1 => p.actor.send(Say(n)).await.unwrap(),
            _ => assert_eq!(p.actor.call(Say(n)).await.unwrap(), n),
        }
    }
    p.is_through().await;
    assert_eq!(p.said(), (0..300).collect::<Vec<_>>());
}

pub async fn messages_of_many_senders_keep_the_order_of_each(system: System) {
    let mut to = with_mailbox(&system, Unbounded).await;
    let mut senders = Vec::new();
    for sender in 0..4 {
        let (from, actor) = (puppet(&system).await, to.actor.clone());
        let act = move |n: u32| actor.cast(Say(sender * 1000 + n)).unwrap();
        from.actor.cast(Do::now(move |_, _| (0..500).for_each(act))).unwrap();
        senders.push(from);
    }
    for sender in &mut senders {
        sender.is_through().await;
    }
    to.is_through().await;
    let said = to.said();
    for sender in 0..4 {
        let of_sender: Vec<_> = said.iter().copied().filter(|n| n / 1000 == sender).collect();
        assert_eq!(of_sender, (sender * 1000..sender * 1000 + 500).collect::<Vec<_>>());
    }
}

pub async fn messages_and_exit_signals_of_one_sender_arrive_in_the_order_sent(system: System) {
    let (from, mut to) = (puppet(&system).await, trapping(&system).await);
    let (actor, pid) = (to.actor.clone(), to.pid);
    from.does(move |cx| {
        actor.cast(Say(1)).unwrap();
        cx.exit(pid, Exit::error("between"));
        actor.cast(Say(2)).unwrap();
    })
    .await;
    assert_eq!(to.events.next().await, Event::Said(1));
    assert_eq!(to.events.info().await, Info::Exit { from: from.pid, reason: Exit::error("between") });
    assert_eq!(to.events.next().await, Event::Said(2));
}

pub async fn nothing_sent_after_a_fatal_exit_signal_is_handled(system: System) {
    for _ in 0..100 {
        let (from, to) = (puppet(&system).await, puppet(&system).await);
        let (actor, pid) = (to.actor.clone(), to.pid);
        let end = system.ended(to.pid);
        from.does(move |cx| {
            let _ = actor.cast(Say(1));
            cx.exit(pid, Exit::error("fatal"));
            let _ = actor.cast(Say(2));
        })
        .await;
        assert_eq!(end.await, Exit::error("fatal"));
        assert!(!said(&to.events.all().await).contains(&2));
    }
}

pub async fn a_message_to_the_dead_comes_back(system: System) {
    let p = puppet(&system).await;
    system.stop(p.pid, Exit::Normal).await.unwrap();
    assert!(matches!(p.actor.cast(Say(7)), Err(SendError::NoProc(Say(7)))));
    assert!(matches!(p.actor.send(Say(8)).await, Err(SendError::NoProc(Say(8)))));
    assert!(matches!(p.actor.call(Say(9)).await, Err(CallError::NoProc(Say(9)))));
    assert_eq!(p.actor.cast(Say(10)).unwrap_err().into_message(), Say(10));
}

pub async fn a_place_that_nobody_lives_at_hands_messages_back(system: System) {
    let place = ActorRef::<super::puppet::Puppet>::place("empty");
    assert!(matches!(place.cast(Say(1)), Err(SendError::NoProc(Say(1)))));
    assert!(matches!(place.call(Say(2)).await, Err(CallError::NoProc(Say(2)))));
    assert_eq!((place.pid(), place.last_exit(), system.len()), (None, None, 0));
}

pub async fn a_place_reaches_the_present_incarnation(system: System) {
    let (log, mut events) = Events::new();
    let place = ActorRef::<super::puppet::Puppet>::place("phoenix");
    let recipient: Recipient<Say> = place.recipient();
    let mut pids = Vec::new();
    for n in 0..3 {
        let pid = system.start(&place, Script::new(&log)).await.unwrap();
        assert_eq!((place.pid(), recipient.pid()), (Some(pid), Some(pid)));
        assert_eq!(place.call(Say(n)).await.unwrap(), n);
        assert_eq!(recipient.call(Say(n + 10)).await.unwrap(), n + 10);
        system.stop(pid, Exit::error(n)).await.unwrap();
        assert_eq!((place.pid(), place.last_exit()), (None, Some(Exit::error(n))));
        assert!(!pids.contains(&pid));
        pids.push(pid);
    }
    assert_eq!(said(&events.so_far()), [0, 10, 1, 11, 2, 12]);
}

pub async fn a_recipient_sends_like_its_actor(system: System) {
    let mut p = puppet(&system).await;
    let recipient: Recipient<Say> = p.actor.recipient();
    let other = recipient.clone();
    recipient.cast(Say(1)).unwrap();
    other.send(Say(2)).await.unwrap();
    assert_eq!(recipient.call(Say(3)).await.unwrap(), 3);
    assert_eq!(p.said(), [1, 2, 3]);
    system.stop(p.pid, Exit::Normal).await.unwrap();
    assert!(matches!(other.cast(Say(4)), Err(SendError::NoProc(Say(4)))));
    assert!(matches!(recipient.call(Say(5)).await, Err(CallError::NoProc(Say(5)))));
}

pub async fn dropping_every_reference_stops_nothing(system: System) {
    let p = puppet(&system).await;
    drop(p.actor);
    assert!(system.is_alive(p.pid));
    system.register("kept", p.pid).unwrap();
    assert_eq!(system.whereis("kept"), Some(p.pid));
}

pub async fn what_init_continues_with_goes_before_any_message(system: System) {
    let (log, mut events) = Events::new();
    let place = ActorRef::<super::puppet::Puppet>::unnamed();
    let early = place.clone();
    let script = Script::new(&log).init(move |cx| {
        Box::pin(async move {
            early.cast(Say(3)).unwrap();
            cx.continue_with(Do::now(|puppet, cx| {
                puppet.tell(Event::Said(1));
                cx.continue_with(Say(2));
            }));
            early.cast(Say(4)).unwrap();
            Ok(())
        })
    });
    system.start(&place, script).await.unwrap();
    assert_eq!(place.call(Say(5)).await.unwrap(), 5);
    assert_eq!(said(&events.so_far()), [1, 2, 3, 4, 5]);
}

pub async fn a_continuation_follows_its_handler_and_may_stop(system: System) {
    let p = puppet(&system).await;
    let end = system.ended(p.pid);
    let actor = p.actor.clone();
    p.actor
        .cast(Do::now(move |_, cx| {
            actor.cast(Say(2)).unwrap();
            cx.continue_with(Say(1));
            cx.continue_with(Do::stop(Exit::error("enough")));
        }))
        .unwrap();
    assert_eq!(end.await, Exit::error("enough"));
    assert_eq!(said(&p.events.all().await), [1]);
}

pub async fn a_busy_actor_lets_others_run(system: System) {
    let flood = with_mailbox(&system, Unbounded).await;
    fn again(actor: ActorRef<super::puppet::Puppet>) -> Do {
        Do::now(move |_, _| {
            let _ = actor.clone().cast(again(actor));
        })
    }
    flood.actor.cast(again(flood.actor.clone())).unwrap();
    let (left, right) = (puppet(&system).await, puppet(&system).await);
    for n in 0..20 {
        let other = right.actor.clone();
        let relay = Do::new(move |_, _| {
            Box::pin(async move {
                {
                    let _ = other.call(Say(n)).await.unwrap();
                }
            })
        });
        left.actor.call(relay).await.unwrap();
    }
    let end = system.ended(flood.pid);
    assert!(system.kill(flood.pid));
    assert_eq!(end.await, Exit::Killed);
}

pub async fn a_handler_that_yields_for_ever_lets_others_run(system: System) {
    let yields = puppet(&system).await;
    let for_ever = Do::new(|_, _| {
        Box::pin(async {
            loop {
                yield_now().await;
            }
        })
    });
    yields.actor.cast(for_ever).unwrap();
    let other = puppet(&system).await;
    for n in 0..20 {
        assert_eq!(other.actor.call(Say(n)).await.unwrap(), n);
    }
    let end = system.ended(yields.pid);
    assert!(system.kill(yields.pid));
    assert_eq!(end.await, Exit::Killed);
}

pub async fn an_actor_that_continues_for_ever_lets_others_run_and_can_be_stopped(system: System) {
    let continues = puppet(&system).await;
    fn again() -> Do {
        Do::now(|_, cx| cx.continue_with(again()))
    }
    continues.actor.cast(again()).unwrap();
    let other = puppet(&system).await;
    for n in 0..20 {
        assert_eq!(other.actor.call(Say(n)).await.unwrap(), n);
    }
    assert_eq!(system.stop(continues.pid, Exit::Shutdown).await, Ok(()));
}

pub async fn large_and_overaligned_messages_arrive_whole(system: System) {
    #[repr(align(64))]
    struct Big([u8; 5000]);
    let mut p = with_mailbox(&system, Unbounded).await;
    for n in 0..50u8 {
        let big = Big([n; 5000]);
        let act = Do::now(move |puppet, _| {
            let big = big;
            assert!(big.0.iter().all(|byte| *byte == n) && (&raw const big).addr().is_multiple_of(64));
            puppet.tell(Event::Said(u32::from(n)));
        });
        p.actor.cast(act).unwrap();
    }
    p.is_through().await;
    assert_eq!(p.said(), (0..50).collect::<Vec<_>>());
}

pub async fn a_living_actor_can_be_described(system: System) {
    let (log, _events) = Events::new();
    let (parent, place) = (puppet(&system).await, ActorRef::place("here"));
    let pid = system.start(&place, Script::new(&log)).linked_to(parent.pid).await.unwrap();
    let gate = super::puppet::hangs(&place).await;
    place.cast(Say(1)).unwrap();
    let description = system.describe(pid).unwrap();
    assert_eq!(description.name.as_deref(), Some("here"));
    assert_eq!((description.pid, description.parent, description.mailbox_len), (pid, Some(parent.pid), 1));
    assert!(description.actor.ends_with("Puppet"), "{}", description.actor);
    assert_eq!(system.pids(), {
        let mut pids = vec![pid, parent.pid];
        pids.sort();
        pids
    });
    drop(gate);
    system.stop(pid, Exit::Normal).await.unwrap();
    assert_eq!(system.describe(pid), None);
}

pub async fn an_init_may_send_to_its_own_actor(system: System) {
    let mut p = scripted(&system, |script| {
        script.init(|cx| {
            Box::pin(async move {
                cx.me().cast(Say(1)).unwrap();
                Ok(())
            })
        })
    })
    .await
    .unwrap();
    assert_eq!(p.events.next().await, Event::Said(1));
}
