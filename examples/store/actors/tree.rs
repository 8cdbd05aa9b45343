//! The supervision tree.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ravelin::{ChildSpec, Inbox, Supervisor, Unbounded, child, task, task_at};

use super::chaos::Back;
use super::{House, acceptor, chaos};

/// How long the journal may take to put the rest on the disk when the store stops.
const SYNC_LIMIT: Duration = Duration::from_secs(60);

/// The whole store.
pub fn tree(house: &Arc<House>) -> Supervisor {
    let hub = house.clone();
    let mut store = supervisor(Supervisor::one_for_one("store"), house)
        .child(watched(storage(house), house))
        // At most one errand of each client waits in it.
        .child(watched(child(&house.hub, move || hub.clone()).mailbox(Unbounded), house))
        .child(watched(front(house), house));
    if let Some(pause) = house.config.chaos {
        let shared = house.clone();
        let kill = move |inbox: Inbox<Back>| chaos::kill(inbox, shared.clone(), pause);
        store = store.child(task_at(&house.chaos, kill).mailbox(Unbounded));
    }
    store
}

fn storage(house: &Arc<House>) -> Supervisor {
    let keeper = house.clone();
    // At most one errand of each client to each partition waits in it.
    let journal = child(&house.journal, move || keeper.clone()).mailbox(Unbounded).shutdown(SYNC_LIMIT);
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

fn front(house: &Arc<House>) -> Supervisor {
    let connections = Supervisor::dynamic("connections").max_children(house.config.max_clients);
    let connections = supervisor(connections, house).at(&house.connections);
    let shared = house.clone();
    let acceptor = task("acceptor", move || acceptor::accept(shared.clone()));
    supervisor(Supervisor::rest_for_one("front"), house)
        .child(watched(connections, house))
        .child(watched(acceptor, house))
}

/// How many restarts are borne. Chaos is no reason to give up.
fn supervisor(supervisor: Supervisor, house: &House) -> Supervisor {
    let second = Duration::from_secs(1);
    let kills = house.config.chaos.map_or(0, |pause| second.as_nanos() / pause.as_nanos().max(1));
    supervisor.intensity(100 + 100 * u32::try_from(kills).unwrap_or(1_000_000), second)
}

/// Lets starts and restarts be counted, and chaos know of them.
pub fn watched(spec: impl Into<ChildSpec>, house: &Arc<House>) -> ChildSpec {
    let mut spec = spec.into();
    let shared = house.clone();
    spec = spec.before_restart(move |_| {
        shared.counters.restarts.fetch_add(1, Relaxed);
    });
    if house.config.chaos.is_none() {
        return spec;
    }
    let (started, restarted) = (house.clone(), house.clone());
    let tell = |house: &House, name: &Arc<str>, pid| {
        let Some(pid) = pid else { return };
        let _ = house.chaos.cast(Back { name: name.clone(), pid, at: house.runtime.now() });
    };
    spec.after_start(move |child| tell(&started, &child.id, child.pid))
        .after_restart(move |child| tell(&restarted, &child.id, child.pid))
}
