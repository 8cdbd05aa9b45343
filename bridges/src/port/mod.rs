//! Ports: an OS process as a supervised child. Source: Erlang's ports.
//!
//! A [`Command`] says what to run, as a value. [`PortRef`] is the place: the actor [`Port`] lives there, with the
//! process, and beside it a mailbox for what goes to the process's standard input. What the process prints comes as
//! messages, [`Output`], to a recipient of yours. How the process ends is the actor's exit reason ([`Status`]).
//!
//! **The process and all of its group are gone before anybody learns of the actor's end**, however it ends: when it is
//! told to stop, fails, is killed, or goes down with its supervisor. So two incarnations never overlap outside either.
//!
//! Everything that touches the operating system goes through the trait [`Processes`]; the real one is behind the
//! feature `process`, and a test can bring its own.

mod framing;
mod command;
mod status;
mod processes;
#[cfg(all(unix, feature = "process"))]
mod unix;
mod guardian;
mod pipes;
mod actor;

pub use actor::{Port, PortArgs, PortInfo, PortInfoRequest, PortRef};
pub use command::{Command, Stderr};
pub use framing::{Framing, FramingError, HeaderBytes, Part};
pub use pipes::{Input, Output, Pipe};
pub use processes::{Group, Processes, ReadPipe, Signal, Spawned, WritePipe};
pub use status::Status;
#[cfg(all(unix, feature = "process"))]
pub use unix::OsProcesses;
