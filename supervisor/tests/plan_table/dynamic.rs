//! Supervisors whose children are instances known by pid.

use crate::world::check;

#[test]
fn dynamic_children_are_known_by_pid() {
    check(
        "dynamic 9/5 :
         boot :
         count : specs=1 active=0 supervisors=0 workers=0
         start x : start x#1; ok x#1
         start x : start x#2; ok x#2
         count : specs=1 active=2 supervisors=0 workers=2
         terminate x#1 : stop x#1; ok terminated
         terminate x#1 : error not_found
         terminate stranger : error not_found
         which : x#2
         terminate x : error simple_one_for_one
         restart x : error simple_one_for_one
         delete x : error simple_one_for_one",
    );
}

#[test]
fn a_dynamic_child_that_fails_or_ignores_leaves_nothing() {
    check(
        "dynamic :
         boot :
         start a(init=fail:boom) : start a#1 fail:boom; error start_failed: boom
         start b(init=ignore) : start b#1 ignore; ok undefined
         which :
         stop shutdown : end shutdown",
    );
}

#[test]
fn dynamic_restart_types_and_final_ends_leave_no_entry() {
    check(
        "dynamic 9/5 :
         boot :
         start p : start p#1; ok p#1
         start r(transient) : start r#1; ok r#1
         start t(temporary) : start t#1; ok t#1
         exit p#1 normal : start p#2
         exit r#1 boom : start r#2
         exit r#2 shutdown :
         exit t#1 boom :
         which : p#2
         terminate p#1 : error not_found",
    );
}

#[test]
fn dynamic_children_share_one_intensity_and_stop_all_at_once() {
    check(
        "dynamic 1/5 :
         boot :
         start a : start a#1; ok a#1
         start b : start b#1; ok b#1
         start c : start c#1; ok c#1
         exit a#1 boom : start a#2
         exit b#1 boom : !intensity b; stop_all c#1 a#2; end shutdown",
    );
}

#[test]
fn a_restarting_dynamic_child_is_known_by_its_old_pid() {
    check(
        "dynamic 9/5 :
         boot :
         start a(init=ok/fail:x) : start a#1; ok a#1
         start b : start b#1; ok b#1
         exit a#1 boom : start a#2 fail:x; retry a
         count : specs=1 active=1 supervisors=0 workers=2
         retry : start a#3 fail:x; retry a
         which : a=restarting b#1
         exit a#1 boom :
         terminate a#1 : ok terminated
         retry :
         which : b#1
         count : specs=1 active=1 supervisors=0 workers=1",
    );
}

#[test]
fn a_dynamic_restart_fails_until_the_intensity_is_spent() {
    check(
        "dynamic 2/5 :
         boot :
         start a(init=ok/fail:x) : start a#1; ok a#1
         exit a#1 boom : start a#2 fail:x; retry a
         retry : start a#3 fail:x; retry a
         retry : !intensity a; end shutdown",
    );
}

#[test]
fn ignore_in_a_dynamic_restart_leaves_nothing() {
    check(
        "dynamic 9/5 :
         boot :
         start a(init=ok/ignore) : start a#1; ok a#1
         exit a#1 boom : start a#2 ignore
         which :",
    );
}

#[test]
fn max_children_bounds_a_dynamic_supervisor() {
    check(
        "dynamic 9/5 max=2 :
         boot :
         start a : start a#1; ok a#1
         start b(init=ok/fail:x) : start b#1; ok b#1
         exit b#1 boom : start b#2 fail:x; retry b
         start c : error max_children: 2
         terminate b#1 : ok terminated
         start c : start c#1; ok c#1",
    );
}

#[test]
fn significant_dynamic_children_end_their_supervisor() {
    check(
        "dynamic any_significant :
         boot :
         start a(transient significant) : start a#1; ok a#1
         start b(transient significant) : start b#1; ok b#1
         exit a#1 normal : !auto_shutdown a; stop_all b#1; end shutdown",
    );
    check(
        "dynamic 9/5 all_significant :
         boot :
         start a(transient significant) : start a#1; ok a#1
         start b(temporary significant) : start b#1; ok b#1
         start c : start c#1; ok c#1
         exit a#1 boom : start a#2
         exit b#1 boom :
         exit a#2 normal : !auto_shutdown a; stop_all c#1; end shutdown",
    );
}

#[test]
fn dynamic_children_that_end_otherwise_do_not_disturb_the_stop() {
    check(
        "dynamic :
         boot :
         start a : start a#1; ok a#1
         start b : start b#1; ok b#1
         will a boom :
         stop shutdown : stop_all b#1 a#1; !shutdown_error a; end shutdown",
    );
}
