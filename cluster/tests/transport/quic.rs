//! QUIC.

use crate::certificates::{authority, name, node};
use crate::suite::{Rig, claims};
use crate::tcp::{one_thread, two_threads};
use bytes::Bytes;
use futures::future::{Either, join, select};
use ravelin_cluster::tls::{Allow, TlsError};
use ravelin_cluster::transport::{Quic, Stream, Transport, TransportError};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

fn rig() -> Rig {
    let authority = authority();
    let (near, far) = (Quic::new(node(&authority, &["near"])), Quic::new(node(&authority, &["far"])));
    rig_of(near, far)
}

fn rig_of(near: Quic, far: Quic) -> Rig {
    // Nobody answers a port that was just free; only time tells.
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = free.to_string().as_str().into();
    let impatient = near.clone().handshake_within(Duration::from_millis(20));
    let nobody = (Arc::new(impatient) as _, nobody);
    Rig { near: Arc::new(near), far: Arc::new(far), at: "127.0.0.1:0".into(), nobody }
}

fn on_two_threads(claim: impl AsyncFn(Rig)) {
    two_threads().block_on(claim(rig()));
}

claims!(on_two_threads);

#[test]
fn it_works_beside_any_executor() {
    let (runtime, authority) = (two_threads(), authority());
    let quic = |name| Quic::new(node(&authority, &[name])).on(runtime.handle().clone());
    futures::executor::block_on(crate::suite::both_directions_at_once(&rig_of(quic("near"), quic("far"))));
}

#[test]
fn each_side_has_the_names_in_the_others_certificate() {
    one_thread().block_on(async {
        let (near, far) = rig().pair().await;
        assert_eq!((near.certified, far.certified), (Some(vec![name("far")]), Some(vec![name("near")])));
    });
}

#[test]
fn who_is_refused_is_told_why() {
    let (ours, theirs) = (authority(), authority());
    let certificates = node(&ours, &["far"]);
    let far = Quic::new(certificates.clone());
    let unlisted = node(&ours, &["near"]);
    one_thread().block_on(async {
        let mut listener = far.listen(&"127.0.0.1:0".into()).await.unwrap();
        let at = listener.endpoint();
        let stranger = Quic::new(node(&theirs, &["near"]));
        let (near, far) = join(stranger.dial(&at), listener.accept()).await;
        let who = certificates.who();
        assert_eq!(near.map(drop), Err(TlsError::UnknownAuthority(who).into()));
        assert!(matches!(far, Err(TransportError::Tls(TlsError::RefusedByPeer(_)))), "{far:?}");
        certificates.allow(Allow::Names([name("another")].into()));
        let near = Quic::new(unlisted.clone());
        let (near, far) = join(near.dial(&at), listener.accept()).await;
        assert_eq!(far.map(drop), Err(TlsError::NotAllowed(unlisted.who()).into()));
        assert!(matches!(near, Err(TransportError::Tls(TlsError::RefusedByPeer(_)))), "{near:?}");
    });
}

#[test]
fn a_full_bulk_stream_does_not_hold_up_the_main_one() {
    two_threads().block_on(async {
        let (mut near, mut far) = rig().pair().await;
        let mut waits = 0;
        poll_fn(|cx| {
            while near.sender.poll_send(cx, Stream::Bulk, &mut Bytes::from(vec![0; 65_536])).is_ready() {}
            waits += 1;
            cx.waker().wake_by_ref();
            if waits < 200 { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
        })
        .await;
        let mut urgent = 0;
        let send = async {
            for _ in 0..3 {
                near.sender.send(Stream::Main, "urgent".into()).await.unwrap();
            }
            near.sender.flush().await.unwrap();
        };
        let receive = async {
            while urgent < 3 {
                if let Some((Stream::Main, _)) = far.receiver.receive().await.unwrap() {
                    urgent += 1;
                }
            }
        };
        // The flush waits for bulk too, which nobody need read.
        if let Either::Left(((), receive)) = select(pin!(send), pin!(receive)).await {
            receive.await;
        }
    });
}

#[test]
fn datagrams_that_are_no_quic_hold_nobody() {
    one_thread().block_on(async {
        let rig = rig();
        let mut listener = rig.listen().await;
        let at = listener.endpoint();
        let noise = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for length in [0, 1, 20, 1200] {
            noise.send_to(&vec![0xc3; length], &*at.0).unwrap();
        }
        let (near, far) = join(rig.near.dial(&at), listener.accept()).await;
        assert!(near.is_ok() && far.is_ok());
    });
}
