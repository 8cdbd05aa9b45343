//! A first look at actors on every adapter.
use ravelin_core::runtimes::{Local, Tokio};
use ravelin_core::*;
use std::time::Duration;

struct Add(i64);
impl Message for Add {
    type Reply = ();
}
struct Get;
impl Message for Get {
    type Reply = i64;
}
struct Crash;
impl Message for Crash {
    type Reply = ();
}
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
        self.n += m.0
    }
}
impl Handle<Get> for Counter {
    async fn handle(&mut self, _: Get, cx: &mut Cx<Self>) -> i64 {
        if self.n == 5 {
            cx.sleep(Duration::from_millis(1)).await;
        }
        self.n
    }
}
impl Handle<Crash> for Counter {
    async fn handle(&mut self, _: Crash, _: &mut Cx<Self>) {
        panic!("boom")
    }
}

async fn scenario(system: System) {
    let place = ActorRef::<Counter>::place("counter");
    let pid = system.start(&place, 2).await.unwrap();
    place.cast(Add(3)).unwrap();
    assert_eq!(place.call(Get).await.unwrap(), 5);
    let Err(CallError::Exited(Exit::Panic(panic))) = place.call(Crash).await else { panic!("wanted a panic") };
    assert_eq!(panic.message, "boom");
    assert!(panic.location.as_ref().unwrap().contains("smoke.rs"), "{panic:?}");
    assert!(matches!(place.call(Get).await, Err(CallError::NoProc(_))));
    assert!(!system.is_alive(pid));
    let second = system.start(&place, 7).await.unwrap();
    assert_ne!(pid, second);
    assert_eq!(place.call(Get).await.unwrap(), 7);
    for i in 0..100_000 {
        let _ = place.send(Add(i)).await;
    }
    assert_eq!(place.call(Get).await.unwrap(), 7 + 99_999 * 100_000 / 2);
    assert!(place.ledger().is_balanced(), "{:?}", place.ledger());
    system.shut_down_all(Duration::from_secs(1)).await;
    assert!(system.is_empty());
    assert!(system.ledger().is_balanced(), "{:?}", system.ledger());
}

#[test]
fn local() {
    let local = Local::new();
    let system = System::new(local.clone());
    local.block_on(scenario(system));
}

#[test]
fn tokio_multi_thread() {
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    rt.block_on(async { tokio::spawn(async { scenario(System::new(Tokio::current())).await }).await.unwrap() });
}
