//! Chaos in staging: any executor, and faults at a low rate while the program serves.

mod plan;

pub use plan::{Plan, Rate};

use crate::log::Name;
use crate::seed::{Random, Seed};
use futures::future::BoxFuture;
use plan::pick;
use ravelin_core::{
    Fault as Harm, FaultPoint, Inbox, NoMessage, Pid, Runtime, Seen, Site, System, TaskName, Time, Timer,
    sleep,
};
use ravelin_supervisor::{ChildSpec, task};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// One that is not back after this long does not come back: nobody needs it any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// A fault that struck.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Strike {
    /// The name of the place.
    pub place: Name,
    /// Who lived there.
    pub pid: Pid,
    /// What befell it.
    pub harm: Harm,
    /// When, by the runtime's clock.
    pub at: Time,
}

/// What chaos tells its subscriber.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChaosEvent {
    /// A fault struck. It is told before its consequences.
    Struck(Strike),
    /// The place is inhabited again.
    Back {
        /// The fault.
        strike: Strike,
        /// Who lives there now.
        pid: Pid,
        /// How long after the fault its start had succeeded.
        after: Duration,
    },
    /// Two seconds later nobody is back. It may have been a temporary child, or one that nobody needs any more; or it
    /// ended by itself just before it was struck, and this comes at once.
    Gone(Strike),
}

/// A [`Runtime`] that injects faults, around any other: for staging, where a program shows whether its tree is worth
/// something.
///
/// It is three things. A *runtime*, to start the system on. A *child*, [`Chaos::child`], to put last into the tree: as
/// long as it lives it strikes, so chaos ends first when the tree is stopped. And a *watch*, [`Chaos::watch`], around
/// each child whose return is to be timed.
///
/// # What it promises
///
/// - Kills come as [`System::kill`] has them: to one who waits at its next await, to one who is idle at once. Panics
///   come where a callback goes on after an await.
/// - Only actors at a named place that have a parent are struck: somebody is there to start them again. Chaos itself is
///   spared. A place that is not back yet is not struck again.
/// - Each fault is told to the subscriber, and later either the return or that there is none.
/// - After [`Chaos::calm`] nothing strikes.
/// - A program that is not wrapped pays nothing. With kills alone actors pay nothing either; with panics it is an
///   atomic load for each await that a callback goes on after. A fault costs a walk over all living actors.
///
/// # What it can not do
///
/// It does not know a supervisor's limits: give it an intensity that bears the rate, or the tree gives up, as it
/// should. It can not stop time, nor make the network or the disk fail, nor crash the process: the simulator does that.
/// And it repeats nothing. A seed repeats what is drawn, not what the executor does in between; what it finds is to be
/// found again in the simulator.
///
/// # Examples
///
/// ```
/// use ravelin_core::{ActorRef, Actor, Cx, Exit};
/// use ravelin_core::runtimes::Local;
/// use ravelin_sim::{Chaos, ChaosEvent, Plan, Rate};
/// use ravelin_supervisor::{Supervisor, child, start};
/// use std::sync::mpsc::channel;
/// use std::time::Duration;
///
/// struct Worker;
/// impl Actor for Worker {
///     type Args = ();
///     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Worker) }
/// }
///
/// let local = Local::new();
/// let (to, told) = channel();
/// let chaos = Chaos::new(local.clone(), Plan::none().kills(Rate::per_second(500)), move |event| {
///     let _ = to.send(event.clone());
/// });
/// let worker = ActorRef::<Worker>::place("worker");
/// let tree = Supervisor::one_for_one("app")
///     .intensity(1000, Duration::from_secs(1))
///     .child(chaos.watch(child(&worker, || ())))
///     .child(chaos.child("chaos"));
/// local.block_on(async {
///     let app = start(chaos.clone(), tree).await.unwrap();
///     while chaos.strikes() < 3 {
///         ravelin_core::sleep(&*chaos, Duration::from_millis(1)).await;
///     }
///     chaos.calm();
///     worker.ready().await; // it is back, as it was each time
///     app.stop().await;
/// });
/// assert!(matches!(told.recv(), Ok(ChaosEvent::Struck(strike)) if *strike.place == *"worker"));
/// assert!(matches!(told.recv(), Ok(ChaosEvent::Back { strike, pid, .. }) if pid != strike.pid));
/// ```
pub struct Chaos {
    under: Arc<dyn Runtime>,
    plan: Plan,
    subscriber: Box<dyn Fn(&ChaosEvent) + Send + Sync>,
    is_calm: AtomicBool,
    strikes: AtomicU64,
    /// Whether the next one who passes is to panic.
    armed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Drawn from for the whole life of the runtime.
    random: Option<Random>,
    /// What the child of the tree sees, and who it is.
    within: Option<(System, Pid)>,
    missing: BTreeMap<Name, Strike>,
    /// Whose return is told, so that nobody need look for them.
    watched: BTreeSet<Name>,
}

/// Tells of the starts of a child, as long as it has a specification.
struct Watch {
    chaos: Arc<Chaos>,
    id: Mutex<Option<Name>>,
}

impl Watch {
    fn started(&self, id: &Name, pid: Option<Pid>) {
        self.chaos.lock().watched.insert(id.clone());
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
        if let Some(pid) = pid {
            self.chaos.is_back(id, pid);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(id) = self.id.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            self.chaos.lock().watched.remove(&id);
        }
    }
}

/// The child of the tree, for as long as it lives.
struct Within<'a>(&'a Chaos);

impl Drop for Within<'_> {
    fn drop(&mut self) {
        // The system has the runtime: this breaks the circle.
        let within = self.0.lock().within.take();
        drop(within);
    }
}

impl Chaos {
    /// This runtime, with these faults. The subscriber is called wherever it happens, on any thread, and should be
    /// short.
    pub fn new(
        under: Arc<dyn Runtime>,
        plan: Plan,
        subscriber: impl Fn(&ChaosEvent) + Send + Sync + 'static,
    ) -> Arc<Chaos> {
        Arc::new(Chaos {
            under,
            plan,
            subscriber: Box::new(subscriber),
            is_calm: AtomicBool::new(false),
            strikes: AtomicU64::new(0),
            armed: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    /// The child that strikes, for the end of the tree.
    pub fn child(self: &Arc<Chaos>, id: impl Into<Name>) -> ChildSpec {
        let chaos = self.clone();
        task(id, move |inbox: Inbox<NoMessage>| rage(chaos.clone(), inbox))
    }

    /// The child, whose return is told as soon as its start has succeeded. Others are looked for each millisecond (less
    /// often where there are more than fifty actors), and their `init` may still run then.
    pub fn watch(self: &Arc<Chaos>, child: impl Into<ChildSpec>) -> ChildSpec {
        let first = Arc::new(Watch { chaos: self.clone(), id: Mutex::default() });
        let later = first.clone();
        let child = child.into().after_start(move |child| first.started(&child.id, child.pid));
        child.after_restart(move |child| later.started(&child.id, child.pid))
    }

    /// From now on nothing strikes.
    pub fn calm(&self) {
        self.is_calm.store(true, Relaxed);
    }

    /// How many faults struck.
    pub fn strikes(&self) -> u64 {
        self.strikes.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &ChaosEvent) {
        (self.subscriber)(event);
    }

    /// A kill is due.
    fn kill(&self) {
        let (victim, system) = {
            let mut state = self.lock();
            let Some((system, _)) = state.within.clone() else { return };
            let living = self.exposed(&state);
            let seed = self.plan.seed;
            let random = state
                .random
                .get_or_insert_with(|| Seed(seed.unwrap_or_else(|| self.under.entropy())).random("chaos"));
            let Some(victim) = pick(living, random.next()) else { return };
            (victim, system)
        };
        let (place, pid) = victim;
        let strike = Strike { place, pid, harm: Harm::Kill, at: self.under.now() };
        self.struck(strike.clone());
        if !system.kill(pid) {
            // It ended by itself in this moment: its return has nothing to do with this.
            let missing = self.lock().missing.remove(&strike.place);
            missing.into_iter().for_each(|strike| self.tell(&ChaosEvent::Gone(strike)));
        }
    }

    /// A fault strikes now.
    fn struck(&self, strike: Strike) {
        self.strikes.fetch_add(1, Relaxed);
        self.tell(&ChaosEvent::Struck(strike.clone()));
        self.lock().missing.insert(strike.place.clone(), strike);
    }

    /// Who may be struck now, with a name and a parent.
    fn exposed(&self, state: &State) -> Vec<(Name, Pid)> {
        let Some((system, own)) = &state.within else { return Vec::new() };
        let actors = system.pids().into_iter().filter_map(|pid| system.describe(pid));
        let named = actors.filter_map(|it| Some((it.name?, it.pid, it.parent?)));
        named
            .filter(|(name, pid, _)| self.may_strike(state, name, *pid, *own))
            .map(|(name, pid, _)| (name, pid))
            .collect()
    }

    fn may_strike(&self, state: &State, name: &str, pid: Pid, own: Pid) -> bool {
        pid != own && self.plan.concerns(name) && !state.missing.contains_key(name)
    }

    /// Somebody lives at the place.
    fn is_back(&self, name: &Name, pid: Pid) {
        let strike = {
            let mut state = self.lock();
            let is_another = state.missing.get(name).is_some_and(|strike| strike.pid != pid);
            if is_another { state.missing.remove(name) } else { None }
        };
        if let Some(strike) = strike {
            let after = self.under.now() - strike.at;
            self.tell(&ChaosEvent::Back { strike, pid, after });
        }
    }

    /// Looks for those who are missing, if nobody tells when they are back.
    fn look(&self, system: &System) {
        let (missing, is_any_alone) = {
            let state = self.lock();
            let missing: Vec<Strike> = state.missing.values().cloned().collect();
            let is_any_alone = missing.iter().any(|strike| !state.watched.contains(&strike.place));
            (missing, is_any_alone)
        };
        let mut living = BTreeMap::new();
        if is_any_alone {
            let actors = system.pids().into_iter().filter_map(|pid| system.describe(pid));
            living.extend(actors.filter_map(|it| Some((it.name?, it.pid))));
        }
        for strike in missing {
            let is_watched = self.lock().watched.contains(&strike.place);
            match living.get(&strike.place) {
                Some(pid) if !is_watched && *pid != strike.pid => self.is_back(&strike.place, *pid),
                _ if self.under.now() - strike.at > PATIENCE => {
                    let gone = self.lock().missing.remove(&strike.place);
                    gone.into_iter().for_each(|strike| self.tell(&ChaosEvent::Gone(strike)));
                }
                _ => {}
            }
        }
    }
}

/// How often one looks for those who are missing, and how much less often for each that lives.
const GLANCE: Duration = Duration::from_millis(1);
const GLANCE_EACH: Duration = Duration::from_micros(20);

/// Strikes when it is time.
async fn rage(chaos: Arc<Chaos>, inbox: Inbox<NoMessage>) {
    let system = inbox.system().clone();
    chaos.lock().within = Some((system.clone(), inbox.pid()));
    let _within = Within(&chaos);
    let start = chaos.under.now();
    let first = |rate: Option<Rate>| rate.map(|rate| (start + rate.interval(), rate));
    let (mut kills, mut panics) = (first(chaos.plan.kills), first(chaos.plan.panics));
    loop {
        let due = [kills, panics].into_iter().flatten().map(|(at, _)| at).min();
        let now = chaos.under.now();
        let is_missed = !chaos.lock().missing.is_empty();
        let glance = is_missed.then(|| now + GLANCE.max(GLANCE_EACH * system.len() as u32));
        let Some(next) = due.into_iter().chain(glance).min() else { return };
        sleep(&*chaos.under, next - now).await;
        chaos.look(&system);
        let now = chaos.under.now();
        let is_due = |plan: &mut Option<(Time, Rate)>| match plan {
            Some((at, rate)) if *at <= now => {
                *at = now + rate.interval();
                !chaos.is_calm.load(Relaxed)
            }
            Some(_) | None => false,
        };
        if is_due(&mut kills) {
            chaos.kill();
        }
        if is_due(&mut panics) {
            chaos.armed.store(true, Relaxed);
        }
    }
}

impl Runtime for Chaos {
    fn name(&self) -> &'static str {
        self.under.name()
    }

    fn spawn(&self, name: TaskName, fut: BoxFuture<'static, ()>) {
        self.under.spawn(name, fut);
    }

    fn now(&self) -> Time {
        self.under.now()
    }

    fn system_time(&self) -> SystemTime {
        self.under.system_time()
    }

    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> {
        self.under.timer(at)
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) {
        self.under.spawn_blocking(job);
    }

    fn entropy(&self) -> u64 {
        self.under.entropy()
    }

    fn is_current(&self) -> bool {
        self.under.is_current()
    }

    fn hands_over(&self) -> bool {
        self.under.hands_over()
    }

    fn injects_faults(&self) -> bool {
        self.plan.panics.is_some() || self.under.injects_faults()
    }

    fn fault(&self, point: FaultPoint) -> Option<Harm> {
        self.under.fault(point)
    }

    fn fault_in(&self, actor: &Site<'_>, point: FaultPoint) -> Option<Harm> {
        if point == FaultPoint::Poll && self.armed.load(Relaxed) && self.is_struck(actor) {
            return Some(Harm::Panic);
        }
        self.under.fault_in(actor, point)
    }

    fn enroll(&self) -> u32 {
        self.under.enroll()
    }

    fn observe(&self, actor: &Site<'_>, seen: &Seen<'_>) {
        self.under.observe(actor, seen);
    }
}

impl Chaos {
    /// Whether the panic that is due strikes this one.
    #[cold]
    fn is_struck(&self, actor: &Site<'_>) -> bool {
        let (Some(place), Some(pid), false) = (actor.place, actor.pid, self.is_calm.load(Relaxed)) else {
            return false;
        };
        let is_exposed = {
            let state = self.lock();
            let Some((system, own)) = &state.within else { return false };
            let has_parent = system.describe(pid).is_some_and(|it| it.parent.is_some());
            has_parent && self.may_strike(&state, place, pid, *own)
        };
        let is_struck = is_exposed && self.armed.swap(false, Relaxed);
        if is_struck {
            self.struck(Strike { place: place.into(), pid, harm: Harm::Panic, at: self.under.now() });
        }
        is_struck
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runtime, strikes) = (self.under.name(), self.strikes());
        f.debug_struct("Chaos")
            .field("runtime", &runtime)
            .field("plan", &self.plan)
            .field("strikes", &strikes)
            .finish()
    }
}
