//! supervisor_SUITE: trees of more than one level, and large numbers.

use crate::host::{MANY, on_paused_time};
use crate::part::spec;
use crate::world::World;
use futures::channel::oneshot;
use ravelin_core::{Exit, Inbox, NoMessage};
use ravelin_supervisor::{AutoShutdown, Counts, Restart, Supervisor, SupervisorRef, start_in, task};
use std::time::Duration;

fn sub(id: &str) -> Supervisor {
    Supervisor::one_for_one(id)
}

#[test]
fn an_error_three_levels_down_is_carried_up_with_the_whole_way() {
    on_paused_time(async || {
        let world = World::new();
        let part = |text| spec(text, &world.log);
        let tree = sub("root")
            .child(part("a"))
            .child(sub("s").child(part("b")).child(sub("t").child(part("c(init=fail:x)"))));
        world.boot(tree).await;
        assert_eq!(
            world.log.take(),
            "+a#1; +b#1; !c#1 x; -b#1 shutdown; -a#1 shutdown; no start: shutdown: child s failed to start: \
             shutdown: child t failed to start: shutdown: child c failed to start: x"
        );
        assert!(world.system.is_empty());
    });
}

#[test]
fn what_was_added_to_a_tree_is_lost_when_it_is_restarted() {
    on_paused_time(async || {
        let world = World::new();
        let part = |text| spec(text, &world.log);
        let place = SupervisorRef::place("s");
        world.boot(sub("root").child(part("a")).child(sub("s").child(part("b")).at(&place))).await;
        place.start_child(part("n")).await.expect("it starts");
        let _ = world.log.take();
        world.system.kill(place.pid().expect("it lives"));
        world.settle().await;
        assert_eq!(world.log.take(), "-n#1 killed; -b#1 killed; +b#2");
        world.act("terminate s").await;
        assert_eq!(world.log.take(), "-b#2 shutdown; = ok");
        world.act("which").await;
        assert_eq!(world.log.take(), "= a#1 s=-");
    });
}

#[test]
fn a_supervisor_that_gives_up_is_restarted_by_its_parent_unless_it_is_transient() {
    for (is_transient, expect) in [(false, "-b#1 cut; +b#2"), (true, "-b#1 cut")] {
        on_paused_time(async || {
            let world = World::new();
            let below = sub("s").intensity(0, Duration::from_secs(5)).child(spec("b", &world.log));
            let place = SupervisorRef::place("s");
            let below = if is_transient { below.at(&place).transient() } else { below.at(&place) };
            world.boot(sub("root").child(below)).await;
            let _ = world.log.take();
            world.act("kill b").await;
            world.settle().await;
            assert_eq!(world.log.take(), expect);
        });
    }
}

#[test]
fn a_significant_supervisor_that_shuts_itself_down_takes_its_parent_along() {
    on_paused_time(async || {
        let world = World::new();
        let part = |text| spec(text, &world.log);
        let any = AutoShutdown::AnySignificant;
        let below = sub("s").auto_shutdown(any).child(part("b(transient significant)"));
        let below = below.at(&SupervisorRef::place("s")).transient().significant();
        world.boot(sub("root").auto_shutdown(any).child(part("a")).child(below)).await;
        let _ = world.log.take();
        world.act("exit b normal").await;
        world.settle().await;
        assert_eq!(world.log.take(), "-b#1 normal; -a#1 shutdown; end shutdown");
    });
}

#[test]
fn children_of_both_kinds_are_counted() {
    on_paused_time(async || {
        let world = World::new();
        let part = |text| spec(text, &world.log);
        world.boot(sub("root").child(part("a")).child(sub("s")).child(part("b")).child(sub("t"))).await;
        world.act("terminate a").await;
        world.act("terminate t").await;
        let counts = world.root.count_children().await.expect("it lives");
        assert_eq!(counts, Counts { specs: 4, active: 2, supervisors: 2, workers: 2 });
    });
}

#[test]
fn a_faulty_spec_below_is_found_before_anything_starts_by_start_and_in_its_turn_by_start_at() {
    on_paused_time(async || {
        let world = World::new();
        let part = |text| spec(text, &world.log);
        let tree = || sub("root").child(part("a")).child(sub("s").child(part("b(significant)")));
        assert!(start_in(&world.system, tree()).await.is_err());
        assert_eq!(world.log.take(), "");
        world.boot(tree()).await;
        assert_eq!(
            world.log.take(),
            "+a#1; -a#1 shutdown; no start: shutdown: child s failed to start: invalid spec: \
             child \"b\": significant = true: the supervisor's auto_shutdown is never"
        );
    });
}

#[test]
fn a_child_that_unlinked_from_its_supervisor_is_still_stopped() {
    on_paused_time(async || {
        let world = World::new();
        world
            .boot(sub("root").child(spec("a(hold infinity)", &world.log)).child(spec("b", &world.log)))
            .await;
        world.act("terminate b").await;
        assert_eq!(world.log.take(), "+a#1; +b#1; -b#1 shutdown; = ok");
        let place = world.log.place("a");
        place.cast(crate::part::Unlink(world.root.pid().expect("it lives"))).expect("it lives");
        world.settle().await;
        let (system, root) = (world.system.clone(), world.root.clone());
        let stopped = system.spawn_task(move |_: Inbox<NoMessage>| async move {
            root.terminate_child("a").await.map_err(Exit::error)
        });
        let client = stopped.await.expect("a task starts").pid().expect("it lives");
        world.settle().await;
        world.log.release("a");
        assert_eq!(system.ended(client).await, Exit::Normal);
        assert_eq!(world.log.take(), "-a#1 shutdown");
    });
}

#[test]
fn very_many_dynamic_children_start_and_stop_without_a_scan() {
    on_paused_time(async || {
        let world = World::new();
        world.boot(Supervisor::dynamic("root")).await;
        let (root, kinds) = (world.root.clone(), [Restart::Permanent, Restart::Temporary]);
        let (tell, told) = oneshot::channel();
        let work = world.system.spawn_task(move |_: Inbox<NoMessage>| async move {
            let mut pids = Vec::with_capacity(MANY);
            for n in 0..MANY {
                let child = task("n", std::future::pending::<()>).restart(kinds[n % 2]);
                pids.extend(root.start_child(child).await.map_err(Exit::error)?);
            }
            assert_eq!(root.count_children().await.expect("it lives").active, MANY);
            for pid in pids.drain(..MANY / 2) {
                root.terminate_pid(pid).await.map_err(Exit::error)?;
            }
            assert_eq!(root.count_children().await.expect("it lives").active, MANY / 2);
            let _ = tell.send(());
            Ok::<(), Exit>(())
        });
        work.await.expect("a task starts");
        told.await.expect("it does its work");
        world.act("down").await;
        assert!(world.system.is_empty());
    });
}
