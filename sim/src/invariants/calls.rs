//! [pure] A call always ends: within its time limit, and when its callee has ended.
//!
//! A call that its caller does not look at any more can not be seen to end, and nothing is said of it.

use super::{Home, Rest, Rule, Who};
use crate::log::NodeId;
use ravelin_core::{Awaited, Pid, Seen, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// How much later than its time limit a call may end.
const SLACK: Duration = Duration::from_millis(10);

#[derive(Default)]
pub(super) struct Calls {
    open: BTreeMap<(Home, u64), Open>,
}

/// A call that somebody waits for.
struct Open {
    message: &'static str,
    from: Option<Pid>,
    /// When it must be over.
    end: Option<Time>,
    /// Whose mailbox it is in, or was, and the wait for the answer.
    sent: Option<(Pid, Awaited)>,
    is_callee_gone: bool,
    /// Its callee ended, and some that waited with it are kept.
    is_kept: bool,
}

impl Open {
    fn text(&self) -> String {
        let from = self.from.map_or_else(|| "no actor".to_owned(), |pid| pid.to_string());
        let to = self.sent.as_ref().map_or_else(|| "nobody yet".to_owned(), |(pid, _)| pid.to_string());
        format!("the call of {from} to {to} with a {}", self.message)
    }
}

impl Calls {
    /// The calls that are, or were, in the mailbox of this actor.
    fn sent_to(&mut self, callee: Who) -> impl Iterator<Item = &mut Open> {
        let sent = self.open.iter_mut().filter(move |((home, _), open)| {
            *home == callee.home && open.sent.as_ref().is_some_and(|(pid, _)| *pid == callee.pid)
        });
        sent.map(|(_, open)| open)
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
                let end =
                    limit.filter(|limit| *limit < Duration::from_secs(1 << 32)).map(|limit| now + limit);
                let open =
                    Open { message, from: *from, end, sent: None, is_callee_gone: false, is_kept: false };
                self.open.insert((who.home, *call), open);
            }
            Seen::CallSent { call, awaited } => {
                if let Some(open) = self.open.get_mut(&(who.home, *call)) {
                    open.sent = Some((who.pid, (*awaited).clone()));
                }
            }
            Seen::CallPending { call } => {
                let open = self.open.get(&(who.home, *call));
                if let Some(open) = open.filter(|open| open.end.is_some_and(|end| now > end + SLACK)) {
                    return Err(format!("{} is not over after its time limit", open.text()));
                }
            }
            Seen::CallEnded { call } => drop(self.open.remove(&(who.home, *call))),
            // Its calls are the next one's, or end when it is certain that there will be none.
            Seen::Ended { kept, .. } if *kept > 0 => {
                self.sent_to(who).for_each(|open| open.is_kept = true);
            }
            Seen::Gone => self.sent_to(who).for_each(|open| open.is_callee_gone |= !open.is_kept),
            _ => {}
        }
        Ok(())
    }

    fn rest(&mut self, rest: &Rest) -> Result<(), String> {
        for ((home, _), open) in &self.open {
            let is_over = || open.sent.as_ref().is_none_or(|(_, awaited)| awaited.is_over());
            if open.is_callee_gone && !rest.stalled.contains(&home.node) && !is_over() {
                return Err(format!("{} is not over, and the callee has ended", open.text()));
            }
        }
        Ok(())
    }

    fn forget(&mut self, node: NodeId) {
        self.open.retain(|(home, _), _| home.node != node);
    }
}
