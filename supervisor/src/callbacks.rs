//! Functions of the user's that a supervisor calls at the turns of a child's life: bastion's callbacks.

use ravelin_core::{Exit, Pid};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a callback is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Occasion {
    /// The child's id.
    pub id: Arc<str>,
    /// The supervisor.
    pub supervisor: Pid,
    /// The child's incarnation; `None` before a start.
    pub pid: Option<Pid>,
    /// The reason of its end after a stop, or of its failure to start.
    pub exit: Option<Exit>,
}

type Callback = Arc<dyn Fn(&Occasion) + Send + Sync>;

/// When a callback is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    BeforeStart,
    AfterStart,
    BeforeRestart,
    AfterRestart,
    AfterFailure,
    AfterStop,
}

/// A child's callbacks.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    called: Vec<(Turn, Callback)>,
}

impl Callbacks {
    pub(crate) fn add(&mut self, turn: Turn, callback: impl Fn(&Occasion) + Send + Sync + 'static) {
        self.called.push((turn, Arc::new(callback)));
    }

    /// Calls those for this turn, in the order in which they were given. A panic in one is reported, and nothing else.
    pub(crate) fn call(&self, turn: Turn, occasion: impl FnOnce() -> Occasion) {
        if !self.called.iter().any(|(when, _)| *when == turn) {
            return;
        }
        let occasion = occasion();
        for (_, callback) in self.called.iter().filter(|(when, _)| *when == turn) {
            if catch_unwind(AssertUnwindSafe(|| callback(&occasion))).is_err() {
                tracing::error!(target: "ravelin", child = &*occasion.id, ?turn, "ravelin.callback_panicked");
            }
        }
    }
}

impl PartialEq for Callbacks {
    /// The same functions.
    fn eq(&self, other: &Callbacks) -> bool {
        self.called.len() == other.called.len()
            && self.called.iter().zip(&other.called).all(|(a, b)| a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1))
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.called.iter().map(|(turn, _)| turn)).finish()
    }
}
