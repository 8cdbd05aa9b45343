//! How many workers a pool should have: queue length and time in, grow or shrink out. `[pure]`

use ravelin_core::Time;
use std::time::Duration;

/// When a pool gets more workers, and when fewer.
///
/// It grows when more than `grow_above` jobs wait for each worker, and shrinks when fewer than `shrink_below` do; what
/// is in between is well, so that it does not swing. After a change it waits for `cool_down`. It never leaves the
/// bounds, and is back in them at once when it finds itself outside.
///
/// ```
/// use ravelin_supervisor::pool::Autoscale;
/// let scale = Autoscale { grow_above: 8, ..Autoscale::between(2, 16) };
/// assert_eq!(scale.check(), Ok(()));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Autoscale {
    /// The fewest workers. 1 at least.
    pub min: usize,
    /// The most workers.
    pub max: usize,
    /// More jobs than this wait for each worker: grow. 4 if nothing is said.
    pub grow_above: u32,
    /// Fewer jobs than this wait for each worker: shrink. Less than `grow_above`; 1 if nothing is said, so it shrinks
    /// when some workers have nothing that waits.
    pub shrink_below: u32,
    /// How many workers come or go at a time. 1 if nothing is said.
    pub step: usize,
    /// How long it leaves the pool alone after a change. 1 s if nothing is said.
    pub cool_down: Duration,
    /// How often it looks. 100 ms if nothing is said.
    pub every: Duration,
}

/// What to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Scaling {
    /// So many workers more.
    Grow(usize),
    /// So many workers fewer.
    Shrink(usize),
    /// Nothing.
    Stay,
}

impl Autoscale {
    /// From `min` to `max` workers.
    pub const fn between(min: usize, max: usize) -> Autoscale {
        Autoscale {
            min,
            max,
            grow_above: 4,
            shrink_below: 1,
            step: 1,
            cool_down: Duration::from_secs(1),
            every: Duration::from_millis(100),
        }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// The field, its value and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        let refuse = |field, value: String, why| Err((field, value, why));
        if self.min == 0 {
            return refuse("autoscale.min", "0".into(), "a pool without workers does nothing");
        }
        if self.max < self.min {
            return refuse("autoscale.max", self.max.to_string(), "it is less than the min");
        }
        if self.shrink_below >= self.grow_above {
            let why = "it is not less than grow_above, so the pool would swing";
            return refuse("autoscale.shrink_below", self.shrink_below.to_string(), why);
        }
        if self.step == 0 {
            return refuse("autoscale.step", "0".into(), "it would never change anything");
        }
        if self.every == Duration::ZERO {
            return refuse("autoscale.every", "0s".into(), "it would do nothing else than look");
        }
        Ok(())
    }
}

/// Decides, and remembers when it last did something.
#[derive(Clone, Debug)]
pub struct Scaler {
    config: Autoscale,
    changed_at: Option<Time>,
}

impl Scaler {
    /// One that has not done anything yet.
    pub fn new(config: Autoscale) -> Scaler {
        Scaler { config, changed_at: None }
    }

    /// What to do at `now` with so many workers, while so many jobs wait. What it says counts as done.
    pub fn decide(&mut self, now: Time, workers: usize, waiting: u64) -> Scaling {
        let Autoscale { min, max, grow_above, shrink_below, step, cool_down, every: _ } = self.config;
        let is_cooling = self.changed_at.is_some_and(|then| now - then < cool_down);
        let each = |per_worker: u32| u64::from(per_worker) * workers as u64;
        let scaling = if workers < min {
            Scaling::Grow(min - workers)
        } else if workers > max {
            Scaling::Shrink(workers - max)
        } else if is_cooling {
            Scaling::Stay
        } else if waiting > each(grow_above) && workers < max {
            Scaling::Grow(step.min(max - workers))
        } else if waiting < each(shrink_below) && workers > min {
            Scaling::Shrink(step.min(workers - min))
        } else {
            Scaling::Stay
        };
        if scaling != Scaling::Stay {
            self.changed_at = Some(now);
        }
        scaling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: milliseconds, workers, waiting jobs; and what is decided.
    #[track_caller]
    fn check(config: Autoscale, rows: &[(u64, usize, u64, &str)]) {
        let mut scaler = Scaler::new(config);
        for (ms, workers, waiting, expect) in rows {
            let got = match scaler.decide(Time::EPOCH + Duration::from_millis(*ms), *workers, *waiting) {
                Scaling::Grow(n) => format!("+{n}"),
                Scaling::Shrink(n) => format!("-{n}"),
                Scaling::Stay => "=".to_owned(),
            };
            assert_eq!(got, *expect, "at {ms} ms with {workers} workers and {waiting} jobs");
        }
    }

    #[test]
    fn it_grows_above_shrinks_below_and_leaves_alone_what_is_between() {
        let config = Autoscale { cool_down: Duration::ZERO, ..Autoscale::between(1, 4) };
        check(config, &[(0, 2, 8, "="), (0, 2, 9, "+1"), (0, 2, 2, "="), (0, 2, 1, "-1"), (0, 2, 0, "-1")]);
    }

    #[test]
    fn it_stops_at_its_bounds_and_comes_back_to_them_at_once() {
        let config = Autoscale { step: 3, ..Autoscale::between(2, 4) };
        check(
            config,
            &[(0, 3, 99, "+1"), (1, 4, 99, "="), (2, 1, 0, "+1"), (3, 6, 99, "-2"), (5000, 2, 0, "=")],
        );
    }

    #[test]
    fn after_a_change_it_cools_down() {
        check(
            Autoscale::between(1, 9),
            &[
                (0, 1, 99, "+1"),
                (999, 2, 99, "="),
                (1000, 2, 99, "+1"),
                (1500, 3, 0, "="),
                (2000, 3, 0, "-1"),
            ],
        );
    }

    #[test]
    fn a_faulty_one_is_refused() {
        let base = Autoscale::between(1, 2);
        for (config, field) in [
            (Autoscale::between(0, 2), "autoscale.min"),
            (Autoscale::between(3, 2), "autoscale.max"),
            (Autoscale { shrink_below: 4, ..base }, "autoscale.shrink_below"),
            (Autoscale { step: 0, ..base }, "autoscale.step"),
            (Autoscale { every: Duration::ZERO, ..base }, "autoscale.every"),
        ] {
            assert_eq!(config.check().map_err(|(field, ..)| field), Err(field));
        }
    }
}
