//! How fast a supervised child is back: from the message that crashes it to the answer of its successor.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use crate::driver::{Bench, start};
use ravelin::{Actor, ActorRef, CallError, Cx, Exit, Handle, Message, Supervisor, child, start_in};
use std::time::Duration;

struct Crasher;

impl Actor for Crasher {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Crasher, Exit> {
        Ok(Crasher)
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
    let tree = Supervisor::one_for_one("root")
        .intensity(1_000_000, Duration::from_secs(1))
        .child(child(&crasher, || ()).mailbox(bench.capacity()));
    let _app = start_in(&bench.system, tree).await.expect("it starts");
    assert_eq!(ask(&crasher, 0).await, 1);
    let mut took = Vec::new();
    let began = start();
    for i in 0..bench.run.n {
        let crashed = start();
        crasher.send(Crash).await.expect("it lives");
        assert_eq!(ask(&crasher, i).await, i + 1);
        took.push(crashed.elapsed().as_nanos() as f64);
    }
    let all = began.elapsed();
    took.sort_by(f64::total_cmp);
    let quantile = |q: f64| took[((took.len() - 1) as f64 * q) as usize];
    let extra = [("p10_ns", quantile(0.1)), ("p90_ns", quantile(0.9)), ("p99_ns", quantile(0.99))];
    bench.run.report_ns(bench.run.n, all, quantile(0.5), &extra);
}

/// Asks until the next incarnation answers: a question that finds the old one ends with it.
async fn ask(crasher: &ActorRef<Crasher>, x: u64) -> u64 {
    loop {
        match crasher.call(Ask(x)).await {
            Ok(answer) => return answer,
            Err(CallError::Exited(_)) => {}
            Err(CallError::NoProc(_)) => drop(crasher.ready().await),
            Err(error) => panic!("{error}"),
        }
    }
}
