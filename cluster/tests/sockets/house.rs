//! Some nodes in this process, each a System of its own with a puppet called `puppet`, on real sockets.

use crate::cast::Puppet;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::stream::StreamExt;
use ravelin_cluster::proto::members::Timing;
use ravelin_cluster::tls::dev_ca::DevCa;
use ravelin_cluster::tls::{CertificatePem, Certificates};
use ravelin_cluster::transport::{Quic, Tcp, Transport};
use ravelin_cluster::{Addr, Config, Endpoint, Node, NodeEvent, NodeName};
use ravelin_core::runtimes::Tokio;
use ravelin_core::{ActorRef, Inbox, Received, System, Task, TaskArgs};
use ravelin_supervisor::backoff::Backoff;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

/// Nothing here takes so long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What carries the links.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Net {
    Tcp,
    Quic,
}

/// Runs a claim on two threads.
pub(crate) fn run(claim: impl Future<Output = ()>) {
    crate::logged::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let outcome = runtime.block_on(async { tokio::time::timeout(PATIENCE, claim).await });
    runtime.shutdown_background();
    outcome.expect("it does not hang");
}

pub(crate) fn name(name: &str) -> NodeName {
    name.parse().unwrap()
}

/// One that has been here for an hour.
pub(crate) fn authority() -> DevCa {
    DevCa::new(SystemTime::now() - Duration::from_secs(3600)).unwrap()
}

/// A certificate for a node of this name.
pub(crate) fn certified(authority: &DevCa, name: &str) -> Certificates {
    lasting(authority, name, DAY)
}

/// One that is valid for so long from when the authority was made.
pub(crate) fn lasting(authority: &DevCa, name: &str, valid: Duration) -> Certificates {
    authority.certificates(&self::name(name), valid).unwrap()
}

/// One of a stranger, who trusts everybody that `trusts` vouches for.
pub(crate) fn strange(trusts: &DevCa, name: &str) -> Certificates {
    let own = authority();
    let issued = own.issue(&[self::name(name)], DAY).unwrap();
    let both = [trusts.certificate(), own.certificate()].concat();
    let pem = CertificatePem {
        authority: both.as_bytes(),
        certificate: issued.certificate.as_bytes(),
        key: issued.key.as_bytes(),
    };
    Certificates::from_pem(pem).unwrap()
}

impl Net {
    pub(crate) fn over(self, certificates: Certificates) -> Arc<dyn Transport> {
        match self {
            Net::Tcp => Arc::new(Tcp::tls(certificates)),
            Net::Quic => Arc::new(Quic::new(certificates)),
        }
    }
}

/// What was told, in order; each is told once.
pub(crate) struct Told<T>(UnboundedReceiver<T>);

impl<T: fmt::Debug> Told<T> {
    /// Waits for what `find` is looking for. What comes before it is forgotten.
    pub(crate) async fn until<R>(&mut self, mut find: impl FnMut(&T) -> Option<R>) -> R {
        loop {
            let told = self.0.next().await.expect("whoever tells lives");
            if let Some(found) = find(&told) {
                return found;
            }
        }
    }

    /// What was told and not asked for.
    pub(crate) fn rest(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

/// A node, and what runs on it.
pub(crate) struct Home {
    pub(crate) node: Node,
    pub(crate) puppet: ActorRef<Puppet>,
    /// What the puppet hears.
    pub(crate) heard: Told<String>,
    pub(crate) events: Told<NodeEvent>,
}

/// A configuration for this machine, with this node as its seed.
pub(crate) fn config(name: &str, seed: Option<&Home>) -> Config {
    let mut config = Config::new(self::name(name), "127.0.0.1:0");
    config.seeds = seed.iter().map(|home| home.node.endpoint().clone()).collect();
    config.membership = Timing::local();
    config.dialling.backoff = Backoff::exponential(Duration::from_millis(20), Duration::from_millis(80));
    config.dialling.defer = Duration::from_millis(50);
    config.limits.message_bytes_max = 32 << 20;
    config
}

impl Home {
    pub(crate) async fn start(config: Config, transport: Arc<dyn Transport>) -> Home {
        let system = System::new(Tokio::current());
        let node = Node::start(&system, config, transport).await.unwrap();
        let (tells, heard) = unbounded();
        let puppet = ActorRef::<Puppet>::place("puppet");
        let pid = system.start(&puppet, tells).await.unwrap();
        system.register("puppet", pid).unwrap();
        node.accept::<Puppet>();
        let (tells, events) = unbounded();
        let watcher = ActorRef::<Task<NodeEvent>>::place("watcher");
        let watches = move |inbox| watch(inbox, tells);
        system.start(&watcher, TaskArgs::once(watches)).await.unwrap();
        node.watch(watcher.recipient()).await;
        Home { node, puppet, heard: Told(heard), events: Told(events) }
    }

    /// The puppet of another node, by its name.
    pub(crate) fn puppet_of(&self, other: &Home) -> Addr<Puppet> {
        self.node.named(&other.node.id().name, "puppet")
    }

    /// Waits until a node of this name is up.
    pub(crate) async fn meets(&mut self, other: &str) {
        let is_it = |event: &NodeEvent| matches!(event, NodeEvent::Up(id) if id.name.as_str() == other);
        self.events.until(|event| is_it(event).then_some(())).await;
    }

    /// Whom it reaches.
    pub(crate) async fn reached(&self) -> Vec<String> {
        self.node.nodes().await.into_iter().map(|id| id.name.to_string()).collect()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.node.endpoint().clone()
    }
}

async fn watch(mut inbox: Inbox<NodeEvent>, tells: UnboundedSender<NodeEvent>) {
    while let Some(received) = inbox.next().await {
        if let Received::Message(event, _) = received {
            let _ = tells.unbounded_send(event);
        }
    }
}

/// Two nodes that have met: `a`, and `b` with `a` as its seed.
pub(crate) async fn two(net: Net, authority: &DevCa) -> (Home, Home) {
    let mut a = Home::start(config("a", None), net.over(certified(authority, "a"))).await;
    let mut b = Home::start(config("b", Some(&a)), net.over(certified(authority, "b"))).await;
    a.meets("b").await;
    b.meets("a").await;
    (a, b)
}
