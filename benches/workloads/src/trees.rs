//! A million actors: side by side (`spawn`), and as a tree of ten children each (`skynet`).

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use crate::driver::{Bench, Guard, Latch, start};
use crate::run::{peak_rss, rss};
use futures::channel::oneshot;
use ravelin::{Actor, ActorRef, Capacity, Cx, Exit, Handle, Message};
use std::time::Duration;

/// A small actor, whose end is seen by its guard.
struct Small(#[expect(dead_code, reason = "it is there to be dropped")] Guard);

impl Actor for Small {
    type Args = Guard;
    async fn init(guard: Guard, _: &mut Cx<Self>) -> Result<Small, Exit> {
        Ok(Small(guard))
    }
}

#[derive(Message)]
struct Hit(Latch);

impl Handle<Hit> for Small {
    async fn handle(&mut self, Hit(latch): Hit, _: &mut Cx<Self>) {
        latch.hit();
    }
}

#[derive(Message)]
struct Quit;

impl Handle<Quit> for Small {
    async fn handle(&mut self, _: Quit, cx: &mut Cx<Self>) {
        cx.stop(Exit::Normal);
    }
}

pub(crate) async fn spawn(bench: &Bench) {
    let n = bench.run.n;
    let (answered, gone) = (Latch::new(n), Latch::new(n));
    let rss_before = rss();
    let began = start();
    let mut actors = Vec::with_capacity(n as usize);
    for _ in 0..n {
        actors.push(bench.spawn::<Small>(Guard(gone.clone())).await);
    }
    let all_spawned = began.elapsed();
    for actor in &actors {
        actor.send(Hit(answered.clone())).await.expect("it lives");
    }
    answered.wait().await;
    let all_answered = began.elapsed();
    let (live, live_peak) = (rss(), peak_rss());
    for actor in &actors {
        actor.send(Quit).await.expect("it lives");
    }
    drop(actors);
    gone.wait().await;
    let all_stopped = began.elapsed();
    let bytes = |rss: u64| rss.saturating_sub(rss_before) as f64 / n as f64;
    let each = |took: Duration| took.as_nanos() as f64 / n as f64;
    bench.run.report(
        n,
        all_stopped,
        &[
            ("rss_bytes_per_actor", bytes(live_peak)),
            ("live_rss_bytes_per_actor", bytes(live)),
            ("spawn_ns", each(all_spawned)),
            ("answer_ns", each(all_answered - all_spawned)),
            ("stop_ns", each(all_stopped - all_answered)),
        ],
    );
}

/// Where a node's sum goes.
enum Parent {
    Root(Option<oneshot::Sender<u64>>),
    Node(ActorRef<Sky>),
}

impl Parent {
    async fn up(&mut self, sum: u64) {
        match self {
            Parent::Root(done) => drop(done.take().map(|done| done.send(sum))),
            Parent::Node(parent) => parent.send(Up(sum)).await.expect("it waits for its children"),
        }
    }
}

/// A node of the tree; with size 1 a leaf.
struct Sky {
    parent: Parent,
    left: u32,
    sum: u64,
}

#[derive(Message)]
struct Up(u64);

impl Actor for Sky {
    type Args = (u64, u64, Parent, Capacity);

    async fn init((number, size, mut parent, capacity): Self::Args, cx: &mut Cx<Self>) -> Result<Sky, Exit> {
        if size == 1 {
            parent.up(number).await;
            cx.stop(Exit::Normal);
            return Ok(Sky { parent, left: 0, sum: 0 });
        }
        let part = size / 10;
        for i in 0..10 {
            let args = (number + i * part, part, Parent::Node(cx.me()), capacity);
            let started = cx.system().spawn::<Sky>(args).mailbox(capacity);
            started.await.map_err(|error| Exit::error(error.to_string()))?;
        }
        Ok(Sky { parent, left: 10, sum: 0 })
    }
}

impl Handle<Up> for Sky {
    async fn handle(&mut self, Up(sum): Up, cx: &mut Cx<Self>) {
        self.sum += sum;
        self.left -= 1;
        if self.left == 0 {
            self.parent.up(self.sum).await;
            cx.stop(Exit::Normal);
        }
    }
}

pub(crate) async fn skynet(bench: &Bench) {
    let n = bench.run.n;
    let (done, finished) = oneshot::channel();
    let began = start();
    let root = bench.spawn::<Sky>((0, n, Parent::Root(Some(done)), bench.capacity())).await;
    let sum = finished.await.expect("the root says so");
    let took = began.elapsed();
    drop(root);
    assert_eq!(sum, n * (n - 1) / 2);
    bench.run.report(n, took, &[]);
}
