//! What a machine promises besides the order of events.

use crate::host::claims;
use futures::channel::oneshot;
use ravelin_behaviours::statem::{
    Entry, Event, HandleEvent, Machine, Next, PostponeLimit, StateCx, StateMachine,
};
use ravelin_core::{Cx, Exit, Info, Message, Pid, ReplyTo};
use std::sync::{Arc, Mutex};
use std::time::Duration;

macro_rules! messages {
    ($($name:ident $(($field:ty))? => $reply:ty),* $(,)?) => {
        $(pub(crate) struct $name $((pub(crate) $field))?; impl Message for $name { type Reply = $reply; })*
    };
}
messages! {
    Work(u32) => u32, Note(u32) => (), Hold => (), Free => (), Owe => u32, Postponed => usize, Finish => u32,
    Boom => (), Forever => (), Pause(oneshot::Receiver<()>) => (), Watch(Pid) => (), Ring(Duration) => (),
    Rung => (), Crash => (), Ignore(bool) => (),
}

pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// A desk that is free or busy. What it cannot do while it is busy it postpones, three things at most; with one more it
/// ends, or drops it.
pub(crate) struct Desk<const DROPS: bool> {
    log: Log,
}

pub(crate) enum State {
    Free,
    Busy { owed: Option<ReplyTo<u32>> },
}

type DeskCx<'a, const DROPS: bool> = StateCx<'a, Desk<DROPS>>;

impl<const DROPS: bool> Desk<DROPS> {
    fn tell(&self, what: impl ToString) {
        self.log.lock().unwrap().push(what.to_string());
    }
}

impl<const DROPS: bool> StateMachine for Desk<DROPS> {
    type Args = Log;
    type State = State;
    const POSTPONE_LIMIT: PostponeLimit = if DROPS { PostponeLimit::Drop(3) } else { PostponeLimit::Stop(3) };

    async fn init(log: Log, _: &mut DeskCx<'_, DROPS>) -> Result<(Self, State), Exit> {
        Ok((Desk { log }, State::Free))
    }

    async fn enter(&mut self, state: &mut State, entry: Entry<State>, _: &mut DeskCx<'_, DROPS>) {
        if self.log.lock().unwrap().iter().any(|line| line == "no entry") {
            panic!("no entry");
        }
        if let Entry::Start = entry {
            self.tell("entered");
        }
        if let (State::Free, Entry::Change(State::Busy { owed: Some(owed) })) = (state, entry) {
            owed.send(7);
        }
    }

    async fn handle_info(
        &mut self,
        state: &mut State,
        info: Info,
        cx: &mut DeskCx<'_, DROPS>,
    ) -> Next<State> {
        match (state, &info) {
            (State::Busy { .. }, _) => cx.postpone_info(info),
            (State::Free, Info::Down { reason, .. }) => self.tell(format!("down: {reason}")),
            (State::Free, _) => {}
        }
        Next::Keep
    }

    async fn terminate(&mut self, state: &mut State, why: &Exit, _: &mut Cx<Machine<Self>>) {
        let state = if let State::Free = state { "free" } else { "busy" };
        self.tell(format!("terminated {state}: {}", if why.is_normal() { "well" } else { "badly" }));
    }
}

impl<const DROPS: bool> HandleEvent<Work> for Desk<DROPS> {
    async fn handle_event(
        &mut self,
        state: &mut State,
        event: Event<Work>,
        cx: &mut DeskCx<'_, DROPS>,
    ) -> Next<State> {
        match state {
            State::Free => {
                self.tell(event.message.0);
                event.reply.send(event.message.0 * 2);
            }
            State::Busy { .. } => cx.postpone(event),
        }
        Next::Keep
    }
}

impl<const DROPS: bool> HandleEvent<Note> for Desk<DROPS> {
    async fn handle_event(
        &mut self,
        state: &mut State,
        event: Event<Note>,
        cx: &mut DeskCx<'_, DROPS>,
    ) -> Next<State> {
        match state {
            State::Free => self.tell(event.message.0),
            State::Busy { .. } => cx.postpone(event),
        }
        Next::Keep
    }
}

impl<const DROPS: bool> HandleEvent<Owe> for Desk<DROPS> {
    async fn handle_event(
        &mut self,
        _: &mut State,
        event: Event<Owe>,
        _: &mut DeskCx<'_, DROPS>,
    ) -> Next<State> {
        Next::Change(State::Busy { owed: Some(event.reply) })
    }
}

impl<const DROPS: bool> HandleEvent<Postponed> for Desk<DROPS> {
    async fn handle_event(
        &mut self,
        _: &mut State,
        event: Event<Postponed>,
        cx: &mut DeskCx<'_, DROPS>,
    ) -> Next<State> {
        event.reply.send(cx.postponed_len());
        Next::Keep
    }
}

impl<const DROPS: bool> HandleEvent<Finish> for Desk<DROPS> {
    async fn handle_event(
        &mut self,
        _: &mut State,
        event: Event<Finish>,
        _: &mut DeskCx<'_, DROPS>,
    ) -> Next<State> {
        event.reply.send(1);
        Next::Stop(Exit::shutdown_with(Exit::error("finished")))
    }
}

macro_rules! does {
    ($($message:ident: |$state:ident, $event:ident, $cx:ident| $body:expr;)*) => { $(
        impl<const DROPS: bool> HandleEvent<$message> for Desk<DROPS> {
            async fn handle_event(
                &mut self,
                $state: &mut State,
                $event: Event<$message>,
                $cx: &mut DeskCx<'_, DROPS>,
            ) -> Next<State> {
                let _ = (&$state, &$event, &$cx);
                $body
            }
        }
    )* };
}
does! {
    Hold: |state, event, cx| Next::Change(State::Busy { owed: None });
    Free: |state, event, cx| Next::Change(State::Free);
    Boom: |state, event, cx| panic!("boom");
    Crash: |state, event, cx| Next::Stop(Exit::error("crashed"));
    Rung: |state, event, cx| Next::Stop(Exit::error("rung"));
    Forever: |state, event, cx| { cx.next_event(Forever); Next::Keep };
    Watch: |state, event, cx| { cx.monitor(event.message.0); Next::Keep };
    Ring: |state, event, cx| { cx.timeout("bell", event.message.0, Rung); Next::Keep };
    Ignore: |state, event, cx| match state {
        State::Busy { .. } => { cx.postpone(event); Next::Keep }
        State::Free if event.message.0 => Next::Stop(Exit::error("in a huff")),
        State::Free => Next::Keep,
    };
    Pause: |state, event, cx| { let _ = event.message.0.await; Next::Keep };
}

mod cases {
    use super::*;
    use futures::FutureExt;
    use ravelin_core::{ActorRef, CallError, StartError, System, Unbounded, sleep};

    type Place = ActorRef<Machine<Desk<false>>>;

    async fn desk(system: &System) -> (Place, Log) {
        let log = Log::default();
        let desk = system.spawn::<Machine<Desk<false>>>(log.clone()).mailbox(Unbounded).await.unwrap();
        (desk, log)
    }

    fn told(log: &Log) -> Vec<String> {
        log.lock().unwrap().clone()
    }

    pub(super) async fn a_postponed_call_is_answered_from_a_later_state(system: System) {
        let (desk, log) = desk(&system).await;
        assert_eq!(desk.call(Work(1)).await.unwrap(), 2);
        desk.cast(Hold).unwrap();
        let mut waits = Box::pin(desk.call(Work(2)));
        assert!(waits.as_mut().now_or_never().is_none());
        desk.cast(Note(3)).unwrap();
        assert_eq!(desk.call(Postponed).await.unwrap(), 2);
        desk.cast(Free).unwrap();
        assert_eq!(waits.await.unwrap(), 4);
        assert_eq!(desk.call(Work(4)).await.unwrap(), 8);
        assert_eq!(told(&log), ["entered", "1", "2", "3", "4"]);
    }

    pub(super) async fn a_postponed_call_whose_caller_gave_up_is_left_out(system: System) {
        let (desk, log) = desk(&system).await;
        let (open, gate) = oneshot::channel();
        desk.cast(Hold).unwrap();
        desk.cast(Pause(gate)).unwrap();
        assert!(desk.call(Work(1)).now_or_never().is_none(), "it gives up before its turn comes");
        open.send(()).unwrap();
        let mut second = Box::pin(desk.call(Work(2)));
        assert!(second.as_mut().now_or_never().is_none());
        desk.cast(Note(3)).unwrap();
        assert_eq!(desk.call(Postponed).await.unwrap(), 2);
        drop(second); // and this one after it was postponed
        desk.cast(Free).unwrap();
        assert_eq!(desk.call(Work(4)).await.unwrap(), 8);
        assert_eq!(told(&log), ["entered", "3", "4"]);
    }

    pub(super) async fn a_postponed_call_ends_with_its_machine(system: System) {
        for how in 0..3 {
            let (desk, _) = desk(&system).await;
            desk.cast(Hold).unwrap();
            let mut waits = Box::pin(desk.call(Work(1)));
            assert!(waits.as_mut().now_or_never().is_none());
            assert_eq!(desk.call(Postponed).await.unwrap(), 1);
            let pid = desk.pid().unwrap();
            match how {
                0 => desk.cast(Crash).unwrap(),
                1 => desk.cast(Boom).unwrap(),
                _ => assert!(system.kill(pid)),
            }
            let why = system.ended(pid).await;
            let Err(CallError::Exited(seen)) = waits.await else { panic!("it has an answer") };
            assert!(seen == why || why == Exit::NoProc && Some(seen) == desk.last_exit());
        }
    }

    pub(super) async fn a_postponed_call_that_loses_its_way_back_ends(system: System) {
        for ends in [false, true] {
            let (desk, _) = desk(&system).await;
            desk.cast(Hold).unwrap();
            let mut waits = Box::pin(desk.call(Ignore(ends)));
            assert!(waits.as_mut().now_or_never().is_none());
            desk.cast(Free).unwrap();
            match waits.await {
                Err(CallError::NoReply) => assert!(!ends),
                Err(CallError::Exited(why)) => assert!(ends && why == Exit::error("in a huff")),
                other => panic!("{other:?}"),
            }
        }
    }

    pub(super) async fn what_is_postponed_at_the_end_becomes_dead_letters(system: System) {
        let letters = Arc::new(Mutex::new(Vec::new()));
        let kept = letters.clone();
        system.on_dead_letter(move |letter| {
            kept.lock().unwrap().push(letter.message);
            true
        });
        let (desk, _) = desk(&system).await;
        let pid = desk.pid().unwrap();
        desk.cast(Hold).unwrap();
        desk.cast(Note(1)).unwrap();
        desk.cast(Note(2)).unwrap();
        assert_eq!(desk.call(Postponed).await.unwrap(), 2);
        system.stop(pid, Exit::Shutdown).await.unwrap();
        let letters = letters.lock().unwrap().clone();
        assert_eq!(letters, [std::any::type_name::<Note>(); 2]);
        let ledger = desk.ledger();
        assert_eq!((ledger.dead_lettered, ledger.is_balanced()), (2, true), "{ledger:?}");
    }

    pub(super) async fn postponing_without_end_ends_the_machine(system: System) {
        let (desk, log) = desk(&system).await;
        let pid = desk.pid().unwrap();
        desk.cast(Hold).unwrap();
        for n in 0..3 {
            desk.cast(Note(n)).unwrap();
        }
        let Err(CallError::Exited(why)) = desk.call(Work(4)).await else { panic!("it went on") };
        assert!(
            why.to_string()
                .ends_with("Desk<false> has postponed 3 events, and its POSTPONE_LIMIT allows no more")
        );
        system.ended(pid).await;
        assert_eq!(told(&log), ["entered", "terminated busy: badly"]);
        assert_eq!(desk.ledger().dead_lettered, 3);
    }

    pub(super) async fn a_machine_may_drop_what_is_too_much_to_postpone(system: System) {
        let log = Log::default();
        let desk = system.spawn::<Machine<Desk<true>>>(log.clone()).await.unwrap();
        desk.cast(Hold).unwrap();
        for n in 0..3 {
            desk.cast(Note(n)).unwrap();
        }
        assert!(matches!(desk.call(Work(4)).await, Err(CallError::NoReply)));
        desk.cast(Note(5)).unwrap();
        desk.cast(Free).unwrap();
        desk.call(Work(6)).await.unwrap();
        assert_eq!(told(&log), ["entered", "0", "1", "2", "6"]);
    }

    pub(super) async fn an_answer_with_a_stop_is_seen_before_the_end(system: System) {
        let (desk, _) = desk(&system).await;
        let pid = desk.pid().unwrap();
        assert_eq!(desk.call(Finish).await.unwrap(), 1);
        system.ended(pid).await;
        assert_eq!(desk.last_exit(), Some(Exit::shutdown_with(Exit::error("finished"))));
    }

    pub(super) async fn a_notice_is_an_event_and_can_be_postponed(system: System) {
        let (desk, log) = desk(&system).await;
        desk.cast(Hold).unwrap();
        desk.cast(Watch(Pid::from_parts(0, 9_999, 9))).unwrap();
        while desk.call(Postponed).await.unwrap() == 0 {}
        desk.cast(Free).unwrap();
        desk.call(Work(1)).await.unwrap();
        assert_eq!(told(&log), ["entered", "down: noproc", "1"]);
    }

    pub(super) async fn a_start_returns_when_the_first_state_is_entered(system: System) {
        let (_, log) = desk(&system).await;
        assert_eq!(told(&log), ["entered"]);
        let log = Log::default();
        log.lock().unwrap().push("no entry".to_owned());
        let failed = system.spawn::<Machine<Desk<false>>>(log).await;
        assert!(matches!(failed, Err(StartError::Init(Exit::Panic(panic))) if panic.message == "no entry"));
    }

    pub(super) async fn a_stop_and_a_kill_wait_for_no_inserted_events(system: System) {
        for is_killed in [false, true] {
            let (desk, _) = desk(&system).await;
            let pid = desk.pid().unwrap();
            desk.cast(Forever).unwrap();
            if is_killed {
                system.kill(pid);
            } else {
                system.stop(pid, Exit::Shutdown).await.unwrap();
            }
            system.ended(pid).await;
            assert_eq!(desk.last_exit(), Some(if is_killed { Exit::Killed } else { Exit::Shutdown }));
        }
    }

    pub(super) async fn terminate_sees_the_state_it_ended_in(system: System) {
        for is_busy in [false, true] {
            let (desk, log) = desk(&system).await;
            let pid = desk.pid().unwrap();
            if is_busy {
                desk.cast(Hold).unwrap();
            }
            desk.cast(Boom).unwrap();
            system.ended(pid).await;
            let state = if is_busy { "busy" } else { "free" };
            assert_eq!(told(&log), ["entered".to_owned(), format!("terminated {state}: badly")]);
        }
    }

    pub(super) async fn an_answer_that_a_state_owes_is_handed_to_the_next(system: System) {
        let (desk, _) = desk(&system).await;
        let mut owed = Box::pin(desk.call(Owe));
        assert!(owed.as_mut().now_or_never().is_none());
        desk.cast(Free).unwrap();
        assert_eq!(owed.await.unwrap(), 7);
        let mut owed = Box::pin(desk.call(Owe));
        assert!(owed.as_mut().now_or_never().is_none());
        desk.cast(Hold).unwrap(); // the state that owes it is dropped
        assert!(matches!(owed.await, Err(CallError::NoReply)));
    }

    pub(super) async fn time_outs_go_with_their_incarnation(system: System) {
        let (desk, log) = desk(&system).await;
        desk.cast(Ring(Duration::from_secs(1))).unwrap();
        system.stop(desk.pid().unwrap(), Exit::Normal).await.unwrap();
        system.start(&desk, log).await.unwrap();
        sleep(&**system.runtime(), Duration::from_secs(2)).await; // tidy: virtual time
        assert_eq!(desk.call(Work(1)).await.unwrap(), 2);
        let pid = desk.pid().unwrap();
        desk.cast(Ring(Duration::from_secs(1))).unwrap();
        system.ended(pid).await;
        assert_eq!(desk.last_exit(), Some(Exit::error("rung")));
    }
}

claims! {
    everywhere:
        a_postponed_call_is_answered_from_a_later_state, a_postponed_call_whose_caller_gave_up_is_left_out,
        a_postponed_call_ends_with_its_machine,
        a_postponed_call_that_loses_its_way_back_ends, what_is_postponed_at_the_end_becomes_dead_letters,
        postponing_without_end_ends_the_machine, a_machine_may_drop_what_is_too_much_to_postpone,
        an_answer_with_a_stop_is_seen_before_the_end, a_notice_is_an_event_and_can_be_postponed,
        a_start_returns_when_the_first_state_is_entered, a_stop_and_a_kill_wait_for_no_inserted_events,
        terminate_sees_the_state_it_ended_in, an_answer_that_a_state_owes_is_handed_to_the_next;
    in_virtual_time: time_outs_go_with_their_incarnation;
}
