//! A seed that fails: how it is told, run again and made smaller.

use crate::app::{Add, Get, MS, SECOND, start};
use ravelin_sim::{Fault, Faults, Order, Sim, World};

/// Holds as long as `a` is not killed between the two looks.
async fn forgets(world: &mut World) {
    let (_, [a, ..]) = start(world).await;
    world.advance(100 * MS).await;
    for _ in 0..50 {
        let _ = a.cast(Add(1));
        world.advance(MS).await;
    }
    let before = a.call(Get).await.unwrap_or(0);
    world.advance(SECOND).await;
    assert!(a.call(Get).await.unwrap_or(0) >= before, "it has forgotten");
}

fn trouble() -> Faults {
    let kills = Faults::none().kills("a", 4).kills("b", 8).kills("feeder", 8);
    kills.stalls("main", 2).clock_jumps("main", 4).over(2 * SECOND)
}

#[test]
fn a_failing_seed_is_shrunk_to_the_fault_that_matters() {
    let found = Sim::new().alone().name("forgets").seeds(100).faults(trouble()).run(forgets).unwrap_err();
    assert!(found.drawn > 1 && found.is_smallest, "{found}");
    assert!(matches!(&found.scenario[..], [Fault::Kill { place, .. }] if **place == *"a"), "{found}");
    assert_eq!(found.order, Order::Fifo);
    let again =
        Sim::new().alone().name("forgets").only(found.seed.0).faults(trouble()).run(forgets).unwrap_err();
    assert_eq!(found, again);
}

#[test]
fn the_report_says_what_broke_what_is_left_and_how_to_run_it_again() {
    let found = Sim::new().alone().name("forgets").seeds(100).faults(trouble()).run(forgets).unwrap_err();
    let report = found.to_string();
    for part in [
        "`forgets` fails with seed ",
        "replay.rs:",
        "it has forgotten",
        "1 of ",
        "`a` is killed",
        &format!("run it again: RAVELIN_SEED={} cargo test forgets", found.seed.0),
    ] {
        assert!(report.contains(part), "`{part}` is not in:\n{report}");
    }
    let story = found.story.join("\n");
    for part in ["INJECTED at", "`a` is killed", "ravelin.crash", "reason=killed", "ravelin.restarted"] {
        assert!(story.contains(part), "`{part}` is not in:\n{story}");
    }
}

#[test]
#[should_panic(expected = "RAVELIN_SEED=0 cargo test replay::a_check_that_fails_panics_with_the_report")]
fn a_check_that_fails_panics_with_the_report() {
    Sim::new().alone().check(async |_| panic!("always"));
}

#[test]
fn the_smallest_seed_is_found_on_any_number_of_threads() {
    let fails_now_and_then = async |world: &mut World| assert!(world.random("luck").below(20) > 0);
    let seeds: Vec<_> = [1, 2]
        .map(|threads| Sim::new().alone().seeds(500).threads(threads).run(fails_now_and_then))
        .into_iter()
        .map(|found| found.unwrap_err().seed)
        .collect();
    assert_eq!(seeds[0], seeds[1]);
}

#[test]
fn what_a_rate_did_is_shrunk_to_the_points_that_matter() {
    let rate = Faults::none().always(Fault::Buggify { per_million: 100_000 });
    let found = Sim::new().alone().seeds(50).faults(rate).run(async |world| {
        let wrong = (0..100).filter(|_| world.system().buggify("shelf.empty")).count();
        let other = (0..100).filter(|_| world.system().buggify("till.open")).count();
        assert!(wrong < 2, "{other}");
    });
    let found = found.unwrap_err();
    assert_eq!(found.scenario.len(), 2, "{found}");
    for fault in &found.scenario {
        assert!(matches!(fault, Fault::Named { point, .. } if **point == *"shelf.empty"), "{found}");
    }
}
