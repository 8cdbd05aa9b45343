//! People on some nodes, who walk ways of calls: each calls the next, and answers when that one has.

use futures::future::join_all;
use ravelin_cluster::transport::SimTransport;
use ravelin_cluster::{Accepts, Addr, Bincode, Config, Endpoint, Node, Remote, Wire};
use ravelin_core::{Actor, ActorRef, CallError, Cx, Exit, Handle, Message, System};
use ravelin_sim::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const FOLK: usize = 6;

/// Who is called next, after which pause; `is_two`: the one after that too, at the same time.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Step {
    pub(crate) who: usize,
    pub(crate) pause_ms: u64,
    pub(crate) is_two: bool,
}

/// Goes on along this way.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Pass {
    pub(crate) way: Vec<Step>,
}

/// What came of it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Walk {
    /// Circles that were named: who, and of which node.
    pub(crate) circles: Vec<Vec<(usize, String)>>,
    /// In which words.
    pub(crate) said: Vec<String>,
    /// Calls that ended otherwise without an answer.
    pub(crate) others: usize,
}

impl Walk {
    pub(crate) fn add(&mut self, other: Walk) {
        self.circles.extend(other.circles);
        self.said.extend(other.said);
        self.others += other.others;
    }
}

impl Message for Pass {
    type Reply = Walk;
}

impl Wire for Pass {
    const NAME: &'static str = "test.pass";
    type Codec = Bincode;
}

/// Who ever waited for whom.
type Asked = Arc<Mutex<BTreeSet<(usize, usize)>>>;

pub(crate) struct Person {
    number: usize,
    node: Node,
    nodes: Arc<[String]>,
    asked: Asked,
}

impl Actor for Person {
    type Args = (usize, Node, Arc<[String]>, Asked);

    async fn init((number, node, nodes, asked): Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Person { number, node, nodes, asked })
    }
}

impl Remote for Person {
    fn accepts(messages: &mut Accepts<Person>) {
        messages.add::<Pass>();
    }
}

impl Person {
    fn addr(&self, who: usize) -> Addr<Person> {
        let home = &self.nodes[who % self.nodes.len()];
        self.node.named(&home.parse().unwrap(), &who.to_string())
    }

    fn outcome(&self, outcome: Result<Walk, CallError<Pass>>) -> Walk {
        match outcome {
            Ok(walk) => walk,
            Err(why @ CallError::Deadlock { .. }) => {
                let said = why.to_string();
                let CallError::Deadlock { path, .. } = why else { unreachable!() };
                let me = self.nodes[self.number % self.nodes.len()].clone();
                let hops = path.iter().map(|hop| {
                    let name = hop.place.as_deref().unwrap_or(&hop.actor);
                    (name.parse().unwrap(), hop.node.as_deref().unwrap_or(&me).to_owned())
                });
                let circle: Vec<(usize, String)> = hops.collect();
                assert!(circle.len() >= 2 && circle[0].0 == self.number, "{said}");
                assert_eq!(circle[0], circle[circle.len() - 1], "{said}");
                for pair in circle.windows(2) {
                    let each = (pair[0].0, pair[1].0);
                    assert!(self.asked.lock().unwrap().contains(&each), "{each:?} never was: {said}");
                }
                Walk { circles: vec![circle], said: vec![said], others: 0 }
            }
            Err(_) => Walk { others: 1, ..Walk::default() },
        }
    }
}

impl Handle<Pass> for Person {
    async fn handle(&mut self, Pass { way }: Pass, cx: &mut Cx<Self>) -> Walk {
        let mut walk = Walk::default();
        let Some((step, rest)) = way.split_first() else { return walk };
        if step.pause_ms > 0 {
            cx.sleep(Duration::from_millis(step.pause_ms)).await; // tidy: virtual time
        }
        let me = &*self;
        let calls = (0..1 + usize::from(step.is_two)).map(|n| async move {
            let who = (step.who + n) % FOLK;
            me.asked.lock().unwrap().insert((me.number, who));
            let addr = me.addr(who);
            me.outcome(addr.call(Pass { way: rest.to_vec() }).no_timeout().await)
        });
        join_all(calls.collect::<Vec<_>>()).await.into_iter().for_each(|each| walk.add(each));
        walk
    }
}

/// Some nodes, of which person `n` lives on number `n % nodes`.
pub(crate) struct Town {
    folk: Arc<Mutex<BTreeMap<usize, ActorRef<Person>>>>,
    systems: Arc<Mutex<BTreeMap<String, System>>>,
}

impl Town {
    pub(crate) async fn new(world: &World, nodes: &[&str]) -> Town {
        let names: Arc<[String]> = nodes.iter().map(|name| (*name).to_owned()).collect();
        let town = Town { folk: Arc::default(), systems: Arc::default() };
        let asked = Asked::default();
        for (n, name) in nodes.iter().enumerate() {
            let (folk, systems) = (town.folk.clone(), town.systems.clone());
            let (names, asked) = (names.clone(), asked.clone());
            world.node(*name, move |node| {
                let (folk, systems) = (folk.clone(), systems.clone());
                let (names, asked) = (names.clone(), asked.clone());
                async move {
                    let at = |name: &str| Endpoint(format!("{name}:4370").into());
                    let mut config = Config::new(names[n].parse().unwrap(), &at(&names[n]).0);
                    config.seeds = vec![at(&names[0])];
                    let transport = Arc::new(SimTransport::new(node.net().clone()));
                    let cluster = Node::start(node.system(), config, transport).await.unwrap();
                    cluster.accept::<Person>();
                    for who in (n..FOLK).step_by(names.len()) {
                        let person = ActorRef::<Person>::place(who.to_string());
                        let args = (who, cluster.clone(), names.clone(), asked.clone());
                        let pid = node.system().start(&person, args).await.unwrap();
                        node.system().register(who.to_string(), pid).unwrap();
                        folk.lock().unwrap().insert(who, person);
                    }
                    systems.lock().unwrap().insert(names[n].clone(), node.system().clone());
                    std::future::pending::<()>().await;
                }
            });
        }
        world.settle().await;
        world.advance(Duration::from_secs(3)).await;
        town
    }

    pub(crate) fn person(&self, who: usize) -> ActorRef<Person> {
        self.folk.lock().unwrap()[&who].clone()
    }

    pub(crate) fn system(&self, name: &str) -> System {
        self.systems.lock().unwrap()[name].clone()
    }
}
