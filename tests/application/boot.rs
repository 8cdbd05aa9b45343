//! Starting and stopping applications.

use crate::everywhere::everywhere;
use crate::parts::{End, Log, Ways, app, app_at, part};
use ravelin::application::{
    Application, ApplicationKind, BootError, Config, CoordinatedShutdown, NodeError, OrderError,
    ShutdownReason,
};
use ravelin::prelude::*;
use ravelin::{Applications, Runtime, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

#[test]
fn applications_start_in_the_order_of_their_needs_and_stop_in_reverse() {
    everywhere(async |runtime| {
        let log = Log::default();
        let applications = Applications::new()
            .application(app("web", &log).needs("store").needs("log"))
            .application(app("mail", &log))
            .application(app("log", &log))
            .application(app("store", &log).needs("log"));
        let node = applications.start(runtime).await.expect("it starts");
        assert_eq!(log.take(), "+mail +log +store +web");
        let names: Vec<_> = node.which_applications().into_iter().map(|info| info.name.to_string()).collect();
        assert_eq!(names, ["mail", "log", "store", "web"]);
        let report = node.shut_down().await;
        assert_eq!(log.take(), "-web -store -log -mail");
        assert!(report.is_orderly() && report.code() == 0, "{report}");
        assert_eq!(report.reason, ShutdownReason::Requested);
        assert!(node.system().is_empty() && node.system().ledger().is_balanced());
        assert_eq!(node.start("web").await, Err(NodeError::ShuttingDown));
        assert_eq!(node.shut_down().await, report, "it is told again");
    });
}

#[test]
fn an_application_that_does_not_start_takes_back_those_before_it() {
    everywhere(async |runtime| {
        let log = Log::default();
        let ways = Ways { init_fails: true, ..Ways::default() };
        let tree = Supervisor::one_for_one("web").child(part("listener", &log, ways));
        let applications = Applications::new()
            .shutdown(CoordinatedShutdown::new())
            .application(app("store", &log))
            .application(Application::new("web", tree).needs("store"))
            .application(app("mail", &log));
        let system = System::new(runtime);
        let error = applications.start_in(&system).await.expect_err("it does not start");
        assert_eq!(
            error.to_string(),
            "application \"web\" did not start: shutdown: child listener failed to start: no disk"
        );
        assert_eq!(log.take(), "+store -store");
        assert!(system.is_empty());
        let again = applications.start_in(&system).await.expect_err("nothing has changed");
        assert_eq!(again, error);
    });
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_starts() {
    async fn refused(runtime: &Arc<dyn Runtime>, log: &Log, applications: Applications) -> BootError {
        let error = applications
            .application(app("other", log))
            .start(runtime.clone())
            .await
            .expect_err("it is refused");
        assert_eq!(log.take(), "", "nothing was started");
        error
    }
    everywhere(async |runtime| {
        let log = &Log::default();
        let error = refused(&runtime, log, Applications::new().application(app("a", log).needs("b"))).await;
        let unknown = OrderError::Unknown { application: "a".into(), needs: "b".into() };
        assert_eq!(error, BootError::Order(unknown));
        let circle =
            Applications::new().application(app("a", log).needs("b")).application(app("b", log).needs("a"));
        let error = refused(&runtime, log, circle).await;
        assert_eq!(error.to_string(), "applications need each other: a needs b needs a");
        let faulty = Supervisor::one_for_one("app").intensity(1, Duration::ZERO);
        let error =
            refused(&runtime, log, Applications::new().application(Application::new("a", faulty))).await;
        assert!(matches!(error, BootError::Spec { .. }), "{error}");
        let config = Config::new(0_u16).layer("file", |_| Err("no such file"));
        let configured = Application::configured("a", config, |_| Supervisor::one_for_one("a"));
        let error = refused(&runtime, log, Applications::new().application(configured)).await;
        assert_eq!(error.to_string(), "the configuration of application \"a\": layer \"file\": no such file");
        let shutdown = CoordinatedShutdown::new();
        let first =
            Applications::new().shutdown(shutdown.clone()).start(runtime.clone()).await.expect("it is new");
        let error = refused(&runtime, log, Applications::new().shutdown(shutdown)).await;
        assert_eq!(error, BootError::ShutdownInUse);
        first.shut_down().await;
    });
}

#[test]
fn start_phases_run_when_the_tree_is_up_and_before_the_next_application() {
    everywhere(async |runtime| {
        let log = Log::default();
        let phase = |what: &'static str| {
            let log = log.clone();
            move || {
                log.add(what);
                async {}
            }
        };
        let store =
            app("store", &log).start_phase("migrate", phase("migrate")).start_phase("go", phase("go"));
        let applications =
            Applications::new().application(app("web", &log).needs("store")).application(store);
        let node = applications.start(runtime.clone()).await.expect("it starts");
        assert_eq!(log.take(), "+store migrate go +web");
        node.shut_down().await;
        log.take();
        let broken = app("store", &log).start_phase("migrate", || async { Err("old schema") });
        let panics = app("web", &log).start_phase("go", || async {
            assert!(std::hint::black_box(false), "on purpose");
        });
        for (application, told) in [(broken, "+store -store"), (panics, "+web -web")] {
            let applications = Applications::new().application(application);
            let error = applications.start(runtime.clone()).await.expect_err("its phase failed");
            assert!(matches!(&error, BootError::Start { reason: Exit::StartFailed(_), .. }), "{error}");
            assert_eq!(log.take(), told);
        }
    });
}

#[test]
fn an_application_is_configured_anew_for_each_start() {
    everywhere(async |runtime| {
        let (log, loads) = (Log::default(), Arc::new(AtomicU32::new(1)));
        let counted = loads.clone();
        let config = Config::new(0).layer("environment", move |workers| {
            *workers = counted.load(Relaxed);
            Ok::<_, String>(())
        });
        let parts = log.clone();
        let web = Application::configured("web", config, move |workers: u32| {
            let worker = |n| part(&format!("worker-{n}"), &parts, Ways::default());
            (0..workers).fold(Supervisor::one_for_one("web"), |tree, n| tree.child(worker(n)))
        });
        let node = Applications::new().application(web).start(runtime).await.expect("it starts");
        assert_eq!(log.take(), "+worker-0");
        loads.store(2, Relaxed);
        node.stop("web").await.expect("it runs");
        node.start("web").await.expect("it does not run");
        assert_eq!(log.take(), "-worker-0 +worker-0 +worker-1");
        node.shut_down().await;
    });
}

#[test]
fn applications_start_and_stop_one_by_one() {
    everywhere(async |runtime| {
        let log = Log::default();
        let ways = Ways { init_fails: true, ..Ways::default() };
        let broken = Supervisor::one_for_one("broken").child(part("broken", &log, ways));
        let applications = Applications::new()
            .application(app("admin", &log).needs("web").on_demand())
            .application(app("log", &log))
            .application(app("web", &log).needs("log").on_demand())
            .application(Application::new("broken", broken).needs("admin").on_demand());
        let node = applications.start(runtime).await.expect("it starts");
        assert_eq!(log.take(), "+log");
        assert_eq!(node.start("admin").await, Err(NodeError::Needs("web".into())));
        assert_eq!(node.start("log").await, Err(NodeError::AlreadyStarted("log".into())));
        assert_eq!(node.stop("web").await, Err(NodeError::NotStarted("web".into())));
        assert_eq!(node.stop("wbe").await, Err(NodeError::NoSuchApplication("wbe".into())));
        // Undone on failure: what was started for it.
        let failed = node.ensure_all_started("broken").await;
        assert!(matches!(failed, Err(NodeError::Start { application, .. }) if &*application == "broken"));
        assert_eq!(log.take(), "+web +admin -admin -web");
        let started = node.ensure_all_started("admin").await.expect("they start");
        assert_eq!(started.join(" "), "web admin");
        assert_eq!(node.ensure_all_started("admin").await, Ok(vec![]), "they run");
        // Those that need it go on, whatever its kind.
        node.stop("log").await.expect("it runs");
        assert_eq!(log.take(), "+web +admin -log");
        node.start("log").await.expect("it does not run");
        let running = node.which_applications().into_iter().filter(|info| info.pid.is_some());
        assert_eq!(running.map(|info| info.name.to_string()).collect::<Vec<_>>(), ["log", "web", "admin"]);
        log.take();
        assert!(node.shut_down().await.is_orderly());
        assert_eq!(log.take(), "-admin -web -log");
    });
}

#[test]
fn the_end_of_an_application_means_what_its_kind_says() {
    let rows = [
        (ApplicationKind::Permanent, Exit::Normal, true),
        (ApplicationKind::Permanent, Exit::error("no disk"), true),
        (ApplicationKind::Transient, Exit::error("no disk"), true),
        (ApplicationKind::Temporary, Exit::error("no disk"), false),
        (ApplicationKind::Temporary, Exit::Normal, false),
    ];
    everywhere(async |runtime| {
        for (kind, exit, takes_down) in rows.clone() {
            let (log, place) = (Log::default(), ActorRef::place("job"));
            let applications = Applications::new()
                .application(app("web", &log))
                .application(app_at(&place, &log).kind(kind));
            let node = applications.start(runtime.clone()).await.expect("it starts");
            let tree = node.application("job").and_then(|tree| tree.pid()).expect("it runs");
            let end = node.system().ended(tree);
            place.cast(End(exit)).expect("it has room");
            end.await;
            if takes_down {
                let report = node.ended().await;
                let ended =
                    ShutdownReason::ApplicationEnded { application: "job".into(), exit: Exit::Shutdown };
                assert_eq!((report.reason.clone(), report.code()), (ended, 1), "{report}");
                assert!(node.system().is_empty());
            } else {
                let job = node.which_applications().into_iter().find(|info| &*info.name == "job");
                assert!(job.is_some_and(|job| job.pid.is_none() && job.last_exit == Some(Exit::Shutdown)));
                node.start("job").await.expect("it can be started again");
                assert_eq!(node.shut_down().await.reason, ShutdownReason::Requested);
            }
        }
    });
}
