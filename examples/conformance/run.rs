//! One scenario from its first step to its last: act, wait until all is quiet, print.

use crate::Fault;
use crate::hub::Hub;
use crate::steps::{Holder, World};
use crate::trace::{self, Step};
use crate::tree::{Builder, word};
use ravelin::{Activity, Inbox, NoMessage, Runtime, System, within};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How long a step may take, or the quiet after it to come.
const LIMIT: Duration = Duration::from_secs(15);
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(300);
/// How many looks in a row must see the same quiet.
const LOOKS: u32 = 3;

/// Runs the scenario; gives the trace.
pub(crate) async fn run(runtime: Arc<dyn Runtime>, scenario: &Value) -> Result<String, Fault> {
    let (system, hub) = (System::new(runtime), Hub::default());
    let holder = system.spawn::<Holder>(()).await?;
    let builder = Builder { system: system.clone(), hub: hub.clone() };
    let world = World { system, hub, builder, holder, root: Arc::new(scenario["root"].clone()) };

    let mut out = String::from("trace 1\n");
    let start = serde_json::json!({ "op": "start_root" });
    out += &step(&world, 0, &start).await?;
    for (number, each) in scenario["steps"].as_array().into_iter().flatten().enumerate() {
        out += &step(&world, number + 1, each).await?;
    }
    Ok(out + "end\n")
}

async fn step(world: &World, number: usize, step: &Value) -> Result<String, Fault> {
    let op = word(step, "op", "");
    let runtime = world.system.runtime();
    let reply = if op == "start_root" {
        Some(within(&**runtime, LIMIT, world.start_root()).await)
    } else if step["async"].as_bool() == Some(true) {
        client(world.clone(), number, step.clone()).await?;
        None
    } else {
        Some(within(&**runtime, LIMIT, world.act(step)).await)
    };
    let reply = match reply {
        Some(None) => return Err(format!("step {number} {op}: no reply").into()),
        Some(reply) => reply,
        None => None,
    };
    quiet(world, number).await?;
    let happened = world.hub.take();
    let state = if world.hub.blocked().is_empty() { world.tree().await } else { "blocked".into() };
    let is_unordered = step["unordered"].as_bool() == Some(true);
    Ok(trace::lines(&Step { number, op, is_unordered, reply }, happened, &world.hub, &state))
}

/// Has a client of its own do the step: an actor, so that it is seen whether it still waits.
async fn client(world: World, number: usize, step: Value) -> Result<(), Fault> {
    let system = world.system.clone();
    let act = move |_: Inbox<NoMessage>| async move {
        let text = world.act(&step).await;
        world.hub.answered(number, text);
    };
    system.spawn_task(act).await?;
    Ok(())
}

/// Waits until nothing goes on: several looks in a row see nobody at work, and nothing recorded in between.
async fn quiet(world: &World, number: usize) -> Result<(), Fault> {
    let runtime = world.system.runtime();
    let deadline = runtime.now() + LIMIT;
    let (mut looks, mut records) = (0, None);
    while looks < LOOKS {
        let now = world.hub.records();
        let at_work = at_work(world);
        looks = if at_work.is_none() && records.is_none_or(|before| before == now) { looks + 1 } else { 0 };
        records = Some(now);
        if let Some(who) = at_work
            && runtime.now() > deadline
        {
            return Err(format!("step {number}: not quiet: {who}").into());
        }
        ravelin::sleep(&**runtime, PAUSE).await;
    }
    Ok(())
}

/// Somebody who is at work. While a worker is blocked, others may wait for it, and have mail.
fn at_work(world: &World) -> Option<String> {
    let World { system, hub, .. } = world;
    if hub.is_busy() {
        return Some("a callback takes its time".into());
    }
    let is_blocked = !hub.blocked().is_empty();
    for pid in system.pids() {
        let Some(who) = system.describe(pid) else { return Some(format!("{pid} is ending")) };
        let is_quiet = match who.activity {
            Activity::Idle => true,
            Activity::Waiting => is_blocked,
            Activity::Runnable | Activity::Running => false,
        };
        if !is_quiet {
            return Some(format!("{} {who:?}", hub.name(pid)));
        }
    }
    let unrecorded = hub.up().into_iter().find(|pid| !system.is_alive(*pid))?;
    Some(format!("{} has ended", hub.name(unrecorded)))
}
