//! Lesson 4: a task that fails at first, a back-off between its restarts, and callbacks that tell what happens.

use ravelin::prelude::*;
use ravelin::{AutoShutdown, Runtime, exponential, runtimes::Tokio, start};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

async fn connect(attempt: u32) -> Result<(), String> {
    if attempt < 4 { Err(format!("attempt {attempt}: connection refused")) } else { Ok(()) }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Tokio::current();
    let (attempts, clock, begin) = (Arc::new(AtomicU32::new(0)), runtime.clone(), runtime.now());
    let job = task("connect", move || {
        let attempt = attempts.fetch_add(1, Relaxed) + 1;
        connect(attempt)
    })
    .transient() // restarted after an error or a panic, not after a normal end
    .backoff(exponential(Duration::from_millis(10), Duration::from_millis(100)))
    .significant() // its final end ends the tree, as `auto_shutdown` says below
    .before_start(|child| println!("{} starts", child.id))
    .before_restart(move |child| {
        println!("{} starts again after {} ms", child.id, (clock.now() - begin).as_millis());
    })
    .after_stop(|child| println!("{} is done: {}", child.id, child.exit.as_ref().expect("it ended")));

    let tree = Supervisor::one_for_one("app")
        .intensity(5, Duration::from_secs(1)) // a sixth restart within a second would end the supervisor
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(job);
    let app = start(runtime.clone(), tree).await?;
    println!("the tree ended: {}", app.ended().await);
    // 10, 20 and 40 ms: the back-off is a floor, whatever the machine does.
    assert!(runtime.now() - begin >= Duration::from_millis(70));
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}
