//! A lost update, found by the simulator: two sellers look at the stock, wait for the answer, and write down what is
//! left. Between the look and the writing the other one may have sold too. The run that shows it is shrunk, and told.

use ravelin::prelude::*;
use ravelin::sim::{Fault, Faults, Order, Sim, World};
use std::time::Duration;

/// How many are left?
#[derive(Message)]
#[message(reply = u32)]
struct Look;

/// So many are left.
#[derive(Message)]
#[message(reply = ())]
struct Write(u32);

struct Stock(u32);

impl Actor for Stock {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Stock(100))
    }
}

impl Handle<Look> for Stock {
    async fn handle(&mut self, _: Look, _: &mut Cx<Self>) -> u32 {
        self.0
    }
}

impl Handle<Write> for Stock {
    async fn handle(&mut self, Write(left): Write, _: &mut Cx<Self>) {
        self.0 = left;
    }
}

#[derive(Message)]
struct Sell;

struct Seller {
    stock: ActorRef<Stock>,
}

impl Actor for Seller {
    type Args = ActorRef<Stock>;
    async fn init(stock: ActorRef<Stock>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Seller { stock })
    }
}

impl Handle<Sell> for Seller {
    // Wrong: what was read may be old when it is written. One message `Take(1)` to the stock would be right.
    async fn handle(&mut self, _: Sell, _: &mut Cx<Self>) {
        if let Ok(left) = self.stock.call(Look).await {
            let _ = self.stock.call(Write(left - 1)).await;
        }
    }
}

/// A day in the shop. Each sale is a named point: the seed says which take place, and shrinking leaves sales out.
async fn a_day(world: &mut World) {
    let stock = world.spawn::<Stock>("stock", ()).await;
    let ann = world.spawn::<Seller>("ann", stock.clone()).await;
    let ben = world.spawn::<Seller>("ben", stock.clone()).await;
    let mut sold = 0;
    for _ in 0..10 {
        for (seller, sale) in [(&ann, "ann sells"), (&ben, "ben sells")] {
            if world.system().buggify(sale) {
                seller.cast(Sell).expect("the seller is there");
                sold += 1;
            }
        }
        world.advance(Duration::from_millis(1)).await;
    }
    assert_eq!(
        stock.call(Look).await.expect("the stock is there"),
        100 - sold,
        "what is left after {sold} sales"
    );
}

fn main() {
    let sales = Fault::Buggify { per_million: 300_000 };
    let sim = Sim::new().name("a_day").seeds(100).order(Order::Random).faults(Faults::none().always(sales));
    let found = sim.alone().run(a_day).expect_err("somebody loses an update");
    println!("{found}");
    println!("the story of the smallest run:");
    found.story.iter().for_each(|line| println!("  {line}"));
    assert!(found.scenario.len() <= 5, "it is small");
    println!("steps left: {}", found.scenario.len());
}
