//! The nodes of a run: a system each, how it boots, and what faults do to it.

use crate::drive::Act;
use crate::fault::Fault;
use crate::invariant::Quiet;
use crate::log::{Event, Name, NodeId};
use crate::machine::{Due, MAIN, Machine};
use crate::net::Crash;
use crate::runtime::SimRuntime;
use crate::seed::Random;
use crate::wire::Net;
use futures::future::BoxFuture;
use ravelin_core::{Activity, LocalRuntime, Runtime, System, Time};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One incarnation of a node, as its boot function gets it.
#[derive(Clone, Debug)]
pub struct Node {
    name: Name,
    incarnation: u32,
    system: System,
    net: Net,
    power: Power,
}

/// Whether an incarnation of a node is still there, and the way to end it.
#[derive(Clone)]
pub(crate) struct Power {
    machine: Arc<Machine>,
    node: NodeId,
    incarnation: u32,
}

impl Power {
    pub(crate) fn is_on(&self) -> bool {
        self.machine.lock().is_up(self.node, self.incarnation)
    }

    /// The next blocking job of the node takes so much longer.
    pub(crate) fn owe(&self, time: Duration) {
        let mut state = self.machine.lock();
        state.node(self.node).owed += time;
    }

    /// The node crashes before anybody has another turn. False: all trouble is over, and it does not.
    pub(crate) fn cut(&self, name: &Name, down: Duration) -> bool {
        let mut state = self.machine.lock();
        if !state.is_calm {
            let at = state.now;
            let fault = Fault::Crash { node: name.clone(), at: at - Time::EPOCH, down };
            state.schedule(at, Due::Strike(fault));
        }
        !state.is_calm
    }

    /// The numbers of this name that follow from the seed.
    pub(crate) fn random(&self, stream: &str) -> Random {
        self.machine.lock().seed.random(stream)
    }
}

impl fmt::Debug for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Power").field("node", &self.node).field("incarnation", &self.incarnation).finish()
    }
}

impl Node {
    /// What the node is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often it has booted, from 1.
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The system of this incarnation. After a crash nothing of it runs.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The network, as this incarnation sees it. After a crash all that it gave is refused.
    pub fn net(&self) -> &Net {
        &self.net
    }

    pub(crate) fn power(&self) -> &Power {
        &self.power
    }

    /// The runtime of this incarnation.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        self.system.runtime()
    }

    /// The thread of this incarnation, for what is not `Send`; it goes with the node.
    pub fn thread(&self) -> Arc<dyn LocalRuntime> {
        let Power { machine, node, incarnation } = &self.power;
        SimRuntime::on(machine.clone(), *node, *incarnation)
    }
}

/// What a node does when it boots.
pub(crate) type Boot = Arc<dyn Fn(Node) -> BoxFuture<'static, ()> + Send + Sync>;

/// What is known of a node beside what the machine knows.
struct Host {
    boot: Option<Boot>,
    /// While it is up.
    system: Option<System>,
}

/// All nodes of a run.
pub(crate) struct Nodes {
    pub(crate) machine: Arc<Machine>,
    hosts: Mutex<Vec<Host>>,
}

impl Nodes {
    /// The node `main`, which has booted already and is nobody's to crash.
    pub(crate) fn new(machine: &Arc<Machine>) -> Nodes {
        let system = System::new(SimRuntime::on(machine.clone(), MAIN, 1));
        let main = Host { boot: None, system: Some(system) };
        Nodes { machine: machine.clone(), hosts: Mutex::new(vec![main]) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, name: Name, boot: Boot) -> NodeId {
        self.lock().push(Host { boot: Some(boot), system: None });
        self.machine.lock().add_node(name)
    }

    pub(crate) fn is_up(&self, node: NodeId) -> bool {
        self.machine.lock().node(node).is_up
    }

    pub(crate) fn find(&self, name: &str) -> Option<NodeId> {
        self.machine.lock().find(name)
    }

    pub(crate) fn system(&self, node: NodeId) -> Option<System> {
        self.lock()[node.index()].system.clone()
    }

    /// Boots a node that is down.
    pub(crate) fn boot(&self, node: NodeId) {
        let Some(boot) = self.lock()[node.index()].boot.clone() else { return };
        if self.is_up(node) {
            return;
        }
        let (incarnation, name) = {
            let mut state = self.machine.lock();
            (state.boot(node), state.node(node).name.clone())
        };
        let system = System::new(SimRuntime::on(self.machine.clone(), node, incarnation));
        self.lock()[node.index()].system = Some(system.clone());
        let runtime = system.runtime().clone();
        let net = Net::on(self.machine.clone(), node, incarnation);
        let power = Power { machine: self.machine.clone(), node, incarnation };
        runtime.spawn("boot", boot(Node { name, incarnation, system, net, power }));
    }

    /// Ends an incarnation of a node, and all that it had in memory. False: it was down, or can not crash.
    pub(crate) fn crash(&self, node: NodeId, how: Crash) -> bool {
        if self.lock()[node.index()].boot.is_none() || !self.is_up(node) {
            return false;
        }
        self.machine.unplug(node, how);
        let tasks = self.machine.lock().crash(node);
        drop(tasks);
        let system = self.lock()[node.index()].system.take();
        drop(system);
        true
    }

    /// The nodes that are up, with their systems.
    pub(crate) fn quiet(&self) -> Quiet {
        let systems: Vec<_> = self.lock().iter().map(|host| host.system.clone()).collect();
        let state = self.machine.lock();
        let nodes = systems.into_iter().zip(&state.nodes);
        let nodes = nodes.filter_map(|(system, node)| Some((node.name.clone(), system?))).collect();
        Quiet { now: state.now, nodes }
    }

    /// What the timeline brought.
    pub(crate) fn act(&self, act: Act) {
        match act {
            Act::Boot(node) => self.boot(node),
            Act::Strike(_) if self.machine.lock().is_calm => {}
            Act::Strike(fault) => self.strike(&fault),
        }
    }

    /// A fault whose time has come.
    fn strike(&self, fault: &Fault) {
        let has_struck = match fault {
            Fault::At { .. } | Fault::Buggify { .. } | Fault::Named { .. } => false,
            Fault::Net(fault) => return self.strike_net(fault),
            Fault::ClockJump { node, by, ahead, .. } => self.find(node).is_some_and(|node| {
                let by = by.as_nanos() as i128;
                self.machine.lock().node(node).skew += if *ahead { by } else { -by };
                true
            }),
            Fault::Crash { node, down, .. } => self.crash_for(node, Crash::Reset, *down),
            Fault::Kill { place, .. } => self.kill(place),
            Fault::Pause { place, time, .. } => self.machine.lock().pause(place, *time),
            Fault::Stall { node, time, .. } => self.find(node).is_some_and(|node| {
                self.machine.lock().stall(node, *time);
                true
            }),
        };
        if has_struck {
            self.note_strike(fault.clone());
        }
    }

    /// Takes down that a fault has struck.
    pub(crate) fn note_strike(&self, fault: Fault) {
        let mut state = self.machine.lock();
        state.record(Event::Injected(fault.to_string()));
        state.struck.push(fault);
    }

    /// Crashes a node, which boots after a while. False: there is none, or it was down.
    pub(crate) fn crash_for(&self, node: &str, how: Crash, down: Duration) -> bool {
        let Some(node) = self.find(node) else { return false };
        let has_crashed = self.crash(node, how);
        let mut state = self.machine.lock();
        let at = state.now + down;
        state.schedule(at, Due::Boot(node));
        has_crashed
    }

    /// Kills whoever lives at a place of this name, on any node. False: nobody does.
    pub(crate) fn kill(&self, place: &str) -> bool {
        let mut killed = false;
        for (_, system) in self.quiet().nodes {
            for pid in system.pids() {
                let lives_there = |name: &Name| **name == *place;
                if system.describe(pid).and_then(|it| it.name).as_ref().is_some_and(lives_there) {
                    killed |= system.kill(pid);
                }
            }
        }
        killed
    }

    /// No fault from now on; who is down boots, who is stalled or paused goes on.
    pub(crate) fn calm(&self) {
        self.machine.network(|ports, now| ports.calm(now));
        let count = {
            let mut state = self.machine.lock();
            state.is_calm = true;
            state.mischief.calm();
            state.resume_all();
            state.nodes.len() as u32
        };
        (0..count).map(NodeId).for_each(|node| self.boot(node));
    }

    /// The actors that do not just wait for their next message, a line each.
    pub(crate) fn waits(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (node, system) in self.quiet().nodes {
            let living = system.pids().into_iter().filter_map(|pid| system.describe(pid));
            let (idle, busy): (Vec<_>, Vec<_>) = living.partition(|actor| actor.activity == Activity::Idle);
            for it in busy {
                let place = it.name.as_deref().unwrap_or("unnamed");
                let (pid, what, behind) = (it.pid, it.activity, it.mailbox_len);
                let line = format!("actor `{place}` {pid} on node `{node}` ({}): {what:?}", it.actor);
                lines.push(format!("{line}, {behind} messages behind it"));
            }
            if !idle.is_empty() {
                lines.push(format!("{} idle actors on node `{node}`", idle.len()));
            }
        }
        lines
    }

    /// Lets go of all systems.
    pub(crate) fn clear(&self) {
        let hosts: Vec<Host> = self.lock().drain(..).collect();
        drop(hosts);
    }
}
