//! Kill: at the next await, whatever the actor does and whatever waits.

use super::puppet::{Do, Event, Say, begin, child_of, puppet, said, scripted, trapping, with_mailbox};
use crate::{Bounded, CallError, Exit, Inbox, Info, Pid, System, TrapExits, Unbounded};
use futures::channel::oneshot;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

pub async fn a_kill_cannot_be_trapped_and_is_seen_as_killed(system: System) {
    let victim = trapping(&system).await;
    let (mut linked, mut monitoring) = (trapping(&system).await, puppet(&system).await);
    let pid = victim.pid;
    linked.does(move |cx| cx.link(pid)).await;
    let monitor = monitoring.does(move |cx| cx.monitor(pid)).await;
    assert!(system.kill(pid));
    assert_eq!(linked.events.info().await, Info::Exit { from: pid, reason: Exit::Killed });
    assert_eq!(monitoring.events.info().await, Info::Down { pid, monitor, reason: Exit::Killed });
    assert_eq!(victim.events.all().await, [Event::Dropped], "no callback ran");
}

pub async fn an_exit_signal_with_the_reason_killed_is_no_kill(system: System) {
    let (from, mut p) = (puppet(&system).await, trapping(&system).await);
    system.exit(from.pid, p.pid, Exit::Killed);
    assert_eq!(p.events.info().await, Info::Exit { from: from.pid, reason: Exit::Killed });
    assert_eq!(p.actor.call(Say(1)).await.unwrap(), 1);
}

pub async fn a_kill_ends_a_handler_that_hangs(system: System) {
    let p = puppet(&system).await;
    let _gate = p.hangs().await;
    let end = system.ended(p.pid);
    assert!(system.kill(p.pid));
    assert_eq!(end.await, Exit::Killed);
    assert_eq!(p.actor.ledger().interrupted, 1);
}

pub async fn a_kill_takes_effect_under_a_full_mailbox(system: System) {
    for hangs in [true, false] {
        let p = with_mailbox(&system, Bounded(100)).await;
        let gate = p.hangs().await;
        (0..100).for_each(|n| p.casts(n));
        let end = system.ended(p.pid);
        if !hangs {
            drop(gate);
        }
        assert!(system.kill(p.pid));
        assert_eq!(end.await, Exit::Killed);
        let (actor, events) = (p.actor, p.events);
        let handled = said(&events.all().await).len() as u64;
        assert_eq!(actor.ledger().dead_lettered, 100 - handled);
        assert!(handled == 0 || !hangs);
    }
}

pub async fn an_actor_that_kills_itself_goes_no_further_than_its_next_await(system: System) {
    let p = puppet(&system).await;
    let act = Do::new(|puppet, cx| {
        Box::pin(async move {
            cx.system().kill(cx.pid());
            puppet.tell(Event::Said(1));
            std::future::pending::<()>().await;
        })
    });
    let end = system.ended(p.pid);
    p.actor.cast(act).unwrap();
    assert_eq!(p.events.all().await, [Event::Said(1), Event::Dropped]);
    assert_eq!(end.await, Exit::Killed);
}

pub async fn a_kill_passes_through_links_as_killed(system: System) {
    let (a, b, c) = (puppet(&system).await, puppet(&system).await, puppet(&system).await);
    let (b_pid, c_pid) = (b.pid, c.pid);
    a.does(move |cx| cx.link(b_pid)).await;
    b.does(move |cx| cx.link(c_pid)).await;
    let end = system.ended(c.pid);
    assert!(system.kill(a.pid));
    assert_eq!(end.await, Exit::Killed);
}

pub async fn a_killed_parent_takes_a_trapping_child_in_good_order(system: System) {
    let parent = puppet(&system).await;
    let child = child_of(&system, &parent, true).await;
    assert!(system.kill(parent.pid));
    assert_eq!(child.events.all().await, [Event::Terminated(Exit::Killed), Event::Dropped]);
}

pub async fn a_kill_twice_is_one_end(system: System) {
    let (p, mut watcher) = (puppet(&system).await, puppet(&system).await);
    let pid = p.pid;
    watcher.does(move |cx| cx.monitor(pid)).await;
    let gate = p.hangs().await;
    system.kill(pid);
    system.kill(pid);
    drop(gate);
    assert!(matches!(watcher.events.info().await, Info::Down { reason: Exit::Killed, .. }));
    watcher.is_through().await;
    assert_eq!(watcher.events.so_far(), []);
}

/// From a thread of its own: casts, kills, and casts again, with another number.
async fn cast_around_a_kill(system: &System, pid: Pid, cast: impl Fn(u32) + Send + 'static) {
    let (end, killer) = (system.ended(pid), system.clone());
    let (done, is_done) = oneshot::channel();
    system.runtime().spawn_blocking(Box::new(move || {
        (0..8).for_each(|_| cast(0));
        killer.kill(pid);
        (0..8).for_each(|_| cast(1));
        let _ = done.send(());
    }));
    is_done.await.unwrap();
    assert_eq!(end.await, Exit::Killed);
}

pub async fn nothing_sent_after_a_kill_is_handled(system: System) {
    let late = Arc::new(AtomicU32::new(0));
    for _ in 0..100 {
        let (p, late) = (with_mailbox(&system, Unbounded).await, late.clone());
        let actor = p.actor.clone();
        let count = move |n| {
            let late = late.clone();
            let _ = actor.cast(Do::now(move |_, _| {
                late.fetch_add(n, SeqCst);
            }));
        };
        cast_around_a_kill(&system, p.pid, count).await;
    }
    assert_eq!(late.load(SeqCst), 0);
}

pub async fn nothing_sent_after_a_kill_is_received_by_a_task(system: System) {
    let late = Arc::new(AtomicU32::new(0));
    for _ in 0..100 {
        let late = late.clone();
        let task = system.spawn_task(move |mut inbox: Inbox<Say>| async move {
            while let Some(Say(n)) = inbox.recv().await {
                late.fetch_add(n, SeqCst);
            }
        });
        let task = task.mailbox(Unbounded).await.unwrap();
        let pid = task.pid().unwrap();
        cast_around_a_kill(&system, pid, move |n| drop(task.cast(Say(n)))).await;
    }
    assert_eq!(late.load(SeqCst), 0);
}

pub async fn a_kill_ends_a_task_that_waits_or_receives(system: System) {
    let receives = system.spawn_task(|mut inbox: Inbox<Say>| async move {
        inbox.trap_exits(TrapExits::Yes);
        while inbox.recv().await.is_some() {}
    });
    let waits = system.spawn_task(|inbox: Inbox<Say>| async move {
        let _inbox = inbox;
        std::future::pending::<()>().await
    });
    for task in [receives.await.unwrap(), waits.await.unwrap()] {
        let pid = task.pid().unwrap();
        task.cast(Say(1)).unwrap();
        let end = system.ended(pid);
        assert!(system.kill(pid));
        assert_eq!(end.await, Exit::Killed);
    }
}

pub async fn a_kill_reaches_an_actor_that_waits_for_a_call(system: System) {
    let (p, other) = (puppet(&system).await, puppet(&system).await);
    let _gate = other.hangs().await;
    let to = other.actor.clone();
    let waits = Do::new(move |_, _| Box::pin(async move { drop(to.call(Say(1)).await) }));
    let mut call = Box::pin(p.actor.call(waits));
    assert!(begin(&mut call).await.is_pending());
    assert!(system.kill(p.pid));
    assert!(matches!(call.await, Err(CallError::Exited(Exit::Killed))));
}

pub async fn a_kill_in_init_drops_what_init_held(system: System) {
    struct Guard(Option<oneshot::Sender<()>>);
    let (dropped, is_dropped) = oneshot::channel::<()>();
    let guard = Guard(Some(dropped));
    let p = scripted(&system, move |script| {
        script.init(move |cx| {
            Box::pin(async move {
                let guard = guard;
                cx.system().kill(cx.pid());
                std::future::pending::<()>().await;
                drop(guard.0);
                Ok(())
            })
        })
    });
    assert!(p.await.is_err());
    assert!(is_dropped.await.is_err(), "dropped, not sent");
}
