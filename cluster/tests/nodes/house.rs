//! Some nodes in a simulated world, each with a puppet called `puppet`.

use crate::cast::Puppet;
use ravelin_cluster::transport::SimTransport;
use ravelin_cluster::{Addr, Config, Endpoint, Node};
use ravelin_core::ActorRef;
use ravelin_sim::World;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub(crate) const NODES: &[&str] = &["a", "b", "c", "d"];

/// Where a node listens.
pub(crate) fn at(name: &str) -> Endpoint {
    Endpoint(format!("{name}:4370").into())
}

/// What runs on a node.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) node: Node,
    pub(crate) puppet: ActorRef<Puppet>,
}

/// The nodes, by name.
#[derive(Clone)]
pub(crate) struct House {
    names: Vec<String>,
    homes: Arc<Mutex<BTreeMap<String, Home>>>,
}

impl House {
    /// These nodes, of which each has the first as its seed.
    pub(crate) async fn new(world: &World, names: &[&str]) -> House {
        House::tuned(world, names, |_| ()).await
    }

    /// The same, with other configurations.
    pub(crate) async fn tuned(
        world: &World,
        names: &[&str],
        tune: impl Fn(&mut Config) + Clone + Send + Sync + 'static,
    ) -> House {
        let house =
            House { names: names.iter().map(|name| (*name).to_owned()).collect(), homes: Arc::default() };
        for name in names {
            let (homes, seed) = (house.homes.clone(), at(names[0]));
            let tune = tune.clone();
            world.node(*name, move |node| {
                let (homes, seed, tune) = (homes.clone(), seed.clone(), tune.clone());
                async move {
                    let name = node.name().to_owned();
                    let mut config = Config::new(name.parse().unwrap(), &at(&name).0);
                    config.seeds = vec![seed];
                    tune(&mut config);
                    let transport = Arc::new(SimTransport::new(node.net().clone()));
                    let cluster = Node::start(node.system(), config, transport).await.unwrap();
                    let puppet = ActorRef::<Puppet>::place("puppet");
                    let pid = node.system().start(&puppet, Some(cluster.clone())).await.unwrap();
                    node.system().register("puppet", pid).unwrap();
                    cluster.accept::<Puppet>();
                    homes.lock().unwrap().insert(name, Home { node: cluster, puppet });
                    std::future::pending::<()>().await;
                }
            });
        }
        world.settle().await;
        house
    }

    pub(crate) fn home(&self, name: &str) -> Home {
        self.homes.lock().unwrap()[name].clone()
    }

    pub(crate) fn node(&self, name: &str) -> Node {
        self.home(name).node
    }

    /// The puppet of one node, as another one names it.
    pub(crate) fn addr(&self, of: &str, from: &str) -> Addr<Puppet> {
        self.node(from).named(&of.parse().unwrap(), "puppet")
    }

    /// Whom a node reaches.
    pub(crate) async fn reached(&self, name: &str) -> Vec<String> {
        self.node(name).nodes().await.into_iter().map(|id| id.name.to_string()).collect()
    }

    /// All but this one.
    pub(crate) fn others(&self, name: &str) -> Vec<String> {
        self.names.iter().filter(|other| *other != name).cloned().collect()
    }
}
