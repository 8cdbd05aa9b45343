//! Many seeds on several threads, each seed wholly on one. The only threads that the simulator starts.

#![allow(clippy::disallowed_methods, reason = "nothing that is simulated knows of these threads")]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

/// Calls `each` with the numbers below `count`, on so many threads; on the caller's own when it is one. It answers
/// whether to go on: after a no, no larger number is begun, so that the smallest of all noes is always found.
pub(crate) fn for_each(count: u64, threads: usize, each: impl Fn(u64) -> bool + Sync) {
    let (next, end) = (AtomicU64::new(0), AtomicU64::new(count));
    let work = || {
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= end.load(Relaxed) {
                return;
            }
            if !each(number) {
                end.fetch_min(number, Relaxed);
            }
        }
    };
    if threads <= 1 {
        return work();
    }
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
}

/// The name of the calling thread; a test runner gives it that of the test.
pub(crate) fn name_of_test() -> String {
    let thread = thread::current();
    thread.name().filter(|name| *name != "main").unwrap_or("simulation").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn the_smallest_no_is_always_found() {
        for threads in [1, 3] {
            let noes = Mutex::new(Vec::new());
            for_each(1000, threads, |number| {
                let is_no = number % 100 == 41;
                if is_no {
                    noes.lock().unwrap().push(number);
                }
                !is_no
            });
            assert_eq!(noes.into_inner().unwrap().into_iter().min(), Some(41), "{threads} threads");
        }
    }
}
