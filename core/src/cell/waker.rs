//! The cell as a waker.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::CellPtr;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

// The cell is its own waker: what an actor waits for wakes the cell, whoever polls it.
static WAKER: RawWakerVTable = RawWakerVTable::new(clone_waker, wake, wake_by_ref, drop_waker);

fn of(data: *const ()) -> CellPtr {
    // SAFETY: wakers are made of the pointer to a cell, which is never null.
    CellPtr(unsafe { NonNull::new_unchecked(data.cast_mut().cast()) })
}

unsafe fn clone_waker(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned holds a count, or is borrowed from one who does.
    unsafe { of(data).header() }.retain();
    RawWaker::new(data, &WAKER)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the waker holds a count, which is given up here.
    let header = unsafe { of(data).header() };
    header.notify();
    header.release();
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker holds a count.
    unsafe { of(data).header() }.notify();
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker holds a count, which is given up here.
    unsafe { of(data).header() }.release();
}

/// A waker without a count of its own.
///
/// # Safety
/// The cell is there as long as the waker.
pub(super) unsafe fn borrowed_waker(cell: CellPtr) -> ManuallyDrop<Waker> {
    // SAFETY: the vtable's functions are right for a pointer to a cell; without a drop no count is given up.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(cell.0.as_ptr().cast_const().cast(), &WAKER)) })
}
