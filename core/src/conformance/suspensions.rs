//! Suspension: no message is handled, and all else is as ever.

use super::puppet::{Do, Event, Say, begin, puppet, said, scripted, trapping, with_mailbox, yield_now};
use super::sys::rests;
use crate::sys::{Doing, SysError};
use crate::{Bounded, CallError, Exit, Inbox, System, TrapExits};
use futures::channel::oneshot;
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub async fn a_suspended_actor_handles_nothing_until_it_is_resumed(system: System) {
    let mut p = puppet(&system).await;
    let sys = p.actor.sys();
    p.casts(0);
    p.is_through().await;
    sys.suspend().await.unwrap();
    assert_eq!(p.said(), [0]);
    (1..=3).for_each(|n| p.casts(n));
    let actor = p.actor.clone();
    let mut call = Box::pin(actor.call(Say(4)));
    assert!(begin(&mut call).await.is_pending());
    let late = p.actor.call(Say(5)).timeout(ms(3)).await;
    assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
    let status = sys.status().unwrap();
    assert_eq!((status.doing, status.mailbox_len), (Doing::Suspended, 5));
    assert_eq!(p.said(), [], "nothing");
    sys.resume().unwrap();
    assert_eq!(call.await.unwrap(), 4);
    p.is_through().await;
    assert_eq!(p.said(), [1, 2, 3, 4], "in their order, and nothing that nobody waits for");
    rests(&sys).await;
    // What expired is in nobody's hand.
    sys.suspend().await.unwrap();
    p.casts(6);
    let status = loop {
        match sys.status().unwrap() {
            status if matches!(status.doing, Doing::Queued | Doing::Running) => yield_now().await,
            status => break status,
        }
    };
    assert_eq!((status.doing, status.handling, status.ledger.expired), (Doing::Suspended, None, 1));
    sys.resume().unwrap();
    rests(&sys).await;
}

pub async fn a_suspension_waits_for_the_present_handler_and_stands(system: System) {
    let mut p = puppet(&system).await;
    let gate = p.hangs().await;
    (0..3).for_each(|n| p.casts(n));
    let sys = p.actor.sys().timeout(ms(2));
    let Err(SysError::Busy { message: Some(message), at_least }) = sys.suspend().await else {
        panic!("the handler is not done");
    };
    assert!(message.ends_with("::Do") && at_least >= ms(2), "{message} {at_least:?}");
    // It was woken to be told, and waits again: it is in its handler yet.
    loop {
        match sys.status().unwrap().doing {
            Doing::Queued | Doing::Running => yield_now().await,
            doing => break assert_eq!(doing, Doing::Waiting),
        }
    }
    drop(gate);
    p.actor.sys().suspend().await.unwrap();
    assert_eq!(sys.status().unwrap().doing, Doing::Suspended);
    assert_eq!(p.said(), [], "the suspension stood when the handler was done");
    sys.resume().unwrap();
    p.is_through().await;
    assert_eq!(p.said(), [0, 1, 2]);
}

pub async fn a_suspension_breaks_into_a_long_batch(system: System) {
    let mut p = puppet(&system).await;
    let (sys, mut before) = (p.actor.sys(), 0);
    for _ in 0..20 {
        (0..40).for_each(|n| p.casts(n));
        yield_now().await;
        sys.suspend().await.unwrap();
        before += p.said().len();
        for _ in 0..5 {
            yield_now().await;
        }
        assert_eq!(p.said(), [], "nothing once it is suspended");
        sys.resume().unwrap();
        p.is_through().await;
        before += p.said().len();
    }
    assert_eq!(before, 800);
}

pub async fn a_suspended_actor_obeys_stops_exits_and_kills(system: System) {
    for (traps, waits) in [(false, false), (false, true), (true, false), (true, true)] {
        for how in 0..4 {
            let p = if traps { trapping(&system).await } else { puppet(&system).await };
            p.actor.sys().suspend().await.unwrap();
            if waits {
                (0..3).for_each(|n| p.casts(n));
                yield_now().await;
            }
            let end = system.ended(p.pid);
            let expect = match how {
                0 => {
                    system.kill(p.pid);
                    Exit::Killed
                }
                1 => {
                    system.stop(p.pid, Exit::Normal).await.unwrap();
                    Exit::Normal
                }
                2 => system.shut_down(p.pid, Exit::Shutdown, None).await,
                _ => {
                    let parent = trapping(&system).await;
                    system.link(p.pid, parent.pid);
                    system.stop(p.pid, Exit::error("asked")).await.unwrap();
                    Exit::error("asked")
                }
            };
            assert_eq!(end.await, expect);
            let (actor, events) = (p.actor, p.events.all().await);
            assert_eq!(said(&events), [], "no message was handled");
            let has_terminated = events.contains(&Event::Terminated(expect));
            assert_eq!(has_terminated, how == 1 || how == 3 || how == 2 && traps);
            assert_eq!(actor.ledger().dead_lettered, if waits { 3 } else { 0 });
            assert_eq!(actor.ledger().interrupted, 0);
        }
    }
}

pub async fn an_order_in_turn_does_not_wait_for_one_that_is_suspended(system: System) {
    let p = scripted(&system, |script| {
        script.init(|cx| {
            cx.trap_exits(TrapExits::InTurn);
            Box::pin(async { Ok(()) })
        })
    });
    let p = p.await.unwrap();
    p.actor.sys().suspend().await.unwrap();
    (0..3).for_each(|n| p.casts(n));
    assert_eq!(system.shut_down(p.pid, Exit::Shutdown, None).await, Exit::Shutdown);
    assert_eq!(p.events.all().await, [Event::Terminated(Exit::Shutdown), Event::Dropped]);
}

pub async fn a_suspension_is_one_however_often_and_by_whomever(system: System) {
    let (mut p, from) = (puppet(&system).await, puppet(&system).await);
    let sys = p.actor.sys();
    sys.resume().unwrap();
    let pid = p.pid;
    let (done, suspended) = oneshot::channel();
    let act = Do::new(move |_, cx| {
        let sys = cx.system().sys(pid);
        Box::pin(async move { drop(done.send(sys.suspend().await)) })
    });
    from.actor.cast(act).unwrap();
    suspended.await.unwrap().unwrap();
    sys.suspend().await.unwrap();
    system.stop(from.pid, Exit::Normal).await.unwrap();
    p.casts(1);
    assert_eq!(sys.status().unwrap().doing, Doing::Suspended, "whoever suspended it is gone");
    sys.resume().unwrap();
    p.is_through().await;
    assert_eq!(p.said(), [1], "one resume ends two suspensions");
    sys.suspend().await.unwrap();
    system.kill(p.pid);
    system.ended(p.pid).await;
    assert_eq!((sys.resume(), sys.suspend().await), (Err(SysError::NoProc), Err(SysError::NoProc)));
    let (log, _events) = super::puppet::Events::new();
    system.start(&p.actor, super::puppet::Script::new(&log)).await.unwrap();
    assert_eq!(p.actor.call(Say(2)).await.unwrap(), 2, "the next incarnation is not suspended");
}

pub async fn a_suspended_task_receives_nothing_until_it_is_resumed(system: System) {
    let (log, mut seen) = futures::channel::mpsc::unbounded();
    let task = system.spawn_task(|mut inbox: Inbox<Say>| async move {
        inbox.trap_exits(TrapExits::Yes);
        while let Some(Say(n)) = inbox.recv().await {
            let _ = log.unbounded_send(n);
        }
    });
    let task = task.await.unwrap();
    let sys = task.sys();
    let mut next = async || futures::StreamExt::next(&mut seen).await;
    for round in 0..3 {
        task.cast(Say(round)).unwrap();
        assert_eq!(next().await, Some(round));
        sys.suspend().await.unwrap();
        task.cast(Say(round + 10)).unwrap();
        for _ in 0..5 {
            yield_now().await;
        }
        let status = sys.status().unwrap();
        assert_eq!((status.doing, status.mailbox_len), (Doing::Suspended, 1));
        sys.resume().unwrap();
        assert_eq!(next().await, Some(round + 10));
    }
    assert_eq!(sys.get_state().await, Err(SysError::NotOffered));
    sys.suspend().await.unwrap();
    task.cast(Say(99)).unwrap();
    system.stop(task.pid().unwrap(), Exit::Shutdown).await.unwrap();
    assert_eq!(next().await, None, "a stop ends it, and the message is not received");
    assert_eq!(task.ledger().dead_lettered, 1);
}

pub async fn timers_of_a_suspended_actor_fire_when_it_is_resumed(system: System) {
    let mut p = puppet(&system).await;
    let ((entered, is_in), (go_on, gate)) = (oneshot::channel(), oneshot::channel::<()>());
    let act = Do::new(move |_, cx| {
        cx.send_after(ms(2), Say(1));
        Box::pin(async move {
            let _ = (entered.send(()), gate.await);
        })
    });
    p.actor.cast(act).unwrap();
    is_in.await.unwrap();
    let sys = p.actor.sys();
    // The timer is not set before the handler is done.
    let _ = sys.clone().timeout(Duration::ZERO).suspend().await;
    drop(go_on);
    sys.suspend().await.unwrap();
    p.casts(0);
    crate::sleep(&**system.runtime(), ms(5)).await;
    assert_eq!(p.said(), []);
    sys.resume().unwrap();
    let mut handled = [p.events.next().await, p.events.next().await];
    handled.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(handled, [Event::Said(0), Event::Said(1)]);
}

pub async fn a_suspended_mailbox_keeps_its_capacity(system: System) {
    let mut p = with_mailbox(&system, Bounded(4)).await;
    p.actor.sys().suspend().await.unwrap();
    let accepted = (0..10).filter(|n| p.actor.cast(Say(*n)).is_ok()).count();
    assert_eq!(accepted, 4);
    p.actor.sys().resume().unwrap();
    p.is_through().await;
    assert_eq!(p.said(), [0, 1, 2, 3]);
}
