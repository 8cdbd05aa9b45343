//! The simulator's transport, under its faults.

use crate::suite::{Rig, claims};
use futures::future::join;
use ravelin_cluster::transport::{SimTransport, Stream, TransportError};
use ravelin_sim::{Sim, World};
use std::sync::Arc;

fn rig(world: &World) -> Rig {
    world.node("server", async |_| std::future::pending().await);
    let near = Arc::new(SimTransport::new(world.net("main")));
    Rig {
        near: near.clone(),
        far: Arc::new(SimTransport::new(world.net("server"))),
        at: "server:0".into(),
        nobody: (near, "server:9".into()),
    }
}

/// Runs a claim with several seeds, on a network that delays, reorders and loses.
fn on_a_bad_network(claim: impl AsyncFn(Rig) + Sync) {
    Sim::new().seeds(2).check(async |world| claim(rig(world)).await);
}

claims!(on_a_bad_network);

#[test]
fn a_severed_connection_is_an_error_for_both() {
    Sim::new().seeds(20).check(async |world| {
        let (mut near, mut far) = rig(world).pair().await;
        let (one, other) = join(near.receiver.receive(), async {
            assert!(world.sever("main", "server"));
            far.receiver.receive().await
        })
        .await;
        for ended in [one, other] {
            assert!(
                matches!(ended, Err(TransportError::Io(std::io::ErrorKind::ConnectionReset, _))),
                "{ended:?}"
            );
        }
    });
}

#[test]
fn bytes_that_are_no_chunk_are_garbage() {
    Sim::new().seeds(5).check(async |world| {
        let rig = rig(world);
        let mut listener = rig.listen().await;
        let port = listener.endpoint().0.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
        let mut raw = world.net("main").connect(("server", port)).await.unwrap();
        let mut far = listener.accept().await.unwrap();
        futures::AsyncWriteExt::write_all(&mut raw, b"GET / HTTP/1.1\r\n").await.unwrap();
        let error = far.receiver.receive().await.unwrap_err();
        assert!(matches!(error, TransportError::Garbage(_)), "{error:?}");
        assert_eq!(far.receiver.receive().await, Err(error), "asked again, it says the same");
    });
}

#[test]
fn a_node_is_certified_by_what_the_simulation_calls_it() {
    Sim::new().seeds(2).check(async |world| {
        let bare = rig(world);
        let certify = |node: &str| (node != "main").then(|| vec![node.parse().unwrap()]);
        let rig = Rig {
            near: Arc::new(SimTransport::new(world.net("main")).certifying(certify)),
            far: Arc::new(SimTransport::new(world.net("server")).certifying(certify)),
            at: bare.at.clone(),
            nobody: bare.nobody.clone(),
        };
        let (near, far) = rig.pair().await;
        assert_eq!((near.peer.as_str(), far.peer.as_str()), ("server", "main"));
        assert_eq!((near.certified, far.certified), (Some(vec!["server".parse().unwrap()]), None));
        let (near, _) = bare.pair().await;
        assert_eq!(near.certified, None);
    });
}

#[test]
fn what_a_broken_connection_leaves_is_a_prefix() {
    Sim::new().seeds(40).check(async |world| {
        let (mut near, mut far) = rig(world).pair().await;
        let send = async {
            for index in 0u8..30 {
                near.sender.send(Stream::Main, vec![index; 3000].into()).await.unwrap();
                near.sender.flush().await.unwrap();
            }
            world.sever("main", "server");
        };
        let receive = async {
            let mut next = 0;
            loop {
                match far.receiver.receive().await {
                    Ok(Some((_, chunk))) => assert_eq!(chunk, vec![next; 3000]),
                    ended => return ended,
                }
                next += 1;
            }
        };
        let ((), ended) = join(send, receive).await;
        assert!(ended.is_err(), "{ended:?}");
    });
}

#[test]
fn a_node_listens_only_where_it_is() {
    Sim::new().seeds(1).check(async |world| {
        let rig = rig(world);
        let error = rig.near.listen(&"server:1".into()).await.map(drop).unwrap_err();
        assert!(matches!(error, TransportError::Endpoint(_)), "{error:?}");
    });
}
