//! A small program for the tests: counters under a supervisor, and a task that feeds them.

use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, StartError};
use ravelin_sim::{Faults, World};
use ravelin_supervisor::{App, Supervisor, child, task};
use std::time::Duration;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) struct Add(pub(crate) u64);
impl Message for Add {
    type Reply = ();
}

pub(crate) struct Get;
impl Message for Get {
    type Reply = u64;
}

pub(crate) struct Counter {
    n: u64,
}

impl Actor for Counter {
    type Args = ();
    async fn init(_: (), cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.sleep(MS).await; // tidy: virtual time
        Ok(Counter { n: 0 })
    }
}

impl Handle<Add> for Counter {
    async fn handle(&mut self, Add(n): Add, cx: &mut Cx<Self>) {
        cx.sleep(Duration::from_micros(cx.runtime().entropy() % 100)).await; // tidy: virtual time
        self.n += n;
    }
}

impl Handle<Get> for Counter {
    async fn handle(&mut self, _: Get, _: &mut Cx<Self>) -> u64 {
        self.n
    }
}

pub(crate) type Counters = [ActorRef<Counter>; 3];

/// A loop that may end returns `()`, which is what a task returns.
fn world_is_over() -> bool {
    false
}

/// Starts the program.
pub(crate) async fn start(world: &World) -> (App, Counters) {
    let (app, counters) = begin(world).await;
    (app.unwrap(), counters)
}

/// Starts the program, if it can be started.
pub(crate) async fn try_start(world: &World) -> Result<App, StartError> {
    begin(world).await.0
}

async fn begin(world: &World) -> (Result<App, StartError>, Counters) {
    let counters = ["a", "b", "c"].map(ActorRef::<Counter>::place);
    let feeder = {
        let (counters, runtime) = (counters.clone(), world.runtime().clone());
        move || {
            let (counters, runtime) = (counters.clone(), runtime.clone());
            async move {
                while !world_is_over() {
                    let which = runtime.entropy() as usize % 3;
                    let _ = counters[which].cast(Add(1));
                    let _ = counters[(which + 1) % 3].call(Get).timeout(5 * MS).await;
                    ravelin_core::sleep(&*runtime, 10 * MS).await; // tidy: virtual time
                }
            }
        }
    };
    let mut tree = Supervisor::one_for_one("app").intensity(100, SECOND);
    for counter in &counters {
        tree = tree.child(child(counter, || ()));
    }
    (world.start(tree.child(task("feeder", feeder))).await, counters)
}

/// A second of the program, in which it may be hurt, and its orderly end.
pub(crate) async fn a_second(world: &mut World) {
    let (app, counters) = start(world).await;
    world.advance(SECOND).await;
    world.calm();
    world.advance(100 * MS).await;
    for counter in &counters {
        counter.call(Get).await.unwrap();
    }
    assert_eq!(app.stop().await.root, Exit::Shutdown);
    assert!(world.system().ledger().is_balanced());
}

/// What may hurt it.
pub(crate) fn trouble() -> Faults {
    Faults::none().kills("a", 3).kills("feeder", 2).stalls("main", 1).after(10 * MS).over(SECOND)
}
