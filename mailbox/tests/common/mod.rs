//! What the tests share: wakers and payloads that count, and futures polled by hand.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A waker that counts how often it is woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    pub(crate) fn new() -> (Arc<Wakes>, Waker) {
        let wakes = Arc::new(Wakes::default());
        (wakes.clone(), wakes.into())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// The output of a future that must be ready at its first poll.
#[track_caller]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match poll(std::pin::pin!(future), Waker::noop()) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future should have been ready at once"),
    }
}

/// Counts how often each of its tokens is dropped.
pub(crate) struct Drops(Vec<AtomicUsize>);

/// A payload that must be dropped once, with something to make it as large as the test likes.
pub(crate) struct Token<F = ()> {
    drops: Arc<Drops>,
    pub(crate) id: usize,
    filling: F,
}

impl Drops {
    pub(crate) fn new(tokens: usize) -> Arc<Drops> {
        Arc::new(Drops((0..tokens).map(|_| AtomicUsize::new(0)).collect()))
    }

    pub(crate) fn token<F>(self: &Arc<Drops>, id: usize, filling: F) -> Token<F> {
        Token { drops: self.clone(), id, filling }
    }

    /// How many tokens were dropped.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|drops| drops.load(Ordering::SeqCst)).sum()
    }

    #[track_caller]
    pub(crate) fn assert_each_once(&self) {
        for (id, drops) in self.0.iter().enumerate() {
            assert_eq!(drops.load(Ordering::SeqCst), 1, "drops of token {id}");
        }
    }
}

impl<F> Drop for Token<F> {
    fn drop(&mut self) {
        self.drops.0[self.id].fetch_add(1, Ordering::SeqCst);
    }
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % sides
    }
}
