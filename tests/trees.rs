//! What the promises say about live trees, on each kind of executor.

mod everywhere;

use everywhere::{everywhere, turn};
use ravelin::prelude::*;
use ravelin::{Pid, SendError, Status, SupervisorRef, TrapExits, linear, start};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Lets all others have as many turns.
async fn take_turns(turns: u32) {
    for _ in 0..turns {
        turn().await;
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, what: String) {
        self.0.lock().expect("no panic while it is held").push(what);
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("no panic while it is held")).join(" ")
    }
}

/// Says when it comes and goes, and takes its time to go.
struct Part {
    name: &'static str,
    log: Log,
}

#[derive(Message)]
struct Break;

impl Actor for Part {
    type Args = (&'static str, Log);
    async fn init((name, log): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        log.add(format!("+{name}"));
        Ok(Part { name, log })
    }
    async fn terminate(&mut self, _: &Exit, _: &mut Cx<Self>) {
        take_turns(10).await;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.log.add(format!("-{}", self.name));
    }
}

impl Handle<Break> for Part {
    async fn handle(&mut self, _: Break, _: &mut Cx<Self>) {
        panic!("on purpose");
    }
}

/// A child that is a `Part`, at a place of its own.
fn part(name: &'static str, log: &Log) -> ravelin::ChildSpec {
    part_at(&ActorRef::place(name), name, log)
}

fn part_at(place: &ActorRef<Part>, name: &'static str, log: &Log) -> ravelin::ChildSpec {
    let log = log.clone();
    child(place, move || (name, log.clone()))
}

async fn pid_of(supervisor: &SupervisorRef, child: usize) -> Pid {
    match supervisor.which_children().await.expect("it lives")[child].status {
        Status::Running(pid) => pid,
        Status::Restarting | Status::Stopped => panic!("child {child} does not run"),
    }
}

#[test]
fn a_tree_starts_in_order_and_stops_in_reverse_and_leaves_nobody() {
    everywhere(async |runtime| {
        let log = Log::default();
        let tree = Supervisor::one_for_one("app")
            .child(part("a", &log))
            .child(Supervisor::rest_for_one("s").child(part("b", &log)).child(part("c", &log)))
            .child(part("d", &log));
        let app = start(runtime, tree).await.expect("it starts");
        assert_eq!(log.take(), "+a +b +c +d");
        let report = app.stop().await;
        assert_eq!(log.take(), "-d -c -b -a");
        assert_eq!((report.root, report.killed), (Exit::Shutdown, 0));
        assert!(app.system().is_empty());
        assert!(app.system().ledger().is_balanced());
    });
}

#[test]
fn a_child_is_started_again_when_the_old_one_is_wholly_gone() {
    everywhere(async |runtime| {
        let (log, place) = (Log::default(), ActorRef::<Part>::place("a"));
        let tree = Supervisor::one_for_one("app").child(part_at(&place, "a", &log));
        let app = start(runtime, tree).await.expect("it starts");
        assert!(place.call(Break).await.is_err());
        place.ready().await;
        app.stop().await;
        assert_eq!(log.take(), "+a -a +a -a");
    });
}

#[test]
fn a_group_is_restarted_in_order_when_all_of_it_is_gone() {
    everywhere(async |runtime| {
        let log = Log::default();
        let tree = Supervisor::one_for_all("app")
            .child(part("a", &log))
            .child(part("b", &log))
            .child(part("c", &log));
        let app = start(runtime, tree).await.expect("it starts");
        let victim = pid_of(app.root(), 1).await;
        let end = app.system().ended(victim);
        app.system().kill(victim);
        end.await;
        pid_of(app.root(), 2).await;
        assert_eq!(log.take(), "+a +b +c -b -c -a +a +b +c");
        app.stop().await;
    });
}

#[test]
fn the_children_of_a_killed_supervisor_end_newest_first_before_its_successor_starts() {
    everywhere(async |runtime| {
        let log = Log::default();
        let tree = Supervisor::one_for_one("app")
            .child(Supervisor::one_for_one("s").child(part("a", &log)).child(part("b", &log)));
        let app = start(runtime, tree).await.expect("it starts");
        let victim = pid_of(app.root(), 0).await;
        let end = app.system().ended(victim);
        app.system().kill(victim);
        assert_eq!(end.await, Exit::Killed);
        assert_ne!(pid_of(app.root(), 0).await, victim);
        assert_eq!(log.take(), "+a +b -b -a +a +b");
        app.stop().await;
        assert!(app.system().is_empty());
    });
}

#[test]
fn a_child_that_does_not_end_in_time_is_killed() {
    everywhere(async |runtime| {
        struct Stuck;
        impl Actor for Stuck {
            type Args = ();
            async fn init(_: (), cx: &mut Cx<Self>) -> Result<Self, Exit> {
                cx.trap_exits(TrapExits::Yes);
                Ok(Stuck)
            }
            async fn terminate(&mut self, _: &Exit, _: &mut Cx<Self>) {
                pending().await
            }
        }
        let place = ActorRef::<Stuck>::place("stuck");
        let tree =
            Supervisor::one_for_one("app").child(child(&place, || ()).shutdown(Duration::from_millis(2)));
        let app = start(runtime, tree).await.expect("it starts");
        assert_eq!(app.stop().await.root, Exit::Shutdown);
        assert_eq!(place.last_exit(), Some(Exit::Killed));
    });
}

#[test]
fn what_is_sent_between_two_incarnations_is_handed_back() {
    everywhere(async |runtime| {
        let (log, place) = (Log::default(), ActorRef::<Part>::place("a"));
        let hour = Duration::from_secs(3600);
        let tree =
            Supervisor::one_for_one("app").child(part_at(&place, "a", &log).backoff(linear(hour, hour)));
        let app = start(runtime, tree).await.expect("it starts");
        assert!(place.call(Break).await.is_err());
        assert!(matches!(place.cast(Break), Err(SendError::NoProc(Break))));
        assert_eq!(app.root().which_children().await.expect("it lives")[0].status, Status::Restarting);
        app.stop().await;
        assert_eq!(app.ended().await, Exit::Shutdown, "the reason is known also afterwards");
    });
}

#[test]
fn a_start_that_fails_takes_back_what_it_had_started() {
    everywhere(async |runtime| {
        struct Faulty;
        impl Actor for Faulty {
            type Args = ();
            async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
                take_turns(10).await;
                Err(Exit::error("no disk"))
            }
        }
        let log = Log::default();
        let system = ravelin::System::new(runtime);
        let tree = Supervisor::one_for_one("app")
            .child(part("a", &log))
            .child(child(&ActorRef::<Faulty>::place("faulty"), || ()))
            .child(part("b", &log));
        let error = ravelin::start_in(&system, tree).await.expect_err("it cannot start");
        assert_eq!(error.into_exit().to_string(), "shutdown: child faulty failed to start: no disk");
        assert_eq!(log.take(), "+a -a");
        assert!(system.is_empty());
    });
}
