//! What a node is started with, and as what.

use crate::house::{House, NODES, at};
use futures::FutureExt;
use futures::future::BoxFuture;
use ravelin_cluster::discovery::{Discovery, DiscoveryError};
use ravelin_cluster::proto::reach::Why;
use ravelin_cluster::transport::SimTransport;
use ravelin_cluster::{
    Accepts, Bincode, Codec, Config, Endpoint, Node, NodeBuilder, NodeEvent, NodeSeat, Remote, Undecodable,
    Wire,
};
use ravelin_core::{Actor, CallError, Cx, Exit, Handle, Message};
use ravelin_sim::{Sim, World};
use ravelin_supervisor::{Supervisor, SupervisorRef};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Finds the first node.
struct Finds;

impl Discovery for Finds {
    fn find(&self) -> BoxFuture<'_, Result<Vec<Endpoint>, DiscoveryError>> {
        futures::future::ready(Ok(vec![at("a")])).boxed()
    }
}

/// A node `z` that is the child of a tree; it starts as `with` says.
pub(crate) fn seated(
    world: &World,
    with: impl Fn(NodeBuilder) -> NodeBuilder + Clone + Send + Sync + 'static,
) -> (NodeSeat, SupervisorRef) {
    let (seat, tree) = (NodeSeat::new(), SupervisorRef::place("tree"));
    let (its, place) = (seat.clone(), tree.clone());
    world.node("z", move |node| {
        let (seat, place, with) = (its.clone(), place.clone(), with.clone());
        async move {
            let config = Config::new("z".parse().unwrap(), &at("z").0);
            let builder = with(Node::builder(config, Arc::new(SimTransport::new(node.net().clone()))));
            let tree = Supervisor::one_for_one("tree").child(builder.at(&seat));
            tree.start_at(node.system(), &place).await.unwrap();
            std::future::pending::<()>().await;
        }
    });
    (seat, tree)
}

#[test]
fn a_node_in_a_tree_finds_others_by_its_own_discovery_and_leaves_with_the_tree() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..1]).await;
        let (seat, tree) = seated(world, |builder| builder.discovery(Finds));
        let mut probe = world.probe::<NodeEvent>("events").await;
        house.node("a").watch(probe.recipient()).await;
        let id = seat.ready().await.id().clone();
        let second = Duration::from_secs(1);
        assert_eq!(probe.expect(3 * second).await, NodeEvent::Up(id.clone()));
        let system = seat.node().unwrap().system().clone();
        let pid = tree.pid().unwrap();
        system.shut_down(pid, ravelin_core::Exit::Shutdown, None).await;
        assert_eq!(probe.expect(second).await, NodeEvent::Down(id, Why::Left));
        assert!(system.is_empty(), "nothing of the node is left: {:?}", system.pids());
    });
}

/// The bytes of bincode, from the end to the beginning.
struct Backwards;

impl Codec for Backwards {
    const NAME: &'static str = "backwards-1";

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Undecodable> {
        let begin = out.len();
        Bincode::encode(value, out)?;
        out[begin..].reverse();
        Ok(())
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable> {
        Bincode::decode(&bytes.iter().rev().copied().collect::<Vec<u8>>())
    }
}

/// Say it again.
#[derive(Deserialize, Serialize)]
struct Say(String);

impl Message for Say {
    type Reply = String;
}

impl Wire for Say {
    const NAME: &'static str = "test.say";
    type Codec = Backwards;
}

struct Parrot;

impl Actor for Parrot {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Parrot)
    }
}

impl Handle<Say> for Parrot {
    async fn handle(&mut self, say: Say, _: &mut Cx<Self>) -> String {
        say.0
    }
}

impl Remote for Parrot {
    fn accepts(messages: &mut Accepts<Parrot>) {
        messages.add::<Say>();
    }
}

#[test]
fn messages_of_a_codec_of_ones_own_travel_between_nodes_that_name_it_and_to_no_other() {
    Sim::new().seeds(2).check(async |world| {
        let nodes = Arc::new(Mutex::new(Vec::<Node>::new()));
        for name in ["a", "b", "c"] {
            let nodes = nodes.clone();
            world.node(name, move |node| {
                let nodes = nodes.clone();
                async move {
                    let mut config = Config::new(name.parse().unwrap(), &at(name).0);
                    config.seeds = vec![at("a")];
                    let transport = Arc::new(SimTransport::new(node.net().clone()));
                    let builder = Node::builder(config, transport);
                    let builder = if name == "c" { builder } else { builder.codec::<Backwards>() };
                    let cluster = builder.start(node.system()).await.unwrap();
                    let parrot = node.system().spawn::<Parrot>(()).await.unwrap();
                    node.system().register("parrot", parrot.pid().unwrap()).unwrap();
                    cluster.accept::<Parrot>();
                    nodes.lock().unwrap().push(cluster);
                    std::future::pending::<()>().await;
                }
            });
        }
        world.advance(Duration::from_secs(3)).await;
        let nodes = nodes.lock().unwrap().clone();
        let from = |name: &str| nodes.iter().find(|node| node.id().name.as_str() == name).unwrap();
        let parrot = |of: &str, on: &str| from(on).named::<Parrot>(&of.parse().unwrap(), "parrot");
        assert_eq!(parrot("b", "a").call(Say("hello".into())).await.unwrap(), "hello");
        for (of, on) in [("c", "a"), ("a", "c")] {
            let Err(CallError::NotUnderstood(why)) = parrot(of, on).call(Say("hello".into())).await else {
                panic!("{on} and {of} have bincode only")
            };
            assert!(why.contains("backwards-1"), "{why}");
        }
        assert_eq!(from("c").nodes().await.len(), 2, "the links stay");
    });
}
