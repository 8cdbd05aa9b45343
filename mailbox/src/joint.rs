//! A value that two ends hold together: what an answer is put into by one and taken out of by the other.
//!
//! It is what `Arc` is, for a value that nearly always has two owners and then one: it is made with both, and the last
//! one sees by a load that it is alone, where an `Arc` counts with two atomic operations more on each way. And the value is
//! made where it will lie.
//!
//! Proof of the unsafe parts: a value lies in a box that `Joint::pair` made, with the number of its holds: owners
//! in the lower half of the word, peeks in the upper. Each [`Joint`], [`Hold`] and [`Peek`] is one of them, and is made
//! from another one, so the number cannot rise from zero, and the box is there as long as any. Who takes the last one away
//! frees the box: who finds by a load, with `Acquire`, that its own is the only one left (nobody else can make
//! or drop any), or who counts it down to zero. What the others did with the value comes before that, because they counted
//! down with `Release`. A `&mut` to the value is given to the only hold there is, for as long as that one is borrowed.
//!
//! `Hold` and `Peek` keep a pointer to what a function made of the value by borrowing it for any lifetime: a part of the
//! value, or something that lives for ever; it stays where it is because nobody has a `&mut` to the value meanwhile.

use crate::sync::{AtomicUsize, Ordering, fence};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

/// One owner.
const OWNER: usize = 1;
/// One peek.
const PEEK: usize = 1 << (usize::BITS / 2);
/// More of either are too many.
const MAX: usize = PEEK / 2;

#[repr(C)]
struct Inner<T> {
    holds: AtomicUsize,
    value: T,
}

/// The number of holds, whatever the value is; the first field of `Inner`.
#[derive(Clone, Copy)]
struct Holds {
    at: NonNull<AtomicUsize>,
    /// Frees the box.
    free: unsafe fn(NonNull<AtomicUsize>),
}

/// # Safety
/// `at` is the first field of an `Inner<T>` in a box, and nobody has a hold on it any more.
#[cold]
#[inline(never)]
unsafe fn free<T>(at: NonNull<AtomicUsize>) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(at.cast::<Inner<T>>().as_ptr()) });
}

/// Adds one hold.
#[inline]
fn add(holds: &AtomicUsize, one: usize) {
    let before = holds.fetch_add(one, Ordering::Relaxed);
    assert!(before / one % PEEK < MAX, "too many holds on one value");
}

/// Takes one hold away. True: it was the last, and the caller frees the box.
#[inline(always)]
fn remove(holds: &AtomicUsize, one: usize) -> bool {
    if holds.load(Ordering::Acquire) == one {
        return true;
    }
    let is_last = holds.fetch_sub(one, Ordering::Release) == one;
    if is_last {
        fence(Ordering::Acquire);
    }
    is_last
}

/// One of the owners of a value. There are two to begin with.
///
/// ```
/// use ravelin_mailbox::Joint;
/// let (mut one, other) = Joint::pair(|| 1);
/// assert!(one.get_mut().is_none());
/// drop(other);
/// assert_eq!(one.get_mut(), Some(&mut 1));
/// ```
pub struct Joint<T>(NonNull<Inner<T>>);

// SAFETY: owners on several threads share the value, and the last one drops it.
unsafe impl<T: Send + Sync> Send for Joint<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Joint<T> {}

impl<T> Joint<T> {
    /// Both owners of a new value, which is made in its place.
    #[inline(always)]
    pub fn pair(make: impl FnOnce() -> T) -> (Joint<T>, Joint<T>) {
        let mut room = Box::<Inner<T>>::new_uninit();
        let at = room.as_mut_ptr();
        // SAFETY: the box has room for both fields; should `make` panic it is freed as it is.
        unsafe {
            (&raw mut (*at).value).write(make());
            (&raw mut (*at).holds).write(AtomicUsize::new(2 * OWNER));
        }
        let at = NonNull::from(Box::leak(room)).cast();
        (Joint(at), Joint(at))
    }

    #[inline(always)]
    fn holds(&self) -> &AtomicUsize {
        // SAFETY: this hold keeps the box.
        unsafe { &self.0.as_ref().holds }
    }

    /// Whether nobody else owns the value. Once it is true, only a clone of this very owner makes it false again.
    #[inline(always)]
    pub fn is_alone(&self) -> bool {
        self.holds().load(Ordering::Acquire) % PEEK == OWNER
    }

    /// The value, if this is the only hold on it.
    #[inline(always)]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if self.holds().load(Ordering::Acquire) != OWNER {
            return None;
        }
        // SAFETY: nobody else has a hold, and this one is borrowed.
        Some(unsafe { &mut self.0.as_mut().value })
    }

    fn all(&self) -> Holds {
        Holds { at: self.0.cast(), free: free::<T> }
    }
}

impl<T: Send + Sync + 'static> Joint<T> {
    /// The same hold, without the value's type: only what `seen_as` borrows of it is seen.
    pub fn hold<U: ?Sized>(self, seen_as: impl for<'a> FnOnce(&'a T) -> &'a U) -> Hold<U> {
        let value = NonNull::from(seen_as(&self));
        let holds = ManuallyDrop::new(self).all();
        Hold { holds, value }
    }

    /// A look at the value for one that is no owner of it.
    pub fn peek<U: ?Sized>(&self, seen_as: impl for<'a> FnOnce(&'a T) -> &'a U) -> Peek<U> {
        let value = NonNull::from(seen_as(self));
        add(self.holds(), PEEK);
        Peek { holds: self.all(), value }
    }
}

impl<T> Deref for Joint<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: this hold keeps the box.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T> Clone for Joint<T> {
    #[inline]
    fn clone(&self) -> Joint<T> {
        add(self.holds(), OWNER);
        Joint(self.0)
    }
}

impl<T> Drop for Joint<T> {
    #[inline(always)]
    fn drop(&mut self) {
        if remove(self.holds(), OWNER) {
            // SAFETY: that was the last hold.
            unsafe { free::<T>(self.0.cast()) }
        }
    }
}

impl<T> fmt::Debug for Joint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Joint(..)")
    }
}

/// An owner that sees the value as a `U`.
pub struct Hold<U: ?Sized> {
    holds: Holds,
    value: NonNull<U>,
}

/// Sees the value as a `U` and does not own it: the value stays, and [`Joint::is_alone`] does not count it.
pub struct Peek<U: ?Sized> {
    holds: Holds,
    value: NonNull<U>,
}

macro_rules! looks {
    ($type:ident, $one:expr) => {
        // SAFETY: the value itself is `Send` and `Sync` (see `Joint::hold` and `Joint::peek`), and so is what is seen of it.
        unsafe impl<U: ?Sized + Send + Sync> Send for $type<U> {}
        // SAFETY: as above.
        unsafe impl<U: ?Sized + Send + Sync> Sync for $type<U> {}

        impl<U: ?Sized> Deref for $type<U> {
            type Target = U;
            fn deref(&self) -> &U {
                // SAFETY: this hold keeps the box.
                unsafe { self.value.as_ref() }
            }
        }

        impl<U: ?Sized> Clone for $type<U> {
            fn clone(&self) -> $type<U> {
                // SAFETY: this hold keeps the box.
                add(unsafe { self.holds.at.as_ref() }, $one);
                $type { holds: self.holds, value: self.value }
            }
        }

        impl<U: ?Sized> Drop for $type<U> {
            fn drop(&mut self) {
                // SAFETY: this hold keeps the box, until it is taken away; the last one frees it.
                unsafe {
                    if remove(self.holds.at.as_ref(), $one) {
                        (self.holds.free)(self.holds.at);
                    }
                }
            }
        }

        impl<U: ?Sized> fmt::Debug for $type<U> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    };
}

looks!(Hold, OWNER);
looks!(Peek, PEEK);
