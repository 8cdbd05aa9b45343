//! Streams of tasks: order, bounds, time-outs, the end half-way.

use crate::host::{Gauge, Log, everywhere, in_virtual_time, ms, pass, until, up};
use futures::{FutureExt, StreamExt, stream};
use ravelin::tasks::{OnTimeout, TaskError, TaskFailed};
use ravelin::{Exit, Inbox, NoMessage, Outside, SupervisorError, TaskSupervisor};
use std::future::pending;

#[test]
fn outcomes_come_in_the_order_of_the_inputs_or_in_their_own() {
    in_virtual_time(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let waits = [50_u64, 10, 40, 20, 30];
        let make = || {
            let system = system.clone();
            let wait = move |wait: u64| {
                let system = system.clone();
                async move {
                    pass(&system, ms(wait)).await;
                    wait
                }
            };
            tasks.async_stream(&Outside, waits, wait)
        };
        let ordered: Vec<_> = make().max_concurrency(3).map(Result::unwrap).collect().await;
        assert_eq!(ordered, waits);
        let unordered: Vec<_> = make().unordered().map(Result::unwrap).collect().await;
        assert_eq!(unordered, [10, 20, 30, 40, 50]);
        app.stop().await;
    });
}

#[test]
fn no_more_tasks_run_or_wait_to_be_taken_than_was_said() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks").max_children(3);
        let app = up(&system, &tasks).await;
        let (gauge, taken) = (Gauge::default(), Log::new());
        let (mark, count) = (gauge.clone(), taken.clone());
        let inputs = (0..40).inspect(move |n| count.add(*n));
        let mut squares = tasks
            .async_stream_nolink(inputs, move |n: u32| {
                let mark = mark.clone();
                async move {
                    let _at_work = mark.begin();
                    until_turns(n % 4).await;
                    n * n
                }
            })
            .max_concurrency(3);
        assert_eq!(taken.len(), 0, "nothing happens before it is polled");
        for n in 0..40 {
            assert_eq!(squares.next().await, Some(Ok(n * n)));
            assert!(taken.len() <= n as usize + 3, "an input is taken when there is room for its task");
        }
        assert_eq!(squares.next().await, None);
        assert_eq!(squares.next().await, None);
        assert!((1..=3).contains(&gauge.most()));
        app.stop().await;
    });
}

async fn until_turns(mut turns: u32) {
    until(|| {
        turns = turns.saturating_sub(1);
        turns == 0
    })
    .await;
}

#[test]
fn inputs_that_come_as_a_stream_are_waited_for() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let (feed, inputs) = futures::channel::mpsc::unbounded::<u32>();
        let mut doubled = tasks.async_stream_from(&Outside, inputs, |n| async move { 2 * n });
        assert_eq!(doubled.next().now_or_never(), None);
        for n in 1..4 {
            feed.unbounded_send(n).expect("somebody listens");
            assert_eq!(doubled.next().await, Some(Ok(2 * n)));
            assert_eq!(doubled.next().now_or_never(), None);
        }
        drop(feed);
        assert_eq!(doubled.next().await, None);
        app.stop().await;
    });
}

#[test]
fn a_task_that_fails_is_an_error_item_with_its_input_and_the_stream_goes_on() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let halves = tasks
            .async_stream_nolink([2_u32, 3, 4], |n| async move {
                assert!(n % 2 == 0, "{n} is odd");
                n / 2
            })
            .zip_input_on_exit();
        let halves: Vec<_> = halves.collect().await;
        assert_eq!((&halves[0], &halves[2]), (&Ok(1), &Ok(2)));
        let Err(TaskFailed { input: Some(3), why: TaskError::Exited(Exit::Panic(panic)) }) = &halves[1]
        else {
            panic!("{:?}", halves[1]);
        };
        assert_eq!(panic.message, "3 is odd");
        app.stop().await;
        let none: Vec<_> = tasks.async_stream(&Outside, [1], |_| async {}).collect().await;
        let refused = TaskError::NotStarted(SupervisorError::NoProc);
        assert_eq!(none, [Err(TaskFailed { input: None, why: refused })]);
    });
}

#[test]
fn a_task_that_takes_too_long_ends_alone_or_ends_the_stream() {
    in_virtual_time(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        for (on_timeout, expect) in [(OnTimeout::KillTask, "0 1 late 3"), (OnTimeout::FailStream, "0 1 late")]
        {
            let (runtime, gauge) = (system.clone(), Gauge::default());
            let mark = gauge.clone();
            let work = move |n: u32| {
                let (system, mark) = (runtime.clone(), mark.clone());
                async move {
                    let _at_work = mark.begin();
                    match n {
                        2 => pending().await,
                        n => pass(&system, ms(u64::from(n))).await,
                    }
                    n
                }
            };
            let items = tasks.async_stream(&Outside, 0..4, work).timeout(ms(100), on_timeout);
            let told = items.map(|item| match item {
                Ok(n) => n.to_string(),
                Err(TaskFailed { why: TaskError::Timeout, .. }) => "late".to_owned(),
                Err(other) => other.to_string(),
            });
            assert_eq!(told.collect::<Vec<_>>().await.join(" "), expect, "{on_timeout:?}");
            pass(&system, ms(1)).await;
            assert_eq!((gauge.now(), tasks.children().await), (0, Ok(vec![])), "{on_timeout:?}");
        }
        app.stop().await;
    });
}

#[test]
fn a_stream_that_is_dropped_half_way_ends_its_tasks() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let gauge = Gauge::default();
        let mark = gauge.clone();
        let inputs = stream::iter(0..);
        let mut work = tasks
            .async_stream_from(&Outside, inputs, move |n: u32| {
                let mark = mark.clone();
                async move {
                    let _at_work = mark.begin();
                    if n > 0 { pending().await } else { n }
                }
            })
            .max_concurrency(5);
        assert_eq!(work.next().await, Some(Ok(0)));
        until(|| {
            assert_eq!(work.next().now_or_never(), None);
            gauge.now() == 5
        })
        .await;
        drop(work);
        while tasks.children().await != Ok(vec![]) {}
        assert_eq!(gauge.now(), 0);
        app.stop().await;
    });
}

#[test]
fn a_linked_stream_and_its_caller_end_with_each_other() {
    everywhere(async |system| {
        let tasks = TaskSupervisor::place("tasks");
        let app = up(&system, &tasks).await;
        let gauge = Gauge::default();
        let (mine, mark) = (tasks.clone(), gauge.clone());
        let caller = system.spawn_task(move |inbox: Inbox<NoMessage>| async move {
            let work = mine.async_stream(&inbox, 0..3, move |n: u32| {
                let mark = mark.clone();
                async move {
                    let at_work = mark.begin();
                    until(|| mark.most() == 3).await;
                    assert!(n != 1, "on purpose");
                    pending::<()>().await;
                    drop(at_work);
                }
            });
            work.collect::<Vec<_>>().await;
        });
        let caller = caller.await.expect("it starts");
        // Its end may be over before anybody watches.
        while let Some(pid) = caller.pid() {
            system.ended(pid).await;
        }
        let why = caller.last_exit();
        assert!(matches!(&why, Some(Exit::Panic(panic)) if panic.message == "on purpose"), "{why:?}");
        until(|| gauge.now() == 0).await;
        while tasks.children().await != Ok(vec![]) {}
        app.stop().await;
    });
}
