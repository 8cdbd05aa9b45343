//! What clients subscribe to: an actor of a node that hears what is broadcast to a group, and tells subscribers.
//!
//! It is no member of the group, but of one beside it, which only broadcasts look at. So members are what was joined.

use crate::accepts::{Accepts, Remote};
use crate::node::Node;
use crate::proto::groups::Group;
use crate::shell::{Hub, OfferError};
use crate::wire::{Bincode, Wire};
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Info, Message, MonitorRef, Pid};
use ravelin_supervisor::child;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

/// The most bytes of a name that actors of other nodes are found by.
const NAME_MAX: usize = 255;

/// What the relay of a group for one message is called on its node.
pub(crate) fn name_of<M: Wire>(group: &Group) -> String {
    format!("ravelin.relay/{}/{}/{}", group.scope(), group.name(), M::NAME)
}

impl Node {
    /// From now on clients may [subscribe](crate::Client::subscribe) to what is broadcast to this group as `M`, from whichever
    /// node, by way of this one. Several messages of a group are several calls.
    ///
    /// Subscribers are no members. What comes to one by way of a node comes in the order in which that node had it, and
    /// at most once.
    ///
    /// # Errors
    /// [`OfferError::Name`]: the names of the group and the message are too long together. [`OfferError::Taken`]: it was
    /// said before, or the node ends.
    pub async fn let_subscribe<M: Wire<Reply = ()> + Clone + Sync>(
        &self,
        group: &Group,
    ) -> Result<(), OfferError> {
        let name: Arc<str> = name_of::<M>(group).into();
        let beside = group.beside().filter(|_| name.len() <= NAME_MAX);
        let beside = beside.ok_or_else(|| OfferError::Name(name.clone()))?;
        let hub = self.hub().clone();
        hub.exports.know::<Relay<M>>();
        let relay = ActorRef::<Relay<M>>::place(name.clone());
        let spec = child(&relay, move || (hub.clone(), beside.clone())).registered(name.clone());
        match self.relays().start_child(spec).await {
            Ok(_) => Ok(()),
            Err(_) => Err(OfferError::Taken(name)),
        }
    }
}

/// From now on this actor is told, until it ends. The answer is who tells it.
#[derive(Deserialize, Serialize)]
#[serde(bound = "")]
pub(crate) struct Subscribe<M> {
    pub(crate) to: Pid,
    pub(crate) _of: PhantomData<fn(M)>,
}

impl<M: 'static> Message for Subscribe<M> {
    type Reply = Pid;
}

impl<M: 'static> Wire for Subscribe<M> {
    const NAME: &'static str = "ravelin.subscribe";
    type Codec = Bincode;
}

/// Tells subscribers what is broadcast.
pub(crate) struct Relay<M> {
    hub: Arc<Hub>,
    /// Sorted, so those of a node are together.
    subscribers: BTreeMap<Pid, MonitorRef>,
    _of: PhantomData<fn(M)>,
}

impl<M: Wire<Reply = ()> + Clone> Actor for Relay<M> {
    type Args = (Arc<Hub>, Group);

    async fn init((hub, beside): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let pid = cx.pid();
        hub.join(&beside, pid).await.map_err(Exit::error)?;
        Ok(Relay { hub, subscribers: BTreeMap::new(), _of: PhantomData })
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        if let Info::Down { pid, monitor, .. } = info
            && self.subscribers.get(&pid) == Some(&monitor)
        {
            self.subscribers.remove(&pid);
        }
    }
}

impl<M: Wire<Reply = ()> + Clone> Handle<M> for Relay<M> {
    async fn handle(&mut self, message: M, _: &mut Cx<Self>) {
        let to: Vec<Pid> = self.subscribers.keys().copied().collect();
        self.hub.broadcast(&to, &message);
    }
}

impl<M: Wire<Reply = ()> + Clone> Handle<Subscribe<M>> for Relay<M> {
    async fn handle(&mut self, subscribe: Subscribe<M>, cx: &mut Cx<Self>) -> Pid {
        // One that asks again may have lost a link, whose word comes later: that is of the earlier monitor.
        if let Some(before) = self.subscribers.insert(subscribe.to, cx.monitor(subscribe.to)) {
            cx.demonitor(before);
        }
        cx.pid()
    }
}

impl<M: Wire<Reply = ()> + Clone> Remote for Relay<M> {
    fn accepts(messages: &mut Accepts<Relay<M>>) {
        messages.add::<M>().add::<Subscribe<M>>();
    }
}
