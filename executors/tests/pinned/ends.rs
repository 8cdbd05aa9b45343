//! What becomes of pinned actors whose thread's executor ends, and of a handler whose actor has seen its kill.

use crate::shy::{Begin, Close, Hang, Seen, Shy};
use futures::channel::oneshot;
use futures::future::join;
use ravelin_core::runtimes::{Local, Tokio};
use ravelin_core::{CallError, Exit, LocalRuntime, System};
use ravelin_executors::pinned::{Pinned, pinned};
use ravelin_executors::runtimes::Hosted;
use ravelin_sim::{Order, Seed, SimRuntime};
use std::sync::Arc;
use std::thread;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// Ends the thread's executor while one actor is idle and another one in a handler.
async fn both_are_lost(system: System, thread: Arc<dyn LocalRuntime>, end: impl FnOnce()) {
    let seen = Seen::default();
    let args = || pinned(thread.clone(), (seen.clone(), Begin::Well, Close::Well));
    let idle = system.spawn::<Pinned<Shy>>(args()).await.unwrap();
    let busy = system.spawn::<Pinned<Shy>>(args()).await.unwrap();
    let ended = join(system.ended(idle.pid().unwrap()), system.ended(busy.pid().unwrap()));
    let (begun, has_begun) = oneshot::channel();
    let (_go_on, went_on) = oneshot::channel();
    let call = async { busy.call(Hang(begun, went_on)).await };
    let (called, ()) = join(call, async {
        has_begun.await.unwrap();
        end();
    })
    .await;
    assert!(matches!(called, Err(CallError::Exited(Exit::Lost))), "{called:?}");
    assert_eq!(ended.await, (Exit::Lost, Exit::Lost));
    let mut all = seen.all();
    all.sort_unstable();
    assert_eq!(all, ["handler dropped", "init", "init", "state dropped", "state dropped"]);
    // And a new one does not start there.
    let start = system.spawn::<Pinned<Shy>>(args()).await;
    assert_eq!(start.unwrap_err().into_exit(), Exit::Lost);
    assert!(system.is_empty(), "{:?}", system.pids());
}

#[test]
fn actors_whose_thread_is_shut_down_end_as_lost() {
    let tokio = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let set = LocalSet::new();
    let (rt, host) = Hosted::new("tokio-local", tokio::time::sleep);
    set.spawn_local(host);
    let thread = rt.clone();
    set.block_on(&tokio, async {
        both_are_lost(System::new(Tokio::current()), thread, move || rt.shutdown()).await;
    });
}

#[test]
fn actors_whose_local_is_shut_down_by_another_thread_end_as_lost() {
    let tokio = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let local = Local::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let (home, to_end) = (local.clone(), local.clone());
    let thread = thread::spawn(move || home.block_on(stopped));
    let system = System::new(Tokio::new(tokio.handle().clone()));
    tokio.block_on(both_are_lost(system, local, move || to_end.shutdown()));
    drop(stop);
    assert!(thread.join().unwrap().is_err(), "the sender was dropped");
}

#[test]
fn a_handler_goes_no_further_once_its_actor_has_seen_the_kill() {
    // In the order of the queue the actor has its turn before its handler, which is woken later.
    let sim = SimRuntime::new(Seed(1), Order::Fifo);
    let (system, thread) = (System::new(sim.clone()), sim.clone());
    let seen = Seen::default();
    let noted = seen.clone();
    let outcome = sim.block_on(async move {
        let shy =
            system.spawn::<Pinned<Shy>>(pinned(thread, (noted, Begin::Well, Close::Well))).await.unwrap();
        let pid = shy.pid().unwrap();
        let (begun, has_begun) = oneshot::channel();
        let (go_on, went_on) = oneshot::channel();
        let call = async { shy.call(Hang(begun, went_on)).await };
        let (called, ()) = join(call, async {
            has_begun.await.unwrap();
            system.kill(pid);
            go_on.send(()).unwrap();
            system.ended(pid).await;
        })
        .await;
        assert!(matches!(called, Err(CallError::Exited(Exit::Killed))), "{called:?}");
    });
    outcome.unwrap();
    assert_eq!(seen.all(), ["init", "handler dropped", "state dropped"]);
}
