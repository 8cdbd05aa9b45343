//! What somebody wants to know of one place, or does to it: a recorder, statistics, traces, a suspension.
//!
//! A place that nobody looks at has none of this. One that somebody looks at has an `Eye`, and a bit in its header that
//! sends whoever runs it, and whoever sends to it, past here. It belongs to the place and outlives its incarnations; a
//! suspension, and what the recorder kept, end with the incarnation.
//!
//! Locks: the mailbox's may be held when the eye's is taken, never the other way round; no code that is not ours runs
//! under either.

mod limit;
mod recorder;
mod statistics;
mod trace;
mod watchers;

pub use limit::Limit;
pub use recorder::{Outcome, Recorded};
pub use statistics::{Longest, Statistics};
pub(crate) use trace::Tap;
pub use trace::{Trace, Traced, TracedEvent};
pub(crate) use watchers::Watchers;
pub use watchers::Whose;

use crate::exit::Exit;
use crate::id::Pid;
use crate::time::Time;
use ravelin_mailbox::Lock;
use recorder::Recorder;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

/// What looks at one place.
pub(crate) struct Eye {
    is_held: AtomicBool,
    sight: Lock<Sight>,
}

impl Default for Eye {
    fn default() -> Eye {
        Eye { is_held: AtomicBool::new(false), sight: Lock::new(Sight::default()) }
    }
}

#[derive(Default)]
struct Sight {
    recorder: Option<Recorder>,
    statistics: Option<Statistics>,
    taps: Arc<[Arc<Tap>]>,
    in_hand: Option<InHand>,
    /// A task that found itself suspended when it wanted to receive.
    receiver: Option<Waker>,
}

/// The message that is being handled.
#[derive(Clone, Copy)]
struct InHand {
    message: &'static str,
    from: Option<Pid>,
    begun: Time,
    /// Since when its handler runs, if it does not wait.
    runs_since: Option<Time>,
}

impl InHand {
    fn recorded(&self, now: Time, outcome: Outcome) -> Recorded {
        Recorded {
            message: self.message,
            from: self.from,
            begun: self.begun,
            took: now - self.begun,
            outcome,
        }
    }
}

/// What is wanted of whoever comes by a place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Wanted {
    /// Whoever runs it tells of each message.
    pub(crate) messages: bool,
    /// Whoever sends to it says who it is.
    pub(crate) senders: bool,
}

/// An actor, as those who look at it know it.
#[derive(Clone, Copy)]
pub(crate) struct Who<'a> {
    pub(crate) pid: Pid,
    pub(crate) place: Option<&'a Arc<str>>,
    pub(crate) actor: &'static str,
}

impl Who<'_> {
    fn tell(&self, taps: &[Arc<Tap>], at: Time, what: TracedEvent) {
        for tap in taps {
            let place = self.place.cloned();
            tap.tell(Traced { at, pid: self.pid, place, actor: self.actor, what: what.clone() });
        }
    }
}

impl Eye {
    // ---- what is wanted ----

    pub(crate) fn wanted(&self) -> Wanted {
        let mut sight = self.sight.lock();
        let senders = sight.recorder.is_some() || !sight.taps.is_empty();
        let messages = senders || sight.statistics.is_some() || self.is_held();
        if !messages {
            sight.in_hand = None;
        }
        Wanted { messages, senders }
    }

    pub(crate) fn record(&self, kept_max: usize) {
        let mut sight = self.sight.lock();
        match &mut sight.recorder {
            _ if kept_max == 0 => sight.recorder = None,
            Some(recorder) => recorder.resize(kept_max),
            recorder @ None => *recorder = Some(Recorder::new(kept_max)),
        }
    }

    /// A recorder of this size, unless there is one.
    pub(crate) fn record_unless(&self, kept_max: usize) {
        self.sight.lock().recorder.get_or_insert_with(|| Recorder::new(kept_max));
    }

    /// Switches statistics on, unless they are, or off.
    pub(crate) fn count(&self, since: Option<Time>) {
        let statistics = &mut self.sight.lock().statistics;
        *statistics = since.map(|now| statistics.take().unwrap_or_else(|| Statistics::since(now)));
    }

    /// Tells this trace too, once, whoever adds it.
    pub(crate) fn add_tap(&self, tap: &Arc<Tap>) {
        let mut sight = self.sight.lock();
        let left = sight.taps.iter().filter(|old| !old.is_over() && !Arc::ptr_eq(old, tap)).cloned();
        let taps = left.chain([tap.clone()]).collect();
        let old = mem::replace(&mut sight.taps, taps);
        drop(sight);
        drop(old);
    }

    /// Takes out the traces that are over. False: there was none.
    pub(crate) fn drop_taps(&self) -> bool {
        let mut sight = self.sight.lock();
        let has_stale = sight.taps.iter().any(|tap| tap.is_over());
        if has_stale {
            let old = mem::take(&mut sight.taps);
            sight.taps = old.iter().filter(|tap| !tap.is_over()).cloned().collect();
            drop(sight);
            drop(old);
        }
        has_stale
    }

    pub(crate) fn hold(&self) {
        self.is_held.store(true, Ordering::Release);
    }

    /// Gives the task that waits for this, to be woken.
    pub(crate) fn release(&self) -> Option<Waker> {
        self.is_held.store(false, Ordering::Release);
        self.take_receiver()
    }

    pub(crate) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    pub(crate) fn take_receiver(&self) -> Option<Waker> {
        self.sight.lock().receiver.take()
    }

    /// A task that wants to receive, if it is suspended: its waker is kept until it is not. True: it is.
    pub(crate) fn holds(&self, waker: &Waker) -> bool {
        let mut sight = self.sight.lock();
        let is_held = self.is_held();
        let old = if is_held { sight.receiver.replace(waker.clone()) } else { None };
        drop(sight);
        drop(old);
        is_held
    }

    // ---- what is known ----

    pub(crate) fn statistics(&self) -> Option<Statistics> {
        self.sight.lock().statistics.clone()
    }

    /// When the message that is in hand was begun.
    pub(crate) fn begun_at(&self) -> Option<Time> {
        self.sight.lock().in_hand.map(|in_hand| in_hand.begun)
    }

    /// The last messages, oldest first, that one among them that is in hand; `None` when there is no recorder.
    pub(crate) fn records(&self, now: Time) -> Option<Vec<Recorded>> {
        let sight = self.sight.lock();
        let mut records = sight.recorder.as_ref()?.so_far();
        records.extend(sight.in_hand.map(|in_hand| in_hand.recorded(now, Outcome::InHand)));
        Some(records)
    }

    // ---- what happens ----

    pub(crate) fn begun(&self, who: Who<'_>, message: &'static str, from: Option<Pid>, now: Time) {
        let mut sight = self.sight.lock();
        sight.in_hand = Some(InHand { message, from, begun: now, runs_since: Some(now) });
        let taps = sight.taps.clone();
        drop(sight);
        who.tell(&taps, now, TracedEvent::Begun { message, from });
    }

    /// The handler goes on after a wait.
    pub(crate) fn goes_on(&self, now: Time) {
        if let Some(in_hand) = &mut self.sight.lock().in_hand {
            in_hand.runs_since = Some(now);
        }
    }

    /// The handler waits.
    pub(crate) fn waits(&self, now: Time) {
        let mut sight = self.sight.lock();
        sight.ran(now);
    }

    pub(crate) fn ended(&self, who: Who<'_>, outcome: Outcome, now: Time) {
        let mut sight = self.sight.lock();
        sight.ran(now);
        let Some(in_hand) = sight.in_hand.take() else { return };
        if let Some(recorder) = &mut sight.recorder {
            recorder.push(in_hand.recorded(now, outcome));
        }
        if let Some(statistics) = &mut sight.statistics {
            statistics.done(in_hand.message, in_hand.begun, now);
        }
        let taps = sight.taps.clone();
        drop(sight);
        let (message, took) = (in_hand.message, now - in_hand.begun);
        who.tell(&taps, now, TracedEvent::Ended { message, took, outcome });
    }

    /// The incarnation is over.
    pub(crate) fn exited(&self, who: Who<'_>, exit: &Exit, now: Time) {
        let receiver = self.release();
        let mut sight = self.sight.lock();
        sight.in_hand = None;
        if let Some(recorder) = &mut sight.recorder {
            recorder.clear();
        }
        let taps = sight.taps.clone();
        drop(sight);
        who.tell(&taps, now, TracedEvent::Exited(exit.clone()));
        drop(receiver);
    }
}

impl Sight {
    /// The handler ran until now.
    fn ran(&mut self, now: Time) {
        if let Some(in_hand) = &mut self.in_hand
            && let Some(since) = in_hand.runs_since.take()
            && let Some(statistics) = &mut self.statistics
        {
            statistics.ran(since, now);
        }
    }
}
