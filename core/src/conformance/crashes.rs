//! Crash reports, the flight recorder, and the watchdog.

use super::puppet::{Do, Puppet, Say, Script, child_of, puppet, scripted, trapping, yield_now};
use crate::sys::{CrashReport, Finding, Outcome, Stuck, SysError, Watch, Watchdog};
use crate::{Actor, ActorRef, ChildGrace, Cx, Exit, Handle, Message, System};
use futures::channel::{mpsc, oneshot};
use futures::future::FutureExt;
use futures::stream::StreamExt;
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// All reports from now on.
fn reports(system: &System) -> mpsc::UnboundedReceiver<CrashReport> {
    let (tell, told) = mpsc::unbounded();
    system.on_crash(move |report| tell.unbounded_send(report.clone()).is_ok());
    told
}

fn short(message: &str) -> &str {
    message.rsplit("::").next().unwrap_or_default()
}

/// An actor that shows its state.
struct Shown(&'static str);

impl Actor for Shown {
    type Args = &'static str;

    async fn init(text: &'static str, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Shown(text))
    }

    fn inspect(&self) -> Option<String> {
        assert!(self.0 != "unlucky", "a state that panics when it is shown");
        Some(self.0.to_owned())
    }
}

struct Break;

impl Message for Break {
    type Reply = ();
}

impl Handle<Break> for Shown {
    async fn handle(&mut self, _: Break, _: &mut Cx<Self>) {
        self.0 = if self.0 == "unlucky" { self.0 } else { "half done" };
        panic!("it broke");
    }
}

pub async fn a_panic_is_reported_with_all_that_is_known(system: System) {
    let mut told = reports(&system);
    let (root, from) = (puppet(&system).await, puppet(&system).await);
    let parent = child_of(&system, &root, true).await;
    let place = ActorRef::<Puppet>::place("victim");
    let (log, _events) = super::puppet::Events::new();
    place.sys().record(3);
    system.start(&place, Script::new(&log)).linked_to(parent.pid).named("the-victim").await.unwrap();
    let pid = place.pid().unwrap();
    for n in 0..4 {
        let place = place.clone();
        from.does(move |_| place.cast(Say(n)).unwrap()).await;
    }
    super::puppet::does(&place, |_| ()).await;
    let gate = super::puppet::hangs(&place).await;
    let breaks = place.clone();
    from.does(move |_| breaks.cast(Do::panic("a bug")).unwrap()).await;
    (0..5).for_each(|n| place.cast(Say(n)).unwrap());
    drop(gate);
    let report = told.next().await.unwrap();
    assert_eq!((report.pid, report.place.as_deref(), report.restarts), (pid, Some("victim"), 0));
    assert_eq!(report.names.iter().map(|name| &**name).collect::<Vec<_>>(), ["the-victim"]);
    assert!(report.actor.ends_with("::Puppet"), "{}", report.actor);
    let Exit::Panic(panic) = &report.reason else { panic!("{}", report.reason) };
    assert_eq!(panic.message, "a bug");
    assert!(panic.location.as_ref().is_some_and(|at| at.contains("puppet.rs")), "{panic:?}");
    let ancestors: Vec<_> = report.ancestors.iter().map(|each| each.pid).collect();
    assert_eq!(ancestors, [parent.pid, root.pid]);
    assert_eq!(report.linked, [parent.pid]);
    let cut = report.handling.unwrap();
    assert!(short(cut.message) == "Do" && cut.took.is_some(), "{cut:?}");
    let last = report.last_messages.as_ref().unwrap();
    let last: Vec<_> = last.iter().map(|each| (short(each.message), each.from, each.outcome)).collect();
    let expect = [
        ("Do", None, Outcome::Handled),
        ("Do", None, Outcome::Handled),
        ("Do", Some(from.pid), Outcome::Panicked),
    ];
    assert_eq!(last, expect);
    assert_eq!((report.mailbox_len, report.dead_letters), (5, 5));
    assert_eq!((report.was_up, &report.state), (true, &None), "no data that the actor did not offer");
    let text = report.to_string();
    for part in ["crash of `victim`", "a bug", "incarnation: 1", "5 dead letters", "panicked", "the-victim"] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

pub async fn a_kill_is_reported_with_what_it_cut_off_and_how_often_the_place_was_restarted(system: System) {
    let mut told = reports(&system);
    let (p, mut next) = (puppet(&system).await, None);
    for restarts in 0..3 {
        let gate = p.hangs().await;
        system.kill(p.actor.pid().unwrap());
        let report = told.next().await.unwrap();
        assert_eq!((report.restarts, &report.reason), (restarts, &Exit::Killed));
        assert_eq!(report.handling.map(|cut| short(cut.message)), Some("Do"));
        assert_eq!(report.last_messages, None, "nobody asked for a recorder");
        drop(gate);
        next = p.actor.pid();
        while next.is_some() {
            yield_now().await;
            next = p.actor.pid();
        }
        let (log, _events) = super::puppet::Events::new();
        while system.start(&p.actor, Script::new(&log)).await.is_err() {
            yield_now().await;
        }
    }
    assert_eq!(next, None);
    system.kill(p.actor.pid().unwrap());
    assert_eq!(told.next().await.unwrap().handling, None, "it was in no handler");
}

pub async fn an_init_that_fails_is_reported_and_a_normal_end_is_not(system: System) {
    let mut told = reports(&system);
    for reason in [Exit::Normal, Exit::Shutdown, Exit::shutdown_with(Exit::error("drained"))] {
        let p = trapping(&system).await;
        system.stop(p.pid, reason).await.unwrap();
    }
    let declined = scripted(&system, |script| script.init(|_| Box::pin(async { Err(Exit::Ignore) })));
    assert!(declined.await.is_err());
    let failed = scripted(&system, |script| script.init(|_| Box::pin(async { Err(Exit::error("no disk")) })));
    assert!(failed.await.is_err());
    let report = told.next().await.unwrap();
    assert_eq!((report.reason, report.was_up, report.handling), (Exit::error("no disk"), false, None));
    let p = puppet(&system).await;
    p.actor.cast(Do::stop(Exit::error("its own reason"))).unwrap();
    let report = told.next().await.unwrap();
    assert_eq!((report.reason, report.was_up, report.handling), (Exit::error("its own reason"), true, None));
}

pub async fn a_report_shows_the_state_if_the_actor_offers_it(system: System) {
    let mut told = reports(&system);
    for (text, expect) in [("whole", Some("half done")), ("unlucky", None)] {
        let shown = system.spawn::<Shown>(text).await.unwrap();
        shown.cast(Break).unwrap();
        let report = told.next().await.unwrap();
        assert_eq!(report.state.as_deref(), expect);
        assert!(matches!(&report.reason, Exit::Panic(panic) if panic.message == "it broke"));
    }
}

pub async fn a_report_names_the_children_that_end_with_their_parent(system: System) {
    let mut told = reports(&system);
    let parent = puppet(&system).await;
    let mut children = Vec::new();
    for _ in 0..3 {
        let (log, _events) = super::puppet::Events::new();
        let child = ActorRef::<Puppet>::unnamed();
        let grace = ChildGrace::For(Duration::ZERO);
        children.push(system.start(&child, Script::new(&log)).adopted_by(parent.pid, grace).await.unwrap());
    }
    system.kill(parent.pid);
    for child in children.iter().rev() {
        assert_eq!(told.next().await.unwrap().pid, *child);
    }
    let report = told.next().await.unwrap();
    assert_eq!((report.pid, &report.children), (parent.pid, &children));
}

pub async fn a_panicking_reader_of_crash_reports_harms_nobody(system: System) {
    system.on_crash(|_| panic!("a reader"));
    let mut told = reports(&system);
    for _ in 0..2 {
        let p = puppet(&system).await;
        let end = system.ended(p.pid);
        system.kill(p.pid);
        assert_eq!(end.await, Exit::Killed);
        assert_eq!(told.next().await.unwrap().pid, p.pid);
    }
}

pub async fn a_recorder_for_all_is_that_of_those_who_start_later(system: System) {
    let old = puppet(&system).await;
    system.record(2);
    let (mut new, mut own) = (puppet(&system).await, puppet(&system).await);
    own.actor.sys().record(1);
    for p in [&old, &new, &own] {
        (0..5).for_each(|n| p.casts(n));
    }
    new.is_through().await;
    own.is_through().await;
    let kept = |p: &super::puppet::Strings| {
        let records = p.actor.sys().records();
        records.map(|all| all.iter().filter(|each| each.outcome != Outcome::InHand).count())
    };
    assert_eq!((kept(&old), kept(&new)), (None, Some(2)));
    assert_eq!(kept(&own), Some(1));
    system.record(0);
    assert_eq!(kept(&puppet(&system).await), None);
}

/// A watchdog with this watch, and what it finds.
async fn watchdog(system: &System, watch: Watch) -> (ActorRef<Watchdog>, mpsc::UnboundedReceiver<Finding>) {
    let (tell, found) = mpsc::unbounded();
    // A machine that is busy with other things may take a thread away for longer than a period.
    let watch = watch
        .holds_thread(Duration::from_secs(3600))
        .tell(move |finding| drop(tell.unbounded_send(finding.clone())));
    let place = ActorRef::place("watchdog");
    system.start(&place, watch).await.expect("a watch that is possible");
    (place, found)
}

pub async fn a_watchdog_names_an_actor_that_sits_in_its_handler(system: System) {
    let (mut busy, idle, stuck) = (puppet(&system).await, puppet(&system).await, puppet(&system).await);
    let (_dog, mut found) = watchdog(&system, Watch::every(ms(1)).sits_in_handler(ms(4))).await;
    let gate = stuck.hangs().await;
    busy.is_through().await;
    let mut of_stuck = found.by_ref().filter(|finding| std::future::ready(finding.pid == stuck.pid));
    let finding = of_stuck.next().await.unwrap();
    assert_eq!((finding.place.as_deref(), finding.message.map(short)), (None, Some("Do")));
    assert_eq!(finding.stuck.how, Stuck::SitsInHandler);
    assert!(finding.stuck.at_least >= ms(4), "{finding}");
    let again = of_stuck.next().await.unwrap();
    assert!(again.stuck.at_least >= finding.stuck.at_least * 2, "{again} after {finding}");
    drop((gate, idle));
    stuck.actor.call(Say(1)).await.unwrap();
}

pub async fn a_watchdog_names_an_init_that_does_not_end(system: System) {
    let (_dog, mut found) = watchdog(&system, Watch::every(ms(1)).sits_in_handler(ms(2))).await;
    let (go_on, gate) = oneshot::channel::<()>();
    let place = ActorRef::<Puppet>::place("slow");
    let (log, _events) = super::puppet::Events::new();
    let script = Script::new(&log).init(move |_| {
        Box::pin(async move {
            let _ = gate.await;
            Ok(())
        })
    });
    let mut start = Box::pin(system.start(&place, script));
    assert!(super::puppet::begin(&mut start).await.is_pending());
    let finding = found.next().await.unwrap();
    assert_eq!((finding.place.as_deref(), finding.message), (Some("slow"), None));
    drop(go_on);
    start.await.unwrap();
}

pub async fn a_watchdog_does_not_name_who_is_suspended_or_idle_or_a_task_that_receives(system: System) {
    let (held, idle) = (puppet(&system).await, puppet(&system).await);
    let task = system
        .spawn_task(|mut inbox: crate::Inbox<Say>| async move { while inbox.recv().await.is_some() {} });
    let task = task.await.unwrap();
    held.actor.sys().suspend().await.unwrap();
    held.casts(1);
    task.cast(Say(1)).unwrap();
    let (dog, mut found) = watchdog(&system, Watch::every(ms(1)).sits_in_handler(ms(2))).await;
    while dog.ledger().handled < 8 {
        crate::sleep(&**system.runtime(), ms(1)).await;
    }
    drop(idle);
    assert!(found.next().now_or_never().is_none(), "nobody is stuck");
}

pub async fn a_watchdog_that_cannot_look_does_not_start(system: System) {
    let place = ActorRef::<Watchdog>::unnamed();
    assert!(system.start(&place, Watch::every(Duration::ZERO)).await.is_err());
    assert_eq!(place.sys().status(), Err(SysError::NoProc));
}
