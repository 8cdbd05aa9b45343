//! What a plan refuses, what it reports, what it breaks off and what it can bear.

use std::sync::Arc;
use std::time::Duration;

use ravelin_core::{Exit, Pid, Time};
use ravelin_supervisor::plan::{Action, Event, Plan, Verdict};
use ravelin_supervisor::policy::{ChildPolicy, DynamicFlags, Flags, Intensity, Restart};

#[test]
fn a_plan_refuses_faulty_flags_and_specs_and_names_them() {
    let child = |id: &str, policy: ChildPolicy| (Arc::from(id), policy);
    let plain = ChildPolicy::worker();
    let refusal = |flags, children: Vec<(Arc<str>, ChildPolicy)>| {
        Plan::fixed(flags, 0, children).map(drop).unwrap_err().to_string()
    };
    let no_period = Intensity { restarts: 1, period: Duration::ZERO };
    assert_eq!(
        refusal(Flags { intensity: no_period, ..Flags::default() }, vec![]),
        "period = 0s: no restart would ever count"
    );
    assert_eq!(
        refusal(Flags::default(), vec![child("a", plain), child("b", plain), child("a", plain)]),
        "child \"a\": id = \"a\": another child has it"
    );
    assert_eq!(
        refusal(Flags::default(), vec![child("", plain)]),
        "child \"\": id = \"\": a child needs a name"
    );
    assert_eq!(
        refusal(Flags::default(), vec![child("a", ChildPolicy { significant: true, ..plain })]),
        "child \"a\": significant = true: the supervisor's auto_shutdown is never"
    );
    let flags = DynamicFlags { intensity: no_period, ..DynamicFlags::default() };
    assert!(Plan::<ChildPolicy>::dynamic(flags, 0).is_err());
}

#[test]
fn ends_are_reported_with_their_verdict() {
    for (restart, tries, reason, verdict) in [
        (Restart::Permanent, None, Exit::Normal, Verdict::Restart),
        (Restart::Permanent, Some(1), Exit::Killed, Verdict::Restart),
        (Restart::Transient, None, Exit::Killed, Verdict::Restart),
        (Restart::Transient, None, Exit::Normal, Verdict::Keep),
        (Restart::Transient, Some(1), Exit::shutdown_with(Exit::Killed), Verdict::Keep),
        (Restart::Temporary, None, Exit::Shutdown, Verdict::Remove),
        (Restart::Temporary, Some(1), Exit::Killed, Verdict::Remove),
    ] {
        let policy = ChildPolicy { restart, tries, ..ChildPolicy::worker() };
        let id = Arc::<str>::from("a");
        let mut plan = Plan::fixed(Flags::default(), 0, [(id.clone(), policy)]).unwrap();
        drive(&mut plan, &mut 0);
        let pid = Pid::from_parts(0, 0, 1);
        plan.handle_exit(Time::EPOCH, pid, &reason);
        let report = Event::ChildTerminated { id, pid, reason, verdict };
        assert_eq!(plan.poll_action(), Some(Action::Report(report)));
    }
}

#[test]
fn a_failed_restart_is_reported() {
    let id = Arc::<str>::from("a");
    let mut plan = Plan::fixed(Flags::default(), 0, [(id.clone(), ChildPolicy::worker())]).unwrap();
    drive(&mut plan, &mut 0);
    plan.handle_exit(Time::EPOCH, Pid::from_parts(0, 0, 1), &Exit::Killed);
    let Some(Action::Report(Event::ChildTerminated { .. })) = plan.poll_action() else { panic!() };
    let Some(Action::Start { key }) = plan.poll_action() else { panic!() };
    plan.handle_start_failed(key, Exit::Normal);
    let reason = Exit::Normal;
    assert_eq!(plan.poll_action(), Some(Action::Report(Event::StartFailed { id, reason })));
    assert!(matches!(plan.poll_action(), Some(Action::Retry { .. })));
    assert!(plan.is_idle());
}

#[test]
fn a_stop_breaks_off_what_is_under_way() {
    let child = |id: &str| (Arc::from(id), ChildPolicy::worker());
    let mut plan = Plan::fixed(Flags::default(), 0, [child("a"), child("b"), child("c")]).unwrap();
    let pid = Pid::from_parts(0, 1, 1);
    let Some(Action::Start { key: a }) = plan.poll_action() else { panic!() };
    plan.handle_started(Time::EPOCH, a, pid);
    let Some(Action::Start { key: b }) = plan.poll_action() else { panic!() };
    plan.handle_stop(Exit::Shutdown);
    assert_eq!(plan.poll_action(), None, "the open start is waited for");
    plan.handle_start_failed(b, Exit::Killed);
    assert_eq!(plan.poll_action(), Some(Action::Stop { key: a, pid }));
    plan.handle_stop(Exit::error("too late"));
    plan.handle_stopped(Time::EPOCH, a, &Exit::Shutdown);
    assert_eq!(plan.poll_action(), Some(Action::Shutdown(Exit::Shutdown)));
    assert_eq!(plan.poll_action(), None);
    assert!(plan.is_down());
}

/// Linear but for a logarithm; a scan per child would take minutes, here as in OTP's own test.
const MANY: u32 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };

const INTENSITY: Intensity = Intensity { restarts: MANY, period: Duration::from_secs(5) };

#[test]
fn very_many_children_cost_no_scan() {
    let flags = Flags { intensity: INTENSITY, ..Flags::default() };
    start_restart_and_stop_many(Plan::fixed(flags, 0, []).unwrap());
}

#[test]
fn very_many_dynamic_children_cost_no_scan() {
    let flags = DynamicFlags { intensity: INTENSITY, ..DynamicFlags::default() };
    start_restart_and_stop_many(Plan::dynamic(flags, 0).unwrap());
}

fn start_restart_and_stop_many(mut plan: Plan<ChildPolicy>) {
    let mut pids = 0;
    drive(&mut plan, &mut pids);
    for slot in 0..MANY {
        plan.start_child(format!("c{slot}").into(), ChildPolicy::worker()).unwrap();
        drive(&mut plan, &mut pids);
    }
    for slot in 0..MANY {
        plan.handle_exit(Time::EPOCH, Pid::from_parts(0, slot, 1), &Exit::Normal);
        drive(&mut plan, &mut pids);
    }
    assert_eq!((pids, plan.count_children().active), (2 * MANY, MANY as usize));
    plan.handle_stop(Exit::Shutdown);
    drive(&mut plan, &mut pids);
    assert!(plan.is_down());
}

/// Does all that the plan says, and everything succeeds. Pids are slots, from 0 up.
fn drive(plan: &mut Plan<ChildPolicy>, pids: &mut u32) {
    while let Some(action) = plan.poll_action() {
        match action {
            Action::Start { key } => {
                plan.handle_started(Time::EPOCH, key, Pid::from_parts(0, *pids, 1));
                *pids += 1;
            }
            Action::Stop { key, pid: _ } => plan.handle_stopped(Time::EPOCH, key, &Exit::Shutdown),
            Action::StopAll { children } => {
                children.iter().for_each(|(key, _)| plan.handle_stopped(Time::EPOCH, *key, &Exit::Shutdown));
            }
            Action::Reply(_) | Action::Report(_) | Action::Shutdown(_) => (),
            Action::Retry { .. } | Action::RetryAfter { .. } => panic!("nothing failed"),
        }
    }
}
