//! The place where a handler's future is built, polled and dropped: one reusable buffer instead of a box per message.
//!
//! A thread that runs actors lends its own slot to each of them in turn. A future that is ready at its first poll, the
//! common case, leaves nothing behind. One that waits stays in the buffer, and the buffer stays with the actor until
//! the future is done.
//!
//! Proof: `buffer` holds `size` bytes of alignment `ALIGN` (or dangles when `size` is 0). While `vtable` is `Some`
//! the buffer holds a future of the type that the vtable was made for, pinned: it is not moved (the buffer's address
//! does not change when the `Slot` moves) until it is dropped in place.

use crate::ledger::Counters;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop, align_of, size_of};
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

const ALIGN: usize = 64;
const SIZE_MIN: usize = 512;
/// A larger buffer is not kept for others.
const KEPT_MAX: usize = 8192;
const POOLED_MAX: usize = 32;

struct FutureVTable {
    poll: unsafe fn(*mut u8, &mut Context<'_>) -> Poll<()>,
    drop: unsafe fn(*mut u8),
    /// Counts that it ran to its end.
    count: fn(&Counters),
    /// Whether it is no callback's but a hold of the framework's, which borrows nothing.
    is_hold: bool,
}

/// What the ledger says of a future that ran to its end.
pub(super) trait Tally {
    const IS_HOLD: bool = false;
    fn count(counters: &Counters);
}

/// Nothing.
struct Untold;

impl Tally for Untold {
    fn count(_: &Counters) {}
}

/// The future of an actor that is suspended.
struct Hold;

impl Tally for Hold {
    const IS_HOLD: bool = true;
    fn count(_: &Counters) {}
}

struct Of<F, T>(PhantomData<(F, T)>);

impl<F: Future<Output = ()>, T: Tally> Of<F, T> {
    const VTABLE: FutureVTable = FutureVTable {
        poll: poll_in_place::<F>,
        drop: drop_in_place::<F>,
        count: T::count,
        is_hold: T::IS_HOLD,
    };
}

/// # Safety
/// `at` holds an `F`, pinned.
unsafe fn poll_in_place<F: Future<Output = ()>>(at: *mut u8, cx: &mut Context<'_>) -> Poll<()> {
    // SAFETY: the caller's promise.
    unsafe { Pin::new_unchecked(&mut *at.cast::<F>()) }.poll(cx)
}

/// # Safety
/// `at` holds an `F`, which is not used again.
unsafe fn drop_in_place<F>(at: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { ptr::drop_in_place(at.cast::<F>()) }
}

/// Room for one future of any type.
pub(crate) struct Slot {
    buffer: *mut u8,
    size: usize,
    vtable: Option<&'static FutureVTable>,
}

// SAFETY: `put` and `start` take only futures that are `Send`.
unsafe impl Send for Slot {}

impl Slot {
    pub(crate) const fn empty() -> Slot {
        Slot { buffer: ptr::null_mut(), size: 0, vtable: None }
    }

    /// A slot from this thread's pool.
    pub(super) fn lent() -> Slot {
        POOL.try_with(Pool::lend).unwrap_or(Slot::empty())
    }

    /// Gives the slot back to this thread's pool. No future is in it.
    pub(super) fn give_back(self) {
        debug_assert!(self.vtable.is_none());
        if self.size == 0 || self.size > KEPT_MAX {
            return;
        }
        let slot = ManuallyDrop::new(self);
        let again = Slot { buffer: slot.buffer, size: slot.size, vtable: None };
        let _ = POOL.try_with(move |pool| pool.take_back(again));
    }

    pub(super) fn has_future(&self) -> bool {
        self.vtable.is_some()
    }

    /// Whether the future in the slot is a hold: nobody's callback, and it borrows nothing.
    pub(super) fn is_hold(&self) -> bool {
        self.vtable.is_some_and(|vtable| vtable.is_hold)
    }

    /// Whether the slot has a buffer.
    pub(super) fn has_buffer(&self) -> bool {
        self.size > 0
    }

    /// Puts a future in, unpolled.
    ///
    /// # Safety
    /// What the future borrows is there until it is done or cancelled. The slot is empty.
    pub(crate) unsafe fn put<F: Future<Output = ()> + Send>(&mut self, future: F) {
        // SAFETY: the caller's promise.
        unsafe { self.make::<F, Untold>(|| future) }
    }

    /// Puts a hold in, unpolled. The slot is empty.
    pub(super) fn hold<F: Future<Output = ()> + Send + 'static>(&mut self, future: F) {
        self.cancel();
        // SAFETY: the future borrows nothing, and the slot is empty.
        unsafe { self.make::<F, Hold>(|| future) }
    }

    /// As `put`, with the future made where it will lie: to make it on the stack and move it costs more than many
    /// handlers do.
    ///
    /// # Safety
    /// As `put`.
    #[inline(always)]
    unsafe fn make<F: Future<Output = ()> + Send, T: Tally>(&mut self, make: impl FnOnce() -> F) {
        const { assert!(align_of::<F>() <= ALIGN, "a handler's future is aligned to more than a cache line") };
        debug_assert!(self.vtable.is_none());
        if self.size < size_of::<F>() || self.size == 0 {
            self.grow(size_of::<F>());
        }
        // SAFETY: the buffer has room and alignment for an `F`.
        unsafe { self.buffer.cast::<F>().write(make()) };
        self.vtable = Some(&Of::<F, T>::VTABLE);
    }

    /// Puts a future in, made in place, and polls it once; when it is ready the slot is empty again, and the caller is to
    /// count it.
    ///
    /// # Safety
    /// As `put`. Should the poll panic, the future is still in the slot, to be cancelled.
    #[inline(always)]
    pub(super) unsafe fn start<F: Future<Output = ()> + Send, T: Tally>(
        &mut self,
        make: impl FnOnce() -> F,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        // SAFETY: the caller's promises; the future was just written and is not moved again.
        unsafe {
            self.make::<F, T>(make);
            let at = self.buffer.cast::<F>();
            if Pin::new_unchecked(&mut *at).poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.vtable = None;
            ptr::drop_in_place(at);
        }
        Poll::Ready(())
    }

    /// Polls the future that is in; when it is ready it is counted and the slot is empty again.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, counters: &Counters) -> Poll<()> {
        let Some(vtable) = self.vtable else { return Poll::Ready(()) };
        // SAFETY: the buffer holds the vtable's future, pinned.
        unsafe {
            if (vtable.poll)(self.buffer, cx).is_pending() {
                return Poll::Pending;
            }
            (vtable.count)(counters);
            self.vtable = None;
            (vtable.drop)(self.buffer);
        }
        Poll::Ready(())
    }

    /// Drops the future that is in, if any.
    pub(super) fn cancel(&mut self) {
        if let Some(vtable) = self.vtable.take() {
            // SAFETY: the buffer holds the vtable's future, and `vtable` says so no longer.
            unsafe { (vtable.drop)(self.buffer) }
        }
    }

    /// Room for so much: a buffer that this thread used before, or a new one.
    #[cold]
    fn grow(&mut self, size: usize) {
        if self.size == 0 {
            let lent = Slot::lent();
            if lent.size >= size.max(1) {
                *self = lent;
                return;
            }
            lent.give_back();
        }
        self.free();
        let layout = layout(size.max(SIZE_MIN).next_power_of_two());
        // SAFETY: the size is not zero.
        self.buffer = unsafe { alloc(layout) };
        if self.buffer.is_null() {
            handle_alloc_error(layout);
        }
        self.size = layout.size();
    }

    fn free(&mut self) {
        let size = mem::take(&mut self.size);
        if size > 0 {
            // SAFETY: `grow` allocated the buffer with this layout.
            unsafe { dealloc(self.buffer, layout(size)) }
        }
    }
}

fn layout(size: usize) -> Layout {
    // SAFETY: sizes are powers of two far below `isize::MAX`, and so is the alignment.
    unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.cancel();
        self.free();
    }
}

/// Slots that may be used again.
struct Pool {
    /// The one that was given back last.
    last: Cell<Slot>,
    others: RefCell<Vec<Slot>>,
}

impl Pool {
    const fn new() -> Pool {
        Pool { last: Cell::new(Slot::empty()), others: RefCell::new(Vec::new()) }
    }

    #[inline(always)]
    fn lend(&self) -> Slot {
        let last = self.last.replace(Slot::empty());
        if last.has_buffer() { last } else { self.lend_other() }
    }

    #[inline(never)]
    fn lend_other(&self) -> Slot {
        self.others.borrow_mut().pop().unwrap_or(Slot::empty())
    }

    #[inline(always)]
    fn take_back(&self, slot: Slot) {
        let other = self.last.replace(slot);
        if other.has_buffer() {
            self.take_back_other(other);
        } else {
            // Nothing is in it that would have to be dropped.
            mem::forget(other);
        }
    }

    #[inline(never)]
    fn take_back_other(&self, slot: Slot) {
        let mut others = self.others.borrow_mut();
        if others.len() < POOLED_MAX {
            others.push(slot);
        }
    }
}

thread_local! {
    /// Buffers that this thread may use again: a cache, nothing is ever looked up in it.
    static POOL: Pool = const { Pool::new() };
}
