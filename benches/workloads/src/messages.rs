//! One actor that counts and answers: `tell`, `tell4`, `ask` and `ask_many`; and one that asks: `ask_actor`, `ask_apart`.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use crate::driver::{Bench, Latch, start};
use futures::channel::oneshot;
use ravelin::{Actor, ActorRef, Cx, Exit, Handle, InPlace, Message};
use std::sync::Arc;

pub(crate) const PRODUCERS: u64 = 4;
const CALLERS: u64 = 1000;
const ACTORS: u64 = 100;

#[derive(Message)]
struct Inc(u64);

#[derive(Message)]
#[message(reply = u64)]
struct Ask(u64);

/// Sums up what it gets, and says so when it got all.
struct Counter {
    seen: u64,
    want: u64,
    sum: u64,
    done: Option<oneshot::Sender<u64>>,
}

impl Actor for Counter {
    type Args = (u64, Option<oneshot::Sender<u64>>);
    async fn init((want, done): Self::Args, _: &mut Cx<Self>) -> Result<Counter, Exit> {
        Ok(Counter { seen: 0, want, sum: 0, done })
    }
}

impl Handle<Inc> for Counter {
    async fn handle(&mut self, Inc(x): Inc, _: &mut Cx<Self>) {
        self.sum = self.sum.wrapping_add(x);
        self.seen += 1;
        if self.seen == self.want
            && let Some(done) = self.done.take()
        {
            let _ = done.send(self.sum);
        }
    }
}

impl Handle<Ask> for Counter {
    async fn handle(&mut self, Ask(x): Ask, _: &mut Cx<Self>) -> u64 {
        x + 1
    }
}

pub(crate) async fn tell(bench: &Bench, producers: u64) {
    let each = bench.run.n / producers;
    let (done, finished) = oneshot::channel();
    let counter = bench.spawn::<Counter>((each * producers, Some(done))).await;
    let began = start();
    for _ in 0..producers {
        let counter = counter.clone();
        bench.task(async move {
            for i in 0..each {
                counter.send(Inc(i)).await.expect("it lives");
            }
        });
    }
    let sum = finished.await.expect("it says so");
    let took = began.elapsed();
    assert_eq!(sum, producers * each * (each - 1) / 2);
    bench.run.report(each * producers, took, &[]);
}

pub(crate) async fn ask(bench: &Bench) {
    let counter = bench.spawn::<Counter>((u64::MAX, None)).await;
    let began = start();
    for i in 0..bench.run.n {
        assert_eq!(counter.call(Ask(i)).await.expect("an answer"), i + 1);
    }
    bench.run.report(bench.run.n, began.elapsed(), &[]);
}

pub(crate) async fn ask_many(bench: &Bench) {
    let mut counters = Vec::new();
    for _ in 0..ACTORS {
        counters.push(bench.spawn::<Counter>((u64::MAX, None)).await);
    }
    let counters: Arc<[_]> = counters.into();
    let each = bench.run.n / CALLERS;
    let latch = Latch::new(CALLERS);
    let began = start();
    for caller in 0..CALLERS {
        let (counters, latch) = (counters.clone(), latch.clone());
        bench.task(async move {
            for k in 0..each {
                let counter = &counters[((caller + k) % ACTORS) as usize];
                assert_eq!(counter.call(Ask(k)).await.expect("an answer"), k + 1);
            }
            latch.hit();
        });
    }
    latch.wait().await;
    bench.run.report(each * CALLERS, began.elapsed(), &[]);
}

/// Answers in a task of its own.
struct Apart;

impl Actor for Apart {
    type Args = ();
    const IN_PLACE: InPlace = InPlace::Never;
    async fn init((): (), _: &mut Cx<Self>) -> Result<Apart, Exit> {
        Ok(Apart)
    }
}

impl Handle<Ask> for Apart {
    async fn handle(&mut self, Ask(x): Ask, _: &mut Cx<Self>) -> u64 {
        x + 1
    }
}

/// Calls another actor, so often.
#[derive(Message)]
struct AskAll<A: Actor>(ActorRef<A>, u64);

struct Asker(Option<oneshot::Sender<()>>);

impl Actor for Asker {
    type Args = oneshot::Sender<()>;
    async fn init(done: Self::Args, _: &mut Cx<Self>) -> Result<Asker, Exit> {
        Ok(Asker(Some(done)))
    }
}

impl<A: Handle<Ask>> Handle<AskAll<A>> for Asker {
    async fn handle(&mut self, AskAll(other, times): AskAll<A>, _: &mut Cx<Self>) {
        for i in 0..times {
            assert_eq!(other.call(Ask(i)).await.expect("an answer"), i + 1);
        }
        let _ = self.0.take().expect("once").send(());
    }
}

async fn ask_from_actor<A: Handle<Ask>>(bench: &Bench, args: A::Args) {
    let (done, finished) = oneshot::channel();
    let other = bench.spawn::<A>(args).await;
    let asker = bench.spawn::<Asker>(done).await;
    let began = start();
    asker.send(AskAll(other, bench.run.n)).await.expect("it lives");
    finished.await.expect("it says so");
    bench.run.report(bench.run.n, began.elapsed(), &[]);
}

pub(crate) async fn ask_actor(bench: &Bench) {
    ask_from_actor::<Counter>(bench, (u64::MAX, None)).await;
}

pub(crate) async fn ask_apart(bench: &Bench) {
    ask_from_actor::<Apart>(bench, ()).await;
}
