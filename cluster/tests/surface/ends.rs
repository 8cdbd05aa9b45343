//! How a node ends, and what those who watch nodes hear, whatever room they have.

use crate::cast::{Heard, Keep, Watch, Who};
use crate::house::{House, NODES};
use crate::start::seated;
use ravelin_cluster::proto::reach::Why;
use ravelin_cluster::{Node, NodeEvent};
use ravelin_core::{Actor, ActorRef, Bounded, CallError, Cx, Exit, Handle, Message, Pid};
use ravelin_sim::{Probe, Sim};
use ravelin_supervisor::{Status, SupervisorRef};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The child of a tree that has this id.
pub(crate) async fn child(tree: &SupervisorRef, id: &str) -> Pid {
    let children = tree.which_children().await.unwrap();
    let found = children.iter().find(|child| &*child.id == id).unwrap_or_else(|| panic!("{children:?}"));
    let Status::Running(pid) = found.status else { panic!("{found:?}") };
    pid
}

fn heard(probe: &mut Probe<NodeEvent>) -> Vec<NodeEvent> {
    std::iter::from_fn(|| probe.try_next()).map(|(event, _)| event).collect()
}

#[test]
fn a_node_ends_with_any_of_its_own_actors_and_all_that_wait_are_told() {
    for actor in ["keeper", "door", "links", "relays"] {
        Sim::new().seeds(2).check(async |world| {
            let house = House::new(world, &NODES[..2]).await;
            let mut probe = world.probe::<NodeEvent>("events").await;
            let mut theirs = world.probe::<NodeEvent>("theirs").await;
            let (a, b) = (house.node("a"), house.node("b"));
            world.advance(3 * SECOND).await;
            a.watch(probe.recipient()).await;
            b.watch(theirs.recipient()).await;
            let (there, watcher) = (house.addr("b", "a"), house.home("a").puppet);
            watcher.call(Watch(there.call(Who).await.unwrap())).await.unwrap();
            assert!(a.is_alive());
            let mut call = Box::pin(there.call(Keep).no_timeout().into_future());
            assert!(futures::FutureExt::now_or_never(&mut call).is_none());
            world.advance(SECOND).await;
            a.system().kill(child(a.tree(), actor).await);
            assert_eq!(a.ended().await, Exit::Killed, "{actor}");
            world.advance(SECOND).await;
            assert!(!a.is_alive());
            let [up, down, ended] = &heard(&mut probe)[..] else { panic!("{actor}") };
            assert_eq!(*up, NodeEvent::Up(b.id().clone()));
            assert!(matches!(down, NodeEvent::Down(id, _) if id == b.id()), "{down:?}");
            assert_eq!(*ended, NodeEvent::Ended(Exit::Killed));
            assert_eq!(watcher.call(Heard).await.unwrap(), ["down: noconnection"]);
            assert!(matches!(call.await, Err(CallError::Exited(Exit::NoConnection))));
            let mut heard = heard(&mut theirs);
            heard.retain(|event| !matches!(event, NodeEvent::Suspect(_) | NodeEvent::Refused { .. }));
            let [up, down] = &heard[..] else { panic!("{actor}: {heard:?}") };
            assert_eq!(*up, NodeEvent::Up(a.id().clone()));
            assert!(matches!(down, NodeEvent::Down(id, _) if id == a.id()), "{down:?}");
            // Who asks now is told at once.
            let mut late = world.probe::<NodeEvent>("late").await;
            a.watch(late.recipient()).await;
            assert_eq!(late.expect(SECOND).await, NodeEvent::Ended(Exit::Killed));
            assert!(a.nodes().await.is_empty());
        });
    }
}

#[test]
fn a_node_that_leaves_has_ended_in_good_order() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        let mut probe = world.probe::<NodeEvent>("events").await;
        let (a, b) = (house.node("a"), house.node("b").id().clone());
        a.watch(probe.recipient()).await;
        world.advance(3 * SECOND).await;
        a.leave().await;
        assert!(!a.is_alive());
        assert_eq!(a.ended().await, Exit::Shutdown);
        world.advance(SECOND).await;
        let ends =
            [NodeEvent::Up(b.clone()), NodeEvent::Down(b, Why::Left), NodeEvent::Ended(Exit::Shutdown)];
        assert_eq!(heard(&mut probe), ends);
    });
}

#[test]
fn a_child_that_is_a_node_ends_for_the_reason_for_which_the_node_did() {
    Sim::new().seeds(2).check(async |world| {
        let (seat, tree) = seated(world, |builder| builder);
        let node = seat.ready().await;
        let hosts = tree.which_children().await.unwrap();
        let Status::Running(host) = hosts[0].status else { panic!("{hosts:?}") };
        let ended = node.system().ended(host);
        node.system().kill(child(node.tree(), "keeper").await);
        assert_eq!(ended.await, Exit::Killed);
    });
}

/// Takes a second for each event.
#[derive(Default)]
struct Slow(Vec<NodeEvent>);

/// Asks in its `init`, as it should, and again.
struct Asks(Vec<NodeEvent>);

impl Actor for Asks {
    type Args = (Node, ActorRef<Asks>);

    async fn init((node, place): Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        for _ in 0..2 {
            node.watch(place.recipient()).await;
        }
        Ok(Asks(Vec::new()))
    }
}

impl Handle<NodeEvent> for Asks {
    async fn handle(&mut self, event: NodeEvent, _: &mut Cx<Self>) {
        self.0.push(event);
    }
}

impl Handle<Tell> for Asks {
    async fn handle(&mut self, _: Tell, _: &mut Cx<Self>) -> Vec<NodeEvent> {
        self.0.clone()
    }
}

#[test]
fn who_asks_in_its_init_hears_of_nodes_in_each_of_its_lives() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        world.advance(3 * SECOND).await;
        let (a, b) = (house.node("a"), house.node("b").id().clone());
        let place = ActorRef::<Asks>::place("asks");
        let up = NodeEvent::Up(b.clone());
        for _ in 0..2 {
            let pid = a.system().start(&place, (a.clone(), place.clone())).await.unwrap();
            assert_eq!(place.call(Tell).await.unwrap(), [up.clone(), up.clone()]);
            a.system().stop(pid, Exit::Shutdown).await.unwrap();
        }
        a.system().start(&place, (a.clone(), place.clone())).await.unwrap();
        house.node("b").leave().await;
        world.advance(SECOND).await;
        let down = NodeEvent::Down(b, Why::Left);
        assert_eq!(place.call(Tell).await.unwrap(), [up.clone(), up, down]);
    });
}

/// What it heard.
struct Tell;

impl Message for Tell {
    type Reply = Vec<NodeEvent>;
}

impl Actor for Slow {
    type Args = ();

    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Slow::default())
    }
}

impl Handle<NodeEvent> for Slow {
    async fn handle(&mut self, event: NodeEvent, cx: &mut Cx<Self>) {
        self.0.push(event);
        // tidy: virtual time
        ravelin_core::sleep(&**cx.system().runtime(), SECOND).await;
    }
}

impl Handle<Tell> for Slow {
    async fn handle(&mut self, _: Tell, _: &mut Cx<Self>) -> Vec<NodeEvent> {
        self.0.clone()
    }
}

#[test]
fn who_watches_nodes_with_a_mailbox_that_is_full_hears_all_in_order() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, NODES).await;
        let a = house.node("a");
        world.advance(4 * SECOND).await;
        let slow = ActorRef::<Slow>::place("slow");
        a.system().start(&slow, ()).mailbox(Bounded(1)).await.unwrap();
        let mut probe = world.probe::<NodeEvent>("events").await;
        for recipient in [slow.recipient(), probe.recipient()] {
            a.watch(recipient).await;
        }
        for name in ["b", "c", "d"] {
            world.restart(name);
        }
        world.advance(30 * SECOND).await;
        let all = heard(&mut probe);
        let nodes = |events: &[NodeEvent]| {
            events.iter().filter(|event| matches!(event, NodeEvent::Up(_) | NodeEvent::Down(..))).count()
        };
        assert_eq!(nodes(&all), 9, "{all:?}");
        assert_eq!(slow.call(Tell).timeout(60 * SECOND).await.unwrap(), all);
    });
}
