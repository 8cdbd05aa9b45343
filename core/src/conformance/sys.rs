//! Looking inside, and reaching in: status, suspension, state, traces, statistics.

use super::puppet::{
    Do, Event, Puppet, Say, begin, puppet, said, scripted, trapping, with_mailbox, yield_now,
};
use crate::sys::{By, Doing, Limit, Outcome, Status, Sys, SysError, TracedEvent, Whose};
use crate::{
    Actor, ActorRef, Bounded, CallError, ChildGrace, Cx, Exit, Handle, Inbox, Message, System, TrapExits,
};
use futures::channel::oneshot;
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// An actor that shows its state, and takes another one.
struct Shown {
    n: u32,
}

impl Actor for Shown {
    type Args = u32;

    async fn init(n: u32, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Shown { n })
    }

    fn inspect(&self) -> Option<String> {
        assert!(self.n != 13, "an unlucky state");
        Some(self.n.to_string())
    }

    fn replace(&mut self, text: &str) -> Result<(), String> {
        self.n = text.parse().map_err(|_| format!("`{text}` is no number"))?;
        Ok(())
    }
}

struct Add(u32);

impl Message for Add {
    type Reply = u32;
}

impl Handle<Add> for Shown {
    async fn handle(&mut self, m: Add, _: &mut Cx<Self>) -> u32 {
        self.n += m.0;
        self.n
    }
}

/// Tells that it has begun, and waits until its sender is dropped.
struct Hang(oneshot::Sender<()>, oneshot::Receiver<()>);

impl Message for Hang {
    type Reply = ();
}

impl Handle<Hang> for Shown {
    async fn handle(&mut self, m: Hang, _: &mut Cx<Self>) {
        let _ = (m.0.send(()), m.1.await);
    }
}

/// Has it wait in a handler; it goes on when what this gives is dropped.
async fn hangs(place: &ActorRef<Shown>) -> oneshot::Sender<()> {
    let ((entered, is_in), (go_on, gate)) = (oneshot::channel(), oneshot::channel());
    place.cast(Hang(entered, gate)).expect("a living actor");
    is_in.await.expect("an actor that handles its messages");
    go_on
}

/// Its last handler is over, for whoever is answered is so before that.
async fn rests(sys: &Sys) -> Status {
    loop {
        let status = sys.status().expect("a living actor");
        if status.doing == Doing::Idle {
            return status;
        }
        yield_now().await;
    }
}

async fn shown(system: &System, n: u32) -> ActorRef<Shown> {
    let place = ActorRef::place("shown");
    system.start(&place, n).await.expect("an init that succeeds");
    place
}

pub async fn a_status_tells_what_an_actor_is_does_and_has(system: System) {
    let (parent, watcher) = (puppet(&system).await, puppet(&system).await);
    let place = shown(&system, 1).await;
    let pid = place.pid().unwrap();
    system.register("the-shown", pid).unwrap();
    watcher.does(move |cx| (cx.monitor(pid), cx.link(pid))).await;
    let child = system.spawn::<Shown>(2).adopted_by(parent.pid, ChildGrace::Unbounded);
    let child = child.mailbox(Bounded(7)).await.unwrap();
    place.call(Add(1)).await.unwrap();
    let status = rests(&place.sys()).await;
    assert_eq!((status.pid, status.place.as_deref()), (pid, Some("shown")));
    assert_eq!(status.names.iter().map(|name| &**name).collect::<Vec<_>>(), ["the-shown"]);
    assert!(status.actor.ends_with("::Shown"), "{}", status.actor);
    assert_eq!((status.parent, status.doing, status.handling), (None, Doing::Idle, None));
    assert_eq!((status.links, status.monitors, status.monitored_by), (1, 0, 1));
    assert_eq!((status.ledger.answered, status.mailbox_len, status.restarts), (1, 0, 0));
    assert!(status.cell_bytes >= size_of::<Shown>());
    let status = system.sys(child.pid().unwrap()).status().unwrap();
    assert_eq!((status.parent, status.mailbox_max), (Some(parent.pid), Some(7)));
    assert_eq!(system.sys(parent.pid).status().unwrap().children, [child.pid().unwrap()]);
    system.stop(pid, Exit::Normal).await.unwrap();
    assert_eq!(system.sys(pid).status(), Err(SysError::NoProc));
    system.start(&place, 1).await.unwrap();
    assert_eq!(system.sys(pid).status(), Err(SysError::NoProc), "it is of an incarnation");
    assert_eq!(place.sys().status().unwrap().restarts, 1, "and this of the place");
    let all: Vec<_> = system.statuses().iter().map(|status| status.pid).collect();
    assert_eq!(all, system.pids());
}

pub async fn a_stuck_actor_has_a_status_all_the_same(system: System) {
    let p = puppet(&system).await;
    let gate = p.hangs().await;
    (0..3).for_each(|n| p.casts(n));
    let status = p.actor.sys().status().unwrap();
    let handling = status.handling.unwrap();
    assert!(handling.message.ends_with("::Do"), "{handling:?}");
    assert_eq!((status.doing, status.mailbox_len), (Doing::Waiting, 3));
    drop(gate);
    p.actor.call(Say(3)).await.unwrap();
    assert_eq!(rests(&p.actor.sys()).await.handling, None);
    let (entered, is_in) = oneshot::channel();
    let (go_on, gate) = oneshot::channel::<()>();
    let starting = ActorRef::<Puppet>::unnamed();
    let script = |script: super::puppet::Script| {
        script.init(move |_| {
            Box::pin(async move {
                let _ = (entered.send(()), gate.await);
                Ok(())
            })
        })
    };
    let (log, _events) = super::puppet::Events::new();
    let mut start = Box::pin(system.start(&starting, script(super::puppet::Script::new(&log))));
    assert!(begin(&mut start).await.is_pending());
    is_in.await.unwrap();
    assert_eq!(starting.sys().status().unwrap().doing, Doing::Starting);
    drop(go_on);
    start.await.unwrap();
}

pub async fn a_suspended_actor_handles_nothing_until_it_is_resumed(system: System) {
    let mut p = puppet(&system).await;
    let sys = p.actor.sys();
    p.casts(0);
    p.is_through().await;
    sys.suspend().await.unwrap();
    assert_eq!(p.said(), [0]);
    (1..=3).for_each(|n| p.casts(n));
    let actor = p.actor.clone();
    let mut call = Box::pin(actor.call(Say(4)));
    assert!(begin(&mut call).await.is_pending());
    let late = p.actor.call(Say(5)).timeout(ms(3)).await;
    assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
    let status = sys.status().unwrap();
    assert_eq!((status.doing, status.mailbox_len), (Doing::Suspended, 5));
    assert_eq!(p.said(), [], "nothing");
    sys.resume().unwrap();
    assert_eq!(call.await.unwrap(), 4);
    p.is_through().await;
    assert_eq!(p.said(), [1, 2, 3, 4, 5], "in their order");
    rests(&sys).await;
}

pub async fn a_suspension_waits_for_the_present_handler_and_stands(system: System) {
    let mut p = puppet(&system).await;
    let gate = p.hangs().await;
    (0..3).for_each(|n| p.casts(n));
    let sys = p.actor.sys().timeout(ms(2));
    let Err(SysError::Busy { message: Some(message), at_least }) = sys.suspend().await else {
        panic!("the handler is not done");
    };
    assert!(message.ends_with("::Do") && at_least >= ms(2), "{message} {at_least:?}");
    assert_eq!(sys.status().unwrap().doing, Doing::Waiting, "it is in its handler yet");
    drop(gate);
    p.actor.sys().suspend().await.unwrap();
    assert_eq!(sys.status().unwrap().doing, Doing::Suspended);
    assert_eq!(p.said(), [], "the suspension stood when the handler was done");
    sys.resume().unwrap();
    p.is_through().await;
    assert_eq!(p.said(), [0, 1, 2]);
}

pub async fn a_suspension_breaks_into_a_long_batch(system: System) {
    let mut p = puppet(&system).await;
    let (sys, mut before) = (p.actor.sys(), 0);
    for _ in 0..20 {
        (0..40).for_each(|n| p.casts(n));
        yield_now().await;
        sys.suspend().await.unwrap();
        before += p.said().len();
        for _ in 0..5 {
            yield_now().await;
        }
        assert_eq!(p.said(), [], "nothing once it is suspended");
        sys.resume().unwrap();
        p.is_through().await;
        before += p.said().len();
    }
    assert_eq!(before, 800);
}

pub async fn a_suspended_actor_obeys_stops_exits_and_kills(system: System) {
    for (traps, waits) in [(false, false), (false, true), (true, false), (true, true)] {
        for how in 0..4 {
            let p = if traps { trapping(&system).await } else { puppet(&system).await };
            p.actor.sys().suspend().await.unwrap();
            if waits {
                (0..3).for_each(|n| p.casts(n));
                yield_now().await;
            }
            let end = system.ended(p.pid);
            let expect = match how {
                0 => {
                    system.kill(p.pid);
                    Exit::Killed
                }
                1 => {
                    system.stop(p.pid, Exit::Normal).await.unwrap();
                    Exit::Normal
                }
                2 => system.shut_down(p.pid, Exit::Shutdown, None).await,
                _ => {
                    let parent = trapping(&system).await;
                    system.link(p.pid, parent.pid);
                    system.stop(p.pid, Exit::error("asked")).await.unwrap();
                    Exit::error("asked")
                }
            };
            assert_eq!(end.await, expect);
            let (actor, events) = (p.actor, p.events.all().await);
            assert_eq!(said(&events), [], "no message was handled");
            let has_terminated = events.contains(&Event::Terminated(expect));
            assert_eq!(has_terminated, how == 1 || how == 3 || how == 2 && traps);
            assert_eq!(actor.ledger().dead_lettered, if waits { 3 } else { 0 });
            assert_eq!(actor.ledger().interrupted, 0);
        }
    }
}

pub async fn an_order_in_turn_does_not_wait_for_one_that_is_suspended(system: System) {
    let p = scripted(&system, |script| {
        script.init(|cx| {
            cx.trap_exits(TrapExits::InTurn);
            Box::pin(async { Ok(()) })
        })
    });
    let p = p.await.unwrap();
    p.actor.sys().suspend().await.unwrap();
    (0..3).for_each(|n| p.casts(n));
    assert_eq!(system.shut_down(p.pid, Exit::Shutdown, None).await, Exit::Shutdown);
    assert_eq!(p.events.all().await, [Event::Terminated(Exit::Shutdown), Event::Dropped]);
}

pub async fn a_suspension_is_one_however_often_and_by_whomever(system: System) {
    let (mut p, from) = (puppet(&system).await, puppet(&system).await);
    let sys = p.actor.sys();
    sys.resume().unwrap();
    let pid = p.pid;
    let (done, suspended) = oneshot::channel();
    let act = Do::new(move |_, cx| {
        let sys = cx.system().sys(pid);
        Box::pin(async move { drop(done.send(sys.suspend().await)) })
    });
    from.actor.cast(act).unwrap();
    suspended.await.unwrap().unwrap();
    sys.suspend().await.unwrap();
    system.stop(from.pid, Exit::Normal).await.unwrap();
    p.casts(1);
    assert_eq!(sys.status().unwrap().doing, Doing::Suspended, "whoever suspended it is gone");
    sys.resume().unwrap();
    p.is_through().await;
    assert_eq!(p.said(), [1], "one resume ends two suspensions");
    sys.suspend().await.unwrap();
    system.kill(p.pid);
    system.ended(p.pid).await;
    assert_eq!((sys.resume(), sys.suspend().await), (Err(SysError::NoProc), Err(SysError::NoProc)));
    let (log, _events) = super::puppet::Events::new();
    system.start(&p.actor, super::puppet::Script::new(&log)).await.unwrap();
    assert_eq!(p.actor.call(Say(2)).await.unwrap(), 2, "the next incarnation is not suspended");
}

pub async fn a_suspended_task_receives_nothing_until_it_is_resumed(system: System) {
    let (log, mut seen) = futures::channel::mpsc::unbounded();
    let task = system.spawn_task(|mut inbox: Inbox<Say>| async move {
        inbox.trap_exits(TrapExits::Yes);
        while let Some(Say(n)) = inbox.recv().await {
            let _ = log.unbounded_send(n);
        }
    });
    let task = task.await.unwrap();
    let sys = task.sys();
    let mut next = async || futures::StreamExt::next(&mut seen).await;
    for round in 0..3 {
        task.cast(Say(round)).unwrap();
        assert_eq!(next().await, Some(round));
        sys.suspend().await.unwrap();
        task.cast(Say(round + 10)).unwrap();
        for _ in 0..5 {
            yield_now().await;
        }
        let status = sys.status().unwrap();
        assert_eq!((status.doing, status.mailbox_len), (Doing::Suspended, 1));
        sys.resume().unwrap();
        assert_eq!(next().await, Some(round + 10));
    }
    assert_eq!(sys.get_state().await, Err(SysError::NotOffered));
    sys.suspend().await.unwrap();
    task.cast(Say(99)).unwrap();
    system.stop(task.pid().unwrap(), Exit::Shutdown).await.unwrap();
    assert_eq!(next().await, None, "a stop ends it, and the message is not received");
    assert_eq!(task.ledger().dead_lettered, 1);
}

pub async fn timers_of_a_suspended_actor_fire_when_it_is_resumed(system: System) {
    let mut p = puppet(&system).await;
    let ((entered, is_in), (go_on, gate)) = (oneshot::channel(), oneshot::channel::<()>());
    let act = Do::new(move |_, cx| {
        cx.send_after(ms(2), Say(1));
        Box::pin(async move {
            let _ = (entered.send(()), gate.await);
        })
    });
    p.actor.cast(act).unwrap();
    is_in.await.unwrap();
    let sys = p.actor.sys();
    // The timer is not set before the handler is done.
    let _ = sys.clone().timeout(Duration::ZERO).suspend().await;
    drop(go_on);
    sys.suspend().await.unwrap();
    p.casts(0);
    crate::sleep(&**system.runtime(), ms(5)).await;
    assert_eq!(p.said(), []);
    sys.resume().unwrap();
    let mut handled = [p.events.next().await, p.events.next().await];
    handled.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(handled, [Event::Said(0), Event::Said(1)]);
}

pub async fn a_suspended_mailbox_keeps_its_capacity(system: System) {
    let mut p = with_mailbox(&system, Bounded(4)).await;
    p.actor.sys().suspend().await.unwrap();
    let accepted = (0..10).filter(|n| p.actor.cast(Say(*n)).is_ok()).count();
    assert_eq!(accepted, 4);
    p.actor.sys().resume().unwrap();
    p.is_through().await;
    assert_eq!(p.said(), [0, 1, 2, 3]);
}

pub async fn a_state_is_shown_and_replaced_between_messages_if_the_actor_offers_it(system: System) {
    let place = shown(&system, 1).await;
    let sys = place.sys();
    assert_eq!(sys.get_state().await.unwrap(), "1");
    place.call(Add(2)).await.unwrap();
    assert_eq!(sys.get_state().await.unwrap(), "3");
    sys.replace_state("40").await.unwrap();
    let refused = SysError::Refused("`x` is no number".into());
    assert_eq!(sys.replace_state("x").await, Err(refused));
    sys.suspend().await.unwrap();
    place.cast(Add(1)).unwrap();
    yield_now().await;
    assert_eq!(sys.get_state().await.unwrap(), "40", "a suspended one answers, before what waits");
    sys.replace_state("50").await.unwrap();
    sys.resume().unwrap();
    assert_eq!(place.call(Add(0)).await.unwrap(), 51);
    let p = puppet(&system).await;
    assert_eq!(p.actor.sys().get_state().await, Err(SysError::NotOffered));
    assert!(matches!(p.actor.sys().replace_state("").await, Err(SysError::Refused(_))));
    rests(&sys).await;
    let ledger = place.ledger();
    assert_eq!((ledger.accepted, ledger.answered, ledger.handled), (3, 2, 1), "a question is no message");
}

pub async fn a_question_to_a_stuck_actor_names_its_handler_and_is_not_done_later(system: System) {
    let place = shown(&system, 1).await;
    let gate = hangs(&place).await;
    let sys = place.sys().timeout(ms(2));
    for asked in 0..2 {
        let error = match asked {
            0 => sys.get_state().await.unwrap_err(),
            _ => sys.replace_state("7").await.unwrap_err(),
        };
        let SysError::Busy { message: Some(message), at_least } = error else { panic!("{error}") };
        assert!(message.ends_with("::Hang") && at_least >= ms(2), "{message} {at_least:?}");
    }
    drop(gate);
    assert_eq!(place.call(Add(0)).await.unwrap(), 1, "whoever asked was told that it is not done");
}

pub async fn a_question_ends_with_the_actor(system: System) {
    let place = shown(&system, 1).await;
    let _gate = hangs(&place).await;
    let (sys, pid) = (place.sys(), place.pid().unwrap());
    let mut question = Box::pin(sys.get_state());
    assert!(begin(&mut question).await.is_pending());
    system.kill(pid);
    assert_eq!(question.await, Err(SysError::Exited(Exit::Killed)));
    assert_eq!(sys.get_state().await, Err(SysError::NoProc));
    assert_eq!(ActorRef::<Shown>::unnamed().sys().get_state().await, Err(SysError::NoProc));
}

pub async fn an_actor_that_asks_itself_is_told_so(system: System) {
    let p = puppet(&system).await;
    let (done, outcome) = oneshot::channel();
    let act = Do::new(move |_, cx| {
        let sys = cx.system().sys(cx.pid());
        Box::pin(async move { drop(done.send((sys.suspend().await, sys.get_state().await))) })
    });
    p.actor.cast(act).unwrap();
    assert_eq!(outcome.await.unwrap(), (Err(SysError::CallingSelf), Err(SysError::CallingSelf)));
    assert_eq!(p.actor.call(Say(1)).await.unwrap(), 1, "and is not suspended");
}

pub async fn a_state_that_panics_when_it_is_shown_harms_nobody(system: System) {
    let place = shown(&system, 13).await;
    let Err(SysError::Panicked(Exit::Panic(panic))) = place.sys().get_state().await else {
        panic!("it panics");
    };
    assert_eq!(panic.message, "an unlucky state");
    assert_eq!(place.call(Add(1)).await.unwrap(), 14);
    assert_eq!(place.sys().get_state().await.unwrap(), "14");
}

pub async fn a_trace_tells_of_each_message_its_sender_and_its_outcome(system: System) {
    let (p, from) = (puppet(&system).await, puppet(&system).await);
    let mut trace = p.actor.sys().trace(Limit::count(100)).unwrap();
    let actor = p.actor.clone();
    from.does(move |_| actor.cast(Say(1)).unwrap()).await;
    p.actor.call(Say(2)).await.unwrap();
    let gate = p.hangs().await;
    drop(gate);
    p.actor.cast(Do::panic("bug")).unwrap();
    let end = system.ended(p.pid);
    end.await;
    let mut seen = Vec::new();
    while let Some(event) = trace.next().await {
        assert_eq!(event.pid, p.pid);
        let short = |message: &'static str| message.rsplit("::").next().unwrap();
        match event.what {
            TracedEvent::Begun { message, from: sender } => {
                let is_known = sender == Some(from.pid);
                assert!(is_known || sender.is_none(), "{sender:?}");
                seen.push(format!("{}{}", short(message), if is_known { " from" } else { "" }));
            }
            TracedEvent::Ended { message, outcome, .. } => seen.push(format!("{} {outcome}", short(message))),
            TracedEvent::Exited(exit) => {
                assert!(matches!(exit, Exit::Panic(_)));
                break;
            }
        }
    }
    let expect = ["Say from", "Say ok", "Say", "Say ok", "Do", "Do ok", "Do", "Do panicked"];
    assert_eq!(seen, expect);
    assert_eq!(trace.dropped(), 0);
}

pub async fn a_trace_knows_the_senders_of_what_came_since_in_any_order(system: System) {
    let mut p = puppet(&system).await;
    let (one, two) = (puppet(&system).await, puppet(&system).await);
    let gate = p.hangs().await;
    p.casts(0);
    let mut trace = p.actor.sys().trace(Limit::count(100)).unwrap();
    for (n, from) in [(1, &one), (2, &two), (3, &two), (4, &one)] {
        let actor = p.actor.clone();
        from.does(move |_| actor.cast(Say(n)).unwrap()).await;
    }
    drop(gate);
    p.is_through().await;
    let mut senders = Vec::new();
    for event in trace.so_far() {
        if let TracedEvent::Begun { message, from } = event.what
            && message.ends_with("::Say")
        {
            senders.push(from);
        }
    }
    let (one, two) = (Some(one.pid), Some(two.pid));
    assert_eq!(senders, [None, one, two, two, one], "the first came before the trace");
}

pub async fn a_trace_ends_itself_at_its_limit_and_counts_what_it_drops(system: System) {
    let mut p = puppet(&system).await;
    let mut first = p.actor.sys().trace(Limit::count(3)).unwrap();
    let mut sampled = p.actor.sys().trace(Limit::rate(2, Duration::from_secs(3600))).unwrap();
    let mut tripped = p.actor.sys().trace(Limit::rate(2, Duration::from_secs(3600)).or_off()).unwrap();
    (0..10).for_each(|n| p.casts(n));
    p.is_through().await;
    rests(&p.actor.sys()).await;
    let mut told = 0;
    while first.next().await.is_some() {
        told += 1;
    }
    assert_eq!((told, first.is_over()), (3, true));
    assert_eq!((sampled.so_far().len(), sampled.is_over()), (2, false));
    assert!(sampled.dropped() >= 18, "{sampled:?}");
    assert_eq!((tripped.so_far().len(), tripped.is_over(), tripped.dropped()), (2, true, 1));
    assert_eq!(p.said(), (0..10).collect::<Vec<_>>(), "the actor handled all");
}

pub async fn a_trace_of_a_kind_of_actors_is_of_those_that_start_later_too(system: System) {
    let old = shown(&system, 1).await;
    let mut trace = system.trace(Whose::actor::<Shown>(), Limit::count(100));
    let other = puppet(&system).await;
    let new = ActorRef::<Shown>::place("new");
    system.start(&new, 1).await.unwrap();
    let mut by_place = system.trace(Whose::place("ne"), Limit::count(100));
    for place in [&old, &new] {
        place.call(Add(1)).await.unwrap();
        rests(&place.sys()).await;
    }
    other.actor.call(Say(1)).await.unwrap();
    let pids = |events: Vec<crate::sys::Traced>| events.iter().map(|event| event.pid).collect::<Vec<_>>();
    let (old, new) = (old.pid().unwrap(), new.pid().unwrap());
    assert_eq!(pids(trace.so_far()), [old, old, new, new]);
    assert_eq!(pids(by_place.so_far()), [new, new]);
}

pub async fn statistics_count_while_they_are_on(system: System) {
    let p = puppet(&system).await;
    let sys = p.actor.sys();
    p.actor.call(Say(0)).await.unwrap();
    assert_eq!(sys.statistics(), None);
    sys.statistics_on().unwrap();
    for n in 0..5 {
        p.actor.call(Say(n)).await.unwrap();
    }
    let waits = Do::new(|_, cx| {
        Box::pin(async move {
            cx.sleep(ms(3)).await;
        })
    });
    p.actor.call(waits).await.unwrap();
    rests(&sys).await;
    let statistics = sys.statistics().unwrap();
    let longest = statistics.longest.unwrap();
    assert_eq!(statistics.handled, 6);
    assert!(longest.message.ends_with("::Do") && longest.took >= ms(3), "{longest:?}");
    assert!(statistics.busy < longest.took || statistics.busy > ms(3), "a wait is no work: {statistics:?}");
    assert_eq!(sys.status().unwrap().statistics, Some(statistics));
    sys.statistics_off();
    assert_eq!(sys.statistics(), None);
}

pub async fn the_top_of_all_actors_goes_by_a_figure(system: System) {
    let (idle, mut full, fuller) = (puppet(&system).await, puppet(&system).await, puppet(&system).await);
    let gates = (full.hangs().await, fuller.hangs().await);
    (0..2).for_each(|n| full.casts(n));
    (0..5).for_each(|n| fuller.casts(n));
    let pids = |by, n| system.top(n, by).iter().map(|status| status.pid).collect::<Vec<_>>();
    assert_eq!(pids(By::MailboxLen, 2), [fuller.pid, full.pid]);
    assert_eq!(pids(By::Handled, 9), []);
    idle.actor.sys().statistics_on().unwrap();
    full.actor.sys().statistics_on().unwrap();
    drop(gates);
    full.is_through().await;
    rests(&full.actor.sys()).await;
    assert_eq!(pids(By::Handled, 9), [full.pid, idle.pid], "only where they are on");
}

pub async fn looking_disturbs_no_message_and_no_ledger(system: System) {
    let mut p = with_mailbox(&system, Bounded(50)).await;
    let sys = p.actor.sys();
    sys.record(5);
    sys.statistics_on().unwrap();
    for round in 0..20 {
        let trace = sys.trace(Limit::count(round + 1)).unwrap();
        if round % 3 == 0 {
            sys.suspend().await.unwrap();
        }
        (0..10).for_each(|n| p.casts(n));
        sys.resume().unwrap();
        p.is_through().await;
        assert_eq!(p.said(), (0..10).collect::<Vec<_>>());
        drop(trace);
    }
    rests(&sys).await;
    assert_eq!(sys.records().unwrap().len(), 5);
    assert!(sys.records().unwrap().iter().all(|recorded| recorded.outcome == Outcome::Handled));
    sys.record(0);
    assert_eq!(sys.records(), None);
}
