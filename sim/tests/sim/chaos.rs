//! Chaos: whom it strikes, how often, and what it tells. The executor underneath is the simulator.

use crate::app::{Counter, Get, MS, SECOND};
use ravelin_core::{ActorRef, Fault as Harm, FaultPoint, Runtime, Site, System};
use ravelin_sim::{Chaos, ChaosEvent, Plan, Rate, Sim, World};
use ravelin_supervisor::{App, Supervisor, child, start_in};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Told = Arc<Mutex<Vec<ChaosEvent>>>;

struct Stage {
    chaos: Arc<Chaos>,
    told: Told,
    app: App,
    counters: Vec<ActorRef<Counter>>,
}

/// Counters `a-0`, `a-1` and `b`, of which `a-0` and `a-1` are watched.
async fn stage(world: &World, plan: Plan) -> Stage {
    let told = Told::default();
    let to = told.clone();
    let chaos =
        Chaos::new(world.runtime().clone(), plan, move |event| to.lock().unwrap().push(event.clone()));
    let counters: Vec<ActorRef<Counter>> = ["a-0", "a-1", "b"].map(ActorRef::place).into();
    let mut tree = Supervisor::one_for_one("app").intensity(1000, SECOND);
    for counter in &counters {
        let spec = child(counter, || ());
        let is_watched = counter.name().is_some_and(|name| name.starts_with('a'));
        tree = tree.child(if is_watched { chaos.watch(spec) } else { spec });
    }
    let system = System::new(chaos.clone());
    let app = start_in(&system, tree.child(chaos.child("chaos"))).await.unwrap();
    Stage { chaos, told, app, counters }
}

fn places(told: &Told) -> Vec<String> {
    let told = told.lock().unwrap();
    let struck = told.iter().filter_map(|event| match event {
        ChaosEvent::Struck(strike) => Some(strike.place.to_string()),
        _ => None,
    });
    struck.collect()
}

#[test]
fn kills_come_at_their_rate_and_each_return_is_told() {
    Sim::new().seeds(20).check(async |world| {
        let stage = stage(world, Plan::none().kills(Rate::per_second(20))).await;
        world.advance(5 * SECOND).await;
        stage.chaos.calm();
        world.advance(3 * SECOND).await;
        let struck = stage.chaos.strikes();
        assert!((90..=100).contains(&struck), "{struck}");
        for counter in &stage.counters {
            counter.call(Get).await.unwrap();
        }
        let told = stage.told.lock().unwrap().clone();
        let back: Vec<Duration> = told
            .iter()
            .filter_map(|event| match event {
                ChaosEvent::Back { strike, pid, after } => {
                    assert_ne!(strike.pid, *pid);
                    assert!(*after >= MS || *strike.place == *"b", "its init takes so long: {after:?}");
                    Some(*after)
                }
                _ => None,
            })
            .collect();
        assert_eq!(back.len() as u64, struck, "{told:?}");
        assert!(back.iter().all(|after| *after < 10 * MS), "{back:?}");
        let report = stage.app.stop().await;
        assert_eq!(report.killed, 0);
    });
}

#[test]
fn only_places_that_the_plan_concerns_are_struck() {
    Sim::new().seeds(10).check(async |world| {
        let stage = stage(world, Plan::none().kills(Rate::per_second(50)).only("a-*").spare("a-0")).await;
        world.advance(2 * SECOND).await;
        let places = places(&stage.told);
        assert!(places.len() > 50 && places.iter().all(|place| place == "a-1"), "{places:?}");
    });
}

#[test]
fn a_seed_draws_the_same_places_in_the_same_order() {
    Sim::new().seeds(5).check(async |world| {
        let plan = Plan::none().kills(Rate::per_second(10)).seed(7);
        let (one, other) = (stage(world, plan.clone()).await, stage(world, plan).await);
        world.advance(3 * SECOND).await;
        assert_eq!(places(&one.told)[..20], places(&other.told)[..20]);
    });
}

#[test]
fn a_panic_strikes_the_next_who_passes_and_has_a_parent() {
    Sim::new().seeds(5).check(async |world| {
        let stage = stage(world, Plan::none().panics(Rate::per_second(10))).await;
        assert!(stage.chaos.injects_faults());
        world.advance(SECOND).await;
        let pid = |place: &ActorRef<Counter>| place.pid();
        let root = Site::new(Some("app"), "Supervisor", stage.app.root().pid());
        assert_eq!(stage.chaos.fault_in(&root, FaultPoint::Poll), None);
        let counter = Site::new(Some("b"), "Counter", pid(&stage.counters[2]));
        let before = stage.chaos.strikes();
        if before == 0 {
            assert_eq!(stage.chaos.fault_in(&counter, FaultPoint::Init), None);
            assert_eq!(stage.chaos.fault_in(&counter, FaultPoint::Poll), Some(Harm::Panic));
            assert_eq!(stage.chaos.fault_in(&counter, FaultPoint::Poll), None, "one at a time");
            assert_eq!(places(&stage.told), ["b"]);
        }
        assert!(stage.chaos.strikes() > 0);
    });
}

#[test]
fn where_nothing_is_asked_for_nothing_is_asked_of_actors() {
    Sim::new().seeds(1).check(async |world| {
        let stage = stage(world, Plan::none()).await;
        world.advance(10 * SECOND).await;
        assert_eq!(stage.chaos.strikes(), 0);
    });
    let local = ravelin_core::runtimes::Local::new();
    let chaos = Chaos::new(local, Plan::none().kills(Rate::per_second(1)), |_| {});
    assert!(!chaos.injects_faults());
}
