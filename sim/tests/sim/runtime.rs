//! The runtime by itself: its clock, timers, jobs and tasks.

use crate::app::{MS, SECOND};
use ravelin_core::{LocalRuntime, Runtime, Time, Timer, sleep};
use ravelin_sim::{Failure, Order, Seed, SimRuntime};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

fn runtime() -> Arc<SimRuntime> {
    SimRuntime::new(Seed(1), Order::Random)
}

async fn fired(timer: &mut Pin<Box<dyn Timer>>) {
    poll_fn(|cx| timer.as_mut().poll(cx)).await;
}

fn is_ready(timer: &mut Pin<Box<dyn Timer>>) -> bool {
    timer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn timers_fire_in_the_order_they_are_due_and_never_early() {
    let rt = runtime();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for n in [3, 1, 2, 1] {
        let (clock, seen) = (rt.clone(), seen.clone());
        rt.spawn(
            "sleeper",
            Box::pin(async move {
                let at = clock.now() + n * SECOND;
                fired(&mut clock.timer(at)).await;
                assert!(clock.now() >= at);
                seen.lock().unwrap().push(n);
            }),
        );
    }
    rt.block_on(sleep(&*rt, 10 * SECOND)).unwrap(); // tidy: tests the timer
    assert_eq!(*seen.lock().unwrap(), [1, 1, 2, 3]);
}

#[test]
fn a_timer_of_the_past_fires_at_once_stays_ready_and_can_be_reset() {
    let rt = runtime();
    let clock = rt.clone();
    rt.block_on(async move {
        let mut timer = clock.timer(Time::EPOCH);
        assert!(is_ready(&mut timer) && is_ready(&mut timer));
        let at = clock.now() + SECOND;
        timer.as_mut().reset(at);
        assert!(!is_ready(&mut timer));
        timer.as_mut().reset(at + SECOND);
        fired(&mut timer).await;
        assert!(clock.now() >= at + SECOND && clock.now() < at + SECOND + MS);
        timer.as_mut().reset(Time::NEVER);
        assert!(!is_ready(&mut timer));
    })
    .unwrap();
}

#[test]
fn a_timer_that_is_dropped_leaves_nothing_behind() {
    let rt = runtime();
    let clock = rt.clone();
    let outcome = rt.block_on(async move {
        let mut timer = clock.timer(clock.now() + SECOND);
        assert!(!is_ready(&mut timer));
        drop(timer);
        std::future::pending::<()>().await;
    });
    assert!(matches!(outcome, Err(Failure::Deadlock { .. })), "nothing was left to wait for");
    assert!(rt.now() < Time::EPOCH + MS);
}

#[test]
fn one_who_always_yields_does_not_hold_the_clock() {
    for order in [Order::Fifo, Order::Random, Order::Bounded { preemptions: 2 }] {
        let rt = SimRuntime::new(Seed(1), order);
        rt.spawn(
            "busy",
            Box::pin(poll_fn(|cx| {
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            })),
        );
        rt.block_on(sleep(&*rt, MS)).unwrap(); // tidy: tests the timer
        assert!(rt.now() < Time::EPOCH + 3 * MS, "{order:?}");
    }
}

#[test]
fn a_blocking_job_runs_later_and_is_in_no_task() {
    let rt = runtime();
    let clock = rt.clone();
    let took = rt.block_on(async move {
        let (of, before) = (clock.clone(), clock.now());
        let is_current = ravelin_core::blocking(&*clock, move || of.is_current()).await;
        assert_eq!(is_current, Ok(false));
        clock.now() - before
    });
    assert!((MS / 100..6 * MS).contains(&took.unwrap()));
}

#[test]
fn a_panic_in_a_blocking_job_is_a_failure_and_the_runtime_goes_on() {
    let rt = runtime();
    rt.spawn_blocking(Box::new(|| panic!("no disk")));
    let outcome = rt.block_on(sleep(&*rt, SECOND)); // tidy: tests the timer
    assert!(matches!(outcome, Err(Failure::Panic { message, .. }) if message == "no disk"));
    assert_eq!(rt.block_on(async { 1 }), Ok(1));
}

#[test]
fn shut_down_it_has_no_tasks_and_takes_none() {
    let rt = runtime();
    let held = Arc::new(());
    for _ in 0..2 {
        let (held, rt_of) = (held.clone(), rt.clone());
        rt.spawn(
            "holder",
            Box::pin(async move {
                std::future::pending::<()>().await;
                drop((held, rt_of));
            }),
        );
    }
    rt.shutdown().unwrap();
    assert_eq!((Arc::strong_count(&held), Arc::strong_count(&rt)), (1, 1));
    let late = held.clone();
    rt.spawn("late", Box::pin(async move { drop(late) }));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn the_wall_clock_begins_at_a_fixed_date_and_goes_with_the_clock() {
    let rt = runtime();
    let date = std::time::UNIX_EPOCH + std::time::Duration::from_secs(946_684_800);
    assert_eq!(rt.system_time(), date);
    rt.block_on(sleep(&*rt, SECOND)).unwrap(); // tidy: tests the timer
    assert_eq!(rt.system_time().duration_since(date).unwrap(), rt.now() - Time::EPOCH);
}

#[test]
fn a_future_that_is_not_send_is_a_task_as_others_and_goes_with_the_run() {
    struct Dropped(Arc<Mutex<Vec<&'static str>>>, &'static str);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(self.1);
        }
    }
    let rt = runtime();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for name in ["sleeps", "waits"] {
        let (clock, dropped) = (rt.clone(), Dropped(seen.clone(), name));
        rt.spawn_local(Box::new(move || {
            Box::pin(async move {
                let not_send = std::rc::Rc::new(dropped);
                sleep(&*clock, SECOND).await; // tidy: tests the timer
                if not_send.1 == "waits" {
                    std::future::pending::<()>().await;
                }
                // One that begins, and ends, in the midst of another one's turn.
                clock.spawn_local(Box::new(|| Box::pin(async {})));
            })
        }));
    }
    rt.block_on(sleep(&*rt, MS)).unwrap(); // tidy: tests the timer
    assert!(seen.lock().unwrap().is_empty());
    rt.block_on(sleep(&*rt, 2 * SECOND)).unwrap(); // tidy: tests the timer
    assert_eq!(*seen.lock().unwrap(), ["sleeps"]);
    rt.shutdown().unwrap();
    assert_eq!(*seen.lock().unwrap(), ["sleeps", "waits"]);
}
