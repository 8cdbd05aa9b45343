//! Whether flags and policies make sense, told before anything starts. `[pure]`
//!
//! Each refusal names the field, its value and the reason. The rules are OTP's (`check_flags`, `check_childspec`) as
//! far as the types leave anything to check, and a few for what OTP does not have. A plan runs these checks itself.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ravelin_core::Exit;

use crate::backoff::Backoff;
use crate::policy::{AutoShutdown, ChildPolicy, DynamicFlags, Flags, Intensity, Restart, Shutdown};

/// A faulty flag or spec. Nothing was started and nothing was stored.
///
/// ```
/// use ravelin_supervisor::policy::{AutoShutdown, ChildPolicy};
/// let policy = ChildPolicy { significant: true, ..ChildPolicy::worker() };
/// let refused = policy.check("db", AutoShutdown::AnySignificant).unwrap_err();
/// assert_eq!(refused.to_string(), "child \"db\": significant = true: a permanent child has no final end");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpecError {
    /// The child whose spec is faulty; None for a flag.
    pub child: Option<Arc<str>>,
    /// The field.
    pub field: &'static str,
    /// Its value, as text.
    pub value: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl SpecError {
    /// A refusal of `value` in `field` of a supervisor's flags.
    pub fn flag(field: &'static str, value: impl fmt::Display, why: &'static str) -> SpecError {
        SpecError { child: None, field, value: value.to_string(), why }
    }

    /// A refusal of `value` in `field` of the spec of `child`.
    pub fn child(child: &str, field: &'static str, value: impl fmt::Display, why: &'static str) -> SpecError {
        SpecError { child: Some(child.into()), ..SpecError::flag(field, value, why) }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SpecError { child, field, value, why } = self;
        if let Some(child) = child {
            write!(f, "child {child:?}: ")?;
        }
        write!(f, "{field} = {value}: {why}")
    }
}

impl Error for SpecError {}

impl From<SpecError> for Exit {
    fn from(error: SpecError) -> Exit {
        Exit::invalid_spec(error)
    }
}

impl Flags {
    /// Refuses a period that is zero or endless. OTP: `check_flags`.
    pub fn check(&self) -> Result<(), SpecError> {
        self.intensity.check()
    }
}

impl DynamicFlags {
    /// Refuses a period that is zero or endless. OTP: `check_flags`.
    pub fn check(&self) -> Result<(), SpecError> {
        self.intensity.check()
    }
}

impl Intensity {
    /// Refuses a period that is zero or endless.
    pub fn check(&self) -> Result<(), SpecError> {
        match self.period {
            Duration::ZERO => Err(SpecError::flag("period", "0s", "no restart would ever count")),
            Duration::MAX => Err(SpecError::flag("period", "Duration::MAX", "a period must end")),
            _ => Ok(()),
        }
    }
}

impl ChildPolicy {
    /// Refuses what makes no sense for the child `id` of a supervisor with this `auto_shutdown`. OTP:
    /// `check_childspec`.
    pub fn check(&self, id: &str, auto_shutdown: AutoShutdown) -> Result<(), SpecError> {
        let refuse = |field, value: &dyn fmt::Display, why| Err(SpecError::child(id, field, value, why));
        if id.is_empty() {
            return refuse("id", &"\"\"", "a child needs a name");
        }
        match (self.significant, auto_shutdown, self.restart) {
            (true, AutoShutdown::Never, Restart::Permanent | Restart::Temporary | Restart::Transient) => {
                return refuse("significant", &true, "the supervisor's auto_shutdown is never");
            }
            (true, AutoShutdown::AllSignificant | AutoShutdown::AnySignificant, Restart::Permanent) => {
                return refuse("significant", &true, "a permanent child has no final end");
            }
            (
                true,
                AutoShutdown::AllSignificant | AutoShutdown::AnySignificant,
                Restart::Temporary | Restart::Transient,
            ) => (),
            (false, _, _) => (),
        }
        match self.shutdown {
            Shutdown::Timeout(Duration::ZERO) => {
                return refuse("shutdown", &"0s", "use brutal_kill to give a child no time");
            }
            Shutdown::Timeout(_) | Shutdown::BrutalKill | Shutdown::Infinity => (),
        }
        if self.tries == Some(0) {
            return refuse("tries", &0, "use temporary for a child that is never restarted");
        }
        self.backoff.check(id)
    }
}

impl Backoff {
    /// Refuses a curve that cannot be meant, in the spec of the child `id`.
    pub fn check(&self, id: &str) -> Result<(), SpecError> {
        let (field, first, cap, jitter) = match *self {
            Backoff::Immediate => return Ok(()),
            Backoff::Linear { step, cap, jitter } => ("backoff.step", step, cap, jitter),
            Backoff::Exponential { first, cap, factor, jitter } => {
                if factor == 0 {
                    return Err(SpecError::child(id, "backoff.factor", 0, "every later delay would be zero"));
                }
                ("backoff.first", first, cap, jitter)
            }
        };
        if first.is_zero() {
            return Err(SpecError::child(id, field, "0s", "use immediate for no delay"));
        }
        if first > cap {
            return Err(SpecError::child(id, field, format_args!("{first:?}"), "it is longer than the cap"));
        }
        if !(0.0..=1.0).contains(&jitter) {
            return Err(SpecError::child(id, "backoff.jitter", jitter, "it is not a fraction from 0 to 1"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const OK: &str = "ok";

    #[track_caller]
    fn check(result: Result<(), SpecError>, expect: &str) {
        assert_eq!(result.map_or_else(|e| e.to_string(), |()| OK.to_string()), expect);
    }

    #[test]
    fn flags_name_the_faulty_value() {
        let with = |period| Flags { intensity: Intensity { restarts: 0, period }, ..Flags::default() };
        check(Flags::default().check(), OK);
        check(with(Duration::from_nanos(1)).check(), OK);
        check(with(Duration::ZERO).check(), "period = 0s: no restart would ever count");
        check(with(Duration::MAX).check(), "period = Duration::MAX: a period must end");
        let dynamic = DynamicFlags { intensity: with(Duration::ZERO).intensity, ..DynamicFlags::default() };
        check(dynamic.check(), "period = 0s: no restart would ever count");
    }

    #[test]
    fn significant_needs_a_final_end_and_an_auto_shutdown() {
        const NEVER: &str = "child \"a\": significant = true: the supervisor's auto_shutdown is never";
        const PERMANENT: &str = "child \"a\": significant = true: a permanent child has no final end";
        for (significant, auto_shutdown, restart, expect) in [
            (true, AutoShutdown::Never, Restart::Permanent, NEVER),
            (true, AutoShutdown::Never, Restart::Transient, NEVER),
            (true, AutoShutdown::Never, Restart::Temporary, NEVER),
            (true, AutoShutdown::AnySignificant, Restart::Permanent, PERMANENT),
            (true, AutoShutdown::AllSignificant, Restart::Permanent, PERMANENT),
            (true, AutoShutdown::AnySignificant, Restart::Transient, OK),
            (true, AutoShutdown::AllSignificant, Restart::Temporary, OK),
            (false, AutoShutdown::Never, Restart::Permanent, OK),
            (false, AutoShutdown::AllSignificant, Restart::Permanent, OK),
        ] {
            check(
                ChildPolicy { significant, restart, ..ChildPolicy::worker() }.check("a", auto_shutdown),
                expect,
            );
        }
    }

    #[test]
    fn child_policies_name_the_faulty_value() {
        let base = ChildPolicy::worker();
        let backoff = |backoff| ChildPolicy { backoff, ..base };
        let curve = Backoff::exponential(SECOND, SECOND);
        for (policy, expect) in [
            (base, OK),
            (ChildPolicy::supervisor(), OK),
            (ChildPolicy { tries: Some(1), ..base }, OK),
            (ChildPolicy { shutdown: Shutdown::Infinity, ..base }, OK),
            (backoff(curve.jitter(1.0)), OK),
            (
                ChildPolicy { shutdown: Shutdown::Timeout(Duration::ZERO), ..base },
                "child \"a\": shutdown = 0s: use brutal_kill to give a child no time",
            ),
            (
                ChildPolicy { tries: Some(0), ..base },
                "child \"a\": tries = 0: use temporary for a child that is never restarted",
            ),
            (
                backoff(Backoff::exponential(SECOND * 2, SECOND)),
                "child \"a\": backoff.first = 2s: it is longer than the cap",
            ),
            (
                backoff(Backoff::linear(SECOND * 2, SECOND)),
                "child \"a\": backoff.step = 2s: it is longer than the cap",
            ),
            (
                backoff(Backoff::exponential(Duration::ZERO, SECOND)),
                "child \"a\": backoff.first = 0s: use immediate for no delay",
            ),
            (backoff(curve.factor(0)), "child \"a\": backoff.factor = 0: every later delay would be zero"),
            (
                backoff(curve.jitter(f64::NAN)),
                "child \"a\": backoff.jitter = NaN: it is not a fraction from 0 to 1",
            ),
            (
                backoff(curve.jitter(-0.5)),
                "child \"a\": backoff.jitter = -0.5: it is not a fraction from 0 to 1",
            ),
            (
                backoff(curve.jitter(1.5)),
                "child \"a\": backoff.jitter = 1.5: it is not a fraction from 0 to 1",
            ),
        ] {
            check(policy.check("a", AutoShutdown::Never), expect);
        }
        check(base.check("", AutoShutdown::Never), "child \"\": id = \"\": a child needs a name");
    }

    #[test]
    fn a_refusal_is_an_exit_reason() {
        let error = SpecError::flag("period", "0s", "no restart would ever count");
        assert_eq!(Exit::from(error).to_string(), "invalid spec: period = 0s: no restart would ever count");
    }
}
