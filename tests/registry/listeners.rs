//! Listeners, and the janitor, which tells them.

use crate::everywhere::{everywhere, turn};
use crate::folk::{kill, puppet, tell};
use ravelin::prelude::*;
use ravelin::registry::{Change, Registry};
use ravelin::{Received, Runtime, System, Task, start, task_at, within};
use std::sync::Arc;
use std::time::Duration;

type Rooms = Registry<char, u32>;
/// A notice that should come and does not come within this will never come.
const LIMIT: Duration = Duration::from_secs(5);

type Notice = Change<char, u32>;

/// Who hears what listeners are told, one after the other.
struct Ear {
    place: ActorRef<Task<Notice>>,
    heard: futures::channel::mpsc::UnboundedReceiver<Notice>,
    runtime: Arc<dyn Runtime>,
}

impl Ear {
    async fn new(system: &System) -> Ear {
        let (told, heard) = futures::channel::mpsc::unbounded();
        let place = system
            .spawn_task(move |mut inbox: Inbox<Notice>| async move {
                while let Some(Received::Message(notice, _)) = inbox.next().await {
                    told.unbounded_send(notice).expect("the test listens");
                }
            })
            .await;
        Ear { place: place.expect("it starts"), heard, runtime: system.runtime().clone() }
    }

    async fn next(&mut self) -> Notice {
        let next = futures::StreamExt::next(&mut self.heard);
        let told = within(&*self.runtime, LIMIT, next).await.expect("somebody is told");
        told.expect("the task lives")
    }
}

#[test]
fn listeners_learn_of_each_change_in_order() {
    everywhere(async |runtime| {
        let (system, rooms) = (System::new(runtime), Rooms::unique("rooms"));
        let mut ear = Ear::new(&system).await;
        rooms.listen(ear.place.recipient());
        rooms.start_in(&system).await.expect("it starts");
        let ((ann, ann_pid), (_, ben_pid)) = (puppet(&system).await, puppet(&system).await);
        let registry = rooms.clone();
        tell(&ann, move |cx| {
            registry.register(cx, 'h', 1).expect("it is free");
            registry.unregister(cx, &'h');
            registry.register(cx, 'a', 2).expect("it is free");
        })
        .await;
        assert_eq!(ear.next().await, Change::Registered { key: 'h', pid: ann_pid, value: 1 });
        assert_eq!(ear.next().await, Change::Unregistered { key: 'h', pid: ann_pid });
        assert_eq!(ear.next().await, Change::Registered { key: 'a', pid: ann_pid, value: 2 });
        // Whoever takes the key of a dead one comes after the end of that, whether the janitor was there before or not.
        kill(&system, ann_pid).await;
        rooms.register_for(ben_pid, 'a', 3).expect("it is free");
        assert_eq!(ear.next().await, Change::Unregistered { key: 'a', pid: ann_pid });
        assert_eq!(ear.next().await, Change::Registered { key: 'a', pid: ben_pid, value: 3 });
        system.shut_down_all(Duration::from_secs(1)).await;
    });
}

#[test]
fn the_table_outlives_its_janitor_and_the_next_one_clears_up() {
    everywhere(async |runtime| {
        let system = System::new(runtime);
        let rooms = Rooms::unique("rooms");
        let mut ear = Ear::new(&system).await;
        rooms.listen(ear.place.recipient());
        let janitor = rooms.start_in(&system).await.expect("it starts");
        let ((_, ann), (_, ben), (_, eve)) =
            (puppet(&system).await, puppet(&system).await, puppet(&system).await);
        rooms.register_for(ann, 'h', 1).expect("it is free");
        rooms.register_for(eve, 'c', 9).expect("it is free");
        kill(&system, janitor).await;
        // While nobody watches: one comes, one goes, and all questions are answered.
        rooms.register_for(ben, 'a', 2).expect("it is free");
        kill(&system, ann).await;
        assert_eq!((rooms.whereis(&'h'), rooms.whereis(&'a')), (None, Some(ben)));
        rooms.start_in(&system).await.expect("it starts again");
        // The next one finds those that live, and those that do not.
        kill(&system, ben).await;
        let mut gone = Vec::new();
        while gone.len() < 2 {
            if let Change::Unregistered { key, pid } = ear.next().await {
                gone.push((key, pid));
            }
        }
        gone.sort();
        assert_eq!(gone, [('a', ben), ('h', ann)]);
        assert_eq!(rooms.whereis(&'c'), Some(eve));
        system.shut_down_all(Duration::from_secs(1)).await;
    });
}

#[test]
fn each_registration_ends_once_whoever_registers_and_dies_meanwhile() {
    everywhere(async |runtime| {
        let (system, rooms) = (System::new(runtime), Rooms::unique("rooms"));
        let mut ear = Ear::new(&system).await;
        rooms.listen(ear.place.recipient());
        let janitor = rooms.start_in(&system).await.expect("it starts");
        // All want the same few keys, and are killed while they are registered; so is the janitor.
        let lives = (0..60_u32).map(|n| {
            let (system, rooms) = (&system, &rooms);
            async move {
                let (_, pid) = puppet(system).await;
                let kill = async {
                    for _ in 0..n % 4 {
                        turn().await;
                    }
                    kill(system, pid).await;
                };
                let register = async {
                    let mut registered = 0;
                    for key in ['a', 'b', 'c'] {
                        registered += u32::from(rooms.register_for(pid, key, n).is_ok());
                        turn().await;
                    }
                    registered
                };
                let (registered, ()) = futures::future::join(register, kill).await;
                if n == 30 {
                    crate::folk::kill(system, janitor).await;
                    rooms.start_in(system).await.expect("it starts again");
                }
                registered
            }
        });
        let registered: u32 = futures::future::join_all(lives).await.into_iter().sum();
        assert!(registered > 0);
        let (mut ended, mut open) = (0, std::collections::BTreeMap::new());
        while ended < registered {
            match ear.next().await {
                Change::Registered { key, pid, .. } => {
                    assert_eq!(open.insert(key, pid), None, "{key} was free")
                }
                Change::Unregistered { key, pid } => {
                    assert_eq!(open.remove(&key), Some(pid), "{key} was its");
                    ended += 1;
                }
            }
        }
        assert!(open.is_empty() && rooms.count() == 0);
        system.shut_down_all(Duration::from_secs(1)).await;
    });
}

#[test]
fn a_listener_that_is_full_loses_notices_and_nobody_waits_for_it() {
    everywhere(async |runtime| {
        let rooms = Rooms::unique("rooms");
        let place = ActorRef::<Task<Notice>>::place("deaf");
        rooms.listen(place.recipient());
        let deaf = task_at(&place, |_: Inbox<Notice>| std::future::pending::<()>());
        let tree = Supervisor::one_for_one("app")
            .child(deaf.mailbox(ravelin::Bounded(1).on_full(ravelin::Overflow::Refuse)))
            .child(child(rooms.janitor(), rooms.args()));
        let app = start(runtime, tree).await.expect("it starts");
        let (_, pid) = puppet(app.system()).await;
        for key in ['a', 'b', 'c'] {
            rooms.register_for(pid, key, 0).expect("it is free");
        }
        assert_eq!(rooms.count(), 3);
        app.stop().await;
        assert!(app.system().ledger().is_balanced());
    });
}
