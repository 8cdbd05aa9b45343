//! What every runtime adapter promises, as one suite; also for the adapters of other crates.
//!
//! No actor is needed for it. The test's thread stands outside the executor; it waits on channels, never on the clock.

#![allow(clippy::disallowed_methods, reason = "the real executors and threads are what is tested here")]

use futures::channel::oneshot;
use futures::future::poll_fn;
use ravelin_core::runtimes::Local;
use ravelin_core::{Runtime, Time, Timer};
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, SystemTime};

/// Longer than anything here takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type BoxTimer = Pin<Box<dyn Timer>>;

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// An executor under test. It is running; `stop` ends it, and returns when its tasks are dropped.
pub(crate) struct Host {
    pub(crate) rt: Arc<dyn Runtime>,
    pub(crate) stop: Box<dyn FnOnce()>,
}

/// Runs `job` in a task and returns what it returns.
pub(crate) fn in_task<T: Send + 'static>(
    rt: &Arc<dyn Runtime>,
    job: impl Future<Output = T> + Send + 'static,
) -> mpsc::Receiver<T> {
    let (tx, rx) = mpsc::channel();
    rt.spawn("test", Box::pin(async move { drop(tx.send(job.await)) }));
    rx
}

#[track_caller]
pub(crate) fn wait<T>(rx: &mpsc::Receiver<T>) -> T {
    rx.recv_timeout(PATIENCE).expect("the executor answers in time")
}

#[track_caller]
pub(crate) fn run<T: Send + 'static>(
    rt: &Arc<dyn Runtime>,
    job: impl Future<Output = T> + Send + 'static,
) -> T {
    wait(&in_task(rt, job))
}

pub(crate) async fn fired(timer: &mut BoxTimer) {
    poll_fn(|cx| timer.as_mut().poll(cx)).await;
}

pub(crate) async fn sleep(rt: Arc<dyn Runtime>, how_long: Duration) {
    fired(&mut rt.timer(rt.now() + how_long)).await;
}

pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A waker that writes its name into a log.
pub(crate) struct Log(usize, Mutex<mpsc::Sender<usize>>);

impl Wake for Log {
    fn wake(self: Arc<Log>) {
        let _ = self.1.lock().unwrap().send(self.0);
    }
}

pub(crate) fn logging(name: usize, log: &mpsc::Sender<usize>) -> (Arc<Log>, Waker) {
    let arc = Arc::new(Log(name, Mutex::new(log.clone())));
    (arc.clone(), arc.into())
}

/// Tells that it was dropped.
pub(crate) struct Dropped(pub(crate) mpsc::Sender<&'static str>, pub(crate) &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

/// Asks, when it is dropped, whether its runtime is current.
pub(crate) struct Asks(Arc<dyn Runtime>, mpsc::Sender<bool>);

impl Drop for Asks {
    fn drop(&mut self) {
        let _ = self.1.send(self.0.is_current());
    }
}

// ---- the suite ----------------------------------------------------------------------------------------------------

pub(crate) fn spawned_tasks_run(rt: &Arc<dyn Runtime>) {
    assert_eq!(run(rt, async { 42 }), 42);
    let inner = rt.clone();
    let nested = run(rt, async move { in_task(&inner, async { 43 }) });
    assert_eq!(wait(&nested), 43);
}

pub(crate) fn any_thread_may_spawn(rt: &Arc<dyn Runtime>) {
    const THREADS: usize = 4;
    const TASKS: usize = 500;
    let (tx, rx) = mpsc::channel();
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (rt, tx) = (rt.clone(), tx.clone());
            thread::spawn(move || {
                for _ in 0..TASKS {
                    let tx = tx.clone();
                    rt.spawn("test", Box::pin(async move { tx.send(()).unwrap() }));
                }
            })
        })
        .collect();
    for _ in 0..THREADS * TASKS {
        wait(&rx);
    }
    threads.into_iter().for_each(|t| t.join().unwrap());
}

pub(crate) fn no_wake_up_is_lost(rt: &Arc<dyn Runtime>) {
    // Ping-pong over one-shot channels: each round wakes the task from outside, with nothing else going on.
    let (ping_tx, ping_rx) = mpsc::channel::<oneshot::Sender<usize>>();
    let done = in_task(rt, async move {
        for n in 0..2_000 {
            let (tx, rx) = oneshot::channel();
            ping_tx.send(tx).unwrap();
            assert_eq!(rx.await, Ok(n));
        }
    });
    for n in 0..2_000 {
        wait(&ping_rx).send(n).unwrap();
    }
    wait(&done);
}

pub(crate) fn a_task_is_polled_by_one_thread_at_a_time(rt: &Arc<dyn Runtime>) {
    const WAKES: usize = 500;
    let polling = AtomicBool::new(false);
    let mut polls = 0;
    let (waker_tx, waker_rx) = mpsc::channel::<Waker>();
    let finish = Arc::new(AtomicBool::new(false));
    let finished = finish.clone();
    let task = in_task(
        rt,
        poll_fn(move |cx| {
            assert!(!polling.swap(true, SeqCst), "polled concurrently with itself");
            if polls == 0 {
                waker_tx.send(cx.waker().clone()).unwrap();
            }
            polls += 1;
            thread::yield_now();
            polling.store(false, SeqCst);
            if finished.load(SeqCst) { Poll::Ready(polls) } else { Poll::Pending }
        }),
    );
    let waker = wait(&waker_rx);
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| (0..WAKES).for_each(|_| waker.wake_by_ref()));
        }
    });
    finish.store(true, SeqCst);
    waker.wake();
    let polls = wait(&task);
    assert!(polls <= 4 * WAKES + 2, "{polls} polls: more than wake-ups");
}

pub(crate) fn a_busy_task_starves_nobody(rt: &Arc<dyn Runtime>) {
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..3)
        .map(|_| {
            let stop = stop.clone();
            in_task(rt, async move {
                while !stop.load(SeqCst) {
                    yield_now().await;
                }
            })
        })
        .collect();
    run(rt, async {});
    // tidy: tests the timer
    run(rt, sleep(rt.clone(), ms(3)));
    run(rt, yield_now());
    stop.store(true, SeqCst);
    busy.iter().for_each(wait);
}

pub(crate) fn a_panic_harms_nobody_else(rt: &Arc<dyn Runtime>) {
    for _ in 0..8 {
        // `resume_unwind` does not run the panic hook, so the tests' output stays clean.
        let panicked = in_task(rt, async { resume_unwind(Box::new("on purpose")) });
        assert_eq!(panicked.recv_timeout(PATIENCE), Err::<(), _>(mpsc::RecvTimeoutError::Disconnected));
    }
    for _ in 0..8 {
        run(rt, async {});
    }
    let me = rt.clone();
    assert!(!rt.is_current());
    assert!(run(rt, async move { me.is_current() }));
}

pub(crate) fn the_clock_never_goes_back(rt: &Arc<dyn Runtime>) {
    let mut before = rt.now();
    for _ in 0..100 {
        let clock = rt.clone();
        let inside = run(rt, async move { clock.now() });
        assert!(inside >= before, "{inside} after {before}");
        before = rt.now();
        assert!(before >= inside, "{before} after {inside}");
    }
    let today = rt.system_time().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(today > Duration::from_secs(1_700_000_000));
}

pub(crate) fn a_timer_does_not_fire_early(rt: &Arc<dyn Runtime>) {
    for wanted in [0, 1, 50, 700, 1_000, 2_500, 10_000].map(Duration::from_micros) {
        let clock = rt.clone();
        let (at, now) = run(rt, async move {
            let at = clock.now() + wanted;
            fired(&mut clock.timer(at)).await;
            (at, clock.now())
        });
        assert!(now >= at, "set to {at}, fired at {now}");
    }
}

pub(crate) fn a_timer_of_the_past_fires_at_once_and_one_of_never_does_not(rt: &Arc<dyn Runtime>) {
    let cx = &mut Context::from_waker(Waker::noop());
    for at in [Time::EPOCH, rt.now()] {
        let mut timer = rt.timer(at);
        assert!(timer.as_mut().poll(cx).is_ready());
        assert!(timer.as_mut().poll(cx).is_ready(), "stays ready until it is reset");
        timer.as_mut().reset(Time::NEVER);
        assert!(timer.as_mut().poll(cx).is_pending());
        timer.as_mut().reset(rt.now());
        assert!(timer.as_mut().poll(cx).is_ready());
    }
    let mut never = rt.timer(Time::NEVER);
    assert!(never.as_mut().poll(cx).is_pending());
    // tidy: tests the timer
    run(rt, sleep(rt.clone(), ms(2)));
    assert!(never.as_mut().poll(cx).is_pending());
}

pub(crate) fn a_timer_can_be_reset(rt: &Arc<dyn Runtime>) {
    let clock = rt.clone();
    run(rt, async move {
        let hour = Duration::from_secs(3600);
        let mut timer = clock.timer(clock.now() + hour);
        let poll_once = |timer: &mut BoxTimer| timer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll_once(&mut timer).is_pending());
        // To an earlier time, after it was polled; then again, after it fired; then before its first poll.
        for _ in 0..3 {
            let at = clock.now() + ms(2);
            timer.as_mut().reset(at);
            fired(&mut timer).await;
            assert!(clock.now() >= at);
            assert!(poll_once(&mut timer).is_ready());
        }
        // To a later time: the old one passes unnoticed.
        timer.as_mut().reset(clock.now() + ms(2));
        assert!(poll_once(&mut timer).is_pending());
        timer.as_mut().reset(clock.now() + hour);
        // tidy: tests the timer
        sleep(clock.clone(), ms(5)).await;
        assert!(poll_once(&mut timer).is_pending());
    });
}

pub(crate) fn timers_fire_in_the_order_they_are_due(rt: &Arc<dyn Runtime>) {
    // Armed from outside any task, in an order that is not theirs, and apart enough for the coarsest clock of all.
    // On a machine that stands still meanwhile it is tried again with more time.
    let arm = |lead: u64| -> Option<(Vec<_>, mpsc::Receiver<usize>)> {
        let (log, fired) = mpsc::channel();
        let start = rt.now() + ms(lead);
        let mut timers = Vec::new();
        for n in [3usize, 0, 4, 1, 2] {
            let mut timer = rt.timer(start + ms(6) * n as u32);
            let waker = logging(n, &log).1;
            if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                return None;
            }
            timers.push(timer);
        }
        Some((timers, fired))
    };
    let (timers, fired) = [10, 100, 1_000, 10_000].into_iter().find_map(arm).expect("a machine that works");
    for n in 0..timers.len() {
        assert_eq!(wait(&fired), n);
    }
}

pub(crate) fn a_dropped_timer_is_deregistered(rt: &Arc<dyn Runtime>) {
    let in_time = [5, 50, 500, 5_000].into_iter().any(|lead| {
        let (log, fired) = mpsc::channel();
        let (held, waker) = logging(0, &log);
        let at = rt.now() + ms(lead);
        for at in [at, at + Duration::from_secs(3600)] {
            let _ = rt.timer(at).as_mut().poll(&mut Context::from_waker(&waker));
        }
        drop(waker);
        let in_time = rt.now() < at;
        // An executor may forget a timer later than at once, but not later than when the next one fires.
        // tidy: tests the timer
        run(rt, sleep(rt.clone(), ms(lead + 3)));
        assert_eq!(Arc::strong_count(&held), 1, "nobody holds the waker any more");
        in_time && {
            assert_eq!(fired.try_recv(), Err(mpsc::TryRecvError::Empty), "nobody was woken");
            true
        }
    });
    assert!(in_time, "a machine that works");
}

pub(crate) fn a_timer_that_is_done_with_a_waker_drops_it_at_once(rt: &Arc<dyn Runtime>) {
    let log = mpsc::channel().0;
    let poll = |timer: &mut BoxTimer| {
        let (held, waker) = logging(0, &log);
        (held, timer.as_mut().poll(&mut Context::from_waker(&waker)))
    };
    let mut timer = rt.timer(rt.now() + Duration::from_secs(3600));
    let (first, polled) = poll(&mut timer);
    assert!(polled.is_pending());
    let (second, polled) = poll(&mut timer);
    assert!(polled.is_pending());
    assert_eq!(Arc::strong_count(&first), 1, "another one came");
    timer.as_mut().reset(rt.now());
    let (third, polled) = poll(&mut timer);
    assert!(polled.is_ready());
    assert_eq!(Arc::strong_count(&third), 1, "it was not needed");
    timer.as_mut().reset(rt.now() + Duration::from_secs(3600));
    let (fourth, polled) = poll(&mut timer);
    assert!(polled.is_pending());
    drop(timer);
    assert_eq!((Arc::strong_count(&second), Arc::strong_count(&fourth)), (1, 1), "the timer is gone");
}

pub(crate) fn a_timer_wakes_its_last_waker(rt: &Arc<dyn Runtime>) {
    let arm = |lead: u64| -> Option<(BoxTimer, mpsc::Receiver<usize>)> {
        let (log, fired) = mpsc::channel();
        let mut timer = rt.timer(rt.now() + ms(lead));
        for name in [1, 2] {
            let (_, waker) = logging(name, &log);
            if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                return None;
            }
        }
        Some((timer, fired))
    };
    let (_timer, fired) = [10, 100, 1_000, 10_000].into_iter().find_map(arm).expect("a machine that works");
    assert_eq!(wait(&fired), 2);
    assert!(fired.try_recv().is_err(), "and no other");
}

pub(crate) fn blocking_jobs_run_elsewhere(rt: &Arc<dyn Runtime>) {
    let (tx, rx) = mpsc::channel();
    // As many as any executor has workers, and each waits for the one after it.
    let mut next = None;
    for _ in 0..3 {
        let (go, gone) = mpsc::channel::<()>();
        let (rt2, tx, then) = (rt.clone(), tx.clone(), next.replace(go));
        rt.spawn_blocking(Box::new(move || {
            gone.recv_timeout(PATIENCE).unwrap();
            tx.send((thread::current().id(), rt2.is_current())).unwrap();
            if let Some(then) = then {
                then.send(()).unwrap();
            }
        }));
    }
    // The executor is alive meanwhile.
    let here = run(rt, async { thread::current().id() });
    next.unwrap().send(()).unwrap();
    for _ in 0..3 {
        let (thread, current) = wait(&rx);
        assert_ne!(thread, thread::current().id());
        assert_ne!(thread, here);
        assert!(!current, "a blocking job is no task");
    }
    rt.spawn_blocking(Box::new(|| resume_unwind(Box::new("on purpose"))));
    let tx = tx.clone();
    rt.spawn_blocking(Box::new(move || tx.send((thread::current().id(), false)).unwrap()));
    wait(&rx);
}

pub(crate) fn it_is_current_in_tasks_only(rt: &Arc<dyn Runtime>) {
    assert!(!rt.is_current());
    let me = rt.clone();
    assert!(run(rt, async move {
        let first = me.is_current();
        yield_now().await;
        // tidy: tests the timer
        sleep(me.clone(), ms(1)).await;
        first && me.is_current()
    }));
    // Also while the poll that ends a task drops what the task held.
    let (tx, rx) = mpsc::channel();
    let asks = Asks(rt.clone(), tx);
    rt.spawn(
        "test",
        Box::pin(poll_fn(move |_| if asks.0.is_current() { Poll::Ready(()) } else { Poll::Pending })),
    );
    assert!(wait(&rx));
    // Not on a thread that polls another runtime's task.
    let other = Local::new();
    let me = rt.clone();
    let other_is = other.clone();
    let (tx, seen) = oneshot::channel();
    other.spawn("test", Box::pin(async move { tx.send((me.is_current(), other_is.is_current())).unwrap() }));
    assert_eq!(other.block_on(seen), Ok((false, true)));
    assert!(!rt.is_current());
}

pub(crate) fn entropy_differs(rt: &Arc<dyn Runtime>) {
    let draw = |rt: &Arc<dyn Runtime>| (0..100).map(|_| rt.entropy()).collect::<Vec<_>>();
    let mut all = draw(rt);
    for _ in 0..3 {
        let rt = rt.clone();
        all.extend(thread::spawn(move || draw(&rt)).join().unwrap());
    }
    let ones: u32 = all.iter().map(|n| n.count_ones()).sum();
    assert!((31 * 400..33 * 400).contains(&ones), "{ones} of {} bits are set", 400 * 64);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 400);
}

/// Takes the host apart, so it is the last.
pub(crate) fn an_executor_that_ends_drops_its_tasks(host: Host) {
    let (tx, dropped) = mpsc::channel();
    let (keep, kept) = mpsc::channel::<Waker>();
    let forgotten = Dropped(tx.clone(), "waits, and its waker is gone");
    host.rt.spawn(
        "test",
        Box::pin(async move {
            let _dropped = forgotten;
            std::future::pending::<()>().await;
        }),
    );
    let remembered = Dropped(tx.clone(), "waits, and its waker is kept");
    host.rt.spawn(
        "test",
        Box::pin(poll_fn(move |cx| {
            let _dropped = &remembered;
            let _ = keep.send(cx.waker().clone());
            Poll::Pending
        })),
    );
    let sleeper = Dropped(tx, "waits for a timer");
    let mut timer = host.rt.timer(host.rt.now() + Duration::from_secs(3600));
    let armed = in_task(
        &host.rt,
        poll_fn(move |cx| {
            let _dropped = &sleeper;
            timer.as_mut().poll(cx)
        }),
    );
    let waker = wait(&kept);
    run(&host.rt, async {});
    drop(host.rt);
    (host.stop)();
    let mut all = [wait(&dropped), wait(&dropped), wait(&dropped)];
    all.sort_unstable();
    assert_eq!(all, ["waits for a timer", "waits, and its waker is gone", "waits, and its waker is kept"]);
    waker.wake(); // to no harm
    assert_eq!(armed.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

macro_rules! suite {
    ($adapter:ident, $host:expr, ends: $ends:expr, [$($test:ident),* $(,)?]) => {
        mod $adapter {
            use super::*;
            $(
                #[test]
                fn $test() {
                    let host: Host = $host;
                    super::$test(&host.rt);
                    drop(host.rt);
                    (host.stop)();
                }
            )*
            #[test]
            fn an_executor_that_ends_drops_its_tasks() {
                if $ends {
                    super::an_executor_that_ends_drops_its_tasks($host);
                }
            }
        }
    };
    ($adapter:ident, $host:expr, ends: $ends:expr) => {
        suite! { $adapter, $host, ends: $ends, [
            spawned_tasks_run, any_thread_may_spawn, no_wake_up_is_lost, a_task_is_polled_by_one_thread_at_a_time,
            a_busy_task_starves_nobody, a_panic_harms_nobody_else, the_clock_never_goes_back, a_timer_does_not_fire_early,
            a_timer_of_the_past_fires_at_once_and_one_of_never_does_not, a_timer_can_be_reset,
            timers_fire_in_the_order_they_are_due, a_dropped_timer_is_deregistered,
            a_timer_that_is_done_with_a_waker_drops_it_at_once, a_timer_wakes_its_last_waker,
            blocking_jobs_run_elsewhere, it_is_current_in_tasks_only, entropy_differs,
        ] }
    };
}
