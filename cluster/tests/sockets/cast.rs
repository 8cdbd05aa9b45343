//! The actor that the tests send to.

use futures::channel::mpsc::UnboundedSender;
use ravelin_cluster::{Accepts, Bincode, Remote, Wire};
use ravelin_core::{Actor, Cx, Exit, Handle, Info, Message, Pid, ReplyTo, Serve};
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

/// How many bytes are these?
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Weigh(pub(crate) Text);

/// So many bytes, please.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Make(pub(crate) usize);

/// Monitor this one; the answer comes when it is done.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Watch(pub(crate) Pid);

/// Is never answered; that it came is told.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Hold;

/// Who are you?
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Who;

/// A text: what serde writes in one piece.
pub(crate) type Text = String;

wire! {
    "test.add" Add => ();
    "test.get" Get => Vec<u64>;
    "test.weigh" Weigh => usize;
    "test.make" Make => Text;
    "test.watch" Watch => ();
    "test.hold" Hold => ();
    "test.who" Who => Pid;
}

/// One that does what it is told, and tells what it hears.
pub(crate) struct Puppet {
    kept: Vec<u64>,
    held: Vec<ReplyTo<()>>,
    tells: UnboundedSender<String>,
}

impl Actor for Puppet {
    type Args = UnboundedSender<String>;

    async fn init(tells: UnboundedSender<String>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Puppet { kept: Vec::new(), held: Vec::new(), tells })
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        if let Info::Down { reason, .. } = info {
            // A test that has ended hears nothing more.
            let _ = self.tells.unbounded_send(format!("down: {reason}"));
        }
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

impl Handle<Weigh> for Puppet {
    async fn handle(&mut self, weigh: Weigh, _: &mut Cx<Self>) -> usize {
        weigh.0.len()
    }
}

impl Handle<Make> for Puppet {
    async fn handle(&mut self, make: Make, _: &mut Cx<Self>) -> Text {
        "m".repeat(make.0)
    }
}

impl Handle<Watch> for Puppet {
    async fn handle(&mut self, watch: Watch, cx: &mut Cx<Self>) {
        cx.monitor(watch.0);
    }
}

impl Handle<Who> for Puppet {
    async fn handle(&mut self, _: Who, cx: &mut Cx<Self>) -> Pid {
        cx.pid()
    }
}

impl Serve<Hold> for Puppet {
    async fn serve(&mut self, _: Hold, reply: ReplyTo<()>, _: &mut Cx<Self>) {
        self.held.push(reply);
        let _ = self.tells.unbounded_send("holds".to_owned());
    }
}

impl Remote for Puppet {
    fn accepts(messages: &mut Accepts<Puppet>) {
        messages
            .add::<Add>()
            .add::<Get>()
            .add::<Weigh>()
            .add::<Make>()
            .add::<Watch>()
            .add::<Hold>()
            .add::<Who>();
    }
}
