//! What requests are granted and what they leave behind.

use crate::world::check;

#[test]
fn child_administration_table() {
    check(
        "one_for_one : a
         boot : start a#1
         start a : error already_started a#1
         restart a : error running
         delete a : error running
         terminate a : stop a#1; ok terminated
         terminate a : ok terminated
         which : a=-
         start a : error already_present
         restart a : start a#2; ok a#2
         terminate a : stop a#2; ok terminated
         delete a : ok
         delete a : error not_found
         restart a : error not_found
         terminate a : error not_found
         terminate a#1 : error not_found
         start a : start a#3; ok a#3
         start b(supervisor) : start b#1; ok b#1
         which : a#3 b#1
         count : specs=2 active=2 supervisors=1 workers=1",
    );
}

#[test]
fn a_failing_start_child_keeps_no_spec_and_a_failing_restart_child_keeps_it() {
    check(
        "one_for_one : a(init=ok/fail:boom/ok)
         boot : start a#1
         start b(init=fail:bad) : start b#1 fail:bad; error start_failed: bad
         which : a#1
         terminate a : stop a#1; ok terminated
         restart a : start a#2 fail:boom; error start_failed: boom
         which : a=-
         restart a : start a#3; ok a#3",
    );
}

#[test]
fn an_ignoring_start_child_keeps_its_spec_unless_it_is_temporary() {
    check(
        "one_for_one :
         boot :
         start a(init=ignore/ok) : start a#1 ignore; ok undefined
         start t(init=ignore temporary) : start t#1 ignore; ok undefined
         which : a=-
         start a : error already_present
         restart a : start a#2; ok a#2",
    );
}

#[test]
fn an_ignoring_restart_child_keeps_the_spec() {
    check(
        "one_for_one : a(init=ok/ignore)
         boot : start a#1
         terminate a : stop a#1; ok terminated
         restart a : start a#2 ignore; ok undefined
         which : a=-",
    );
}

#[test]
fn a_terminated_temporary_child_leaves_no_spec() {
    check(
        "one_for_one : t(temporary)
         boot : start t#1
         terminate t : stop t#1; ok terminated
         which :
         start t(temporary) : start t#2; ok t#2",
    );
}

#[test]
fn a_spec_deleted_and_added_again_goes_to_the_end() {
    check(
        "one_for_all : a b
         boot : start a#1; start b#1
         terminate a : stop a#1; ok terminated
         delete a : ok
         start a : start a#2; ok a#2
         which : b#1 a#2
         stop shutdown : stop a#2; stop b#1; end shutdown",
    );
}

#[test]
fn a_faulty_start_child_is_refused_before_the_id_is_looked_at() {
    check(
        "one_for_one : a
         boot : start a#1
         start a(significant transient) : error invalid_spec: child \"a\": significant = true: \
                                          the supervisor's auto_shutdown is never
         which : a#1",
    );
}

#[test]
fn requests_do_not_count_as_restarts() {
    check(
        "one_for_one 0/5 : a
         boot : start a#1
         terminate a : stop a#1; ok terminated
         restart a : start a#2; ok a#2
         terminate a : stop a#2; ok terminated
         restart a : start a#3; ok a#3",
    );
}
