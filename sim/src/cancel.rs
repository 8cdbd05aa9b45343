//! Cancel safety: what is left when a future is dropped, or an actor killed, at any one of its awaits.
//!
//! A handler that is cut off, by a kill, a time limit or a `select`, ends where it waits, and nothing after that await
//! runs. What it had taken in hand, a lock flag, a count, a half of an update, stays as it was then. These checkers cut
//! it off at its first await, at its second, and so on, until it gets to its end, and let a test look each time.

use crate::fault::{Fault, Faults, Point};
use crate::log::Name;
use crate::sim::Sim;
use crate::world::World;
use ravelin_core::Fault as Harm;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;

/// A future with more awaits than this is one that never ends.
const AWAITS_MAX: u64 = 10_000;

/// Where a future was cut off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Cut {
    /// At which await, from 1: it had waited there, and was not woken again.
    pub at: u64,
    /// It was not cut off: it got to its end.
    pub is_done: bool,
}

/// Drops a future at its first await, a new one at its second, and so on, until one gets to its end; gives how many
/// awaits there were. After each, `after` looks whether all is in order, and the world's invariants are checked.
///
/// An await at which the future does not wait, because what it asks for is there already, is no place where it can be
/// cut off, and is not counted.
///
/// ```
/// use ravelin_core::sleep;
/// use ravelin_sim::{Sim, cancel_at_each_await};
/// use std::cell::Cell;
/// use std::time::Duration;
///
/// Sim::new().seeds(1).check(async |world| {
///     let runtime = world.runtime().clone();
///     let (taken, stored) = (Cell::new(0), Cell::new(0));
///     let awaits = cancel_at_each_await(
///         world,
///         async || {
///             sleep(&*runtime, Duration::from_millis(1)).await; // before anything is done
///             taken.set(taken.get() + 1);
///             stored.set(stored.get() + 1); // no await between the two
///             sleep(&*runtime, Duration::from_millis(1)).await;
///         },
///         async |_, _| assert_eq!(taken.get(), stored.get()),
///     );
///     assert_eq!(awaits.await, 2);
/// });
/// ```
///
/// # Panics
/// Whatever `after` panics with; or the future is not done after ten thousand awaits.
#[track_caller]
pub fn cancel_at_each_await<'a, F, G>(
    world: &'a World,
    make: F,
    after: G,
) -> impl Future<Output = u64> + use<'a, F, G>
where
    F: AsyncFn(),
    G: AsyncFn(&World, Cut),
{
    let called_at = Location::caller();
    async move {
        for at in 1..=AWAITS_MAX {
            let is_done = until_await(make(), at).await;
            world.note(format_args!(
                "{}",
                if is_done { "it is done".into() } else { format!("cut off at await {at}") }
            ));
            world.settle().await;
            after(world, Cut { at, is_done }).await;
            if is_done {
                return at - 1;
            }
        }
        panic!("{called_at}: the future is not done after {AWAITS_MAX} awaits");
    }
}

/// Runs a future until it has waited so often; true: it is done.
async fn until_await<F: Future>(future: F, awaits: u64) -> bool {
    let mut future = pin!(future);
    let mut waited = 0;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => {
            waited += 1;
            if waited == awaits { Poll::Ready(false) } else { Poll::Pending }
        }
    })
    .await
}

/// Kills whoever lives at a place at its first await, in another world at its second, and so on, until it is not struck;
/// gives how many awaits it had. Each world runs the test with one kill, and all invariants; what must hold after that
/// is the test's to say.
///
/// It strikes as `init` begins, and as the actor goes on after it waited in `init`, a handler or `terminate`.
///
/// ```
/// use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message};
/// use ravelin_sim::{Sim, kill_at_each_await};
/// use ravelin_supervisor::{Supervisor, child};
/// use std::time::Duration;
/// struct Tick;
/// impl Message for Tick { type Reply = (); }
/// struct Slow;
/// impl Actor for Slow {
///     type Args = ();
///     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Slow) }
/// }
/// impl Handle<Tick> for Slow {
///     async fn handle(&mut self, _: Tick, cx: &mut Cx<Self>) {
///         cx.sleep(Duration::from_millis(1)).await;
///         cx.sleep(Duration::from_millis(1)).await;
///     }
/// }
/// let awaits = kill_at_each_await(Sim::new(), "slow", async |world| {
///     let slow = ActorRef::<Slow>::place("slow");
///     let tree = Supervisor::one_for_one("app").child(child(&slow, || ()));
///     if world.start(tree).await.is_err() {
///         return; // killed in `init`
///     }
///     let _ = slow.call(Tick).await; // with an answer, or with the reason of its end
///     slow.ready().await; // it is there, or there again
/// });
/// assert_eq!(awaits, 3); // the beginning of `init` is one
/// ```
///
/// # Panics
/// As [`Sim::check`], with the kill among the faults; or after ten thousand awaits.
#[track_caller]
pub fn kill_at_each_await<F: AsyncFn(&mut World) + Sync>(sim: Sim, place: impl Into<Name>, test: F) -> u64 {
    let place = place.into();
    for nth in 1..=AWAITS_MAX {
        let place = Some(place.clone());
        let kill = Fault::At { place, point: Point::Await, nth, times: 1, harm: Harm::Kill };
        let sim = sim.clone().seeds(1).twice_every(0).faults(Faults::none().always(kill));
        match sim.run(&test) {
            Ok(passed) if passed.struck.is_empty() => return nth - 1,
            Ok(_) => {}
            Err(found) => panic!("killed at await {nth}: {found}"),
        }
    }
    panic!("it is struck at more than {AWAITS_MAX} awaits");
}
