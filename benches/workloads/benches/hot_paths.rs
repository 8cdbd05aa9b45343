//! The hot paths, each alone: what a message, a call, an actor, a name and a monitor cost.
//!
//! `cargo bench -p ravelin-workloads`, or with a name behind it. All on one thread, so that the figures are those of the
//! code and not of two threads that wake each other; the workloads binary measures that.

use criterion::{Criterion, criterion_group, criterion_main};
use ravelin::runtimes::Tokio;
use ravelin::{Actor, ActorRef, Cx, Exit, Handle, Message, System, Unbounded};
use ravelin_mailbox::{Kind, Records};
use std::hint::black_box;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Messages in one go, so that the wake-up of the executor is shared by as many.
const BATCH: u64 = 1000;

struct Counter(u64);

impl Actor for Counter {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Counter, Exit> {
        Ok(Counter(0))
    }
}

#[derive(Message)]
struct Add(u64);

impl Handle<Add> for Counter {
    async fn handle(&mut self, Add(n): Add, _: &mut Cx<Self>) {
        self.0 += n;
    }
}

#[derive(Message)]
#[message(reply = u64)]
struct Get;

impl Handle<Get> for Counter {
    async fn handle(&mut self, _: Get, _: &mut Cx<Self>) -> u64 {
        self.0
    }
}

#[derive(Message)]
struct Stop;

impl Handle<Stop> for Counter {
    async fn handle(&mut self, _: Stop, cx: &mut Cx<Self>) {
        cx.stop(Exit::Normal);
    }
}

/// Sets a timer and cancels it, so often.
#[derive(Message)]
#[message(reply = bool)]
struct SetAndCancel(u64);

impl Handle<SetAndCancel> for Counter {
    async fn handle(&mut self, SetAndCancel(times): SetAndCancel, cx: &mut Cx<Self>) -> bool {
        (0..times).all(|_| {
            let timer = cx.send_after(Duration::from_secs(60), Add(1));
            cx.cancel(timer).is_some()
        })
    }
}

/// Monitors an actor and ends the monitor, so often.
#[derive(Message)]
#[message(reply = bool)]
struct Monitor(ActorRef<Counter>, u64);

impl Handle<Monitor> for Counter {
    async fn handle(&mut self, Monitor(target, times): Monitor, cx: &mut Cx<Self>) -> bool {
        let Some(target) = target.pid() else { return false };
        (0..times).all(|_| {
            let monitor = cx.monitor(target);
            cx.demonitor(monitor)
        })
    }
}

struct Stage {
    tokio: Runtime,
    system: System,
    counter: ActorRef<Counter>,
}

impl Stage {
    fn set() -> Stage {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let system = System::new(Tokio::new(tokio.handle().clone()));
        let counter = tokio.block_on(async { system.spawn::<Counter>(()).mailbox(Unbounded).await });
        Stage { tokio, system, counter: counter.expect("it starts") }
    }

    fn call<M: Message>(&self, message: M) -> M::Reply
    where
        Counter: Handle<M>,
    {
        self.tokio.block_on(async { self.counter.call(message).await.ok() }).expect("an answer")
    }
}

fn messages(c: &mut Criterion) {
    let stage = Stage::set();
    c.bench_function("cast, 1000 and a call", |b| {
        b.iter(|| {
            for n in 0..BATCH {
                stage.counter.cast(Add(black_box(n))).expect("it lives");
            }
            stage.call(Get)
        })
    });
    c.bench_function("call, 1000 in a row", |b| {
        b.iter(|| {
            stage.tokio.block_on(async {
                for _ in 0..BATCH {
                    black_box(stage.counter.call(Get).await.expect("an answer"));
                }
            })
        })
    });
    c.bench_function("mailbox push and pop, 1000", |b| {
        static NUMBER: Kind<u64, ()> = Kind::new(());
        let mut records = Records::new();
        b.iter(|| {
            for n in 0..BATCH {
                records.push(&NUMBER, black_box(n)).expect("there is room");
            }
            while let Some(record) = records.pop() {
                drop(black_box(record));
            }
        })
    });
}

fn actors(c: &mut Criterion) {
    let stage = Stage::set();
    c.bench_function("spawn and stop", |b| {
        b.iter(|| {
            stage.tokio.block_on(async {
                let actor = stage.system.spawn::<Counter>(()).await.expect("it starts");
                let pid = actor.pid().expect("it lives");
                actor.cast(Stop).expect("it lives");
                stage.system.ended(pid).await
            })
        })
    });
    c.bench_function("timer set and cancelled, 1000", |b| {
        b.iter(|| assert!(stage.call(SetAndCancel(BATCH))))
    });
    let target = stage.tokio.block_on(async { stage.system.spawn::<Counter>(()).await }).expect("it starts");
    c.bench_function("monitor and demonitor, 1000", |b| {
        b.iter(|| assert!(stage.call(Monitor(target.clone(), BATCH))))
    });
}

fn names(c: &mut Criterion) {
    let stage = Stage::set();
    let pid = stage.counter.pid().expect("it lives");
    stage.system.register("known", pid).expect("the name is free");
    c.bench_function("whereis", |b| b.iter(|| stage.system.whereis(black_box("known"))));
    c.bench_function("register and unregister", |b| {
        b.iter(|| {
            stage.system.register(black_box("new"), pid).expect("the name is free");
            stage.system.unregister("new")
        })
    });
}

fn quick() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
}

criterion_group! {
    name = hot_paths;
    config = quick();
    targets = messages, actors, names
}
criterion_main!(hot_paths);
