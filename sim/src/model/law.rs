//! [pure] The contract: what follows for a supervisor from what happens. OTP's supervisor, told naively.

use super::event::{Answer, Beginning, Request};
use super::state::{Between, Cause, Doing, Mode, Noticed, SLACK, State, Then, delay};
use ravelin_core::{Exit, Time};
use ravelin_supervisor::policy::{AutoShutdown, Restart, Strategy};
use std::time::Duration;

/// A time with the slack taken off.
fn a_little_before(now: Time) -> Time {
    let since = now - Time::EPOCH;
    Time::EPOCH + since.saturating_sub(SLACK)
}

impl State {
    /// Goes on with what needs nothing from outside.
    pub(crate) fn go_on(&mut self, law: &Beginning, now: Time) {
        loop {
            match self.mode.clone() {
                Mode::Starting { left, .. } if left.is_empty() => self.enter(Mode::Idle, now),
                Mode::Starting { left, begun: None, cause } if self.at(left[0]).is_none() => {
                    let left = left[1..].to_vec();
                    self.mode = Mode::Starting { left, begun: None, cause };
                }
                Mode::Stopping { left, then } => {
                    let Some(uid) = left.first() else {
                        self.after_stop(then, now);
                        continue;
                    };
                    if let Some(i) = self.at(*uid) {
                        if let Doing::Up(n) = self.rows[i].doing {
                            if !self.is_gone(&self.rows[i].id, n) {
                                return;
                            }
                            self.rest(i, law, (self.since, now));
                        }
                        self.put_down(law, i);
                    }
                    self.enter(Mode::Stopping { left: left[1..].to_vec(), then }, now);
                }
                Mode::StoppingAll { reason } if self.running().is_empty() => {
                    self.rows.clear();
                    self.enter(Mode::Over(reason), now);
                }
                Mode::Starting { .. }
                | Mode::Idle
                | Mode::StoppingAll { .. }
                | Mode::Dying { .. }
                | Mode::Over(_) => return,
            }
        }
    }

    pub(crate) fn enter(&mut self, mode: Mode, now: Time) {
        self.mode = mode;
        (self.since, self.since_least) = (now, self.floor.unwrap_or(now));
    }

    fn after_stop(&mut self, then: Then, now: Time) {
        match then {
            Then::Answer(number) => {
                self.owed.push((number, Answer::Done));
                self.enter(Mode::Idle, now);
            }
            Then::End(reason) => self.enter(Mode::Over(reason), now),
            Then::Start(left) => {
                self.enter(Mode::Starting { left, begun: None, cause: Cause::Restart }, now);
            }
            Then::Wait(uid, delay) => {
                self.enter(Mode::Idle, now);
                let least = self.floor.unwrap_or_else(|| a_little_before(now));
                self.wait(uid, delay, true, (least, now));
            }
        }
    }

    /// Ends it, when everything is down.
    pub(crate) fn end(&mut self, law: &Beginning, reason: Exit, now: Time) {
        let mode = if law.strategy.is_none() {
            Mode::StoppingAll { reason }
        } else {
            let left = self.uids_from(0).into_iter().rev().collect();
            Mode::Stopping { left, then: Then::End(reason) }
        };
        self.enter(mode, now);
    }

    /// A child has no process any more: its spec stays, unless it is temporary or dynamic.
    pub(crate) fn put_down(&mut self, law: &Beginning, i: usize) {
        if law.strategy.is_none() || self.rows[i].policy.restart == Restart::Temporary {
            self.rows.remove(i);
        } else {
            self.rows[i].doing = Doing::Nothing;
        }
    }

    /// The row of failures is over when it was up for long.
    pub(crate) fn rest(&mut self, i: usize, law: &Beginning, now: Between) {
        let row = &mut self.rows[i];
        let long = law.intensity.period.max(row.policy.backoff.cap());
        let Some(since) = row.up_since else { return };
        if now.1 + SLACK - since > long {
            row.row.0 = 0;
        }
        if now.0 - since > long + SLACK {
            row.row.1 = 0;
        }
    }

    /// Counts a restart. `None`: that it is too many, or not, is not what can be.
    fn admit(&mut self, law: &Beginning, now: Between, is_too_many: bool) -> Option<()> {
        let period = law.intensity.period;
        let surely = self.window.iter().filter(|then| now.1 - then.0 <= period).count();
        let perhaps = self.window.iter().filter(|then| now.0 - then.1 <= period).count();
        let restarts = law.intensity.restarts as usize;
        let is_possible = if is_too_many { perhaps + 1 > restarts } else { surely < restarts };
        self.window.push(now);
        is_possible.then_some(())
    }

    /// The child waits for its restart.
    pub(crate) fn wait(&mut self, uid: u32, delay: (Duration, Duration), counted: bool, now: Between) {
        let Some(i) = self.at(uid) else { return };
        let ticket = if delay.1.is_zero() {
            0
        } else {
            self.tickets += 1;
            self.tickets
        };
        self.rows[i].doing = Doing::Waits { ticket, counted };
        let at = (now.0 + delay.0, now.1 + delay.1 + SLACK);
        // A delayed one comes among what comes then; the others behind what is there.
        let place = if ticket == 0 { (self.place, self.place) } else { (0, usize::MAX) };
        self.inbox.push(super::state::Notice { what: Noticed::Retry { uid, ticket }, at, place });
    }

    fn next_delay(&mut self, i: usize) -> (Duration, Duration) {
        let row = &mut self.rows[i];
        let delay = delay(row.policy.backoff, row.row);
        row.row = (row.row.0 + 1, row.row.1 + 1);
        delay
    }

    /// Something from the mailbox. `is_too_many`: the guess whether a restart is one too many. `None`: wrong guess.
    pub(crate) fn handle(
        mut self,
        law: &Beginning,
        what: &Noticed,
        now: Between,
        is_too_many: bool,
    ) -> Option<State> {
        (self.since, self.since_least, self.floor) = (now.1, now.0, Some(now.0));
        let state = self.handle_at(law, what, now, is_too_many)?;
        Some(State { floor: None, ..state })
    }

    fn handle_at(
        mut self,
        law: &Beginning,
        what: &Noticed,
        now: Between,
        is_too_many: bool,
    ) -> Option<State> {
        match what {
            Noticed::Exit { id, n, is_normal } => {
                let Some(i) = self.named(id).filter(|i| self.rows[*i].doing == Doing::Up(*n)) else {
                    return Some(self);
                };
                self.rest(i, law, now);
                let has_tries = self.has_tries(i);
                match (self.rows[i].policy.restart, is_normal) {
                    (Restart::Permanent, _) | (Restart::Transient, false) if has_tries => {
                        return self.restart(law, i, now, is_too_many);
                    }
                    (Restart::Permanent | Restart::Transient | Restart::Temporary, _) => {
                        self.ended_for_good(law, i, now.1);
                    }
                }
            }
            Noticed::Retry { uid, ticket } => {
                let Some(i) = self.at(*uid) else { return Some(self) };
                let Doing::Waits { ticket: due, counted } = self.rows[i].doing else { return Some(self) };
                if due != *ticket {
                    return Some(self);
                }
                if !counted && !self.count(law, i, now, is_too_many)? {
                    return Some(self);
                }
                self.perform(law, *uid, (Duration::ZERO, Duration::ZERO), now.1);
            }
            Noticed::Request(number, request) => self.serve(law, *number, request, now.1),
        }
        self.go_on(law, now.1);
        Some(self)
    }

    fn has_tries(&self, i: usize) -> bool {
        self.rows[i].policy.tries.is_none_or(|tries| self.rows[i].tried < tries)
    }

    /// Counts a restart of this child; false: it was one too many, and the supervisor ends.
    fn count(&mut self, law: &Beginning, i: usize, now: Between, is_too_many: bool) -> Option<bool> {
        self.admit(law, now, is_too_many)?;
        if is_too_many {
            self.put_down(law, i);
            self.end(law, Exit::Shutdown, now.1);
            self.go_on(law, now.1);
            return Some(false);
        }
        self.rows[i].tried += 1;
        Some(true)
    }

    fn restart(mut self, law: &Beginning, i: usize, now: Between, is_too_many: bool) -> Option<State> {
        let uid = self.rows[i].uid;
        if self.count(law, i, now, is_too_many)? {
            let delay = self.next_delay(i);
            self.perform(law, uid, delay, now.1);
            self.go_on(law, now.1);
        }
        Some(self)
    }

    /// Stops what the restart of this child covers, and starts it.
    fn perform(&mut self, law: &Beginning, uid: u32, delay: (Duration, Duration), now: Time) {
        let Some(i) = self.at(uid) else { return };
        self.rows[i].doing = Doing::Nothing;
        let (stop, start) = match law.strategy {
            None | Some(Strategy::OneForOne) => (Vec::new(), vec![uid]),
            Some(Strategy::OneForAll) => (self.uids_from(0), self.uids_from(0)),
            Some(Strategy::RestForOne) => (self.uids_from(i), self.uids_from(i)),
        };
        let then = if delay.1.is_zero() { Then::Start(start) } else { Then::Wait(uid, delay) };
        self.enter(Mode::Stopping { left: stop.into_iter().rev().collect(), then }, now);
    }

    /// The start of a child failed in a restart.
    pub(crate) fn try_again(&mut self, law: &Beginning, uid: u32, now: Time) {
        self.enter(Mode::Idle, now);
        let Some(i) = self.at(uid) else { return };
        if self.has_tries(i) {
            let delay = self.next_delay(i);
            self.wait(uid, delay, false, (now, now));
        } else {
            self.ended_for_good(law, i, now);
        }
    }

    fn ended_for_good(&mut self, law: &Beginning, i: usize, now: Time) {
        let is_significant = self.rows[i].policy.significant;
        self.put_down(law, i);
        let lives = |row: &super::state::Row| row.policy.significant && row.doing != Doing::Nothing;
        let is_over = match law.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => is_significant,
            AutoShutdown::AllSignificant => is_significant && !self.rows.iter().any(lives),
        };
        if is_over {
            self.end(law, Exit::Shutdown, now);
        }
    }

    fn serve(&mut self, law: &Beginning, number: u64, request: &Request, now: Time) {
        let is_dynamic = law.strategy.is_none();
        let is_full = law.max_children.is_some_and(|max| is_dynamic && self.rows.len() >= max);
        let is_down = |state: &State, id: &str| {
            state.named(id).filter(|i| !is_dynamic && state.rows[*i].doing == Doing::Nothing)
        };
        match request {
            Request::Start(id, policy) if !is_full && (is_dynamic || self.named(id).is_none()) => {
                let uid = self.add(id.clone(), *policy);
                let cause = Cause::Request { number, is_new: true };
                return self.enter(Mode::Starting { left: vec![uid], begun: None, cause }, now);
            }
            Request::Restart(id) => {
                if let Some(i) = is_down(self, id) {
                    let row = &mut self.rows[i];
                    (row.row, row.tried) = ((0, 0), 0);
                    let (left, cause) = (vec![row.uid], Cause::Request { number, is_new: false });
                    return self.enter(Mode::Starting { left, begun: None, cause }, now);
                }
            }
            Request::Terminate(id) => {
                if let Some(i) = self.named(id).filter(|_| !is_dynamic) {
                    let left = vec![self.rows[i].uid];
                    return self.enter(Mode::Stopping { left, then: Then::Answer(number) }, now);
                }
            }
            Request::TerminatePid(id, n) => {
                let known = |i: &usize| is_dynamic && self.rows[*i].last == Some(*n);
                if let Some(i) = self.named(id).filter(known) {
                    let left = vec![self.rows[i].uid];
                    return self.enter(Mode::Stopping { left, then: Then::Answer(number) }, now);
                }
            }
            Request::Delete(id) => {
                if let Some(i) = is_down(self, id) {
                    self.rows.remove(i);
                    return self.owed.push((number, Answer::Done));
                }
            }
            Request::Start(..) => {}
        }
        self.owed.push((number, Answer::Refused));
    }
}
