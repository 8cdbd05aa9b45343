//! What users write: handlers, and what they may ask for.

use super::manager::EventManager;
use ravelin_core::{Cx, Exit, Info, Message, Recipient};
use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// One who is told of events of type `E`; installed in an [`EventManager`], whose actor runs it.
///
/// The callbacks are not `async`: all handlers of a manager have their turn one after the other, so one that waited
/// would hold up the others and whoever comes after them. Who has slow work to do casts it to an actor of its own.
/// What is called "the end" of a handler below is its own; the manager and the others go on.
/// Source: the `gen_event` behaviour.
pub trait EventHandler<E: Send + 'static>: Sized + Send + 'static {
    /// Runs when it is installed, before any event. With an error, or a panic, it is not installed.
    ///
    /// # Errors
    /// Why not.
    fn init(&mut self, cx: &mut Cx<EventManager<E>>) -> Result<(), Exit> {
        let _ = cx;
        Ok(())
    }

    /// Handles one event.
    ///
    /// # Errors
    /// The reason of its end, as by a panic: it is removed, and that is reported.
    fn handle_event(&mut self, event: &E, cx: &mut Cx<EventManager<E>>) -> Result<Then<E>, Exit>;

    /// Handles a notice of the framework to the manager's actor; every handler gets each of them.
    ///
    /// # Errors
    /// As [`EventHandler::handle_event`].
    fn handle_info(&mut self, info: &Info, cx: &mut Cx<EventManager<E>>) -> Result<Then<E>, Exit> {
        let _ = (info, cx);
        Ok(Then::Keep)
    }

    /// Puts things in order before its end; after a panic too, but not when the manager is killed.
    fn terminate(&mut self, why: &Removal, cx: &mut Cx<EventManager<E>>) {
        let _ = (why, cx);
    }
}

/// Answers requests of type `R` that are addressed to this handler.
#[diagnostic::on_unimplemented(
    message = "the event handler `{Self}` does not answer `{R}`",
    note = "write `impl HandleCall<{E}, {R}> for {Self}` with `fn handle_call(&mut self, request, cx)`"
)]
pub trait HandleCall<E: Send + 'static, R: Message>: EventHandler<E> {
    /// Answers one request.
    ///
    /// # Errors
    /// The reason of its end, as by a panic: it is removed, that is reported, and the caller gets the reason.
    fn handle_call(&mut self, request: R, cx: &mut Cx<EventManager<E>>) -> Result<(R::Reply, Then<E>), Exit>;
}

/// What becomes of a handler after a callback.
#[must_use]
pub enum Then<E: Send + 'static> {
    /// It stays.
    Keep,
    /// It goes. Source: `remove_handler`.
    Remove,
    /// Another one takes its place; made by [`Then::swap`].
    Swap(Swap<E>),
}

/// A handler's successor, to be made of it.
pub struct Swap<E: Send + 'static> {
    pub(super) key: Key,
    pub(super) make: Make<E>,
}

/// Makes a handler, of what was there before.
pub(super) type Make<E> =
    Box<dyn FnOnce(Option<Box<dyn Any + Send>>) -> Result<Box<dyn Installed<E>>, Exit> + Send>;

impl<E: Send + 'static> Then<E> {
    /// What `make` makes of this handler takes its place, from the next event on. `Old` is the handler's own type.
    /// Source: `{swap_handler, Args1, NewState, Handler2, Args2}`.
    pub fn swap<Old: EventHandler<E>, New: EventHandler<E>>(
        id: impl Into<HandlerId<New>>,
        make: impl FnOnce(Old) -> New + Send + 'static,
    ) -> Then<E> {
        let make = move |old: Option<Box<dyn Any + Send>>| match old.map(|old| old.downcast::<Old>()) {
            Some(Ok(old)) => Ok(Box::new(make(*old)) as Box<dyn Installed<E>>),
            Some(Err(_)) | None => {
                Err(Exit::error(format_args!("it swaps itself as if it were a {}", type_name::<Old>())))
            }
        };
        Then::Swap(Swap { key: id.into().key(), make: Box::new(make) })
    }
}

impl<E: Send + 'static> fmt::Debug for Then<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Then::Keep => f.write_str("Keep"),
            Then::Remove => f.write_str("Remove"),
            Then::Swap(swap) => write!(f, "Swap({})", swap.key),
        }
    }
}

/// Why a handler ends. Source: the argument of `terminate`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Removal {
    /// It asked for it. Source: `remove_handler`.
    Asked,
    /// By `delete_handler`.
    Deleted,
    /// It failed. Source: `{error, Reason}`.
    Failed(Exit),
    /// The manager ends. Source: `stop`.
    ManagerEnds(Exit),
    /// The actor that it was tied to ended. Source: `{stop, Reason}`.
    OwnerExited(Exit),
    /// Another one takes its place.
    Swapped,
}

/// Which handler, in a manager: one of this type, under an id. Several of a type have several ids; a lone one needs
/// none, and has the empty one. Source: `Module | {Module, Id}`.
pub struct HandlerId<H> {
    id: Arc<str>,
    _handler: PhantomData<fn() -> H>,
}

impl<H: 'static> HandlerId<H> {
    /// The one of this type under this id.
    pub fn new(id: impl Into<Arc<str>>) -> HandlerId<H> {
        HandlerId { id: id.into(), _handler: PhantomData }
    }

    /// The lone one of this type.
    pub fn lone() -> HandlerId<H> {
        HandlerId::new("")
    }

    /// The same, without the type.
    pub fn key(&self) -> Key {
        Key { kind: TypeId::of::<H>(), handler: type_name::<H>(), id: self.id.clone() }
    }
}

impl<H: 'static> From<&str> for HandlerId<H> {
    fn from(id: &str) -> HandlerId<H> {
        HandlerId::new(id)
    }
}

impl<H: 'static> From<&HandlerId<H>> for HandlerId<H> {
    fn from(id: &HandlerId<H>) -> HandlerId<H> {
        id.clone()
    }
}

impl<H> Clone for HandlerId<H> {
    fn clone(&self) -> HandlerId<H> {
        HandlerId { id: self.id.clone(), _handler: PhantomData }
    }
}

impl<H: 'static> fmt::Debug for HandlerId<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerId({})", self.key())
    }
}

/// Names a handler in a manager, whatever its type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    kind: TypeId,
    handler: &'static str,
    id: Arc<str>,
}

impl Key {
    /// The name of the handler's type.
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// The id; empty for a lone one.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.id {
            "" => f.write_str(self.handler),
            id => write!(f, "{} {id}", self.handler),
        }
    }
}

/// Tells an actor that a handler that was tied to it is gone. Not sent when the actor itself ended.
/// Source: `{gen_event_EXIT, Handler, Reason}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HandlerExit {
    /// Which one.
    pub handler: Key,
    /// Why.
    pub reason: HandlerEnd,
}

impl Message for HandlerExit {
    type Reply = ();
}

/// Why a handler that was tied to an actor is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HandlerEnd {
    /// It failed.
    Failed(Exit),
    /// It was deleted, or asked for its end. Source: `normal`.
    Normal,
    /// The manager ended. Source: `shutdown`.
    Shutdown,
    /// This one took its place. Source: `{swapped, NewHandler, Pid}`.
    Swapped(Key),
}

/// Who a handler is tied to.
pub(super) type Owner = Recipient<HandlerExit>;

/// A handler of whichever type.
pub(super) trait Installed<E: Send + 'static>: Send {
    fn init(&mut self, cx: &mut Cx<EventManager<E>>) -> Result<(), Exit>;
    fn handle_event(&mut self, event: &E, cx: &mut Cx<EventManager<E>>) -> Result<Then<E>, Exit>;
    fn handle_info(&mut self, info: &Info, cx: &mut Cx<EventManager<E>>) -> Result<Then<E>, Exit>;
    fn terminate(&mut self, why: &Removal, cx: &mut Cx<EventManager<E>>);
    fn as_any(&mut self) -> &mut dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<E: Send + 'static, H: EventHandler<E>> Installed<E> for H {
    fn init(&mut self, cx: &mut Cx<EventManager<E>>) -> Result<(), Exit> {
        EventHandler::init(self, cx)
    }
    fn handle_event(&mut self, event: &E, cx: &mut Cx<EventManager<E>>) -> Result<Then<E>, Exit> {
        EventHandler::handle_event(self, event, cx)
    }
    fn handle_info(&mut self, info: &Info, cx: &mut Cx<EventManager<E>>) -> Result<Then<E>, Exit> {
        EventHandler::handle_info(self, info, cx)
    }
    fn terminate(&mut self, why: &Removal, cx: &mut Cx<EventManager<E>>) {
        EventHandler::terminate(self, why, cx);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
