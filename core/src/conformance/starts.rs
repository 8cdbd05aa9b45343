//! Starts: synchronous, and leaving nothing when they fail.

use super::puppet::{
    Do, Event, Events, Puppet, Say, Script, begin, child_of, puppet, said, scripted, trapping, yield_now,
};
use crate::{ActorRef, ChildGrace, Cx, Exit, RegisterError, StartError, System};
use futures::channel::oneshot;
use futures::future::{BoxFuture, join_all};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

type Init = for<'a> fn(&'a mut Cx<Puppet>) -> BoxFuture<'a, Result<(), Exit>>;

/// Inits that fail, on the spot and after a wait; each has taken a name before.
fn failing() -> [(Init, Exit); 5] {
    [
        (|_| Box::pin(async { Err(Exit::error("no disk")) }), Exit::error("no disk")),
        (|_| Box::pin(async { Err(Exit::Ignore) }), Exit::Ignore),
        (|_| Box::pin(async { Err(Exit::Normal) }), Exit::Normal),
        (
            |_| {
                Box::pin(async {
                    yield_now().await;
                    Err(Exit::error("later"))
                })
            },
            Exit::error("later"),
        ),
        (
            |cx| {
                Box::pin(async move {
                    cx.system().kill(cx.pid());
                    std::future::pending().await
                })
            },
            Exit::Killed,
        ),
    ]
}

pub async fn a_start_returns_when_init_is_done(system: System) {
    let done = Arc::new(AtomicBool::new(false));
    let flag = done.clone();
    let p = scripted(&system, move |script| {
        script.init(move |_| {
            Box::pin(async move {
                for _ in 0..10 {
                    yield_now().await;
                }
                flag.store(true, SeqCst);
                Ok(())
            })
        })
    });
    let p = p.await.unwrap();
    assert!(done.load(SeqCst));
    assert_eq!(p.actor.pid(), Some(p.pid));
}

pub async fn nothing_is_started_before_the_start_is_awaited(system: System) {
    let (log, mut events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    drop(system.start(&place, Script::new(&log)));
    assert!(system.is_empty());
    assert_eq!(place.pid(), None);
    assert_eq!(events.so_far(), []);
}

pub async fn a_start_that_fails_leaves_nothing(system: System) {
    for (init, why) in failing() {
        let (log, _events) = Events::new();
        let place = ActorRef::<Puppet>::unnamed();
        let script = Script::new(&log).init(move |cx| {
            cx.register("taken").unwrap();
            cx.join("group");
            init(cx)
        });
        let outcome = system.start(&place, script).await;
        assert_eq!(outcome, Err(StartError::Init(why.clone())));
        assert_eq!((system.whereis("taken"), system.len(), place.pid()), (None, 0, None), "{why:?}");
        assert_eq!((system.members("group"), system.groups()), (vec![], vec![]), "{why:?}");
        assert_eq!(place.last_exit(), Some(why));
        let pid = system.start(&place, Script::new(&log)).await.unwrap();
        system.register("taken", pid).unwrap();
        system.stop(pid, Exit::Normal).await.unwrap();
    }
}

pub async fn an_init_that_panics_is_a_failed_start(system: System) {
    for waits in [false, true] {
        let p = scripted(&system, move |script| {
            script.init(move |_| {
                Box::pin(async move {
                    if waits {
                        yield_now().await;
                    }
                    panic!("in init")
                })
            })
        });
        let Err(StartError::Init(Exit::Panic(panic))) = p.await.map(|p| p.pid) else { panic!("it started") };
        assert_eq!(panic.message, "in init");
        assert!(panic.location.as_ref().is_some_and(|at| at.contains("starts.rs:")), "{panic:?}");
        assert!(system.is_empty());
    }
}

pub async fn a_parent_gets_no_exit_signal_for_a_start_that_fails(system: System) {
    let mut parent = trapping(&system).await;
    for (init, why) in failing() {
        let outcome = Do::new(move |_, cx| {
            Box::pin(async move {
                let (log, _events) = Events::new();
                let outcome = cx.spawn_link::<Puppet>(Script::new(&log).init(init)).await;
                assert_eq!(outcome.map(|_| ()), Err(StartError::Init(why)));
            })
        });
        parent.actor.call(outcome).await.unwrap();
        parent.is_through().await;
        assert_eq!(parent.events.so_far(), []);
    }
}

pub async fn a_place_has_one_actor_at_a_time(system: System) {
    let (log, mut events) = Events::new();
    let p = puppet(&system).await;
    assert_eq!(system.start(&p.actor, Script::new(&log)).await, Err(StartError::AlreadyStarted));
    assert_eq!(system.len(), 1);
    assert_eq!(events.so_far(), [], "the second one was never made");
    let place = ActorRef::<Puppet>::unnamed();
    let starts: Vec<_> = (0..8).map(|_| system.start(&place, Script::new(&log))).collect();
    let outcomes = join_all(starts).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}

pub async fn a_place_belongs_to_one_system(system: System) {
    let other = System::new(system.runtime().clone());
    let p = puppet(&system).await;
    system.stop(p.pid, Exit::Normal).await.unwrap();
    let (log, _events) = Events::new();
    assert_eq!(other.start(&p.actor, Script::new(&log)).await, Err(StartError::AlreadyStarted));
    assert!(system.start(&p.actor, Script::new(&log)).await.is_ok());
}

pub async fn systems_in_one_process_do_not_see_each_other(system: System) {
    let other = System::new(system.runtime().clone());
    let (here, there) = (puppet(&system).await, puppet(&other).await);
    assert_eq!(here.pid, there.pid, "each counts from the beginning");
    system.register("name", here.pid).unwrap();
    system.join("group", here.pid);
    assert_eq!((other.whereis("name"), other.members("group")), (None, vec![]));
    other.register("name", there.pid).unwrap();
    assert!(system.kill(here.pid));
    assert!(other.is_alive(there.pid));
    assert_eq!(there.actor.call(Say(1)).await.unwrap(), 1);
    other.stop(there.pid, Exit::Normal).await.unwrap();
    assert!(other.is_empty() && other.ledger().is_balanced());
}

pub async fn messages_that_come_during_init_wait(system: System) {
    let (log, mut events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let (go_on, gate) = oneshot::channel::<()>();
    let script = Script::new(&log).init(|_| {
        Box::pin(async {
            let _ = gate.await;
            Ok(())
        })
    });
    let mut start = Box::pin(system.start(&place, script));
    assert!(begin(&mut start).await.is_pending());
    (0..10).for_each(|n| place.cast(Say(n)).unwrap());
    let mut call = Box::pin(place.call(Say(10)));
    assert!(begin(&mut call).await.is_pending());
    assert_eq!(events.so_far(), []);
    drop(go_on);
    start.await.unwrap();
    assert_eq!(call.await.unwrap(), 10);
    assert_eq!(said(&events.so_far()), (0..=10).collect::<Vec<_>>());
}

pub async fn calls_that_wait_for_an_init_that_fails_end_with_its_reason(system: System) {
    let (log, _events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let (go_on, gate) = oneshot::channel::<()>();
    let script = Script::new(&log).init(|_| {
        Box::pin(async {
            let _ = gate.await;
            Err(Exit::error("no"))
        })
    });
    let mut start = Box::pin(system.start(&place, script));
    assert!(begin(&mut start).await.is_pending());
    let mut call = Box::pin(place.call(Say(10)));
    assert!(begin(&mut call).await.is_pending());
    drop(go_on);
    assert_eq!(start.await, Err(StartError::Init(Exit::error("no"))));
    let outcome = call.await;
    assert!(matches!(outcome, Err(crate::CallError::Exited(why)) if why == Exit::error("no")));
}

pub async fn an_actor_killed_in_init_was_not_started(system: System) {
    let (log, _events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let script = Script::new(&log).init(|_| Box::pin(std::future::pending()));
    let mut start = Box::pin(system.start(&place, script));
    assert!(begin(&mut start).await.is_pending());
    assert!(system.kill(place.pid().unwrap()));
    assert_eq!(start.await, Err(StartError::Init(Exit::Killed)));
    assert!(system.is_empty());
}

pub async fn a_stop_during_init_waits_for_it(system: System) {
    let (log, events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let (go_on, gate) = oneshot::channel::<()>();
    let script = Script::new(&log).init(|_| {
        Box::pin(async {
            let _ = gate.await;
            Ok(())
        })
    });
    let mut start = Box::pin(system.start(&place, script));
    assert!(begin(&mut start).await.is_pending());
    let pid = place.pid().unwrap();
    let mut stop = Box::pin(system.stop(pid, Exit::Shutdown));
    assert!(begin(&mut stop).await.is_pending());
    drop(go_on);
    assert_eq!(start.await, Ok(pid));
    stop.await.unwrap();
    drop(log);
    assert_eq!(events.all().await, [Event::Terminated(Exit::Shutdown), Event::Dropped]);
}

pub async fn an_init_may_stop_its_actor_which_has_then_started(system: System) {
    let p = scripted(&system, |script| {
        script.init(|cx| {
            Box::pin(async {
                cx.stop(Exit::error("at once"));
                Ok(())
            })
        })
    });
    let p = p.await.unwrap();
    let events = p.events.all().await;
    assert_eq!(events, [Event::Terminated(Exit::error("at once")), Event::Dropped]);
    system.ended(p.pid).await;
    assert_eq!(p.actor.last_exit(), Some(Exit::error("at once")));
}

pub async fn a_child_of_the_dead_ends_with_noproc(system: System) {
    let parent = puppet(&system).await;
    system.stop(parent.pid, Exit::Normal).await.unwrap();
    let (log, _events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let script = Script::new(&log).init(|_| Box::pin(std::future::pending()));
    let outcome = system.start(&place, script).linked_to(parent.pid).await;
    assert_eq!(outcome, Err(StartError::Init(Exit::NoProc)));
}

pub async fn a_parent_that_dies_during_a_start_takes_the_child(system: System) {
    let parent = puppet(&system).await;
    let (log, _events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let script = Script::new(&log).init(|_| Box::pin(std::future::pending()));
    let mut start = Box::pin(system.start(&place, script).linked_to(parent.pid));
    assert!(begin(&mut start).await.is_pending());
    system.stop(parent.pid, Exit::error("gone")).await.unwrap();
    assert_eq!(start.await, Err(StartError::Init(Exit::error("gone"))));
}

pub async fn a_start_that_is_dropped_half_way_goes_on(system: System) {
    let parent = puppet(&system).await;
    let (log, mut events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let (go_on, gate) = oneshot::channel::<()>();
    let script = Script::new(&log).init(|_| {
        Box::pin(async {
            let _ = gate.await;
            Ok(())
        })
    });
    let mut start = Box::pin(system.start(&place, script).linked_to(parent.pid));
    assert!(begin(&mut start).await.is_pending());
    drop(start);
    drop(go_on);
    assert_eq!(place.call(Say(1)).await.unwrap(), 1);
    let end = system.ended(place.pid().unwrap());
    system.stop(parent.pid, Exit::Shutdown).await.unwrap();
    assert_eq!(end.await, Exit::Shutdown, "it is its parent's child all the same");
    assert_eq!(events.so_far(), [Event::Said(1), Event::Dropped]);
}

pub async fn a_child_is_linked_before_its_init_runs(system: System) {
    let parent = trapping(&system).await;
    let pid = parent.pid;
    let child = child_of(&system, &parent, false).await;
    assert_eq!(system.describe(child.pid).unwrap().parent, Some(pid));
    let end = system.ended(child.pid);
    parent.actor.cast(Do::panic("the parent")).unwrap();
    assert!(matches!(end.await, Exit::Panic(_)));
}

pub async fn a_pid_is_never_used_again(system: System) {
    let (log, _events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let mut seen = BTreeSet::new();
    for n in 0..500 {
        let pid = match n % 2 {
            0 => system.start(&place, Script::new(&log)).await.unwrap(),
            _ => system.spawn::<Puppet>(Script::new(&log)).await.unwrap().pid().unwrap(),
        };
        assert!(seen.insert(pid), "{pid} was there before");
        system.stop(pid, Exit::Normal).await.unwrap();
    }
    for pid in seen {
        assert!(!system.is_alive(pid) && !system.kill(pid));
        assert_eq!(system.ended(pid).await, Exit::NoProc);
        assert_eq!(system.register("late", pid), Err(RegisterError::NoProc));
    }
}

pub async fn thousands_of_actors_come_and_go_and_leave_the_system_empty(system: System) {
    struct Idle;
    impl crate::Actor for Idle {
        type Args = ();
        async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
            Ok(Idle)
        }
    }
    let mut places = Vec::new();
    for _ in 0..2_000 {
        places.push(system.spawn::<Idle>(()).await.unwrap());
    }
    assert_eq!(system.len(), 2_000);
    for (n, place) in places.into_iter().enumerate() {
        let pid = place.pid().unwrap();
        if n % 2 == 0 {
            system.stop(pid, Exit::Normal).await.unwrap();
        } else {
            let end = system.ended(pid);
            assert!(system.kill(pid));
            assert_eq!(end.await, Exit::Killed);
        }
    }
    assert!(system.is_empty());
}

pub async fn a_place_is_ready_when_an_incarnation_is_up(system: System) {
    let (log, _events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let mut ready = Box::pin(place.ready());
    assert!(begin(&mut ready).await.is_pending());
    let failing = Script::new(&log).init(|_| Box::pin(async { Err(Exit::error("not yet")) }));
    system.start(&place, failing).await.unwrap_err();
    assert!(begin(&mut ready).await.is_pending());
    let pid = system.start(&place, Script::new(&log)).await.unwrap();
    assert_eq!((ready.await, place.ready().await), (pid, pid));
}

pub async fn a_parent_outlives_the_children_that_it_adopted(system: System) {
    for killed in [false, true] {
        let (log, mut events) = Events::new();
        let parent = puppet(&system).await;
        for n in 1..=3 {
            let last_words = log.clone();
            let script = Script::new(&log).trapping(true).at_end(move |_, _| {
                Box::pin(async move {
                    yield_now().await;
                    let _ = last_words.unbounded_send(Event::Said(n));
                })
            });
            let start = system.start(&ActorRef::<Puppet>::unnamed(), script);
            start.adopted_by(parent.pid, ChildGrace::Unbounded).await.unwrap();
        }
        let end = system.ended(parent.pid);
        let why = if killed { Exit::Killed } else { Exit::error("over") };
        if killed {
            assert!(system.kill(parent.pid));
        } else {
            parent.actor.cast(Do::stop(why.clone())).unwrap();
        }
        assert_eq!(end.await, why);
        assert_eq!(
            said(&events.so_far()),
            [3, 2, 1],
            "newest first, and before anybody learns of the parent's end"
        );
        assert!(system.is_empty());
    }
}

pub async fn an_adopted_child_that_overstays_its_grace_is_killed(system: System) {
    let (log, _events) = Events::new();
    let parent = puppet(&system).await;
    let place = ActorRef::<Puppet>::unnamed();
    let script = Script::new(&log).trapping(true).at_end(|_, _| Box::pin(std::future::pending()));
    let grace = ChildGrace::For(Duration::from_millis(2));
    system.start(&place, script).adopted_by(parent.pid, grace).await.unwrap();
    let end = system.ended(parent.pid);
    assert!(system.kill(parent.pid));
    assert_eq!(end.await, Exit::Killed);
    assert_eq!(place.last_exit(), Some(Exit::Killed));
}
