//! The handshake: both sides agree, or both know why not.

use crate::feed::terms;
use bytes::Bytes;
use ravelin_cluster::proto::FrameError;
use ravelin_cluster::proto::frame::{Head, put};
use ravelin_cluster::proto::hello::{
    Agreed, Event, HELLO_MAX, Handshake, Introduction, Over, Refusal, Side, Terms, is_kept,
};
use ravelin_cluster::{Incarnation, NodeId};
use ravelin_core::Time;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const START: Time = Time::EPOCH;

pub(crate) fn node(name: &str, incarnation: u64) -> NodeId {
    NodeId { name: name.parse().unwrap(), incarnation: Incarnation(incarnation) }
}

fn set(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn changed(name: &str, change: impl FnOnce(&mut Terms)) -> Terms {
    let mut terms = terms(name);
    change(&mut terms);
    terms
}

/// What a shell says when it is asked.
type Judge = fn(&Introduction) -> Result<(), Refusal>;

fn anybody(_: &Introduction) -> Result<(), Refusal> {
    Ok(())
}

/// Runs both to their ends.
fn meet(dialer: Terms, acceptor: Terms, judges: [Judge; 2]) -> [Option<Result<Agreed, Over>>; 2] {
    let mut sides = [Handshake::dial(dialer, START).unwrap(), Handshake::accept(acceptor, START).unwrap()];
    let mut ends = [None, None];
    for _ in 0..4 {
        for own in [0, 1] {
            while let Some(event) = sides[own].poll_event() {
                match event {
                    Event::Introduced(peer) => match judges[own](&peer) {
                        Ok(()) => sides[own].admit(),
                        Err(why) => sides[own].refuse(why),
                    },
                    Event::Agreed(agreed) => ends[own] = Some(Ok(agreed)),
                    Event::Over(why) => ends[own] = Some(Err(why)),
                }
            }
            while let Some(bytes) = sides[own].poll_transmit() {
                assert!(bytes.len() <= HELLO_MAX);
                sides[1 - own].handle_chunk(bytes);
            }
        }
    }
    ends
}

#[test]
fn both_sides_agree_on_what_both_can() {
    let dialer = changed("a", |terms| {
        terms.versions = (1, 4);
        terms.ours.features = set(&["groups", "zip"]);
        terms.ours.codecs = set(&["bincode-2", "postcard-1"]);
    });
    let acceptor = changed("b", |terms| terms.versions = (1, 3));
    let [Some(Ok(at_dialer)), Some(Ok(at_acceptor))] = meet(dialer, acceptor, [anybody; 2]) else { panic!() };
    assert_eq!((at_dialer.peer.node, at_acceptor.peer.node), (node("b", 1), node("a", 1)));
    for agreed in [(at_dialer.version, at_dialer.features), (at_acceptor.version, at_acceptor.features)] {
        assert_eq!(agreed, (3, set(&["groups"])));
    }
    assert_eq!((at_dialer.codecs, at_acceptor.codecs), (set(&["bincode-2"]), set(&["bincode-2"])));
}

/// Who dials, who accepts, what their shells say, which of the two refuses, and why.
type Row = (Terms, Terms, [Judge; 2], usize, Refusal);

fn check((dialer, acceptor, judges, refuser, why): Row) {
    let ends = meet(dialer, acceptor, judges);
    assert_eq!(ends[refuser], Some(Err(Over::Refused(why.clone()))));
    assert_eq!(ends[1 - refuser], Some(Err(Over::RefusedByPeer(why))));
}

#[test]
fn introductions_that_do_not_fit_are_refused_and_both_know_why() {
    let free = [anybody as Judge; 2];
    let a = |change: fn(&mut Terms)| changed("a", change);
    let b = |change: fn(&mut Terms)| changed("b", change);
    let rows: [Row; 8] = [
        (
            a(|terms| terms.versions = (3, 4)),
            b(|terms| terms.versions = (1, 2)),
            free,
            1,
            Refusal::Version { oldest: 1, newest: 2 },
        ),
        (a(|terms| terms.ours.cluster = "bank".into()), terms("b"), free, 1, Refusal::Cluster("shop".into())),
        (terms("a"), terms("a"), free, 1, Refusal::Itself),
        (a(|terms| terms.ours.node = node("b", 7)), terms("b"), free, 1, Refusal::NameTaken(node("b", 1))),
        (
            a(|terms| terms.expected = Some("c".parse().unwrap())),
            terms("b"),
            free,
            0,
            Refusal::WrongName(node("b", 1)),
        ),
        (
            a(|terms| terms.ours.codecs = set(&["postcard-1"])),
            terms("b"),
            free,
            1,
            Refusal::Codec(set(&["bincode-2"])),
        ),
        (terms("a"), b(|terms| terms.needed = set(&["zip"])), free, 1, Refusal::Feature("zip".into())),
        (a(|terms| terms.needed = set(&["zip"])), terms("b"), free, 0, Refusal::Feature("zip".into())),
    ];
    rows.into_iter().for_each(check);
}

#[test]
fn whom_a_shell_refuses_knows_why() {
    let rows: [Row; 3] = [
        (
            terms("a"),
            terms("b"),
            [anybody, |_| Err(Refusal::NotAllowed("the certificate is for c".into()))],
            1,
            Refusal::NotAllowed("the certificate is for c".into()),
        ),
        (terms("a"), terms("b"), [|_| Err(Refusal::Busy), anybody], 0, Refusal::Busy),
        (
            terms("a"),
            terms("b"),
            [anybody, |_| Err(Refusal::OldIncarnation(Incarnation(9)))],
            1,
            Refusal::OldIncarnation(Incarnation(9)),
        ),
    ];
    rows.into_iter().for_each(check);
}

#[test]
fn a_refusal_of_a_later_version_still_has_its_text() {
    let mut dialer = Handshake::dial(terms("a"), START).unwrap();
    let text = b"the moon is full: wait a day";
    let mut content = vec![0x12, 200, text.len() as u8];
    content.extend_from_slice(text);
    content.extend_from_slice(&[1, 2, 3]);
    dialer.handle_chunk(framed(&content));
    let why = Refusal::Other("the moon is full: wait a day".into());
    assert_eq!(dialer.poll_event(), Some(Event::Over(Over::RefusedByPeer(why))));
}

fn framed(content: &[u8]) -> Bytes {
    let mut bytes = (content.len() as u16).to_le_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.into()
}

#[test]
fn what_comes_behind_the_handshake_is_the_links() {
    let mut dialer = Handshake::dial(terms("a"), START).unwrap();
    let mut acceptor = Handshake::accept(terms("b"), START).unwrap();
    acceptor.handle_chunk(dialer.poll_transmit().unwrap());
    acceptor.admit();
    dialer.handle_chunk(acceptor.poll_transmit().unwrap());
    dialer.admit();
    let mut bytes = dialer.poll_transmit().unwrap().to_vec();
    let mut gossip = Vec::new();
    put(&mut gossip, &Head::Gossip, |out| out.extend_from_slice(b"news"));
    bytes.extend_from_slice(&gossip);
    acceptor.handle_chunk(bytes.into());
    let events: Vec<Event> = std::iter::from_fn(|| acceptor.poll_event()).collect();
    let [Event::Introduced(_), Event::Agreed(agreed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(agreed.rest, gossip);
    assert_eq!(acceptor.poll_timeout(), None);
}

#[test]
fn what_is_out_of_turn_or_garbage_or_late_ends_it() {
    let hello = || Handshake::dial(terms("a"), START).unwrap().poll_transmit().unwrap();
    let garbage = |why| Over::Garbage(why);
    let rows = [
        (framed(&[0x13]), Over::OutOfTurn),
        ([hello(), hello()].concat().into(), Over::OutOfTurn),
        (Bytes::from_static(b"GET / HTTP/1.1\r\n"), {
            garbage(FrameError::Long { what: "handshake", has: 0x4547, max: 4094 })
        }),
        (framed(&[0x10, b'X']), garbage(FrameError::Tag { what: "magic", tag: b'X' })),
        (framed(&[0x41]), garbage(FrameError::Tag { what: "word of a handshake", tag: 0x41 })),
        (hello().slice(..40), garbage(FrameError::Truncated { what: "handshake" })),
    ];
    for (bytes, expected) in rows {
        let mut acceptor = Handshake::accept(terms("b"), START).unwrap();
        acceptor.handle_chunk(bytes);
        let last = std::iter::from_fn(|| acceptor.poll_event()).last();
        assert_eq!(last, Some(Event::Over(expected)));
        acceptor.handle_chunk(hello());
        acceptor.admit();
        assert_eq!((acceptor.poll_event(), acceptor.poll_timeout()), (None, None));
    }
    let mut acceptor = Handshake::accept(terms("b"), START).unwrap();
    let due = acceptor.poll_timeout().unwrap();
    assert_eq!(due - START, Duration::from_secs(5));
    acceptor.handle_timeout(Time::from_nanos(due.as_nanos() - 1));
    assert_eq!(acceptor.poll_event(), None);
    acceptor.handle_timeout(due);
    assert_eq!(acceptor.poll_event(), Some(Event::Over(Over::TimedOut)));
}

#[test]
fn an_introduction_that_is_too_large_is_refused_at_home() {
    let many: BTreeSet<Arc<str>> = (0..64).map(|n| format!("{n}{}", "x".repeat(200)).into()).collect();
    let terms = changed("a", |terms| terms.ours.features = many);
    let why = Handshake::dial(terms, START).unwrap_err();
    assert!(matches!(why, FrameError::Long { what: "introduction", .. }), "{why}");
}

#[test]
fn of_two_links_both_sides_keep_the_same() {
    let (a, b) = (node("a", 5), node("b", 2));
    for (dialer, acceptor, kept) in [(&a, &b, true), (&b, &a, false)] {
        assert_eq!(is_kept(dialer, acceptor, Side::Dialer), kept);
        assert_eq!(is_kept(acceptor, dialer, Side::Acceptor), kept);
    }
}
