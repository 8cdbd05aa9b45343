//! Lesson 2: call and cast, what each of them tells you when it goes wrong, and an answer that comes later.

use ravelin::prelude::*;
use ravelin::{Bounded, CallError, Overflow, SendError, runtimes::Tokio, start};
use std::time::Duration;

/// Put some coffee in; nothing is answered.
#[derive(Debug, Message)]
struct Fill(u32);

/// Brew a cup: the answer is what is left.
#[derive(Debug, Message)]
#[message(reply = u32)]
struct Brew;

/// Ring when the machine has cooled down: answered later.
#[derive(Debug, Message)]
#[message(reply = &'static str)]
struct Cool(Duration);

/// What the machine tells itself when it has cooled down.
#[derive(Message)]
struct Cooled;

struct Machine {
    beans: u32,
    waiting: Option<ReplyTo<&'static str>>,
}

impl Actor for Machine {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Machine { beans: 0, waiting: None })
    }
}

impl Handle<Fill> for Machine {
    async fn handle(&mut self, Fill(beans): Fill, _: &mut Cx<Self>) {
        self.beans += beans;
    }
}

impl Handle<Brew> for Machine {
    async fn handle(&mut self, _: Brew, cx: &mut Cx<Self>) -> u32 {
        cx.sleep(Duration::from_millis(20)).await; // it handles nothing else meanwhile
        self.beans = self.beans.checked_sub(1).expect("no beans");
        self.beans
    }
}

impl Serve<Cool> for Machine {
    async fn serve(&mut self, Cool(time): Cool, reply: ReplyTo<&'static str>, cx: &mut Cx<Self>) {
        cx.send_after(time, Cooled); // it goes on with other messages
        self.waiting = Some(reply);
    }
}

impl Handle<Cooled> for Machine {
    async fn handle(&mut self, _: Cooled, _: &mut Cx<Self>) {
        if let Some(reply) = self.waiting.take() {
            reply.send("ring");
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let machine = ActorRef::<Machine>::place("machine");

    // Nobody lives there yet: the message comes back.
    let Err(SendError::NoProc(Fill(beans))) = machine.cast(Fill(3)) else {
        unreachable!("the place is empty")
    };
    println!("cast to an empty place: {beans} beans handed back");

    let small = ActorRef::<Machine>::place("small");
    let tree = Supervisor::one_for_one("kitchen")
        .child(child(&machine, || ()))
        .child(child(&small, || ()).mailbox(Bounded(1).on_full(Overflow::Refuse)));
    let app = start(Tokio::current(), tree).await?;

    machine.cast(Fill(beans))?; // goes on at once
    println!("call: {} left", machine.call(Brew).await?); // waits, five seconds at most

    let hasty = machine.call(Brew).timeout(Duration::from_millis(1)).await;
    println!("call with a time limit: {}", hasty.unwrap_err()); // the cup is brewed all the same

    let ring = machine.call(Cool(Duration::from_millis(5))).await?;
    println!("deferred reply: {ring}");

    // One message fits into the small one's mailbox, and its policy is to refuse the next.
    let refused = loop {
        if let Err(error) = small.cast(Fill(1)) {
            break error;
        }
    };
    println!("cast to a full mailbox: {refused}");

    println!("call: {} left", machine.call(Brew).await?);
    match machine.call(Brew).await {
        Err(CallError::Exited(Exit::Panic(panic))) => println!("call to one that panics: {}", panic.message),
        other => println!("call: {other:?}"),
    }
    app.stop().await;
    println!("every message had one fate: {}", app.system().ledger().is_balanced());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}
