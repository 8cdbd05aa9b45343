//! What faults do to messages: lost, late, held up, refused.

use crate::app::{MS, SECOND};
use ravelin_core::{
    Actor, ActorRef, Bounded, CallError, Cx, Exit, Handle, Inbox, Message, Overflow, SendError,
};
use ravelin_sim::{Fault, Faults, Harm, Point, Sim, World};
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Word(&'static str);
impl Message for Word {
    type Reply = ();
}
struct Other(&'static str);
impl Message for Other {
    type Reply = ();
}

type Heard = Arc<Mutex<Vec<&'static str>>>;

/// Writes down what it hears.
struct Writer(Heard);

impl Actor for Writer {
    type Args = Heard;
    async fn init(heard: Heard, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Writer(heard))
    }
}

impl Handle<Word> for Writer {
    async fn handle(&mut self, Word(word): Word, _: &mut Cx<Self>) {
        self.0.lock().unwrap().push(word);
    }
}

impl Handle<Other> for Writer {
    async fn handle(&mut self, Other(word): Other, _: &mut Cx<Self>) {
        self.0.lock().unwrap().push(word);
    }
}

/// The fault that does this to the `nth` `Word`.
fn word(nth: u64, harm: Harm) -> Faults {
    let name = Some("Word".into());
    let point = if harm == Harm::Full { Point::Send(name) } else { Point::Message(name) };
    Faults::none().always(Fault::At { place: Some("writer".into()), point, nth, times: 1, harm })
}

async fn start(world: &World, heard: &Heard) -> ActorRef<Writer> {
    world.spawn::<Writer>("writer", heard.clone()).await
}

/// What is heard of four words, with this fault.
fn heard_with(harm: Harm, then: impl AsyncFn(&mut World, &ActorRef<Writer>) + Sync) -> Vec<&'static str> {
    let all: Heard = Heard::default();
    let run = async |world: &mut World| {
        all.lock().unwrap().clear();
        let writer = start(world, &all).await;
        for text in ["one", "two", "three"] {
            writer.cast(Word(text)).unwrap();
        }
        writer.cast(Other("four")).unwrap();
        world.settle().await;
        then(world, &writer).await;
        assert!(writer.ledger().is_balanced(), "{:?}", writer.ledger());
    };
    Sim::new().alone().seeds(3).faults(word(2, harm)).check(run);
    all.lock().unwrap().clone()
}

#[test]
fn a_message_that_is_dropped_is_counted_as_discarded() {
    let heard = heard_with(Harm::Drop, async |_, writer| {
        assert_eq!((writer.ledger().handled, writer.ledger().discarded), (3, 1));
    });
    assert_eq!(heard, ["one", "three", "four"]);
}

#[test]
fn a_call_that_is_dropped_ends_as_discarded() {
    Sim::new().alone().seeds(3).faults(word(1, Harm::Drop)).check(async |world| {
        let writer = start(world, &Heard::default()).await;
        assert!(matches!(writer.call(Word("lost")).await, Err(CallError::Discarded)));
        assert!(writer.call(Word("found")).await.is_ok());
    });
}

#[test]
fn a_message_that_is_delayed_is_overtaken_and_comes() {
    let heard = heard_with(Harm::Delay(50 * MS), async |world, writer| {
        assert_eq!((writer.mailbox_len(), writer.ledger().waiting), (1, 1));
        assert!(writer.ledger().is_balanced());
        world.advance(SECOND).await;
        assert_eq!(writer.ledger().handled, 4);
    });
    assert_eq!(heard, ["one", "three", "four", "two"]);
}

#[test]
fn a_message_that_is_delayed_is_a_dead_letter_when_the_actor_ends() {
    let heard = heard_with(Harm::Delay(50 * MS), async |world, writer| {
        world.kill("writer");
        world.settle().await;
        assert_eq!((writer.ledger().handled, writer.ledger().dead_lettered), (3, 1));
        world.system().start(writer, Heard::default()).await.unwrap();
        world.advance(SECOND).await;
        assert_eq!(writer.ledger().handled, 3, "it does not come to a successor");
    });
    assert_eq!(heard, ["one", "three", "four"]);
}

#[test]
fn a_stall_holds_up_one_message_and_those_behind_it() {
    let heard = heard_with(Harm::Stall(50 * MS), async |world, writer| {
        assert_eq!(writer.ledger().handled, 1);
        world.advance(SECOND).await;
    });
    assert_eq!(heard, ["one", "two", "three", "four"]);
}

#[test]
fn a_kill_cuts_a_stall_off() {
    let heard = heard_with(Harm::Stall(50 * MS), async |world, writer| {
        world.kill("writer");
        world.settle().await;
        assert_eq!(writer.last_exit(), Some(Exit::Killed));
        assert_eq!((writer.ledger().interrupted, writer.ledger().dead_lettered), (0, 3));
    });
    assert_eq!(heard, ["one"]);
}

#[test]
fn a_panic_before_a_message_interrupts_it() {
    let heard = heard_with(Harm::Panic, async |_, writer| {
        assert!(matches!(writer.last_exit(), Some(Exit::Panic(_))));
        assert_eq!((writer.ledger().interrupted, writer.ledger().dead_lettered), (1, 2));
    });
    assert_eq!(heard, ["one"]);
}

#[test]
fn a_mailbox_that_is_full_does_what_its_policy_says() {
    let full = |policy: Overflow| {
        Sim::new().alone().seeds(3).faults(word(2, Harm::Full)).check(async move |world: &mut World| {
            let heard = Heard::default();
            let place = ActorRef::<Writer>::place("writer");
            let start = world.system().start(&place, heard.clone());
            start.mailbox(Bounded(8).on_full(policy)).await.unwrap();
            place.cast(Word("one")).unwrap();
            let second = place.cast(Word("two"));
            assert_eq!(second.is_err(), matches!(policy, Overflow::Refuse | Overflow::Wait));
            assert!(!matches!(second, Err(SendError::NoProc(_))));
            world.settle().await;
            let expect: &[&str] = match policy {
                Overflow::DropOldest => &["two"],
                Overflow::DropNewest | Overflow::Refuse | Overflow::Wait => &["one"],
            };
            assert_eq!(*heard.lock().unwrap(), expect, "{policy:?}");
        });
    };
    [Overflow::DropNewest, Overflow::DropOldest, Overflow::Refuse, Overflow::Wait].into_iter().for_each(full);
}

#[test]
fn a_sender_that_waits_at_a_full_mailbox_gets_in_at_its_next_turn() {
    Sim::new().alone().seeds(3).faults(word(1, Harm::Full)).check(async |world| {
        let heard = Heard::default();
        let writer = start(world, &heard).await;
        writer.send(Word("one")).await.unwrap();
        assert!(writer.call(Word("two")).await.is_ok());
        assert_eq!(*heard.lock().unwrap(), ["one", "two"]);
    });
}

#[test]
fn a_task_that_receives_loses_and_delays_messages_too() {
    for (harm, expect) in
        [(Harm::Drop, ["one", "three", "four"]), (Harm::Delay(50 * MS), ["one", "three", "two"])]
    {
        Sim::new().alone().seeds(3).faults(word(2, harm)).check(async move |world: &mut World| {
            let heard = Heard::default();
            let place = ActorRef::<ravelin_core::Task<Word>>::place("writer");
            let writes = heard.clone();
            let function = move |mut inbox: Inbox<Word>| async move {
                while let Some(Word(word)) = inbox.recv().await {
                    writes.lock().unwrap().push(word);
                }
            };
            world.system().start(&place, ravelin_core::TaskArgs::once(function)).await.unwrap();
            for text in ["one", "two", "three"] {
                place.cast(Word(text)).unwrap();
            }
            world.advance(Duration::from_millis(200)).await;
            place.cast(Word("four")).unwrap();
            world.settle().await;
            assert_eq!(heard.lock().unwrap()[..3], expect);
            assert!(place.ledger().is_balanced());
        });
    }
}

#[test]
fn an_init_is_hit_where_it_begins() {
    for harm in [Harm::Panic, Harm::Kill] {
        let fault = Fault::At { place: Some("writer".into()), point: Point::Init, nth: 1, times: 1, harm };
        let faults = Faults::none().always(fault);
        Sim::new().alone().seeds(3).faults(faults).check(async |world| {
            let place = ActorRef::<Writer>::place("writer");
            assert!(world.system().start(&place, Heard::default()).await.is_err());
            assert!(world.system().is_empty());
            assert!(world.system().start(&place, Heard::default()).await.is_ok());
        });
    }
}

#[test]
fn the_story_says_who_sent_what_to_whom_and_what_befell_it() {
    let found = Sim::new().alone().seeds(1).faults(word(1, Harm::Drop)).run(async |world| {
        let writer = start(world, &Heard::default()).await;
        assert!(writer.call(Word("lost")).await.is_ok());
    });
    let story = found.unwrap_err().story.join("\n");
    for line in [
        "`writer` <0.0.1> is up",
        "no actor calls `writer` <0.0.1> with a Word",
        "INJECTED `writer` loses message 1 of type Word",
        "`writer` <0.0.1>: a Word is discarded",
    ] {
        assert!(story.contains(line), "{line}\n{story}");
    }
}
