//! The actor that the cases play with: it does what it is told, and tells what happens to it.

use crate::{
    Activity, Actor, ActorRef, Capacity, Cx, Exit, Handle, Info, Message, Pid, ReplyTo, SendError, Serve,
    StartError, System, TrapExits,
};
use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::StreamExt;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

/// What happened to a puppet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// It handled `Say`.
    Said(u32),
    /// It got a notice.
    Info(Info),
    /// `terminate` began.
    Terminated(Exit),
    /// Its state was dropped.
    Dropped,
}

pub(crate) type Log = mpsc::UnboundedSender<Event>;

/// What happened to a puppet, in order.
pub(crate) struct Events(mpsc::UnboundedReceiver<Event>);

impl Events {
    pub(crate) fn new() -> (Log, Events) {
        let (log, events) = mpsc::unbounded();
        (log, Events(events))
    }

    /// The next event, when it comes.
    pub(crate) async fn next(&mut self) -> Event {
        self.0.next().await.expect("a puppet that still lives, or has events to tell")
    }

    /// The next notice; no other event comes before it.
    pub(crate) async fn info(&mut self) -> Info {
        match self.next().await {
            Event::Info(info) => info,
            other => panic!("expected a notice, got {other:?}"),
        }
    }

    /// All the events there are, without waiting.
    pub(crate) fn so_far(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Some(Some(event)) = self.0.next().now_or_never() {
            all.push(event);
        }
        all
    }

    /// All events up to the end of the puppet, when it has ended.
    pub(crate) async fn all(self) -> Vec<Event> {
        self.0.collect().await
    }
}

type InitFn = Box<dyn for<'a> FnOnce(&'a mut Cx<Puppet>) -> BoxFuture<'a, Result<(), Exit>> + Send>;
type EndFn = Box<dyn for<'a> FnOnce(&'a Exit, &'a mut Cx<Puppet>) -> BoxFuture<'a, ()> + Send>;
type DoFn = Box<dyn for<'a> FnOnce(&'a mut Puppet, &'a mut Cx<Puppet>) -> BoxFuture<'a, ()> + Send>;

/// What a puppet is started with.
pub(crate) struct Script {
    log: Log,
    traps: bool,
    init: Option<InitFn>,
    at_end: Option<EndFn>,
}

impl Script {
    pub(crate) fn new(log: &Log) -> Script {
        Script { log: log.clone(), traps: false, init: None, at_end: None }
    }

    /// With this `init`.
    pub(crate) fn init(
        mut self,
        init: impl for<'a> FnOnce(&'a mut Cx<Puppet>) -> BoxFuture<'a, Result<(), Exit>> + Send + 'static,
    ) -> Script {
        self.init = Some(Box::new(init));
        self
    }

    /// With this `terminate`.
    pub(crate) fn at_end(
        mut self,
        at_end: impl for<'a> FnOnce(&'a Exit, &'a mut Cx<Puppet>) -> BoxFuture<'a, ()> + Send + 'static,
    ) -> Script {
        self.at_end = Some(Box::new(at_end));
        self
    }

    /// Trapping exits, if `traps`.
    pub(crate) fn trapping(mut self, traps: bool) -> Script {
        self.traps = traps;
        self
    }
}

pub(crate) struct Puppet {
    log: Log,
    at_end: Option<EndFn>,
    /// Answers that are owed.
    pub(crate) kept: Vec<ReplyTo<u32>>,
    /// Dropped with the state.
    pub(crate) luggage: Vec<Box<dyn Send>>,
}

impl Puppet {
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.log.unbounded_send(event);
    }
}

impl Actor for Puppet {
    type Args = Script;

    async fn init(script: Script, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        if script.traps {
            cx.trap_exits(TrapExits::Yes);
        }
        if let Some(init) = script.init {
            init(cx).await?;
        }
        Ok(Puppet { log: script.log, at_end: script.at_end, kept: Vec::new(), luggage: Vec::new() })
    }

    async fn terminate(&mut self, why: &Exit, cx: &mut Cx<Self>) {
        self.tell(Event::Terminated(why.clone()));
        let at_end = self.at_end.take();
        if let Some(at_end) = at_end {
            at_end(why, cx).await;
        }
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        self.tell(Event::Info(info));
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.tell(Event::Dropped);
    }
}

/// Tells its log, and is answered with the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Say(pub(crate) u32);

impl Message for Say {
    type Reply = u32;
}

impl Handle<Say> for Puppet {
    async fn handle(&mut self, m: Say, _: &mut Cx<Self>) -> u32 {
        self.tell(Event::Said(m.0));
        m.0
    }
}

/// A call that is kept, to be answered by somebody some time.
pub(crate) struct Keep;

impl Message for Keep {
    type Reply = u32;
}

impl Serve<Keep> for Puppet {
    async fn serve(&mut self, _: Keep, reply: ReplyTo<u32>, _: &mut Cx<Self>) {
        self.kept.push(reply);
    }
}

/// Something to do.
pub(crate) struct Do(DoFn);

impl Message for Do {
    type Reply = ();
}

impl Do {
    pub(crate) fn new(
        f: impl for<'a> FnOnce(&'a mut Puppet, &'a mut Cx<Puppet>) -> BoxFuture<'a, ()> + Send + 'static,
    ) -> Do {
        Do(Box::new(f))
    }

    /// Something to do without waiting.
    pub(crate) fn now(f: impl FnOnce(&mut Puppet, &mut Cx<Puppet>) + Send + 'static) -> Do {
        Do::new(move |puppet, cx| {
            f(puppet, cx);
            Box::pin(async {})
        })
    }

    /// Ends itself with this reason.
    pub(crate) fn stop(reason: Exit) -> Do {
        Do::now(move |_, cx| cx.stop(reason))
    }

    /// Panics.
    pub(crate) fn panic(message: &'static str) -> Do {
        Do::new(move |_, _| Box::pin(async move { panic!("{message}") }))
    }
}

impl Handle<Do> for Puppet {
    async fn handle(&mut self, m: Do, cx: &mut Cx<Self>) {
        (m.0)(self, cx).await
    }
}

/// A puppet, and what happens to it.
pub(crate) struct Strings {
    pub(crate) actor: ActorRef<Puppet>,
    pub(crate) pid: Pid,
    pub(crate) events: Events,
}

impl Strings {
    /// Does it there, and gives what comes of it.
    pub(crate) async fn does<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Cx<Puppet>) -> R + Send + 'static,
    ) -> R {
        does(&self.actor, f).await
    }

    /// Has it wait in a handler; it goes on when what this gives is dropped.
    pub(crate) async fn hangs(&self) -> oneshot::Sender<()> {
        hangs(&self.actor).await
    }

    pub(crate) fn casts(&self, n: u32) {
        self.actor.cast(Say(n)).expect("room in the mailbox of a living puppet");
    }

    /// Everything that was sent to it before has been handled.
    pub(crate) async fn is_through(&mut self) {
        does(&self.actor, |_| ()).await;
    }

    /// What it said, up to now.
    pub(crate) fn said(&mut self) -> Vec<u32> {
        said(&self.events.so_far())
    }
}

pub(crate) fn said(events: &[Event]) -> Vec<u32> {
    events.iter().filter_map(|event| if let Event::Said(n) = event { Some(*n) } else { None }).collect()
}

pub(crate) async fn does<R: Send + 'static>(
    actor: &ActorRef<Puppet>,
    f: impl FnOnce(&mut Cx<Puppet>) -> R + Send + 'static,
) -> R {
    let (done, outcome) = oneshot::channel();
    let mut act = Do::now(move |_, cx| drop(done.send(f(cx))));
    // A mailbox that refuses has room some time.
    while let Err(SendError::Full(again)) = actor.send(act).await {
        act = again;
        yield_now().await;
    }
    outcome.await.expect("a puppet that does what it is told")
}

pub(crate) async fn hangs(actor: &ActorRef<Puppet>) -> oneshot::Sender<()> {
    let (entered, is_in) = oneshot::channel();
    let (go_on, gate) = oneshot::channel();
    let hang = Do::new(move |_, cx| {
        let _ = entered.send((cx.system().clone(), cx.pid()));
        Box::pin(async move {
            let _ = gate.await;
        })
    });
    actor.send(hang).await.expect("a living puppet");
    let (system, pid) = is_in.await.expect("a puppet that handles its messages");
    // Its mailbox is told that the message has begun when the handler waits.
    while system.describe(pid).is_some_and(|it| it.activity != Activity::Waiting) {
        yield_now().await;
    }
    go_on
}

/// Starts a puppet.
pub(crate) async fn puppet(system: &System) -> Strings {
    start(system, false, Capacity::default(), None).await.expect("an init that succeeds")
}

/// Starts a puppet that traps exits.
pub(crate) async fn trapping(system: &System) -> Strings {
    start(system, true, Capacity::default(), None).await.expect("an init that succeeds")
}

/// Starts a puppet with a mailbox of its own.
pub(crate) async fn with_mailbox(system: &System, capacity: impl Into<Capacity>) -> Strings {
    start(system, false, capacity.into(), None).await.expect("an init that succeeds")
}

/// Starts a puppet as the child of another one.
pub(crate) async fn child_of(system: &System, parent: &Strings, traps: bool) -> Strings {
    start(system, traps, Capacity::default(), Some(parent.pid)).await.expect("an init that succeeds")
}

async fn start(
    system: &System,
    traps: bool,
    capacity: Capacity,
    parent: Option<Pid>,
) -> Result<Strings, StartError> {
    let (log, events) = Events::new();
    let actor = ActorRef::unnamed();
    let mut start = system.start(&actor, Script::new(&log).trapping(traps)).mailbox(capacity);
    if let Some(parent) = parent {
        start = start.linked_to(parent);
    }
    let pid = start.await?;
    Ok(Strings { actor, pid, events })
}

/// Starts a puppet with a script of its own.
pub(crate) async fn scripted(
    system: &System,
    script: impl FnOnce(Script) -> Script,
) -> Result<Strings, StartError> {
    let (log, events) = Events::new();
    let actor = ActorRef::unnamed();
    let pid = system.start(&actor, script(Script::new(&log))).await?;
    Ok(Strings { actor, pid, events })
}

/// Time limits for what has to begin within them: on a busy machine a short one is over before that.
pub(super) fn longer_and_longer() -> impl Iterator<Item = Duration> {
    (0..6).map(|power| Duration::from_millis(2 * 4_u64.pow(power)))
}

/// Lets others run, once.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls a future once, so that it has begun.
pub(crate) async fn begin<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.poll_unpin(cx))).await
}
