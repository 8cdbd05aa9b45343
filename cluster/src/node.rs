//! A node: a system that is one of a cluster.

use crate::accepts::Remote;
use crate::addr::Addr;
use crate::builder::{NodeBuilder, NodeError, found_by};
use crate::config::Config;
use crate::discovery::Discovery;
use crate::name::{Endpoint, Incarnation, NodeId, NodeName, Role};
use crate::proto::groups::{self, Group};
use crate::proto::hello::Introduction;
use crate::proto::members::{Members, Peer as Member};
use crate::proto::names::Resolve;
use crate::proto::reach::Reach;
use crate::shell::door;
use crate::shell::keeper::{self, Keeper, KeeperArgs};
use crate::shell::warden::Warden;
use crate::shell::{Carrier, Figures, Hub, Linking, NodeEvent};
use crate::transport::{Listener, Transport};
use crate::wire::Wire;
use futures::future::{join_all, select};
use ravelin_core::{ActorRef, Exit, Pid, Recipient, System};
use ravelin_supervisor::{Status, Supervisor, SupervisorRef, child, task};
use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a node that leaves waits until the others were told.
const SAY_WITHIN: Duration = Duration::from_secs(1);

/// A node of a cluster: a [`System`] with a name and an incarnation, that knows other nodes. Cheap to clone.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    hub: Arc<Hub>,
    tree: SupervisorRef,
    tree_pid: Pid,
    endpoint: Endpoint,
    /// The supervisor of its links.
    links: SupervisorRef,
    /// The supervisor of what clients subscribe to, and of a client's subscriptions.
    relays: SupervisorRef,
}

impl Node {
    /// Makes this system a node: it listens, looks for others where the configuration says, and is one of the cluster as
    /// soon as one of them knows it. Returns when it listens; who is there is told by [`Node::watch`].
    ///
    /// # Errors
    /// See [`NodeError`].
    ///
    /// # Cancel safety
    /// Dropped before it is done, the system may be a node all the same: end the system.
    pub async fn start(
        system: &System,
        config: Config,
        transport: Arc<dyn Transport>,
    ) -> Result<Node, NodeError> {
        Node::builder(config, transport).start(system).await
    }

    /// A node that is started with more than a configuration: a discovery of one's own, other codecs.
    pub fn builder(config: Config, transport: Arc<dyn Transport>) -> NodeBuilder {
        NodeBuilder::new(config, transport)
    }

    /// Starts it, as a member or as a client.
    pub(crate) async fn start_as(system: &System, builder: NodeBuilder) -> Result<Node, NodeError> {
        let NodeBuilder { config, transport, discovery, codecs } = builder;
        config.check().map_err(NodeError::Config)?;
        let discovery = found_by(&config, discovery)?;
        let (listener, endpoint) = match config.role {
            Role::Client => (None, Endpoint("".into())),
            Role::Member => {
                let listener = transport.listen(&config.listen).await.map_err(NodeError::Listen)?;
                let endpoint = config.advertise.clone().unwrap_or_else(|| listener.endpoint());
                (Some(listener), endpoint)
            }
        };
        let runtime = system.runtime();
        let incarnation = config.incarnation.unwrap_or_else(|| {
            let since = runtime.system_time().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Incarnation(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        });
        let me = NodeId { name: config.name.clone(), incarnation };
        let hub = Hub::new(system.clone(), me.clone());
        let carrier = Arc::new(Carrier(Arc::downgrade(&hub)));
        system.set_distribution(carrier).map_err(|_| NodeError::AlreadyNode)?;

        // A client is reached nowhere; its plans want something that is not an endpoint of anybody.
        let place = if listener.is_some() { endpoint.clone() } else { Endpoint(me.to_string().into()) };
        let member = Member { id: me.clone(), endpoint: place };
        let linking = Arc::new(Linking {
            hub: hub.clone(),
            transport,
            ours: Introduction {
                cluster: config.cluster.as_str().into(),
                node: me,
                endpoint: endpoint.0.clone(),
                role: config.role,
                features: offered(&config),
                codecs,
                limits: config.takes(),
            },
            clients: config.clients,
            config: config.link(),
        });
        let (members, reach) = (runtime.entropy(), runtime.entropy());
        let members = Members::new(member.clone(), config.membership, members)
            .map_err(|why| NodeError::Start(Exit::error(why)))?;
        let reach = Reach::new(member, config.dialling, reach);

        let keeper = ActorRef::<Keeper>::place("keeper");
        let _ = hub.keeper.set(keeper.clone());
        let tree = SupervisorRef::place("ravelin-node");
        let (links, relays) = (SupervisorRef::place("links"), SupervisorRef::place("relays"));
        let args = KeeperArgs { linking, links: links.clone(), members, reach };
        let started = tree_of(discovery, keeper, args, listener, &relays)
            .start_at(system, &tree)
            .await
            .map_err(|why| NodeError::Start(why.into_exit()))?;
        let actors = running(&tree).await;
        let warden = ActorRef::<Warden>::place("warden");
        let args = (hub.clone(), started, actors);
        system.start(&warden, args).await.map_err(|why| NodeError::Start(why.into_exit()))?;
        let _ = hub.warden.set(warden);
        Ok(Node(Arc::new(Inner { hub, tree, tree_pid: started, endpoint, links, relays })))
    }

    /// Who it is.
    pub fn id(&self) -> &NodeId {
        &self.0.hub.me
    }

    pub(crate) fn relays(&self) -> &SupervisorRef {
        &self.0.relays
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// What it is a node of.
    pub fn system(&self) -> &System {
        &self.0.hub.system
    }

    /// Where others reach it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// The supervisor of all that the node is made of.
    pub fn tree(&self) -> &SupervisorRef {
        &self.0.tree
    }

    /// The nodes that are reached now, sorted. Source: `erlang:nodes/0`.
    pub async fn nodes(&self) -> Vec<NodeId> {
        match self.0.hub.keeper.get() {
            Some(keeper) => keeper.call(keeper::Nodes).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// What is counted of each life of another node that is reached, or was and is kept, in the order in which they first
    /// were. One that is not reached and on which nothing waits is kept until a later life of its name is up; of those that
    /// have no later life the last 256. O(their number).
    pub fn figures(&self) -> Vec<Figures> {
        self.0.hub.peers().iter().map(|peer| peer.figures()).collect()
    }

    /// From now on this recipient hears of nodes; first of those that are up. It is forgotten when nobody lives there, so
    /// an actor asks in its `init`; one that asks again hears once, and again of those that are up.
    ///
    /// What finds its mailbox full waits, in order, and comes when there is room. When more than 256 events wait for it,
    /// those are left out that tell of no node that came or went, then of one life both the coming and the going, where
    /// both wait: so what it has heard of each node is true when it has heard all.
    ///
    /// Source: `net_kernel:monitor_nodes/1`.
    pub async fn watch(&self, recipient: Recipient<NodeEvent>) {
        self.0.hub.watch_nodes(recipient);
    }

    /// Whether it is a node still: it has not left, and none of its own actors has ended. One that is none reaches nobody
    /// and is reached by nobody; its system and the other actors live on. Source: `erlang:is_alive/0`.
    pub fn is_alive(&self) -> bool {
        !self.0.hub.over.is_over() && self.system().is_alive(self.0.tree_pid)
    }

    /// Waits until it is a node no more. [`Exit::Shutdown`]: it left, or its tree was told to end; else why its first actor
    /// ended. It is not started again: what it knew of others is lost, and so are all bonds, as when OTP's `net_kernel`
    /// ends. A program that wants another goes on with another system: see [`NodeBuilder::at`].
    ///
    /// # Cancel safety
    /// Dropped, nothing has changed.
    pub async fn ended(&self) -> Exit {
        self.0.hub.over.why().await
    }

    /// Leaves the cluster in good order: what was sent is given out, for a second at most; the others are told, links are
    /// closed, the node's actors end. The system and its other actors stay.
    pub async fn leave(&self) {
        if let Some(keeper) = self.0.hub.keeper.get() {
            let _ = keeper.call(keeper::Leave).await;
            self.links_gone().await;
        }
        let system = &self.0.hub.system;
        let _ = system.shut_down(self.0.tree_pid, Exit::Shutdown, Some(Duration::from_secs(5))).await;
        self.0.hub.end(Exit::Shutdown);
    }

    /// Waits until every link has said why it goes; not for a peer that does not read.
    async fn links_gone(&self) {
        let system = &self.0.hub.system;
        let links = running(&self.0.links).await;
        let gone = join_all(links.into_iter().map(|pid| system.ended(pid)));
        let late = ravelin_core::sleep(&**system.runtime(), SAY_WITHIN);
        select(pin!(gone), pin!(late)).await;
    }

    // ---- references ----

    /// This actor, so that it can be named to other nodes: put it into a message.
    pub fn addr<A: Remote>(&self, actor: &ActorRef<A>) -> Addr<A> {
        self.0.hub.exports.know::<A>();
        Addr::here(self.0.hub.clone(), actor.clone())
    }

    /// Whoever has this name on that node: see [`System::register`]. Costs nothing, and says not whether there is one.
    pub fn named<A: Remote>(&self, node: &NodeName, name: &str) -> Addr<A> {
        Addr::named(self.0.hub.clone(), node.clone(), name.into())
    }

    /// This incarnation, here or there, as an actor of this type; whether it is one shows when it is sent to.
    pub fn at<A: Remote>(&self, pid: Pid) -> Addr<A> {
        Addr::at(self.0.hub.clone(), pid)
    }

    /// Actors of this type accept what they say, from other nodes, also when they are sent to by pid or by name.
    pub fn accept<A: Remote>(&self) {
        self.0.hub.exports.know::<A>();
    }

    /// Which node an actor lives on; `None`: of no node that is known. Of lives that are past the last 4096 are known.
    pub fn node_of(&self, pid: Pid) -> Option<Arc<NodeId>> {
        self.0.hub.roster.life(pid.node())
    }

    // ---- groups ----

    /// Adds a living actor of this node to a group of the cluster; as often as this is called. Source: `pg:join/2`.
    ///
    /// Cancel safety: dropped, the actor has joined or has not; it is out with its end all the same.
    ///
    /// # Errors
    /// See [`groups::NotDone`].
    pub async fn join<A: Remote>(&self, group: &Group, actor: &ActorRef<A>) -> Result<(), groups::NotDone> {
        self.0.hub.exports.know::<A>();
        let pid = actor.pid().ok_or(groups::NotDone::NoProc)?;
        self.0.hub.join(group, pid).await
    }

    /// Takes an actor of this node out of a group, once. Source: `pg:leave/2`.
    ///
    /// # Errors
    /// See [`groups::NotDone`].
    pub fn leave_group(&self, group: &Group, pid: Pid) -> Result<(), groups::NotDone> {
        self.0.hub.with_groups(|groups| groups.leave(group, pid))
    }

    /// The members of a group on all nodes, as far as they are known here; once for each membership.
    /// Source: `pg:get_members/1`.
    pub fn members(&self, group: &Group) -> Vec<Pid> {
        self.0.hub.groups().members(group).collect()
    }

    /// The members of a group on this node. Source: `pg:get_local_members/1`.
    pub fn local_members(&self, group: &Group) -> Vec<Pid> {
        self.0.hub.groups().local_members(group).collect()
    }

    /// Casts to each member of a group, once for each actor, whatever type it is of, and to what clients
    /// [subscribe](Node::let_subscribe) to. Gives how many it went to; those
    /// whose mailbox or queue is full are left out, and those that do not accept it from other nodes.
    ///
    /// The message is written once for all nodes, if no pid, address or way back is in it, which are others for each node.
    pub fn broadcast<M: Wire + Clone>(&self, group: &Group, message: &M) -> usize {
        let members = {
            let groups = self.0.hub.groups();
            let beside = group.beside();
            let told = beside.iter().flat_map(|beside| groups.members(beside));
            let mut members: Vec<Pid> = groups.members(group).chain(told).collect();
            members.sort_unstable();
            members.dedup();
            members
        };
        self.0.hub.broadcast(&members, message)
    }

    // ---- names ----

    /// Gives an actor of this node a name in the cluster. When another node has given it to another actor at the same
    /// time, or while the two did not see each other, one of them loses it. Source: `global:register_name/3`.
    ///
    /// Cancel safety: dropped, the actor has the name or has not; it is free with its end all the same.
    ///
    /// # Errors
    /// See [`names::NotDone`](crate::proto::names::NotDone).
    pub async fn register<A: Remote>(
        &self,
        name: &str,
        actor: &ActorRef<A>,
        resolve: Resolve,
    ) -> Result<(), crate::proto::names::NotDone> {
        self.0.hub.exports.know::<A>();
        let pid = actor.pid().ok_or(crate::proto::names::NotDone::NoProc)?;
        let since = self.system().runtime().system_time().duration_since(std::time::UNIX_EPOCH);
        let now_us = u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX);
        self.0.hub.register(name, pid, resolve, now_us).await
    }

    /// The actor with this name, on whichever node. Source: `global:whereis_name/1`.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.0.hub.names().whereis(name)
    }
}

impl NodeBuilder {
    /// Starts it: see [`Node::start`].
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn start(self, system: &System) -> Result<Node, NodeError> {
        Node::start_as(system, self.member()?).await
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", self.id()).field("endpoint", self.endpoint()).finish()
    }
}

/// The children of a supervisor that run.
async fn running(supervisor: &SupervisorRef) -> Vec<Pid> {
    let children = supervisor.which_children().await.unwrap_or_default();
    let running = children.into_iter().filter_map(|child| match child.status {
        Status::Running(pid) => Some(pid),
        _ => None,
    });
    running.collect()
}

/// What is optional and this node has.
fn offered(config: &Config) -> BTreeSet<Arc<str>> {
    let own = config.compression.feature();
    config.features.iter().map(String::as_str).chain(own).map(Arc::from).collect()
}

/// The supervisors and actors of a node.
fn tree_of(
    discovery: Arc<dyn Discovery>,
    keeper: ActorRef<Keeper>,
    args: KeeperArgs,
    listener: Option<Box<dyn Listener>>,
    relays: &SupervisorRef,
) -> Supervisor {
    let (links, hub) = (args.links.clone(), args.linking.hub.clone());
    let args = Mutex::new(Some(args));
    let begin = move || args.lock().unwrap_or_else(PoisonError::into_inner).take();
    let doors = keeper.clone();
    let seeker = hub.clone();
    // Without its keeper a node is none: what it knew is lost, so nothing of it starts again by itself.
    let tree = Supervisor::one_for_all("ravelin-node")
        .intensity(0, Duration::from_secs(1))
        .child(Supervisor::dynamic("links").at(&links))
        .child(child(&keeper, begin))
        .child(task("seeds", move || keeper::seek(seeker.clone(), discovery.clone())).transient())
        .child(Supervisor::dynamic("relays").intensity(10_000, Duration::from_secs(1)).at(relays));
    let Some(listener) = listener else { return tree };
    let listener = Arc::new(Mutex::new(Some(listener)));
    tree.child(task("door", move || {
        let listener = listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        let doors = doors.clone();
        async move {
            match listener {
                Some(listener) => door::listen(listener, doors).await,
                None => Err(Exit::error("the listener is gone")),
            }
        }
    }))
}
