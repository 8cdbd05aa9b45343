//! A Redis server made of supervised actors: `cargo run --release --example store -- --help`.
//!
//! It reads as a lesson in how to build something that goes on while its parts fail. In this order:
//! * Pure parts, which know neither actors nor sockets: `reply`, `number`, `protocol`, `command`, `route`, `effect`,
//!   `keyspace`, `journal`, `config`, `info`, `topic`, `session`.
//! * `net`: sockets, on tokio or smol.
//! * `line`: what is kept of a connection outside its actor, and how commands travel.
//! * `actors`: the tree, each actor in a file.
//! * `cluster`: other stores.

#![allow(unreachable_pub, missing_docs, reason = "a program, not a library")]

mod cluster;
mod command;
mod config;
mod effect;
mod info;
mod journal;
mod keyspace;
mod number;
mod protocol;
mod reply;
mod route;
mod session;
mod topic;

mod actors;
mod line;
mod net;

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use ravelin::application::signals;
use ravelin::runtimes::{Smol, Tokio};
use ravelin::{Runtime, System};

use actors::{House, application, chaos};
use config::{Config, Request};
use journal::Store;
use net::Listener;

fn main() -> ExitCode {
    let config = match config::parse(std::env::args_os().skip(1)) {
        Ok(Request::Run(config)) => config,
        Ok(Request::Help) => {
            print!("{}", config::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("store: {error}; --help tells what there is");
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_writer(std::io::stderr).init();
    run(config).unwrap_or_else(|error| {
        eprintln!("store: {error}");
        ExitCode::FAILURE
    })
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

fn run(config: Config) -> Outcome {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let handle = tokio.handle().clone();
    match config.runtime {
        config::Runtime::Tokio => tokio.block_on(serve(config, Tokio::new(handle.clone()), handle)),
        config::Runtime::Smol => {
            let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
            Smol::block_on(cores, |runtime| serve(config, runtime, handle))
        }
    }
}

/// Serves until a signal asks for the end, or the tree gives up.
async fn serve(config: Config, runtime: Arc<dyn Runtime>, tokio: tokio::runtime::Handle) -> Outcome {
    let signals = signals()?;
    let store = Store::open(config.data.join("store.redb"))?;
    let listener = Listener::bind(config.runtime, config.port)
        .map_err(|error| format!("can't listen on port {}: {error}", config.port))?;
    let address = listener.address()?;
    let config = Config { port: address.port(), ..config };
    let chaos = config.chaos.map(|pause| chaos::over(runtime.clone(), pause));
    let system = System::new(chaos.clone().map_or(runtime, |chaos| chaos));
    let node = cluster::join(&config, &system, tokio).await?;
    let house = House::new(config, (system.clone(), chaos, node), store, listener);
    let node = application::store(&house)?.start_in(&system).await?;
    println!("ready on {address}");
    let report = node.run(signals).await;
    println!("{report}");
    // Whatever was killed: each message that an actor ever accepted had exactly one fate.
    let ledger = system.ledger();
    if !ledger.is_balanced() || ledger.waiting > 0 {
        return Err(format!("messages without a fate: {ledger:?}").into());
    }
    Ok(report.exit_code())
}
