//! Whether a tree does what the supervisor contract says, whatever befalls it.
//!
//! [`conform`] takes the shape of a tree, puts stand-ins in its workers' places, with the same ids, policies and
//! strategies, lets go wrong what the seed says (crashes, kills of workers and supervisors, starts that fail, decline or
//! take their time, ends that hang, requests from outside) and checks what was seen against the model: a second, naive
//! telling of the contract. So it finds what is wrong with ravelin; and, with [`Tape`], what happens to a user's own
//! workers is checked in the same way.

mod tape;
mod split;
mod part;
mod client;

use crate::fault::Faults;
use crate::sim::Sim;
use crate::world::World;
use client::{ask_now_and_then, kill_now_and_then};
use ravelin_core::{Runtime, sleep};
use ravelin_supervisor::Supervisor;
use std::sync::Arc;
use std::time::Duration;

pub use split::Breach;
pub use tape::{Stay, Tape};

impl Tape {
    /// Lets so much time pass, in which somebody kills workers and supervisors of the tree, and others ask supervisors
    /// to start, stop and restart children; each when its named point says so, so that shrinking can leave it out.
    pub async fn trouble(&self, world: &World, time: Duration) {
        let runtime: &Arc<dyn Runtime> = world.runtime();
        let until = world.now() + time;
        let (tape, clock, random) = (self.clone(), runtime.clone(), world.random("killer"));
        let killer = async move { kill_now_and_then(&tape, &*clock, random, until).await };
        runtime.spawn("killer", Box::pin(killer));
        for name in ["client 1", "client 2"] {
            let (tape, clock, random) = (self.clone(), runtime.clone(), world.random(name));
            let client = async move { ask_now_and_then(&tape, &*clock, random, until).await };
            runtime.spawn("client", Box::pin(client));
        }
        sleep(&**runtime, time).await;
    }

    /// Checks all that is on the tape against the supervisor contract. Call it when the world has settled.
    ///
    /// # Errors
    /// The first supervisor that did what the contract does not allow, or not what it asks for.
    pub fn check(&self) -> Result<(), Breach> {
        split::check(&self.book(), self.now())
    }
}

/// A run of this tree with stand-ins: for a [`Sim`] whose faults include [`Faults::buggify`].
///
/// ```
/// use ravelin_sim::{Faults, Sim, conform};
/// use ravelin_supervisor::{Supervisor, task};
/// let tree = || Supervisor::rest_for_one("app").child(task("a", || async {})).child(task("b", || async {}));
/// Sim::new().seeds(20).faults(Faults::none().buggify()).check(async |world| conform(world, &tree()).await);
/// ```
///
/// # Panics
/// The tree did not do what the contract says.
pub async fn conform(world: &World, tree: &Supervisor) {
    conform_but(world, tree, |taped| taped).await;
}

/// As [`conform`], with something changed of what runs: for tests of the model.
#[doc(hidden)]
pub async fn conform_but(world: &World, tree: &Supervisor, change: impl Fn(Supervisor) -> Supervisor) {
    let tape = Tape::new(world.system());
    let mut random = world.random("conform");
    let deaf = random.next();
    let taped = tape.tree(tree, |path, spec| {
        let traps = (deaf >> (path.len() % 64)) & 1 == 0;
        part::stand_in(&tape, path, spec.policy(), traps)
    });
    if let Ok(root) = tape.start(change(taped)).await {
        let bits = random.below(4) + 9;
        let time = Duration::from_millis(random.below(1 << bits));
        tape.trouble(world, time).await;
        world.calm();
        let bits = random.below(13);
        world.advance(Duration::from_millis(random.below(1 << bits))).await;
        if random.chance(500_000) {
            tape.stop(&root).await;
        } else if random.chance(500_000) && root.pid().is_some() {
            tape.kill(tree.id());
        }
        world.advance(Duration::from_secs(6)).await; // for those that hang
    }
    world.settle().await;
    if let Err(breach) = tape.check() {
        panic!("{breach}");
    }
}

/// As [`assert_tree_conforms!`](crate::assert_tree_conforms) does it.
#[doc(hidden)]
#[track_caller]
pub fn assert_conforms(name: &str, build: impl Fn() -> Supervisor + Sync, seeds: u64) {
    let faults = Faults::none().buggify().buggify();
    Sim::new().name(name).seeds(seeds).faults(faults).check(async |world: &mut World| {
        conform(world, &build()).await;
    });
}

/// The tree that a function builds does what the supervisor contract says, in so many seeds (100 if nothing is said).
///
/// Its workers are replaced by stand-ins that crash, hang, decline and are killed; strategies, intensities, restart
/// types, time limits, back-offs and order are the tree's own. `RAVELIN_SEEDS` and `RAVELIN_SEED` are obeyed, as by
/// [`Sim`](crate::Sim); a failure is shrunk.
///
/// # Panics
/// A supervisor did what the contract does not allow: with the seed, what was seen, and what was expected.
///
/// ```
/// use ravelin_supervisor::{Supervisor, task};
/// use std::time::Duration;
/// fn tree() -> Supervisor {
///     Supervisor::one_for_one("app")
///         .intensity(3, Duration::from_secs(5))
///         .child(task("poll", || async {}))
///         .child(Supervisor::rest_for_one("ingest").child(task("read", || async {}).transient()))
/// }
/// ravelin_sim::assert_tree_conforms!(tree, seeds = 50);
/// ```
#[macro_export]
macro_rules! assert_tree_conforms {
    ($tree:expr $(,)?) => {
        $crate::assert_tree_conforms!($tree, seeds = 100)
    };
    ($tree:expr, seeds = $seeds:expr $(,)?) => {
        $crate::__assert_conforms(
            ::std::thread::current().name().unwrap_or("assert_tree_conforms"),
            $tree,
            $seeds,
        )
    };
}
