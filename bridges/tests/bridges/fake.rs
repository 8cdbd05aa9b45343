//! An operating system from a script: processes that print, hang, flood, die and leave things behind, in virtual time.

use futures::future::BoxFuture;
use futures::io::{AsyncRead, AsyncWrite};
use ravelin_bridges::port::{Command, Group, Processes, Signal, Spawned, Status};
use ravelin_core::{Runtime, Time};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub(crate) const MS: Duration = Duration::from_millis(1);

/// What a process does.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// What it prints, as fast as it is read.
    pub(crate) prints: Vec<u8>,
    /// Whether it prints that again and again.
    pub(crate) flood: Flood,
    /// When it ends by itself, if it does, and how.
    pub(crate) ends: Option<(Duration, i32)>,
    /// How long it takes to end after SIGTERM; `None`: for ever.
    pub(crate) obeys: Option<Duration>,
    /// How long its group is still there after the first process has ended.
    pub(crate) lingers: Duration,
    pub(crate) stdin: Stdin,
    pub(crate) pipe_after: PipeAfter,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flood {
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stdin {
    /// Read, and forgotten.
    Read,
    /// Never read.
    Unread,
}

/// Its standard output when it has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PipeAfter {
    Closed,
    /// Somebody who left the group has it.
    KeptOpen,
}

impl Script {
    /// Says nothing, and lives until it is told to end.
    pub(crate) fn idle() -> Script {
        Script {
            prints: Vec::new(),
            flood: Flood::No,
            ends: None,
            obeys: Some(MS),
            lingers: MS,
            stdin: Stdin::Read,
            pipe_after: PipeAfter::Closed,
        }
    }
}

/// What the next process does, or why there is none.
type Next = dyn Fn(&dyn Runtime) -> io::Result<Script> + Send + Sync;

/// The operating system: what each start does, and what came of it.
#[derive(Clone)]
pub(crate) struct Kernel {
    next: Arc<Next>,
    state: Arc<Mutex<Seen>>,
}

/// What the kernel has seen.
#[derive(Default)]
struct Seen {
    started: u32,
    groups: Vec<Arc<FakeGroup>>,
    overlaps: u32,
}

impl Kernel {
    pub(crate) fn new(next: impl Fn(&dyn Runtime) -> io::Result<Script> + Send + Sync + 'static) -> Kernel {
        Kernel { next: Arc::new(next), state: Arc::default() }
    }

    /// Whose every process does this.
    pub(crate) fn of(script: Script) -> Kernel {
        Kernel::new(move |_| Ok(script.clone()))
    }

    pub(crate) fn started(&self) -> u32 {
        self.state.lock().unwrap().started
    }

    /// How many groups run.
    pub(crate) fn living(&self) -> usize {
        self.state.lock().unwrap().groups.iter().filter(|group| !group.is_gone()).count()
    }

    /// How often a group was started while another one ran.
    pub(crate) fn overlaps(&self) -> u32 {
        self.state.lock().unwrap().overlaps
    }

    /// The signals that the newest group got.
    pub(crate) fn signals(&self) -> Vec<Signal> {
        self.newest().life.lock().unwrap().signals.clone()
    }

    /// How many bytes were read of the newest group.
    pub(crate) fn bytes_read(&self) -> usize {
        self.newest().life.lock().unwrap().bytes_read
    }

    fn newest(&self) -> Arc<FakeGroup> {
        self.state.lock().unwrap().groups.last().expect("one was started").clone()
    }
}

impl Processes for Kernel {
    fn spawn(&self, _: &Command, runtime: &Arc<dyn Runtime>) -> io::Result<Spawned> {
        let script = (self.next)(&**runtime)?;
        let is_overlap = self.living() > 0;
        let mut state = self.state.lock().unwrap();
        state.started += 1;
        state.overlaps += u32::from(is_overlap);
        let life = Life { ends_at: script.ends.map(|(time, _)| runtime.now() + time), ..Life::default() };
        let group = FakeGroup {
            id: state.started,
            script,
            runtime: runtime.clone(),
            life: Arc::new(Mutex::new(life)),
        };
        let group = Arc::new(group);
        state.groups.push(group.clone());
        let pipe = || Pipe { group: group.clone(), printed: 0 };
        let handle = Arc::new(Handle(group.clone()));
        Ok(Spawned { stdin: Box::pin(pipe()), stdout: Box::pin(pipe()), stderr: None, group: handle })
    }
}

struct FakeGroup {
    id: u32,
    script: Script,
    runtime: Arc<dyn Runtime>,
    life: Arc<Mutex<Life>>,
}

#[derive(Default)]
struct Life {
    ends_at: Option<Time>,
    killed_by: Option<i32>,
    is_reaped: bool,
    signals: Vec<Signal>,
    waiting: Vec<Waker>,
    bytes_read: usize,
}

impl FakeGroup {
    fn has_ended(&self) -> bool {
        self.life.lock().unwrap().ends_at.is_some_and(|at| at <= self.runtime.now())
    }

    fn is_gone(&self) -> bool {
        let ends_at = self.life.lock().unwrap().ends_at;
        ends_at.is_some_and(|at| at + self.script.lingers <= self.runtime.now())
    }

    /// Ends at the latest so long from now.
    fn end_within(&self, time: Duration, by: i32) {
        let at = self.runtime.now() + time;
        let waiting = {
            let mut life = self.life.lock().unwrap();
            if life.ends_at.is_some_and(|ends_at| ends_at <= at) {
                return;
            }
            life.ends_at = Some(at);
            life.killed_by = Some(by);
            std::mem::take(&mut life.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    fn signal(&self, signal: Signal) {
        self.life.lock().unwrap().signals.push(signal);
        match (signal, self.script.obeys) {
            (Signal::Kill, _) => self.end_within(MS / 10, 9),
            (Signal::Terminate, Some(time)) => self.end_within(time, 15),
            _ => {}
        }
    }

    /// Waits for the end.
    async fn ended(self: Arc<Self>) {
        let mut timer = None;
        poll_fn(|cx| {
            if self.has_ended() {
                return Poll::Ready(());
            }
            let ends_at = {
                let mut life = self.life.lock().unwrap();
                life.waiting.push(cx.waker().clone());
                life.ends_at
            };
            if let Some(at) = ends_at {
                let timer: &mut Pin<Box<dyn ravelin_core::Timer>> =
                    timer.get_or_insert_with(|| self.runtime.timer(at));
                timer.as_mut().reset(at);
                return timer.as_mut().poll(cx);
            }
            Poll::Pending
        })
        .await;
    }
}

/// What the port has of a group: dropped before it was reaped, the group is killed.
struct Handle(Arc<FakeGroup>);

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.0.life.lock().unwrap().is_reaped {
            self.0.signal(Signal::Kill);
        }
    }
}

impl Group for Handle {
    fn id(&self) -> u32 {
        self.0.id
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        if !self.0.life.lock().unwrap().is_reaped {
            self.0.signal(signal);
        }
        Ok(())
    }

    fn exited(&self) -> BoxFuture<'static, ()> {
        Box::pin(self.0.clone().ended())
    }

    fn reap(&self) -> Option<Status> {
        if !self.0.has_ended() {
            return None;
        }
        let mut life = self.0.life.lock().unwrap();
        life.is_reaped = true;
        Some(match (life.killed_by, self.0.script.ends) {
            (Some(signal), _) => Status::Signal(signal),
            (None, Some((_, code))) => Status::Code(code),
            (None, None) => unreachable!("nobody ended it"),
        })
    }

    fn is_gone(&self) -> bool {
        assert!(self.0.life.lock().unwrap().is_reaped, "asked before it was reaped");
        self.0.is_gone()
    }
}

/// Either end of a pipe of the process.
struct Pipe {
    group: Arc<FakeGroup>,
    printed: usize,
}

impl Pipe {
    fn wait<T>(&self, cx: &Context<'_>) -> Poll<T> {
        self.group.life.lock().unwrap().waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let script = &self.group.script;
        if self.printed == script.prints.len() && script.flood == Flood::Yes && !self.group.has_ended() {
            self.printed = 0;
        }
        let script = &self.group.script;
        let left = &script.prints[self.printed..];
        if left.is_empty() {
            return match script.pipe_after {
                PipeAfter::Closed if self.group.has_ended() => Poll::Ready(Ok(0)),
                _ => self.wait(cx),
            };
        }
        // In pieces that fit no line.
        let amount = left.len().min(into.len()).min(7);
        into[..amount].copy_from_slice(&left[..amount]);
        self.group.life.lock().unwrap().bytes_read += amount;
        self.printed += amount;
        Poll::Ready(Ok(amount))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.group.has_ended() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        match self.group.script.stdin {
            Stdin::Read => Poll::Ready(Ok(bytes.len())),
            Stdin::Unread => self.wait(cx),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
