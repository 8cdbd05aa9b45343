//! Probes, and waiting in virtual time.

use crate::app::{Add, Get, MS, SECOND};
use futures::future::join;
use ravelin_core::CallError;
use ravelin_sim::{Failure, Sim, World};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[test]
fn a_probe_sees_messages_in_their_order_and_answers_calls() {
    Sim::new().alone().seeds(20).check(async |world| {
        let mut adds = world.probe::<Add>("adds").await;
        let mut gets = world.probe::<Get>("gets").await;
        for n in 1..=3 {
            adds.actor().cast(Add(n)).ok().unwrap();
        }
        for n in 1..=3 {
            assert_eq!(adds.expect(SECOND).await.0, n);
        }
        assert!(adds.try_next().is_none());
        adds.expect_none(SECOND).await;
        let to = gets.recipient();
        let (answer, ()) = join(to.call(Get), async {
            let (Get, reply) = gets.expect_call(SECOND).await;
            reply.send(7);
        })
        .await;
        assert_eq!(answer.unwrap(), 7);
        let (answer, _) = join(to.call(Get), gets.expect(SECOND)).await;
        assert!(matches!(answer, Err(CallError::NoReply)));
    });
}

fn message(test: impl AsyncFn(&mut World) + Sync) -> String {
    match Sim::new().alone().run(test).unwrap_err().failure {
        Failure::Panic { message, .. } => message,
        other => panic!("{other}"),
    }
}

#[test]
fn a_probe_that_is_disappointed_says_where_and_what_it_expected() {
    let missing = message(async |world| {
        let mut probe = world.probe::<Add>("adds").await;
        probe.expect(5 * MS).await;
    });
    assert!(missing.contains("probes.rs:") && missing.contains(r#"Probe("adds") got no"#), "{missing}");
    assert!(missing.ends_with("app::Add within 5ms"), "{missing}");
    let unwanted = message(async |world| {
        let mut probe = world.probe::<Add>("adds").await;
        let to = probe.recipient();
        to.cast(Add(1)).ok().unwrap();
        probe.expect_none(5 * MS).await;
    });
    assert!(unwanted.contains("app::Add") && unwanted.contains("before 5ms were over"), "{unwanted}");
}

#[test]
fn until_waits_for_a_condition_and_no_longer() {
    Sim::new().alone().seeds(20).check(async |world| {
        let ticks = std::sync::Arc::new(AtomicU32::new(0));
        let (seen, runtime) = (ticks.clone(), world.runtime().clone());
        world.runtime().spawn(
            "ticks",
            Box::pin(async move {
                loop {
                    ravelin_core::sleep(&*runtime, SECOND).await; // tidy: virtual time
                    seen.fetch_add(1, Relaxed);
                }
            }),
        );
        world.until(20 * SECOND, || ticks.load(Relaxed) == 10).await;
        assert_eq!(world.elapsed().as_secs(), 10);
    });
    let late = message(async |world| world.until(SECOND, || false).await);
    assert!(late.contains("probes.rs:") && late.ends_with("no timer is set"), "{late}");
    let late = message(async |world| {
        world.inject(ravelin_sim::Fault::Kill { place: "x".into(), at: 5 * SECOND });
        world.until(SECOND, || false).await;
    });
    assert!(late.ends_with("did not happen within 1s"), "{late}");
}
