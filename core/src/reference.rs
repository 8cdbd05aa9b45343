//! References: how one gets hold of an actor to send to it.

use crate::actor::{Actor, Call as CallPayload, Cast, Serve};
use crate::call::Call;
use crate::cell::{Gate, TypedRef};
use crate::error::SendError;
use crate::exit::Exit;
use crate::id::Pid;
use crate::ledger::Ledger;
use crate::message::Message;
use crate::reply::reply;
use crate::send::Sending;
use ravelin_mailbox::Refused;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;

/// The typed handle of a *place* where an actor of type `A` lives: it exists before its actor, survives restarts, and
/// always reaches the present incarnation.
///
/// Cheap to clone. Dropping the last one stops nothing: an actor lives until it ends, or is ended. What is sent while
/// nobody lives at the place is handed back.
///
/// ```
/// # use ravelin_core::{Actor, Cx, Exit, Handle, Message, ActorRef, SendError, System};
/// # use ravelin_core::runtimes::Local;
/// # struct Hi; impl Message for Hi { type Reply = &'static str; }
/// # struct Host; impl Actor for Host { type Args = ();
/// #   async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Host) } }
/// # impl Handle<Hi> for Host { async fn handle(&mut self, _: Hi, _: &mut Cx<Self>) -> &'static str { "hello" } }
/// # let local = Local::new();
/// # let system = System::new(local.clone());
/// # local.block_on(async move {
/// let host = ActorRef::<Host>::place("host");
/// assert!(matches!(host.cast(Hi), Err(SendError::NoProc(Hi))));
/// system.start(&host, ()).await.unwrap();
/// assert_eq!(host.call(Hi).await.unwrap(), "hello");
/// # system.shut_down_all(std::time::Duration::from_secs(1)).await;
/// # });
/// ```
pub struct ActorRef<A: Actor> {
    pub(crate) typed: TypedRef<A>,
}

impl<A: Actor> ActorRef<A> {
    /// A new place, where nobody lives yet. The name is for people and tools, and a child's id; it is not registered.
    pub fn place(name: impl Into<Arc<str>>) -> ActorRef<A> {
        ActorRef { typed: TypedRef::new(Some(name.into())) }
    }

    /// A new place without a name.
    pub fn unnamed() -> ActorRef<A> {
        ActorRef { typed: TypedRef::new(None) }
    }

    /// The name of the place.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.typed.cell().header().name()
    }

    /// The incarnation that lives there now.
    pub fn pid(&self) -> Option<Pid> {
        self.typed.cell().header().pid()
    }

    /// Whether somebody lives there now.
    pub fn is_alive(&self) -> bool {
        self.pid().is_some()
    }

    /// Sends and goes on: never blocks. Source: `gen_server:cast/2`.
    ///
    /// # Errors
    /// The mailbox refused, or nobody lives there; the message comes back.
    #[inline]
    pub fn cast<M: Message>(&self, message: M) -> Result<(), SendError<M>>
    where
        A: Serve<M>,
    {
        match self.typed.push(Cast(message)) {
            Ok(()) => Ok(()),
            Err(Refused::Closed(Cast(message))) => Err(SendError::NoProc(message)),
            Err(Refused::Full(Cast(message))) => Err(SendError::Full(message)),
        }
    }

    /// Sends, waiting for room in the mailbox if its policy is to wait; senders get room in the order in which they
    /// began to wait.
    ///
    /// # Errors
    /// As [`ActorRef::cast`].
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent.
    #[inline]
    pub fn send<M: Message>(&self, message: M) -> Sending<'_, M>
    where
        A: Serve<M>,
    {
        Sending::new(self.typed.port(), message)
    }

    /// Sends and waits for the answer, five seconds if nothing else is said. A call always ends.
    /// Source: `gen_server:call/2,3`.
    #[inline]
    pub fn call<M: Message>(&self, message: M) -> Call<'_, M>
    where
        A: Serve<M>,
    {
        Call::new(self.typed.port(), message)
    }

    /// This place, seen through one type of message.
    pub fn recipient<M: Message>(&self) -> Recipient<M>
    where
        A: Serve<M>,
    {
        Recipient { cast: self.typed.gate(), call: self.typed.gate() }
    }

    /// Waits until an incarnation is up at the place, and gives it; at once when one is. For a caller that was told
    /// [`NoProc`](SendError::NoProc) while a restart was under way. May wait for ever: bound it with
    /// [`within`](crate::within).
    pub async fn ready(&self) -> Pid {
        loop {
            let (guest, mut pid) = reply();
            let up = self.typed.cell().header().mailbox.with(|_, life| {
                let up = life.pid.filter(|_| life.is_up);
                if up.is_none() {
                    let guests = &mut life.company().guests;
                    guests.retain(|guest| guest.is_awaited());
                    guests.push(guest);
                }
                up
            });
            if let Some(pid) = up {
                return pid;
            }
            if let Ok(pid) = poll_fn(|cx| pid.poll(cx)).await {
                return pid;
            }
        }
    }

    /// What the mailbox kept when the last incarnation ended ([`Start::keep_mailbox`](crate::Start::keep_mailbox)) becomes
    /// dead letters, and the calls among it end with the reason of that end. Gives how many messages there were; none, and
    /// nothing happens, if somebody lives there.
    pub fn bury_kept(&self) -> usize {
        self.typed.cell().header().bury_kept()
    }

    /// How many messages wait.
    pub fn mailbox_len(&self) -> usize {
        self.typed.cell().header().mailbox.len() as usize
    }

    /// The fates of all messages that this place ever accepted.
    pub fn ledger(&self) -> Ledger {
        self.typed.cell().header().ledger()
    }

    /// The reason of the last end of an actor at this place.
    pub fn last_exit(&self) -> Option<Exit> {
        self.typed.cell().header().mailbox.with(|_, life| life.last_exit())
    }
}

impl<A: Actor> Clone for ActorRef<A> {
    #[inline]
    fn clone(&self) -> ActorRef<A> {
        ActorRef { typed: self.typed.clone() }
    }
}

impl<A: Actor> PartialEq for ActorRef<A> {
    /// The same place.
    fn eq(&self, other: &ActorRef<A>) -> bool {
        self.typed.cell().ptr() == other.typed.cell().ptr()
    }
}

impl<A: Actor> Eq for ActorRef<A> {}

impl<A: Actor> fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActorRef").field(&self.name()).field(&self.pid()).finish()
    }
}

/// A place, seen through one type of message: whoever handles `M` may live there.
pub struct Recipient<M: Message> {
    cast: Gate<Cast<M>>,
    call: Gate<CallPayload<M>>,
}

impl<M: Message> Recipient<M> {
    /// The incarnation that lives there now.
    pub fn pid(&self) -> Option<Pid> {
        self.cast.cell().header().pid()
    }

    /// As [`ActorRef::cast`].
    ///
    /// # Errors
    /// The mailbox refused, or nobody lives there; the message comes back.
    pub fn cast(&self, message: M) -> Result<(), SendError<M>> {
        match self.cast.port().push(Cast(message)) {
            Ok(()) => Ok(()),
            Err(Refused::Closed(Cast(message))) => Err(SendError::NoProc(message)),
            Err(Refused::Full(Cast(message))) => Err(SendError::Full(message)),
        }
    }

    /// As [`ActorRef::send`].
    pub fn send(&self, message: M) -> impl Future<Output = Result<(), SendError<M>>> + '_ {
        Sending::new(self.cast.port(), message)
    }

    /// As [`ActorRef::call`].
    pub fn call(&self, message: M) -> Call<'_, M> {
        Call::new(self.call.port(), message)
    }
}

impl<M: Message> Clone for Recipient<M> {
    fn clone(&self) -> Recipient<M> {
        Recipient { cast: self.cast.clone(), call: self.call.clone() }
    }
}

impl<M: Message> fmt::Debug for Recipient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({:?})", self.pid())
    }
}
