//! The derive `Remote`, through the facade alone.

use ravelin::cluster::transport::SimTransport;
use ravelin::cluster::{Config, Endpoint, Node};
use ravelin::prelude::*;
use ravelin::sim::Sim;
use ravelin::{CallError, Remote};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Message, serde::Deserialize, serde::Serialize)]
#[message(reply = i64, wire = "counter.add")]
struct Add(i64);

/// Of this node only.
#[derive(Message, serde::Deserialize, serde::Serialize)]
#[message(wire = "counter.reset")]
struct Reset;

#[derive(Remote)]
#[remote(Add)]
struct Counter(i64);

impl Actor for Counter {
    type Args = ();

    async fn init((): (), cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.register("counter").map_err(Exit::error)?;
        Ok(Counter(0))
    }
}

impl Handle<Add> for Counter {
    async fn handle(&mut self, add: Add, _: &mut Cx<Self>) -> i64 {
        self.0 += add.0;
        self.0
    }
}

impl Handle<Reset> for Counter {
    async fn handle(&mut self, _: Reset, _: &mut Cx<Self>) {
        self.0 = 0;
    }
}

#[test]
fn what_stands_in_the_attribute_is_accepted_from_other_nodes_and_nothing_else() {
    Sim::new().seeds(2).check(async |world| {
        for name in ["a", "b"] {
            world.node(name, async |node| {
                let name = node.name().to_owned();
                let mut config = Config::new(name.parse().unwrap(), &format!("{name}:4370"));
                config.seeds = vec![Endpoint("a:4370".into())];
                let transport = Arc::new(SimTransport::new(node.net().clone()));
                let cluster = Node::start(node.system(), config, transport).await.unwrap();
                cluster.accept::<Counter>();
                let counter = ActorRef::<Counter>::place("counter");
                node.system().start(&counter, ()).await.unwrap();
                if name == "b" {
                    ravelin::sleep(&**node.system().runtime(), Duration::from_secs(3)).await; // tidy: virtual time
                    let there = cluster.named::<Counter>(&"a".parse().unwrap(), "counter");
                    assert_eq!(there.call(Add(2)).await.unwrap(), 2);
                    assert!(matches!(there.call(Reset).await, Err(CallError::NotUnderstood(_))));
                    assert_eq!(there.call(Add(3)).await.unwrap(), 5);
                    node.system().whereis("counter").unwrap();
                }
                std::future::pending::<()>().await;
            });
        }
        world.advance(Duration::from_secs(5)).await;
    });
}
