//! What a cluster costs: two processes on this machine, one JSON line for each run.
//!
//! `cluster-bench WORKLOAD [--transport tls|tcp|quic] [--n N] [--nodes N]`
//!
//! | name | one operation is |
//! |---|---|
//! | oneway, oneway2 | a cast of 32 bytes from one (two) actors to one of the other process, until that has counted all |
//! | call | a call to an actor of the other process and its answer, one after the other |
//! | call_many | the same from 16 actors |
//! | ended | from the moment a monitored actor of the other process ends itself to its `Down` |
//! | down | from the kill of a monitored actor of the other process to its `Down`: there, and back |
//! | nodedown | from the kill of the other process to the `Down` of an actor that it had |
//! | join | until each of so many nodes reaches all others; in one process |
//! | bulk | a message of 8 MiB, while another actor calls every 5 ms |
//!
//! Each asserts its counts: a figure for work that was not done is worth nothing.
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock and starts processes")]

mod run;

mod cast;
mod world;

mod bulk;
mod ends;
mod messages;

use run::Run;
use world::World;

fn main() {
    let run = Run::parse();
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(run.workers)
        .enable_all()
        .build()
        .expect("a runtime");
    let world = World::new(run, tokio.handle().clone());
    tokio.block_on(tokio.spawn(workload(world))).expect("the workload");
    std::process::exit(0)
}

async fn workload(world: World) {
    match world.run.workload.as_str() {
        "oneway" => messages::oneway(&world, 1).await,
        "oneway2" => messages::oneway(&world, 2).await,
        "call" => messages::call(&world, 1).await,
        "call_many" => messages::call(&world, 16).await,
        "ended" => ends::ended(&world).await,
        "down" => ends::down(&world).await,
        "nodedown" => ends::nodedown(&world).await,
        "join" => ends::join(&world).await,
        "bulk" => bulk::bulk(&world).await,
        world::OTHER => world.be_the_other().await,
        _ => run::usage(),
    }
}
