//! Calls: each ends, and says how.

use super::puppet::{
    Do, Event, Keep, Puppet, Say, begin, does, longer_and_longer, puppet, said, scripted, yield_now,
};
use super::reasons;
use crate::{Actor, ActorRef, Call, CallError, Cx, Exit, Handle, Message, ReplyTo, Serve, System};
use futures::channel::oneshot;
use futures::future::{FutureExt, join};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(2);

pub async fn a_call_is_answered(system: System) {
    let p = puppet(&system).await;
    for n in 0..50 {
        assert_eq!(p.actor.call(Say(n)).await.unwrap(), n);
    }
    assert_eq!(p.actor.call(Say(50)).no_timeout().await.unwrap(), 50);
    system.stop(p.pid, Exit::Normal).await.unwrap();
    assert_eq!(p.actor.ledger().answered, 51);
}

pub async fn a_call_ends_with_the_reason_of_its_callees_end(system: System) {
    for reason in reasons() {
        let p = puppet(&system).await;
        let mut owed = Box::pin(p.actor.call(Keep));
        assert!(begin(&mut owed).await.is_pending());
        p.actor.cast(Do::stop(reason.clone())).unwrap();
        let outcome = owed.await;
        assert!(matches!(&outcome, Err(CallError::Exited(why)) if *why == reason), "{reason:?}: {outcome:?}");
    }
}

pub async fn a_call_ends_however_its_callee_ends(system: System) {
    type End = fn(&System, &ActorRef<Puppet>);
    let ends: [(End, Exit); 4] = [
        (|system, actor| assert!(system.kill(actor.pid().unwrap())), Exit::Killed),
        (|system, actor| system.exit(actor.pid().unwrap(), actor.pid().unwrap(), "x".into()), "x".into()),
        (|_, actor| actor.cast(Do::stop(Exit::Shutdown)).unwrap(), Exit::Shutdown),
        (
            |system, actor| {
                let pid = actor.pid().unwrap();
                let _ = Box::pin(system.stop(pid, Exit::error("asked"))).now_or_never();
            },
            Exit::error("asked"),
        ),
    ];
    for (end, reason) in ends {
        let p = puppet(&system).await;
        let mut owed = Box::pin(p.actor.call(Keep));
        assert!(begin(&mut owed).await.is_pending());
        does(&p.actor, |_| ()).await;
        let gate = p.hangs().await;
        let mut waiting = Box::pin(p.actor.call(Say(1)));
        assert!(begin(&mut waiting).await.is_pending());
        end(&system, &p.actor);
        drop(gate);
        let owed = owed.await;
        assert!(matches!(&owed, Err(CallError::Exited(why)) if *why == reason), "{reason:?}: {owed:?}");
        // A stop in its place among the messages comes after this one.
        let waiting = waiting.await;
        let is_right = matches!(&waiting, Err(CallError::Exited(why)) if *why == reason);
        assert!(is_right || matches!(waiting, Ok(1)), "{reason:?}: {waiting:?}");
    }
}

pub async fn a_panic_is_reported_with_its_message_and_place(system: System) {
    type Panics = fn();
    let panics: [(Panics, &str); 3] = [
        (|| panic!("a text"), "a text"),
        (|| panic!("formatted {}", 7), "formatted 7"),
        (|| std::panic::panic_any(7), "a panic with no message"),
    ];
    for (panics, message) in panics {
        let p = puppet(&system).await;
        let outcome = p.actor.call(Do::now(move |_, _| panics())).await;
        let Err(CallError::Exited(Exit::Panic(panic))) = outcome else { panic!("got {outcome:?}") };
        assert_eq!(panic.message, message);
        assert!(panic.location.as_ref().is_some_and(|at| at.contains("calls.rs:")), "{panic:?}");
        assert_eq!(p.actor.last_exit(), Some(Exit::Panic(panic)));
        assert!(matches!(p.actor.call(Say(1)).await, Err(CallError::NoProc(Say(1)))));
    }
}

pub async fn a_call_that_waits_in_the_mailbox_ends_with_its_callee(system: System) {
    let p = puppet(&system).await;
    let _gate = p.hangs().await;
    let mut waiting = Box::pin(p.actor.call(Say(1)));
    assert!(begin(&mut waiting).await.is_pending());
    assert!(system.kill(p.pid));
    assert!(matches!(waiting.await, Err(CallError::Exited(Exit::Killed))));
    assert_eq!(said(&p.events.all().await), []);
}

pub async fn a_call_times_out_and_its_late_answer_reaches_nobody(system: System) {
    let mut p = puppet(&system).await;
    let gate = p.hangs().await;
    let outcome = p.actor.call(Say(1)).timeout(SOON).await;
    assert!(matches!(outcome, Err(CallError::Timeout)), "{outcome:?}");
    drop(gate);
    assert_eq!(p.actor.call(Say(2)).await.unwrap(), 2);
    assert_eq!(p.said(), [2], "the first one's turn came when nobody waited for it any more");
}

pub async fn whoever_answers_can_see_whether_somebody_waits(system: System) {
    struct Look;
    impl Message for Look {
        type Reply = ();
    }
    struct Looks(oneshot::Sender<(bool, bool)>, Option<ReplyTo<()>>);
    impl Actor for Looks {
        type Args = oneshot::Sender<(bool, bool)>;
        async fn init(tell: Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
            Ok(Looks(tell, None))
        }
    }
    impl Serve<Look> for Looks {
        async fn serve(&mut self, _: Look, reply: ReplyTo<()>, cx: &mut Cx<Self>) {
            let Some(first) = self.1.replace(reply) else { return };
            let second = self.1.take().unwrap();
            let (told, _) = oneshot::channel();
            let tell = std::mem::replace(&mut self.0, told);
            let _ = tell.send((first.is_awaited(), second.is_awaited()));
            cx.stop(Exit::Normal);
        }
    }
    let (tell, seen) = oneshot::channel();
    let actor = system.spawn::<Looks>(tell).await.unwrap();
    for (asked, limit) in (1..).zip(longer_and_longer()) {
        assert!(matches!(actor.call(Look).timeout(limit).await, Err(CallError::Timeout)));
        while actor.ledger().answered + actor.ledger().expired < asked {
            yield_now().await;
        }
        // Else its time was over before its turn came.
        if actor.ledger().answered == 1 {
            break;
        }
    }
    let _ = actor.call(Look).await;
    assert_eq!(seen.await, Ok((false, true)));
}

pub async fn a_call_that_nobody_will_answer_ends_at_once(system: System) {
    let p = puppet(&system).await;
    let mut call = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut call).await.is_pending());
    p.actor.call(Do::now(|puppet, _| puppet.kept.clear())).await.unwrap();
    assert!(matches!(call.await, Err(CallError::NoReply)));
}

/// A call that is not answered, and what its handler does instead.
enum Hush {
    Go,
    Stop,
    Panic,
}

impl Message for Hush {
    type Reply = ();
}

impl Serve<Hush> for Puppet {
    async fn serve(&mut self, hush: Hush, reply: ReplyTo<()>, cx: &mut Cx<Self>) {
        drop(reply);
        yield_now().await;
        match hush {
            Hush::Go => {}
            Hush::Stop => cx.stop(Exit::error("enough")),
            Hush::Panic => panic!("hush"),
        }
    }
}

pub async fn a_handler_that_answers_nothing_and_ends_gives_its_callers_the_reason(system: System) {
    let p = puppet(&system).await;
    assert!(matches!(p.actor.call(Hush::Go).await, Err(CallError::NoReply)));
    match p.actor.call(Hush::Stop).await {
        Err(CallError::Exited(why)) => assert_eq!(why, Exit::error("enough")),
        other => panic!("{other:?}"),
    }
    let p = puppet(&system).await;
    match p.actor.call(Hush::Panic).await {
        Err(CallError::Exited(Exit::Panic(why))) => assert_eq!(why.message, "hush"),
        other => panic!("{other:?}"),
    }
}

pub async fn an_actor_that_would_wait_for_its_own_end_is_told_so(system: System) {
    let p = puppet(&system).await;
    let (tell, outcome) = oneshot::channel();
    let act = Do::new(move |_, cx| {
        Box::pin(async move {
            let _ = tell.send(cx.system().stop(cx.pid(), Exit::Normal).await);
        })
    });
    p.actor.cast(act).unwrap();
    assert!(matches!(outcome.await.unwrap(), Err(Exit::Error(_))));
    assert_eq!(p.actor.call(Say(3)).await.unwrap(), 3);
}

pub async fn a_call_to_oneself_is_a_deadlock_and_is_refused(system: System) {
    let p = puppet(&system).await;
    let (tell, outcome) = oneshot::channel();
    let me = p.actor.clone();
    let act = Do::new(move |_, _| {
        Box::pin(async move {
            let first = me.call(Say(1)).await;
            yield_now().await;
            let _ = tell.send((first, me.call(Say(2)).await));
        })
    });
    p.actor.cast(act).unwrap();
    let (first, second) = outcome.await.unwrap();
    assert!(matches!(first, Err(CallError::Deadlock { request: Some(Say(1)), .. })), "{first:?}");
    assert!(matches!(second, Err(CallError::Deadlock { request: Some(Say(2)), .. })), "{second:?}");
    assert_eq!(p.actor.call(Say(3)).await.unwrap(), 3);
}

pub async fn an_actor_may_call_others_while_it_is_called(system: System) {
    let mut row = Vec::new();
    for _ in 0..20 {
        row.push(puppet(&system).await);
    }
    fn relay(mut rest: Vec<ActorRef<Puppet>>) -> Do {
        Do::new(move |puppet, _| {
            Box::pin(async move {
                puppet.tell(Event::Said(rest.len() as u32));
                if let Some(next) = rest.pop() {
                    next.call(relay(rest)).await.unwrap();
                }
            })
        })
    }
    let mut actors: Vec<_> = row.iter().map(|p| p.actor.clone()).collect();
    let first = actors.pop().unwrap();
    first.call(relay(actors)).await.unwrap();
    for (n, p) in row.iter_mut().enumerate() {
        assert_eq!(p.said(), [n as u32]);
    }
}

pub async fn an_answer_may_come_later_and_from_elsewhere(system: System) {
    let (p, other) = (puppet(&system).await, puppet(&system).await);
    let mut call = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut call).await.is_pending());
    let to = other.actor.clone();
    let hand_on = Do::now(move |puppet, _| {
        let reply = puppet.kept.pop().unwrap();
        to.cast(Do::now(move |_, _| reply.send(42))).unwrap();
    });
    p.actor.cast(hand_on).unwrap();
    assert_eq!(call.await.unwrap(), 42);
}

pub async fn an_actor_that_forwarded_a_call_may_end_before_the_answer(system: System) {
    // The call is the first one's until it is answered: that is who the caller called.
    let (p, other) = (puppet(&system).await, puppet(&system).await);
    let mut call = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut call).await.is_pending());
    let to = other.actor.clone();
    p.actor
        .call(Do::now(move |puppet, _| {
            let reply = puppet.kept.pop().unwrap();
            to.cast(Do::now(move |puppet, _| puppet.kept.push(reply))).unwrap();
        }))
        .await
        .unwrap();
    system.stop(p.pid, Exit::Shutdown).await.unwrap();
    let outcome = call.await;
    assert!(matches!(outcome, Err(CallError::Exited(Exit::Shutdown))), "{outcome:?}");
    let late = Do::now(|puppet, _| puppet.kept.pop().unwrap().send(1));
    other.actor.call(late).await.unwrap();
}

pub async fn answers_come_in_the_order_they_are_given(system: System) {
    let p = puppet(&system).await;
    let (mut first, mut second) = (Box::pin(p.actor.call(Keep)), Box::pin(p.actor.call(Keep)));
    assert!(begin(&mut first).await.is_pending() && begin(&mut second).await.is_pending());
    p.actor.call(Do::now(|puppet, _| puppet.kept.pop().unwrap().send(2))).await.unwrap();
    assert_eq!(second.await.unwrap(), 2);
    assert!(begin(&mut first).await.is_pending());
    p.actor.cast(Do::now(|puppet, _| puppet.kept.pop().unwrap().send(1))).unwrap();
    assert_eq!(first.await.unwrap(), 1);
}

pub async fn a_call_that_is_dropped_leaves_nothing_behind(system: System) {
    let p = puppet(&system).await;
    let mut call: Call<'_, Keep> = p.actor.call(Keep);
    assert!(begin(&mut call).await.is_pending());
    p.actor.call(Say(1)).await.unwrap();
    drop(call);
    p.actor
        .call(Do::now(|puppet, _| {
            let reply = puppet.kept.pop().unwrap();
            assert!(!reply.is_awaited());
            reply.send(1);
        }))
        .await
        .unwrap();
}

pub async fn a_cast_has_nobody_to_answer(system: System) {
    let p = puppet(&system).await;
    p.actor.cast(Keep).unwrap();
    p.actor
        .call(Do::now(|puppet, _| {
            let reply = puppet.kept.pop().unwrap();
            assert!(!reply.is_awaited());
            reply.send(1);
        }))
        .await
        .unwrap();
}

pub async fn calls_answered_before_the_end_keep_their_answers(system: System) {
    let p = puppet(&system).await;
    let answer_and_stop = Do::now(|puppet, cx| {
        puppet.kept.pop().unwrap().send(9);
        cx.stop(Exit::error("and out"));
    });
    let call = p.actor.call(Keep);
    let (answer, ()) = join(call, async { p.actor.cast(answer_and_stop).unwrap() }).await;
    assert_eq!(answer.unwrap(), 9);
}

pub async fn what_is_owed_ends_after_the_state_is_gone_and_the_name_is_free(system: System) {
    let p = puppet(&system).await;
    system.register("debtor", p.pid).unwrap();
    let mut call = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut call).await.is_pending());
    p.actor.cast(Do::panic("bankrupt")).unwrap();
    assert!(matches!(call.await, Err(CallError::Exited(Exit::Panic(_)))));
    assert_eq!(system.whereis("debtor"), None);
    let mut events = p.events;
    assert_eq!(events.so_far().last(), Some(&Event::Dropped));
}

pub async fn a_call_lost_in_a_panicking_destructor_still_ends(system: System) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the destructor of the state");
        }
    }
    struct Fragile {
        bomb: Option<Bomb>,
        kept: Vec<ReplyTo<u32>>,
    }
    impl Actor for Fragile {
        type Args = ();
        async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
            Ok(Fragile { bomb: Some(Bomb), kept: Vec::new() })
        }
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            let _kept = std::mem::take(&mut self.kept);
            self.bomb.take();
        }
    }
    impl Serve<Keep> for Fragile {
        async fn serve(&mut self, _: Keep, reply: ReplyTo<u32>, _: &mut Cx<Self>) {
            self.kept.push(reply);
        }
    }
    impl Handle<Say> for Fragile {
        async fn handle(&mut self, m: Say, cx: &mut Cx<Self>) -> u32 {
            // The reply is taken by the caller's side of the panic, not by the list of what is owed.
            cx.stop(Exit::error("over"));
            m.0
        }
    }
    let actor = system.spawn::<Fragile>(()).await.unwrap();
    let mut call = Box::pin(actor.call(Keep));
    assert!(begin(&mut call).await.is_pending());
    assert_eq!(actor.call(Say(1)).await.unwrap(), 1);
    let outcome = call.await;
    assert!(matches!(&outcome, Err(CallError::Exited(why)) if *why == Exit::error("over")), "{outcome:?}");
}

pub async fn a_call_owed_by_a_message_whose_destructor_panics_still_ends(system: System) {
    struct Bomb(Option<ReplyTo<u32>>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            if let Some(_reply) = self.0.take() {
                panic!("the destructor of a message");
            }
        }
    }
    let (p, q) = (puppet(&system).await, puppet(&system).await);
    let mut call = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut call).await.is_pending());
    let gate = q.hangs().await;
    let to = q.actor.clone();
    p.actor
        .call(Do::now(move |puppet, _| {
            let bomb = Bomb(puppet.kept.pop());
            to.cast(Do::now(move |_, _| drop(bomb))).unwrap();
        }))
        .await
        .unwrap();
    assert!(system.kill(q.pid));
    drop(gate);
    let outcome = call.await;
    assert!(matches!(outcome, Err(CallError::Exited(Exit::Killed))), "{outcome:?}");
}

pub async fn an_init_that_calls_and_is_called_is_no_deadlock(system: System) {
    let other = puppet(&system).await;
    let actor = other.actor.clone();
    let p = scripted(&system, move |script| {
        script.init(move |_| {
            Box::pin(async move {
                assert_eq!(actor.call(Say(1)).await.unwrap(), 1);
                Ok(())
            })
        })
    });
    assert!(p.await.is_ok());
}
