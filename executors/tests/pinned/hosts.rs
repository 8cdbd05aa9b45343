//! Where the claims are run: the system on one executor, the pinned actors on the same or another.

use crate::shy::{Begin, Close, Seen, Shy};
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use ravelin_core::runtimes::{Local, Tokio};
use ravelin_core::{ActorRef, LocalRuntime, Runtime, System};
use ravelin_executors::pinned::{Pinned, PinnedArgs, pinned};
use ravelin_executors::runtimes::Hosted;
use ravelin_sim::{Order, Seed, SimRuntime};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// What a claim gets.
pub(crate) struct Stage {
    pub(crate) system: System,
    pub(crate) thread: Arc<dyn LocalRuntime>,
    pub(crate) seen: Seen,
}

impl Stage {
    fn new(runtime: Arc<dyn Runtime>, thread: Arc<dyn LocalRuntime>) -> Stage {
        Stage { system: System::new(runtime), thread, seen: Seen::default() }
    }

    pub(crate) fn args(&self, begin: Begin, close: Close) -> PinnedArgs<Shy> {
        pinned(self.thread.clone(), (self.seen.clone(), begin, close))
    }

    /// An actor that begins and closes well.
    pub(crate) async fn shy(&self) -> ActorRef<Pinned<Shy>> {
        self.system.spawn(self.args(Begin::Well, Close::Well)).await.unwrap()
    }

    /// Where all of it is to happen.
    pub(crate) async fn home(&self) -> thread::ThreadId {
        let (to, home) = oneshot::channel();
        self.thread.spawn_local(Box::new(|| Box::pin(async { to.send(thread::current().id()).unwrap() })));
        home.await.unwrap()
    }
}

pub(crate) type Claim = fn(Stage) -> LocalBoxFuture<'static, ()>;

/// A claim, and after it: all end when told to, nothing is left, and every message had one fate.
async fn hold(stage: Stage, claim: Claim) {
    let system = stage.system.clone();
    claim(stage).await;
    assert_eq!(system.shut_down_all(Duration::from_secs(10)).await, 0, "nobody had to be killed");
    assert!(system.is_empty());
    assert!(system.ledger().is_balanced(), "{:?}", system.ledger());
}

/// One thread for all.
pub(crate) fn on_local(claim: Claim) {
    let local = Local::new();
    local.block_on(hold(Stage::new(local.clone(), local.clone()), claim));
    local.shutdown();
}

/// The system on tokio's workers, the actors on a thread with a `Local`.
pub(crate) fn on_tokio_with_a_local_thread(claim: Claim) {
    let tokio = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let local = Local::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let home = local.clone();
    let thread = thread::spawn(move || home.block_on(stopped));
    tokio.block_on(hold(Stage::new(Tokio::new(tokio.handle().clone()), local), claim));
    drop(stop);
    assert!(thread.join().unwrap().is_err(), "the sender was dropped");
}

/// The system on tokio's workers, the actors on a thread with a `LocalSet`.
pub(crate) fn on_tokio_with_a_local_set(claim: Claim) {
    let tokio = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (give, given) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::spawn(move || {
        let tokio = Builder::new_current_thread().enable_time().build().unwrap();
        let set = LocalSet::new();
        let (rt, host) = Hosted::new("tokio-local", tokio::time::sleep);
        give.send(rt).unwrap();
        set.spawn_local(host);
        set.block_on(&tokio, stopped)
    });
    let home = given.recv().unwrap();
    tokio.block_on(hold(Stage::new(Tokio::new(tokio.handle().clone()), home), claim));
    drop(stop);
    assert!(thread.join().unwrap().is_err(), "the sender was dropped");
}

/// Both in one `LocalSet`, on tokio's paused clock.
pub(crate) fn on_tokio_paused(claim: Claim) {
    let tokio = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let set = LocalSet::new();
    let (rt, host) = Hosted::new("tokio-local", tokio::time::sleep);
    set.spawn_local(host);
    set.block_on(&tokio, async { hold(Stage::new(Tokio::current(), rt), claim).await });
}

/// In the simulator: in the order of the queue, and in orders drawn from seeds.
pub(crate) fn in_the_simulator(claim: Claim) {
    for seed in (0..8).map(Seed) {
        for order in [Order::Fifo, Order::Random] {
            let sim = SimRuntime::new(seed, order);
            let stage = Stage::new(sim.clone(), sim.clone());
            if let Err(failure) = sim.block_on(hold(stage, claim)) {
                panic!("{seed:?} {order:?}: {failure}");
            }
            sim.shutdown().unwrap();
        }
    }
}

#[cfg(feature = "compio")]
pub(crate) fn on_compio(claim: Claim) {
    compio::runtime::Runtime::new().unwrap().block_on(async {
        let rt = ravelin_executors::runtimes::on_compio();
        hold(Stage::new(rt.clone(), rt), claim).await;
    });
}

/// A module for each host, with a test for each claim.
macro_rules! claims {
    ($($claim:ident),* $(,)?) => {
        claims! { @hosts [$($claim),*] local on_local, tokio_with_a_local_thread on_tokio_with_a_local_thread,
            tokio_with_a_local_set on_tokio_with_a_local_set, tokio_paused on_tokio_paused, sim in_the_simulator }
        #[cfg(feature = "compio")]
        claims! { @hosts [$($claim),*] compio on_compio }
    };
    (@hosts $claims:tt $($name:ident $host:ident),*) => {
        $(mod $name { claims! { @tests $host $claims } })*
    };
    (@tests $host:ident [$($claim:ident),*]) => {
        $(
            #[test]
            fn $claim() {
                crate::hosts::$host(|stage| Box::pin(crate::claims::$claim(stage)));
            }
        )*
    };
}
