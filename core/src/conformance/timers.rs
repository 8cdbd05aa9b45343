//! Timers that belong to an incarnation.

use super::puppet::{Do, Event, Events, Puppet, Say, Script, does, hangs, puppet, said, yield_now};
use crate::{ActorRef, Exit, Info, Missed, System, sleep};
use futures::future::FutureExt;
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub async fn messages_for_later_come_in_the_order_they_are_due(system: System) {
    let mut p = puppet(&system).await;
    let began = system.runtime().now();
    p.does(|cx| {
        cx.send_after(ms(9), Say(3));
        cx.send_after(ms(3), Say(1));
        cx.send_after(ms(6), Say(2));
        cx.send_after(Duration::ZERO, Say(0));
    })
    .await;
    for n in 0..4 {
        assert_eq!(p.events.next().await, Event::Said(n));
        assert!(system.runtime().now() - began >= ms(u64::from(n) * 3), "{n} came early");
    }
}

pub async fn timers_due_at_once_fire_in_the_order_they_were_set(system: System) {
    let mut p = puppet(&system).await;
    p.does(|cx| {
        (0..100).for_each(|n| {
            cx.send_after(Duration::ZERO, Say(n));
        })
    })
    .await;
    for n in 0..100 {
        assert_eq!(p.events.next().await, Event::Said(n));
    }
}

pub async fn a_cancelled_timer_tells_the_time_left_and_sends_nothing(system: System) {
    let mut p = puppet(&system).await;
    let left = p
        .does(|cx| {
            let timer = cx.send_after(ms(5), Say(1));
            (cx.cancel(timer), cx.cancel(timer))
        })
        .await;
    assert!(left.0.is_some_and(|left| left <= ms(5)), "{left:?}");
    assert_eq!(left.1, None, "it is cancelled already");
    p.does(|cx| cx.send_after(ms(8), Say(2))).await;
    assert_eq!(p.events.next().await, Event::Said(2), "the one that was due before did not come");
}

pub async fn a_timer_that_has_fired_cannot_be_cancelled(system: System) {
    let mut p = puppet(&system).await;
    let timer = p.does(|cx| cx.send_after(Duration::ZERO, Say(1))).await;
    assert_eq!(p.events.next().await, Event::Said(1));
    assert_eq!(p.does(move |cx| cx.cancel(timer)).await, None);
    let other = puppet(&system).await;
    assert_eq!(other.does(move |cx| cx.cancel(timer)).await, None, "nor by a stranger");
}

pub async fn cancelling_one_timer_leaves_the_others(system: System) {
    let mut p = puppet(&system).await;
    p.does(|cx| {
        let timers: Vec<_> = (0..50).map(|n| cx.send_after(ms(1), Say(n))).collect();
        for timer in timers.into_iter().step_by(2) {
            assert!(cx.cancel(timer).is_some());
        }
    })
    .await;
    for n in (1..50).step_by(2) {
        assert_eq!(p.events.next().await, Event::Said(n));
    }
}

pub async fn timers_go_with_their_incarnation(system: System) {
    let (log, mut events) = Events::new();
    let place = ActorRef::<Puppet>::unnamed();
    let first = system.start(&place, Script::new(&log)).await.unwrap();
    does(&place, |cx| {
        cx.send_after(ms(3), Say(1));
        cx.every(ms(1), Say(2));
        cx.receive_timeout(ms(4));
    })
    .await;
    let end = system.ended(first);
    assert!(system.kill(first));
    end.await;
    events.so_far();
    system.start(&place, Script::new(&log)).await.unwrap();
    does(&place, |cx| cx.send_after(ms(6), Say(9))).await;
    assert_eq!(events.next().await, Event::Said(9));
}

pub async fn a_repeating_timer_repeats_until_it_is_cancelled(system: System) {
    for missed in [Missed::Skip, Missed::Delay, Missed::CatchUp] {
        let mut p = puppet(&system).await;
        let began = system.runtime().now();
        let timer = p.does(move |cx| cx.every_with(ms(1), missed, Say(1))).await;
        for n in 1..=4 {
            assert_eq!(p.events.next().await, Event::Said(1));
            assert!(system.runtime().now() - began >= ms(n), "{missed:?}: tick {n} came early");
        }
        assert!(p.does(move |cx| cx.cancel(timer)).await.is_some());
        p.is_through().await;
        p.events.so_far();
        p.does(|cx| cx.send_after(ms(3), Say(2))).await;
        assert_eq!(p.events.next().await, Event::Said(2), "{missed:?}");
    }
}

pub async fn a_busy_actor_gets_as_many_missed_ticks_as_the_policy_says(system: System) {
    for (missed, expect) in [(Missed::Skip, 1), (Missed::Delay, 1), (Missed::CatchUp, 5)] {
        let mut p = puppet(&system).await;
        let me = p.actor.clone();
        let busy = Do::new(move |_, cx| {
            Box::pin(async move {
                cx.every_with(ms(10), missed, Say(1));
                // What was missed is put behind this, and before what this sends.
                let to = me.clone();
                me.cast(Do::now(move |_, _| to.cast(Say(2)).unwrap())).unwrap();
                cx.sleep(ms(55)).await; // tidy: tests the timer
            })
        });
        p.actor.cast(busy).unwrap();
        let mut ticks = 0;
        while p.events.next().await == Event::Said(1) {
            ticks += 1;
        }
        match missed {
            // It may have slept longer,
            Missed::CatchUp => assert!(ticks >= expect, "{ticks}"),
            // and the next tick may have been due at once.
            Missed::Delay | Missed::Skip => {
                assert!(ticks == expect || ticks == expect + 1, "{missed:?}: {ticks}")
            }
        }
        assert!(system.kill(p.pid));
    }
}

pub async fn a_period_of_nothing_does_not_hold_the_actor(system: System) {
    for missed in [Missed::Skip, Missed::Delay, Missed::CatchUp] {
        let mut p = puppet(&system).await;
        p.does(move |cx| cx.every_with(Duration::ZERO, missed, Say(1))).await;
        assert_eq!(p.events.next().await, Event::Said(1));
        assert_eq!(p.events.next().await, Event::Said(1));
        let end = system.ended(p.pid);
        assert!(system.kill(p.pid));
        assert_eq!(end.await, Exit::Killed, "{missed:?}");
    }
}

pub async fn an_idle_actor_gets_its_receive_timeout_once(system: System) {
    let mut p = puppet(&system).await;
    p.actor.cast(Do::now(|_, cx| cx.receive_timeout(ms(2)))).unwrap();
    assert_eq!(p.events.next().await, Event::Info(Info::Timeout));
    p.does(|cx| cx.send_after(ms(4), Say(1))).await;
    assert_eq!(p.events.next().await, Event::Said(1));
}

pub async fn a_message_takes_a_receive_timeout_away(system: System) {
    let mut p = puppet(&system).await;
    let act = Do::now(|_, cx| {
        cx.receive_timeout(ms(2));
        cx.me().cast(Say(1)).unwrap();
    });
    p.actor.cast(act).unwrap();
    p.does(|cx| cx.send_after(ms(5), Say(2))).await;
    assert_eq!(p.events.next().await, Event::Said(1));
    assert_eq!(p.events.next().await, Event::Said(2));
}

pub async fn a_message_that_waits_comes_instead_of_a_receive_timeout(system: System) {
    let mut p = puppet(&system).await;
    let me = p.actor.clone();
    let act = Do::new(move |_, cx| {
        Box::pin(async move {
            cx.receive_timeout(ms(1));
            me.cast(Say(1)).unwrap();
            cx.sleep(ms(3)).await; // tidy: tests the timer
        })
    });
    p.actor.cast(act).unwrap();
    assert_eq!(p.events.next().await, Event::Said(1));
    p.is_through().await;
    assert_eq!(p.events.so_far(), [], "it was not idle for that long");
}

pub async fn a_receive_timeout_that_is_set_again_starts_anew(system: System) {
    let mut p = puppet(&system).await;
    let began = system.runtime().now();
    p.actor
        .cast(Do::now(|_, cx| {
            cx.receive_timeout(ms(1));
            cx.receive_timeout(ms(4));
        }))
        .unwrap();
    assert_eq!(p.events.next().await, Event::Info(Info::Timeout));
    assert!(system.runtime().now() - began >= ms(4), "the first one fired");
    p.does(|cx| cx.send_after(ms(6), Say(1))).await;
    assert_eq!(p.events.next().await, Event::Said(1));
}

pub async fn a_timer_that_fires_while_a_handler_waits_is_not_missed(system: System) {
    for round in 0..30 {
        let mut p = puppet(&system).await;
        let act = Do::new(move |_, cx| {
            Box::pin(async move {
                cx.send_after(Duration::from_micros(50 * round), Say(1));
                for _ in 0..100 {
                    yield_now().await;
                }
            })
        });
        p.actor.cast(act).unwrap();
        p.actor.cast(Do::new(|_, _| Box::pin(yield_now()))).unwrap();
        assert_eq!(p.events.next().await, Event::Said(1));
    }
}

pub async fn timers_get_into_a_full_mailbox(system: System) {
    let mut p = super::puppet::with_mailbox(&system, crate::Bounded(1)).await;
    let act = Do::new(|_, cx| {
        Box::pin(async {
            cx.send_after(Duration::ZERO, Say(1));
            cx.me().cast(Say(0)).unwrap();
        })
    });
    p.actor.cast(act).unwrap();
    p.events.next().await;
    p.events.next().await;
}

pub async fn a_storm_of_timers_and_cancels_leaves_what_is_due(system: System) {
    let mut p = super::puppet::with_mailbox(&system, crate::Unbounded).await;
    p.does(|cx| {
        let far = Duration::from_secs(3600);
        let timers: Vec<_> = (0..5_000).map(|n| cx.send_after(far * (n % 7), Say(n))).collect();
        for (n, timer) in timers.into_iter().enumerate() {
            if n % 7 != 0 {
                assert!(cx.cancel(timer).is_some());
            }
        }
    })
    .await;
    let mut seen = Vec::new();
    while seen.len() < 715 {
        seen.push(p.events.next().await);
    }
    assert_eq!(said(&seen), (0..5_000).step_by(7).collect::<Vec<_>>());
}

pub async fn a_time_far_away_does_not_overflow(system: System) {
    let mut p = puppet(&system).await;
    p.does(|cx| {
        for wait in [Duration::MAX, Duration::from_secs(1 << 40), Duration::from_millis(1 << 32)] {
            let timer = cx.send_after(wait, Say(1));
            assert!(cx.cancel(timer).is_some_and(|left| left > ms(1 << 30)));
        }
        cx.send_after(Duration::MAX, Say(1));
        cx.every(Duration::MAX, Say(1));
    })
    .await;
    p.is_through().await;
    assert_eq!(p.events.so_far(), []);
}

pub async fn a_kill_cuts_off_a_sleep(system: System) {
    let p = puppet(&system).await;
    let sleeps = Do::new(|_, cx| Box::pin(async { cx.sleep(Duration::from_secs(3600)).await })); // tidy: tests the timer
    p.actor.cast(sleeps).unwrap();
    let end = system.ended(p.pid);
    assert!(system.kill(p.pid));
    assert_eq!(end.await, Exit::Killed);
}

pub async fn a_wait_with_a_limit_ends_at_the_limit_or_before(system: System) {
    let runtime = system.runtime().clone();
    let began = runtime.now();
    assert_eq!(crate::within(&*runtime, ms(2), std::future::pending::<()>()).await, None);
    assert!(runtime.now() - began >= ms(2));
    assert_eq!(crate::within(&*runtime, ms(2), async { 7 }).await, Some(7));
    assert!(sleep(&*runtime, Duration::from_secs(3600)).now_or_never().is_none()); // tidy: tests the timer
    let p = puppet(&system).await;
    let gate = hangs(&p.actor).await;
    assert!(crate::within(&*runtime, ms(2), p.actor.call(Say(1))).await.is_none());
    drop(gate);
}
