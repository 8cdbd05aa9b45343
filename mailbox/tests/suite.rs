//! One suite over every flavour of the typed channel: a module per flavour, in it a test per claim.
#![cfg(not(loom))]
#![allow(clippy::disallowed_methods, reason = "these tests are about real threads")]

mod common;

use common::{Dice, Drops, Wakes, now, poll};
use futures::executor::block_on;
use ravelin_mailbox::{
    Bounded, Capacity, Overflow, Receiver, RecvError, SendError, Sender, TrySendError, Unbounded, channel,
};
use std::collections::VecDeque;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::thread;

macro_rules! suite {
    ($($flavour:ident = $capacity:expr;)*) => {$(
        mod $flavour {
            use super::*;
            fn flavour() -> Capacity {
                $capacity.into()
            }
            claims! {
                order_is_kept_within_the_limit
                order_is_kept_for_each_of_many_threads
                nothing_is_lost_or_duplicated_between_many_threads
                control_overtakes_any_backlog
                a_full_mailbox_does_what_its_policy_says
                a_send_to_a_full_mailbox_does_what_its_policy_says
                a_refused_message_takes_no_room
                close_lets_the_rest_be_received
                close_and_return_gives_the_rest_control_first
                the_length_can_be_read_from_outside
                the_end_of_the_last_sender_ends_the_receiver
                control_sent_just_before_the_last_sender_ends_is_received
                the_end_of_the_receiver_refuses_senders_with_their_messages
                a_selective_receive_keeps_the_order_of_the_rest
                a_selective_receive_looks_once_at_each_message
                a_selective_receive_takes_control_first
                a_receiver_is_woken_on_the_edge_only
                each_payload_is_dropped_once
                any_sequence_of_calls_agrees_with_the_model
            }
        }
    )*};
}

macro_rules! claims {
    ($($claim:ident)*) => {$(
        #[test]
        fn $claim() {
            super::$claim(flavour());
        }
    )*};
}

suite! {
    unbounded = Unbounded;
    bounded_1_wait = Bounded(1);
    bounded_1_refuse = Bounded(1).on_full(Overflow::Refuse);
    bounded_1_drop_newest = Bounded(1).on_full(Overflow::DropNewest);
    bounded_1_drop_oldest = Bounded(1).on_full(Overflow::DropOldest);
    bounded_7_wait = Bounded(7);
    bounded_7_refuse = Bounded(7).on_full(Overflow::Refuse);
    bounded_7_drop_newest = Bounded(7).on_full(Overflow::DropNewest);
    bounded_7_drop_oldest = Bounded(7).on_full(Overflow::DropOldest);
    bounded_10_000_wait = Bounded(10_000);
    bounded_10_000_refuse = Bounded(10_000).on_full(Overflow::Refuse);
    bounded_10_000_drop_newest = Bounded(10_000).on_full(Overflow::DropNewest);
    bounded_10_000_drop_oldest = Bounded(10_000).on_full(Overflow::DropOldest);
}

/// How many messages fit; for an unbounded mailbox, more than fit into one of its buffers.
fn room(capacity: Capacity) -> usize {
    capacity.limit().unwrap_or(10_000) as usize
}

/// A channel that is full with 0, 1, 2 ..; for an unbounded one, well filled.
fn full(capacity: Capacity) -> (Sender<usize>, Receiver<usize>) {
    let (tx, rx) = channel(capacity);
    for n in 0..room(capacity) {
        tx.try_send(n).unwrap();
    }
    (tx, rx)
}

fn drain<T: Send>(rx: &mut Receiver<T>) -> Vec<T> {
    std::iter::from_fn(|| rx.try_recv().ok()).collect()
}

fn discards(capacity: Capacity) -> bool {
    capacity.limit().is_some() && matches!(capacity.on_full(), Overflow::DropNewest | Overflow::DropOldest)
}

/// Sends in one way or the other, waiting for room wherever there is a policy to wait for.
fn send_for_sure<T: Send>(tx: &Sender<T>, message: T) {
    let mut message = message;
    loop {
        match block_on(tx.send(message)) {
            Ok(()) => return,
            Err(TrySendError::Full(back)) => message = back,
            Err(TrySendError::Closed(_)) => panic!("the receiver is there"),
        }
        thread::yield_now();
    }
}

const THREADS: usize = 4;
const EACH: usize = 2_000;

/// What one receiver gets from `THREADS` threads, that send `EACH` pairs of their number and a count.
fn from_many_threads(capacity: Capacity) -> (Vec<(usize, usize)>, u64) {
    let (tx, mut rx) = channel(capacity);
    let counts = tx.clone();
    let senders: Vec<_> = (0..THREADS)
        .map(|thread| {
            let tx = tx.clone();
            thread::spawn(move || (0..EACH).for_each(|n| send_for_sure(&tx, (thread, n))))
        })
        .collect();
    drop(tx);
    let watch = thread::spawn(move || {
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        counts.discarded()
    });
    let mut got = Vec::new();
    while let Some(message) = block_on(rx.recv()) {
        got.push(message);
    }
    (got, watch.join().unwrap())
}

fn order_is_kept_within_the_limit(capacity: Capacity) {
    let (_tx, mut rx) = full(capacity);
    assert_eq!(drain(&mut rx), (0..room(capacity)).collect::<Vec<_>>());
}

fn order_is_kept_for_each_of_many_threads(capacity: Capacity) {
    let (got, _) = from_many_threads(capacity);
    for thread in 0..THREADS {
        let own: Vec<usize> = got.iter().filter(|got| got.0 == thread).map(|got| got.1).collect();
        assert!(own.is_sorted_by(|a, b| a < b), "thread {thread}");
    }
}

fn nothing_is_lost_or_duplicated_between_many_threads(capacity: Capacity) {
    let (mut got, discarded) = from_many_threads(capacity);
    let received = got.len();
    assert_eq!(received + discarded as usize, THREADS * EACH);
    assert!(discards(capacity) || discarded == 0);
    got.sort_unstable();
    got.dedup();
    assert_eq!(got.len(), received, "some were received twice");
}

fn control_overtakes_any_backlog(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    tx.send_control(90_001).unwrap();
    tx.send_control(90_002).unwrap();
    assert_eq!(rx.try_recv(), Ok(90_001));
    assert_eq!(now(rx.recv()), Some(90_002));
    assert_eq!(rx.try_recv(), Ok(0));
}

fn a_full_mailbox_does_what_its_policy_says(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    let n = room(capacity);
    let sent = tx.try_send(n);
    let (expected, kept, discarded) = match capacity.limit().map(|_| capacity.on_full()) {
        None => (Ok(()), 0..n + 1, 0),
        Some(Overflow::DropOldest) => (Ok(()), 1..n + 1, 1),
        Some(Overflow::DropNewest) => (Ok(()), 0..n, 1),
        Some(Overflow::Refuse | Overflow::Wait) => (Err(TrySendError::Full(n)), 0..n, 0),
    };
    assert_eq!(sent, expected);
    assert_eq!(tx.discarded(), discarded);
    assert_eq!(drain(&mut rx), kept.collect::<Vec<_>>());
}

fn a_send_to_a_full_mailbox_does_what_its_policy_says(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    let n = room(capacity);
    let mut sending = pin!(tx.send(n));
    let sent = poll(sending.as_mut(), Waker::noop());
    match capacity.limit().map(|_| capacity.on_full()) {
        None | Some(Overflow::DropNewest | Overflow::DropOldest) => assert_eq!(sent, Poll::Ready(Ok(()))),
        Some(Overflow::Refuse) => assert_eq!(sent, Poll::Ready(Err(TrySendError::Full(n)))),
        Some(Overflow::Wait) => {
            assert_eq!(sent, Poll::Pending);
            assert_eq!(rx.try_recv(), Ok(0));
            assert_eq!(poll(sending, Waker::noop()), Poll::Ready(Ok(())));
            assert_eq!(drain(&mut rx), (1..=n).collect::<Vec<_>>());
        }
    }
}

fn a_refused_message_takes_no_room(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    let before = tx.len();
    if tx.try_send(7).is_err() && tx.try_send(8).is_err() {
        assert_eq!(tx.len(), before);
    }
    rx.try_recv().unwrap();
    tx.try_send(9).unwrap();
    assert_eq!(drain(&mut rx).last(), Some(&9));
}

fn close_lets_the_rest_be_received(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    rx.close();
    assert_eq!(tx.try_send(5), Err(TrySendError::Closed(5)));
    assert_eq!(tx.send_control(6), Err(SendError(6)));
    for n in 0..room(capacity) {
        assert_eq!(now(rx.recv()), Some(n));
    }
    assert_eq!(now(rx.recv()), None);
    assert_eq!(rx.try_recv(), Err(RecvError::Finished));
    assert_eq!(now(rx.recv_matching(|_| true)), None);
}

fn close_and_return_gives_the_rest_control_first(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    tx.send_control(90_001).unwrap();
    assert_eq!(poll(pin!(rx.recv_matching(|n| *n == 80_000)), Waker::noop()), Poll::Pending);
    tx.send_control(90_002).unwrap();
    tx.try_send(70_000).unwrap();
    let mut expected = vec![90_001, 90_002];
    expected.extend(0..room(capacity));
    expected.push(70_000);
    assert_eq!(rx.close_and_return(), expected);
    assert_eq!(rx.close_and_return(), []);
}

fn the_length_can_be_read_from_outside(capacity: Capacity) {
    let (tx, mut rx) = channel(capacity);
    assert!(tx.is_empty());
    for n in 0..room(capacity) {
        assert_eq!(tx.len(), n);
        tx.try_send(n).unwrap();
    }
    tx.send_control(1).unwrap();
    assert_eq!(tx.len(), room(capacity), "the control lane does not count");
    assert_eq!(rx.try_recv(), Ok(1));
    for n in (0..room(capacity)).rev() {
        rx.try_recv().unwrap();
        assert_eq!(tx.len(), n);
    }
}

fn the_end_of_the_last_sender_ends_the_receiver(capacity: Capacity) {
    let (wakes, waker) = Wakes::new();
    let (tx, mut rx) = channel::<usize>(capacity);
    let other = tx.clone();
    let mut receiving = Box::pin(rx.recv());
    assert_eq!(poll(receiving.as_mut(), &waker), Poll::Pending);
    drop(tx);
    assert_eq!(wakes.count(), 0, "there is another sender");
    drop(other);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(receiving.as_mut(), &waker), Poll::Ready(None));

    let (tx, mut rx) = full(capacity);
    drop(tx);
    assert_eq!(drain(&mut rx).len(), room(capacity), "what was sent before is received first");
    assert_eq!(now(rx.recv()), None);
    assert_eq!(now(rx.recv_matching(|_| true)), None);
}

fn control_sent_just_before_the_last_sender_ends_is_received(capacity: Capacity) {
    for _ in 0..200 {
        let (tx, mut rx) = channel(capacity);
        let sender = thread::spawn(move || tx.send_control(1).unwrap());
        assert_eq!(block_on(rx.recv()), Some(1));
        assert_eq!(block_on(rx.recv()), None);
        sender.join().unwrap();
    }
}

fn the_end_of_the_receiver_refuses_senders_with_their_messages(capacity: Capacity) {
    let (tx, rx) = full(capacity);
    drop(rx);
    assert_eq!(tx.try_send(1), Err(TrySendError::Closed(1)));
    assert_eq!(now(tx.send(2)), Err(TrySendError::Closed(2)));
    assert_eq!(tx.send_control(3), Err(SendError(3)));
    assert_eq!(tx.len(), 0);
}

fn a_selective_receive_keeps_the_order_of_the_rest(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    let n = room(capacity);
    let wanted = n / 2;
    assert_eq!(now(rx.recv_matching(|m| *m == wanted)), Some(wanted));
    tx.try_send(n).unwrap();
    assert_eq!(now(rx.recv_matching(|m| *m == n)), Some(n));
    let expected: Vec<usize> = (0..n).filter(|m| *m != wanted).collect();
    assert_eq!(drain(&mut rx), expected);
}

fn a_selective_receive_looks_once_at_each_message(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    let n = room(capacity);
    let (mut looks, mut control_looks) = (0, 0);
    let mut receiving = Box::pin(rx.recv_matching(|m| {
        *(if *m < 90_000 { &mut looks } else { &mut control_looks }) += 1;
        *m == n + 2
    }));
    assert_eq!(poll(receiving.as_mut(), Waker::noop()), Poll::Pending);
    tx.try_send(n).unwrap();
    assert_eq!(poll(receiving.as_mut(), Waker::noop()), Poll::Pending);
    assert_eq!(poll(receiving.as_mut(), Waker::noop()), Poll::Pending);
    tx.send_control(90_000).unwrap();
    tx.send_control(90_001).unwrap();
    assert_eq!(poll(receiving.as_mut(), Waker::noop()), Poll::Pending);
    tx.try_send(n + 2).unwrap();
    assert_eq!(poll(receiving.as_mut(), Waker::noop()), Poll::Ready(Some(n + 2)));
    drop(receiving);
    assert_eq!((looks, control_looks), (n + 2, 2));
    let mut expected = vec![90_000, 90_001];
    expected.extend(0..=n);
    assert_eq!(drain(&mut rx), expected);
}

fn a_selective_receive_takes_control_first(capacity: Capacity) {
    let (tx, mut rx) = full(capacity);
    assert_eq!(poll(pin!(rx.recv_matching(|n| *n == 80_000)), Waker::noop()), Poll::Pending);
    tx.send_control(90_001).unwrap();
    tx.send_control(90_002).unwrap();
    assert_eq!(now(rx.recv_matching(|n| *n == 90_002 || *n == 0)), Some(90_002));
    assert_eq!(now(rx.recv()), Some(90_001), "also when it was skipped behind other skipped ones");
    assert_eq!(now(rx.recv()), Some(0));
}

fn a_receiver_is_woken_on_the_edge_only(capacity: Capacity) {
    let (wakes, waker) = Wakes::new();
    let (tx, mut rx) = channel(capacity);
    for round in 1..=3 {
        let mut receiving = Box::pin(rx.recv());
        assert_eq!(poll(receiving.as_mut(), &waker), Poll::Pending);
        assert_eq!(poll(receiving.as_mut(), &waker), Poll::Pending);
        for n in 0..room(capacity).min(100) {
            tx.try_send(n).unwrap();
        }
        tx.send_control(9).unwrap();
        assert_eq!(wakes.count(), round, "one for all of round {round}");
        assert_eq!(poll(receiving.as_mut(), &waker), Poll::Ready(Some(9)));
        drop(receiving);
        drain(&mut rx);
    }
    assert_eq!(poll(pin!(rx.recv()), &waker), Poll::Pending);
    tx.send_control(9).unwrap();
    tx.send_control(9).unwrap();
    assert_eq!(wakes.count(), 4, "control wakes on the edge too");
}

fn each_payload_is_dropped_once(capacity: Capacity) {
    let n = 2 * room(capacity).min(1_000) + 10;
    let drops = Drops::new(n + 1);
    let (tx, mut rx) = channel(capacity);
    for id in 0..n {
        let _ = tx.try_send(drops.token(id, [0u64; 3]));
        if id % 5 == 0 {
            let _ = rx.try_recv();
        }
        if id % 7 == 0 {
            let _ = poll(pin!(rx.recv_matching(|token| token.id % 3 == 0)), Waker::noop());
        }
    }
    tx.send_control(drops.token(n, [0; 3])).unwrap();
    assert!(drops.count() < n + 1);
    drop((tx, rx));
    drops.assert_each_once();
}

/// What a channel should be, slowly.
struct Model {
    capacity: Capacity,
    control: VecDeque<usize>,
    skipped: VecDeque<usize>,
    user: VecDeque<usize>,
    discarded: u64,
}

impl Model {
    fn try_send(&mut self, message: usize) -> Result<(), TrySendError<usize>> {
        let is_full = self.capacity.limit().is_some_and(|limit| self.user.len() >= limit as usize);
        if is_full {
            match self.capacity.on_full() {
                Overflow::Refuse | Overflow::Wait => return Err(TrySendError::Full(message)),
                Overflow::DropNewest => {
                    self.discarded += 1;
                    return Ok(());
                }
                Overflow::DropOldest => {
                    self.discarded += 1;
                    self.user.pop_front();
                }
            }
        }
        self.user.push_back(message);
        Ok(())
    }

    fn try_recv(&mut self) -> Result<usize, RecvError> {
        let next = self.control.pop_front().or_else(|| self.skipped.pop_front());
        next.or_else(|| self.user.pop_front()).ok_or(RecvError::Empty)
    }

    fn recv_matching(&mut self, wanted: impl Fn(&usize) -> bool) -> Poll<Option<usize>> {
        if let Some(at) = self.control.iter().position(&wanted) {
            return Poll::Ready(self.control.remove(at));
        }
        loop {
            if let Some(at) = self.skipped.iter().position(&wanted) {
                return Poll::Ready(self.skipped.remove(at));
            }
            let Some(next) = self.user.pop_front() else { return Poll::Pending };
            self.skipped.push_back(next);
        }
    }
}

fn any_sequence_of_calls_agrees_with_the_model(capacity: Capacity) {
    for seed in 1..=20 {
        let mut dice = Dice::new(seed);
        let (tx, mut rx) = channel(capacity);
        let (control, skipped, user) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        let mut model = Model { capacity, control, skipped, user, discarded: 0 };
        let sends = 2 + dice.roll(8);
        for step in 0..1_000 {
            let what = dice.roll(10);
            let here = format!("seed {seed}, step {step}");
            if what < sends {
                assert_eq!(tx.try_send(step), model.try_send(step), "{here}");
            } else if what == 9 {
                tx.send_control(step).unwrap();
                model.control.push_back(step);
            } else if what == 8 {
                let wanted = |n: &usize| n.is_multiple_of(11);
                let got = poll(pin!(rx.recv_matching(wanted)), Waker::noop());
                assert_eq!(got, model.recv_matching(wanted), "{here}");
            } else {
                assert_eq!(rx.try_recv(), model.try_recv(), "{here}");
            }
            assert_eq!((tx.len(), tx.discarded()), (model.user.len(), model.discarded), "{here}");
        }
        let rest: Vec<usize> = std::iter::from_fn(|| model.try_recv().ok()).collect();
        assert_eq!(rx.close_and_return(), rest, "seed {seed}");
    }
}
