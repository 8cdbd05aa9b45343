//! Ends: exit signals, stops, `terminate`, and the order of things at the end.

use super::puppet::{
    Do, Event, Events, Puppet, Say, Script, begin, child_of, hangs, puppet, scripted, trapping, yield_now,
};
use super::reasons;
use crate::{ActorRef, Exit, Info, System, TrapExits};
use futures::channel::oneshot;
use std::time::Duration;

pub async fn an_exit_signal_ends_one_that_does_not_trap_unless_it_is_normal(system: System) {
    let from = puppet(&system).await;
    for reason in reasons() {
        let p = puppet(&system).await;
        let end = system.ended(p.pid);
        system.exit(from.pid, p.pid, reason.clone());
        if reason == Exit::Normal {
            assert_eq!(p.actor.call(Say(1)).await.unwrap(), 1);
            assert!(system.kill(p.pid));
            assert_eq!(end.await, Exit::Killed);
        } else {
            assert_eq!(end.await, reason);
            assert_eq!(p.events.all().await, [Event::Dropped], "no callback ran");
        }
    }
}

pub async fn an_exit_signal_is_a_message_to_one_that_traps(system: System) {
    let from = puppet(&system).await;
    for reason in reasons() {
        let mut p = trapping(&system).await;
        system.exit(from.pid, p.pid, reason.clone());
        assert_eq!(p.events.info().await, Info::Exit { from: from.pid, reason });
        assert_eq!(p.actor.call(Say(1)).await.unwrap(), 1);
    }
}

pub async fn an_exit_signal_of_its_parent_ends_one_that_traps_in_good_order(system: System) {
    for reason in reasons() {
        let parent = puppet(&system).await;
        let child = child_of(&system, &parent, true).await;
        let (end, pid, why) = (system.ended(child.pid), child.pid, reason.clone());
        parent.does(move |cx| cx.exit(pid, why)).await;
        assert_eq!(end.await, reason);
        let events = child.events.all().await;
        assert_eq!(events, [Event::Terminated(reason), Event::Dropped]);
    }
}

pub async fn an_exit_signal_to_oneself_is_a_signal(system: System) {
    for (traps, reason) in [(false, Exit::Normal), (false, Exit::error("x")), (true, Exit::error("x"))] {
        let mut p = if traps { trapping(&system).await } else { puppet(&system).await };
        let (pid, why) = (p.pid, reason.clone());
        let end = system.ended(pid);
        p.actor.cast(Do::now(move |_, cx| cx.exit(pid, why))).unwrap();
        if traps {
            assert_eq!(p.events.info().await, Info::Exit { from: pid, reason });
        } else {
            assert_eq!(end.await, reason);
        }
    }
}

pub async fn the_first_fatal_signal_wins(system: System) {
    let from = puppet(&system).await;
    let p = puppet(&system).await;
    let gate = p.hangs().await;
    let (end, to) = (system.ended(p.pid), p.pid);
    from.does(move |cx| {
        cx.exit(to, Exit::error("first"));
        cx.exit(to, Exit::error("second"));
        cx.system().kill(to);
    })
    .await;
    assert_eq!(end.await, Exit::error("first"));
    drop(gate);
}

pub async fn signals_to_the_dead_do_nothing(system: System) {
    let p = puppet(&system).await;
    system.stop(p.pid, Exit::Normal).await.unwrap();
    system.exit(p.pid, p.pid, Exit::error("x"));
    assert!(!system.kill(p.pid));
    assert_eq!(system.stop(p.pid, Exit::Normal).await, Err(Exit::NoProc));
    assert_eq!(system.shut_down(p.pid, Exit::Shutdown, None).await, Exit::NoProc);
    assert_eq!(system.ended(p.pid).await, Exit::NoProc);
}

pub async fn trapping_can_be_switched(system: System) {
    let (from, mut p) = (puppet(&system).await, puppet(&system).await);
    assert_eq!(p.does(|cx| cx.trap_exits(TrapExits::Yes)).await, TrapExits::No);
    system.exit(from.pid, p.pid, Exit::error("one"));
    assert_eq!(p.events.info().await, Info::Exit { from: from.pid, reason: Exit::error("one") });
    assert_eq!(p.does(|cx| cx.trap_exits(TrapExits::No)).await, TrapExits::Yes);
    let end = system.ended(p.pid);
    system.exit(from.pid, p.pid, Exit::error("two"));
    assert_eq!(end.await, Exit::error("two"));
}

pub async fn a_stop_waits_until_the_actor_is_dead(system: System) {
    for reason in reasons() {
        for traps in [false, true] {
            let p = if traps { trapping(&system).await } else { puppet(&system).await };
            system.register("stopped", p.pid).unwrap();
            assert_eq!(system.stop(p.pid, reason.clone()).await, Ok(()));
            assert!(!system.is_alive(p.pid));
            assert_eq!((system.whereis("stopped"), p.actor.last_exit()), (None, Some(reason.clone())));
            let events = p.events.all().await;
            assert_eq!(events, [Event::Terminated(reason.clone()), Event::Dropped]);
        }
    }
}

pub async fn a_stop_reports_another_end_than_the_one_asked_for(system: System) {
    let p = puppet(&system).await;
    let gate = p.hangs().await;
    let mut stop = Box::pin(system.stop(p.pid, Exit::Normal));
    assert!(begin(&mut stop).await.is_pending());
    assert!(system.kill(p.pid));
    assert_eq!(stop.await, Err(Exit::Killed));
    drop(gate);

    let p = scripted(&system, |script| script.at_end(|_, _| Box::pin(async { panic!("at the end") })));
    let p = p.await.unwrap();
    assert!(matches!(system.stop(p.pid, Exit::Normal).await, Err(Exit::Panic(_))));
}

pub async fn a_stop_lets_the_present_handler_finish(system: System) {
    let p = puppet(&system).await;
    let (go_on, gate) = oneshot::channel::<()>();
    let (entered, is_in) = oneshot::channel::<()>();
    let work = Do::new(|puppet, _| {
        Box::pin(async move {
            let _ = entered.send(());
            let _ = gate.await;
            puppet.tell(Event::Said(1));
        })
    });
    p.actor.cast(work).unwrap();
    is_in.await.unwrap();
    let mut stop = Box::pin(system.stop(p.pid, Exit::Normal));
    assert!(begin(&mut stop).await.is_pending());
    drop(go_on);
    stop.await.unwrap();
    let events = p.events.all().await;
    assert_eq!(events, [Event::Said(1), Event::Terminated(Exit::Normal), Event::Dropped]);
}

pub async fn a_stop_comes_before_what_is_behind_a_handler_that_waits(system: System) {
    let p = puppet(&system).await;
    let first = p.hangs().await;
    let (go_on, gate) = oneshot::channel::<()>();
    let (entered, is_in) = oneshot::channel::<()>();
    let work = Do::new(|_, _| {
        Box::pin(async move {
            let _ = entered.send(());
            let _ = gate.await;
        })
    });
    // Both are taken from the mailbox at once.
    p.actor.cast(work).unwrap();
    p.casts(1);
    drop(first);
    is_in.await.unwrap();
    let mut stop = Box::pin(system.stop(p.pid, Exit::Normal));
    assert!(begin(&mut stop).await.is_pending());
    drop(go_on);
    stop.await.unwrap();
    assert_eq!(p.events.all().await, [Event::Terminated(Exit::Normal), Event::Dropped]);
}

pub async fn the_first_reason_given_to_stop_counts(system: System) {
    let p = puppet(&system).await;
    let end = system.ended(p.pid);
    p.actor
        .cast(Do::now(|_, cx| {
            assert!(!cx.is_stopping());
            cx.stop(Exit::error("first"));
            assert!(cx.is_stopping());
            cx.stop(Exit::error("second"));
        }))
        .unwrap();
    let _ = p.actor.cast(Say(1));
    assert_eq!(end.await, Exit::error("first"));
    let events = p.events.all().await;
    assert_eq!(events, [Event::Terminated(Exit::error("first")), Event::Dropped]);
}

pub async fn terminate_runs_after_a_panic(system: System) {
    for waits in [false, true] {
        let p = puppet(&system).await;
        let end = system.ended(p.pid);
        let act = Do::new(move |puppet, _| {
            Box::pin(async move {
                puppet.tell(Event::Said(1));
                if waits {
                    yield_now().await;
                }
                panic!("a bug")
            })
        });
        p.actor.cast(act).unwrap();
        let why = end.await;
        assert!(matches!(&why, Exit::Panic(panic) if panic.message == "a bug"), "{why:?}");
        let events = p.events.all().await;
        assert_eq!(events, [Event::Said(1), Event::Terminated(why), Event::Dropped]);
    }
}

pub async fn an_order_to_shut_down_runs_terminate_only_in_one_that_traps(system: System) {
    for traps in [false, true] {
        let p = if traps { trapping(&system).await } else { puppet(&system).await };
        assert_eq!(system.shut_down(p.pid, Exit::Shutdown, None).await, Exit::Shutdown);
        let mut expect = vec![Event::Terminated(Exit::Shutdown), Event::Dropped];
        if !traps {
            expect.remove(0);
        }
        assert_eq!(p.events.all().await, expect);
    }
}

pub async fn a_shut_down_that_takes_too_long_becomes_a_kill(system: System) {
    let p = scripted(&system, |script| script.trapping(true).at_end(|_, _| Box::pin(std::future::pending())));
    let p = p.await.unwrap();
    let deadline = Some(Duration::from_millis(2));
    assert_eq!(system.shut_down(p.pid, Exit::Shutdown, deadline).await, Exit::Killed);
    assert_eq!(p.events.all().await.last(), Some(&Event::Dropped));
}

pub async fn a_panic_in_terminate_becomes_the_reason(system: System) {
    for waits in [false, true] {
        let p = scripted(&system, move |script| {
            script.at_end(move |_, _| {
                Box::pin(async move {
                    if waits {
                        yield_now().await;
                    }
                    panic!("clumsy")
                })
            })
        });
        let p = p.await.unwrap();
        let end = system.ended(p.pid);
        p.actor.cast(Do::stop(Exit::Normal)).unwrap();
        let why = end.await;
        assert!(matches!(&why, Exit::Panic(panic) if panic.message == "clumsy"), "{why:?}");
    }
}

pub async fn a_terminate_that_hangs_can_be_killed(system: System) {
    let (entered, is_in) = oneshot::channel();
    let p = scripted(&system, |script| {
        script.at_end(|_, _| {
            Box::pin(async {
                let _ = entered.send(());
                std::future::pending().await
            })
        })
    });
    let p = p.await.unwrap();
    let end = system.ended(p.pid);
    p.actor.cast(Do::stop(Exit::Normal)).unwrap();
    is_in.await.unwrap();
    assert!(system.is_alive(p.pid));
    assert!(system.kill(p.pid));
    assert_eq!(end.await, Exit::Killed);
}

pub async fn a_terminate_may_wait_and_call_and_its_reason_stands(system: System) {
    let mut other = puppet(&system).await;
    let actor = other.actor.clone();
    let p = scripted(&system, move |script| {
        script.at_end(move |why, _| {
            let why = why.clone();
            Box::pin(async move {
                yield_now().await;
                assert_eq!(why, Exit::error("on purpose"));
                assert_eq!(actor.call(Say(5)).await.unwrap(), 5);
            })
        })
    });
    let p = p.await.unwrap();
    assert_eq!(system.stop(p.pid, Exit::error("on purpose")).await, Ok(()));
    assert_eq!(other.said(), [5]);
}

pub async fn a_trapping_actor_is_not_disturbed_in_terminate(system: System) {
    let from = puppet(&system).await;
    let (go_on, gate) = oneshot::channel::<()>();
    let (entered, is_in) = oneshot::channel();
    let p = scripted(&system, |script| {
        script.trapping(true).at_end(|_, _| {
            Box::pin(async {
                let _ = entered.send(());
                let _ = gate.await;
            })
        })
    });
    let p = p.await.unwrap();
    let mut stop = Box::pin(system.stop(p.pid, Exit::Normal));
    assert!(begin(&mut stop).await.is_pending());
    is_in.await.unwrap();
    system.exit(from.pid, p.pid, Exit::error("ignored"));
    p.actor.cast(Say(1)).unwrap();
    drop(go_on);
    assert_eq!(stop.await, Ok(()));
    assert_eq!(p.events.all().await, [Event::Terminated(Exit::Normal), Event::Dropped]);
    assert_eq!(p.actor.ledger().dead_lettered, 2, "the message and the notice");
}

pub async fn the_state_is_gone_and_the_name_free_before_anybody_learns(system: System) {
    let (log, mut events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let pid = system.start(&place, Script::new(&log)).await.unwrap();
    system.register("known", pid).unwrap();
    let (linked, monitoring) = (trapping(&system).await, puppet(&system).await);
    linked.does(move |cx| cx.link(pid)).await;
    monitoring.does(move |cx| cx.monitor(pid)).await;
    let gates = (hangs(&linked.actor).await, hangs(&monitoring.actor).await);
    assert!(system.kill(pid));
    drop(gates);
    let (mut linked, mut monitoring) = (linked.events, monitoring.events);
    assert!(matches!(linked.info().await, Info::Exit { .. }));
    assert_eq!((system.whereis("known"), events.so_far()), (None, vec![Event::Dropped]));
    assert!(matches!(monitoring.info().await, Info::Down { .. }));
    assert!(!system.is_alive(pid));
}

pub async fn all_can_be_told_to_end(system: System) {
    let plain = puppet(&system).await;
    let traps = scripted(&system, |script| script.trapping(true).at_end(|_, _| Box::pin(yield_now()))).await;
    let traps = traps.unwrap();
    let child = child_of(&system, &traps, true).await;
    assert_eq!(system.shut_down_all(Duration::from_secs(30)).await, 0);
    assert!(system.is_empty());
    for p in [plain, traps, child] {
        assert_eq!(p.actor.last_exit(), Some(Exit::Shutdown));
    }
}

pub async fn one_that_does_not_end_when_told_to_is_killed(system: System) {
    let stuck =
        scripted(&system, |script| script.trapping(true).at_end(|_, _| Box::pin(std::future::pending())));
    let stuck = stuck.await.unwrap();
    assert_eq!(system.shut_down_all(Duration::from_millis(2)).await, 1);
    assert!(system.is_empty());
    assert_eq!(stuck.actor.last_exit(), Some(Exit::Killed));
}

pub async fn an_order_to_all_waits_for_the_children_of_those_that_are_gone(system: System) {
    let parent = puppet(&system).await;
    let (log, events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let script = Script::new(&log).trapping(true).at_end(|_, cx| {
        Box::pin(async move {
            // Its parent is long gone; a moment of tidying up is granted all the same.
            cx.sleep(Duration::from_millis(1)).await;
            cx.register("tidy").unwrap();
        })
    });
    system.start(&place, script).linked_to(parent.pid).await.unwrap();
    assert_eq!(system.shut_down_all(Duration::from_secs(5)).await, 0);
    assert_eq!(place.last_exit(), Some(Exit::Shutdown));
    drop(log);
    assert_eq!(events.all().await, [Event::Terminated(Exit::Shutdown), Event::Dropped]);
}

pub async fn an_order_in_turn_waits_behind_the_messages_that_came_before(system: System) {
    for by_stop in [false, true] {
        let p = scripted(&system, |script| {
            script.init(|cx| {
                cx.trap_exits(TrapExits::InTurn);
                Box::pin(async { Ok(()) })
            })
        });
        let p = p.await.unwrap();
        let gate = p.hangs().await;
        p.casts(1);
        let (actor, pid) = (p.actor.clone(), p.pid);
        let mut stop = Box::pin(system.stop(pid, Exit::Shutdown));
        let mut order = Box::pin(system.shut_down(pid, Exit::Shutdown, None));
        if by_stop {
            assert!(begin(&mut stop).await.is_pending());
        } else {
            assert!(begin(&mut order).await.is_pending());
        }
        actor.cast(Say(2)).unwrap();
        drop(gate);
        let events = p.events.all().await;
        assert_eq!(events, [Event::Said(1), Event::Terminated(Exit::Shutdown), Event::Dropped]);
    }
}

pub async fn a_kill_does_not_wait_for_its_turn(system: System) {
    let p = puppet(&system).await;
    p.does(|cx| cx.trap_exits(TrapExits::InTurn)).await;
    let _gate = p.hangs().await;
    p.casts(1);
    let end = system.ended(p.pid);
    assert!(system.kill(p.pid));
    assert_eq!(end.await, Exit::Killed);
    assert_eq!(p.events.all().await, [Event::Dropped]);
}
