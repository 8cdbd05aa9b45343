//! Closure actors.

use super::puppet::{Do, Say, puppet, yield_now};
use crate::{
    ActorRef, CallError, Exit, Inbox, Info, NoMessage, Received, SendError, System, Task, TrapExits,
    Unbounded,
};
use futures::channel::{mpsc, oneshot};
use futures::stream::StreamExt;
use std::time::Duration;

/// A task that tells what it receives, until it is told to end.
async fn echo(system: &System) -> (ActorRef<Task<Say>>, mpsc::UnboundedReceiver<u32>) {
    let (tell, told) = mpsc::unbounded();
    let task = system
        .spawn_task(|mut inbox: Inbox<Say>| async move {
            inbox.trap_exits(TrapExits::Yes);
            while let Some(Say(n)) = inbox.recv().await {
                let _ = tell.unbounded_send(n);
            }
        })
        .mailbox(Unbounded)
        .await
        .unwrap();
    (task, told)
}

pub async fn a_task_receives_in_order(system: System) {
    let (task, mut told) = echo(&system).await;
    (0..1000).for_each(|n| task.cast(Say(n)).unwrap());
    for n in 0..1000 {
        assert_eq!(told.next().await, Some(n));
    }
    assert_eq!(task.ledger().handled, 1000);
}

pub async fn a_task_ends_as_its_function_does(system: System) {
    type Body = fn(Inbox<Say>) -> futures::future::BoxFuture<'static, Result<(), Exit>>;
    let bodies: [(Body, Option<Exit>); 5] = [
        (|_| Box::pin(async { Ok(()) }), Some(Exit::Normal)),
        (|_| Box::pin(async { Err(Exit::error("lost the way")) }), Some(Exit::error("lost the way"))),
        (|_| Box::pin(async { Err(Exit::Shutdown) }), Some(Exit::Shutdown)),
        (|_| Box::pin(async { panic!("in a task") }), None),
        (
            |_| {
                Box::pin(async {
                    yield_now().await;
                    panic!("in a task, later")
                })
            },
            None,
        ),
    ];
    for (body, expect) in bodies {
        let (go_on, gate) = oneshot::channel::<()>();
        let task = system
            .spawn_task(move |inbox: Inbox<Say>| async move {
                let _ = gate.await;
                body(inbox).await
            })
            .await
            .unwrap();
        let end = system.ended(task.pid().unwrap());
        drop(go_on);
        match (end.await, expect) {
            (Exit::Panic(panic), None) => assert!(panic.message.starts_with("in a task")),
            (end, expect) => assert_eq!(Some(end), expect),
        }
        assert!(matches!(task.cast(Say(1)), Err(SendError::NoProc(_))));
    }
}

pub async fn a_task_answers_calls(system: System) {
    let task = system
        .spawn_task(|mut inbox: Inbox<Say>| async move {
            while let Some(received) = inbox.next().await {
                if let Received::Message(Say(n), reply) = received {
                    reply.send(n + 1);
                }
            }
        })
        .await
        .unwrap();
    assert_eq!(task.call(Say(1)).await.unwrap(), 2);
    assert_eq!(task.call(Say(2)).await.unwrap(), 3);
}

pub async fn a_call_that_a_task_does_not_answer_ends(system: System) {
    let (task, mut told) = echo(&system).await;
    assert!(matches!(task.call(Say(1)).await, Err(CallError::NoReply)));
    assert_eq!(told.next().await, Some(1));

    let (keep, _kept) = oneshot::channel();
    let returns = system.spawn_task(|mut inbox: Inbox<Say>| async move {
        // It returns, and the answer is owed all the same.
        let _ = keep.send(inbox.next().await);
    });
    let returns = returns.await.unwrap();
    let pid = returns.pid().unwrap();
    let end = system.ended(pid);
    let outcome = returns.call(Say(1)).no_timeout().await;
    assert!(matches!(outcome, Err(CallError::Exited(Exit::Normal))), "{outcome:?}");
    assert_eq!(end.await, Exit::Normal);
}

pub async fn a_call_that_waits_in_the_inbox_ends_with_the_task(system: System) {
    let (go_on, gate) = oneshot::channel::<()>();
    let task = system.spawn_task(|_inbox: Inbox<Say>| async move {
        let _ = gate.await;
        Err(Exit::error("done"))
    });
    let task = task.await.unwrap();
    let mut call = Box::pin(task.call(Say(1)));
    assert!(super::puppet::begin(&mut call).await.is_pending());
    drop(go_on);
    let outcome = call.await;
    assert!(matches!(&outcome, Err(CallError::Exited(why)) if *why == Exit::error("done")), "{outcome:?}");
}

pub async fn a_selective_receive_leaves_the_others_in_order(system: System) {
    let (tell, mut told) = mpsc::unbounded();
    let task = system
        .spawn_task(move |mut inbox: Inbox<Say>| async move {
            let mut order = Vec::new();
            for wanted in [7, 3] {
                order.push(inbox.recv_matching(|say| say.0 == wanted).await.unwrap().0);
            }
            for _ in 0..8 {
                order.push(inbox.recv().await.unwrap().0);
            }
            order.push(inbox.recv_matching(|say| say.0 > 10).await.unwrap().0);
            let _ = tell.unbounded_send(order);
        })
        .await
        .unwrap();
    for n in 0..10 {
        task.cast(Say(n)).unwrap();
        yield_now().await;
    }
    task.cast(Say(11)).unwrap();
    assert_eq!(told.next().await, Some(vec![7, 3, 0, 1, 2, 4, 5, 6, 8, 9, 11]));
}

pub async fn a_selective_receive_looks_at_each_message_once(system: System) {
    let (tell, told) = oneshot::channel();
    let task = system
        .spawn_task(move |mut inbox: Inbox<Say>| async move {
            let mut looks = 0;
            let wanted = inbox.recv_matching(|say| {
                looks += 1;
                say.0 == u32::MAX
            });
            let wanted = wanted.await;
            let _ = tell.send((looks, wanted));
            while inbox.recv().await.is_some() {}
        })
        .mailbox(Unbounded)
        .await
        .unwrap();
    for n in 0..2_000 {
        task.cast(Say(n)).unwrap();
        if n % 100 == 0 {
            yield_now().await;
        }
    }
    task.cast(Say(u32::MAX)).unwrap();
    assert_eq!(told.await.unwrap(), (2_001, Some(Say(u32::MAX))));
}

pub async fn a_receive_that_is_dropped_loses_no_message(system: System) {
    let (tell, told) = oneshot::channel();
    let task = system
        .spawn_task(move |mut inbox: Inbox<Say>| async move {
            let mut seen = Vec::new();
            while seen.len() < 100 {
                // Each wait is given up again and again, at every stage.
                let mut wait = Box::pin(inbox.recv_matching(|say| say.0 % 2 == 1));
                let outcome = super::puppet::begin(&mut wait).await;
                drop(wait);
                if let std::task::Poll::Ready(Some(Say(n))) = outcome {
                    seen.push(n);
                } else if let std::task::Poll::Ready(Some(Say(n))) =
                    super::puppet::begin(&mut Box::pin(inbox.recv())).await
                {
                    seen.push(n);
                } else {
                    yield_now().await;
                }
            }
            let _ = tell.send(seen);
        })
        .await
        .unwrap();
    for n in 0..100 {
        task.send(Say(n)).await.unwrap();
    }
    let mut seen = told.await.unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

pub async fn a_receive_with_a_limit_gives_up(system: System) {
    let (tell, mut told) = mpsc::unbounded();
    let task = system
        .spawn_task(move |mut inbox: Inbox<Say>| async move {
            let first = inbox.recv_within(Duration::from_millis(2)).await;
            let _ = tell.unbounded_send(first);
            let second = inbox.recv_within(Duration::from_secs(60)).await;
            let _ = tell.unbounded_send(second);
        })
        .await
        .unwrap();
    assert_eq!(told.next().await, Some(None));
    task.cast(Say(5)).unwrap();
    assert_eq!(told.next().await, Some(Some(Say(5))));
}

pub async fn a_task_that_traps_is_told_to_end_and_returns(system: System) {
    let (task, told) = echo(&system).await;
    let pid = task.pid().unwrap();
    assert_eq!(
        task.call(Say(1)).await.map(drop).unwrap_err().to_string(),
        CallError::<Say>::NoReply.to_string()
    );
    let end = system.shut_down(pid, Exit::Shutdown, Some(Duration::from_secs(30))).await;
    assert_eq!(end, Exit::Shutdown, "the reason that was asked for stands");
    assert_eq!(told.collect::<Vec<_>>().await, [1]);
}

pub async fn a_task_that_does_not_trap_ends_on_the_spot(system: System) {
    let task =
        system.spawn_task(|mut inbox: Inbox<Say>| async move { while inbox.recv().await.is_some() {} });
    let pid = task.await.unwrap().pid().unwrap();
    assert_eq!(system.shut_down(pid, Exit::Shutdown, None).await, Exit::Shutdown);
}

pub async fn a_stop_is_the_end_of_an_inbox_ahead_of_its_messages(system: System) {
    let (go_on, gate) = oneshot::channel::<()>();
    let (entered, is_in) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let task = system
        .spawn_task(|mut inbox: Inbox<Say>| async move {
            let _ = entered.send(());
            let _ = gate.await;
            let _ = tell.send(inbox.recv().await);
        })
        .await
        .unwrap();
    is_in.await.unwrap();
    let pid = task.pid().unwrap();
    (0..10).for_each(|n| task.cast(Say(n)).unwrap());
    let mut stop = Box::pin(system.stop(pid, Exit::Normal));
    assert!(super::puppet::begin(&mut stop).await.is_pending());
    drop(go_on);
    assert_eq!(told.await, Ok(None));
    stop.await.unwrap();
    assert_eq!(task.ledger().dead_lettered, 10);
}

pub async fn a_task_that_is_ended_in_turn_receives_what_came_before(system: System) {
    let (go_on, gate) = oneshot::channel::<()>();
    let (tell, told) = mpsc::unbounded();
    let (entered, is_in) = oneshot::channel();
    let task = system
        .spawn_task(|mut inbox: Inbox<Say>| async move {
            inbox.trap_exits(TrapExits::InTurn);
            let _ = entered.send(());
            let _ = gate.await;
            while let Some(Say(n)) = inbox.recv().await {
                let _ = tell.unbounded_send(n);
            }
        })
        .await
        .unwrap();
    is_in.await.unwrap();
    let mut order = Box::pin(system.shut_down(task.pid().unwrap(), Exit::Shutdown, None));
    task.cast(Say(1)).unwrap();
    assert!(super::puppet::begin(&mut order).await.is_pending());
    task.cast(Say(2)).unwrap();
    go_on.send(()).unwrap();
    assert_eq!(order.await, Exit::Shutdown);
    assert_eq!(told.collect::<Vec<_>>().await, [1]);
}

pub async fn a_task_that_goes_on_receiving_after_the_end_can_be_killed(system: System) {
    let (entered, is_in) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let task = system
        .spawn_task(|mut inbox: Inbox<Say>| async move {
            let _ = entered.send(());
            inbox.recv().await;
            let _ = tell.send(());
            while inbox.recv().await.is_none() {}
        })
        .await
        .unwrap();
    is_in.await.unwrap();
    let pid = task.pid().unwrap();
    let mut stop = Box::pin(system.stop(pid, Exit::Normal));
    assert!(super::puppet::begin(&mut stop).await.is_pending());
    told.await.unwrap();
    assert!(system.kill(pid));
    assert_eq!(stop.await, Err(Exit::Killed));
}

pub async fn a_task_has_bonds(system: System) {
    let p = puppet(&system).await;
    let (tell, mut told) = mpsc::unbounded();
    let (entered, is_in) = oneshot::channel();
    let target = p.pid;
    let task = system
        .spawn_task(move |mut inbox: Inbox<NoMessage>| async move {
            inbox.trap_exits(TrapExits::Yes);
            inbox.link(target);
            let (kept, ended) = (inbox.monitor(target), inbox.monitor(target));
            assert!(inbox.demonitor(ended));
            let _ = entered.send(());
            while let Some(Received::Info(info)) = inbox.next().await {
                let _ = tell.unbounded_send((info, kept));
            }
        })
        .await
        .unwrap();
    is_in.await.unwrap();
    system.stop(p.pid, Exit::error("bonds")).await.unwrap();
    let reason = Exit::error("bonds");
    let (first, kept) = told.next().await.unwrap();
    let (second, _) = told.next().await.unwrap();
    assert_eq!(first, Info::Exit { from: target, reason: reason.clone() });
    assert_eq!(second, Info::Down { pid: target, monitor: kept, reason });
    assert!(task.is_alive());
}

pub async fn a_task_may_call_and_be_called_at_once(system: System) {
    let p = puppet(&system).await;
    let to = p.actor.clone();
    let task = system
        .spawn_task(move |mut inbox: Inbox<Say>| async move {
            while let Some(received) = inbox.next().await {
                if let Received::Message(say, reply) = received {
                    reply.send(to.call(say).await.unwrap() * 2);
                }
            }
        })
        .await
        .unwrap();
    for n in 0..20 {
        assert_eq!(task.call(Say(n)).await.unwrap(), n * 2);
    }
}

pub async fn a_task_that_calls_itself_is_refused(system: System) {
    let (tell, told) = oneshot::channel();
    let place = ActorRef::<Task<Say>>::unnamed();
    let me = place.clone();
    let args = crate::TaskArgs::once(move |_: Inbox<Say>| async move {
        let _ = tell
            .send(matches!(me.call(Say(1)).await, Err(CallError::Deadlock { request: Some(Say(1)), .. })));
    });
    system.start(&place, args).await.unwrap();
    assert_eq!(told.await, Ok(true));
}

pub async fn a_task_that_floods_itself_lets_others_run(system: System) {
    let place = ActorRef::<Task<Say>>::unnamed();
    let me = place.clone();
    let args = crate::TaskArgs::once(move |mut inbox: Inbox<Say>| async move {
        while let Some(say) = inbox.recv().await {
            let _ = me.cast(say);
        }
    });
    let pid = system.start(&place, args).mailbox(Unbounded).await.unwrap();
    place.cast(Say(1)).unwrap();
    let p = puppet(&system).await;
    for n in 0..20 {
        assert_eq!(p.actor.call(Say(n)).await.unwrap(), n);
        p.actor.call(Do::new(|_, _| Box::pin(yield_now()))).await.unwrap();
    }
    let end = system.ended(pid);
    assert!(system.kill(pid));
    assert_eq!(end.await, Exit::Killed);
}

pub async fn what_a_selective_receive_left_is_a_dead_letter_at_the_end(system: System) {
    let (tell, told) = oneshot::channel();
    let task = system
        .spawn_task(move |mut inbox: Inbox<Say>| async move {
            let wanted = inbox.recv_matching(|say| say.0 == 3).await;
            let _ = tell.send(wanted);
        })
        .await
        .unwrap();
    let end = system.ended(task.pid().unwrap());
    (0..=3).for_each(|n| task.cast(Say(n)).unwrap());
    assert_eq!(told.await, Ok(Some(Say(3))));
    end.await;
    let ledger = task.ledger();
    assert_eq!((ledger.accepted, ledger.handled, ledger.dead_lettered), (5, 2, 3), "{ledger:?}");
}
