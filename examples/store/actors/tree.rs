//! The supervision tree.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ravelin::{ChildSpec, Supervisor, Unbounded, child, task};

use super::{House, acceptor};

/// The whole store.
pub fn tree(house: &Arc<House>) -> Supervisor {
    let hub = house.clone();
    let mut store = supervisor(Supervisor::one_for_one("store"), house)
        .child(watched(storage(house), house))
        // At most one errand of each client waits in it.
        .child(watched(child(&house.hub, move || hub.clone()).mailbox(Unbounded), house))
        .child(watched(front(house), house));
    if let Some(chaos) = &house.chaos {
        store = store.child(chaos.child("chaos"));
    }
    store
}

fn storage(house: &Arc<House>) -> Supervisor {
    let keeper = house.clone();
    // At most one errand of each client to each partition waits in it.
    let journal = child(&house.journal, move || keeper.clone()).mailbox(Unbounded);
    let mut partitions = supervisor(Supervisor::one_for_one("partitions"), house);
    for (number, place) in house.partitions.iter().enumerate() {
        let shared = house.clone();
        let partition = child(place, move || (number, shared.clone())).mailbox(Unbounded);
        partitions = partitions.child(watched(partition, house));
    }
    supervisor(Supervisor::rest_for_one("storage"), house)
        .child(watched(journal, house))
        .child(watched(partitions, house))
}

fn front(house: &Arc<House>) -> ChildSpec {
    let connections = Supervisor::dynamic("connections").max_children(house.config.max_clients);
    let connections = supervisor(connections, house).at(&house.connections);
    let shared = house.clone();
    let acceptor = task("acceptor", move || acceptor::accept(shared.clone()));
    supervisor(Supervisor::rest_for_one("front"), house)
        .child(watched(connections, house))
        .child(watched(acceptor, house))
        .at(&house.front)
}

/// How many restarts are borne. Chaos is no reason to give up.
fn supervisor(supervisor: Supervisor, house: &House) -> Supervisor {
    let second = Duration::from_secs(1);
    let kills = house.config.chaos.map_or(0, |pause| second.as_nanos() / pause.as_nanos().max(1));
    supervisor.intensity(100 + 100 * u32::try_from(kills).unwrap_or(1_000_000), second)
}

/// Lets starts and restarts be counted, and chaos know of them.
pub fn watched(spec: impl Into<ChildSpec>, house: &Arc<House>) -> ChildSpec {
    let shared = house.clone();
    let spec = spec.into().before_restart(move |_| {
        shared.counters.restarts.fetch_add(1, Relaxed);
    });
    match &house.chaos {
        Some(chaos) => chaos.watch(spec),
        None => spec,
    }
}
