//! supervisor_SUITE: the stop.

use crate::host::on_paused_time;
use crate::world::{World, check, elapsed};
use ravelin_supervisor::Supervisor;

#[test]
fn infinity_is_allowed_for_workers_too() {
    check(
        "one_for_one 1/5 : a(infinity slow=60000) b
         boot : +a#1; +b#1
         down : -b#1 shutdown; -a#1 shutdown; end shutdown",
    );
}

#[test]
fn a_child_past_its_time_is_killed_while_its_sibling_ends_with_shutdown() {
    check(
        "one_for_one 1/5 : a b(timeout=50 hang)
         boot : +a#1; +b#1
         down : -b#1 hung; -a#1 shutdown; end shutdown",
    );
    check(
        "dynamic 1/5 :
         boot :
         start a(timeout=50 hang) : +a#1; = a#1
         start b : +b#1; = b#1
         start c(timeout=70 hang) : +c#1; = c#1
         down : -b#1 shutdown; -a#1 hung; -c#1 hung; end shutdown",
    );
}

#[test]
fn a_brutal_kill_leaves_no_time_to_clean_up() {
    check(
        "one_for_one 1/5 : a(kill) b(deaf)
         boot : +a#1; +b#1
         down : -b#1 cut; -a#1 cut; end shutdown",
    );
}

#[test]
fn children_that_end_by_themselves_during_the_stop_disturb_nothing() {
    check(
        "one_for_one 0/5 : a b(transient) c(temporary) d(hold infinity)
         boot : +a#1; +b#1; +c#1; +d#1
         &down :
         exit a boom : -a#1 boom
         crash b : -b#1 panic boom
         exit c normal : -c#1 normal
         release d : -d#1 shutdown; end shutdown",
    );
}

#[test]
fn dynamic_children_that_answer_with_other_reasons_do_not_disturb_the_stop() {
    check(
        "dynamic 0/5 :
         boot :
         start a(else=boom) : +a#1; = a#1
         start b(slow=50) : +b#1; = b#1
         down : -a#1 shutdown; -b#1 shutdown; end shutdown",
    );
}

#[test]
fn dynamic_children_end_at_the_same_time() {
    on_paused_time(async || {
        let world = World::new();
        world.boot(Supervisor::dynamic("root")).await;
        for ms in [400, 1000, 700] {
            world.act(&format!("start a(slow={ms})")).await;
        }
        let began = world.system.runtime().now();
        world.act("down").await;
        let took = elapsed(world.system.runtime(), began);
        assert!((1000..1010).contains(&took), "the time of the slowest, not the sum: {took} ms");
    });
}

#[test]
fn a_stop_with_a_reason_ends_the_supervisor_with_it_and_its_children_with_shutdown() {
    check(
        "rest_for_one 1/5 : a b
         boot : +a#1; +b#1
         stop boom : -b#1 shutdown; -a#1 shutdown; end boom",
    );
}

#[test]
fn an_order_waits_for_the_requests_that_came_before_it() {
    check(
        "one_for_one 3/5 : a(init=ok/hold:ok) b
         boot : +a#1; +b#1
         exit a boom : -a#1 boom
         &terminate b :
         &start c :
         &down :
         &which :
         release a : +a#2; -b#1 shutdown; +c#1; -c#1 shutdown; -a#2 shutdown; end shutdown; = c#1; = ok; \
         = the supervisor ended: shutdown",
    );
}
