//! What every runtime adapter promises, without an actor: the suite of `ravelin-core`, over the adapters of this crate.

#![allow(clippy::disallowed_methods, reason = "the real executors and threads are what is tested here")]

use futures::channel::oneshot;
use ravelin_core::Runtime;
use ravelin_executors::runtimes::Hosted;
use std::sync::{Arc, mpsc};
use std::thread;
use suite::*;

#[path = "../../../core/tests/runtimes/suite.rs"]
#[macro_use]
mod suite;

/// A thread that makes a runtime, gives it, and runs it until it is told to stop.
fn at_home(
    drive: impl FnOnce(mpsc::Sender<Arc<dyn Runtime>>, oneshot::Receiver<()>) + Send + 'static,
) -> Host {
    let (give, given) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let thread = thread::spawn(move || drive(give, stopped));
    let stop = move || {
        drop(stop);
        thread.join().unwrap();
    };
    let rt: Arc<dyn Runtime> = wait(&given);
    Host { rt, stop: Box::new(stop) }
}

fn local_set() -> Host {
    at_home(|give, stopped| {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let set = tokio::task::LocalSet::new();
        let (rt, host) = Hosted::new("tokio-local", tokio::time::sleep);
        give.send(rt).unwrap();
        set.spawn_local(host);
        let _ = set.block_on(&tokio, stopped);
    })
}

suite!(in_a_local_set, local_set(), ends: true);

/// embassy drops nothing by itself: whoever stops it shuts ravelin down first, and waits until its tasks are dropped.
#[cfg(feature = "embassy")]
fn embassy() -> Host {
    at_home(|give, stopped| {
        let executor: &'static mut _ = Box::leak(Box::new(embassy_executor::Executor::new()));
        let (held, gone) = mpsc::channel::<()>();
        let start = move |spawner| {
            let rt = ravelin_executors::runtimes::on_embassy(spawner);
            let to_end = rt.clone();
            let until_dropped = async move {
                let _held = held;
                let _ = stopped.await;
                to_end.shutdown();
                std::future::pending::<()>().await;
            };
            rt.spawn("stop", Box::pin(until_dropped));
            give.send(rt).unwrap();
        };
        executor.run_until(start, || gone.try_recv() == Err(mpsc::TryRecvError::Disconnected));
    })
}

#[cfg(feature = "embassy")]
suite!(on_embassy, embassy(), ends: true);

#[cfg(feature = "compio")]
fn compio() -> Host {
    at_home(|give, stopped| {
        ::compio::runtime::Runtime::new().unwrap().block_on(async {
            give.send(ravelin_executors::runtimes::on_compio()).unwrap();
            let _ = stopped.await;
        });
    })
}

#[cfg(feature = "compio")]
suite!(on_compio, compio(), ends: true);

#[cfg(feature = "async-std")]
suite!(
    on_async_std,
    Host { rt: ravelin_executors::runtimes::AsyncStd::global(), stop: Box::new(|| ()) },
    ends: false
);

#[cfg(feature = "bastion")]
suite!(
    on_bastion,
    Host { rt: ravelin_executors::runtimes::Bastion::global().unwrap(), stop: Box::new(|| ()) },
    ends: false
);
