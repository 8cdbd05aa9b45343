//! The manager: an actor that has a list of handlers and gives each event to all of them, one after the other.

use super::handler::{
    EventHandler, HandleCall, HandlerEnd, HandlerExit, HandlerId, Installed, Key, Make, Owner, Removal, Swap,
    Then,
};
use ravelin_core::{Actor, Cx, Exit, Handle, Info, Message, Pid, TrapExits, isolate};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

/// An actor that tells its handlers of events; reached by an [`EventManagerRef`](super::EventManagerRef).
pub struct EventManager<E: Send + 'static> {
    /// In the order in which they were added.
    handlers: Vec<Entry<E>>,
}

struct Entry<E: Send + 'static> {
    key: Key,
    handler: Box<dyn Installed<E>>,
    /// Who it is tied to, and which incarnation.
    owner: Option<(Owner, Pid)>,
}

/// The handlers that each incarnation of a manager begins with: its `Args`.
pub struct Handlers<E: Send + 'static>(Vec<(Key, Box<dyn Installed<E>>)>);

impl<E: Send + 'static> Handlers<E> {
    /// None.
    pub fn none() -> Handlers<E> {
        Handlers(Vec::new())
    }

    /// And this one. When its `init` fails, or another one has its id, the manager's start does.
    pub fn with<H: EventHandler<E>>(mut self, id: impl Into<HandlerId<H>>, handler: H) -> Handlers<E> {
        self.0.push((id.into().key(), Box::new(handler)));
        self
    }
}

impl<E: Send + 'static> fmt::Debug for Handlers<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

impl<E: Send + 'static> Actor for EventManager<E> {
    type Args = Handlers<E>;

    async fn init(Handlers(first): Handlers<E>, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        let mut manager = EventManager { handlers: Vec::new() };
        for (key, handler) in first {
            let name = key.to_string();
            if manager.position(&key).is_some() {
                return Err(Exit::invalid_spec(format_args!("handlers: two of them are {name}")));
            }
            manager.install(None, key, handler, None, cx).map_err(|why| Exit::start_failed(name, why))?;
        }
        Ok(manager)
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        while !self.handlers.is_empty() {
            self.end(0, Removal::ManagerEnds(why.clone()), HandlerEnd::Shutdown, cx);
        }
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Info::Exit { from, reason } = &info {
            while let Some(at) = self.handlers.iter().position(|entry| entry.is_of(*from)) {
                let why = Removal::OwnerExited(reason.clone());
                self.handlers[at].owner = None; // nobody is to be told
                cx.unlink(*from);
                self.end(at, why, HandlerEnd::Normal, cx);
            }
        }
        self.each(cx, |handler, cx| handler.handle_info(&info, cx));
    }
}

impl<E: Send + 'static> Entry<E> {
    fn is_of(&self, owner: Pid) -> bool {
        self.owner.as_ref().is_some_and(|(_, pid)| *pid == owner)
    }
}

impl<E: Send + 'static> EventManager<E> {
    fn position(&self, key: &Key) -> Option<usize> {
        self.handlers.iter().position(|entry| entry.key == *key)
    }

    /// Gives each handler its turn.
    fn each(
        &mut self,
        cx: &mut Cx<Self>,
        mut turn: impl FnMut(&mut dyn Installed<E>, &mut Cx<Self>) -> Result<Then<E>, Exit>,
    ) {
        let mut at = 0;
        while let Some(entry) = self.handlers.get_mut(at) {
            let then = isolate(|| turn(&mut *entry.handler, cx)).and_then(|then| then);
            if self.obey(at, then, cx) {
                at += 1;
            }
        }
    }

    /// Does what a handler wants, or what its failure means. Whether there is a handler at its place now.
    fn obey(&mut self, at: usize, then: Result<Then<E>, Exit>, cx: &mut Cx<Self>) -> bool {
        match then {
            Ok(Then::Keep) => true,
            Ok(Then::Remove) => {
                self.end(at, Removal::Asked, HandlerEnd::Normal, cx);
                false
            }
            Ok(Then::Swap(Swap { key, make })) => {
                let owner = self.handlers[at].owner.clone();
                match self.swap(Some(at), key.clone(), make, owner, cx) {
                    Ok(()) => true,
                    Err(SwapError::Taken) => {
                        let why =
                            Exit::error(format_args!("it swaps itself for {key}, which is there already"));
                        self.fail(at, why, cx);
                        false
                    }
                    Err(SwapError::Init(why)) => {
                        report(&key, &why, cx);
                        false
                    }
                }
            }
            Err(why) => {
                self.fail(at, why, cx);
                false
            }
        }
    }

    fn fail(&mut self, at: usize, why: Exit, cx: &mut Cx<Self>) {
        report(&self.handlers[at].key, &why, cx);
        self.end(at, Removal::Failed(why.clone()), HandlerEnd::Failed(why), cx);
    }

    /// As `remove`, and drops what is left.
    fn end(&mut self, at: usize, why: Removal, end: HandlerEnd, cx: &mut Cx<Self>) {
        let key = self.handlers[at].key.clone();
        let handler = self.remove(at, why, end, cx);
        discard(&key, handler, cx);
    }

    /// Ends a handler: `terminate`, then its owner learns of it. Gives what is left of it.
    fn remove(
        &mut self,
        at: usize,
        why: Removal,
        end: HandlerEnd,
        cx: &mut Cx<Self>,
    ) -> Box<dyn Installed<E>> {
        let Entry { key, mut handler, owner } = self.handlers.remove(at);
        if let Err(panic) = isolate(|| handler.terminate(&why, cx)) {
            report(&key, &panic, cx);
        }
        if let Some((owner, pid)) = owner {
            if !self.handlers.iter().any(|entry| entry.is_of(pid)) {
                cx.unlink(pid);
            }
            tell(owner, pid, HandlerExit { handler: key, reason: end }, cx);
        }
        handler
    }

    /// Installs a handler at a place in the list, or at its end.
    fn install(
        &mut self,
        at: Option<usize>,
        key: Key,
        mut handler: Box<dyn Installed<E>>,
        owner: Option<(Owner, Pid)>,
        cx: &mut Cx<Self>,
    ) -> Result<(), Exit> {
        if let Err(why) = isolate(|| handler.init(cx)).and_then(|ready| ready) {
            discard(&key, handler, cx);
            return Err(why);
        }
        if let Some((_, pid)) = &owner {
            cx.link(*pid);
        }
        let at = at.unwrap_or(self.handlers.len());
        self.handlers.insert(at, Entry { key, handler, owner });
        Ok(())
    }

    fn swap(
        &mut self,
        at: Option<usize>,
        key: Key,
        make: Make<E>,
        owner: Option<(Owner, Pid)>,
        cx: &mut Cx<Self>,
    ) -> Result<(), SwapError> {
        if self.position(&key).is_some_and(|taken| Some(taken) != at) {
            return Err(SwapError::Taken);
        }
        let end = HandlerEnd::Swapped(key.clone());
        let old = at.map(|at| self.remove(at, Removal::Swapped, end, cx).into_any());
        let made = isolate(|| make(old)).and_then(|new| new);
        made.and_then(|new| self.install(at, key.clone(), new, owner.clone(), cx)).map_err(|why| {
            if let Some((owner, pid)) = owner {
                tell(owner, pid, HandlerExit { handler: key, reason: HandlerEnd::Failed(why.clone()) }, cx);
            }
            SwapError::Init(why)
        })
    }
}

/// Drops what is left of a handler: a panic of its destructor is nobody else's business.
fn discard<E: Send + 'static>(key: &Key, handler: Box<dyn Installed<E>>, cx: &Cx<EventManager<E>>) {
    if let Err(panic) = isolate(|| drop(handler)) {
        report(key, &panic, cx);
    }
}

/// A handler failed, and is gone.
fn report<E: Send + 'static>(key: &Key, reason: &Exit, cx: &Cx<EventManager<E>>) {
    let (manager, handler, id) = (cx.pid(), key.handler(), key.id());
    tracing::warn!(target: "ravelin", %manager, handler, id, %reason, "ravelin.handler_removed");
}

/// Tells an owner, unless another incarnation is in its place by now. One whose mailbox is full is told when it has room.
fn tell<E: Send + 'static>(owner: Owner, pid: Pid, exit: HandlerExit, cx: &mut Cx<EventManager<E>>) {
    if owner.pid() != Some(pid) {
        return;
    }
    if let Err(ravelin_core::SendError::Full(exit)) = owner.cast(exit) {
        cx.pipe(async move { owner.send(exit).await.is_ok() }, |_| Told);
    }
}

/// An owner with a full mailbox was told.
struct Told;
impl Message for Told {
    type Reply = ();
}

impl<E: Send + 'static> Handle<Told> for EventManager<E> {
    async fn handle(&mut self, _: Told, _: &mut Cx<Self>) {}
}

/// Why a swap failed.
pub(super) enum SwapError {
    /// Another handler has the new one's id; nothing has changed.
    Taken,
    /// The new one did not start; the old one is gone.
    Init(Exit),
}

/// An event, as a message to the manager's actor: for its timers and pipes, from a handler, as in
/// `cx.send_after(wait, Notify(event))`. Others use [`EventManagerRef::notify`](super::EventManagerRef::notify).
pub struct Notify<E>(pub E);

impl<E: Send + 'static> Message for Notify<E> {
    type Reply = ();
}

impl<E: Send + 'static> Handle<Notify<E>> for EventManager<E> {
    async fn handle(&mut self, Notify(event): Notify<E>, cx: &mut Cx<Self>) {
        self.each(cx, |handler, cx| handler.handle_event(&event, cx));
    }
}

pub(super) struct AddHandler<H> {
    pub(super) id: HandlerId<H>,
    pub(super) handler: H,
    pub(super) owner: Option<(Owner, Pid)>,
}

/// Why a handler was not added.
pub(super) enum AddError<H> {
    Taken(H),
    Init(Exit),
}

impl<H: Send + 'static> Message for AddHandler<H> {
    type Reply = Result<(), AddError<H>>;
}

impl<E: Send + 'static, H: EventHandler<E>> Handle<AddHandler<H>> for EventManager<E> {
    async fn handle(&mut self, add: AddHandler<H>, cx: &mut Cx<Self>) -> Result<(), AddError<H>> {
        let key = add.id.key();
        if self.position(&key).is_some() {
            return Err(AddError::Taken(add.handler));
        }
        self.install(None, key, Box::new(add.handler), add.owner, cx).map_err(AddError::Init)
    }
}

pub(super) struct DeleteHandler<H>(pub(super) HandlerId<H>);

impl<H: Send + 'static> Message for DeleteHandler<H> {
    type Reply = Option<H>;
}

impl<E: Send + 'static, H: EventHandler<E>> Handle<DeleteHandler<H>> for EventManager<E> {
    async fn handle(&mut self, DeleteHandler(id): DeleteHandler<H>, cx: &mut Cx<Self>) -> Option<H> {
        let at = self.position(&id.key())?;
        let handler = self.remove(at, Removal::Deleted, HandlerEnd::Normal, cx);
        handler.into_any().downcast::<H>().ok().map(|handler| *handler)
    }
}

pub(super) struct SwapHandler<E: Send + 'static> {
    pub(super) old: Key,
    pub(super) new: Key,
    pub(super) make: Make<E>,
    /// None: whoever the old one was tied to.
    pub(super) owner: Option<(Owner, Pid)>,
}

impl<E: Send + 'static> Message for SwapHandler<E> {
    type Reply = Result<(), SwapError>;
}

impl<E: Send + 'static> Handle<SwapHandler<E>> for EventManager<E> {
    async fn handle(&mut self, swap: SwapHandler<E>, cx: &mut Cx<Self>) -> Result<(), SwapError> {
        let at = self.position(&swap.old);
        let before = at.and_then(|at| self.handlers[at].owner.clone());
        self.swap(at, swap.new, swap.make, swap.owner.or(before), cx)
    }
}

pub(super) struct CallHandler<H, R> {
    pub(super) id: HandlerId<H>,
    pub(super) request: R,
}

/// Why a handler gave no answer.
pub(super) enum CallFailed<R> {
    NotInstalled(R),
    Failed(Exit),
}

impl<H: 'static, R: Message> Message for CallHandler<H, R> {
    type Reply = Result<R::Reply, CallFailed<R>>;
}

impl<E, H, R> Handle<CallHandler<H, R>> for EventManager<E>
where
    E: Send + 'static,
    H: HandleCall<E, R>,
    R: Message,
{
    async fn handle(
        &mut self,
        call: CallHandler<H, R>,
        cx: &mut Cx<Self>,
    ) -> Result<R::Reply, CallFailed<R>> {
        let at = self.position(&call.id.key());
        let handler = at.and_then(|at| <dyn Any>::downcast_mut::<H>(self.handlers[at].handler.as_any()));
        let (Some(at), Some(handler)) = (at, handler) else {
            return Err(CallFailed::NotInstalled(call.request));
        };
        match isolate(|| handler.handle_call(call.request, cx)).and_then(|answer| answer) {
            Ok((answer, then)) => {
                self.obey(at, Ok(then), cx);
                Ok(answer)
            }
            Err(why) => {
                self.fail(at, why.clone(), cx);
                Err(CallFailed::Failed(why))
            }
        }
    }
}

pub(super) struct WhichHandlers<E>(pub(super) PhantomData<fn(E)>);

impl<E: Send + 'static> Message for WhichHandlers<E> {
    type Reply = Vec<Key>;
}

impl<E: Send + 'static> Handle<WhichHandlers<E>> for EventManager<E> {
    async fn handle(&mut self, _: WhichHandlers<E>, _: &mut Cx<Self>) -> Vec<Key> {
        self.handlers.iter().map(|entry| entry.key.clone()).collect()
    }
}
