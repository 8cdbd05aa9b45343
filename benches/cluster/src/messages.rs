//! Small messages: one way, and there and back.

use crate::cast::{Count, Echo, Sink, Small};
use crate::world::World;
use futures::future::join_all;
use ravelin_cluster::Addr;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, SendError, System};
use std::time::{Duration, Instant};

/// How many calls go before those that are measured.
const WARM_CALLS: u64 = 2_000;

/// Sends to the sink.
pub(crate) struct Sender(Addr<Sink>);

impl Actor for Sender {
    type Args = Addr<Sink>;
    async fn init(sink: Addr<Sink>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Sender(sink))
    }
}

/// Send so many.
struct Flood(u64);
impl Message for Flood {
    type Reply = ();
}

/// Call so often; the answer is how long each took.
pub(crate) struct Calls(pub(crate) u64);
impl Message for Calls {
    type Reply = Vec<Duration>;
}

impl Handle<Flood> for Sender {
    /// Where the link takes no more, it waits until the sink has what was sent.
    async fn handle(&mut self, flood: Flood, _: &mut Cx<Self>) {
        for _ in 0..flood.0 {
            let mut message = Small::NEW;
            while let Err(SendError::Full(back)) = self.0.cast(message) {
                message = back;
                self.0.call(Count).no_timeout().await.expect("an answer");
            }
        }
        self.0.call(Count).no_timeout().await.expect("an answer");
    }
}

impl Handle<Calls> for Sender {
    async fn handle(&mut self, calls: Calls, _: &mut Cx<Self>) -> Vec<Duration> {
        let mut took = Vec::with_capacity(calls.0 as usize);
        for number in 0..calls.0 {
            let begun = Instant::now();
            assert_eq!(self.0.call(Echo(number)).await.expect("an answer"), number);
            took.push(begun.elapsed());
        }
        took
    }
}

async fn senders(system: &System, sink: &Addr<Sink>, count: u64) -> Vec<ActorRef<Sender>> {
    join_all((0..count).map(|_| async { system.spawn::<Sender>(sink.clone()).await.expect("it starts") }))
        .await
}

pub(crate) async fn oneway(world: &World, count: u64) {
    let (node, _other, sink) = world.pair().await;
    let senders = senders(node.system(), &sink, count).await;
    let each = world.run.n / count;
    let flood = async |each| {
        join_all(senders.iter().map(|sender| sender.call(Flood(each)).no_timeout().into_future())).await;
    };
    flood(each / 20).await;
    let before = sink.call(Count).await.expect("an answer");
    let begun = Instant::now();
    flood(each).await;
    let took = begun.elapsed();
    let after = sink.call(Count).await.expect("an answer");
    assert_eq!(after - before, each * count, "some were lost");
    world.run.report(each * count, took, &[]);
}

pub(crate) async fn call(world: &World, count: u64) {
    let (node, _other, sink) = world.pair().await;
    let senders = senders(node.system(), &sink, count).await;
    let calls = async |each| {
        join_all(senders.iter().map(|sender| sender.call(Calls(each)).no_timeout().into_future())).await
    };
    calls(WARM_CALLS / count).await;
    let begun = Instant::now();
    let each = calls(world.run.n / count).await;
    let took = begun.elapsed();
    let each = each.into_iter().flat_map(|each| each.expect("an answer")).collect();
    world.run.report_each(took, each, &[]);
}
