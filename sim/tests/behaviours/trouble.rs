//! A supervised machine and its callers, in all kinds of trouble: what the simulator watches holds, every call ends, and
//! afterwards all is well.

use crate::promises::{Boom, Desk, Free, Hold, Log, Note, Owe, Ring, Work};
use futures::future::join;
use ravelin_behaviours::statem::Machine;
use ravelin_core::{ActorRef, CallError};
use ravelin_sim::{Faults, Sim};
use ravelin_supervisor::{Supervisor, child};
use std::time::Duration;

#[test]
fn a_machine_keeps_its_promises_in_all_kinds_of_trouble() {
    let second = Duration::from_secs(1);
    let faults =
        Faults::none().kills("desk", 3).at_awaits_of("desk", 3).at_messages_of("desk", 3).over(second);
    Sim::new().seeds(20).faults(faults).check(async |world| {
        let desk = ActorRef::<Machine<Desk<true>>>::place("desk");
        let log = Log::default();
        let args = log.clone();
        let tree =
            Supervisor::one_for_one("app").intensity(100, second).child(child(&desk, move || args.clone()));
        let Ok(app) = world.start(tree).await else { return }; // struck in its first `init`
        for round in 0..20 {
            let _ = desk.cast(Hold);
            let _ = desk.cast(Note(round));
            if round % 7 == 3 {
                let _ = desk.cast(Boom);
            }
            let _ = desk.cast(Ring(second / 30));
            let work = desk.call(Work(round)).timeout(second / 10);
            let owed = desk.call(Owe).timeout(second / 10);
            let free = async {
                world.advance(second / 40).await;
                desk.cast(Free)
            };
            let ((work, owed), _) = join(join(work, owed), free).await;
            assert!(work.is_err() || work.is_ok_and(|answer| answer == 2 * round));
            let is_over = |error: CallError<Owe>| {
                matches!(
                    error,
                    CallError::Timeout | CallError::Exited(_) | CallError::NoProc(_) | CallError::NoReply
                )
            };
            assert!(owed.map_or_else(is_over, |answer| answer == 7));
            world.advance(second / 40).await;
        }
        world.calm();
        world.advance(second).await;
        desk.cast(Free).unwrap();
        assert_eq!(desk.call(Work(1)).await.unwrap(), 2);
        app.stop().await;
    });
}
