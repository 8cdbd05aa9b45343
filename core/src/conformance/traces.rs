//! Traces and statistics: what they tell, and their limits.

use super::puppet::{Do, Say, puppet};
use super::sys::{Add, Shown, rests, shown};
use crate::sys::{Limit, TracedEvent, Whose};
use crate::{ActorRef, Exit, System};
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub async fn a_trace_tells_of_each_message_its_sender_and_its_outcome(system: System) {
    let (p, from) = (puppet(&system).await, puppet(&system).await);
    let mut trace = p.actor.sys().trace(Limit::count(100)).unwrap();
    let actor = p.actor.clone();
    from.does(move |_| actor.cast(Say(1)).unwrap()).await;
    p.actor.call(Say(2)).await.unwrap();
    let gate = p.hangs().await;
    drop(gate);
    p.actor.cast(Do::panic("bug")).unwrap();
    let end = system.ended(p.pid);
    end.await;
    let mut seen = Vec::new();
    while let Some(event) = trace.next().await {
        assert_eq!(event.pid, p.pid);
        let short = |message: &'static str| message.rsplit("::").next().unwrap();
        match event.what {
            TracedEvent::Begun { message, from: sender } => {
                let is_known = sender == Some(from.pid);
                assert!(is_known || sender.is_none(), "{sender:?}");
                seen.push(format!("{}{}", short(message), if is_known { " from" } else { "" }));
            }
            TracedEvent::Ended { message, outcome, .. } => seen.push(format!("{} {outcome}", short(message))),
            TracedEvent::Exited(exit) => {
                assert!(matches!(exit, Exit::Panic(_)));
                break;
            }
        }
    }
    let expect = ["Say from", "Say ok", "Say", "Say ok", "Do", "Do ok", "Do", "Do panicked"];
    assert_eq!(seen, expect);
    assert_eq!(trace.dropped(), 0);
}

pub async fn a_trace_knows_the_senders_of_what_came_since_in_any_order(system: System) {
    let mut p = puppet(&system).await;
    let (one, two) = (puppet(&system).await, puppet(&system).await);
    let gate = p.hangs().await;
    p.casts(0);
    let mut trace = p.actor.sys().trace(Limit::count(100)).unwrap();
    for (n, from) in [(1, &one), (2, &two), (3, &two), (4, &one)] {
        let actor = p.actor.clone();
        from.does(move |_| actor.cast(Say(n)).unwrap()).await;
    }
    drop(gate);
    p.is_through().await;
    let mut senders = Vec::new();
    for event in trace.so_far() {
        if let TracedEvent::Begun { message, from } = event.what
            && message.ends_with("::Say")
        {
            senders.push(from);
        }
    }
    let (one, two) = (Some(one.pid), Some(two.pid));
    assert_eq!(senders, [None, one, two, two, one], "the first came before the trace");
}

pub async fn a_trace_ends_itself_at_its_limit_and_counts_what_it_drops(system: System) {
    let mut p = puppet(&system).await;
    let mut first = p.actor.sys().trace(Limit::count(3)).unwrap();
    let mut sampled = p.actor.sys().trace(Limit::rate(2, Duration::from_secs(3600))).unwrap();
    let mut tripped = p.actor.sys().trace(Limit::rate(2, Duration::from_secs(3600)).or_off()).unwrap();
    (0..10).for_each(|n| p.casts(n));
    p.is_through().await;
    rests(&p.actor.sys()).await;
    let mut told = 0;
    while first.next().await.is_some() {
        told += 1;
    }
    assert_eq!((told, first.is_over()), (3, true));
    assert_eq!((sampled.so_far().len(), sampled.is_over()), (2, false));
    assert!(sampled.dropped() >= 18, "{sampled:?}");
    assert_eq!((tripped.so_far().len(), tripped.is_over(), tripped.dropped()), (2, true, 1));
    assert_eq!(p.said(), (0..10).collect::<Vec<_>>(), "the actor handled all");
}

pub async fn a_trace_of_a_kind_of_actors_is_of_those_that_start_later_too(system: System) {
    let old = shown(&system, 1).await;
    let mut trace = system.trace(Whose::actor::<Shown>(), Limit::count(100));
    let other = puppet(&system).await;
    let new = ActorRef::<Shown>::place("new");
    system.start(&new, 1).await.unwrap();
    let mut by_place = system.trace(Whose::place("ne"), Limit::count(100));
    for place in [&old, &new] {
        place.call(Add(1)).await.unwrap();
        rests(&place.sys()).await;
    }
    other.actor.call(Say(1)).await.unwrap();
    let pids = |events: Vec<crate::sys::Traced>| events.iter().map(|event| event.pid).collect::<Vec<_>>();
    let (old, new) = (old.pid().unwrap(), new.pid().unwrap());
    assert_eq!(pids(trace.so_far()), [old, old, new, new]);
    assert_eq!(pids(by_place.so_far()), [new, new]);
}

pub async fn statistics_count_while_they_are_on(system: System) {
    let p = puppet(&system).await;
    let sys = p.actor.sys();
    p.actor.call(Say(0)).await.unwrap();
    assert_eq!(sys.statistics(), None);
    sys.statistics_on().unwrap();
    for n in 0..5 {
        p.actor.call(Say(n)).await.unwrap();
    }
    let waits = Do::new(|_, cx| {
        Box::pin(async move {
            cx.sleep(ms(3)).await;
        })
    });
    p.actor.call(waits).await.unwrap();
    rests(&sys).await;
    let statistics = sys.statistics().unwrap();
    let longest = statistics.longest.unwrap();
    assert_eq!(statistics.handled, 6);
    // On a machine that is busy with other things another one may take longer.
    let is_expected = longest.message.ends_with("::Do") || longest.took > ms(3);
    assert!(is_expected && longest.took >= ms(3), "{longest:?}");
    assert!(statistics.busy < longest.took || statistics.busy > ms(3), "a wait is no work: {statistics:?}");
    assert_eq!(sys.status().unwrap().statistics, Some(statistics));
    sys.statistics_off();
    assert_eq!(sys.statistics(), None);
}
