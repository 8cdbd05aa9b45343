//! Lesson 1: an actor in a tree. It panics, its supervisor starts it again, and the same handle reaches it.

use ravelin::prelude::*;
use ravelin::{runtimes::Tokio, start};

#[derive(Message)]
#[message(reply = u64)]
struct Divide(u64);

struct Calculator(u64);

impl Actor for Calculator {
    type Args = u64;
    async fn init(from: u64, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Calculator(from))
    }
}

impl Handle<Divide> for Calculator {
    async fn handle(&mut self, Divide(by): Divide, _: &mut Cx<Self>) -> u64 {
        self.0 /= by;
        self.0
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let calculator = ActorRef::<Calculator>::place("calculator"); // a place, where nobody lives yet
    let tree = Supervisor::one_for_one("app").child(child(&calculator, || 42));
    let app = start(Tokio::current(), tree).await?; // returns when every init has
    println!("42 / 2 = {}", calculator.call(Divide(2)).await?);
    println!("21 / 0: {}", calculator.call(Divide(0)).await.unwrap_err());
    calculator.ready().await; // its supervisor has started it again, with 42
    println!("42 / 3 = {}", calculator.call(Divide(3)).await?);
    println!("stopped: {}", app.stop().await.root);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}
