//! The node's keeper: the actor that decides who is a member and who is reached, by asking the plans, and does it.

use super::event::{NodeEvent, NodeHealth, Sparing};
use super::hub::Hub;
use super::link::{self, Begin, Linking};
pub(crate) use super::orders::{
    Accept, Admit, Chase, DialledBy, Gossip, Leave, Lose, Nodes, Raise, Refuse, Seeds, Tick, Watch,
};
use crate::discovery::Discovery;
use crate::name::{NodeId, Role};
use crate::proto::frame::Head;
use crate::proto::link::{Flow, Outbox};
use crate::proto::members::{Members, Output as Member};
use crate::proto::reach::{Close, LinkId, Lost, Output as Reached, Reach, Refusal};
use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::join_all;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Info, MonitorRef, Pid, Time, TimerRef, within};
use ravelin_supervisor::{SupervisorRef, task};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the keeper lives.
pub(crate) type KeeperRef = ActorRef<Keeper>;

/// What a keeper begins with.
pub(crate) struct KeeperArgs {
    pub(crate) linking: Arc<Linking>,
    pub(crate) links: SupervisorRef,
    pub(crate) members: Members,
    pub(crate) reach: Reach,
}

/// The keeper.
pub(crate) struct Keeper {
    linking: Arc<Linking>,
    links: SupervisorRef,
    members: Members,
    reach: Reach,
    closers: BTreeMap<LinkId, oneshot::Sender<Close>>,
    /// Ready when the link's actor has ended.
    ended: BTreeMap<LinkId, oneshot::Receiver<()>>,
    /// The link that asks to be up.
    raising: Option<(LinkId, Outbox)>,
    /// The lives that are up, with their links.
    up: BTreeMap<NodeId, (LinkId, Role)>,
    watched: BTreeMap<MonitorRef, Pid>,
    watching: BTreeSet<Pid>,
    sparing: Sparing,
    timer: Option<(Time, TimerRef)>,
    is_leaving: bool,
}

impl Actor for Keeper {
    type Args = Option<KeeperArgs>;

    async fn init(args: Option<KeeperArgs>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        let args = args.ok_or_else(|| Exit::error("a keeper starts once"))?;
        let KeeperArgs { linking, links, members, reach } = args;
        Ok(Keeper {
            linking,
            links,
            members,
            reach,
            closers: BTreeMap::new(),
            ended: BTreeMap::new(),
            raising: None,
            up: BTreeMap::new(),
            watched: BTreeMap::new(),
            watching: BTreeSet::new(),
            sparing: Sparing::default(),
            timer: None,
            is_leaving: false,
        })
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        if let Info::Down { pid, monitor, .. } = info
            && self.watched.remove(&monitor).is_some()
        {
            self.watching.remove(&pid);
            self.hub().ended(pid);
        }
    }
}

impl Keeper {
    fn hub(&self) -> Arc<Hub> {
        self.linking.hub.clone()
    }

    /// Does what the plans say, until they say nothing more; then sets the timer.
    async fn settle(&mut self, cx: &mut Cx<Self>) {
        let now = cx.now();
        loop {
            if let Some(output) = self.members.poll_output() {
                self.heed(output, now);
            } else if let Some(output) = self.reach.poll_output() {
                self.perform(output, cx).await;
            } else {
                break;
            }
        }
        let next = self.members.poll_timeout().into_iter().chain(self.reach.poll_timeout()).min();
        if self.timer.map(|(at, _)| at) != next {
            if let Some((_, timer)) = self.timer.take() {
                cx.cancel(timer);
            }
            self.timer = next.map(|at| (at, cx.send_after(at.max(now) - now, Tick)));
        }
    }

    /// What the members say.
    fn heed(&mut self, output: Member, now: Time) {
        match output {
            Member::Send { to, bytes } => self.gossip(&to, bytes),
            Member::Up(peer) => self.reach.handle_member_up(&peer, now),
            Member::Down { peer, why } => self.reach.handle_member_down(&peer.id, why, now),
            Member::Suspect(id) => self.tell(&NodeEvent::Suspect(id)),
            Member::Superseded { by } => self.tell(&NodeEvent::Unwanted(NodeHealth::Superseded { by })),
            Member::Joined | Member::Alone | Member::Rejoins { .. } => {
                tracing::debug!(target: "ravelin", ?output, "ravelin.cluster.membership");
            }
        }
    }

    fn gossip(&self, to: &NodeId, bytes: Bytes) {
        let Some((link, _)) = self.up.get(to) else { return };
        let hub = self.hub();
        let Some(peer) = hub.roster.find(to).and_then(|number| hub.peer(number)) else { return };
        let pushed = peer.with_outbox(*link, |outbox| outbox.push_bytes(Flow::Groups, &Head::Gossip, bytes));
        if matches!(pushed, Some(Ok(_))) {
            peer.poke();
        }
    }

    /// What is reached.
    async fn perform(&mut self, output: Reached, cx: &mut Cx<Self>) {
        match output {
            Reached::Dial { link, endpoint, expect } => {
                self.start(link, Begin::Dial { endpoint, expect }, cx).await;
            }
            Reached::Close { link, why } => {
                if let Some(closer) = self.closers.remove(&link) {
                    // A link that is gone needs none.
                    let _ = closer.send(why);
                }
            }
            Reached::Up { link, peer, role } => {
                let hub = self.hub();
                if let Some(number) = hub.roster.find(&peer.id) {
                    // Here and not by the link: so it never takes the place of another that is up.
                    if let Some((link, outbox)) = self.raising.take_if(|(raised, _)| *raised == link)
                        && let Some(peer) = hub.peer(number)
                    {
                        peer.connect(link, outbox);
                    }
                    hub.let_go_of_the_past();
                    self.up.insert(peer.id.clone(), (link, role));
                    if role == Role::Member {
                        if !self.linking.is_client() {
                            hub.with_groups(|groups| groups.peer_up(number));
                            hub.with_names(|names| names.peer_up(number, peer.id.clone()));
                            self.members.join(&peer, cx.now());
                        }
                        tracing::info!(target: "ravelin", node = %peer.id, endpoint = %peer.endpoint, "ravelin.cluster.node_up");
                        self.tell(&NodeEvent::Up(peer.id));
                    }
                }
            }
            Reached::Down { link, id, role, why } => {
                if self.up.get(&id).is_some_and(|(up, _)| *up == link) {
                    self.up.remove(&id);
                }
                let hub = self.hub();
                if let Some(peer) = hub.roster.find(&id).and_then(|number| hub.peer(number)) {
                    // The bonds end before anybody hears of the node's end.
                    peer.disconnect(&hub.system, link);
                    hub.with_groups(|groups| groups.peer_down(peer.number));
                    hub.with_names(|names| names.peer_down(peer.number));
                }
                self.members.unreach(&id);
                if role == Role::Member {
                    tracing::info!(target: "ravelin", node = %id, reason = ?why, "ravelin.cluster.node_down");
                    self.tell(&NodeEvent::Down(id, why));
                }
            }
            Reached::NameTaken { holder, lasting } => {
                tracing::warn!(target: "ravelin", holder = %holder, lasting_ms = lasting.as_millis() as u64, "ravelin.cluster.name_taken");
                self.tell(&NodeEvent::Unwanted(NodeHealth::NameTaken { holder, lasting }));
            }
            Reached::Superseded { by } => {
                tracing::warn!(target: "ravelin", by = %by, "ravelin.cluster.superseded");
                self.tell(&NodeEvent::Unwanted(NodeHealth::Superseded { by }));
            }
        }
    }

    /// Starts the actor of a link.
    async fn start(&mut self, link: LinkId, begin: Begin, cx: &mut Cx<Self>) {
        let ((closer, close), (alive, ended)) = (oneshot::channel(), oneshot::channel());
        self.closers.insert(link, closer);
        self.ended.insert(link, ended);
        let args = Mutex::new(Some((self.linking.clone(), begin, close, alive)));
        let run = move || {
            let args = args.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move {
                match args {
                    Some((linking, begin, close, alive)) => {
                        link::run(linking, link, begin, close, alive).await
                    }
                    None => Ok(()),
                }
            }
        };
        let child = task(format!("link-{}", link.0), run).temporary();
        if let Err(why) = self.links.start_child(child).await {
            tracing::warn!(target: "ravelin", reason = %why, "ravelin.cluster.link_not_started");
            self.reach.handle_link_lost(link, Lost::Broken, cx.now());
        }
    }

    fn tell(&self, event: &NodeEvent) {
        self.hub().tell_of_nodes(event);
    }
}

impl Handle<Admit> for Keeper {
    async fn handle(&mut self, ask: Admit, cx: &mut Cx<Self>) -> Result<(), Refusal> {
        let verdict = self.reach.admit(ask.link, &ask.peer, ask.role, cx.now());
        self.settle(cx).await;
        verdict
    }
}

impl Handle<Raise> for Keeper {
    async fn handle(&mut self, up: Raise, cx: &mut Cx<Self>) -> bool {
        self.raising = Some((up.link, up.outbox));
        self.reach.handle_link_up(up.link, cx.now());
        self.settle(cx).await;
        self.raising.take().is_none()
    }
}

impl Handle<Lose> for Keeper {
    async fn handle(&mut self, lost: Lose, cx: &mut Cx<Self>) {
        self.closers.remove(&lost.link);
        self.ended.remove(&lost.link);
        self.reach.handle_link_lost(lost.link, lost.lost, cx.now());
        self.settle(cx).await;
    }
}

impl Handle<Refuse> for Keeper {
    async fn handle(&mut self, refuse: Refuse, cx: &mut Cx<Self>) {
        let Refuse { with, why, by } = refuse;
        if by == DialledBy::Us || self.sparing.admits(cx.now()) {
            let endpoint = with.as_ref().map(tracing::field::display);
            tracing::warn!(target: "ravelin", endpoint, reason = %why, "ravelin.cluster.refused");
            self.tell(&NodeEvent::Refused { with, why });
        }
    }
}

impl Handle<Gossip> for Keeper {
    async fn handle(&mut self, gossip: Gossip, cx: &mut Cx<Self>) {
        if let Err(why) = self.members.handle_gossip(&gossip.from, &gossip.bytes, cx.now()) {
            tracing::debug!(target: "ravelin", from = %gossip.from, reason = %why, "ravelin.cluster.gossip_refused");
        }
        self.settle(cx).await;
    }
}

impl Handle<Accept> for Keeper {
    async fn handle(&mut self, accept: Accept, cx: &mut Cx<Self>) {
        if let Some(link) = self.reach.accept(cx.now()) {
            self.start(link, Begin::Accepted(accept.0), cx).await;
        }
        self.settle(cx).await;
    }
}

impl Handle<Seeds> for Keeper {
    async fn handle(&mut self, seeds: Seeds, cx: &mut Cx<Self>) {
        if !self.is_leaving {
            self.reach.set_seeds(seeds.0, cx.now());
        }
        self.settle(cx).await;
    }
}

impl Handle<Watch> for Keeper {
    async fn handle(&mut self, watch: Watch, cx: &mut Cx<Self>) {
        if self.watching.insert(watch.0) {
            let monitor = cx.monitor(watch.0);
            self.watched.insert(monitor, watch.0);
        }
    }
}

impl Handle<Nodes> for Keeper {
    async fn handle(&mut self, _: Nodes, _: &mut Cx<Self>) -> Vec<NodeId> {
        let members = self.up.iter().filter(|(_, (_, role))| *role == Role::Member);
        members.map(|(id, _)| id.clone()).collect()
    }
}

impl Handle<Leave> for Keeper {
    async fn handle(&mut self, _: Leave, cx: &mut Cx<Self>) {
        self.is_leaving = true;
        self.members.leave(cx.now());
        while let Some(output) = self.members.poll_output() {
            self.heed(output, cx.now());
        }
        self.reach.leave(cx.now());
        self.settle(cx).await;
        // The links tell the others, and end.
        let runtime = self.linking.hub.system.runtime().clone();
        let ended = join_all(std::mem::take(&mut self.ended).into_values());
        let _ = within(&*runtime, 2 * link::PART_WITHIN, ended).await;
    }
}

impl Handle<Tick> for Keeper {
    async fn handle(&mut self, _: Tick, cx: &mut Cx<Self>) {
        self.timer = None;
        let now = cx.now();
        self.members.handle_timeout(now);
        self.reach.handle_timeout(now);
        self.settle(cx).await;
    }
}

impl Handle<Chase> for Keeper {
    async fn handle(&mut self, _: Chase, cx: &mut Cx<Self>) {
        let now = cx.now();
        if let Some(then) = self.linking.hub.chase(now) {
            cx.send_after(then - now, Chase);
        }
    }
}

/// Finds seeds, again and again if they may be others.
pub(crate) async fn seek(hub: Arc<Hub>, discovery: Arc<dyn Discovery>) -> Result<(), Exit> {
    loop {
        match discovery.find().await {
            Ok(found) => {
                let Some(keeper) = hub.keeper.get() else { return Ok(()) };
                if keeper.call(Seeds(found)).await.is_err() {
                    return Ok(());
                }
            }
            Err(why) => {
                tracing::warn!(target: "ravelin", reason = %why, "ravelin.cluster.discovery_failed");
            }
        }
        let Some(every) = discovery.every() else { return Ok(()) };
        ravelin_core::sleep(&**hub.system.runtime(), every).await;
    }
}
