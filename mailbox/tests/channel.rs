//! What the typed channel promises beyond the suite: the line of waiting senders, odd payloads, panics.
#![cfg(not(loom))]
#![allow(clippy::disallowed_methods, reason = "these tests are about real threads")]

mod common;

use common::{Drops, Wakes, now, poll};
use futures::executor::block_on;
use ravelin_mailbox::{Bounded, Capacity, Lock, Overflow, RecvError, TrySendError, Unbounded, channel};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::thread;

const FULL: Poll<Result<(), TrySendError<usize>>> = Poll::Pending;
const SENT: Poll<Result<(), TrySendError<usize>>> = Poll::Ready(Ok(()));

// ---- the line of waiting senders ----

#[test]
fn waiting_senders_get_room_in_the_order_in_which_they_came() {
    let (tx, mut rx) = channel(Bounded(2));
    tx.try_send(0).unwrap();
    tx.try_send(1).unwrap();
    let mut line: Vec<_> = (2..6).map(|n| (Box::pin(tx.send(n)), Wakes::new())).collect();
    for (sending, (_, waker)) in &mut line {
        assert_eq!(poll(sending.as_mut(), waker), FULL);
    }
    for next in 0..4 {
        assert_eq!(rx.try_recv(), Ok(next));
        let woken: Vec<usize> = line.iter().map(|(_, (wakes, _))| wakes.count()).collect();
        assert_eq!(woken.iter().sum::<usize>(), next + 1, "one room, one wake-up");
        assert!(woken[..=next].iter().all(|wakes| *wakes == 1), "{woken:?}");
        let (sending, (_, waker)) = &mut line[next];
        assert_eq!(poll(sending.as_mut(), waker), SENT);
    }
    assert_eq!(rx.close_and_return(), [4, 5]);
}

#[test]
fn promised_room_is_taken_by_nobody_else() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    let mut waits = pin!(tx.send(1));
    assert_eq!(poll(waits.as_mut(), Waker::noop()), FULL);
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)), "the room is promised");
    let mut late = pin!(tx.send(3));
    assert_eq!(poll(late.as_mut(), Waker::noop()), FULL);
    assert_eq!(poll(waits, Waker::noop()), SENT);
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(poll(late, Waker::noop()), SENT);
}

#[test]
fn a_dropped_send_gives_its_place_up() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    let ((first_wakes, first), (second_wakes, second)) = (Wakes::new(), Wakes::new());
    let mut gives_up = Box::pin(tx.send(1));
    let mut stays = pin!(tx.send(2));
    assert_eq!(poll(gives_up.as_mut(), &first), FULL);
    assert_eq!(poll(stays.as_mut(), &second), FULL);
    drop(gives_up);
    assert_eq!(second_wakes.count(), 0, "there is no room yet");
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!((first_wakes.count(), second_wakes.count()), (0, 1));
    assert_eq!(poll(stays, &second), SENT);
    assert_eq!(rx.close_and_return(), [2]);
}

#[test]
fn a_send_dropped_after_it_was_promised_room_passes_the_promise_on() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    let ((first_wakes, first), (second_wakes, second)) = (Wakes::new(), Wakes::new());
    let mut gives_up = Box::pin(tx.send(1));
    let mut stays = pin!(tx.send(2));
    assert_eq!(poll(gives_up.as_mut(), &first), FULL);
    assert_eq!(poll(stays.as_mut(), &second), FULL);
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!((first_wakes.count(), second_wakes.count()), (1, 0));
    drop(gives_up);
    assert_eq!(second_wakes.count(), 1);
    assert_eq!(poll(stays, &second), SENT);
}

#[test]
fn a_promise_that_nobody_takes_up_is_room_again() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    let mut gives_up = Box::pin(tx.send(1));
    assert_eq!(poll(gives_up.as_mut(), Waker::noop()), FULL);
    assert_eq!(rx.try_recv(), Ok(0));
    drop(gives_up);
    tx.try_send(2).unwrap();
}

#[test]
fn a_send_that_was_never_polled_has_no_place() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    drop(tx.send(1));
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(rx.try_recv(), Err(RecvError::Empty));
}

#[test]
fn a_send_polled_with_another_waker_is_woken_through_that_one() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    let ((old_wakes, old), (new_wakes, new)) = (Wakes::new(), Wakes::new());
    let mut waits = pin!(tx.send(1));
    assert_eq!(poll(waits.as_mut(), &old), FULL);
    assert_eq!(poll(waits.as_mut(), &new), FULL);
    drop(old);
    assert_eq!(Arc::strong_count(&old_wakes), 1, "the old waker is given back");
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!((old_wakes.count(), new_wakes.count()), (0, 1));
    assert_eq!(poll(waits, &new), SENT);
}

#[test]
fn close_wakes_every_waiting_sender_and_returns_its_message() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    let mut line: Vec<_> = (1..4).map(|n| (Box::pin(tx.send(n)), Wakes::new())).collect();
    for (sending, (_, waker)) in &mut line {
        assert_eq!(poll(sending.as_mut(), waker), FULL);
    }
    rx.close();
    for (n, (sending, (wakes, waker))) in line.iter_mut().enumerate() {
        assert_eq!(wakes.count(), 1);
        assert_eq!(poll(sending.as_mut(), waker), Poll::Ready(Err(TrySendError::Closed(n + 1))));
    }
    assert_eq!(rx.close_and_return(), [0]);
}

#[test]
fn sends_given_up_at_any_time_by_many_threads_leave_no_room_lost() {
    let (tx, mut rx) = channel(Bounded(3));
    let senders: Vec<_> = (0..3)
        .map(|thread| {
            let tx = tx.clone();
            thread::spawn(move || {
                for n in 0..500 {
                    let (_, waker) = Wakes::new();
                    let mut given_up = Box::pin(tx.send(1_000_000));
                    let sent = poll(given_up.as_mut(), &waker);
                    assert!(matches!(sent, Poll::Pending | Poll::Ready(Ok(()))));
                    drop(given_up);
                    block_on(tx.send(thread * 1_000 + n)).unwrap();
                }
            })
        })
        .collect();
    let fill = tx.clone();
    drop(tx);
    let mut counted = 0;
    while counted < 1_500 {
        counted += usize::from(block_on(rx.recv()).unwrap() < 1_000_000);
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    while rx.try_recv().is_ok() {}
    for n in 0..3 {
        fill.try_send(n).unwrap();
    }
    assert_eq!(fill.try_send(3), Err(TrySendError::Full(3)));
}

/// A task that is nothing but a pending send, dropped with its last waker.
struct Task(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_that_is_replaced_may_take_its_task_and_another_send_along() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    let task = Arc::new(Task(Mutex::new(None)));
    let waker = Waker::from(task.clone());
    let mut stays = pin!(tx.send(1));
    assert_eq!(poll(stays.as_mut(), &waker), FULL);
    let other = tx.clone();
    let mut owned = Box::pin(async move { other.send(2).await.unwrap() });
    assert_eq!(poll(owned.as_mut(), Waker::noop()), Poll::Pending);
    *task.0.lock().unwrap() = Some(owned);
    drop((task, waker));
    assert_eq!(poll(stays.as_mut(), Waker::noop()), FULL, "the waker it had left drops the task");
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(poll(stays, Waker::noop()), SENT);
}

// ---- the receiver ----

#[test]
fn a_dropped_receive_loses_no_message() {
    let (tx, mut rx) = channel(Unbounded);
    let (wakes, waker) = Wakes::new();
    assert_eq!(poll(pin!(rx.recv()), &waker), Poll::Pending);
    tx.try_send(1).unwrap();
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(pin!(rx.recv_matching(|n| *n == 2)), &waker), Poll::Pending);
    assert_eq!(now(rx.recv()), Some(1));
}

#[test]
fn a_predicate_that_panics_loses_no_message() {
    let (tx, mut rx) = channel(Unbounded);
    (0..4).for_each(|n| tx.try_send(n).unwrap());
    let receiving = || now(rx.recv_matching(|n| if *n == 2 { panic!("no") } else { false }));
    assert!(catch_unwind(AssertUnwindSafe(receiving)).is_err());
    assert_eq!(rx.close_and_return(), [0, 1, 2, 3]);
}

#[test]
fn what_was_skipped_makes_room() {
    let (tx, mut rx) = channel(Bounded(1));
    tx.try_send(0).unwrap();
    let mut receiving = Box::pin(rx.recv_matching(|n| *n == 1));
    assert_eq!(poll(receiving.as_mut(), Waker::noop()), Poll::Pending);
    tx.try_send(1).unwrap();
    assert_eq!(poll(receiving.as_mut(), Waker::noop()), Poll::Ready(Some(1)));
}

#[test]
fn a_limit_of_zero_is_one() {
    assert_eq!(Capacity::from(Bounded(0)).limit(), Some(1));
    let (tx, _rx) = channel(Bounded(0));
    tx.try_send(0).unwrap();
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    assert_ne!(Capacity::from(Bounded(u32::MAX)).limit(), None);
}

// ---- payloads ----

#[repr(align(64))]
#[derive(Clone, Copy)]
struct Aligned(#[expect(dead_code, reason = "it is there to be moved")] u8);

/// Sends tokens with this filling through every way out of a channel.
fn each_is_dropped_once<F: Copy + Send + 'static>(filling: F) {
    for capacity in [Unbounded.into(), Bounded(10).on_full(Overflow::DropOldest)] {
        let drops = Drops::new(100);
        let (tx, mut rx) = channel(capacity);
        for id in 0..100 {
            tx.try_send(drops.token(id, filling)).unwrap();
        }
        assert_eq!(drops.count() as u64, tx.discarded());
        let first = rx.try_recv().unwrap();
        assert_eq!(first.id as u64, tx.discarded());
        let at = &raw const first;
        assert!(at.is_aligned());
        drop(first);
        assert_eq!(now(rx.recv_matching(|token| token.id == 95)).map(|token| token.id), Some(95));
        rx.close();
        assert_eq!(rx.try_recv().map(|token| token.id), Ok(tx.discarded() as usize + 1));
        drop(rx);
        drops.assert_each_once();
    }
}

#[test]
fn payloads_of_every_shape_arrive_and_are_dropped_once() {
    each_is_dropped_once(());
    each_is_dropped_once(1u8);
    each_is_dropped_once([7u64; 60]);
    each_is_dropped_once([7u8; 1024]);
    each_is_dropped_once([7u64; 1000]);
    each_is_dropped_once(Aligned(7));
    each_is_dropped_once([Aligned(7); 40]);
}

#[test]
fn payloads_arrive_as_they_were_sent() {
    let (tx, mut rx) = channel(Unbounded);
    let large: [u16; 3000] = std::array::from_fn(|n| n as u16);
    tx.try_send(large).unwrap();
    assert_eq!(rx.try_recv(), Ok(large));

    let (tx, mut rx) = channel(Unbounded);
    (0..10_000).for_each(|_| tx.try_send(()).unwrap());
    assert_eq!(tx.len(), 10_000);
    assert_eq!(rx.close_and_return().len(), 10_000);

    let (tx, mut rx) = channel(Unbounded);
    tx.try_send(Some("text".to_owned())).unwrap();
    tx.try_send(None).unwrap();
    assert_eq!(rx.close_and_return(), [Some("text".to_owned()), None]);
}

/// Counts itself, and panics when `.1`.
struct Explosive(#[expect(dead_code, reason = "its drop counts")] common::Token, bool);

impl Drop for Explosive {
    fn drop(&mut self) {
        assert!(!self.1, "a payload panics");
    }
}

#[test]
fn a_payload_whose_drop_panics_keeps_no_other_from_being_dropped() {
    for large in [false, true] {
        let drops = Drops::new(5_000);
        let (tx, rx) = channel(Unbounded);
        for id in 0..5_000 {
            let explosive = Explosive(drops.token(id, ()), id == 10);
            tx.try_send((explosive, if large && id == 10 { Some([0u64; 200]) } else { None })).unwrap();
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
        drops.assert_each_once();
        assert!(tx.try_send((Explosive(Drops::new(1).token(0, ()), false), None)).is_err());
    }
}

#[test]
fn a_discarded_payload_may_use_the_channel_while_it_is_dropped() {
    struct Sends(Option<ravelin_mailbox::Sender<Sends>>);
    impl Drop for Sends {
        fn drop(&mut self) {
            if let Some(tx) = self.0.take() {
                let _ = tx.try_send(Sends(None));
            }
        }
    }
    for policy in [Overflow::DropNewest, Overflow::DropOldest] {
        let (tx, rx) = channel(Bounded(1).on_full(policy));
        for _ in 0..3 {
            tx.try_send(Sends(Some(tx.clone()))).unwrap();
        }
        drop(rx);
        drop(tx);
    }
}

// ---- the lock ----

#[test]
fn the_lock_admits_one_at_a_time() {
    let lock = Arc::new(Lock::new((0u64, 0u64)));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let lock = lock.clone();
            thread::spawn(move || {
                for _ in 0..5_000 {
                    let mut pair = lock.lock();
                    pair.0 += 1;
                    pair.1 = pair.0 * 2;
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*lock.lock(), (20_000, 40_000));
}
