//! Messages of any types, one after the other in one buffer: no allocation per message.
//!
//! A record is `[&VTable][payload words ..]`. The vtable knows the payload's size, its type's name and how to drop it,
//! and carries what the owner of the buffer wants to know of that kind (`X`: for an actor, how to handle it).
//!
//! Proof of the unsafe parts:
//! * `words` points to `cap` words of the global allocator (or is null when `cap` is 0); `head <= end <= cap`, and
//!   `head..end` is a whole number of records, `count` of them. Only `push` makes a record, only `pop` takes one out,
//!   and `move_one` and `move_nth` do the one to `to` and the other to `self`.
//! * A record's payload has the type that its vtable was made for, because `push` takes a `Kind<P, X>` together with
//!   a `P` (and a `Kind` is invariant in `P`), and `Kind::new` is the only maker of vtables.
//! * A payload is moved out or dropped once: `Record` owns it, drops it in `Drop`, and `take` forgets the record. It
//!   lies in the buffer meanwhile, which the record borrows, so that nothing is pushed over it.
//! * Payloads over `INLINE_BYTES`, or with an alignment over a word's, are boxed and the record holds the pointer.

use crate::class::Class;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop, align_of, size_of};
use std::ptr;

/// A larger payload is boxed.
const INLINE_BYTES: usize = 1024;
/// Buffer sizes in words, with the word that most allocators put before them: 32, 64 and 256 B may stay with an idle
/// mailbox; 4 KiB and 32 KiB are pooled per thread.
const CLASSES: [u32; 5] = [3, 7, 31, 511, 4095];
const KEPT_CLASS: u32 = CLASSES[2];
/// How many large buffers a thread keeps for the next mailbox that needs one.
#[cfg(not(loom))]
const POOLED_MAX: usize = 16;

/// What is known of one kind of record; for the engine's own use, inside a [`Kind`].
pub struct VTable<X: 'static> {
    words: u32,
    drop: unsafe fn(*mut u64),
    name: fn() -> &'static str,
    class: Class,
    ext: X,
}

/// The vtable for payloads of type `P`. Made once, as a constant or a static.
///
/// ```
/// use ravelin_mailbox::{Kind, Records};
/// static TEXT: Kind<String, &str> = Kind::new("a text");
///
/// let mut records = Records::new();
/// records.push(&TEXT, "hello".to_owned()).unwrap();
/// let record = records.pop().unwrap();
/// assert_eq!(*record.ext(), "a text");
/// // SAFETY: the record was pushed with `TEXT`, whose payload is a `String`.
/// assert_eq!(unsafe { record.take::<String>() }, "hello");
/// ```
pub struct Kind<P, X: 'static> {
    vtable: VTable<X>,
    _payload: PhantomData<fn(P) -> P>,
}

impl<X> VTable<X> {
    pub(crate) fn ext(&self) -> &X {
        &self.ext
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }
}

impl<P, X> Kind<P, X> {
    /// The kind of records that hold a `P`, with `ext` for the reader; of the class [`Interactive`](Class::Interactive).
    pub const fn new(ext: X) -> Kind<P, X> {
        Kind::of_class(Class::Interactive, ext)
    }

    /// As `new`, of this class.
    pub const fn of_class(class: Class, ext: X) -> Kind<P, X> {
        Kind {
            vtable: VTable {
                words: words_of::<P>(),
                drop: drop_payload::<P>,
                name: type_name::<P>,
                class,
                ext,
            },
            _payload: PhantomData,
        }
    }

    pub(crate) fn class(&self) -> Class {
        self.vtable.class
    }
}

const fn is_inline<P>() -> bool {
    size_of::<P>() <= INLINE_BYTES && align_of::<P>() <= align_of::<u64>()
}

const fn words_of<P>() -> u32 {
    if is_inline::<P>() { size_of::<P>().div_ceil(size_of::<u64>()) as u32 } else { 1 }
}

/// # Safety
/// `at` has room for `words_of::<P>()` words.
#[inline(always)]
unsafe fn write_payload<P>(at: *mut u64, payload: P) {
    // SAFETY: there is room, and the alignment of an inline payload is at most a word's.
    unsafe {
        if is_inline::<P>() {
            at.cast::<P>().write(payload);
        } else {
            at.cast::<*mut P>().write(Box::into_raw(Box::new(payload)));
        }
    }
}

/// # Safety
/// `at` holds what `write_payload::<P>` wrote, not read before.
#[inline(always)]
unsafe fn read_payload<P>(at: *mut u64) -> P {
    // SAFETY: the caller's promise; the box was made by `write_payload`.
    unsafe {
        if is_inline::<P>() { at.cast::<P>().read() } else { *Box::from_raw(at.cast::<*mut P>().read()) }
    }
}

/// # Safety
/// As for `read_payload`.
unsafe fn drop_payload<P>(at: *mut u64) {
    // SAFETY: the caller's promise.
    drop(unsafe { read_payload::<P>(at) });
}

/// One message, taken off a buffer; dropping it drops the payload.
pub struct Record<'a, X: 'static> {
    vtable: &'static VTable<X>,
    payload: *mut u64,
    _buffer: PhantomData<&'a mut u64>,
}

impl<X> Record<'_, X> {
    /// What the maker of the kind wanted the reader to know.
    #[inline(always)]
    pub fn ext(&self) -> &'static X {
        &self.vtable.ext
    }

    /// The name of the payload's type.
    pub fn type_name(&self) -> &'static str {
        (self.vtable.name)()
    }

    /// Moves the payload out.
    ///
    /// # Safety
    /// `P` is the type of the [`Kind`] that this record was pushed with.
    #[inline(always)]
    pub unsafe fn take<P>(self) -> P {
        let this = ManuallyDrop::new(self);
        // SAFETY: the payload is a `P` by the caller's promise, and `this` will not drop it.
        unsafe { read_payload::<P>(this.payload) }
    }
}

impl<X> Drop for Record<'_, X> {
    fn drop(&mut self) {
        // SAFETY: the payload is of the vtable's type and was not taken (`take` forgets the record).
        unsafe { (self.vtable.drop)(self.payload) }
    }
}

impl<X> fmt::Debug for Record<'_, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({})", self.type_name())
    }
}

/// A buffer of records, first in, first out. It grows to 32 KiB at the most, and drops what is in it when dropped.
pub struct Records<X: 'static> {
    words: *mut u64,
    cap: u32,
    head: u32,
    end: u32,
    count: u32,
    _kind: PhantomData<&'static VTable<X>>,
}

// SAFETY: the buffer owns its payloads, and `push` takes only payloads that are `Send`.
unsafe impl<X: Sync> Send for Records<X> {}

impl<X> Default for Records<X> {
    fn default() -> Records<X> {
        Records::new()
    }
}

impl<X> Records<X> {
    /// An empty buffer; allocates nothing.
    pub const fn new() -> Records<X> {
        Records { words: ptr::null_mut(), cap: 0, head: 0, end: 0, count: 0, _kind: PhantomData }
    }

    /// How many records wait.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether none waits.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether it holds memory.
    pub(crate) fn has_buffer(&self) -> bool {
        self.cap > 0
    }

    /// Adds a record: two writes, and no allocation but when the buffer has to grow or the payload is boxed.
    ///
    /// # Errors
    /// The buffer has its largest size and is full; the payload comes back.
    #[inline(always)]
    pub fn push<P: Send>(&mut self, kind: &'static Kind<P, X>, payload: P) -> Result<(), P> {
        let words = 1 + const { words_of::<P>() };
        if self.end + words > self.cap && !self.grow(words) {
            return Err(payload);
        }
        // SAFETY: there is room for `words` words behind `end`.
        unsafe {
            let at = self.words.add(self.end as usize);
            at.cast::<&'static VTable<X>>().write(&kind.vtable);
            write_payload(at.add(1), payload);
        }
        self.end += words;
        self.count += 1;
        Ok(())
    }

    /// Takes the oldest record.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<Record<'_, X>> {
        if self.count == 0 {
            return None;
        }
        // SAFETY: `count > 0`, so a whole record lies at `head`.
        let (vtable, payload) = unsafe {
            let at = self.words.add(self.head as usize);
            (*at.cast::<&'static VTable<X>>(), at.add(1))
        };
        self.head += 1 + vtable.words;
        self.count -= 1;
        if self.count == 0 {
            // The payload just handed out stays where it is until the next `push`, which needs `&mut self` too.
            self.head = 0;
            self.end = 0;
        }
        Some(Record { vtable, payload, _buffer: PhantomData })
    }

    /// What the oldest record is.
    pub(crate) fn first_vtable(&self) -> Option<&'static VTable<X>> {
        // SAFETY: `count > 0`, so a whole record lies at `head`.
        (self.count > 0).then(|| unsafe { *self.words.add(self.head as usize).cast::<&'static VTable<X>>() })
    }

    /// What the records are, from the oldest on.
    pub(crate) fn vtables(&self) -> impl Iterator<Item = &'static VTable<X>> {
        let mut at = self.head;
        (0..self.count).map(move |_| {
            // SAFETY: `count` whole records lie one behind the other from `head` on, and this one is the next of them.
            let vtable = unsafe { *self.words.add(at as usize).cast::<&'static VTable<X>>() };
            at += 1 + vtable.words;
            vtable
        })
    }

    /// Moves the record with so many before it, untouched, to the end of `to`. Costs a copy of those before it.
    pub(crate) fn move_nth(&mut self, nth: usize, to: &mut Records<X>) {
        let Some(words) = self.vtables().nth(nth).map(|vtable| 1 + vtable.words) else { return };
        let before: u32 = self.vtables().take(nth).map(|vtable| 1 + vtable.words).sum();
        assert!(to.end + words <= to.cap || to.grow(words), "a record was moved to a full buffer");
        // SAFETY: `before` words of whole records lie at `head`, and behind them the record, of `words` words; `to`, which
        // is another buffer, has room for it. Those before it are moved over its place, within the buffer; `head` follows.
        unsafe {
            let head = self.words.add(self.head as usize);
            ptr::copy_nonoverlapping(
                head.add(before as usize),
                to.words.add(to.end as usize),
                words as usize,
            );
            ptr::copy(head, head.add(words as usize), before as usize);
        }
        to.end += words;
        to.count += 1;
        self.head += words;
        self.count -= 1;
        if self.count == 0 {
            self.head = 0;
            self.end = 0;
        }
    }

    /// Moves the oldest record, untouched, to the end of `to`.
    pub(crate) fn move_one(&mut self, to: &mut Records<X>) {
        if self.count == 0 {
            return;
        }
        // SAFETY: a whole record lies at `head`; `to` gets room for it before the words are copied; the original is
        // then behind `head` and never read again.
        unsafe {
            let from = self.words.add(self.head as usize);
            let words = 1 + (*from.cast::<&'static VTable<X>>()).words;
            assert!(to.end + words <= to.cap || to.grow(words), "a record was moved to a full buffer");
            ptr::copy_nonoverlapping(from, to.words.add(to.end as usize), words as usize);
            to.end += words;
            to.count += 1;
            self.head += words;
        }
        self.count -= 1;
        if self.count == 0 {
            self.head = 0;
            self.end = 0;
        }
    }

    /// Gives memory back that an idle mailbox should not hold, if nothing is in it.
    pub(crate) fn trim(&mut self) {
        if self.is_empty() && self.cap > KEPT_CLASS {
            drop(mem::take(self));
        }
    }

    /// Room for `words` more, or false: the buffer has its largest size.
    #[cold]
    fn grow(&mut self, words: u32) -> bool {
        if self.count == 0 {
            self.head = 0;
            self.end = 0;
            if words <= self.cap {
                return true;
            }
        }
        let Some(&class) = CLASSES.iter().find(|class| **class >= self.end + words) else { return false };
        if class <= KEPT_CLASS {
            self.words = reallocate(self.words, self.cap, class);
            self.cap = class;
            return true;
        }
        let mut larger = Records { words: pooled(class), cap: class, ..Records::<X>::new() };
        larger.head = self.head;
        larger.end = self.end;
        larger.count = self.count;
        if self.end > 0 {
            // SAFETY: both buffers hold at least `end` words; the old one's records are then owned by the new one.
            unsafe { ptr::copy_nonoverlapping(self.words, larger.words, self.end as usize) };
        }
        self.count = 0;
        mem::swap(self, &mut larger);
        true
    }
}

impl<X> Drop for Records<X> {
    fn drop(&mut self) {
        if !self.is_empty() {
            // When the drop of a payload panics, the drop of `rest` goes on behind it.
            let mut rest = mem::take(self);
            while let Some(record) = rest.pop() {
                drop(record);
            }
        } else if self.cap > 0 {
            release(self.words, self.cap);
        }
    }
}

fn layout(words: u32) -> Layout {
    // SAFETY: a class is at most 4095 words, so size and alignment are those of a valid array.
    unsafe { Layout::from_size_align_unchecked(words as usize * size_of::<u64>(), align_of::<u64>()) }
}

fn reallocate(words: *mut u64, cap: u32, class: u32) -> *mut u64 {
    let new = layout(class);
    // SAFETY: `words` was allocated with `layout(cap)` when `cap > 0`; `new` is not empty.
    let grown = unsafe { if cap == 0 { alloc(new) } else { realloc(words.cast(), layout(cap), new.size()) } };
    if grown.is_null() {
        handle_alloc_error(new);
    }
    grown.cast()
}

#[cfg(not(loom))]
thread_local! {
    /// Large buffers that this thread may use again: a cache, nothing is ever looked up in it.
    static POOL: std::cell::RefCell<Vec<Pooled>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[cfg(not(loom))]
struct Pooled(*mut u64, u32);

#[cfg(not(loom))]
impl Drop for Pooled {
    fn drop(&mut self) {
        // SAFETY: the pool owns the buffer, which was allocated with this layout.
        unsafe { dealloc(self.0.cast(), layout(self.1)) }
    }
}

fn pooled(class: u32) -> *mut u64 {
    #[cfg(not(loom))]
    {
        let found = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            pool.iter().position(|buffer| buffer.1 == class).map(|i| ManuallyDrop::new(pool.swap_remove(i)).0)
        });
        if let Ok(Some(words)) = found {
            return words;
        }
    }
    reallocate(ptr::null_mut(), 0, class)
}

fn release(words: *mut u64, cap: u32) {
    #[cfg(not(loom))]
    if cap > KEPT_CLASS {
        let kept = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            let room = pool.len() < POOLED_MAX;
            if room {
                pool.push(Pooled(words, cap));
            }
            room
        });
        if kept == Ok(true) {
            return;
        }
    }
    // SAFETY: the buffer was allocated with this layout and nobody else has it.
    unsafe { dealloc(words.cast(), layout(cap)) }
}

impl<X> fmt::Debug for Records<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records({})", self.count)
    }
}
