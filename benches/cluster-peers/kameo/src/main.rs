//! The workloads of the cluster on two nodes of kameo: `peer-kameo WORKLOAD COUNT`.
//!
//! `oneway`, `oneway2`, `call`, `call_many`, `down`, `nodedown` and `bulk` are those of the cluster. `unacked` is of
//! kameo alone: one-way messages that nobody waits for, and how many of them come.

mod actors;
mod node;
mod workloads;

use node::{Node, be_the_other};

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args[0] == "other" {
        return be_the_other().await;
    }
    let (name, count) = (args[0].as_str(), args[1].parse().expect("a count"));
    let node = Node::start();
    match name {
        "oneway" => workloads::oneway(name, &node, count, 1).await,
        "oneway2" => workloads::oneway(name, &node, count, 2).await,
        "unacked" => workloads::unacked(&node, count).await,
        "call" => workloads::calls(name, &node, count, 1).await,
        "call_many" => workloads::calls(name, &node, count, 16).await,
        "down" => workloads::down(&node, count).await,
        "nodedown" => workloads::nodedown(&node, count).await,
        "bulk" => workloads::bulk(&node, count).await,
        _ => {}
    }
}
