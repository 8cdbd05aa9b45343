//! What the tests share: times, quiet networks, nodes that do nothing by themselves.

use ravelin_sim::net::{Link, Settings, StreamSettings};
use ravelin_sim::{Datagrams, Listener, Ppm, Stream, World};
use std::time::Duration;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// One latency of 10 ms everywhere, whole reads and writes, five seconds of patience.
pub(crate) fn quiet() -> Settings {
    let streams = StreamSettings {
        short: Ppm::NEVER,
        give_up_after: Some(5 * SECOND),
        buffer_len_max: 1000,
        ..StreamSettings::default()
    };
    Settings { link: Link::perfect(10 * MS), streams, ..Settings::default() }
}

/// Nodes that are up, on a quiet network.
pub(crate) async fn nodes(world: &World, names: &[&str]) {
    world.set_network(quiet());
    for name in names {
        world.node(*name, async |_| ());
    }
    world.settle().await;
}

/// A port for datagrams on each of two nodes.
pub(crate) async fn two_ports(world: &World) -> [Datagrams; 2] {
    nodes(world, &["a", "b"]).await;
    ["a", "b"].map(|name| world.net(name).bind(1).unwrap())
}

/// A connection from `a` to `b`, and the port at which `b` took it.
pub(crate) async fn connected(world: &World) -> (Stream, Stream, Listener) {
    nodes(world, &["a", "b"]).await;
    let listener = world.net("b").listen(80).unwrap();
    let near = world.net("a").connect(("b", 80)).await.unwrap();
    let far = listener.accept().await.unwrap();
    assert_eq!((near.peer(), far.peer()), ("b", "a"));
    (near, far, listener)
}
