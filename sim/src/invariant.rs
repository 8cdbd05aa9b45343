//! What must hold in every run, as values.

use crate::invariants::Rules;
use crate::log::Name;
use ravelin_core::{System, Time};
use std::fmt;
use std::sync::Arc;

/// What can be seen of a run at a quiet moment, when nothing is ready.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Quiet {
    /// The virtual time.
    pub now: Time,
    /// The nodes that are up, oldest first, with their systems.
    pub nodes: Vec<(Name, System)>,
}

/// Something that must hold whenever nothing is ready, and at the end of a run.
///
/// ```
/// use ravelin_sim::{Invariant, Quiet};
/// struct FewActors;
/// impl Invariant for FewActors {
///     fn name(&self) -> &str { "few actors" }
///     fn check(&self, quiet: &Quiet) -> Result<(), String> {
///         let living: usize = quiet.nodes.iter().map(|(_, system)| system.len()).sum();
///         if living < 1000 { Ok(()) } else { Err(format!("{living} live")) }
///     }
/// }
/// ```
pub trait Invariant: Send + Sync + 'static {
    /// What it is called, in reports.
    fn name(&self) -> &str;

    /// Looks.
    ///
    /// # Errors
    /// It does not hold, and this is why.
    fn check(&self, quiet: &Quiet) -> Result<(), String>;
}

/// An invariant that is a function.
pub(crate) struct Holds<F> {
    pub(crate) name: String,
    pub(crate) check: F,
}

impl<F: Fn(&Quiet) -> Result<(), String> + Send + Sync + 'static> Invariant for Holds<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self, quiet: &Quiet) -> Result<(), String> {
        (self.check)(quiet)
    }
}

/// Every message that was accepted has exactly one fate.
struct Ledgers;

impl Invariant for Ledgers {
    fn name(&self) -> &str {
        "every message has one fate"
    }

    fn check(&self, quiet: &Quiet) -> Result<(), String> {
        for (node, system) in &quiet.nodes {
            let ledger = system.ledger();
            if !ledger.is_balanced() {
                return Err(format!("on node `{node}`: {ledger:?}"));
            }
        }
        Ok(())
    }
}

/// Some invariants; cheap to clone.
#[derive(Clone)]
pub(crate) struct Invariants {
    all: Vec<Arc<dyn Invariant>>,
    /// Names of those that shall not be looked at.
    left_out: Vec<String>,
}

impl Invariants {
    /// Those that hold for every program.
    pub(crate) fn usual() -> Invariants {
        Invariants { all: vec![Arc::new(Ledgers)], left_out: Vec::new() }
    }

    /// Leaves out those of this name.
    pub(crate) fn leave_out(&mut self, name: &str) {
        self.all.retain(|each| each.name() != name);
        self.left_out.push(name.to_owned());
    }

    /// The rules of a run.
    pub(crate) fn rules(&self) -> Rules {
        Rules::all_but(&self.left_out)
    }

    pub(crate) fn add(&mut self, invariant: impl Invariant) {
        self.all.push(Arc::new(invariant));
    }

    /// The first that does not hold: its name, and why.
    pub(crate) fn broken(&self, quiet: &Quiet) -> Option<(String, String)> {
        self.all.iter().find_map(|each| each.check(quiet).err().map(|why| (each.name().to_owned(), why)))
    }
}

impl fmt::Debug for Invariants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|each| each.name())).finish()
    }
}
