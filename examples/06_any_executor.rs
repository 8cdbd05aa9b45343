//! Lesson 6: the same tree, unchanged, on tokio, on smol and on a single thread. An executor is a value.

use ravelin::prelude::*;
use ravelin::runtimes::{Local, Smol, Tokio};
use ravelin::{Runtime, start};
use std::sync::Arc;

#[derive(Message)]
#[message(reply = String)]
struct WhereAmI;

struct Guest;

impl Actor for Guest {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Guest)
    }
}

impl Handle<WhereAmI> for Guest {
    async fn handle(&mut self, _: WhereAmI, cx: &mut Cx<Self>) -> String {
        cx.runtime().name().to_owned()
    }
}

/// Knows no executor.
async fn visit(runtime: Arc<dyn Runtime>) -> Result<String, Box<dyn std::error::Error>> {
    let guest = ActorRef::<Guest>::place("guest");
    let app = start(runtime, Supervisor::one_for_one("app").child(child(&guest, || ()))).await?;
    let name = guest.call(WhereAmI).await?;
    app.stop().await;
    Ok(name)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let many = tokio::runtime::Runtime::new()?;
    println!("tokio, many threads: {}", many.block_on(async { visit(Tokio::current()).await })?);

    let one = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    println!("tokio, one thread: {}", one.block_on(async { visit(Tokio::current()).await })?);

    println!("smol: {}", smol::block_on(visit(Smol::global()))?);

    let local = Local::new();
    println!("one thread, no dependency: {}", local.block_on(visit(local.clone()))?);
    Ok(())
}
