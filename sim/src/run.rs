//! One run: a seed, an order, a scenario and a test; and what came of it.

use crate::drive::{self, Limits};
use crate::failure::Failure;
use crate::fault::{Fault, Scenario};
use crate::invariant::Invariants;
use crate::log::Log;
use crate::machine::Machine;
use crate::mischief::Mischief;
use crate::nodes::Nodes;
use crate::order::{Order, Turns};
use crate::seed::Seed;
use crate::story;
use crate::world::World;
use ravelin_core::Time;
use std::pin::pin;
use std::sync::Arc;

/// All that a run follows from, beside the test.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: Seed,
    pub(crate) order: Order,
    pub(crate) scenario: Scenario,
    pub(crate) limits: Limits,
    pub(crate) invariants: Invariants,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) failure: Option<Failure>,
    pub(crate) log: Log,
    pub(crate) struck: Vec<Fault>,
    pub(crate) polls: u64,
    pub(crate) end: Time,
}

/// Runs the test once. With `keeps`, the log keeps its events and the story.
pub(crate) fn run<F: AsyncFn(&mut World)>(setup: &Setup, keeps: bool, test: &F) -> Outcome {
    let Setup { seed, order, scenario, limits, invariants } = setup;
    let turns = Turns::new(*order, seed.random("order"));
    let machine = Machine::new(*seed, turns, Mischief::new(*seed), keeps);
    scenario.iter().for_each(|fault| machine.lock().plan(fault.clone()));
    machine.lock().rules = invariants.rules();
    let live = || live(&machine, *limits, invariants, test);
    let failure = if keeps { story::told(&machine, live) } else { live() };
    let mut state = machine.lock();
    Outcome {
        failure,
        log: state.log.clone(),
        struck: std::mem::take(&mut state.struck),
        polls: state.polls,
        end: state.now,
    }
}

fn live<F: AsyncFn(&mut World)>(
    machine: &Arc<Machine>,
    limits: Limits,
    invariants: &Invariants,
    test: &F,
) -> Option<Failure> {
    let nodes = Arc::new(Nodes::new(machine));
    let mut world = World::new(machine.clone(), nodes.clone(), invariants.clone());
    let mut outcome = {
        let root = async {
            test(&mut world).await;
            world.settle().await;
        };
        // Gone before the tasks are, as a function's locals are before what it was called by.
        drive::drive(machine, pin!(root), limits, &mut |act| nodes.act(act))
    };
    if let Err(Failure::Deadlock { waits }) = &mut outcome {
        waits.extend(nodes.waits());
    }
    drop(world);
    let closed = drive::close(machine);
    nodes.clear();
    outcome.and(closed).err()
}
