//! A program that does a little of everything, in all kinds of trouble: every promise that can be seen holds.
//!
//! `sim/mutants.sh` runs it with builds of the framework that are broken on purpose, and tells after how many seeds that
//! is found.

use futures::future::BoxFuture;
use ravelin_core::sys::{Limit, Watch, Watchdog};
use ravelin_core::{
    Actor, ActorRef, Bounded, CallError, Cx, Exit, GroupChange, Handle, Info, Message, Overflow, ReplyTo,
    Runtime, Serve, StartError, TrapExits,
};
use ravelin_sim::{Faults, Sim, World};
use ravelin_supervisor::{App, Shutdown, Supervisor, child, task};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

macro_rules! messages {
    ($($name:ident => $reply:ty),*) => { $(struct $name; impl Message for $name { type Reply = $reply; })* };
}
messages! { Add => u32, Note => (), Later => u32, Slow => (), Quick => () }

/// Works, in a group and under a name; some of it takes time, and some answers come later or never.
struct Worker {
    done: u32,
    owed: Vec<ReplyTo<u32>>,
}

impl Actor for Worker {
    type Args = &'static str;

    async fn init(name: &'static str, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        cx.join("workers");
        cx.register(name).map_err(|taken| Exit::error(taken.to_string()))?;
        cx.sleep(MS).await; // tidy: virtual time
        Ok(Worker { done: 0, owed: Vec::new() })
    }

    async fn terminate(&mut self, _: &Exit, cx: &mut Cx<Self>) {
        cx.sleep(2 * MS).await; // tidy: virtual time
    }
}

impl Handle<Add> for Worker {
    async fn handle(&mut self, _: Add, cx: &mut Cx<Self>) -> u32 {
        cx.sleep(Duration::from_micros(cx.runtime().entropy() % 900)).await; // tidy: virtual time
        self.done += 1;
        self.done
    }
}

impl Handle<Note> for Worker {
    async fn handle(&mut self, _: Note, _: &mut Cx<Self>) {
        self.done += 1;
    }
}

impl Handle<Quick> for Worker {
    async fn handle(&mut self, _: Quick, cx: &mut Cx<Self>) {
        self.done += 1;
        if cx.runtime().entropy().is_multiple_of(64) {
            cx.system().kill(cx.pid());
        }
    }
}

impl Handle<Slow> for Worker {
    async fn handle(&mut self, _: Slow, cx: &mut Cx<Self>) {
        cx.sleep(30 * MS).await; // tidy: virtual time
    }
}

impl Serve<Later> for Worker {
    async fn serve(&mut self, _: Later, reply: ReplyTo<u32>, _: &mut Cx<Self>) {
        self.owed.push(reply);
        if self.owed.len() > 3 {
            self.owed.remove(0).send(self.done);
        }
    }
}

/// Watches all workers.
struct Watcher;

impl Actor for Watcher {
    type Args = ();

    async fn init(_: (), cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let (_, members) = cx.monitor_group("workers");
        for pid in members {
            cx.monitor(pid);
        }
        Ok(Watcher)
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Info::Group { pid, change: GroupChange::Joined, .. } = info {
            let monitor = cx.monitor(pid);
            if cx.runtime().entropy().is_multiple_of(8) {
                cx.demonitor(monitor);
            }
            cx.monitor(pid);
        }
    }
}

type Workers = [ActorRef<Worker>; 4];

/// One round of a feeder's: bursts, calls with and without a time limit, sends that wait.
async fn feed(workers: &Workers, runtime: &Arc<dyn Runtime>) {
    let which = runtime.entropy() as usize;
    let (one, other) = (&workers[which % 4], &workers[(which / 4) % 4]);
    match runtime.entropy() % 6 {
        0 => {
            for _ in 0..6 {
                let (_, _) = (one.cast(Note), one.cast(Quick));
            }
        }
        1 => drop(one.cast(Slow)),
        2 => drop(one.call(Add).timeout(5 * MS).await),
        3 => drop(futures::future::join(one.call(Add), other.call(Add)).await),
        4 => {
            // It may be owed until the worker ends.
            let owed = other.call(Later).no_timeout();
            let _ = ravelin_core::within(&**runtime, 200 * MS, owed).await;
        }
        _ => {
            let _ = ravelin_core::within(&**runtime, 50 * MS, one.send(Note)).await;
            let _ = one.send(Quick).await;
        }
    }
}

/// Looks at the workers and reaches in, one after the other; gives how often a suspended one handled something.
async fn operate(workers: &Workers, runtime: &Arc<dyn Runtime>) -> u32 {
    let mut broken = 0;
    for _ in 0..100 {
        ravelin_core::sleep(&**runtime, MS).await; // tidy: virtual time
        let sys = workers[runtime.entropy() as usize % 4].sys().timeout(3 * MS);
        let trace = sys.trace(Limit::count(20));
        match runtime.entropy() % 6 {
            0 => sys.record(runtime.entropy() as usize % 4),
            1 => drop(sys.statistics_on()),
            2 => sys.statistics_off(),
            3 => drop(sys.get_state().await),
            _ => {
                let done = || sys.status().ok().map(|it| (it.pid, it.ledger.handled + it.ledger.answered));
                let before = if sys.suspend().await.is_ok() { done() } else { None };
                ravelin_core::sleep(&**runtime, 2 * MS).await; // tidy: virtual time
                let _ = sys.get_state().await;
                if let (Some(before), Some(after)) = (before, done()) {
                    // A new incarnation is not suspended.
                    broken += u32::from(before.0 == after.0 && before.1 != after.1);
                }
                let _ = sys.resume();
            }
        }
        drop(trace);
    }
    broken
}

async fn start(world: &World) -> (Result<App, StartError>, Workers) {
    let workers: Workers = ["a", "b", "c", "d"].map(ActorRef::place);
    let feeder = |n: u64| {
        let (workers, runtime) = (workers.clone(), world.runtime().clone());
        let function = move || {
            let (workers, runtime) = (workers.clone(), runtime.clone());
            async move {
                for _ in 0..200 {
                    feed(&workers, &runtime).await;
                    ravelin_core::sleep(&*runtime, MS * (1 + n as u32)).await; // tidy: virtual time
                }
            }
        };
        task(format!("feeder {n}"), function).permanent()
    };
    let policies = [Overflow::Wait, Overflow::Refuse, Overflow::DropNewest, Overflow::DropOldest];
    let worker = |at: usize| {
        let name = ["name a", "name b", "name c", "name d"][at];
        let spec = child(&workers[at], move || name).mailbox(Bounded(4).on_full(policies[at]));
        spec.shutdown(Shutdown::Timeout(10 * MS))
    };
    let many = |tree: Supervisor| tree.intensity(1000, SECOND);
    let inner = many(Supervisor::rest_for_one("inner")).child(worker(2)).child(worker(3));
    let watcher = ActorRef::<Watcher>::place("watcher");
    let tree = many(Supervisor::one_for_one("app"))
        .child(child(&watcher, || ()))
        .child(many(Supervisor::one_for_all("outer")).child(worker(0)).child(worker(1)).child(inner))
        .child(feeder(0))
        .child(feeder(1));
    (world.start(tree).await, workers)
}

/// As `live`, with somebody who looks at the workers and reaches in, and reads all crash reports.
async fn live_observed(world: &mut World) {
    let (crashes, broken) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (read, counted) = (crashes.clone(), broken.clone());
    world.system().record(5);
    world.system().on_crash(move |report| {
        assert!(report.last_messages.as_ref().is_none_or(|last| last.len() <= 6));
        assert!(report.reason.is_abnormal() && !report.to_string().is_empty());
        read.fetch_add(1, Relaxed);
        true
    });
    let watchdog = Watch::every(MS).sits_in_handler(20 * MS);
    // It may be hit as anybody.
    let _ = world.system().start(&ActorRef::<Watchdog>::place("watchdog"), watchdog).await;
    let runtime = world.runtime().clone();
    let looked_at = live_with(world, move |workers| {
        Box::pin(async move {
            counted.fetch_add(operate(&workers, &runtime).await, Relaxed);
            for worker in &workers {
                let _ = worker.sys().resume();
            }
        })
    });
    looked_at.await;
    assert_eq!(broken.load(Relaxed), 0, "a suspended actor handled something");
    let trouble = crashes.load(Relaxed);
    world.note(format_args!("{trouble} crash reports"));
}

/// Half a second of it, then peace, in which it has to work, and an orderly end.
async fn live(world: &mut World) {
    live_with(world, |_| Box::pin(async {})).await;
}

async fn live_with(world: &mut World, beside: impl FnOnce(Workers) -> BoxFuture<'static, ()>) {
    let others = world.system().len();
    let (app, workers) = start(world).await;
    let Ok(app) = app else {
        return assert!(world.system().len() <= others, "a start that fails leaves nobody");
    };
    world.runtime().spawn("beside", beside(workers.clone()));
    world.advance(SECOND / 2).await;
    world.calm();
    world.advance(SECOND).await;
    if app.root().pid().is_none() {
        return assert!(world.system().len() <= others, "the root was hit, and nobody outlives it");
    }
    for worker in &workers {
        let mut tries = 0;
        // Workers still kill themselves now and then, and mailboxes are small.
        while let Err(error) = worker.call(Add).timeout(10 * SECOND).await {
            assert!(!matches!(error, CallError::Timeout) && tries < 50, "{:?}: {error:?}", worker.name());
            tries += 1;
            world.advance(100 * MS).await;
        }
    }
    assert_eq!(app.stop().await.root, Exit::Shutdown);
    assert!(world.system().ledger().is_balanced());
}

fn trouble() -> Faults {
    let mut faults = Faults::none().stalls("main", 1).at_awaits(2).over(SECOND / 2).after(20 * MS);
    for place in ["a", "b", "c", "d", "inner", "outer"] {
        faults = faults.kills(place, 2);
    }
    for place in ["a", "b", "c", "d"] {
        faults = faults.failed_inits_of(place, 1).at_messages_of(place, 1);
        for message in ["Add", "Note", "Later"] {
            faults = faults.drops_of(place, message, 2).delays_of(place, message, 2);
            faults = faults.stalls_of(place, message, 1).overflows_of(place, message, 2);
        }
    }
    faults
}

#[test]
fn the_promises_hold_while_somebody_looks_and_reaches_in() {
    Sim::new().seeds(40).threads(2).faults(trouble()).check(live_observed);
}

#[test]
fn the_promises_hold_in_all_kinds_of_trouble() {
    Sim::new().seeds(60).faults(trouble()).check(live);
}
