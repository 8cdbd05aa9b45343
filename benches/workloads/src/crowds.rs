//! A thousand actors: a token goes round among them, or each event goes to all of them.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use crate::driver::{Bench, Latch, start};
use futures::channel::oneshot;
use ravelin::{Actor, ActorRef, Cx, Exit, Handle, Message};

const RING: u64 = 1000;
const SUBSCRIBERS: u64 = 1000;

#[derive(Message)]
struct Next(ActorRef<Node>);

#[derive(Message)]
struct Token(u64);

/// Passes the token on, and says so when it has made its last hop.
struct Node {
    next: Option<ActorRef<Node>>,
    last: u64,
    done: Option<oneshot::Sender<()>>,
}

impl Actor for Node {
    type Args = (u64, Option<oneshot::Sender<()>>);
    async fn init((last, done): Self::Args, _: &mut Cx<Self>) -> Result<Node, Exit> {
        Ok(Node { next: None, last, done })
    }
}

impl Handle<Next> for Node {
    async fn handle(&mut self, Next(next): Next, _: &mut Cx<Self>) {
        self.next = Some(next);
    }
}

impl Handle<Token> for Node {
    async fn handle(&mut self, Token(hops): Token, _: &mut Cx<Self>) {
        if hops == self.last {
            // The count is a multiple of the ring's size, so the token ends where it began.
            let _ = self.done.take().expect("node 0").send(());
        } else if let Some(next) = &self.next {
            next.send(Token(hops + 1)).await.expect("it lives");
        }
    }
}

pub(crate) async fn ring(bench: &Bench) {
    let (done, finished) = oneshot::channel();
    let mut done = Some(done);
    let mut nodes = Vec::new();
    for _ in 0..RING {
        nodes.push(bench.spawn::<Node>((bench.run.n, done.take())).await);
    }
    for (i, node) in nodes.iter().enumerate() {
        node.call(Next(nodes[(i + 1) % nodes.len()].clone())).await.expect("an answer");
    }
    let began = start();
    nodes[0].send(Token(0)).await.expect("it lives");
    finished.await.expect("node 0 says so");
    bench.run.report(bench.run.n, began.elapsed(), &[]);
}

#[derive(Clone, Message)]
struct Event {
    id: u64,
    value: u64,
}

/// Takes in events, and hits the latch when it got all.
struct Subscriber {
    seen: u64,
    want: u64,
    sum: u64,
    done: Latch,
}

impl Actor for Subscriber {
    type Args = (u64, Latch);
    async fn init((want, done): Self::Args, _: &mut Cx<Self>) -> Result<Subscriber, Exit> {
        Ok(Subscriber { seen: 0, want, sum: 0, done })
    }
}

impl Handle<Event> for Subscriber {
    async fn handle(&mut self, event: Event, _: &mut Cx<Self>) {
        self.sum = self.sum.wrapping_add(event.id ^ event.value);
        self.seen += 1;
        if self.seen == self.want {
            std::hint::black_box(self.sum);
            self.done.hit();
        }
    }
}

pub(crate) async fn fanout(bench: &Bench) {
    let done = Latch::new(SUBSCRIBERS);
    let mut subscribers = Vec::new();
    for _ in 0..SUBSCRIBERS {
        subscribers.push(bench.spawn::<Subscriber>((bench.run.n, done.clone())).await);
    }
    let began = start();
    for round in 0..bench.run.n {
        let event = Event { id: round, value: round * 2 };
        for subscriber in &subscribers {
            subscriber.send(event.clone()).await.expect("it lives");
        }
    }
    done.wait().await;
    bench.run.report(bench.run.n * SUBSCRIBERS, began.elapsed(), &[]);
}
