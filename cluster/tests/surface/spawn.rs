//! Children that another node starts.

use crate::cast::{Add, End, Get, Heard, Puppet, Watch};
use crate::house::{House, NODES};
use futures::FutureExt;
use ravelin_cluster::StartChildError;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Pid};
use ravelin_sim::{Sim, World};
use ravelin_supervisor::{Supervisor, SupervisorRef, child};
use std::time::Duration;

/// Starts as it is told.
struct Told;

impl Actor for Told {
    type Args = Result<Option<Pid>, String>;

    async fn init(how: Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        match how {
            Ok(None) => Ok(Told),
            Ok(Some(pid)) => Err(Exit::AlreadyStarted(pid)),
            Err(why) if why == "ignore" => Err(Exit::Ignore),
            Err(why) => Err(Exit::error(why)),
        }
    }
}

/// Two nodes, of which `b` offers puppets and others under `rooms`, at most three at a time.
async fn offering(world: &World) -> (House, SupervisorRef) {
    let house = House::new(world, &NODES[..2]).await;
    let rooms = SupervisorRef::place("rooms");
    let there = house.node("b");
    Supervisor::dynamic("rooms").max_children(3).start_at(there.system(), &rooms).await.unwrap();
    there.offer("puppet", &rooms, |(): ()| child(&ActorRef::<Puppet>::place("child"), || None)).unwrap();
    there
        .offer("told", &rooms, |how: Result<Option<Pid>, String>| {
            assert_ne!(how, Err("panic".to_owned()), "as it was told");
            child(&ActorRef::<Told>::place("told"), move || how.clone()).temporary()
        })
        .unwrap();
    world.advance(Duration::from_secs(3)).await;
    (house, rooms)
}

#[test]
fn a_child_starts_under_a_supervisor_of_another_node_and_is_an_actor_like_others() {
    Sim::new().seeds(2).check(async |world| {
        let (house, rooms) = offering(world).await;
        let here = house.node("a");
        let pid = here.start_child(&"b".parse().unwrap(), "rooms", "puppet", ()).await.unwrap();
        assert_eq!(&*here.node_of(pid).unwrap(), house.node("b").id());
        let puppet = here.at::<Puppet>(pid);
        puppet.cast(Add(3)).unwrap();
        assert_eq!(puppet.call(Get).await.unwrap(), [3]);
        assert_eq!(rooms.count_children().await.unwrap().active, 1);
        let watcher = house.home("a").puppet;
        watcher.call(Watch(pid)).await.unwrap();
        puppet.cast(End("over".to_owned())).unwrap();
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(watcher.call(Heard).await.unwrap(), ["down: over"]);
        // It is permanent: its supervisor has started another.
        assert_eq!(rooms.count_children().await.unwrap().active, 1);
    });
}

#[test]
fn a_start_that_is_not_to_be_says_why_here_and_there() {
    type How = Result<Option<Pid>, String>;
    Sim::new().seeds(2).check(async |world| {
        let (house, _) = offering(world).await;
        for from in ["a", "b"] {
            let (node, there) = (house.node(from), "b".parse().unwrap());
            let say = |how: How| node.start_child(&there, "rooms", "told", how);
            let error = node.start_child(&there, "rooms", "nothing", ()).await.unwrap_err();
            assert_eq!(error, StartChildError::NoSpec, "{from}");
            let error = node.start_child(&there, "nowhere", "told", ()).await.unwrap_err();
            assert_eq!(error, StartChildError::NoSupervisor, "{from}");
            let error = node.start_child(&there, "rooms", "told", "of another type").await.unwrap_err();
            assert!(matches!(error, StartChildError::Args(_)), "{from}: {error}");
            let error = say(Err("no".to_owned())).await.unwrap_err();
            assert_eq!(error, StartChildError::Failed(Exit::error("no")), "{from}");
            let error = say(Err("ignore".to_owned())).await.unwrap_err();
            assert_eq!(error, StartChildError::Ignored, "{from}");
            let error = say(Err("panic".to_owned())).await.unwrap_err();
            assert!(matches!(error, StartChildError::Failed(Exit::Panic(_))), "{from}: {error}");
            // A pid inside of a reason is in the numbers of whoever asked.
            let pid = house.addr("b", from).call(crate::cast::Who).await.unwrap();
            let error = say(Ok(Some(pid))).await.unwrap_err();
            assert_eq!(error, StartChildError::Failed(Exit::AlreadyStarted(pid)), "{from}");
        }
        let (node, there) = (house.node("a"), "b".parse().unwrap());
        for _ in 0..3 {
            node.start_child(&there, "rooms", "told", How::Ok(None)).await.unwrap();
        }
        let error = node.start_child(&there, "rooms", "told", How::Ok(None)).await.unwrap_err();
        assert_eq!(error, StartChildError::MaxChildren(3));
        let error = node.start_child(&"c".parse().unwrap(), "rooms", "told", ()).await.unwrap_err();
        assert_eq!(error, StartChildError::NoConnection);
    });
}

/// Is never done with its start.
struct Slow;

impl Actor for Slow {
    type Args = ();

    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        std::future::pending().await
    }
}

#[test]
fn a_start_ends_when_its_node_is_lost() {
    Sim::new().seeds(2).check(async |world| {
        let (house, rooms) = offering(world).await;
        let there = house.node("b");
        there.offer("slow", &rooms, |(): ()| child(&ActorRef::<Slow>::place("slow"), || ())).unwrap();
        let here = house.node("a");
        let name = "b".parse().unwrap();
        let start = here.start_child(&name, "rooms", "slow", ());
        let crash = async {
            world.advance(Duration::from_secs(10)).await;
            world.crash("b");
            world.advance(Duration::from_secs(4)).await;
        };
        // It is asked first, and is over when the node is.
        let (ended, ()) = futures::future::join(start, crash).await;
        assert_eq!(ended, Err(StartChildError::NoConnection));
    });
}

#[test]
fn a_start_that_nobody_waits_for_any_more_leaves_nothing() {
    Sim::new().seeds(2).check(async |world| {
        let (house, rooms) = offering(world).await;
        let (here, there) = (house.node("a"), house.node("b"));
        there.offer("slow", &rooms, |(): ()| child(&ActorRef::<Slow>::place("slow"), || ())).unwrap();
        let name = "b".parse().unwrap();
        let mut start = Box::pin(here.start_child(&name, "rooms", "slow", ()));
        assert_eq!((&mut start).now_or_never(), None);
        world.advance(Duration::from_secs(1)).await;
        let calls =
            |node: &ravelin_cluster::Node| node.figures().iter().map(|each| each.calls).sum::<usize>();
        assert_eq!(calls(&here), 1);
        drop(start);
        assert_eq!(calls(&here), 0, "nobody waits any more");
        world.advance(Duration::from_secs(1)).await;
        // It is not taken back: the child may be starting.
        let puppet = house.addr("b", "a");
        puppet.call(Add(1)).await.unwrap();
        assert_eq!(puppet.call(Get).await.unwrap(), [1]);
    });
}
