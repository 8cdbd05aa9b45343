//! The same under kills and in drawn orders, with those watching who must never be told of the dead.

use crate::folk::{Room, Rooms};
use ravelin::prelude::*;
use ravelin::sim::{Faults, Sim};
use ravelin::{Info, Pid, linear};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NAMES: [&str; 3] = ["hall", "attic", "cellar"];

/// Watches whoever has the keys, and looks again as soon as it learns of an end.
struct Watcher {
    rooms: Rooms,
    watched: Vec<Pid>,
    downs: Arc<Mutex<u32>>,
}

#[derive(Message, Clone)]
struct Look;

impl Watcher {
    fn look(&mut self, cx: &mut Cx<Self>) {
        for (key, entry) in self.rooms.entries() {
            assert_eq!(self.rooms.lookup(&key).len(), 1, "{key} has one owner");
            if !self.watched.contains(&entry.pid) {
                cx.monitor(entry.pid);
                self.watched.push(entry.pid);
            }
        }
    }
}

impl Actor for Watcher {
    type Args = (Rooms, Arc<Mutex<u32>>);
    async fn init((rooms, downs): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.every(Duration::from_millis(3), Look);
        Ok(Watcher { rooms, watched: Vec::new(), downs })
    }
    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Info::Down { pid, .. } = info {
            *self.downs.lock().expect("nobody panics") += 1;
            for name in NAMES {
                assert_ne!(self.rooms.whereis(name), Some(pid), "{name} is of the dead");
                assert!(self.rooms.lookup(name).iter().all(|entry| entry.pid != pid));
            }
            assert_eq!(self.rooms.keys(pid), Vec::<String>::new());
            assert!(self.rooms.entries().iter().all(|(_, entry)| entry.pid != pid));
            self.look(cx);
        }
    }
}

impl Handle<Look> for Watcher {
    async fn handle(&mut self, _: Look, cx: &mut Cx<Self>) {
        self.look(cx);
    }
}

#[test]
fn a_key_has_one_owner_and_the_dead_are_not_found_whoever_is_killed() {
    let second = Duration::from_secs(1);
    let step = second / 60;
    let mut faults = Faults::none().kills("rooms", 2).at_awaits_of("rooms", 1).over(second);
    for name in NAMES {
        faults = faults.kills(name, 3);
    }
    Sim::new().seeds(20).threads(2).faults(faults).check(async move |world| {
        let downs = Arc::new(Mutex::new(0));
        let rooms = Rooms::unique("rooms");
        let mut tree =
            Supervisor::one_for_one("app").intensity(50, second).child(child(rooms.janitor(), rooms.args()));
        for name in NAMES {
            let rooms = rooms.clone();
            let room = child(&ActorRef::<Room>::place(name), move || (rooms.clone(), name));
            // A rival may have the key for a while.
            tree = tree.child(room.backoff(linear(step, step)));
        }
        if world.start(tree).await.is_err() {
            return; // killed in its first start
        }
        let watcher = world.spawn::<Watcher>("watcher", (rooms.clone(), downs.clone())).await;
        // Others want the same keys all the time; one that gets a key keeps it for a while.
        let mut luck = world.random("rivals");
        for _ in 0..60 {
            let name = NAMES[luck.below(3) as usize];
            if luck.below(4) == 0 {
                world.kill(name);
            }
            let owner = rooms.whereis(name);
            let rival = world.system().spawn::<Room>((rooms.clone(), name)).await;
            if let (Some(owner), Ok(rival)) = (owner, &rival) {
                assert!(!world.system().is_alive(owner), "{owner} and {:?} have {name}", rival.pid());
            }
            world.advance(step).await;
            if let Some(pid) = rival.ok().and_then(|rival| rival.pid()) {
                world.system().kill(pid);
            }
        }
        world.calm();
        world.advance(second).await;
        assert!(watcher.is_alive(), "what it saw: {:?}", watcher.last_exit());
        // What the dead left is gone from the table too: nobody is watched twice, and all living are found.
        assert!(rooms.entries().iter().all(|(_, entry)| world.system().is_alive(entry.pid)));
        assert!(*downs.lock().expect("nobody panics") > 3, "owners that were watched died");
    });
}
