//! A lock for critical sections of some tens of nanoseconds: one swap and one store when nobody else wants it.
//!
//! It spins for a moment and then yields its thread, so a holder that was preempted costs the others a few turns of
//! the scheduler and no more. Under it this crate runs no code of users but the clone of a waker, and the closures
//! whose docs say so.
//!
//! Proof of the unsafe parts: `held` goes from false to true only by the swap in `lock`, with `Acquire`, and back only
//! by the store in `Guard::drop`, with `Release`. So there is at most one `Guard` at a time, what one guard wrote
//! happens before what the next one reads, and a guard's `&mut T` is the only one. A guard is to other threads what
//! that `&mut T` would be: `_value` gives it the same `Send` and `Sync`.

#[cfg(not(loom))]
pub use spin::{Guard, Lock};

#[cfg(not(loom))]
mod spin {
    use std::cell::UnsafeCell;
    use std::fmt;
    use std::marker::PhantomData;
    use std::ops::{Deref, DerefMut};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A mutual exclusion lock for very short critical sections.
    ///
    /// ```
    /// let lock = ravelin_mailbox::Lock::new(1);
    /// *lock.lock() += 1;
    /// assert_eq!(*lock.lock(), 2);
    /// ```
    #[repr(C)]
    pub struct Lock<T> {
        held: AtomicBool,
        value: UnsafeCell<T>,
    }

    // SAFETY: the lock hands out one `&mut T` at a time (see the module's proof), so sharing it sends `T` around.
    unsafe impl<T: Send> Send for Lock<T> {}
    // SAFETY: as above.
    unsafe impl<T: Send> Sync for Lock<T> {}

    /// Holds the lock until dropped.
    ///
    /// It goes to another thread only if its value may, and is shared only if its value may be:
    ///
    /// ```compile_fail,E0277
    /// fn share(_: impl Sync) {}
    /// share(ravelin_mailbox::Lock::new(std::cell::Cell::new(1)).lock());
    /// ```
    pub struct Guard<'a, T> {
        lock: &'a Lock<T>,
        _value: PhantomData<&'a mut T>,
    }

    impl<T> Lock<T> {
        /// An unlocked lock around `value`.
        pub const fn new(value: T) -> Lock<T> {
            Lock { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
        }

        /// Takes the lock, waiting for the holder if there is one. Not re-entrant.
        #[inline(always)]
        pub fn lock(&self) -> Guard<'_, T> {
            if self.held.swap(true, Ordering::Acquire) {
                self.contended();
            }
            Guard { lock: self, _value: PhantomData }
        }

        /// The value, without locking: `&mut self` proves that nobody else has it.
        pub fn get_mut(&mut self) -> &mut T {
            self.value.get_mut()
        }

        #[cold]
        fn contended(&self) {
            let mut round = 0u32;
            loop {
                if round < 6 {
                    for _ in 0..1u32 << round {
                        std::hint::spin_loop();
                    }
                    round += 1;
                } else {
                    std::thread::yield_now();
                }
                if !self.held.load(Ordering::Relaxed) && !self.held.swap(true, Ordering::Acquire) {
                    return;
                }
            }
        }
    }

    impl<T> Deref for Guard<'_, T> {
        type Target = T;
        #[inline(always)]
        fn deref(&self) -> &T {
            // SAFETY: this guard holds the lock.
            unsafe { &*self.lock.value.get() }
        }
    }

    impl<T> DerefMut for Guard<'_, T> {
        #[inline(always)]
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: this guard holds the lock, and is borrowed mutably.
            unsafe { &mut *self.lock.value.get() }
        }
    }

    impl<T> Drop for Guard<'_, T> {
        #[inline(always)]
        fn drop(&mut self) {
            self.lock.held.store(false, Ordering::Release);
        }
    }

    impl<T> fmt::Debug for Lock<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Lock(..)")
        }
    }
}

#[cfg(loom)]
pub use modelled::{Guard, Lock};

/// Loom cannot explore spinning, so under it the lock is loom's own mutex.
#[cfg(loom)]
mod modelled {
    use std::fmt;
    use std::ops::{Deref, DerefMut};

    /// The model of the lock.
    pub struct Lock<T>(loom::sync::Mutex<T>);
    /// Holds the lock until dropped.
    pub struct Guard<'a, T>(loom::sync::MutexGuard<'a, T>);

    impl<T> Lock<T> {
        /// An unlocked lock around `value`.
        pub fn new(value: T) -> Lock<T> {
            Lock(loom::sync::Mutex::new(value))
        }
        /// Takes the lock.
        pub fn lock(&self) -> Guard<'_, T> {
            Guard(self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
        }
        /// The value, without locking.
        pub fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
        }
    }
    impl<T> Deref for Guard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            &self.0
        }
    }
    impl<T> DerefMut for Guard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.0
        }
    }
    impl<T> fmt::Debug for Lock<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Lock(..)")
        }
    }
}
