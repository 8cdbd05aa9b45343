//! Isolation, lost executors, the ledger and dead letters.

use super::mortal::Mortal;
use super::puppet::{Do, Event, Keep, Say, begin, puppet, said, trapping, with_mailbox, yield_now};
use crate::{
    Bounded, CallError, DeadLetter, Exit, Fault, Info, Ledger, Overflow, SendError, StartError, System,
    Unbounded,
};
use futures::channel::mpsc;
use futures::stream::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

pub async fn a_panicking_destructor_of_a_state_harms_nobody(system: System) {
    for _ in 0..10 {
        let (p, mut watcher) = (puppet(&system).await, puppet(&system).await);
        let pid = p.pid;
        watcher.does(move |cx| cx.monitor(pid)).await;
        p.actor.cast(Do::now(|puppet, _| puppet.luggage.push(Box::new(Bomb("luggage"))))).unwrap();
        assert_eq!(system.stop(p.pid, Exit::Shutdown).await, Ok(()));
        assert!(matches!(watcher.events.info().await, Info::Down { reason: Exit::Shutdown, .. }));
        assert_eq!(watcher.actor.call(Say(1)).await.unwrap(), 1);
    }
}

pub async fn a_panicking_destructor_in_a_handler_that_is_cut_off_harms_nobody(system: System) {
    let p = puppet(&system).await;
    let (entered, is_in) = futures::channel::oneshot::channel();
    let act = Do::new(|_, _| {
        Box::pin(async move {
            let _bomb = Bomb("in a handler");
            let _ = entered.send(());
            std::future::pending::<()>().await;
        })
    });
    p.actor.cast(act).unwrap();
    is_in.await.unwrap();
    let end = system.ended(p.pid);
    assert!(system.kill(p.pid));
    assert_eq!(end.await, Exit::Killed);
}

pub async fn panicking_destructors_of_messages_harm_nobody(system: System) {
    let p = puppet(&system).await;
    let gate = p.hangs().await;
    for _ in 0..5 {
        let bomb = Bomb("in a message");
        p.actor.cast(Do::now(move |_, _| drop(bomb))).unwrap();
    }
    let end = system.ended(p.pid);
    assert!(system.kill(p.pid));
    assert_eq!(end.await, Exit::Killed);
    drop(gate);
    assert_eq!(p.actor.ledger().dead_lettered, 5);
}

pub async fn a_panic_whose_payload_panics_ends_its_actor_only(system: System) {
    let (p, other) = (puppet(&system).await, puppet(&system).await);
    let outcome = p.actor.call(Do::now(|_, _| std::panic::panic_any(Bomb("a payload")))).await;
    let Err(CallError::Exited(Exit::Panic(_))) = outcome else { panic!("got {outcome:?}") };
    assert_eq!(other.actor.call(Say(1)).await.unwrap(), 1);
}

pub async fn a_crash_is_nobody_elses_business(system: System) {
    let mut crashing = Vec::new();
    let bystander = puppet(&system).await;
    for _ in 0..20 {
        crashing.push(puppet(&system).await);
    }
    for p in &crashing {
        let other = bystander.actor.clone();
        let act = Do::new(move |_, _| {
            Box::pin(async move {
                other.call(Say(1)).await.unwrap();
                panic!("after a call")
            })
        });
        assert!(matches!(p.actor.call(act).await, Err(CallError::Exited(Exit::Panic(_)))));
    }
    assert_eq!(system.pids(), [bystander.pid]);
    system.stop(bystander.pid, Exit::Normal).await.unwrap();
    assert_eq!(bystander.actor.ledger().answered, 20);
}

pub async fn a_runtime_that_ends_ends_its_actors(system: System) {
    let runtime = Mortal::new(system.runtime().clone());
    let doomed = System::new(runtime.clone());
    let (idle, hanging, waiting) =
        (puppet(&doomed).await, puppet(&doomed).await, with_mailbox(&doomed, Unbounded).await);
    let _gates = (hanging.hangs().await, waiting.hangs().await);
    waiting.casts(1);
    let mut call = Box::pin(waiting.actor.call(Say(2)).no_timeout());
    assert!(begin(&mut call).await.is_pending());
    idle.does(|cx| cx.register("idle").unwrap()).await;
    let ends: Vec<_> = [&idle, &hanging, &waiting].map(|p| doomed.ended(p.pid)).into();
    runtime.die();
    for end in ends {
        assert_eq!(end.await, Exit::Lost);
    }
    let outcome = call.await;
    assert!(matches!(outcome, Err(CallError::Exited(Exit::Lost))), "{outcome:?}");
    assert!(doomed.is_empty());
    assert_eq!(doomed.whereis("idle"), None);
    let ledger = waiting.actor.ledger();
    assert_eq!((ledger.interrupted, ledger.dead_lettered, ledger.waiting), (1, 2, 0), "{ledger:?}");
    assert!(matches!(idle.actor.cast(Say(1)), Err(SendError::NoProc(_))));
    assert_eq!(idle.events.all().await, [Event::Dropped], "no callback ran");
}

pub async fn actors_that_never_ran_on_a_runtime_end_with_it(system: System) {
    let runtime = Mortal::new(system.runtime().clone());
    let doomed = System::new(runtime.clone());
    let mut idle = Vec::new();
    for _ in 0..50 {
        idle.push(puppet(&doomed).await);
    }
    let ends: Vec<_> = idle.iter().map(|p| doomed.ended(p.pid)).collect();
    runtime.die();
    for end in ends {
        assert_eq!(end.await, Exit::Lost);
    }
    assert!(doomed.is_empty());
}

pub async fn what_is_started_on_a_runtime_that_has_ended_is_lost(system: System) {
    let runtime = Mortal::new(system.runtime().clone());
    let doomed = System::new(runtime.clone());
    runtime.die();
    let (log, _events) = super::puppet::Events::new();
    let outcome = doomed.spawn::<super::puppet::Puppet>(super::puppet::Script::new(&log)).await;
    assert_eq!(outcome.map(|_| ()), Err(StartError::Init(Exit::Lost)));
    assert!(doomed.is_empty());
}

pub async fn faults_that_the_runtime_injects_are_ordinary_ends(system: System) {
    for (fault, is_kill) in [(Fault::Kill, true), (Fault::Panic, false)] {
        let runtime = Mortal::new(system.runtime().clone());
        let faulty = System::new(runtime.clone());
        let p = puppet(&faulty).await;
        let gate = p.hangs().await;
        let end = faulty.ended(p.pid);
        *runtime.next_fault.lock().unwrap() = Some(fault);
        drop(gate);
        match end.await {
            Exit::Killed => assert!(is_kill),
            Exit::Panic(panic) => assert!(!is_kill && panic.message == "injected fault"),
            other => panic!("ended with {other}"),
        }
        runtime.die();
    }
}

pub async fn every_message_has_one_fate(system: System) {
    let p = with_mailbox(&system, Bounded(4).on_full(Overflow::DropOldest)).await;
    assert_eq!(p.actor.ledger(), Ledger::default());
    p.casts(1);
    p.actor.call(Say(2)).await.unwrap();
    let gate = p.hangs().await;
    for n in 3..10 {
        p.casts(n);
    }
    let end = system.ended(p.pid);
    assert!(system.kill(p.pid));
    drop(gate);
    assert_eq!(end.await, Exit::Killed);
    let events = p.events.all().await;
    assert_eq!(said(&events), [1, 2]);
    let ledger = p.actor.ledger();
    assert!(ledger.is_balanced(), "{ledger:?}");
    assert_eq!((ledger.accepted, ledger.handled, ledger.answered), (10, 1, 1));
    assert_eq!((ledger.interrupted, ledger.discarded, ledger.dead_lettered), (1, 3, 4));
    assert!(matches!(p.actor.cast(Say(1)), Err(SendError::NoProc(_))), "a refused one is not accepted");
    assert_eq!(p.actor.ledger(), ledger);
}

pub async fn a_system_keeps_the_ledger_of_the_living_and_the_gone(system: System) {
    let (log, _events) = super::puppet::Events::new();
    let p = puppet(&system).await;
    for round in 1..=3 {
        for n in 0..10 {
            p.actor.call(Say(n)).await.unwrap();
        }
        let pid = p.actor.pid().unwrap();
        system.stop(pid, Exit::Normal).await.unwrap();
        assert_eq!(system.ledger().answered, round * 10, "the place is still held");
        system.start(&p.actor, super::puppet::Script::new(&log)).await.unwrap();
        assert_eq!(system.ledger().answered, round * 10, "and lived at again");
    }
    system.stop(p.actor.pid().unwrap(), Exit::Normal).await.unwrap();
    drop(p);
    assert_eq!(system.ledger(), Ledger { accepted: 30, answered: 30, ..Ledger::default() });
}

pub async fn the_ledger_balances_after_all_kinds_of_trouble(system: System) {
    let mut rng = 7u32;
    let mut senders = Vec::new();
    let policies = [Overflow::Wait, Overflow::Refuse, Overflow::DropNewest, Overflow::DropOldest];
    for round in 0..40 {
        let p = with_mailbox(&system, Bounded(8).on_full(policies[round % 4])).await;
        let from = puppet(&system).await;
        let (to, pid) = (p.actor.clone(), p.pid);
        let act = Do::new(move |_, cx| {
            Box::pin(async move {
                let mut kept = Vec::new();
                for n in 0..40 {
                    rng = rng.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    match (rng >> 16) % 8 {
                        0..=2 => drop(to.cast(Say(n))),
                        3 => drop(to.send(Say(n)).await),
                        4 => drop(to.call(Say(n)).await),
                        5 => {
                            let mut call = Box::pin(to.call(Keep));
                            let _ = begin(&mut call).await;
                            drop(call);
                        }
                        6 => kept.push(to.cast(Do::new(|_, _| Box::pin(yield_now())))),
                        _ if n > 30 => match rng % 4 {
                            0 => drop(to.cast(Do::panic("trouble"))),
                            1 => drop(cx.system().kill(pid)),
                            2 => drop(to.cast(Do::stop(Exit::Shutdown))),
                            _ => cx.exit(pid, Exit::error("trouble")),
                        },
                        _ => yield_now().await,
                    }
                }
            })
        });
        from.actor.cast(act).unwrap();
        senders.push((from, p));
    }
    for (from, _) in &mut senders {
        from.is_through().await;
    }
    for (_, p) in &senders {
        let end = system.ended(p.pid);
        system.kill(p.pid);
        end.await;
        let ledger = p.actor.ledger();
        assert!(ledger.is_balanced() && ledger.waiting == 0, "{ledger:?}");
    }
}

pub async fn dead_letters_can_be_observed(system: System) {
    let (tell, mut told) = mpsc::unbounded::<DeadLetter>();
    let count = Arc::new(AtomicU32::new(0));
    let once = count.clone();
    system.on_dead_letter(move |letter| tell.unbounded_send(letter.clone()).is_ok());
    system.on_dead_letter(move |_| {
        once.fetch_add(1, SeqCst);
        false
    });
    let p = puppet(&system).await;
    let gate = p.hangs().await;
    p.casts(1);
    let mut call = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut call).await.is_pending());
    assert!(system.kill(p.pid));
    drop(gate);
    for message in ["Say", "Keep"] {
        let letter = told.next().await.unwrap();
        assert_eq!((letter.to, &letter.place, &letter.reason), (Some(p.pid), &None, &Exit::Killed));
        assert!(letter.message.ends_with(&format!("::{message}")), "{}", letter.message);
    }
    assert_eq!(count.load(SeqCst), 1, "it wanted no more");
}

pub async fn a_panicking_observer_of_dead_letters_harms_nobody(system: System) {
    system.on_dead_letter(|_| panic!("an observer"));
    for _ in 0..3 {
        let (p, mut watcher) = (trapping(&system).await, puppet(&system).await);
        let pid = p.pid;
        watcher.does(move |cx| cx.monitor(pid)).await;
        let gate = p.hangs().await;
        p.casts(1);
        p.casts(2);
        assert!(system.kill(pid));
        drop(gate);
        assert!(matches!(watcher.events.info().await, Info::Down { reason: Exit::Killed, .. }));
    }
}
