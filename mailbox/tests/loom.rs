//! Models: loom runs each of these through every order of their threads' steps, up to a number of preemptions.
//!
//! `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=2 cargo test --release -p ravelin-mailbox --test loom`
//!
//! A lost wake-up shows as a deadlock, two owners of one consumer as two accesses to one `UnsafeCell`, and a message
//! lost or handled twice in what was seen at the end.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::future::block_on;
use loom::model;
use loom::sync::Arc;
use loom::thread;
use ravelin_mailbox::{
    Bounded, Capacity, Class, Consumer, Cut, Edge, Joint, Kind, Mailbox, Next, Overflow, Phase, Pushed,
    Record, Records, Refused, SendError, Signalled, Ticket, TrySendError, Unbounded, channel,
};
use std::future::{Future, poll_fn};
use std::task::{Context, Poll, Wake, Waker};

// ---- the typed channel ----

#[test]
fn a_receiver_gets_each_message_of_two_senders_once_and_in_order() {
    model(|| {
        let (tx, mut rx) = channel(Unbounded);
        let other = tx.clone();
        let sender = thread::spawn(move || (10..12).for_each(|n| other.try_send(n).unwrap()));
        let another = thread::spawn(move || tx.try_send(20).unwrap());
        let mut got = Vec::new();
        while let Some(message) = block_on(rx.recv()) {
            got.push(message);
        }
        sender.join().unwrap();
        another.join().unwrap();
        assert!(matches!(got[..], [10, 11, 20] | [10, 20, 11] | [20, 10, 11]), "{got:?}");
    });
}

#[test]
fn a_receiver_sees_control_and_messages_sent_just_before_the_last_sender_ends() {
    model(|| {
        let (tx, mut rx) = channel(Unbounded);
        let other = tx.clone();
        let sender = thread::spawn(move || tx.try_send(1).unwrap());
        let controller = thread::spawn(move || other.send_control(2).unwrap());
        let mut got = [block_on(rx.recv()), block_on(rx.recv())];
        assert_eq!(block_on(rx.recv()), None);
        got.sort_unstable();
        assert_eq!(got, [Some(1), Some(2)]);
        sender.join().unwrap();
        controller.join().unwrap();
    });
}

#[test]
fn a_selective_receive_is_woken_by_either_lane() {
    model(|| {
        let (tx, mut rx) = channel(Unbounded);
        let other = tx.clone();
        let sender = thread::spawn(move || tx.try_send(1).unwrap());
        let controller = thread::spawn(move || other.send_control(2).unwrap());
        assert_eq!(block_on(rx.recv_matching(|n| *n == 1)), Some(1));
        assert_eq!(block_on(rx.recv()), Some(2));
        sender.join().unwrap();
        controller.join().unwrap();
    });
}

#[test]
fn waiting_senders_all_get_their_turn() {
    model(|| {
        let (tx, mut rx) = channel(Bounded(1));
        tx.try_send(0).unwrap();
        let other = tx.clone();
        let sender = thread::spawn(move || block_on(tx.send(1)).unwrap());
        let another = thread::spawn(move || block_on(other.send(2)).unwrap());
        let got = [(); 3].map(|()| block_on(rx.recv()).unwrap());
        sender.join().unwrap();
        another.join().unwrap();
        assert!(matches!(got, [0, 1, 2] | [0, 2, 1]), "{got:?}");
    });
}

#[test]
fn room_promised_to_a_send_that_is_given_up_goes_to_the_next() {
    model(|| {
        let (tx, mut rx) = channel(Bounded(1));
        tx.try_send(0).unwrap();
        let other = tx.clone();
        let gives_up = thread::spawn(move || {
            let mut sending = Box::pin(tx.send(1));
            let sent = sending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            drop(sending);
            sent.is_ready()
        });
        let stays = thread::spawn(move || block_on(other.send(2)).unwrap());
        assert_eq!(block_on(rx.recv()), Some(0));
        let mut got = Vec::new();
        while let Some(message) = block_on(rx.recv()) {
            got.push(message);
        }
        stays.join().unwrap();
        let was_sent = gives_up.join().unwrap();
        assert_eq!(got.contains(&1), was_sent);
        assert!(got.contains(&2));
    });
}

#[test]
fn a_waiting_sender_learns_of_the_close() {
    model(|| {
        let (tx, mut rx) = channel(Bounded(1));
        tx.try_send(0).unwrap();
        let sender = thread::spawn(move || block_on(tx.send(1)));
        rx.close();
        assert_eq!(sender.join().unwrap(), Err(TrySendError::Closed(1)));
        assert_eq!(rx.close_and_return(), [0]);
    });
}

#[test]
fn what_is_sent_while_the_channel_closes_is_returned_or_refused() {
    model(|| {
        let (tx, mut rx) = channel(Unbounded);
        let other = tx.clone();
        let sender = thread::spawn(move || tx.try_send(1));
        let controller = thread::spawn(move || other.send_control(2));
        let left = rx.close_and_return();
        let was_sent = sender.join().unwrap();
        let was_told = controller.join().unwrap();
        assert_eq!(left.contains(&1), was_sent.is_ok());
        assert_eq!(left.contains(&2), was_told.is_ok());
        assert!(was_sent.is_ok() || was_sent == Err(TrySendError::Closed(1)));
        assert!(was_told.is_ok() || was_told == Err(SendError(2)));
    });
}

// ---- the raw engine ----

static NUMBER: Kind<u32, ()> = Kind::new(());

struct Owner;

impl Consumer for Owner {
    type Wake = ();
    fn edge(&mut self, _: Edge) {}
}

/// A mailbox, and beside it what only the owner of the consumer may touch.
struct Cell {
    mailbox: Mailbox<(), &'static str, Owner>,
    desk: UnsafeCell<Desk>,
}

// SAFETY: loom's cell panics when two threads touch `desk` at a time, which is what these tests are about.
unsafe impl Sync for Cell {}

#[derive(Default)]
struct Desk {
    work: Records<()>,
    got: Vec<u32>,
    signals: Vec<&'static str>,
    notices: usize,
}

fn number(record: Record<'_, ()>) -> u32 {
    // SAFETY: `NUMBER` is the only kind in these mailboxes, and its payload is a `u32`.
    unsafe { record.take::<u32>() }
}

impl Cell {
    fn new(capacity: impl Into<Capacity>, phase: Phase) -> Arc<Cell> {
        let mailbox = Mailbox::new(capacity.into(), phase, Owner);
        Arc::new(Cell { mailbox, desk: UnsafeCell::new(Desk::default()) })
    }

    /// Touches the desk as its owner.
    fn own<R>(&self, f: impl FnOnce(&mut Desk) -> R) -> R {
        // SAFETY: the caller owns the consumer; loom checks that.
        self.desk.with_mut(|desk| f(unsafe { &mut *desk }))
    }

    /// As the executor does when it was told that the consumer must run.
    fn begin(&self) {
        let begun = self.mailbox.begin(Phase::Queued, || {
            self.desk.with_mut(|desk| {
                // SAFETY: asked for by the owner of the consumer.
                unsafe { Some(&mut (*desk).work) }
            })
        });
        assert!(begun, "a wake-up is for one");
    }

    /// Runs the consumer until it parks.
    fn run(&self) {
        loop {
            let mut work = self.own(|desk| {
                while let Some(record) = desk.work.pop() {
                    desk.got.push(number(record));
                }
                std::mem::take(&mut desk.work)
            });
            match self.mailbox.next(&mut work) {
                Next::Parked => return,
                Next::Batch => self.own(|desk| desk.work = work),
                Next::Notified => self.own(|desk| desk.notices += 1),
                Next::Control => {
                    let signal = self.mailbox.take_control();
                    self.own(|desk| desk.signals.extend(signal));
                }
            }
        }
    }

    fn push(&self, n: u32) {
        match self.mailbox.push(&NUMBER, n, Edge::Queue) {
            Ok(Pushed::Wake(())) => {
                self.begin();
                self.run();
            }
            Ok(Pushed::Quiet) => (),
            _ => panic!("it is open and has room"),
        }
    }
}

#[test]
fn a_push_beside_the_park_is_handled_by_somebody_and_by_one() {
    model(|| {
        let cell = Cell::new(Unbounded, Phase::Running);
        let pushers = [10, 20].map(|n| {
            let cell = cell.clone();
            thread::spawn(move || cell.push(n))
        });
        cell.run();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        assert_eq!(cell.mailbox.phase(), Phase::Idle);
        let mut got = cell.own(|desk| std::mem::take(&mut desk.got));
        got.sort_unstable();
        assert_eq!(got, [10, 20]);
    });
}

#[test]
fn of_one_that_was_woken_and_one_that_seizes_one_owns_the_consumer() {
    model(|| {
        let cell = Cell::new(Unbounded, Phase::Idle);
        let seizes = |cell: &Cell| {
            let is_owner = cell.mailbox.seize();
            if is_owner {
                cell.run();
            }
        };
        let other = cell.clone();
        let seizer = thread::spawn(move || seizes(&other));
        if let Ok(Pushed::Wake(())) = cell.mailbox.push(&NUMBER, 1, Edge::Queue)
            && cell.mailbox.begin(Phase::Queued, || None)
        {
            cell.run();
        }
        seizer.join().unwrap();
        assert_eq!(cell.mailbox.phase(), Phase::Idle);
        assert_eq!(cell.own(|desk| desk.got.clone()), [1]);
    });
}

#[test]
fn a_signal_beside_the_park_is_handled_by_somebody_and_by_one() {
    model(|| {
        let cell = Cell::new(Unbounded, Phase::Running);
        let other = cell.clone();
        let pusher = thread::spawn(move || other.push(1));
        let other = cell.clone();
        let signaller = thread::spawn(move || {
            if let Ok(Signalled::Wake(())) = other.mailbox.signal(Edge::Queue, |_| Some(("stop", Cut::No))) {
                other.begin();
                other.run();
            }
        });
        cell.run();
        pusher.join().unwrap();
        signaller.join().unwrap();
        assert_eq!(cell.own(|desk| (desk.got.clone(), desk.signals.clone())), (vec![1], vec!["stop"]));
        assert!(!cell.mailbox.has_control());
    });
}

#[test]
fn a_notice_of_a_bond_is_there_when_the_bond_is_gone_and_never_comes_after() {
    struct Bound(bool);
    impl Consumer for Bound {
        type Wake = ();
        fn edge(&mut self, _: Edge) {}
    }
    model(|| {
        let mailbox = Arc::new(Mailbox::<(), (), Bound>::new(Unbounded.into(), Phase::Running, Bound(true)));
        let other = mailbox.clone();
        let breaker = thread::spawn(move || {
            let told = other.signal_or_write(Edge::Queue, |inlet| {
                if std::mem::take(&mut inlet.owner().0) {
                    inlet.write(&NUMBER, 1);
                }
                None
            });
            assert!(matches!(told, Ok(Signalled::Quiet)));
        });
        let was_bound = mailbox.with(|_, owner| std::mem::take(&mut owner.0));
        let here = mailbox.len();
        assert_eq!(here, u32::from(!was_bound));
        breaker.join().unwrap();
        assert_eq!(mailbox.len(), here);
    });
}

#[test]
fn a_notice_beside_the_suspension_is_seen_by_one() {
    model(|| {
        let cell = Cell::new(Unbounded, Phase::Running);
        let other = cell.clone();
        let notifier = thread::spawn(move || {
            let woke = other.mailbox.notify(Edge::Queue).is_some();
            if woke {
                other.begin();
                other.own(|desk| desk.notices += 1);
            }
            woke
        });
        cell.own(|desk| desk.got.push(0));
        let is_suspended = cell.mailbox.suspend(0);
        if !is_suspended {
            cell.own(|desk| desk.notices += 1);
        }
        assert_eq!(notifier.join().unwrap(), is_suspended);
        assert_eq!(cell.own(|desk| desk.notices), 1);
    });
}

#[test]
fn a_cut_beside_the_suspension_is_seen_by_one() {
    model(|| {
        let cell = Cell::new(Unbounded, Phase::Running);
        let other = cell.clone();
        let pusher = thread::spawn(move || other.push(1));
        let other = cell.clone();
        let killer = thread::spawn(move || {
            let told = other.mailbox.signal(Edge::Queue, |_| Some(("kill", Cut::Yes)));
            let woke = matches!(told, Ok(Signalled::Wake(())));
            if woke {
                other.begin();
                assert!(other.mailbox.has_cut());
                other.own(|desk| desk.signals.extend(other.mailbox.take_control()));
            }
            woke
        });
        cell.own(|desk| desk.got.push(0));
        let is_suspended = cell.mailbox.suspend(0);
        if !is_suspended {
            assert!(cell.mailbox.has_cut());
            cell.own(|desk| desk.signals.extend(cell.mailbox.take_control_if(|_| true)));
        }
        assert_eq!(killer.join().unwrap(), is_suspended);
        pusher.join().unwrap();
        assert_eq!(cell.own(|desk| desk.signals.clone()), ["kill"]);
    });
}

#[test]
fn a_push_beside_the_close_is_handed_out_or_refused() {
    model(|| {
        let cell = Cell::new(Unbounded, Phase::Running);
        let pushers = [10, 20].map(|n| {
            let cell = cell.clone();
            thread::spawn(move || match cell.mailbox.push(&NUMBER, n, Edge::Queue) {
                Ok(Pushed::Quiet) => true,
                Err(Refused::Closed(back)) if back == n => false,
                _ => panic!("{n} is neither in nor out"),
            })
        });
        let (mut remains, ()) = cell.mailbox.close(|_| ());
        let was_pushed = pushers.map(|pusher| pusher.join().unwrap());
        let mut left = Vec::new();
        for records in &mut remains.records {
            while let Some(record) = records.pop() {
                left.push(number(record));
            }
        }
        assert_eq!([left.contains(&10), left.contains(&20)], was_pushed);
        assert!(cell.mailbox.is_empty());
    });
}

/// Waits for room in the mailbox of `cell`, as an actor's send does.
fn send(cell: &Cell, n: u32) -> Result<Pushed<(), ()>, Refused<u32>> {
    let mut ticket: Option<Ticket> = None;
    block_on(poll_fn(|cx| {
        match cell.mailbox.push_or_wait(&NUMBER, n, Edge::Queue, cx.waker(), &mut ticket) {
            Err(Refused::Full(_)) if ticket.is_some() => Poll::Pending,
            done => Poll::Ready(done),
        }
    }))
}

#[test]
fn a_sender_that_waits_while_room_is_published_gets_it() {
    model(|| {
        let cell = Cell::new(Bounded(1), Phase::Running);
        cell.push(0);
        cell.own(|desk| assert_eq!(cell.mailbox.next(&mut desk.work), Next::Batch));
        let other = cell.clone();
        let sender = thread::spawn(move || {
            if let Pushed::Wake(()) = send(&other, 1).unwrap() {
                other.begin();
                other.run();
            }
        });
        cell.own(|desk| desk.got.extend(desk.work.pop().map(number)));
        cell.mailbox.publish(0);
        cell.run();
        sender.join().unwrap();
        assert_eq!(cell.own(|desk| desk.got.clone()), [0, 1]);
    });
}

static BULK: Kind<u32, ()> = Kind::of_class(Class::Bulk, ());

/// As `send`, for a message of the class bulk. With the consumer's wake-up: it is run here.
fn send_bulk(cell: &Cell, n: u32) {
    let mut ticket: Option<Ticket> = None;
    let sent = block_on(poll_fn(|cx| {
        match cell.mailbox.push_or_wait_classed(&BULK, n, Edge::Queue, cx.waker(), &mut ticket) {
            Err(Refused::Full(_)) if ticket.is_some() => Poll::Pending,
            done => Poll::Ready(done),
        }
    }));
    if let Pushed::Wake(()) = sent.unwrap() {
        cell.begin();
        cell.run();
    }
}

#[test]
fn a_bulk_sender_that_waits_while_room_is_published_gets_it() {
    model(|| {
        let cell = Cell::new(Bounded(2), Phase::Running);
        cell.push(0);
        cell.own(|desk| assert_eq!(cell.mailbox.next(&mut desk.work), Next::Batch));
        let other = cell.clone();
        let sender = thread::spawn(move || send_bulk(&other, 1));
        cell.own(|desk| desk.got.extend(desk.work.pop().map(number)));
        cell.mailbox.publish(0);
        cell.run();
        sender.join().unwrap();
        assert_eq!(cell.own(|desk| desk.got.clone()), [0, 1]);
    });
}

#[test]
fn a_bulk_sender_that_waits_behind_one_that_gives_up_gets_its_turn() {
    model(|| {
        let cell = Cell::new(Bounded(1), Phase::Running);
        cell.push(0);
        let other = cell.clone();
        let gives_up = thread::spawn(move || {
            let mut ticket: Option<Ticket> = None;
            let sent = other.mailbox.push_or_wait(&NUMBER, 1, Edge::Queue, Waker::noop(), &mut ticket);
            ticket.into_iter().for_each(|ticket| other.mailbox.forget(ticket));
            match sent {
                Ok(Pushed::Wake(())) => {
                    other.begin();
                    other.run();
                    true
                }
                Ok(_) => true,
                Err(_) => false,
            }
        });
        let other = cell.clone();
        let sender = thread::spawn(move || send_bulk(&other, 2));
        cell.run();
        let was_sent = gives_up.join().unwrap();
        sender.join().unwrap();
        let got = cell.own(|desk| desk.got.clone());
        assert_eq!((got.contains(&1), got.contains(&2)), (was_sent, true), "{got:?}");
    });
}

#[test]
fn a_sender_that_waits_over_a_close_and_reopen_reaches_the_new_consumer() {
    model(|| {
        let cell = Cell::new(Bounded(1), Phase::Running);
        cell.push(0);
        let other = cell.clone();
        let sender = thread::spawn(move || match send(&other, 1) {
            Ok(Pushed::Wake(())) => {
                other.begin();
                other.run();
                true
            }
            Ok(_) => true,
            Err(Refused::Closed(1)) => false,
            Err(_) => panic!("a sender that may wait is not told that it is full"),
        });
        drop(cell.mailbox.close(|_| ()));
        assert!(cell.mailbox.reopen(Bounded(1).on_full(Overflow::Wait), |_| true));
        cell.run();
        let was_sent = sender.join().unwrap();
        assert_eq!(cell.own(|desk| desk.got == [1]), was_sent);
    });
}

/// The waker of the future in a cell: it notifies, and if that wakes, the notifier runs the future.
struct Notifies(Arc<Cell>);

impl Wake for Notifies {
    fn wake(self: std::sync::Arc<Self>) {
        if self.0.mailbox.notify(Edge::Queue).is_some() {
            self.0.begin();
            receive_in(&self.0);
        }
    }
}

/// Polls, as its owner, a future that receives one message in the cell, until it has it or the cell is suspended.
fn receive_in(cell: &Arc<Cell>) {
    let waker = Waker::from(std::sync::Arc::new(Notifies(cell.clone())));
    loop {
        let batch = cell.own(|desk| desk.work.pop().map(number));
        let got = batch.or_else(|| cell.mailbox.receive(&waker, |_, record| number(record)));
        if let Some(n) = got {
            return cell.own(|desk| desk.got.push(n));
        }
        if cell.mailbox.suspend(0) {
            return;
        }
    }
}

#[test]
fn a_push_between_receive_and_suspension_is_received() {
    model(|| {
        let cell = Cell::new(Unbounded, Phase::Running);
        let other = cell.clone();
        let pusher = thread::spawn(move || {
            if let Ok(Pushed::WakeReceiver(waker)) = other.mailbox.push(&NUMBER, 1, Edge::Queue) {
                waker.wake();
            }
        });
        receive_in(&cell);
        pusher.join().unwrap();
        assert_eq!(cell.own(|desk| desk.got.clone()), [1]);
        drop(cell.mailbox.take_receiver());
    });
}

#[test]
fn the_length_never_goes_wrong_beside_a_batch() {
    model(|| {
        let cell = Cell::new(Bounded(2), Phase::Running);
        cell.push(0);
        let other = cell.clone();
        let watcher = thread::spawn(move || assert!(other.mailbox.len() <= 1));
        cell.run();
        watcher.join().unwrap();
        assert!(cell.mailbox.is_empty());
    });
}

// ---- the joint value ----

/// Shows what it was when it is dropped.
struct Told(UnsafeCell<u32>, std::sync::Arc<std::sync::Mutex<Vec<u32>>>);

// SAFETY: loom's cell panics when two threads touch it at a time, which is what this test is about.
unsafe impl Send for Told {}
// SAFETY: as above.
unsafe impl Sync for Told {}

impl Drop for Told {
    fn drop(&mut self) {
        // SAFETY: loom checks it.
        self.1.lock().unwrap().push(self.0.with(|value| unsafe { *value }));
    }
}

#[test]
fn a_joint_value_is_dropped_once_after_all_that_was_done_with_it() {
    model(|| {
        let told = std::sync::Arc::default();
        let (mut one, other) = Joint::pair(|| Told(UnsafeCell::new(0), std::sync::Arc::clone(&told)));
        let peek = other.peek(|value| value);
        let writer = thread::spawn(move || {
            // SAFETY: loom checks it.
            other.0.with_mut(|value| unsafe { *value = 1 });
        });
        let looker = thread::spawn(move || drop(peek));
        if let Some(value) = one.get_mut() {
            // SAFETY: loom checks it.
            value.0.with_mut(|value| unsafe { *value += 1 });
            drop(one);
            assert_eq!(*told.lock().unwrap(), [2]);
        } else {
            drop(one);
        }
        writer.join().unwrap();
        looker.join().unwrap();
        assert!(matches!(told.lock().unwrap()[..], [1 | 2]));
    });
}
