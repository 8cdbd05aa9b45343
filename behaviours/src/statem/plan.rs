//! The order of a state machine's events: what is postponed, inserted and timed; time in, actions out. `[pure]`
//!
//! Whoever has a plan asks it in this order. Around each event: [`Plan::begin`]; then the event's handler, which calls
//! the verbs ([`Plan::insert`], [`Plan::postpone`], [`Plan::start`], [`Plan::cancel`], [`Plan::update`]);
//! [`Plan::change`] if the state changed, and the enter call, which may call them too; then [`Plan::finish`], and
//! [`Plan::poll_action`] until it has no more. After that [`Plan::next`] is the next event, and only when it has none
//! comes one from outside. Source: `gen_statem`, whose orders are recorded in the tests.

use ravelin_core::Time;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

/// Which time-out of a state machine. One of each runs at a time; set again it begins anew.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Timeout {
    /// Ends with the state. Source: `state_timeout`.
    State,
    /// Ends with the next event, whichever it is. Source: `timeout`, the event time-out.
    Event,
    /// Lives on. Source: `{timeout, Name}`, a generic time-out.
    Named(Cow<'static, str>),
}

impl Timeout {
    /// The time-out of this name.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Timeout {
        Timeout::Named(name.into())
    }
}

/// When a time-out comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// So long after it was set. Zero comes before anything that waits in the mailbox.
    After(Duration),
    /// At this time; if it is past, behind what waits in the mailbox. Source: the option `{abs, true}`.
    At(Time),
}

impl From<Duration> for When {
    fn from(wait: Duration) -> When {
        When::After(wait)
    }
}

impl From<Time> for When {
    fn from(at: Time) -> When {
        When::At(at)
    }
}

/// What to do about a timer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Action {
    /// Set a timer, and call [`Plan::time_up`] with its number then.
    Arm {
        /// Its number; never the same twice.
        number: u64,
        /// When it is due.
        at: Time,
    },
    /// A timer is not needed any more; what it gives all the same is ignored.
    Disarm {
        /// Its number.
        number: u64,
    },
}

/// What the present callback asked for, until it is done.
#[derive(Debug)]
enum Ask<E> {
    Start(Timeout, When, E),
    Cancel(Timeout),
    Update(Timeout, E),
}

/// A time-out that is set.
#[derive(Debug)]
struct Running<E> {
    timeout: Timeout,
    event: E,
    /// Its timer; none: it comes at once.
    number: Option<u64>,
}

/// The events of a state machine that are not in its mailbox. `E` is an event.
#[derive(Debug)]
pub struct Plan<E> {
    /// To be handled before any from outside: what was inserted, and what is retried.
    queue: VecDeque<E>,
    /// Oldest first.
    postponed: VecDeque<E>,
    postponed_max: usize,
    /// By the present callback.
    inserted: Vec<E>,
    asked: Vec<Ask<E>>,
    /// In the order in which they were set.
    running: Vec<Running<E>>,
    numbers: u64,
    actions: VecDeque<Action>,
}

impl<E> Plan<E> {
    /// A plan for a machine that postpones at most so many events at a time.
    pub fn new(postponed_max: usize) -> Plan<E> {
        Plan {
            queue: VecDeque::new(),
            postponed: VecDeque::new(),
            postponed_max,
            inserted: Vec::new(),
            asked: Vec::new(),
            running: Vec::new(),
            numbers: 0,
            actions: VecDeque::new(),
        }
    }

    /// An event is about to be handled: the event time-out ends.
    pub fn begin(&mut self) {
        if !self.running.is_empty() {
            self.remove(&Timeout::Event);
        }
    }

    /// `event` is to be handled next, after those that were inserted before it in this callback.
    pub fn insert(&mut self, event: E) {
        self.inserted.push(event);
    }

    /// `event` is to be handled again after the next change of the state.
    ///
    /// # Errors
    /// As many are postponed as may be; it comes back.
    pub fn postpone(&mut self, event: E) -> Result<(), E> {
        if self.postponed.len() >= self.postponed_max {
            return Err(event);
        }
        self.postponed.push_back(event);
        Ok(())
    }

    /// `event` is to come then, if the time-out has not ended before. Counts from the end of the callback.
    pub fn start(&mut self, timeout: Timeout, when: impl Into<When>, event: E) {
        self.asked.push(Ask::Start(timeout, when.into(), event));
    }

    /// The time-out is to come no more.
    pub fn cancel(&mut self, timeout: Timeout) {
        self.asked.push(Ask::Cancel(timeout));
    }

    /// The time-out is to come when it would have, with this event. One that does not run comes at once.
    pub fn update(&mut self, timeout: Timeout, event: E) {
        self.asked.push(Ask::Update(timeout, event));
    }

    /// The state has changed: the state time-out ends, and what is postponed is retried, in order, before what is
    /// queued. What the callback asked for is for the new state.
    pub fn change(&mut self) {
        if !self.running.is_empty() {
            self.remove(&Timeout::State);
        }
        while let Some(event) = self.postponed.pop_back() {
            self.queue.push_front(event);
        }
    }

    /// The callbacks of an event are done: what they asked for counts from now on.
    pub fn finish(&mut self, now: Time) {
        while let Some(event) = self.inserted.pop() {
            self.queue.push_front(event);
        }
        let mut asked = std::mem::take(&mut self.asked);
        for ask in asked.drain(..) {
            match ask {
                Ask::Start(timeout, when, event) => self.set(timeout, when, event, now),
                Ask::Cancel(timeout) => self.remove(&timeout),
                Ask::Update(timeout, event) => match self.running.iter_mut().find(|r| r.timeout == timeout) {
                    Some(running) => running.event = event,
                    None => self.set(timeout, When::After(Duration::ZERO), event, now),
                },
            }
        }
        self.asked = asked; // for its room
    }

    /// A timer has fired: its event, which goes before any other; none if the time-out had ended before.
    pub fn time_up(&mut self, number: u64) -> Option<E> {
        let at = self.running.iter().position(|running| running.number == Some(number))?;
        Some(self.running.remove(at).event)
    }

    /// The next event that is here: the first of the queue, or a time-out that comes at once, in the order in which
    /// they were set.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is no iterator: what it gives depends on what is done"
    )]
    pub fn next(&mut self) -> Option<E> {
        self.queue.pop_front().or_else(|| {
            let at = self.running.iter().position(|running| running.number.is_none())?;
            Some(self.running.remove(at).event)
        })
    }

    /// Whether an event is here.
    pub fn has_next(&self) -> bool {
        !self.queue.is_empty() || self.running.iter().any(|running| running.number.is_none())
    }

    /// The next thing to do about a timer.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether nothing was asked for, nothing is to be done, and no event is here.
    pub fn is_quiet(&self) -> bool {
        self.inserted.is_empty() && self.asked.is_empty() && self.actions.is_empty() && !self.has_next()
    }

    /// How many events are postponed.
    pub fn postponed_len(&self) -> usize {
        self.postponed.len()
    }

    /// Takes out the events that nobody will handle now: those that were queued, inserted and postponed, oldest first.
    pub fn take_left(&mut self) -> Vec<E> {
        let queued = self.queue.drain(..).chain(self.inserted.drain(..));
        queued.chain(self.postponed.drain(..)).collect()
    }

    fn set(&mut self, timeout: Timeout, when: When, event: E, now: Time) {
        self.remove(&timeout);
        let at = match when {
            When::After(Duration::ZERO) => {
                return self.running.push(Running { timeout, event, number: None });
            }
            When::After(wait) => now + wait,
            When::At(at) => at,
        };
        self.numbers += 1;
        self.actions.push_back(Action::Arm { number: self.numbers, at });
        self.running.push(Running { timeout, event, number: Some(self.numbers) });
    }

    fn remove(&mut self, timeout: &Timeout) {
        let Some(at) = self.running.iter().position(|running| running.timeout == *timeout) else { return };
        if let Some(number) = self.running.remove(at).number {
            self.actions.push_back(Action::Disarm { number });
        }
    }
}
