//! Calls seen from their two ends, as those who carry them between nodes have them; and messages that are for one
//! incarnation.

use super::puppet::{
    Do, Events, Keep, Puppet, Say, Script, Strings, begin, longer_and_longer, puppet, with_mailbox, yield_now,
};
use crate::{
    Actor, ActorRef, Asking, Bounded, CALL_TIMEOUT, CallError, Caller, Cx, Exit, Overflow, ReplyTo,
    SendError, System,
};
use futures::channel::oneshot;
use std::any::TypeId;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// A time limit that is worth waiting for.
const SOON: Duration = Duration::from_millis(2);

type Outcome = oneshot::Receiver<Result<u32, CallError<()>>>;

/// A way back, with what comes out at its end.
fn way_back(system: &System, budget: Option<Duration>) -> (ReplyTo<u32>, Caller, Outcome) {
    let (tell, outcome) = oneshot::channel();
    let (reply, caller) = system.reply_to(budget, move |answer| drop(tell.send(answer)));
    (reply, caller, outcome)
}

/// Starts a puppet at this place.
async fn at(system: &System, actor: &ActorRef<Puppet>) -> Strings {
    let (log, events) = Events::new();
    let pid = system.start(actor, Script::new(&log)).await.expect("an init that succeeds");
    Strings { actor: actor.clone(), pid, events }
}

pub async fn an_asking_ends_as_whoever_has_its_reply_says(system: System) {
    let text: Arc<str> = "no such message".into();
    let rows = [
        CallError::Discarded,
        CallError::Exited(Exit::NoConnection),
        CallError::Expired(()),
        CallError::Full(()),
        CallError::NoProc(()),
        CallError::NotUnderstood(text),
        CallError::Timeout,
    ];
    for why in rows {
        let (reply, asking) = system.asking::<u32>();
        reply.fail(why.clone());
        assert_eq!(asking.await, Err(why));
    }
    let (reply, asking) = system.asking::<u32>();
    drop(reply);
    assert_eq!(asking.await, Err(CallError::NoReply));
    let (reply, mut asking) = system.asking::<u32>();
    assert!(begin(&mut asking).await.is_pending());
    reply.send(7);
    assert_eq!(asking.await, Ok(7));
}

pub async fn a_call_whose_reply_fails_elsewhere_ends_with_what_is_known(system: System) {
    let p = puppet(&system).await;
    let rows = [
        (CallError::NoProc(()), CallError::Exited(Exit::NoProc)),
        (CallError::Full(()), CallError::Discarded),
        (CallError::Expired(()), CallError::Timeout),
        (CallError::Exited(Exit::NoConnection), CallError::Exited(Exit::NoConnection)),
        (CallError::NotUnderstood("what?".into()), CallError::NotUnderstood("what?".into())),
    ];
    for (why, expect) in rows {
        let mut call = Box::pin(p.actor.call(Keep));
        assert!(begin(&mut call).await.is_pending());
        let fails = Do::now(move |puppet, _| puppet.kept.pop().expect("a call is kept").fail(why));
        p.actor.call(fails).await.unwrap();
        let error = call.await.unwrap_err().map(drop);
        assert_eq!(error, expect);
        assert_eq!(error.clone().into_message(), None);
    }
}

pub async fn an_asking_that_is_given_up_tells_once_and_one_that_is_answered_does_not(system: System) {
    let gone = Arc::new(AtomicU32::new(0));
    let hook = |asking: Asking<u32>| {
        let gone = gone.clone();
        asking.on_gone(move || {
            gone.fetch_add(1, SeqCst);
        })
    };
    let (reply, asking) = system.asking::<u32>();
    assert_eq!(hook(asking).timeout(SOON).await, Err(CallError::Timeout));
    assert!(!reply.is_awaited());
    reply.send(1);
    assert_eq!(gone.load(SeqCst), 1);
    let (_reply, asking) = system.asking::<u32>();
    drop(hook(asking));
    assert_eq!(gone.load(SeqCst), 2);
    let (reply, asking) = system.asking::<u32>();
    reply.send(3);
    assert_eq!(hook(asking).await, Ok(3));
    let (reply, asking) = system.asking::<u32>();
    reply.fail(CallError::NoProc(()));
    assert_eq!(hook(asking).await, Err(CallError::NoProc(())));
    assert_eq!(gone.load(SeqCst), 2);
}

pub async fn the_time_of_an_asking_is_that_of_the_call_that_is_served(system: System) {
    let hour = Duration::from_secs(3600);
    let p = puppet(&system).await;
    let (tell, left) = oneshot::channel();
    let asks = Do::now(move |_, cx| {
        let begun = |mut asking: Asking<u32>| asking.begin();
        let asking = || cx.system().asking::<u32>().1;
        let left = [begun(asking()), begun(asking().no_timeout()), begun(asking().timeout(SOON))];
        let _ = tell.send((left, begun(asking().detached()), begun(asking().no_timeout().detached())));
    });
    p.actor.call(asks).timeout(hour).await.unwrap();
    let ([usual, open, short], own, own_open) = left.await.unwrap();
    for (left, at_most) in [(usual, CALL_TIMEOUT), (open.clone(), hour), (short, SOON), (own, CALL_TIMEOUT)] {
        assert!(matches!(left, Ok(Some(left)) if left <= at_most), "{left:?} of {at_most:?}");
    }
    assert!(matches!(open, Ok(Some(left)) if left > CALL_TIMEOUT), "{open:?}");
    assert_eq!(own_open, Ok(None));
    // And when no time is left.
    for limit in longer_and_longer() {
        let (tell, outcome) = oneshot::channel();
        let late = Do::new(move |_, cx| {
            Box::pin(async move {
                cx.abandoned().await;
                let (reply, asking) = cx.system().asking::<u32>();
                let told = Arc::new(AtomicU32::new(0));
                let hook = told.clone();
                let tells = move || {
                    hook.fetch_add(1, SeqCst);
                };
                let outcome = asking.on_gone(tells).await;
                let _ = tell.send((outcome, told.load(SeqCst), reply));
            })
        });
        let call = p.actor.call(late).timeout(limit).await;
        assert!(matches!(call, Err(CallError::Timeout)), "{call:?}");
        // Else its time was over before it began.
        let Ok((outcome, told, _reply)) = outcome.await else { continue };
        assert_eq!((outcome, told), (Err(CallError::Expired(())), 0));
        return;
    }
    panic!("no limit was long enough for it to begin");
}

pub async fn a_request_with_a_way_back_is_answered_there_however_it_ends(system: System) {
    let p = puppet(&system).await;
    let (reply, _caller, outcome) = way_back(&system, None);
    p.actor.cast_request(Say(1), reply).unwrap();
    assert_eq!(outcome.await, Ok(Ok(1)));
    // Kept and dropped, kept and answered, and owed when the callee ends.
    let (reply, _caller, outcome) = way_back(&system, None);
    p.actor.send_request(Keep, reply).await.unwrap();
    p.actor.call(Do::now(|puppet, _| puppet.kept.clear())).await.unwrap();
    assert_eq!(outcome.await, Ok(Err(CallError::NoReply)));
    let (reply, _caller, outcome) = way_back(&system, None);
    p.actor.cast_request(Keep, reply).unwrap();
    let answers = Do::now(|puppet, _| puppet.kept.drain(..).for_each(|reply| reply.send(5)));
    p.actor.call(answers).await.unwrap();
    assert_eq!(outcome.await, Ok(Ok(5)));
    let (reply, _caller, outcome) = way_back(&system, None);
    p.actor.cast_request(Keep, reply).unwrap();
    system.stop(p.pid, Exit::error("over")).await.unwrap();
    assert_eq!(outcome.await, Ok(Err(CallError::Exited(Exit::error("over")))));
    let (reply, _caller, _outcome) = way_back(&system, None);
    let back = p.actor.cast_request(Say(1), reply);
    assert!(matches!(back, Err(SendError::NoProc((Say(1), _)))), "{back:?}");
}

pub async fn a_request_whose_far_caller_has_gone_is_not_handled(system: System) {
    let mut p = puppet(&system).await;
    let gate = p.hangs().await;
    let (reply, caller, outcome) = way_back(&system, None);
    p.actor.cast_request(Say(1), reply).unwrap();
    let (reply, _stays, other) = way_back(&system, None);
    p.actor.cast_request(Say(2), reply).unwrap();
    drop(caller);
    assert!(outcome.await.is_err(), "no answer goes to one that has gone");
    drop(gate);
    assert_eq!(other.await, Ok(Ok(2)));
    p.is_through().await;
    assert_eq!(p.said(), [2]);
    assert_eq!(p.actor.ledger().expired, 1);
}

pub async fn a_handler_sees_the_time_of_a_far_caller_and_that_it_has_gone(system: System) {
    let p = puppet(&system).await;
    let (tell, seen) = oneshot::channel();
    let looks = Do::new(move |_, cx| {
        Box::pin(async move {
            let left = cx.deadline().map(|deadline| deadline - cx.now());
            let _ = tell.send((left, cx.is_awaited()));
            cx.abandoned().await;
        })
    });
    let hour = Duration::from_secs(3600);
    let (reply, caller) = system.reply_to::<()>(Some(hour), |_| panic!("there is no answer"));
    p.actor.cast_request(looks, reply).unwrap();
    let (left, is_awaited) = seen.await.unwrap();
    assert!(left.is_some_and(|left| left <= hour && left > CALL_TIMEOUT) && is_awaited, "{left:?}");
    drop(caller);
    assert_eq!(p.actor.call(Say(1)).await.unwrap(), 1, "the handler goes on");
}

pub async fn an_answer_whose_taker_panics_harms_nobody(system: System) {
    let p = puppet(&system).await;
    let (reply, _caller) = system.reply_to::<u32>(None, |_| std::panic::resume_unwind(Box::new("taker")));
    p.actor.cast_request(Say(1), reply).unwrap();
    assert_eq!(p.actor.call(Say(2)).await.unwrap(), 2);
    assert!(system.is_alive(p.pid));
}

pub async fn what_is_for_one_incarnation_never_reaches_the_next(system: System) {
    let place = ActorRef::unnamed();
    let first = at(&system, &place).await;
    assert!(place.only(first.pid).cast(Say(1)).is_ok());
    let (reply, _caller, outcome) = way_back(&system, None);
    place.only(first.pid).send_request(Say(2), reply).await.unwrap();
    assert_eq!(outcome.await, Ok(Ok(2)));
    system.stop(first.pid, Exit::Normal).await.unwrap();
    let mut second = at(&system, &place).await;
    assert!(matches!(place.only(first.pid).cast(Say(3)), Err(SendError::NoProc(Say(3)))));
    let (reply, _caller, _outcome) = way_back(&system, None);
    let back = place.only(first.pid).cast_request(Say(4), reply);
    assert!(matches!(back, Err(SendError::NoProc((Say(4), _)))));
    let (reply, _caller, _outcome) = way_back(&system, None);
    let back = place.only(first.pid).send_request(Say(5), reply).await;
    assert!(matches!(back, Err(SendError::NoProc((Say(5), _)))));
    place.only(second.pid).cast(Say(6)).unwrap();
    second.is_through().await;
    assert_eq!(second.said(), [6]);
}

pub async fn who_waits_for_room_of_one_incarnation_learns_of_its_end(system: System) {
    let p = with_mailbox(&system, Bounded(1).on_full(Overflow::Wait)).await;
    let gate = p.hangs().await;
    p.casts(1);
    let (reply, _caller, _outcome) = way_back(&system, None);
    let mut waits = p.actor.only(p.pid).send_request(Say(2), reply);
    assert!(begin(&mut waits).await.is_pending());
    let only = p.actor.only(p.pid);
    let mut sends = pin!(only.send(Say(4)));
    assert!(begin(&mut sends).await.is_pending());
    let (reply, _caller, _outcome) = way_back(&system, None);
    let full = p.actor.only(p.pid).cast_request(Say(3), reply);
    assert!(matches!(full, Err(SendError::Full((Say(3), _)))), "{full:?}");
    let end = system.ended(p.pid);
    system.kill(p.pid);
    end.await;
    let mut second = at(&system, &p.actor).await;
    assert!(matches!(waits.await, Err(SendError::NoProc((Say(2), _)))));
    assert!(matches!(sends.await, Err(SendError::NoProc(Say(4)))));
    second.is_through().await;
    assert_eq!(second.said(), []);
    drop(gate);
}

pub async fn a_place_is_found_by_the_pid_and_the_type_of_who_lives_there(system: System) {
    let p = puppet(&system).await;
    let found = system.at::<Puppet>(p.pid).expect("a living puppet");
    assert_eq!(found, p.actor);
    assert_eq!(system.type_of(p.pid), Some(TypeId::of::<Puppet>()));
    struct Other;
    impl Actor for Other {
        type Args = ();
        async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
            Ok(Other)
        }
    }
    assert!(system.at::<Other>(p.pid).is_none(), "it is no such actor");
    system.stop(p.pid, Exit::Normal).await.unwrap();
    assert!(system.at::<Puppet>(p.pid).is_none());
    assert_eq!(system.type_of(p.pid), None);
}

pub async fn a_place_has_one_number_for_as_long_as_it_is_there(system: System) {
    let (a, b) = (ActorRef::<Puppet>::unnamed(), ActorRef::<Puppet>::unnamed());
    let number = system.number_of(&a).expect("a place of this system");
    assert_ne!(system.number_of(&b), Some(number));
    let first = at(&system, &a).await;
    assert_eq!(system.number_of(&a), Some(number));
    system.stop(first.pid, Exit::error("over")).await.unwrap();
    assert_eq!(system.number_of(&a.clone()), Some(number));
    let other = System::new(system.runtime().clone());
    assert_eq!(other.number_of(&a), None, "it belongs to another system");
}

pub async fn the_last_handle_of_a_place_knows_that_it_is(system: System) {
    let place = ActorRef::<Puppet>::unnamed();
    assert!(place.is_last());
    let p = at(&system, &place).await;
    assert!(!place.is_last(), "somebody lives there");
    let pid = p.pid;
    system.stop(pid, Exit::Normal).await.unwrap();
    assert!(!place.is_last(), "there is another handle");
    drop(p);
    // Who ran it lets go of it in its own time.
    while !place.is_last() {
        yield_now().await;
    }
}
