//! Clients.

use crate::cast::{Add, End, Get, Heard, Puppet, Watch, Who};
use crate::house::{Home, House, NODES, at};
use bytes::Bytes;
use ravelin_cluster::Role;
use ravelin_cluster::proto::frame::{Bye, Frame, Head, Signal};
use ravelin_cluster::proto::hello::{Event, Handshake, Introduction, Limits, Side, Terms};
use ravelin_cluster::proto::link::{Flow, Inbox, LinkConfig, Outbox, Streams};
use ravelin_cluster::transport::{SimTransport, Transport};
use ravelin_cluster::{
    Bincode, Client, Clients, Codec, Config, Group, Incarnation, Node, NodeError, NodeId, StartChildError,
};
use ravelin_core::{ActorRef, CallError};
use ravelin_sim::{Sim, World};
use ravelin_supervisor::{Supervisor, SupervisorRef, child};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a node of the world has made.
type Made<T> = Arc<Mutex<Option<T>>>;

/// A client of these nodes, on a machine of its own, with a puppet.
async fn client(world: &World, name: &str, of: &[&str]) -> (Client, ActorRef<Puppet>) {
    let made: Made<(Client, ActorRef<Puppet>)> = Arc::default();
    let (there, endpoints) = (made.clone(), of.iter().map(|name| at(name)).collect::<Vec<_>>());
    world.node(name, move |node| {
        let (there, endpoints) = (there.clone(), endpoints.clone());
        async move {
            let config = Config::client(node.name().parse().unwrap(), endpoints);
            let transport = Arc::new(SimTransport::new(node.net().clone()));
            let client = Client::connect(node.system(), config, transport).await.unwrap();
            let puppet = ActorRef::<Puppet>::place("own");
            node.system().start(&puppet, None).await.unwrap();
            client.accept::<Puppet>();
            *there.lock().unwrap() = Some((client, puppet));
            std::future::pending::<()>().await;
        }
    });
    world.settle().await;
    world.advance(Duration::from_secs(2)).await;
    made.lock().unwrap().clone().unwrap()
}

#[test]
fn a_client_uses_the_cluster_and_is_none_of_it() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        let group = Group::new("", "all").unwrap();
        let b = house.home("b");
        b.node.join(&group, &b.puppet).await.unwrap();
        let (client, own) = client(world, "shop", &["a", "b"]).await;
        assert_eq!(client.connected().await.name.as_str(), "a");
        assert_eq!(client.nodes().await.len(), 2);
        for name in ["a", "b"] {
            assert_eq!(house.reached(name).await, house.others(name), "a client is no node");
        }
        let there = client.named::<Puppet>(&"b".parse().unwrap(), "puppet");
        there.cast(Add(1)).unwrap();
        there.send(Add(2)).await.unwrap();
        assert_eq!(there.call(Get).await.unwrap(), [1, 2]);
        // Its actors can be watched and sent to, and hear of ends there.
        let pid = there.call(Who).await.unwrap();
        own.call(Watch(pid)).await.unwrap();
        there.call(Watch(own.pid().unwrap())).await.unwrap();
        world.advance(Duration::from_secs(30)).await;
        client.disconnect().await;
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(b.puppet.call(Heard).await.unwrap(), ["down: noconnection"]);
        assert_eq!(own.call(Heard).await.unwrap(), ["down: noconnection"]);
        assert!(matches!(there.call(Get).await, Err(CallError::Exited(_))));
    });
}

#[test]
fn a_client_finds_another_node_when_its_own_is_lost_and_that_one_when_it_is_back() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..2]).await;
        let (client, _) = client(world, "shop", &["a", "b"]).await;
        let anywhere = client.anywhere::<Puppet>("puppet");
        let first = client.node_of(anywhere.call(Who).await.unwrap()).unwrap();
        world.crash(first.name.as_str());
        world.advance(Duration::from_secs(3)).await;
        let second = client.node_of(anywhere.call(Who).await.unwrap()).unwrap();
        assert_ne!(first, second);
        world.restart(first.name.as_str());
        world.advance(Duration::from_secs(30)).await;
        assert_eq!(client.nodes().await.len(), 2);
        drop(house);
    });
}

#[test]
fn a_subscriber_hears_what_is_broadcast_once_by_way_of_a_node_and_then_another() {
    Sim::new().seeds(2).check(async |world| {
        let house = House::new(world, &NODES[..3]).await;
        let group = Group::new("", "news").unwrap();
        let (client, own) = client(world, "shop", &["a", "b"]).await;
        let subscription = client.subscribe::<Add>(&group, own.recipient()).await.unwrap();
        for name in ["a", "b"] {
            house.node(name).let_subscribe::<Add>(&group).await.unwrap();
        }
        house.node("a").let_subscribe::<Add>(&group).await.unwrap_err();
        world.advance(Duration::from_secs(3)).await;
        let teller = house.node("c");
        assert_eq!(teller.members(&group), [], "subscribers are no members");
        assert_eq!(teller.groups(""), []);
        teller.broadcast(&group, &Add(1));
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(own.call(Get).await.unwrap(), [1]);
        for (lost, n) in [("a", 2), ("b", 3)] {
            world.crash(lost);
            world.advance(Duration::from_secs(4)).await;
            teller.broadcast(&group, &Add(n));
            world.advance(Duration::from_secs(1)).await;
            if lost == "a" {
                assert_eq!(own.call(Get).await.unwrap(), [1, 2]);
            }
        }
        assert_eq!(own.call(Get).await.unwrap(), [1, 2], "nobody is left who tells");
        assert!(subscription.is_alive());
        subscription.cancel().await;
        let again = client.subscribe::<Add>(&group, own.recipient()).await.unwrap();
        own.call(End("over".to_owned())).await.unwrap();
        assert!(again.is_alive(), "until it would tell somebody");
    });
}

/// A node `a` with these rights for clients, that offers puppets.
async fn with_rights(world: &World, clients: Clients) -> Home {
    let made: Made<Home> = Arc::default();
    let there = made.clone();
    world.node("a", move |node| {
        let there = there.clone();
        async move {
            let config = Config { clients, ..Config::new("a".parse().unwrap(), &at("a").0) };
            let transport = Arc::new(SimTransport::new(node.net().clone()));
            let cluster = Node::start(node.system(), config, transport).await.unwrap();
            let puppet = ActorRef::<Puppet>::place("puppet");
            node.system().start(&puppet, None).await.unwrap();
            let rooms = SupervisorRef::place("rooms");
            Supervisor::dynamic("rooms").start_at(node.system(), &rooms).await.unwrap();
            cluster
                .offer("puppet", &rooms, |(): ()| child(&ActorRef::<Puppet>::place("x"), || None))
                .unwrap();
            *there.lock().unwrap() = Some(Home { node: cluster, puppet });
            std::future::pending::<()>().await;
        }
    });
    world.settle().await;
    made.lock().unwrap().clone().unwrap()
}

#[test]
fn what_a_client_may_do_is_said_by_the_node() {
    let rows = [
        (Clients::Refused, Some(StartChildError::NoConnection)),
        (Clients::Use, Some(StartChildError::NotAllowed)),
        (Clients::Start, None),
    ];
    for (rights, error) in rows {
        Sim::new().seeds(2).check(async |world| {
            let home = with_rights(world, rights).await;
            let (client, _) = client(world, "shop", &["a"]).await;
            let there = home.node.id().name.clone();
            let started = client.start_child(&there, "rooms", "puppet", ()).await;
            assert_eq!(started.err(), error, "{rights:?}");
            assert_eq!(client.nodes().await.len(), usize::from(rights != Clients::Refused));
        });
    }
}

#[test]
fn the_configuration_of_a_client_starts_no_node() {
    Sim::new().seeds(1).check(async |world| {
        let config = Config::client("shop".parse().unwrap(), Vec::new());
        world.node("other", |_| std::future::pending());
        let transport = Arc::new(SimTransport::new(world.net("other")));
        let error = Node::start(world.system(), config, transport).await.unwrap_err();
        assert!(matches!(error, NodeError::Config(_)), "{error}");
    });
}

/// Shakes hands as a client, says this, and gives what ends the link.
async fn says(transport: &SimTransport, head: Head) -> Option<Bye> {
    let mut connection = transport.dial(&at("a")).await.unwrap();
    let now = ravelin_core::Time::EPOCH;
    let me = Introduction {
        cluster: "ravelin".into(),
        node: NodeId { name: "liar".parse().unwrap(), incarnation: Incarnation(1) },
        endpoint: "".into(),
        role: Role::Client,
        features: BTreeSet::new(),
        codecs: [Bincode::NAME.into()].into(),
        limits: Limits::default(),
    };
    let mut handshake = Handshake::dial(Terms::new(me.clone()), now).unwrap();
    let agreed = loop {
        while let Some(bytes) = handshake.poll_transmit() {
            connection.sender.send(ravelin_cluster::proto::Stream::Main, bytes).await.unwrap();
        }
        connection.sender.flush().await.unwrap();
        match handshake.poll_event() {
            Some(Event::Introduced(_)) => handshake.admit(),
            Some(Event::Agreed(agreed)) => break agreed,
            Some(Event::Over(why)) => panic!("{why}"),
            None => handshake.handle_chunk(connection.receiver.receive().await.unwrap().unwrap().1),
        }
    };
    let config = LinkConfig::default();
    let mut outbox = Outbox::new(Side::Dialer, &config, agreed.peer.limits, now);
    let mut inbox = Inbox::new(&config, me.limits, now);
    let _ = outbox.push_bytes(Flow::Groups, &head, Bytes::from_static(&[1])).unwrap();
    while let Some((stream, bytes)) = outbox.poll_transmit(now, Streams::Both) {
        connection.sender.send(stream, bytes).await.unwrap();
    }
    connection.sender.flush().await.unwrap();
    inbox.handle_chunk(ravelin_cluster::proto::Stream::Main, agreed.rest, now);
    loop {
        while let Some(frame) = inbox.poll_frame() {
            if let Frame::Signal(Signal::Bye(why)) = frame.unwrap() {
                return Some(why);
            }
        }
        let (stream, bytes) = connection.receiver.receive().await.unwrap()?;
        inbox.handle_chunk(stream, bytes, now);
    }
}

#[test]
fn a_client_that_speaks_of_members_groups_or_names_is_cut_off() {
    Sim::new().seeds(2).check(async |world| {
        let _home = with_rights(world, Clients::Start).await;
        world.node("liar", |_| std::future::pending());
        world.settle().await;
        for head in [Head::Gossip, Head::Groups, Head::Names] {
            let transport = SimTransport::new(world.net("liar"));
            let ended = says(&transport, head).await;
            assert!(matches!(ended, Some(Bye::Protocol(_))), "{head:?}: {ended:?}");
            world.advance(Duration::from_secs(1)).await;
        }
    });
}
