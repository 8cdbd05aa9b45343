//! Timers of an actor, from its own code.

use crate::actor::{Actor, Cast, Serve};
use crate::cell::Timers;
use crate::cx::Cx;
use crate::id::TimerRef;
use crate::info::Info;
use crate::message::Message;
use crate::reference::ActorRef;
use crate::time::Missed;
use crate::timer::ActorTimers;
use std::time::Duration;

impl<A: Actor> Cx<A> {
    /// This actor's place. Source: `self/0`.
    pub fn me(&self) -> ActorRef<A> {
        ActorRef { typed: self.own.typed() }
    }

    /// Puts `message` into this actor's own mailbox after `wait`, whatever the capacity. Gone with the incarnation.
    /// Source: `erlang:send_after/3`. Costs one allocation.
    pub fn send_after<M: Message>(&mut self, wait: Duration, message: M) -> TimerRef
    where
        A: Serve<M>,
    {
        let (me, mut message) = (self.me(), Some(message));
        let send = move || {
            if let Some(message) = message.take() {
                let _ = me.typed.push_exempt(Cast(message));
            }
        };
        self.add_timer(wait, None, Box::new(send))
    }

    /// Puts a clone of `message` into this actor's own mailbox every `period`, first after one period; ticks that
    /// are missed because the actor was busy are skipped. Gone with the incarnation. Source: `timer:send_interval/2`.
    pub fn every<M: Message + Clone>(&mut self, period: Duration, message: M) -> TimerRef
    where
        A: Serve<M>,
    {
        self.every_with(period, Missed::Skip, message)
    }

    /// As [`Cx::every`], with a policy for ticks that are missed. A period of zero counts as a nanosecond.
    pub fn every_with<M: Message + Clone>(&mut self, period: Duration, missed: Missed, message: M) -> TimerRef
    where
        A: Serve<M>,
    {
        let me = self.me();
        let period = period.max(Duration::from_nanos(1));
        let send = move || {
            let _ = me.typed.push_exempt(Cast(message.clone()));
        };
        self.add_timer(period, Some((period, missed)), Box::new(send))
    }

    /// Stops a timer: the time that was left, or `None` when it has fired, or was none of this incarnation's. After
    /// `Some` it sends nothing more; a tick of a repeating one that waits in the mailbox by then is still handled.
    /// Source: `erlang:cancel_timer/1`.
    pub fn cancel(&mut self, timer: TimerRef) -> Option<Duration> {
        self.own.with(|inner| inner.rare.as_mut()?.timers.as_mut()?.cancel(timer))
    }

    /// If no message is handled within `wait` from now, this actor gets [`Info::Timeout`], once; setting another one
    /// replaces it. As the time-out that a `gen_server` callback returns: to go on, set it again in each callback.
    pub fn receive_timeout(&mut self, wait: Duration) {
        let me = self.me();
        let before = self.own.with(|inner| inner.rare.as_mut()?.idle.take());
        if let Some((before, _)) = before {
            self.cancel(before);
        }
        let header = self.own.header();
        let begun = header.counts.begun_so_far();
        let send = move || {
            let header = me.typed.cell().header();
            if header.counts.begun_so_far() == begun {
                header.inform(Info::Timeout);
            }
        };
        let timer = self.add_timer(wait, None, Box::new(send));
        self.own.with(|inner| inner.rare.get_or_insert_default().idle = Some((timer, begun)));
    }

    fn add_timer(
        &mut self,
        wait: Duration,
        every: Option<(Duration, Missed)>,
        send: Box<dyn FnMut() + Send>,
    ) -> TimerRef {
        let runtime = self.runtime().clone();
        self.own.with(|inner| {
            // The timer is set when the present callback is done: what it sends could not be handled before.
            inner.wants_turn = true;
            let rare = inner.rare.get_or_insert_default();
            let timers = rare.timers.get_or_insert_with(|| Box::new(ActorTimers::new(runtime)));
            Timers::add(&mut **timers, wait, every, send)
        })
    }
}
