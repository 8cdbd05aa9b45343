//! The operating system's processes, on Unix: each the leader of a process group of its own.
//!
//! Whatever executor the actors run on, the pipes and the end of the process are waited for by `async-io`'s thread. Where
//! the kernel has no pidfd the end is waited for by a thread of `Runtime::spawn_blocking`.
//!
//! The first process is not reaped before its group was killed: as long as it is a zombie its number, which is that of
//! the group, can't be another's, so no signal ever reaches a stranger.

use super::command::{Command, Stderr};
use super::processes::{Group, Processes, ReadPipe, Signal, Spawned};
use super::status::Status;
use async_io::Async;
use futures::future::BoxFuture;
use ravelin_core::{Runtime, blocking};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid};
use std::io::{self, PipeReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsProcesses;

impl Processes for OsProcesses {
    /// Returns when the program runs; that takes about a millisecond, and blocks the thread as long.
    fn spawn(&self, command: &Command, runtime: &Arc<dyn Runtime>) -> io::Result<Spawned> {
        let (stdout, to_stdout) = io::pipe()?;
        let mut stderr = None;
        let to_stderr = match command.stderr {
            Stderr::Inherit => Stdio::inherit(),
            Stderr::Null => Stdio::null(),
            Stderr::WithStdout => to_stdout.try_clone()?.into(),
            Stderr::Messages => {
                let (from, to) = io::pipe()?;
                stderr = Some(read_pipe(from)?);
                to.into()
            }
        };
        let stdout = read_pipe(stdout)?;
        let mut native = native(command);
        // The builder keeps our copies of the writing ends; it is gone at the end of this function.
        let mut child = native.stdin(Stdio::piped()).stdout(to_stdout).stderr(to_stderr).spawn()?;
        let stdin = child.stdin.take();
        let group = Arc::new(UnixGroup::new(child, runtime.clone()));
        let Some(stdin) = stdin else { return Err(io::Error::other("the process has no standard input")) };
        Ok(Spawned { stdin: Box::pin(Async::new(stdin)?), stdout, stderr, group })
    }
}

fn native(command: &Command) -> std::process::Command {
    let mut native = std::process::Command::new(&command.program);
    native.args(&command.args).process_group(0);
    if !command.inherits_env {
        native.env_clear();
    }
    for (name, value) in &command.env {
        match value {
            Some(value) => native.env(name, value),
            None => native.env_remove(name),
        };
    }
    if let Some(folder) = &command.folder {
        native.current_dir(folder);
    }
    native
}

fn read_pipe(pipe: PipeReader) -> io::Result<ReadPipe> {
    Ok(Box::pin(Async::new(pipe)?))
}

struct UnixGroup {
    id: Pid,
    first: Mutex<First>,
    /// Readable when the first process has ended, where the kernel has such a thing.
    #[cfg(target_os = "linux")]
    end: Option<Arc<Async<std::os::fd::OwnedFd>>>,
    runtime: Arc<dyn Runtime>,
}

/// The first process.
enum First {
    Running(Child),
    Reaped(Status),
}

impl UnixGroup {
    fn new(child: Child, runtime: Arc<dyn Runtime>) -> UnixGroup {
        let id = Pid::from_child(&child);
        UnixGroup {
            id,
            first: Mutex::new(First::Running(child)),
            #[cfg(target_os = "linux")]
            end: end_of(id),
            runtime,
        }
    }

    fn first(&self) -> MutexGuard<'_, First> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(target_os = "linux")]
fn end_of(id: Pid) -> Option<Arc<Async<std::os::fd::OwnedFd>>> {
    let pidfd = rustix::process::pidfd_open(id, rustix::process::PidfdFlags::NONBLOCK).ok()?;
    Async::new_nonblocking(pidfd).ok().map(Arc::new)
}

/// Waits until it has ended, and leaves it as a zombie.
fn wait_for(id: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(id), options), Err(Errno::INTR)) {}
}

impl Group for UnixGroup {
    fn id(&self) -> u32 {
        self.id.as_raw_nonzero().get().unsigned_abs()
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        use rustix::process::Signal as Native;
        // Held, so that it is not reaped meanwhile.
        let first = self.first();
        if let First::Reaped(_) = *first {
            return Ok(());
        }
        let native = match signal {
            Signal::Terminate => Native::TERM,
            Signal::Kill => Native::KILL,
            Signal::Interrupt => Native::INT,
            Signal::Hangup => Native::HUP,
            Signal::User1 => Native::USR1,
            Signal::User2 => Native::USR2,
        };
        kill_process_group(self.id, native)?;
        if signal == Signal::Terminate {
            kill_process_group(self.id, Native::CONT)?;
        }
        Ok(())
    }

    fn exited(&self) -> BoxFuture<'static, ()> {
        let (id, runtime) = (self.id, self.runtime.clone());
        #[cfg(target_os = "linux")]
        let end = self.end.clone();
        Box::pin(async move {
            #[cfg(target_os = "linux")]
            if let Some(end) = end
                && end.readable_owned().await.is_ok()
            {
                return;
            }
            let _ = blocking(&*runtime, move || wait_for(id)).await;
        })
    }

    fn reap(&self) -> Option<Status> {
        let mut first = self.first();
        let status = match &mut *first {
            First::Reaped(status) => return Some(*status),
            First::Running(child) => match child.try_wait() {
                Ok(None) => return None,
                Ok(Some(status)) => match (status.code(), status.signal()) {
                    (Some(code), _) => Status::Code(code),
                    (None, Some(signal)) => Status::Signal(signal),
                    (None, None) => Status::Unknown,
                },
                Err(_) => Status::Unknown,
            },
        };
        *first = First::Reaped(status);
        Some(status)
    }

    fn is_gone(&self) -> bool {
        test_kill_process_group(self.id) == Err(Errno::SRCH) || only_zombies_are_left(self.id)
    }
}

/// Whether all that is left of the group has ended, and waits for a reaper that takes its time: the first process of a
/// container, often, which takes for ever.
#[cfg(target_os = "linux")]
fn only_zombies_are_left(group: Pid) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let group = group.as_raw_nonzero().get().to_string();
    for process in processes.flatten() {
        let name = process.file_name();
        if !name.to_string_lossy().starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        // "pid (name) state parent group …", where the name may have spaces and parentheses.
        let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let mut fields = rest.split(' ');
        let (state, _parent, its_group) = (fields.next(), fields.next(), fields.next());
        if its_group == Some(&group) && !matches!(state, Some("Z" | "X")) {
            return false;
        }
    }
    true
}

#[cfg(not(target_os = "linux"))]
fn only_zombies_are_left(_: Pid) -> bool {
    false
}

impl Drop for UnixGroup {
    /// Nobody ended it in good order: it is killed, and reaped when it is dead.
    fn drop(&mut self) {
        if self.reap().is_some() {
            return;
        }
        let _ = self.signal(Signal::Kill);
        let first = self.first.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let First::Running(child) = std::mem::replace(first, First::Reaped(Status::Unknown)) {
            let mut child = child;
            self.runtime.spawn_blocking(Box::new(move || drop(child.wait())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_core::runtimes::Local;

    #[test]
    fn without_a_pidfd_a_thread_waits_for_the_end_and_leaves_it_to_be_reaped() {
        let local = Local::new();
        let runtime = local.clone();
        local.block_on(async move {
            let child =
                std::process::Command::new("sh").args(["-c", "exit 4"]).process_group(0).spawn().unwrap();
            let mut group = UnixGroup::new(child, runtime);
            #[cfg(target_os = "linux")]
            {
                group.end = None;
            }
            group.exited().await;
            group.exited().await;
            assert_eq!((group.reap(), group.reap()), (Some(Status::Code(4)), Some(Status::Code(4))));
            assert!(group.is_gone());
            group.signal(Signal::Kill).unwrap();
        });
    }
}
