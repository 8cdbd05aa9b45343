//! Dead letters: messages that were accepted and that nobody will handle; and who is told of such things.

use crate::exit::Exit;
use crate::fate;
use crate::id::Pid;
use ravelin_mailbox::Lock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A message that was accepted and that nobody will handle. The message itself is gone: its destructor has run.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The incarnation it was sent to, when it is known.
    pub to: Option<Pid>,
    /// The name of the place, if it has one.
    pub place: Option<Arc<str>>,
    /// The name of the message's type.
    pub message: &'static str,
    /// Why its receiver ended.
    pub reason: Exit,
}

type Subscriber<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

/// Those who want to be told of each `T`.
pub(crate) struct Subscribers<T> {
    is_wanted: AtomicBool,
    subscribers: Lock<Vec<Arc<Subscriber<T>>>>,
}

impl<T> Subscribers<T> {
    pub(crate) fn new() -> Subscribers<T> {
        Subscribers { is_wanted: AtomicBool::new(false), subscribers: Lock::new(Vec::new()) }
    }

    /// `subscriber` is told of each from now on, until it answers false.
    pub(crate) fn subscribe(&self, subscriber: Subscriber<T>) {
        self.subscribers.lock().push(Arc::new(subscriber));
        self.is_wanted.store(true, Relaxed);
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Relaxed)
    }

    pub(crate) fn tell(&self, news: &T) {
        let subscribers = self.subscribers.lock().clone();
        // One that panics is not asked again.
        let goes_on = |subscriber: &&Arc<Subscriber<T>>| fate::isolate(|| subscriber(news)).unwrap_or(false);
        let gone: Vec<_> = subscribers.iter().filter(|subscriber| !goes_on(subscriber)).collect();
        if !gone.is_empty() {
            let mut left = self.subscribers.lock();
            left.retain(|subscriber| !gone.iter().any(|gone| Arc::ptr_eq(gone, subscriber)));
            self.is_wanted.store(!left.is_empty(), Relaxed);
        }
    }
}
