//! The rows of `otp.txt` again, with machines that live.

use crate::host::claims;
use crate::rows::{Row, Rules, set, timeout};
use futures::channel::oneshot;
use ravelin_behaviours::statem::{Entry, Event, HandleEvent, Machine, Next, StateCx, StateMachine};
use ravelin_core::{ActorRef, Cx, Exit, Message};
use std::mem;
use std::sync::{Arc, Mutex};

struct Word(String);
impl Message for Word {
    type Reply = ();
}

/// Not in the log.
struct Look;
impl Message for Look {
    type Reply = ();
}

type Log = Arc<Mutex<Vec<String>>>;

/// Does what the rules of a row say.
struct Scripted {
    rules: Rules,
    log: Log,
}

impl Scripted {
    fn tell(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }

    fn obey(
        &self,
        state: &str,
        on: &str,
        event: Option<Event<Word>>,
        cx: &mut StateCx<'_, Self>,
    ) -> Next<String> {
        let mut next = Next::Keep;
        let mut event = event;
        for words in self.rules.of(state, on) {
            match words[0].as_str() {
                "next" => next = Next::Change(words[1].clone()),
                "repeat" => next = Next::Repeat,
                "stop" => next = Next::Stop(Exit::Normal),
                "postpone" => cx.postpone(event.take().expect("an event")),
                "insert" => cx.next_event(Word(words[1].clone())),
                "cancel" => cx.cancel_timeout(timeout(&words[1..])),
                "update" => {
                    let (event, which) = words[1..].split_last().expect("an event");
                    cx.update_timeout(timeout(which), Word(event.clone()));
                }
                _ => match set(words, cx.now()) {
                    (ravelin_behaviours::statem::Timeout::State, when, event) => {
                        cx.state_timeout(when, Word(event))
                    }
                    (ravelin_behaviours::statem::Timeout::Event, when, event) => {
                        cx.event_timeout(when, Word(event))
                    }
                    (ravelin_behaviours::statem::Timeout::Named(name), when, event) => {
                        cx.timeout(name, when, Word(event));
                    }
                },
            }
        }
        next
    }
}

impl StateMachine for Scripted {
    type Args = (Rules, Log, oneshot::Receiver<()>);
    type State = String;

    async fn init(
        (rules, log, gate): Self::Args,
        cx: &mut StateCx<'_, Self>,
    ) -> Result<(Self, String), Exit> {
        let _ = gate.await;
        let machine = Scripted { rules, log };
        let _ = machine.obey("a", "init", None, cx);
        Ok((machine, "a".to_owned()))
    }

    async fn enter(&mut self, state: &mut String, entry: Entry<String>, cx: &mut StateCx<'_, Self>) {
        let from = match entry {
            Entry::Start | Entry::Repeat => state.clone(),
            Entry::Change(from) => from,
        };
        self.tell(format!("{state}.enter({from})"));
        let _ = self.obey(state, "enter", None, cx);
    }

    async fn terminate(&mut self, _: &mut String, why: &Exit, _: &mut Cx<Machine<Self>>) {
        if *why == Exit::Normal {
            self.tell("terminate:normal".to_owned());
            self.tell("exit:normal".to_owned());
        }
    }
}

impl HandleEvent<Word> for Scripted {
    async fn handle_event(
        &mut self,
        state: &mut String,
        event: Event<Word>,
        cx: &mut StateCx<'_, Self>,
    ) -> Next<String> {
        let on = event.message.0.clone();
        self.tell(format!("{state}.{on}"));
        self.obey(state, &on, Some(event), cx)
    }
}

impl HandleEvent<Look> for Scripted {
    async fn handle_event(
        &mut self,
        _: &mut String,
        event: Event<Look>,
        _: &mut StateCx<'_, Self>,
    ) -> Next<String> {
        event.reply.send(());
        Next::Keep
    }
}

mod cases {
    use super::*;
    use crate::rows::{END, PAUSE, our_rows, rows};
    use futures::FutureExt;
    use ravelin_core::{System, sleep};

    /// Starts the machine of a row; its first batch waits in the mailbox when it begins.
    async fn begin(system: &System, row: &Row) -> (ActorRef<Machine<Scripted>>, Log) {
        let (place, log) = (ActorRef::unnamed(), Log::default());
        let (open, gate) = oneshot::channel();
        let mut start = Box::pin(system.start(&place, (row.rules.clone(), log.clone(), gate)));
        assert!(start.as_mut().now_or_never().is_none());
        send(&place, &row.batches[0]);
        open.send(()).unwrap();
        start.await.unwrap();
        (place, log)
    }

    fn send(place: &ActorRef<Machine<Scripted>>, batch: &[String]) {
        for event in batch {
            place.cast(Word(event.clone())).unwrap();
        }
    }

    pub(super) async fn a_machine_gives_the_order_that_otp_gives(system: System) {
        for row in rows().iter().chain(&our_rows()).filter(|row| !row.is_timed()) {
            let (place, log) = begin(&system, row).await;
            let _ = place.call(Look).await;
            let given = mem::take(&mut *log.lock().unwrap());
            assert_eq!(given, row.gives, "{}", row.name);
        }
    }

    pub(super) async fn a_machine_with_a_clock_gives_the_order_that_otp_gives(system: System) {
        for row in rows().iter().chain(&our_rows()).filter(|row| row.is_timed()) {
            let (place, log) = begin(&system, row).await;
            for batch in &row.batches[1..] {
                sleep(&**system.runtime(), PAUSE).await; // tidy: virtual time
                send(&place, batch);
            }
            sleep(&**system.runtime(), END).await; // tidy: virtual time
            let given = mem::take(&mut *log.lock().unwrap());
            assert_eq!(given, row.gives, "{}", row.name);
        }
    }
}

claims! {
    everywhere: a_machine_gives_the_order_that_otp_gives;
    in_virtual_time: a_machine_with_a_clock_gives_the_order_that_otp_gives;
}
