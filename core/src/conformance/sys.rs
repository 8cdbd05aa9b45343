//! Looking inside: status, state, the top of all.

use super::puppet::{Do, Puppet, Say, begin, puppet, with_mailbox, yield_now};
use crate::sys::{By, Doing, Limit, Outcome, Status, Sys, SysError};
use crate::{Actor, ActorRef, Bounded, ChildGrace, Cx, Exit, Handle, Message, System};
use futures::channel::oneshot;
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// An actor that shows its state, and takes another one.
pub(super) struct Shown {
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

pub(super) struct Add(pub(super) u32);

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
pub(super) async fn rests(sys: &Sys) -> Status {
    loop {
        let status = sys.status().expect("a living actor");
        if status.doing == Doing::Idle {
            return status;
        }
        yield_now().await;
    }
}

pub(super) async fn shown(system: &System, n: u32) -> ActorRef<Shown> {
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
    let (place, pid) = (status.place.as_deref().unwrap_or(status.actor), status.pid);
    let line = format!("{place} {pid} Waiting, handles {}, 3 wait, restarts 0", handling.message);
    assert_eq!(status.to_string(), line);
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
