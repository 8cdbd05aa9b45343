//! The time of a call travels with the calls that are made to answer it; what nobody waits for is not begun.

use super::puppet::{Do, Keep, Say, begin, longer_and_longer, puppet};
use crate::{Abandoned, Actor, CALL_TIMEOUT, CallError, Cx, Exit, Handle, Message, System, Time, within};
use futures::channel::oneshot;
use std::time::Duration;

/// A time limit that is worth waiting for.
const SOON: Duration = Duration::from_millis(2);

pub async fn a_call_made_to_answer_another_ends_with_its_time(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    let _gate = b.hangs().await;
    for limit in longer_and_longer() {
        let to_b = b.actor.clone();
        let (tell, outcome) = oneshot::channel();
        let asks = Do::new(move |_, cx| {
            let began = cx.now();
            let deadline = cx.deadline();
            Box::pin(async move {
                let inner = to_b.call(Say(1)).no_timeout().await;
                let _ = tell.send((inner, cx.now() - began, deadline.map(|deadline| deadline - began)));
            })
        });
        // Both end at the same time; whoever is woken first may still answer the other.
        let outer = a.actor.call(asks).timeout(limit).await;
        assert!(matches!(outer, Ok(()) | Err(CallError::Timeout)), "{outer:?}");
        let (inner, took, left) = match outcome.await {
            // Its time was over before it began, or before it asked.
            Err(oneshot::Canceled) | Ok((Err(CallError::Expired(_)), ..)) => continue,
            Ok(told) => told,
        };
        assert!(matches!(inner, Err(CallError::Timeout)), "{inner:?}");
        assert!(left.is_some_and(|left| left <= limit), "{left:?}");
        assert!(took < CALL_TIMEOUT, "it took {took:?}");
        return;
    }
    panic!("no limit was long enough for it to begin");
}

pub async fn a_handler_with_no_time_left_is_told_before_it_asks(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    for limit in longer_and_longer() {
        let (to_b, late) = (b.actor.clone(), b.actor.clone());
        let (tell, outcome) = oneshot::channel();
        let asks = Do::new(move |_, cx| {
            Box::pin(async move {
                cx.abandoned().await;
                let inherits = to_b.call(Say(1)).await;
                let own = late.call(Say(2)).detached().await;
                let _ = tell.send((inherits, own, cx.is_awaited()));
            })
        });
        let outer = a.actor.call(asks).timeout(limit).await;
        assert!(matches!(outer, Err(CallError::Timeout)), "{outer:?}");
        // Else its time was over before it began.
        let Ok((inherits, own, is_awaited)) = outcome.await else { continue };
        assert!(matches!(inherits, Err(CallError::Expired(Say(1)))), "{inherits:?}");
        assert!(matches!(own, Ok(2)), "{own:?}");
        assert!(!is_awaited, "the caller has gone");
        return;
    }
    panic!("no limit was long enough for it to begin");
}

pub async fn a_time_limit_is_the_shorter_of_two(system: System) {
    // Long enough for what is asked, and shorter than what a call has by itself.
    let short = CALL_TIMEOUT / 2;
    let hour = Duration::from_secs(3600);
    let rows = [
        (Some(short), Some(hour), short),
        (Some(hour), Some(short), short),
        (None, Some(short), short),
        (Some(hour), None, CALL_TIMEOUT),
    ];
    for (outer, inner, expect) in rows {
        let (a, b) = (puppet(&system).await, puppet(&system).await);
        let (to_b, (tell, seen)) = (b.actor.clone(), oneshot::channel::<(Option<Time>, Time)>());
        let asks = Do::new(move |_, _| {
            Box::pin(async move {
                let look = Do::now(move |_, cx| {
                    let _ = tell.send((cx.deadline(), cx.now()));
                });
                let call = to_b.call(look);
                let _ = match inner {
                    Some(limit) => call.timeout(limit).await,
                    None => call.await,
                };
            })
        });
        let call = a.actor.call(asks);
        match outer {
            Some(limit) => call.timeout(limit).await.unwrap(),
            None => call.await.unwrap(),
        }
        let (deadline, now) = seen.await.expect("it looked");
        let left = deadline.expect("a call with a limit") - now;
        assert!(left <= expect + Duration::from_millis(50), "{outer:?} {inner:?}: {left:?} left");
    }
}

pub async fn who_serves_a_cast_has_no_deadline_and_no_caller(system: System) {
    let p = puppet(&system).await;
    let (tell, seen) = oneshot::channel();
    let look = Do::new(move |_, cx| {
        let seen = (cx.deadline(), cx.is_awaited());
        Box::pin(async move {
            cx.abandoned().await;
            let _ = tell.send(seen);
        })
    });
    p.actor.cast(look).unwrap();
    assert_eq!(seen.await.unwrap(), (None, false));
    let (tell, seen) = oneshot::channel();
    let look = Do::now(move |_, cx| {
        let _ = tell.send((cx.deadline(), cx.is_awaited()));
    });
    p.actor.call(look).no_timeout().await.unwrap();
    assert_eq!(seen.await.unwrap(), (None, true));
}

pub async fn a_running_handler_learns_that_its_caller_has_gone(system: System) {
    let p = puppet(&system).await;
    let (tell, seen) = oneshot::channel();
    let (entered, is_in) = oneshot::channel();
    let works = Do::new(move |_, cx| {
        Box::pin(async move {
            let before = cx.is_awaited();
            let _ = entered.send(());
            cx.abandoned().await;
            let _ = tell.send((before, cx.is_awaited()));
        })
    });
    let mut call = Box::pin(p.actor.call(works).no_timeout());
    assert!(begin(&mut call).await.is_pending());
    is_in.await.unwrap();
    drop(call);
    assert_eq!(seen.await.unwrap(), (true, false));
    assert_eq!(p.actor.call(Say(1)).await.unwrap(), 1);
}

pub async fn a_request_whose_caller_has_gone_is_not_begun(system: System) {
    let mut p = puppet(&system).await;
    let before = system.ledger().expired;
    let gate = p.hangs().await;
    for n in 0..5 {
        let mut call = Box::pin(p.actor.call(Say(n)));
        assert!(begin(&mut call).await.is_pending());
    }
    let mut kept = Box::pin(p.actor.call(Keep));
    assert!(begin(&mut kept).await.is_pending());
    drop(kept);
    p.casts(6);
    drop(gate);
    p.is_through().await;
    assert_eq!(p.said(), [6], "a cast is handled, whoever sent it");
    assert_eq!(system.ledger().expired - before, 6);
}

/// Is handled for its own sake.
struct Must(oneshot::Sender<()>);
impl Message for Must {
    type Reply = ();
    const ABANDONED: Abandoned = Abandoned::Handle;
}

struct Duty;
impl Actor for Duty {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Duty)
    }
}
impl Handle<Must> for Duty {
    async fn handle(&mut self, Must(done): Must, _: &mut Cx<Self>) {
        let _ = done.send(());
    }
}
/// Waits.
struct Hang(oneshot::Receiver<()>);
impl Message for Hang {
    type Reply = ();
}
impl Handle<Hang> for Duty {
    async fn handle(&mut self, Hang(gate): Hang, _: &mut Cx<Self>) {
        let _ = gate.await;
    }
}

pub async fn a_message_may_say_that_it_is_handled_all_the_same(system: System) {
    let actor = system.spawn::<Duty>(()).await.unwrap();
    let (open, gate) = oneshot::channel();
    actor.cast(Hang(gate)).unwrap();
    let (done, is_done) = oneshot::channel();
    let mut call = Box::pin(actor.call(Must(done)));
    assert!(begin(&mut call).await.is_pending());
    drop(call);
    drop(open);
    is_done.await.expect("it was handled");
    system.stop(actor.pid().unwrap(), Exit::Normal).await.unwrap();
}

pub async fn the_usual_time_is_not_begun_anew_by_each_call(system: System) {
    // The first of the two takes up some of the time; the second one has what is left, not five seconds more.
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    let gate = b.hangs().await;
    let to_b = b.actor.clone();
    let (tell, outcome) = oneshot::channel();
    let asks = Do::new(move |_, cx| {
        let runtime = cx.runtime().clone();
        Box::pin(async move {
            let first = within(&*runtime, SOON, to_b.call(Say(1))).await;
            let left = cx.deadline().map(|deadline| deadline - cx.now());
            let _ = tell.send((first.is_none(), left));
        })
    });
    a.actor.call(asks).await.unwrap();
    let (was_late, left) = outcome.await.unwrap();
    assert!(was_late);
    assert!(left.is_some_and(|left| left <= CALL_TIMEOUT), "{left:?}");
    drop(gate);
}
