//! In the place of the sockets: streams of bytes in memory, and a port that outlives the server.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The most bytes on their way in one direction.
const ROOM: usize = 1 << 10;

/// One direction.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    is_over: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Default)]
struct Way(Arc<Mutex<Pipe>>);

impl Way {
    fn lock(&self) -> MutexGuard<'_, Pipe> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_read(&self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.lock();
        if pipe.bytes.is_empty() {
            if pipe.is_over {
                return Poll::Ready(Ok(0));
            }
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = pipe.bytes.len().min(into.len());
        into.iter_mut().zip(pipe.bytes.drain(..count)).for_each(|(to, byte)| *to = byte);
        let writer = pipe.writer.take();
        drop(pipe);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(count))
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.lock();
        if pipe.is_over {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = bytes.len().min(ROOM.saturating_sub(pipe.bytes.len()));
        if count == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.bytes.extend(&bytes[..count]);
        let reader = pipe.reader.take();
        drop(pipe);
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(count))
    }

    fn end(&self) {
        let mut pipe = self.lock();
        pipe.is_over = true;
        let waiting = [pipe.reader.take(), pipe.writer.take()];
        drop(pipe);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

/// One end of a connection. Both directions end when it is dropped.
pub struct Socket {
    reads: Way,
    writes: Way,
}

impl Socket {
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        self.reads.poll_read(cx, into)
    }

    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.poll_write(cx, bytes)
    }

    pub fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reads.end();
        self.writes.end();
    }
}

/// A port, whoever listens on it.
#[derive(Clone, Default)]
pub struct Port(Arc<Mutex<Desk>>);

#[derive(Default)]
struct Desk {
    /// Which server listens; nobody yet: 0.
    server: u32,
    waiting: VecDeque<Socket>,
    listener: Option<Waker>,
    /// Both directions of all connections, to be cut with the server's power.
    ways: Vec<Way>,
}

impl Port {
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, when somebody listens.
    pub fn connect(&self) -> Option<Socket> {
        let mut desk = self.lock();
        if desk.server == 0 {
            return None;
        }
        let (up, down) = (Way::default(), Way::default());
        desk.ways.extend([up.clone(), down.clone()]);
        desk.waiting.push_back(Socket { reads: up.clone(), writes: down.clone() });
        let listener = desk.listener.take();
        drop(desk);
        listener.into_iter().for_each(Waker::wake);
        Some(Socket { reads: down, writes: up })
    }

    /// Nobody listens from now on, and all connections are cut.
    pub fn cut(&self) {
        let mut desk = self.lock();
        desk.server = 0;
        let (waiting, ways) = (std::mem::take(&mut desk.waiting), std::mem::take(&mut desk.ways));
        drop(desk);
        ways.iter().for_each(Way::end);
        drop(waiting);
    }

    /// A server listens.
    pub fn listen(&self, server: u32) -> Listener {
        self.cut();
        self.lock().server = server;
        Listener { port: self.clone(), server }
    }
}

pub struct Listener {
    port: Port,
    server: u32,
}

impl Listener {
    pub async fn accept(&self) -> io::Result<Socket> {
        poll_fn(|cx| {
            let mut desk = self.port.lock();
            if desk.server == self.server
                && let Some(socket) = desk.waiting.pop_front()
            {
                return Poll::Ready(Ok(socket));
            }
            desk.listener = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}
