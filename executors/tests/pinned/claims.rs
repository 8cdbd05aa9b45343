//! The claims.

use crate::hosts::Stage;
use crate::shy::{self, Add, Alarm, Begin, Boom, BoomElsewhere, Close, Hang, LinkTo, StopNow, Trap, Watch};
use futures::channel::oneshot;
use futures::future::join;
use ravelin_core::{ActorRef, CallError, Exit, Info, SendError, StartError, System};
use ravelin_executors::pinned::{Pinned, pinned};
use ravelin_supervisor::{Supervisor, child, start_in};
use std::time::Duration;

type Shy = ActorRef<Pinned<shy::Shy>>;

/// Begins a call that hangs; gives what it came to after `meanwhile`, which begins when the handler has.
async fn hanging<T>(
    shy: &Shy,
    meanwhile: impl Future<Output = T>,
) -> (Result<&'static str, CallError<Hang>>, T) {
    let (begun, has_begun) = oneshot::channel();
    let (_go_on, went_on) = oneshot::channel();
    let meanwhile = async {
        has_begun.await.unwrap();
        meanwhile.await
    };
    join(async { shy.call(Hang(begun, went_on)).await }, meanwhile).await
}

/// Ends the actor in good order.
async fn end(system: &System, shy: &Shy) -> Exit {
    let pid = shy.pid().unwrap();
    let ended = system.ended(pid);
    system.exit(pid, pid, Exit::Shutdown);
    ended.await
}

#[track_caller]
fn assert_is_panic(exit: &Exit, message: &str) {
    let Exit::Panic(panic) = exit else { panic!("{exit:?}") };
    assert_eq!(panic.message, message);
    let place = panic.location.as_deref().expect("the hook saw it");
    assert!(place.contains("shy.rs"), "{place}");
}

pub(crate) async fn answers_come_from_a_state_that_is_not_send(stage: Stage) {
    let shy = stage.shy().await;
    for n in 1..=10 {
        shy.cast(Add(n)).unwrap();
    }
    assert_eq!(shy.call(Add(1)).await.unwrap(), 56);
    assert_eq!(shy.recipient::<Add>().call(Add(4)).await.unwrap(), 60);
    assert_eq!(end(&stage.system, &shy).await, Exit::Shutdown);
    assert!(matches!(shy.cast(Add(1)), Err(SendError::NoProc(Add(1)))));
}

pub(crate) async fn all_of_it_happens_on_its_thread(stage: Stage) {
    let home = stage.home().await;
    let shy = stage.shy().await;
    shy.call(Add(1)).await.unwrap();
    let pid = shy.pid().unwrap();
    shy.call(Boom()).await.unwrap_err();
    stage.system.ended(pid).await;
    assert_eq!(stage.seen.all(), ["init", "add", "handler dropped", "terminate", "state dropped"]);
    assert!(stage.seen.threads().iter().all(|thread| *thread == home));
}

pub(crate) async fn a_panic_is_the_exit_reason_with_message_and_place(stage: Stage) {
    let shy = stage.shy().await;
    let ended = stage.system.ended(shy.pid().unwrap());
    let Err(CallError::Exited(why)) = shy.call(Boom()).await else { unreachable!() };
    assert_is_panic(&why, "out of paint");
    assert_eq!(ended.await, why);
    assert_eq!(shy.last_exit(), Some(why));
}

pub(crate) async fn a_panic_in_terminate_is_the_exit_reason(stage: Stage) {
    let shy = stage.system.spawn::<Pinned<shy::Shy>>(stage.args(Begin::Well, Close::Panic)).await.unwrap();
    let ended = stage.system.ended(shy.pid().unwrap());
    shy.call(StopNow(Exit::Normal)).await.unwrap();
    assert_is_panic(&ended.await, "the door is stuck");
    assert_eq!(stage.seen.all(), ["init", "terminate", "state dropped"]);
}

pub(crate) async fn an_init_that_fails_fails_the_start_and_leaves_nothing(stage: Stage) {
    for why in [Exit::error("no screen"), Exit::Ignore] {
        let start =
            stage.system.spawn::<Pinned<shy::Shy>>(stage.args(Begin::Refuse(why.clone()), Close::Well)).await;
        assert_eq!(start.unwrap_err(), StartError::Init(why));
    }
    let start = stage.system.spawn::<Pinned<shy::Shy>>(stage.args(Begin::Panic, Close::Well)).await;
    assert_is_panic(&start.unwrap_err().into_exit(), "no window");
    assert_eq!(stage.seen.all(), ["init", "state dropped"].repeat(3));
    assert!(stage.system.is_empty(), "{:?}", stage.system.pids());
}

pub(crate) async fn a_kill_drops_future_and_state_on_their_thread_before_the_end_is_announced(stage: Stage) {
    let home = stage.home().await;
    let shy = stage.shy().await;
    let pid = shy.pid().unwrap();
    let (system, seen) = (stage.system.clone(), stage.seen.clone());
    let (called, at_the_end) = hanging(&shy, async {
        let ended = system.ended(pid);
        system.kill(pid);
        assert_eq!(ended.await, Exit::Killed);
        seen.all()
    })
    .await;
    assert!(matches!(called, Err(CallError::Exited(Exit::Killed))), "{called:?}");
    assert_eq!(at_the_end, ["init", "handler dropped", "state dropped"]);
    assert!(stage.seen.threads().iter().all(|thread| *thread == home));
}

pub(crate) async fn a_kill_in_init_does_so_too(stage: Stage) {
    let (begun, has_begun) = oneshot::channel();
    let shy = ActorRef::<Pinned<_>>::unnamed();
    let start = stage.system.start(&shy, stage.args(Begin::Wait(begun), Close::Well));
    let killed = async {
        has_begun.await.unwrap();
        let pid = shy.pid().unwrap();
        let ended = stage.system.ended(pid);
        stage.system.kill(pid);
        ended.await;
        stage.seen.all()
    };
    let (started, at_the_end) = join(start, killed).await;
    assert_eq!(started, Err(StartError::Init(Exit::Killed)));
    assert_eq!(at_the_end, ["init", "state dropped"]);
}

pub(crate) async fn nothing_sent_after_a_kill_is_handled(stage: Stage) {
    let shy = stage.shy().await;
    let pid = shy.pid().unwrap();
    let ended = stage.system.ended(pid);
    stage.system.kill(pid);
    let _ = shy.cast(Add(1));
    ended.await;
    assert!(!stage.seen.all().contains(&"add"));
}

pub(crate) async fn a_stop_waits_for_the_handler_and_runs_terminate(stage: Stage) {
    let tree = Supervisor::one_for_one("app");
    let shy = Shy::place("shy");
    let (thread, seen) = (stage.thread.clone(), stage.seen.clone());
    let args = move || pinned(thread.clone(), (seen.clone(), Begin::Well, Close::Well));
    let app = start_in(&stage.system, tree.child(child(&shy, args))).await.unwrap();
    // A parent's order runs `terminate` in an actor that traps exits, as anywhere.
    let (told, _info) = oneshot::channel();
    shy.call(Trap(told)).await.unwrap();
    let (begun, has_begun) = oneshot::channel();
    let (go_on, went_on) = oneshot::channel();
    let call = async { shy.call(Hang(begun, went_on)).await };
    let stop = async {
        has_begun.await.unwrap();
        let stopped = app.stop();
        go_on.send(()).unwrap();
        stopped.await
    };
    let (called, report) = join(call, stop).await;
    assert_eq!(called.unwrap(), "went on");
    assert_eq!(report.root, Exit::Shutdown);
    assert_eq!(stage.seen.all(), ["init", "went on", "handler dropped", "terminate", "state dropped"]);
    assert_eq!(shy.last_exit(), Some(Exit::Shutdown));
}

pub(crate) async fn an_actor_that_stops_itself_still_answers(stage: Stage) {
    let shy = stage.shy().await;
    let ended = stage.system.ended(shy.pid().unwrap());
    let why = Exit::shutdown_with(Exit::error("closed"));
    assert_eq!(shy.call(StopNow(why.clone())).await.unwrap(), "stopping");
    assert_eq!(ended.await, why);
    assert_eq!(stage.seen.all(), ["init", "terminate", "state dropped"]);
}

pub(crate) async fn a_restart_makes_a_new_one_on_the_same_thread_after_the_old_one_is_gone(stage: Stage) {
    let home = stage.home().await;
    let shy = Shy::place("shy");
    let (thread, seen) = (stage.thread.clone(), stage.seen.clone());
    let args = move || pinned(thread.clone(), (seen.clone(), Begin::Well, Close::Well));
    let tree = Supervisor::one_for_one("app").intensity(9, Duration::from_secs(1));
    let app = start_in(&stage.system, tree.child(child(&shy, args))).await.unwrap();
    shy.call(Add(7)).await.unwrap();
    shy.call(Boom()).await.unwrap_err();
    shy.ready().await;
    assert_eq!(shy.call(Add(1)).await.unwrap(), 1);
    let pid = shy.pid().unwrap();
    let ended = stage.system.ended(pid);
    stage.system.kill(pid);
    assert_eq!(ended.await, Exit::Killed);
    assert_ne!(shy.ready().await, pid);
    assert_eq!(shy.call(Add(2)).await.unwrap(), 2);
    app.stop().await;
    let first = ["init", "add", "handler dropped", "terminate", "state dropped"];
    let others = ["init", "add", "state dropped"].repeat(2);
    assert_eq!(stage.seen.all(), [&first[..], &others].concat());
    assert!(stage.seen.threads().iter().all(|thread| *thread == home));
}

pub(crate) async fn a_monitor_of_its_own_tells_it_of_an_end_on_its_thread(stage: Stage) {
    let home = stage.home().await;
    let (shy, other) = (stage.shy().await, stage.shy().await);
    let (down, is_down) = oneshot::channel();
    let pid = other.pid().unwrap();
    shy.call(Watch(pid, down)).await.unwrap();
    other.call(StopNow(Exit::Normal)).await.unwrap();
    let Info::Down { pid: who, reason, .. } = is_down.await.unwrap() else { unreachable!() };
    assert_eq!((who, reason), (pid, Exit::Normal));
    assert!(stage.seen.threads().iter().all(|thread| *thread == home));
}

pub(crate) async fn a_linked_actor_dies_with_it_and_the_other_way_round(stage: Stage) {
    for ends in [0, 1] {
        let pair = [stage.shy().await, stage.shy().await];
        let pids = [pair[0].pid().unwrap(), pair[1].pid().unwrap()];
        pair[0].call(LinkTo(pids[1])).await.unwrap();
        let ended = join(stage.system.ended(pids[0]), stage.system.ended(pids[1]));
        let why = Exit::error("broken");
        pair[ends].call(StopNow(why.clone())).await.unwrap();
        assert_eq!(ended.await, (why.clone(), why));
    }
}

pub(crate) async fn it_traps_exits_when_it_says_so(stage: Stage) {
    let shy = stage.shy().await;
    let pid = shy.pid().unwrap();
    let (told, info) = oneshot::channel();
    shy.call(Trap(told)).await.unwrap();
    stage.system.exit(pid, pid, Exit::error("leave"));
    let info = info.await.unwrap();
    assert_eq!(info, Info::Exit { from: pid, reason: Exit::error("leave") });
    assert_eq!(shy.call(Add(1)).await.unwrap(), 1);
}

pub(crate) async fn a_timer_of_its_own_comes_as_a_message(stage: Stage) {
    let shy = stage.shy().await;
    let (rings, rang) = oneshot::channel();
    let wait = Duration::from_millis(2);
    let before = stage.system.runtime().now();
    shy.call(Alarm(wait, rings)).await.unwrap();
    rang.await.unwrap();
    assert!(stage.system.runtime().now() - before >= wait);
}

pub(crate) async fn a_panic_on_the_way_to_the_actor_proper_is_its_own(stage: Stage) {
    let shy = stage.shy().await;
    let pid = shy.pid().unwrap();
    let Err(CallError::Exited(why)) = shy.call(BoomElsewhere()).await else { unreachable!() };
    assert_is_panic(&why, "no such child");
    stage.system.ended(pid).await;
    assert_eq!(stage.seen.all(), ["init", "terminate", "state dropped"]);
}
