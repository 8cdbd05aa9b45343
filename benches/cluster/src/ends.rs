//! How soon ends are known: of actors and of nodes; and how soon nodes are.

use crate::cast::{Count, EndIdler, Idler, Sink, wall_clock_ns};
use crate::world::{World, reach};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::stream::StreamExt;
use ravelin_cluster::Addr;
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Info, Message, Pid, System, sleep};
use std::time::{Duration, Instant};

/// Word of an end: when it came, on the clock of this process and on that of the machine, and why it was.
struct End {
    at: Instant,
    wall_clock_ns: u128,
    why: Exit,
}

/// Says when who it watches has ended, and why.
struct Watcher(UnboundedSender<End>);

impl Actor for Watcher {
    type Args = UnboundedSender<End>;
    async fn init(told: Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Watcher(told))
    }
    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        if let Info::Down { reason, .. } = info {
            let end = End { at: Instant::now(), wall_clock_ns: wall_clock_ns(), why: reason };
            let _ = self.0.unbounded_send(end);
        }
    }
}

/// Watch this one.
struct Watch(Pid);
impl Message for Watch {
    type Reply = ();
}

impl Handle<Watch> for Watcher {
    async fn handle(&mut self, watch: Watch, cx: &mut Cx<Self>) {
        cx.monitor(watch.0);
    }
}

/// Kill this one; the answer is when that began.
struct Kill(Pid);
impl Message for Kill {
    type Reply = Instant;
}

impl Handle<Kill> for Watcher {
    async fn handle(&mut self, kill: Kill, cx: &mut Cx<Self>) -> Instant {
        let begun = Instant::now();
        cx.system().kill(kill.0);
        begun
    }
}

/// A watcher, and what it says.
async fn watcher(system: &System) -> (ActorRef<Watcher>, UnboundedReceiver<End>) {
    let (told, ends) = unbounded();
    (system.spawn::<Watcher>(told).await.expect("it starts"), ends)
}

/// An actor of the other process, watched there for certain.
async fn watched(watcher: &ActorRef<Watcher>, sink: &Addr<Sink>) -> Pid {
    let pid = sink.call(Idler).await.expect("an answer");
    watcher.call(Watch(pid)).await.expect("an answer");
    // What one actor asks later comes later; this one asks for all, so it waits a little.
    sink.call(Count).await.expect("an answer");
    pid
}

pub(crate) async fn ended(world: &World) {
    let (node, _other, sink) = world.pair().await;
    let (watcher, mut ends) = watcher(node.system()).await;
    let (mut each, whole) = (Vec::new(), Instant::now());
    for _ in 0..world.run.n {
        watched(&watcher, &sink).await;
        sink.cast(EndIdler).expect("room");
        let end = ends.next().await.expect("word of it");
        let Exit::Error(begun) = &end.why else { panic!("it ended by {}", end.why) };
        let begun: u128 = begun.parse().expect("it says when it ended");
        let took = end.wall_clock_ns.checked_sub(begun).expect("the machine's clock went on");
        each.push(Duration::from_nanos(took as u64));
    }
    world.run.report_each(whole.elapsed(), each, &[]);
}

pub(crate) async fn down(world: &World) {
    let (node, _other, sink) = world.pair().await;
    let (watcher, mut ends) = watcher(node.system()).await;
    let (mut each, whole) = (Vec::new(), Instant::now());
    for _ in 0..world.run.n {
        let pid = watched(&watcher, &sink).await;
        let begun = watcher.call(Kill(pid)).await.expect("an answer");
        let end = ends.next().await.expect("word of it");
        assert_eq!(end.why, Exit::Killed);
        each.push(end.at - begun);
    }
    world.run.report_each(whole.elapsed(), each, &[]);
}

pub(crate) async fn nodedown(world: &World) {
    let (mut each, whole) = (Vec::new(), Instant::now());
    for _ in 0..world.run.n {
        let (node, mut other, sink) = world.pair().await;
        let (watcher, mut ends) = watcher(node.system()).await;
        watched(&watcher, &sink).await;
        let begun = Instant::now();
        other.kill();
        let end = ends.next().await.expect("word of it");
        assert_eq!(end.why, Exit::NoConnection);
        each.push(end.at - begun);
        node.leave().await;
    }
    world.run.report_each(whole.elapsed(), each, &[]);
}

pub(crate) async fn join(world: &World) {
    let count = world.run.nodes;
    let names: Vec<_> = (0..count).map(|number| format!("n{number}")).collect();
    let folder = world.certificates(&names);
    let (mut each, whole) = (Vec::new(), Instant::now());
    for _ in 0..world.run.n {
        let begun = Instant::now();
        let mut nodes = vec![world.node(&names[0], Vec::new(), &folder).await];
        for name in &names[1..] {
            let seed = nodes[0].endpoint().clone();
            nodes.push(world.node(name, vec![seed], &folder).await);
        }
        for node in &nodes {
            reach(node, count - 1).await;
        }
        each.push(begun.elapsed());
        let runtime = nodes[0].system().runtime().clone();
        for node in nodes {
            node.leave().await;
        }
        // What is left of a round ends.
        sleep(&*runtime, Duration::from_millis(20)).await;
    }
    let _ = std::fs::remove_dir_all(folder);
    world.run.report_each(whole.elapsed(), each, &[("nodes", count as f64)]);
}
