//! Rows: a course against a story; and random courses, whose ends come when they like.

use super::{Action, Course, KILL_GRACE, Phase, TaskOutcome};
use proptest::prelude::*;
use ravelin_core::{Exit, Time};
use std::collections::BTreeMap;
use std::time::Duration;

fn at(ms: u64) -> Time {
    Time::EPOCH + Duration::from_millis(ms)
}

/// A task of these tests: its phase, how long it takes, whether it comes to no await when it is killed, and whether it
/// is a duty.
#[derive(Clone, Copy, Debug)]
struct Job {
    phase: usize,
    takes_ms: u64,
    is_stuck: bool,
    is_duty: bool,
}

fn job(phase: usize, takes_ms: u64) -> Job {
    Job { phase, takes_ms, is_stuck: false, is_duty: false }
}

/// Runs a course to its end, with those ends, and tells what was done and when.
fn live(
    deadlines_ms: &[u64],
    total_ms: Option<u64>,
    jobs: &[Job],
    cut_at_ms: Option<u64>,
) -> (Vec<String>, Course, u64) {
    let phase = |(n, ms): (usize, &u64)| Phase::new(n.to_string(), Duration::from_millis(*ms));
    let phases = deadlines_ms.iter().enumerate().map(phase).collect();
    let tasks = jobs.iter().enumerate().map(|(key, job)| (job.phase, key.to_string().into(), job.is_duty));
    let mut course = Course::new(phases, total_ms.map(Duration::from_millis), tasks);
    let (mut told, mut ends, mut now, mut cut) = (Vec::new(), BTreeMap::new(), 0, cut_at_ms);
    course.begin(at(0));
    loop {
        while let Some(action) = course.poll_action() {
            match action {
                Action::Run(key) => {
                    told.push(format!("{now}:+{key}"));
                    ends.insert(key, now + jobs[key].takes_ms);
                }
                Action::Kill(key) => {
                    told.push(format!("{now}:!{key}"));
                    let gone = if jobs[key].is_stuck { u64::MAX } else { now };
                    ends.insert(key, gone);
                }
            }
        }
        if course.is_over() {
            return (told, course, now);
        }
        let next = ends.iter().map(|(key, end)| (*end, *key)).min();
        let due = (course.wake_at() - Time::EPOCH).as_millis() as u64;
        let first = next.map_or(u64::MAX, |(end, _)| end);
        assert!(first.min(due).min(cut.unwrap_or(u64::MAX)) >= now, "time does not go back");
        if let Some(cut_at) = cut.filter(|cut_at| *cut_at <= first.min(due)) {
            (now, cut) = (cut_at.max(now), None);
            course.cut_short(at(now));
        } else if let Some((end, key)) = next.filter(|(end, _)| *end <= due) {
            now = end;
            ends.remove(&key);
            course.handle_done(at(now), key, Ok(()));
        } else {
            now = due;
            course.handle_time(at(now));
        }
    }
}

#[track_caller]
fn check(deadlines_ms: &[u64], total_ms: Option<u64>, jobs: &[Job], told: &str, outcomes: &str) {
    let (found, course, _) = live(deadlines_ms, total_ms, jobs, None);
    assert_eq!(found.join(" "), told);
    assert_eq!(tell(course), outcomes);
}

fn tell(course: Course) -> String {
    let phase = |phase: super::PhaseReport| {
        let tasks = phase.tasks.iter().map(|task| match &task.outcome {
            TaskOutcome::Done => "done",
            TaskOutcome::Failed(_) => "failed",
            TaskOutcome::Late => "late",
            TaskOutcome::NotRun => "notrun",
            TaskOutcome::Stuck => "stuck",
        });
        format!("{}={} [{}]", phase.name, phase.took.as_millis(), tasks.collect::<Vec<_>>().join(" "))
    };
    course.report().into_iter().map(phase).collect::<Vec<_>>().join(", ")
}

#[test]
fn phases_run_in_order_and_their_tasks_side_by_side() {
    check(
        &[50, 50],
        None,
        &[job(0, 10), job(1, 5), job(0, 30)],
        "0:+0 0:+2 30:+1",
        "0=30 [done done], 1=5 [done]",
    );
}

#[test]
fn a_phase_without_tasks_takes_no_time() {
    check(&[50, 50, 50], None, &[job(2, 5)], "0:+0", "0=0 [], 1=0 [], 2=5 [done]");
}

#[test]
fn what_is_not_done_at_the_deadline_is_killed_and_the_next_phase_begins() {
    check(
        &[50, 50],
        None,
        &[job(0, 10), job(0, 99), job(1, 5)],
        "0:+0 0:+1 50:!1 50:+2",
        "0=50 [done late], 1=5 [done]",
    );
}

#[test]
fn who_cannot_be_killed_is_waited_for_a_second_longer() {
    let stuck = Job { is_stuck: true, ..job(0, 99) };
    check(&[50, 50], None, &[stuck, job(1, 5)], "0:+0 50:!0 1050:+1", "0=1050 [stuck], 1=5 [done]");
}

#[test]
fn when_the_time_of_the_whole_is_up_duties_are_done_by_force_and_tasks_are_not() {
    let duty = Job { is_duty: true, ..job(1, 99) };
    check(
        &[50, 50, 50],
        Some(30),
        &[job(0, 99), duty, job(1, 5), job(2, 5)],
        "0:+0 30:!0 30:+1 30:!1",
        "0=30 [late], 1=0 [late notrun], 2=0 [notrun]",
    );
}

#[test]
fn who_is_in_a_hurry_cuts_it_short() {
    let duty = Job { is_duty: true, ..job(1, 99) };
    let (told, course, took) = live(&[50, 50], None, &[job(0, 40), duty], Some(20));
    assert_eq!((told.join(" "), took), ("0:+0 20:!0 20:+1 20:!1".to_owned(), 20));
    assert_eq!(tell(course), "0=20 [late], 1=0 [late]");
}

#[test]
fn a_task_that_fails_does_not_stop_the_shutdown() {
    let phases = vec![Phase::new("0", Duration::from_secs(1)), Phase::new("1", Duration::from_secs(1))];
    let mut course = Course::new(phases, None, [(0, "a".into(), false), (1, "b".into(), false)]);
    course.begin(at(0));
    assert_eq!(course.poll_action(), Some(Action::Run(0)));
    course.handle_done(at(1), 0, Err(Exit::error("no disk")));
    assert_eq!(course.poll_action(), Some(Action::Run(1)));
    course.handle_done(at(2), 1, Ok(()));
    assert!(course.is_over());
    assert_eq!(tell(course), "0=1 [failed], 1=1 [done]");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_course_ends_in_time_and_each_task_has_one_outcome_in_the_order_of_phases(
        deadlines in prop::collection::vec(0..50_u64, 1..5),
        total in prop::option::of(0..120_u64),
        cut in prop::option::of(0..120_u64),
        jobs in prop::collection::vec((0..4_usize, 0..80_u64, any::<bool>(), any::<bool>()), 0..8),
    ) {
        let jobs: Vec<Job> = jobs
            .into_iter()
            .map(|(phase, takes_ms, is_stuck, is_duty)| Job { phase: phase % deadlines.len(), takes_ms, is_stuck, is_duty })
            .collect();
        let (told, course, took) = live(&deadlines, total, &jobs, cut);
        let grace = KILL_GRACE.as_millis() as u64 * deadlines.len() as u64;
        let sum: u64 = deadlines.iter().sum();
        prop_assert!(took <= sum.min(total.unwrap_or(sum)) + grace);
        let begun: Vec<usize> = told
            .iter()
            .filter_map(|told| told.split_once('+'))
            .map(|(_, key)| key.parse().expect("a number"))
            .collect();
        prop_assert!(begun.is_sorted_by_key(|key| jobs[*key].phase));
        let reports = course.report();
        prop_assert_eq!(reports.len(), deadlines.len());
        let mut reported = 0;
        for task in reports.iter().flat_map(|phase| &phase.tasks) {
            let key: usize = task.name.parse().expect("a number");
            reported += 1;
            let has_begun = begun.iter().filter(|each| **each == key).count();
            prop_assert_eq!(has_begun, usize::from(task.outcome != TaskOutcome::NotRun));
            prop_assert!(!jobs[key].is_duty || has_begun == 1, "a duty is done");
            prop_assert!(jobs[key].is_stuck || task.outcome != TaskOutcome::Stuck);
        }
        prop_assert_eq!(reported, jobs.len());
    }
}
