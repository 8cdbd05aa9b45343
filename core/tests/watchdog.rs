//! A watchdog in a system of its own, on a thread of its own, sees who holds the only thread of another one.
#![allow(clippy::disallowed_methods, reason = "this test is about real threads")]

use futures::channel::mpsc;
use futures::stream::StreamExt;
use ravelin_core::runtimes::Local;
use ravelin_core::sys::{Finding, Stuck, Watch, Watchdog};
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

struct Spinner;

impl Actor for Spinner {
    type Args = ();

    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Spinner)
    }
}

/// Holds its thread until somebody says that it was seen.
struct Spin(Arc<AtomicBool>);

impl Message for Spin {
    type Reply = ();
}

impl Handle<Spin> for Spinner {
    async fn handle(&mut self, m: Spin, _: &mut Cx<Self>) {
        while !m.0.load(SeqCst) {
            thread::yield_now();
        }
    }
}

#[test]
fn a_watchdog_on_a_thread_of_its_own_names_who_holds_the_only_thread() {
    let watched_on = Local::new();
    let watched = System::new(watched_on.clone());
    let was_seen = Arc::new(AtomicBool::new(false));
    let (tell, mut found) = mpsc::unbounded::<Finding>();
    let looks_at = watched.clone();
    let seen = was_seen.clone();
    let watcher = thread::spawn(move || {
        let local = Local::new();
        let own = System::new(local.clone());
        let watch = Watch::every(Duration::from_millis(1)).any_handler().of(&looks_at).tell(move |finding| {
            let _ = tell.unbounded_send(finding.clone());
        });
        let finding = local.block_on(async move {
            own.start(&ActorRef::<Watchdog>::place("watchdog"), watch).await.unwrap();
            let finding = found.next().await;
            own.shut_down_all(Duration::from_secs(5)).await;
            finding
        });
        seen.store(true, SeqCst);
        finding.unwrap()
    });
    watched_on.block_on(async move {
        let spinner = ActorRef::<Spinner>::place("spinner");
        watched.start(&spinner, ()).await.unwrap();
        spinner.call(Spin(was_seen)).no_timeout().await.unwrap();
        watched.shut_down_all(Duration::from_secs(5)).await;
    });
    let finding = watcher.join().unwrap();
    assert_eq!((finding.place.as_deref(), finding.stuck.how), (Some("spinner"), Stuck::HoldsThread));
    assert!(finding.message.is_some_and(|message| message.ends_with("::Spin")), "{finding}");
}
