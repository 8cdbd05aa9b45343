//! The handle of a manager: OTP's functions.

use super::handler::{EventHandler, HandleCall, HandlerExit, HandlerId, Installed, Key};
use super::manager::{
    AddError, AddHandler, CallFailed, CallHandler, DeleteHandler, EventManager, Notify, SwapError,
    SwapHandler, WhichHandlers,
};
use ravelin_core::{ActorRef, CallError, Exit, Message, Pid, Recipient, SendError};
use std::any::{Any, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// The handle of a place where an [`EventManager`] lives; an [`ActorRef`], to which it derefs, with OTP's functions.
///
/// Requests wait without a time limit, except [`EventManagerRef::call_handler`], which has a call's five seconds.
pub struct EventManagerRef<E: Send + 'static>(ActorRef<EventManager<E>>);

/// A manager did not do what it was asked for. `M` is what comes back.
#[non_exhaustive]
pub enum HandlerError<M> {
    /// There is a handler of that type under that id. Nothing has changed.
    AlreadyInstalled(M),
    /// The handler failed while it answered, and was removed. Source: `{error, {'EXIT', Reason}}`.
    Failed(Exit),
    /// The new handler's `init` failed, or what was to make it did; it is not installed.
    Init(Exit),
    /// The manager gave no answer; if it cannot have done anything, this has what comes back.
    Manager(CallError<M>),
    /// The actor that the handler was to be tied to is not alive. Nothing has changed.
    NoOwner(M),
    /// There is no handler of that type under that id. Source: `module_not_found`, `bad_module`.
    NotInstalled(M),
}

impl<M> fmt::Display for HandlerError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandlerError::AlreadyInstalled(_) => f.write_str("there is a handler of that type under that id"),
            HandlerError::Failed(why) => write!(f, "the handler failed, and was removed: {why}"),
            HandlerError::Init(why) => write!(f, "the handler did not start: {why}"),
            HandlerError::Manager(why) => write!(f, "the event manager gave no answer: {why}"),
            HandlerError::NoOwner(_) => f.write_str("noproc: the actor to tie the handler to is not alive"),
            HandlerError::NotInstalled(_) => f.write_str("there is no handler of that type under that id"),
        }
    }
}

impl<M> fmt::Debug for HandlerError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandlerError::AlreadyInstalled(_) => f.write_str("AlreadyInstalled(..)"),
            HandlerError::Failed(why) => write!(f, "Failed({why:?})"),
            HandlerError::Init(why) => write!(f, "Init({why:?})"),
            HandlerError::Manager(why) => write!(f, "Manager({why:?})"),
            HandlerError::NoOwner(_) => f.write_str("NoOwner(..)"),
            HandlerError::NotInstalled(_) => f.write_str("NotInstalled(..)"),
        }
    }
}

impl<M> std::error::Error for HandlerError<M> {}

impl<E: Send + 'static> EventManagerRef<E> {
    /// A new place for a manager.
    pub fn place(name: impl Into<Arc<str>>) -> EventManagerRef<E> {
        EventManagerRef(ActorRef::place(name))
    }

    /// Tells all handlers of an event, and goes on. Source: `gen_event:notify/2`.
    ///
    /// # Errors
    /// As [`ActorRef::cast`]; the event comes back.
    pub fn notify(&self, event: E) -> Result<(), SendError<E>> {
        self.0.cast(Notify(event)).map_err(|error| match error {
            SendError::Full(Notify(event)) => SendError::Full(event),
            other => SendError::NoProc(other.into_message().0),
        })
    }

    /// Tells all handlers of an event, and returns when all have had their turn. Source: `gen_event:sync_notify/2`.
    ///
    /// # Errors
    /// As [`ActorRef::call`].
    pub async fn sync_notify(&self, event: E) -> Result<(), CallError<E>> {
        self.0.call(Notify(event)).no_timeout().await.map_err(|error| error.map(|Notify(event)| event))
    }

    /// Installs a handler, behind those that are there. Source: `gen_event:add_handler/3`.
    ///
    /// # Errors
    /// `AlreadyInstalled`, `Init`, `Manager`.
    pub async fn add_handler<H: EventHandler<E>>(
        &self,
        id: impl Into<HandlerId<H>>,
        handler: H,
    ) -> Result<HandlerId<H>, HandlerError<H>> {
        self.add(id.into(), handler, None).await
    }

    /// As [`EventManagerRef::add_handler`], and the handler is tied to the actor that lives at `owner` now: when that
    /// ends the handler is removed, and when the handler goes that gets a [`HandlerExit`]. The two actors are linked
    /// meanwhile. Source: `gen_event:add_sup_handler/3`.
    ///
    /// # Errors
    /// As [`EventManagerRef::add_handler`]; `NoOwner`.
    pub async fn add_sup_handler<H: EventHandler<E>>(
        &self,
        id: impl Into<HandlerId<H>>,
        handler: H,
        owner: Recipient<HandlerExit>,
    ) -> Result<HandlerId<H>, HandlerError<H>> {
        match owned(owner) {
            Some(owner) => self.add(id.into(), handler, Some(owner)).await,
            None => Err(HandlerError::NoOwner(handler)),
        }
    }

    async fn add<H: EventHandler<E>>(
        &self,
        id: HandlerId<H>,
        handler: H,
        owner: Option<(Recipient<HandlerExit>, Pid)>,
    ) -> Result<HandlerId<H>, HandlerError<H>> {
        match self.0.call(AddHandler { id: id.clone(), handler, owner }).no_timeout().await {
            Ok(Ok(())) => Ok(id),
            Ok(Err(AddError::Taken(handler))) => Err(HandlerError::AlreadyInstalled(handler)),
            Ok(Err(AddError::Init(why))) => Err(HandlerError::Init(why)),
            Err(error) => Err(HandlerError::Manager(error.map(|add| add.handler))),
        }
    }

    /// Ends a handler, and gives it back as its `terminate` left it. Source: `gen_event:delete_handler/3`, which gives
    /// what `terminate` returns.
    ///
    /// # Errors
    /// `NotInstalled`, `Manager`.
    pub async fn delete_handler<H: EventHandler<E>>(
        &self,
        id: impl Into<HandlerId<H>>,
    ) -> Result<H, HandlerError<()>> {
        match self.0.call(DeleteHandler(id.into())).no_timeout().await {
            Ok(handler) => handler.ok_or(HandlerError::NotInstalled(())),
            Err(error) => Err(HandlerError::Manager(error.map(drop))),
        }
    }

    /// Ends a handler, and puts what `make` makes of it into its place, with no event in between. Without an old one
    /// `make` gets `None`, and what it makes goes behind the others. Whoever the old one was tied to, the new one is.
    /// Source: `gen_event:swap_handler/3`.
    ///
    /// # Errors
    /// `AlreadyInstalled`: another handler has the new id. `Init`: the old one is gone and the new one not there.
    /// `Manager`.
    pub async fn swap_handler<Old: EventHandler<E>, New: EventHandler<E>>(
        &self,
        old: impl Into<HandlerId<Old>>,
        new: impl Into<HandlerId<New>>,
        make: impl FnOnce(Option<Old>) -> New + Send + 'static,
    ) -> Result<HandlerId<New>, HandlerError<()>> {
        self.swap(old.into(), new.into(), make, None).await
    }

    /// As [`EventManagerRef::swap_handler`], and the new one is tied to the actor that lives at `owner` now.
    /// Source: `gen_event:swap_sup_handler/3`.
    ///
    /// # Errors
    /// As [`EventManagerRef::swap_handler`]; `NoOwner`.
    pub async fn swap_sup_handler<Old: EventHandler<E>, New: EventHandler<E>>(
        &self,
        old: impl Into<HandlerId<Old>>,
        new: impl Into<HandlerId<New>>,
        make: impl FnOnce(Option<Old>) -> New + Send + 'static,
        owner: Recipient<HandlerExit>,
    ) -> Result<HandlerId<New>, HandlerError<()>> {
        let owner = owned(owner).ok_or(HandlerError::NoOwner(()))?;
        self.swap(old.into(), new.into(), make, Some(owner)).await
    }

    async fn swap<Old: EventHandler<E>, New: EventHandler<E>>(
        &self,
        old: HandlerId<Old>,
        new: HandlerId<New>,
        make: impl FnOnce(Option<Old>) -> New + Send + 'static,
        owner: Option<(Recipient<HandlerExit>, Pid)>,
    ) -> Result<HandlerId<New>, HandlerError<()>> {
        let make =
            move |old: Option<Box<dyn Any + Send>>| match old.map(|old| old.downcast::<Old>()).transpose() {
                Ok(old) => Ok(Box::new(make(old.map(|old| *old))) as Box<dyn Installed<E>>),
                Err(_) => Err(Exit::error(format_args!("the old handler is no {}", type_name::<Old>()))),
            };
        let swap = SwapHandler { old: old.key(), new: new.key(), make: Box::new(make), owner };
        match self.0.call(swap).no_timeout().await {
            Ok(Ok(())) => Ok(new),
            Ok(Err(SwapError::Taken)) => Err(HandlerError::AlreadyInstalled(())),
            Ok(Err(SwapError::Init(why))) => Err(HandlerError::Init(why)),
            Err(error) => Err(HandlerError::Manager(error.map(drop))),
        }
    }

    /// Asks one handler, and waits for its answer, five seconds. Source: `gen_event:call/3`.
    ///
    /// # Errors
    /// `NotInstalled` and `Manager` with the request, `Failed`.
    pub async fn call_handler<H, R>(
        &self,
        id: impl Into<HandlerId<H>>,
        request: R,
    ) -> Result<R::Reply, HandlerError<R>>
    where
        H: HandleCall<E, R>,
        R: Message,
    {
        match self.0.call(CallHandler { id: id.into(), request }).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(CallFailed::NotInstalled(request))) => Err(HandlerError::NotInstalled(request)),
            Ok(Err(CallFailed::Failed(why))) => Err(HandlerError::Failed(why)),
            Err(error) => Err(HandlerError::Manager(error.map(|call| call.request))),
        }
    }

    /// The handlers, in the order in which they get their turns. Source: `gen_event:which_handlers/1`.
    ///
    /// # Errors
    /// As [`ActorRef::call`].
    pub async fn which_handlers(&self) -> Result<Vec<Key>, CallError<()>> {
        self.0.call(WhichHandlers(PhantomData)).no_timeout().await.map_err(|error| error.map(drop))
    }
}

fn owned(owner: Recipient<HandlerExit>) -> Option<(Recipient<HandlerExit>, Pid)> {
    let pid = owner.pid()?;
    Some((owner, pid))
}

impl<E: Send + 'static> From<ActorRef<EventManager<E>>> for EventManagerRef<E> {
    fn from(place: ActorRef<EventManager<E>>) -> EventManagerRef<E> {
        EventManagerRef(place)
    }
}

impl<E: Send + 'static> Deref for EventManagerRef<E> {
    type Target = ActorRef<EventManager<E>>;
    fn deref(&self) -> &ActorRef<EventManager<E>> {
        &self.0
    }
}

impl<E: Send + 'static> Clone for EventManagerRef<E> {
    fn clone(&self) -> EventManagerRef<E> {
        EventManagerRef(self.0.clone())
    }
}

impl<E: Send + 'static> fmt::Debug for EventManagerRef<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventManagerRef({:?})", self.0)
    }
}
