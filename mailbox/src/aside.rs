//! What a simulator does to a mailbox: messages that are set aside and come back later, messages that are discarded on
//! their way to the consumer, and room that is not there; and who wants to know of each message that comes. No path of
//! an ordinary run comes by here.

use crate::capacity::{NO_LIMIT, Overflow};
use crate::class::Class;
use crate::mailbox::{CONTROL, CUT, Mailbox, WAITERS};
use crate::protocol::{Consumer, Edge, Phase, Pushed, Refused, Ticket};
use crate::records::{Kind, Records};
use crate::state::wake_all;
use crate::sync::Ordering;
use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

impl<X, C, E: Consumer> Mailbox<X, C, E> {
    /// From now on [`push`](Mailbox::push) and [`push_or_wait`](Mailbox::push_or_wait) give each message back as if there
    /// were no room, so that a sender that knows asks somebody, and then calls `push_watched` or `push_or_wait_watched`.
    ///
    /// So it is while `is_wanted`, asked under the lock, says so. A sender that was turned away before it was taken back
    /// comes with `push_watched` yet.
    pub fn watch(&self, is_wanted: impl FnOnce(&mut E) -> bool) {
        let mut state = self.state.lock();
        state.is_watched = is_wanted(&mut state.consumer);
    }

    /// The owner's state, and how many messages the consumer has not taken, under the lock. Be short, and call nothing of
    /// this mailbox.
    pub fn with_waiting<R>(&self, f: impl FnOnce(u32, &mut E) -> R) -> R {
        let mut state = self.state.lock();
        let waiting = state.waiting;
        f(waiting, &mut state.consumer)
    }

    /// As [`push`](Mailbox::push) in a mailbox that is not watched; or as if a bounded one had no room. `note` is called
    /// with the owner's state, under the lock, when the message is accepted and not discarded at once.
    ///
    /// # Errors
    /// As for `push`.
    pub fn push_watched<P: Send>(
        &self,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        is_full: bool,
        note: impl FnOnce(&mut E),
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        let state = self.state.lock();
        if !is_full || state.limit == NO_LIMIT || state.phase == Phase::Closed {
            return self.push_asked(state, kind, payload, edge, kind.class(), note);
        }
        Self::push_full(state, kind, payload, edge, note)
    }

    /// As [`push_or_wait`](Mailbox::push_or_wait) in a mailbox that is not watched; or as if a bounded one had no room. A
    /// sender that waits gets in the line then, and if there is room after all it is promised it, and woken, at once: it
    /// comes again at its next turn.
    ///
    /// # Errors
    /// As for `push_or_wait`.
    pub fn push_or_wait_watched<P: Send>(
        &self,
        kind: &'static Kind<P, X>,
        payload: P,
        edge: Edge,
        (waker, ticket): (&Waker, &mut Option<Ticket>),
        is_full: bool,
        note: impl FnOnce(&mut E),
    ) -> Result<Pushed<X, E::Wake>, Refused<P>> {
        let mut state = self.state.lock();
        if !is_full {
            return self.push_or_wait_asked(
                state,
                kind,
                payload,
                edge,
                (waker, ticket),
                (kind.class(), note),
            );
        }
        let may_wait = kind.class() != Class::Control;
        if state.limit == NO_LIMIT
            || state.on_full != Overflow::Wait
            || state.phase == Phase::Closed
            || !may_wait
        {
            drop(state);
            return self.push_watched(kind, payload, edge, true, note);
        }
        *ticket = Some(state.line_up(kind.class(), waker));
        let taken = self.taken.load(Ordering::Relaxed);
        let room = state.room(taken);
        let wakers = state.grant(room, taken);
        if state.is_waited_for() {
            self.flags.fetch_or(WAITERS, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!WAITERS, Ordering::Relaxed);
        }
        drop(state);
        wake_all(wakers);
        Err(Refused::Full(payload))
    }

    /// Takes messages out of the line that were accepted and not begun; they still count as waiting. Gives a number to
    /// bring them back by. Of a closed mailbox nothing is kept.
    pub fn set_aside(&self, records: Records<X>) -> u64 {
        let mut state = self.state.lock();
        let is_closed = state.phase == Phase::Closed;
        let rare = state.rare();
        rare.tickets += 1;
        let number = rare.tickets;
        if is_closed {
            drop(state);
            drop(records);
        } else {
            rare.aside.push_back((number, records));
        }
        number
    }

    /// Puts what was set aside at the end of the line, whatever the capacity. `None`: the mailbox was closed meanwhile,
    /// and gave it to who closed it.
    pub fn bring_back(&self, number: u64, edge: Edge) -> Option<Pushed<X, E::Wake>> {
        let mut state = self.state.lock();
        let rare = state.rare.as_mut()?;
        let at = rare.aside.iter().position(|(each, _)| *each == number)?;
        let (_, records) = rare.aside.remove(at)?;
        let before = mem::replace(&mut state.inbox, records);
        state.waiting += state.inbox.len();
        if !before.is_empty() {
            state.rare().backlog.push_back(before);
        }
        (0..state.inbox.len()).for_each(|_| state.consumer.accepted());
        Some(Self::after_push(state, edge))
    }

    /// Takes back the signals that nobody wants any more, whoever the consumer is; the others, and what they cut off, stay.
    pub fn withdraw(&self, unwanted: impl FnMut(&mut C) -> bool) -> VecDeque<C> {
        let mut state = self.state.lock();
        let Some(rare) = state.rare.as_mut() else { return VecDeque::new() };
        let (mut taken, mut unwanted) = (VecDeque::new(), unwanted);
        for mut signal in mem::take(&mut rare.control) {
            let to = if unwanted(&mut signal) { &mut taken } else { &mut rare.control };
            to.push_back(signal);
        }
        if rare.control.is_empty() {
            self.flags.fetch_and(!(CONTROL | CUT), Ordering::Relaxed);
        }
        taken
    }

    /// Looks at the kind of the oldest message of the line, for a consumer that receives them one by one.
    pub fn look_at_oldest(&self) -> Option<&'static X> {
        let state = self.state.lock();
        let backlog = state.rare.as_ref().and_then(|rare| rare.backlog.front());
        backlog.unwrap_or(&state.inbox).first()
    }

    /// Takes the oldest message off the line, for a consumer that receives them one by one. It counts as discarded, or
    /// belongs to the caller, who is to set it aside.
    pub fn take_oldest(&self, is_discarded: bool) -> Option<Records<X>> {
        let mut state = self.state.lock();
        if state.waiting == 0 {
            return None;
        }
        let mut one = Records::new();
        state.move_oldest(&mut one);
        if is_discarded {
            state.count_discarded(one.class());
        }
        Some(one)
    }

    /// A message of the consumer's batch, the one in these records, was discarded: counts it.
    pub fn count_discarded(&self, one: &Records<X>) {
        self.state.lock().count_discarded(one.class());
    }
}

impl<X> Records<X> {
    /// The kind of the oldest record.
    pub fn first(&self) -> Option<&'static X> {
        self.first_vtable().map(|vtable| vtable.ext())
    }

    /// The class of the oldest record.
    pub(crate) fn class(&self) -> Class {
        self.first_vtable().map_or(Class::default(), |vtable| vtable.class())
    }

    /// Takes the oldest record off, into a buffer of its own.
    pub fn split_first(&mut self) -> Records<X> {
        let mut one = Records::new();
        self.move_one(&mut one);
        one
    }
}
