//! The door of a pool: so many in flight, so many in a time. Those that wait for a place get it in their order.

use super::rate::{Rate, TokenBucket};
use futures::channel::oneshot;
use ravelin_core::{Runtime, Time, sleep};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What happens to a job that comes when a pool takes no more.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum AtLimit {
    /// It is handed back. The default.
    #[default]
    Refuse,
    /// Who can wait does, within the time limit of the call; a cast cannot, and is handed back.
    Wait,
}

/// Why a job was not let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Closed {
    Limit,
    /// Until then.
    Rate(Time),
}

/// The door.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: Option<(usize, AtLimit)>,
    at_rate: AtLimit,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    in_flight: usize,
    bucket: Option<TokenBucket>,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// A place in flight. Free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Option<Arc<Gate>>);

impl Gate {
    pub(crate) fn new(
        limit: Option<(usize, AtLimit)>,
        rate: Option<(Rate, AtLimit)>,
        now: Time,
    ) -> Arc<Gate> {
        let bucket = rate.map(|(rate, _)| TokenBucket::new(rate, now));
        let inner = Inner { in_flight: 0, bucket, waiting: VecDeque::new() };
        let at_rate = rate.map_or(AtLimit::Refuse, |(_, at_rate)| at_rate);
        Arc::new(Gate { limit, at_rate, inner: Mutex::new(inner) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a job in now, or not.
    pub(crate) fn enter(self: &Arc<Self>, now: Time) -> Result<Permit, Closed> {
        let permit = self.place().ok_or(Closed::Limit)?;
        self.token(now).map_err(Closed::Rate)?;
        Ok(permit)
    }

    /// Lets a job in, when there is room, if its policy is to wait.
    pub(crate) async fn wait(self: &Arc<Self>, runtime: &dyn Runtime) -> Result<Permit, Closed> {
        let permit = match (self.place(), self.limit) {
            (Some(permit), _) => permit,
            (None, Some((_, AtLimit::Wait))) => self.place_in_turn().await,
            (None, _) => return Err(Closed::Limit),
        };
        loop {
            let now = runtime.now();
            match (self.token(now), self.at_rate) {
                (Ok(()), _) => return Ok(permit),
                (Err(at), AtLimit::Wait) => sleep(runtime, at - now).await,
                (Err(at), AtLimit::Refuse) => return Err(Closed::Rate(at)),
            }
        }
    }

    fn token(&self, now: Time) -> Result<(), Time> {
        self.inner().bucket.as_mut().map_or(Ok(()), |bucket| bucket.take(now))
    }

    fn place(self: &Arc<Self>) -> Option<Permit> {
        let mut inner = self.inner();
        let has_room = self.limit.is_none_or(|(limit, _)| inner.in_flight < limit);
        has_room.then(|| {
            inner.in_flight += 1;
            Permit(Some(self.clone()))
        })
    }

    async fn place_in_turn(self: &Arc<Self>) -> Permit {
        loop {
            let turn = {
                let mut inner = self.inner();
                // A place may have become free since it was looked for.
                if self.limit.is_none_or(|(limit, _)| inner.in_flight < limit) {
                    inner.in_flight += 1;
                    return Permit(Some(self.clone()));
                }
                let (give, turn) = oneshot::channel();
                inner.waiting.retain(|waiting| !waiting.is_canceled());
                inner.waiting.push_back(give);
                turn
            };
            if let Ok(permit) = turn.await {
                return permit;
            }
        }
    }

    /// A place is free: for who waits longest, if somebody does.
    fn leave(self: Arc<Self>) {
        loop {
            let next = {
                let mut inner = self.inner();
                let next = inner.waiting.pop_front();
                if next.is_none() {
                    inner.in_flight -= 1;
                }
                next
            };
            let Some(next) = next else { return };
            match next.send(Permit(Some(self.clone()))) {
                Ok(()) => return,
                // Waits no more.
                Err(mut permit) => permit.0 = None,
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.leave();
        }
    }
}
