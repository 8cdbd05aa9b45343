//! A line: what is kept of a connection outside its actor.
//!
//! The socket, the bytes that were read and not understood yet, the requests that wait for answers, the bytes that
//! were not sent yet: all that a client would miss is here, and the connection actor only works on it. So an actor
//! that is killed takes nothing along, and its successor goes on in the middle of a reply.
//!
//! Others never touch any of that. They leave what they have for the client (`deliver`, `publish`) and wake the
//! actor, so nobody waits for somebody else's socket.

mod dialogue;
mod errand;
mod requests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;

use crate::command::{KeyCommand, PubSub};
use crate::net::Socket;
use crate::reply::Reply;
use crate::route::Partitions;
use crate::topic::{Kind, Topic, meant};
pub use dialogue::{Dialogue, Whom};
pub use errand::{Asked, Done, End, Errand, Outcome};

/// The most bytes of published messages that wait for a client.
pub const PUBLISHED_LIMIT: usize = 8 << 20;

/// A connection without its actor.
pub struct Line {
    id: i64,
    name: Arc<str>,
    /// Only the present incarnation of the connection actor works on it, so it is free whenever it is wanted.
    wire: Mutex<Wire>,
    arrivals: Mutex<Arrivals>,
}

/// What the connection actor works on.
pub struct Wire {
    pub socket: Socket,
    pub dialogue: Dialogue,
}

/// What others have left for the client.
#[derive(Default)]
struct Arrivals {
    deliveries: Vec<Delivery>,
    waker: Option<Waker>,
    /// What the hub sends messages of. The hub's own table is an index of these, so a new hub makes
    /// it again from them.
    subscribed: BTreeSet<Topic>,
    /// The bytes of the messages among the deliveries.
    published: usize,
    /// The line is closed, or closing: it takes no more messages.
    is_deaf: bool,
}

/// Something for a line.
#[derive(Debug)]
pub enum Delivery {
    /// What became of an errand to a partition.
    Keys(Outcome<KeyCommand>),
    /// What became of an errand to the hub.
    Words(Outcome<PubSub>),
    /// A published message.
    Published(Reply),
    /// The client reads too slowly, and messages had to be left out.
    Overflow,
    /// The server ends.
    End,
}

impl Line {
    /// `id` is never given twice.
    pub fn new(id: i64, socket: Socket, partitions: Partitions) -> Line {
        let wire = Wire { socket, dialogue: Dialogue::new(id, partitions) };
        let name = format!("connection-{id}").into();
        Line { id, name, wire: Mutex::new(wire), arrivals: Mutex::default() }
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    /// The name of the actor that works on it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The wire, for the connection actor. `None` when a predecessor panicked while it worked on it: what is left
    /// can't be trusted, and the line is to be closed.
    pub fn wire(&self) -> Option<MutexGuard<'_, Wire>> {
        self.wire.lock().ok()
    }

    /// Takes what has arrived. If that is nothing, `waker` is woken when something does.
    pub fn take_deliveries(&self, waker: &Waker) -> Vec<Delivery> {
        let mut arrivals = self.arrivals();
        match &mut arrivals.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        arrivals.published = 0;
        std::mem::take(&mut arrivals.deliveries)
    }

    /// Leaves something for the client.
    pub fn deliver(&self, delivery: Delivery) {
        leave(self.arrivals(), delivery);
    }

    /// Leaves a published message of this size for the client. False: it gets none any more.
    pub fn publish(&self, message: Reply, size: usize) -> bool {
        let mut arrivals = self.arrivals();
        if arrivals.is_deaf {
            return false;
        }
        arrivals.published += size;
        arrivals.is_deaf = arrivals.published > PUBLISHED_LIMIT;
        let delivery = if arrivals.is_deaf { Delivery::Overflow } else { Delivery::Published(message) };
        leave(arrivals, delivery);
        true
    }

    /// From now on it takes no more messages.
    pub fn deafen(&self) {
        self.arrivals().is_deaf = true;
    }

    /// Notes that the hub sends messages of these.
    pub fn subscribe(&self, kind: Kind, names: &[Bytes]) {
        self.arrivals().subscribed.extend(names.iter().map(|name| (kind, Bytes::copy_from_slice(name))));
    }

    /// Notes that the hub sends no messages of these any more (of all of the kind, if none is named): which it sent
    /// before.
    pub fn unsubscribe(&self, kind: Kind, names: &[Bytes]) -> Vec<Topic> {
        let subscribed = &mut self.arrivals().subscribed;
        let names = meant(subscribed, kind, names.to_vec());
        names.into_iter().filter_map(|name| subscribed.take(&(kind, name))).collect()
    }

    /// What the hub sends messages of.
    pub fn subscribed(&self) -> Vec<Topic> {
        self.arrivals().subscribed.iter().cloned().collect()
    }

    /// Nothing that is done while it is held can panic half-way.
    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave(mut arrivals: MutexGuard<'_, Arrivals>, delivery: Delivery) {
    arrivals.deliveries.push(delivery);
    let waker = arrivals.waker.clone();
    drop(arrivals);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests;
