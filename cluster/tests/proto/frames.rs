//! Frames: what is written is read, and how many bytes it takes.

use crate::any;
use bytes::Bytes;
use proptest::prelude::*;
use ravelin_cluster::proto::frame::{
    Asked, Content, FRAME_MAX, Failure, Frame, Head, LENGTH_BYTES, Signal, Waits, put, put_signal, read,
    whole,
};
use ravelin_cluster::proto::{BarePid, FrameError, Known, NameNumber, NodeNumber, To, WirePid, with_pids};
use ravelin_core::{Exit, Pid};
use std::sync::Arc;
use std::time::Duration;

const KNOWN: Known = Known { names: any::NAMES, nodes: any::NODES };

pub(crate) fn bytes_of(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    match frame {
        Frame::Carrying(head, payload) => put(&mut out, head, |out| out.extend_from_slice(payload)),
        Frame::Signal(signal) => put_signal(&mut out, signal),
    };
    out
}

fn content_of(frame: &Frame) -> Bytes {
    Bytes::from(bytes_of(frame)).slice(LENGTH_BYTES..)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_frame_is_the_same_after_the_way(frame in any::frame()) {
        let bytes = bytes_of(&frame);
        prop_assert_eq!(whole(&bytes), Ok(bytes.len()));
        prop_assert_eq!(read(content_of(&frame), KNOWN), Ok(Content::Frame(frame)));
    }

    #[test]
    fn frames_in_a_row_are_told_apart_wherever_they_are_cut(frames in prop::collection::vec(any::frame(), 1..6), cut in any::<prop::sample::Index>()) {
        let each: Vec<Vec<u8>> = frames.iter().map(bytes_of).collect();
        let bytes = each.concat();
        let cut = cut.index(bytes.len() + 1);
        let mut ends = each.iter().scan(0, |end, frame| { *end += frame.len(); Some(*end) });
        let expected = ends.by_ref().take_while(|end| *end <= cut).last().unwrap_or(0);
        prop_assert_eq!(whole(&bytes[..cut]), Ok(expected));
    }
}

#[test]
fn small_frames_are_small() {
    let (pid, message) = (BarePid { slot: 900, serial: 1_000 }, NameNumber(3));
    let sixteen = Bytes::from_static(&[7; 16]);
    let carrying = |head| Frame::Carrying(head, sixteen.clone());
    let call = |asker| Head::Call {
        id: 1_000,
        to: To::Pid(pid),
        asker,
        message,
        budget: Some(Duration::from_secs(5)),
    };
    let rows = [
        (carrying(Head::Cast { to: To::Place(9), message }), 22),
        (carrying(Head::Cast { to: To::Pid(pid), message }), 25),
        (carrying(Head::Send { id: 1_000, to: To::Pid(pid), message }), 27),
        (carrying(call(None)), 32),
        (carrying(call(Some(pid))), 36),
        (carrying(Head::Answer { id: Asked::Call(1_000) }), 21),
        (Frame::Signal(Signal::Done { id: 1_000 }), 5),
        (Frame::Signal(Signal::Failed { id: Asked::Call(1_000), failure: Failure::NoProc }), 6),
        (Frame::Signal(Signal::Down { monitor: 9, to: pid, from: Some(pid), reason: Exit::Killed }), 14),
        (Frame::Signal(Signal::Ping { token: 1 << 40 }), 9),
    ];
    for (frame, bytes) in rows {
        assert_eq!(bytes_of(&frame).len(), bytes, "{frame:?}");
    }
}

#[test]
fn the_largest_signals_fit_into_a_frame() {
    let long: Arc<str> = "é".repeat(9_000).into();
    let deep = |times: usize| {
        let innermost = Exit::panic(&*long, Some(long.to_string()));
        (0..times).fold(innermost, |reason, _| Exit::start_failed(long.clone(), reason))
    };
    let wide = WirePid { node: NodeNumber(3), slot: u32::MAX, serial: u64::MAX };
    let bare = BarePid { slot: u32::MAX, serial: u64::MAX };
    let path = vec![Waits { pid: Some(wide), name: long.clone() }; 100];
    let (from, to) = (bare, bare);
    let signals = [
        Signal::Exit { from, to, reason: deep(16) },
        Signal::Exit { from, to, reason: deep(1_000) },
        Signal::Down { monitor: u64::MAX, to, from: Some(from), reason: deep(16) },
        Signal::Failed { id: Asked::Reply(u64::MAX >> 1), failure: Failure::Deadlock { path: path.clone() } },
        Signal::Failed { id: Asked::Call(0), failure: Failure::NotUnderstood(long.clone()) },
        Signal::Probe { number: u64::MAX, first: 1, call: u64::MAX >> 1, path },
    ];
    for signal in signals {
        let bytes = bytes_of(&Frame::Signal(signal.clone()));
        assert!(bytes.len() <= FRAME_MAX, "{} bytes", bytes.len());
        assert_eq!(whole(&bytes), Ok(bytes.len()));
        let content = Bytes::from(bytes).slice(LENGTH_BYTES..);
        assert!(matches!(read(content, KNOWN), Ok(Content::Frame(Frame::Signal(_)))));
    }
}

#[test]
fn a_reason_that_is_too_deep_or_too_long_becomes_text() {
    let (from, to) = (BarePid { slot: 0, serial: 1 }, BarePid { slot: 1, serial: 1 });
    let way = |reason: Exit| match read(content_of(&Frame::Signal(Signal::Exit { from, to, reason })), KNOWN)
    {
        Ok(Content::Frame(Frame::Signal(Signal::Exit { reason, .. }))) => reason,
        other => panic!("{other:?}"),
    };
    let nested = |times| (0..times).fold(Exit::Killed, |reason, _| Exit::shutdown_with(reason));
    let flat = |text: &str| (0..16).fold(Exit::error(text), |reason, _| Exit::shutdown_with(reason));
    let long = "é".repeat(3_000);
    let rows = [
        (nested(16), nested(16)),
        (nested(17), flat("shutdown: killed")),
        (nested(18), flat("shutdown: shutdown: killed")),
        (Exit::error(format!("x{long}")), Exit::error(&format!("x{long}")[..4_095])),
    ];
    for (reason, expected) in rows {
        assert_eq!(way(reason), expected);
    }
}

#[test]
fn pids_in_a_reason_are_those_of_the_link() {
    let started = |node| Exit::AlreadyStarted(Pid::from_parts(node, 3, 8));
    let inside = |exit| Exit::shutdown_with(Exit::start_failed("db", exit));
    let mut change = |pid: Pid| Pid::from_parts(pid.node() + 1, pid.slot(), pid.serial());
    assert_eq!(with_pids(&inside(started(1)), &mut change), inside(started(2)));
}

#[test]
fn bytes_that_are_no_frame_say_why() {
    let rows: [(&[u8], FrameError); 15] = [
        (&[], FrameError::Empty),
        (&[0x3f], FrameError::Tag { what: "kind of frame", tag: 0x3f }),
        (&[0x81], FrameError::Truncated { what: "target" }),
        (&[0x81, 9], FrameError::Tag { what: "target", tag: 9 }),
        (&[0x81, 1, 7, 5], FrameError::Undefined { what: "name of a message", number: 5 }),
        (&[0x81, 0, 7, 0, 0], FrameError::Number { what: "pid of the target" }),
        (&[0x03, 0x80, 0x00], FrameError::Number { what: "token" }),
        (
            &[0x03, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            FrameError::Number { what: "token" },
        ),
        (&[0x03, 1, 1], FrameError::LeftOver { bytes: 1 }),
        (&[0x01, 0, 0], FrameError::Text { what: "name" }),
        (&[0x01, 0, 1, 0xff], FrameError::Text { what: "name" }),
        (&[0x01, 0, 0x80, 2], FrameError::Long { what: "name", has: 256, max: 255 }),
        (&[0x0b, 1], FrameError::Truncated { what: "compressed frame" }),
        (&[0x0b, 0x80, 0x80, 4, 0], FrameError::Long { what: "compressed frame", has: 65_536, max: 65_535 }),
        (&[0x02, 2, 1, 1, b' '], FrameError::Text { what: "name of a node" }),
    ];
    for (bytes, expected) in rows {
        assert_eq!(read(Bytes::copy_from_slice(bytes), KNOWN), Err(expected), "{bytes:?}");
    }
    assert_eq!(whole(&[0, 0]), Err(FrameError::Empty));
}

#[test]
fn a_kind_that_may_be_skipped_is_skipped_and_another_is_not() {
    for kind in 0..=255_u8 {
        let got = read(Bytes::copy_from_slice(&[kind, 0xff, 0xff, 0xff, 0xff, 0xff]), KNOWN);
        let is_known = matches!(kind, 0x01..=0x07 | 0x09..=0x0b | 0x41 | 0x42 | 0x81..=0x8f | 0xc1 | 0xc2);
        match (is_known, kind & 0x40 != 0) {
            (true, _) => assert_ne!(got, Ok(Content::Unknown { kind })),
            (false, true) => assert_eq!(got, Ok(Content::Unknown { kind })),
            (false, false) => assert_eq!(got, Err(FrameError::Tag { what: "kind of frame", tag: kind })),
        }
    }
}
