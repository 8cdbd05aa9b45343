//! Futures and streams whose results come back as messages.

use super::puppet::{
    Do, Event, Events, Keep, Puppet, Say, Script, begin, does, hangs, puppet, said, yield_now,
};
use crate::{ActorRef, Bounded, CallError, Exit, Overflow, System};
use futures::channel::{mpsc, oneshot};
use futures::stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

pub async fn the_outcome_of_a_future_comes_back_as_a_message(system: System) {
    let mut p = puppet(&system).await;
    let (send, receive) = oneshot::channel::<u32>();
    p.does(|cx| {
        cx.pipe(async { 1 }, |n| Say(n.unwrap()));
        cx.pipe(receive, |n| Say(n.unwrap().unwrap()));
    })
    .await;
    assert_eq!(p.events.next().await, Event::Said(1));
    assert_eq!(p.actor.call(Say(2)).await.unwrap(), 2);
    send.send(3).unwrap();
    assert_eq!(p.events.next().await, Event::Said(2));
    assert_eq!(p.events.next().await, Event::Said(3));
}

pub async fn a_panic_in_a_piped_future_is_an_error_and_harms_nobody(system: System) {
    let mut p = puppet(&system).await;
    for waits in [false, true] {
        p.does(move |cx| {
            let future = async move {
                if waits {
                    yield_now().await;
                }
                panic!("in a pipe")
            };
            cx.pipe(future, |outcome: Result<(), Exit>| {
                let Err(Exit::Panic(panic)) = outcome else { return Say(0) };
                assert_eq!(panic.message, "in a pipe");
                Say(1)
            });
        })
        .await;
        assert_eq!(p.events.next().await, Event::Said(1));
    }
    p.does(|cx| cx.pipe(async {}, |_| -> Say { panic!("while making the message") })).await;
    assert_eq!(p.actor.call(Say(2)).await.unwrap(), 2);
}

pub async fn a_call_lost_in_a_panicking_pipe_ends(system: System) {
    let p = puppet(&system).await;
    let mut call = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut call).await.is_pending());
    p.actor
        .call(Do::now(|puppet, cx| {
            let reply = puppet.kept.pop().unwrap();
            let future = async move {
                let _reply = reply;
                yield_now().await;
                panic!("with a reply in hand")
            };
            cx.pipe(future, |_: Result<(), Exit>| Say(1));
        }))
        .await
        .unwrap();
    let outcome = call.await;
    assert!(matches!(outcome, Err(CallError::NoReply)), "{outcome:?}");
}

pub async fn a_piped_future_ends_with_the_incarnation(system: System) {
    let (log, mut events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let first = system.start(&place, Script::new(&log)).await.unwrap();
    let (dropped, is_dropped) = oneshot::channel::<()>();
    does(&place, |cx| {
        let future = async move {
            let _dropped = dropped;
            std::future::pending::<u32>().await
        };
        cx.pipe(future, |n| Say(n.unwrap()));
    })
    .await;
    system.stop(first, Exit::Normal).await.unwrap();
    assert!(is_dropped.await.is_err());
    system.start(&place, Script::new(&log)).await.unwrap();
    does(&place, |_| ()).await;
    assert_eq!(said(&events.so_far()), []);
}

pub async fn the_items_of_a_stream_come_as_messages_and_then_its_end(system: System) {
    let mut p = puppet(&system).await;
    p.does(|cx| cx.attach(stream::iter(0..100), |n: Option<u32>| Say(n.unwrap_or(1000)))).await;
    for n in 0..100 {
        assert_eq!(p.events.next().await, Event::Said(n));
    }
    assert_eq!(p.events.next().await, Event::Said(1000));
}

pub async fn a_busy_actor_slows_its_stream_down(system: System) {
    for policy in [Overflow::Wait, Overflow::Refuse] {
        let p = super::puppet::with_mailbox(&system, Bounded(4).on_full(policy)).await;
        let taken = Arc::new(AtomicU32::new(0));
        let count = taken.clone();
        let (send, receive) = mpsc::unbounded::<u32>();
        (0..100).for_each(|n| send.unbounded_send(n).unwrap());
        drop(send);
        let gate = hangs(&p.actor).await;
        drop(gate);
        p.does(move |cx| {
            cx.attach(receive, move |n| {
                count.fetch_add(1, SeqCst);
                Say(n.unwrap_or(1000))
            });
        })
        .await;
        let mut events = p.events;
        let mut seen = Vec::new();
        while seen.last() != Some(&Event::Said(1000)) {
            seen.push(events.next().await);
        }
        let mut expect: Vec<_> = (0..100).collect();
        expect.push(1000);
        assert_eq!(said(&seen), expect, "{policy:?}");
        assert_eq!(taken.load(SeqCst), 101);
    }
}

pub async fn a_stream_waits_for_room(system: System) {
    let p = super::puppet::with_mailbox(&system, Bounded(4)).await;
    let taken = Arc::new(AtomicU32::new(0));
    let count = taken.clone();
    let (go_on, gate) = oneshot::channel::<()>();
    let (full, is_full) = oneshot::channel::<()>();
    let mut full = Some(full);
    let act = Do::new(move |_, cx| {
        Box::pin(async move {
            cx.attach(stream::iter(0..100), move |n: Option<u32>| {
                if count.fetch_add(1, SeqCst) == 4 {
                    full.take().map(|full| full.send(()));
                }
                Say(n.unwrap_or(1000))
            });
            let _ = gate.await;
        })
    });
    p.actor.cast(act).unwrap();
    is_full.await.unwrap();
    yield_now().await;
    assert_eq!(taken.load(SeqCst), 5, "four wait, and one more is in hand");
    drop(go_on);
    let mut events = p.events;
    while events.next().await != Event::Said(1000) {}
}

pub async fn a_stream_ends_with_the_incarnation(system: System) {
    let p = puppet(&system).await;
    let (send, receive) = mpsc::unbounded::<u32>();
    p.does(|cx| cx.attach(receive, |n| Say(n.unwrap_or(1000)))).await;
    send.unbounded_send(1).unwrap();
    let (pid, mut events) = (p.pid, p.events);
    assert_eq!(events.next().await, Event::Said(1));
    let end = system.ended(pid);
    assert!(system.kill(pid));
    end.await;
    send.closed_now().await;
}

/// Waits until the receiver of a channel is gone.
trait ClosedNow {
    async fn closed_now(self);
}

impl ClosedNow for mpsc::UnboundedSender<u32> {
    async fn closed_now(self) {
        while !self.is_closed() {
            yield_now().await;
        }
    }
}

pub async fn many_pipes_leave_nothing_behind(system: System) {
    let mut p = super::puppet::with_mailbox(&system, crate::Unbounded).await;
    p.does(|cx| (0..500).for_each(|n| cx.pipe(async move { n }, |n| Say(n.unwrap())))).await;
    let mut seen = Vec::new();
    while seen.len() < 500 {
        seen.push(p.events.next().await);
    }
    let mut seen = said(&seen);
    seen.sort_unstable();
    assert_eq!(seen, (0..500).collect::<Vec<_>>());
    while system.len() > 1 {
        yield_now().await;
    }
}
