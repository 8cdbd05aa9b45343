//! The simulated runtime: an incarnation of a node, as the framework sees it.

use crate::drive;
use crate::failure::Failure;
use crate::log::{Log, NodeId};
use crate::machine::{Due, MAIN, Machine};
use crate::mischief::Mischief;
use crate::order::{Order, Turns};
use crate::seed::Seed;
use crate::unsent::{Make, Unsent};
use futures::future::BoxFuture;
use ravelin_core::{Fault as Harm, FaultPoint, LocalRuntime, Runtime, Seen, Site, TaskName, Time, Timer};
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

/// What the wall clock shows at the beginning: the first of January 2000.
const WALL: Duration = Duration::from_secs(946_684_800);

/// A [`Runtime`] in which all follows from a seed: one thread, an order that the seed chooses, virtual time.
///
/// Most tests take a [`World`](crate::World), which has several nodes, faults and probes; this is what it stands on.
///
/// # What it promises
///
/// - **Same seed, same run**, on any machine, as long as the program draws from nothing but its runtime.
/// - **Order**: which ready task is next follows from the seed, see [`Order`]. An actor that another one wakes waits for
///   its turn like all others.
/// - **Clock**: virtual. A turn of a task takes 1 us; when nothing is ready the clock jumps to what is next. Timers never
///   fire early, and when one is due it comes before any task.
/// - **Blocking** jobs run on the same thread, 10 us to 5 ms after they were given, and take no other time.
/// - **Entropy** follows from the seed. The wall clock begins on 2000-01-01.
/// - **Panics**: one that escapes a task, or a blocking job, is a [`Failure`]: no actor's panic escapes.
/// - **Futures that are not `Send`** run among the tasks of their node, and go with it: it is a [`LocalRuntime`].
/// - **Threads**: when another thread wakes a task, spawns, sets a timer or draws a number, the run is a failure.
///
/// # Examples
///
/// ```
/// use ravelin_core::{Runtime, sleep};
/// use ravelin_sim::{Order, Seed, SimRuntime};
/// use std::time::Duration;
/// let rt = SimRuntime::new(Seed(7), Order::Random);
/// let year = Duration::from_secs(365 * 24 * 3600);
/// rt.block_on(sleep(&*rt, year)).unwrap(); // at once
/// assert!(rt.now() - ravelin_core::Time::EPOCH >= year);
/// ```
pub struct SimRuntime {
    machine: Arc<Machine>,
    node: NodeId,
    incarnation: u32,
}

impl SimRuntime {
    /// A runtime with one node and no faults, for the calling thread.
    pub fn new(seed: Seed, order: Order) -> Arc<SimRuntime> {
        let turns = Turns::new(order, seed.random("order"));
        let machine = Machine::new(seed, turns, Mischief::new(seed), false);
        Arc::new(SimRuntime { machine, node: MAIN, incarnation: 1 })
    }

    pub(crate) fn on(machine: Arc<Machine>, node: NodeId, incarnation: u32) -> Arc<SimRuntime> {
        Arc::new(SimRuntime { machine, node, incarnation })
    }

    /// Runs `future` to its end, and tasks beside it. Tasks that are not done then wait for the next call.
    ///
    /// # Errors
    /// What is wrong with the run: a panic of `future` or of a task, a deadlock, a wake-up by another thread, or that
    /// there was no end after three million turns or ten years.
    ///
    /// # Panics
    /// On another thread than the one it was made on.
    ///
    /// ```
    /// use ravelin_sim::{Failure, Order, Seed, SimRuntime};
    /// let rt = SimRuntime::new(Seed(1), Order::Fifo);
    /// assert_eq!(rt.block_on(async { 1 + 1 }), Ok(2));
    /// assert!(matches!(rt.block_on(std::future::pending::<()>()), Err(Failure::Deadlock { .. })));
    /// ```
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        assert!(self.machine.is_home(), "SimRuntime::block_on: called on another thread than it was made on");
        drive::drive(&self.machine, pin!(future), drive::Limits::default(), &mut |_| {})
    }

    /// What has happened so far.
    pub fn log(&self) -> Log {
        self.machine.lock().log.clone()
    }

    /// Drops all tasks; from now on what is spawned is dropped un-run. An actor that holds its runtime is a cycle, and
    /// this breaks it.
    ///
    /// # Errors
    /// A destructor panicked; the others have run all the same.
    pub fn shutdown(&self) -> Result<(), Failure> {
        drive::close(&self.machine)
    }
}

impl Runtime for SimRuntime {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn spawn(&self, name: TaskName, fut: BoxFuture<'static, ()>) {
        // Dropped after the lock is free.
        let refused = self.machine.spawn(self.node, self.incarnation, name, fut);
        drop(refused);
    }

    fn now(&self) -> Time {
        self.machine.lock().now
    }

    fn system_time(&self) -> SystemTime {
        let mut state = self.machine.lock();
        let since = i128::from((state.now - Time::EPOCH).as_nanos() as u64) + WALL.as_nanos() as i128;
        let since = (since + state.node(self.node).skew).max(0) as u64;
        SystemTime::UNIX_EPOCH + Duration::from_nanos(since)
    }

    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> {
        self.machine.guard();
        let (machine, node) = (self.machine.clone(), self.node);
        Box::pin(SimTimer { machine, node, incarnation: self.incarnation, at, key: None, has_fired: false })
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) {
        self.machine.guard();
        let refused = self.machine.lock().schedule_job(self.node, self.incarnation, job);
        drop(refused);
    }

    fn entropy(&self) -> u64 {
        self.machine.guard();
        self.machine.lock().entropy(self.node)
    }

    fn is_current(&self) -> bool {
        self.machine.is_home() && self.machine.lock().running.is_some()
    }

    fn hands_over(&self) -> bool {
        false
    }

    fn injects_faults(&self) -> bool {
        true
    }

    fn fault(&self, point: FaultPoint) -> Option<Harm> {
        self.machine.fault(self.node, None, point)
    }

    fn fault_in(&self, actor: &Site<'_>, point: FaultPoint) -> Option<Harm> {
        self.machine.see(actor);
        self.machine.fault(self.node, actor.place, point)
    }

    fn enroll(&self) -> u32 {
        let mut state = self.machine.lock();
        state.systems += 1;
        state.systems
    }

    fn observe(&self, actor: &Site<'_>, seen: &Seen<'_>) {
        self.machine.observe(self.node, self.incarnation, actor, seen);
    }
}

impl LocalRuntime for SimRuntime {
    fn spawn_local(&self, make: Make) {
        self.spawn("local", Box::pin(Unsent::new(make)));
    }
}

impl fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.machine.lock().now;
        f.debug_struct("SimRuntime").field("node", &self.node).field("now", &now).finish()
    }
}

/// A timer; the one of a node that is gone never fires.
struct SimTimer {
    machine: Arc<Machine>,
    node: NodeId,
    incarnation: u32,
    at: Time,
    /// Its place on the timeline, if it has one.
    key: Option<(Time, u64)>,
    has_fired: bool,
}

impl SimTimer {
    fn disarm(&mut self) {
        if let Some(key) = self.key.take() {
            // The waker is dropped after the lock is free.
            let removed = self.machine.lock().timeline.remove(&key);
            drop(removed);
        }
    }
}

impl Timer for SimTimer {
    fn reset(mut self: Pin<&mut Self>, at: Time) {
        self.disarm();
        self.at = at;
        self.has_fired = false;
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_fired {
            return Poll::Ready(());
        }
        let this = &mut *self;
        let waker = cx.waker().clone();
        let mut state = this.machine.lock();
        if !state.is_up(this.node, this.incarnation) {
            drop(state);
            return Poll::Pending;
        }
        if state.now >= this.at {
            drop(state);
            this.disarm();
            this.has_fired = true;
            return Poll::Ready(());
        }
        // A new waker keeps the timer's place among those of its time.
        let due = this.key.and_then(|key| state.timeline.get_mut(&key));
        let replaced = match due {
            Some(due) => Some(mem::replace(due, Due::Wake(waker))),
            None => {
                this.key = Some(state.schedule(this.at, Due::Wake(waker)));
                None
            }
        };
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for SimTimer {
    fn drop(&mut self) {
        self.disarm();
    }
}
