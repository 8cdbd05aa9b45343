//! The actors that the tests send to.

use ravelin_cluster::{Accepts, Bincode, Remote, Wire};
use ravelin_core::{Actor, Cx, Exit, Handle, Info, Message, Pid};
use serde::{Deserialize, Serialize};

macro_rules! wire {
    ($($name:literal $message:ty => $reply:ty;)*) => {
        $(
            impl Message for $message {
                type Reply = $reply;
            }
            impl Wire for $message {
                const NAME: &'static str = $name;
                type Codec = Bincode;
            }
        )*
    };
}

/// Keeps the number.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Add(pub(crate) u64);

/// What was kept, in order.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Get;

/// Monitor this one; the answer comes when it is done.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Watch(pub(crate) Pid);

/// Link yourself with this one.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Link(pub(crate) Pid);

/// What was heard: ends, by monitors and links.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Heard;

/// End.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct End(pub(crate) String);

/// Who are you?
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Who;

wire! {
    "test.add" Add => ();
    "test.get" Get => Vec<u64>;
    "test.watch" Watch => ();
    "test.link" Link => ();
    "test.heard" Heard => Vec<String>;
    "test.end" End => ();
    "test.who" Who => Pid;
}

/// One that does what it is told.
#[derive(Default)]
pub(crate) struct Puppet {
    kept: Vec<u64>,
    pub(crate) heard: Vec<String>,
}

impl Actor for Puppet {
    type Args = ();

    async fn init((): (), cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(ravelin_core::TrapExits::Yes);
        Ok(Puppet::default())
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        self.heard.push(match info {
            Info::Down { reason, .. } => format!("down: {reason}"),
            Info::Exit { reason, .. } => format!("exit: {reason}"),
            other => format!("{other:?}"),
        });
    }
}

impl Handle<Add> for Puppet {
    async fn handle(&mut self, add: Add, _: &mut Cx<Self>) {
        self.kept.push(add.0);
    }
}

impl Handle<Get> for Puppet {
    async fn handle(&mut self, _: Get, _: &mut Cx<Self>) -> Vec<u64> {
        self.kept.clone()
    }
}

impl Handle<Watch> for Puppet {
    async fn handle(&mut self, watch: Watch, cx: &mut Cx<Self>) {
        cx.monitor(watch.0);
    }
}

impl Handle<Link> for Puppet {
    async fn handle(&mut self, link: Link, cx: &mut Cx<Self>) {
        cx.link(link.0);
    }
}

impl Handle<Heard> for Puppet {
    async fn handle(&mut self, _: Heard, _: &mut Cx<Self>) -> Vec<String> {
        self.heard.clone()
    }
}

impl Handle<End> for Puppet {
    async fn handle(&mut self, end: End, cx: &mut Cx<Self>) {
        cx.stop(Exit::error(end.0));
    }
}

impl Handle<Who> for Puppet {
    async fn handle(&mut self, _: Who, cx: &mut Cx<Self>) -> Pid {
        cx.pid()
    }
}

impl Remote for Puppet {
    fn accepts(messages: &mut Accepts<Puppet>) {
        messages
            .add::<Add>()
            .add::<Get>()
            .add::<Watch>()
            .add::<Link>()
            .add::<Heard>()
            .add::<End>()
            .add::<Who>();
    }
}
