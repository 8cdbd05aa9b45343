//! What fails loudly: a deadlock, a run without end, and whatever does not follow from the seed.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "what must be found")]

use crate::app::{MS, SECOND};
use ravelin_core::{Actor, Cx, Exit, Handle, Message, Runtime, Time};
use ravelin_sim::{Failure, Sim, World};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Poll, Waker};
use std::time::Duration;

fn failure(sim: Sim, test: impl AsyncFn(&mut World) + Sync) -> Failure {
    sim.alone().run(test).unwrap_err().failure
}

struct Hang;
impl Message for Hang {
    type Reply = ();
}
struct Sleeper;
impl Actor for Sleeper {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Sleeper)
    }
}
impl Handle<Hang> for Sleeper {
    async fn handle(&mut self, _: Hang, _: &mut Cx<Self>) {
        std::future::pending().await
    }
}

#[test]
fn a_deadlock_is_reported_with_what_everybody_waits_for() {
    let failure = failure(Sim::new(), async |world| {
        let sleeper = world.spawn::<Sleeper>("sleeper", ()).await;
        let idle = world.spawn::<Sleeper>("idle", ()).await;
        sleeper.call(Hang).no_timeout().await.unwrap();
        drop(idle);
    });
    let Failure::Deadlock { waits } = failure else { panic!("{failure}") };
    let waits = waits.join("\n");
    assert!(waits.contains("actor `sleeper`") && waits.contains("Waiting"), "{waits}");
    assert!(waits.contains("1 idle actors on node `main`"), "{waits}");
}

#[test]
fn a_run_without_end_is_ended() {
    let for_ever = async |world: &mut World| {
        world.advance(MS).await;
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })
        .await;
    };
    let limits = [(1000, SECOND), (1_000_000, MS * 2)];
    for (polls, time) in limits {
        let failure = failure(Sim::new().limits(polls, time), for_ever);
        assert!(matches!(failure, Failure::Endless { .. }), "{failure}");
    }
}

#[test]
fn a_wake_up_by_another_thread_is_named() {
    let failure = failure(Sim::new(), async |world| {
        let mut begun = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut begun, true) {
                return Poll::Ready(());
            }
            let waker: Waker = cx.waker().clone();
            let waking = std::thread::Builder::new().name("stray".into()).spawn(move || waker.wake());
            waking.unwrap().join().unwrap();
            Poll::Pending
        })
        .await;
        world.settle().await;
    });
    assert_eq!(failure, Failure::ForeignThread { thread: "stray".into() });
}

#[test]
fn a_use_of_the_runtime_by_another_thread_is_named() {
    let use_it = |what: fn(&dyn Runtime)| {
        failure(Sim::new(), async move |world: &mut World| {
            let runtime = world.runtime().clone();
            let stray = std::thread::Builder::new().name("stray".into());
            stray.spawn(move || what(&*runtime)).unwrap().join().unwrap();
            world.settle().await;
        })
    };
    let uses: [fn(&dyn Runtime); 4] = [
        |runtime| runtime.spawn("task", Box::pin(async {})),
        |runtime| runtime.spawn_blocking(Box::new(|| ())),
        |runtime| drop(runtime.timer(Time::EPOCH)),
        |runtime| drop(runtime.entropy().to_string()),
    ];
    for what in uses {
        assert_eq!(use_it(what), Failure::ForeignThread { thread: "stray".into() });
    }
}

#[test]
fn real_entropy_is_found_and_the_first_event_that_differs_is_named() {
    let failure = failure(Sim::new(), async |world| {
        world.advance(SECOND).await;
        let luck = RandomState::new().hash_one(0) % 1_000_000;
        world.advance(Duration::from_nanos(luck)).await;
    });
    let Failure::Differs { first } = failure else { panic!("{failure}") };
    assert!(first.contains("events that are the same"), "{first}");
}

#[test]
fn a_state_that_outlives_a_run_is_found() {
    let runs = AtomicU32::new(0);
    let failure = failure(Sim::new(), async |world| {
        world.note(runs.fetch_add(1, Relaxed));
    });
    assert!(matches!(&failure, Failure::Differs { first } if first.contains("s 2` and `")), "{failure}");
}

#[test]
fn a_panic_of_a_task_that_is_no_actor_is_a_failure() {
    let failure = failure(Sim::new(), async |world| {
        world.runtime().spawn("loose", Box::pin(async { panic!("loose") }));
        world.settle().await;
    });
    assert!(matches!(&failure, Failure::Panic { message, .. } if message == "loose"), "{failure}");
}

#[test]
fn an_invariant_is_checked_when_the_world_has_settled_and_at_the_end() {
    let none = |quiet: &ravelin_sim::Quiet| {
        if quiet.nodes[0].1.is_empty() { Ok(()) } else { Err("somebody lives".to_owned()) }
    };
    let sim = || Sim::new().holds("nobody lives", none);
    let expect = Failure::Invariant { name: "nobody lives".into(), what: "somebody lives".into() };
    let at_the_end = failure(sim(), async |world| drop(world.spawn::<Sleeper>("s", ()).await));
    assert_eq!(at_the_end, expect);
    let on_the_way = failure(sim(), async |world| {
        let sleeper = world.spawn::<Sleeper>("s", ()).await;
        world.settle().await;
        world.system().stop(sleeper.pid().unwrap(), Exit::Normal).await.unwrap();
    });
    assert_eq!(on_the_way, expect);
}
