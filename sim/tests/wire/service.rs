//! A service over two nodes, in supervised actors, that gets well when the trouble is over.

use crate::app::{MS, SECOND, quiet};
use futures::future::{Either, select};
use futures::io::{AsyncReadExt, AsyncWriteExt};
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, sleep};
use ravelin_sim::{Faults, Net, Node, Sim, Stream, World};
use ravelin_supervisor::{Supervisor, child, start_in, task};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// The square of a number.
struct Square(u64);
impl Message for Square {
    type Reply = u64;
}

/// Knows how to do it.
struct Worker;
impl Actor for Worker {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Worker)
    }
}
impl Handle<Square> for Worker {
    async fn handle(&mut self, Square(number): Square, _: &mut Cx<Self>) -> u64 {
        number * number
    }
}

/// Answers what comes over a connection, for as long as it lasts.
async fn answers(stream: Stream, worker: ActorRef<Worker>) {
    let (mut stream, mut bytes) = (stream, [0; 8]);
    while stream.read_exact(&mut bytes).await.is_ok() {
        let Ok(square) = worker.call(Square(u64::from_be_bytes(bytes))).await else { return };
        if stream.write_all(&square.to_be_bytes()).await.is_err() {
            return;
        }
    }
}

/// The node that serves: a worker, and a door that leads to it.
async fn serves(node: Node) {
    let worker = ActorRef::<Worker>::place("worker");
    let (to, net, runtime) = (worker.clone(), node.net().clone(), node.runtime().clone());
    let door = task("door", move || {
        let (to, net, runtime) = (to.clone(), net.clone(), runtime.clone());
        async move {
            let listener = net.listen(7).unwrap();
            while let Ok(stream) = listener.accept().await {
                runtime.spawn("connection", Box::pin(answers(stream, to.clone())));
            }
        }
    });
    let tree = Supervisor::one_for_one("server").intensity(100, SECOND);
    let app = start_in(node.system(), tree.child(child(&worker, || ())).child(door)).await;
    std::future::pending::<()>().await;
    drop(app);
}

/// Asks the other node. What goes wrong with the connection is its end, and it is started anew.
struct Asker {
    net: Net,
    stream: Option<Stream>,
}

impl Asker {
    async fn ask(&mut self, number: u64) -> io::Result<u64> {
        let mut bytes = number.to_be_bytes();
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(self.net.connect(("server", 7)).await?),
        };
        stream.write_all(&bytes).await?;
        stream.read_exact(&mut bytes).await?;
        Ok(u64::from_be_bytes(bytes))
    }
}

impl Actor for Asker {
    type Args = Net;
    async fn init(net: Net, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Asker { net, stream: None })
    }
}

impl Handle<Square> for Asker {
    async fn handle(&mut self, Square(number): Square, cx: &mut Cx<Self>) -> u64 {
        let limit = pin!(sleep(&**cx.runtime(), SECOND)); // tidy: virtual time
        match select(pin!(self.ask(number)), limit).await {
            Either::Left((Ok(square), _)) => square,
            Either::Left((Err(error), _)) => panic!("{error}"),
            Either::Right(_) => panic!("no answer within a second"),
        }
    }
}

/// The node that asks: an actor that does, and a task that lets it.
async fn asks(node: Node, answered: Arc<AtomicU64>) {
    let asker = ActorRef::<Asker>::place("asker");
    let (to, runtime, net) = (asker.clone(), node.runtime().clone(), node.net().clone());
    let every = task("every", move || {
        let (to, runtime, answered) = (to.clone(), runtime.clone(), answered.clone());
        async move {
            for number in 0.. {
                if let Ok(square) = to.call(Square(number)).timeout(3 * SECOND).await {
                    assert_eq!(square, number * number, "an answer to another question");
                    answered.fetch_add(1, SeqCst);
                }
                sleep(&*runtime, 50 * MS).await; // tidy: virtual time
            }
        }
    });
    let asker = child(&asker, move || net.clone());
    let tree = Supervisor::one_for_one("client").intensity(1000, SECOND).child(every).child(asker);
    let app = start_in(node.system(), tree).await;
    std::future::pending::<()>().await;
    drop(app);
}

fn trouble() -> Faults {
    let network = Faults::none().partitions(2).cuts(2).clogs(2).bad_links(2).severs(3);
    let nodes = network.crashes("server", 2).power_losses("server", 2).crashes("client", 1);
    nodes.kills("worker", 3).kills("asker", 3).kills("door", 2).stalls("server", 1).over(20 * SECOND)
}

async fn service(world: &mut World) {
    world.set_network(quiet());
    let answered = Arc::new(AtomicU64::new(0));
    world.node("server", serves);
    world.advance(MS).await;
    let counter = answered.clone();
    world.node("client", move |node| asks(node, counter.clone()));
    world.advance(40 * SECOND).await;
    world.calm();
    let before = answered.load(SeqCst);
    world.until(30 * SECOND, || answered.load(SeqCst) >= before + 20).await;
    world.note(answered.load(SeqCst));
}

#[test]
fn a_service_over_two_nodes_recovers_after_the_calm() {
    let passed =
        Sim::new().alone().seeds(30).threads(2).twice_every(5).faults(trouble()).run(service).unwrap();
    for kind in ["partition", "cut", "clog", "bad link", "sever", "power loss", "crash", "kill"] {
        assert!(passed.struck.contains_key(kind), "{kind} never struck: {:?}", passed.struck);
    }
}

#[test]
fn a_service_without_trouble_answers_all_the_time() {
    let passed = Sim::new().alone().seeds(5).run(service).unwrap();
    assert!(passed.struck.is_empty());
}
