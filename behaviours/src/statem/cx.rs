//! The context of a state machine's callbacks: the actor's, and what concerns events.

use super::machine::{Event, HandleEvent, Machine, PostponeLimit, Queued, StateMachine};
use super::plan::{Plan, Timeout, When};
use ravelin_core::{Cx, Exit, Info, Message, ReplyTo};
use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// What a state machine's own code can do: all that an actor can ([`Cx`], to which this derefs), and postpone events,
/// insert some, and set time-outs.
///
/// What is asked for here counts when the callbacks of the present event are done: so a state time-out that is set
/// together with a change of the state belongs to the new state. What each costs is in the [module](super)'s text.
pub struct StateCx<'a, D: StateMachine> {
    pub(super) cx: &'a mut Cx<Machine<D>>,
    pub(super) plan: &'a mut Plan<Queued<D>>,
}

impl<D: StateMachine> StateCx<'_, D> {
    /// Keeps an event for the next state: it is handled again after the next change of the state, before newer ones,
    /// those that were postponed earlier first. A call that was given up by then is left out.
    /// At [`StateMachine::POSTPONE_LIMIT`] the machine ends, or the event is dropped.
    /// Source: the action `postpone`.
    pub fn postpone<M: Message>(&mut self, event: Event<M>)
    where
        D: HandleEvent<M>,
    {
        self.keep(Box::new(event));
    }

    /// As [`StateCx::postpone`], for a notice.
    pub fn postpone_info(&mut self, info: Info) {
        self.keep(Box::new(info));
    }

    fn keep(&mut self, event: Queued<D>) {
        let Err(refused) = self.plan.postpone(event) else { return };
        let machine = type_name::<D>();
        match D::POSTPONE_LIMIT {
            PostponeLimit::Stop(max) => {
                drop(refused.leave(self.cx));
                self.cx.stop(Exit::error(format_args!(
                    "{machine} has postponed {max} events, and its POSTPONE_LIMIT allows no more"
                )));
            }
            PostponeLimit::Drop(max) => {
                tracing::warn!(target: "ravelin", pid = %self.cx.pid(), machine, max, "ravelin.postpone_refused");
            }
        }
    }

    /// Handles `message` next: after those that were inserted before it in the present callbacks, and before all others,
    /// whether retried or in the mailbox.
    /// Source: the action `{next_event, internal, Message}`.
    pub fn next_event<M: Message>(&mut self, message: M)
    where
        D: HandleEvent<M>,
    {
        self.plan.insert(Box::new(Event::cast(message)));
    }

    /// As [`StateCx::next_event`], for a call: `reply` goes along. Source: `{next_event, {call, From}, Message}`.
    pub fn next_call<M: Message>(&mut self, message: M, reply: ReplyTo<M::Reply>)
    where
        D: HandleEvent<M>,
    {
        self.plan.insert(Box::new(Event { message, reply }));
    }

    /// `message` comes after a [`Duration`](std::time::Duration), or at a [`Time`](ravelin_core::Time), unless the
    /// state has changed before. Source: `state_timeout`.
    pub fn state_timeout<M: Message>(&mut self, when: impl Into<When>, message: M)
    where
        D: HandleEvent<M>,
    {
        self.plan.start(Timeout::State, when, Box::new(Event::cast(message)));
    }

    /// `message` comes then, unless another event does before: a message, a notice, an inserted or retried event, or
    /// another time-out. One of zero comes only if no event is here. Source: `timeout`.
    pub fn event_timeout<M: Message>(&mut self, when: impl Into<When>, message: M)
    where
        D: HandleEvent<M>,
    {
        self.plan.start(Timeout::Event, when, Box::new(Event::cast(message)));
    }

    /// `message` comes then, whatever happens meanwhile. There may be many, each under a name of its own.
    /// Source: `{timeout, Name}`.
    pub fn timeout<M: Message>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        when: impl Into<When>,
        message: M,
    ) where
        D: HandleEvent<M>,
    {
        self.plan.start(Timeout::named(name), when, Box::new(Event::cast(message)));
    }

    /// The time-out does not come, not even if its time was up already. Nothing, if it does not run.
    /// Source: `{state_timeout, cancel}` and so on.
    pub fn cancel_timeout(&mut self, timeout: Timeout) {
        self.plan.cancel(timeout);
    }

    /// The time-out comes when it would have come, with this message. If it does not run, it comes at once.
    /// Source: `{state_timeout, update, Content}` and so on.
    pub fn update_timeout<M: Message>(&mut self, timeout: Timeout, message: M)
    where
        D: HandleEvent<M>,
    {
        self.plan.update(timeout, Box::new(Event::cast(message)));
    }

    /// How many events are postponed.
    pub fn postponed_len(&self) -> usize {
        self.plan.postponed_len()
    }
}

impl<D: StateMachine> Deref for StateCx<'_, D> {
    type Target = Cx<Machine<D>>;
    fn deref(&self) -> &Cx<Machine<D>> {
        self.cx
    }
}

impl<D: StateMachine> DerefMut for StateCx<'_, D> {
    fn deref_mut(&mut self) -> &mut Cx<Machine<D>> {
        self.cx
    }
}

impl<D: StateMachine> fmt::Debug for StateCx<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateCx({})", self.cx.pid())
    }
}
