//! The node's warden: the actor that sees how the node ends, whatever ends it, and that gives what waits for room in the
//! mailboxes of those who watch nodes. It stands beside the node's tree, not in it.

use super::hub::Hub;
use super::peer::lock;
use crate::proto::reach::Why;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Info, Message, MonitorRef, Pid};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where the warden lives.
pub(crate) type WardenRef = ActorRef<Warden>;

/// A mailbox that was full is tried again after this.
const AGAIN: Duration = Duration::from_millis(100);

/// Whether the node is one still, and why not.
pub(crate) struct Over {
    tell: Mutex<Option<oneshot::Sender<Exit>>>,
    hear: Shared<oneshot::Receiver<Exit>>,
}

impl Default for Over {
    fn default() -> Over {
        let (tell, hear) = oneshot::channel();
        Over { tell: Mutex::new(Some(tell)), hear: hear.shared() }
    }
}

impl Over {
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.tell).is_none()
    }

    pub(crate) async fn why(&self) -> Exit {
        self.hear.clone().await.unwrap_or(Exit::Lost)
    }
}

impl Hub {
    /// The node's own actors have ended: it reaches nobody, whoever waits for a node hears so, and who watches nodes.
    pub(crate) fn end(&self, why: Exit) {
        let Some(tell) = lock(&self.over.tell).take() else { return };
        let is_orderly = why == Exit::Shutdown;
        if !is_orderly {
            tracing::error!(target: "ravelin", node = %self.me, reason = %why, "ravelin.cluster.node_ended");
        }
        for peer in self.peers() {
            peer.disconnect_any(&self.system);
            self.with_groups(|groups| groups.peer_down(peer.number));
            self.with_names(|names| names.peer_down(peer.number));
        }
        let down = if is_orderly { Why::Left } else { Why::LinkLost };
        lock(&self.subscribers).end(&why, down);
        let _ = tell.send(why);
    }
}

/// Give what waits for room.
#[derive(Clone)]
pub(crate) struct Again;

impl Message for Again {
    type Reply = ();
}

/// The warden.
pub(crate) struct Warden {
    hub: Arc<Hub>,
    /// The node's tree.
    tree: MonitorRef,
    /// The first of its actors that ended by itself: what the tree ends of, and does not tell.
    first: Option<Exit>,
}

impl Actor for Warden {
    /// The node, its tree, and the actors of that which end it with them.
    type Args = (Arc<Hub>, Pid, Vec<Pid>);

    async fn init((hub, tree, actors): Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        for actor in actors {
            cx.monitor(actor);
        }
        let tree = cx.monitor(tree);
        Ok(Warden { hub, tree, first: None })
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        let Info::Down { monitor, reason, .. } = info else { return };
        if monitor != self.tree {
            // One that was done before it was watched says nothing.
            if reason.is_abnormal() && reason != Exit::NoProc {
                self.first.get_or_insert(reason);
            }
            return;
        }
        // A supervisor that gives up says `shutdown`, as one that is told to end.
        let why = if reason.is_normal() { self.first.take().unwrap_or(Exit::Shutdown) } else { reason };
        self.hub.end(why);
        self.give(cx);
    }
}

impl Warden {
    fn give(&mut self, cx: &mut Cx<Self>) {
        let waits = {
            let mut subscribers = lock(&self.hub.subscribers);
            subscribers.is_seen_to = subscribers.give();
            subscribers.is_seen_to
        };
        if waits {
            cx.send_after(AGAIN, Again);
        } else if self.hub.over.is_over() {
            cx.stop(Exit::Normal);
        }
    }
}

impl Handle<Again> for Warden {
    async fn handle(&mut self, _: Again, cx: &mut Cx<Self>) {
        self.give(cx);
    }
}
