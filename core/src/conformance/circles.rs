//! Circles of calls end at once, and are named; what is no circle goes on.

use super::puppet::{Do, Event, Keep, Puppet, Say, Script, Strings, begin, puppet, yield_now};
use crate::cell::Posted;
use crate::{
    ActorRef, CALL_TIMEOUT, CallError, ChildGrace, DistSignal, Distribution, Exit, FarWait, Hop, Pid,
    ReplyTo, System, reply,
};
use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::future::join;
use ravelin_mailbox::Lock;
use std::sync::Arc;

/// Calls the first of `rest`, to call the one after it, and so on; whoever is told of a circle tells of it, and goes on.
fn round(mut rest: Vec<ActorRef<Puppet>>, told: mpsc::UnboundedSender<Vec<Hop>>) -> Do {
    Do::new(move |_, _| {
        Box::pin(async move {
            let next = rest.remove(0);
            let what = if rest.is_empty() { Do::now(|_, _| ()) } else { round(rest, told.clone()) };
            match next.call(what).no_timeout().await {
                Ok(()) => {}
                Err(CallError::Deadlock { path, .. }) => told.unbounded_send(path).expect("somebody listens"),
                Err(other) => panic!("{other:?}"),
            }
        })
    })
}

fn pids(path: &[Hop]) -> Vec<Pid> {
    path.iter().filter_map(|hop| hop.pid).collect()
}

/// Whether `path` is a way around this circle, from any of its members.
fn is_around(path: &[Hop], circle: &[Pid]) -> bool {
    let path = pids(path);
    path.len() == circle.len() + 1
        && circle
            .iter()
            .position(|pid| *pid == path[0])
            .is_some_and(|at| path.iter().enumerate().all(|(n, pid)| *pid == circle[(at + n) % circle.len()]))
}

pub async fn a_call_around_a_circle_ends_at_once_and_names_it(system: System) {
    for len in [2, 3, 5, 20] {
        let mut ring = Vec::new();
        for _ in 0..len {
            ring.push(puppet(&system).await);
        }
        let mut rest: Vec<_> = ring[1..].iter().map(|p| p.actor.clone()).collect();
        rest.push(ring[0].actor.clone());
        let (told, paths) = mpsc::unbounded();
        ring[0].actor.call(round(rest, told)).no_timeout().await.expect("nobody waits for ever");
        let paths: Vec<_> = paths.collect().await;
        let circle: Vec<Pid> = ring.iter().map(|p| p.pid).collect();
        // Whoever closes it is told: where some of them run in others' place that need not be the last one.
        assert!(paths.len() == 1 && is_around(&paths[0], &circle), "{paths:?}");
        for p in &ring {
            assert_eq!(p.actor.call(Say(1)).await.unwrap(), 1);
        }
        assert_eq!(system.waits(), []);
    }
}

pub async fn two_that_call_each_other_at_once_do_not_wait_for_ever(system: System) {
    for _ in 0..200 {
        let (a, b) = (puppet(&system).await, puppet(&system).await);
        let asks = |other: &Strings| {
            let other = other.actor.clone();
            Do::new(move |puppet, _| {
                Box::pin(async move {
                    let outcome = other.call(Say(7)).no_timeout().await;
                    let told = match outcome {
                        Ok(7) => 1,
                        Err(CallError::Deadlock { .. }) => 2,
                        outcome => panic!("{outcome:?}"),
                    };
                    puppet.tell(Event::Said(told));
                })
            })
        };
        a.actor.cast(asks(&b)).unwrap();
        b.actor.cast(asks(&a)).unwrap();
        let (one, other) = join(a.actor.call(Say(1)), b.actor.call(Say(1))).await;
        assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
    }
}

pub async fn a_circle_is_seen_among_many_waits(system: System) {
    let (hub, mut leaves) = (puppet(&system).await, Vec::new());
    for _ in 0..50 {
        leaves.push(puppet(&system).await);
    }
    let back = hub.actor.clone();
    let last = leaves.len() - 1;
    let refs: Vec<_> = leaves.iter().map(|p| p.actor.clone()).collect();
    let (tell, outcome) = oneshot::channel();
    let ask_all = Do::new(move |_, _| {
        Box::pin(async move {
            let asks = refs.iter().enumerate().map(|(n, leaf)| {
                let back = back.clone();
                leaf.call(Do::new(move |_, _| {
                    Box::pin(async move {
                        if n == last {
                            let _ = back.call(Say(9)).no_timeout().await;
                        }
                    })
                }))
                .no_timeout()
            });
            let _ = tell.send(futures::future::join_all(asks.collect::<Vec<_>>()).await);
        })
    });
    hub.actor.call(ask_all).no_timeout().await.unwrap();
    let outcomes = outcome.await.unwrap();
    assert!(outcomes[..last].iter().all(Result::is_ok), "{outcomes:?}");
    assert!(matches!(outcomes[last], Ok(()) | Err(CallError::Deadlock { .. })), "{:?}", outcomes[last]);
    assert_eq!(hub.actor.call(Say(1)).await.unwrap(), 1);
}

pub async fn who_was_answered_is_waited_for_by_nobody(system: System) {
    // B answers A and then calls A, before A has seen the answer: that is no circle.
    for _ in 0..50 {
        let (a, b) = (puppet(&system).await, puppet(&system).await);
        let (to_a, to_b) = (a.actor.clone(), b.actor.clone());
        let asks = Do::new(move |_, _| {
            Box::pin(async move { assert_eq!(to_b.call(Keep).no_timeout().await.unwrap(), 1) })
        });
        a.actor.cast(asks).unwrap();
        has_a_call(&b).await;
        let answer_and_ask = Do::new(move |puppet, _| {
            puppet.kept.pop().expect("a call that waits").send(1);
            Box::pin(async move { assert_eq!(to_a.call(Say(2)).no_timeout().await.unwrap(), 2) })
        });
        b.actor.call(answer_and_ask).await.unwrap();
    }
}

pub async fn who_is_answered_while_it_looks_for_a_circle_is_in_none(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    for has_answered in [false, true] {
        let to_b = b.actor.clone();
        let begun = calls_when_told(&b, &a);
        let begins_to_wait = Do::new(move |_, cx| {
            let (system, me) = (cx.system().clone(), cx.pid());
            Box::pin(async move {
                begun.send(()).expect("it waits for that");
                eventually(|| system.waits().iter().any(|(_, on)| pids(on) == [me])).await;
                let (to, answer) = reply::reply::<u32>();
                let mut wait = Posted::new(to_b.typed.cell(), answer);
                if has_answered {
                    to.send(1);
                }
                assert_eq!(wait.post().is_none(), has_answered);
            })
        });
        a.actor.call(begins_to_wait).no_timeout().await.unwrap();
        assert_eq!(b.actor.call(Say(1)).await.unwrap(), 1);
    }
}

/// Has the first call the second, when it is told to.
fn calls_when_told(from: &Strings, to: &Strings) -> oneshot::Sender<()> {
    let (tell, told) = oneshot::channel();
    let to = to.actor.clone();
    let asks = Do::new(move |_, _| {
        Box::pin(async move {
            told.await.expect("it is told");
            assert_eq!(to.call(Say(5)).no_timeout().await.unwrap(), 5);
        })
    });
    from.actor.cast(asks).unwrap();
    tell
}

/// Waits until it keeps a call that is to be answered later.
async fn has_a_call(p: &Strings) {
    let mut has_it = false;
    while !has_it {
        let (tell, outcome) = oneshot::channel();
        p.actor
            .call(Do::now(move |puppet, _| {
                let _ = tell.send(!puppet.kept.is_empty());
            }))
            .await
            .unwrap();
        has_it = outcome.await.unwrap();
    }
}

/// Lets others run until it is so.
async fn eventually(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        yield_now().await;
    }
}

pub async fn a_request_that_was_passed_on_is_no_link_of_a_circle(system: System) {
    // A waits for an answer that B gave to C to give; B calls A meanwhile. C answers A, and A answers B.
    let (a, b, c) = (puppet(&system).await, puppet(&system).await, puppet(&system).await);
    let to_b = b.actor.clone();
    let asks = Do::new(move |_, _| {
        Box::pin(async move { assert_eq!(to_b.call(Keep).no_timeout().await.unwrap(), 3) })
    });
    a.actor.cast(asks).unwrap();
    has_a_call(&b).await;
    let (to_a, to_c) = (a.actor.clone(), c.actor.clone());
    let pass_on_and_call = Do::new(move |puppet, _| {
        let reply = puppet.kept.pop().unwrap();
        Box::pin(async move {
            let mut call = Box::pin(to_a.call(Say(4)).no_timeout());
            assert!(begin(&mut call).await.is_pending());
            to_c.cast(Do::now(move |_, _| reply.send(3))).unwrap();
            assert_eq!(call.await.unwrap(), 4);
        })
    });
    b.actor.call(pass_on_and_call).no_timeout().await.unwrap();
}

pub async fn an_init_that_calls_the_actor_that_starts_it_is_a_circle(system: System) {
    let parent = puppet(&system).await;
    let to_parent = parent.actor.clone();
    let (tell, outcome) = oneshot::channel();
    let starts = Do::new(move |_, cx| {
        let (system, me) = (cx.system().clone(), cx.pid());
        Box::pin(async move {
            let (log, _events) = super::puppet::Events::new();
            let script = Script::new(&log).init(move |_| {
                Box::pin(async move {
                    let _ = tell.send(to_parent.call(Say(1)).no_timeout().await);
                    Ok(())
                })
            });
            let child = ActorRef::<Puppet>::unnamed();
            let start = system.start(&child, script).adopted_by(me, ChildGrace::For(CALL_TIMEOUT));
            start.await.expect("its init goes on");
        })
    });
    parent.actor.call(starts).no_timeout().await.unwrap();
    let outcome = outcome.await.unwrap();
    assert!(matches!(&outcome, Err(CallError::Deadlock { path, .. }) if path.len() == 3), "{outcome:?}");
}

pub async fn a_child_that_calls_the_parent_that_waits_for_its_end_is_told(system: System) {
    let (parent, child) = (puppet(&system).await, puppet(&system).await);
    let gate = child.hangs().await;
    let stops = {
        let pid = child.pid;
        Do::new(move |_, cx| {
            let system = cx.system().clone();
            Box::pin(async move { drop(system.stop(pid, Exit::Shutdown).await) })
        })
    };
    let mut stopped = Box::pin(parent.actor.call(stops).no_timeout());
    assert!(begin(&mut stopped).await.is_pending());
    eventually(|| system.waits().len() == 1).await;
    let to_parent = parent.actor.clone();
    let (tell, outcome) = oneshot::channel();
    // It is in the mailbox before the child goes on, and so before it obeys.
    drop(gate);
    let asks = Do::new(move |_, _| {
        Box::pin(async move { drop(tell.send(to_parent.call(Say(1)).no_timeout().await)) })
    });
    drop(child.actor.cast(asks));
    stopped.await.unwrap();
    if let Ok(outcome) = outcome.await {
        assert!(matches!(outcome, Err(CallError::Deadlock { .. })), "{outcome:?}");
    }
}

pub async fn who_waits_for_whom_can_be_asked(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    let gate = b.hangs().await;
    let to_b = b.actor.clone();
    let asks = Do::new(move |_, _| Box::pin(async move { assert_eq!(to_b.call(Say(5)).await.unwrap(), 5) }));
    a.actor.cast(asks).unwrap();
    eventually(|| !system.waits().is_empty()).await;
    let waits = system.waits();
    let [(waiter, on)] = &waits[..] else { panic!("{waits:?}") };
    assert_eq!((waiter.pid, pids(on)), (Some(a.pid), vec![b.pid]));
    assert!(waiter.actor.ends_with("Puppet"), "{waiter:?}");
    drop(gate);
    a.actor.call(Say(1)).await.unwrap();
    assert_eq!(system.waits(), []);
}

pub async fn a_wait_that_is_given_up_is_no_link_of_a_circle(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    let gate = b.hangs().await;
    let to_b = b.actor.clone();
    let gives_up = Do::new(move |_, _| {
        Box::pin(async move {
            let mut call = Box::pin(to_b.call(Say(5)).no_timeout());
            assert!(begin(&mut call).await.is_pending());
        })
    });
    a.actor.call(gives_up).await.unwrap();
    assert_eq!(system.waits(), []);
    let to_a = a.actor.clone();
    drop(gate);
    let asks = Do::new(move |_, _| Box::pin(async move { assert_eq!(to_a.call(Say(6)).await.unwrap(), 6) }));
    b.actor.call(asks).await.unwrap();
}

pub async fn a_call_that_waits_elsewhere_than_in_its_actor_harms_nobody(system: System) {
    // Begun in a handler, and then given away: it belongs to nobody's wait, and is dropped by somebody else.
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    let gate = b.hangs().await;
    let to_b: &'static ActorRef<Puppet> = Box::leak(Box::new(b.actor.clone()));
    let (tell, given) = oneshot::channel();
    let begins = Do::new(move |_, _| {
        Box::pin(async move {
            let mut call = Box::pin(to_b.call(Say(5)).no_timeout());
            assert!(begin(&mut call).await.is_pending());
            let _ = tell.send(call);
        })
    });
    a.actor.call(begins).await.unwrap();
    let call = given.await.expect("it was given");
    system.stop(a.pid, Exit::Shutdown).await.unwrap();
    drop(gate);
    assert_eq!(call.await.unwrap(), 5);
    assert_eq!(system.waits(), []);
}

/// Has it wait for another node under this number, as for a call that came by a handler; gives the way to answer.
async fn waits_afar(system: &System, p: &Strings, number: u32) -> ReplyTo<u32> {
    let (tell, told) = oneshot::channel();
    let system = system.clone();
    let waits = Do::new(move |_, _| {
        Box::pin(async move {
            let (reply, mut asking) = system.asking::<u32>();
            asking.waits_as(number);
            assert!(begin(&mut asking).await.is_pending());
            let _ = tell.send(reply);
            assert_eq!(asking.no_timeout().await, Ok(1));
        })
    });
    p.actor.cast(waits).unwrap();
    told.await.expect("it waits")
}

/// Has the first call the second.
fn calls(from: &Strings, to: &Strings) {
    let to = to.actor.clone();
    let asks = Do::new(move |_, _| {
        Box::pin(async move { assert_eq!(to.call(Say(5)).no_timeout().await.unwrap(), 5) })
    });
    from.actor.cast(asks).unwrap();
}

pub async fn the_question_of_a_far_caller_leads_to_waits_for_other_nodes_while_it_is_certain(system: System) {
    let (a, b) = (puppet(&system).await, puppet(&system).await);
    let answer = waits_afar(&system, &b, 7).await;
    calls(&a, &b);
    eventually(|| !system.waits().is_empty()).await;
    let (tell, outcome) = oneshot::channel();
    let (reply, caller) = system.reply_to(None, move |answer: Result<u32, _>| drop(tell.send(answer)));
    assert_eq!(caller.sight().far_waits(), None, "whom it asks was not said");
    caller.asks(&a.actor);
    a.actor.cast_request(Say(6), reply).unwrap();
    let ways = caller.sight().far_waits().expect("it is in the mailbox");
    let [FarWait { path, number: 7, .. }] = &ways[..] else { panic!("{ways:?}") };
    assert_eq!(pids(path), [a.pid, b.pid]);
    assert_eq!(system.waits().len(), 1, "a wait for another node is none within this one");
    answer.send(1);
    assert_eq!(outcome.await.unwrap(), Ok(6));
    assert_eq!(caller.sight().far_waits(), None, "it was answered");
    // Whoever keeps the question may give it to somebody else.
    let (reply, caller) = system.reply_to(None, |_: Result<u32, _>| ());
    caller.asks(&b.actor);
    b.actor.cast_request(Keep, reply).unwrap();
    has_a_call(&b).await;
    assert_eq!(caller.sight().far_waits(), None);
}

/// Keeps what it is told of waits that lead to other nodes.
struct Led(Lock<Vec<u32>>);

impl Distribution for Led {
    fn carry(&self, _: DistSignal) {}
    fn lead_to(&self, numbers: &[u32]) {
        self.0.lock().extend(numbers);
    }
}

pub async fn who_begins_to_wait_for_one_that_waits_for_another_node_is_followed(system: System) {
    let led = Arc::new(Led(Lock::new(Vec::new())));
    system.set_distribution(led.clone()).unwrap();
    let folk = [puppet(&system).await, puppet(&system).await, puppet(&system).await];
    let answer = waits_afar(&system, &folk[2], 9).await;
    assert_eq!(*led.0.lock(), [], "who waits for another node itself is not");
    calls(&folk[1], &folk[2]);
    eventually(|| *led.0.lock() == [9]).await;
    calls(&folk[0], &folk[1]);
    eventually(|| *led.0.lock() == [9, 9]).await;
    answer.send(1);
    folk[0].actor.call(Say(1)).await.unwrap();
    calls(&folk[0], &folk[2]);
    folk[0].actor.call(Say(1)).await.unwrap();
    assert_eq!(*led.0.lock(), [9, 9], "nobody waits for another node any more");
}
