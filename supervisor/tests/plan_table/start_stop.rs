//! How a supervisor starts and how it stops.

use crate::world::check;

#[test]
fn empty_supervisor_starts_and_stops() {
    check(
        "one_for_one :
         boot :
         stop shutdown : end shutdown",
    );
}

#[test]
fn children_start_in_order_and_stop_newest_first() {
    check(
        "rest_for_one : c a b
         boot : start c#1; start a#1; start b#1
         which : c#1 a#1 b#1
         stop shutdown : stop b#1; stop a#1; stop c#1; end shutdown",
    );
}

#[test]
fn a_failing_start_stops_what_was_started_and_names_the_child() {
    check(
        "one_for_one : a b c(init=fail:boom) d
         boot : start a#1; start b#1; start c#1 fail:boom; stop b#1; stop a#1; \
                end shutdown: child c failed to start: boom",
    );
}

#[test]
fn an_init_that_fails_with_normal_is_a_failure() {
    check(
        "one_for_one : a(init=fail:normal transient)
         boot : start a#1 fail:normal; end shutdown: child a failed to start: normal",
    );
}

#[test]
fn a_failing_first_start_is_not_retried_even_with_backoff() {
    check(
        "one_for_one : a b(init=fail:boom backoff=10..100)
         boot : start a#1; start b#1 fail:boom; stop a#1; end shutdown: child b failed to start: boom",
    );
}

#[test]
fn a_child_that_ignores_keeps_its_spec_unless_it_is_temporary() {
    check(
        "one_for_one : a b(init=ignore) c(init=ignore temporary) d
         boot : start a#1; start b#1 ignore; start c#1 ignore; start d#1
         which : a#1 b=- d#1
         count : specs=3 active=2 supervisors=0 workers=3
         stop shutdown : stop d#1; stop a#1; end shutdown",
    );
}

#[test]
fn ends_during_the_stop_disturb_nothing() {
    check(
        "one_for_one : a b(temporary) c(transient)
         boot : start a#1; start b#1; start c#1
         will a boom :
         will b boom :
         will c normal :
         stop shutdown : stop c#1; stop b#1; !shutdown_error b; stop a#1; !shutdown_error a; end shutdown",
    );
}

#[test]
fn a_child_that_must_be_killed_is_reported_unless_brutal_kill_is_its_policy() {
    check(
        "one_for_one : a b(kill) c(supervisor)
         boot : start a#1; start b#1; start c#1
         will a killed :
         will b killed :
         stop shutdown : stop c#1; stop b#1; stop a#1; !shutdown_error a; end shutdown",
    );
}

#[test]
fn the_end_has_the_reason_of_the_order() {
    check(
        "one_for_one : a
         boot : start a#1
         stop boom : stop a#1; end boom",
    );
}
