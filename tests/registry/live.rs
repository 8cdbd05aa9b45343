//! What holds on each kind of executor.

use crate::everywhere::everywhere;
use crate::folk::{Name, Puppet, Room, Rooms, Topics, end, kill, puppet, tell};
use futures::future::join_all;
use ravelin::prelude::*;
use ravelin::registry::{Entry, Registry, RegistryError};
use ravelin::{CallError, Pid, SendError, StartError, System, start};
use std::time::Duration;

#[test]
fn of_many_that_register_a_key_at_once_one_gets_it() {
    everywhere(async |runtime| {
        let (system, rooms) = (System::new(runtime), Rooms::unique("rooms"));
        rooms.start_in(&system).await.expect("it starts");
        let starts = (0..50).map(|_| system.spawn::<Room>((rooms.clone(), "hall")));
        let outcomes = join_all(starts).await;
        let winners: Vec<Pid> =
            outcomes.iter().filter_map(|out| out.as_ref().ok()).filter_map(ActorRef::pid).collect();
        let [winner] = winners[..] else { panic!("{winners:?} have the key") };
        for lost in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(lost, StartError::Init(Exit::AlreadyStarted(winner)));
        }
        assert_eq!(rooms.whereis("hall"), Some(winner));
        end(&system).await;
    });
}

#[test]
fn the_dead_are_not_found_and_their_keys_are_free_at_once() {
    everywhere(async |runtime| {
        let (system, rooms) = (System::new(runtime), Rooms::unique("rooms"));
        rooms.start_in(&system).await.expect("it starts");
        let old = system.spawn::<Room>((rooms.clone(), "hall")).await.expect("it starts");
        let pid = old.pid().expect("it lives");
        assert_eq!((rooms.count(), rooms.keys(pid)), (1, vec!["hall".to_owned()]));
        kill(&system, pid).await;
        assert_eq!(rooms.get("hall").map(|entry| entry.pid), None);
        assert_eq!(rooms.lookup("hall"), []);
        assert_eq!((rooms.count(), rooms.keys(pid), rooms.entries()), (0, vec![], vec![]));
        assert_eq!(rooms.dispatch("hall", |_| panic!("nobody is there")), 0);
        let new = system.spawn::<Room>((rooms.clone(), "hall")).await.expect("the key is free");
        assert_eq!(rooms.whereis("hall"), new.pid());
        end(&system).await;
    });
}

#[test]
fn via_reaches_whoever_has_the_key_and_hands_back_what_nobody_gets() {
    everywhere(async |runtime| {
        let (system, rooms) = (System::new(runtime), Rooms::unique("rooms"));
        rooms.start_in(&system).await.expect("it starts");
        let hall = rooms.via("hall");
        assert!(matches!(hall.cast(Name), Err(SendError::NoProc(Name))));
        assert!(matches!(hall.send(Name).await, Err(SendError::NoProc(Name))));
        assert!(matches!(hall.call(Name).await, Err(CallError::NoProc(Name))));
        for _ in 0..2 {
            let room = system.spawn::<Room>((rooms.clone(), "hall")).await.expect("it starts");
            assert_eq!((hall.pid(), hall.value().as_ref()), (room.pid(), Some(&room)));
            hall.cast(Name).expect("it has room");
            hall.send(Name).await.expect("it lives");
            assert_eq!(hall.call(Name).await.ok(), Some("hall"));
            assert_eq!(hall.call(Name).timeout(Duration::from_secs(9)).await.ok(), Some("hall"));
            assert_eq!(hall.call(Name).no_timeout().await.ok(), Some("hall"));
            kill(&system, room.pid().expect("it lives")).await;
            assert!(matches!(hall.call(Name).await, Err(CallError::NoProc(Name))));
        }
        end(&system).await;
    });
}

#[test]
fn via_works_for_recipients_and_for_references_with_a_value_beside() {
    everywhere(async |runtime| {
        let (system, rooms) = (System::new(runtime), Rooms::unique("rooms"));
        let named = Registry::<u32, ravelin::Recipient<Name>>::unique("named");
        let both = Registry::<u32, (ActorRef<Room>, &'static str)>::unique("both");
        for start in
            [rooms.start_in(&system).await, named.start_in(&system).await, both.start_in(&system).await]
        {
            start.expect("it starts");
        }
        let room = system.spawn::<Room>((rooms, "hall")).await.expect("it starts");
        let pid = room.pid().expect("it lives");
        named.register_for(pid, 7_u32, room.recipient()).expect("it is free");
        both.register_for(pid, 7_u32, (room, "large")).expect("it is free");
        assert_eq!(named.via(7_u32).call(Name).await.ok(), Some("hall"));
        assert_eq!(both.via(7_u32).call(Name).await.ok(), Some("hall"));
        assert_eq!(both.via(7_u32).value().map(|(_, size)| size), Some("large"));
        end(&system).await;
    });
}

#[test]
fn a_child_claims_its_key_before_its_init_and_each_incarnation_anew() {
    everywhere(async |runtime| {
        let halls = Registry::<&'static str, ActorRef<Puppet>>::unique("halls");
        let (first, second) = (ActorRef::<Puppet>::place("first"), ActorRef::<Puppet>::place("second"));
        let tree = Supervisor::one_for_one("app")
            .intensity(3, Duration::from_secs(5))
            .child(child(halls.janitor(), halls.args()))
            .child(child(&first, || ()).claim(halls.key("hall", first.clone())));
        let app = start(runtime, tree).await.expect("it starts");
        let owner = first.pid().expect("it lives");
        let refused =
            app.root().start_child(child(&second, || ()).claim(halls.key("hall", second.clone()))).await;
        assert!(
            refused.is_err_and(|error| error.to_string().contains(&format!("already started as {owner}")))
        );
        kill(app.system(), owner).await;
        let again = first.ready().await;
        assert_ne!(again, owner);
        assert_eq!(halls.whereis("hall"), Some(again));
        app.stop().await;
        assert!(app.system().ledger().is_balanced());
    });
}

#[test]
fn a_claim_that_fails_or_panics_fails_the_start_and_init_does_not_run() {
    everywhere(async |runtime| {
        let system = System::new(runtime);
        let refused = system.spawn::<NeverBegun>(()).claim(|_, _| Err(Exit::error("no lease"))).await;
        assert_eq!(refused.err(), Some(StartError::Init(Exit::error("no lease"))));
        let panicked = system.spawn::<NeverBegun>(()).claim(|_, _| panic!("on purpose")).await;
        assert!(matches!(panicked, Err(StartError::Init(Exit::Panic(_)))));
        end(&system).await;
    });
}

#[derive(Debug)]
struct NeverBegun;

impl Actor for NeverBegun {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        unreachable!("the claim was not granted")
    }
}

#[test]
fn entries_come_in_the_order_of_registration() {
    everywhere(async |runtime| {
        let (system, topics) = (System::new(runtime), Topics::duplicate("topics"));
        topics.start_in(&system).await.expect("it starts");
        let ((ann, ann_pid), (ben, ben_pid)) = (puppet(&system).await, puppet(&system).await);
        for (who, topic, n) in
            [(&ben, "news", 1), (&ann, "news", 2), (&ann, "sports", 3), (&ben, "news", 4), (&ben, "art", 5)]
        {
            let topics = topics.clone();
            tell(who, move |cx| topics.register(cx, topic, n).expect("keys are not unique")).await;
        }
        let news = [(ben_pid, 1), (ann_pid, 2), (ben_pid, 4)].map(|(pid, value)| Entry { pid, value });
        assert_eq!(topics.lookup("news"), news);
        assert_eq!(topics.matching("news", |entry| entry.value % 2 == 0), news[1..]);
        let mut seen = Vec::new();
        assert_eq!(topics.dispatch("news", |entry| seen.push(entry.value)), 3);
        assert_eq!(seen, [1, 2, 4]);
        assert_eq!(topics.keys(ben_pid), ["news", "news", "art"]);
        assert_eq!(
            topics.entries().iter().map(|(_, entry)| entry.value).collect::<Vec<_>>(),
            [1, 2, 3, 4, 5]
        );
        let registry = topics.clone();
        tell(&ben, move |cx| {
            assert_eq!(registry.unregister_matching(cx, "news", |value| *value == 4), 1);
            assert_eq!(registry.unregister(cx, "sports"), 0, "that one is Ann's");
        })
        .await;
        assert_eq!((topics.lookup("news"), topics.count()), (news[..2].to_vec(), 4));
        kill(&system, ben_pid).await;
        assert_eq!((topics.lookup("news"), topics.count()), (news[1..2].to_vec(), 2));
        end(&system).await;
    });
}

#[test]
fn a_value_is_changed_by_its_owner_only() {
    everywhere(async |runtime| {
        let (system, scores) = (System::new(runtime), Registry::<&'static str, u32>::unique("scores"));
        scores.start_in(&system).await.expect("it starts");
        let ((ann, _), (ben, _)) = (puppet(&system).await, puppet(&system).await);
        let registry = scores.clone();
        tell(&ann, move |cx| {
            registry.register(cx, "ann", 1).expect("it is free");
            assert_eq!(registry.register(cx, "ann", 2), Err(RegistryError::AlreadyRegistered(cx.pid())));
            assert_eq!(registry.update_value(cx, "ann", |n| n + 10), Ok((11, 1)));
        })
        .await;
        let registry = scores.clone();
        tell(&ben, move |cx| {
            assert_eq!(registry.update_value(cx, "ann", |n| n + 1), Err(RegistryError::NotRegistered));
        })
        .await;
        assert_eq!(scores.get("ann").map(|entry| entry.value), Some(11));
        end(&system).await;
    });
}

#[test]
fn what_makes_no_sense_is_an_error() {
    everywhere(async |runtime| {
        let (system, other) = (System::new(runtime.clone()), System::new(runtime));
        let rooms = Registry::<&'static str, ()>::unique("rooms");
        let (_, dead) = puppet(&system).await;
        assert_eq!(rooms.register_for(dead, "hall", ()), Err(RegistryError::NotRunning));
        rooms.start_in(&system).await.expect("it starts");
        kill(&system, dead).await;
        assert_eq!(rooms.register_for(dead, "hall", ()), Err(RegistryError::NoProc));
        let (stranger, _) = puppet(&other).await;
        let registry = rooms.clone();
        tell(&stranger, move |cx| {
            assert_eq!(registry.register(cx, "hall", ()), Err(RegistryError::OtherSystem));
        })
        .await;
        let claimed = other.spawn::<Puppet>(()).claim(rooms.key("hall", ())).await;
        assert!(claimed.is_err());
        assert_eq!(rooms.start_in(&system).await, Err(StartError::AlreadyStarted));
        assert_eq!(rooms.count(), 0);
        end(&system).await;
        end(&other).await;
    });
}
