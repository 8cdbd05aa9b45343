//! The same with random needs, under failing starts and kills, and with tasks that hang.

use crate::parts::{Log, Ways, part};
use ravelin::application::{Application, ApplicationKind, BootError, CoordinatedShutdown};
use ravelin::prelude::*;
use ravelin::sim::{Faults, Random, Sim, World};
use ravelin::{Applications, sleep};
use std::time::Duration;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Applications that need some of those before them in a drawn order, and the needs of each.
fn drawn(
    luck: &mut Random,
    log: &Log,
    shutdown: &CoordinatedShutdown,
    cleans_up_ms: [u64; 4],
) -> (Applications, Vec<Vec<usize>>) {
    let mut needs = vec![Vec::new(); NAMES.len()];
    let mut applications = Applications::new().shutdown(shutdown.clone());
    // Rank by rank each may need those of lower rank; declared in another order.
    let mut rank: Vec<usize> = (0..NAMES.len()).collect();
    for at in (1..rank.len()).rev() {
        rank.swap(at, luck.below(at as u64 + 1) as usize);
    }
    for (at, name) in NAMES.iter().enumerate() {
        let ways = Ways {
            cleans_up_for: Duration::from_millis(cleans_up_ms[luck.below(4) as usize]),
            ..Ways::default()
        };
        let tree =
            Supervisor::one_for_one(*name).intensity(2, Duration::from_secs(1)).child(part(name, log, ways));
        let kinds = [ApplicationKind::Permanent, ApplicationKind::Transient, ApplicationKind::Temporary];
        let mut application = Application::new(*name, tree).kind(kinds[luck.below(3) as usize]);
        for other in (0..NAMES.len()).filter(|other| rank[*other] < rank[at]) {
            if luck.below(3) == 0 {
                application = application.needs(NAMES[other]);
                needs[at].push(other);
            }
        }
        applications = applications.application(application);
    }
    (applications, needs)
}

/// Each came after those that it needs, and went before them.
fn assert_in_order(told: &str, needs: &[Vec<usize>]) {
    let mut live = [0_u32; NAMES.len()];
    for word in told.split_whitespace() {
        let (sign, name) = word.split_at(1);
        let at = NAMES.iter().position(|each| *each == name).expect("one of them");
        if sign == "+" {
            assert!(needs[at].iter().all(|need| live[*need] > 0), "{word} in {told}");
            live[at] += 1;
        } else {
            live[at] -= 1;
            let needed_by = (0..NAMES.len()).filter(|other| needs[*other].contains(&at));
            assert!(needed_by.filter(|other| live[*other] > 0).count() == 0, "{word} in {told}");
        }
    }
    assert_eq!(live, [0; NAMES.len()], "{told}");
}

/// Tasks in all phases; some take long, some for ever.
fn add_tasks(world: &World, luck: &mut Random, shutdown: &CoordinatedShutdown) {
    for (at, phase) in ["stop accepting", "drain", "stop trees", "close stores"].into_iter().enumerate() {
        for _ in 0..luck.below(3) {
            let clock = world.runtime().clone();
            let takes = [0, 300, 3_000, 30_000][luck.below(4) as usize];
            let work = move || async move { sleep(&*clock, Duration::from_millis(takes)).await }; // tidy: virtual time
            shutdown.task(phase, format!("task {at}"), work).expect("there is such a phase");
        }
    }
}

#[test]
fn needs_come_first_also_when_starts_fail_and_the_end_is_in_reverse() {
    let mut faults = Faults::none();
    for name in NAMES {
        faults = faults.failed_inits_of(name, 1);
    }
    Sim::new().seeds(40).faults(faults).check(async |world| {
        let (mut luck, log) = (world.random("needs"), Log::default());
        let shutdown = CoordinatedShutdown::new();
        let (applications, needs) = drawn(&mut luck, &log, &shutdown, [0, 50, 100, 150]);
        match applications.start_in(world.system()).await {
            Ok(node) => {
                let report = node.shut_down().await;
                assert!(report.is_orderly(), "{report}");
            }
            Err(error) => assert!(matches!(error, BootError::Start { .. }), "{error}"),
        }
        assert_in_order(&log.take(), &needs);
        assert!(world.system().is_empty());
    });
}

#[test]
fn a_shutdown_ends_in_time_and_leaves_nobody_whatever_befalls_it() {
    let mut faults = Faults::none().kills("applications", 1).at_awaits(2).over(Duration::from_secs(20));
    for name in NAMES {
        faults = faults.kills(name, 2);
    }
    Sim::new().seeds(60).faults(faults).check(async |world| {
        let (mut luck, log) = (world.random("needs"), Log::default());
        let mut shutdown = CoordinatedShutdown::new();
        if luck.below(4) == 0 {
            shutdown = shutdown.total(Duration::from_millis(luck.below(10_000)));
        }
        let (applications, _) = drawn(&mut luck, &log, &shutdown, [0, 100, 4_000, 60_000]);
        add_tasks(world, &mut luck, &shutdown);
        let Ok(node) = applications.start_in(world.system()).await else {
            return assert!(world.system().is_empty(), "what had started has ended");
        };
        world.advance(Duration::from_millis(luck.below(2_000))).await;
        // It may be on its way already: an application ended, or the root was killed.
        let report = node.shut_down().await;
        assert!(report.took <= shutdown.longest(), "{report}");
        let came = log.take();
        let live =
            came.split_whitespace().map(|word| if word.starts_with('+') { 1 } else { -1 }).sum::<i32>();
        assert_eq!((world.system().len(), live), (0, 0), "{report}\n{came}");
        assert_eq!(node.ended().await, report);
    });
}
