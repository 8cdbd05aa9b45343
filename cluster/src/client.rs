//! Programs that use a cluster, and are none of it.

use crate::accepts::{Accepts, Remote};
use crate::addr::Addr;
use crate::builder::{NodeBuilder, NodeError};
use crate::config::Config;
use crate::name::{NodeId, NodeName, Role};
use crate::node::Node;
use crate::proto::groups::Group;
use crate::relay::{Relay, Subscribe, name_of};
use crate::shell::{Hub, NodeEvent, StartChildError};
use crate::transport::Transport;
use crate::wire::Wire;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Info, Message, Pid, Recipient, SendError, System};
use ravelin_supervisor::{SupervisorError, SupervisorRef, child};
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A program that uses a cluster, and is none of it: it calls, casts and sends to actors, monitors them, and subscribes. Cheap to
/// clone.
///
/// It connects to each endpoint that it is given, over the transport and with the handshake and certificate that a node
/// has (a name of its own on it), and to each again when it is lost. It listens nowhere, is in nobody's
/// [`Node::nodes`], and hears and says nothing of membership, groups and names: who says it all the same is cut off. What a
/// client may do is said by each node's [`Config::clients`].
///
/// Its actors can be named in messages ([`Client::addr`]), so that those of the cluster send to them, and monitor them;
/// when the client goes they hear `noconnection`.
///
/// ```
/// # use ravelin_cluster::{Accepts, Bincode, Client, Config, Endpoint, NodeError, Remote, Wire};
/// # use ravelin_core::{Actor, Cx, Exit, Handle, Message, System};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Add(i64);
/// # impl Message for Add { type Reply = i64; }
/// # impl Wire for Add { const NAME: &'static str = "counter.add"; type Codec = Bincode; }
/// # struct Counter;
/// # impl Actor for Counter {
/// #     type Args = ();
/// #     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Counter) }
/// # }
/// # impl Handle<Add> for Counter {
/// #     async fn handle(&mut self, add: Add, _: &mut Cx<Self>) -> i64 { add.0 }
/// # }
/// # impl Remote for Counter { fn accepts(messages: &mut Accepts<Counter>) { messages.add::<Add>(); } }
/// # use ravelin_cluster::transport::Transport;
/// # use std::sync::Arc;
/// async fn add(system: &System, transport: Arc<dyn Transport>) -> Result<(), NodeError> {
///     let endpoints = vec![Endpoint("10.0.0.1:4370".into()), Endpoint("10.0.0.2:4370".into())];
///     let config = Config::client("shop-17".parse().unwrap(), endpoints);
///     let client = Client::connect(system, config, transport).await?;
///     client.connected().await;
///     let sum = client.anywhere::<Counter>("counter").call(Add(3)).await;
///     println!("{sum:?}");
///     client.disconnect().await;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Client(Node);

impl Client {
    /// Makes this system a client of a cluster: it connects to the configuration's `seeds`, and what its `dns` finds, again
    /// and again. Returns before it has: see [`Client::connected`]. The configuration's role is not looked at.
    ///
    /// # Errors
    /// See [`NodeError`]; it does not listen, so [`NodeError::Listen`] is none of them.
    pub async fn connect(
        system: &System,
        config: Config,
        transport: Arc<dyn Transport>,
    ) -> Result<Client, NodeError> {
        let builder = NodeBuilder::new(config, transport).role(Role::Client);
        Ok(Client(Node::start_as(system, builder).await?))
    }

    /// Waits until a node is connected; gives it.
    ///
    /// # Cancel safety
    /// Dropped, nothing has changed.
    pub async fn connected(&self) -> NodeId {
        const AGAIN: Duration = Duration::from_millis(50);
        loop {
            if let Some(node) = self.nodes().await.into_iter().next() {
                return node;
            }
            ravelin_core::sleep(&**self.system().runtime(), AGAIN).await;
        }
    }

    /// Who it is.
    pub fn id(&self) -> &NodeId {
        self.0.id()
    }

    /// What it is a client of the cluster with.
    pub fn system(&self) -> &System {
        self.0.system()
    }

    /// The nodes that are connected now, sorted.
    pub async fn nodes(&self) -> Vec<NodeId> {
        self.0.nodes().await
    }

    /// As [`Node::watch`]: of nodes that are connected, and lost.
    pub async fn watch(&self, recipient: Recipient<NodeEvent>) {
        self.0.watch(recipient).await;
    }

    /// As [`Node::is_alive`].
    pub fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// As [`Node::ended`].
    ///
    /// # Cancel safety
    /// As [`Node::ended`].
    pub async fn ended(&self) -> Exit {
        self.0.ended().await
    }

    /// Whoever has this name on that node, when the node is connected.
    pub fn named<A: Remote>(&self, node: &NodeName, name: &str) -> Addr<A> {
        self.0.named(node, name)
    }

    /// Whoever has this name on one of the nodes that are connected: always the same node while it is, then another one. So
    /// what is sent to it is in order only as long as that node is connected.
    pub fn anywhere<A: Remote>(&self, name: &str) -> Addr<A> {
        Addr::anywhere(self.0.hub().clone(), name.into())
    }

    /// As [`Node::at`].
    pub fn at<A: Remote>(&self, pid: Pid) -> Addr<A> {
        self.0.at(pid)
    }

    /// As [`Node::addr`]: this actor of the client, to be named in a message.
    pub fn addr<A: Remote>(&self, actor: &ActorRef<A>) -> Addr<A> {
        self.0.addr(actor)
    }

    /// As [`Node::accept`].
    pub fn accept<A: Remote>(&self) {
        self.0.accept::<A>();
    }

    /// As [`Node::node_of`].
    pub fn node_of(&self, pid: Pid) -> Option<Arc<NodeId>> {
        self.0.node_of(pid)
    }

    /// As [`Node::start_child`], on a node that allows it: see [`Clients::Start`](crate::Clients::Start).
    ///
    /// # Errors
    /// See [`StartChildError`].
    ///
    /// # Cancel safety
    /// As [`Node::start_child`].
    pub async fn start_child<Args: Serialize + Send + Sync + 'static>(
        &self,
        node: &NodeName,
        under: &str,
        spec: &str,
        args: Args,
    ) -> Result<Pid, StartChildError> {
        self.0.start_child(node, under, spec, args).await
    }

    /// This recipient is told what is broadcast to the group as `M`, by way of a node that is connected and
    /// [lets it](Node::let_subscribe); when that node is lost, by way of another. What is broadcast in between is lost
    /// to it, and so is what its mailbox has no room for; nothing comes twice.
    ///
    /// When it returns it has asked every node that is connected; as long as none lets it, it asks again and again.
    /// The subscription ends when nobody lives at the recipient, or by [`Subscription::cancel`].
    ///
    /// # Errors
    /// The client is disconnected.
    pub async fn subscribe<M: Wire<Reply = ()> + Clone + Sync>(
        &self,
        group: &Group,
        recipient: Recipient<M>,
    ) -> Result<Subscription, SupervisorError> {
        let hub = self.0.hub().clone();
        hub.exports.know::<Subscriber<M>>();
        let place = ActorRef::<Subscriber<M>>::place("subscriber");
        let name: Arc<str> = name_of::<M>(group).into();
        let spec = child(&place, move || (hub.clone(), name.clone(), recipient.clone())).transient();
        let relays = self.0.relays().clone();
        let pid = relays.start_child(spec).await?.ok_or(SupervisorError::NoProc)?;
        Ok(Subscription { relays, place: Box::new(move || place.pid()), first: pid })
    }

    /// Closes all links and ends what the client is made of; who monitors its actors hears `noconnection`. The system stays.
    pub async fn disconnect(&self) {
        self.0.leave().await;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(self.id()).finish()
    }
}

/// A subscription of a client, which lasts when this is dropped.
#[must_use = "it is needed to cancel the subscription"]
pub struct Subscription {
    relays: SupervisorRef,
    place: Box<dyn Fn() -> Option<Pid> + Send + Sync>,
    first: Pid,
}

impl Subscription {
    /// Whether it has not ended.
    pub fn is_alive(&self) -> bool {
        (self.place)().is_some()
    }

    /// Ends it. What is in the recipient's mailbox already stays there.
    pub async fn cancel(self) {
        // One that has ended is no child any more.
        let _ = self.relays.terminate_pid((self.place)().unwrap_or(self.first)).await;
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&(self.place)()).finish()
    }
}

/// How long a subscriber that no node lets waits before it asks again.
const AGAIN: Duration = Duration::from_millis(500);

/// Look for somebody who tells.
#[derive(Clone)]
struct Look;

impl Message for Look {
    type Reply = ();
}

/// Keeps a subscription of a client.
struct Subscriber<M: Message> {
    hub: Arc<Hub>,
    /// What relays of the group are called.
    name: Arc<str>,
    recipient: Recipient<M>,
    /// Who tells it.
    relay: Option<Pid>,
}

impl<M: Wire<Reply = ()> + Clone + Sync> Subscriber<M> {
    async fn look(&mut self, cx: &mut Cx<Self>) {
        let up: Vec<_> = self.hub.peers().into_iter().filter(|peer| peer.is_up()).collect();
        for peer in up {
            let there = Addr::<Relay<M>>::named(self.hub.clone(), peer.id.name.clone(), self.name.clone());
            let subscribe = Subscribe { to: cx.pid(), _of: PhantomData };
            if let Ok(relay) = there.call(subscribe).await {
                cx.monitor(relay);
                self.relay = Some(relay);
                return;
            }
        }
        cx.send_after(AGAIN, Look);
    }
}

impl<M: Wire<Reply = ()> + Clone + Sync> Actor for Subscriber<M> {
    type Args = (Arc<Hub>, Arc<str>, Recipient<M>);

    async fn init((hub, name, recipient): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let mut subscriber = Subscriber { hub, name, recipient, relay: None };
        subscriber.look(cx).await;
        Ok(subscriber)
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Info::Down { pid, .. } = info
            && self.relay == Some(pid)
        {
            self.relay = None;
            self.look(cx).await;
        }
    }
}

impl<M: Wire<Reply = ()> + Clone + Sync> Handle<Look> for Subscriber<M> {
    async fn handle(&mut self, _: Look, cx: &mut Cx<Self>) {
        self.look(cx).await;
    }
}

impl<M: Wire<Reply = ()> + Clone + Sync> Handle<M> for Subscriber<M> {
    async fn handle(&mut self, message: M, cx: &mut Cx<Self>) {
        if let Err(SendError::NoProc(_)) = self.recipient.cast(message) {
            cx.stop(Exit::Normal);
        }
    }
}

impl<M: Wire<Reply = ()> + Clone + Sync> Remote for Subscriber<M> {
    fn accepts(messages: &mut Accepts<Subscriber<M>>) {
        messages.add::<M>();
    }
}
