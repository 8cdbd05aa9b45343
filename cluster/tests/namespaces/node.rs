//! One node in a process of its own: takes commands on its input, and says on its output what it hears.

use futures::channel::mpsc;
use futures::stream::StreamExt;
use ravelin_cluster::proto::groups::Group;
use ravelin_cluster::tls::{CertificateFiles, Certificates};
use ravelin_cluster::transport::Tcp;
use ravelin_cluster::{Accepts, Bincode, Config, Endpoint, Node, NodeEvent, NodeName, Remote, Wire};
use ravelin_core::runtimes::Tokio;
use ravelin_core::{
    Actor, ActorRef, Cx, Exit, Handle, Inbox, Info, Message, Pid, Received, System, Task, TaskArgs,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, stdin};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Who are you?
#[derive(Clone, Deserialize, Serialize)]
struct Who;

impl Message for Who {
    type Reply = Pid;
}

impl Wire for Who {
    const NAME: &'static str = "test.who";
    type Codec = Bincode;
}

/// Monitor this one, of this node.
struct Watch(String, Pid);

impl Message for Watch {
    type Reply = ();
}

/// Says what becomes of those whom it watches.
#[derive(Default)]
struct Puppet {
    watched: BTreeMap<Pid, String>,
}

impl Actor for Puppet {
    type Args = ();

    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Puppet::default())
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        if let Info::Down { pid, reason, .. } = info {
            let whose = self.watched.get(&pid).map_or("nobody", |name| name);
            println!("monitor {whose} {reason}");
        }
    }
}

impl Handle<Who> for Puppet {
    async fn handle(&mut self, _: Who, cx: &mut Cx<Self>) -> Pid {
        cx.pid()
    }
}

impl Handle<Watch> for Puppet {
    async fn handle(&mut self, Watch(name, pid): Watch, cx: &mut Cx<Self>) {
        cx.monitor(pid);
        self.watched.insert(pid, name);
    }
}

impl Remote for Puppet {
    fn accepts(messages: &mut Accepts<Puppet>) {
        messages.add::<Who>();
    }
}

/// `node NAME LISTEN SEED FOLDER`: runs until its input ends.
pub(crate) fn run(arguments: &[String]) {
    let [name, listen, seed, folder] = arguments else { panic!("node NAME LISTEN SEED FOLDER") };
    let name: NodeName = name.parse().expect("a name");
    let certificates =
        Certificates::from_files(CertificateFiles::in_folder(folder, &name)).expect("certificates");
    let config = Config { seeds: vec![Endpoint(seed.as_str().into())], ..Config::new(name, listen) };
    let (commands, mut asked) = mpsc::unbounded();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if commands.unbounded_send(line).is_err() {
                return;
            }
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let system = System::new(Tokio::current());
        let node = Node::start(&system, config, Arc::new(Tcp::tls(certificates))).await.expect("it starts");
        let puppet = ActorRef::<Puppet>::place("puppet");
        let pid = system.start(&puppet, ()).await.expect("it starts");
        system.register("puppet", pid).expect("nobody has the name");
        node.accept::<Puppet>();
        let group = Group::new("", "all").expect("a name");
        node.join(&group, &puppet).await.expect("it lives");
        let watcher = ActorRef::<Task<NodeEvent>>::place("watcher");
        system.start(&watcher, TaskArgs::once(tell)).await.expect("it starts");
        node.watch(watcher.recipient()).await;
        println!("ready {}", node.id());
        while let Some(command) = asked.next().await {
            println!("{}", obey(&node, &puppet, &group, &command).await);
        }
    });
}

async fn obey(node: &Node, puppet: &ActorRef<Puppet>, group: &Group, command: &str) -> String {
    match command.split_once(' ') {
        Some(("watch", other)) => {
            let there = node.named::<Puppet>(&other.parse().expect("a name"), "puppet");
            match there.call(Who).timeout(Duration::from_secs(1)).await {
                Ok(pid) => {
                    puppet.call(Watch(other.to_owned(), pid)).await.expect("it lives");
                    format!("watches {other}")
                }
                Err(why) => format!("watches not {other}: {why}"),
            }
        }
        _ if command == "members" => format!("members {}", node.members(group).len()),
        _ => format!("unknown {command}"),
    }
}

async fn tell(mut inbox: Inbox<NodeEvent>) {
    while let Some(received) = inbox.next().await {
        if let Received::Message(event, _) = received {
            match event {
                NodeEvent::Up(id) => println!("up {}", id.name),
                NodeEvent::Down(id, why) => println!("down {} {why:?}", id.name),
                other => println!("event {other:?}"),
            }
        }
    }
}
