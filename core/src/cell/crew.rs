//! The crew of a crowded system: a few tasks of the executor that run actors which are seldom woken.
//!
//! One member is there from the beginning, in every system, to learn of the executor's end: also an actor that never
//! needed a task is then lost.
//!
//! A task of its own costs an actor more memory than its whole cell, and more time than its message. So an actor that
//! starts in a crowd has none at first: woken, it is put in a queue, which the members of the crew work off. One that
//! is woken again and again (`life::CREW_TURNS`) gets a task of its own, as every actor has in a small system.
//!
//! Members are added while there is more in the queue than they take out, and wait, to be used again, when it is
//! empty. Only one of them is called at a time: it calls the next one itself when it sees more work. When the executor
//! drops a member it is shutting down, and every actor of the system that it has not dropped with its own task is lost
//! with the crew.
//!
//! Proof: the folder's, in `mod.rs`; each block says which part of it it rests on.

use super::finish::finish_lost;
use super::local;
use super::run::run;
use super::runner::{batch, run_handed};
use super::{CellRef, Host};
use ravelin_mailbox::{Lock, Phase};
use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

/// More members than this many executor threads are of no use.
const MEMBERS_MAX: u32 = 64;

/// The crew of one system.
pub(crate) struct Crew {
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    /// Cells in the phase Queued, oldest first.
    queue: VecDeque<CellRef>,
    members: u32,
    /// Members that wait for work.
    waiting: Vec<Waker>,
    /// Whether a member was called and has not come yet.
    is_called: bool,
    /// Whether the executor has dropped a member.
    is_gone: bool,
}

/// How a member is got to work.
enum Call {
    Nobody,
    Wake(Waker),
    Hire,
}

impl State {
    fn call(&mut self) -> Call {
        if self.is_called {
            return Call::Nobody;
        }
        if let Some(waker) = self.waiting.pop() {
            self.is_called = true;
            return Call::Wake(waker);
        }
        if self.members == MEMBERS_MAX {
            return Call::Nobody;
        }
        self.is_called = true;
        self.members += 1;
        Call::Hire
    }
}

impl Crew {
    pub(crate) fn new() -> Crew {
        Crew { state: Lock::new(State::default()) }
    }

    /// Hires the first member, in whatever company: it learns when the executor is gone.
    pub(crate) fn watch(self: &Arc<Crew>, host: &Arc<dyn Host>) {
        let call = self.state.lock().call();
        self.perform(call, host);
    }

    /// Whether the executor was seen to be gone.
    pub(super) fn is_gone(&self) -> bool {
        self.state.lock().is_gone
    }

    /// Has a cell run that is in the phase Queued.
    pub(super) fn push(self: &Arc<Crew>, cell: CellRef, host: &Arc<dyn Host>) {
        let mut state = self.state.lock();
        state.queue.push_back(cell);
        // One that works will see it, and call others.
        let has_idle = state.members == 0 || !state.waiting.is_empty();
        let call = if has_idle { state.call() } else { Call::Nobody };
        drop(state);
        self.perform(call, host);
    }

    fn perform(self: &Arc<Crew>, call: Call, host: &Arc<dyn Host>) {
        match call {
            Call::Nobody => {}
            Call::Wake(waker) => waker.wake(),
            Call::Hire => {
                let host_of = Arc::downgrade(host);
                let member =
                    Member { crew: self.clone(), host: host_of, is_called: true, doing: Doing::Waits };
                host.runtime().spawn("ravelin-crew", Box::pin(member));
            }
        }
    }

    /// The system is gone, and nobody is left to be run.
    pub(crate) fn dismiss(&self) {
        for member in mem::take(&mut self.state.lock().waiting) {
            member.wake();
        }
    }
}

/// A task of the executor.
struct Member {
    crew: Arc<Crew>,
    host: Weak<dyn Host>,
    /// Whether it was not polled since it was called.
    is_called: bool,
    doing: Doing,
}

/// What a member does; what it means when it is dropped.
enum Doing {
    /// Nothing: the executor drops it, because it is shutting down.
    Waits,
    /// It runs actors: something that is no actor's code panicked, a log subscriber or a waker.
    Works,
    /// It is done: nothing.
    Over,
}

impl Future for Member {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(host) = self.host.upgrade() else {
            self.doing = Doing::Over;
            return Poll::Ready(());
        };
        let this = &mut *self;
        let mut state = this.crew.state.lock();
        if mem::take(&mut this.is_called) {
            state.is_called = false;
        }
        let call = if state.queue.len() > 1 { state.call() } else { Call::Nobody };
        drop(state);
        this.crew.perform(call, &host);
        this.doing = Doing::Works;
        let has_more = local::enter(&host, |local| {
            // SAFETY: `local` is this thread's innermost stretch, which ends after this.
            while unsafe { (*local).budget } > 0 {
                let Some(cell) = this.next(cx.waker()) else { return false };
                // SAFETY: as above; `begin` makes this thread the owner of the cell, which `cell` keeps.
                unsafe {
                    let header = cell.header();
                    (*local).budget -= 1;
                    if header.mailbox.begin(Phase::Queued, || batch(header)) {
                        run(cell.ptr(), local);
                        run_handed(local);
                    }
                    header.mailbox.rest(|life| life.is_in_crew().then_some(()));
                }
            }
            true
        });
        this.doing = Doing::Waits;
        if has_more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Member {
    /// The next cell; `None`: there is none, and this member waits.
    fn next(&mut self, waker: &Waker) -> Option<CellRef> {
        let mut state = self.crew.state.lock();
        let next = state.queue.pop_front();
        if next.is_none() {
            self.is_called = true;
            if !state.waiting.iter().any(|other| other.will_wake(waker)) {
                state.waiting.push(waker.clone());
            }
        }
        next
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let host = self.host.upgrade();
        let mut state = self.crew.state.lock();
        state.members -= 1;
        if self.is_called {
            state.is_called = false;
        }
        match self.doing {
            Doing::Over => {}
            Doing::Works => {
                let call = if state.queue.is_empty() { Call::Nobody } else { state.call() };
                drop(state);
                if let Some(host) = host {
                    self.crew.perform(call, &host);
                }
            }
            Doing::Waits => {
                let queue = mem::take(&mut state.queue);
                // They are dropped too, or were.
                let others = mem::take(&mut state.waiting);
                state.is_gone = true;
                drop(state);
                drop(others);
                for cell in queue {
                    cell.lose();
                }
                if let Some(host) = host {
                    host.lose_all();
                }
            }
        }
    }
}

impl CellRef {
    /// The executor is gone: ends the incarnation, unless somebody runs it.
    pub(crate) fn lose(&self) {
        if self.header().mailbox.seize() {
            // SAFETY: `seize` made this thread the cell's owner, and `self` keeps it.
            unsafe { finish_lost(self.ptr()) };
        }
    }
}
