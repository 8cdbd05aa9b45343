//! How fast a supervised child is back: from the message that crashes it to the answer of its successor.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use crate::driver::{Bench, start};
use futures::task::AtomicWaker;
use ravelin::{Actor, ActorRef, Cx, Exit, Handle, Message, Supervisor, child, start_in};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

/// The child; each of its lives says that it has begun.
struct Crasher;

impl Actor for Crasher {
    type Args = Births;
    async fn init(births: Births, _: &mut Cx<Self>) -> Result<Crasher, Exit> {
        births.announce();
        Ok(Crasher)
    }
}

/// How often the child has begun to live; one waits for the next time.
#[derive(Clone, Default)]
struct Births(Arc<(AtomicU64, AtomicWaker)>);

impl Births {
    fn announce(&self) {
        self.0.0.fetch_add(1, Ordering::AcqRel);
        self.0.1.wake();
    }

    async fn reach(&self, n: u64) {
        poll_fn(|cx| {
            self.0.1.register(cx.waker());
            if self.0.0.load(Ordering::Acquire) >= n { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[derive(Message)]
struct Crash;

impl Handle<Crash> for Crasher {
    async fn handle(&mut self, _: Crash, _: &mut Cx<Self>) {
        panic!("crash")
    }
}

#[derive(Message)]
#[message(reply = u64)]
struct Ask(u64);

impl Handle<Ask> for Crasher {
    async fn handle(&mut self, Ask(x): Ask, _: &mut Cx<Self>) -> u64 {
        x + 1
    }
}

/// Crashes are the workload: says nothing about them. To be called before there is a system.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

pub(crate) async fn restart(bench: &Bench) {
    let crasher = ActorRef::<Crasher>::place("crasher");
    let births = Births::default();
    let args = births.clone();
    let tree = Supervisor::one_for_one("root")
        .intensity(1_000_000, Duration::from_secs(1))
        .child(child(&crasher, move || args.clone()).mailbox(bench.capacity()));
    let _app = start_in(&bench.system, tree).await.expect("it starts");
    assert_eq!(crasher.call(Ask(0)).await.expect("an answer"), 1);
    let mut took = Vec::new();
    let began = start();
    for i in 0..bench.run.n {
        let crashed = start();
        crasher.send(Crash).await.expect("it lives");
        births.reach(i + 2).await;
        assert_eq!(crasher.call(Ask(i)).await.expect("an answer"), i + 1);
        took.push(crashed.elapsed().as_nanos() as f64);
    }
    let all = began.elapsed();
    took.sort_by(f64::total_cmp);
    let quantile = |q: f64| took[((took.len() - 1) as f64 * q) as usize];
    let extra = [("p10_ns", quantile(0.1)), ("p90_ns", quantile(0.9)), ("p99_ns", quantile(0.99))];
    bench.run.report_ns(bench.run.n, all, quantile(0.5), &extra);
}
