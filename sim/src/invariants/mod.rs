//! The promises of the framework that can be seen from outside, each a rule of its own: a small pure value that is fed
//! with what happens and says when it must not have. All of them watch every run.

mod bounded;
mod calls;
mod control;
mod line;
mod lives;
mod monitors;
mod names;
mod order;
mod orphans;
mod overlap;

use crate::log::NodeId;
use ravelin_core::{Pid, Seen, Time};
use std::collections::BTreeSet;

/// A system of the present incarnation of a node.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Home {
    pub(crate) node: NodeId,
    pub(crate) system: u32,
}

/// An incarnation of an actor.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Who {
    pub(crate) home: Home,
    pub(crate) pid: Pid,
}

/// A moment at which nobody is ready: all that can happen without a timer has happened.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    /// Nodes on which nothing runs just now, or somebody does not, so that nothing is at rest there.
    pub(crate) stalled: BTreeSet<NodeId>,
}

/// A promise that is watched. It says `Err` when it is broken, with what has happened.
pub(crate) trait Rule: Send {
    /// What is promised.
    fn name(&self) -> &'static str;

    /// Something has happened to an actor.
    fn see(&mut self, now: Time, who: Who, seen: &Seen<'_>) -> Result<(), String>;

    /// Nobody is ready.
    fn rest(&mut self, rest: &Rest) -> Result<(), String> {
        let _ = rest;
        Ok(())
    }

    /// A node lost all that it had.
    fn forget(&mut self, node: NodeId);
}

/// All rules of one run.
pub(crate) struct Rules(Vec<Box<dyn Rule>>);

/// The first rule that is broken: its name, and what has happened.
pub(crate) type Broken = Result<(), (&'static str, String)>;

impl Rules {
    /// Those that hold for every program, but for these.
    pub(crate) fn all_but(left_out: &[String]) -> Rules {
        let all: Vec<Box<dyn Rule>> = vec![
            Box::new(lives::Lives::default()),
            Box::new(overlap::Overlap::default()),
            Box::new(orphans::Orphans::default()),
            Box::new(names::Names),
            Box::new(order::Order::default()),
            Box::new(bounded::Bounded::default()),
            Box::new(control::Control::default()),
            Box::new(calls::Calls::default()),
            Box::new(monitors::Monitors::default()),
        ];
        let is_meant = |rule: &Box<dyn Rule>| !left_out.iter().any(|name| name == rule.name());
        Rules(all.into_iter().filter(is_meant).collect())
    }

    pub(crate) fn see(&mut self, now: Time, who: Who, seen: &Seen<'_>) -> Broken {
        let mut each = self.0.iter_mut();
        each.try_for_each(|rule| rule.see(now, who, seen).map_err(|what| (rule.name(), what)))
    }

    pub(crate) fn rest(&mut self, rest: &Rest) -> Broken {
        let mut each = self.0.iter_mut();
        each.try_for_each(|rule| rule.rest(rest).map_err(|what| (rule.name(), what)))
    }

    pub(crate) fn forget(&mut self, node: NodeId) {
        self.0.iter_mut().for_each(|rule| rule.forget(node));
    }
}

#[cfg(test)]
mod tests;
