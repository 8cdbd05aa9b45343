//! References that may be to another node.

use crate::accepts::Remote;
use crate::name::{NodeId, NodeName};
use crate::shell::{Aim, Hub, Letter, NotSent, Peer};
use crate::wire::Wire;
use ravelin_core::{Actor, ActorRef, Pid, SendError, Serve};
use serde::de::{Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Arc, Weak};

/// An [`ActorRef`] that may be to an actor of another node: the same verbs, for messages that are [`Wire`].
///
/// It may travel inside messages. It costs nothing until it is used: no node keeps a list of all actors, only of those
/// places that were named to others. To a place it stays good while actors restart there; to a pid it is good for that
/// incarnation; to a name for whoever has it.
pub struct Addr<A: Remote>(Kind<A>);

enum Kind<A: Remote> {
    Here { hub: Weak<Hub>, actor: ActorRef<A> },
    There { hub: Weak<Hub>, node: There, aim: Aim },
}

/// Which node.
#[derive(Clone, Debug, Eq, PartialEq)]
enum There {
    /// The life of this number.
    Life(u32),
    /// Whichever life of this name is connected.
    Name(NodeName),
    /// Whichever node is connected; the same as long as it is.
    Any,
}

/// Where a message goes.
pub(crate) enum Route<A: Actor> {
    Here(ActorRef<A>),
    There(Arc<Hub>, Arc<Peer>),
    /// It is for this node, and nobody lives there.
    Nobody,
    /// The node is not reached.
    Nowhere,
}

impl<A: Remote> Addr<A> {
    pub(crate) fn here(hub: Arc<Hub>, actor: ActorRef<A>) -> Addr<A> {
        Addr(Kind::Here { hub: Arc::downgrade(&hub), actor })
    }

    pub(crate) fn named(hub: Arc<Hub>, node: NodeName, name: Arc<str>) -> Addr<A> {
        hub.exports.know::<A>();
        Addr(Kind::There { hub: Arc::downgrade(&hub), node: There::Name(node), aim: Aim::Name(name) })
    }

    pub(crate) fn anywhere(hub: Arc<Hub>, name: Arc<str>) -> Addr<A> {
        hub.exports.know::<A>();
        Addr(Kind::There { hub: Arc::downgrade(&hub), node: There::Any, aim: Aim::Name(name) })
    }

    pub(crate) fn at(hub: Arc<Hub>, pid: Pid) -> Addr<A> {
        let node = There::Life(pid.node());
        Addr(Kind::There { hub: Arc::downgrade(&hub), node, aim: Aim::Pid(pid) })
    }

    pub(crate) fn route(&self) -> Route<A> {
        let (hub, node, aim) = match &self.0 {
            Kind::Here { actor, .. } => return Route::Here(actor.clone()),
            Kind::There { hub, node, aim } => (hub, node, aim),
        };
        let Some(hub) = hub.upgrade() else { return Route::Nowhere };
        let is_here = match node {
            There::Life(number) => *number == 0,
            There::Name(name) => *name == hub.me.name,
            There::Any => false,
        };
        if is_here {
            let pid = match aim {
                Aim::Pid(pid) => Some(*pid),
                Aim::Name(name) => hub.system.whereis(name),
                Aim::Place(_) => None,
            };
            return pid.and_then(|pid| hub.system.at::<A>(pid)).map_or(Route::Nobody, Route::Here);
        }
        let peer = match node {
            There::Life(number) => hub.peer(*number),
            There::Name(name) => hub.connected(name),
            There::Any => hub.peers().into_iter().find(|peer| peer.is_up()),
        };
        match peer {
            Some(peer) => Route::There(hub, peer),
            None => Route::Nowhere,
        }
    }

    pub(crate) fn aim(&self) -> Option<&Aim> {
        match &self.0 {
            Kind::Here { .. } => None,
            Kind::There { aim, .. } => Some(aim),
        }
    }

    /// Sends and goes on: never blocks. Ok says that it is on its way; what becomes of it on the other node is not told
    /// here, but counted there.
    ///
    /// A message to another node is written into bytes here, in the caller's time, and copied once; no hop is made.
    ///
    /// # Errors
    /// As [`ActorRef::cast`] for an actor here. For one there [`SendError::Full`] when as much waits to be sent to the
    /// node as may, [`SendError::NoConnection`] when it is not reached,
    /// [`SendError::Unfit`] when the message can not go there; the message comes back.
    pub fn cast<M: Wire>(&self, message: M) -> Result<(), SendError<M>>
    where
        A: Serve<M>,
    {
        match self.route() {
            Route::Here(actor) => actor.cast(message),
            Route::Nobody => Err(SendError::NoProc(message)),
            Route::Nowhere => Err(SendError::NoConnection(message)),
            Route::There(_, peer) => {
                let Some(aim) = self.aim() else { return Err(SendError::NoConnection(message)) };
                let flow = ravelin_core::running();
                let sent =
                    peer.write(&message, |payload| peer.cast(Letter { flow, aim, name: M::NAME, payload }));
                sent.map_err(|why| handed_back(why, message))
            }
        }
    }

    /// The incarnation, when that is what it is to, or when it is here.
    pub fn pid(&self) -> Option<Pid> {
        match &self.0 {
            Kind::Here { actor, .. } => actor.pid(),
            Kind::There { aim: Aim::Pid(pid), .. } => Some(*pid),
            Kind::There { .. } => None,
        }
    }

    /// The actor, if it is of this node.
    pub fn local(&self) -> Option<ActorRef<A>> {
        match self.route() {
            Route::Here(actor) => Some(actor),
            Route::There(..) | Route::Nobody | Route::Nowhere => None,
        }
    }
}

fn handed_back<M>(why: NotSent, message: M) -> SendError<M> {
    match why {
        NotSent::Full => SendError::Full(message),
        NotSent::NoConnection => SendError::NoConnection(message),
        NotSent::Unfit(why) => {
            tracing::debug!(target: "ravelin", message_type = std::any::type_name::<M>(), reason = why, "ravelin.cluster.unfit");
            SendError::Unfit(message)
        }
    }
}

impl<A: Remote> Clone for Addr<A> {
    fn clone(&self) -> Addr<A> {
        Addr(match &self.0 {
            Kind::Here { hub, actor } => Kind::Here { hub: hub.clone(), actor: actor.clone() },
            Kind::There { hub, node, aim } => {
                Kind::There { hub: hub.clone(), node: node.clone(), aim: aim.clone() }
            }
        })
    }
}

impl<A: Remote> fmt::Debug for Addr<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Here { actor, .. } => f.debug_tuple("Addr").field(actor).finish(),
            Kind::There { node, aim, .. } => f.debug_tuple("Addr").field(node).field(aim).finish(),
        }
    }
}

/// As it travels.
#[derive(Deserialize, Serialize)]
enum Written {
    /// A place of the node whose number the pid has; its slot and serial say nothing.
    Place(Pid, u64),
    Pid(Pid),
    Name(Option<Pid>, String, String),
}

impl<A: Remote> Serialize for Addr<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |number| Pid::from_parts(number, 0, 1);
        let written = match &self.0 {
            Kind::Here { hub, actor } => {
                let hub = hub.upgrade().ok_or_else(|| S::Error::custom("the node is gone"))?;
                let number = hub.exports.export(&hub.system, actor);
                let number = number.ok_or_else(|| S::Error::custom("the place belongs to another system"))?;
                Written::Place(of(0), number)
            }
            Kind::There { aim: Aim::Pid(pid), .. } => Written::Pid(*pid),
            Kind::There { node: There::Life(number), aim: Aim::Place(place), .. } => {
                Written::Place(of(*number), *place)
            }
            Kind::There { node, aim: Aim::Name(name), .. } => match node {
                There::Name(node) => Written::Name(None, node.to_string(), name.to_string()),
                There::Life(number) => Written::Name(Some(of(*number)), String::new(), name.to_string()),
                There::Any => {
                    return Err(S::Error::custom("which node it is on is another one for each client"));
                }
            },
            Kind::There { aim: Aim::Place(_), .. } => {
                return Err(S::Error::custom("a place is of one life of a node"));
            }
        };
        written.serialize(serializer)
    }
}

impl<'de, A: Remote> Deserialize<'de> for Addr<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Addr<A>, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let hub = crate::shell::reading_hub()
            .ok_or_else(|| D::Error::custom("an Addr is read only while a message crosses between nodes"))?;
        let weak = Arc::downgrade(&hub);
        let there = |node, aim| Ok(Addr(Kind::There { hub: weak.clone(), node, aim }));
        match written {
            Written::Pid(pid) => there(There::Life(pid.node()), Aim::Pid(pid)),
            Written::Place(of, number) if of.node() == 0 => {
                let export = hub.exports.place(number);
                let actor = export.as_ref().and_then(|export| export.place.downcast_ref::<ActorRef<A>>());
                let actor = actor.ok_or_else(|| D::Error::custom("no such place was named by this node"))?;
                Ok(Addr(Kind::Here { hub: weak, actor: actor.clone() }))
            }
            Written::Place(of, number) => there(There::Life(of.node()), Aim::Place(number)),
            Written::Name(Some(of), _, name) => there(There::Life(of.node()), Aim::Name(name.into())),
            Written::Name(None, node, name) => {
                let node = NodeName::new(&node).map_err(D::Error::custom)?;
                there(There::Name(node), Aim::Name(name.into()))
            }
        }
    }
}

impl<A: Remote> Addr<A> {
    /// Which node it is on, as far as that is known without asking.
    pub fn node(&self) -> Option<NodeId> {
        match &self.0 {
            Kind::Here { hub, .. } => hub.upgrade().map(|hub| hub.me.clone()),
            Kind::There { hub, node: There::Life(number), .. } => {
                hub.upgrade()?.roster.life(*number).map(|life| NodeId::clone(&life))
            }
            Kind::There { .. } => None,
        }
    }
}
