//! What OTP does not have: back-off, and a limit on tries.

use crate::world::check;

#[test]
fn a_backoff_makes_the_child_wait_and_counts_once() {
    check(
        "one_for_one 2/5 : a(backoff=100..400)
         boot : start a#1
         exit a#1 boom : retry a in 100ms
         which : a=restarting
         retry : start a#2
         exit a#2 boom : retry a in 200ms
         retry : start a#3
         exit a#3 boom : !intensity a; end shutdown",
    );
}

#[test]
fn a_backoff_stops_the_group_at_once_and_starts_it_later() {
    check(
        "one_for_all 9/5 : a b(backoff=100..400) c t(temporary)
         boot : start a#1; start b#1; start c#1; start t#1
         exit b#1 boom : stop t#1; stop c#1; stop a#1; retry b in 100ms
         which : a=- b=restarting c=-
         retry : start a#2; start b#2; start c#2",
    );
    check(
        "rest_for_one 9/5 : a b(backoff=100..400) c
         boot : start a#1; start b#1; start c#1
         exit b#1 boom : stop c#1; retry b in 100ms
         which : a#1 b=restarting c=-
         terminate b : ok terminated
         retry :
         which : a#1 b=- c=-",
    );
}

#[test]
fn a_failed_restart_waits_for_the_next_delay_of_the_row() {
    check(
        "one_for_one 4/5 : a(backoff=100..400 init=ok/fail:x)
         boot : start a#1
         exit a#1 boom : retry a in 100ms
         retry : start a#2 fail:x; retry a in 200ms
         retry : start a#3 fail:x; retry a in 400ms
         retry : start a#4 fail:x; retry a in 400ms
         retry : start a#5 fail:x; retry a in 400ms
         retry : !intensity a; end shutdown",
    );
}

#[test]
fn a_row_ends_when_the_child_was_up_for_longer_than_cap_and_period() {
    check(
        "one_for_one 9/5 : a(backoff=100..6000)
         boot : start a#1
         exit a#1 boom : retry a in 100ms
         retry : start a#2
         wait 6000 :
         exit a#2 boom : retry a in 200ms
         retry : start a#3
         wait 6001 :
         exit a#3 boom : retry a in 100ms",
    );
    check(
        "one_for_one 9/5 : a(backoff=100..200)
         boot : start a#1
         exit a#1 boom : retry a in 100ms
         retry : start a#2
         wait 5000 :
         exit a#2 boom : retry a in 200ms
         retry : start a#3
         wait 5001 :
         exit a#3 boom : retry a in 100ms",
    );
}

#[test]
fn a_late_ticket_of_an_older_wait_is_void() {
    check(
        "one_for_one 9/5 : a(backoff=100..400)
         boot : start a#1
         exit a#1 boom : retry a in 100ms
         terminate a : ok terminated
         restart a : start a#2; ok a#2
         exit a#2 boom : retry a in 100ms
         retry :
         which : a=restarting
         retry : start a#3",
    );
}

#[test]
fn a_waiting_child_does_not_survive_a_stop() {
    check(
        "one_for_one 9/5 : a(backoff=100..400) b
         boot : start a#1; start b#1
         exit a#1 boom : retry a in 100ms
         stop shutdown : stop b#1; end shutdown",
    );
}

#[test]
fn dynamic_children_back_off_one_by_one() {
    check(
        "dynamic 9/5 :
         boot :
         start a(backoff=100..400) : start a#1; ok a#1
         start b(backoff=100..400) : start b#1; ok b#1
         exit a#1 boom : retry a in 100ms
         exit b#1 boom : retry b in 100ms
         which : a=restarting b=restarting
         terminate a#1 : ok terminated
         retry :
         retry : start b#2
         which : b#2",
    );
}

#[test]
fn a_child_stays_down_when_its_tries_are_used_up() {
    check(
        "one_for_one 9/5 : a(tries=2) b
         boot : start a#1; start b#1
         exit a#1 boom : start a#2
         wait 60000 :
         exit a#2 normal : start a#3
         exit a#3 boom : !gave_up a
         which : a=- b#1
         restart a : start a#4; ok a#4
         exit a#4 boom : start a#5",
    );
}

#[test]
fn failed_starts_use_up_tries() {
    check(
        "one_for_one 9/5 : a(tries=2 init=ok/fail:x)
         boot : start a#1
         exit a#1 boom : start a#2 fail:x; retry a
         retry : start a#3 fail:x; !gave_up a
         which : a=-",
    );
}

#[test]
fn giving_up_is_a_final_end() {
    check(
        "one_for_one 9/5 any_significant : a(transient significant tries=1) b
         boot : start a#1; start b#1
         exit a#1 boom : start a#2
         exit a#2 boom : !gave_up a; !auto_shutdown a; stop b#1; end shutdown",
    );
    check(
        "dynamic 9/5 :
         boot :
         start a(tries=1) : start a#1; ok a#1
         exit a#1 boom : start a#2
         exit a#2 boom : !gave_up a
         which :",
    );
}

#[test]
fn a_siblings_group_restart_uses_no_tries_and_revives() {
    check(
        "one_for_all 9/5 : a b(tries=1)
         boot : start a#1; start b#1
         exit a#1 boom : stop b#1; start a#2; start b#2
         exit b#2 boom : stop a#2; start a#3; start b#3
         exit b#3 boom : !gave_up b
         which : a#3 b=-
         exit a#3 boom : start a#4; start b#4
         exit b#4 boom : !gave_up b",
    );
}
