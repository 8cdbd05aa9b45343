//! The actors that the tests send to.

use ravelin_cluster::{Accepts, Addr, Bincode, Node, Remote, Wire};
use ravelin_core::{Actor, Cx, Exit, Handle, Info, Message, Pid, ReplyTo, Serve};
use serde::{Deserialize, Deserializer, Serialize};

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

/// Keeps its length.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Blob(pub(crate) Vec<u8>);

/// Nobody accepts it from other nodes.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Odd;

/// Who reads one with `true` panics; the answer is one.
#[derive(Clone, Serialize)]
pub(crate) struct Grim(pub(crate) bool);

impl<'de> Deserialize<'de> for Grim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Grim, D::Error> {
        let is_grim = bool::deserialize(deserializer)?;
        assert!(!is_grim, "grim");
        Ok(Grim(is_grim))
    }
}

/// Says that it is an `Add`, and is none.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Hollow;

/// Whom do you reach by these?
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Introduce {
    pub(crate) addr: Addr<Puppet>,
    pub(crate) pid: Pid,
}

/// Have this one answer who it is.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Forward(pub(crate) Addr<Puppet>);

/// Answer who you are, to this one.
#[derive(Deserialize, Serialize)]
pub(crate) struct Tell(ReplyTo<Pid>);

/// Never answer.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Keep;

/// End, as one that found this other in its place, and owe the answer.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Clash(pub(crate) Pid);

wire! {
    "test.clash" Clash => ();
    "test.blob" Blob => ();
    "test.grim" Grim => Grim;
    "test.odd" Odd => ();
    "test.add" Hollow => ();
    "test.introduce" Introduce => (Pid, Pid);
    "test.forward" Forward => Pid;
    "test.tell" Tell => ();
    "test.keep" Keep => ();
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
    unanswered: Vec<ReplyTo<()>>,
    /// The node that it lives on.
    node: Option<Node>,
}

impl Actor for Puppet {
    type Args = Option<Node>;

    async fn init(node: Option<Node>, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(ravelin_core::TrapExits::Yes);
        Ok(Puppet { node, ..Puppet::default() })
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

impl Handle<Blob> for Puppet {
    async fn handle(&mut self, blob: Blob, _: &mut Cx<Self>) {
        self.kept.push(blob.0.len() as u64);
    }
}

impl Handle<Grim> for Puppet {
    async fn handle(&mut self, _: Grim, _: &mut Cx<Self>) -> Grim {
        Grim(true)
    }
}

impl Handle<Odd> for Puppet {
    async fn handle(&mut self, _: Odd, _: &mut Cx<Self>) {}
}

impl Handle<Hollow> for Puppet {
    async fn handle(&mut self, _: Hollow, _: &mut Cx<Self>) {}
}

impl Serve<Introduce> for Puppet {
    async fn serve(&mut self, it: Introduce, reply: ReplyTo<(Pid, Pid)>, _: &mut Cx<Self>) {
        let Some(node) = &self.node else { return };
        let by_pid = node.at::<Puppet>(it.pid);
        match (it.addr.call(Who).await, by_pid.call(Who).await) {
            (Ok(one), Ok(other)) => reply.send((one, other)),
            other => panic!("{other:?}"),
        }
    }
}

impl Serve<Forward> for Puppet {
    async fn serve(&mut self, forward: Forward, reply: ReplyTo<Pid>, _: &mut Cx<Self>) {
        forward.0.cast(Tell(reply)).unwrap();
    }
}

impl Handle<Tell> for Puppet {
    async fn handle(&mut self, tell: Tell, cx: &mut Cx<Self>) {
        tell.0.send(cx.pid());
    }
}

impl Serve<Keep> for Puppet {
    async fn serve(&mut self, _: Keep, reply: ReplyTo<()>, _: &mut Cx<Self>) {
        self.unanswered.push(reply);
    }
}

impl Serve<Clash> for Puppet {
    async fn serve(&mut self, clash: Clash, reply: ReplyTo<()>, cx: &mut Cx<Self>) {
        self.unanswered.push(reply);
        cx.stop(Exit::AlreadyStarted(clash.0));
    }
}

impl Remote for Puppet {
    fn accepts(messages: &mut Accepts<Puppet>) {
        messages
            .add::<Add>()
            .add::<Blob>()
            .add::<Grim>()
            .add::<Introduce>()
            .add::<Forward>()
            .add::<Tell>()
            .add::<Keep>()
            .add::<Clash>()
            .add::<Get>()
            .add::<Watch>()
            .add::<Link>()
            .add::<Heard>()
            .add::<End>()
            .add::<Who>();
    }
}
