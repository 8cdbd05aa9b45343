//! What actors accept from other nodes: tables from names on the wire to code that reads a message and hands it over.

use crate::wire::{self, Codec, Undecodable, Wire};
use futures::FutureExt;
use futures::future::BoxFuture;
use ravelin_core::{Actor, ActorRef, CallError, Caller, Message, Pid, Returned, SendError, Serve, System};
use std::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// An actor that other nodes may send to: it says which messages it accepts from there.
///
/// What is not on the list does not reach it: a call is answered with [`CallError::NotUnderstood`], a cast is counted.
///
/// ```
/// # use ravelin_cluster::{Accepts, Bincode, Remote, Wire};
/// # use ravelin_core::{Actor, Cx, Exit, Handle, Message};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Add(i64);
/// # impl Message for Add { type Reply = i64; }
/// # impl Wire for Add { const NAME: &'static str = "counter.add"; type Codec = Bincode; }
/// # struct Counter(i64);
/// # impl Actor for Counter {
/// #     type Args = ();
/// #     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Counter(0)) }
/// # }
/// # impl Handle<Add> for Counter {
/// #     async fn handle(&mut self, add: Add, _: &mut Cx<Self>) -> i64 { self.0 += add.0; self.0 }
/// # }
/// impl Remote for Counter {
///     fn accepts(messages: &mut Accepts<Counter>) {
///         messages.add::<Add>();
///     }
/// }
/// ```
pub trait Remote: Actor {
    /// Puts the messages on the list.
    fn accepts(messages: &mut Accepts<Self>);
}

/// The messages that an actor accepts from other nodes.
pub struct Accepts<A: Remote> {
    rows: BTreeMap<&'static str, Row>,
    _of: PhantomData<fn(A)>,
}

impl<A: Remote> Accepts<A> {
    /// It accepts this message too.
    pub fn add<M: Wire>(&mut self) -> &mut Self
    where
        A: Serve<M>,
    {
        let row =
            Row { here: here::<A, M>, cast: cast::<A, M>, send: send::<A, M>, request: request::<A, M> };
        self.rows.insert(M::NAME, row);
        self
    }
}

impl<A: Remote> fmt::Debug for Accepts<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.rows.keys()).finish()
    }
}

/// What one type of actor does with one type of message.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// A cast of this node's: the value is an `Option` with the message in it.
    pub(crate) here: fn(&Target<'_>, &mut dyn Any) -> Result<(), CallError<()>>,
    pub(crate) cast: fn(&Target<'_>, &[u8]) -> Result<(), CallError<()>>,
    pub(crate) send: fn(&Target<'_>, &[u8]) -> Given,
    pub(crate) request: Requests,
}

/// Hands a request over, of which the caller waits so long, or as long as it takes.
type Requests = fn(&Target<'_>, &[u8], Option<Duration>, &Arc<dyn Desk>) -> Given;

/// What became of it: the mailbox has it, or there is a wait for room, or it was refused.
type Given = Result<Option<Room>, CallError<()>>;

/// A wait for room in a mailbox.
pub(crate) type Room = BoxFuture<'static, Result<(), CallError<()>>>;

/// One request of another node.
pub(crate) trait Desk: Send + Sync {
    /// Keeps the caller until there is an answer, or it waits no longer. False: too many are kept already.
    fn keep(&self, caller: Caller) -> bool;
    /// The answer, or why there is none. Called by whoever answers.
    fn answer(&self, answer: Result<&dyn Bytes, CallError<()>>);
}

/// A value that appends its bytes.
pub(crate) trait Bytes {
    fn append(&self, out: &mut Vec<u8>) -> Result<(), Undecodable>;
}

/// Whom a message is for.
pub(crate) struct Target<'a> {
    pub(crate) system: &'a System,
    pub(crate) at: At<'a>,
}

pub(crate) enum At<'a> {
    /// An incarnation.
    Pid(Pid),
    /// A place: an `ActorRef` of the type whose table this is.
    Place(&'a dyn Any),
}

impl Target<'_> {
    /// The place, and the only incarnation there that it is for.
    fn find<A: Actor>(&self) -> Result<(ActorRef<A>, Option<Pid>), CallError<()>> {
        let found = match self.at {
            At::Pid(pid) => self.system.at::<A>(pid).map(|place| (place, Some(pid))),
            At::Place(place) => place.downcast_ref::<ActorRef<A>>().map(|place| (place.clone(), None)),
        };
        found.ok_or(CallError::NoProc(()))
    }
}

fn read<M: Wire>(payload: &[u8]) -> Result<M, CallError<()>> {
    wire::read::<M::Codec, M>(payload)
        .map_err(|why| CallError::NotUnderstood(format!("`{}` could not be read: {why}", M::NAME).into()))
}

fn refused<M>(why: SendError<M>) -> CallError<()> {
    match why {
        SendError::Full(_) => CallError::Full(()),
        _ => CallError::NoProc(()),
    }
}

fn here<A: Remote + Serve<M>, M: Wire>(
    target: &Target<'_>,
    message: &mut dyn Any,
) -> Result<(), CallError<()>> {
    let (place, only) = target.find::<A>()?;
    let Some(message) = message.downcast_mut::<Option<M>>().and_then(Option::take) else {
        let why = format!("two messages are called `{}`: give each a name of its own", M::NAME);
        return Err(CallError::NotUnderstood(why.into()));
    };
    match only {
        Some(pid) => place.only(pid).cast(message),
        None => place.cast(message),
    }
    .map_err(refused)
}

fn cast<A: Remote + Serve<M>, M: Wire>(target: &Target<'_>, payload: &[u8]) -> Result<(), CallError<()>> {
    let (place, only) = target.find::<A>()?;
    let message = read::<M>(payload)?;
    match only {
        Some(pid) => place.only(pid).cast(message),
        None => place.cast(message),
    }
    .map_err(refused)
}

/// As a cast, but where the mailbox is to wait for room, it waits.
fn send<A: Remote + Serve<M>, M: Wire>(target: &Target<'_>, payload: &[u8]) -> Given {
    let (place, only) = target.find::<A>()?;
    let message = read::<M>(payload)?;
    let sent = match only {
        Some(pid) => place.only(pid).cast(message),
        None => place.cast(message),
    };
    match sent {
        Ok(()) => Ok(None),
        Err(SendError::Full(message)) => {
            let sent = async move {
                match only {
                    Some(pid) => place.only(pid).send(message).await,
                    None => place.send(message).await,
                }
            };
            Ok(Some(Box::pin(sent.map(|sent| sent.map_err(refused)))))
        }
        Err(why) => Err(refused(why)),
    }
}

fn request<A: Remote + Serve<M>, M: Wire>(
    target: &Target<'_>,
    payload: &[u8],
    budget: Option<Duration>,
    desk: &Arc<dyn Desk>,
) -> Given {
    let (place, only) = target.find::<A>()?;
    let message = read::<M>(payload)?;
    let back = desk.clone();
    let (reply, caller) =
        target.system.reply_to(budget, move |answer: Result<M::Reply, CallError<()>>| match answer {
            Ok(answer) => back.answer(Ok(&Answer::<M>(answer))),
            Err(why) => back.answer(Err(why)),
        });
    caller.asks(&place);
    // Before the request goes: its answer may be there at once.
    if !desk.keep(caller) {
        return Err(CallError::Full(()));
    }
    let sent = match only {
        Some(pid) => place.only(pid).cast_request(message, reply),
        None => place.cast_request(message, reply),
    };
    match sent {
        Ok(()) => Ok(None),
        Err(SendError::Full((message, reply))) => Ok(Some(Box::pin(async move {
            let sent = match only {
                Some(pid) => place.only(pid).send_request(message, reply).await,
                None => place.send_request(message, reply).await,
            };
            sent.map_err(fail)
        }))),
        Err(why) => {
            fail(why);
            Ok(None)
        }
    }
}

/// Ends the call of a request that was not taken.
fn fail<M: Message>(why: Returned<M>) -> CallError<()> {
    let is_full = matches!(why, SendError::Full(_));
    let why_not = if is_full { CallError::Full(()) } else { CallError::NoProc(()) };
    let (_, reply) = why.into_message();
    reply.fail(why_not.clone());
    why_not
}

struct Answer<M: Wire>(M::Reply);

impl<M: Wire> Bytes for Answer<M> {
    fn append(&self, out: &mut Vec<u8>) -> Result<(), Undecodable> {
        M::Codec::encode(&self.0, out)
    }
}

/// The list of one type of actor, whose type is forgotten.
pub(crate) struct Table {
    pub(crate) actor: &'static str,
    rows: BTreeMap<&'static str, Row>,
}

impl Table {
    /// The list of this actor, and which actor it is.
    pub(crate) fn of<A: Remote>() -> (TypeId, Table) {
        let mut accepts = Accepts { rows: BTreeMap::new(), _of: PhantomData };
        A::accepts(&mut accepts);
        (TypeId::of::<A>(), Table { actor: type_name::<A>(), rows: accepts.rows })
    }

    /// What is done with the message of this name.
    pub(crate) fn row(&self, message: &str) -> Result<Row, CallError<()>> {
        self.rows.get(message).copied().ok_or_else(|| {
            let actor = self.actor;
            CallError::NotUnderstood(
                format!("`{actor}` accepts no `{message}` from other nodes: see Remote::accepts").into(),
            )
        })
    }
}
