//! What `Local` promises besides.

use super::*;

fn local_host() -> Host {
    let rt = Local::new();
    let home = rt.clone();
    hosted(rt, move |stopped| {
        let _ = home.block_on(stopped);
    })
}

suite!(local, local_host(), ends: true);

/// Lets all that is awake in `rt` have had a turn.
fn settle(rt: &Local) {
    rt.block_on(async {
        for _ in 0..4 {
            yield_now().await;
        }
    });
}

#[test]
fn local_keeps_tasks_from_one_block_on_to_the_next() {
    let rt = Local::new();
    let (tx, rx) = mpsc::channel();
    let (go, gone) = oneshot::channel::<()>();
    let (go2, gone2) = oneshot::channel::<()>();
    let tx2 = tx.clone();
    rt.spawn("send", Box::pin(async move { tx.send(("send", gone.await)).unwrap() }));
    rt.spawn_local(Box::new(|| {
        Box::pin(async move {
            let not_send = std::rc::Rc::new("not send");
            let came = gone2.await;
            tx2.send((*not_send, came)).unwrap();
        })
    }));
    settle(&rt);
    settle(&rt);
    assert!(rx.try_recv().is_err());
    // Woken while nothing runs.
    go2.send(()).unwrap();
    go.send(()).unwrap();
    assert!(rx.try_recv().is_err());
    settle(&rt);
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [("not send", Ok(())), ("send", Ok(()))]);
}

#[test]
fn local_runs_tasks_in_the_order_of_waking() {
    let rt = Local::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    for n in 0..200 {
        let log = log.clone();
        rt.spawn(
            "test",
            Box::pin(async move {
                log.lock().unwrap().push(n);
                yield_now().await;
                log.lock().unwrap().push(200 + n);
            }),
        );
    }
    // Ready in the midst of a round: what did not run yet is first in the next.
    rt.block_on(yield_now());
    let first = log.lock().unwrap().len();
    assert!((1..400).contains(&first), "{first}");
    (0..10).for_each(|_| settle(&rt));
    assert_eq!(*log.lock().unwrap(), (0..400).collect::<Vec<_>>());
}

/// How long this thread has been on a processor, in nanoseconds, where the system tells.
fn on_cpu() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

#[test]
fn local_is_parked_while_it_waits() {
    let rt = Local::new();
    let mut polls = 0;
    let before = on_cpu();
    // First there is a timer to wait for, then nothing at all until another thread comes.
    let mut timer = rt.timer(rt.now() + ms(30));
    rt.spawn("test", Box::pin(std::future::pending()));
    rt.block_on(poll_fn(|cx| {
        polls += 1;
        timer.as_mut().poll(cx)
    }));
    let (tx, rx) = oneshot::channel();
    let later = thread::spawn(move || {
        let other = Local::new();
        other.block_on(fired(&mut other.timer(other.now() + ms(30))));
        tx.send(()).unwrap();
    });
    assert_eq!(rt.block_on(rx), Ok(()));
    later.join().unwrap();
    assert_eq!(polls, 2, "once to arm, once when it fired");
    // A loop that did not park would have spent most of the 60 ms. This one: 0.1 to 0.4 ms, measured.
    if let (Some(before), Some(after)) = (before, on_cpu()) {
        assert!(after - before < 4_000_000, "{} ns of work while waiting", after - before);
    }
}

#[test]
fn local_looks_at_timers_that_other_threads_arm() {
    // The loop is parked for ever, then for an hour; each time another thread arms an earlier timer.
    let rt = Local::new();
    let (tx, rx) = mpsc::channel();
    let outside = rt.clone();
    let thread = thread::spawn(move || {
        let (log, fired) = mpsc::channel();
        let mut timers = Vec::new();
        for after in [Duration::from_secs(3600), ms(5), ms(1), ms(3)] {
            let mut timer = outside.timer(outside.now() + after);
            let waker = logging(after.as_millis() as usize, &log).1;
            let _ = timer.as_mut().poll(&mut Context::from_waker(&waker));
            timers.push(timer);
        }
        wait(&fired);
        tx.send(()).unwrap();
        outside.shutdown();
        drop(timers);
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let watch = thread::spawn(move || {
        wait(&rx);
        drop(stop);
    });
    assert!(rt.block_on(stopped).is_err());
    thread.join().unwrap();
    watch.join().unwrap();
}

#[test]
fn local_drops_its_tasks_when_it_is_dropped() {
    let rt = Local::new();
    let (tx, dropped) = mpsc::channel();
    for name in ["first", "second"] {
        let guard = Dropped(tx.clone(), name);
        let waits = async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        };
        rt.spawn("test", Box::pin(waits));
    }
    let guard = Dropped(tx.clone(), "not send");
    rt.spawn_local(Box::new(|| {
        Box::pin(async {
            let _guards = (std::rc::Rc::new(()), guard);
            std::future::pending::<()>().await;
        })
    }));
    settle(&rt);
    let guard = Dropped(tx, "never polled");
    rt.spawn("test", Box::pin(async move { drop(guard) }));
    assert!(dropped.try_recv().is_err());
    drop(rt);
    assert_eq!(dropped.try_iter().collect::<Vec<_>>(), ["first", "second", "never polled", "not send"]);
}

#[test]
fn local_leaves_what_is_not_send_to_its_own_thread() {
    let (tx, dropped) = mpsc::channel();
    let (rt_tx, rt_rx) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let home = thread::spawn(move || {
        let rt = Local::new();
        let (sent, unsent) = (Dropped(tx.clone(), "send"), Dropped(tx, "not send"));
        rt.spawn(
            "test",
            Box::pin(async move {
                let _guard = sent;
                std::future::pending::<()>().await;
            }),
        );
        rt.spawn_local(Box::new(|| {
            Box::pin(async move {
                let _guard = unsent;
                std::future::pending::<()>().await;
            })
        }));
        settle(&rt);
        rt_tx.send(rt).unwrap();
        let _ = ended.recv();
    });
    drop(wait(&rt_rx));
    assert_eq!(wait(&dropped), "send");
    assert!(dropped.try_recv().is_err());
    drop(end);
    home.join().unwrap();
    assert_eq!(wait(&dropped), "not send");
}

#[test]
fn local_can_be_shut_down_from_a_task() {
    let rt = Local::new();
    let (tx, dropped) = mpsc::channel();
    let (done, finished) = oneshot::channel();
    let other = Dropped(tx.clone(), "other");
    rt.spawn(
        "other",
        Box::pin(async move {
            let _guard = other;
            std::future::pending::<()>().await;
        }),
    );
    let (me, own) = (rt.clone(), Dropped(tx, "own"));
    rt.spawn_local(Box::new(|| {
        Box::pin(async move {
            let _guard = own;
            me.shutdown();
            me.spawn("late", Box::pin(async { unreachable!("it is shut down") }));
            done.send(()).unwrap();
            std::future::pending::<()>().await;
        })
    }));
    assert_eq!(rt.block_on(finished), Ok(()));
    settle(&rt);
    assert_eq!(dropped.try_iter().collect::<Vec<_>>(), ["other", "own"]);
    assert_eq!(Arc::strong_count(&rt), 1);
    let mut timer = rt.timer(rt.now() + ms(1));
    rt.block_on(fired(&mut timer));
}

#[test]
fn local_refuses_a_second_thread_and_itself() {
    let rt = Local::new();
    rt.block_on(async {});
    let other = rt.clone();
    assert!(thread::spawn(move || other.block_on(async {})).join().is_err());
    let inner = rt.clone();
    let nested = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        rt.block_on(async { inner.block_on(async {}) });
    }));
    assert!(nested.is_err());
    // And is none the worse for it.
    rt.block_on(async {});
}
