//! Chaos: kills actors at random while the store serves, and tells how fast each was back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ravelin::{Description, Inbox, Message, Pid, System, Time};

use super::House;

/// One that is not back after this long does not come back: its client has left, for example.
const PATIENCE: Duration = Duration::from_secs(2);

/// An actor was started, or started again.
#[derive(Message)]
pub struct Back {
    pub name: Arc<str>,
    pub pid: Pid,
    pub at: Time,
}

struct Kill {
    pid: Pid,
    at: Time,
}

/// Kills an actor each time `pause` has passed.
pub async fn kill(mut inbox: Inbox<Back>, house: Arc<House>, pause: Duration) {
    let mut missing: BTreeMap<Arc<str>, Kill> = BTreeMap::new();
    let mut next = house.runtime.now() + pause;
    loop {
        match inbox.recv_within(next - house.runtime.now()).await {
            Some(back) => {
                if let Some(kill) = missing.remove(&back.name) {
                    let (name, pid, after) = (&back.name, back.pid, back.at - kill.at);
                    println!("chaos: killed {name} {}, back as {pid} after {after:.1?}", kill.pid);
                }
            }
            None => {
                next = house.runtime.now() + pause;
                forget(&mut missing, next);
                strike(inbox.system(), inbox.pid(), &house, &mut missing);
            }
        }
    }
}

/// Kills one of those that are there.
fn strike(system: &System, own: Pid, house: &House, missing: &mut BTreeMap<Arc<str>, Kill>) {
    let mut kinds: BTreeMap<String, Vec<(Arc<str>, Pid)>> = BTreeMap::new();
    for Description { pid, name, parent, .. } in
        system.pids().into_iter().filter_map(|pid| system.describe(pid))
    {
        // The root has no parent who would start it again, nor have helpers a name.
        if let (Some(name), Some(_)) = (name, parent)
            && pid != own
            && !missing.contains_key(&name)
        {
            let kind = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
            kinds.entry(kind).or_default().push((name, pid));
        }
    }
    // A kind, then one of the kind: else with many clients it would always be a connection.
    let luck = house.runtime.entropy() as usize;
    let Some(kind) = kinds.values().nth(luck % kinds.len().max(1)) else { return };
    let (name, pid) = &kind[(luck >> 32) % kind.len()];
    let at = house.runtime.now();
    if system.kill(*pid) {
        house.counters.chaos_kills.fetch_add(1, Relaxed);
        missing.insert(name.clone(), Kill { pid: *pid, at });
    }
}

fn forget(missing: &mut BTreeMap<Arc<str>, Kill>, now: Time) {
    missing.retain(|name, kill| {
        let is_late = now - kill.at > PATIENCE;
        if is_late {
            println!("chaos: killed {name} {}, which was not needed any more", kill.pid);
        }
        !is_late
    });
}
