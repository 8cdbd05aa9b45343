//! The conformance runner: does what a scenario says on a live tree, and prints what happened, to be compared with
//! what Erlang/OTP does.
//!
//! `conformance [--runtime tokio|smol|local] [--workers N] SCENARIO.json`
//! `conformance --sim [--seed N] [--order fifo|random] SCENARIO.json`
//!
//! By default it runs on tokio's multi-thread runtime with one worker, beside the thread that does the steps: then what
//! is begun at once comes in the order in which it was begun. More workers look for races. `--sim` runs it in the
//! simulator, in virtual time; with a random order that follows from the seed it looks for races too.

#![allow(clippy::disallowed_methods, reason = "an example owns its program: it makes the executor")]

mod hub;
mod reason;
mod run;
mod steps;
mod trace;
mod tree;
mod worker;

use lexopt::ValueExt;
use ravelin::Runtime;
#[cfg(feature = "smol")]
use ravelin::runtimes::Smol;
use ravelin::runtimes::{Local, Tokio};
#[cfg(feature = "sim")]
use ravelin::sim::{Order, Seed, SimRuntime};
use serde_json::Value;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

type Fault = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    // What panics here does so on purpose, and is in the trace.
    std::panic::set_hook(Box::new(|_| {}));
    match conform() {
        Ok(trace) => {
            let mut out = std::io::stdout().lock();
            let written = out.write_all(trace.as_bytes()).and_then(|()| out.flush());
            // What still lives (a worker that hangs, say) is not waited for.
            std::process::exit(if written.is_ok() { 0 } else { 2 })
        }
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::from(2)
        }
    }
}

const USAGE: &str = "usage: conformance [--runtime tokio|smol|local] [--workers N] SCENARIO.json
       conformance --sim [--seed N] [--order fifo|random] SCENARIO.json";

fn conform() -> Result<String, Fault> {
    let (mut runtime, mut workers, mut path) = ("tokio".to_string(), 1, None);
    let (mut seed, mut order) = (0, "fifo".to_string());
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            lexopt::Arg::Long("runtime") => runtime = arguments.value()?.to_string_lossy().into_owned(),
            lexopt::Arg::Long("workers") => workers = arguments.value()?.parse()?,
            lexopt::Arg::Long("sim") => runtime = "sim".into(),
            lexopt::Arg::Long("seed") => seed = arguments.value()?.parse()?,
            lexopt::Arg::Long("order") => order = arguments.value()?.to_string_lossy().into_owned(),
            lexopt::Arg::Value(value) => path = Some(value),
            other => return Err(other.unexpected().into()),
        }
    }
    let path = path.ok_or(USAGE)?;
    let scenario: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    match &*runtime {
        "tokio" => {
            let mut tokio = tokio::runtime::Builder::new_multi_thread();
            let tokio = tokio.worker_threads(workers).enable_all().build()?;
            let trace = tokio.block_on(async { run::run(Tokio::current(), &scenario).await });
            tokio.shutdown_background();
            trace
        }
        #[cfg(feature = "smol")]
        "smol" => smol::block_on(run::run(Smol::global(), &scenario)),
        "local" => {
            let local = Local::new();
            let runtime: Arc<dyn Runtime> = local.clone();
            local.block_on(run::run(runtime, &scenario))
        }
        #[cfg(feature = "sim")]
        "sim" => {
            let order = match &*order {
                "fifo" => Order::Fifo,
                "random" => Order::Random,
                other => return Err(format!("no such order: {other}").into()),
            };
            let sim = SimRuntime::new(Seed(seed), order);
            sim.block_on(run::run(sim.clone(), &scenario)).map_err(|failure| failure.to_string())?
        }
        other => Err(format!("no such runtime: {other}").into()),
    }
}
