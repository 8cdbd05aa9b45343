//! What happens when a restart fails.

use crate::world::check;

#[test]
fn a_failed_restart_is_tried_again_until_the_intensity_is_spent() {
    check(
        "one_for_one 3/5 : a b(init=ok/fail:boom)
         boot : start a#1; start b#1
         exit b#1 boom : start b#2 fail:boom; retry b
         which : a#1 b=restarting
         retry : start b#3 fail:boom; retry b
         retry : start b#4 fail:boom; retry b
         retry : !intensity b; stop a#1; end shutdown",
    );
}

#[test]
fn a_failed_restart_that_then_succeeds_is_over() {
    check(
        "one_for_one 9/5 : a(init=ok/fail:x/ok)
         boot : start a#1
         exit a#1 boom : start a#2 fail:x; retry a
         retry : start a#3
         which : a#3",
    );
}

#[test]
fn a_restarting_child_answers_requests() {
    check(
        "one_for_one 9/5 : a(init=ok/fail:x)
         boot : start a#1
         exit a#1 boom : start a#2 fail:x; retry a
         start a : error already_present
         restart a : error restarting
         delete a : error restarting
         count : specs=1 active=0 supervisors=0 workers=1
         terminate a : ok terminated
         which : a=-
         retry :
         delete a : ok",
    );
}

#[test]
fn a_ticket_is_void_when_the_child_came_up_meanwhile() {
    check(
        "one_for_one 1/5 : a(init=ok/fail:x/ok)
         boot : start a#1
         exit a#1 boom : start a#2 fail:x; retry a
         terminate a : ok terminated
         restart a : start a#3; ok a#3
         retry :
         which : a#3",
    );
}

#[test]
fn a_restarting_supervisor_obeys_a_stop() {
    check(
        "one_for_one 9/5 : a(init=ok/fail:x) b
         boot : start a#1; start b#1
         exit a#1 boom : start a#2 fail:x; retry a
         stop shutdown : stop b#1; end shutdown",
    );
}

#[test]
fn one_for_all_whose_other_child_fails_is_retried_as_a_whole() {
    check(
        "one_for_all 9/5 : a b(init=ok/fail:x/ok) c
         boot : start a#1; start b#1; start c#1
         exit a#1 boom : stop c#1; stop b#1; start a#2; start b#2 fail:x; retry b
         which : a#2 b=restarting c=-
         retry : stop a#2; start a#3; start b#3; start c#2",
    );
}

#[test]
fn one_for_all_exceeds_while_restarting() {
    check(
        "one_for_all 2/5 : a b(init=ok/fail:x)
         boot : start a#1; start b#1
         exit a#1 boom : stop b#1; start a#2; start b#2 fail:x; retry b
         retry : stop a#2; start a#3; start b#3 fail:x; retry b
         retry : !intensity b; stop a#3; end shutdown",
    );
}

#[test]
fn rest_for_one_resumes_at_the_child_that_failed() {
    check(
        "rest_for_one 9/5 : a b c(init=ok/fail:x/ok) d
         boot : start a#1; start b#1; start c#1; start d#1
         exit b#1 boom : stop d#1; stop c#1; start b#2; start c#2 fail:x; retry c
         which : a#1 b#2 c=restarting d=-
         retry : start c#3; start d#2",
    );
}

#[test]
fn rest_for_one_leaves_the_rest_down_when_the_failed_child_is_terminated() {
    check(
        "rest_for_one 9/5 : a b(init=ok/fail:x) c
         boot : start a#1; start b#1; start c#1
         exit a#1 boom : stop c#1; stop b#1; start a#2; start b#2 fail:x; retry b
         terminate b : ok terminated
         retry :
         which : a#2 b=- c=-",
    );
}

#[test]
fn a_retry_stops_what_was_started_by_hand_meanwhile() {
    check(
        "rest_for_one 9/5 : a(init=ok/fail:x/ok) b
         boot : start a#1; start b#1
         exit a#1 boom : stop b#1; start a#2 fail:x; retry a
         restart b : start b#2; ok b#2
         start t(temporary) : start t#1; ok t#1
         retry : stop t#1; stop b#2; start a#3; start b#3",
    );
}

#[test]
fn an_earlier_group_restart_takes_a_restarting_child_along() {
    check(
        "rest_for_one 9/5 : a b(init=ok/fail:x/ok)
         boot : start a#1; start b#1
         exit b#1 boom : start b#2 fail:x; retry b
         exit a#1 boom : start a#2; start b#3
         retry :
         which : a#2 b#3",
    );
}

#[test]
fn any_ticket_without_delay_is_good_while_the_child_is_restarting() {
    // As in OTP, where the message names the child, not the failure.
    check(
        "rest_for_one 9/5 : a b(init=ok/fail:x/fail:x/ok)
         boot : start a#1; start b#1
         exit b#1 boom : start b#2 fail:x; retry b
         exit a#1 boom : start a#2; start b#3 fail:x; retry b
         retry : start b#4
         retry :
         which : a#2 b#4",
    );
}

#[test]
fn ignore_in_a_restart_is_final_and_not_retried() {
    check(
        "one_for_one 9/5 : a(init=ok/ignore)
         boot : start a#1
         exit a#1 boom : start a#2 ignore
         which : a=-",
    );
    check(
        "one_for_all 9/5 : a(init=ok/ignore) b
         boot : start a#1; start b#1
         exit b#1 boom : stop a#1; start a#2 ignore; start b#2
         which : a=- b#2",
    );
}
