//! When the end of a child ends the supervisor.

use crate::world::check;

#[test]
fn the_final_end_of_any_significant_child_ends_the_supervisor() {
    for (restart, reason, down) in [
        ("transient", "normal", true),
        ("transient", "shutdown", true),
        ("transient", "shutdown:x", true),
        ("transient", "boom", false),
        ("transient", "killed", false),
        ("temporary", "normal", true),
        ("temporary", "boom", true),
        ("temporary", "killed", true),
    ] {
        let then = if down { "!auto_shutdown a; stop c#1; stop b#1; end shutdown" } else { "start a#2" };
        check(&format!(
            "one_for_one any_significant : b a({restart} significant) c
             boot : start b#1; start a#1; start c#1
             exit a#1 {reason} : {then}"
        ));
    }
}

#[test]
fn ends_of_children_that_are_not_significant_have_no_effect() {
    for auto_shutdown in ["any_significant", "all_significant", "never"] {
        check(&format!(
            "one_for_one {auto_shutdown} : a(transient) b(temporary)
             boot : start a#1; start b#1
             exit a#1 normal :
             exit b#1 boom :
             which : a=-"
        ));
    }
}

#[test]
fn all_significant_waits_for_the_last_one() {
    check(
        "one_for_one all_significant : a(transient significant) b(temporary significant) c
         boot : start a#1; start b#1; start c#1
         exit a#1 normal :
         exit b#1 boom : !auto_shutdown b; stop c#1; end shutdown",
    );
}

#[test]
fn terminate_child_never_ends_the_supervisor_but_no_longer_counts() {
    check(
        "one_for_one any_significant : a(transient significant)
         boot : start a#1
         terminate a : stop a#1; ok terminated
         which : a=-",
    );
    check(
        "one_for_one all_significant : a(transient significant) b(transient significant)
         boot : start a#1; start b#1
         terminate a : stop a#1; ok terminated
         exit b#1 normal : !auto_shutdown b; end shutdown",
    );
}

#[test]
fn a_restarting_significant_child_counts_as_alive() {
    check(
        "one_for_one 9/5 all_significant : a(transient significant init=ok/fail:x) b(transient significant)
         boot : start a#1; start b#1
         exit a#1 boom : start a#2 fail:x; retry a
         exit b#1 normal :
         terminate a : ok terminated
         which : a=- b=-",
    );
}

#[test]
fn significant_bystanders_of_a_group_restart_do_not_end_the_supervisor() {
    check(
        "one_for_all any_significant : a b(temporary significant) c(transient significant)
         boot : start a#1; start b#1; start c#1
         exit a#1 boom : stop c#1; stop b#1; start a#2; start c#2
         which : a#2 c#2",
    );
}

#[test]
fn a_permanent_restart_comes_before_any_auto_shutdown() {
    check(
        "one_for_all all_significant : a b(transient significant)
         boot : start a#1; start b#1
         exit b#1 normal : !auto_shutdown b; stop a#1; end shutdown",
    );
}
