//! What a cast, a send, a call and a spawn allocate; exactly, for allocations do not depend on the machine.
//!
//! On `Local`, so that all of it happens on the thread that counts.

#[path = "../../mailbox/tests/counted/mod.rs"]
mod counted;

use ravelin_core::runtimes::Local;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, System, Unbounded};
use smol::future::yield_now;
use std::future::Future;
use std::time::Duration;

struct Add(u64);
impl Message for Add {
    type Reply = ();
}
struct Get;
impl Message for Get {
    type Reply = u64;
}
/// Its handler waits once.
struct Later;
impl Message for Later {
    type Reply = ();
}

struct Counter(u64);
impl Actor for Counter {
    type Args = u64;
    async fn init(n: u64, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Counter(n))
    }
}
impl Handle<Add> for Counter {
    async fn handle(&mut self, m: Add, _: &mut Cx<Self>) {
        self.0 += m.0;
    }
}
impl Handle<Get> for Counter {
    async fn handle(&mut self, _: Get, _: &mut Cx<Self>) -> u64 {
        self.0
    }
}
impl Handle<Later> for Counter {
    async fn handle(&mut self, _: Later, _: &mut Cx<Self>) {
        yield_now().await;
    }
}

/// Runs `measure` in a task, with an actor that has handled messages before; twice, the first time to warm up.
fn measure<F: Future<Output = usize> + Send + 'static>(
    measure: impl Fn(System, ActorRef<Counter>) -> F + Send + 'static,
) -> usize {
    let local = Local::new();
    let system = System::new(local.clone());
    let (done, outcome) = futures::channel::oneshot::channel();
    let task = async move {
        let counter = system.spawn::<Counter>(0).mailbox(Unbounded).await.unwrap();
        for _ in 0..1_000 {
            counter.cast(Add(1)).unwrap();
        }
        assert_eq!(counter.call(Get).await.unwrap(), 1_000);
        counter.call(Later).await.unwrap();
        measure(system.clone(), counter.clone()).await;
        let allocations = measure(system.clone(), counter).await;
        system.shut_down_all(Duration::from_secs(1)).await;
        done.send(allocations).unwrap();
    };
    use ravelin_core::Runtime;
    local.spawn("measure", Box::pin(task));
    let allocations = local.block_on(outcome).unwrap();
    local.shutdown();
    allocations
}

const ROUNDS: usize = 100;

/// The allocations of `ROUNDS` times this, in one stretch.
async fn rounds<F: Future>(mut round: impl FnMut() -> F) -> usize {
    let before = counted::allocations();
    for _ in 0..ROUNDS {
        round().await;
    }
    counted::allocations() - before
}

#[test]
fn a_cast_allocates_nothing() {
    let allocations = measure(|_, counter| async move {
        rounds(|| {
            counter.cast(Add(1)).unwrap();
            yield_now()
        })
        .await
    });
    assert_eq!(allocations, 0);
}

#[test]
fn a_burst_of_casts_allocates_for_its_buffer_alone() {
    let allocations = measure(|_, counter| async move {
        let before = counted::allocations();
        for _ in 0..10_000 {
            counter.cast(Add(1)).unwrap();
        }
        yield_now().await;
        counted::allocations() - before
    });
    // One for 400 messages or more: buffers grow from a small size; the large sizes are the thread's, used again.
    assert!(allocations <= 25, "{allocations}");
}

#[test]
fn a_send_allocates_nothing() {
    assert_eq!(measure(|_, counter| async move { rounds(|| counter.send(Add(1))).await }), 0);
}

#[test]
fn a_call_allocates_the_place_for_its_answer() {
    let usual = measure(|_, counter| async move { rounds(|| counter.call(Get)).await });
    assert_eq!(usual, ROUNDS);
    let unlimited = measure(|_, counter| async move { rounds(|| counter.call(Get).no_timeout()).await });
    assert_eq!(unlimited, ROUNDS);
}

#[test]
fn a_handler_that_waits_allocates_nothing_more() {
    assert_eq!(measure(|_, counter| async move { rounds(|| counter.call(Later)).await }), ROUNDS);
}

#[test]
fn a_call_with_a_time_limit_of_its_own_allocates_a_timer_too() {
    let limit = Duration::from_secs(1);
    let allocations =
        measure(move |_, counter| async move { rounds(|| counter.call(Get).timeout(limit)).await });
    assert!(allocations <= 3 * ROUNDS, "{allocations}");
}

#[test]
fn a_spawn_and_a_stop_allocate_the_cell_and_what_the_end_needs() {
    let spawn = measure(|system, _| async move {
        let mut places = Vec::with_capacity(ROUNDS);
        let before = counted::allocations();
        for _ in 0..ROUNDS {
            places.push(system.spawn::<Counter>(0).await.unwrap());
        }
        let allocations = counted::allocations() - before;
        for place in places {
            system.stop(place.pid().unwrap(), Exit::Normal).await.unwrap();
        }
        allocations
    });
    assert_eq!(spawn, ROUNDS, "one each: the cell");
}
