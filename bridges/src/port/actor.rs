//! The port: an actor that lives as long as its process.

use super::command::Command;
use super::framing::Framing;
use super::guardian::{self, EndGently, Guardian, GuardianArgs, KILL_WAIT};
use super::pipes::{self, Input, Output, Pipe, ReadOut, Reading};
use super::processes::{Group, Processes, ReadPipe, Signal, Spawned};
use futures::future::join_all;
use ravelin_core::{
    Actor, ActorRef, Capacity, ChildGrace, Cx, Exit, Handle, Info, Message, Pid, Recipient, StartError, Task,
    TaskArgs, TrapExits, within,
};
use ravelin_supervisor::{ChildSpec, child};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An OS process as an actor. Started from [`PortArgs`], which a [`PortRef`] makes; see there.
pub struct Port {
    command: Command,
    guardian: ActorRef<Guardian>,
    guardian_pid: Pid,
    writer: Pid,
    readers: Vec<(Pid, ActorRef<Task<ReadOut>>)>,
    group: Arc<dyn Group>,
}

/// What a [`Port`] is started with.
#[derive(Clone)]
pub struct PortArgs {
    command: Command,
    stdin: ActorRef<Task<Input>>,
    stdin_capacity: Capacity,
    output: Recipient<Output>,
    processes: Arc<dyn Processes>,
}

impl PortArgs {
    /// The capacity of the mailbox for input; 1024 messages if nothing is said, and senders wait.
    pub fn stdin_mailbox(mut self, capacity: impl Into<Capacity>) -> Self {
        self.stdin_capacity = capacity.into();
        self
    }
}

impl fmt::Debug for PortArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortArgs").field("command", &self.command).field("output", &self.output).finish()
    }
}

/// The place of a port: of the actor, and of the mailbox for what its process reads. It exists before the process, and
/// survives restarts. Cheap to clone.
///
/// * **Start** is synchronous: it returns when the program runs, and fails when there is no such program.
/// * **Input** goes to [`PortRef::stdin`], a mailbox of its own. It waits there as long as the process does not read, and
///   senders with it. It is the incarnation's: what was not written when the process ended is a dead letter.
/// * **Output** comes to the recipient in order, each pipe for itself. The port waits for room in the recipient's
///   mailbox, and the process, in the end, for the port. When nobody lives at the recipient's place, the port ends: put the
///   two under a supervisor that starts them in this order, `rest_for_one`.
/// * **The end**: when the process has ended, the rest of its group is killed, and what is in the pipes is delivered;
///   then the port ends with its [`Status`](super::Status) as the reason: `Normal` for 0, an error otherwise.
/// * **A stop**, an order of its supervisor or the end of that, an exit signal: SIGTERM to the group, [`Command::grace`]
///   to end, SIGKILL to the group. The recipient may take what was said until then, in as long again.
/// * **A kill** of the port: SIGKILL to the group.
///
/// However it ends, nobody learns of its end while something of the group runs. There are three limits. Who leaves the
/// group, as a daemon does with `setsid`, is not found. A process that hangs in a device for longer than five seconds
/// after SIGKILL is given up, with the event `ravelin.process_stuck`. And when this whole program is killed with SIGKILL,
/// nobody is left to do anything: as with OTP's ports, the process sees the end of its input, and SIGPIPE when it writes;
/// to have Linux kill it, run it by `setpriv --pdeathsig KILL`.
///
/// ```
/// use ravelin_bridges::port::{Command, Output, PortRef, Status};
/// use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, runtimes::Local};
/// use ravelin_supervisor::{Supervisor, child, start};
///
/// struct Print;
/// impl Actor for Print {
///     type Args = ();
///     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Print) }
/// }
/// impl Handle<Output> for Print {
///     async fn handle(&mut self, output: Output, _: &mut Cx<Self>) { println!("{}", output.text()) }
/// }
///
/// # #[cfg(unix)]
/// # {
/// let local = Local::new();
/// local.block_on(async {
///     let (print, port) = (ActorRef::<Print>::place("print"), PortRef::place("cat"));
///     let tree = Supervisor::rest_for_one("app")
///         .child(child(&print, || ()))
///         .child(port.child(Command::new("cat"), &print.recipient()));
///     let app = start(local.clone(), tree).await.unwrap(); // it runs
///     app.stop().await; // and nothing of it does
///     assert_eq!(port.actor().last_exit(), Some(Exit::Shutdown));
/// });
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PortRef {
    port: ActorRef<Port>,
    stdin: ActorRef<Task<Input>>,
}

impl PortRef {
    /// A new place, where nothing runs yet. The name is for people and tools, and the child's id.
    pub fn place(name: impl Into<Arc<str>>) -> PortRef {
        let name = name.into();
        let stdin = ActorRef::place(format!("{name}.stdin"));
        PortRef { port: ActorRef::place(name), stdin }
    }

    /// The actor: to stop, monitor, link it, to send its process a [`Signal`], to ask for [`PortInfo`].
    pub fn actor(&self) -> &ActorRef<Port> {
        &self.port
    }

    /// Where input goes, for as long as the process reads: `port.stdin().call(Input::bytes("…")).await`.
    pub fn stdin(&self) -> &ActorRef<Task<Input>> {
        &self.stdin
    }

    /// What the port is started with at this place: what to run, who gets its output, where processes come from.
    pub fn args(
        &self,
        command: Command,
        output: &Recipient<Output>,
        processes: Arc<dyn Processes>,
    ) -> PortArgs {
        let (stdin, output) = (self.stdin.clone(), output.clone());
        PortArgs { command, stdin, stdin_capacity: Capacity::default(), output, processes }
    }

    /// As [`PortRef::child`], for a port with these arguments.
    pub fn child_with(&self, args: PortArgs) -> ChildSpec {
        let time = 2 * args.command.grace + KILL_WAIT;
        child(&self.port, move || args.clone()).shutdown(time)
    }

    /// This port as a child: permanent, and with as much time to stop as the command's grace needs.
    #[cfg(all(unix, feature = "process"))]
    pub fn child(&self, command: Command, output: &Recipient<Output>) -> ChildSpec {
        self.child_with(self.args(command, output, Arc::new(super::unix::OsProcesses)))
    }
}

/// Asks a [`Port`] what it runs.
#[derive(Clone, Copy, Debug)]
pub struct PortInfoRequest;

/// What a [`Port`] runs. Source: `erlang:port_info/1`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PortInfo {
    /// The number of the process, and of its group.
    pub os_pid: u32,
    /// What was started.
    pub command: Command,
}

impl Message for PortInfoRequest {
    type Reply = PortInfo;
}

impl Message for Signal {
    type Reply = io::Result<()>;
}

impl Actor for Port {
    type Args = PortArgs;

    async fn init(args: PortArgs, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        // Where the guardian leaves what it started.
        let place = Arc::new(Mutex::new(None));
        // First, so that it ends last.
        let guardian = ActorRef::<Guardian>::place("guardian");
        let (command, processes) = (args.command.clone(), args.processes.clone());
        let guarded = GuardianArgs { command, processes, spawned: place.clone() };
        let grace = ChildGrace::For(KILL_WAIT + KILL_WAIT / 5);
        let started = cx.system().start(&guardian, guarded).adopted_by(cx.pid(), grace).await;
        let spawned = place.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(spawned) = spawned else {
            let unknown = Exit::error("the guardian of the process is gone");
            return Err(started.err().map_or(unknown, StartError::into_exit));
        };
        let group = spawned.group.clone();
        let port = match started {
            Ok(pid) => Port::open(args, guardian, pid, spawned, cx).await,
            Err(error) => Err(error.into_exit()),
        };
        if port.is_err() {
            // The guardian does this too, if it lives.
            guardian::end(&*group, &**cx.runtime()).await;
        }
        port
    }

    async fn terminate(&mut self, _: &Exit, cx: &mut Cx<Self>) {
        let system = cx.system().clone();
        let end = system.ended(self.guardian_pid);
        let _ = self.guardian.cast(EndGently);
        end.await;
        if self.group.reap().is_none() || !self.group.is_gone() {
            // The guardian was killed, or gave up.
            guardian::end(&*self.group, &**cx.runtime()).await;
        }
        let ends = self.readers.iter().map(|(pid, reader)| {
            let end = system.ended(*pid);
            let _ = reader.cast(ReadOut);
            end
        });
        let ends: Vec<_> = ends.collect();
        let _ = within(&**cx.runtime(), self.command.grace, join_all(ends)).await;
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) {
        let Info::Exit { from, reason } = info else { return };
        if from == self.guardian_pid {
            if self.group.reap().is_none() {
                return cx.stop(Exit::error("the process does not end, or its guardian was killed"));
            }
            for (_, reader) in &self.readers {
                let _ = reader.cast(ReadOut);
            }
        } else if let Some(at) = self.readers.iter().position(|(pid, _)| *pid == from) {
            self.readers.swap_remove(at);
            if reason.is_abnormal() {
                return cx.stop(reason);
            }
        } else if from == self.writer {
            // The process reads no more; it may have much to say yet.
            return;
        } else if reason != Exit::Normal {
            return cx.stop(reason);
        }
        // It is reaped by its guardian, last of all.
        if self.readers.is_empty()
            && !cx.system().is_alive(self.guardian_pid)
            && let Some(status) = self.group.reap()
        {
            cx.stop(status.into_exit());
        }
    }
}

impl Port {
    /// Puts a task at the other end of each pipe.
    async fn open(
        args: PortArgs,
        guardian: ActorRef<Guardian>,
        guardian_pid: Pid,
        spawned: Spawned,
        cx: &mut Cx<Self>,
    ) -> Result<Port, Exit> {
        let PortArgs { command, stdin, stdin_capacity, output, .. } = args;
        let Spawned { stdin: pipe, stdout, stderr, group } = spawned;
        let (me, system) = (cx.pid(), cx.system().clone());
        let at_once = ChildGrace::For(Duration::ZERO);

        let framing = command.framing;
        let write = TaskArgs::once(move |inbox| pipes::write(inbox, pipe, framing));
        let start = system.start(&stdin, write).mailbox(stdin_capacity).adopted_by(me, at_once);
        let writer = start.await.map_err(StartError::into_exit)?;

        let mut readers = Vec::new();
        for (from, pipe, framing) in pipes_to_read(stdout, stderr, framing) {
            let reading = Reading { from, pipe, framing, to: output.clone() };
            let reader = ActorRef::place(pipe.to_string());
            let read = TaskArgs::once(move |inbox| pipes::read(inbox, reading));
            let pid = system.start(&reader, read).adopted_by(me, at_once).await;
            readers.push((pid.map_err(StartError::into_exit)?, reader));
        }
        Ok(Port { command, guardian, guardian_pid, writer, readers, group })
    }
}

/// Standard output, and standard error where it comes in messages.
fn pipes_to_read(
    stdout: ReadPipe,
    stderr: Option<ReadPipe>,
    framing: Framing,
) -> Vec<(ReadPipe, Pipe, Framing)> {
    let for_errors = match framing {
        Framing::Packets { .. } => Framing::lines(),
        framing => framing,
    };
    let stderr = stderr.map(|pipe| (pipe, Pipe::Stderr, for_errors));
    [(stdout, Pipe::Stdout, framing)].into_iter().chain(stderr).collect()
}

impl Handle<PortInfoRequest> for Port {
    async fn handle(&mut self, _: PortInfoRequest, _: &mut Cx<Self>) -> PortInfo {
        PortInfo { os_pid: self.group.id(), command: self.command.clone() }
    }
}

/// Sends a signal to the process and its group.
impl Handle<Signal> for Port {
    async fn handle(&mut self, signal: Signal, _: &mut Cx<Self>) -> io::Result<()> {
        self.group.signal(signal)
    }
}
