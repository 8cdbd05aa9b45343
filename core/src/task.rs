//! Closure actors: an async function that owns its inbox, as an Erlang process does.

use crate::actor::{Actor, Handle, Received};
use crate::bonds::TrapExits;
use crate::cell::{CellRef, Control, Life, Payload, Takes, receive_one};
use crate::cx::Cx;
use crate::exit::Exit;
use crate::id::{MonitorRef, Pid};
use crate::info::{Notice, Order};
use crate::ledger::Counters;
use crate::message::Message;
use crate::system::System;
use futures::future::BoxFuture;
use ravelin_mailbox::Cut;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Messages received in a row before the task lets others run.
const BUDGET: u32 = 128;

/// The message type of a task that receives none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoMessage {}

impl Message for NoMessage {
    type Reply = ();
}

/// An actor that is one async function. With a place of its own, `ActorRef<Task<M>>`, it is sent to, called, linked,
/// monitored and supervised like any other.
pub struct Task<M: Message> {
    body: Option<TaskBody>,
    _message: std::marker::PhantomData<fn(M)>,
}

/// The life of a task, and how it ends.
type TaskBody = BoxFuture<'static, Result<(), Exit>>;

/// What a task is started with: the function, to be called with the inbox.
pub struct TaskArgs<M: Message>(Box<dyn FnOnce(Inbox<M>) -> TaskBody + Send>);

/// An async function that can be a task: without parameters, or with an [`Inbox`]. It may return `()`, or a `Result`
/// whose error becomes the exit reason.
pub trait TaskFn<M: Message, Shape>: Send + Sync + 'static {
    /// Calls the function.
    fn start(&self, inbox: Inbox<M>) -> BoxFuture<'static, Result<(), Exit>>;
}

/// What a task may return.
pub trait TaskOutput {
    /// The end it means.
    fn into_end(self) -> Result<(), Exit>;
}

impl TaskOutput for () {
    fn into_end(self) -> Result<(), Exit> {
        Ok(())
    }
}

impl<E: Into<Exit>> TaskOutput for Result<(), E> {
    fn into_end(self) -> Result<(), Exit> {
        self.map_err(Into::into)
    }
}

impl<F, Fut> TaskFn<NoMessage, fn() -> Fut> for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: TaskOutput> + Send + 'static,
{
    fn start(&self, _: Inbox<NoMessage>) -> BoxFuture<'static, Result<(), Exit>> {
        let body = self();
        Box::pin(async move { body.await.into_end() })
    }
}

impl<F, Fut, M: Message> TaskFn<M, fn(Inbox<M>) -> Fut> for F
where
    F: Fn(Inbox<M>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: TaskOutput> + Send + 'static,
{
    fn start(&self, inbox: Inbox<M>) -> BoxFuture<'static, Result<(), Exit>> {
        let body = self(inbox);
        Box::pin(async move { body.await.into_end() })
    }
}

impl<M: Message> TaskArgs<M> {
    /// One run of this function.
    pub fn of<Shape: 'static>(function: &Arc<dyn TaskFn<M, Shape>>) -> TaskArgs<M> {
        let function = function.clone();
        TaskArgs(Box::new(move |inbox| function.start(inbox)))
    }

    /// A function that runs once.
    pub fn once<F, Fut>(function: F) -> TaskArgs<M>
    where
        F: FnOnce(Inbox<M>) -> Fut + Send + 'static,
        Fut: Future<Output: TaskOutput> + Send + 'static,
    {
        TaskArgs(Box::new(move |inbox| Box::pin(async move { function(inbox).await.into_end() })))
    }
}

/// The function of the task, once it has been called.
struct Run;

impl Payload for Run {
    type Received = ();
    const IS_BODY: bool = true;
    fn received(self) {}
    fn count(counters: &Counters) {
        counters.handled();
    }
}

impl<M: Message> Actor for Task<M> {
    type Args = TaskArgs<M>;

    async fn init(args: TaskArgs<M>, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        let inbox = Inbox {
            cell: cx.me().typed.cell().clone(),
            pid: cx.pid(),
            system: cx.system().clone(),
            skipped: VecDeque::new(),
            in_a_row: 0,
            _message: std::marker::PhantomData,
        };
        let body = (args.0)(inbox);
        cx.go_on(Run);
        Ok(Task { body: Some(body), _message: std::marker::PhantomData })
    }
}

impl<M: Message> Takes<Run> for Task<M> {
    async fn take(&mut self, _: Run, cx: &mut Cx<Self>) {
        let Some(body) = self.body.take() else { return };
        match body.await {
            // Asked to end it has ended: for the reason that is in the control lane.
            Ok(()) if cx.own.header().has_order() => {}
            Ok(()) => cx.stop(Exit::Normal),
            Err(exit) => cx.stop(exit),
        }
    }
}

impl<M: Message> Handle<M> for Task<M> {
    /// Never called: the function receives all messages, and when it has returned the task handles none.
    async fn handle(&mut self, _: M, _: &mut Cx<Self>) -> M::Reply {
        std::future::pending().await
    }
}

/// The inbox of a task. Whoever has it receives the messages of that incarnation.
pub struct Inbox<M: Message> {
    cell: CellRef,
    pid: Pid,
    system: System,
    /// What selective receives looked at and left; older than all that is in the mailbox.
    skipped: VecDeque<Received<M>>,
    in_a_row: u32,
    _message: std::marker::PhantomData<fn() -> M>,
}

impl<M: Message> Inbox<M> {
    /// The next message; the answer to a call is lost ([`CallError::NoReply`](crate::CallError)), so a task that is
    /// called uses [`Inbox::next`]. Notices of the framework are passed over. `None` when the task traps exits and is
    /// asked to end: return then.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub async fn recv(&mut self) -> Option<M> {
        loop {
            if let Received::Message(message, _) = self.next().await? {
                return Some(message);
            }
        }
    }

    /// The next message, with the way back of a call, or notice of the framework. `None` as for [`Inbox::recv`].
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Received<M>> {
        poll_fn(|cx| {
            if let Some(pause) = self.poll_pause(cx) {
                return pause;
            }
            let received = match self.pop_skipped() {
                Some(received) => Poll::Ready(Some(received)),
                None => self.poll_new(cx),
            };
            received.map(|received| self.hand_out(received))
        })
        .await
    }

    /// The oldest message that `wanted` picks; all others stay, in their order. A call to this looks at each message
    /// once, however often it has to wait. `None` as for [`Inbox::recv`]. Source: selective `receive`.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub async fn recv_matching(&mut self, mut wanted: impl FnMut(&M) -> bool) -> Option<M> {
        let received =
            self.next_matching(|received| matches!(received, Received::Message(m, _) if wanted(m)));
        match received.await? {
            Received::Message(message, _) => Some(message),
            Received::Info(_) => None,
        }
    }

    /// As [`Inbox::recv_matching`], over messages and notices.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub async fn next_matching(
        &mut self,
        mut wanted: impl FnMut(&Received<M>) -> bool,
    ) -> Option<Received<M>> {
        let mut looked_at = 0;
        poll_fn(|cx| {
            loop {
                if let Some(pause) = self.poll_pause(cx) {
                    return pause;
                }
                while let Some(received) = self.skipped.get(looked_at) {
                    if received.is_abandoned() {
                        self.cell.header().counts.expired();
                        self.skipped.remove(looked_at);
                        continue;
                    }
                    if wanted(received) {
                        let picked = self.skipped.remove(looked_at);
                        return Poll::Ready(self.hand_out(picked));
                    }
                    looked_at += 1;
                }
                match self.poll_new(cx) {
                    Poll::Ready(Some(received)) => self.skipped.push_back(received),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// The oldest message that was skipped and that somebody wants handled still.
    fn pop_skipped(&mut self) -> Option<Received<M>> {
        loop {
            let received = self.skipped.pop_front()?;
            if !received.is_abandoned() {
                return Some(received);
            }
            self.cell.header().counts.expired();
        }
    }

    /// The function gets it: it is handled.
    fn hand_out(&mut self, received: Option<Received<M>>) -> Option<Received<M>> {
        self.in_a_row += 1;
        if let Some(Received::Message(_, reply)) = &received {
            let header = self.cell.header();
            header.counts.handled();
            if let Some(call) = reply.pending() {
                let is_its = |life: &Life| life.pid == Some(self.pid);
                let over = header.mailbox.with(|_, life| is_its(life).then(|| life.company().owe(call)));
                drop(over);
            }
        }
        received
    }

    /// What goes before any message: the end, and a turn for others after many messages.
    fn poll_pause(&mut self, cx: &Context<'_>) -> Option<Poll<Option<Received<M>>>> {
        if self.in_a_row >= BUDGET {
            self.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Some(Poll::Pending);
        }
        let end = self.poll_end(cx)?;
        // Whoever does not return then, and receives again, lets others run all the same.
        self.in_a_row += 1;
        Some(end)
    }

    /// The next one from the mailbox.
    fn poll_new(&mut self, cx: &mut Context<'_>) -> Poll<Option<Received<M>>> {
        loop {
            match receive_one::<Received<M>>(&self.cell, cx.waker()) {
                Some(Ok(received)) if received.is_abandoned() => {
                    self.cell.header().counts.expired();
                    self.in_a_row += 1;
                    if let Some(pause) = self.poll_pause(cx) {
                        return pause;
                    }
                }
                Some(Ok(received)) => match self.poll_end(cx) {
                    // It may have been sent after the signal that came meanwhile.
                    Some(end) => {
                        self.skipped.push_back(received);
                        return end;
                    }
                    None => {
                        self.in_a_row += 1;
                        return Poll::Ready(Some(received));
                    }
                },
                Some(Err(Notice::Info(info))) if !self.system.is_current(self.pid, &info) => {}
                Some(Err(Notice::Info(info))) => return Poll::Ready(Some(Received::Info(info))),
                Some(Err(Notice::Order(Order { to, why }))) => {
                    self.cell.header().signal(Some(to), |_| Some((Control::Stop(why), Cut::No)));
                    if let Some(end) = self.poll_end(cx) {
                        return end;
                    }
                }
                None => {
                    self.in_a_row = 0;
                    // The waker is in place now; an order that came before that is seen here.
                    return self.poll_end(cx).unwrap_or(Poll::Pending);
                }
            }
        }
    }

    /// Nothing more is received once a signal waits: an order ends the inbox; a kill takes effect at this await.
    fn poll_end(&self, cx: &Context<'_>) -> Option<Poll<Option<Received<M>>>> {
        let mailbox = &self.cell.header().mailbox;
        if self.cell.header().pid() != Some(self.pid) {
            return Some(Poll::Ready(None));
        }
        if mailbox.has_cut() {
            cx.waker().wake_by_ref();
            return Some(Poll::Pending);
        }
        self.cell.header().has_order().then_some(Poll::Ready(None))
    }

    /// The next message that comes within `wait`; `None` too when none does. Source: `receive .. after`.
    pub async fn recv_within(&mut self, wait: Duration) -> Option<M> {
        let runtime = self.system.runtime().clone();
        crate::timer::within(&*runtime, wait, self.recv()).await.flatten()
    }

    /// This incarnation.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The system the task lives in.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// Waits; a kill cuts the wait off.
    pub async fn sleep(&self, wait: Duration) {
        crate::timer::sleep(&**self.system.runtime(), wait).await;
    }

    /// Sets whether the task traps exit signals. One that does must return when a receive gives `None`.
    pub fn trap_exits(&mut self, trap: TrapExits) {
        self.system.with_life(self.pid, |life| life.traps = trap);
    }

    /// As [`Cx::link`](crate::Cx::link).
    pub fn link(&mut self, other: Pid) {
        self.system.link(self.pid, other);
    }

    /// As [`Cx::unlink`](crate::Cx::unlink).
    pub fn unlink(&mut self, other: Pid) {
        self.system.unlink(self.pid, other);
    }

    /// As [`Cx::monitor`](crate::Cx::monitor).
    pub fn monitor(&mut self, target: Pid) -> MonitorRef {
        self.system.monitor(self.pid, target)
    }

    /// As [`Cx::demonitor`](crate::Cx::demonitor).
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        self.system.demonitor(self.pid, monitor)
    }
}

impl<M: Message> Drop for Inbox<M> {
    fn drop(&mut self) {
        let header = self.cell.header();
        if header.pid() != Some(self.pid) {
            return;
        }
        for received in self.skipped.drain(..) {
            if let Received::Message(..) = received {
                header.counts.left();
            }
        }
    }
}

impl System {
    /// Starts an async function as an actor of its own, at a new place, without a parent.
    ///
    /// ```
    /// # use ravelin_core::{Inbox, Message, System};
    /// # use ravelin_core::runtimes::Local;
    /// struct Word(&'static str);
    /// impl Message for Word { type Reply = (); }
    /// # let local = Local::new();
    /// # let system = System::new(local.clone());
    /// # local.block_on(async move {
    /// let task = system.spawn_task(|mut inbox: Inbox<Word>| async move {
    ///     let second = inbox.recv_matching(|word| word.0 == "second").await.map(|word| word.0);
    ///     let first = inbox.recv().await.map(|word| word.0);
    ///     assert_eq!((second, first), (Some("second"), Some("first")));
    /// }).await.unwrap();
    /// let pid = task.pid().unwrap();
    /// task.cast(Word("first")).unwrap();
    /// task.cast(Word("second")).unwrap();
    /// assert_eq!(system.ended(pid).await, ravelin_core::Exit::Normal);
    /// # });
    /// ```
    pub fn spawn_task<M: Message, F, Fut>(&self, function: F) -> crate::start::Spawn<Task<M>>
    where
        F: FnOnce(Inbox<M>) -> Fut + Send + 'static,
        Fut: Future<Output: TaskOutput> + Send + 'static,
    {
        self.spawn(TaskArgs::once(function))
    }
}
