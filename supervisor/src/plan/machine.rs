//! The plan as a machine: its state, and the starts and stops that it has one at a time. `[pure]`

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ravelin_core::{Exit, Pid, Time};

use super::action::{Action, ChildError, ChildInfo, ChildKey, Counts, Event, Reply};
use super::children::{Child, Children, Span, State};
use crate::check::SpecError;
use crate::intensity::Window;
use crate::policy::{AutoShutdown, ChildPolicy, DynamicFlags, Flags, Restart, Shutdown, Strategy};

/// What one supervisor does. `S` is whatever the shell keeps of a child's spec; the plan drops it when OTP would.
///
/// Methods are of four kinds. A shell owns the plan and has it do one thing at a time:
///
/// 1. Make it ([`fixed`](Plan::fixed), [`dynamic`](Plan::dynamic)); it wants to start its children at once.
/// 2. Poll it dry: perform what [`poll_action`](Plan::poll_action) says, until it says nothing. `Start`, `Stop` and
///    `StopAll` are answered by [`handle_started`](Plan::handle_started), [`handle_ignored`](Plan::handle_ignored),
///    [`handle_start_failed`](Plan::handle_start_failed) and [`handle_stopped`](Plan::handle_stopped); no other
///    method that changes it is called meanwhile, save `handle_stop`. `Shutdown` is the last action.
/// 3. Take the next thing from the mailbox, in order of arrival: the end of a child
///    ([`handle_exit`](Plan::handle_exit)), a ticket that came back ([`handle_retry`](Plan::handle_retry)), a request
///    ([`start_child`](Plan::start_child) and its like), the parent's order ([`handle_stop`](Plan::handle_stop)).
///    Then 2 again.
///
/// Getters are free at any time.
///
/// ```
/// use ravelin_core::{Exit, Pid, Time};
/// use ravelin_supervisor::plan::{Action, Plan};
/// use ravelin_supervisor::policy::{ChildPolicy, Flags};
///
/// let child = |id: &str| (id.into(), ChildPolicy::worker());
/// let mut plan = Plan::fixed(Flags::default(), 0, [child("a"), child("b")])?;
///
/// let mut pids = (1..).map(|slot| Pid::from_parts(0, slot, 1));
/// while let Some(Action::Start { key }) = plan.poll_action() {
///     plan.handle_started(Time::EPOCH, key, pids.next().unwrap());
/// }
/// assert_eq!(plan.count_children().active, 2);
///
/// let first = plan.which_children().next().unwrap();
/// plan.handle_exit(Time::EPOCH, Pid::from_parts(0, 1, 1), &Exit::error("oops"));
/// assert!(matches!(plan.poll_action(), Some(Action::Report(_))));
/// assert_eq!(plan.poll_action(), Some(Action::Start { key: first.key }));
/// # Ok::<(), ravelin_supervisor::check::SpecError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan<S> {
    pub(super) form: Form,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) window: Window,
    pub(super) children: Children<S>,
    /// What jitter is drawn from.
    pub(super) seed: u64,
    /// How many delayed tickets were given; the serial of the newest.
    pub(super) delayed: u64,
    pub(super) phase: Phase,
    /// The start or stop that waits for its answer.
    asked: Option<Asked>,
    /// What is to be said before the phase goes on.
    out: VecDeque<Action>,
}

/// What kind of supervisor it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Dynamic { max_children: Option<usize> },
    Fixed(Strategy),
}

/// What the plan is in the middle of.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// It has ended.
    Down,
    Idle,
    /// The children of the span are started, oldest first.
    Starting {
        span: Span,
        cause: Cause,
    },
    /// The children of the span are put down, newest first.
    Stopping {
        span: Span,
        then: Then,
    },
    /// All children are stopped at once; when they have, the end. `told`: they know.
    StoppingAll {
        reason: Exit,
        told: bool,
    },
}

/// Why children are started; says what a failure means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// The supervisor's own start.
    Boot,
    /// A request. `new`: for a spec that is kept only if the start succeeds.
    Request { new: bool },
    /// A restart.
    Restart,
}

/// What follows when a span has been put down.
#[derive(Clone, Debug)]
pub(super) enum Then {
    Reply,
    Shutdown(Exit),
    Start(Span),
    /// Wait before the restart of this child.
    Wait(ChildKey, Duration),
}

/// The question to the shell that is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    Start(ChildKey),
    Stop(ChildKey, Pid),
}

impl<S: AsRef<ChildPolicy>> Plan<S> {
    /// A supervisor with these children, in start order. `seed` decides the jitter of its back-offs. Nothing has
    /// been started.
    ///
    /// Refuses faulty flags, faulty policies and a second child of the same id.
    pub fn fixed(
        flags: Flags,
        seed: u64,
        children: impl IntoIterator<Item = (Arc<str>, S)>,
    ) -> Result<Plan<S>, SpecError> {
        flags.check()?;
        let mut table = Children::named();
        for (id, spec) in children {
            spec.as_ref().check(&id, flags.auto_shutdown)?;
            if table.named_as(&id).is_some() {
                return Err(SpecError::child(&id, "id", format_args!("{id:?}"), "another child has it"));
            }
            table.insert(id, spec);
        }
        Ok(Plan {
            form: Form::Fixed(flags.strategy),
            auto_shutdown: flags.auto_shutdown,
            window: Window::new(flags.intensity),
            children: table,
            seed,
            delayed: 0,
            phase: Phase::Starting { span: Span::ALL, cause: Cause::Boot },
            asked: None,
            out: VecDeque::new(),
        })
    }

    /// A supervisor without children, to which any number may be added: OTP's `simple_one_for_one`, but each child
    /// has a policy of its own. `seed` decides the jitter of its back-offs.
    ///
    /// Refuses faulty flags.
    pub fn dynamic(flags: DynamicFlags, seed: u64) -> Result<Plan<S>, SpecError> {
        flags.check()?;
        Ok(Plan {
            form: Form::Dynamic { max_children: flags.max_children },
            auto_shutdown: flags.auto_shutdown,
            window: Window::new(flags.intensity),
            children: Children::labelled(),
            seed,
            delayed: 0,
            phase: Phase::Idle,
            asked: None,
            out: VecDeque::new(),
        })
    }

    /// What to do next; None when there is nothing to do, or nothing until a `Start`, `Stop` or `StopAll` is
    /// answered. Each action comes once.
    pub fn poll_action(&mut self) -> Option<Action> {
        loop {
            if let Some(action) = self.out.pop_front() {
                return Some(action);
            }
            if self.asked.is_some() {
                return None;
            }
            match std::mem::replace(&mut self.phase, Phase::Idle) {
                Phase::Idle => return None,
                Phase::Down => {
                    self.phase = Phase::Down;
                    return None;
                }
                Phase::Starting { span, cause } => self.start_next(span, cause),
                Phase::Stopping { span, then } => self.stop_next(span, then),
                Phase::StoppingAll { reason, told: _ } if self.children.counts().active == 0 => {
                    self.go_down(reason);
                }
                Phase::StoppingAll { reason, told: false } => self.stop_all(reason),
                Phase::StoppingAll { reason, told: true } => {
                    self.phase = Phase::StoppingAll { reason, told: true };
                    return None;
                }
            }
        }
    }

    /// The child that was to be started is up, as `pid`.
    pub fn handle_started(&mut self, now: Time, key: ChildKey, pid: Pid) {
        if !self.answered(Asked::Start(key)) {
            return;
        }
        self.children.up(key, pid, now);
        if let Phase::Starting { cause: Cause::Request { new: _ }, .. } = self.phase {
            self.reply(Ok(Reply::Started(pid)));
        }
    }

    /// The init of the child that was to be started said ignore. Not an error: the child is down, its spec stays
    /// unless it is temporary or dynamic, and there is no retry.
    pub fn handle_ignored(&mut self, key: ChildKey) {
        if !self.answered(Asked::Start(key)) {
            return;
        }
        self.put_down(key);
        if let Phase::Starting { cause: Cause::Request { new: _ }, .. } = self.phase {
            self.reply(Ok(Reply::Ignored));
        }
    }

    /// The child that was to be started failed to, with any reason; `normal` too is a failure.
    ///
    /// At the supervisor's own start that is its end: what was started is stopped and the reason is
    /// `{shutdown, {failed_to_start_child, Id, Reason}}`. In a restart it is tried again. In a request it is the
    /// answer; a new spec is not kept.
    pub fn handle_start_failed(&mut self, key: ChildKey, reason: Exit) {
        if !self.answered(Asked::Start(key)) {
            return;
        }
        let Phase::Starting { cause, span: _ } = self.phase else { return };
        self.phase = Phase::Idle;
        match cause {
            Cause::Boot => {
                let id = self.id(key);
                self.report(Event::StartFailed { id: id.clone(), reason: reason.clone() });
                self.begin_shutdown(Exit::shutdown_with(Exit::start_failed(id, reason)));
            }
            Cause::Request { new } => {
                if new {
                    self.children.remove(key);
                }
                self.reply(Err(ChildError::StartFailed(reason)));
            }
            Cause::Restart => {
                self.report(Event::StartFailed { id: self.id(key), reason });
                self.try_again(key);
            }
        }
    }

    /// A child that was to be stopped has ended, with its own reason, by the order or before it.
    pub fn handle_stopped(&mut self, now: Time, key: ChildKey, reason: &Exit) {
        let Some(State::Running(pid)) = self.children.get(key).map(Child::state) else { return };
        let parallel = matches!(self.phase, Phase::StoppingAll { told: true, .. });
        if !parallel && !self.answered(Asked::Stop(key, pid)) {
            return;
        }
        let period = self.window.intensity().period;
        if let Some(child) = self.children.get_mut(key) {
            child.rest_after(now, period);
            if !obeyed(&child.policy(), reason) {
                let (id, reason) = (child.id.clone(), reason.clone());
                self.report(Event::ShutdownError { id, pid, reason });
            }
        }
        self.put_down(key);
    }

    /// The supervisor is to end, with this reason: an order of its parent, or its own. Everything is stopped, newest
    /// first, dynamic children all at once. Without effect when it is ending already.
    ///
    /// Allowed at any time. An open `Start` or `Stop` is to be answered as ever, then the stop begins; a restart or a
    /// request that was under way is broken off, without a reply. (OTP finishes those first: so does a shell that
    /// calls this only when the plan is idle.)
    pub fn handle_stop(&mut self, reason: Exit) {
        self.begin_shutdown(reason);
    }

    /// Whether it has nothing to do before something happens.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.asked.is_none() && self.out.is_empty()
    }

    /// Whether it has ended; its last action was `Shutdown`.
    pub fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Down)
    }

    /// What the shell keeps of this child's spec.
    pub fn spec(&self, key: ChildKey) -> Option<&S> {
        self.children.get(key).map(|child| &child.spec)
    }

    /// One child.
    pub fn child(&self, key: ChildKey) -> Option<ChildInfo> {
        self.children.get(key).map(|child| info(key, child))
    }

    /// The child of this id. None under a dynamic supervisor, whose ids are labels.
    pub fn find(&self, id: &str) -> Option<ChildKey> {
        self.children.named_as(id)
    }

    /// The child whose running incarnation is `pid`, or whose incarnation before the restart it waits for.
    pub fn find_pid(&self, pid: Pid) -> Option<ChildKey> {
        self.children.known_as(pid)
    }

    /// All children, in start order. OTP's `which_children`.
    pub fn which_children(&self) -> impl DoubleEndedIterator<Item = ChildInfo> {
        self.children.iter().map(|(key, child)| info(key, child))
    }

    /// OTP's `count_children`, in O(1).
    pub fn count_children(&self) -> Counts {
        let counts = self.children.counts();
        match self.form {
            Form::Dynamic { max_children: _ } => Counts { specs: 1, ..counts },
            Form::Fixed(_) => counts,
        }
    }

    /// Ends the supervisor as soon as everything is down, with the reason of the first who wanted it.
    pub(super) fn begin_shutdown(&mut self, reason: Exit) {
        self.phase = match (&self.phase, self.form) {
            (
                Phase::Down | Phase::StoppingAll { .. } | Phase::Stopping { then: Then::Shutdown(_), .. },
                _,
            ) => return,
            (
                Phase::Idle | Phase::Starting { .. } | Phase::Stopping { .. },
                Form::Dynamic { max_children: _ },
            ) => Phase::StoppingAll { reason, told: false },
            (Phase::Idle | Phase::Starting { .. } | Phase::Stopping { .. }, Form::Fixed(_)) => {
                Phase::Stopping { span: Span::ALL, then: Then::Shutdown(reason) }
            }
        };
    }

    /// Leaves a child without a process for good: with its spec, or without if it is temporary or dynamic. OTP's
    /// `del_child`.
    pub(super) fn put_down(&mut self, key: ChildKey) {
        let Some(restart) = self.children.get(key).map(|child| child.policy().restart) else { return };
        match (self.form, restart) {
            (Form::Fixed(_), Restart::Permanent | Restart::Transient) => {
                self.children.set(key, State::Stopped)
            }
            (Form::Fixed(_), Restart::Temporary) => self.children.remove(key),
            (Form::Dynamic { .. }, Restart::Permanent | Restart::Temporary | Restart::Transient) => {
                self.children.remove(key);
            }
        }
    }

    /// What follows when everything that had to be put down is.
    pub(super) fn go_on(&mut self, then: Then) {
        match then {
            Then::Reply => self.reply(Ok(Reply::Terminated)),
            Then::Shutdown(reason) => self.go_down(reason),
            Then::Start(span) => self.phase = Phase::Starting { span, cause: Cause::Restart },
            Then::Wait(key, delay) => self.wait(key, delay, true),
        }
    }

    pub(super) fn reply(&mut self, reply: Result<Reply, ChildError>) {
        self.say(Action::Reply(reply));
    }

    pub(super) fn report(&mut self, event: Event) {
        self.say(Action::Report(event));
    }

    pub(super) fn say(&mut self, action: Action) {
        self.out.push_back(action);
    }

    pub(super) fn id(&self, key: ChildKey) -> Arc<str> {
        self.children.get(key).map_or_else(|| "".into(), |child| child.id.clone())
    }

    fn go_down(&mut self, reason: Exit) {
        self.say(Action::Shutdown(reason));
        self.phase = Phase::Down;
    }

    fn start_next(&mut self, span: Span, cause: Cause) {
        let Some(key) = self.children.first_in(span) else { return };
        self.ask(Asked::Start(key));
        self.phase = Phase::Starting { span: Span { from: key.next(), ..span }, cause };
    }

    fn stop_next(&mut self, span: Span, then: Then) {
        let Some((key, state)) = self.children.last_in(span) else { return self.go_on(then) };
        match state {
            State::Running(pid) => self.ask(Asked::Stop(key, pid)),
            State::Restarting { .. } | State::Stopped => self.put_down(key),
        }
        self.phase = Phase::Stopping { span: Span { until: key, ..span }, then };
    }

    fn stop_all(&mut self, reason: Exit) {
        let running = |(key, child): (ChildKey, &Child<S>)| match child.state() {
            State::Running(pid) => Some((key, pid)),
            State::Restarting { .. } | State::Stopped => None,
        };
        let children = self.children.iter().rev().filter_map(running).collect();
        self.say(Action::StopAll { children });
        self.phase = Phase::StoppingAll { reason, told: true };
    }

    fn ask(&mut self, asked: Asked) {
        self.asked = Some(asked);
        self.say(match asked {
            Asked::Start(key) => Action::Start { key },
            Asked::Stop(key, pid) => Action::Stop { key, pid },
        });
    }

    /// Whether this answers the open question; closes it if so.
    fn answered(&mut self, asked: Asked) -> bool {
        debug_assert_eq!(self.asked, Some(asked), "an answer to another question");
        let answered = self.asked == Some(asked);
        if answered {
            self.asked = None;
        }
        answered
    }
}

fn info<S: AsRef<ChildPolicy>>(key: ChildKey, child: &Child<S>) -> ChildInfo {
    ChildInfo { key, id: child.id.clone(), status: child.status(), kind: child.policy().kind }
}

/// Whether a child that was told to stop ended as it should. OTP's `shutdown/1`.
fn obeyed(policy: &ChildPolicy, reason: &Exit) -> bool {
    match (policy.shutdown, policy.restart, reason) {
        (Shutdown::BrutalKill, Restart::Permanent, reason) => *reason == Exit::Killed,
        (Shutdown::BrutalKill, Restart::Temporary | Restart::Transient, reason) => {
            *reason == Exit::Killed || reason.is_normal()
        }
        (Shutdown::Infinity | Shutdown::Timeout(_), Restart::Permanent, reason) => *reason == Exit::Shutdown,
        (Shutdown::Infinity | Shutdown::Timeout(_), Restart::Temporary | Restart::Transient, reason) => {
            reason.is_normal()
        }
    }
}
