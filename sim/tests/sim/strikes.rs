//! Faults: each strikes where and when it says.

use crate::app::{Add, Counter, Get, MS, SECOND, a_second, start, try_start};
use ravelin_core::{ActorRef, Exit, FaultPoint, Site};
use ravelin_sim::{Fault, Faults, Harm, Point, Sim, World};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[test]
fn a_kill_comes_at_its_time_to_whoever_lives_at_the_place() {
    let kill = Fault::Kill { place: "a".into(), at: 50 * MS };
    Sim::new().alone().seeds(20).faults(Faults::none().always(kill)).check(async |world| {
        let (_, [a, b, _]) = start(world).await;
        let (before, other) = (a.pid(), b.pid());
        world.advance(49 * MS - world.elapsed()).await;
        assert_eq!(a.pid(), before);
        world.advance(10 * MS).await;
        assert_eq!(a.last_exit(), Some(Exit::Killed));
        assert!(a.pid().is_some() && a.pid() != before, "it was started again");
        assert_eq!(b.pid(), other);
    });
}

#[test]
fn a_panic_or_a_kill_comes_at_the_await_that_it_names() {
    for harm in [Harm::Panic, Harm::Kill] {
        let fault = Fault::At { place: None, point: Point::Await, nth: 3, times: 1, harm };
        Sim::new().alone().seeds(20).faults(Faults::none().always(fault)).check(
            async move |world: &mut World| {
                // The first await is that of `init`, and then there is one in each `Add`.
                let counter = world.spawn::<Counter>("counter", ()).await;
                let mut done = 0;
                while counter.send(Add(1)).await.is_ok() {
                    world.advance(MS).await;
                    done += 1;
                    assert!(done < 10, "nothing strikes");
                }
                match (counter.last_exit(), harm) {
                    (Some(Exit::Killed), Harm::Kill) => {}
                    (Some(Exit::Panic(panic)), Harm::Panic) => assert_eq!(panic.message, "injected fault"),
                    other => panic!("{other:?}"),
                }
            },
        );
    }
}

#[test]
fn a_fault_is_aimed_by_place_point_and_message() {
    let at = |place: &str, point, nth| Fault::At {
        place: Some(place.into()),
        point,
        nth,
        times: 2,
        harm: Harm::Kill,
    };
    let faults = Faults::none()
        .always(at("a", Point::Init, 1))
        .always(at("a", Point::Message(Some("Add".into())), 2))
        .always(at("b", Point::Await, 1));
    Sim::new().alone().seeds(2).faults(faults).check(async |world| {
        let struck = |place, point| {
            let site = Site::new(Some(place), "Counter", None);
            world.runtime().fault_in(&site, point).is_some()
        };
        let message = FaultPoint::Message("app::Add");
        assert_eq!([(); 4].map(|()| struck("a", FaultPoint::Init)), [true, true, false, false]);
        assert_eq!([(); 4].map(|()| struck("a", message)), [false, true, true, false]);
        assert_eq!([(); 4].map(|()| struck("b", message)), [false; 4]);
        assert_eq!([(); 3].map(|()| struck("b", FaultPoint::Poll)), [true, true, false]);
    });
}

#[test]
fn who_is_paused_has_no_turn_until_it_is_over() {
    let ticks = |world: &World| {
        let (seen, runtime) = (Arc::new(AtomicU32::new(0)), world.runtime().clone());
        let count = seen.clone();
        world.runtime().spawn(
            "ticks",
            Box::pin(async move {
                loop {
                    // What an actor's loop says of it.
                    runtime.fault_in(&Site::new(Some("ticks"), "Ticks", None), FaultPoint::Poll);
                    count.fetch_add(1, Relaxed);
                    ravelin_core::sleep(&*runtime, 10 * MS).await; // tidy: virtual time
                }
            }),
        );
        seen
    };
    for (pause, is_calmed, expect) in
        [(SECOND, false, [4, 4, 5]), (20 * MS, false, [4, 6, 8]), (SECOND, true, [4, 7, 9])]
    {
        let pause = Fault::Pause { place: "ticks".into(), at: 35 * MS, time: pause };
        let faults = Faults::none().always(pause);
        Sim::new().alone().seeds(5).faults(faults).check(async |world: &mut World| {
            let seen = ticks(world);
            world.advance(38 * MS).await;
            let before = seen.load(Relaxed);
            if is_calmed {
                world.calm();
            }
            world.advance(30 * MS).await;
            let meanwhile = seen.load(Relaxed);
            world.until(2 * SECOND, || seen.load(Relaxed) >= expect[2]).await;
            assert_eq!([before, meanwhile], expect[..2]);
            assert_eq!(world.elapsed() > SECOND, !is_calmed && expect[1] == 4);
        });
    }
}

#[test]
fn a_named_point_goes_wrong_when_it_is_told_to_and_never_otherwise() {
    let passes = async |world: &mut World| -> Vec<bool> {
        (0..6).map(|_| world.system().buggify("cache.full")).collect()
    };
    Sim::new().alone().seeds(5).check(async |world| assert_eq!(passes(world).await, [false; 6]));
    let second = Fault::Named { point: "cache.full".into(), nth: 2 };
    Sim::new().alone().seeds(5).faults(Faults::none().always(second)).check(async |world| {
        assert_eq!(passes(world).await, [false, true, false, false, false, false]);
    });
    let often = Faults::none().always(Fault::Buggify { per_million: 500_000 });
    let passed = Sim::new().alone().seeds(50).faults(often).run(async |world| drop(passes(world).await));
    assert!(passed.unwrap().struck["named"] > 50);
}

#[test]
fn what_is_drawn_strikes_and_the_program_holds() {
    let faults =
        Faults::none().kills("a", 3).kills("feeder", 2).stalls("main", 1).clock_jumps("main", 1).over(SECOND);
    let passed = Sim::new().alone().seeds(60).faults(faults).run(a_second).unwrap();
    let kinds: Vec<_> = passed.struck.keys().copied().collect();
    assert_eq!(kinds, ["clock jump", "kill", "stall"], "{passed:?}");
}

#[test]
fn calm_ends_all_trouble() {
    let kills = (1..100).map(|n| Fault::Kill { place: "a".into(), at: n * 20 * MS });
    let faults = kills.fold(Faults::none(), Faults::always);
    Sim::new().alone().seeds(5).faults(faults).check(async |world| {
        let (_, [a, ..]) = start(world).await;
        world.node("n", async |_| ());
        world.advance(100 * MS).await;
        world.crash("n");
        world.calm();
        assert!(world.system_of("n").is_some());
        world.advance(5 * MS).await;
        let survivor = a.pid();
        world.advance(SECOND).await;
        assert_eq!((survivor.is_some(), a.pid()), (true, survivor));
        assert!(a.call(Get).await.is_ok());
    });
}

#[test]
fn faults_of_a_kind_are_off_in_some_runs_and_on_in_others() {
    let faults = Faults::none().kills("a", 1).crashes("n", 1);
    let mut seen = BTreeMap::new();
    for seed in 0..200 {
        let drawn = faults.draw(ravelin_sim::Seed(seed));
        let kinds = (
            drawn.iter().any(|fault| matches!(fault, Fault::Kill { .. })),
            drawn.iter().any(|fault| matches!(fault, Fault::Crash { .. })),
        );
        *seen.entry(kinds).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 4);
    assert!(seen.values().all(|count| *count > 25), "{seen:?}");
}

#[test]
fn a_fault_for_nobody_strikes_nobody() {
    let faults = Faults::none()
        .always(Fault::Kill { place: "nobody".into(), at: MS })
        .always(Fault::Crash { node: "nowhere".into(), at: MS, down: MS })
        .always(Fault::Crash { node: "main".into(), at: MS, down: MS });
    let passed = Sim::new().alone().seeds(3).faults(faults).run(async |world| {
        let place = ActorRef::<Counter>::place("somebody");
        world.system().start(&place, ()).await.unwrap();
        world.advance(SECOND).await;
        assert!(place.is_alive());
    });
    assert!(passed.unwrap().struck.is_empty());
}

/// Also the supervisor's: then all that it started is gone before it is.
#[test]
fn whatever_await_is_hit_nobody_is_left_behind() {
    let faults = Faults::none().at_awaits(5).kills("a", 3).stalls("main", 1).after(10 * MS).over(SECOND);
    let passed = Sim::new().faults(faults).run(async |world| {
        let Ok(app) = try_start(world).await else { return assert!(world.system().is_empty()) };
        world.advance(SECOND).await;
        world.calm();
        world.advance(SECOND).await;
        match app.root().pid() {
            None => assert!(world.system().is_empty(), "orphans: {:?}", world.system().pids()),
            Some(_) => assert_eq!(app.root().count_children().await.unwrap().active, 4),
        }
        app.stop().await;
        let ledger = world.system().ledger();
        assert!(world.system().is_empty() && ledger.is_balanced() && ledger.waiting == 0, "{ledger:?}");
    });
    let passed = passed.unwrap_or_else(|found| panic!("{found}"));
    assert!(passed.seeds < 100 || passed.struck["at"] > 0, "{passed:?}");
}
