//! The attribute `sim_test`, as a user writes it.

use ravelin::prelude::*;
use ravelin::sim::{Faults, Order, World};
use ravelin::{CallError, sim_test};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Message)]
#[message(reply = u64)]
struct Next;

struct Tickets(u64);

impl Actor for Tickets {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Tickets(0))
    }
}

impl Handle<Next> for Tickets {
    async fn handle(&mut self, _: Next, cx: &mut Cx<Self>) -> u64 {
        cx.sleep(Duration::from_millis(1)).await; // tidy: virtual time
        self.0 += 1;
        self.0
    }
}

fn tree(tickets: &ActorRef<Tickets>) -> Supervisor {
    Supervisor::one_for_one("app").intensity(10, SECOND).child(child(tickets, || ()))
}

#[sim_test]
async fn a_test_needs_no_more_than_the_attribute(world: &mut World) {
    let tickets = ActorRef::place("tickets");
    world.start(tree(&tickets)).await.unwrap();
    assert_eq!(tickets.call(Next).await.unwrap(), 1);
}

#[sim_test(seeds = 30, order = Order::Bounded { preemptions: 3 }, faults = Faults::none().kills("tickets", 3).over(SECOND))]
async fn killed_it_is_started_again_and_a_call_always_ends(
    world: &mut World,
) -> Result<(), Box<dyn std::error::Error>> {
    let tickets = ActorRef::place("tickets");
    world.start(tree(&tickets)).await?;
    for _ in 0..20 {
        match tickets.call(Next).await {
            Ok(_) | Err(CallError::Exited(Exit::Killed) | CallError::NoProc(_)) => {}
            Err(other) => panic!("{other}"),
        }
        world.advance(SECOND / 15).await;
    }
    world.calm();
    world.advance(SECOND).await;
    tickets.call(Next).await?;
    Ok(())
}

#[sim_test(seeds = 50, faults = Faults::none().kills("tickets", 2).over(SECOND))]
#[should_panic(expected = "cargo test a_number_is_given_twice_after_a_restart")]
async fn a_number_is_given_twice_after_a_restart(world: &mut World) {
    let tickets = ActorRef::place("tickets");
    world.start(tree(&tickets)).await.unwrap();
    let first = tickets.call(Next).await.unwrap();
    world.advance(2 * SECOND).await;
    assert_ne!(tickets.call(Next).await.unwrap(), first);
}

#[sim_test(only = 3)]
#[should_panic(expected = "the test returned an error: NoProc")]
async fn an_error_is_a_failure(world: &mut World) -> Result<(), CallError<Next>> {
    let nobody = ActorRef::<Tickets>::place("nobody");
    world.settle().await;
    nobody.call(Next).await.map(drop)
}
