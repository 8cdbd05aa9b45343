//! What class means when room is short: who gets in, who waits, and who is discarded. Next to nothing of it is on the
//! path of a message of the class interactive that finds room.

use crate::capacity::{NO_LIMIT, Overflow};
use crate::class::Class;
use crate::lock::Guard;
use crate::mailbox::Mailbox;
use crate::protocol::{Consumer, Edge, Phase, Pushed, Refused, Ticket};
use crate::records::{Kind, Records};
use crate::state::{State, bulk_mark, give_back};
use crate::sync::Ordering;
use std::collections::VecDeque;
use std::task::Waker;

/// The least reserve for messages of the class control.
const RESERVE_MIN: u32 = 16;
/// How many of the oldest messages are looked at for one to be discarded instead of the oldest.
const LOOKED_AT: usize = 32;

/// The most that may be used for a message of the class control to get in.
const fn control_mark(limit: u32) -> u32 {
    let reserve = if limit / 8 > RESERVE_MIN { limit / 8 } else { RESERVE_MIN };
    // One below the mark of no limit at all.
    if limit >= NO_LIMIT - 1 - reserve { NO_LIMIT - 1 } else { limit + reserve }
}

impl<X, C, E> State<X, C, E> {
    pub(crate) fn count_discarded(&mut self, class: Class) {
        self.pressed().shed.discarded[class] += 1;
    }

    /// Whether a message of this class gets in, when the consumer holds `taken` that have not begun.
    #[inline(always)]
    pub(crate) fn has_room(&self, class: Class, taken: u32) -> bool {
        match class {
            Class::Interactive => self.room(taken) > 0,
            Class::Bulk => !self.has_waiters() && self.room_below(bulk_mark(self.limit), taken) > 0,
            Class::Control => self.room_below(control_mark(self.limit), taken) > 0,
        }
    }

    /// Whether one gets in whose sender could wait too: nobody of its class waits already.
    #[inline(always)]
    pub(crate) fn may_pass(&self, class: Class, taken: u32) -> bool {
        let is_first = match class {
            Class::Interactive => !self.has_waiters(),
            Class::Bulk => self.bulk_line().is_none_or(VecDeque::is_empty),
            Class::Control => true,
        };
        is_first && self.has_room(class, taken)
    }

    /// Takes out, and counts, what is to be discarded so that one of this class gets in: of the oldest `LOOKED_AT` the
    /// first that is of class bulk; if there is none, and the new one is not of class bulk itself, the first that is not
    /// of class control. `None`: the new one is to be discarded.
    pub(crate) fn displace_for(&mut self, class: Class) -> Option<Records<X>> {
        let nth = self.first_of(Class::Bulk).or_else(|| match class {
            Class::Bulk => None,
            Class::Control | Class::Interactive => self.first_of(Class::Interactive),
        })?;
        let mut displaced = Records::new();
        self.move_nth(nth, &mut displaced);
        self.count_discarded(displaced.class());
        Some(displaced)
    }

    /// How many lie before the first of this class, among the oldest `LOOKED_AT`.
    fn first_of(&self, class: Class) -> Option<usize> {
        let backlog = self.rare.as_ref().map(|rare| &rare.backlog).into_iter().flatten();
        let vtables = backlog.chain([&self.inbox]).flat_map(Records::vtables);
        vtables.take(LOOKED_AT).position(|vtable| vtable.class() == class)
    }

    /// Moves the record with so many before it, which is there, to the end of `to`.
    fn move_nth(&mut self, mut nth: usize, to: &mut Records<X>) {
        self.waiting -= 1;
        let backlog = self.rare.as_mut().map(|rare| &mut rare.backlog);
        if let Some(backlog) = backlog {
            for at in 0..backlog.len() {
                let len = backlog[at].len() as usize;
                if nth < len {
                    backlog[at].move_nth(nth, to);
                    if backlog[at].is_empty() {
                        backlog.remove(at);
                        give_back(backlog);
                    }
                    return;
                }
                nth -= len;
            }
        }
        self.inbox.move_nth(nth, to);
    }
}

impl<X, C, E: Consumer> Mailbox<X, C, E> {
    /// A word that the holder of a ticket wants to find again when it comes again; forgotten with the ticket.
    pub fn set_note(&self, ticket: &Ticket, note: u64) {
        self.state.lock().pressed().notes.push((ticket.0, note));
    }

    /// The word that the holder of a ticket has left.
    pub fn note(&self, ticket: &Ticket) -> Option<u64> {
        let state = self.state.lock();
        let notes = &state.rare.as_ref()?.pressed.as_ref()?.notes;
        notes.iter().find(|(of, _)| *of == ticket.0).map(|(_, note)| *note)
    }

    /// As `push`, for a kind of any class.
    ///
    /// # Errors
    /// As for `push`; and [`Refused::Full`] under every policy for one of class [`Control`](Class::Control).
    pub fn push_classed<P: Send>(
        &self,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        self.push_locked(self.state.lock(), kind, payload, edge, kind.class())
    }

    /// As `push_or_wait`, for a kind of any class. One of class [`Control`](Class::Control) does not wait; one of class
    /// [`Bulk`](Class::Bulk) gets room in the order in which those of its class began to wait, below its mark, and while
    /// no other sender waits.
    ///
    /// # Errors
    /// As for `push_or_wait` and `push_classed`.
    pub fn push_or_wait_classed<P: Send>(
        &self,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        waker: &Waker,
        ticket: &mut Option<Ticket>,
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        let state = self.state.lock();
        if state.is_watched {
            return Err(Refused::Full(payload));
        }
        self.push_or_wait_asked(state, kind, payload, edge, (waker, ticket), (kind.class(), |_| ()))
    }

    #[cold]
    pub(crate) fn push_full<P: Send>(
        mut state: Guard<'_, State<X, C, E>>,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        note: impl FnOnce(&mut E),
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        let class = kind.class();
        match state.on_full {
            Overflow::DropNewest if class != Class::Control => {}
            Overflow::DropOldest if class != Class::Control => {
                if state.waiting == 0 {
                    state.write(kind, payload);
                    note(&mut state.consumer);
                    return Ok(Self::after_push(state, edge));
                }
                if let Some(displaced) = state.displace_for(class) {
                    state.write(kind, payload);
                    note(&mut state.consumer);
                    // Something waits, so the consumer is at work or queued already and needs no wake-up.
                    return Ok(Pushed::Displaced(displaced));
                }
            }
            Overflow::Refuse | Overflow::Wait | Overflow::DropNewest | Overflow::DropOldest => {
                state.pressed().shed.refused[class] += 1;
                return Err(Refused::Full(payload));
            }
        }
        state.accepted += 1;
        state.count_discarded(class);
        drop(state);
        drop(payload);
        Ok(Pushed::Discarded)
    }

    /// Discards a message, as for a new one, of a mailbox that holds more than its capacity: for an owner that put one
    /// back, of those the policy discarded, because it must not be lost.
    pub fn displace(&self) -> Option<Records<X>> {
        let mut state = self.state.lock();
        let is_over = state.waiting > state.limit.saturating_sub(self.taken.load(Ordering::Relaxed));
        if state.phase == Phase::Closed || !is_over {
            return None;
        }
        state.displace_for(Class::Interactive)
    }
}
