//! Ports over the operating system's own processes.

use crate::host::{Clock, on_each};
use futures::FutureExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::io::AsyncReadExt;
use futures::stream::StreamExt;
use ravelin_bridges::port::{
    Command, Framing, HeaderBytes, Input, OsProcesses, Output, Part, Pipe, PortInfoRequest, PortRef,
    Processes, Signal, Status, Stderr,
};
use ravelin_core::runtimes::Tokio;
use ravelin_core::{Actor, ActorRef, CallError, Cx, Exit, Handle, Pid, StartError, System};
use ravelin_supervisor::{Supervisor, start_in};
use smol::Async;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Passes on what it hears.
struct Ear(UnboundedSender<Output>);

impl Actor for Ear {
    type Args = UnboundedSender<Output>;
    async fn init(to: Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Ear(to))
    }
}

impl Handle<Output> for Ear {
    async fn handle(&mut self, output: Output, _: &mut Cx<Self>) {
        let _ = self.0.unbounded_send(output);
    }
}

struct Scene {
    system: System,
    port: PortRef,
    heard: UnboundedReceiver<Output>,
    ear: ActorRef<Ear>,
}

impl Scene {
    async fn new(system: &System) -> Scene {
        let (to, heard) = unbounded();
        let ear = system.spawn::<Ear>(to).await.unwrap();
        Scene { system: system.clone(), port: PortRef::place("port"), heard, ear }
    }

    async fn start(&self, command: Command) -> Result<Pid, StartError> {
        let args = self.port.args(command, &self.ear.recipient(), Arc::new(OsProcesses));
        self.system.start(self.port.actor(), args).await
    }

    async fn hear(&mut self) -> Output {
        self.heard.next().await.expect("the ear lives")
    }
}

fn sh(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script).framing(Framing::lines())
}

#[test]
fn lines_come_as_messages_and_the_status_is_the_exit_reason() {
    let rows = [
        ("exit 0", Status::Code(0)),
        ("exit 3", Status::Code(3)),
        ("kill -9 $$", Status::Signal(9)),
        ("kill -TERM $$; sleep 1000", Status::Signal(15)),
    ];
    on_each(Clock::Real, async |system| {
        for (last, status) in rows {
            let mut scene = Scene::new(&system).await;
            let command =
                sh(&format!("echo $WHO in $PWD; echo oops >&2; read _; {last}")).stderr(Stderr::Messages);
            let port = scene.start(command.env("WHO", "me").folder("/")).await.unwrap();
            let end = system.ended(port);
            scene.port.stdin().cast(Input::end()).unwrap();
            let mut heard = [scene.hear().await, scene.hear().await];
            heard.sort_by_key(|output| output.pipe == Pipe::Stderr);
            let told = heard.map(|output| (output.pipe, output.text().into_owned(), output.part));
            let whole = Part::Whole;
            assert_eq!(told, [(Pipe::Stdout, "me in /".into(), whole), (Pipe::Stderr, "oops".into(), whole)]);
            let end = end.await;
            assert_eq!((Status::of(&end), &end), (Some(status), &status.into_exit()));
        }
    });
}

#[test]
fn packets_go_through_cat_and_the_end_of_input_ends_it() {
    on_each(Clock::Real, async |system| {
        for header in [HeaderBytes::One, HeaderBytes::Two, HeaderBytes::Four] {
            let mut scene = Scene::new(&system).await;
            let port = scene.start(Command::new("cat").framing(Framing::packets(header))).await.unwrap();
            let end = system.ended(port);
            let stdin = scene.port.stdin();
            for packet in ["", "one", "two\n\0"] {
                stdin.call(Input::bytes(packet)).await.unwrap().unwrap();
            }
            if header == HeaderBytes::One {
                assert!(
                    stdin.call(Input::bytes([0; 256])).await.unwrap().is_err(),
                    "too long, and that is all"
                );
            }
            stdin.call(Input::end()).await.unwrap().unwrap();
            for packet in ["", "one", "two\n\0"] {
                assert_eq!(scene.hear().await.text(), packet);
            }
            assert_eq!(end.await, Exit::Normal);
            assert!(scene.port.stdin().cast(Input::bytes("late")).is_err());
        }
    });
}

#[test]
fn a_port_can_be_asked_and_signalled() {
    on_each(Clock::Real, async |system| {
        let mut scene = Scene::new(&system).await;
        let command = sh("trap 'echo again' HUP; echo $$; while :; do sleep 1000 & wait; done 2>&1")
            .stderr(Stderr::WithStdout);
        let port = scene.start(command.clone()).await.unwrap();
        let info = scene.port.actor().call(PortInfoRequest).await.unwrap();
        assert_eq!(
            (info.os_pid.to_string(), info.command),
            (scene.hear().await.text().into_owned(), command)
        );
        scene.port.actor().call(Signal::Hangup).await.unwrap().unwrap();
        while scene.hear().await.text() != "again" {}
        let end = system.ended(port);
        scene.port.actor().call(Signal::Kill).await.unwrap().unwrap();
        assert_eq!(Status::of(&end.await), Some(Status::Signal(9)));
    });
}

#[test]
fn a_program_that_is_not_there_is_a_failed_start() {
    on_each(Clock::Real, async |system| {
        let scene = Scene::new(&system).await;
        let error = scene.start(Command::new("/no/such/program").arg("a b")).await.unwrap_err();
        let StartError::Init(Exit::Error(why)) = error else { panic!("{error:?}") };
        assert!(why.starts_with("can't start /no/such/program 'a b': No such file"), "{why}");
        assert!(!scene.port.actor().is_alive());
    });
}

/// A fifo. Whoever of the group lives has it open, whatever became of the pipes.
struct Witness {
    path: PathBuf,
    reader: Async<File>,
}

impl Witness {
    fn new() -> Witness {
        let folder = std::env::temp_dir();
        let name = format!("ravelin-witness-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = folder.join(name.replace(['(', ')'], ""));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("there is a mkfifo");
        assert!(made.success());
        let nonblocking = if cfg!(target_os = "linux") { 0o4000 } else { 4 };
        let reader = OpenOptions::new().read(true).custom_flags(nonblocking).open(&path).unwrap();
        Witness { path, reader: Async::new(reader).unwrap() }
    }

    /// What is to be said by a script that leaves others behind in its group.
    fn script(&self, last: &str) -> String {
        format!("exec 3>{}; trap '' TERM; sleep 1000 & sleep 1000 & echo up; {last}", self.path.display())
    }

    /// Nobody has it open: it is at its end, now.
    fn is_alone(&mut self) -> bool {
        matches!(self.reader.read(&mut [0]).now_or_never(), Some(Ok(0)))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// How a port is ended.
#[derive(Clone, Copy, Debug)]
enum Way {
    Stop,
    Kill,
    KillOfTheSupervisor,
    ExitSignal,
    ItsOwn,
}

#[test]
fn nothing_of_a_group_is_left_when_the_end_of_its_port_is_told_however_it_ends() {
    on_each(Clock::Real, async |system| {
        for way in [Way::Stop, Way::Kill, Way::KillOfTheSupervisor, Way::ExitSignal, Way::ItsOwn] {
            let mut witness = Witness::new();
            let mut scene = Scene::new(&system).await;
            let last = if let Way::ItsOwn = way { "exit 0" } else { "wait" };
            let command = sh(&witness.script(last)).grace(Duration::from_millis(1));
            let child = scene.port.child(command, &scene.ear.recipient()).temporary();
            let app = start_in(&system, Supervisor::one_for_one("app").child(child)).await.unwrap();
            let root = app.root().pid().unwrap();
            let end = scene.port.actor().pid().map(|port| (port, system.ended(port)));
            assert_eq!(scene.hear().await.text(), "up");
            if let Some((port, end)) = end {
                match way {
                    Way::Stop => system.stop(port, Exit::Shutdown).await.unwrap(),
                    Way::Kill => assert!(system.kill(port)),
                    Way::KillOfTheSupervisor => assert!(system.kill(root)),
                    Way::ExitSignal => system.exit(scene.ear.pid().unwrap(), port, Exit::error("on demand")),
                    Way::ItsOwn => {}
                }
                end.await;
            }
            assert!(witness.is_alone(), "{way:?}: somebody of the group lives");
            app.stop().await;
        }
    });
}

#[test]
fn a_port_that_is_killed_is_started_again_with_a_process_of_its_own() {
    on_each(Clock::Real, async |system| {
        let mut scene = Scene::new(&system).await;
        let child = scene.port.child(sh("echo $$; exec sleep 1000"), &scene.ear.recipient());
        let tree = Supervisor::one_for_one("app").intensity(9, Duration::from_secs(1)).child(child);
        let app = start_in(&system, tree).await.unwrap();
        let first = scene.hear().await;
        system.kill(scene.port.actor().pid().unwrap());
        let second = scene.hear().await;
        assert_ne!(first.text(), second.text());
        // The process by itself, too: that is an end like any other.
        scene.port.actor().ready().await;
        let killed = scene.port.actor().call(Signal::Kill).await;
        assert!(matches!(killed, Ok(Ok(())) | Err(CallError::Exited(_))), "{killed:?}");
        assert_ne!(scene.hear().await.text(), second.text());
        app.stop().await;
    });
}

#[test]
fn a_group_that_nobody_ended_is_killed_when_it_is_dropped() {
    on_each(Clock::Real, async |system| {
        let mut witness = Witness::new();
        let mut spawned = OsProcesses.spawn(&sh(&witness.script("wait")), system.runtime()).unwrap();
        spawned.stdout.read_exact(&mut [0; 3]).await.unwrap();
        drop(spawned);
        assert_eq!(witness.reader.read(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn an_executor_that_ends_takes_the_processes_of_its_ports_with_it() {
    let mut witness = Witness::new();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    tokio.block_on(async {
        let mut scene = Scene::new(&System::new(Tokio::current())).await;
        scene.start(sh(&witness.script("wait"))).await.unwrap();
        assert_eq!(scene.hear().await.text(), "up");
    });
    drop(tokio);
    assert_eq!(smol::block_on(witness.reader.read(&mut [0])).unwrap(), 0);
}
