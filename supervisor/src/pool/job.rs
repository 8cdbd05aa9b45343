//! A job in the pool's own line: a message of any type that the workers take, until a worker takes it.

use super::error::PoolError;
use super::figures::Account;
use super::gate::Permit;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use ravelin_core::{Actor, ActorRef, CallError, Message, Serve};

/// A job whose message type is forgotten.
pub(crate) type AnyJob<A> = Box<dyn Work<A>>;

/// What became of a job that was handed to a worker.
pub(crate) enum Fate<A> {
    /// The worker did not accept it, or may have it again: it waits on.
    Back(AnyJob<A>),
    /// The worker had no room for it: it waits on, and the worker is left alone for a while.
    Full(AnyJob<A>),
    /// It is over, well or badly.
    Over,
}

/// What a keeper does with a job.
pub(crate) trait Work<A>: Send {
    /// Hands it to a worker, and waits until that one is done with it.
    fn run(self: Box<Self>, worker: ActorRef<A>) -> BoxFuture<'static, Fate<A>>
    where
        A: Actor;
    /// Whether nobody waits for it any more.
    fn is_over(&self) -> bool;
    /// It is not to be done.
    fn expire(self: Box<Self>);
}

/// How often a job may be handed out, and how it is copied for that.
pub(crate) struct Again<M> {
    pub(crate) copy: fn(&M) -> M,
    pub(crate) tries_left: u32,
}

/// A job.
pub(crate) struct JobOf<M: Message> {
    pub(crate) message: M,
    pub(crate) asker: Option<oneshot::Sender<Result<M::Reply, PoolError<M>>>>,
    pub(crate) again: Option<Again<M>>,
    pub(crate) account: Account,
    pub(crate) permit: Permit,
}

impl<A: Serve<M>, M: Message> Work<A> for JobOf<M> {
    fn run(self: Box<Self>, worker: ActorRef<A>) -> BoxFuture<'static, Fate<A>> {
        Box::pin(async move {
            let JobOf { message, asker, again, mut account, permit } = *self;
            let copy =
                again.as_ref().filter(|again| again.tries_left > 0).map(|again| (again.copy)(&message));
            account.begun();
            let outcome = match worker.call(message).no_timeout().await {
                Err(CallError::NoProc(message)) => {
                    account.waits();
                    return Fate::Back(Box::new(JobOf { message, asker, again, account, permit }));
                }
                Err(CallError::Full(message)) => {
                    account.waits();
                    return Fate::Full(Box::new(JobOf { message, asker, again, account, permit }));
                }
                Err(CallError::Exited(exit)) => match (copy, again) {
                    (Some(message), Some(Again { copy, tries_left })) => {
                        account.waits();
                        let again = Some(Again { copy, tries_left: tries_left - 1 });
                        return Fate::Back(Box::new(JobOf { message, asker, again, account, permit }));
                    }
                    (None, _) | (_, None) => {
                        drop(account);
                        Err(PoolError::Exited(exit))
                    }
                },
                Err(CallError::NoReply) => {
                    account.done();
                    Err(PoolError::NoReply)
                }
                Err(other) => {
                    drop(account);
                    Err(other.into())
                }
                Ok(reply) => {
                    account.done();
                    Ok(reply)
                }
            };
            drop(permit);
            if let Some(asker) = asker {
                // Nobody waits any more if this fails.
                let _ = asker.send(outcome);
            }
            Fate::Over
        })
    }

    fn is_over(&self) -> bool {
        self.asker.as_ref().is_some_and(oneshot::Sender::is_canceled)
    }

    fn expire(self: Box<Self>) {
        self.account.expired();
    }
}
