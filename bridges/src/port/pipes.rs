//! What goes through the pipes of a process: a task for each of them, with messages at its other end.

use super::framing::{Decoder, Framing, FramingError, Part};
use super::processes::{ReadPipe, WritePipe};
use futures::io::AsyncWriteExt;
use ravelin_core::{Exit, Inbox, Message, Received, Recipient, Runtime, SendError, sleep};
use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// How much is read at once.
const READ_BYTES: usize = 8 * 1024;

/// The pauses between tries, when the recipient's mailbox refuses instead of letting senders wait.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// What the process is to read. Sent to [`PortRef::stdin`](super::PortRef::stdin), where it waits until the process
/// reads: `send` waits for room there, `call` until all of it is in the pipe.
///
/// The answer is an error for a packet that is too long. A call ends with `CallError::Exited` when the process closes
/// its standard input, or ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Input(Option<Vec<u8>>);

impl Input {
    /// These bytes; with [`Framing::Packets`], this packet.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Input {
        Input(Some(bytes.into()))
    }

    /// The end of the input: the process reads all that came before, and then the end of the file.
    pub fn end() -> Input {
        Input(None)
    }
}

impl Message for Input {
    type Reply = Result<(), FramingError>;
}

/// Which pipe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pipe {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What the process wrote. Source: `{Port, {data, Data}}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Output {
    /// Where to.
    pub pipe: Pipe,
    /// What: some bytes, a line without its line end, or a packet.
    pub bytes: Vec<u8>,
    /// Whether that is the whole line.
    pub part: Part,
}

impl Output {
    /// The bytes as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

impl Message for Output {
    type Reply = ();
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pipe::Stdout => "stdout",
            Pipe::Stderr => "stderr",
        })
    }
}

/// The life of the task that writes.
pub(crate) async fn write(
    mut inbox: Inbox<Input>,
    mut pipe: WritePipe,
    framing: Framing,
) -> Result<(), Exit> {
    let broken = |error| Exit::error(format_args!("stdin: {error}"));
    while let Some(received) = inbox.next().await {
        let Received::Message(Input(bytes), reply) = received else { continue };
        let Some(bytes) = bytes else {
            let closed = pipe.close().await;
            drop(pipe);
            reply.send(Ok(()));
            return closed.map_err(broken);
        };
        match framing.encode(bytes) {
            Ok(framed) => {
                pipe.write_all(&framed).await.map_err(broken)?;
                pipe.flush().await.map_err(broken)?;
                reply.send(Ok(()));
            }
            Err(error) => reply.send(Err(error)),
        }
    }
    Ok(())
}

/// The group is gone: what is in the pipe now is all there will be, even if somebody who left the group keeps it open.
pub(crate) struct ReadOut;

impl Message for ReadOut {
    type Reply = ();
}

pub(crate) struct Reading {
    pub(crate) from: ReadPipe,
    pub(crate) pipe: Pipe,
    pub(crate) framing: Framing,
    pub(crate) to: Recipient<Output>,
}

/// The life of a task that reads. It reads on when the recipient has taken what was read before.
pub(crate) async fn read(mut inbox: Inbox<ReadOut>, reading: Reading) -> Result<(), Exit> {
    let Reading { mut from, pipe, framing, to } = reading;
    let runtime = inbox.system().runtime().clone();
    let broken = |error: &dyn fmt::Display| Exit::error(format_args!("{pipe}: {error}"));
    let mut decoder = Decoder::new(framing);
    let mut buffer = vec![0; READ_BYTES];
    let mut told = pin!(inbox.recv());
    let mut reads_out = false;
    loop {
        let amount = poll_fn(|cx| {
            loop {
                match from.as_mut().poll_read(cx, &mut buffer) {
                    Poll::Ready(amount) => return Poll::Ready(amount),
                    Poll::Pending if reads_out => return Poll::Ready(Ok(0)),
                    Poll::Pending if told.as_mut().poll(cx).is_ready() => reads_out = true,
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        let amount = amount.await.map_err(|error| broken(&error))?;
        decoder.take(&buffer[..amount]);
        while let Some((bytes, part)) = decoder.next().map_err(|error| broken(&error))? {
            deliver(&to, Output { pipe, bytes, part }, &*runtime).await?;
        }
        if amount == 0 {
            while let Some((bytes, part)) = decoder.end().map_err(|error| broken(&error))? {
                deliver(&to, Output { pipe, bytes, part }, &*runtime).await?;
            }
            return Ok(());
        }
    }
}

async fn deliver(to: &Recipient<Output>, output: Output, runtime: &dyn Runtime) -> Result<(), Exit> {
    let (mut output, (mut pause, longest)) = (output, PAUSES);
    loop {
        match to.send(output).await {
            Ok(()) => return Ok(()),
            Err(SendError::Full(back)) => output = back,
            Err(gone) => {
                let pipe = gone.into_message().pipe;
                return Err(Exit::error(format_args!("{pipe}: nobody lives at the recipient's place")));
            }
        }
        sleep(runtime, pause).await;
        pause = (pause * 2).min(longest);
    }
}
