//! Very many actors: none is forgotten, and a system that they have left is as empty as a new one.

use ravelin_core::runtimes::Tokio;
use ravelin_core::{Actor, Cx, Exit, Handle, Ledger, Message, System};

// In a release build as many as the benches have.
const MANY: usize = if cfg!(debug_assertions) { 20_000 } else { 100_000 };

struct Hi;
impl Message for Hi {
    type Reply = usize;
}

struct Greeter(usize);
impl Actor for Greeter {
    type Args = usize;
    async fn init(n: usize, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Greeter(n))
    }
}
impl Handle<Hi> for Greeter {
    async fn handle(&mut self, _: Hi, _: &mut Cx<Self>) -> usize {
        self.0
    }
}

#[test]
fn very_many_actors_come_and_go() {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let system = System::new(Tokio::new(tokio.handle().clone()));
    let inner = system.clone();
    let task = async move {
        let system = inner;
        let mut places = Vec::with_capacity(MANY);
        for n in 0..MANY {
            places.push(system.spawn::<Greeter>(n).await.unwrap());
        }
        assert_eq!(system.len(), MANY);
        let mut ends = Vec::with_capacity(MANY);
        for (n, place) in places.iter().enumerate() {
            if n % 10 == 0 {
                assert_eq!(place.call(Hi).await.unwrap(), n);
            }
            let pid = place.pid().unwrap();
            ends.push(system.ended(pid));
            match n % 3 {
                0 => assert!(system.kill(pid)),
                1 => system.exit(pid, pid, Exit::error("enough")),
                _ => system.stop(pid, Exit::Normal).await.unwrap(),
            }
        }
        for (n, end) in ends.into_iter().enumerate() {
            assert_eq!(end.await, [Exit::Killed, Exit::error("enough"), Exit::Normal][n % 3]);
        }
        assert!(system.is_empty() && system.pids().is_empty());
        let calls = (MANY / 10) as u64;
        assert_eq!(
            (system.ledger().answered, system.ledger().is_balanced(), system.ledger().waiting),
            (calls, true, 0)
        );
    };
    tokio.block_on(async { tokio.spawn(task).await }).unwrap();
    assert_ne!(system.ledger(), Ledger::default());
}
