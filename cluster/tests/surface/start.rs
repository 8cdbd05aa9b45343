//! What a node is started with, and as what.

use crate::house::{House, NODES, at};
use futures::FutureExt;
use futures::future::BoxFuture;
use ravelin_cluster::discovery::{Discovery, DiscoveryError};
use ravelin_cluster::proto::reach::Why;
use ravelin_cluster::transport::SimTransport;
use ravelin_cluster::{Config, Endpoint, Node, NodeEvent, NodeSeat};
use ravelin_sim::Sim;
use ravelin_supervisor::{Supervisor, SupervisorRef};
use std::sync::Arc;
use std::time::Duration;

/// Finds the first node.
struct Finds;

impl Discovery for Finds {
    fn find(&self) -> BoxFuture<'_, Result<Vec<Endpoint>, DiscoveryError>> {
        futures::future::ready(Ok(vec![at("a")])).boxed()
    }
}

#[test]
fn a_node_in_a_tree_finds_others_by_its_own_discovery_and_leaves_with_the_tree() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..1]).await;
        let (seat, tree) = (NodeSeat::new(), SupervisorRef::place("tree"));
        let (its, place) = (seat.clone(), tree.clone());
        world.node("z", move |node| {
            let (seat, place) = (its.clone(), place.clone());
            async move {
                let config = Config::new("z".parse().unwrap(), &at("z").0);
                let transport = Arc::new(SimTransport::new(node.net().clone()));
                let builder = Node::builder(config, transport).discovery(Finds);
                let tree = Supervisor::one_for_one("tree").child(builder.at(&seat));
                tree.start_at(node.system(), &place).await.unwrap();
                std::future::pending::<()>().await;
            }
        });
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
