//! Random supervisors and what happens to them.

use std::time::Duration;

use proptest::prelude::*;
use ravelin_core::Exit;
use ravelin_supervisor::backoff::Backoff;
use ravelin_supervisor::policy::{AutoShutdown, ChildPolicy, Intensity, Restart, Strategy as Restarts};

pub(crate) const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A supervisor and what happens to it.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    /// None: dynamic.
    pub(crate) strategy: Option<Restarts>,
    pub(crate) intensity: Intensity,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) children: Vec<ChildPolicy>,
    /// Decides the outcome of every start.
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The n-th running child ends.
    Exit(usize, bool),
    Retry,
    Sleep(u64),
    Start(usize, ChildPolicy),
    Restart(usize),
    Terminate(usize),
    Delete(usize),
    Stop,
}

pub(crate) fn lives(
    backoff: impl Strategy<Value = Backoff> + Clone + 'static,
    tries: impl Strategy<Value = Option<u32>> + Clone + 'static,
) -> impl Strategy<Value = Life> {
    let strategy = prop_oneof![
        Just(Some(Restarts::OneForOne)),
        Just(Some(Restarts::OneForAll)),
        Just(Some(Restarts::RestForOne)),
        Just(None),
    ];
    let auto = prop_oneof![
        2 => Just(AutoShutdown::Never),
        1 => Just(AutoShutdown::AnySignificant),
        2 => Just(AutoShutdown::AllSignificant),
    ];
    (strategy, auto, 0..6_u32, any::<u64>()).prop_flat_map(
        move |(strategy, auto_shutdown, restarts, seed)| {
            let policy = || policies(auto_shutdown, backoff.clone(), tries.clone());
            let children = if strategy.is_some() { 0..5_usize } else { 0..1 };
            let steps = proptest::collection::vec(steps(policy()), 0..40);
            (proptest::collection::vec(policy(), children), steps).prop_map(move |(children, steps)| Life {
                strategy,
                intensity: Intensity { restarts, period: Duration::from_nanos(10) },
                auto_shutdown,
                children,
                seed,
                steps,
            })
        },
    )
}

fn policies(
    auto_shutdown: AutoShutdown,
    backoff: impl Strategy<Value = Backoff>,
    tries: impl Strategy<Value = Option<u32>>,
) -> impl Strategy<Value = ChildPolicy> {
    let restart = prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)];
    (restart, any::<bool>(), backoff, tries).prop_map(move |(restart, significant, backoff, tries)| {
        let may = auto_shutdown != AutoShutdown::Never && restart != Restart::Permanent;
        ChildPolicy { restart, significant: significant && may, backoff, tries, ..ChildPolicy::worker() }
    })
}

pub(crate) fn backoffs() -> impl Strategy<Value = Backoff> + Clone {
    (1..5_u64, 0..20_u64, 0..3_u32).prop_map(|(first, more, kind)| {
        let (first, cap) = (Duration::from_nanos(first), Duration::from_nanos(first + more));
        match kind {
            0 => Backoff::Immediate,
            1 => Backoff::linear(first, cap).jitter(0.5),
            _ => Backoff::exponential(first, cap).jitter(1.0),
        }
    })
}

fn steps(policy: impl Strategy<Value = ChildPolicy>) -> impl Strategy<Value = Step> {
    let id = || 0..IDS.len();
    prop_oneof![
        8 => (id(), any::<bool>()).prop_map(|(n, normal)| Step::Exit(n, normal)),
        6 => Just(Step::Retry),
        3 => (0..12_u64).prop_map(Step::Sleep),
        3 => (id(), policy).prop_map(|(n, policy)| Step::Start(n, policy)),
        2 => id().prop_map(Step::Restart),
        2 => id().prop_map(Step::Terminate),
        1 => id().prop_map(Step::Delete),
        1 => Just(Step::Stop),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Fail,
    Ignore,
    Ok,
}

/// What becomes of start attempt `n` at an id: five of eight succeed.
pub(crate) fn outcome(seed: u64, id: &str, n: u32) -> Outcome {
    let mut x = seed ^ (u64::from(id.as_bytes()[0]) << 32) ^ u64::from(n);
    x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    match x >> 61 {
        0 | 1 => Outcome::Fail,
        2 => Outcome::Ignore,
        _ => Outcome::Ok,
    }
}

pub(crate) fn reason(normal: bool) -> Exit {
    if normal { Exit::Normal } else { Exit::error("boom") }
}
