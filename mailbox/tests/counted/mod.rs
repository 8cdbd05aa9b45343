//! An allocator that counts: for the tests of what is kept and what is allocated, here and in other crates.
//!
//! Proof of the unsafe parts: the allocator passes everything on to the system's and only counts.
#![allow(dead_code, reason = "not each test that includes this needs all of it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what the thread that asks has allocated and freed, so that tests do not disturb one another.
struct Counting;

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let _ = BYTES.try_with(|sum| sum.set(sum.get() + bytes));
    if bytes > 0 {
        let _ = ALLOCATIONS.try_with(|sum| sum.set(sum.get() + 1));
    }
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many bytes this thread has allocated and not freed.
pub(crate) fn bytes() -> isize {
    BYTES.get()
}

/// How many allocations this thread has made.
pub(crate) fn allocations() -> usize {
    ALLOCATIONS.get()
}
