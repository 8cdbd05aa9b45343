//! What follows from the end of a child. OTP's `do_restart`, `restart` and `do_auto_shutdown`. `[pure]`

use std::time::Duration;

use ravelin_core::{Exit, Pid, Time};

use super::action::{Action, ChildKey, Event, Ticket, Verdict};
use super::children::{Child, Span, State};
use super::machine::{Form, Phase, Plan, Then};
use crate::backoff::mix;
use crate::intensity::Admission;
use crate::policy::{AutoShutdown, ChildPolicy, Restart, Strategy};

impl<S: AsRef<ChildPolicy>> Plan<S> {
    /// The process `pid` ended. Ignored unless it is the running incarnation of a child: an end that was waited for
    /// in a stop is part of that stop.
    pub fn handle_exit(&mut self, now: Time, pid: Pid, reason: &Exit) {
        debug_assert!(self.is_idle() || self.is_down(), "an exit before the plan was polled dry");
        let Some(key) = self.children.known_as(pid) else { return };
        let period = self.window.intensity().period;
        let Some(child) = self.children.get_mut(key) else { return };
        if child.state() != State::Running(pid) || !matches!(self.phase, Phase::Idle) {
            return;
        }
        child.rest_after(now, period);
        let verdict = verdict(child.policy().restart, reason, child.has_tries());
        let (id, reason) = (child.id.clone(), reason.clone());
        self.report(Event::ChildTerminated { id, pid, reason, verdict });
        match verdict {
            Verdict::GiveUp => self.give_up(key),
            Verdict::Keep | Verdict::Remove => self.end(key),
            Verdict::Restart => self.restart(now, key),
        }
    }

    /// A ticket came back. If its child still waits for it, the restart is performed, after it is counted, unless it
    /// was counted when the wait began; if not, nothing: the child was terminated or has come up meanwhile.
    pub fn handle_retry(&mut self, now: Time, ticket: Ticket) {
        debug_assert!(self.is_idle() || self.is_down(), "a retry before the plan was polled dry");
        let due = self.children.get(ticket.key).map(Child::state);
        let Some(State::Restarting { serial, admitted }) = due else { return };
        if serial != ticket.serial || !matches!(self.phase, Phase::Idle) {
            return;
        }
        if admitted || self.admit(now, ticket.key) {
            self.perform(ticket.key, Duration::ZERO);
        }
    }

    /// The start of a child failed in a restart: it is `restarting` until the next attempt.
    pub(super) fn try_again(&mut self, key: ChildKey) {
        match self.children.get(key).map(Child::has_tries) {
            Some(true) => {
                let delay = self.next_delay(key);
                self.wait(key, delay, false);
            }
            Some(false) => self.give_up(key),
            None => (),
        }
    }

    /// Makes a child wait for its restart. `admitted`: the restart is counted already.
    pub(super) fn wait(&mut self, key: ChildKey, delay: Duration, admitted: bool) {
        let ticket = if delay.is_zero() {
            Ticket { key, serial: 0 }
        } else {
            self.delayed += 1;
            Ticket { key, serial: self.delayed }
        };
        self.children.set(key, State::Restarting { serial: ticket.serial, admitted });
        self.say(match delay {
            Duration::ZERO => Action::Retry { key, ticket },
            delay => Action::RetryAfter { key, ticket, delay },
        });
    }

    /// Restarts a child that ended, now or after its back-off.
    fn restart(&mut self, now: Time, key: ChildKey) {
        if self.admit(now, key) {
            let delay = self.next_delay(key);
            self.perform(key, delay);
        }
    }

    /// Counts a restart. If it is one too many, the supervisor ends instead. OTP's `add_restart`.
    #[must_use]
    fn admit(&mut self, now: Time, key: ChildKey) -> bool {
        match self.window.admit(now) {
            Admission::Admitted => {
                if let Some(child) = self.children.get_mut(key) {
                    child.tried = child.tried.saturating_add(1);
                }
                true
            }
            Admission::Exceeded => {
                self.report(Event::IntensityReached { id: self.id(key) });
                self.put_down(key);
                self.begin_shutdown(Exit::Shutdown);
                false
            }
        }
    }

    /// Puts down what the restart of a child covers, then starts all of it, after `delay`.
    fn perform(&mut self, key: ChildKey, delay: Duration) {
        self.children.set(key, State::Stopped);
        let (stop, start) = match self.form {
            Form::Dynamic { max_children: _ } | Form::Fixed(Strategy::OneForOne) => (None, Span::one(key)),
            Form::Fixed(Strategy::OneForAll) => (Some(Span::ALL), Span::ALL),
            Form::Fixed(Strategy::RestForOne) => (Some(Span::rest(key)), Span::rest(key)),
        };
        let then = if delay.is_zero() { Then::Start(start) } else { Then::Wait(key, delay) };
        match stop {
            Some(span) => self.phase = Phase::Stopping { span, then },
            None => self.go_on(then),
        }
    }

    /// A child that should be restarted has no tries left.
    fn give_up(&mut self, key: ChildKey) {
        if let Some(child) = self.children.get(key) {
            self.report(Event::GaveUp { id: child.id.clone(), tries: child.tried });
        }
        self.end(key);
    }

    /// A child ended for good, which may end the supervisor.
    fn end(&mut self, key: ChildKey) {
        let Some(child) = self.children.get(key) else { return };
        let (id, significant) = (child.id.clone(), child.policy().significant);
        self.put_down(key);
        let over = match (self.auto_shutdown, significant) {
            (AutoShutdown::AllSignificant, true) => self.children.significant() == 0,
            (AutoShutdown::AnySignificant, true) => true,
            (AutoShutdown::AllSignificant | AutoShutdown::AnySignificant, false) => false,
            (AutoShutdown::Never, true | false) => false,
        };
        if over {
            self.report(Event::AutoShutdown { id });
            self.begin_shutdown(Exit::Shutdown);
        }
    }

    /// The delay before the next restart of a child, which is one more of its row.
    fn next_delay(&mut self, key: ChildKey) -> Duration {
        let seed = mix(self.seed, key.rank());
        let Some(child) = self.children.get_mut(key) else { return Duration::ZERO };
        let delay = child.policy().backoff.delay(child.attempt, seed);
        child.attempt = child.attempt.saturating_add(1);
        delay
    }
}

/// The table of restart types. OTP's `do_restart/3`.
fn verdict(restart: Restart, reason: &Exit, has_tries: bool) -> Verdict {
    match (restart, reason.is_normal(), has_tries) {
        (Restart::Permanent, true | false, true) => Verdict::Restart,
        (Restart::Permanent, true | false, false) => Verdict::GiveUp,
        (Restart::Transient, true, true | false) => Verdict::Keep,
        (Restart::Transient, false, true) => Verdict::Restart,
        (Restart::Transient, false, false) => Verdict::GiveUp,
        (Restart::Temporary, true | false, true | false) => Verdict::Remove,
    }
}
