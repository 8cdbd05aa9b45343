//! Two sides of a handshake in memory, at any time.

use super::certificates::{Allow, Identity};
use super::dev_ca::{DevCa, Issued};
use super::handshake::Handshake;
use super::{CertificatePem, TlsError};
use crate::name::NodeName;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConnection, ConnectionCommon, ServerConnection, SideData};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

/// The day on which it all happens.
const NOW: Duration = Duration::from_secs(1_795_432_375);

/// A clock that stands still.
#[derive(Debug)]
struct At(Duration);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0))
    }
}

fn authority() -> DevCa {
    DevCa::new(SystemTime::UNIX_EPOCH + NOW).unwrap()
}

fn name(text: &str) -> NodeName {
    text.parse().unwrap()
}

/// One side, whose own certificates were good when they were made.
fn side(authority: &DevCa, issued: &Issued, allow: Allow) -> Arc<Handshake> {
    let pem = CertificatePem {
        authority: authority.certificate().as_bytes(),
        certificate: issued.certificate.as_bytes(),
        key: issued.key.as_bytes(),
    };
    let identity = Identity::read(pem, UnixTime::since_unix_epoch(NOW)).unwrap();
    Arc::new(Handshake::new(Arc::new(identity), Arc::new(allow)))
}

/// Moves what one side wrote to the other; how the other takes it.
fn pass<A: SideData, B: SideData>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
) -> Result<(), rustls::Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

/// What came of it, for the side that dials and for the one that accepts: the names of the other.
type Outcome = (Result<Vec<NodeName>, TlsError>, Result<Vec<NodeName>, TlsError>);

fn meet(dialling: &Arc<Handshake>, accepting: &Arc<Handshake>, now: Duration) -> Outcome {
    let (mut client, mut server) = (dialling.client().unwrap(), accepting.server().unwrap());
    (client.time_provider, server.time_provider) = (Arc::new(At(now)), Arc::new(At(now)));
    let nobody = ServerName::try_from("nobody").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), nobody).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let (mut here, mut there) = (Ok(()), Ok(()));
    for _ in 0..3 {
        there = there.and_then(|()| pass(&mut client, &mut server));
        here = here.and_then(|()| pass(&mut server, &mut client));
    }
    assert!(here.is_err() || !client.is_handshaking());
    let outcome = |side: &Arc<Handshake>, ended: Result<(), rustls::Error>| match ended {
        Ok(()) => Ok(side.names()),
        Err(error) => Err(side.explain(&error)),
    };
    (outcome(dialling, here), outcome(accepting, there))
}

#[test]
fn both_sides_know_who_the_other_is() {
    let authority = authority();
    let (a, b) = (authority.issue(&[name("a")], DAY).unwrap(), authority.issue(&[name("b")], DAY).unwrap());
    let (a, b) = (side(&authority, &a, Allow::All), side(&authority, &b, Allow::All));
    assert_eq!(meet(&a, &b, NOW), (Ok(vec![name("b")]), Ok(vec![name("a")])));
}

#[test]
fn a_certificate_is_refused_from_the_second_after_its_end() {
    let authority = authority();
    let short = authority.issue(&[name("short")], DAY).unwrap();
    let long = authority.issue(&[name("long")], 9 * DAY).unwrap();
    let sides = || (side(&authority, &short, Allow::All), side(&authority, &long, Allow::All));
    let (end, after) = (NOW + DAY, NOW + DAY + Duration::from_secs(1));
    let (short, long) = sides();
    assert!(meet(&short, &long, end).1.is_ok());
    // It dials.
    let (short, long) = sides();
    let (told, why) = meet(&short, &long, after);
    let why = why.unwrap_err().to_string();
    assert!(
        why.contains("of short (") && why.contains("ended at 2026-11-24 11:12:55 UTC; here it is 2026-11-24"),
        "{why}"
    );
    let expected = TlsError::RefusedByPeer("this node's certificate is not valid at its time".to_owned());
    assert_eq!(told, Err(expected.clone()));
    // It is dialled.
    let (short, long) = sides();
    let (why, told) = meet(&long, &short, after);
    assert!(matches!(why, Err(TlsError::Expired { at_s, .. }) if at_s == end.as_secs()), "{why:?}");
    assert_eq!(told, Err(expected));
}

#[test]
fn a_certificate_is_refused_before_it_begins() {
    let authority = authority();
    let (a, b) = (authority.issue(&[name("a")], DAY).unwrap(), authority.issue(&[name("b")], DAY).unwrap());
    let (a, b) = (side(&authority, &a, Allow::All), side(&authority, &b, Allow::All));
    let (why, _) = meet(&a, &b, NOW - 2 * DAY);
    assert!(
        matches!(why, Err(TlsError::NotYetValid { from_s, .. }) if from_s == (NOW - DAY).as_secs()),
        "{why:?}"
    );
}

#[test]
fn a_server_without_a_certificate_of_ours_learns_nothing_of_us() {
    let (ours, theirs) = (authority(), authority());
    let (a, b) = (ours.issue(&[name("a")], DAY).unwrap(), theirs.issue(&[name("b")], DAY).unwrap());
    let (a, b) = (side(&ours, &a, Allow::All), side(&theirs, &b, Allow::All));
    let (refused, told) = meet(&a, &b, NOW);
    assert!(matches!(refused, Err(TlsError::UnknownAuthority(who)) if who.names == [name("b")]));
    assert!(matches!(told, Err(TlsError::RefusedByPeer(_))), "{told:?}");
    assert_eq!(b.names(), [], "it never saw our certificate");
}
