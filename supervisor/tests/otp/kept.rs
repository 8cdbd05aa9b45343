//! A mailbox that survives a restart: what the crash did not consume is handled by the next incarnation.

use crate::host::{self, on_paused_time};
use ravelin_core::{Actor, ActorRef, CallError, Cx, Exit, Handle, Message, System};
use ravelin_supervisor::{App, Supervisor, child, exponential, start_in};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Seen = Arc<Mutex<Vec<u32>>>;

/// Tells the number; over a hundred it fails first.
struct Say(u32);
impl Message for Say {
    type Reply = u32;
}

struct Clerk(Seen);
impl Actor for Clerk {
    type Args = Seen;
    async fn init(seen: Seen, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Clerk(seen))
    }
}
impl Handle<Say> for Clerk {
    async fn handle(&mut self, Say(n): Say, cx: &mut Cx<Self>) -> u32 {
        if n > 100 {
            cx.sleep(Duration::from_millis(1)).await; // tidy: virtual time
            cx.stop(Exit::error("over a hundred"));
            return n;
        }
        self.0.lock().unwrap().push(n);
        n
    }
}

async fn boot(restarts: u32, keeps: bool) -> (App, ActorRef<Clerk>, Seen, System) {
    let (clerk, seen, system) = (ActorRef::place("clerk"), Seen::default(), System::new(host::runtime()));
    let args = seen.clone();
    let mut spec = child(&clerk, move || args.clone())
        .backoff(exponential(Duration::from_millis(10), Duration::from_secs(1)));
    if keeps {
        spec = spec.keep_mailbox();
    }
    let tree = Supervisor::one_for_one("root").intensity(restarts, Duration::from_secs(60)).child(spec);
    let app = start_in(&system, tree).await.unwrap();
    (app, clerk, seen, system)
}

#[test]
fn what_a_crash_left_is_handled_after_the_restart_if_the_child_keeps_its_mailbox() {
    for (keeps, expect) in [(true, &[1, 2, 3, 4][..]), (false, &[1, 4])] {
        on_paused_time(async || {
            let (app, clerk, seen, system) = boot(3, keeps).await;
            for n in [1, 101, 2, 102, 3] {
                clerk.cast(Say(n)).unwrap();
            }
            let ended = system.ended(clerk.pid().unwrap());
            ended.await;
            clerk.ready().await;
            while let Ok(101..) | Err(_) = clerk.call(Say(4)).await {
                clerk.ready().await;
            }
            assert_eq!(*seen.lock().unwrap(), expect, "keeps: {keeps}");
            app.stop().await;
            assert!(system.ledger().is_balanced());
            assert_eq!(clerk.ledger().dead_lettered, if keeps { 0 } else { 3 });
        });
    }
}

#[test]
fn what_was_kept_for_a_child_that_is_given_up_ends_as_dead_letters() {
    on_paused_time(async || {
        let (app, clerk, seen, system) = boot(0, true).await;
        clerk.cast(Say(101)).unwrap();
        clerk.cast(Say(1)).unwrap();
        let waits = clerk.call(Say(2)).no_timeout().await;
        assert!(matches!(waits, Err(CallError::Exited(Exit::Error(_)))), "{waits:?}");
        app.stop().await;
        assert_eq!((seen.lock().unwrap().len(), clerk.mailbox_len()), (0, 0));
        let ledger = system.ledger();
        assert!(ledger.is_balanced() && ledger.dead_lettered >= 2, "{ledger:?}");
    });
}

#[test]
fn a_supervisor_that_is_killed_takes_what_was_kept_along() {
    on_paused_time(async || {
        let (app, clerk, _, system) = boot(9, true).await;
        let ended = system.ended(clerk.pid().unwrap());
        clerk.cast(Say(101)).unwrap();
        clerk.cast(Say(1)).unwrap();
        let call = clerk.call(Say(2)).no_timeout();
        let kill = async {
            ended.await;
            assert_eq!(clerk.mailbox_len(), 2, "the restart is put off");
            let root = app.root().pid().unwrap();
            let gone = system.ended(root);
            system.kill(root);
            gone.await;
            assert_eq!(clerk.mailbox_len(), 0);
        };
        let (answer, ()) = futures::future::join(call, kill).await;
        assert!(matches!(answer, Err(CallError::Exited(_))), "{answer:?}");
        assert!(system.ledger().is_balanced());
    });
}
