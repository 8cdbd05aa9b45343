//! The supervision tree.

use std::sync::Arc;
use std::time::Duration;

use ravelin::sys::{Watch, Watchdog};
use ravelin::{ActorRef, ChildSpec, Supervisor, Unbounded, child, task};

use super::{House, acceptor};

const SECOND: Duration = Duration::from_secs(1);

/// The whole store.
pub fn tree(house: &Arc<House>) -> Supervisor {
    let (hub, watchdog) = (house.clone(), ActorRef::<Watchdog>::place("watchdog"));
    let store = supervisor(Supervisor::one_for_one("store"), house)
        .child(storage(house))
        // At most one errand of each client waits in it.
        .child(child(&house.hub, move || hub.clone()).mailbox(Unbounded))
        .child(front(house))
        .child(child(&watchdog, || Watch::every(SECOND).tell(|stuck| tracing::error!("{stuck}"))));
    match &house.chaos {
        Some(chaos) => store.child(chaos.child("chaos")),
        None => store,
    }
}

fn storage(house: &Arc<House>) -> Supervisor {
    let keeper = house.clone();
    // At most one errand of each client to each partition waits in it.
    let journal = child(&house.journal, move || keeper.clone()).mailbox(Unbounded);
    let partitions = house.partitions.clone().intensity(restarts(house), SECOND);
    let partitions = partitions.child_spec(|number, place| {
        let shared = house.clone();
        child(place, move || (number, shared.clone())).mailbox(Unbounded)
    });
    supervisor(Supervisor::rest_for_one("storage"), house).child(journal).child(partitions)
}

fn front(house: &Arc<House>) -> ChildSpec {
    let connections = Supervisor::dynamic("connections").max_children(house.config.max_clients);
    let connections = supervisor(connections, house).at(&house.connections);
    let shared = house.clone();
    let acceptor = task("acceptor", move || acceptor::accept(shared.clone()));
    let front = supervisor(Supervisor::rest_for_one("front"), house).child(connections).child(acceptor);
    front.at(&house.front)
}

fn supervisor(supervisor: Supervisor, house: &House) -> Supervisor {
    supervisor.intensity(restarts(house), SECOND)
}

/// How many restarts in a second are borne. Chaos is no reason to give up.
fn restarts(house: &House) -> u32 {
    let kills = house.config.chaos.map_or(0, |pause| SECOND.as_nanos() / pause.as_nanos().max(1));
    100 + 100 * u32::try_from(kills).unwrap_or(1_000_000)
}
