//! Coordinated shutdown: in virtual time where time counts.

use crate::everywhere::{everywhere, on_paused_time};
use crate::parts::{Log, Ways, app, part};
use futures::stream;
use ravelin::application::{
    Application, CoordinatedShutdown, Phase, PhaseError, ShutdownReason, ShutdownReport, Signal, TaskError,
    TaskOutcome,
};
use ravelin::prelude::*;
use ravelin::{Applications, sleep};
use std::future::pending;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn outcomes(report: &ShutdownReport) -> String {
    let phases = report.phases.iter().filter(|phase| !phase.tasks.is_empty());
    let tasks =
        phases.flat_map(|phase| phase.tasks.iter().map(|task| format!("{}={}", task.name, task.outcome)));
    tasks.collect::<Vec<_>>().join(", ")
}

#[test]
fn phases_run_in_order_around_the_end_of_the_trees() {
    everywhere(async |runtime| {
        let (log, shutdown) = (Log::default(), CoordinatedShutdown::new());
        for (phase, name) in
            [("close stores", "file"), ("drain", "orders"), ("stop accepting", "listener"), ("drain", "mail")]
        {
            let log = log.clone();
            let work = move || async move { log.add(name) };
            shutdown.task(phase, name, work).expect("there is such a phase");
        }
        let gone = log.clone();
        let withdrawn = shutdown.task("drain", "gone", move || async move { gone.add("gone") });
        assert!(shutdown.withdraw(withdrawn.expect("there is such a phase")));
        let applications = Applications::new().shutdown(shutdown.clone()).application(app("web", &log));
        let node = applications.start(runtime).await.expect("it starts");
        assert_eq!(log.take(), "+web");
        let report = node.shut_down().await;
        assert_eq!(log.take(), "listener orders mail -web file");
        assert_eq!(
            outcomes(&report),
            "listener=done, orders=done, mail=done, stop trees=done, file=done, end the rest=done"
        );
        assert!(report.is_orderly());
        assert!(report.to_string().starts_with("shutdown, requested: orderly, in "), "{report}");
        assert_eq!(shutdown.task("drain", "late", || async {}), Err(TaskError::ShuttingDown));
    });
}

#[test]
fn what_does_not_end_in_time_is_named_with_where_it_sat() {
    on_paused_time(async |runtime| {
        let (log, shutdown) = (Log::default(), CoordinatedShutdown::new());
        shutdown.task("drain", "orders", pending::<()>).expect("there is such a phase");
        shutdown.task("drain", "mail", || async { Err("no route") }).expect("there is such a phase");
        let ways = Ways { cleans_up_for: 3600 * 1000 * MS, ..Ways::default() };
        let tree = Supervisor::one_for_one("store").child(part("journal", &log, ways));
        let applications =
            Applications::new().shutdown(shutdown.clone()).application(Application::new("store", tree));
        let node = applications.start(runtime.clone()).await.expect("it starts");
        let begun = runtime.now();
        let report = node.shut_down().await;
        assert!(runtime.now() - begun <= shutdown.longest());
        assert_eq!(
            outcomes(&report),
            "orders=not done in time, killed, mail=failed: no route, stop trees=not done in time, killed, end the rest=done"
        );
        let paths: Vec<_> = report.stragglers.iter().map(|straggler| &straggler.path[..]).collect();
        assert_eq!(paths, ["applications", "applications/store", "applications/store/journal"]);
        assert_eq!((report.stop.killed, report.code()), (3, 2));
        let text = report.to_string();
        let journal = text.lines().find(|line| line.contains("journal")).expect("it is told");
        assert!(
            journal.contains("(application::parts::Part) after \"stop trees\": waiting in a callback"),
            "{text}"
        );
        assert!(node.system().is_empty());
    });
}

#[test]
fn a_total_bounds_all_phases_and_the_trees_end_all_the_same() {
    on_paused_time(async |runtime| {
        let log = Log::default();
        let shutdown = CoordinatedShutdown::new().total(2 * 1000 * MS);
        shutdown.task("stop accepting", "listener", pending::<()>).expect("there is such a phase");
        shutdown.task("close stores", "file", || async {}).expect("there is such a phase");
        let applications = Applications::new().shutdown(shutdown.clone()).application(app("web", &log));
        let node = applications.start(runtime.clone()).await.expect("it starts");
        let begun = runtime.now();
        let report = node.shut_down().await;
        assert!(runtime.now() - begun <= shutdown.longest());
        let file = report.phases.iter().flat_map(|phase| &phase.tasks).find(|task| &*task.name == "file");
        assert_eq!(file.map(|file| &file.outcome), Some(&TaskOutcome::NotRun));
        assert!(node.system().is_empty());
    });
}

#[test]
fn a_signal_shuts_down_and_a_second_one_ends_at_once() {
    on_paused_time(async |runtime| {
        for (signals, code, took_max) in [
            (vec![Signal::Terminate], 0, 4000 * MS),
            (vec![Signal::Interrupt, Signal::Interrupt], 130, 1000 * MS),
            (vec![Signal::Interrupt, Signal::Terminate], 143, 1000 * MS),
        ] {
            let (log, shutdown) = (Log::default(), CoordinatedShutdown::new());
            let clock = runtime.clone();
            let work = move || async move { sleep(&*clock, 3000 * MS).await }; // tidy: virtual time
            shutdown.task("drain", "orders", work).expect("there is such a phase");
            let applications = Applications::new().shutdown(shutdown).application(app("web", &log));
            let node = applications.start(runtime.clone()).await.expect("it starts");
            let first = signals[0];
            let clock = runtime.clone();
            let spaced = stream::unfold(signals.into_iter(), move |mut signals| {
                let clock = clock.clone();
                async move {
                    sleep(&*clock, 500 * MS).await; // tidy: virtual time
                    Some((signals.next()?, signals))
                }
            });
            let report = node.run(spaced).await;
            assert_eq!(
                (report.reason.clone(), report.code()),
                (ShutdownReason::Signal(first), code),
                "{report}"
            );
            assert!(report.took <= took_max, "{report}");
            assert!(node.system().is_empty());
        }
    });
}

#[test]
fn a_signal_cuts_short_what_something_else_began_only_when_it_is_the_second() {
    on_paused_time(async |runtime| {
        let shutdown = CoordinatedShutdown::new();
        let clock = runtime.clone();
        let work = move || async move { sleep(&*clock, 1000 * MS).await }; // tidy: virtual time
        shutdown.task("drain", "orders", work).expect("there is such a phase");
        let node = Applications::new().shutdown(shutdown.clone()).start(runtime).await.expect("it starts");
        assert!(shutdown.begin() && !shutdown.begin());
        let report = node.run(stream::iter([Signal::Terminate])).await;
        assert_eq!((report.reason.clone(), report.code()), (ShutdownReason::Requested, 0), "{report}");
    });
}

#[test]
fn the_end_of_the_root_is_a_shutdown_and_actors_outside_of_the_trees_end_too() {
    everywhere(async |runtime| {
        let (log, shutdown) = (Log::default(), CoordinatedShutdown::new());
        let closed = log.clone();
        shutdown
            .task("close stores", "file", move || async move { closed.add("file") })
            .expect("there is one");
        let applications = Applications::new().shutdown(shutdown).application(app("web", &log));
        let node = applications.start(runtime).await.expect("it starts");
        let stray = node.system().spawn_task(|_: Inbox<ravelin::NoMessage>| pending::<()>()).await;
        assert!(stray.is_ok_and(|stray| stray.is_alive()));
        node.system().kill(node.root().pid().expect("it lives"));
        let report = node.ended().await;
        assert_eq!((report.reason.clone(), report.code()), (ShutdownReason::RootEnded(Exit::Killed), 1));
        assert_eq!(log.take(), "+web -web file");
        assert!(node.system().is_empty());
    });
}

#[test]
fn a_node_whose_executor_is_gone_is_lost() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let log = Log::default();
    let applications = Applications::new().application(app("web", &log));
    let node = tokio.block_on(async { applications.start(ravelin::runtimes::Tokio::current()).await });
    let node = node.expect("it starts");
    drop(tokio);
    let report = smol::block_on(node.shut_down());
    assert_eq!((report.reason.clone(), report.code()), (ShutdownReason::Lost, 1), "{report}");
    assert_eq!(log.take(), "+web -web");
}

#[test]
fn phases_that_make_no_sense_are_refused() {
    let phases = |phases: &[Phase]| CoordinatedShutdown::with_phases(phases.to_vec()).map(drop);
    let (one, trees) = (Phase::new("one", MS), Phase::trees("trees", MS));
    assert_eq!(phases(&[one.clone(), trees.clone()]), Ok(()));
    assert_eq!(phases(&[one.clone(), trees.clone(), one.clone()]), Err(PhaseError::Duplicate("one".into())));
    assert_eq!(phases(&[one]), Err(PhaseError::NoTrees));
    assert_eq!(phases(&[trees, Phase::trees("woods", MS)]), Err(PhaseError::TwoTrees));
}
