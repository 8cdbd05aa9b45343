//! What a supervisor is told: flags and child policies, as values. `[pure]`
//!
//! The words, the values and the defaults are those of OTP's `supervisor` (flags and child specification);
//! [`Backoff`] and `tries` are ravelin's own and off by default. All of it is plain data: comparable, printable in
//! OTP's words, and checked before anything starts (see `check`).

use std::fmt;
use std::time::Duration;

use crate::backoff::Backoff;

/// Who is restarted when one child is. OTP's `strategy`.
///
/// OTP's fourth, `simple_one_for_one`, is a supervisor of its own here: [`DynamicFlags`].
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Strategy {
    /// All children are stopped, newest first, then all are started in order.
    OneForAll,
    /// Only the child that ended.
    #[default]
    OneForOne,
    /// The children started after it are stopped, newest first, then it and those are started in order.
    RestForOne,
}

/// After which ends a child is restarted. OTP's `restart`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Restart {
    /// After every end.
    #[default]
    Permanent,
    /// Never, and its spec goes with it; also when it was stopped for a sibling's restart.
    Temporary,
    /// After an abnormal end: any but `normal`, `shutdown` and `{shutdown, _}`.
    Transient,
}

/// How a child is stopped. OTP's `shutdown`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Shutdown {
    /// By a kill, at once.
    BrutalKill,
    /// By an order, and waited for without limit. The default for supervisors.
    Infinity,
    /// By an order, and by a kill when it has not ended by then. The default for workers, with 5 s.
    Timeout(Duration),
}

/// Whether the end of significant children ends the supervisor. OTP's `auto_shutdown`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum AutoShutdown {
    /// Yes, that of the last one that ran or was being restarted.
    AllSignificant,
    /// Yes, that of any one.
    AnySignificant,
    /// No; significant children are refused.
    #[default]
    Never,
}

/// What a child is. OTP's `type`; it decides a default ([`Shutdown`]) and what is counted, nothing else.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ChildKind {
    /// A supervisor.
    Supervisor,
    /// Anything else.
    #[default]
    Worker,
}

/// How many restarts within how long a supervisor bears; one more and it shuts down. OTP's `intensity` and `period`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Intensity {
    /// The most restarts within a period. 0: the first restart ends the supervisor.
    pub restarts: u32,
    /// How long a restart counts.
    pub period: Duration,
}

impl Default for Intensity {
    /// OTP's: 1 restart in 5 s.
    fn default() -> Intensity {
        Intensity { restarts: 1, period: Duration::from_secs(5) }
    }
}

/// The flags of a supervisor with a fixed order of children. OTP's `sup_flags`, with its defaults.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Flags {
    /// Who is restarted when one child is.
    pub strategy: Strategy,
    /// How many restarts are borne.
    pub intensity: Intensity,
    /// Whether the end of significant children ends the supervisor.
    pub auto_shutdown: AutoShutdown,
}

/// The flags of a dynamic supervisor: OTP's `simple_one_for_one`, with the limit of Elixir's `DynamicSupervisor`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct DynamicFlags {
    /// How many restarts are borne, of all children together.
    pub intensity: Intensity,
    /// Whether the end of significant children ends the supervisor.
    pub auto_shutdown: AutoShutdown,
    /// The most children at a time, those being restarted included. None: no limit.
    pub max_children: Option<usize>,
}

/// What a plan needs to know of a child: OTP's `child_spec` without `id` and `start`.
///
/// ```
/// use ravelin_supervisor::policy::{ChildPolicy, Restart};
/// let policy = ChildPolicy { restart: Restart::Transient, ..ChildPolicy::worker() };
/// assert_eq!(policy.to_string(), "restart=transient shutdown=5s type=worker significant=false");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChildPolicy {
    /// After which ends it is restarted.
    pub restart: Restart,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// What it is.
    pub kind: ChildKind,
    /// Whether its final end counts for [`AutoShutdown`].
    pub significant: bool,
    /// How long to wait before an automatic restart. Ours; without effect on a temporary child.
    ///
    /// The attempts of a row count up, and a failed start is one of them. The row ends when the child has been up
    /// for longer than the larger of the curve's cap and the supervisor's intensity period.
    pub backoff: Backoff,
    /// The most automatic restarts over the child's life; after that its end is final: the spec stays, without a
    /// process, and it is reported. Ours; without effect on a temporary child. None: no limit but the intensity.
    ///
    /// A life begins when the spec is added or restarted by hand. Only restarts that this child caused count: its
    /// own ends and its own failed starts, not those of siblings. A sibling's group restart starts it again, as it
    /// does any child that is down.
    pub tries: Option<u32>,
}

impl ChildPolicy {
    /// OTP's defaults for a worker: permanent, 5 s to shut down, not significant.
    pub const fn worker() -> ChildPolicy {
        ChildPolicy {
            restart: Restart::Permanent,
            shutdown: Shutdown::Timeout(Duration::from_secs(5)),
            kind: ChildKind::Worker,
            significant: false,
            backoff: Backoff::Immediate,
            tries: None,
        }
    }

    /// OTP's defaults for a supervisor: permanent, any time to shut down, not significant.
    pub const fn supervisor() -> ChildPolicy {
        ChildPolicy { shutdown: Shutdown::Infinity, kind: ChildKind::Supervisor, ..ChildPolicy::worker() }
    }
}

impl Default for ChildPolicy {
    fn default() -> ChildPolicy {
        ChildPolicy::worker()
    }
}

impl AsRef<ChildPolicy> for ChildPolicy {
    fn as_ref(&self) -> &ChildPolicy {
        self
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Strategy::OneForAll => "one_for_all",
            Strategy::OneForOne => "one_for_one",
            Strategy::RestForOne => "rest_for_one",
        })
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Restart::Permanent => "permanent",
            Restart::Temporary => "temporary",
            Restart::Transient => "transient",
        })
    }
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shutdown::BrutalKill => f.write_str("brutal_kill"),
            Shutdown::Infinity => f.write_str("infinity"),
            Shutdown::Timeout(limit) => write!(f, "{limit:?}"),
        }
    }
}

impl fmt::Display for AutoShutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AutoShutdown::AllSignificant => "all_significant",
            AutoShutdown::AnySignificant => "any_significant",
            AutoShutdown::Never => "never",
        })
    }
}

impl fmt::Display for ChildKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChildKind::Supervisor => "supervisor",
            ChildKind::Worker => "worker",
        })
    }
}

impl fmt::Display for Intensity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.restarts, self.period)
    }
}

impl fmt::Display for ChildPolicy {
    /// OTP's fields in the order of `get_childspec`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChildPolicy { restart, shutdown, kind, significant, backoff: _, tries: _ } = self;
        write!(f, "restart={restart} shutdown={shutdown} type={kind} significant={significant}")
    }
}
