//! Connections: bytes in order, short reads and writes, back-pressure, and all the ways to end.

use crate::app::{MS, SECOND, connected, nodes, quiet};
use futures::future::{BoxFuture, FutureExt, join};
use futures::io::{AsyncReadExt, AsyncWriteExt};
use ravelin_sim::net::{Settings, StreamSettings};
use ravelin_sim::{Fault, NetFault, Node, Ppm, Side, Sim, Stream, World};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

/// How a read ends, given a minute.
async fn end_of(world: &World, stream: &mut Stream) -> Result<usize, ErrorKind> {
    let mut byte = [0];
    for _ in 0..60 {
        if let Some(read) = stream.read(&mut byte).now_or_never() {
            return read.map_err(|error| error.kind());
        }
        world.advance(SECOND).await;
    }
    Err(ErrorKind::WouldBlock)
}

#[test]
fn bytes_arrive_in_order_whatever_the_pieces() {
    let pieces = Mutex::new(Vec::new());
    Sim::new().alone().seeds(20).check(async |world| {
        let (near, mut far, _listener) = connected(world).await;
        let streams = StreamSettings { short: Ppm::percent(50), ..quiet().streams };
        world.set_network(Settings { streams, ..quiet() });
        let sent: Vec<u8> = (0..20_000_u32).map(|at| (at % 251) as u8).collect();
        let write = async {
            let mut near = near;
            near.write_all(&sent).await.unwrap();
        };
        let read = async {
            let (mut got, mut buffer) = (Vec::new(), [0; 700]);
            loop {
                let len = far.read(&mut buffer).await.unwrap();
                if len == 0 {
                    return got;
                }
                pieces.lock().unwrap().push(len);
                got.extend_from_slice(&buffer[..len]);
            }
        };
        let ((), got) = join(write, read).await;
        assert!(got == sent, "{} bytes of {}", got.len(), sent.len());
    });
    let pieces = pieces.into_inner().unwrap();
    assert!(pieces.contains(&700) && pieces.iter().any(|len| *len < 300), "{} pieces", pieces.len());
}

#[test]
fn who_writes_waits_while_the_other_does_not_read() {
    Sim::new().alone().seeds(10).check(async |world| {
        let (mut near, mut far, _listener) = connected(world).await;
        assert_eq!(near.write(&[1; 1500]).await.unwrap(), 1000, "the buffer");
        assert!(near.write(&[2; 500]).now_or_never().is_none());
        world.advance(SECOND).await;
        assert!(near.write(&[2; 500]).now_or_never().is_none());
        far.read_exact(&mut [0; 300]).await.unwrap();
        assert_eq!(near.write(&[2; 500]).await.unwrap(), 300);
    });
}

#[test]
fn what_was_written_before_a_drop_arrives_and_then_the_end() {
    Sim::new().alone().seeds(10).check(async |world| {
        let (mut near, mut far, _listener) = connected(world).await;
        near.write_all(b"farewell").await.unwrap();
        drop(near);
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"farewell");
        drop(far);
        assert_eq!(world.net_totals().resets, 0);
    });
}

#[test]
fn one_way_can_be_closed_alone() {
    Sim::new().alone().seeds(10).check(async |world| {
        let (mut near, mut far, _listener) = connected(world).await;
        near.close().await.unwrap();
        assert_eq!(near.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(end_of(world, &mut far).await, Ok(0));
        far.write_all(b"answer").await.unwrap();
        drop(far);
        let mut got = String::new();
        near.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, "answer");
    });
}

#[test]
fn who_connects_is_told_why_not() {
    Sim::new().alone().seeds(5).check(async |world| {
        nodes(world, &["a", "b", "cut"]).await;
        world.partition(&["a"], &["cut"]);
        world.lose_power("b");
        for (to, kind) in [
            (("a", 1), ErrorKind::ConnectionRefused),
            (("main", 1), ErrorKind::ConnectionRefused),
            (("b", 1), ErrorKind::TimedOut),
            (("cut", 1), ErrorKind::TimedOut),
            (("nobody", 1), ErrorKind::NotFound),
        ] {
            let error = world.net("a").connect(to).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{to:?}");
        }
    });
}

#[test]
fn a_crash_resets_and_a_loss_of_power_hangs() {
    for (is_silent, end) in [(false, ErrorKind::ConnectionReset), (true, ErrorKind::WouldBlock)] {
        Sim::new().alone().seeds(5).check(async |world| {
            let (mut near, far, _listener) = connected(world).await;
            let crashed = if is_silent { world.lose_power("b") } else { world.crash("b") };
            assert!(crashed);
            assert_eq!(end_of(world, &mut near).await, Err(end));
            drop(far);
        });
    }
}

#[test]
fn who_writes_to_a_machine_without_power_gives_up_or_is_reset_when_it_is_back() {
    for (boots, end) in [(false, ErrorKind::TimedOut), (true, ErrorKind::ConnectionReset)] {
        Sim::new().alone().seeds(5).check(async |world| {
            let (mut near, _far, _listener) = connected(world).await;
            world.lose_power("b");
            near.write_all(b"anybody?").await.unwrap();
            world.advance(2 * SECOND).await;
            if boots {
                world.boot("b");
            }
            assert_eq!(end_of(world, &mut near).await, Err(end));
        });
    }
}

#[test]
fn a_cut_hangs_a_connection_and_what_was_written_arrives_when_it_heals() {
    Sim::new().alone().seeds(5).check(async |world| {
        let (mut near, mut far, _listener) = connected(world).await;
        world.cut(&["a"], &["b"]);
        near.write_all(b"late").await.unwrap();
        world.advance(3 * SECOND).await;
        let mut got = [0; 4];
        assert!(far.read(&mut got).now_or_never().is_none());
        world.heal(&["a"], &["b"]);
        far.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"late");
    });
}

#[test]
fn a_severed_connection_tells_both_ends_after_what_had_arrived() {
    Sim::new().alone().seeds(5).check(async |world| {
        let (mut near, mut far, _listener) = connected(world).await;
        near.write_all(b"x").await.unwrap();
        world.advance(20 * MS).await;
        assert!(world.sever("b", "a"));
        assert!(!world.sever("b", "a"));
        assert_eq!(end_of(world, &mut near).await, Err(ErrorKind::ConnectionReset));
        assert_eq!(end_of(world, &mut far).await, Ok(1));
        assert_eq!(end_of(world, &mut far).await, Err(ErrorKind::ConnectionReset));
    });
}

#[test]
fn a_listener_that_is_dropped_resets_who_was_not_accepted() {
    Sim::new().alone().seeds(5).check(async |world| {
        let (_near, _far, listener) = connected(world).await;
        let mut waits = world.net("a").connect(("b", 80)).await.unwrap();
        drop(listener);
        assert_eq!(end_of(world, &mut waits).await, Err(ErrorKind::ConnectionReset));
        let refused = world.net("a").connect(("b", 80)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_listener_holds_so_many_and_resets_the_next() {
    Sim::new().alone().seeds(1).check(async |world| {
        let (_near, _far, listener) = connected(world).await;
        let (mut kept, mut refused) = (Vec::new(), Vec::new());
        for _ in 0..129 {
            match world.net("a").connect(("b", 80)).await {
                Ok(stream) => kept.push(stream),
                Err(error) => refused.push(error.kind()),
            }
        }
        assert_eq!((kept.len(), refused), (128, vec![ErrorKind::ConnectionReset]));
        assert!(listener.accept().now_or_never().is_some());
    });
}

#[test]
fn an_accept_that_was_dropped_takes_no_connection_with_it() {
    Sim::new().alone().seeds(10).check(async |world| {
        let (_near, _far, listener) = connected(world).await;
        assert!(listener.accept().now_or_never().is_none());
        let _waits = world.net("a").connect(("b", 80)).await.unwrap();
        assert!(listener.accept().now_or_never().is_some());
    });
}

#[test]
fn a_connect_that_was_dropped_leaves_nothing_behind() {
    Sim::new().alone().seeds(10).check(async |world| {
        let (_near, _far, listener) = connected(world).await;
        let net = world.net("a");
        assert!(net.connect(("b", 80)).now_or_never().is_none());
        world.advance(SECOND).await;
        if let Some(accepted) = listener.accept().now_or_never() {
            assert_eq!(end_of(world, &mut accepted.unwrap()).await, Err(ErrorKind::ConnectionReset));
        }
    });
}

/// Connects to `b` and tells how reading ended.
fn tells(ends: &Arc<Mutex<Vec<ErrorKind>>>) -> impl Fn(Node) -> BoxFuture<'static, ()> + use<> {
    let ends = ends.clone();
    move |node| {
        let ends = ends.clone();
        Box::pin(async move {
            let mut stream = node.net().connect(("b", 80)).await.unwrap();
            let error = stream.read(&mut [0; 9]).await.unwrap_err();
            ends.lock().unwrap().push(error.kind());
        })
    }
}

#[test]
fn the_fault_says_whether_a_crash_resets_or_hangs() {
    let (at, down) = (SECOND, SECOND);
    for (fault, ended) in [
        (Fault::Crash { node: "b".into(), at, down }, vec![ErrorKind::ConnectionReset]),
        (Fault::Net(NetFault::Vanish { node: "b".into(), at, down }), vec![]),
        (
            Fault::Net(NetFault::Sever { one: Side::nodes(["a"]), other: Side::nodes(["b"]), at }),
            vec![ErrorKind::ConnectionReset],
        ),
    ] {
        Sim::new().alone().seeds(5).check(async |world| {
            world.set_network(quiet());
            let ends = Arc::default();
            world.node("b", async |node| {
                let listener = node.net().listen(80).unwrap();
                let mut streams = Vec::new();
                while let Ok(stream) = listener.accept().await {
                    streams.push(stream);
                }
            });
            world.settle().await;
            world.node("a", tells(&ends));
            world.inject(fault.clone());
            world.advance(20 * SECOND).await;
            assert_eq!(*ends.lock().unwrap(), ended, "{fault}");
        });
    }
}
