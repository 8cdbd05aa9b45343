//! Who waits for whom: the calls that an actor waits for, where others can look at them.
//!
//! A call that goes on waiting is *posted* with the actor that waits. Whoever is about to wait posts first and looks
//! then, so of several that close a circle together the last one sees all of it. A post costs two atomic operations;
//! whoever calls an actor that waits for nobody looks at one word.
//!
//! What is posted says only what is certain: the question lies with who was asked, in the mailbox or in a handler that
//! answers by returning. A question that has been answered, lost, or given to code that may pass it on is no longer
//! certain, from before anybody learns of that. So along a circle that was seen twice, backwards the second time,
//! nobody can go on but by giving up: each handler waits for the one after it.
//!
//! # Proof
//!
//! **Heads.** A pointer in a list is to the `Head` of a `Reply` that a [`Posted`] owns. A head is taken off the list by
//! `Posted::drop`, before the reply, or by `reset`; a `Posted` that is leaked leaks its reply too. So a head in a list is
//! there.
//!
//! **Lists.** The list's holder is who swapped `BUSY` in; until it stores another pointer nobody else changes or walks
//! the list, so a head cannot be taken off while somebody looks at it. Adding to an empty list, and taking off the only
//! head, need no holder: that is one exchange.
//!
//! **Far waits.** Who waits for another node has the number of that wait in the place of a seat, marked with `FAR`; it
//! is a [`FarPosted`](super::far::FarPosted) that owns the reply then, and takes the head off as a `Posted` does.
//!
//! **Stretches.** What a stretch says of a call in place (`Local::asks`) is of the caller's own wait, which outlives it.
//!
//! **Cells.** A post is made by the actor that runs on this thread, whose cell is there and has a seat. It is taken
//! back through the running actor too, or through the table of the living; what neither finds is over, and `reset`
//! emptied its list.

use super::local::{self, running};
use super::{CellPtr, CellRef, Header, Host, far};
use crate::error::Hop;
use crate::reply::{Head, Reply};
use std::borrow::Borrow;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::task::{Context, Poll};

/// More waits than this are not followed: the circle is then not named, and its calls end with their time.
pub(super) const NODES_MAX: usize = 4096;
/// The holder's mark.
const BUSY: *mut Head = ptr::without_provenance_mut(1);

/// In the place of a seat: it is no seat, the rest is the number of a wait for another node.
pub(super) const FAR: u32 = 1 << 31;

/// The waits of one actor: a list of heads.
pub(super) struct Waits(AtomicPtr<Head>);

impl Waits {
    pub(super) const fn none() -> Waits {
        Waits(AtomicPtr::new(ptr::null_mut()))
    }

    /// Whether nothing is posted, in the one order that all posts and looks are in.
    #[inline]
    fn is_empty(&self) -> bool {
        self.0.load(Ordering::SeqCst).is_null()
    }

    /// Makes the caller the list's holder; gives the list.
    #[cold]
    fn hold(&self) -> *mut Head {
        let mut turns = 0_u32;
        loop {
            let list = self.0.swap(BUSY, Ordering::SeqCst);
            if list != BUSY {
                return list;
            }
            // It is held for some tens of nanoseconds, unless its holder's thread was put aside.
            turns = turns.saturating_add(1);
            if turns < 64 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }

    #[inline]
    pub(super) fn add(&self, head: &Head) {
        let at = ptr::from_ref(head).cast_mut();
        head.next.store(ptr::null_mut(), Ordering::Relaxed);
        if self.0.compare_exchange(ptr::null_mut(), at, Ordering::SeqCst, Ordering::Relaxed).is_err() {
            let list = self.hold();
            head.next.store(list, Ordering::Relaxed);
            self.0.store(at, Ordering::SeqCst);
        }
    }

    #[inline]
    pub(super) fn remove(&self, head: &Head) {
        let at = ptr::from_ref(head).cast_mut();
        let is_alone = head.next.load(Ordering::Relaxed).is_null();
        if is_alone
            && self.0.compare_exchange(at, ptr::null_mut(), Ordering::SeqCst, Ordering::Relaxed).is_ok()
        {
            return;
        }
        let list = self.hold();
        let rest = without(list, head);
        self.0.store(rest, Ordering::SeqCst);
    }

    /// The seats of those that are certainly waited for, and the marked numbers of waits for other nodes.
    pub(super) fn seats(&self) -> Vec<u32> {
        let mut seats = Vec::new();
        if !self.is_empty() {
            let list = self.hold();
            let mut at = list;
            while !at.is_null() {
                // SAFETY: a head in a list is there, and stays in it while this thread holds the list.
                let head = unsafe { &*at };
                if head.is_certain() {
                    seats.push(head.asked());
                }
                at = head.next.load(Ordering::Relaxed);
            }
            self.0.store(list, Ordering::SeqCst);
        }
        seats
    }

    /// The incarnation is over: what its code posted and leaked is forgotten.
    pub(super) fn reset(&self) {
        if !self.0.load(Ordering::Relaxed).is_null() {
            self.hold();
            self.0.store(ptr::null_mut(), Ordering::SeqCst);
        }
    }
}

/// The list without this head; the caller holds it.
fn without(list: *mut Head, head: &Head) -> *mut Head {
    let next = head.next.load(Ordering::Relaxed);
    if ptr::eq(list, head) {
        return next;
    }
    let mut at = list;
    while !at.is_null() {
        // SAFETY: a head in a list is there, and this thread holds the list.
        let each = unsafe { &*at };
        let after = each.next.load(Ordering::Relaxed);
        if ptr::eq(after, head) {
            each.next.store(next, Ordering::Relaxed);
            break;
        }
        at = after;
    }
    list
}

/// A wait for an answer, which may be posted with the actor that waits.
pub(crate) struct Posted<C: Borrow<CellRef>, R> {
    asked: C,
    /// The actor that waits, once it is posted.
    with: Option<CellPtr>,
    /// Where who was asked sat before the question was on its way; 0: it is not known.
    asked_seat: u32,
    /// Where who waits sits.
    seat: u32,
    reply: Reply<R>,
}

impl<C: Borrow<CellRef>, R: Send + 'static> Posted<C, R> {
    /// The wait for an answer from this actor, which was not asked yet, or cannot have been replaced since.
    #[inline]
    pub(crate) fn new(asked: C, reply: Reply<R>) -> Posted<C, R> {
        let asked_seat = asked.borrow().header().seat();
        Posted::of_seat(asked, asked_seat, reply)
    }

    /// The wait for an answer from who sat here before the question was on its way; 0: it is not known.
    #[inline(always)]
    pub(crate) fn of_seat(asked: C, asked_seat: u32, reply: Reply<R>) -> Posted<C, R> {
        Posted { asked, with: None, asked_seat, seat: 0, reply }
    }

    pub(crate) fn reply(&self) -> &Reply<R> {
        &self.reply
    }

    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, crate::fate::Unanswered>> {
        self.reply.poll(cx)
    }

    /// The actor that runs here, if one does, goes on waiting: posts it. Gives the circle that it is in, from who waits
    /// to itself.
    #[inline]
    pub(crate) fn post(&mut self) -> Option<Vec<Hop>> {
        let me = running()?;
        let asked = self.asked.borrow();
        // SAFETY: the cell that is being run is there.
        let mine = unsafe { me.header() };
        let turn = match self.with {
            Some(with) if with != me => return None,
            Some(_) => Turn::Later,
            None => {
                let is_known = self.asked_seat != 0 && self.asked_seat == asked.header().seat();
                if !is_known || mine.seat() == 0 || !is_of_one_system(mine, asked.header()) {
                    return None;
                }
                let head = self.reply.head();
                head.asks(self.asked_seat);
                self.with = Some(me);
                self.seat = mine.seat();
                mine.waits.add(head);
                Turn::First
            }
        };
        if asked.header().waits.is_empty() {
            return None;
        }
        // Whoever has answered meanwhile, and then waits for this actor, closes no circle.
        look(mine, asked, turn).filter(|_| self.reply.head().is_certain())
    }

    /// As `post`, for a wait that ends when an actor starts or ends: who waits cannot be told, so when this closes a circle
    /// the other one looks again, and its call ends.
    pub(crate) fn post_or_nudge(&mut self) {
        if self.with.is_none() && self.post().is_some() {
            self.asked.borrow().header().notify();
        }
    }
}

impl<C: Borrow<CellRef>, R> Drop for Posted<C, R> {
    #[inline]
    fn drop(&mut self) {
        let Some(with) = self.with.take() else { return };
        if local::is_running(with) {
            // SAFETY: the cell that is being run is there.
            unsafe { with.header() }.waits.remove(self.reply.head());
        } else {
            self.take_back(with);
        }
    }
}

impl<C: Borrow<CellRef>, R> Posted<C, R> {
    /// Takes the post back from another place than the actor that made it.
    #[cold]
    fn take_back(&self, with: CellPtr) {
        if let Some(host) = self.asked.borrow().header().host() {
            take_back(host, self.seat, with, self.reply.head());
        }
    }
}

/// Takes a head off the list of the actor in this seat, if that is still the one.
pub(super) fn take_back(host: &Arc<dyn Host>, seat: u32, with: CellPtr, head: &Head) {
    if let Some(cell) = host.at_seat(seat)
        && cell.ptr() == with
    {
        cell.header().waits.remove(head);
    }
}

/// How often who waits has looked.
#[derive(Clone, Copy)]
enum Turn {
    First,
    Later,
}

/// Looks whether the wait that was posted closes a circle. One that may do so by way of other nodes is for whoever
/// carries to them to follow.
#[cold]
fn look(mine: &Header, asked: &CellRef, turn: Turn) -> Option<Vec<Hop>> {
    let circle = circle(mine, asked);
    if circle.is_none() && matches!(turn, Turn::First) {
        far::tell(mine, asked);
    }
    circle
}

fn is_of_one_system(one: &Header, other: &Header) -> bool {
    matches!((one.host(), other.host()), (Some(one), Some(other)) if Arc::ptr_eq(one, other))
}

/// What an actor is about to wait for, before it asks: the circle that this would close, if it would.
#[inline(always)]
pub(crate) fn would_close(asked: &CellRef) -> Option<Vec<Hop>> {
    closes(running()?, asked)
}

/// As `would_close`, for the actor that runs here.
fn closes(me: CellPtr, asked: &CellRef) -> Option<Vec<Hop>> {
    // SAFETY: an actor runs here, so there is a stretch.
    let is_called_in_place = unsafe { (*local::current()).asks.is_some() };
    if me != asked.ptr() && !is_called_in_place && asked.header().waits.is_empty() {
        return None;
    }
    // SAFETY: the cell that is being run is there.
    let mine = unsafe { me.header() };
    if me == asked.ptr() {
        return Some(vec![mine.hop(), mine.hop()]);
    }
    if !is_of_one_system(mine, asked.header()) {
        return None;
    }
    callers_circle(me, asked.ptr()).or_else(|| circle(mine, asked))
}

/// The circle through those on this thread that call one another in place, up to `me`, if `asked` is one of them.
fn callers_circle(me: CellPtr, asked: CellPtr) -> Option<Vec<Hop>> {
    // SAFETY: stretches and the cells that are run in them are there, from the innermost one outward.
    unsafe {
        let mut hops = vec![me.header().hop()];
        let (mut at, mut inner) = (local::current(), me);
        loop {
            let (cell, head) = (*at).asks?;
            at = (*at).outer;
            let caller = (*at).current?;
            if cell != inner || !head.as_ref().is_certain() {
                return None;
            }
            hops.push(caller.header().hop());
            if caller == asked {
                hops.push(me.header().hop());
                // From the innermost outward each is asked by the next: the way back is the other way round.
                hops.reverse();
                return Some(hops);
            }
            inner = caller;
        }
    }
}

/// Follows the waits from who is asked; gives the way back to `mine`, if there is one.
#[cold]
fn circle(mine: &Header, asked: &CellRef) -> Option<Vec<Hop>> {
    let (host, goal) = (mine.host()?, mine.seat());
    // Each with where it was come from.
    let mut seen = vec![(asked.clone(), 0)];
    let mut at = 0;
    while at < seen.len() && seen.len() < NODES_MAX {
        for seat in seen[at].0.header().waits.seats() {
            if seat == goal {
                return confirmed(mine, &seen, at);
            }
            let Some(cell) = host.at_seat(seat) else { continue };
            if seen.iter().all(|(each, _)| each.ptr() != cell.ptr()) {
                seen.push((cell, at));
            }
        }
        at += 1;
    }
    None
}

/// Looks at the circle a second time, from its end to its beginning.
fn confirmed(mine: &Header, seen: &[(CellRef, usize)], last: usize) -> Option<Vec<Hop>> {
    let mut hops = vec![mine.hop()];
    hops.extend(way_back(seen, last, mine.seat())?);
    hops.push(mine.hop());
    hops.reverse();
    Some(hops)
}

/// The way back to the first that was seen, if each still waits for the next, and the last one for this.
pub(super) fn way_back(seen: &[(CellRef, usize)], last: usize, goal: u32) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    let (mut at, mut next) = (last, goal);
    loop {
        let header = seen[at].0.header();
        if !header.waits.seats().contains(&next) {
            return None;
        }
        hops.push(header.hop());
        if at == 0 {
            return Some(hops);
        }
        next = header.seat();
        at = seen[at].1;
    }
}

impl Header {
    /// Nobody sits here any more, and waits for anybody.
    pub(super) fn leave_seat(&self) {
        self.waits.reset();
        self.seat.store(0, Ordering::Relaxed);
    }

    fn hop(&self) -> Hop {
        Hop { pid: self.pid(), place: self.name().cloned(), actor: self.type_name().into(), node: None }
    }

    /// Those that whoever lives here certainly waits for.
    pub(crate) fn waits_for(&self) -> Option<(Hop, Vec<Hop>)> {
        let host = self.host()?;
        let cells = self.waits.seats().into_iter().filter_map(|seat| host.at_seat(seat));
        let hops: Vec<Hop> = cells.map(|cell| cell.header().hop()).collect();
        (!hops.is_empty()).then(|| (self.hop(), hops))
    }
}
