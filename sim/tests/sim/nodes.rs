//! Nodes: each a system of its own, that crashes and boots again.

use crate::app::{MS, SECOND};
use ravelin_core::{Runtime, sleep};
use ravelin_sim::{Fault, Node, Sim, World};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Lines = Arc<Mutex<Vec<String>>>;

/// Tells the lines when it boots, every 10 ms, when a job is done, and when it is dropped.
fn boot(lines: &Lines) -> impl Fn(Node) -> futures::future::BoxFuture<'static, ()> + Send + Sync + 'static {
    struct Dropped(Lines, Arc<dyn Runtime>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("dropped".into());
            let lines = self.0.clone();
            // A crash leaves nobody to run this.
            self.1.spawn("ghost", Box::pin(async move { lines.lock().unwrap().push("ghost".into()) }));
        }
    }
    let lines = lines.clone();
    move |node| {
        let lines = lines.clone();
        Box::pin(async move {
            let runtime = node.runtime().clone();
            let _dropped = Dropped(lines.clone(), runtime.clone());
            lines.lock().unwrap().push(format!("{} {}", node.name(), node.incarnation()));
            loop {
                sleep(&*runtime, 10 * MS).await; // tidy: virtual time
                lines.lock().unwrap().push("tick".into());
            }
        })
    }
}

fn taken(lines: &Lines) -> Vec<String> {
    std::mem::take(&mut lines.lock().unwrap())
}

#[test]
fn a_crash_drops_all_that_a_node_had_and_a_boot_begins_anew() {
    Sim::new().alone().seeds(20).check(async |world| {
        let lines = Lines::default();
        world.node("a", boot(&lines));
        world.advance(25 * MS).await;
        assert_eq!(taken(&lines), ["a 1", "tick", "tick"]);
        let before = world.system_of("a").unwrap();
        assert!(world.crash("a") && !world.crash("a"));
        assert!(world.system_of("a").is_none());
        world.advance(SECOND).await;
        assert_eq!(taken(&lines), ["dropped"]);
        world.boot("a");
        world.advance(15 * MS).await;
        assert_eq!(taken(&lines), ["a 2", "tick"]);
        assert!(before.spawn::<crate::app::Counter>(()).await.is_err(), "what is dead stays dead");
        world.restart("a");
        world.advance(5 * MS).await;
        assert_eq!(taken(&lines), ["dropped", "a 3"]);
    });
}

#[test]
fn what_a_node_draws_does_not_depend_on_the_others() {
    let drawn = async |world: &mut World, others: &[&str]| {
        for other in others {
            world.node(*other, async |_| ());
            world.system_of(other).unwrap().runtime().entropy();
        }
        world.node("a", async |_| ());
        world.system_of("a").unwrap().runtime().entropy()
    };
    Sim::new().alone().seeds(5).check(async |world| {
        let alone = world.seed().random("entropy.a.1").next();
        assert_eq!(drawn(world, &["b", "c"]).await, alone);
    });
}

#[test]
fn a_crash_a_stall_and_a_jump_of_the_clock_come_at_their_times() {
    Sim::new().alone().seeds(20).check(async |world| {
        let lines = Lines::default();
        world.node("a", boot(&lines));
        let node = || "a".into();
        world.inject(Fault::Stall { node: node(), at: 15 * MS, time: 20 * MS });
        world.inject(Fault::Crash { node: node(), at: 55 * MS, down: 20 * MS });
        world.inject(Fault::ClockJump {
            node: node(),
            at: 80 * MS,
            by: Duration::from_secs(60),
            ahead: false,
        });
        world.advance(34 * MS).await;
        assert_eq!(taken(&lines), ["a 1", "tick"]);
        // The tick that was due while it was stalled comes after that, and the next one 10 ms later.
        world.advance(16 * MS).await;
        assert_eq!(taken(&lines), ["tick", "tick"]);
        world.advance(10 * MS).await;
        assert_eq!((taken(&lines), world.system_of("a").is_some()), (vec!["dropped".to_owned()], false));
        world.advance(18 * MS).await;
        assert_eq!(taken(&lines), ["a 2"]);
        let runtime = world.system_of("a").unwrap().runtime().clone();
        let (wall, now) = (runtime.system_time(), runtime.now());
        world.advance(10 * MS).await;
        assert_eq!(runtime.now() - now, Duration::from_micros(10_002));
        assert!(runtime.system_time() < wall);
        assert!(world.runtime().system_time() > wall);
    });
}
