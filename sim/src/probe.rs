//! Probes: actors that a test has, to see what is sent to them.

use ravelin_core::{
    ActorRef, Inbox, Message, Received, Recipient, ReplyTo, Runtime, System, Task, TaskArgs, within,
};
use std::any::type_name;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// An actor of the test that records the messages of one type, in the order in which they came.
///
/// Made by [`World::probe`](crate::World::probe). Its assertions wait in virtual time and panic, at the place where they
/// were called, when they fail.
pub struct Probe<M: Message> {
    place: ActorRef<Task<M>>,
    system: System,
    seen: Arc<Mutex<Seen<M>>>,
}

/// What came and was not asked for yet.
struct Seen<M: Message> {
    messages: VecDeque<(M, ReplyTo<M::Reply>)>,
    waits: Option<Waker>,
}

fn lock<M: Message>(seen: &Mutex<Seen<M>>) -> MutexGuard<'_, Seen<M>> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<M: Message> Probe<M> {
    pub(crate) async fn start(system: &System, name: &str) -> Probe<M> {
        let place = ActorRef::place(name);
        let seen = Arc::new(Mutex::new(Seen { messages: VecDeque::new(), waits: None }));
        let records = seen.clone();
        let body = move |mut inbox: Inbox<M>| async move {
            while let Some(received) = inbox.next().await {
                if let Received::Message(message, reply) = received {
                    let waits = {
                        let mut seen = lock(&records);
                        seen.messages.push_back((message, reply));
                        seen.waits.take()
                    };
                    if let Some(waker) = waits {
                        waker.wake();
                    }
                }
            }
        };
        if let Err(error) = system.start(&place, TaskArgs::once(body)).await {
            panic!("the probe `{name}` did not start: {error}");
        }
        Probe { place, system: system.clone(), seen }
    }

    /// The place where the probe lives.
    pub fn actor(&self) -> &ActorRef<Task<M>> {
        &self.place
    }

    /// The probe, as whoever takes messages of this type.
    pub fn recipient(&self) -> Recipient<M> {
        self.place.recipient()
    }

    /// The next message, when there is one.
    fn next(&self) -> impl Future<Output = (M, ReplyTo<M::Reply>)> + '_ {
        poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut seen = lock(&self.seen);
            match seen.messages.pop_front() {
                Some(message) => Poll::Ready(message),
                None => {
                    let before = seen.waits.replace(waker);
                    drop(seen);
                    drop(before);
                    Poll::Pending
                }
            }
        })
    }

    fn runtime(&self) -> &dyn Runtime {
        &**self.system.runtime()
    }

    /// The next message, which comes within this virtual time. If it is a call, the call ends without a reply.
    ///
    /// # Panics
    /// None comes in time.
    #[track_caller]
    pub fn expect(&mut self, limit: Duration) -> impl Future<Output = M> + '_ {
        let call = self.expect_call(limit);
        async move { call.await.0 }
    }

    /// The next message, which comes within this virtual time, and where the answer to it goes.
    ///
    /// # Panics
    /// None comes in time.
    #[track_caller]
    pub fn expect_call(&mut self, limit: Duration) -> impl Future<Output = (M, ReplyTo<M::Reply>)> + '_ {
        let called_at = Location::caller();
        async move {
            match within(self.runtime(), limit, self.next()).await {
                Some(message) => message,
                None => panic!("{called_at}: {self:?} got no {} within {limit:?}", type_name::<M>()),
            }
        }
    }

    /// No message comes for this long, in virtual time.
    ///
    /// # Panics
    /// One comes.
    #[track_caller]
    pub fn expect_none(&mut self, time: Duration) -> impl Future<Output = ()> + '_ {
        let called_at = Location::caller();
        async move {
            let end = self.runtime().now() + time;
            if within(self.runtime(), time, self.next()).await.is_some() {
                let early = end - self.runtime().now();
                panic!(
                    "{called_at}: {self:?} got a {} {early:?} before {time:?} were over",
                    type_name::<M>()
                );
            }
        }
    }

    /// A message that has come already, oldest first.
    pub fn try_next(&mut self) -> Option<(M, ReplyTo<M::Reply>)> {
        lock(&self.seen).messages.pop_front()
    }
}

impl<M: Message> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.place.name().map_or("", |name| name)).finish()
    }
}
