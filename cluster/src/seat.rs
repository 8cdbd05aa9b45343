//! A node as a child of a tree.

use crate::builder::NodeBuilder;
use crate::node::Node;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Info, Pid, TrapExits};
use ravelin_supervisor::{ChildSpec, child};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// How long the child may take to leave the cluster, before it is killed.
const LEAVE_WITHIN: Duration = Duration::from_secs(10);

/// The place of a node that is a child of a tree: see [`NodeBuilder::at`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct NodeSeat {
    place: ActorRef<Host>,
    node: Arc<OnceLock<Node>>,
}

impl NodeSeat {
    /// A place that nobody lives at yet.
    pub fn new() -> NodeSeat {
        NodeSeat { place: ActorRef::place("node"), node: Arc::default() }
    }

    /// The node, once it has started.
    pub fn node(&self) -> Option<&Node> {
        self.node.get()
    }

    /// Waits until the node has started.
    ///
    /// # Cancel safety
    /// Dropped, nothing has changed.
    pub async fn ready(&self) -> &Node {
        loop {
            if let Some(node) = self.node.get() {
                return node;
            }
            self.place.ready().await;
        }
    }
}

impl Default for NodeSeat {
    fn default() -> NodeSeat {
        NodeSeat::new()
    }
}

impl NodeBuilder {
    /// The node as a child of a tree: it starts with the tree, and leaves the cluster in good order when the tree ends, for
    /// which it has ten seconds. Children after it find the node at the seat.
    ///
    /// It starts once: a system is a node for one life only, so the child is temporary. When the node ends by itself the
    /// child does, with an error. To let that end the tree, say [`ChildSpec::significant`] and give the supervisor an
    /// auto-shutdown.
    ///
    /// ```
    /// use ravelin_cluster::transport::Transport;
    /// use ravelin_cluster::{Config, Node, NodeSeat};
    /// use ravelin_core::System;
    /// use ravelin_supervisor::Supervisor;
    /// use ravelin_supervisor::application::{Application, Applications, BootError, CoordinatedShutdown};
    /// use std::sync::Arc;
    ///
    /// async fn boot(system: &System, config: Config, transport: Arc<dyn Transport>) -> Result<(), BootError> {
    ///     let seat = NodeSeat::new();
    ///     let cluster = Supervisor::one_for_one("cluster").child(Node::builder(config, transport).at(&seat));
    ///     let shutdown = CoordinatedShutdown::new();
    ///     let leaves = seat.clone();
    ///     // Before any tree is stopped the others know that this node goes, and send it nothing more.
    ///     shutdown
    ///         .task("drain", "leave the cluster", move || async move {
    ///             if let Some(node) = leaves.node() {
    ///                 node.leave().await;
    ///             }
    ///         })
    ///         .expect("there is such a phase");
    ///     let applications = Applications::new()
    ///         .application(Application::new("cluster", cluster))
    ///         .application(Application::new("shop", Supervisor::one_for_one("shop")).needs("cluster"))
    ///         .shutdown(shutdown);
    ///     applications.start_in(system).await?.ended().await;
    ///     Ok(())
    /// }
    /// ```
    pub fn at(self, seat: &NodeSeat) -> ChildSpec {
        let builder = Arc::new(Mutex::new(Some(self)));
        let node = seat.node.clone();
        let begin = move || (builder.lock().unwrap_or_else(PoisonError::into_inner).take(), node.clone());
        child(&seat.place, begin).temporary().shutdown(LEAVE_WITHIN)
    }
}

/// Starts the node, and leaves with it.
struct Host {
    node: Node,
    tree: Pid,
}

impl Actor for Host {
    type Args = (Option<NodeBuilder>, Arc<OnceLock<Node>>);

    async fn init((builder, seat): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        let builder = builder.ok_or_else(|| Exit::error("a node starts once"))?;
        let node = builder.start(cx.system()).await.map_err(Exit::error)?;
        let tree = node.tree().pid().ok_or(Exit::NoProc)?;
        cx.link(tree);
        let _ = seat.set(node.clone());
        Ok(Host { node, tree })
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Info::Exit { from, .. } = info
            && from == self.tree
        {
            // Not as the tree says it: a supervisor that gives up says `shutdown`.
            let why = self.node.ended().await;
            cx.stop(if why == Exit::Shutdown { Exit::Normal } else { why });
        }
    }

    async fn terminate(&mut self, _: &Exit, cx: &mut Cx<Self>) {
        cx.unlink(self.tree);
        self.node.leave().await;
    }
}
