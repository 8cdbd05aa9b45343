//! Children that other nodes start: specs that are offered, and starts that are asked for.

use crate::ask::Cancel;
use crate::name::NodeName;
use crate::node::Node;
use crate::shell::offers::{self, Outcome};
use crate::shell::{Hub, NotSent, OfferError, Peer, StartChildError, Wait};
use crate::wire::{self, Bincode, Codec};
use ravelin_core::{CallError, Exit, Pid};
use ravelin_supervisor::{ChildSpec, SupervisorRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

impl Node {
    /// From now on other nodes may start this child here, under this supervisor: they name the supervisor's place, the
    /// spec, and give the arguments. Nothing that was not offered can be started from elsewhere.
    ///
    /// The supervisor is a dynamic one, as a rule: under it a child needs no id of its own. A spec of that name under it
    /// is replaced. `spec` runs when somebody asks, on the way of all that this node hears from the other: it is short.
    /// When it panics the start [failed](StartChildError::Failed), and nothing else.
    ///
    /// # Errors
    /// See [`OfferError`].
    ///
    /// ```
    /// # use ravelin_cluster::{Node, NodeName, StartChildError};
    /// # use ravelin_core::{Actor, ActorRef, Cx, Exit, Pid};
    /// # use ravelin_supervisor::{SupervisorRef, child};
    /// # struct Room;
    /// # impl Actor for Room {
    /// #     type Args = String;
    /// #     async fn init(_: String, _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Room) }
    /// # }
    /// fn on_the_node_that_has_the_rooms(node: &Node, rooms: &SupervisorRef) {
    ///     // `rooms` is the place of `Supervisor::dynamic("rooms")`.
    ///     node.offer("room", rooms, |title: String| {
    ///         child(&ActorRef::<Room>::place("room"), move || title.clone()).temporary()
    ///     })
    ///     .expect("the names are short");
    /// }
    /// async fn on_another(node: &Node, there: &NodeName) -> Result<Pid, StartChildError> {
    ///     node.start_child(there, "rooms", "room", "lobby".to_owned()).await
    /// }
    /// ```
    pub fn offer<Args, F>(&self, name: &str, under: &SupervisorRef, spec: F) -> Result<(), OfferError>
    where
        Args: DeserializeOwned + 'static,
        F: Fn(Args) -> ChildSpec + Send + Sync + 'static,
    {
        self.hub().offers.add(name, under, spec)
    }

    /// What was [offered](Node::offer) is offered no more; false: it was not. What was started of it lives on.
    pub fn withdraw(&self, name: &str, under: &SupervisorRef) -> bool {
        self.hub().offers.remove(name, under)
    }

    /// Starts a child on another node, or this one, of a spec that it [offers](Node::offer); done when its `init` is. It
    /// lives under that node's supervisor, which restarts it; nothing here is linked to it. The pid is of this system's
    /// numbers: monitor it, send to it with [`Node::at`]. Pids, Addrs and ReplyTos may be in the arguments.
    ///
    /// Waits as long as the supervisor takes, as [`SupervisorRef::start_child`] does, or until the node is lost.
    /// Source: `supervisor:start_child/2` with `{Name, Node}`.
    ///
    /// # Errors
    /// See [`StartChildError`].
    ///
    /// # Cancel safety
    /// Dropped, or ended by [`NoConnection`](StartChildError::NoConnection), the child may have been started, or may yet:
    /// a start is not taken back. The wait is over here, and the answer is thrown away when it comes. Who must not have
    /// such a child asks the supervisor there.
    pub async fn start_child<Args: Serialize + Send + Sync + 'static>(
        &self,
        node: &NodeName,
        under: &str,
        spec: &str,
        args: Args,
    ) -> Result<Pid, StartChildError> {
        let hub = self.hub();
        if *node == hub.me.name {
            let (supervisor, child) = hub.offers.make(under, spec, Box::new(args))?;
            return offers::start(&supervisor, child).await;
        }
        let peer = hub.connected(node).ok_or(StartChildError::NoConnection)?;
        ask(hub, &peer, under, spec, &args).await
    }
}

async fn ask<Args: Serialize + Sync>(
    hub: &Arc<Hub>,
    peer: &Arc<Peer>,
    under: &str,
    spec: &str,
    args: &Args,
) -> Result<Pid, StartChildError> {
    let (reply, asking) = hub.system.asking::<Outcome>();
    let mut asking = asking.no_timeout();
    asking.begin().map_err(|_| StartChildError::Timeout)?;
    let mut wait: Option<Wait> = Some(Box::new(move |answer| {
        let outcome = answer.and_then(|bytes| {
            wire::read::<Bincode, Outcome>(&bytes).map_err(|why| CallError::NotUnderstood(why.0.into()))
        });
        match outcome {
            Ok(outcome) => reply.send(outcome),
            Err(why) => reply.fail(why),
        }
    }));
    let mut cancel = Cancel { peer: peer.clone(), id: None };
    let outcome = poll_fn(|cx| {
        if let Some(unsent) = wait.take() {
            let mut unsent = Some(unsent);
            let begun = peer.write_by(
                |bytes| Bincode::encode(args, bytes),
                |bytes| {
                    let Some(wait) = unsent.take() else { return Err(NotSent::NoConnection) };
                    peer.ask_start(under, spec, bytes, wait, cx.waker()).map_err(|(why, wait)| {
                        unsent = Some(wait);
                        why
                    })
                },
            );
            match (begun, unsent) {
                (Ok(id), _) => cancel.id = Some(id),
                (Err(NotSent::Full), again) => wait = again,
                (Err(NotSent::Unfit(why)), Some(unsent)) => {
                    unsent(Err(CallError::NotUnderstood(why.into())));
                }
                (Err(_), Some(unsent)) => unsent(Err(CallError::Exited(Exit::NoConnection))),
                (Err(_), None) => {}
            }
        }
        Pin::new(&mut asking).poll(cx)
    })
    .await;
    if !matches!(outcome, Err(CallError::Timeout)) {
        cancel.id = None;
    }
    match outcome {
        Ok(outcome) => outcome.into_result(),
        Err(CallError::Timeout | CallError::Expired(())) => Err(StartChildError::Timeout),
        Err(CallError::NotUnderstood(why)) => Err(StartChildError::Args(why)),
        Err(_) => Err(StartChildError::NoConnection),
    }
}
