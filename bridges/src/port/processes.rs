//! The seam to the operating system: starting a process, its pipes, its group, its end.

use super::command::Command;
use super::status::Status;
use futures::future::BoxFuture;
use futures::io::{AsyncRead, AsyncWrite};
use ravelin_core::Runtime;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

/// A pipe that the process writes to.
pub type ReadPipe = Pin<Box<dyn AsyncRead + Send>>;

/// A pipe that the process reads from.
pub type WritePipe = Pin<Box<dyn AsyncWrite + Send>>;

/// Where processes come from: the operating system (`OsProcesses`), or a script in a test.
pub trait Processes: Send + Sync + 'static {
    /// Starts a process, the first of a group of its own.
    ///
    /// # Errors
    /// There is no such program, or it may not be run, or there is no room for it. Nothing of it is left then.
    fn spawn(&self, command: &Command, runtime: &Arc<dyn Runtime>) -> io::Result<Spawned>;
}

/// A process that was started, and its pipes.
pub struct Spawned {
    /// Its standard input.
    pub stdin: WritePipe,
    /// Its standard output.
    pub stdout: ReadPipe,
    /// Its standard error, if it goes to messages.
    pub stderr: Option<ReadPipe>,
    /// The group.
    pub group: Arc<dyn Group>,
}

/// What is sent to a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Signal {
    /// SIGTERM: end in good order. To one that is stopped too: it is continued.
    Terminate,
    /// SIGKILL: end.
    Kill,
    /// SIGINT: as Ctrl-C does.
    Interrupt,
    /// SIGHUP: by custom, read the configuration again.
    Hangup,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
}

/// A process that was started, and all that it started in its turn and that stayed in its group. Dropped before the
/// first process was reaped, it kills the group.
pub trait Group: Send + Sync + 'static {
    /// The number of the first process, and of the group.
    fn id(&self) -> u32;

    /// Sends a signal to all of the group. Nothing, once the first process was reaped: the number may be another's.
    ///
    /// # Errors
    /// The operating system refused.
    fn signal(&self, signal: Signal) -> io::Result<()>;

    /// Waits until the first process has ended; it is not reaped by that.
    fn exited(&self) -> BoxFuture<'static, ()>;

    /// Reaps the first process, if it has ended, and gives its status; the same each time.
    fn reap(&self) -> Option<Status>;

    /// Whether nothing of the group runs any more. To be asked after the first process was reaped.
    fn is_gone(&self) -> bool;
}
