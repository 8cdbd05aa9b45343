//! Lesson 9: applications that need each other, and a shutdown in phases. It ends by itself; until then Ctrl-C works.

use ravelin::application::{Application, Config, signals};
use ravelin::prelude::*;
use ravelin::{Applications, CoordinatedShutdown, NoMessage, Runtime, ShutdownReport, runtimes::Tokio};
use std::process::ExitCode;
use std::sync::Arc;

type Problem = Box<dyn std::error::Error>;

/// What the web application wants to know.
#[derive(Clone)]
struct Web {
    workers: usize,
}

fn web(config: Web) -> Supervisor {
    let worker = |n| {
        task(format!("worker-{n}"), |mut inbox: Inbox<NoMessage>| async move {
            inbox.recv().await;
        })
    };
    (0..config.workers).fold(Supervisor::one_for_one("web"), |tree, n| tree.child(worker(n)))
}

async fn run(runtime: Arc<dyn Runtime>) -> Result<ShutdownReport, Problem> {
    let shutdown = CoordinatedShutdown::new();
    shutdown.task("stop accepting", "listener", || async { println!("no more visitors") })?;
    shutdown.task("drain", "orders", || async { println!("the last order is out") })?;
    shutdown.task("close stores", "file", || async { println!("the file is closed") })?;

    // Defaults, and over them what the environment says.
    let config = Config::new(Web { workers: 2 }).layer("WORKERS", |web| {
        web.workers = std::env::var("WORKERS").map_or(Ok(web.workers), |workers| workers.parse())?;
        Ok::<_, std::num::ParseIntError>(())
    });
    // A job that has seen enough; any actor may say so.
    let enough = shutdown.clone();
    let job = task("job", move || {
        enough.begin();
        std::future::pending::<()>()
    });

    let applications = Applications::new()
        .application(Application::configured("web", config, web).needs("store"))
        .application(
            Application::new("job", Supervisor::one_for_one("job").child(job)).needs("web").temporary(),
        )
        .application(
            Application::new("store", Supervisor::one_for_one("store"))
                .start_phase("migrate", || async { println!("the store is up to date") }),
        )
        .shutdown(shutdown);
    print!("{applications}");

    let signals = signals()?;
    let node = applications.start(runtime).await?;
    for application in node.which_applications() {
        println!("started {}", application.name);
    }
    Ok(node.run(signals).await)
}

fn main() -> ExitCode {
    let tokio = match tokio::runtime::Runtime::new() {
        Ok(tokio) => tokio,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match tokio.block_on(run(Tokio::new(tokio.handle().clone()))) {
        Ok(report) => {
            println!("{}, orderly: {}, exit code {}", report.reason, report.is_orderly(), report.code());
            report.exit_code()
        }
        Err(error) => {
            eprintln!("it did not start: {error}");
            ExitCode::FAILURE
        }
    }
}
