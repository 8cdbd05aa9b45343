//! supervisor_SUITE: restart types and strategies.

use crate::world::check;

#[test]
fn a_permanent_child_is_always_restarted() {
    check(
        "one_for_one 9/5 : a
         boot : +a#1
         exit a normal : -a#1 normal; +a#2
         exit a shutdown : -a#2 shutdown; +a#3
         exit a shutdown:x : -a#3 shutdown: x; +a#4
         exit a boom : -a#4 boom; +a#5
         crash a : -a#5 panic boom; +a#6
         kill a : -a#6 cut; +a#7",
    );
}

#[test]
fn a_transient_child_is_restarted_after_abnormal_ends_only() {
    for fine in ["normal", "shutdown", "shutdown:x"] {
        let word = fine.replace(':', ": ");
        check(&format!(
            "one_for_one 9/5 : a(transient)
             boot : +a#1
             crash a : -a#1 panic boom; +a#2
             kill a : -a#2 cut; +a#3
             exit a {fine} : -a#3 {word}
             which : = a=-
             restart a : +a#4; = a#4"
        ));
    }
}

#[test]
fn a_temporary_child_is_never_restarted_and_its_spec_is_gone() {
    for (end, word) in [("exit a normal", "normal"), ("crash a", "panic boom"), ("kill a", "cut")] {
        check(&format!(
            "one_for_one 0/5 : a(temporary)
             boot : +a#1
             {end} : -a#1 {word}
             which : = nobody
             restart a : = not_found
             start a : +a#2; = a#2"
        ));
    }
}

#[test]
fn each_strategy_restarts_its_own_and_the_restart_too_many_ends_all() {
    check(
        "one_for_one 1/5 : a b c
         boot : +a#1; +b#1; +c#1
         crash b : -b#1 panic boom; +b#2
         kill a : -a#1 cut; -c#1 shutdown; -b#2 shutdown; end shutdown",
    );
    check(
        "one_for_all 1/5 : a b c
         boot : +a#1; +b#1; +c#1
         crash b : -b#1 panic boom; -c#1 shutdown; -a#1 shutdown; +a#2; +b#2; +c#2
         kill a : -a#2 cut; -c#2 shutdown; -b#2 shutdown; end shutdown",
    );
    check(
        "rest_for_one 1/5 : a b c
         boot : +a#1; +b#1; +c#1
         crash b : -b#1 panic boom; -c#1 shutdown; +b#2; +c#2
         kill c : -c#2 cut; -b#2 shutdown; -a#1 shutdown; end shutdown",
    );
    check(
        "dynamic 1/5 :
         boot :
         start a : +a#1; = a#1
         start b : +b#1; = b#1
         crash a : -a#1 panic boom; +a#2
         kill b : -b#1 cut; -a#2 shutdown; end shutdown",
    );
}

#[test]
fn a_child_that_never_starts_again_is_tried_until_the_intensity_is_spent() {
    check(
        "one_for_one 3/5 : a(init=ok/fail:x) b
         boot : +a#1; +b#1
         kill a : -a#1 cut; !a#2 x; !a#3 x; !a#4 x; -b#1 shutdown; end shutdown",
    );
    check(
        "one_for_all 2/5 : a b(init=ok/fail:x)
         boot : +a#1; +b#1
         kill b : -b#1 cut; -a#1 shutdown; +a#2; !b#2 x; -a#2 shutdown; +a#3; !b#3 x; -a#3 shutdown; end shutdown",
    );
    check(
        "rest_for_one 2/5 : a b(init=ok/fail:x) c
         boot : +a#1; +b#1; +c#1
         kill b : -b#1 cut; -c#1 shutdown; !b#2 x; !b#3 x; -a#1 shutdown; end shutdown",
    );
    check(
        "dynamic 2/5 :
         boot :
         start a(init=ok/panic:x) : +a#1; = a#1
         kill a : -a#1 cut; !a#2 x; !a#3 x; end shutdown",
    );
}

#[test]
fn one_for_all_whose_other_child_fails_to_restart_is_tried_again_as_a_whole() {
    check(
        "one_for_all 9/5 : a b(init=ok/fail:x/ok) c
         boot : +a#1; +b#1; +c#1
         kill a : -a#1 cut; -c#1 shutdown; -b#1 shutdown; +a#2; !b#2 x; -a#2 shutdown; +a#3; +b#3; +c#2",
    );
}

#[test]
fn rest_for_one_whose_other_child_fails_to_restart_goes_on_from_there() {
    check(
        "rest_for_one 9/5 : a b(init=ok/fail:x/ok) c
         boot : +a#1; +b#1; +c#1
         kill a : -a#1 cut; -c#1 shutdown; -b#1 shutdown; +a#2; !b#2 x; +b#3; +c#2",
    );
}

#[test]
fn a_temporary_bystander_of_a_group_restart_is_gone_and_the_supervisor_lives() {
    for strategy in ["one_for_all", "rest_for_one"] {
        check(&format!(
            "{strategy} 9/5 : a b(temporary)
             boot : +a#1; +b#1
             kill a : -a#1 cut; -b#1 shutdown; +a#2
             which : = a#2"
        ));
    }
}

#[test]
fn a_group_restart_starts_every_spec_it_covers() {
    check(
        "one_for_all 9/5 : a b(transient) c(init=ignore/ok)
         boot : +a#1; +b#1; !c#1 ignore
         exit b normal : -b#1 normal
         which : = a#1 b=- c=-
         kill a : -a#1 cut; +a#2; +b#2; +c#2",
    );
}

#[test]
fn a_sibling_that_dies_while_its_group_is_stopped_belongs_to_the_same_incident() {
    check(
        "one_for_all 1/5 : a b c(hold infinity)
         boot : +a#1; +b#1; +c#1
         kill a : -a#1 cut
         kill b : -b#1 cut
         release c : -c#1 shutdown; +a#2; +b#2; +c#2
         which : = a#2 b#2 c#2",
    );
}

#[test]
fn restarts_further_apart_than_the_period_never_end_the_supervisor() {
    let mut scenario = "one_for_one 1/1 : a\nboot : +a#1".to_string();
    for n in 1..8 {
        scenario += &format!("\ncrash a : -a#{n} panic boom; +a#{}\nwait 2100 :", n + 1);
    }
    check(&scenario);
}

#[test]
fn an_ignore_in_a_restart_is_final() {
    check(
        "one_for_one 9/5 : a(init=ok/ignore)
         boot : +a#1
         kill a : -a#1 cut; !a#2 ignore
         which : = a=-",
    );
}
