//! An actor as a stream, and as a sink.

use crate::host::{Clock, on_each, until};
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::{FutureExt, SinkExt, StreamExt, stream};
use ravelin_bridges::stream::{ActorSink, ActorStream, Pull, Pulled};
use ravelin_core::{
    Actor, ActorRef, Bounded, CallError, Capacity, Cx, Exit, Handle, Inbox, Message, System, Unbounded,
};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn many(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// What the test sees of a source.
#[derive(Clone, Default)]
struct Made {
    items: Arc<AtomicUsize>,
    pulls: Arc<AtomicUsize>,
}

/// Counts up to 10, which it does not come to in any incarnation that fails before.
struct Source {
    made: Made,
    next: usize,
    fails_at: usize,
}

impl Actor for Source {
    type Args = (Made, usize);
    async fn init((made, fails_at): (Made, usize), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Source { made, next: 0, fails_at })
    }
}

impl Handle<Pull<usize>> for Source {
    async fn handle(&mut self, pull: Pull<usize>, cx: &mut Cx<Self>) -> Pulled<usize> {
        self.made.pulls.fetch_add(1, SeqCst);
        // As one that takes its time.
        cx.sleep(Duration::from_micros(10)).await; // tidy: virtual time
        if self.next >= self.fails_at {
            cx.stop(Exit::error("out of paper"));
        }
        let from = self.next;
        self.next = (from + pull.max.get()).min(10);
        self.made.items.fetch_add(self.next - from, SeqCst);
        let items = (from..self.next).collect();
        if self.next == 10 { Pulled::Last(items) } else { Pulled::Items(items) }
    }
}

async fn source(system: &System, fails_at: usize) -> (ActorRef<Source>, Made) {
    let made = Made::default();
    (system.spawn::<Source>((made.clone(), fails_at)).await.unwrap(), made)
}

#[test]
fn a_stream_asks_only_when_it_is_polled_and_for_no_more_than_its_demand() {
    on_each(Clock::Virtual, async |system| {
        for demand in [1, 3, 100] {
            let (source, made) = source(&system, 99).await;
            let mut items = ActorStream::new(&source, many(demand));
            assert_eq!(made.pulls.load(SeqCst), 0);
            for taken in 1..=10 {
                assert_eq!(items.next().await.unwrap().unwrap(), taken - 1);
                let ahead = made.items.load(SeqCst) - taken;
                assert!(ahead < demand, "{ahead} items made ahead, with a demand of {demand}");
            }
            assert!(items.next().await.is_none());
            assert_eq!(made.pulls.load(SeqCst), 10_usize.div_ceil(demand));
        }
    });
}

#[test]
fn a_next_that_is_dropped_loses_no_item() {
    on_each(Clock::Virtual, async |system| {
        let (source, _) = source(&system, 99).await;
        let mut items = ActorStream::new(&source, many(2));
        let mut got = Vec::new();
        while got.len() < 10 {
            // Begun, and given up while the source is at work, as often as it takes.
            if let Some(item) = items.next().now_or_never() {
                got.push(item.unwrap().unwrap());
            } else {
                got.push(items.next().await.unwrap().unwrap());
            }
        }
        assert_eq!(got, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn a_stream_whose_source_ends_says_why_and_ends() {
    on_each(Clock::Virtual, async |system| {
        let (source, _) = source(&system, 4).await;
        let items: Vec<_> = ActorStream::new(&source, many(2)).collect().await;
        let (last, before) = items.split_last().unwrap();
        // The answer that was given in the last handler still counts: it is the one after it that fails.
        assert_eq!(before.iter().flatten().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert!(matches!(last, Err(CallError::NoProc(_) | CallError::Exited(_))), "{last:?}");
    });
}

#[test]
fn a_restart_between_two_questions_is_an_error() {
    on_each(Clock::Virtual, async |system| {
        let (source, made) = source(&system, 99).await;
        let mut items = ActorStream::new(&source, many(1));
        assert_eq!(items.next().await.unwrap().unwrap(), 0);
        system.stop(source.pid().unwrap(), Exit::Shutdown).await.unwrap();
        system.start(&source, (made, 99)).await.unwrap();
        let told = items.next().await.unwrap();
        assert!(matches!(told, Err(CallError::Exited(Exit::Shutdown))), "{told:?}");
        assert!(items.next().await.is_none(), "it has ended");
    });
}

#[test]
fn a_stream_over_restarts_goes_on_with_the_next_incarnation() {
    on_each(Clock::Virtual, async |system| {
        let (source, made) = source(&system, 99).await;
        let mut items = ActorStream::new(&source, many(4)).over_restarts();
        assert_eq!(items.next().await.unwrap().unwrap(), 0);
        let pid = source.pid().unwrap();
        system.kill(pid);
        system.ended(pid).await;
        for rest in 1..4 {
            assert_eq!(items.next().await.unwrap().unwrap(), rest, "what had come is handed out");
        }
        assert!(items.next().await.unwrap().is_err(), "the gap shows");
        assert!(items.next().now_or_never().is_none(), "nobody lives there: it waits");
        system.start(&source, (made, 99)).await.unwrap();
        assert_eq!(items.next().await.unwrap().unwrap(), 0);
    });
}

/// A message, and what it does to the one who gets it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Note {
    Number(usize),
    Panic,
}

impl Message for Note {
    type Reply = ();
}

type Got = Arc<Mutex<Vec<usize>>>;

/// Collects numbers, each when it gets leave to.
struct Collector {
    got: Got,
    leave: Leave,
}

enum Leave {
    Always,
    Each(UnboundedReceiver<()>),
}

impl Actor for Collector {
    type Args = (Got, Leave);
    async fn init((got, leave): Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Collector { got, leave })
    }
}

impl Handle<Note> for Collector {
    async fn handle(&mut self, note: Note, _: &mut Cx<Self>) {
        if let Leave::Each(leave) = &mut self.leave {
            leave.next().await;
        }
        let Note::Number(number) = note else { panic!("what is that?") };
        self.got.lock().unwrap().push(number);
    }
}

fn numbers(to: usize) -> Vec<usize> {
    (0..to).collect()
}

#[test]
fn what_is_forwarded_to_a_sink_arrives_in_order_whatever_the_mailbox() {
    on_each(Clock::Virtual, async |system| {
        for capacity in [Bounded(1).into(), Bounded(2).into(), Capacity::default(), Unbounded.into()] {
            let got = Got::default();
            let args = (got.clone(), Leave::Always);
            let collector = system.spawn::<Collector>(args).mailbox(capacity).await.unwrap();
            let sink = ActorSink::new(&collector.recipient());
            stream::iter(0..200).map(|n| Ok(Note::Number(n))).forward(sink).await.unwrap();
            assert_eq!(*got.lock().unwrap(), numbers(200), "all are handled by now");
        }
    });
}

#[test]
fn a_flush_waits_until_all_is_handled_and_can_be_dropped_and_asked_again() {
    on_each(Clock::Virtual, async |system| {
        let (got, (give, leave)) = (Got::default(), unbounded());
        let collector = system.spawn::<Collector>((got.clone(), Leave::Each(leave))).await.unwrap();
        let mut sink = ActorSink::new(&collector.recipient());
        sink.flush().await.unwrap();
        for n in 0..4 {
            sink.feed(Note::Number(n)).await.unwrap();
        }
        for handled in 0..4 {
            assert!(sink.flush().now_or_never().is_none(), "only {handled} are handled");
            give.unbounded_send(()).unwrap();
            until(|| got.lock().unwrap().len() > handled).await;
        }
        sink.close().await.unwrap();
        assert!(matches!(sink.send(Note::Number(5)).await, Err(CallError::NoProc(Note::Number(5)))));
        assert_eq!(*got.lock().unwrap(), numbers(4));
    });
}

#[test]
fn a_slow_actor_slows_the_stream_down_that_is_forwarded_to_it() {
    on_each(Clock::Virtual, async |system| {
        let (got, (give, leave)) = (Got::default(), unbounded());
        let args = (got.clone(), Leave::Each(leave));
        let collector = system.spawn::<Collector>(args).mailbox(Bounded(2)).await.unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let counting = stream::iter(0..20).map({
            let taken = taken.clone();
            move |n| {
                taken.fetch_add(1, SeqCst);
                Ok(Note::Number(n))
            }
        });
        let pump = counting.forward(ActorSink::new(&collector.recipient()));
        let pump = system.spawn_task(|_: Inbox<Note>| async move { pump.await.map_err(Exit::error) });
        let pumping = system.ended(pump.await.unwrap().pid().unwrap());
        for handled in 0..20 {
            assert_eq!(got.lock().unwrap().len(), handled);
            // One is being handled, two wait in the mailbox, the sink holds two, the pump one.
            let most = (handled + 1 + 2 + 2 + 1).min(20);
            until(|| taken.load(SeqCst) >= most.min(handled + 4)).await;
            assert!(taken.load(SeqCst) <= most, "{} items taken, {handled} handled", taken.load(SeqCst));
            give.unbounded_send(()).unwrap();
            until(|| got.lock().unwrap().len() > handled).await;
        }
        assert_eq!(pumping.await, Exit::Normal);
    });
}

#[test]
fn a_sink_hands_back_what_was_not_accepted_and_says_when_something_may_be_lost() {
    on_each(Clock::Virtual, async |system| {
        let got = Got::default();
        let collector = ActorRef::<Collector>::unnamed();
        let mut sink = ActorSink::new(&collector.recipient());
        assert!(matches!(sink.send(Note::Number(9)).await, Err(CallError::NoProc(Note::Number(9)))));
        system.start(&collector, (got.clone(), Leave::Always)).await.unwrap();
        sink.send(Note::Number(0)).await.unwrap();

        // It crashes in the flush.
        let end = system.ended(collector.pid().unwrap());
        assert!(matches!(sink.send(Note::Panic).await, Err(CallError::Exited(Exit::Panic(_)))));
        end.await;

        // It crashes before the flush, and a successor handles the last item: one before it is lost.
        system.start(&collector, (got.clone(), Leave::Always)).await.unwrap();
        let end = system.ended(collector.pid().unwrap());
        sink.feed(Note::Panic).await.unwrap();
        sink.feed(Note::Number(1)).await.unwrap();
        sink.feed(Note::Number(2)).await.unwrap();
        end.await;
        system.start(&collector, (got.clone(), Leave::Always)).await.unwrap();
        assert!(matches!(sink.flush().await, Err(CallError::Exited(Exit::Error(_)))));

        // After that all is well again.
        sink.send(Note::Number(3)).await.unwrap();
        assert!(got.lock().unwrap().starts_with(&[0]) && got.lock().unwrap().ends_with(&[3]));
    });
}
