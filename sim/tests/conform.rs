//! The supervisor's contract, told a second time, against trees that run.

use ravelin_sim::assert_tree_conforms;
use ravelin_supervisor::{AutoShutdown, Supervisor, exponential, task};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn idle(id: &str) -> ravelin_supervisor::ChildSpec {
    task(id, || async {})
}

#[test]
fn one_for_one_conforms() {
    assert_tree_conforms!(
        || {
            Supervisor::one_for_one("app")
                .intensity(5, SECOND)
                .child(idle("a"))
                .child(idle("b"))
                .child(idle("c"))
        },
        seeds = 200
    );
}

#[test]
fn one_for_all_conforms() {
    assert_tree_conforms!(
        || {
            Supervisor::one_for_all("app")
                .intensity(5, SECOND)
                .child(idle("a").transient())
                .child(idle("b"))
                .child(idle("c").temporary())
        },
        seeds = 200
    );
}

#[test]
fn rest_for_one_conforms() {
    assert_tree_conforms!(
        || {
            Supervisor::rest_for_one("app")
                .intensity(5, SECOND)
                .child(idle("a"))
                .child(idle("b").backoff(exponential(SECOND / 50, SECOND / 4)))
                .child(idle("c"))
        },
        seeds = 200
    );
}

#[test]
fn a_dynamic_supervisor_conforms() {
    assert_tree_conforms!(|| Supervisor::dynamic("app").intensity(5, SECOND).max_children(4), seeds = 200);
}

#[test]
fn a_nested_tree_conforms() {
    assert_tree_conforms!(
        || {
            Supervisor::one_for_one("app")
                .intensity(8, SECOND)
                .child(Supervisor::one_for_all("x").child(idle("a")).child(idle("b")))
                .child(
                    Supervisor::rest_for_one("y")
                        .child(idle("c"))
                        .child(Supervisor::one_for_one("z").child(idle("d")).child(idle("e"))),
                )
                .child(
                    Supervisor::one_for_one("w")
                        .auto_shutdown(AutoShutdown::AllSignificant)
                        .child(idle("f").transient().significant()),
                )
        },
        seeds = 200
    );
}
