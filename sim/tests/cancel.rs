//! Cancel safety: the checkers find a handler that must not be cut off, and say where.

use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, sleep};
use ravelin_sim::{Cut, Failure, Sim, World, cancel_at_each_await, kill_at_each_await};
use ravelin_supervisor::{Supervisor, child};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Takes from one account and gives to another, with an await before, `between` or after.
async fn transfer(world: &World, from: &Cell<i64>, to: &Cell<i64>, is_safe: bool) {
    let runtime = world.runtime();
    sleep(&**runtime, MS).await; // tidy: virtual time
    from.set(from.get() - 10);
    if !is_safe {
        sleep(&**runtime, MS).await; // tidy: virtual time
    }
    to.set(to.get() + 10);
    sleep(&**runtime, MS).await; // tidy: virtual time
}

async fn check_transfer(world: &World, is_safe: bool) -> u64 {
    let (from, to) = (Cell::new(100), Cell::new(0));
    let after = async |_: &World, cut: Cut| {
        assert_eq!(from.get() + to.get(), 100, "money is lost at await {}", cut.at);
    };
    cancel_at_each_await(world, async || transfer(world, &from, &to, is_safe).await, after).await
}

#[test]
fn each_await_is_tried_and_the_last_try_gets_to_the_end() {
    Sim::new().alone().seeds(3).check(async |world| {
        let cuts = Cell::new(0);
        let after = async |_: &World, cut: Cut| {
            cuts.set(cuts.get() + 1);
            assert_eq!((cut.at, cut.is_done), (cuts.get(), cuts.get() == 4));
        };
        let (from, to) = (Cell::new(100), Cell::new(0));
        let make = async || transfer(world, &from, &to, false).await;
        assert_eq!(cancel_at_each_await(world, make, after).await, 3);
        assert_eq!(check_transfer(world, true).await, 2);
    });
}

#[test]
fn a_future_that_must_not_be_cut_off_is_found_with_its_await() {
    let found = Sim::new()
        .alone()
        .seeds(3)
        .run(async |world| {
            check_transfer(world, false).await;
        })
        .unwrap_err();
    let Failure::Panic { message, .. } = &found.failure else { panic!("{found}") };
    assert!(message.contains("money is lost at await 2"), "{message}");
}

/// Takes a ticket, and gives it back when it is done: unless it is cut off.
struct Gate {
    taken: Arc<AtomicI64>,
    is_safe: bool,
}

struct Pass;
impl Message for Pass {
    type Reply = ();
}

/// Gives the ticket back when it is dropped.
struct Ticket(Arc<AtomicI64>);
impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Actor for Gate {
    type Args = (Arc<AtomicI64>, bool);
    async fn init((taken, is_safe): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.sleep(MS).await; // tidy: virtual time
        Ok(Gate { taken, is_safe })
    }
}

impl Handle<Pass> for Gate {
    async fn handle(&mut self, _: Pass, cx: &mut Cx<Self>) {
        cx.sleep(MS).await; // tidy: virtual time
        self.taken.fetch_add(1, SeqCst);
        let ticket = self.is_safe.then(|| Ticket(self.taken.clone()));
        cx.sleep(MS).await; // tidy: virtual time
        if ticket.is_none() {
            self.taken.fetch_sub(1, SeqCst);
        }
    }
}

fn gate(is_safe: bool) -> u64 {
    kill_at_each_await(Sim::new().alone(), "gate", async move |world: &mut World| {
        let (gate, taken) = (ActorRef::<Gate>::place("gate"), Arc::new(AtomicI64::new(0)));
        let args = taken.clone();
        let tree = Supervisor::one_for_one("app").child(child(&gate, move || (args.clone(), is_safe)));
        if world.start(tree).await.is_ok() {
            let _ = gate.call(Pass).await;
            world.settle().await;
            assert_eq!(taken.load(SeqCst), 0, "a ticket is lost");
        }
    })
}

#[test]
fn an_actor_is_killed_at_each_of_its_awaits() {
    // The first is the beginning of `init`.
    assert_eq!(gate(true), 4);
}

#[test]
fn a_handler_that_must_not_be_cut_off_is_found_with_its_await() {
    let found = catch_unwind(AssertUnwindSafe(|| gate(false))).unwrap_err();
    let message = found.downcast_ref::<String>().expect("a message");
    assert!(message.starts_with("killed at await 4:") && message.contains("a ticket is lost"), "{message}");
}
