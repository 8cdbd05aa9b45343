//! An actor as a reader, as a writer, and what is copied into one.

use crate::host::{Clock, on_each, until};
use futures::FutureExt;
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, Cursor};
use ravelin_bridges::bytes::{
    ActorReader, ActorWriter, CloseBytes, FlushBytes, ReadBytes, WriteBytes, chunks, copy,
};
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Inbox, Message, NoMessage, System};
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

fn size(bytes: usize) -> NonZeroUsize {
    NonZeroUsize::new(bytes).unwrap()
}

/// What a file has seen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Seen {
    bytes: Vec<u8>,
    /// The longest piece at once.
    longest: usize,
    flushes: usize,
    is_closed: bool,
}

/// Bytes that can be written and read; it fails after so many.
struct File {
    seen: Arc<Mutex<Seen>>,
    read: usize,
    room: usize,
}

impl Actor for File {
    type Args = (Arc<Mutex<Seen>>, usize);
    async fn init((seen, room): Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(File { seen, read: 0, room })
    }
}

impl Handle<ReadBytes> for File {
    async fn handle(&mut self, read: ReadBytes, _: &mut Cx<Self>) -> io::Result<Vec<u8>> {
        if self.read >= self.room {
            return Err(io::Error::other("bad sector"));
        }
        let seen = self.seen.lock().unwrap();
        let amount = read.max.get().min(seen.bytes.len() - self.read).min(self.room - self.read);
        self.read += amount;
        Ok(seen.bytes[self.read - amount..self.read].to_vec())
    }
}

impl Handle<WriteBytes> for File {
    async fn handle(&mut self, WriteBytes(bytes): WriteBytes, _: &mut Cx<Self>) -> io::Result<()> {
        let mut seen = self.seen.lock().unwrap();
        if seen.bytes.len() + bytes.len() > self.room {
            return Err(io::Error::new(ErrorKind::StorageFull, "disk full"));
        }
        seen.longest = seen.longest.max(bytes.len());
        seen.bytes.extend(bytes);
        Ok(())
    }
}

impl Handle<FlushBytes> for File {
    async fn handle(&mut self, _: FlushBytes, _: &mut Cx<Self>) -> io::Result<()> {
        self.seen.lock().unwrap().flushes += 1;
        Ok(())
    }
}

impl Handle<CloseBytes> for File {
    async fn handle(&mut self, _: CloseBytes, _: &mut Cx<Self>) -> io::Result<()> {
        self.seen.lock().unwrap().is_closed = true;
        Ok(())
    }
}

async fn file(system: &System, content: &[u8], room: usize) -> (ActorRef<File>, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen { bytes: content.to_vec(), ..Seen::default() }));
    (system.spawn::<File>((seen.clone(), room)).await.unwrap(), seen)
}

const TEXT: &[u8] = b"In a hole in the ground there lived a process.\nNot a nasty one.\n";

#[test]
fn what_is_copied_into_an_actor_comes_out_again_in_pieces_of_any_size() {
    on_each(Clock::Virtual, async |system| {
        for chunk in [1, 7, 8, 1000] {
            let (file, seen) = file(&system, b"", usize::MAX).await;
            assert_eq!(copy(Cursor::new(TEXT), &file, size(chunk)).await, Ok(TEXT.len() as u64));
            let got = seen.lock().unwrap().clone();
            assert_eq!((&got.bytes[..], got.longest), (TEXT, chunk.min(TEXT.len())));
            assert!(got.is_closed && got.flushes == 1);
            let mut lines = ActorReader::new(&file, size(chunk));
            let (mut first, mut rest) = (String::new(), String::new());
            lines.read_line(&mut first).await.unwrap();
            lines.read_to_string(&mut rest).await.unwrap();
            assert_eq!([first, rest].concat().as_bytes(), TEXT);
        }
    });
}

#[test]
fn an_error_of_the_actor_is_one_of_the_writer_or_reader_with_its_kind() {
    on_each(Clock::Virtual, async |system| {
        let (file, _) = file(&system, b"", 10).await;
        let mut writer = ActorWriter::new(&file, size(4));
        let error = writer.write_all(TEXT).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::StorageFull, "disk full".into()));
        assert_eq!(copy(Cursor::new(TEXT), &file, size(4)).await, Err(Exit::error("disk full")));
        let mut all = Vec::new();
        let mut reader = ActorReader::new(&file, size(3));
        writer.write_all(b"ab").await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(reader.read_to_end(&mut all).await.unwrap_err().to_string(), "bad sector");
        assert_eq!(all.len(), 10, "what came before is there");
    });
}

#[test]
fn bytes_of_two_incarnations_are_never_mixed() {
    on_each(Clock::Virtual, async |system| {
        let (file, seen) = file(&system, TEXT, usize::MAX).await;
        let mut reader = ActorReader::new(&file, size(5));
        let mut writer = ActorWriter::new(&file, size(5));
        reader.read_exact(&mut [0; 5]).await.unwrap();
        writer.write_all(b"12345").await.unwrap();
        writer.flush().await.unwrap();
        system.stop(file.pid().unwrap(), Exit::Shutdown).await.unwrap();
        let gone = |error: io::Error| (error.kind(), error.to_string());
        let nobody = (ErrorKind::NotConnected, "noproc: there is no such actor".to_string());
        assert_eq!(gone(reader.read(&mut [0; 5]).await.unwrap_err()), nobody);
        system.start(&file, (seen, usize::MAX)).await.unwrap();
        let other = (ErrorKind::ConnectionReset, "the callee ended: shutdown".to_string());
        assert_eq!(gone(reader.read(&mut [0; 5]).await.unwrap_err()), other);
        writer.write_all(b"678").await.unwrap_or_default();
        assert_eq!(gone(writer.flush().await.unwrap_err()), other);
    });
}

/// Never answers.
struct Stuck;

impl Actor for Stuck {
    type Args = ();
    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Stuck)
    }
}

macro_rules! never {
    ($($message:ty => $reply:ty),*) => { $(
        impl Handle<$message> for Stuck {
            async fn handle(&mut self, _: $message, _: &mut Cx<Self>) -> $reply {
                std::future::pending().await
            }
        }
    )* };
}
never! { WriteBytes => io::Result<()>, FlushBytes => io::Result<()>, CloseBytes => io::Result<()> }

#[test]
fn a_writer_takes_one_chunk_and_no_more_until_that_is_handled() {
    on_each(Clock::Virtual, async |system| {
        let stuck = system.spawn::<Stuck>(()).await.unwrap();
        let mut writer = ActorWriter::new(&stuck, size(5));
        assert_eq!(writer.write(TEXT).now_or_never().unwrap().unwrap(), 5);
        assert!(writer.write(TEXT).now_or_never().is_none());
        assert!(writer.flush().now_or_never().is_none());
        assert!(writer.close().now_or_never().is_none());
        system.kill(stuck.pid().unwrap());
        assert_eq!(writer.write(TEXT).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn what_a_copy_fails_with_is_the_exit_reason_of_its_task() {
    on_each(Clock::Virtual, async |system| {
        let (file, _) = file(&system, b"", 10).await;
        let to = file.clone();
        let pump = system.spawn_task(|_: Inbox<NoMessage>| async move {
            copy(Cursor::new(TEXT), &to, size(4)).await.map(drop)
        });
        let pump = pump.await.unwrap();
        until(|| !pump.is_alive()).await;
        assert_eq!(pump.last_exit(), Some(Exit::error("disk full")));
    });
}

/// Chunks, as messages, by `Cx::attach`.
struct Chunk(Option<io::Result<Vec<u8>>>);

impl Message for Chunk {
    type Reply = ();
}

struct Gatherer(Arc<Mutex<Vec<u8>>>);

impl Actor for Gatherer {
    type Args = Arc<Mutex<Vec<u8>>>;
    async fn init(to: Self::Args, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        cx.attach(Box::pin(chunks(Cursor::new(TEXT), size(5))), Chunk);
        Ok(Gatherer(to))
    }
}

impl Handle<Chunk> for Gatherer {
    async fn handle(&mut self, Chunk(chunk): Chunk, cx: &mut Cx<Self>) {
        match chunk {
            Some(Ok(bytes)) => self.0.lock().unwrap().extend(bytes),
            Some(Err(error)) => cx.stop(error.into()),
            None => cx.stop(Exit::Normal),
        }
    }
}

#[test]
fn a_reader_can_be_attached_to_an_actor() {
    on_each(Clock::Virtual, async |system| {
        let got = Arc::default();
        let gatherer = system.spawn::<Gatherer>(Arc::clone(&got)).await.unwrap();
        until(|| !gatherer.is_alive()).await;
        assert_eq!(*got.lock().unwrap(), TEXT);
    });
}
