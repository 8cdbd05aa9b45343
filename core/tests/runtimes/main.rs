//! What every runtime adapter promises, as one suite, and what each promises besides.

#![allow(clippy::disallowed_methods, reason = "the real executors and threads are what is tested here")]

use futures::channel::oneshot;
use futures::future::poll_fn;
use ravelin_core::runtimes::Local;
use ravelin_core::{LocalRuntime, Runtime, Time};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;
use suite::*;

#[macro_use]
mod suite;
/// A thread that runs `drive` until it is told to stop.
fn hosted<R: Runtime>(rt: Arc<R>, drive: impl FnOnce(oneshot::Receiver<()>) + Send + 'static) -> Host {
    let (stop, stopped) = oneshot::channel();
    let thread = thread::spawn(move || drive(stopped));
    Host {
        rt,
        stop: Box::new(move || {
            drop(stop);
            thread.join().unwrap();
        }),
    }
}

mod with_local;
#[cfg(feature = "smol")]
mod with_smol;
#[cfg(feature = "tokio")]
mod with_tokio;

/// A runtime travels as an object, and nothing is polled by making a future of it.
#[test]
fn adapters_are_objects() {
    fn assert_object<T: Send + Sync + 'static>(_: &T) {}
    let rt: Arc<dyn Runtime> = Local::new();
    assert_object(&rt);
    assert_eq!(rt.name(), "local");
    assert!(rt.hands_over());
    let mut timer = pin!(async { fired(&mut rt.timer(Time::EPOCH)).await });
    assert!(timer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}
