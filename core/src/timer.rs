//! Time for actors: waiting, time limits, and timers that put a message into the actor's own mailbox.
//!
//! Timers belong to the incarnation and go with it. They live with the actor, in one heap with one timer of the
//! runtime for the earliest of them.

use crate::cell::{CellPtr, Timers};
use crate::id::TimerRef;
use crate::runtime::{Runtime, Timer};
use crate::time::{Missed, Time, next_tick};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Waits for `wait`.
pub async fn sleep(runtime: &dyn Runtime, wait: Duration) {
    let mut timer = runtime.timer(runtime.now() + wait);
    poll_fn(|cx| timer.as_mut().poll(cx)).await;
}

/// The outcome of `future`, or `None` when it takes longer than `limit`; it is dropped then.
pub async fn within<F: Future>(runtime: &dyn Runtime, limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = None;
    poll_fn(|cx| {
        if let Poll::Ready(out) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(out));
        }
        let timer: &mut Pin<Box<dyn Timer>> =
            timer.get_or_insert_with(|| runtime.timer(runtime.now() + limit));
        timer.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// Timers that fire in one turn; then the messages that wait have theirs.
const FIRED_MAX: u32 = 128;

struct Entry {
    send: Box<dyn FnMut() + Send>,
    every: Option<(Duration, Missed)>,
}

/// The timers of one incarnation.
pub(crate) struct ActorTimers {
    runtime: Arc<dyn Runtime>,
    due: BTreeMap<(Time, TimerRef), Entry>,
    at: BTreeMap<TimerRef, Time>,
    made: u64,
    timer: Option<Pin<Box<dyn Timer>>>,
}

impl ActorTimers {
    pub(crate) fn new(runtime: Arc<dyn Runtime>) -> ActorTimers {
        ActorTimers { runtime, due: BTreeMap::new(), at: BTreeMap::new(), made: 0, timer: None }
    }
}

impl Timers for ActorTimers {
    fn add(
        &mut self,
        wait: Duration,
        every: Option<(Duration, Missed)>,
        send: Box<dyn FnMut() + Send>,
    ) -> TimerRef {
        self.made += 1;
        let timer = TimerRef(self.made);
        let at = self.runtime.now() + wait;
        self.due.insert((at, timer), Entry { send, every });
        self.at.insert(timer, at);
        timer
    }

    fn cancel(&mut self, timer: TimerRef) -> Option<Duration> {
        let at = self.at.remove(&timer)?;
        self.due.remove(&(at, timer));
        Some(at - self.runtime.now())
    }

    fn fire(&mut self, _: CellPtr, cx: &mut Context<'_>) -> bool {
        let mut fired = 0;
        while let Some((&(at, timer), _)) = self.due.first_key_value() {
            if fired == FIRED_MAX {
                return true;
            }
            let now = self.runtime.now();
            if at > now {
                let sleeping = self.timer.get_or_insert_with(|| self.runtime.timer(at));
                sleeping.as_mut().reset(at);
                if sleeping.as_mut().poll(cx).is_pending() {
                    return false;
                }
                continue;
            }
            fired += 1;
            let Some((_, mut entry)) = self.due.pop_first() else { return false };
            self.at.remove(&timer);
            (entry.send)();
            if let Some((period, missed)) = entry.every {
                let next = next_tick(at, now, period, missed);
                self.at.insert(timer, next);
                self.due.insert((next, timer), entry);
            }
        }
        self.timer = None;
        false
    }
}
