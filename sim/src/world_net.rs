//! The network of a world, as a test handles it: settings, trouble by hand, counters.

use crate::fault::Fault;
use crate::log::NodeId;
use crate::machine::MAIN;
use crate::net::{Counters, Crash, Link, Settings};
use crate::network::{both, ways};
use crate::nodes::Nodes;
use crate::ports::{Trouble, Way};
use crate::trouble::NetFault;
use crate::wire::Net;
use crate::world::World;

impl Nodes {
    /// A fault of the network whose time has come.
    pub(crate) fn strike_net(&self, fault: &NetFault) {
        let struck = match fault {
            NetFault::Vanish { node, down, .. } => {
                self.crash_for(node, Crash::Silent, *down).then(|| fault.clone())
            }
            other => self.machine.disturb(other),
        };
        if let Some(fault) = struck {
            self.note_strike(Fault::Net(fault));
        }
    }
}

impl World {
    /// The network, as a node's present incarnation sees it.
    ///
    /// # Panics
    /// There is no such node, or it is down.
    #[track_caller]
    pub fn net(&self, node: &str) -> Net {
        let id = self.find(node);
        let mut state = self.machine.lock();
        let it = state.node(id);
        let (is_up, incarnation) = (it.is_up, it.incarnation);
        drop(state);
        assert!(is_up, "the node `{node}` is down");
        Net::on(self.machine.clone(), id, incarnation)
    }

    /// Crashes a node as a machine without power does: as [`World::crash`], but its connections hang, where those of a
    /// crash are reset. False: it was down.
    ///
    /// # Panics
    /// As [`World::crash`].
    #[track_caller]
    pub fn lose_power(&self, node: &str) -> bool {
        let id = self.find(node);
        assert!(id != MAIN, "the node `main` is the test's own, and does not crash");
        self.nodes.crash(id, Crash::Silent)
    }

    /// How the network behaves: all links that have no setting of their own, buffers, limits, patience.
    ///
    /// It stays so when the world is [`calm`](World::calm).
    pub fn set_network(&self, settings: Settings) {
        self.machine.network(|ports, _| ports.set_settings(settings));
    }

    /// How one direction between two nodes behaves; `None`: as the network's settings say. It stays so when the world
    /// is [`calm`](World::calm).
    ///
    /// # Panics
    /// There is no such node; so for all of these.
    #[track_caller]
    pub fn set_link(&self, from: &str, to: &str, link: Option<Link>) {
        let way = (self.find(from), self.find(to));
        self.machine.network(|ports, now| ports.set_link(now, way, link));
    }

    /// Nothing gets from one side to the other, or back, until [`heal`](World::heal).
    ///
    /// ```
    /// use ravelin_sim::Sim;
    /// use std::time::Duration;
    /// Sim::new().seeds(5).check(async |world| {
    ///     world.node("a", async |_| std::future::pending().await);
    ///     let (here, there) = (world.net("main").bind(1).unwrap(), world.net("a").bind(1).unwrap());
    ///     world.partition(&["main"], &["a"]);
    ///     here.send_to(b"lost", ("a", 1)).unwrap();
    ///     world.heal(&["main"], &["a"]);
    ///     here.send_to(b"heard", ("a", 1)).unwrap();
    ///     assert_eq!(&*there.recv_from().await.unwrap().0, b"heard");
    ///     assert_eq!(world.net_counters("main", "a").cut, 1);
    /// });
    /// ```
    #[track_caller]
    pub fn partition(&self, one: &[&str], other: &[&str]) {
        self.note(format_args!("{one:?} and {other:?} are cut off from each other"));
        self.begin(Trouble::Cut, both(self.ways(one, other)));
    }

    /// Nothing gets from one side to the other until [`heal`](World::heal); the way back is whole.
    #[track_caller]
    pub fn cut(&self, from: &[&str], to: &[&str]) {
        self.note(format_args!("nothing gets from {from:?} to {to:?}"));
        self.begin(Trouble::Cut, self.ways(from, to));
    }

    /// No link between the two sides is cut any more, either way, whoever cut it.
    #[track_caller]
    pub fn heal(&self, one: &[&str], other: &[&str]) {
        self.note(format_args!("{one:?} and {other:?} reach each other again"));
        let ways = both(self.ways(one, other));
        self.machine.network(|ports, now| ports.lift(now, &Trouble::Cut, &ways));
    }

    /// What one side sends to the other is held until [`unclog`](World::unclog).
    #[track_caller]
    pub fn clog(&self, from: &[&str], to: &[&str]) {
        self.note(format_args!("what {from:?} sends to {to:?} is held"));
        self.begin(Trouble::Clogged, self.ways(from, to));
    }

    /// What was held from one side to the other arrives at once, whoever held it.
    #[track_caller]
    pub fn unclog(&self, from: &[&str], to: &[&str]) {
        self.note(format_args!("what {from:?} sends to {to:?} is held no more"));
        let ways = self.ways(from, to);
        self.machine.network(|ports, now| ports.lift(now, &Trouble::Clogged, &ways));
    }

    /// Breaks the connections between two nodes; both ends are told. False: there were none.
    #[track_caller]
    pub fn sever(&self, one: &str, other: &str) -> bool {
        let (one, other) = (self.find(one), self.find(other));
        self.machine.network(|ports, _| ports.sever(one, other))
    }

    /// What happened on the link from one node to another: a fault that never strikes is seen.
    #[track_caller]
    pub fn net_counters(&self, from: &str, to: &str) -> Counters {
        let (from, to) = (self.find(from), self.find(to));
        self.machine.lock().ports.net().counters(from, to)
    }

    /// What happened on all links together.
    pub fn net_totals(&self) -> Counters {
        self.machine.lock().ports.net().totals()
    }

    fn begin(&self, trouble: Trouble, ways: Vec<Way>) {
        self.machine.network(|ports, now| ports.begin(now, trouble, ways));
    }

    #[track_caller]
    fn ways(&self, from: &[&str], to: &[&str]) -> Vec<Way> {
        let mut found: [Vec<NodeId>; 2] = Default::default();
        for (nodes, names) in found.iter_mut().zip([from, to]) {
            for name in names {
                nodes.push(self.find(name));
            }
        }
        let [from, to] = found;
        ways(&from, &to)
    }
}
