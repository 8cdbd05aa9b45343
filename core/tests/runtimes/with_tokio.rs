//! What `Tokio` promises besides.

use super::*;
use ::tokio::runtime::{Builder, Handle};
use ravelin_core::runtimes::Tokio;

fn multi_thread() -> Host {
    let tokio = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    Host { rt: Tokio::new(tokio.handle().clone()), stop: Box::new(move || drop(tokio)) }
}

fn current_thread() -> Host {
    let tokio = Builder::new_current_thread().enable_time().build().unwrap();
    hosted(Tokio::new(tokio.handle().clone()), move |stopped| {
        let _ = tokio.block_on(stopped);
    })
}

mod suites {
    use super::super::*;
    suite!(tokio_multi_thread, crate::with_tokio::multi_thread(), ends: true);
    suite!(tokio_current_thread, crate::with_tokio::current_thread(), ends: true);
}

#[test]
fn tokio_is_found_inside_and_missed_outside() {
    assert!(Tokio::try_current().unwrap_err().to_string().contains("Tokio::new"));
    let tokio = Builder::new_current_thread().enable_time().build().unwrap();
    let found = tokio.block_on(async { Tokio::current() });
    assert_eq!(found.handle().id(), tokio.handle().id());
    let _entered = tokio.enter();
    assert!(Tokio::try_current().is_ok());
    assert!(!found.is_current(), "entered is not polling");
}

#[test]
fn tokio_without_timers_is_refused_at_once() {
    let tokio = Builder::new_current_thread().build().unwrap();
    let handle = tokio.handle().clone();
    assert!(thread::spawn(move || Tokio::new(handle)).join().is_err());
}

#[test]
fn tokio_is_current_in_tasks_of_others_but_not_in_block_on() {
    for tokio in [
        Builder::new_current_thread().enable_time().build().unwrap(),
        Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap(),
    ] {
        let rt = Tokio::new(tokio.handle().clone());
        let second = Tokio::new(tokio.handle().clone());
        let (a, b) = (rt.clone(), second.clone());
        tokio.block_on(async move {
            assert!(!a.is_current(), "the root future is no task");
            let in_task = a.clone();
            ::tokio::spawn(async move { assert!(in_task.is_current()) }).await.unwrap();
            let (tx, rx) = oneshot::channel();
            a.spawn("test", Box::pin(async move { tx.send(b.is_current()).unwrap() }));
            let _ = rx.await; // two adapters of one runtime: may say no, as always
            assert!(!a.is_current());
        });
        // Another runtime's task is none of ours.
        let other = Builder::new_current_thread().enable_time().build().unwrap();
        let foreign = other.block_on(async move { ::tokio::spawn(async move { rt.is_current() }).await });
        assert!(!foreign.unwrap());
    }
}

#[test]
fn tokio_that_is_gone_drops_what_is_spawned() {
    let tokio = Builder::new_current_thread().enable_time().build().unwrap();
    let rt = Tokio::new(tokio.handle().clone());
    drop(tokio);
    let (tx, dropped) = mpsc::channel();
    let guard = Dropped(tx, "late");
    rt.spawn("test", Box::pin(async move { drop(guard) }));
    assert_eq!(wait(&dropped), "late");
    let _ = rt.now();
}

#[test]
fn tokio_obeys_the_paused_clock() {
    let tokio = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let rt: Arc<dyn Runtime> = Tokio::new(tokio.handle().clone());
    let before = rt.now();
    let hour = Duration::from_secs(3600);
    let real = std::time::Instant::now();
    // tidy: tests the timer
    tokio.block_on(sleep(rt.clone(), hour));
    assert!(real.elapsed() < PATIENCE);
    // Asked from outside: this thread has not entered the runtime. Then from another runtime. Then from inside.
    assert!(Handle::try_current().is_err());
    let after = rt.now();
    assert!(after - before >= hour && after - before < hour + ms(10));
    let other = Builder::new_current_thread().enable_time().build().unwrap();
    assert_eq!(other.block_on(async { rt.now() }), after);
    assert_eq!(tokio.block_on(async { rt.now() }), after);
    // A timer that outsiders set is of that clock, too.
    assert!(rt.timer(after).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert!(rt.timer(after + ms(5)).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    // And a multi-thread runtime does not look at somebody else's paused clock.
    let multi = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let multi = Tokio::new(multi.handle().clone());
    assert!(tokio.block_on(async { multi.now() }) < Time::EPOCH + hour);
}

#[test]
fn tokio_timers_are_outside_of_its_budget() {
    let tokio = Builder::new_current_thread().enable_time().build().unwrap();
    let rt: Arc<dyn Runtime> = Tokio::new(tokio.handle().clone());
    let clock = rt.clone();
    let spent = async move {
        let mut far = clock.timer(clock.now() + Duration::from_secs(3600));
        let (log, woken) = mpsc::channel();
        let waker = logging(0, &log).1;
        while ::tokio::task::coop::has_budget_remaining() {
            let _ = futures::FutureExt::now_or_never(::tokio::task::coop::consume_budget());
        }
        assert!(far.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(clock.timer(clock.now()).as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        // With the budget spent tokio's own timer would not be armed, and wake its task soon to try again.
        // tidy: tests the timer
        sleep(clock.clone(), ms(3)).await;
        assert_eq!(woken.try_recv(), Err(mpsc::TryRecvError::Empty));
    };
    let (tx, rx) = oneshot::channel();
    rt.spawn(
        "test",
        Box::pin(async move {
            spent.await;
            tx.send(()).unwrap();
        }),
    );
    assert_eq!(tokio.block_on(rx), Ok(()));
}
