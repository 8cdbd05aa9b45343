//! The world of one run: what a test sees and does.

use crate::failure::Failure;
use crate::fault::Fault;
use crate::invariant::Invariants;
use crate::log::{Event, Name, NodeId};
use crate::machine::{MAIN, Machine, TURN};
use crate::net::Crash;
use crate::nodes::{Node, Nodes};
use crate::probe::Probe;
use crate::runtime::SimRuntime;
use crate::seed::{Random, Seed};
use ravelin_core::{Actor, ActorRef, LocalRuntime, Message, Runtime, StartError, System, Time};
use ravelin_supervisor::{App, Supervisor, start_in};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// The world of one run: nodes, virtual time, probes and faults.
///
/// There is a node `main`, on which [`start`](World::start), [`spawn`](World::spawn) and [`probe`](World::probe) put
/// things. More are made by [`node`](World::node); each has a system of its own, and can crash and boot again.
///
/// ```
/// use ravelin_core::{Message, Received};
/// use ravelin_sim::Sim;
/// use std::time::Duration;
/// struct Tick(u32);
/// impl Message for Tick { type Reply = (); }
/// let second = Duration::from_secs(1);
/// Sim::new().seeds(10).check(async |world| {
///     let mut probe = world.probe::<Tick>("probe").await;
///     let to = probe.recipient();
///     to.cast(Tick(1)).ok().unwrap();
///     assert_eq!(probe.expect(second).await.0, 1);
///     probe.expect_none(second * 3600).await; // at once
///     assert!(world.elapsed() >= second * 3600);
/// });
/// ```
pub struct World {
    pub(crate) machine: Arc<Machine>,
    pub(crate) nodes: Arc<Nodes>,
    main: System,
    invariants: Invariants,
    seed: Seed,
}

/// After so many turns a world that does not come to rest counts as settled.
const RESTLESS: u64 = 100_000;

impl World {
    pub(crate) fn new(machine: Arc<Machine>, nodes: Arc<Nodes>, invariants: Invariants) -> World {
        let seed = machine.lock().seed;
        let main = nodes.system(MAIN).unwrap_or_else(|| unreachable!("the node main is always up"));
        World { machine, nodes, main, invariants, seed }
    }

    // ---- what there is ----

    /// The seed of this run.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The random numbers of this name, from their beginning: they follow from the seed and the name alone.
    ///
    /// For choices of the test; the program takes its runtime's entropy.
    pub fn random(&self, stream: &str) -> Random {
        self.seed.random(&format!("test.{stream}"))
    }

    /// The virtual time.
    pub fn now(&self) -> Time {
        self.machine.lock().now
    }

    /// How much virtual time has passed.
    pub fn elapsed(&self) -> Duration {
        self.now() - Time::EPOCH
    }

    /// The hash over all events so far.
    pub fn log_hash(&self) -> u64 {
        self.machine.lock().log.hash()
    }

    /// The system of the node `main`.
    pub fn system(&self) -> &System {
        &self.main
    }

    /// The runtime of the node `main`.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        self.main.runtime()
    }

    /// The thread of the node `main`, for what is not `Send`.
    pub fn thread(&self) -> Arc<dyn LocalRuntime> {
        SimRuntime::on(self.machine.clone(), MAIN, 1)
    }

    /// Puts a line into the story, and into the hash.
    pub fn note(&self, what: impl fmt::Display) {
        self.machine.lock().record(Event::Note(what.to_string()));
    }

    // ---- actors ----

    /// Starts a tree on the node `main`; done when every `init`, in order, has succeeded.
    ///
    /// # Errors
    /// As [`ravelin_supervisor::start`].
    pub async fn start(&self, tree: Supervisor) -> Result<App, StartError> {
        start_in(&self.main, tree).await
    }

    /// Starts an actor at a new place of this name on the node `main`, without a parent.
    ///
    /// # Panics
    /// The start fails. Where that is not a failure of the test, use [`System::start`].
    #[track_caller]
    pub fn spawn<A: Actor>(&self, name: &str, args: A::Args) -> impl Future<Output = ActorRef<A>> + '_ {
        let called_at = Location::caller();
        let place = ActorRef::place(name);
        async move {
            match self.main.start(&place, args).await {
                Ok(_) => place,
                Err(error) => {
                    panic!("{called_at}: `{}` did not start: {error}", place.name().map_or("", |n| n))
                }
            }
        }
    }

    /// An actor on the node `main` that records the messages of one type.
    pub async fn probe<M: Message>(&self, name: &str) -> Probe<M> {
        Probe::start(&self.main, name).await
    }

    // ---- time ----

    /// Lets virtual time pass, and all that is due by then happen.
    pub async fn advance(&self, time: Duration) {
        ravelin_core::sleep(&**self.runtime(), time).await;
        self.settle().await;
    }

    /// Waits until nobody is ready: all that can happen without a timer has happened. The invariants are checked then;
    /// when one does not hold the run ends here.
    ///
    /// A program in which somebody is always ready never settles; this returns after a hundred thousand turns.
    pub async fn settle(&self) {
        let polls_max = self.machine.lock().polls + RESTLESS;
        let mut asked = false;
        poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = self.machine.lock();
            if asked && (state.ready.is_empty() || state.polls > polls_max) {
                return Poll::Ready(());
            }
            asked = true;
            let before = state.settling.replace(waker);
            drop(state);
            drop(before);
            Poll::Pending
        })
        .await;
        self.check_invariants().await;
    }

    /// Waits until `condition` holds, looking each time the world has settled.
    ///
    /// # Panics
    /// It does not hold within `limit` of virtual time, or nothing will ever happen again.
    #[track_caller]
    pub fn until<F: FnMut() -> bool>(
        &self,
        limit: Duration,
        condition: F,
    ) -> impl Future<Output = ()> + use<'_, F> {
        let called_at = Location::caller();
        let mut condition = condition;
        async move {
            let end = self.now() + limit;
            loop {
                self.settle().await;
                if condition() {
                    return;
                }
                let next = self.machine.lock().timeline.first_key_value().map(|((at, _), _)| *at);
                match next {
                    Some(at) if at <= end => {
                        let wait = (at - self.now()).max(TURN);
                        ravelin_core::sleep(&**self.runtime(), wait).await;
                    }
                    Some(_) => panic!("{called_at}: what was waited for did not happen within {limit:?}"),
                    None => panic!("{called_at}: what was waited for did not happen, and no timer is set"),
                }
            }
        }
    }

    async fn check_invariants(&self) {
        let Some((name, what)) = self.invariants.broken(&self.nodes.quiet()) else { return };
        self.machine.lock().broken = Some(Failure::Invariant { name, what });
        // The run ends before the next turn.
        std::future::pending().await
    }

    // ---- nodes ----

    /// Makes a node and boots it. `boot` runs at each boot, in a task of the new incarnation, with its new system.
    ///
    /// # Panics
    /// There is a node of this name.
    ///
    /// ```
    /// use ravelin_sim::Sim;
    /// use std::{sync::{Arc, atomic::{AtomicU32, Ordering::SeqCst}}, time::Duration};
    /// Sim::new().seeds(3).check(async |world| {
    ///     let boots = Arc::new(AtomicU32::new(0));
    ///     let seen = boots.clone();
    ///     world.node("a", move |node| {
    ///         seen.store(node.incarnation(), SeqCst);
    ///         std::future::pending()
    ///     });
    ///     world.settle().await;
    ///     world.crash("a");
    ///     assert!(world.system_of("a").is_none());
    ///     world.boot("a");
    ///     world.settle().await;
    ///     assert_eq!(boots.load(SeqCst), 2);
    /// });
    /// ```
    #[track_caller]
    pub fn node<F, Fut>(&self, name: impl Into<Name>, boot: F)
    where
        F: Fn(Node) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        assert!(self.nodes.find(&name).is_none(), "there is a node `{name}` already");
        let node = self.nodes.add(name, Arc::new(move |node| Box::pin(boot(node))));
        self.nodes.boot(node);
    }

    /// The system of a node's present incarnation; `None` while it is down.
    ///
    /// # Panics
    /// There is no such node.
    #[track_caller]
    pub fn system_of(&self, node: &str) -> Option<System> {
        self.nodes.system(self.find(node))
    }

    /// Crashes a node: its tasks are dropped where they wait, its timers and jobs never come, and all that it had in
    /// memory is gone; its connections are reset. False: it was down. [`lose_power`](World::lose_power) is the silent one.
    ///
    /// # Panics
    /// There is no such node, or it is `main`.
    #[track_caller]
    pub fn crash(&self, node: &str) -> bool {
        assert!(node != "main", "the node `main` is the test's own, and does not crash");
        self.nodes.crash(self.find(node), Crash::Reset)
    }

    /// Boots a node that is down; nothing happens to one that is up.
    ///
    /// # Panics
    /// There is no such node.
    #[track_caller]
    pub fn boot(&self, node: &str) {
        self.nodes.boot(self.find(node));
    }

    /// Crashes a node, if it is up, and boots it.
    ///
    /// # Panics
    /// As [`World::crash`].
    #[track_caller]
    pub fn restart(&self, node: &str) {
        self.crash(node);
        self.boot(node);
    }

    #[track_caller]
    pub(crate) fn find(&self, node: &str) -> NodeId {
        self.nodes.find(node).unwrap_or_else(|| panic!("there is no node `{node}`"))
    }

    // ---- faults ----

    /// Adds a fault to this run. One whose time is past strikes at once; one that is counted is counted from now on.
    pub fn inject(&self, fault: Fault) {
        self.machine.lock().plan(fault);
    }

    /// Kills whoever lives at a place of this name, on any node. False: nobody does.
    pub fn kill(&self, place: &str) -> bool {
        self.nodes.kill(place)
    }

    /// Ends all trouble: no fault strikes from now on, nodes that are down boot, those that are stalled go on, and links
    /// are as [`set_link`](World::set_link) and [`set_network`](World::set_network) made them. What
    /// must hold in the end is asserted after this.
    pub fn calm(&self) {
        self.note("calm");
        self.nodes.calm();
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("seed", &self.seed).field("now", &self.now()).finish_non_exhaustive()
    }
}
