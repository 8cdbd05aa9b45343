//! A single-threaded executor of our own, in safe Rust over std.
//!
//! All that is shared lies behind one short lock, the [`Inbox`]: who is awake, who lives, and whether the loop is parked.
//! The loop parks only after it has seen under that lock that nobody is awake, and has left its thread there in the same
//! breath; so whoever wakes a task either was seen, or finds the thread and unparks it. Timers have a lock of their own,
//! and the loop asks for the next one after it has left its thread: an earlier one is seen, or finds the thread.

#![allow(
    clippy::disallowed_methods,
    reason = "an adapter is where the real clock and real threads come from"
)]

use super::std_parts::{Entered, Mark, TimerQueue, entropy, lock, thread_per_call};
use crate::runtime::{LocalRuntime, Runtime, TaskName, Timer};
use crate::time::Time;
use futures::future::{BoxFuture, LocalBoxFuture};
use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::time::SystemTime;

/// A single-threaded executor: its tasks run on the thread that calls [`block_on`](Local::block_on), and nowhere else.
///
/// It hosts futures that are not `Send` too, it needs no feature and no dependency, and it shows that a [`Runtime`]
/// needs no more of an executor than the trait says. Any thread may spawn, wake, and set timers.
///
/// # What it promises
///
/// - **Order**: tasks run in the order in which they were woken, each once a round, so a task that always wakes itself
///   starves neither other tasks, nor timers, nor what other threads inject.
/// - **Home**: the first `block_on` binds it to its thread. Later ones must come from there.
/// - **Between** two `block_on`s nothing runs and nothing is lost.
/// - **Idle** it is parked, until a wake-up or the next timer; there is no timer thread.
/// - **Clock**: std's monotonic clock since the executor was made. Timers fire at the resolution of `thread::park_timeout`.
/// - **Panics**: a panic that escapes a task ends that task, with an error logged. One in `block_on`'s own future goes to
///   its caller, and the tasks stay.
/// - **Shutdown**: when the `Local` is dropped, so are its tasks, in the order in which they were spawned. An actor
///   that holds its runtime is a cycle: [`shutdown`](Local::shutdown) breaks it.
/// - **Blocking** jobs get a thread each, see [`thread_per_call`].
///
/// `is_current` is true while the thread polls one of its tasks; `block_on`'s own future is none. It costs 2 ns.
///
/// # Examples
///
/// ```
/// use ravelin_core::{LocalRuntime, Runtime, runtimes::Local};
/// use std::{rc::Rc, time::Duration};
/// let rt = Local::new();
/// let (tx, rx) = futures::channel::oneshot::channel();
/// let clock = rt.clone();
/// rt.spawn_local(Box::new(move || Box::pin(async move {
///     let not_send = Rc::new(42);
///     let mut timer = clock.timer(clock.now() + Duration::from_millis(1));
///     std::future::poll_fn(|cx| timer.as_mut().poll(cx)).await;
///     tx.send(*not_send).unwrap();
/// })));
/// assert_eq!(rt.block_on(rx), Ok(42));
/// ```
pub struct Local {
    shared: Arc<Shared>,
}

/// How many tasks run between two looks at the clock and at `block_on`'s own future.
const SLICE: usize = 64;

impl Local {
    /// A new executor. Costs a few allocations; no thread is made.
    pub fn new() -> Arc<Local> {
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            let shared = shared.clone();
            Shared {
                mark: Mark::new(),
                inbox: Mutex::default(),
                timers: TimerQueue::new(move || {
                    if let Some(shared) = shared.upgrade() {
                        Shared::unpark(lock(&shared.inbox).parked.take());
                    }
                }),
            }
        });
        Arc::new(Local { shared })
    }

    /// Runs `fut` on this thread, and the tasks beside it, until `fut` is ready. Tasks that are not ready then wait for
    /// the next call. `fut` is no task: it may borrow, and need not be `Send`.
    ///
    /// # Panics
    ///
    /// On another thread than that of the first call; inside of another `block_on` of the same `Local`, for that
    /// could never end; and with the panic of `fut`.
    pub fn block_on<F: Future>(&self, fut: F) -> F::Output {
        let mut turn = Turn::begin(&self.shared);
        let mut fut = pin!(fut);
        let waker = Waker::from(self.shared.clone());
        let mut cx = Context::from_waker(&waker);
        lock(&self.shared.inbox).root_woken = true;
        loop {
            self.shared.timers.fire();
            if mem::take(&mut lock(&self.shared.inbox).root_woken)
                && let Poll::Ready(output) = fut.as_mut().poll(&mut cx)
            {
                return output;
            }
            if !turn.run_some() {
                self.shared.park();
            }
        }
    }

    /// Drops all tasks, in the order they were spawned, and from now on drops what is spawned, un-run. `block_on` still
    /// works. Does nothing the second time.
    ///
    /// From any thread. Futures that are not `Send` are dropped last, and by their own thread: at once when it is the
    /// caller, else in its `block_on`, or when it ends. A task that is being polled is dropped after that poll. Where
    /// dropping a task panics the panic is logged, and the next one is dropped.
    ///
    /// ```
    /// use ravelin_core::{Runtime, runtimes::Local};
    /// let rt = Local::new();
    /// let holds_its_runtime = rt.clone();
    /// rt.spawn("for ever", Box::pin(async move {
    ///     std::future::pending::<()>().await;
    ///     drop(holds_its_runtime);
    /// }));
    /// rt.shutdown();
    /// assert_eq!(std::sync::Arc::strong_count(&rt), 1);
    /// ```
    pub fn shutdown(&self) {
        let (tasks, queue, parked) = {
            let mut inbox = lock(&self.shared.inbox);
            inbox.closed = true;
            (mem::take(&mut inbox.tasks), mem::take(&mut inbox.queue), inbox.parked.take())
        };
        Shared::unpark(parked);
        drop(queue);
        for task in tasks.into_values() {
            let work = mem::replace(&mut *lock(&task.work), Work::Gone);
            isolated(task.name, || drop(work));
        }
        drop_unsent(take_unsent(&self.shared));
    }

    fn spawn_work(&self, name: TaskName, work: Work) {
        let parked = {
            let mut inbox = lock(&self.shared.inbox);
            if inbox.closed {
                drop(inbox);
                return drop(work);
            }
            let id = inbox.next_id;
            inbox.next_id += 1;
            let task = Arc::new(Task {
                id,
                name,
                shared: self.shared.clone(),
                queued: AtomicBool::new(true),
                work: Mutex::new(work),
            });
            inbox.tasks.insert(id, task.clone());
            inbox.queue.push_back(task);
            inbox.parked.take()
        };
        Shared::unpark(parked);
    }
}

impl Runtime for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn spawn(&self, name: TaskName, fut: BoxFuture<'static, ()>) {
        self.spawn_work(name, Work::Send(fut));
    }

    fn now(&self) -> Time {
        self.shared.timers.now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn timer(&self, at: Time) -> Pin<Box<dyn Timer>> {
        self.shared.timers.timer(at)
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) {
        thread_per_call(job);
    }

    fn entropy(&self) -> u64 {
        entropy()
    }

    fn is_current(&self) -> bool {
        self.shared.mark.is_current()
    }
}

impl LocalRuntime for Local {
    fn spawn_local(&self, make: Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>) {
        self.spawn_work("local", Work::Make(make));
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inbox = lock(&self.shared.inbox);
        f.debug_struct("Local")
            .field("tasks", &inbox.tasks.len())
            .field("awake", &inbox.queue.len())
            .field("home", &inbox.home)
            .field("closed", &inbox.closed)
            .finish_non_exhaustive()
    }
}

/// What the handle, the loop and the wakers share.
struct Shared {
    mark: Mark,
    timers: Arc<TimerQueue>,
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct Inbox {
    /// The tasks that are awake, in the order of their waking. A task is in here once at most: its `queued` says so.
    queue: VecDeque<Arc<Task>>,
    /// All tasks that live, so that they can be dropped.
    tasks: BTreeMap<u64, Arc<Task>>,
    next_id: u64,
    /// Shall `block_on`'s own future be polled?
    root_woken: bool,
    /// The loop's thread, while it is parked or about to be. Who takes it must unpark it.
    parked: Option<Thread>,
    /// The thread that runs the loop, since the first `block_on`.
    home: Option<ThreadId>,
    /// Is a `block_on` on its way?
    turning: bool,
    /// After `shutdown`.
    closed: bool,
}

impl Shared {
    fn unpark(parked: Option<Thread>) {
        if let Some(thread) = parked {
            thread.unpark();
        }
    }

    /// Parks the thread until somebody is awake, or a timer due. May return too early, never too late.
    fn park(&self) {
        {
            let mut inbox = lock(&self.inbox);
            if !inbox.queue.is_empty() || inbox.root_woken {
                return;
            }
            inbox.parked = Some(thread::current());
        }
        // Now, and not before: a timer that comes earlier than this finds the thread.
        match self.timers.fire() {
            None => thread::park(),
            Some(at) => thread::park_timeout(at - self.timers.now()),
        }
        lock(&self.inbox).parked = None;
    }
}

/// Wakes `block_on`'s own future.
impl Wake for Shared {
    fn wake(self: Arc<Shared>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Shared>) {
        let parked = {
            let mut inbox = lock(&self.inbox);
            inbox.root_woken = true;
            inbox.parked.take()
        };
        Shared::unpark(parked);
    }
}

struct Task {
    id: u64,
    name: TaskName,
    shared: Arc<Shared>,
    /// Is it in the queue, or about to be? Taken back just before the poll, so that a wake-up during it counts.
    queued: AtomicBool,
    work: Mutex<Work>,
}

enum Work {
    /// A future that is `Send`: it lives here, so that whoever shuts down can drop it.
    Send(BoxFuture<'static, ()>),
    /// A future that is not `Send`, still to be made at home.
    Make(Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>),
    /// A future that is not `Send`: it lives in its thread, see [`Unsent`].
    Unsent,
    /// The loop has it.
    Polling,
    /// Finished, or shut down, perhaps while the loop had it.
    Gone,
}

impl Task {
    /// Puts the task into the queue. For whoever turned `queued` on.
    fn enqueue(self: Arc<Task>) {
        let shared = self.shared.clone();
        let parked = {
            let mut inbox = lock(&shared.inbox);
            if inbox.closed {
                return;
            }
            inbox.queue.push_back(self);
            inbox.parked.take()
        };
        Shared::unpark(parked);
    }
}

/// A wake-up that finds the task queued does nothing: the `swap` in [`Turn::run`] comes later, and sees what was written.
impl Wake for Task {
    fn wake(self: Arc<Task>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.enqueue();
        }
    }

    fn wake_by_ref(self: &Arc<Task>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.clone().enqueue();
        }
    }
}

/// The futures of one `Local` that are not `Send`, by task. They never leave their thread.
type Unsent = BTreeMap<u64, LocalBoxFuture<'static, ()>>;

thread_local! {
    /// Where they wait between two `block_on`s.
    static UNSENT: RefCell<Vec<(Arc<Shared>, Unsent)>> = const { RefCell::new(Vec::new()) };
}

/// What of this thread's belongs to `shared`, and what to executors that are gone; the latter is dropped.
fn take_unsent(shared: &Arc<Shared>) -> Unsent {
    let mine = |of: &Arc<Shared>| Arc::ptr_eq(of, shared);
    let taken: Vec<_> = UNSENT
        .try_with(|kept| {
            kept.borrow_mut().extract_if(.., |(of, _)| mine(of) || lock(&of.inbox).closed).collect()
        })
        .unwrap_or_default();
    // Outside the borrow: dropping a future runs code of others.
    let mut found = Unsent::new();
    for (of, futures) in taken {
        if mine(&of) {
            found = futures;
        } else {
            drop_unsent(futures);
        }
    }
    found
}

fn drop_unsent(futures: Unsent) {
    for fut in futures.into_values() {
        isolated("local", || drop(fut));
    }
}

/// One `block_on`'s hold on the executor.
struct Turn<'a> {
    shared: &'a Arc<Shared>,
    /// Tasks taken out of the queue that are still to run.
    batch: VecDeque<Arc<Task>>,
    unsent: Unsent,
}

impl<'a> Turn<'a> {
    fn begin(shared: &'a Arc<Shared>) -> Turn<'a> {
        let here = thread::current().id();
        let refused = {
            let mut inbox = lock(&shared.inbox);
            if *inbox.home.get_or_insert(here) != here {
                Some("Local::block_on: this Local belongs to the thread that called block_on first")
            } else if mem::replace(&mut inbox.turning, true) {
                Some("Local::block_on: called inside of itself")
            } else {
                None
            }
        };
        if let Some(why) = refused {
            panic!("{why}");
        }
        Turn { shared, batch: VecDeque::new(), unsent: take_unsent(shared) }
    }

    /// Runs up to [`SLICE`] tasks; false if none was awake.
    fn run_some(&mut self) -> bool {
        if self.batch.is_empty() {
            let mut inbox = lock(&self.shared.inbox);
            mem::swap(&mut self.batch, &mut inbox.queue);
            let closed = inbox.closed;
            drop(inbox);
            if closed {
                drop_unsent(mem::take(&mut self.unsent));
            }
        }
        let slice = self.batch.len().min(SLICE);
        for _ in 0..slice {
            if let Some(task) = self.batch.pop_front() {
                self.run(&task);
            }
        }
        slice > 0
    }

    fn run(&mut self, task: &Arc<Task>) {
        task.queued.swap(false, Ordering::AcqRel);
        let mut work = {
            let mut slot = lock(&task.work);
            if let Work::Gone = *slot {
                return;
            }
            mem::replace(&mut *slot, Work::Polling)
        };
        let waker = Waker::from(task.clone());
        let mut cx = Context::from_waker(&waker);
        let _entered: Entered = self.shared.mark.enter();
        let unsent = &mut self.unsent;
        if let Some(Poll::Pending) = isolated(task.name, || poll(&mut work, task.id, unsent, &mut cx)) {
            let mut slot = lock(&task.work);
            if let Work::Polling = *slot {
                *slot = work;
                return;
            }
        }
        // Finished, panicked, or shut down meanwhile.
        *lock(&task.work) = Work::Gone;
        let kept = lock(&self.shared.inbox).tasks.remove(&task.id);
        drop(kept);
        isolated(task.name, || drop(work));
        isolated(task.name, || drop(self.unsent.remove(&task.id)));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let closed = {
            let mut inbox = lock(&self.shared.inbox);
            inbox.turning = false;
            if !inbox.closed {
                // What was taken out and did not run is first again.
                let mut queue = mem::take(&mut self.batch);
                queue.append(&mut inbox.queue);
                inbox.queue = queue;
            }
            inbox.closed
        };
        let unsent = mem::take(&mut self.unsent);
        if closed {
            drop_unsent(unsent);
        } else if !unsent.is_empty() {
            let _ = UNSENT.try_with(|kept| kept.borrow_mut().push((self.shared.clone(), unsent)));
        }
    }
}

fn poll(work: &mut Work, id: u64, unsent: &mut Unsent, cx: &mut Context<'_>) -> Poll<()> {
    if let Work::Make(_) = work
        && let Work::Make(make) = mem::replace(work, Work::Unsent)
    {
        unsent.insert(id, make());
    }
    match work {
        Work::Send(fut) => fut.as_mut().poll(cx),
        Work::Unsent => unsent.get_mut(&id).map_or(Poll::Ready(()), |fut| fut.as_mut().poll(cx)),
        Work::Make(_) | Work::Polling | Work::Gone => Poll::Ready(()),
    }
}

/// Calls `f`; logs its panic and returns `None` if it has one.
fn isolated<R>(name: TaskName, f: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| report(name, &*panic)).ok()
}

#[cold]
fn report(name: TaskName, panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("not a text");
    tracing::error!(
        task = name,
        panic = text,
        "a panic escaped a task; the task is gone, the executor goes on"
    );
}
