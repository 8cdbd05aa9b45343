//! The raw engine: each phase and the ways between them, the lanes, the line of waiting senders.
#![cfg(not(loom))]
#![allow(clippy::disallowed_methods, reason = "these tests are about real threads")]

mod common;

use common::Wakes;
use ravelin_mailbox::{
    Bounded, Capacity, Consumer, Cut, Edge, Kind, Mailbox, Next, NoConsumer, Overflow, Phase, Pushed, Record,
    Records, Refused, Signalled, Ticket, Unbounded,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Wake, Waker};
use std::thread;

static NUMBER: Kind<u32, ()> = Kind::new(());

/// What was woken is the wake-up itself.
#[derive(Default)]
struct Owner {
    edges: u32,
    accepted: u32,
}

impl Consumer for Owner {
    type Wake = Edge;
    fn edge(&mut self, edge: Edge) -> Edge {
        self.edges += 1;
        edge
    }
    fn accepted(&mut self) {
        self.accepted += 1;
    }
}

type Engine = Mailbox<(), &'static str, Owner>;

fn idle(capacity: impl Into<Capacity>) -> Engine {
    Mailbox::new(capacity.into(), Phase::Idle, Owner::default())
}

/// An engine that somebody runs, with nothing in it.
fn running(capacity: impl Into<Capacity>) -> Engine {
    Mailbox::new(capacity.into(), Phase::Running, Owner::default())
}

fn number(record: Record<'_, ()>) -> u32 {
    // SAFETY: `NUMBER` is the only kind that these tests push, and its payload is a `u32`.
    unsafe { record.take::<u32>() }
}

fn numbers(work: &mut Records<()>) -> Vec<u32> {
    let mut all = Vec::new();
    while let Some(record) = work.pop() {
        all.push(number(record));
    }
    all
}

#[track_caller]
fn push(mailbox: &Engine, message: u32) {
    if !matches!(mailbox.push(&NUMBER, message, Edge::Queue), Ok(Pushed::Quiet)) {
        panic!("{message} should have been accepted, and nobody woken");
    }
}

fn signal(mailbox: &Engine, signal: &'static str, cut: Cut) -> Result<Signalled<Edge>, NoConsumer> {
    mailbox.signal(Edge::Queue, |_| Some((signal, cut)))
}

/// Lines a sender up for room.
#[track_caller]
fn wait(mailbox: &Engine, message: u32, waker: &Waker) -> Option<Ticket> {
    let mut ticket = None;
    let sent = mailbox.push_or_wait(&NUMBER, message, Edge::Queue, waker, &mut ticket);
    assert!(matches!(sent, Err(Refused::Full(back)) if back == message));
    assert!(ticket.is_some());
    ticket
}

/// Comes again with a ticket; true: the message is in.
fn again(mailbox: &Engine, message: u32, ticket: &mut Option<Ticket>) -> bool {
    mailbox.push_or_wait(&NUMBER, message, Edge::Queue, Waker::noop(), ticket).is_ok()
}

// ---- phases ----

#[test]
fn the_first_push_wakes_and_no_other_does() {
    for (edge, phase) in [(Edge::Queue, Phase::Queued), (Edge::HandOver, Phase::Handed)] {
        let mailbox = idle(Unbounded);
        assert!(matches!(mailbox.push(&NUMBER, 1, edge), Ok(Pushed::Wake(told)) if told == edge));
        assert_eq!(mailbox.phase(), phase);
        push(&mailbox, 2);
        assert!(matches!(signal(&mailbox, "stop", Cut::Yes), Ok(Signalled::Quiet)));
        assert_eq!(mailbox.notify(Edge::Queue), None);
        assert!(matches!(mailbox.push_exempt(&NUMBER, 3, Edge::HandOver), Ok(Pushed::Quiet)));
        assert_eq!((mailbox.phase(), mailbox.with(|_, owner| owner.edges)), (phase, 1));
    }
}

#[test]
fn signals_and_notices_wake_an_idle_consumer() {
    let mailbox = idle(Unbounded);
    assert!(matches!(signal(&mailbox, "stop", Cut::No), Ok(Signalled::Wake(Edge::Queue))));
    assert_eq!(mailbox.phase(), Phase::Queued);
    let mailbox = idle(Unbounded);
    assert_eq!(mailbox.notify(Edge::HandOver), Some(Edge::HandOver));
    assert_eq!(mailbox.phase(), Phase::Handed);
}

#[test]
fn only_one_begins_and_only_from_the_phase_it_was_told_of() {
    let mailbox = idle(Unbounded);
    let nobody = || panic!("work is asked for by the owner only");
    assert!(!mailbox.begin(Phase::Queued, nobody));
    let _ = mailbox.push(&NUMBER, 1, Edge::HandOver);
    assert!(!mailbox.begin(Phase::Queued, nobody));
    let mut work = Records::new();
    assert!(mailbox.begin(Phase::Handed, || Some(&mut work)));
    assert!(!mailbox.begin(Phase::Handed, nobody));
    assert_eq!(numbers(&mut work), [1]);
}

#[test]
fn batches_come_in_order_and_then_the_mailbox_parks() {
    let mailbox = idle(Unbounded);
    let mut work = Records::new();
    let _ = mailbox.push(&NUMBER, 1, Edge::Queue);
    push(&mailbox, 2);
    assert!(mailbox.begin(Phase::Queued, || Some(&mut work)));
    push(&mailbox, 3);
    push(&mailbox, 4);
    assert_eq!(numbers(&mut work), [1, 2]);
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(numbers(&mut work), [3, 4]);
    assert_eq!(mailbox.next(&mut work), Next::Parked);
    assert_eq!(mailbox.phase(), Phase::Idle);
    assert!(matches!(mailbox.push(&NUMBER, 5, Edge::Queue), Ok(Pushed::Wake(_))));
}

#[test]
fn a_backlog_of_many_buffers_keeps_its_order() {
    let mailbox = running(Unbounded);
    (0..50_000).for_each(|n| push(&mailbox, n));
    assert_eq!(mailbox.len(), 50_000);
    let (mut work, mut got, mut batches) = (Records::new(), Vec::new(), 0);
    while mailbox.next(&mut work) == Next::Batch {
        got.append(&mut numbers(&mut work));
        batches += 1;
    }
    assert!(got.iter().copied().eq(0..50_000));
    assert!(batches < 50_000 / 1_000, "a batch is a whole buffer");
}

#[test]
fn control_comes_before_notices_and_notices_before_messages() {
    let mailbox = running(Unbounded);
    let mut work = Records::new();
    push(&mailbox, 1);
    assert_eq!(mailbox.notify(Edge::Queue), None);
    let _ = signal(&mailbox, "first", Cut::No);
    let _ = signal(&mailbox, "second", Cut::No);
    assert!(mailbox.has_control());
    assert_eq!(mailbox.next(&mut work), Next::Control);
    assert_eq!(mailbox.take_control(), Some("first"));
    assert_eq!(mailbox.next(&mut work), Next::Control);
    assert_eq!(mailbox.take_control(), Some("second"));
    assert!(!mailbox.has_control());
    assert_eq!(mailbox.take_control(), None);
    assert_eq!(mailbox.next(&mut work), Next::Notified);
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(numbers(&mut work), [1]);
    assert_eq!(mailbox.next(&mut work), Next::Parked);
}

#[test]
fn messages_do_not_wake_a_suspended_consumer_and_notices_do() {
    let mailbox = running(Unbounded);
    assert!(mailbox.suspend(0));
    push(&mailbox, 1);
    assert!(matches!(signal(&mailbox, "later", Cut::No), Ok(Signalled::Quiet)));
    assert_eq!(mailbox.phase(), Phase::Suspended);
    assert_eq!(mailbox.notify(Edge::Queue), Some(Edge::Queue));
    assert_eq!(mailbox.notify(Edge::Queue), None);
    assert_eq!(mailbox.phase(), Phase::Queued);
    let mut work = Records::new();
    assert!(mailbox.begin(Phase::Queued, || Some(&mut work)));
    assert_eq!(numbers(&mut work), [1]);
    assert_eq!(mailbox.next(&mut work), Next::Control);
    assert_eq!(mailbox.take_control(), Some("later"));
    assert_eq!(mailbox.next(&mut work), Next::Parked, "begin said the second notice too");
}

#[test]
fn a_notice_that_comes_before_the_suspension_is_seen_by_it() {
    let mailbox = running(Unbounded);
    assert_eq!(mailbox.notify(Edge::Queue), None);
    assert!(!mailbox.suspend(0));
    assert_eq!(mailbox.phase(), Phase::Running);
    assert!(mailbox.suspend(0), "it was seen");
}

#[test]
fn a_cutting_signal_wakes_a_suspended_consumer() {
    let mailbox = running(Unbounded);
    assert!(mailbox.suspend(0));
    assert!(matches!(signal(&mailbox, "kill", Cut::Yes), Ok(Signalled::Wake(Edge::Queue))));
    let mut work = Records::new();
    assert!(mailbox.begin(Phase::Queued, || Some(&mut work)));
    assert!(mailbox.has_cut());
    assert_eq!(mailbox.take_control(), Some("kill"));
    assert!(!mailbox.has_cut());
}

#[test]
fn a_cutting_signal_that_comes_before_the_suspension_prevents_it() {
    let mailbox = running(Unbounded);
    let _ = signal(&mailbox, "kill", Cut::Yes);
    assert!(!mailbox.suspend(0));
    assert_eq!(mailbox.phase(), Phase::Running);
    assert_eq!(mailbox.take_control_if(|signal| *signal == "kill"), Some("kill"));
    let _ = signal(&mailbox, "later", Cut::No);
    assert!(mailbox.suspend(0), "this one waits until the consumer looks");
}

#[test]
fn each_of_two_cutting_signals_is_seen() {
    let mailbox = running(Unbounded);
    for kill in ["kill 1", "kill 2"] {
        let _ = signal(&mailbox, kill, Cut::Yes);
    }
    let _ = signal(&mailbox, "later", Cut::No);
    let kills = |signal: &&str| signal.starts_with("kill");
    assert_eq!(mailbox.take_control_if(kills), Some("kill 1"));
    assert!(mailbox.has_cut() && !mailbox.suspend(0));
    assert_eq!(mailbox.take_control_if(kills), Some("kill 2"));
    assert_eq!(mailbox.take_control_if(kills), None);
    assert!(!mailbox.has_cut() && mailbox.has_control());
    assert!(mailbox.suspend(0), "what is left cuts nothing off");
}

#[test]
fn a_cut_that_was_taken_in_turn_does_not_keep_the_consumer_awake() {
    let mailbox = running(Unbounded);
    let _ = signal(&mailbox, "kill", Cut::Yes);
    let _ = signal(&mailbox, "later", Cut::No);
    assert_eq!(mailbox.take_control(), Some("kill"));
    assert_eq!(mailbox.take_control_if(|signal| *signal == "kill"), None);
    assert!(mailbox.suspend(0));
    assert!(matches!(signal(&mailbox, "kill", Cut::Yes), Ok(Signalled::Wake(_))), "a new one cuts again");
}

#[test]
fn what_is_written_with_a_look_at_the_owner_is_a_message_beyond_the_limit() {
    let (mailbox, mut work) = (idle(Bounded(1)), Records::new());
    let write = |wanted: bool| {
        mailbox.signal_or_write(Edge::Queue, |inlet| {
            inlet.owner().accepted += u32::from(wanted);
            if wanted {
                inlet.write(&NUMBER, 7);
            }
            None
        })
    };
    assert!(matches!(write(false), Ok(Signalled::Quiet)));
    assert_eq!((mailbox.phase(), mailbox.len()), (Phase::Idle, 0));
    assert!(matches!(write(true), Ok(Signalled::Wake(_))), "it was idle");
    assert!(matches!(write(true), Ok(Signalled::Quiet)), "it is queued");
    assert_eq!((mailbox.phase(), mailbox.len(), mailbox.has_control()), (Phase::Queued, 2, false));
    assert_eq!(mailbox.with(|_, owner| owner.accepted), 2);
    assert!(mailbox.begin(Phase::Queued, || Some(&mut work)));
    assert_eq!(numbers(&mut work), [7, 7]);
    drop(mailbox.close(|_| ()));
    assert!(matches!(write(true), Err(NoConsumer)));
}

#[test]
fn a_signal_that_is_not_admitted_changes_nothing() {
    let mailbox = idle(Unbounded);
    assert!(matches!(mailbox.signal(Edge::Queue, |_| None), Ok(Signalled::Quiet)));
    assert_eq!(mailbox.phase(), Phase::Idle);
    assert!(!mailbox.has_control());
}

#[test]
fn a_requeued_consumer_goes_on_where_it_was() {
    let mailbox = running(Unbounded);
    let mut work = Records::new();
    (1..=3).for_each(|n| push(&mailbox, n));
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(work.pop().map(number), Some(1));
    push(&mailbox, 4);
    assert_eq!(mailbox.requeue(), Edge::Queue);
    push(&mailbox, 5);
    assert!(mailbox.begin(Phase::Queued, || Some(&mut work)));
    assert_eq!(numbers(&mut work), [2, 3]);
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(numbers(&mut work), [4, 5]);
}

#[test]
fn a_consumer_that_goes_on_with_a_future_takes_no_batch() {
    let mailbox = running(Unbounded);
    assert!(mailbox.suspend(0));
    push(&mailbox, 1);
    assert!(mailbox.notify(Edge::Queue).is_some());
    assert!(mailbox.begin(Phase::Queued, || None));
    assert_eq!(receive(&mailbox, Waker::noop()), Some(1));
}

#[test]
fn whoever_seizes_a_consumer_that_nobody_runs_is_its_owner() {
    let mailbox = idle(Unbounded);
    assert!(mailbox.seize() && !mailbox.seize());
    assert_eq!((mailbox.phase(), mailbox.with(|_, owner| owner.edges)), (Phase::Running, 0));

    assert!(mailbox.suspend(0));
    assert!(mailbox.seize());

    assert!(mailbox.suspend(0));
    assert!(mailbox.notify(Edge::Queue).is_some());
    assert!(mailbox.seize());
    assert!(!mailbox.begin(Phase::Queued, || panic!("not asked")), "the one that was woken comes too late");

    assert!(mailbox.suspend(0));
    assert!(mailbox.notify(Edge::HandOver).is_some());
    assert!(!mailbox.seize(), "it is handed to one that runs it without being woken");
    assert!(mailbox.begin(Phase::Handed, || None));
    let _ = mailbox.close(|_| ());
    assert!(!mailbox.seize());
}

#[test]
fn a_handed_consumer_may_be_queued_instead() {
    let mailbox = idle(Unbounded);
    let _ = mailbox.push(&NUMBER, 1, Edge::HandOver);
    assert_eq!(mailbox.requeue(), Edge::Queue);
    assert_eq!(mailbox.phase(), Phase::Queued);
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "does not own the consumer")]
fn a_closed_mailbox_is_not_requeued() {
    let mailbox = running(Unbounded);
    let _ = mailbox.close(|_| ());
    let _ = mailbox.requeue();
}

#[test]
#[should_panic]
fn a_batch_that_is_never_used_up_overruns_no_buffer() {
    let mailbox = running(Bounded(10_000).on_full(Overflow::DropOldest));
    (0..10_000).for_each(|n| push(&mailbox, n));
    let mut work = Records::new();
    while mailbox.next(&mut work) == Next::Batch {}
}

// ---- close and reopen ----

#[test]
fn close_hands_out_what_waits_and_refuses_what_comes() {
    let mailbox = running(Unbounded);
    let mut work = Records::new();
    push(&mailbox, 0);
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    (1..=20_000).for_each(|n| push(&mailbox, n));
    let _ = signal(&mailbox, "kill", Cut::Yes);
    let _ = mailbox.notify(Edge::Queue);
    let (remains, edges) = mailbox.close(|owner| owner.edges);
    assert_eq!(edges, 0);
    let rest: Vec<u32> = remains.records.into_iter().flat_map(|mut records| numbers(&mut records)).collect();
    assert!(rest.iter().copied().eq(1..=20_000));
    assert_eq!(remains.control, ["kill"]);
    assert_eq!(numbers(&mut work), [0], "what the consumer had taken is its own");

    assert_eq!((mailbox.phase(), mailbox.len()), (Phase::Closed, 0));
    assert!(!mailbox.has_control() && !mailbox.has_cut());
    assert!(matches!(mailbox.push(&NUMBER, 7, Edge::Queue), Err(Refused::Closed(7))));
    assert!(matches!(mailbox.push_exempt(&NUMBER, 7, Edge::Queue), Err(Refused::Closed(7))));
    let mut ticket = None;
    let sent = mailbox.push_or_wait(&NUMBER, 7, Edge::Queue, Waker::noop(), &mut ticket);
    assert!(matches!(sent, Err(Refused::Closed(7))));
    assert!(matches!(mailbox.signal(Edge::Queue, |_| panic!("not asked")), Err(NoConsumer)));
    assert_eq!(mailbox.notify(Edge::Queue), None);
    assert!(!mailbox.begin(Phase::Queued, || panic!("not asked")));
}

#[test]
fn reopen_begins_anew_with_its_own_capacity() {
    let mailbox = running(Unbounded);
    (0..3).for_each(|n| push(&mailbox, n));
    let _ = mailbox.notify(Edge::Queue);
    assert!(!mailbox.reopen(Unbounded.into(), |_| panic!("it is open")));
    let _ = mailbox.close(|_| ());
    assert!(!mailbox.reopen(Unbounded.into(), |_| false));
    assert_eq!(mailbox.phase(), Phase::Closed);
    assert!(mailbox.reopen(Bounded(1).into(), |_| true));
    assert_eq!((mailbox.phase(), mailbox.len(), mailbox.accepted()), (Phase::Running, 0, 3));
    push(&mailbox, 7);
    assert!(matches!(mailbox.push(&NUMBER, 8, Edge::Queue), Err(Refused::Full(8))));
    let mut work = Records::new();
    assert_eq!(mailbox.next(&mut work), Next::Batch, "no notice of the past");
    assert_eq!(numbers(&mut work), [7]);
}

#[test]
fn a_sender_that_waited_over_a_close_and_reopen_begins_anew() {
    let rows: [(Capacity, u32, bool); 5] = [
        (Bounded(1).into(), 0, true),
        (Unbounded.into(), 5, true),
        (Bounded(1).on_full(Overflow::Refuse), 0, true),
        (Bounded(1).on_full(Overflow::Refuse), 1, false),
        (Bounded(1).on_full(Overflow::DropNewest), 1, true),
    ];
    for (capacity, waiting, gets_in) in rows {
        let mailbox = running(Bounded(1));
        push(&mailbox, 0);
        let (wakes, waker) = Wakes::new();
        let mut ticket = wait(&mailbox, 1, &waker);
        let _ = mailbox.close(|_| ());
        assert_eq!(wakes.count(), 1);
        assert!(mailbox.reopen(capacity, |_| true));
        (0..waiting).for_each(|n| push(&mailbox, n));
        assert_eq!(again(&mailbox, 1, &mut ticket), gets_in, "{capacity:?}, {waiting} waiting");
        assert_eq!(ticket, None, "and does not wait for a waker it never left: {capacity:?}");
    }
}

#[test]
fn a_sender_that_finds_the_reopened_mailbox_full_waits_for_room_there() {
    let mailbox = running(Bounded(1));
    push(&mailbox, 0);
    let mut ticket = wait(&mailbox, 1, Waker::noop());
    let _ = mailbox.close(|_| ());
    assert!(mailbox.reopen(Bounded(1).into(), |_| true));
    push(&mailbox, 2);
    let (wakes, waker) = Wakes::new();
    assert!(mailbox.push_or_wait(&NUMBER, 1, Edge::Queue, &waker, &mut ticket).is_err());
    let mut work = Records::new();
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(numbers(&mut work), [2]);
    mailbox.publish(0);
    assert_eq!(wakes.count(), 1);
    assert!(again(&mailbox, 1, &mut ticket));
}

// ---- room ----

#[test]
fn room_comes_back_as_the_consumer_publishes() {
    let mailbox = running(Bounded(4));
    (0..4).for_each(|n| push(&mailbox, n));
    let mut work = Records::new();
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(mailbox.len(), 4, "taken is not begun");
    assert!(matches!(mailbox.push(&NUMBER, 4, Edge::Queue), Err(Refused::Full(4))));
    let (wakes, waker) = Wakes::new();
    let mut tickets: Vec<_> = (4..7).map(|n| wait(&mailbox, n, &waker)).collect();
    numbers(&mut work);
    mailbox.publish(2);
    assert_eq!((mailbox.len(), wakes.count()), (2, 2));
    assert!(matches!(mailbox.push(&NUMBER, 9, Edge::Queue), Err(Refused::Full(9))), "it is promised");
    assert!(again(&mailbox, 4, &mut tickets[0]));
    assert!(again(&mailbox, 5, &mut tickets[1]));
    let sent = mailbox.push_or_wait(&NUMBER, 6, Edge::Queue, &waker, &mut tickets[2]);
    assert!(matches!(sent, Err(Refused::Full(6))), "its turn has not come");
    mailbox.publish(0);
    assert_eq!((mailbox.len(), wakes.count()), (2, 3));
    assert!(again(&mailbox, 6, &mut tickets[2]));
    push(&mailbox, 7);
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(numbers(&mut work), [4, 5, 6, 7]);
}

#[test]
fn every_way_of_giving_the_consumer_up_gives_room() {
    type GiveUp = fn(&Engine, &mut Records<()>);
    let rows: [(&str, GiveUp); 4] = [
        ("park", |mailbox, work| assert_eq!(mailbox.next(work), Next::Parked)),
        ("suspend", |mailbox, _| assert!(mailbox.suspend(0))),
        ("publish", |mailbox, _| mailbox.publish(0)),
        ("control", |mailbox, work| {
            let _ = signal(mailbox, "stop", Cut::No);
            assert_eq!(mailbox.next(work), Next::Control);
        }),
    ];
    for (name, give_up) in rows {
        let mailbox = running(Bounded(1));
        let mut work = Records::new();
        push(&mailbox, 0);
        assert_eq!(mailbox.next(&mut work), Next::Batch);
        let (wakes, waker) = Wakes::new();
        let mut ticket = wait(&mailbox, 1, &waker);
        numbers(&mut work);
        give_up(&mailbox, &mut work);
        assert_eq!((wakes.count(), mailbox.len()), (1, 0), "{name}");
        assert!(again(&mailbox, 1, &mut ticket), "{name}");
    }
}

#[test]
fn a_forgotten_promise_goes_to_the_next_in_line() {
    let mailbox = running(Bounded(1));
    push(&mailbox, 0);
    let [(first, a), (second, b), (third, c)] = std::array::from_fn(|_| Wakes::new());
    let (promised, given_up, mut last) =
        (wait(&mailbox, 1, &a), wait(&mailbox, 2, &b), wait(&mailbox, 3, &c));
    let mut work = Records::new();
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    numbers(&mut work);
    mailbox.publish(0);
    mailbox.forget(given_up.unwrap());
    assert_eq!([first.count(), second.count(), third.count()], [1, 0, 0]);
    mailbox.forget(promised.unwrap());
    assert_eq!([first.count(), second.count(), third.count()], [1, 0, 1]);
    assert!(again(&mailbox, 3, &mut last));
}

#[test]
fn exempt_messages_get_in_whatever_the_capacity() {
    let mailbox = running(Bounded(1));
    for n in 0..3 {
        assert!(matches!(mailbox.push_exempt(&NUMBER, n, Edge::Queue), Ok(Pushed::Quiet)));
    }
    assert!(matches!(mailbox.push(&NUMBER, 3, Edge::Queue), Err(Refused::Full(3))));
    assert_eq!(mailbox.len(), 3);
    let mut work = Records::new();
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(numbers(&mut work), [0, 1, 2]);
}

#[test]
fn the_length_is_exact_at_rest_whatever_was_published() {
    for capacity in [Unbounded.into(), Bounded(100).into(), Bounded(100).on_full(Overflow::DropNewest)] {
        let mailbox = running(capacity);
        let mut work = Records::new();
        (0..10).for_each(|n| push(&mailbox, n));
        assert_eq!(mailbox.next(&mut work), Next::Batch);
        assert_eq!(mailbox.len(), 10, "{capacity:?}");
        work.pop();
        assert!(mailbox.suspend(work.len()));
        assert_eq!(mailbox.len(), 9, "{capacity:?}");
        let _ = mailbox.notify(Edge::Queue);
        assert!(mailbox.begin(Phase::Queued, || Some(&mut work)));
        numbers(&mut work);
        assert_eq!(mailbox.next(&mut work), Next::Parked);
        assert!(mailbox.is_empty(), "{capacity:?}");
    }
}

// ---- policies ----

#[test]
fn drop_oldest_reaches_the_oldest_in_any_buffer() {
    let mailbox = running(Bounded(10_000).on_full(Overflow::DropOldest));
    (0..10_000).for_each(|n| push(&mailbox, n));
    for n in 10_000..25_000 {
        match mailbox.push(&NUMBER, n, Edge::Queue) {
            Ok(Pushed::Displaced(mut records)) => assert_eq!(numbers(&mut records), [n - 10_000]),
            _ => panic!("{n} should have displaced one"),
        }
    }
    assert_eq!((mailbox.accepted(), mailbox.discarded(), mailbox.len()), (25_000, 15_000, 10_000));
    let (mut work, mut got) = (Records::new(), Vec::new());
    while mailbox.next(&mut work) == Next::Batch {
        assert_eq!(work.len(), 1, "the oldest stay within reach");
        got.append(&mut numbers(&mut work));
        mailbox.publish(0);
    }
    assert!(got.iter().copied().eq(15_000..25_000));
}

#[test]
fn drop_oldest_takes_the_new_one_when_none_waits() {
    let mailbox = running(Bounded(1).on_full(Overflow::DropOldest));
    let mut work = Records::new();
    push(&mailbox, 0);
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    push(&mailbox, 1);
    assert!(matches!(mailbox.push(&NUMBER, 2, Edge::Queue), Ok(Pushed::Displaced(_))));
    assert_eq!(numbers(&mut work), [0]);
    assert_eq!(mailbox.next(&mut work), Next::Batch);
    assert_eq!(numbers(&mut work), [2]);
}

#[test]
fn drop_newest_counts_what_it_discards_as_accepted() {
    let mailbox = running(Bounded(1).on_full(Overflow::DropNewest));
    push(&mailbox, 0);
    assert!(matches!(mailbox.push(&NUMBER, 1, Edge::Queue), Ok(Pushed::Discarded)));
    assert_eq!((mailbox.accepted(), mailbox.discarded(), mailbox.len()), (2, 1, 1));
}

// ---- a future that receives ----

/// The waker of a consumer's own future.
struct Notifies(Arc<Engine>);

impl Wake for Notifies {
    fn wake(self: Arc<Self>) {
        let _ = self.0.notify(Edge::Queue);
    }
}

fn receive(mailbox: &Engine, waker: &Waker) -> Option<u32> {
    mailbox.receive(waker, |_, record| number(record))
}

#[test]
fn a_message_between_receive_and_suspend_is_not_missed() {
    let mailbox = Arc::new(running(Unbounded));
    let waker = Waker::from(Arc::new(Notifies(mailbox.clone())));
    assert_eq!(receive(&mailbox, &waker), None);
    push(&mailbox, 1);
    assert!(!mailbox.suspend(0), "the future has something to look at");
    assert_eq!(receive(&mailbox, &waker), Some(1));
    assert_eq!(receive(&mailbox, &waker), None);
    assert!(mailbox.suspend(0));
    assert!(matches!(mailbox.push(&NUMBER, 2, Edge::Queue), Ok(Pushed::WakeReceiver(_))));
    push(&mailbox, 3);
}

#[test]
fn a_receiving_future_that_is_gone_does_not_keep_the_consumer_awake() {
    let mailbox = running(Unbounded);
    let (wakes, waker) = Wakes::new();
    assert_eq!(receive(&mailbox, &waker), None);
    push(&mailbox, 1);
    assert!(mailbox.suspend(0));
    assert_eq!(wakes.count(), 1);
    push(&mailbox, 2);
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_signal_wakes_a_receiving_future_in_any_phase() {
    for is_suspended in [false, true] {
        let mailbox = running(Unbounded);
        let (_, waker) = Wakes::new();
        assert_eq!(receive(&mailbox, &waker), None);
        assert!(!is_suspended || mailbox.suspend(0));
        let told = signal(&mailbox, "stop", Cut::No);
        assert!(matches!(told, Ok(Signalled::WakeReceiver(told)) if told.will_wake(&waker)));
        assert!(matches!(signal(&mailbox, "stop", Cut::No), Ok(Signalled::Quiet)));
    }
}

#[test]
fn a_receivers_waker_can_be_taken_for_another_reason() {
    let mailbox = running(Unbounded);
    let (_, waker) = Wakes::new();
    assert!(mailbox.take_receiver().is_none());
    assert_eq!(receive(&mailbox, &waker), None);
    assert!(mailbox.take_receiver().is_some_and(|taken| taken.will_wake(&waker)));
    assert!(mailbox.take_receiver().is_none());
}

// ---- threads ----

#[test]
fn each_wake_up_begins_once_and_nobody_runs_beside_another() {
    let mailbox = Arc::new(idle(Bounded(100).on_full(Overflow::Refuse)));
    let (wake, woken) = mpsc::channel();
    let woken = Arc::new(Mutex::new(woken));
    let producers = [0, 1].map(|producer| {
        let (mailbox, wake) = (mailbox.clone(), wake.clone());
        thread::spawn(move || produce(&mailbox, producer, &wake))
    });
    drop(wake);
    let desk = Arc::new(Desk::default());
    let workers = [0, 1].map(|_| {
        let (mailbox, woken, desk) = (mailbox.clone(), woken.clone(), desk.clone());
        thread::spawn(move || {
            let next = || woken.lock().unwrap().recv();
            while let Ok(Edge::Queue) = next() {
                consume(&mailbox, &desk);
            }
        })
    });
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert_eq!((mailbox.phase(), mailbox.len()), (Phase::Idle, 0));
    let got = desk.got.lock().unwrap();
    for producer in 0..2 {
        let own = got.iter().copied().filter(|n| n / EACH == producer);
        assert!(own.eq(producer * EACH..(producer + 1) * EACH), "all of them, in order");
    }
}

const EACH: u32 = 3_000;

/// Pushes `EACH` numbers, notifies now and then, and passes every wake-up on.
fn produce(mailbox: &Engine, producer: u32, wake: &mpsc::Sender<Edge>) {
    for n in 0..EACH {
        loop {
            match mailbox.push(&NUMBER, producer * EACH + n, Edge::Queue) {
                Ok(Pushed::Wake(edge)) => break wake.send(edge).unwrap(),
                Ok(_) => break,
                Err(_) => thread::yield_now(),
            }
        }
        if n % 7 == 0
            && let Some(edge) = mailbox.notify(Edge::Queue)
        {
            wake.send(edge).unwrap();
        }
    }
}

/// What only the owner of the consumer touches.
#[derive(Default)]
struct Desk {
    is_taken: AtomicBool,
    got: Mutex<Vec<u32>>,
}

/// Runs the consumer until it parks, and watches that it is alone.
fn consume(mailbox: &Engine, desk: &Desk) {
    let mut work = Records::new();
    assert!(mailbox.begin(Phase::Queued, || Some(&mut work)), "a wake-up is for one");
    loop {
        assert!(!desk.is_taken.swap(true, Ordering::Relaxed), "somebody else runs the consumer");
        desk.got.lock().unwrap().append(&mut numbers(&mut work));
        desk.is_taken.store(false, Ordering::Relaxed);
        if mailbox.next(&mut work) == Next::Parked {
            return;
        }
    }
}

#[test]
fn signals_that_nobody_wants_are_taken_back_and_the_others_stay_in_order() {
    let mailbox = running(Unbounded);
    for (signal, cut) in [("a", Cut::No), ("old", Cut::Yes), ("b", Cut::No), ("old", Cut::No)] {
        let _ = mailbox.signal(Edge::Queue, |_| Some((signal, cut)));
    }
    assert!(mailbox.has_control_of(|signal| *signal == "old"));
    assert_eq!(mailbox.withdraw(|signal| *signal == "old"), ["old", "old"]);
    assert!(mailbox.has_control() && !mailbox.has_control_of(|signal| *signal == "old"));
    assert_eq!((mailbox.take_control(), mailbox.take_control()), (Some("a"), Some("b")));
    let _ = mailbox.signal(Edge::Queue, |_| Some(("old", Cut::Yes)));
    assert_eq!(mailbox.withdraw(|_| true), ["old"]);
    assert!(!mailbox.has_control() && !mailbox.has_cut(), "nothing is left to look at");
}

#[test]
fn a_mailbox_is_watched_while_its_owner_wants_it_and_tells_of_what_was_let_in() {
    let mailbox = running(Bounded(2));
    mailbox.watch(|_| true);
    assert!(matches!(mailbox.push(&NUMBER, 1, Edge::Queue), Err(Refused::Full(1))), "it asks first");
    let mut noted = 0;
    for n in 1..=3 {
        let _ = mailbox.push_watched(&NUMBER, n, Edge::Queue, false, |_| noted += 1);
    }
    assert_eq!((noted, mailbox.len()), (2, 2), "what is refused is not noted");
    assert!(mailbox.push_exempt(&NUMBER, 4, Edge::Queue).is_ok());
    assert_eq!(mailbox.with_waiting(|waiting, owner| (waiting, owner.accepted)), (3, 1));
    mailbox.watch(|_| false);
    assert!(mailbox.push_exempt(&NUMBER, 5, Edge::Queue).is_ok());
    assert_eq!(mailbox.with_waiting(|_, owner| owner.accepted), 1);
}
