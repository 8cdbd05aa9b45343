//! Names.

use super::puppet::{Do, Events, Log, Puppet, Script, puppet, trapping};
use crate::{ActorRef, Exit, Info, RegisterError, StartError, System};
use std::sync::Arc;

fn sorted(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

pub async fn a_name_is_registered_found_and_freed(system: System) {
    let p = puppet(&system).await;
    assert_eq!(system.whereis("a"), None);
    system.register("a", p.pid).unwrap();
    system.register("b", p.pid).unwrap();
    assert_eq!((system.whereis("a"), system.whereis("b")), (Some(p.pid), Some(p.pid)));
    assert_eq!(system.registered(), sorted(&["a", "b"]));
    assert_eq!(system.unregister("a"), Some(p.pid));
    assert_eq!(system.unregister("a"), None);
    assert_eq!((system.whereis("a"), system.whereis("b")), (None, Some(p.pid)));
    system.stop(p.pid, Exit::Normal).await.unwrap();
    assert_eq!(system.registered(), sorted(&[]));
}

pub async fn a_name_has_one_owner(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    system.register("name", a.pid).unwrap();
    for pid in [a.pid, b.pid] {
        assert_eq!(system.register("name", pid), Err(RegisterError::AlreadyRegistered(a.pid)));
    }
    assert_eq!(b.does(|cx| cx.register("name")).await, Err(RegisterError::AlreadyRegistered(a.pid)));
    system.unregister("name");
    assert_eq!(b.does(|cx| cx.register("name")).await, Ok(()));
    assert_eq!(system.whereis("name"), Some(b.pid));
    system.stop(a.pid, Exit::Normal).await.unwrap();
    assert_eq!(system.whereis("name"), Some(b.pid), "the former owner's end does not take it");
}

pub async fn the_dead_cannot_be_registered(system: System) {
    let p = puppet(&system).await;
    system.stop(p.pid, Exit::Normal).await.unwrap();
    assert_eq!(system.register("name", p.pid), Err(RegisterError::NoProc));
    assert_eq!(system.whereis("name"), None);
}

/// The script of one that takes a name in `init`.
fn owner(log: &Log) -> Script {
    Script::new(log).init(|cx| Box::pin(async { cx.register("mine").map_err(Exit::error) }))
}

pub async fn names_are_free_before_links_learn_of_the_end(system: System) {
    for _ in 0..50 {
        let (log, _events) = Events::new();
        let (mut parent, place) = (trapping(&system).await, ActorRef::<Puppet>::unnamed());
        let first = system.start(&place, owner(&log)).linked_to(parent.pid).await.unwrap();
        place.cast(Do::panic("restart me")).unwrap();
        assert!(matches!(parent.events.info().await, Info::Exit { from, .. } if from == first));
        let second = system.start(&place, owner(&log)).linked_to(parent.pid).await.unwrap();
        assert_eq!(system.whereis("mine"), Some(second));
        system.stop(second, Exit::Normal).await.unwrap();
    }
}

pub async fn a_restart_begins_when_the_end_before_it_is_over(system: System) {
    // Whoever sees the place empty may start there: the names of the dead are free by then.
    for _ in 0..50 {
        let (log, _events) = Events::new();
        let place = ActorRef::<Puppet>::unnamed();
        let first = system.start(&place, owner(&log)).await.unwrap();
        for n in 0..100 {
            system.register(format!("also {n}"), first).unwrap();
        }
        system.kill(first);
        let second = loop {
            match system.start(&place, owner(&log)).await {
                Ok(pid) => break pid,
                Err(error) => assert_eq!(error, StartError::AlreadyStarted),
            }
            super::puppet::yield_now().await;
        };
        assert_eq!(system.whereis("mine"), Some(second));
        assert_eq!(system.registered().len(), 1);
        system.stop(second, Exit::Normal).await.unwrap();
    }
}

pub async fn many_names_come_and_go(system: System) {
    let mut puppets = Vec::new();
    for n in 0..200 {
        let p = puppet(&system).await;
        for i in 0..5 {
            system.register(format!("{n}/{i}"), p.pid).unwrap();
        }
        puppets.push(p);
    }
    assert_eq!(system.registered().len(), 1000);
    for (n, p) in puppets.iter().enumerate() {
        assert_eq!(system.whereis(&format!("{n}/3")), Some(p.pid));
        system.unregister(&format!("{n}/0"));
    }
    for p in &puppets {
        system.stop(p.pid, Exit::Normal).await.unwrap();
    }
    assert_eq!(system.registered(), sorted(&[]));
}

pub async fn a_name_asked_for_at_the_start_is_there_before_init(system: System) {
    let (log, _events) = Events::new();
    let script = Script::new(&log).init(|cx| {
        Box::pin(async {
            assert_eq!(cx.system().whereis("known"), Some(cx.pid()));
            Ok(())
        })
    });
    let place = ActorRef::<Puppet>::unnamed();
    let pid = system.start(&place, script).named("known").await.unwrap();
    assert_eq!(system.whereis("known"), Some(pid));
    system.stop(pid, Exit::Normal).await.unwrap();
    assert_eq!(system.whereis("known"), None);
}

pub async fn a_start_whose_name_is_taken_tells_the_owner_and_runs_no_init(system: System) {
    let (log, mut events) = Events::new();
    let owner = puppet(&system).await;
    system.register("known", owner.pid).unwrap();
    let mut parent = trapping(&system).await;
    let script = Script::new(&log).init(|_| Box::pin(async { panic!("init runs") }));
    let place = ActorRef::<Puppet>::unnamed();
    let outcome = system.start(&place, script).named("known").linked_to(parent.pid).await;
    assert_eq!(outcome, Err(StartError::Init(Exit::AlreadyStarted(owner.pid))));
    assert_eq!((system.whereis("known"), place.pid()), (Some(owner.pid), None));
    parent.is_through().await;
    assert_eq!((parent.events.so_far(), events.so_far()), (vec![], vec![]));
}
