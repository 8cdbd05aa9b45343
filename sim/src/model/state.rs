//! [pure] What one supervisor may be doing: a guess that what was seen bears out so far.

use super::event::{Answer, Beginning, Id, Request};
use ravelin_core::{Exit, Time};
use ravelin_supervisor::Backoff;
use ravelin_supervisor::policy::ChildPolicy;
use std::time::Duration;

/// How late a supervisor that has nothing else to do may act, and be seen to: turns take virtual time too.
pub(crate) const SLACK: Duration = Duration::from_millis(1);

/// A stretch of time, in which something happened.
pub(crate) type Between = (Time, Time);

/// What a child is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Doing {
    Nothing,
    Up(u32),
    /// Waits for its restart. `ticket`: which delayed wait it is; 0: not delayed. `counted`: in the window already.
    Waits {
        ticket: u32,
        counted: bool,
    },
}

/// A child, as its supervisor sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: Id,
    /// Tells rows of the same id apart.
    pub(crate) uid: u32,
    pub(crate) policy: ChildPolicy,
    pub(crate) doing: Doing,
    /// The incarnation that is up, or that was before the restart that is awaited.
    pub(crate) last: Option<u32>,
    pub(crate) up_since: Option<Time>,
    /// How many restarts its row has, at least and at most.
    pub(crate) row: (u32, u32),
    pub(crate) tried: u32,
}

/// Something in the mailbox.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    pub(crate) what: Noticed,
    /// When it came.
    pub(crate) at: Between,
    /// Its place in the order of arrival, at least and at most.
    pub(crate) place: (usize, usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Noticed {
    Exit { id: Id, n: u32, is_normal: bool },
    Retry { uid: u32, ticket: u32 },
    Request(u64, Request),
}

/// Why children are started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cause {
    Boot,
    Request { number: u64, is_new: bool },
    Restart,
}

/// What comes after children were stopped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Then {
    Answer(u64),
    End(Exit),
    /// These are started.
    Start(Vec<u32>),
    /// This one waits so long for its restart.
    Wait(u32, (Duration, Duration)),
}

/// What the supervisor is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mode {
    /// The first of them is begun, or to be begun.
    Starting {
        left: Vec<u32>,
        begun: Option<u32>,
        cause: Cause,
    },
    Idle,
    /// The first of them is being stopped.
    Stopping {
        left: Vec<u32>,
        then: Then,
    },
    /// All at once.
    StoppingAll {
        reason: Exit,
    },
    /// Killed: its children end, newest first. `loose`: those that it was starting or stopping, which may be ahead.
    Dying {
        loose: Vec<(Id, u32)>,
    },
    Over(Exit),
}

/// A guess.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) rows: Vec<Row>,
    pub(crate) uids: u32,
    pub(crate) tickets: u32,
    /// The number of the event that is being looked at.
    pub(crate) place: usize,
    pub(crate) mode: Mode,
    /// Since when it is in this mode, or at this child.
    pub(crate) since: Time,
    /// The same, at the earliest: when it was told to end is not seen.
    pub(crate) since_least: Time,
    /// While something is handled: when that is, at the earliest.
    pub(crate) floor: Option<Time>,
    /// When the last event was.
    pub(crate) seen_at: Time,
    pub(crate) inbox: Vec<Notice>,
    pub(crate) window: Vec<Between>,
    /// Incarnations that are gone, whether or not it has noticed.
    pub(crate) gone: Vec<(Id, u32)>,
    /// Child supervisors that may be gone.
    pub(crate) fading: Vec<super::event::End>,
    /// Answers that are on their way.
    pub(crate) owed: Vec<(u64, Answer)>,
    /// Whether it ends because somebody told it to, and the first event that shows it.
    pub(crate) is_ordered: bool,
    pub(crate) order_shows: Option<usize>,
}

impl State {
    pub(crate) fn new(beginning: &Beginning, at: Time) -> State {
        let mut state = State {
            rows: Vec::new(),
            uids: 0,
            tickets: 0,
            place: 0,
            mode: Mode::Idle,
            since: at,
            since_least: at,
            floor: None,
            seen_at: at,
            inbox: Vec::new(),
            window: Vec::new(),
            gone: Vec::new(),
            fading: Vec::new(),
            owed: Vec::new(),
            is_ordered: false,
            order_shows: None,
        };
        for (id, policy) in &beginning.children {
            state.add(id.clone(), *policy);
        }
        state.mode = Mode::Starting { left: state.uids_from(0), begun: None, cause: Cause::Boot };
        state
    }

    pub(crate) fn add(&mut self, id: Id, policy: ChildPolicy) -> u32 {
        self.uids += 1;
        let (doing, uid) = (Doing::Nothing, self.uids);
        self.rows.push(Row { id, uid, policy, doing, last: None, up_since: None, row: (0, 0), tried: 0 });
        uid
    }

    pub(crate) fn at(&self, uid: u32) -> Option<usize> {
        self.rows.iter().position(|row| row.uid == uid)
    }

    pub(crate) fn named(&self, id: &str) -> Option<usize> {
        self.rows.iter().position(|row| *row.id == *id)
    }

    /// The children from the one at this index on, in start order.
    pub(crate) fn uids_from(&self, at: usize) -> Vec<u32> {
        self.rows[at..].iter().map(|row| row.uid).collect()
    }

    pub(crate) fn is_gone(&self, id: &str, n: u32) -> bool {
        self.gone.iter().any(|(other, m)| **other == *id && *m == n)
    }

    /// Those that are being started or stopped just now.
    pub(crate) fn in_hand(&self) -> Vec<(Id, u32)> {
        let known = |uid: &u32| self.at(*uid).map(|i| &self.rows[i]);
        match &self.mode {
            Mode::Starting { left, begun: Some(n), .. } => {
                left.first().and_then(known).map(|row| (row.id.clone(), *n)).into_iter().collect()
            }
            Mode::Stopping { left, .. } => match left.first().and_then(known) {
                Some(Row { id, doing: Doing::Up(n), .. }) => vec![(id.clone(), *n)],
                Some(_) | None => Vec::new(),
            },
            Mode::StoppingAll { .. } => self.running(),
            Mode::Starting { .. } | Mode::Idle | Mode::Dying { .. } | Mode::Over(_) => Vec::new(),
        }
    }

    /// Those that run, in start order.
    pub(crate) fn running(&self) -> Vec<(Id, u32)> {
        let up = self.rows.iter().filter_map(|row| match row.doing {
            Doing::Up(n) if !self.is_gone(&row.id, n) => Some((row.id.clone(), n)),
            Doing::Up(_) | Doing::Nothing | Doing::Waits { .. } => None,
        });
        up.collect()
    }
}

/// The shortest and the longest that a child may wait for its next restart.
pub(crate) fn delay(curve: Backoff, row: (u32, u32)) -> (Duration, Duration) {
    let nth = |n: u32| match curve {
        Backoff::Immediate => Duration::ZERO,
        Backoff::Linear { step, cap, .. } => step.saturating_mul(n.saturating_add(1)).min(cap),
        Backoff::Exponential { first, cap, factor, .. } => {
            (0..n.min(64)).fold(first, |delay, _| delay.saturating_mul(factor)).min(cap)
        }
    };
    let jitter = match curve {
        Backoff::Immediate => 0.0,
        Backoff::Linear { jitter, .. } | Backoff::Exponential { jitter, .. } => jitter,
    };
    (nth(row.0).mul_f64((1.0 - jitter).clamp(0.0, 1.0)), nth(row.1))
}
