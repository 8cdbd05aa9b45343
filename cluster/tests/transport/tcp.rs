//! TCP, with TLS and without.

use crate::certificates::{authority, name, node, renew};
use crate::suite::{Rig, claims};
use futures::future::join;
use ravelin_cluster::tls::{Allow, Certificates, TlsError};
use ravelin_cluster::transport::{Connection, Listener, Stream, Tcp, Transport, TransportError};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn rig(near: impl Transport, far: impl Transport) -> Rig {
    // Nobody listens at a port that was just free.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (near, nobody) = (Arc::new(near), free.to_string().as_str().into());
    Rig { near: near.clone(), far: Arc::new(far), at: "127.0.0.1:0".into(), nobody: (near, nobody) }
}

mod plaintext {
    use super::*;

    fn on_one_thread(claim: impl AsyncFn(Rig)) {
        let tcp = Tcp::plaintext_without_any_protection;
        one_thread().block_on(claim(rig(tcp(), tcp())));
    }

    claims!(on_one_thread);
}

mod tls {
    use super::*;

    fn on_two_threads(claim: impl AsyncFn(Rig)) {
        let authority = authority();
        let (near, far) = (Tcp::tls(node(&authority, &["near"])), Tcp::tls(node(&authority, &["far"])));
        two_threads().block_on(claim(rig(near, far)));
    }

    claims!(on_two_threads);
}

mod on_another_executor {
    use super::*;

    fn with_a_runtime_beside_it(claim: impl AsyncFn(Rig)) {
        let authority = authority();
        let runtime = two_threads();
        let tcp = |name| Tcp::tls(node(&authority, &[name])).on(runtime.handle().clone());
        futures::executor::block_on(claim(rig(tcp("near"), tcp("far"))));
    }

    claims!(with_a_runtime_beside_it);
}

#[test]
fn without_a_runtime_it_says_what_to_do() {
    let rig = rig(Tcp::plaintext_without_any_protection(), Tcp::plaintext_without_any_protection());
    let error = futures::executor::block_on(rig.near.dial(&rig.nobody.1)).unwrap_err();
    assert!(matches!(error, TransportError::Io(ErrorKind::Unsupported, _)), "{error:?}");
}

/// Dials once, and says how it went on both sides.
async fn meet(
    near: &Tcp,
    listener: &mut dyn Listener,
) -> (Result<Connection, TlsError>, Result<Connection, TlsError>) {
    let at = listener.endpoint();
    let (near, far) = join(near.dial(&at), listener.accept()).await;
    let tls = |error| match error {
        TransportError::Tls(error) => error,
        other => panic!("no error of TLS: {other:?}"),
    };
    (near.map_err(tls), far.map_err(tls))
}

async fn listen(tcp: &Tcp) -> Box<dyn Listener> {
    tcp.listen(&"127.0.0.1:0".into()).await.unwrap()
}

#[test]
fn each_side_has_the_names_in_the_others_certificate() {
    let authority = authority();
    let (near, far) =
        (Tcp::tls(node(&authority, &["near", "alias@1"])), Tcp::tls(node(&authority, &["far"])));
    assert_eq!((near.name(), Tcp::plaintext_without_any_protection().name()), ("tcp+tls", "tcp"));
    one_thread().block_on(async {
        let (near, far) = rig(near, far).pair().await;
        assert_eq!(near.certified, Some(vec![name("far")]));
        assert_eq!(far.certified, Some(vec![name("near"), name("alias@1")]));
    });
}

#[test]
fn a_stranger_is_refused_and_both_sides_are_told() {
    let (ours, theirs) = (authority(), authority());
    let far = Tcp::tls(node(&ours, &["far"]));
    // It trusts our authority, and shows a certificate of its own.
    let issued = theirs.issue(&[name("near")], crate::certificates::HOUR).unwrap();
    let both = [ours.certificate(), theirs.certificate()].concat();
    let pem = ravelin_cluster::tls::CertificatePem {
        authority: both.as_bytes(),
        certificate: issued.certificate.as_bytes(),
        key: issued.key.as_bytes(),
    };
    let stranger = Certificates::from_pem(pem).unwrap();
    let who = stranger.who();
    one_thread().block_on(async {
        let mut listener = listen(&far).await;
        let (near, far) = meet(&Tcp::tls(stranger), &mut *listener).await;
        assert_eq!(far.unwrap_err(), TlsError::UnknownAuthority(who));
        let TlsError::RefusedByPeer(why) = near.unwrap_err() else { panic!("another error") };
        assert_eq!(why, "it does not trust the authority of this node's certificate");
        // And the other way round: the dialler does not trust who listens.
        let (near, far) = meet(&Tcp::tls(node(&theirs, &["near"])), &mut *listener).await;
        assert!(matches!(near.unwrap_err(), TlsError::UnknownAuthority(who) if who.names == [name("far")]));
        assert!(matches!(far.unwrap_err(), TlsError::RefusedByPeer(_)));
    });
}

#[test]
fn who_is_not_on_the_allow_list_is_refused_from_the_next_connection_on() {
    let authority = authority();
    let (ours, theirs) = (node(&authority, &["far"]), node(&authority, &["near", "second"]));
    let (near, far) = (Tcp::tls(theirs.clone()), Tcp::tls(ours.clone()));
    let rows = [
        (Allow::Names([name("other")].into()), None),
        (Allow::Names([name("other"), name("second")].into()), Some(vec![name("second")])),
        (Allow::Fingerprints([ours.who().fingerprint].into()), None),
        (Allow::Fingerprints([theirs.who().fingerprint].into()), Some(vec![name("near"), name("second")])),
        (Allow::All, Some(vec![name("near"), name("second")])),
    ];
    one_thread().block_on(async {
        let mut listener = listen(&far).await;
        for (allow, expected) in rows {
            ours.allow(allow.clone());
            match (meet(&near, &mut *listener).await, expected) {
                ((Ok(_), Ok(far)), expected @ Some(_)) => assert_eq!(far.certified, expected, "{allow:?}"),
                ((Err(TlsError::RefusedByPeer(_)), Err(far)), None) => {
                    assert_eq!(far, TlsError::NotAllowed(theirs.who()), "{allow:?}");
                }
                (other, _) => panic!("{allow:?}: {other:?}"),
            }
        }
    });
}

#[test]
fn certificates_change_without_a_restart_and_bad_ones_change_nothing() {
    let (folder, old, new) = (tempfile::tempdir().unwrap(), authority(), authority());
    let files = renew(&old, folder.path(), &name("far"));
    let ours = Certificates::from_files(files.clone()).unwrap();
    let far = Tcp::tls(ours.clone());
    one_thread().block_on(async {
        let mut listener = listen(&far).await;
        let (with_old, with_new) = (Tcp::tls(node(&old, &["near"])), Tcp::tls(node(&new, &["near"])));
        let mut first = meet(&with_old, &mut *listener).await;
        std::fs::write(&files.key, "no key").unwrap();
        assert!(matches!(ours.reload(), Err(TlsError::Pem { .. })));
        assert!(meet(&with_old, &mut *listener).await.1.is_ok(), "the old ones are good");
        renew(&new, folder.path(), &name("far"));
        ours.reload().unwrap();
        assert!(meet(&with_new, &mut *listener).await.1.is_ok(), "the new ones are in use");
        assert!(meet(&with_old, &mut *listener).await.1.is_err(), "the old authority is trusted no more");
        // What was connected before stays.
        let (near, far) = (first.0.as_mut().unwrap(), first.1.as_mut().unwrap());
        near.sender.send(Stream::Main, "still".into()).await.unwrap();
        near.sender.flush().await.unwrap();
        assert_eq!(far.receiver.receive().await, Ok(Some((Stream::Main, "still".into()))));
    });
}

/// A peer that connects and does as it likes.
fn raw(listener: &dyn Listener) -> TcpStream {
    TcpStream::connect(&*listener.endpoint().0).unwrap()
}

#[test]
fn who_dials_and_says_nothing_holds_nobody_and_is_given_up() {
    let authority = authority();
    let (near, far) = (Tcp::tls(node(&authority, &["near"])), Tcp::tls(node(&authority, &["far"])));
    // tidy: tests the timer
    let far = far.handshake_within(Duration::from_millis(150));
    one_thread().block_on(async {
        let mut listener = listen(&far).await;
        let mut silent = raw(&*listener);
        let at = listener.endpoint();
        let (near, accepted) = join(near.dial(&at), listener.accept()).await;
        assert!(near.is_ok() && accepted.is_ok());
        assert_eq!(listener.accept().await.map(drop), Err(TransportError::TimedOut));
        assert_eq!(silent.read(&mut [0; 9]).map_err(|error| error.kind()), Ok(0), "it is closed");
    });
}

#[test]
fn who_is_dialled_and_says_nothing_is_given_up() {
    let authority = authority();
    let near = Tcp::tls(node(&authority, &["near"])).handshake_within(Duration::from_millis(20));
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = mute.local_addr().unwrap().to_string().as_str().into();
    let dialled = one_thread().block_on(near.dial(&at)).map(drop);
    assert_eq!(dialled, Err(TransportError::TimedOut));
}

#[test]
fn many_that_say_nothing_give_way_to_one_that_speaks() {
    let authority = authority();
    let (near, far) = (Tcp::tls(node(&authority, &["near"])), Tcp::tls(node(&authority, &["far"])));
    let far = far.handshakes_at_once(4);
    one_thread().block_on(async {
        let mut listener = listen(&far).await;
        let silent: Vec<_> = (0..20).map(|_| raw(&*listener)).collect();
        let at = listener.endpoint();
        let mut gave_way = 0;
        let accept = async {
            loop {
                match listener.accept().await {
                    Ok(connection) => return connection,
                    Err(TransportError::Io(ErrorKind::ConnectionAborted, _)) => gave_way += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
        };
        let (dialled, accepted) = join(near.dial(&at), accept).await;
        assert_eq!(gave_way, silent.len() - 3, "four are being made, and the last is the one that speaks");
        assert!(dialled.is_ok());
        assert_eq!(accepted.certified, Some(vec![name("near")]));
    });
}

#[test]
fn who_speaks_something_else_is_an_error_of_its_own() {
    let authority = authority();
    let (near, far) = (Tcp::tls(node(&authority, &["near"])), Tcp::tls(node(&authority, &["far"])));
    let plain = Tcp::plaintext_without_any_protection();
    one_thread().block_on(async {
        // Somebody's browser, to TLS.
        let mut listener = listen(&far).await;
        raw(&*listener).write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let error = listener.accept().await.unwrap_err();
        assert!(matches!(&error, TransportError::Tls(TlsError::Handshake(_))), "{error:?}");
        assert!(!error.is_fatal());
        // To plaintext: what comes first is no chunk.
        let mut listener = listen(&plain).await;
        raw(&*listener).write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut accepted = listener.accept().await.unwrap();
        let error = accepted.receiver.receive().await.unwrap_err();
        assert!(matches!(error, TransportError::Garbage(_)), "{error:?}");
        // TLS to plaintext.
        let at = listener.endpoint();
        let (dialled, _) = join(near.dial(&at), listener.accept()).await;
        assert!(matches!(dialled, Err(TransportError::Tls(TlsError::Handshake(_)))), "{dialled:?}");
        // A web server, dialled in plaintext.
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap().to_string().as_str().into();
        let (dialled, ()) = join(plain.dial(&at), async {
            server.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n").unwrap();
        })
        .await;
        assert!(matches!(dialled, Err(TransportError::Garbage(_))), "{dialled:?}");
    });
}
