//! Who has the process. A child of the port that adopted it: whatever befalls the port, core ends the guardian before it
//! tells anybody of the port's end, and the guardian ends with the process's group.

use super::command::Command;
use super::processes::{Group, Processes, Signal, Spawned};
use ravelin_core::{Actor, Cx, Exit, Handle, Message, Runtime, TrapExits, sleep, within};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a killed group may take to be gone. The kernel takes microseconds, unless a process hangs in a device.
pub(crate) const KILL_WAIT: Duration = Duration::from_secs(5);

/// The pauses between two looks whether a killed group is gone.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(20));

pub(crate) struct Guardian {
    group: Arc<dyn Group>,
    grace: Duration,
    stop: Stop,
}

/// Whether it was told to end the process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stop {
    No,
    Asked,
}

pub(crate) struct GuardianArgs {
    pub(crate) command: Command,
    pub(crate) processes: Arc<dyn Processes>,
    /// Where the port finds what was started; it looks there also when the guardian's start failed.
    pub(crate) spawned: Arc<Mutex<Option<Spawned>>>,
}

/// End the process gently: SIGTERM, a while, SIGKILL.
pub(crate) struct EndGently;

/// The first process has ended.
struct HasExited;

/// It was given its time.
struct GraceOver;

impl Message for EndGently {
    type Reply = ();
}

impl Message for HasExited {
    type Reply = ();
}

impl Message for GraceOver {
    type Reply = ();
}

impl Actor for Guardian {
    type Args = GuardianArgs;

    async fn init(args: GuardianArgs, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.trap_exits(TrapExits::Yes);
        let GuardianArgs { command, processes, spawned: place } = args;
        // No await from here to the end: there is no moment at which the process lives and has no guardian.
        let spawned = processes
            .spawn(&command, cx.runtime())
            .map_err(|error| Exit::error(format_args!("can't start {command}: {error}")))?;
        let group = spawned.group.clone();
        cx.pipe(group.exited(), |_| HasExited);
        tracing::debug!(target: "ravelin", pid = %cx.pid(), os_pid = group.id(), %command, "ravelin.process_started");
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(spawned);
        Ok(Guardian { group, grace: command.grace, stop: Stop::No })
    }

    /// Also after an order, when the port is gone already: then without a grace.
    async fn terminate(&mut self, _: &Exit, cx: &mut Cx<Self>) {
        end(&*self.group, &**cx.runtime()).await;
    }
}

impl Handle<EndGently> for Guardian {
    async fn handle(&mut self, _: EndGently, cx: &mut Cx<Self>) {
        if self.stop == Stop::No {
            self.stop = Stop::Asked;
            let _ = self.group.signal(Signal::Terminate);
            cx.send_after(self.grace, GraceOver);
        }
    }
}

impl Handle<HasExited> for Guardian {
    async fn handle(&mut self, _: HasExited, cx: &mut Cx<Self>) {
        cx.stop(Exit::Normal);
    }
}

impl Handle<GraceOver> for Guardian {
    async fn handle(&mut self, _: GraceOver, cx: &mut Cx<Self>) {
        cx.stop(Exit::Normal);
    }
}

/// Kills what is left of the group, reaps the first process, and waits until all are gone.
pub(crate) async fn end(group: &dyn Group, runtime: &dyn Runtime) {
    let _ = group.signal(Signal::Kill);
    let gone = async {
        group.exited().await;
        group.reap();
        let (mut pause, longest) = PAUSES;
        while !group.is_gone() {
            sleep(runtime, pause).await;
            pause = (pause * 2).min(longest);
        }
    };
    if within(runtime, KILL_WAIT, gone).await.is_none() {
        tracing::error!(target: "ravelin", os_pid = group.id(), "ravelin.process_stuck");
    }
}
