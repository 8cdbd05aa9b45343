//! What class means when room is short: who gets in, who waits, and who is discarded. Next to nothing of it is on the
//! path of a message of the class interactive that finds room.

use crate::capacity::NO_LIMIT;
use crate::class::{Class, Shed};
use crate::records::Records;
use crate::state::{State, give_back};
use std::collections::VecDeque;
use std::task::Waker;

/// The least reserve for messages of the class control.
const RESERVE_MIN: u32 = 16;
/// How many of the oldest messages are looked at for one to be discarded instead of the oldest.
const LOOKED_AT: usize = 32;

/// What a mailbox has that was ever short of room, or that a message of the class bulk waited for.
#[derive(Default)]
pub(crate) struct Pressed {
    /// The line of waiting senders of the class bulk.
    pub(crate) bulk: VecDeque<(u64, Waker)>,
    pub(crate) shed: Shed,
}

/// The most that may be used for a message of the class bulk to get in.
const fn bulk_mark(limit: u32) -> u32 {
    limit.div_ceil(2)
}

/// The most that may be used for a message of the class control to get in.
const fn control_mark(limit: u32) -> u32 {
    let reserve = if limit / 8 > RESERVE_MIN { limit / 8 } else { RESERVE_MIN };
    // One below the mark of no limit at all.
    if limit >= NO_LIMIT - 1 - reserve { NO_LIMIT - 1 } else { limit + reserve }
}

impl<X, C, E> State<X, C, E> {
    #[cold]
    pub(crate) fn pressed(&mut self) -> &mut Pressed {
        self.rare().pressed.get_or_insert_default()
    }

    pub(crate) fn bulk_line(&self) -> Option<&VecDeque<(u64, Waker)>> {
        Some(&self.rare.as_ref()?.pressed.as_ref()?.bulk)
    }

    pub(crate) fn count_discarded(&mut self, class: Class) {
        self.pressed().shed.discarded[class] += 1;
    }

    /// How much room is left below a mark.
    fn room_below(&self, mark: u32, taken: u32) -> u32 {
        mark.saturating_sub(self.waiting).saturating_sub(taken).saturating_sub(self.granted)
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

    /// Gives waiting senders of the class bulk their promises, if no other sender waits.
    #[cold]
    pub(crate) fn grant_bulk(&mut self, taken: u32, wakers: &mut Vec<Waker>) {
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
