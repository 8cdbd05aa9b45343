//! What lies under a mailbox's lock: the lanes, the line of waiting senders, and the counts.

use crate::capacity::{Capacity, NO_LIMIT, Overflow};
use crate::class::{Class, Shed};
use crate::protocol::{Phase, Ticket};
use crate::records::{Kind, Records};
use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

/// An empty queue with room for more than this gives its memory back.
const KEPT_QUEUE: usize = 16;

/// What each message needs comes first, 64 bytes with the lock itself; the consumer's own state after it.
#[repr(C)]
pub(crate) struct State<X: 'static, C, E> {
    pub(crate) phase: Phase,
    pub(crate) notified: bool,
    /// Pushes find it full, so that their senders ask first: see `aside`.
    pub(crate) is_watched: bool,
    pub(crate) on_full: Overflow,
    pub(crate) limit: u32,
    /// Records in `inbox` and in `backlog`.
    pub(crate) waiting: u32,
    /// Rooms promised to senders that were woken and have not come yet.
    pub(crate) granted: u32,
    pub(crate) inbox: Records<X>,
    pub(crate) accepted: u64,
    pub(crate) rare: Option<Box<Rare<X, C>>>,
    pub(crate) consumer: E,
}

/// What most mailboxes never need.
pub(crate) struct Rare<X: 'static, C> {
    pub(crate) control: VecDeque<C>,
    /// Full buffers, older than `inbox`; none of them is empty.
    pub(crate) backlog: VecDeque<Records<X>>,
    pub(crate) waiters: VecDeque<(u64, Waker)>,
    pub(crate) granted: Vec<u64>,
    pub(crate) tickets: u64,
    /// What few of these need: those of other classes than the usual one, and who found no room.
    pub(crate) pressed: Option<Box<Pressed>>,
    pub(crate) receiver: Option<Waker>,
    /// Out of the line for a while, by number.
    pub(crate) aside: VecDeque<(u64, Records<X>)>,
}

/// What a mailbox has that was ever short of room, or that a message of the class bulk waited for.
#[derive(Default)]
pub(crate) struct Pressed {
    /// The line of waiting senders of the class bulk.
    pub(crate) bulk: VecDeque<(u64, Waker)>,
    /// What holders of tickets want to remember.
    pub(crate) notes: Vec<(u64, u64)>,
    pub(crate) shed: Shed,
}

impl<X, C> Default for Rare<X, C> {
    fn default() -> Self {
        Rare {
            control: VecDeque::new(),
            backlog: VecDeque::new(),
            waiters: VecDeque::new(),
            granted: Vec::new(),
            tickets: 0,
            pressed: None,
            receiver: None,
            aside: VecDeque::new(),
        }
    }
}

impl<X, C> Rare<X, C> {
    fn forget_note(&mut self, ticket: u64) {
        if let Some(pressed) = &mut self.pressed {
            pressed.notes.retain(|(of, _)| *of != ticket);
        }
    }

    /// Takes the oldest buffer off the backlog.
    fn pop_backlog(&mut self) -> Option<Records<X>> {
        let full = self.backlog.pop_front();
        give_back(&mut self.backlog);
        full
    }
}

/// The most that may be used for a message of the class bulk to get in.
pub(crate) const fn bulk_mark(limit: u32) -> u32 {
    limit.div_ceil(2)
}

/// An idle mailbox does not hold what a burst once needed.
pub(crate) fn give_back<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() && queue.capacity() > KEPT_QUEUE {
        *queue = VecDeque::new();
    }
}

impl<X, C, E> State<X, C, E> {
    pub(crate) fn new(capacity: Capacity, phase: Phase, consumer: E) -> Self {
        State {
            consumer,
            inbox: Records::new(),
            phase,
            notified: false,
            is_watched: false,
            on_full: capacity.on_full,
            limit: capacity.limit,
            waiting: 0,
            granted: 0,
            accepted: 0,
            rare: None,
        }
    }

    pub(crate) fn rare(&mut self) -> &mut Rare<X, C> {
        self.rare.get_or_insert_default()
    }

    #[cold]
    pub(crate) fn pressed(&mut self) -> &mut Pressed {
        self.rare().pressed.get_or_insert_default()
    }

    /// How many messages are set aside.
    pub(crate) fn aside(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.aside.iter().map(|(_, records)| records.len()).sum())
    }

    pub(crate) fn take_receiver(&mut self) -> Option<Waker> {
        self.rare.as_mut()?.receiver.take()
    }

    // ---- the user lane ----

    #[inline(always)]
    pub(crate) fn write<P: Send>(&mut self, kind: &'static Kind<P, X>, payload: P) {
        if let Err(payload) = self.inbox.push(kind, payload) {
            self.write_behind(kind, payload);
        }
        self.waiting += 1;
        self.accepted += 1;
    }

    #[cold]
    fn write_behind<P: Send>(&mut self, kind: &'static Kind<P, X>, payload: P) {
        let full = mem::take(&mut self.inbox);
        self.rare().backlog.push_back(full);
        if self.inbox.push(kind, payload).is_err() {
            unreachable!("an empty buffer takes any record");
        }
    }

    /// Moves the oldest record, which is there, to the end of `to`.
    pub(crate) fn move_oldest(&mut self, to: &mut Records<X>) {
        self.with_oldest(|_, oldest| oldest.move_one(to));
    }

    /// Calls `f` with the buffer that holds the oldest record, to take that one out; it is there.
    pub(crate) fn with_oldest<R>(&mut self, f: impl FnOnce(&mut E, &mut Records<X>) -> R) -> R {
        debug_assert!(self.waiting > 0, "asked for the oldest record of an empty lane");
        self.waiting -= 1;
        let Some(rare) = self.rare.as_mut() else { return f(&mut self.consumer, &mut self.inbox) };
        let Some(full) = rare.backlog.front_mut() else { return f(&mut self.consumer, &mut self.inbox) };
        let out = f(&mut self.consumer, full);
        if full.is_empty() {
            rare.pop_backlog();
        }
        out
    }

    /// Takes the next batch: all that waits in one buffer; one record where the oldest must stay within reach.
    pub(crate) fn refill(&mut self, work: &mut Records<X>) {
        debug_assert!(work.is_empty(), "a batch is taken when the one before is used up");
        if cfg!(ravelin_mutant = "order_swapped") && self.inbox.len() > 1 && self.accepted.is_multiple_of(5) {
            self.inbox.split_first().move_one(&mut self.inbox);
        }
        if self.on_full == Overflow::DropOldest && self.limit != NO_LIMIT {
            self.move_oldest(work);
            return;
        }
        if let Some(full) = self.rare.as_mut().and_then(|rare| rare.pop_backlog()) {
            *work = full;
        } else {
            mem::swap(&mut self.inbox, work);
        }
        self.waiting -= work.len();
    }

    /// Nothing waits and `work` is used up: idle. The next message finds a buffer that was used just now.
    pub(crate) fn park(&mut self, work: &mut Records<X>) {
        self.phase = Phase::Idle;
        work.trim();
        self.inbox.trim();
        if !self.inbox.has_buffer() {
            mem::swap(&mut self.inbox, work);
        }
    }

    /// How many more messages get in, when the consumer holds `taken` that have not begun.
    pub(crate) fn room(&self, taken: u32) -> u32 {
        if cfg!(ravelin_mutant = "limit_ignored") && self.accepted.is_multiple_of(3) {
            return 1;
        }
        self.limit.saturating_sub(self.waiting).saturating_sub(taken).saturating_sub(self.granted)
    }

    /// How much room is left below a mark.
    pub(crate) fn room_below(&self, mark: u32, taken: u32) -> u32 {
        mark.saturating_sub(self.waiting).saturating_sub(taken).saturating_sub(self.granted)
    }

    // ---- the lines of waiting senders ----

    pub(crate) fn bulk_line(&self) -> Option<&VecDeque<(u64, Waker)>> {
        Some(&self.rare.as_ref()?.pressed.as_ref()?.bulk)
    }

    /// Whether a sender of the class interactive waits.
    #[inline(always)]
    pub(crate) fn has_waiters(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.waiters.is_empty())
    }

    /// Whether any sender waits.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| {
            !rare.waiters.is_empty() || rare.pressed.as_ref().is_some_and(|pressed| !pressed.bulk.is_empty())
        })
    }

    /// Puts a sender at the end of the line for its class.
    pub(crate) fn line_up(&mut self, class: Class, waker: &Waker) -> Ticket {
        let rare = self.rare();
        rare.tickets += 1;
        let ticket = rare.tickets;
        let line = match class {
            Class::Bulk => &mut rare.pressed.get_or_insert_default().bulk,
            Class::Control | Class::Interactive => &mut rare.waiters,
        };
        line.push_back((ticket, waker.clone()));
        Ticket(ticket)
    }

    /// The waker of a sender that stands in the line.
    pub(crate) fn waiter(&mut self, ticket: u64) -> Option<&mut Waker> {
        let rare = self.rare.as_mut()?;
        let bulk = rare.pressed.as_mut().into_iter().flat_map(|pressed| pressed.bulk.iter_mut());
        rare.waiters.iter_mut().chain(bulk).find(|waiter| waiter.0 == ticket).map(|waiter| &mut waiter.1)
    }

    /// Takes a sender out of the line, before its turn.
    pub(crate) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        let rare = self.rare.as_mut()?;
        rare.forget_note(ticket);
        let lines = [Some(&mut rare.waiters), rare.pressed.as_mut().map(|pressed| &mut pressed.bulk)];
        lines.into_iter().flatten().find_map(|line| {
            let at = line.iter().position(|waiter| waiter.0 == ticket)?;
            line.remove(at).map(|waiter| waiter.1)
        })
    }

    /// Takes back the room that was promised to a sender. False: none was.
    pub(crate) fn redeem(&mut self, ticket: u64) -> bool {
        let Some(rare) = self.rare.as_mut() else { return false };
        let Some(at) = rare.granted.iter().position(|granted| *granted == ticket) else { return false };
        rare.granted.swap_remove(at);
        rare.forget_note(ticket);
        self.granted -= 1;
        true
    }

    /// Gives up to `room` waiting senders a promise, and when none of them waits any more those of class bulk that find
    /// theirs below their mark, while the consumer holds `taken`; they are woken after the lock is released.
    pub(crate) fn grant(&mut self, room: u32, taken: u32) -> Vec<Waker> {
        let Some(rare) = self.rare.as_mut() else { return Vec::new() };
        let n = rare.waiters.len().min(room as usize);
        let mut wakers = Vec::with_capacity(n);
        for (ticket, waker) in rare.waiters.drain(..n) {
            rare.granted.push(ticket);
            wakers.push(waker);
        }
        give_back(&mut rare.waiters);
        self.granted += wakers.len() as u32;
        if self.bulk_line().is_some() {
            self.grant_bulk(taken, &mut wakers);
        }
        wakers
    }

    /// Gives waiting senders of the class bulk their promises, if no other sender waits.
    #[cold]
    fn grant_bulk(&mut self, taken: u32, wakers: &mut Vec<Waker>) {
        let room = if self.has_waiters() { 0 } else { self.room_below(bulk_mark(self.limit), taken) };
        let Some(rare) = self.rare.as_mut() else { return };
        let Some(pressed) = rare.pressed.as_mut() else { return };
        let n = pressed.bulk.len().min(room as usize);
        for (ticket, waker) in pressed.bulk.drain(..n) {
            rare.granted.push(ticket);
            wakers.push(waker);
        }
        give_back(&mut pressed.bulk);
        self.granted += n as u32;
    }
}

pub(crate) fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}
