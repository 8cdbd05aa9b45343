//! The machine: an actor that asks its plan which event is next, and hands it to the user's code.

use super::cx::StateCx;
use super::plan::{Action, Plan};
use futures::future::{BoxFuture, FutureExt};
use ravelin_core::{Actor, Cx, Exit, Handle, InPlace, Info, Message, ReplyTo, Served, TimerRef};
use std::fmt;
use std::future::Future;
use std::mem;

/// What users write: the data that all states share. With a [`HandleEvent`] for each type of message it makes an
/// actor, [`Machine`], which is started, supervised, called and monitored like any other.
/// Source: the `gen_statem` behaviour, with `handle_event_function` and `state_enter`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state machine",
    note = "write `impl StateMachine for {Self}` with `type Args`, `type State` and `async fn init(args, cx)`"
)]
pub trait StateMachine: Sized + Send + 'static {
    /// What a start needs; made anew for each incarnation.
    type Args: Send + 'static;

    /// The states, usually an enum; each variant has the data that makes sense in that state only.
    type State: Send + 'static;

    /// As [`Actor::IN_PLACE`].
    const IN_PLACE: InPlace = InPlace::WhenShort;

    /// How many events may be postponed at a time, and what happens to one more.
    const POSTPONE_LIMIT: PostponeLimit = PostponeLimit::Stop(1024);

    /// Makes the data and the first state. Time-outs that it sets and events that it inserts come after the enter call.
    ///
    /// # Errors
    /// As [`Actor::init`].
    fn init(
        args: Self::Args,
        cx: &mut StateCx<'_, Self>,
    ) -> impl Future<Output = Result<(Self, Self::State), Exit>> + Send;

    /// Runs when a state is entered: at the start (before the start returns), on each change of the state and on
    /// [`Next::Repeat`]; before any other event. Source: state enter calls.
    fn enter(
        &mut self,
        state: &mut Self::State,
        entry: Entry<Self::State>,
        cx: &mut StateCx<'_, Self>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (state, entry, cx);
        async {}
    }

    /// As [`Actor::handle_info`]; a notice is an event like any other. Source: events of the type `info`.
    fn handle_info(
        &mut self,
        state: &mut Self::State,
        info: Info,
        cx: &mut StateCx<'_, Self>,
    ) -> impl Future<Output = Next<Self::State>> + Send {
        let _ = state;
        tracing::debug!(target: "ravelin", pid = %cx.pid(), ?info, "ravelin.unhandled_info");
        async { Next::Keep }
    }

    /// As [`Actor::terminate`], with the state it ended in. What is postponed by then is not handled any more.
    fn terminate(
        &mut self,
        state: &mut Self::State,
        why: &Exit,
        cx: &mut Cx<Machine<Self>>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (state, why, cx);
        async {}
    }
}

/// Handles events of type `M`: messages that were sent, inserted or retried, and time-outs.
#[diagnostic::on_unimplemented(
    message = "the state machine `{Self}` does not handle `{M}`",
    note = "write `impl HandleEvent<{M}> for {Self}` with `async fn handle_event(&mut self, state, event, cx) -> Next<State>`"
)]
pub trait HandleEvent<M: Message>: StateMachine {
    /// Handles one event in the present state, and says which state comes next. What belongs to the present state may
    /// be changed in place. To be answered, a call needs `event.reply`: now, or from wherever it is kept.
    /// Killed at any of its awaits, it goes no further, and the state stays as it is then.
    fn handle_event(
        &mut self,
        state: &mut Self::State,
        event: Event<M>,
        cx: &mut StateCx<'_, Self>,
    ) -> impl Future<Output = Next<Self::State>> + Send;

    /// What an event is to the machine.
    #[doc(hidden)]
    fn take(
        machine: &mut Machine<Self>,
        event: Event<M>,
        cx: &mut Cx<Machine<Self>>,
    ) -> impl Future<Output = ()> + Send {
        machine.handle(event, cx)
    }
}

/// One event: a message, and where the answer to it goes.
pub struct Event<M: Message> {
    /// The message.
    pub message: M,
    /// Where the answer goes; [`ReplyTo::nobody`] unless it is a call.
    pub reply: ReplyTo<M::Reply>,
}

impl<M: Message> Event<M> {
    /// An event that nobody waits for.
    pub fn cast(message: M) -> Event<M> {
        Event { message, reply: ReplyTo::nobody() }
    }
}

impl<M: Message + fmt::Debug> fmt::Debug for Event<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("message", &self.message).field("reply", &self.reply).finish()
    }
}

/// What comes after an event.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Next<S> {
    /// The same state. Source: `keep_state`.
    Keep,
    /// Another state. Always a change, also to one that is equal: the enter call runs, what was postponed is retried,
    /// the state time-out ends. Source: `next_state`.
    Change(S),
    /// The same state, entered again; nothing is retried, and the state time-out goes on. Source: `repeat_state`.
    Repeat,
    /// The end, as by [`Cx::stop`]: `terminate`, then the exit. What was answered before is seen before it.
    /// Source: `stop`, and `stop_and_reply`.
    Stop(Exit),
}

/// Why a state is entered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry<S> {
    /// The machine starts. Source: an enter call whose old state is the state itself.
    Start,
    /// From this state, which is dropped unless it is taken from here: an answer that it owed is lost then.
    Change(S),
    /// Again.
    Repeat,
}

/// How many events may be postponed at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PostponeLimit {
    /// So many; with one more the machine ends with an error that says so.
    Stop(usize),
    /// So many; one more is dropped, with the event `ravelin.postpone_refused`: a call ends with
    /// [`CallError::NoReply`](ravelin_core::CallError::NoReply).
    Drop(usize),
}

impl PostponeLimit {
    /// How many.
    pub fn max(self) -> usize {
        match self {
            PostponeLimit::Stop(max) | PostponeLimit::Drop(max) => max,
        }
    }
}

/// The actor that a [`StateMachine`] makes: `ActorRef<Machine<D>>` takes every message that `D` has a [`HandleEvent`]
/// for.
pub struct Machine<D: StateMachine> {
    data: D,
    state: D::State,
    plan: Plan<Queued<D>>,
    /// The timers of the plan that are set.
    armed: Vec<(u64, TimerRef)>,
    /// A [`Beat::Go`] is on its way.
    is_going: bool,
}

/// An event that waits in the plan.
pub(super) type Queued<D> = Box<dyn Waiting<D>>;

/// What a machine tells itself.
#[doc(hidden)]
#[derive(Debug)]
pub enum Beat {
    /// Handle the next event of the plan.
    Go,
    /// A timer of the plan fired.
    TimeUp(u64),
}

impl Message for Beat {
    type Reply = ();
}

impl<D: StateMachine> HandleEvent<Beat> for D {
    async fn handle_event(
        &mut self,
        _: &mut Self::State,
        _: Event<Beat>,
        _: &mut StateCx<'_, Self>,
    ) -> Next<Self::State> {
        Next::Keep
    }

    async fn take(machine: &mut Machine<D>, event: Event<Beat>, cx: &mut Cx<Machine<D>>) {
        let next = match event.message {
            Beat::Go => {
                machine.is_going = false;
                machine.next_wanted()
            }
            Beat::TimeUp(number) => {
                machine.armed.retain(|(armed, _)| *armed != number);
                machine.plan.time_up(number)
            }
        };
        if let Some(next) = next {
            next.run(machine, cx).await;
        }
    }
}

impl<D: StateMachine> Machine<D> {
    async fn handle<M: Message>(&mut self, event: Event<M>, cx: &mut Cx<Machine<D>>)
    where
        D: HandleEvent<M>,
    {
        self.plan.begin();
        let mut at = StateCx { cx, plan: &mut self.plan };
        let next = self.data.handle_event(&mut self.state, event, &mut at).await;
        self.follow(next, cx).await;
    }

    async fn notice(&mut self, info: Info, cx: &mut Cx<Machine<D>>) {
        self.plan.begin();
        let mut at = StateCx { cx, plan: &mut self.plan };
        let next = self.data.handle_info(&mut self.state, info, &mut at).await;
        self.follow(next, cx).await;
    }

    async fn follow(&mut self, next: Next<D::State>, cx: &mut Cx<Machine<D>>) {
        let entry = match next {
            Next::Keep => None,
            Next::Change(to) => {
                self.plan.change();
                Some(Entry::Change(mem::replace(&mut self.state, to)))
            }
            Next::Repeat => Some(Entry::Repeat),
            Next::Stop(why) => {
                cx.stop(why);
                None
            }
        };
        if let Some(entry) = entry {
            self.enter(entry, cx).await;
        }
        self.settle(cx);
    }

    async fn enter(&mut self, entry: Entry<D::State>, cx: &mut Cx<Machine<D>>) {
        if !cx.is_stopping() {
            let mut at = StateCx { cx, plan: &mut self.plan };
            self.data.enter(&mut self.state, entry, &mut at).await;
        }
    }

    /// The callbacks of an event are done: the timers are set, and the next event that is here comes next.
    fn settle(&mut self, cx: &mut Cx<Machine<D>>) {
        if self.plan.is_quiet() || cx.is_stopping() {
            return;
        }
        let now = cx.now();
        self.plan.finish(now);
        while let Some(action) = self.plan.poll_action() {
            match action {
                Action::Arm { number, at } => {
                    let timer = cx.send_after(at - now, Beat::TimeUp(number));
                    self.armed.push((number, timer));
                }
                Action::Disarm { number } => {
                    if let Some(at) = self.armed.iter().position(|(armed, _)| *armed == number) {
                        cx.cancel(self.armed.swap_remove(at).1);
                    }
                }
            }
        }
        if self.plan.has_next() && !mem::replace(&mut self.is_going, true) {
            cx.continue_with(Beat::Go);
        }
    }

    /// The next event of the plan; calls whose callers gave up are left out.
    fn next_wanted(&mut self) -> Option<Queued<D>> {
        loop {
            let next = self.plan.next()?;
            if next.is_wanted() {
                return Some(next);
            }
        }
    }
}

impl<D: StateMachine> Actor for Machine<D> {
    type Args = D::Args;
    const IN_PLACE: InPlace = D::IN_PLACE;

    async fn init(args: D::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let mut plan = Plan::new(D::POSTPONE_LIMIT.max());
        let (data, state) = D::init(args, &mut StateCx { cx, plan: &mut plan }).await?;
        let mut machine = Machine { data, state, plan, armed: Vec::new(), is_going: false };
        machine.enter(Entry::Start, cx).await;
        machine.settle(cx);
        Ok(machine)
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        // Calls stay: they end with the exit reason when the state is dropped.
        for left in self.plan.take_left() {
            if let Some(call) = left.leave(cx) {
                self.plan.insert(call);
            }
        }
        self.data.terminate(&mut self.state, why, cx).await;
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        self.notice(info, cx).await;
    }
}

impl<D: HandleEvent<M>, M: Message> Handle<M> for Machine<D> {
    /// Never called: an event is answered through its `reply`.
    async fn handle(&mut self, _: M, _: &mut Cx<Self>) -> M::Reply {
        std::future::pending().await
    }

    #[inline(always)]
    fn on_serve(
        &mut self,
        message: M,
        reply: ReplyTo<M::Reply>,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = ()> + Send {
        D::take(self, Event { message, reply }, cx)
    }

    #[inline(always)]
    fn on_cast(&mut self, message: M, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        D::take(self, Event::cast(message), cx)
    }

    async fn on_call(&mut self, message: M, reply: ReplyTo<M::Reply>, cx: &mut Cx<Self>) {
        let served = Served::new(&reply);
        served.seen_by(D::take(self, Event { message, reply }, cx)).await;
        served.done(cx);
    }
}

/// An event that waits in the plan, of whichever type.
pub(super) trait Waiting<D: StateMachine>: Send {
    /// Whether it is to be handled: not a call whose caller gave up.
    fn is_wanted(&self) -> bool;

    /// Handles it.
    fn run<'a>(self: Box<Self>, machine: &'a mut Machine<D>, cx: &'a mut Cx<Machine<D>>)
    -> BoxFuture<'a, ()>;

    /// The machine ends: a message becomes a dead letter; a call comes back, for it ends with the machine.
    fn leave(self: Box<Self>, cx: &mut Cx<Machine<D>>) -> Option<Queued<D>>;
}

impl<D: HandleEvent<M>, M: Message> Waiting<D> for Event<M> {
    fn is_wanted(&self) -> bool {
        !self.reply.is_call() || self.reply.is_awaited()
    }

    fn run<'a>(
        self: Box<Self>,
        machine: &'a mut Machine<D>,
        cx: &'a mut Cx<Machine<D>>,
    ) -> BoxFuture<'a, ()> {
        async move {
            let served = Served::new(&self.reply);
            served.seen_by(machine.handle(*self, cx)).await;
            served.done_again(cx);
        }
        .boxed()
    }

    fn leave(self: Box<Self>, cx: &mut Cx<Machine<D>>) -> Option<Queued<D>> {
        if self.reply.is_call() {
            return Some(self);
        }
        // What goes before all others when the actor ends is accounted as what waits in the mailbox is.
        cx.continue_with(self.message);
        None
    }
}

impl<D: StateMachine> Waiting<D> for Info {
    fn is_wanted(&self) -> bool {
        true
    }

    fn run<'a>(
        self: Box<Self>,
        machine: &'a mut Machine<D>,
        cx: &'a mut Cx<Machine<D>>,
    ) -> BoxFuture<'a, ()> {
        machine.notice(*self, cx).boxed()
    }

    fn leave(self: Box<Self>, _: &mut Cx<Machine<D>>) -> Option<Queued<D>> {
        None
    }
}
