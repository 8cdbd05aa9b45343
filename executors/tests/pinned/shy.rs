//! The actor of these tests: it is not `Send`, and tells where and when what happens to it.

use futures::channel::oneshot;
use ravelin_core::{Exit, Info, Message, Pid, TrapExits};
use ravelin_executors::pinned::{LocalActor, LocalCx, LocalHandle};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// What happened, on which thread.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<(&'static str, ThreadId)>>>);

impl Seen {
    pub(crate) fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push((what, thread::current().id()));
    }

    pub(crate) fn all(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().map(|(what, _)| *what).collect()
    }

    pub(crate) fn threads(&self) -> Vec<ThreadId> {
        self.0.lock().unwrap().iter().map(|(_, thread)| *thread).collect()
    }
}

/// Tells when it is dropped.
struct Dropped(Seen, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// How an `init` goes.
pub(crate) enum Begin {
    Well,
    Refuse(Exit),
    Panic,
    Wait(oneshot::Sender<()>),
}

/// What `terminate` does.
#[derive(Clone, Copy)]
pub(crate) enum Close {
    Well,
    Panic,
}

pub(crate) struct Shy {
    seen: Seen,
    sum: Rc<Cell<u32>>,
    close: Close,
    down: Option<oneshot::Sender<Info>>,
    _dropped: Dropped,
}

impl LocalActor for Shy {
    type Args = (Seen, Begin, Close);

    async fn init((seen, begin, close): Self::Args, _: &mut LocalCx<Self>) -> Result<Self, Exit> {
        seen.note("init");
        let dropped = Dropped(seen.clone(), "state dropped");
        match begin {
            Begin::Well => {}
            Begin::Refuse(why) => return Err(why),
            Begin::Panic => panic!("no window"),
            Begin::Wait(begun) => {
                let _ = begun.send(());
                pending::<()>().await;
            }
        }
        Ok(Shy { seen, sum: Rc::default(), close, down: None, _dropped: dropped })
    }

    async fn terminate(&mut self, _: &Exit, _: &mut LocalCx<Self>) {
        self.seen.note("terminate");
        if let Close::Panic = self.close {
            panic!("the door is stuck");
        }
    }

    async fn handle_info(&mut self, info: Info, _: &mut LocalCx<Self>) {
        self.seen.note("info");
        if let Some(down) = self.down.take() {
            let _ = down.send(info);
        }
    }
}

macro_rules! messages {
    ($($message:ident($($field:ty),*) -> $reply:ty;)*) => {
        $(
            pub(crate) struct $message($(pub(crate) $field),*);
            impl Message for $message {
                type Reply = $reply;
            }
        )*
    };
}

messages! {
    Add(u32) -> u32;
    Boom() -> ();
    BoomElsewhere() -> ();
    Hang(oneshot::Sender<()>, oneshot::Receiver<()>) -> &'static str;
    StopNow(Exit) -> &'static str;
    Watch(Pid, oneshot::Sender<Info>) -> ();
    LinkTo(Pid) -> ();
    Trap(oneshot::Sender<Info>) -> ();
    Alarm(Duration, oneshot::Sender<()>) -> ();
    Ring(oneshot::Sender<()>) -> ();
}

impl LocalHandle<Add> for Shy {
    async fn handle(&mut self, Add(n): Add, _: &mut LocalCx<Self>) -> u32 {
        self.seen.note("add");
        let sum = self.sum.clone();
        sum.set(sum.get() + n);
        sum.get()
    }
}

impl LocalHandle<Boom> for Shy {
    async fn handle(&mut self, _: Boom, _: &mut LocalCx<Self>) {
        let _dropped = Dropped(self.seen.clone(), "handler dropped");
        panic!("out of paint");
    }
}

impl LocalHandle<BoomElsewhere> for Shy {
    async fn handle(&mut self, _: BoomElsewhere, cx: &mut LocalCx<Self>) {
        cx.with(|_| panic!("no such child")).await
    }
}

impl LocalHandle<Hang> for Shy {
    async fn handle(&mut self, Hang(begun, go_on): Hang, _: &mut LocalCx<Self>) -> &'static str {
        let _dropped = Dropped(self.seen.clone(), "handler dropped");
        let not_send = self.sum.clone();
        let _ = begun.send(());
        if go_on.await.is_err() {
            pending::<()>().await;
        }
        not_send.set(0);
        self.seen.note("went on");
        "went on"
    }
}

impl LocalHandle<StopNow> for Shy {
    async fn handle(&mut self, StopNow(why): StopNow, cx: &mut LocalCx<Self>) -> &'static str {
        cx.stop(why);
        cx.stop(Exit::error("too late"));
        "stopping"
    }
}

impl LocalHandle<Watch> for Shy {
    async fn handle(&mut self, Watch(other, down): Watch, cx: &mut LocalCx<Self>) {
        self.down = Some(down);
        cx.with(move |cx| cx.monitor(other)).await;
    }
}

impl LocalHandle<LinkTo> for Shy {
    async fn handle(&mut self, LinkTo(other): LinkTo, cx: &mut LocalCx<Self>) {
        cx.with(move |cx| cx.link(other)).await;
    }
}

impl LocalHandle<Trap> for Shy {
    async fn handle(&mut self, Trap(told): Trap, cx: &mut LocalCx<Self>) {
        self.down = Some(told);
        cx.with(|cx| cx.trap_exits(TrapExits::Yes)).await;
    }
}

impl LocalHandle<Alarm> for Shy {
    async fn handle(&mut self, Alarm(wait, rings): Alarm, cx: &mut LocalCx<Self>) {
        cx.with(move |cx| cx.send_after(wait, Ring(rings))).await;
    }
}

impl LocalHandle<Ring> for Shy {
    async fn handle(&mut self, Ring(rings): Ring, _: &mut LocalCx<Self>) {
        self.seen.note("ring");
        let _ = rings.send(());
    }
}
