//! Tasks: their value, their failure, their end.

use crate::host::{Gauge, Log, everywhere, in_virtual_time, ms, pass, until, up};
use ravelin::prelude::*;
use ravelin::tasks::{TaskError, TaskHandle};
use ravelin::{
    ChildError, Exit, Info, NoMessage, Outside, Restart, SupervisorError, System, TaskSupervisor, TrapExits,
};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

#[test]
fn a_task_gives_its_value_and_a_panic_is_a_value_with_its_place() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        assert_eq!(
            tasks.async_nolink(async {}).await.map(drop),
            Err(SupervisorError::NoProc),
            "before there is a supervisor"
        );
        let app = up(&system, &tasks).await;
        let sum = tasks.async_task(&Outside, async { 40 + 2 }).await.expect("it starts");
        assert_eq!(sum.await, Ok(42));
        for broken in [
            tasks.async_task(&Outside, async { panic!("on purpose") }).await,
            tasks.async_nolink(async { panic!("on purpose") }).await,
        ] {
            let broken: TaskHandle<()> = broken.expect("it starts");
            let Err(TaskError::Exited(Exit::Panic(panic))) = broken.await else { panic!("it panicked") };
            assert_eq!(panic.message, "on purpose");
            assert!(panic.location.as_ref().expect("the hook saw it").contains("tasks.rs"));
        }
        assert_eq!(tasks.children().await, Ok(vec![]));
        app.stop().await;
    });
}

/// Has a task of each kind, and may trap exits.
struct Owner {
    tasks: TaskSupervisor,
    task: Option<TaskHandle<()>>,
    told: Log<Exit>,
}

impl Actor for Owner {
    type Args = (TaskSupervisor, TrapExits, Log<Exit>);
    async fn init((tasks, traps, told): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(traps);
        Ok(Owner { tasks, task: None, told })
    }
    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        if let Info::Exit { reason, .. } = info {
            self.told.add(reason);
        }
    }
}

/// Start a task that works until the gauge's guard is dropped, or that fails.
#[derive(Message)]
enum Begin {
    Linked(Gauge),
    LinkedAndFails,
    NolinkAndFails,
}

/// Let the handle go.
#[derive(Message)]
struct LetGo;

async fn work(gauge: Gauge) {
    let _at_work = gauge.begin();
    pending().await
}

impl Handle<Begin> for Owner {
    async fn handle(&mut self, begin: Begin, cx: &mut Cx<Self>) {
        let task = match begin {
            Begin::Linked(gauge) => self.tasks.async_task(cx, work(gauge)).await,
            Begin::LinkedAndFails => self.tasks.async_task(cx, async { panic!("linked") }).await,
            Begin::NolinkAndFails => self.tasks.async_nolink(async { panic!("nolink") }).await,
        };
        self.task = task.ok();
    }
}

impl Handle<LetGo> for Owner {
    async fn handle(&mut self, _: LetGo, _: &mut Cx<Self>) {
        self.task = None;
    }
}

async fn owner(system: &System, tasks: &TaskSupervisor, traps: TrapExits) -> (ActorRef<Owner>, Log<Exit>) {
    let told = Log::new();
    let owner = system.spawn::<Owner>((tasks.clone(), traps, told.clone())).await.expect("it starts");
    (owner, told)
}

#[test]
fn a_linked_task_and_its_caller_end_with_each_other() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let (fails, _) = owner(&system, &tasks, TrapExits::No).await;
        let end = system.ended(fails.pid().expect("it lives"));
        fails.cast(Begin::LinkedAndFails).expect("there is room");
        assert!(matches!(end.await, Exit::Panic(panic) if panic.message == "linked"));

        let (gauge, (killed, _)) = (Gauge::default(), owner(&system, &tasks, TrapExits::No).await);
        killed.call(Begin::Linked(gauge.clone())).await.expect("it starts one");
        until(|| gauge.now() == 1).await;
        system.kill(killed.pid().expect("it lives"));
        until(|| gauge.now() == 0).await;

        let (traps, told) = owner(&system, &tasks, TrapExits::Yes).await;
        traps.call(Begin::LinkedAndFails).await.expect("it starts one");
        until(|| told.len() == 1).await;
        assert!(matches!(&told.take()[..], [Exit::Panic(_)]));
        assert!(traps.is_alive());
        app.stop().await;
    });
}

#[test]
fn a_task_without_a_link_fails_by_itself() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let (owner, told) = owner(&system, &tasks, TrapExits::Yes).await;
        owner.call(Begin::NolinkAndFails).await.expect("it starts one");
        while tasks.children().await != Ok(vec![]) {}
        owner.call(LetGo).await.expect("it lives");
        assert_eq!(told.len(), 0);
        app.stop().await;
    });
}

#[test]
fn a_handle_that_is_dropped_ends_its_task_and_hurts_nobody_unless_there_is_no_link() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let gauge = Gauge::default();
        let task = tasks.async_task(&Outside, work(gauge.clone())).await.expect("it starts");
        until(|| gauge.now() == 1).await;
        drop(task);
        until(|| gauge.now() == 0).await;

        let (owner, told) = owner(&system, &tasks, TrapExits::Yes).await;
        owner.call(Begin::Linked(gauge.clone())).await.expect("it starts one");
        until(|| gauge.now() == 1).await;
        owner.call(LetGo).await.expect("it lives");
        until(|| gauge.now() == 0).await;
        while tasks.children().await != Ok(vec![]) {}
        owner.call(LetGo).await.expect("it lives on");
        assert_eq!(told.take(), []);

        let done = Gauge::default();
        let mark = done.clone();
        drop(tasks.async_nolink(async move { drop(mark.begin()) }).await.expect("it starts"));
        until(|| done.most() == 1).await;
        app.stop().await;
    });
}

#[test]
fn a_closure_actor_has_tasks_too_and_a_handle_may_be_piped() {
    #[derive(Message)]
    struct Sum(u32);
    struct Adder(Log<u32>);
    impl Actor for Adder {
        type Args = (TaskSupervisor, Log<u32>);
        async fn init((tasks, log): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
            let sum = tasks.async_task(cx, async { 20 + 1 }).await.map_err(Exit::error)?;
            cx.pipe(sum, |sum| Sum(sum.ok().and_then(Result::ok).unwrap_or(0)));
            Ok(Adder(log))
        }
    }
    impl Handle<Sum> for Adder {
        async fn handle(&mut self, Sum(sum): Sum, _: &mut Cx<Self>) {
            self.0.add(sum);
        }
    }
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let log = Log::new();
        let (mine, sums) = (tasks.clone(), log.clone());
        let closure = system.spawn_task(move |inbox: Inbox<NoMessage>| async move {
            let sum = mine.async_task(&inbox, async { 6 * 7 }).await.map_err(Exit::error)?;
            sums.add(sum.await.map_err(Exit::error)?);
            Ok::<(), Exit>(())
        });
        closure.await.expect("it starts");
        until(|| log.len() == 1).await;
        system.spawn::<Adder>((tasks.clone(), log.clone())).await.expect("it starts");
        until(|| log.len() == 2).await;
        assert_eq!(log.take(), [42, 21]);
        app.stop().await;
    });
}

#[test]
fn no_task_outlives_its_supervisor() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let gauge = Gauge::default();
        let linked = tasks.async_task(&Outside, work(gauge.clone())).await.expect("it starts");
        let nolink = tasks.async_nolink(work(gauge.clone())).await.expect("it starts");
        let alone = gauge.clone();
        let child = tasks.start_child(Restart::Permanent, move || work(alone.clone())).await;
        until(|| gauge.now() == 3).await;
        app.stop().await;
        assert_eq!(gauge.now(), 0);
        assert!(!system.is_alive(child.expect("it started")));
        for task in [linked, nolink] {
            assert_eq!(task.await, Err(TaskError::Exited(Exit::Shutdown)));
        }
    });
}

#[test]
fn one_task_more_than_may_be_is_refused_and_a_place_is_free_when_its_task_gave_its_value() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks").max_children(1);
        let app = up(&system, &tasks).await;
        for _ in 0..5 {
            let first = tasks.async_nolink(async { 1 }).await.expect("there is a place");
            assert_eq!(first.await, Ok(1));
        }
        let _first = tasks.async_task(&Outside, pending::<()>()).await.expect("there is a place");
        let second = tasks.async_nolink(async { unreachable!("nothing of it runs") }).await;
        assert_eq!(second.map(drop), Err(SupervisorError::Child(ChildError::MaxChildren(1))));
        app.stop().await;
    });
}

#[test]
fn a_child_that_nobody_waits_for_is_restarted_as_it_was_said() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks").intensity(9, Duration::from_secs(5));
        let app = up(&system, &tasks).await;
        for (restart, fails, expect) in
            [(Restart::Temporary, true, 1), (Restart::Transient, false, 1), (Restart::Transient, true, 3)]
        {
            let runs = Arc::new(AtomicU32::new(0));
            let count = runs.clone();
            let run = move || {
                let run = count.fetch_add(1, SeqCst) + 1;
                async move { if fails && run < 3 { Err("again") } else { Ok(()) } }
            };
            tasks.start_child(restart, run).await.expect("it starts");
            until(|| runs.load(SeqCst) == expect).await;
            while tasks.children().await != Ok(vec![]) {}
            assert_eq!(runs.load(SeqCst), expect, "{restart}");
        }
        app.stop().await;
    });
}

#[test]
fn shutdown_gives_the_value_the_failure_or_nothing() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let gauge = Gauge::default();
        let busy = tasks.async_nolink(work(gauge.clone())).await.expect("it starts");
        until(|| gauge.now() == 1).await;
        assert_eq!(busy.shutdown().await, None);
        assert_eq!(gauge.now(), 0);

        let done = tasks.async_task(&Outside, async { 7 }).await.expect("it starts");
        until(|| !system.is_alive(done.pid())).await;
        assert_eq!(done.shutdown().await, Some(Ok(7)));

        let broken = tasks.async_nolink(async { panic!("on purpose") }).await.expect("it starts");
        until(|| !system.is_alive(broken.pid())).await;
        let outcome: Option<Result<(), Exit>> = broken.shutdown().await;
        assert!(matches!(outcome, Some(Err(Exit::Panic(_)))), "{outcome:?}");
        app.stop().await;
    });
}

#[test]
fn one_waits_five_seconds_or_as_long_as_one_says_and_may_ask_again() {
    in_virtual_time(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let runtime = system.runtime().clone();
        let slow = |time: Duration| {
            let system = system.clone();
            async move {
                pass(&system, time).await;
                "done"
            }
        };
        let begun = runtime.now();
        let task = tasks.async_task(&Outside, slow(ms(60_000))).await.expect("it starts");
        assert_eq!(task.await, Err(TaskError::Timeout));
        assert_eq!((runtime.now() - begun).as_millis(), 5000);

        let task = tasks.async_task(&Outside, slow(ms(6000))).await.expect("it starts");
        assert_eq!(task.no_timeout().await, Ok("done"));

        let mut task = tasks.async_nolink(slow(ms(100))).await.expect("it starts").timeout(ms(30));
        assert_eq!(task.yield_for(Duration::ZERO).await, None);
        assert_eq!(task.yield_for(ms(20)).await, None);
        assert_eq!((&mut task).await, Err(TaskError::Timeout));
        assert_eq!(task.yield_for(ms(1000)).await, Some(Ok("done")));
        assert_eq!(task.yield_for(ms(10)).await, None);
        app.stop().await;
    });
}
