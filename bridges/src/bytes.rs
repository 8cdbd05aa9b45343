//! Bytes: an actor as `AsyncRead`, `AsyncBufRead` and `AsyncWrite`, and a reader into an actor.
//!
//! The traits are those of `futures::io`; `tokio_util::compat` turns them into tokio's.

use crate::pinned::Pinned;
use futures::future::BoxFuture;
use futures::io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use futures::stream::{self, Stream};
use ravelin_core::{Actor, ActorRef, CallError, Exit, Message, Serve};
use std::fmt;
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Asks for bytes. The answer: some, at most so many; none at the end of what there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadBytes {
    /// The most bytes that the answer may have.
    pub max: NonZeroUsize,
}

/// Brings bytes, all of which are to be taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WriteBytes(pub Vec<u8>);

/// Asks that what was written reach where it is to go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlushBytes;

/// Says that no more bytes come. The actor may live on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CloseBytes;

impl Message for ReadBytes {
    type Reply = io::Result<Vec<u8>>;
}

impl Message for WriteBytes {
    type Reply = io::Result<()>;
}

impl Message for FlushBytes {
    type Reply = io::Result<()>;
}

impl Message for CloseBytes {
    type Reply = io::Result<()>;
}

/// The error of a call as one of I/O: its words, and a kind that fits.
fn as_io<M>(error: CallError<M>) -> io::Error {
    let kind = match &error {
        CallError::Exited(_) => ErrorKind::ConnectionReset,
        CallError::NoProc(_) => ErrorKind::NotConnected,
        CallError::Timeout => ErrorKind::TimedOut,
        CallError::Full(_) | CallError::Discarded => ErrorKind::WouldBlock,
        _ => ErrorKind::Other,
    };
    // `WouldBlock` has a meaning of its own to those who poll.
    let kind = if kind == ErrorKind::WouldBlock { ErrorKind::Other } else { kind };
    io::Error::new(kind, error.to_string())
}

type Answered<A, R> = (Pinned<A>, io::Result<R>);

/// A source or a drain of bytes: at most one question to it is under way.
enum Line<A: Actor, R> {
    Idle(Option<Pinned<A>>),
    Asking(BoxFuture<'static, Answered<A, R>>),
}

impl<A: Actor, R: Send + 'static> Line<A, R> {
    fn new(place: &ActorRef<A>) -> Line<A, R> {
        Line::Idle(Some(Pinned::new(place.clone())))
    }

    /// Sends `message`; the line must be idle.
    fn ask<M: Message<Reply = io::Result<R>>>(&mut self, message: M)
    where
        A: Serve<M>,
    {
        if let Line::Idle(place) = self
            && let Some(place) = place.take()
        {
            *self = Line::Asking(Box::pin(async move {
                let (place, answer) = place.call(message).await;
                (place, answer.map_err(as_io).and_then(|answer| answer))
            }));
        }
    }

    /// The answer to what was asked; `None` when nothing was.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<R>>> {
        let Line::Asking(asking) = self else { return Poll::Ready(None) };
        let (place, answer) = ready!(asking.as_mut().poll(cx));
        *self = Line::Idle(Some(place));
        Poll::Ready(Some(answer))
    }
}

/// An actor as `AsyncRead` and `AsyncBufRead`: it is asked for bytes when the reader has none left, for at most `chunk`.
///
/// # Errors
/// Those that the actor answers with. When it ends, or was started again since the first byte, an error that says so:
/// all bytes are of one incarnation. `ConnectionReset`: it ended; `NotConnected`: nobody lives there.
///
/// # Cancel safety
/// No byte is lost when a read is dropped; when the reader is, what it had asked for is: at most `chunk` bytes.
pub struct ActorReader<A: Actor> {
    source: Line<A, Vec<u8>>,
    chunk: NonZeroUsize,
    bytes: Vec<u8>,
    used: usize,
    is_at_end: bool,
}

impl<A: Serve<ReadBytes>> ActorReader<A> {
    /// The bytes of the actor at this place.
    pub fn new(source: &ActorRef<A>, chunk: NonZeroUsize) -> ActorReader<A> {
        ActorReader { source: Line::new(source), chunk, bytes: Vec::new(), used: 0, is_at_end: false }
    }
}

impl<A: Actor> Unpin for ActorReader<A> {}

impl<A: Serve<ReadBytes>> AsyncBufRead for ActorReader<A> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.used >= this.bytes.len() && !this.is_at_end {
            this.source.ask(ReadBytes { max: this.chunk });
            if let Some(answer) = ready!(this.source.poll(cx)) {
                this.bytes = answer?;
                this.used = 0;
                this.is_at_end = this.bytes.is_empty();
            }
        }
        Poll::Ready(Ok(&this.bytes[this.used..]))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.used = (this.used + amount).min(this.bytes.len());
    }
}

impl<A: Serve<ReadBytes>> AsyncRead for ActorReader<A> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let bytes = ready!(self.as_mut().poll_fill_buf(cx))?;
        let amount = bytes.len().min(into.len());
        into[..amount].copy_from_slice(&bytes[..amount]);
        self.consume(amount);
        Poll::Ready(Ok(amount))
    }
}

/// An actor as `AsyncWrite`: each write is a message of at most `chunk` bytes, and waits until the one before it is
/// handled; so at most `chunk` bytes are under way.
///
/// * `poll_flush` waits until all is handled, and for the answer to [`FlushBytes`].
/// * `poll_close` does that, and waits for the answer to [`CloseBytes`]. The actor may live on.
///
/// # Errors
/// Those that the actor answers with; they come with what is polled next, as those of a file do. And as those of
/// [`ActorReader`]: all bytes go to one incarnation.
///
/// # Cancel safety
/// A write that is dropped before it is ready has written nothing; a flush or close that is dropped goes on when it is
/// polled again.
pub struct ActorWriter<A: Actor> {
    drain: Line<A, ()>,
    chunk: NonZeroUsize,
    stage: Stage,
}

/// What the writer asked for last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Writing,
    Flushing,
    Flushed,
    Closing,
    Closed,
}

impl<A: Serve<WriteBytes> + Serve<FlushBytes> + Serve<CloseBytes>> ActorWriter<A> {
    /// To the actor at this place.
    pub fn new(drain: &ActorRef<A>, chunk: NonZeroUsize) -> ActorWriter<A> {
        ActorWriter { drain: Line::new(drain), chunk, stage: Stage::Writing }
    }

    /// Goes from stage to stage, each when the answer of the one before is there, until it is at `goal`.
    fn poll_to(&mut self, goal: Stage, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match (ready!(self.drain.poll(cx)), self.stage) {
                (Some(Err(error)), _) => {
                    self.stage = Stage::Writing;
                    return Poll::Ready(Err(error));
                }
                (Some(Ok(())), Stage::Flushing) => self.stage = Stage::Flushed,
                (Some(Ok(())), Stage::Closing) => self.stage = Stage::Closed,
                (_, stage) if stage == goal || stage == Stage::Closed => return Poll::Ready(Ok(())),
                (_, Stage::Flushed) => {
                    self.stage = Stage::Closing;
                    self.drain.ask(CloseBytes);
                }
                _ => {
                    self.stage = Stage::Flushing;
                    self.drain.ask(FlushBytes);
                }
            }
        }
    }
}

impl<A: Actor> Unpin for ActorWriter<A> {}

impl<A: Serve<WriteBytes> + Serve<FlushBytes> + Serve<CloseBytes>> AsyncWrite for ActorWriter<A> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if matches!(self.stage, Stage::Closing | Stage::Closed) {
            return Poll::Ready(Err(io::Error::new(ErrorKind::BrokenPipe, "the writer is closed")));
        }
        if let Some(answer) = ready!(self.drain.poll(cx)) {
            answer?;
        }
        let amount = bytes.len().min(self.chunk.get());
        self.stage = Stage::Writing;
        if amount > 0 {
            self.drain.ask(WriteBytes(bytes[..amount].to_vec()));
            // Sent now; the answer is awaited by whoever comes next.
            if let Poll::Ready(Some(answer)) = self.drain.poll(cx) {
                answer?;
            }
        }
        Poll::Ready(Ok(amount))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_to(Stage::Flushed, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_to(Stage::Closed, cx)
    }
}

impl<A: Actor> fmt::Debug for ActorReader<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorReader({} bytes left)", self.bytes.len() - self.used)
    }
}

impl<A: Actor> fmt::Debug for ActorWriter<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorWriter({:?})", self.stage)
    }
}

/// Copies all that `from` has into an actor, `chunk` bytes at a time, flushes and closes; gives how many there were. At
/// most two chunks are under way: one read, one being handled. As the body of a task it makes a pump that is supervised:
/// `task("pump", move || copy(open(), &drain, chunk))`, with the error as its exit reason.
///
/// # Errors
/// What went wrong in reading, in the actor, or on the way to it, as an exit reason.
///
/// # Cancel safety
/// Dropped, what was read and not written is lost, and the actor is not told.
pub async fn copy<A>(from: impl AsyncRead, to: &ActorRef<A>, chunk: NonZeroUsize) -> Result<u64, Exit>
where
    A: Serve<WriteBytes> + Serve<FlushBytes> + Serve<CloseBytes>,
{
    let mut writer = ActorWriter::new(to, chunk);
    let count = futures::io::copy_buf(BufReader::with_capacity(chunk.get(), from), &mut writer).await?;
    writer.close().await?;
    Ok(count)
}

/// The bytes of a reader as a stream of chunks of at most `max` bytes, for `Cx::attach`. It ends after the last, or
/// after an error. An actor with a mailbox of `n` messages has at most `n + 1` chunks under way.
pub fn chunks<R: AsyncRead + Unpin>(from: R, max: NonZeroUsize) -> impl Stream<Item = io::Result<Vec<u8>>> {
    stream::unfold(Some(from), move |from| async move {
        let mut from = from?;
        let mut chunk = vec![0; max.get()];
        match from.read(&mut chunk).await {
            Ok(0) => None,
            Ok(amount) => {
                chunk.truncate(amount);
                Some((Ok(chunk), Some(from)))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}
