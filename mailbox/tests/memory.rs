//! What a mailbox holds and what it gives back, counted by an allocator; and the buffer of records itself.
//!
//! Proof of the unsafe parts: a record is taken as the type of the kind that it was pushed with a few lines above.
#![cfg(not(loom))]

mod common;
mod counted;

use common::{Drops, now, poll};
use ravelin_mailbox::{Bounded, Consumer, Edge, Kind, Mailbox, Next, Phase, Records, Unbounded, channel};
use std::pin::pin;
use std::task::Waker;

fn bytes_kept<R>(during: impl FnOnce() -> R) -> (R, isize) {
    let before = counted::bytes();
    let out = during();
    (out, counted::bytes() - before)
}

fn allocations(during: impl FnOnce()) -> usize {
    let before = counted::allocations();
    during();
    counted::allocations() - before
}

/// The buffers that a thread may keep for the next mailbox that grows.
const POOL: isize = 16 * 32 * 1024 + 1024;
/// The buffers that an idle mailbox may keep, and what it has of queues and of `Rare`.
const IDLE: isize = 2 * 256 + 1024;

/// What comes at once for each of 50: far more than may be kept of it, and for the first one far more still.
fn burst(which: usize) -> u64 {
    if which == 0 { 100_000 } else { 10_000 }
}

static NUMBER: Kind<u64, ()> = Kind::new(());

struct Owner;

impl Consumer for Owner {
    type Wake = ();
    fn edge(&mut self, _: Edge) {}
}

type Engine = Mailbox<(), u64, Owner>;

fn drain(mailbox: &Engine, work: &mut Records<()>) {
    while mailbox.next(work) != Next::Parked {
        while mailbox.take_control().is_some() {}
        while work.pop().is_some() {}
    }
}

#[test]
fn an_idle_engine_gives_back_what_a_burst_needed() {
    let ((mailboxes, works), kept) = bytes_kept(|| {
        let mailboxes: Vec<Engine> =
            (0..50).map(|_| Mailbox::new(Unbounded.into(), Phase::Running, Owner)).collect();
        let mut works: Vec<Records<()>> = Vec::with_capacity(50);
        works.resize_with(50, Records::new);
        for (which, (mailbox, work)) in mailboxes.iter().zip(&mut works).enumerate() {
            for n in 0..burst(which) {
                assert!(mailbox.push(&NUMBER, n, Edge::Queue).is_ok());
            }
            for n in 0..1_000 {
                assert!(mailbox.signal(Edge::Queue, |_| Some((n, ravelin_mailbox::Cut::No))).is_ok());
            }
            drain(mailbox, work);
        }
        (mailboxes, works)
    });
    let sizes = 50 * (size_of::<Engine>() + size_of::<Records<()>>()) as isize;
    assert!(kept < POOL + sizes + 50 * IDLE, "{kept} bytes are kept by 50 idle mailboxes");
    drop((mailboxes, works));
}

#[test]
fn an_idle_channel_gives_back_what_a_burst_needed() {
    let (channels, kept) = bytes_kept(|| {
        let channels: Vec<_> = (0..50).map(|_| channel::<u64>(Unbounded)).collect();
        channels
            .into_iter()
            .enumerate()
            .map(|(which, (tx, mut rx))| {
                (0..burst(which)).for_each(|n| tx.try_send(n).unwrap());
                (0..1_000).for_each(|n| tx.send_control(n).unwrap());
                while rx.try_recv().is_ok() {}
                (tx, rx)
            })
            .collect::<Vec<_>>()
    });
    assert!(kept < POOL + 50 * (IDLE + 1024), "{kept} bytes are kept by 50 idle channels");
    drop(channels);
}

#[test]
fn a_message_costs_no_allocation() {
    let mailbox: Engine = Mailbox::new(Unbounded.into(), Phase::Running, Owner);
    let mut work = Records::new();
    let round = |work: &mut Records<()>| {
        for n in 0..10 {
            assert!(mailbox.push(&NUMBER, n, Edge::Queue).is_ok());
        }
        drain(&mailbox, work);
        assert!(mailbox.notify(Edge::Queue).is_some());
        assert!(mailbox.begin(Phase::Queued, || Some(work)));
    };
    (0..2).for_each(|_| round(&mut work));
    assert_eq!(allocations(|| (0..1_000).for_each(|_| round(&mut work))), 0);

    let (tx, mut rx) = channel::<u64>(Bounded(10));
    let mut round = || {
        (0..10).for_each(|n| tx.try_send(n).unwrap());
        (0..10).for_each(|n| assert_eq!(now(rx.recv()), Some(n)));
        assert!(poll(pin!(rx.recv()), Waker::noop()).is_pending());
    };
    (0..2).for_each(|_| round());
    assert_eq!(allocations(|| (0..1_000).for_each(|_| round())), 0);
}

// ---- records ----

static TEXT: Kind<String, &str> = Kind::new("text");
static LARGE: Kind<[u8; 2000], &str> = Kind::new("large");
static UNIT: Kind<(), &str> = Kind::new("unit");

#[test]
fn records_of_many_types_keep_their_order() {
    let mut records = Records::new();
    let mut pushed = 0;
    for round in 0..100 {
        records.push(&TEXT, format!("text {round}")).unwrap();
        records.push(&UNIT, ()).unwrap();
        records.push(&LARGE, [round; 2000]).unwrap();
        pushed += 3;
    }
    assert_eq!((records.len(), format!("{records:?}")), (pushed, "Records(300)".to_owned()));
    for round in 0..100 {
        let record = records.pop().unwrap();
        assert_eq!((*record.ext(), record.type_name()), ("text", "alloc::string::String"));
        // SAFETY: pushed with `TEXT`.
        assert_eq!(unsafe { record.take::<String>() }, format!("text {round}"));
        let record = records.pop().unwrap();
        assert_eq!(format!("{record:?}"), "Record(())");
        drop(record);
        let record = records.pop().unwrap();
        // SAFETY: pushed with `LARGE`.
        assert_eq!(unsafe { record.take::<[u8; 2000]>() }, [round; 2000]);
    }
    assert!(records.is_empty() && records.pop().is_none());
}

#[test]
fn a_full_buffer_gives_the_payload_back() {
    let mut records = Records::new();
    let mut pushed = 0;
    let back = loop {
        match records.push(&TEXT, pushed.to_string()) {
            Ok(()) => pushed += 1,
            Err(back) => break back,
        }
    };
    assert_eq!(back, pushed.to_string());
    assert_eq!(records.len(), pushed);
    assert_eq!(pushed, (32 * 1024 - 8) / size_of::<(&(), String)>() as u32);
    while records.pop().is_some() {}
    records.push(&TEXT, back).unwrap();
}

#[test]
fn records_drop_what_is_left_in_them() {
    static TOKEN: Kind<common::Token<[u64; 200]>, ()> = Kind::new(());
    let drops = Drops::new(50);
    let mut records = Records::new();
    for id in 0..50 {
        assert!(records.push(&TOKEN, drops.token(id, [0; 200])).is_ok());
    }
    drop(records.pop());
    assert_eq!(drops.count(), 1);
    drop(records);
    drops.assert_each_once();
}
