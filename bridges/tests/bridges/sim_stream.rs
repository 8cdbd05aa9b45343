//! Streams between actors that are killed and started again, in the simulator.

use futures::io::Cursor;
use futures::{SinkExt, StreamExt};
use ravelin_bridges::bytes::{CloseBytes, FlushBytes, WriteBytes, copy};
use ravelin_bridges::stream::{ActorSink, ActorStream, Pull, Pulled};
use ravelin_core::{Actor, ActorRef, Bounded, Cx, Exit, Handle, Inbox, Message, NoMessage};
use ravelin_sim::{Faults, Sim};
use ravelin_supervisor::{Supervisor, child, start_in};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const WHILE: Duration = Duration::from_millis(200);

/// A number, and the incarnation that made it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
struct Item {
    incarnation: u64,
    number: u64,
}

impl Message for Item {
    type Reply = ();
}

struct Source {
    next: Item,
}

impl Actor for Source {
    type Args = u64;
    async fn init(incarnation: u64, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Source { next: Item { incarnation, number: 0 } })
    }
}

impl Handle<Pull<Item>> for Source {
    async fn handle(&mut self, pull: Pull<Item>, cx: &mut Cx<Self>) -> Pulled<Item> {
        cx.sleep(Duration::from_millis(1)).await; // tidy: virtual time
        let count = cx.runtime().entropy() % (pull.max.get() as u64 + 1);
        let items = (0..count).map(|ahead| Item { number: self.next.number + ahead, ..self.next }).collect();
        self.next.number += count;
        Pulled::Items(items)
    }
}

type Got = Arc<Mutex<Vec<Item>>>;

struct Collector(Got);

impl Actor for Collector {
    type Args = Got;
    async fn init(got: Got, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Collector(got))
    }
}

impl Handle<Item> for Collector {
    async fn handle(&mut self, item: Item, cx: &mut Cx<Self>) {
        cx.sleep(Duration::from_millis(1)).await; // tidy: virtual time
        self.0.lock().unwrap().push(item);
    }
}

/// What the pump knows.
#[derive(Default)]
struct Told {
    taken: Vec<Item>,
    flushed: Vec<Item>,
    gaps: u32,
}

/// From the source to the sink, with a flush now and then.
async fn pump(from: ActorRef<Source>, to: ActorRef<Collector>, told: Arc<Mutex<Told>>) {
    let mut items = ActorStream::new(&from, 5.try_into().unwrap()).over_restarts();
    let mut sink = ActorSink::new(&to.recipient());
    let mut since = Vec::new();
    while let Some(item) = items.next().await {
        let Ok(item) = item else {
            told.lock().unwrap().gaps += 1;
            continue;
        };
        told.lock().unwrap().taken.push(item);
        since.push(item);
        let fed = sink.feed(item).await;
        let flushes = fed.is_ok() && item.number % 4 == 3;
        let done = if flushes { sink.flush().await } else { fed };
        if done.is_err() {
            // What is held goes its way; from here on we count anew.
            while sink.flush().await.is_err() {}
            since.clear();
            to.ready().await;
        } else if flushes {
            told.lock().unwrap().flushed.append(&mut since);
        }
    }
}

#[test]
fn what_a_stream_gives_has_no_hidden_gap_and_what_a_flush_confirms_was_handled() {
    let faults = Faults::none()
        .kills("source", 2)
        .kills("collector", 2)
        .at_awaits_of("source", 2)
        .at_awaits_of("collector", 2)
        .over(WHILE);
    Sim::new().seeds(25).faults(faults).check(async |world| {
        let (got, told) = (Got::default(), Arc::<Mutex<Told>>::default());
        let source = ActorRef::<Source>::place("source");
        let collector = ActorRef::<Collector>::place("collector");
        let incarnations = AtomicU64::new(0);
        let tree = Supervisor::one_for_one("app")
            .intensity(1000, SECOND)
            .child(child(&source, move || incarnations.fetch_add(1, SeqCst)))
            .child(
                child(&collector, {
                    let got = got.clone();
                    move || got.clone()
                })
                .mailbox(Bounded(2)),
            );
        let Ok(app) = start_in(world.system(), tree).await else { return };
        let pumping = pump(source.clone(), collector.clone(), told.clone());
        world.system().spawn_task(|_: Inbox<NoMessage>| pumping).await.unwrap();
        world.advance(WHILE).await;
        world.calm();
        world.advance(WHILE).await;
        app.stop().await;

        let (told, got) = (told.lock().unwrap(), got.lock().unwrap());
        let mut breaks = 0;
        for pair in told.taken.windows(2) {
            if pair[0].incarnation == pair[1].incarnation {
                assert_eq!(pair[1].number, pair[0].number + 1, "a gap");
            } else {
                assert!(pair[1].incarnation > pair[0].incarnation && pair[1].number == 0);
                breaks += 1;
            }
        }
        assert!(breaks <= told.gaps, "{breaks} new incarnations, and {} told of", told.gaps);
        assert!(got.is_sorted_by(|one, next| one < next), "in order, and none twice");
        for item in &told.flushed {
            assert!(got.binary_search(item).is_ok(), "{item:?} was confirmed, and not handled");
        }
        assert!(told.flushed.len() > 3, "it went on");
    });
}

/// Takes bytes, slowly, into a file of its incarnation.
struct Disk {
    files: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Actor for Disk {
    type Args = Arc<Mutex<Vec<Vec<u8>>>>;
    async fn init(files: Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        files.lock().unwrap().push(Vec::new());
        Ok(Disk { files })
    }
}

impl Handle<WriteBytes> for Disk {
    async fn handle(&mut self, WriteBytes(bytes): WriteBytes, cx: &mut Cx<Self>) -> io::Result<()> {
        cx.sleep(Duration::from_millis(1)).await; // tidy: virtual time
        self.files.lock().unwrap().last_mut().unwrap().extend(bytes);
        Ok(())
    }
}

impl Handle<FlushBytes> for Disk {
    async fn handle(&mut self, _: FlushBytes, _: &mut Cx<Self>) -> io::Result<()> {
        Ok(())
    }
}

impl Handle<CloseBytes> for Disk {
    async fn handle(&mut self, _: CloseBytes, _: &mut Cx<Self>) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_copy_that_succeeds_is_whole_in_one_incarnation() {
    let faults = Faults::none().kills("disk", 3).at_awaits_of("disk", 3).over(WHILE);
    Sim::new().seeds(25).faults(faults).check(async |world| {
        let files = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let disk = ActorRef::<Disk>::place("disk");
        let args = files.clone();
        let tree =
            Supervisor::one_for_one("app").intensity(1000, SECOND).child(child(&disk, move || args.clone()));
        if start_in(world.system(), tree).await.is_err() {
            return;
        }
        let text: Vec<u8> = (0..100).collect();
        let mut tries = 0;
        loop {
            tries += 1;
            let before = files.lock().unwrap().last().unwrap().len();
            match copy(Cursor::new(text.clone()), &disk, 7.try_into().unwrap()).await {
                Ok(count) => {
                    assert_eq!(count, 100);
                    let files = files.lock().unwrap();
                    let last = files.last().unwrap();
                    assert!(last.ends_with(&text), "{tries} tries, {before} before: {last:?}");
                    return;
                }
                Err(why) => assert!(tries < 20, "{why}"),
            }
            disk.ready().await;
        }
    });
}
