//! What OTP does not have: callbacks, back-off, tries, and the promises about killed supervisors.

use crate::host::{self, on_paused_time};
use crate::part::{Crash, spec};
use crate::world::{World, check, elapsed};
use ravelin_supervisor::{Occasion, Supervisor, SupervisorRef};
use std::time::Duration;

#[test]
fn callbacks_are_called_at_the_turns_of_a_childs_life() {
    on_paused_time(async || {
        let world = World::new();
        let told = |turn: &'static str| {
            let log = world.log.clone();
            move |occasion: &Occasion| {
                let pid = occasion.pid.map_or(String::new(), |pid| format!(" {}", log.name(pid)));
                let exit = occasion.exit.as_ref().map_or(String::new(), |exit| format!(" ({exit})"));
                log.add(format!("{turn}{pid}{exit}"));
            }
        };
        let child = spec("a(transient init=ok/fail:x/ok/ignore/ok)", &world.log)
            .before_start(told("before_start"))
            .after_start(told("after_start"))
            .before_restart(told("before_restart"))
            .after_restart(told("after_restart"))
            .after_failure(told("after_failure"))
            .after_stop(told("after_stop"));
        let tree = Supervisor::one_for_one("root").intensity(9, Duration::from_secs(5)).child(child);
        world.boot(tree).await;
        assert_eq!(world.log.take(), "before_start; +a#1; after_start a#1");
        let steps = [
            (
                "exit a boom",
                "-a#1 boom; before_restart; !a#2 x; after_failure (x); before_restart; +a#3; after_restart a#3",
            ),
            ("terminate a", "-a#3 shutdown; after_stop a#3 (shutdown); = ok"),
            ("restart a", "before_restart; !a#4 ignore; after_failure (ignore); = ignored"),
            ("restart a", "before_restart; +a#5; after_restart a#5; = a#5"),
            ("exit a normal", "-a#5 normal; after_stop a#5 (normal)"),
        ];
        for (step, expect) in steps {
            world.act(step).await;
            world.settle().await;
            assert_eq!(world.log.take(), expect, "{step}");
        }
    });
}

/// On one thread, in the order of its queue. Otherwise they may run at the same time.
#[test]
fn a_supervisor_has_its_turn_before_a_child_that_came_up_handles_what_came_during_init() {
    if !host::KEEPS_THE_QUEUE {
        return;
    }
    on_paused_time(async || {
        let world = World::new();
        let log = world.log.clone();
        let child =
            spec("a(temporary init=hold:ok)", &world.log).after_start(move |_| log.add("after_start"));
        world.boot(Supervisor::dynamic("root")).await;
        let (system, root) = (world.system.clone(), world.root.clone());
        let start = async move { drop(root.start_child(child).await) };
        system.runtime().spawn("start", Box::pin(start));
        world.settle().await;
        world.log.place("a").cast(Crash).expect("it has begun");
        world.act("release a").await;
        world.settle().await;
        assert_eq!(world.log.take(), "+a#1; after_start; -a#1 panic boom");
    });
}

#[test]
fn a_callback_that_panics_disturbs_nothing() {
    on_paused_time(async || {
        let world = World::new();
        let child = spec("a", &world.log).before_start(|_| panic!("mine")).after_start(|_| panic!("mine"));
        world.boot(Supervisor::one_for_one("root").child(child)).await;
        world.act("which").await;
        assert_eq!(world.log.take(), "+a#1; = a#1");
    });
}

#[test]
fn a_backoff_waits_longer_before_each_restart_in_a_row_and_starts_over_after_a_long_life() {
    check(
        "one_for_one 9/1 : a(backoff=100..400) b
         boot : +a#1; +b#1
         crash a : -a#1 panic boom
         wait 90 :
         which : = a=restarting b#1
         wait 20 : +a#2
         crash a : -a#2 panic boom
         wait 180 :
         wait 20 : +a#3
         crash a : -a#3 panic boom
         wait 380 :
         wait 20 : +a#4
         crash a : -a#4 panic boom
         wait 380 :
         wait 20 : +a#5
         wait 1001 :
         crash a : -a#5 panic boom
         wait 90 :
         wait 20 : +a#6",
    );
}

#[test]
fn a_failed_restart_waits_for_the_next_delay_of_the_row() {
    check(
        "one_for_one 9/9 : a(backoff=100..400 init=ok/fail:x/fail:x/ok)
         boot : +a#1
         kill a : -a#1 cut
         wait 110 : !a#2 x
         wait 180 :
         wait 20 : !a#3 x
         wait 380 :
         wait 20 : +a#4",
    );
}

#[test]
fn a_child_that_waits_for_its_backoff_can_be_terminated_and_the_supervisor_stopped() {
    check(
        "one_for_one 9/5 : a(backoff=100..400) b(backoff=100..400)
         boot : +a#1; +b#1
         kill a : -a#1 cut
         terminate a : = ok
         wait 500 :
         which : = a=- b#1
         kill b : -b#1 cut
         down : end shutdown
         wait 500 :",
    );
}

#[test]
fn a_child_stays_down_when_its_tries_are_used_up_and_its_siblings_go_on() {
    check(
        "one_for_one 99/5 : a(tries=2) b
         boot : +a#1; +b#1
         crash a : -a#1 panic boom; +a#2
         crash a : -a#2 panic boom; +a#3
         crash a : -a#3 panic boom
         which : = a=- b#1
         restart a : +a#4; = a#4
         crash a : -a#4 panic boom; +a#5",
    );
}

#[test]
fn the_children_of_a_killed_supervisor_end_newest_first_with_its_reason_before_it_is_restarted() {
    on_paused_time(async || {
        let world = World::new();
        let part = |text| spec(text, &world.log);
        let place = SupervisorRef::place("s");
        let deeper = Supervisor::one_for_one("t").child(part("x")).child(part("y(slow=30)"));
        let below =
            Supervisor::one_for_one("s").child(part("a(slow=50)")).child(deeper).child(part("k(kill)"));
        world.boot(Supervisor::one_for_one("root").child(below.at(&place)).child(part("z"))).await;
        assert_eq!(world.log.take(), "+a#1; +x#1; +y#1; +k#1; +z#1");
        let began = world.system.runtime().now();
        world.system.kill(place.pid().expect("it lives"));
        place_is_new(&place, &world).await;
        assert!(elapsed(world.system.runtime(), began) >= 80, "it waits for those that clean up");
        assert_eq!(
            world.log.take(),
            "-k#1 killed; -y#1 shutdown; -x#1 shutdown; -a#1 killed; +a#2; +x#2; +y#2; +k#2"
        );
    });
}

#[test]
fn a_child_that_was_restarted_keeps_its_place_when_its_supervisor_is_killed() {
    on_paused_time(async || {
        let world = World::new();
        let place = SupervisorRef::place("s");
        let below = Supervisor::one_for_one("s").child(spec("a", &world.log)).child(spec("b", &world.log));
        world.boot(Supervisor::one_for_one("root").child(below.at(&place))).await;
        world.act("crash a").await;
        world.settle().await;
        assert_eq!(world.log.take(), "+a#1; +b#1; -a#1 panic boom; +a#2");
        world.system.kill(place.pid().expect("it lives"));
        world.settle().await;
        assert_eq!(world.log.take(), "-b#1 killed; -a#2 killed; +a#3; +b#2");
    });
}

async fn place_is_new(place: &SupervisorRef, world: &World) {
    let old = place.pid();
    while place.pid() == old {
        world.settle().await;
    }
    world.settle().await;
}

#[test]
fn a_child_that_does_not_end_after_its_supervisor_was_killed_is_killed_in_its_time() {
    on_paused_time(async || {
        let world = World::new();
        let part = |text| spec(text, &world.log);
        let place = SupervisorRef::place("s");
        let below =
            Supervisor::one_for_one("s").child(part("a(hang timeout=70)")).child(part("b(hang kill)"));
        world.boot(Supervisor::one_for_one("root").child(below.at(&place))).await;
        let _ = world.log.take();
        let began = world.system.runtime().now();
        world.system.kill(place.pid().expect("it lives"));
        place_is_new(&place, &world).await;
        assert_eq!(world.log.take(), "-b#1 hung; -a#1 hung; +a#2; +b#2");
        let took = elapsed(world.system.runtime(), began);
        assert!(
            (5070..5100).contains(&took),
            "five seconds for b, which has no time of its own, 70 ms for a: {took}"
        );
    });
}

#[test]
fn a_supervisor_killed_while_a_child_is_in_init_leaves_no_orphan() {
    for (init, expect) in [("a(init=hold:ok)", "-b#1 killed"), ("a(deaf init=hold:ok)", "-b#1 killed")] {
        on_paused_time(async || {
            let world = World::new();
            let part = |text| spec(text, &world.log);
            let tree = Supervisor::one_for_one("root").child(part("b")).child(part(init));
            let (system, root) = (world.system.clone(), world.root.clone());
            let start = async move { drop(tree.start_at(&system, &root).await) };
            world.system.runtime().spawn("start", Box::pin(start));
            world.settle().await;
            assert_eq!(world.log.take(), "+b#1");
            world.act("kill root").await;
            while !world.system.is_empty() {
                if world.log.is_held() {
                    // One that traps exits learns of it when its init is done.
                    world.settle().await;
                    if world.log.is_held() {
                        world.log.release("a");
                    }
                }
                world.settle().await;
            }
            let happened = world.log.take();
            assert!(happened.ends_with(expect), "{happened}");
            assert!(happened.matches("+a").count() == happened.matches("-a").count(), "{happened}");
        });
    }
}
