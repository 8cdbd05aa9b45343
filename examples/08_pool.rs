//! Lesson 8: a pool. Its workers fall now and then, it grows under load and shrinks after it, and every job has one fate.

use futures::StreamExt;
use ravelin::pool::{AtLimit, PoolStats};
use ravelin::prelude::*;
use ravelin::{
    Autoscale, Outside, Pool, PoolError, PoolRef, Requeue, TaskSupervisor, runtimes::Tokio, start,
};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Make a thumbnail of this picture; the answer is its size in bytes.
#[derive(Message)]
#[message(reply = usize)]
struct Thumbnail(u32);

/// Resizes pictures, and can't read each of them.
struct Resizer;

impl Actor for Resizer {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Resizer)
    }
}

impl Handle<Thumbnail> for Resizer {
    async fn handle(&mut self, Thumbnail(picture): Thumbnail, cx: &mut Cx<Self>) -> usize {
        cx.sleep(2 * MS).await; // tidy: a lesson
        assert!(picture % 50 != 49, "picture {picture} is broken");
        1000 + picture as usize
    }
}

fn tell(when: &str, stats: PoolStats) {
    let PoolStats { workers, accepted, done, lost, restarted, .. } = stats;
    println!(
        "{when}: {workers} workers, {accepted} accepted, {done} done, {lost} lost, {restarted} restarted"
    );
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let resizers = PoolRef::<Resizer>::place("resizers");
    let pool = Pool::new(&resizers, |_number| ())
        .workers(2)
        .requeue(Requeue::Waiting) // what waits outlives the worker that falls
        .autoscale(Autoscale { every: 10 * MS, cool_down: 20 * MS, step: 2, ..Autoscale::between(2, 8) })
        .limit(100, AtLimit::Wait) // who asks for more waits for room
        .intensity(100, 1000 * MS);
    let tasks = TaskSupervisor::place("tasks");
    let tree = Supervisor::rest_for_one("app").child(pool).child(&tasks);
    print!("{tree}");
    let app = start(Tokio::current(), tree).await?;

    // A task for each picture, sixty at a time; their answers in the order of the pictures.
    let ask = {
        let resizers = resizers.clone();
        move |picture| {
            let resizers = resizers.clone();
            async move { resizers.call_one(Thumbnail(picture)).await }
        }
    };
    let mut answers = tasks.async_stream(&Outside, 0..200, ask).max_concurrency(60);
    let mut bytes = 0;
    while let Some(answer) = answers.next().await {
        match answer? {
            Ok(size) => bytes += size,
            Err(PoolError::Exited(why)) => println!("lost: {why}"),
            Err(other) => return Err(other.to_string().into()),
        }
    }
    println!("{bytes} bytes");
    tell("after the rush", resizers.stats());
    while resizers.stats().workers > 2 {
        ravelin::sleep(&**app.system().runtime(), 10 * MS).await; // tidy: a lesson
    }
    tell("at rest", resizers.stats());
    let is_balanced = resizers.stats().is_balanced();
    app.stop().await;
    println!("every job had one fate: {is_balanced}");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}
