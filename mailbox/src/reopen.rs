//! The end of a consumer, and the beginning of the next one.

use crate::capacity::Capacity;
use crate::mailbox::Mailbox;
use crate::protocol::{Consumer, Phase, Remains};
use crate::records::Records;
use crate::state::wake_all;
use crate::sync::Ordering;
use std::collections::VecDeque;
use std::mem;

impl<X, C, E: Consumer> Mailbox<X, C, E> {
    /// From running to closed: pushes are refused from now on, waiting senders are woken to see it, and what still
    /// waited is handed out. `on_close` sees the owner's state in the same critical section. What the consumer had taken
    /// stays with it; the counts of accepted and discarded messages go on.
    pub fn close<R>(&self, on_close: impl FnOnce(&mut E) -> R) -> (Remains<X, C>, R) {
        let mut state = self.state.lock();
        state.phase = Phase::Closed;
        state.notified = false;
        state.waiting = 0;
        state.granted = 0;
        let inbox = mem::take(&mut state.inbox);
        let out = on_close(&mut state.consumer);
        let mut remains = Remains { records: VecDeque::new(), control: VecDeque::new(), aside: 0 };
        let mut wakers = Vec::new();
        let mut receiver = None;
        let mut aside = VecDeque::new();
        if let Some(rare) = state.rare.as_mut() {
            remains.records = mem::take(&mut rare.backlog);
            aside = mem::take(&mut rare.aside);
            remains.control = mem::take(&mut rare.control);
            wakers.extend(rare.waiters.drain(..).map(|(_, waker)| waker));
            let bulk = rare.pressed.as_mut().map(|pressed| {
                pressed.notes.clear();
                mem::take(&mut pressed.bulk)
            });
            wakers.extend(bulk.into_iter().flatten().map(|(_, waker)| waker));
            rare.granted.clear();
            receiver = rare.receiver.take();
        }
        self.flags.store(0, Ordering::Relaxed);
        self.taken.store(0, Ordering::Relaxed);
        drop(state);
        if !inbox.is_empty() {
            remains.records.push_back(inbox);
        }
        remains.aside = aside.len();
        remains.records.extend(aside.into_iter().map(|(_, records)| records));
        wake_all(wakers);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        (remains, out)
    }

    /// As [`close`](Mailbox::close), and what waits stays in the mailbox, for the next consumer: what this one had
    /// `taken` and not begun, then the others in their order. Records that `keeps` is not for are handed out, and so is
    /// what was set aside.
    pub fn close_keeping<R>(
        &self,
        taken: Records<X>,
        keeps: impl Fn(&X) -> bool,
        on_close: impl FnOnce(&mut E) -> R,
    ) -> (Remains<X, C>, R) {
        let (mut remains, out) = self.close(on_close);
        let aside = remains.aside;
        let (mut kept, mut left) = (VecDeque::new(), VecDeque::new());
        let buffers = mem::take(&mut remains.records);
        let lines = buffers.len() - aside;
        for (at, mut records) in std::iter::once(taken).chain(buffers).enumerate() {
            let is_in_line = at <= lines;
            let (mut stays, mut goes) = (Records::new(), Records::new());
            while let Some(ext) = records.first() {
                records.move_one(if is_in_line && keeps(ext) { &mut stays } else { &mut goes });
            }
            kept.extend((!stays.is_empty()).then_some(stays));
            left.extend((!goes.is_empty()).then_some(goes));
        }
        remains.records = left;
        let mut state = self.state.lock();
        state.waiting = kept.iter().map(Records::len).sum();
        if state.waiting > 0 {
            state.rare().backlog = kept;
        }
        drop(state);
        (remains, out)
    }

    /// Takes out what a closed mailbox kept.
    pub fn take_kept(&self) -> VecDeque<Records<X>> {
        let mut state = self.state.lock();
        if state.phase != Phase::Closed || state.waiting == 0 {
            return VecDeque::new();
        }
        state.waiting = 0;
        state.rare.as_mut().map(|rare| mem::take(&mut rare.backlog)).unwrap_or_default()
    }

    /// From closed to running, with this capacity, when `admit`, asked under the lock, agrees. False: it was not closed,
    /// or not admitted.
    pub fn reopen(&self, capacity: Capacity, admit: impl FnOnce(&mut E) -> bool) -> bool {
        let mut state = self.state.lock();
        if state.phase != Phase::Closed || !admit(&mut state.consumer) {
            return false;
        }
        state.phase = Phase::Running;
        state.limit = capacity.limit;
        state.on_full = capacity.on_full;
        true
    }
}
