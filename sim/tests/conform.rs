//! The supervisor's contract, told a second time, against trees that run.

use ravelin_sim::{Failure, Faults, Sim, assert_tree_conforms};
use ravelin_supervisor::{AutoShutdown, ChildSpec, Shutdown, Supervisor, exponential, task};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn idle(id: &str) -> ChildSpec {
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
        seeds = 30
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
        seeds = 30
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
        seeds = 30
    );
}

#[test]
fn a_dynamic_supervisor_conforms() {
    assert_tree_conforms!(|| Supervisor::dynamic("app").intensity(5, SECOND).max_children(4), seeds = 30);
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
        seeds = 30
    );
}

type Change = fn(Supervisor) -> Supervisor;

fn each_child(tree: Supervisor, change: impl Fn(ChildSpec) -> ChildSpec) -> Supervisor {
    let children = tree.children().iter().cloned().map(change).collect();
    tree.with_children(children)
}

/// A supervisor that does something else than its tree says is found in few seeds.
#[test]
fn a_supervisor_that_does_something_else_is_found() {
    let said = || {
        let limit = Shutdown::Timeout(SECOND / 10);
        Supervisor::rest_for_one("app")
            .intensity(4, SECOND)
            .auto_shutdown(AutoShutdown::AnySignificant)
            .child(idle("a").shutdown(limit))
            .child(idle("b").transient().significant().shutdown(limit))
            .child(idle("c").backoff(exponential(SECOND / 50, SECOND / 10)).shutdown(limit))
            .child(idle("d").tries(3))
    };
    let changes: [(&str, Change); 8] = [
        ("another strategy: one for one", |tree| {
            let other = Supervisor::one_for_one("app").intensity(4, SECOND);
            other.auto_shutdown(AutoShutdown::AnySignificant).with_children(tree.children().to_vec())
        }),
        ("another strategy: one for all", |tree| {
            let other = Supervisor::one_for_all("app").intensity(4, SECOND);
            other.auto_shutdown(AutoShutdown::AnySignificant).with_children(tree.children().to_vec())
        }),
        ("one restart more", |tree| tree.intensity(5, SECOND)),
        ("one restart fewer", |tree| tree.intensity(3, SECOND)),
        ("a longer period", |tree| tree.intensity(4, 2 * SECOND)),
        ("a longer time limit", |tree| each_child(tree, |spec| spec.shutdown(SECOND / 5))),
        ("a back-off for all", |tree| {
            each_child(tree, |spec| spec.backoff(exponential(SECOND / 40, SECOND)))
        }),
        ("one try fewer", |tree| each_child(tree, |spec| spec.tries(2))),
    ];
    for (what, change) in changes {
        let sim = Sim::new().alone().seeds(1000).threads(2).faults(Faults::none().buggify().buggify());
        let found = sim.run(async |world| ravelin_sim::__conform_but(world, &said(), change).await);
        let Err(found) = found else { panic!("not found: {what}") };
        let Failure::Panic { message, .. } = &found.failure else { panic!("{what}: {found}") };
        assert!(message.contains("broke its contract"), "{what}: {message}");
        eprintln!("{what}: seed {}", found.seed.0);
    }
}
