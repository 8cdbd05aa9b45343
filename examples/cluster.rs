//! A chat between terminals: each is a node, and who talks is a member of a group of the cluster.
//!
//! `cargo run --example cluster -- --name anna`, and in another terminal the same with `--name bert`.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::io::{AsyncBufReadExt, BufReader};
use futures::{SinkExt, StreamExt, TryStreamExt};
use lexopt::prelude::*;
use ravelin::application::signals;
use ravelin::cluster::proto::groups::Group;
use ravelin::cluster::proto::reach::Why;
use ravelin::cluster::tls::dev_ca::DevCa;
use ravelin::cluster::transport::Tcp;
use ravelin::cluster::{Accepts, Config, Endpoint, Node, NodeError, NodeEvent, NodeName, Remote};
use ravelin::prelude::*;
use ravelin::stream::ActorSink;
use ravelin::{Application, Applications, CoordinatedShutdown, Pid, System, runtimes::Tokio};
use serde::{Deserialize, Serialize};

const HELP: &str = "\
A chat between terminals. What is typed goes to all; /who tells who is there, /to NAME TEXT is for one alone.

Usage: cluster --name NAME [options]

  --name NAME       what you are called
  --listen H:P      where others reach you (the first free port of 127.0.0.1:4370 to 4377)
  --join H:P        where somebody is; may be said several times (without --listen: all of those ports)
  --certs DIR       the authority that all must share; made if it is not there (beside the program)
";

const PORTS: Range<u16> = 4370..4378;
const WEEK: Duration = Duration::from_secs(7 * 86_400);

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Something for all.
#[derive(Clone, Deserialize, Message, Serialize)]
#[message(wire = "chat.said")]
struct Said {
    who: String,
    text: String,
}

/// Something for one alone.
#[derive(Deserialize, Message, Serialize)]
#[message(wire = "chat.whispered")]
struct Whispered(Said);

/// A line of the terminal.
#[derive(Message)]
struct Typed(String);

/// One terminal's part of the room.
struct Room {
    node: Node,
    group: Group,
    shutdown: CoordinatedShutdown,
}

impl Actor for Room {
    type Args = (Node, ActorRef<Room>, CoordinatedShutdown);

    async fn init((node, room, shutdown): Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        let group = Group::new("chat", "room").map_err(Exit::error)?;
        node.join(&group, &room).await.map_err(Exit::error)?;
        node.watch(room.recipient()).await;
        Ok(Room { node, group, shutdown })
    }
}

/// What other nodes may send.
impl Remote for Room {
    fn accepts(messages: &mut Accepts<Room>) {
        messages.add::<Said>().add::<Whispered>();
    }
}

impl Handle<Typed> for Room {
    async fn handle(&mut self, Typed(line): Typed, _: &mut Cx<Self>) {
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match command {
            "" => {}
            "/who" => {
                let names: Vec<_> = self.people().into_keys().map(|name| name.to_string()).collect();
                println!("* here: {}", names.join(", "));
            }
            "/to" => match rest.split_once(' ') {
                Some((name, text)) => self.whisper(name, text).await,
                None => println!("* /to NAME TEXT"),
            },
            command if command.starts_with('/') => println!("* {command} is unknown: /who, /to NAME TEXT"),
            _ => drop(self.node.broadcast(&self.group, &self.say(&line))),
        }
    }
}

impl Handle<Said> for Room {
    async fn handle(&mut self, Said { who, text }: Said, _: &mut Cx<Self>) {
        // What is for all comes to oneself too.
        if who != self.node.id().name.as_str() {
            println!("{who}: {text}");
        }
    }
}

impl Handle<Whispered> for Room {
    async fn handle(&mut self, Whispered(Said { who, text }): Whispered, _: &mut Cx<Self>) {
        println!("{who}, to you: {text}");
    }
}

impl Handle<NodeEvent> for Room {
    async fn handle(&mut self, event: NodeEvent, _: &mut Cx<Self>) {
        match event {
            NodeEvent::Up(id) => println!("* {} is here", id.name),
            NodeEvent::Down(id, Why::Left) => println!("* {} left", id.name),
            NodeEvent::Down(id, _) => println!("* {} is lost", id.name),
            NodeEvent::Unwanted(_) => {
                println!("* somebody else is called {}", self.node.id().name);
                self.shutdown.begin();
            }
            _ => {}
        }
    }
}

impl Room {
    /// Who is there, on whichever node.
    fn people(&self) -> BTreeMap<NodeName, Pid> {
        let members = self.node.members(&self.group).into_iter();
        members.filter_map(|pid| Some((self.node.node_of(pid)?.name.clone(), pid))).collect()
    }

    fn say(&self, text: &str) -> Said {
        Said { who: self.node.id().name.to_string(), text: text.to_owned() }
    }

    /// Waits until the other's mailbox has it, so that whoever types is told what becomes of it.
    async fn whisper(&self, name: &str, text: &str) {
        let known = name.parse().ok().and_then(|name: NodeName| self.people().remove(&name));
        let Some(pid) = known else { return println!("* nobody here is called {name}") };
        if let Err(why) = self.node.at::<Room>(pid).send(Whispered(self.say(text))).await {
            println!("* {name} did not get it: {why}");
        }
    }
}

/// Hands over what is typed, until there is no more: then the chat is over.
async fn listen(room: ActorRef<Room>, shutdown: CoordinatedShutdown) -> Result<(), Exit> {
    let lines = BufReader::new(smol::Unblock::new(io::stdin())).lines();
    let typed = lines.map_ok(Typed).map_err(Exit::error);
    typed.forward(ActorSink::new(&room.recipient()).sink_map_err(Exit::error)).await?;
    shutdown.begin();
    std::future::pending().await
}

/// What the command line says.
struct Options {
    name: NodeName,
    listen: Vec<Endpoint>,
    join: Vec<Endpoint>,
    certs: PathBuf,
}

/// `None`: it asks for help.
fn options() -> Result<Option<Options>, Problem> {
    let ports = || PORTS.map(|port| endpoint(format!("127.0.0.1:{port}")));
    let (mut name, mut listen, mut join, mut certs) = (None, Vec::new(), Vec::new(), None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("name") => name = Some(arguments.value()?.parse()?),
            Long("listen") => listen = vec![endpoint(arguments.value()?.string()?)],
            Long("join") => join.push(endpoint(arguments.value()?.string()?)),
            Long("certs") => certs = Some(arguments.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    // Those who say nothing find one another.
    if listen.is_empty() {
        listen.extend(ports());
        if join.is_empty() {
            join.extend(ports());
        }
    }
    let certs =
        certs.map_or_else(|| Ok(std::env::current_exe()?.with_file_name("chat-certs")), Ok::<_, Problem>)?;
    Ok(Some(Options { name: name.ok_or("--name NAME is needed")?, listen, join, certs }))
}

fn endpoint(text: String) -> Endpoint {
    Endpoint(text.into())
}

/// The node, at the first of its endpoints that is free.
async fn start(system: &System, options: Options) -> Result<Node, Problem> {
    let authority = DevCa::in_folder(&options.certs, system.runtime().system_time())?;
    let transport = Arc::new(Tcp::tls(authority.certificates(&options.name, WEEK)?));
    let mut taken = None;
    for listen in options.listen {
        let seeds = options.join.iter().filter(|join| **join != listen).cloned().collect();
        let config =
            Config { cluster: "chat".to_owned(), seeds, ..Config::new(options.name.clone(), &listen.0) };
        match Node::start(system, config, transport.clone()).await {
            Ok(node) => return Ok(node),
            Err(why @ NodeError::Listen(_)) => taken = Some(why),
            Err(why) => return Err(why.into()),
        }
    }
    Err(taken.map_or_else(|| "there is nowhere to listen".into(), Into::into))
}

async fn run(options: Options, runtime: Arc<Tokio>) -> Result<ExitCode, Problem> {
    let signals = signals()?;
    let system = System::new(runtime);
    let node = start(&system, options).await?;
    println!("* {} at {}; /who, /to NAME TEXT, Ctrl-C", node.id().name, node.endpoint());

    let (room, shutdown) = (ActorRef::<Room>::place("room"), CoordinatedShutdown::new());
    let leaving = node.clone();
    shutdown.task("close stores", "leave", async move || leaving.leave().await)?;
    let (args, ears) = ((node, room.clone(), shutdown.clone()), (room.clone(), shutdown.clone()));
    let chat = Supervisor::rest_for_one("chat")
        .child(child(&room, move || args.clone()))
        .child(task("terminal", move || listen(ears.0.clone(), ears.1.clone())));
    let chat = Applications::new().application(Application::new("chat", chat)).shutdown(shutdown);
    Ok(chat.start_in(&system).await?.run(signals).await.exit_code())
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(io::stderr).init();
    let outcome = options().and_then(|options| {
        let Some(options) = options else {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        };
        let tokio = tokio::runtime::Runtime::new()?;
        tokio.block_on(run(options, Tokio::new(tokio.handle().clone())))
    });
    outcome.unwrap_or_else(|why| {
        eprintln!("chat: {why}; --help tells what there is");
        ExitCode::FAILURE
    })
}
