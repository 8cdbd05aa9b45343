//! The end of a consumer, and the beginning of the next one.

use crate::capacity::Capacity;
use crate::mailbox::Mailbox;
use crate::protocol::{Consumer, Phase, Remains};
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
        let mut remains = Remains { records: VecDeque::new(), control: VecDeque::new() };
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
        remains.records.extend(aside.into_iter().map(|(_, records)| records));
        wake_all(wakers);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        (remains, out)
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
