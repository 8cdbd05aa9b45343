//! [pure] A call always ends: within its time limit, and when its callee has ended.
//!
//! A call that was begun and is not polled any more can not end: it counts as one that does not.

use super::{Rest, Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Pid, Seen, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// How much later than its time limit a call may end.
const SLACK: Duration = Duration::from_millis(10);

#[derive(Default)]
pub(super) struct Calls {
    open: BTreeMap<(NodeId, u64), Open>,
}

/// A call that somebody waits for.
struct Open {
    message: &'static str,
    from: Option<Pid>,
    /// When it must be over.
    end: Option<Time>,
    /// Whose mailbox it is in, or was.
    callee: Option<Pid>,
    is_callee_gone: bool,
}

impl Open {
    fn text(&self) -> String {
        let from = self.from.map_or_else(|| "no actor".to_owned(), |pid| pid.to_string());
        let to = self.callee.map_or_else(|| "nobody yet".to_owned(), |pid| pid.to_string());
        format!("the call of {from} to {to} with a {}", self.message)
    }
}

impl Rule for Calls {
    fn name(&self) -> &'static str {
        "a call always ends"
    }

    fn see(&mut self, now: Time, who: Who, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::CallBegun { call, message, from, limit } => {
                // A limit as long as the clock counts is none.
                let end = limit.filter(|limit| *limit < Duration::from_secs(1 << 32)).map(|limit| now + limit);
                let open = Open { message, from: *from, end, callee: None, is_callee_gone: false };
                self.open.insert((who.node, *call), open);
            }
            Seen::CallSent { call } => {
                if let Some(open) = self.open.get_mut(&(who.node, *call)) {
                    open.callee = Some(who.pid);
                }
            }
            Seen::CallEnded { call } => drop(self.open.remove(&(who.node, *call))),
            Seen::Gone => {
                for ((node, _), open) in &mut self.open {
                    open.is_callee_gone |= *node == who.node && open.callee == Some(who.pid);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn rest(&mut self, rest: &Rest) -> Result<(), String> {
        for ((node, _), open) in &self.open {
            if rest.stalled.contains(node) {
                continue;
            }
            if open.end.is_some_and(|end| rest.now > end + SLACK) {
                return Err(format!("{} is not over after its time limit", open.text()));
            }
            if open.is_callee_gone {
                return Err(format!("{} is not over, and the callee has ended", open.text()));
            }
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.open.retain(|(each, _), _| *each != node);
    }
}
