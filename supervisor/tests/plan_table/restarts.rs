//! Who is restarted after which end, and how often.

use crate::world::check;

#[test]
fn a_permanent_child_is_always_restarted() {
    check(
        "one_for_one 9/5 : a
         boot : start a#1
         exit a#1 normal : start a#2
         exit a#2 shutdown : start a#3
         exit a#3 shutdown:x : start a#4
         exit a#4 killed : start a#5
         exit a#5 boom : start a#6",
    );
}

#[test]
fn a_transient_child_is_restarted_after_abnormal_ends_only() {
    check(
        "one_for_one 9/5 : a(transient) b(transient) c(transient)
         boot : start a#1; start b#1; start c#1
         exit a#1 boom : start a#2
         exit a#2 killed : start a#3
         exit a#3 normal :
         exit b#1 shutdown :
         exit c#1 shutdown:x :
         which : a=- b=- c=-
         restart a : start a#4; ok a#4",
    );
}

#[test]
fn a_temporary_child_is_never_restarted_and_its_spec_is_gone() {
    check(
        "one_for_one : a(temporary) b(temporary) c(temporary)
         boot : start a#1; start b#1; start c#1
         exit a#1 normal :
         exit b#1 shutdown :
         exit c#1 boom :
         which :
         start a : start a#2; ok a#2",
    );
}

#[test]
fn the_end_of_a_former_incarnation_or_of_a_stranger_is_ignored() {
    check(
        "one_for_one 9/5 : a
         boot : start a#1
         exit a#1 boom : start a#2
         exit a#1 boom :
         exit stranger boom :
         which : a#2",
    );
}

#[test]
fn one_for_one_touches_no_sibling() {
    check(
        "one_for_one : a b c
         boot : start a#1; start b#1; start c#1
         exit b#1 boom : start b#2
         which : a#1 b#2 c#1",
    );
}

#[test]
fn one_for_all_stops_all_newest_first_and_starts_all_in_order() {
    check(
        "one_for_all : a b c
         boot : start a#1; start b#1; start c#1
         exit b#1 boom : stop c#1; stop a#1; start a#2; start b#2; start c#2",
    );
}

#[test]
fn rest_for_one_restarts_what_was_started_after() {
    check(
        "rest_for_one : a b c d
         boot : start a#1; start b#1; start c#1; start d#1
         exit b#1 boom : stop d#1; stop c#1; start b#2; start c#2; start d#2",
    );
}

#[test]
fn a_group_restart_starts_every_spec_it_covers() {
    check(
        "one_for_all 9/5 : a b(transient) c(init=ignore/ok) d
         boot : start a#1; start b#1; start c#1 ignore; start d#1
         exit b#1 normal :
         terminate d : stop d#1; ok terminated
         which : a#1 b=- c=- d=-
         exit a#1 boom : start a#2; start b#2; start c#2; start d#2",
    );
}

#[test]
fn a_temporary_bystander_of_a_group_restart_is_removed() {
    check(
        "one_for_all : a t(temporary) b
         boot : start a#1; start t#1; start b#1
         exit a#1 boom : stop b#1; stop t#1; start a#2; start b#2
         which : a#2 b#2
         start t : start t#2; ok t#2
         which : a#2 b#2 t#2",
    );
    check(
        "rest_for_one : t(temporary) a u(temporary)
         boot : start t#1; start a#1; start u#1
         exit a#1 boom : stop u#1; start a#2
         which : t#1 a#2",
    );
}

#[test]
fn the_final_end_of_a_child_restarts_no_group() {
    check(
        "one_for_all : a(transient) b
         boot : start a#1; start b#1
         exit a#1 normal :
         which : a=- b#1",
    );
}

#[test]
fn a_sibling_that_dies_while_its_group_is_stopped_belongs_to_the_incident() {
    check(
        "one_for_all 1/5 : a b c
         boot : start a#1; start b#1; start c#1
         will b boom :
         exit a#1 boom : stop c#1; stop b#1; !shutdown_error b; start a#2; start b#2; start c#2
         exit b#1 boom :
         which : a#2 b#2 c#2",
    );
}

#[test]
fn a_transient_child_that_a_group_restart_stopped_is_started_again() {
    check(
        "one_for_all : a b(transient)
         boot : start a#1; start b#1
         exit a#1 boom : stop b#1; start a#2; start b#2",
    );
}

#[test]
fn the_restart_that_exceeds_is_not_performed() {
    check(
        "one_for_one 1/5 : a b
         boot : start a#1; start b#1
         exit a#1 boom : start a#2
         exit b#1 boom : !intensity b; stop a#2; end shutdown",
    );
}

#[test]
fn intensity_zero_bears_none() {
    check(
        "one_for_all 0/5 : a b
         boot : start a#1; start b#1
         exit a#1 normal : !intensity a; stop b#1; end shutdown",
    );
}

#[test]
fn a_restart_counts_for_one_period_to_the_nanosecond() {
    check(
        "one_for_one 1/1 : a
         boot : start a#1
         exit a#1 boom : start a#2
         wait 1001 :
         exit a#2 boom : start a#3
         wait 1000 :
         exit a#3 boom : !intensity a; end shutdown",
    );
}

#[test]
fn a_group_restart_counts_once() {
    check(
        "one_for_all 2/5 : a b c
         boot : start a#1; start b#1; start c#1
         exit a#1 boom : stop c#1; stop b#1; start a#2; start b#2; start c#2
         exit c#2 boom : stop b#2; stop a#2; start a#3; start b#3; start c#3
         exit b#3 boom : !intensity b; stop c#3; stop a#3; end shutdown",
    );
}

#[test]
fn final_ends_do_not_count() {
    check(
        "one_for_one 0/5 : a(transient) b(temporary)
         boot : start a#1; start b#1
         exit a#1 normal :
         exit b#1 boom :
         which : a=-",
    );
}
