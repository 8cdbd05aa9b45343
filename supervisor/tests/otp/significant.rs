//! supervisor_SUITE: significant children.

use crate::world::check;

#[test]
fn ends_of_children_that_are_not_significant_have_no_effect() {
    for mode in ["any", "all"] {
        check(&format!(
            "one_for_one 9/5 {mode} : a(temporary) b(transient) c(temporary significant)
             boot : +a#1; +b#1; +c#1
             kill a : -a#1 cut
             exit b normal : -b#1 normal
             which : = b=- c#1"
        ));
    }
}

#[test]
fn the_final_end_of_any_significant_child_ends_the_supervisor() {
    for (end, word) in [("exit a normal", "normal"), ("crash a", "panic boom"), ("kill a", "cut")] {
        check(&format!(
            "one_for_one 9/5 any : a(temporary significant) b
             boot : +a#1; +b#1
             {end} : -a#1 {word}; -b#1 shutdown; end shutdown"
        ));
    }
    check(
        "one_for_one 9/5 any : a(transient significant) b
         boot : +a#1; +b#1
         crash a : -a#1 panic boom; +a#2
         kill a : -a#2 cut; +a#3
         exit a shutdown:x : -a#3 shutdown: x; -b#1 shutdown; end shutdown",
    );
}

#[test]
fn all_significant_waits_for_the_last_one() {
    check(
        "one_for_one 9/5 all : a(temporary significant) b(transient significant) c
         boot : +a#1; +b#1; +c#1
         kill a : -a#1 cut
         kill b : -b#1 cut; +b#2
         exit b normal : -b#2 normal; -c#1 shutdown; end shutdown",
    );
}

#[test]
fn terminate_child_never_ends_the_supervisor() {
    for mode in ["any", "all"] {
        check(&format!(
            "one_for_one 9/5 {mode} : a(temporary significant) b(transient significant)
             boot : +a#1; +b#1
             terminate a : -a#1 shutdown; = ok
             terminate b : -b#1 shutdown; = ok
             which : = b=-"
        ));
    }
}

#[test]
fn significant_dynamic_children_count_too() {
    check(
        "dynamic 9/5 any :
         boot :
         start a(temporary significant) : +a#1; = a#1
         start b : +b#1; = b#1
         exit a normal : -a#1 normal; -b#1 shutdown; end shutdown",
    );
    check(
        "dynamic 9/5 all :
         boot :
         start a(temporary significant) : +a#1; = a#1
         start b(transient significant) : +b#1; = b#1
         kill a : -a#1 cut
         exit b normal : -b#1 normal; end shutdown",
    );
}

#[test]
fn significant_bystanders_of_a_group_restart_do_not_end_the_supervisor() {
    for strategy in ["one_for_all", "rest_for_one"] {
        check(&format!(
            "{strategy} 9/5 any : a b(temporary significant) c(transient significant)
             boot : +a#1; +b#1; +c#1
             kill a : -a#1 cut; -c#1 shutdown; -b#1 shutdown; +a#2; +c#2
             which : = a#2 c#2"
        ));
    }
}
