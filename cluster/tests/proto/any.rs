//! Any frame there may be.

use bytes::Bytes;
use proptest::prelude::*;
use ravelin_cluster::proto::frame::{Asked, Bye, Failure, Frame, Head, Signal, Waits};
use ravelin_cluster::proto::{BarePid, NameNumber, NodeNumber, To, WirePid};
use ravelin_core::{Exit, Pid};
use std::time::Duration;

/// The numbers that frames of these tests may have.
pub(crate) const NAMES: u32 = 5;
pub(crate) const NODES: u32 = 4;

/// Small numbers are more usual than large ones.
fn number() -> BoxedStrategy<u64> {
    prop_oneof![0..200_u64, any::<u64>(), Just(u64::MAX)].boxed()
}

fn id() -> impl Strategy<Value = u64> {
    number().prop_map(|id| id >> 1)
}

fn text(max: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![Just('a'), Just('é'), any::<char>()], 0..max / 4)
        .prop_map(|chars| chars.into_iter().collect())
}

fn name() -> impl Strategy<Value = NameNumber> {
    (0..NAMES).prop_map(NameNumber)
}

fn bare() -> BoxedStrategy<BarePid> {
    (prop_oneof![0..100_u32, any::<u32>()], number())
        .prop_map(|(slot, serial)| BarePid { slot, serial: serial.max(1) })
        .boxed()
}

fn wire() -> BoxedStrategy<WirePid> {
    (0..NODES, bare())
        .prop_map(|(node, BarePid { slot, serial })| WirePid { node: NodeNumber(node), slot, serial })
        .boxed()
}

fn to() -> BoxedStrategy<To> {
    prop_oneof![bare().prop_map(To::Pid), number().prop_map(To::Place), name().prop_map(To::Name)].boxed()
}

fn asked() -> BoxedStrategy<Asked> {
    prop_oneof![id().prop_map(Asked::Call), id().prop_map(Asked::Reply)].boxed()
}

pub(crate) fn exit() -> BoxedStrategy<Exit> {
    let leaf = prop_oneof![
        Just(Exit::Normal),
        Just(Exit::Shutdown),
        Just(Exit::Ignore),
        Just(Exit::Killed),
        Just(Exit::NoProc),
        Just(Exit::NoConnection),
        Just(Exit::Lost),
        text(40).prop_map(Exit::error),
        text(40).prop_map(Exit::invalid_spec),
        (text(40), proptest::option::of(text(40))).prop_map(|(message, place)| Exit::panic(message, place)),
        (0..NODES, bare())
            .prop_map(|(node, pid)| { Exit::AlreadyStarted(Pid::from_parts(node, pid.slot, pid.serial)) }),
    ];
    leaf.prop_recursive(6, 8, 1, |inner| {
        prop_oneof![
            inner.clone().prop_map(Exit::shutdown_with),
            (text(40), inner).prop_map(|(child, reason)| Exit::start_failed(child, reason)),
        ]
    })
    .boxed()
}

fn waits() -> BoxedStrategy<Waits> {
    (proptest::option::of(wire()), text(40)).prop_map(|(pid, name)| Waits { pid, name: name.into() }).boxed()
}

fn path() -> BoxedStrategy<Vec<Waits>> {
    proptest::collection::vec(waits(), 0..5).boxed()
}

fn failure() -> BoxedStrategy<Failure> {
    prop_oneof![
        Just(Failure::NoProc),
        Just(Failure::Full),
        Just(Failure::Discarded),
        Just(Failure::Expired),
        Just(Failure::NoReply),
        Just(Failure::Timeout),
        exit().prop_map(Failure::Exited),
        text(40).prop_map(|why| Failure::NotUnderstood(why.into())),
        path().prop_map(|path| Failure::Deadlock { path }),
    ]
    .boxed()
}

fn bye() -> BoxedStrategy<Bye> {
    prop_oneof![
        Just(Bye::Duplicate),
        Just(Bye::Leaving),
        Just(Bye::Overrun),
        Just(Bye::Silent),
        Just(Bye::Superseded),
        text(40).prop_map(|why| Bye::Protocol(why.into())),
    ]
    .boxed()
}

pub(crate) fn signal() -> BoxedStrategy<Signal> {
    let pair = || (bare(), bare());
    prop_oneof![
        prop_oneof![
            number().prop_map(|count| Signal::BulkAck { count }),
            bye().prop_map(Signal::Bye),
            id().prop_map(|id| Signal::Cancel { id }),
            number().prop_map(|monitor| Signal::Demonitor { monitor }),
            id().prop_map(|id| Signal::Done { id }),
            number().prop_map(|token| Signal::Ping { token }),
            number().prop_map(|token| Signal::Pong { token }),
            (any::<u64>(), id(), id(), path()).prop_map(|(number, first, call, path)| Signal::Probe {
                number,
                first,
                call,
                path
            }),
        ],
        (number(), bare(), proptest::option::of(bare()), exit())
            .prop_map(|(monitor, to, from, reason)| Signal::Down { monitor, to, from, reason }),
        (pair(), exit()).prop_map(|((from, to), reason)| Signal::Exit { from, to, reason }),
        (asked(), failure()).prop_map(|(id, failure)| Signal::Failed { id, failure }),
        (proptest::option::of(bare()), bare()).prop_map(|(from, to)| Signal::Kill { from, to }),
        pair().prop_map(|(from, to)| Signal::Link { from, to }),
        (pair(), exit()).prop_map(|((from, to), reason)| Signal::LinkExit { from, to, reason }),
        (number(), bare(), to()).prop_map(|(monitor, from, to)| Signal::Monitor { monitor, from, to }),
        (number(), pair()).prop_map(|(id, (from, to))| Signal::Unlink { id, from, to }),
        (number(), pair()).prop_map(|(id, (from, to))| Signal::UnlinkAck { id, from, to }),
    ]
    .boxed()
}

fn head() -> BoxedStrategy<Head> {
    // The largest number means no limit, and is one less on the wire.
    let budget = || proptest::option::of((0..u64::MAX - 1).prop_map(Duration::from_micros));
    prop_oneof![
        asked().prop_map(|id| Head::Answer { id }),
        (id(), to(), proptest::option::of(bare()), name(), budget())
            .prop_map(|(id, to, asker, message, budget)| Head::Call { id, to, asker, message, budget }),
        (to(), name()).prop_map(|(to, message)| Head::Cast { to, message }),
        Just(Head::Gossip),
        Just(Head::Groups),
        Just(Head::Names),
        (id(), to(), name()).prop_map(|(id, to, message)| Head::Send { id, to, message }),
        (id(), name(), name()).prop_map(|(id, under, spec)| Head::Start { id, under, spec }),
    ]
    .boxed()
}

pub(crate) fn frame() -> BoxedStrategy<Frame> {
    let payload = proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    prop_oneof![
        (head(), payload).prop_map(|(head, payload)| Frame::Carrying(head, payload)),
        signal().prop_map(Frame::Signal),
    ]
    .boxed()
}
