//! A connection over ordered bytes: both streams in one.

use super::chunks::{Garbage, Inbox, Outbox, SLICES_MAX};
use super::{Receiver, Sender, Stream, TransportError};
use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// What an error of the bytes' own means, in words of the transport.
pub(super) type Explain = Box<dyn Fn(io::Error) -> TransportError + Send>;

/// A [`Sender`] over bytes. Chunks wait here to be written together: 64 KiB and one chunk more at most.
pub(super) struct FramedSender<W: AsyncWrite + Unpin> {
    io: W,
    outbox: Outbox,
    explain: Explain,
    /// Why nothing can be sent any more.
    over: Option<TransportError>,
    is_closed: bool,
}

/// A [`Receiver`] over bytes. One buffer of 128 KiB, of which the chunks it gives are parts.
pub(super) struct FramedReceiver<R> {
    io: R,
    inbox: Inbox,
    explain: Explain,
    /// How it ended: the peer has closed, or an error.
    over: Option<Result<(), TransportError>>,
}

impl<W: AsyncWrite + Unpin> FramedSender<W> {
    pub(super) fn new(io: W, explain: Explain) -> FramedSender<W> {
        FramedSender { io, outbox: Outbox::default(), explain, over: None, is_closed: false }
    }

    /// The error that ended it, if one did.
    fn usable(&self) -> Result<(), TransportError> {
        match &self.over {
            Some(error) => Err(error.clone()),
            None if self.is_closed => {
                Err(TransportError::Io(io::ErrorKind::BrokenPipe, "it is closed".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Keeps an error, for all that asks later.
    fn fail(&mut self, error: io::Error) -> TransportError {
        let error = (self.explain)(error);
        self.over = Some(error.clone());
        error
    }

    /// Writes a part of what waits.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let count = self.outbox.slices(&mut slices);
        match ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..count])) {
            Ok(0) => Poll::Ready(Err(self.fail(io::ErrorKind::WriteZero.into()))),
            Ok(written) => {
                self.outbox.wrote(written);
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(self.fail(error))),
        }
    }
}

impl<W: AsyncWrite + Send + Unpin> Sender for FramedSender<W> {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: Stream,
        frames: &mut Bytes,
    ) -> Poll<Result<(), TransportError>> {
        self.usable()?;
        while self.outbox.is_full() {
            ready!(self.poll_write(cx))?;
        }
        Poll::Ready(self.outbox.put(stream, frames).map_err(|Garbage(why)| TransportError::Garbage(why)))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.usable()?;
        while !self.outbox.is_empty() {
            ready!(self.poll_write(cx))?;
        }
        match ready!(Pin::new(&mut self.io).poll_flush(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(self.fail(error))),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if self.is_closed {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_flush(cx))?;
        match ready!(Pin::new(&mut self.io).poll_close(cx)) {
            Ok(()) => {
                self.is_closed = true;
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(self.fail(error))),
        }
    }
}

impl<W: AsyncWrite + Unpin> Drop for FramedSender<W> {
    /// Closes, if that goes without waiting: the other half may keep the socket open.
    fn drop(&mut self) {
        if self.over.is_some() || self.is_closed {
            return;
        }
        let mut cx = Context::from_waker(Waker::noop());
        while !self.outbox.is_empty() {
            if !matches!(self.poll_write(&mut cx), Poll::Ready(Ok(()))) {
                return;
            }
        }
        let _ = Pin::new(&mut self.io).poll_close(&mut cx);
    }
}

impl<R: AsyncRead + Unpin> FramedReceiver<R> {
    pub(super) fn new(io: R, explain: Explain) -> FramedReceiver<R> {
        FramedReceiver { io, inbox: Inbox::default(), explain, over: None }
    }

    /// The next chunk, the end, or an error.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Stream, Bytes)>, TransportError>> {
        loop {
            match self.inbox.next() {
                Ok(None) => (),
                Ok(chunk) => return Poll::Ready(Ok(chunk)),
                Err(Garbage(why)) => return Poll::Ready(Err(TransportError::Garbage(why))),
            }
            match ready!(Pin::new(&mut self.io).poll_read(cx, self.inbox.room())) {
                Ok(0) if self.inbox.is_midway() => {
                    let why = "the peer closed in the middle of a chunk".to_owned();
                    return Poll::Ready(Err(TransportError::Io(io::ErrorKind::UnexpectedEof, why)));
                }
                Ok(0) => return Poll::Ready(Ok(None)),
                Ok(count) => self.inbox.filled(count),
                Err(error) => return Poll::Ready(Err((self.explain)(error))),
            }
        }
    }
}

impl<R: AsyncRead + Send + Unpin> Receiver for FramedReceiver<R> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<(Stream, Bytes)>, TransportError>> {
        if let Some(over) = &self.over {
            return Poll::Ready(over.clone().map(|()| None));
        }
        let next = ready!(self.poll_next(cx));
        match &next {
            Ok(Some(_)) => (),
            Ok(None) => self.over = Some(Ok(())),
            Err(error) => self.over = Some(Err(error.clone())),
        }
        Poll::Ready(next)
    }
}
