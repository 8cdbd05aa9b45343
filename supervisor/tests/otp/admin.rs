//! supervisor_SUITE: administration.

use crate::world::check;

#[test]
fn child_administration_answers_as_in_otp() {
    check(
        "one_for_one 1/5 : a
         boot : +a#1
         restart a : = running
         delete a : = running
         terminate_pid a : = not_found
         start a : = already_started a#1
         terminate x : = not_found
         restart x : = not_found
         delete x : = not_found
         terminate a : -a#1 shutdown; = ok
         terminate a : = ok
         start a : = already_present
         which : = a=-
         restart a : +a#2; = a#2
         terminate a : -a#2 shutdown; = ok
         delete a : = ok
         delete a : = not_found
         start a : +a#3; = a#3
         down : -a#3 shutdown; end shutdown
         which : = noproc: there is no such supervisor
         start b : = noproc: there is no such supervisor",
    );
}

#[test]
fn a_dynamic_supervisor_knows_its_children_by_pid_only() {
    check(
        "dynamic 1/5 :
         boot :
         start a : +a#1; = a#1
         start b : +b#1; = b#1
         terminate a : = simple_one_for_one
         restart a : = simple_one_for_one
         delete a : = simple_one_for_one
         count : = 1 specs, 2 active, 0 supervisors, 2 workers
         terminate_pid a : -a#1 shutdown; = ok
         which : = b#1
         count : = 1 specs, 1 active, 0 supervisors, 1 workers",
    );
}

#[test]
fn a_child_that_is_being_retried_answers_restarting() {
    check(
        "one_for_one 9/5 : a(init=ok/fail:x/hold:fail:x/hold:ok) b
         boot : +a#1; +b#1
         exit a boom : -a#1 boom; !a#2 x
         &which :
         &count :
         &start a :
         &restart a :
         &delete a :
         release a : !a#3 x; = 2 specs, 1 active, 0 supervisors, 2 workers; = a=restarting b#1; \
         = already_present; = restarting; = restarting
         release a : +a#4
         which : = a#4 b#1",
    );
}

#[test]
fn terminating_a_child_that_is_being_retried_ends_the_loop() {
    check(
        "one_for_one 9/5 : a(init=ok/hold:fail:x) b
         boot : +a#1; +b#1
         exit a boom : -a#1 boom
         &terminate a :
         release a : !a#2 x; = ok
         which : = a=- b#1",
    );
    check(
        "rest_for_one 9/5 : a(init=ok/hold:fail:x) b
         boot : +a#1; +b#1
         exit a boom : -a#1 boom; -b#1 shutdown
         &terminate a :
         release a : !a#2 x; = ok
         which : = a=- b=-",
    );
}

#[test]
fn the_parents_shutdown_is_obeyed_while_a_child_is_being_retried() {
    for strategy in ["one_for_one", "one_for_all", "rest_for_one"] {
        check(&format!(
            "{strategy} 99/5 : a(init=ok/hold:fail:x)
             boot : +a#1
             exit a boom : -a#1 boom
             &down :
             release a : !a#2 x; end shutdown"
        ));
    }
}

#[test]
fn requests_and_ends_are_handled_in_the_order_of_arrival() {
    check(
        "one_for_one 9/5 : a(init=ok/hold:ok) b
         boot : +a#1; +b#1
         exit a boom : -a#1 boom
         &which :
         kill b : -b#1 cut
         &which :
         release a : +a#2; +b#2; = a#2 b#1; = a#2 b#2",
    );
}
