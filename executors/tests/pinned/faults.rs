//! Pinned actors under faults, in the simulator: kills, panics and failing starts of the actor, crashes of its node.

use crate::shy::{Add, Begin, Close, Seen, Shy};
use futures::future::pending;
use ravelin_core::ActorRef;
use ravelin_executors::pinned::{Pinned, pinned};
use ravelin_sim::{Faults, Node, Sim};
use ravelin_supervisor::{Supervisor, child, start_in};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// That each state was gone before the next one was begun.
#[track_caller]
fn assert_no_overlap(seen: &Seen) {
    let mut living = 0;
    for what in seen.all() {
        match what {
            "init" => living += 1,
            "state dropped" => living -= 1,
            _ => {}
        }
        assert!((0..=1).contains(&living), "{:?}", seen.all());
    }
}

#[test]
fn no_two_states_of_a_place_live_whatever_strikes() {
    let faults = Faults::none().kills("shy", 4).at_awaits_of("shy", 3).at_messages_of("shy", 2);
    let faults = faults.failed_inits_of("shy", 1).stalls("main", 1).over(100 * MS);
    Sim::new().seeds(200).faults(faults).check(async |world| {
        let (seen, thread) = (Seen::default(), world.thread());
        let noted = seen.clone();
        let args = move || pinned(thread.clone(), (noted.clone(), Begin::Well, Close::Well));
        let shy = ActorRef::<Pinned<Shy>>::place("shy");
        let tree = Supervisor::one_for_one("app").intensity(100, SECOND).child(child(&shy, args));
        let Ok(app) = world.start(tree).await else {
            return assert_no_overlap(&seen); // struck in its first `init`
        };
        for _ in 0..20 {
            let _ = shy.call(Add(1)).await; // it ends, in one way or another
            world.advance(5 * MS).await;
        }
        world.calm();
        world.advance(SECOND).await;
        shy.call(Add(1)).await.unwrap();
        app.stop().await;
        assert!(world.system().is_empty());
        assert_no_overlap(&seen);
        assert_eq!(seen.all().last(), Some(&"state dropped"));
    });
}

#[test]
fn the_state_goes_with_its_node() {
    Sim::new().alone().seeds(20).check(async |world| {
        let seen = Seen::default();
        let noted = seen.clone();
        let boot = move |node: Node| {
            let seen = noted.clone();
            async move {
                let thread = node.thread();
                let shy = ActorRef::<Pinned<Shy>>::place("shy");
                let args = move || pinned(thread.clone(), (seen.clone(), Begin::Well, Close::Well));
                let _app =
                    start_in(node.system(), Supervisor::one_for_one("app").child(child(&shy, args))).await;
                shy.call(Add(1)).await.unwrap();
                pending::<()>().await;
            }
        };
        world.node("a", boot);
        world.advance(10 * MS).await;
        assert!(world.crash("a"));
        world.advance(MS).await;
        assert_eq!(seen.all(), ["init", "add", "state dropped"]);
        world.boot("a");
        world.advance(10 * MS).await;
        assert_eq!(seen.all()[3..], ["init", "add"]);
    });
}
