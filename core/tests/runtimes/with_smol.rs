//! What `Smol` promises besides.

use super::*;
use ravelin_core::runtimes::Smol;

fn own(threads: usize) -> Host {
    let executor = Arc::new(::smol::Executor::new());
    let rt = Smol::new(executor.clone());
    hosted(rt, move |stopped| {
        let stopped = futures::FutureExt::shared(stopped);
        thread::scope(|s| {
            for _ in 0..threads {
                let (executor, stopped) = (&executor, stopped.clone());
                s.spawn(move || ::smol::block_on(executor.run(stopped)));
            }
        });
    })
}

fn global() -> Host {
    Host { rt: Smol::global(), stop: Box::new(|| ()) }
}

mod suites {
    use super::super::*;
    suite!(smol_one_thread, crate::with_smol::own(1), ends: true);
    suite!(smol_two_threads, crate::with_smol::own(2), ends: true);
    suite!(smol_global, crate::with_smol::global(), ends: false);
}

#[test]
fn smol_is_not_current_in_tasks_of_others() {
    let executor = Arc::new(::smol::Executor::new());
    let rt = Smol::new(executor.clone());
    let task = executor.spawn(async move { rt.is_current() });
    assert!(!::smol::block_on(executor.run(task)));
}

#[test]
fn smol_s_threads_end_with_the_future_they_were_made_for_also_when_it_panics() {
    let three = std::num::NonZeroUsize::new(3).unwrap();
    let panicked = std::panic::catch_unwind(|| {
        Smol::block_on(three, async |rt| {
            rt.spawn("never done", Box::pin(std::future::pending()));
            std::panic::resume_unwind(Box::new("on purpose"))
        })
    });
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"on purpose"));
    let answer = Smol::block_on(three, async |rt| {
        let (tx, rx) = futures::channel::oneshot::channel();
        rt.spawn("answers", Box::pin(async { tx.send(42).unwrap() }));
        rx.await
    });
    assert_eq!(answer, Ok(42));
}
