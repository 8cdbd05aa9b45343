//! Bytes of a peer that lies, floods or is broken: an error, and no more memory than they have.

use crate::any;
use crate::feed::{self, LIMITS};
use crate::frames::bytes_of;
use bytes::Bytes;
use proptest::prelude::*;
use ravelin_cluster::proto::frame::{FRAME_MAX, Frame, LENGTH_BYTES, read, whole};
use ravelin_cluster::proto::hello::{Limits, MESSAGE_COST, PACKED_MAX};
use ravelin_cluster::proto::link::{Broken, Inbox, LinkConfig};
use ravelin_cluster::proto::{FrameError, Known, Stream};
use ravelin_core::Time;

fn feed(bytes: &[u8]) {
    feed::frame(bytes);
    feed::hello(bytes);
    feed::link(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        feed(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_length_and_a_kind_are_refused_or_read(kind in any::<u8>(), bytes in prop::collection::vec(prop_oneof![0..8_u8, any::<u8>()], 0..60)) {
        let mut content = vec![kind];
        content.extend_from_slice(&bytes);
        feed(&content);
        let mut frame = (content.len() as u16).to_le_bytes().to_vec();
        frame.extend_from_slice(&content);
        feed(&frame);
    }

    #[test]
    fn a_frame_that_is_cut_or_changed_is_refused_or_read(frame in any::frame(), cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = bytes_of(&frame);
        let content = Bytes::copy_from_slice(&bytes[LENGTH_BYTES..]);
        feed(&bytes[..cut.index(bytes.len())]);
        // A signal has an end of its own, so no beginning of one is one.
        if let Frame::Signal(_) = frame {
            let part = content.slice(..cut.index(content.len()));
            prop_assert!(read(part, Known::ANYTHING).is_err());
        }
        let at = at.index(bytes.len());
        bytes[at] ^= byte;
        feed(&bytes);
        feed(&bytes[LENGTH_BYTES..]);
    }

    #[test]
    fn fragments_that_lie_hold_no_more_than_the_limits(fragments in prop::collection::vec(fragment(), 0..60)) {
        let mut inbox = Inbox::new(&LinkConfig::default(), LIMITS, Time::EPOCH);
        let mut came = 0;
        for bytes in fragments {
            came += bytes.len();
            inbox.handle_chunk(Stream::Bulk, bytes.into(), Time::EPOCH);
            let broken = std::iter::from_fn(|| inbox.poll_frame()).any(|frame| frame.is_err());
            prop_assert!(inbox.held() <= 2 * came);
            prop_assert!(inbox.held() as u64 <= LIMITS.bulk_max());
            if broken {
                break;
            }
        }
    }
}

/// A fragment that may be right.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        2 => Just(None),
        3 => (0..3_u64, 0..2_u64, prop_oneof![1..40_u64, Just(9_000), any::<u64>()], 1..3_u8).prop_map(Some)
    ];
    (0..5_u8, first, 1..40_usize).prop_map(|(slot, first, bytes)| {
        let mut content = vec![0x07, slot];
        match first {
            None => content.push(0),
            Some((after, defined, total, tag)) => {
                content.push(tag);
                [after, defined, total].into_iter().for_each(|number| put_number(&mut content, number));
            }
        }
        content.extend(std::iter::repeat_n(0x81, bytes));
        framed(&content)
    })
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn framed(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u16).to_le_bytes()[..], content].concat()
}

/// The first part of a message in a slot.
fn first(slot: u8, tag: u8, total: u64, bytes: &[u8]) -> Vec<u8> {
    let mut content = vec![0x07, slot, tag, 0, 0];
    put_number(&mut content, total);
    content.extend_from_slice(bytes);
    framed(&content)
}

fn later(slot: u8, bytes: &[u8]) -> Vec<u8> {
    framed(&[&[0x07, slot, 0], bytes].concat())
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_how() {
    // An answer to call 1, whole and as part of a pack.
    let answer = [0x84, 2];
    let pack = framed(&answer);
    let gossip = framed(&[0x41]);
    let rows: [(&str, Stream, Vec<Vec<u8>>, Broken); 14] = [
        ("no frame", Stream::Main, vec![vec![1]], FrameError::Truncated { what: "length of a frame" }.into()),
        (
            "half a frame",
            Stream::Main,
            vec![vec![9, 0, 0x84]],
            FrameError::Truncated { what: "frame" }.into(),
        ),
        ("a gap in the numbers", Stream::Main, vec![framed(&[0x01, 1, 1, b'a'])], Broken::Defined),
        ("a node too low", Stream::Main, vec![framed(&[0x02, 1, 1, 1, b'a'])], Broken::Defined),
        ("twice the same", Stream::Main, vec![framed(&[0x01, 0, 1, b'a']).repeat(2)], Broken::Defined),
        ("a fragment on main", Stream::Main, vec![first(0, 1, 2, &answer)], Broken::Misplaced),
        ("a frame on bulk", Stream::Bulk, vec![pack.clone()], Broken::Misplaced),
        ("control in fragments", Stream::Bulk, vec![first(0, 2, 3, &gossip)], Broken::Misplaced),
        ("a fragment in fragments", Stream::Bulk, vec![first(0, 1, 4, &[0x07, 0, 0, 0])], Broken::Misplaced),
        ("no beginning", Stream::Bulk, vec![later(0, &answer)], Broken::Fragment),
        ("two beginnings", Stream::Bulk, vec![first(0, 1, 3, &answer).repeat(2)], Broken::Fragment),
        ("more than it said", Stream::Bulk, vec![first(0, 1, 1, &answer)], Broken::Fragment),
        ("a slot too high", Stream::Bulk, vec![first(4, 1, 2, &answer)], Broken::Fragment),
        (
            "too large",
            Stream::Bulk,
            vec![first(0, 1, 10_001, &answer)],
            Broken::TooLarge { bytes: 10_001, max: 10_000 },
        ),
    ];
    for (what, stream, chunks, expected) in rows {
        let mut inbox = Inbox::new(&LinkConfig::default(), LIMITS, Time::EPOCH);
        for chunk in chunks {
            inbox.handle_chunk(stream, chunk.into(), Time::EPOCH);
        }
        let last = std::iter::from_fn(|| inbox.poll_frame()).last();
        assert_eq!(last, Some(Err(expected)), "{what}");
        inbox.handle_chunk(Stream::Main, gossip.clone().into(), Time::EPOCH);
        assert_eq!(inbox.poll_frame(), None, "{what}: it is over");
    }
}

#[test]
fn a_window_that_is_used_up_breaks_the_link() {
    // Messages that wait for user frames that never come.
    let waits = |total: u64| {
        let mut content = vec![0x07, 0, 1, 1, 0];
        put_number(&mut content, total);
        content.extend(std::iter::repeat_n(0x84, total as usize));
        Bytes::from(framed(&content))
    };
    for total in [1, 9_000] {
        let mut inbox = Inbox::new(&LinkConfig::default(), LIMITS, Time::EPOCH);
        let fit = LIMITS.bulk_max() / (total + MESSAGE_COST);
        for _ in 0..fit {
            inbox.handle_chunk(Stream::Bulk, waits(total), Time::EPOCH);
            assert_eq!(inbox.poll_frame(), None);
        }
        assert_eq!(inbox.held() as u64, fit * total);
        inbox.handle_chunk(Stream::Bulk, waits(total), Time::EPOCH);
        assert_eq!(inbox.poll_frame(), Some(Err(Broken::Window)));
    }
    assert_eq!(LIMITS.bulk_max(), 200_000);
    assert_eq!(Limits { window: 0, ..LIMITS }.bulk_max(), PACKED_MAX + MESSAGE_COST);
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    let limits = Limits { message_max: 1 << 40, assembling_max: 4, window: 1 << 43 };
    let mut inbox = Inbox::new(&LinkConfig::default(), limits, Time::EPOCH);
    for slot in 0..4 {
        inbox.handle_chunk(Stream::Bulk, first(slot, 1, 1 << 40, &[0x84; 100]).into(), Time::EPOCH);
    }
    assert_eq!(inbox.poll_frame(), None);
    assert!(inbox.held() <= 4 * 200);
}

#[test]
fn no_length_is_more_than_a_frame_may_have() {
    let bytes = [0xff; FRAME_MAX + 1];
    assert_eq!(whole(&bytes[..FRAME_MAX - 1]), Ok(0));
    assert_eq!(whole(&bytes), Ok(FRAME_MAX));
}
