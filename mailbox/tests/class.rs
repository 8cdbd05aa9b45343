//! Classes: who gets in, who waits, and who is discarded when room is short.
#![cfg(not(loom))]

mod common;

use common::Wakes;
use ravelin_mailbox::{
    Bounded, ByClass, Capacity, Class, Consumer, Edge, Kind, Mailbox, Next, Overflow, Phase, Pushed, Record,
    Records, Refused, Shed, Ticket, Unbounded,
};
use std::task::Waker;

static CONTROL: Kind<u32, ()> = Kind::of_class(Class::Control, ());
static USUAL: Kind<u32, ()> = Kind::new(());
static BULK: Kind<u32, ()> = Kind::of_class(Class::Bulk, ());
/// A payload that fills a buffer soon.
static LARGE: Kind<[u32; 256], ()> = Kind::new(());

struct Owner;

impl Consumer for Owner {
    type Wake = ();
    fn edge(&mut self, _: Edge) {}
}

type Engine = Mailbox<(), (), Owner>;

fn running(capacity: impl Into<Capacity>) -> Engine {
    Mailbox::new(capacity.into(), Phase::Running, Owner)
}

fn kind(class: Class) -> &'static Kind<u32, ()> {
    match class {
        Class::Control => &CONTROL,
        Class::Interactive => &USUAL,
        Class::Bulk => &BULK,
    }
}

fn number(record: Record<'_, ()>) -> u32 {
    // SAFETY: where it is used only the three kinds with a `u32` are pushed.
    unsafe { record.take::<u32>() }
}

fn numbers(mut records: Records<()>) -> Vec<u32> {
    let mut all = Vec::new();
    while let Some(record) = records.pop() {
        all.push(number(record));
    }
    all
}

/// What became of a push.
#[derive(Debug, PartialEq)]
enum Became {
    In,
    InFor(Vec<u32>),
    Discarded,
    Refused,
}

fn push(mailbox: &Engine, class: Class, n: u32) -> Became {
    match mailbox.push_classed(kind(class), n, Edge::Queue) {
        Ok(Pushed::Displaced(records)) => Became::InFor(numbers(records)),
        Ok(Pushed::Discarded) => Became::Discarded,
        Ok(Pushed::Quiet | Pushed::Wake(()) | Pushed::WakeReceiver(_)) => Became::In,
        Err(Refused::Full(back) | Refused::Closed(back)) => {
            assert_eq!(back, n);
            Became::Refused
        }
    }
}

fn receive(mailbox: &Engine) -> Option<u32> {
    mailbox.receive(Waker::noop(), |_, record| number(record))
}

/// Sends, waiting for room.
fn send(mailbox: &Engine, class: Class, n: u32, waker: &Waker, ticket: &mut Option<Ticket>) -> bool {
    mailbox.push_or_wait_classed(kind(class), n, Edge::Queue, waker, ticket).is_ok()
}

/// A mailbox as the table in the documentation of `Class` has it.
#[derive(Default)]
struct Naive {
    waiting: Vec<(Class, u32)>,
    shed: Shed,
}

impl Naive {
    fn push(&mut self, limit: usize, policy: Overflow, class: Class, n: u32) -> Became {
        let mark = match class {
            Class::Control => limit + (limit / 8).max(16),
            Class::Interactive => limit,
            Class::Bulk => limit.div_ceil(2),
        };
        if self.waiting.len() < mark {
            self.waiting.push((class, n));
            return Became::In;
        }
        if class == Class::Control || matches!(policy, Overflow::Refuse | Overflow::Wait) {
            self.shed.refused[class] += 1;
            return Became::Refused;
        }
        let first_of = |class| self.waiting.iter().position(|each| each.0 == class);
        let usual = if class == Class::Interactive { first_of(Class::Interactive) } else { None };
        match first_of(Class::Bulk).or(usual).filter(|_| policy == Overflow::DropOldest) {
            Some(at) => {
                let (gone, m) = self.waiting.remove(at);
                self.shed.discarded[gone] += 1;
                self.waiting.push((class, n));
                Became::InFor(vec![m])
            }
            None => {
                self.shed.discarded[class] += 1;
                Became::Discarded
            }
        }
    }
}

#[test]
fn each_class_gets_as_much_room_as_its_table_says() {
    const STEPS: u32 = 7;
    for policy in [Overflow::Wait, Overflow::Refuse, Overflow::DropNewest, Overflow::DropOldest] {
        for limit in 1..=4 {
            // Each sequence of three kinds of pushes and a receive.
            for sequence in 0..4_u32.pow(STEPS) {
                let (mailbox, mut naive) = (running(Bounded(limit).on_full(policy)), Naive::default());
                for n in 0..STEPS {
                    let class = match sequence >> (2 * n) & 3 {
                        0 => Class::Control,
                        1 => Class::Interactive,
                        2 => Class::Bulk,
                        _ => {
                            let oldest = (!naive.waiting.is_empty()).then(|| naive.waiting.remove(0).1);
                            assert_eq!(receive(&mailbox), oldest);
                            continue;
                        }
                    };
                    let expect = naive.push(limit as usize, policy, class, n);
                    assert_eq!(push(&mailbox, class, n), expect, "{policy:?} {limit} {sequence:o} {n}");
                }
                assert_eq!((mailbox.len() as usize, mailbox.shed()), (naive.waiting.len(), naive.shed));
            }
        }
    }
}

#[test]
fn control_has_a_reserve_and_no_more() {
    for (limit, reserve) in [(1, 16), (128, 16), (136, 17), (1024, 128)] {
        for policy in [Overflow::Wait, Overflow::Refuse, Overflow::DropNewest, Overflow::DropOldest] {
            let mailbox = running(Bounded(limit).on_full(policy));
            (0..limit).for_each(|n| assert_eq!(push(&mailbox, Class::Interactive, n), Became::In));
            (0..reserve).for_each(|n| assert_eq!(push(&mailbox, Class::Control, n), Became::In));
            assert_eq!(push(&mailbox, Class::Control, 0), Became::Refused, "{limit} {policy:?}");
            let mut ticket = None;
            assert!(!send(&mailbox, Class::Control, 0, Waker::noop(), &mut ticket));
            assert_eq!((ticket, mailbox.shed().refused.control), (None, 2), "it does not wait");
        }
    }
    let unlimited = running(Unbounded);
    (0..5000).for_each(|n| assert_eq!(push(&unlimited, Class::Bulk, n), Became::In));
    assert_eq!(push(&running(Bounded(u32::MAX)), Class::Control, 0), Became::In);
}

#[test]
fn of_the_32_oldest_the_first_bulk_one_is_discarded() {
    for (before, expect) in [(0, 0), (31, 31), (32, 0)] {
        let mailbox = running(Bounded(100).on_full(Overflow::DropOldest));
        (0..before).for_each(|n| assert_eq!(push(&mailbox, Class::Interactive, n), Became::In));
        assert_eq!(push(&mailbox, Class::Bulk, before), Became::In);
        (before + 1..100).for_each(|n| assert_eq!(push(&mailbox, Class::Interactive, n), Became::In));
        assert_eq!(push(&mailbox, Class::Interactive, 100), Became::InFor(vec![expect]));
        let left: Vec<u32> = std::iter::from_fn(|| receive(&mailbox)).collect();
        assert!(left.iter().copied().eq((0..=100).filter(|n| *n != expect)), "{left:?}");
    }
}

#[test]
fn one_may_be_discarded_from_the_middle_of_any_buffer() {
    let mailbox = running(Bounded(200).on_full(Overflow::DropOldest));
    // 31 of the large ones fill a buffer, so the second bulk one lies in the second buffer.
    let large = |n| assert!(mailbox.push_classed(&LARGE, [n; 256], Edge::Queue).is_ok());
    (0..29).for_each(large);
    assert_eq!(push(&mailbox, Class::Bulk, 7), Became::In);
    (29..33).for_each(large);
    assert_eq!(push(&mailbox, Class::Bulk, 8), Became::In);
    (0..8).for_each(|_| drop(mailbox.take_oldest(false)));
    (27..200).for_each(|n| assert_eq!(push(&mailbox, Class::Interactive, n), Became::In));
    assert_eq!(push(&mailbox, Class::Interactive, 200), Became::InFor(vec![7]));
    assert_eq!(push(&mailbox, Class::Interactive, 201), Became::InFor(vec![8]));
    assert_eq!((mailbox.len(), mailbox.shed().discarded.bulk), (200, 2));
    (0..25).for_each(|_| drop(mailbox.take_oldest(false)));
    let left: Vec<u32> = std::iter::from_fn(|| receive(&mailbox)).collect();
    assert!(left.iter().copied().eq(27..=201), "{left:?}");
}

#[test]
fn bulk_waits_below_its_mark_and_behind_all_others() {
    let mailbox = running(Bounded(4));
    (0..4).for_each(|n| assert_eq!(push(&mailbox, Class::Interactive, n), Became::In));
    let ((bulk, a), (usual, b)) = (Wakes::new(), Wakes::new());
    let (mut first, mut second, mut ticket) = (None, None, None);
    assert!(!send(&mailbox, Class::Bulk, 10, &a, &mut first));
    assert!(!send(&mailbox, Class::Bulk, 11, &a, &mut second));
    assert!(!send(&mailbox, Class::Interactive, 20, &b, &mut ticket));
    assert_eq!(receive(&mailbox), Some(0));
    assert_eq!((usual.count(), bulk.count()), (1, 0), "who came last is first");
    assert!(send(&mailbox, Class::Interactive, 20, &b, &mut ticket));
    assert_eq!((receive(&mailbox), receive(&mailbox)), (Some(1), Some(2)));
    assert_eq!(bulk.count(), 0, "half is used");
    assert_eq!(push(&mailbox, Class::Bulk, 12), Became::Refused);
    assert_eq!((receive(&mailbox), bulk.count()), (Some(3), 1));
    let mut late = None;
    assert!(!send(&mailbox, Class::Bulk, 13, &a, &mut late), "the room is promised, and one waits before it");
    assert!(send(&mailbox, Class::Bulk, 10, &a, &mut first));
    assert_eq!((receive(&mailbox), bulk.count()), (Some(20), 2));
    // The promise of one that gives up goes to the next.
    second.into_iter().for_each(|ticket| mailbox.forget(ticket));
    assert_eq!(bulk.count(), 3);
    assert!(send(&mailbox, Class::Bulk, 13, &a, &mut late));
    assert_eq!((receive(&mailbox), receive(&mailbox), receive(&mailbox)), (Some(10), Some(13), None));
    assert_eq!(mailbox.shed().refused, ByClass { bulk: 1, ..ByClass::default() });
}

#[test]
fn bulk_that_waits_gets_room_however_the_consumer_gives_it() {
    type GiveRoom = fn(&Engine, &mut Records<()>);
    let rows: [(&str, GiveRoom); 3] = [
        ("park", |mailbox, work| assert_eq!(mailbox.next(work), Next::Parked)),
        ("suspend", |mailbox, _| assert!(mailbox.suspend(0))),
        ("publish", |mailbox, _| mailbox.publish(0)),
    ];
    for (name, give_room) in rows {
        let mailbox = running(Bounded(2));
        let mut work = Records::new();
        assert_eq!(push(&mailbox, Class::Interactive, 0), Became::In);
        assert_eq!(mailbox.next(&mut work), Next::Batch);
        let (wakes, waker) = Wakes::new();
        let mut ticket = None;
        assert!(!send(&mailbox, Class::Bulk, 1, &waker, &mut ticket));
        assert_eq!(work.pop().map(number), Some(0));
        give_room(&mailbox, &mut work);
        assert_eq!(wakes.count(), 1, "{name}");
        assert!(send(&mailbox, Class::Bulk, 1, &waker, &mut ticket), "{name}");
    }
}

#[test]
fn a_note_is_there_as_long_as_its_ticket() {
    let mailbox = running(Bounded(1));
    assert_eq!(push(&mailbox, Class::Interactive, 0), Became::In);
    let tickets: [_; 3] = std::array::from_fn(|n| {
        let mut ticket = None;
        assert!(!send(&mailbox, Class::Interactive, 1, Waker::noop(), &mut ticket));
        ticket.inspect(|ticket| mailbox.set_note(ticket, n as u64 + 70))
    });
    let notes = || tickets.each_ref().map(|ticket| ticket.as_ref().and_then(|ticket| mailbox.note(ticket)));
    assert_eq!(notes(), [Some(70), Some(71), Some(72)]);
    assert_eq!(receive(&mailbox), Some(0));
    assert_eq!(notes(), [Some(70), Some(71), Some(72)], "a promise keeps it");
    let _ = mailbox.close(|_| ());
    assert_eq!(notes(), [None; 3]);
}

#[test]
fn bulk_that_waits_learns_of_the_close() {
    let mailbox = running(Bounded(2));
    assert_eq!(push(&mailbox, Class::Interactive, 0), Became::In);
    let (wakes, waker) = Wakes::new();
    let mut ticket = None;
    assert!(!send(&mailbox, Class::Bulk, 1, &waker, &mut ticket));
    let _ = mailbox.close(|_| ());
    assert_eq!(wakes.count(), 1);
    let sent = mailbox.push_or_wait_classed(&BULK, 1, Edge::Queue, &waker, &mut ticket);
    assert!(matches!(sent, Err(Refused::Closed(1))) && ticket.is_none());
}
