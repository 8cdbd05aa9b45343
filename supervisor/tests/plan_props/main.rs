//! The plan against a model: OTP's `supervisor` told naively, by recursion over a list, with one process per child
//! and no states in between. Random supervisors live random lives in both; every start, stop, answer and end must be
//! the same, in the same order. What OTP does not have is held to invariants instead.

mod life;
mod model;
mod world;

use std::time::Duration;

use proptest::prelude::*;
use ravelin_core::Time;
use ravelin_supervisor::backoff::Backoff;
use ravelin_supervisor::intensity::{Admission, Window};
use ravelin_supervisor::policy::Intensity;

use life::{Step, backoffs, lives};
use model::Model;
use world::World;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_does_what_otp_does(life in lives(Just(Backoff::Immediate), Just(None))) {
        let mut plan = World::new(&life);
        let mut model = Model::new(&life);
        plan.drive();
        model.boot();
        for step in &life.steps {
            prop_assert_eq!(&plan.log, &model.log);
            prop_assert_eq!(plan.plan.is_down(), model.down);
            if model.down {
                break;
            }
            prop_assert_eq!(plan.which(), model.which());
            plan.step(step);
            model.step(step);
        }
        prop_assert_eq!(&plan.log, &model.log);
    }

    #[test]
    fn backoff_and_tries_bend_no_promise(life in lives(backoffs(), proptest::option::of(1..4_u32))) {
        let mut world = World::new(&life);
        world.drive();
        for step in &life.steps {
            if !world.plan.is_down() {
                world.step(step);
            }
        }
        if !world.plan.is_down() {
            world.step(&Step::Stop);
        }
        prop_assert!(world.up.is_empty(), "orphans: {:?}", world.up);
    }

    #[test]
    fn a_window_admits_exactly_what_fits(
        restarts in 0..4_u32,
        period in 1..30_u64,
        gaps in proptest::collection::vec(0..20_u64, 0..40),
    ) {
        let mut window = Window::new(Intensity { restarts, period: Duration::from_nanos(period) });
        let mut all: Vec<u64> = Vec::new();
        for gap in gaps {
            let now = all.last().copied().unwrap_or(0) + gap;
            all.push(now);
            let recent = all.iter().filter(|then| now - **then <= period).count();
            let expect = if recent > restarts as usize { Admission::Exceeded } else { Admission::Admitted };
            prop_assert_eq!(window.admit(Time::from_nanos(now)), expect);
            if expect == Admission::Exceeded {
                break;
            }
        }
    }
}
