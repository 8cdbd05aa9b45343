//! The loop of a run: what is due first, then a task whose turn it is, else the clock jumps.

use crate::failure::Failure;
use crate::fault::Fault;
use crate::log::{Event, NodeId};
use crate::machine::{Bell, Due, Machine, ROOT, Slot, State, TURN};
use crate::order::TaskId;
use ravelin_core::{Exit, Time, quietly};
use std::collections::BTreeMap;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Where a run that does not end is ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Limits {
    pub(crate) polls: u64,
    pub(crate) time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { polls: 3_000_000, time: Duration::from_secs(10 * 365 * 24 * 3600) }
    }
}

/// What the loop leaves to who knows the nodes.
pub(crate) enum Act {
    Strike(Fault),
    Boot(NodeId),
}

/// What is to be done next.
enum Step {
    Due(Due),
    Turn(TaskId),
    Settled(Waker),
    Fails(Failure),
}

/// Runs `root` to its end, and all else beside it.
pub(crate) fn drive<F: Future>(
    machine: &Arc<Machine>,
    mut root: Pin<&mut F>,
    limits: Limits,
    act: &mut dyn FnMut(Act),
) -> Result<F::Output, Failure> {
    let bell = machine.bell(ROOT);
    let waker = Waker::from(bell.clone());
    waker.wake_by_ref();
    loop {
        let step = next(&mut machine.lock(), limits);
        match step {
            Step::Fails(failure) => return Err(failure),
            Step::Settled(waker) => waker.wake(),
            Step::Due(Due::Wake(waker)) => waker.wake(),
            Step::Due(Due::Job(node, incarnation, job)) => {
                if machine.lock().is_up(node, incarnation) {
                    machine.lock().record(Event::Job { node });
                    guarded(job)?;
                }
            }
            Step::Due(Due::Strike(fault)) => guarded(|| act(Act::Strike(fault)))?,
            Step::Due(Due::Unpause(task)) => machine.lock().unpause(task),
            Step::Due(Due::Resume(node)) => machine.lock().resume(node),
            Step::Due(Due::Boot(node)) => guarded(|| act(Act::Boot(node)))?,
            Step::Turn(ROOT) => {
                bell.reset();
                let mut cx = Context::from_waker(&waker);
                if let Poll::Ready(output) = guarded(|| root.as_mut().poll(&mut cx))? {
                    return Ok(output);
                }
            }
            Step::Turn(task) => turn(machine, task)?,
        }
    }
}

fn guarded<R>(f: impl FnOnce() -> R) -> Result<R, Failure> {
    quietly(f).map_err(|exit: Exit| Failure::of_panic(&exit))
}

fn next(state: &mut State, limits: Limits) -> Step {
    if let Some(thread) = state.foreign.take() {
        return Step::Fails(Failure::ForeignThread { thread });
    }
    if let Some(failure) = state.broken.take() {
        return Step::Fails(failure);
    }
    if state.polls >= limits.polls || state.now - Time::EPOCH > limits.time {
        return Step::Fails(Failure::Endless { polls: state.polls, at: state.now });
    }
    let is_due = state.timeline.first_key_value().is_some_and(|((at, _), _)| *at <= state.now);
    if !is_due {
        while let Some(task) = state.turns.pick(&mut state.ready) {
            if takes_turn(state, task) {
                state.polls += 1;
                state.record(Event::Polled { task });
                state.now = state.now + TURN;
                return Step::Turn(task);
            }
        }
        state.rest();
        if let Some(failure) = state.broken.take() {
            return Step::Fails(failure);
        }
        if let Some(waker) = state.settling.take() {
            return Step::Settled(waker);
        }
    }
    let Some(((at, _), due)) = state.timeline.pop_first() else {
        return Step::Fails(Failure::Deadlock { waits: waiting_tasks(state) });
    };
    state.now = state.now.max(at);
    if let Due::Wake(_) = due {
        state.record(Event::Fired);
    }
    Step::Due(due)
}

/// Whether the task is there and its node runs. One that is paused, or whose node
/// is stalled, is ready again when that is over.
fn takes_turn(state: &mut State, task: TaskId) -> bool {
    if task == ROOT {
        return true;
    }
    let Some(Slot::Waits(waiting)) = state.tasks.get(task as usize) else { return false };
    let (now, node) = (state.now, waiting.node);
    if let Some((until, is_ready)) = state.paused.get_mut(&task)
        && *until > now
    {
        *is_ready = true;
        return false;
    }
    let node = state.node(node);
    let is_stalled = node.stalled_until > now;
    if is_stalled {
        node.parked.push(task);
    }
    !is_stalled
}

/// One turn of a task.
fn turn(machine: &Arc<Machine>, id: TaskId) -> Result<(), Failure> {
    let mut task = {
        let mut state = machine.lock();
        let Some(slot) = state.tasks.get_mut(id as usize) else { return Ok(()) };
        let Slot::Waits(waiting) = slot else { return Ok(()) };
        let runs = Slot::Runs(waiting.node);
        let Some(task) = mem::replace(slot, runs).task() else { return Ok(()) };
        state.running = Some(id);
        task
    };
    Bell::reset(&task.waker);
    let waker = Waker::from(task.waker.clone());
    let polled = guarded(|| task.future.as_mut().poll(&mut Context::from_waker(&waker)));
    let mut state = machine.lock();
    state.running = None;
    // It is another one when the node has crashed, or the run was closed, meanwhile.
    let slot = state.tasks.get_mut(id as usize).filter(|slot| matches!(slot, Slot::Runs(..)));
    match (polled, slot) {
        (Ok(Poll::Pending), Some(slot)) => {
            *slot = Slot::Waits(task);
            Ok(())
        }
        (polled, slot) => {
            if let Some(slot) = slot {
                *slot = Slot::Over;
            }
            state.record(Event::Ended { task: id });
            drop(state);
            polled.and(guarded(|| drop(task)))
        }
    }
}

/// How many tasks there are of each name.
fn waiting_tasks(state: &State) -> Vec<String> {
    let mut names = BTreeMap::new();
    for slot in &state.tasks {
        if let Slot::Waits(task) = slot {
            *names.entry((&*state.nodes[task.node as usize].name, task.name)).or_insert(0) += 1;
        }
    }
    names
        .into_iter()
        .map(|((node, name), count)| format!("{count} x task `{name}` on node `{node}`"))
        .collect()
}

/// Ends a run: drops all that is left, each on its own, and gives the first panic.
pub(crate) fn close(machine: &Arc<Machine>) -> Result<(), Failure> {
    let (tasks, due) = machine.close();
    let mut outcome = Ok(());
    for task in tasks {
        let dropped = guarded(|| drop(task));
        outcome = outcome.and(dropped);
    }
    outcome.and(guarded(|| drop(due)))
}
