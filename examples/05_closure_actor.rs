//! Lesson 5: an actor that is one async function. It owns its inbox, and takes from it what it wants first.

use ravelin::prelude::*;
use ravelin::{Received, Task, runtimes::Tokio, start, task_at};

#[derive(Debug, Message)]
#[message(reply = u32)]
enum Till {
    Price(u32),
    Sale(u32),
    Total,
}

/// A till that cannot sell before it knows the price: sales that come earlier wait in the inbox, in their order.
async fn till(mut inbox: Inbox<Till>) {
    let price = match inbox.recv_matching(|message| matches!(message, Till::Price(_))).await {
        Some(Till::Price(price)) => price,
        _ => return,
    };
    println!("the price is {price}");
    let mut total = 0;
    while let Some(received) = inbox.next().await {
        match received {
            Received::Message(Till::Sale(pieces), _) => {
                total += pieces * price;
                println!("sold {pieces}, {total} in the till");
            }
            Received::Message(Till::Total, reply) => reply.send(total),
            other => println!("ignored: {other:?}"),
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let place = ActorRef::<Task<Till>>::place("till");
    let app = start(Tokio::current(), Supervisor::one_for_one("shop").child(task_at(&place, till))).await?;
    place.cast(Till::Sale(1))?;
    place.cast(Till::Sale(2))?;
    place.cast(Till::Price(5))?;
    let total = place.call(Till::Total).await?;
    app.stop().await;
    println!("total: {total}");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}
