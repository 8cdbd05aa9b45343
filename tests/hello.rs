//! The first tree, on each kind of executor.

use ravelin::runtimes::{Local, Smol, Tokio};
use ravelin::{
    Actor, ActorRef, CallError, Cx, Exit, Handle, Message, Runtime, Supervisor, child, start, task,
};
use std::sync::Arc;
use std::time::Duration;

#[derive(Message)]
struct Add(i64);
#[derive(Message)]
#[message(reply = i64)]
struct Get;
#[derive(Message)]
struct Crash;

struct Counter {
    n: i64,
}

impl Actor for Counter {
    type Args = i64;
    async fn init(n: i64, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Counter { n })
    }
}

impl Handle<Add> for Counter {
    async fn handle(&mut self, m: Add, _: &mut Cx<Self>) {
        self.n += m.0;
    }
}

impl Handle<Get> for Counter {
    async fn handle(&mut self, _: Get, _: &mut Cx<Self>) -> i64 {
        self.n
    }
}

impl Handle<Crash> for Counter {
    async fn handle(&mut self, _: Crash, _: &mut Cx<Self>) {
        panic!("on purpose");
    }
}

async fn hello(runtime: Arc<dyn Runtime>) {
    let counter = ActorRef::<Counter>::place("counter");
    let tree = Supervisor::one_for_one("app")
        .intensity(3, Duration::from_secs(5))
        .child(child(&counter, || 40))
        .child(task("idle", || async { std::future::pending::<()>().await }));
    let app = start(runtime, tree).await.expect("the tree starts");
    counter.cast(Add(2)).expect("there is room");
    assert_eq!(counter.call(Get).await.expect("an answer"), 42);
    assert!(matches!(counter.call(Crash).await, Err(CallError::Exited(Exit::Panic(_)))));
    // The place is empty until the supervisor has restarted the child; asking it waits for that.
    assert_eq!(app.root().count_children().await.expect("it lives").active, 2);
    assert_eq!(counter.call(Get).await.expect("the successor answers"), 40);
    let report = app.stop().await;
    assert_eq!(report.root, Exit::Shutdown);
    assert!(app.system().ledger().is_balanced(), "{:?}", app.system().ledger());
}

#[test]
fn the_hello_tree_runs_unchanged_on_tokio() {
    let tokio = tokio::runtime::Runtime::new().expect("a runtime");
    tokio.block_on(async { hello(Tokio::current()).await });
}

#[test]
fn the_hello_tree_runs_unchanged_on_smol() {
    smol::block_on(hello(Smol::global()));
}

#[test]
fn the_hello_tree_runs_unchanged_on_a_single_thread() {
    let local = Local::new();
    let runtime = local.clone();
    local.block_on(hello(runtime));
}
