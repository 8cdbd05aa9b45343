//! supervisor_SUITE: the start.

use crate::world::check;

#[test]
fn an_empty_supervisor_starts_and_obeys_its_parent() {
    check(
        "one_for_one 1/5 :
         boot :
         which : = nobody
         down : end shutdown
         down : dead",
    );
}

#[test]
fn children_start_in_order_and_end_newest_first() {
    check(
        "one_for_one 1/5 : a b c
         boot : +a#1; +b#1; +c#1
         down : -c#1 shutdown; -b#1 shutdown; -a#1 shutdown; end shutdown",
    );
}

#[test]
fn a_child_that_ignores_is_listed_without_a_process() {
    check(
        "one_for_one 1/5 : a(init=ignore) b
         boot : !a#1 ignore; +b#1
         which : = a=- b#1
         count : = 2 specs, 1 active, 0 supervisors, 2 workers
         start c(init=ignore) : !c#1 ignore; = ignored
         which : = a=- b#1 c=-
         restart a : !a#2 ignore; = ignored
         down : -b#1 shutdown; end shutdown",
    );
}

#[test]
fn an_ignoring_temporary_or_dynamic_child_leaves_no_spec() {
    check(
        "one_for_one 1/5 : a(temporary init=ignore)
         boot : !a#1 ignore
         which : = nobody
         start b(temporary init=ignore) : !b#1 ignore; = ignored
         which : = nobody
         down : end shutdown",
    );
    check(
        "dynamic 1/5 :
         boot :
         start a(init=ignore) : !a#1 ignore; = ignored
         start b(temporary init=ignore) : !b#1 ignore; = ignored
         which : = nobody
         count : = 1 specs, 0 active, 0 supervisors, 0 workers
         down : end shutdown",
    );
}

#[test]
fn a_failing_start_ends_those_before_it_and_names_the_child() {
    check(
        "one_for_one 1/5 : a b(init=fail:nope) c
         boot : +a#1; !b#1 nope; -a#1 shutdown; no start: shutdown: child b failed to start: nope",
    );
    check(
        "one_for_all 1/5 : a(init=fail:normal)
         boot : !a#1 normal; no start: shutdown: child a failed to start: normal",
    );
}

#[test]
fn a_failing_start_child_keeps_no_spec_and_a_failing_restart_child_keeps_it() {
    check(
        "one_for_one 1/5 : a(init=ok/fail:nope/ok)
         boot : +a#1
         start b(init=fail:nope) : !b#1 nope; = start_failed: nope
         which : = a#1
         terminate a : -a#1 shutdown; = ok
         restart a : !a#2 nope; = start_failed: nope
         which : = a=-
         restart a : +a#3; = a#3",
    );
    check(
        "dynamic 1/5 :
         boot :
         start b(init=fail:nope) : !b#1 nope; = start_failed: nope
         which : = nobody",
    );
}

#[test]
fn a_taken_name_refuses_the_start_and_is_free_again_after_the_end() {
    check(
        "one_for_one 3/5 : a(name=n)
         boot : +a#1
         start b(name=n init=ok) : = start_failed: the name belongs to a#1
         terminate a : -a#1 shutdown; = ok
         start b(name=n) : +b#1; = b#1
         kill b : -b#1 cut; +b#2
         restart a : = start_failed: the name belongs to b#2",
    );
}

#[test]
fn the_defaults_of_a_spec_are_otps() {
    check(
        "one_for_one 1/5 : a b(temporary kill) c(transient infinity)
         boot : +a#1; +b#1; +c#1
         spec a : = a: restart=permanent shutdown=5s type=worker significant=false
         spec b : = b: restart=temporary shutdown=brutal_kill type=worker significant=false
         spec c : = c: restart=transient shutdown=infinity type=worker significant=false
         spec x : = not_found",
    );
}

#[test]
fn a_faulty_spec_is_refused_and_the_fault_is_named() {
    check(
        "one_for_one 1/5 : a(significant transient)
         boot : no start: invalid spec: child \"a\": significant = true: the supervisor's auto_shutdown is never",
    );
    check(
        "one_for_one 0/5 : a a
         boot : no start: invalid spec: child \"a\": id = a: another child has this id",
    );
    check(
        "one_for_one 1/5 any : a
         boot : +a#1
         start b(significant) : = invalid_spec: child \"b\": significant = true: a permanent child has no final end
         start a(significant) : = invalid_spec: child \"a\": significant = true: a permanent child has no final end
         which : = a#1",
    );
}
