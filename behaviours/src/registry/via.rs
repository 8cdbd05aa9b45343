//! `via`: reaching whoever has a key, looked up anew each time. Source: Elixir's `{:via, Registry, {registry, key}}`.

use super::{Key, Registry, Unique, Value};
use futures::future::BoxFuture;
use ravelin_core::{ActorRef, Call, CallError, Message, Pid, Recipient, SendError, Serve};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::time::Duration;

/// A value by which the owner of an entry can be reached with messages of type `M`: what [`Registry::via`] needs of
/// the values. An [`ActorRef`] and a [`Recipient`] are such, and so is a pair of one and anything else.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no reference by which a `{M}` can be sent",
    note = "`via` needs values that are an `ActorRef<A>` with `A: Handle<{M}>`, a `Recipient<{M}>`, or a pair of one and something else"
)]
pub trait Reach<M: Message>: Value {
    /// As [`ActorRef::cast`].
    ///
    /// # Errors
    /// The message was not accepted, and comes back.
    fn cast(&self, message: M) -> Result<(), SendError<M>>;

    /// As [`ActorRef::send`].
    fn send(&self, message: M) -> impl Future<Output = Result<(), SendError<M>>> + Send;

    /// As [`ActorRef::call`].
    fn call(&self, message: M) -> Call<'_, M>;
}

impl<A: Serve<M>, M: Message> Reach<M> for ActorRef<A> {
    fn cast(&self, message: M) -> Result<(), SendError<M>> {
        ActorRef::cast(self, message)
    }

    fn send(&self, message: M) -> impl Future<Output = Result<(), SendError<M>>> + Send {
        ActorRef::send(self, message)
    }

    fn call(&self, message: M) -> Call<'_, M> {
        ActorRef::call(self, message)
    }
}

impl<M: Message> Reach<M> for Recipient<M> {
    fn cast(&self, message: M) -> Result<(), SendError<M>> {
        Recipient::cast(self, message)
    }

    fn send(&self, message: M) -> impl Future<Output = Result<(), SendError<M>>> + Send {
        Recipient::send(self, message)
    }

    fn call(&self, message: M) -> Call<'_, M> {
        Recipient::call(self, message)
    }
}

impl<R: Reach<M>, X: Value, M: Message> Reach<M> for (R, X) {
    fn cast(&self, message: M) -> Result<(), SendError<M>> {
        self.0.cast(message)
    }

    fn send(&self, message: M) -> impl Future<Output = Result<(), SendError<M>>> + Send {
        self.0.send(message)
    }

    fn call(&self, message: M) -> Call<'_, M> {
        self.0.call(message)
    }
}

/// Whoever has a key of a registry: a reference that looks the key up at each cast, send and call. Cheap to clone when
/// the key is.
///
/// While nobody has the key, a message comes back as [`SendError::NoProc`] or [`CallError::NoProc`], as it does from an
/// [`ActorRef`] where nobody lives.
///
/// A look-up costs a read lock that one key in sixteen shares, one look into a hash map, and a clone of the value.
pub struct Via<K: Key, V: Value> {
    registry: Registry<K, V, Unique>,
    key: K,
}

impl<K: Key, V: Value> Via<K, V> {
    pub(super) fn new(registry: Registry<K, V, Unique>, key: K) -> Via<K, V> {
        Via { registry, key }
    }

    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Who has the key now.
    pub fn pid(&self) -> Option<Pid> {
        self.registry.whereis(&self.key)
    }

    /// The value beside the key now.
    pub fn value(&self) -> Option<V> {
        self.registry.get(&self.key).map(|entry| entry.value)
    }

    /// Sends to whoever has the key, and goes on: never blocks.
    ///
    /// # Errors
    /// Nobody has the key, or the mailbox refused; the message comes back.
    pub fn cast<M: Message>(&self, message: M) -> Result<(), SendError<M>>
    where
        V: Reach<M>,
    {
        match self.value() {
            Some(owner) => owner.cast(message),
            None => Err(SendError::NoProc(message)),
        }
    }

    /// Sends to whoever has the key when this is first polled, waiting for room in its mailbox.
    ///
    /// # Errors
    /// As [`Via::cast`].
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent.
    pub async fn send<M: Message>(&self, message: M) -> Result<(), SendError<M>>
    where
        V: Reach<M>,
    {
        match self.value() {
            Some(owner) => owner.send(message).await,
            None => Err(SendError::NoProc(message)),
        }
    }

    /// Calls whoever has the key when this is first polled; five seconds if nothing else is said. Costs an allocation
    /// more than [`ActorRef::call`]; `via.value()` gives a reference that can be called without.
    pub fn call<M: Message>(&self, message: M) -> ViaCall<K, V, M>
    where
        V: Reach<M>,
    {
        ViaCall { via: self.clone(), message, limit: Limit::Usual }
    }
}

impl<K: Key, V: Value> Clone for Via<K, V> {
    fn clone(&self) -> Via<K, V> {
        Via { registry: self.registry.clone(), key: self.key.clone() }
    }
}

impl<K: Key + fmt::Debug, V: Value> fmt::Debug for Via<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Via({:?})", self.key)
    }
}

#[derive(Clone, Copy)]
enum Limit {
    Usual,
    Exact(Duration),
    Never,
}

/// A call to whoever has a key: await it, with a time limit of its own if you like.
///
/// # Errors
/// As [`Call`]; [`CallError::NoProc`] with the message when nobody has the key.
///
/// # Cancel safety
/// As [`Call`].
#[must_use = "a call does nothing until it is awaited"]
pub struct ViaCall<K: Key, V: Value, M> {
    via: Via<K, V>,
    message: M,
    limit: Limit,
}

impl<K: Key, V: Value, M> ViaCall<K, V, M> {
    /// Waits at most so long.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Limit::Exact(limit);
        self
    }

    /// Waits as long as it takes. Source: the time-out `infinity`.
    pub fn no_timeout(mut self) -> Self {
        self.limit = Limit::Never;
        self
    }
}

impl<K: Key, V: Reach<M>, M: Message> IntoFuture for ViaCall<K, V, M> {
    type Output = Result<M::Reply, CallError<M>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let ViaCall { via, message, limit } = self;
        Box::pin(async move {
            let Some(owner) = via.value() else { return Err(CallError::NoProc(message)) };
            let call = owner.call(message);
            match limit {
                Limit::Usual => call.await,
                Limit::Exact(limit) => call.timeout(limit).await,
                Limit::Never => call.no_timeout().await,
            }
        })
    }
}
